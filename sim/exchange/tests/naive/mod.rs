//! The rules of the matching engine, written a second time in another way: a plain list of orders,
//! searched whole for every trade; a cross found by trying every price.

use tercel_exchange::matching::{
    Command, CrossKind, Event, Lifetime, NewOrder, Outcome, Owner, PRICE_MAX, QTY_MAX,
    RejectReason, SelfMatch, Terms,
};
use tercel_types::{CancelReason, InstrumentId, OrderRef, Price, Qty, Side, TradingState};

/// Limit prices of ordinary test orders lie here: both steps of the price grid are in it.
pub(crate) const LOW: i64 = 9_985;
pub(crate) const HIGH: i64 = 10_900;
pub(crate) const STEP: i64 = 100;

/// What both engines have to agree on, in order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Fact {
    Reject(RejectReason),
    Accept(OrderRef, Outcome),
    Replace { old: OrderRef, new: OrderRef, rests: bool, outcome: Outcome },
    Rest(OrderRef, Qty),
    Trade { maker: OrderRef, taker: OrderRef, price: Price, qty: Qty, left: [Qty; 2] },
    Cancel { order: OrderRef, qty: Qty, left: Qty, reason: CancelReason, from_book: bool },
    Fill { order: OrderRef, price: Price, qty: Qty, left: Qty },
    Cross(CrossKind, Price, u64),
    State(TradingState),
}

impl From<&Event> for Fact {
    fn from(event: &Event) -> Fact {
        match *event {
            Event::Rejected { reason, .. } => Fact::Reject(reason),
            Event::Accepted { order, outcome } => Fact::Accept(order.order_ref, outcome),
            Event::Replaced { old, new, rests, outcome } => {
                Fact::Replace { old: old.order_ref, new: new.order_ref, rests, outcome }
            }
            Event::Rested { order } => Fact::Rest(order.order_ref, order.open),
            Event::Executed(x) => Fact::Trade {
                maker: x.maker.order_ref,
                taker: x.taker.order_ref,
                price: x.price,
                qty: x.qty,
                left: [x.maker.open, x.taker.open],
            },
            Event::Canceled { order, qty, reason, from_book } => {
                let (order, left) = (order.order_ref, order.open);
                Fact::Cancel { order, qty, left, reason, from_book }
            }
            Event::CrossFilled(x) => Fact::Fill {
                order: x.order.order_ref,
                price: x.price,
                qty: x.qty,
                left: x.order.open,
            },
            Event::Crossed { kind, price, qty, .. } => Fact::Cross(kind, price, qty),
            Event::StateChanged { state, .. } => Fact::State(state),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) instrument: InstrumentId,
    pub(crate) owner: Owner,
    pub(crate) side: Side,
    pub(crate) terms: Terms,
    pub(crate) open: u32,
}

#[derive(Clone, Debug)]
struct Instrument {
    id: InstrumentId,
    state: TradingState,
    last: i64,
    opened: bool,
    closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) orders: Vec<Order>,
    instruments: Vec<Instrument>,
    numbers: u64,
    orders_max: usize,
}

impl Order {
    fn waits(&self) -> bool {
        self.terms.price.is_none() || self.is_on_cross()
    }

    fn is_on_cross(&self) -> bool {
        self.terms.lifetime == Lifetime::OnOpen || self.terms.lifetime == Lifetime::OnClose
    }

    fn accepts(&self, price: i64) -> bool {
        match (self.terms.price, self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit.0,
            (Some(limit), Side::Sell) => price >= limit.0,
        }
    }

    /// Sorts before another order of its side if it trades before it.
    fn priority(&self) -> (i64, u8, u64) {
        let price = match (self.terms.price, self.side) {
            (None, _) => i64::MIN,
            (Some(limit), Side::Buy) => -limit.0,
            (Some(limit), Side::Sell) => limit.0,
        };
        (price, u8::from(self.terms.hidden || self.waits()), self.number)
    }

    fn in_cross(&self, kind: CrossKind) -> bool {
        match self.terms.lifetime {
            Lifetime::OnOpen => kind == CrossKind::Opening,
            Lifetime::OnClose => kind == CrossKind::Closing,
            _ => true,
        }
    }
}

impl Naive {
    pub(crate) fn new(
        instruments: &[(InstrumentId, Price, TradingState)],
        orders_max: usize,
    ) -> Naive {
        let listed = instruments.iter().map(|&(id, reference, state)| Instrument {
            id,
            state,
            last: reference.0,
            opened: false,
            closed: false,
        });
        Naive { orders: Vec::new(), instruments: listed.collect(), numbers: 0, orders_max }
    }

    fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.id == id)
    }

    fn instrument_mut(&mut self, id: InstrumentId) -> &mut Instrument {
        self.instruments.iter_mut().find(|instrument| instrument.id == id).expect("listed")
    }

    fn position(&self, owner: Owner) -> Option<usize> {
        self.orders.iter().position(|order| order.owner == owner)
    }

    /// Orders of an instrument's side that are on the book, in the order in which they trade.
    pub(crate) fn book(&self, id: InstrumentId, side: Side) -> Vec<Order> {
        let on_book = |o: &&Order| o.instrument == id && o.side == side && !o.waits();
        let mut book: Vec<Order> = self.orders.iter().filter(on_book).copied().collect();
        book.sort_by_key(Order::priority);
        book
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Vec<Fact> {
        let mut facts = Vec::new();
        let result = match *command {
            Command::Enter(new) => self.enter(&new, &mut facts),
            Command::Cancel { owner } => self.reduce(owner, 0, &mut facts),
            Command::Reduce { owner, qty } => self.reduce(owner, qty.0, &mut facts),
            Command::Replace { original, user_ref, terms } => {
                let owner = Owner { account: original.account, user_ref };
                self.replace(original, owner, terms, &mut facts)
            }
            Command::SetState { instrument, state, .. } => {
                self.set_state(instrument, state, &mut facts)
            }
            Command::Cross { instrument, kind } => self.cross(instrument, kind, &mut facts),
            Command::Expire { instrument } => self.expire(instrument, &mut facts),
        };
        if let Err(reason) = result {
            assert!(facts.is_empty());
            facts.push(Fact::Reject(reason));
        }
        facts
    }

    fn check(&self, id: InstrumentId, owner: Owner, terms: &Terms) -> Result<(), RejectReason> {
        let instrument = self.instrument(id).ok_or(RejectReason::UnknownInstrument)?;
        let price = terms.price.map_or(PRICE_MAX.0, |price| price.0);
        let on_cross = matches!(terms.lifetime, Lifetime::OnOpen | Lifetime::OnClose);
        let immediate = terms.lifetime == Lifetime::Immediate;
        let late = terms.lifetime == Lifetime::OnOpen && instrument.opened
            || terms.lifetime == Lifetime::OnClose && instrument.closed;
        let rules = [
            (self.position(owner).is_some(), RejectReason::UserRefInUse),
            (terms.qty.0 == 0, RejectReason::ZeroQty),
            (terms.qty.0 > QTY_MAX.0, RejectReason::QtyTooLarge),
            (!(1..=PRICE_MAX.0).contains(&price), RejectReason::Price),
            (price >= 10_000 && price % STEP != 0, RejectReason::Increment),
            (terms.qty_min > terms.qty, RejectReason::MinimumQty),
            (terms.qty_min.0 > 0 && !immediate, RejectReason::MinimumQty),
            (terms.post_only && (immediate || on_cross), RejectReason::Terms),
            (terms.post_only && terms.price.is_none(), RejectReason::Terms),
            (instrument.state == TradingState::Unknown, RejectReason::NotOpen),
            (late, RejectReason::TooLate),
        ];
        rules.iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, reason)| Err(*reason))
    }

    fn enter(&mut self, new: &NewOrder, facts: &mut Vec<Fact>) -> Result<(), RejectReason> {
        self.check(new.instrument, new.owner, &new.terms)?;
        if self.orders.len() >= self.orders_max {
            return Err(RejectReason::Full);
        }
        let order = self.number(new.instrument, new.owner, new.side, new.terms);
        let outcome = self.outcome(&order);
        facts.push(Fact::Accept(OrderRef(order.number), outcome));
        if outcome == Outcome::Live {
            self.go(order, true, facts);
        }
        Ok(())
    }

    fn replace(
        &mut self,
        original: Owner,
        owner: Owner,
        terms: Terms,
        facts: &mut Vec<Fact>,
    ) -> Result<(), RejectReason> {
        let at = self.position(original).ok_or(RejectReason::UnknownOrder)?;
        let old = self.orders[at];
        self.check(old.instrument, owner, &terms)?;
        self.orders.remove(at);
        let order = self.number(old.instrument, owner, old.side, terms);
        let outcome = self.outcome(&order);
        let trades = self.is_trading(order.instrument)
            && !order.is_on_cross()
            && self.best_for(&order).is_some();
        let rests = outcome == Outcome::Live && !trades && !order.waits();
        let (old, new) = (OrderRef(old.number), OrderRef(order.number));
        facts.push(Fact::Replace { old, new, rests, outcome });
        if outcome == Outcome::Live {
            self.go(order, !rests, facts);
        }
        Ok(())
    }

    fn number(
        &mut self,
        instrument: InstrumentId,
        owner: Owner,
        side: Side,
        terms: Terms,
    ) -> Order {
        self.numbers += 1;
        Order { number: self.numbers, instrument, owner, side, terms, open: terms.qty.0 }
    }

    fn is_trading(&self, id: InstrumentId) -> bool {
        self.instrument(id).is_some_and(|i| i.state == TradingState::Trading)
    }

    fn best_for(&self, order: &Order) -> Option<Order> {
        let best = self.book(order.instrument, order.side.opposite()).first().copied()?;
        order.accepts(best.terms.price?.0).then_some(best)
    }

    fn outcome(&self, order: &Order) -> Outcome {
        let immediate = order.terms.lifetime == Lifetime::Immediate;
        if order.is_on_cross() {
            return Outcome::Live;
        }
        if !self.is_trading(order.instrument) {
            let dead = Outcome::Dead(CancelReason::Halted);
            return if immediate { dead } else { Outcome::Live };
        }
        if self.best_for(order).is_none() {
            let dies = immediate || order.terms.price.is_none();
            return if dies { Outcome::Dead(CancelReason::Immediate) } else { Outcome::Live };
        }
        if order.terms.post_only {
            return Outcome::Dead(CancelReason::PostOnly);
        }
        // Would it trade its minimum? Try it on a copy of the market.
        let mut copy = self.clone();
        let mut facts = Vec::new();
        copy.go(*order, true, &mut facts);
        let traded = facts.iter().map(|fact| match fact {
            Fact::Trade { qty, .. } => qty.0,
            _ => 0,
        });
        let enough = traded.sum::<u32>() >= order.terms.qty_min.0;
        if enough { Outcome::Live } else { Outcome::Dead(CancelReason::Immediate) }
    }

    /// Trades an order if it can, and rests or cancels what is left.
    fn go(&mut self, mut order: Order, announce: bool, facts: &mut Vec<Fact>) {
        let taker = OrderRef(order.number);
        let continuous = self.is_trading(order.instrument) && !order.is_on_cross();
        let mut stopped = None;
        while continuous && order.open > 0 && stopped.is_none() {
            let Some(best) = self.best_for(&order) else { break };
            let own = best.owner.account == order.owner.account;
            match order.terms.self_match {
                SelfMatch::CancelNewest if own => stopped = Some(CancelReason::SelfMatch),
                SelfMatch::CancelOldest if own => {
                    self.take_off(best.number, best.open, CancelReason::SelfMatch, facts);
                }
                _ => {
                    let qty = best.open.min(order.open);
                    order.open -= qty;
                    let left = [Qty(self.subtract(best.number, qty)), Qty(order.open)];
                    let price = best.terms.price.expect("a limit");
                    self.instrument_mut(order.instrument).last = price.0;
                    let maker = OrderRef(best.number);
                    facts.push(Fact::Trade { maker, taker, price, qty: Qty(qty), left });
                }
            }
        }
        if order.open == 0 {
            return;
        }
        let dies = continuous
            && (order.terms.lifetime == Lifetime::Immediate || order.terms.price.is_none());
        if dies || stopped.is_some() {
            let reason = stopped.unwrap_or(CancelReason::Immediate);
            let (qty, left) = (Qty(order.open), Qty(0));
            facts.push(Fact::Cancel { order: taker, qty, left, reason, from_book: false });
            return;
        }
        self.orders.push(order);
        if announce && !order.waits() {
            facts.push(Fact::Rest(taker, Qty(order.open)));
        }
    }

    /// What is left of an order after `qty` shares; it is removed with the last.
    fn subtract(&mut self, number: u64, qty: u32) -> u32 {
        let at = self.orders.iter().position(|o| o.number == number).expect("it is there");
        self.orders[at].open -= qty;
        let left = self.orders[at].open;
        if left == 0 {
            self.orders.remove(at);
        }
        left
    }

    fn take_off(&mut self, number: u64, qty: u32, reason: CancelReason, facts: &mut Vec<Fact>) {
        let waits = self.orders.iter().any(|o| o.number == number && o.waits());
        let left = Qty(self.subtract(number, qty));
        let order = OrderRef(number);
        facts.push(Fact::Cancel { order, qty: Qty(qty), left, reason, from_book: !waits });
    }

    fn reduce(&mut self, owner: Owner, to: u32, facts: &mut Vec<Fact>) -> Result<(), RejectReason> {
        let at = self.position(owner).ok_or(RejectReason::UnknownOrder)?;
        let Order { number, open, .. } = self.orders[at];
        if to >= open {
            return Err(RejectReason::QtyTooLarge);
        }
        self.take_off(number, open - to, CancelReason::User, facts);
        Ok(())
    }

    fn set_state(
        &mut self,
        id: InstrumentId,
        state: TradingState,
        facts: &mut Vec<Fact>,
    ) -> Result<(), RejectReason> {
        self.instrument(id).ok_or(RejectReason::UnknownInstrument)?;
        if state == TradingState::Unknown {
            return Err(RejectReason::NotOpen);
        }
        if state == TradingState::Trading && !self.is_trading(id) {
            self.uncross(id, CrossKind::Reopening, facts);
            facts.retain(|fact| !matches!(fact, Fact::Cross(_, _, 0)));
        }
        self.instrument_mut(id).state = state;
        facts.push(Fact::State(state));
        Ok(())
    }

    fn cross(
        &mut self,
        id: InstrumentId,
        kind: CrossKind,
        facts: &mut Vec<Fact>,
    ) -> Result<(), RejectReason> {
        let instrument = self.instrument(id).ok_or(RejectReason::UnknownInstrument)?;
        if instrument.state == TradingState::Unknown {
            return Err(RejectReason::NotOpen);
        }
        let again = match kind {
            CrossKind::Opening => instrument.opened,
            CrossKind::Closing => instrument.closed,
            CrossKind::Reopening => false,
        };
        if again {
            return Err(RejectReason::TooLate);
        }
        self.uncross(id, kind, facts);
        let instrument = self.instrument_mut(id);
        instrument.opened |= kind == CrossKind::Opening;
        instrument.closed |= kind == CrossKind::Closing;
        if kind != CrossKind::Closing && instrument.state != TradingState::Trading {
            instrument.state = TradingState::Trading;
            facts.push(Fact::State(TradingState::Trading));
        }
        Ok(())
    }

    fn uncross(&mut self, id: InstrumentId, kind: CrossKind, facts: &mut Vec<Fact>) {
        let inside = |order: &&Order| order.instrument == id && order.in_cross(kind);
        let everyone: Vec<Order> = self.orders.iter().filter(inside).copied().collect();
        let last = self.instrument(id).expect("listed").last;
        let best = best_price(&everyone, last);
        if let Some((price, paired)) = best {
            for side in [Side::Buy, Side::Sell] {
                let mut queue: Vec<Order> = everyone
                    .iter()
                    .filter(|order| order.side == side && order.accepts(price))
                    .copied()
                    .collect();
                queue.sort_by_key(Order::priority);
                let mut left = paired;
                for order in queue {
                    let qty = u64::from(order.open).min(left) as u32;
                    left -= u64::from(qty);
                    if qty > 0 {
                        let after = Qty(self.subtract(order.number, qty));
                        let (order, price) = (OrderRef(order.number), Price(price));
                        facts.push(Fact::Fill { order, price, qty: Qty(qty), left: after });
                    }
                }
            }
            self.instrument_mut(id).last = price;
        }
        let (price, paired) = best.unwrap_or((0, 0));
        facts.push(Fact::Cross(kind, Price(price), paired));
        let over = |order: &&Order| {
            order.instrument == id
                && order.waits()
                && order.in_cross(kind)
                && !(order.terms.lifetime == Lifetime::Day && kind == CrossKind::Closing)
        };
        let over: Vec<Order> = self.orders.iter().filter(over).copied().collect();
        for order in over {
            self.take_off(order.number, order.open, CancelReason::Timeout, facts);
        }
    }

    fn expire(&mut self, id: InstrumentId, facts: &mut Vec<Fact>) -> Result<(), RejectReason> {
        self.instrument(id).ok_or(RejectReason::UnknownInstrument)?;
        let mut all = self.book(id, Side::Buy);
        all.extend(self.book(id, Side::Sell));
        all.extend(self.orders.iter().filter(|o| o.instrument == id && o.waits()));
        for order in all {
            self.take_off(order.number, order.open, CancelReason::Timeout, facts);
        }
        Ok(())
    }
}

/// Price and shares of the best cross, by trying every price that may matter: all that lie near
/// ordinary limits and the reference, and those at both ends of what the engine takes. Between them
/// nothing changes but the distance.
pub(crate) fn best_price(orders: &[Order], reference: i64) -> Option<(i64, u64)> {
    let near = (LOW - 300)..=(HIGH + 300);
    let ends = [1, 2, PRICE_MAX.0 - STEP, PRICE_MAX.0];
    let on_grid = |price: &i64| *price < 10_000 || price % STEP == 0;
    let mut best = None;
    for price in near.chain(ends).filter(on_grid) {
        let shares = |side: Side| -> u64 {
            let accepting = orders.iter().filter(|o| o.side == side && o.accepts(price));
            accepting.map(|order| u64::from(order.open)).sum()
        };
        let (demand, supply) = (shares(Side::Buy), shares(Side::Sell));
        let paired = demand.min(supply);
        let score = (u64::MAX - paired, demand.abs_diff(supply), price.abs_diff(reference), price);
        if paired > 0 && best.is_none_or(|(least, _, _)| score < least) {
            best = Some((score, price, paired));
        }
    }
    best.map(|(_, price, paired)| (price, paired))
}
