//! What an arrival does: the mix of orders in one symbol.

use super::SymbolFlow;
use super::value::{Value, normal};
use crate::matching::{AccountId, Command, Increment, MarketRead, NewOrder, Owner, QTY_MAX, Terms};
use rand::Rng;
use std::collections::VecDeque;
use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, TradingState, UserRef};

/// Highest initial price: twice that and the levels above are still prices of the engine.
pub(super) const VALUE_MAX: Price = Price(900_000_000);

/// Shares of arrivals by what they do; the rest, 0.78, are adds and cancels.
const MARKET: f64 = 0.12;
const REPLACE: f64 = 0.06;
const REDUCE: f64 = 0.04;
/// Share of adds that are hidden, and of adds that trade when their price allows it instead of
/// stepping back.
const HIDDEN: f64 = 0.03;
const AGGRESSIVE: f64 = 0.2;
/// Share of orders that are odd lots.
const ODD_LOT: f64 = 0.15;

/// Hands out the account's order numbers.
pub(super) struct Names<'a> {
    account: AccountId,
    last: &'a mut u32,
}

/// All background participants of one symbol.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    symbol: SymbolFlow,
    increment: Increment,
    value: Value,
}

impl<'a> Names<'a> {
    pub(super) fn new(account: AccountId, last: &'a mut u32) -> Names<'a> {
        Names { account, last }
    }

    fn next(&mut self) -> Owner {
        // At 20,000 orders a second it comes around after two and a half days.
        *self.last = self.last.wrapping_add(1);
        Owner { account: self.account, user_ref: UserRef(*self.last) }
    }
}

impl Participant {
    pub(super) fn new(symbol: &SymbolFlow, start: Nanos) -> Participant {
        Participant {
            symbol: *symbol,
            increment: Increment { step: symbol.increment },
            value: Value::new(symbol, start),
        }
    }

    pub(super) fn instrument(&self) -> InstrumentId {
        self.symbol.instrument
    }

    pub(super) fn value(&self) -> f64 {
        self.value.value()
    }

    /// Orders for an empty book: evenly over the levels, to the target number.
    pub(super) fn fill_book(
        &self,
        names: &mut Names<'_>,
        rng: &mut impl Rng,
        out: &mut VecDeque<Command>,
    ) {
        for n in 0..self.symbol.orders {
            let side = if n % 2 == 0 { Side::Buy } else { Side::Sell };
            let level = (n / 2) % self.symbol.levels;
            let price = self.price_at(side, 0.75 + f64::from(level));
            out.push_back(self.enter(side, Terms::limit(price, self.size(rng)), names));
        }
    }

