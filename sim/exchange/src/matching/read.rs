//! What may be asked of the engine between commands.

use super::{AccountId, CrossKind, Lifetime, Matching, Order, Owner};
use tercel_types::{InstrumentId, Level, OrderRef, Price, Side, Symbol, TradingState};

/// What a cross would do now (ITCH 5.0 §4.6, net order imbalance indicator).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Indicative {
    /// Shares that would trade at the reference price.
    pub paired: u64,
    /// Shares left over at the reference price.
    pub imbalance: u64,
    /// The side of those shares.
    pub side: Option<Side>,
    /// Price of a cross of orders meant for this cross only; zero if none would trade.
    pub far: Price,
    /// Price of a cross of all orders; zero if none would trade.
    pub near: Price,
    /// The near price kept within the displayed touch while that is not crossed; without a near
    /// price, what the engine measures crosses against.
    pub reference: Price,
}

/// The part of the market that order flow may see.
pub trait MarketRead {
    /// Best displayed price of a side.
    fn touch(&self, instrument: InstrumentId, side: Side) -> Option<Price>;
    /// Trading state; `Unknown` for an instrument that is not listed.
    fn state(&self, instrument: InstrumentId) -> TradingState;
    /// Open orders of an account in an instrument, oldest first.
    fn orders_of(&self, account: AccountId, instrument: InstrumentId) -> &[OrderRef];
    /// An open order.
    fn order(&self, order_ref: OrderRef) -> Option<&Order>;
}

impl MarketRead for Matching {
    fn touch(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        self.books.get(instrument)?.touch(side)
    }

    fn state(&self, instrument: InstrumentId) -> TradingState {
        self.books.get(instrument).map_or(TradingState::Unknown, |book| book.state)
    }

    fn orders_of(&self, account: AccountId, instrument: InstrumentId) -> &[OrderRef] {
        self.books.get(instrument).map_or(&[], |book| book.orders_of(account))
    }

    fn order(&self, order_ref: OrderRef) -> Option<&Order> {
        self.orders.get(order_ref)
    }
}

impl Matching {
    /// The listed instruments, by number.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> + '_ {
        self.books.instruments()
    }

    /// Symbol of a listed instrument.
    pub fn symbol(&self, instrument: InstrumentId) -> Option<Symbol> {
        self.books.get(instrument).map(|book| book.symbol)
    }

    /// Reason letters of the last change of state, spaces before any.
    pub fn state_reason(&self, instrument: InstrumentId) -> [u8; 4] {
        self.books.get(instrument).map_or([b' '; 4], |book| book.reason)
    }

    /// Price of the last trade or cross, else the listing's reference.
    pub fn reference(&self, instrument: InstrumentId) -> Option<Price> {
        self.books.get(instrument).map(|book| book.reference)
    }

    /// An account's open order by the account's number of it.
    pub fn find(&self, owner: Owner) -> Option<&Order> {
        self.orders.find(owner)
    }

    /// Open orders, waiting ones included.
    pub fn orders_open(&self) -> usize {
        self.orders.len()
    }

    /// All open orders of an account, by instrument and then oldest first.
    pub fn account_orders(&self, account: AccountId) -> impl Iterator<Item = &Order> + '_ {
        let listed = self.books.instruments();
        let refs = listed.flat_map(move |instrument| self.orders_of(account, instrument));
        refs.filter_map(|order_ref| self.orders.get(*order_ref))
    }

    /// Displayed orders of an instrument in priority order, bids before asks: what a snapshot
    /// sends.
    pub fn displayed_orders(&self, instrument: InstrumentId) -> impl Iterator<Item = &Order> + '_ {
        [Side::Buy, Side::Sell].into_iter().flat_map(move |side| self.displayed(instrument, side))
    }

    /// Displayed orders of one side in priority order.
    pub fn displayed(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = &Order> + '_ {
        let book = self.books.get(instrument).into_iter();
        book.flat_map(move |book| book.displayed(side, &self.orders))
    }

    /// All resting orders of one side, hidden ones too, in the order in which they would trade.
    pub fn resting(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> impl Iterator<Item = &Order> + '_ {
        let book = self.books.get(instrument).into_iter();
        book.flat_map(move |book| book.resting(side, &self.orders))
    }

    /// Orders that wait for a cross, oldest first.
    pub fn waiting(&self, instrument: InstrumentId) -> impl Iterator<Item = &Order> + '_ {
        self.books.get(instrument).into_iter().flat_map(|book| book.waiting(&self.orders))
    }

    /// Displayed price levels of one side, best first.
    pub fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> + '_ {
        let mut orders = self.displayed(instrument, side).peekable();
        std::iter::from_fn(move || {
            let price = orders.peek()?.price();
            let mut level = Level { price, qty: 0, orders: 0 };
            while let Some(order) = orders.next_if(|order| order.price() == price) {
                level.qty += u64::from(order.open.0);
                level.orders += 1;
            }
            Some(level)
        })
    }

    /// What a cross would do now; `None` for an instrument that is not listed.
    pub fn indicative(&self, instrument: InstrumentId, kind: CrossKind) -> Option<Indicative> {
        let book = self.books.get(instrument)?;
        let only = match kind {
            CrossKind::Opening => Some(Lifetime::OnOpen),
            CrossKind::Closing => Some(Lifetime::OnClose),
            CrossKind::Reopening => None,
        };
        let meant = |order: &Order| Some(order.terms.lifetime) == only;
        let part = |order: &Order| order.terms.lifetime == Lifetime::Day || meant(order);
        let all = book.interest(&self.orders, part);
        let price = |clearing: Option<super::Clearing>| clearing.map_or(Price(0), |c| c.price);
        let near = price(all.clear(book.increment, book.reference));
        let far = price(self.clearing(instrument, meant));
        let reference = match (near, book.touch(Side::Buy), book.touch(Side::Sell)) {
            (Price(0), _, _) => book.reference,
            (near, Some(bid), Some(ask)) if bid < ask => near.clamp(bid, ask),
            (near, _, _) => near,
        };
        let at = all.at(reference);
        let (paired, imbalance, side) = (at.paired(), at.imbalance(), at.heavy_side());
        Some(Indicative { paired, imbalance, side, far, near, reference })
    }
}