    /// One arrival at `time`; nothing while the symbol has no trading state.
    pub(super) fn act(
        &mut self,
        time: Nanos,
        market: &impl MarketRead,
        names: &mut Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<Command> {
        self.value.advance(time, rng);
        let trading = match market.state(self.symbol.instrument) {
            TradingState::Unknown => return None,
            state => state == TradingState::Trading,
        };
        let open = market.orders_of(names.account, self.symbol.instrument).len();
        let crowding = open as f64 / f64::from(self.symbol.orders);
        if crowding >= 2.0 {
            return self.cancel(market, names, rng);
        }
        let side = if rng.random() { Side::Buy } else { Side::Sell };
        let missing = market.touch(self.symbol.instrument, side).is_none();
        let dice: f64 = rng.random();
        let command = if missing {
            None
        } else if dice < MARKET {
            if trading { self.take(market, names, rng) } else { None }
        } else if dice < MARKET + REPLACE {
            self.replace(market, names, rng)
        } else if dice < MARKET + REPLACE + REDUCE {
            self.reduce(market, names, rng)
        } else if rng.random::<f64>() * 2.0 < crowding {
            self.cancel(market, names, rng)
        } else {
            None
        };
        command.or_else(|| {
            let mut terms = self.resting_terms(side, trading, market, rng);
            terms.hidden = rng.random::<f64>() < HIDDEN;
            Some(self.enter(side, terms, names))
        })
    }

    fn enter(&self, side: Side, terms: Terms, names: &mut Names<'_>) -> Command {
        let (instrument, owner) = (self.symbol.instrument, names.next());
        Command::Enter(NewOrder { instrument, owner, side, terms })
    }

    /// A price that many steps outside the value, on the grid.
    fn price_at(&self, side: Side, steps: f64) -> Price {
        let exact = self.value() - side.sign() as f64 * steps * self.symbol.increment as f64;
        let exact = Price(exact.round() as i64);
        let price = match side {
            Side::Buy => self.increment.floor(exact),
            Side::Sell => self.increment.ceil(exact),
        };
        price.max(Price(self.symbol.increment.min(Price::PER_DOLLAR)))
    }

    /// A limit order outside the value, nearer levels more likely. Most step back rather than
    /// trade.
    fn resting_terms(
        &self,
        side: Side,
        trading: bool,
        market: &impl MarketRead,
        rng: &mut impl Rng,
    ) -> Terms {
        let qty = self.size(rng);
        if !trading {
            // Before a cross opinions differ, on both sides of the value.
            let steps = 3.0 * normal(rng);
            return Terms::limit(self.price_at(side, steps), qty);
        }
        let mut level = 0;
        while level + 1 < self.symbol.levels && rng.random::<f64>() < 0.75 {
            level += 1;
        }
        let steps = 0.25 + rng.random::<f64>() + f64::from(level);
        let mut price = self.price_at(side, steps);
        if let Some(far) = market.touch(self.symbol.instrument, side.opposite())
            && !side.opposite().better(price, far)
            && rng.random::<f64>() >= AGGRESSIVE
        {
            price = self.outside(side, price, far);
        }
        Terms::limit(price, qty)
    }

    /// A price that does not reach the other side's touch.
    fn outside(&self, side: Side, price: Price, far: Price) -> Price {
        match side {
            Side::Buy if price >= far => self.increment.below(far).max(Price(1)),
            Side::Sell if price <= far => self.increment.above(far),
            _ => price,
        }
    }

    /// Takes liquidity: towards the value if the touch is beyond it, else either way.
    fn take(
        &self,
        market: &impl MarketRead,
        names: &mut Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<Command> {
        let bid = market.touch(self.symbol.instrument, Side::Buy)?;
        let ask = market.touch(self.symbol.instrument, Side::Sell)?;
        let side = if self.value() > ask.0 as f64 {
            Side::Buy
        } else if self.value() < bid.0 as f64 {
            Side::Sell
        } else if rng.random() {
            Side::Buy
        } else {
            Side::Sell
        };
        let qty = self.size(rng);
        let slack = 2 * self.symbol.increment;
        let terms = match side {
            _ if rng.random::<f64>() < 0.25 => Terms::market(qty),
            Side::Buy => Terms::immediate(self.increment.floor(Price(ask.0 + slack)), qty),
            Side::Sell => Terms::immediate(self.increment.ceil(Price((bid.0 - slack).max(1))), qty),
        };
        Some(self.enter(side, terms, names))
    }

    /// The farther from the value of two random orders.
    fn pick<'a, M: MarketRead>(
        &self,
        market: &'a M,
        names: &Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<&'a crate::matching::Order> {
        let open = market.orders_of(names.account, self.symbol.instrument);
        if open.is_empty() {
            return None;
        }
        let mut draw = || market.order(open[rng.random_range(0..open.len())]);
        let (one, two) = (draw()?, draw()?);
        let distance = |price: Price| (price.0 as f64 - self.value()).abs();
        Some(if distance(one.price()) > distance(two.price()) { one } else { two })
    }

    fn cancel(
        &self,
        market: &impl MarketRead,
        names: &Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<Command> {
        self.pick(market, names, rng).map(|order| Command::Cancel { owner: order.owner })
    }

    fn reduce(
        &self,
        market: &impl MarketRead,
        names: &Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<Command> {
        let order = self.pick(market, names, rng)?;
        (order.open > Qty(1))
            .then_some(Command::Reduce { owner: order.owner, qty: Qty(order.open.0 / 2) })
    }

    fn replace(
        &self,
        market: &impl MarketRead,
        names: &mut Names<'_>,
        rng: &mut impl Rng,
    ) -> Option<Command> {
        let order = self.pick(market, names, rng)?;
        let trading = market.state(self.symbol.instrument) == TradingState::Trading;
        let mut terms = self.resting_terms(order.side, trading, market, rng);
        terms.hidden = order.terms.hidden;
        let user_ref = names.next().user_ref;
        Some(Command::Replace { original: order.owner, user_ref, terms })
    }

    /// One or a few round lots, sometimes an odd lot.
    fn size(&self, rng: &mut impl Rng) -> Qty {
        if rng.random::<f64>() < ODD_LOT {
            return Qty(rng.random_range(1..=self.symbol.lot));
        }
        let mut lots = 1;
        while lots < 10 && rng.random::<f64>() < 0.4 {
            lots += 1;
        }
        Qty(self.symbol.lot * lots).min(QTY_MAX)
    }
}
