//! The matching engine: price-time priority, displayed before hidden at a price, for many
//! instruments.
//!
//! Written to be evidently right and independent of the host's book, so that one bug cannot cancel
//! itself out. It does no I/O and reads no clock: [`Matching::apply`] takes one [`Command`] and
//! appends the [`Event`]s it caused, from which the venue makes market data and order entry
//! messages. Same commands, same events.
//!
//! Rules worth knowing:
//! - Order numbers and match numbers grow strictly over the whole market, and an order number is
//!   never used again.
//! - Outside continuous trading (halted, paused, quotation only) day orders are accepted and rest,
//!   displayed, for the next cross, so the displayed book may cross; immediate orders are accepted
//!   dead.
//! - A change to trading goes through a reopening cross, so that a continuous book is never
//!   crossed.
//! - A replace whose terms are rejected leaves its original alone.
//! - A cross fills market orders, then better prices, displayed before hidden, then older;
//!   self-match policies do not apply in it. On-open and on-close orders, and market orders that
//!   waited, are canceled if their cross leaves them.

mod auction;
mod book;
mod command;
mod cross;
mod event;
mod read;
mod store;

pub use command::{AccountId, Command, CrossKind, Lifetime, NewOrder, Owner, SelfMatch, Terms};
pub use cross::{Clearing, Increment, Interest};
pub use event::{CrossFill, Event, Execution, Liquidity, Order, Outcome, RejectReason, Request};
pub use read::{Indicative, MarketRead};

use book::{Book, Books};
use store::{Slot, Store};
use tercel_types::{
    CancelReason, InstrumentId, MatchNumber, OrderRef, Price, Qty, Symbol, TradingState,
};

/// Highest price an order may have: $199,999.99, as in OUCH.
pub const PRICE_MAX: Price = Price(1_999_999_900);
/// Most shares an order may have: fewer than a million, as in OUCH.
pub const QTY_MAX: Qty = Qty(999_999);

/// An instrument to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listing {
    /// Its number.
    pub instrument: InstrumentId,
    /// Its symbol.
    pub symbol: Symbol,
    /// Price step at a dollar and above, in price units; 100 is a cent. At least 1.
    pub increment: i64,
    /// Reference price of a cross before the first trade, such as the last close; zero if unknown.
    pub reference: Price,
    /// State it begins in.
    pub state: TradingState,
}

/// The engine.
#[derive(Clone, Debug)]
pub struct Matching {
    books: Books,
    orders: Store,
    orders_max: usize,
    last_order: u64,
    last_match: u64,
}

/// What becomes of an order on entry.
enum Admission {
    Match,
    Rest,
    Dead(CancelReason),
}

impl Matching {
    /// An engine without instruments that holds at most `orders_max` open orders.
    pub fn new(orders_max: usize) -> Matching {
        Matching {
            books: Books::default(),
            orders: Store::default(),
            orders_max,
            last_order: 0,
            last_match: 0,
        }
    }

    /// Lists an instrument; `false`, and nothing done, if its number is taken or its increment is
    /// not positive.
    pub fn list(&mut self, listing: &Listing) -> bool {
        if listing.increment < 1 {
            return false;
        }
        let increment = Increment { step: listing.increment };
        let mut book = Book::new(listing.symbol, increment, listing.reference);
        book.state = listing.state;
        self.books.list(listing.instrument, book)
    }

    /// Does one command and appends what happened to `out`.
    pub fn apply(&mut self, command: &Command, out: &mut Vec<Event>) {
        let (owner, request, result) = match *command {
            Command::Enter(new) => (new.owner, Request::Enter, self.enter(&new, out)),
            Command::Cancel { owner } => (owner, Request::Cancel, self.cancel(owner, out)),
            Command::Reduce { owner, qty } => {
                (owner, Request::Reduce, self.reduce(owner, qty, out))
            }
            Command::Replace { original, user_ref, terms } => {
                let owner = Owner { account: original.account, user_ref };
                (owner, Request::Replace, self.replace(original, owner, terms, out))
            }
            Command::SetState { instrument, state, reason } => {
                let result = self.set_state(instrument, state, reason, out);
                (Owner::default(), Request::Market, result)
            }
            Command::Cross { instrument, kind } => {
                (Owner::default(), Request::Market, self.cross(instrument, kind, out))
            }
            Command::Expire { instrument } => {
                (Owner::default(), Request::Market, self.expire(instrument, out))
            }
        };
        if let Err(reason) = result {
            out.push(Event::Rejected { owner, request, reason });
        }
    }

    fn enter(&mut self, new: &NewOrder, out: &mut Vec<Event>) -> Result<(), RejectReason> {
        self.check(new.instrument, new.owner, &new.terms)?;
        if self.orders.len() >= self.orders_max {
            return Err(RejectReason::Full);
        }
        let order = Order {
            order_ref: self.number(),
            instrument: new.instrument,
            owner: new.owner,
            side: new.side,
            terms: new.terms,
            open: new.terms.qty,
            executed: 0,
        };
        let admission = self.admit(&order);
        let outcome = admission.outcome();
        let order_then = Order { open: outcome.open(order.open), ..order };
        out.push(Event::Accepted { order: order_then, outcome });
        match admission {
            Admission::Match => self.trade(order, out),
            Admission::Rest => self.rest(order, true, out),
            Admission::Dead(_) => {}
        }
        Ok(())
    }

    fn replace(
        &mut self,
        original: Owner,
        owner: Owner,
        terms: Terms,
        out: &mut Vec<Event>,
    ) -> Result<(), RejectReason> {
        let slot = self.orders.place_of(original).ok_or(RejectReason::UnknownOrder)?;
        let old = *self.orders.at(slot);
        self.check(old.instrument, owner, &terms)?;
        self.forget(slot);
        let order = Order { order_ref: self.number(), owner, terms, open: terms.qty, ..old };
        let admission = self.admit(&order);
        let outcome = admission.outcome();
        let rests = matches!(admission, Admission::Rest) && !order.waits_for_cross();
        let new = Order { open: outcome.open(order.open), ..order };
        out.push(Event::Replaced { old, new, rests, outcome });
        match admission {
            Admission::Match => self.trade(order, out),
            Admission::Rest => self.rest(order, false, out),
            Admission::Dead(_) => {}
        }
        Ok(())
    }

    fn cancel(&mut self, owner: Owner, out: &mut Vec<Event>) -> Result<(), RejectReason> {
        let slot = self.orders.place_of(owner).ok_or(RejectReason::UnknownOrder)?;
        self.cancel_at(slot, CancelReason::User, out);
        Ok(())
    }

    fn reduce(&mut self, owner: Owner, qty: Qty, out: &mut Vec<Event>) -> Result<(), RejectReason> {
        if qty == Qty::ZERO {
            return self.cancel(owner, out);
        }
        let slot = self.orders.place_of(owner).ok_or(RejectReason::UnknownOrder)?;
        let order = self.orders.at_mut(slot);
        if qty >= order.open {
            return Err(RejectReason::QtyTooLarge);
        }
        let removed = order.open.saturating_sub(qty);
        order.open = qty;
        out.push(Event::Canceled {
            order: *order,
            qty: removed,
            reason: CancelReason::User,
            from_book: !order.waits_for_cross(),
        });
        Ok(())
    }

    /// Everything that can be wrong with an order before the book is looked at.
    fn check(
        &self,
        instrument: InstrumentId,
        owner: Owner,
        terms: &Terms,
    ) -> Result<(), RejectReason> {
        let book = self.books.get(instrument).ok_or(RejectReason::UnknownInstrument)?;
        if self.orders.holds(owner) {
            return Err(RejectReason::UserRefInUse);
        }
        if terms.qty == Qty::ZERO {
            return Err(RejectReason::ZeroQty);
        }
        if terms.qty > QTY_MAX {
            return Err(RejectReason::QtyTooLarge);
        }
        if let Some(price) = terms.price {
            if price.0 <= 0 || price > PRICE_MAX {
                return Err(RejectReason::Price);
            }
            if !book.increment.holds(price) {
                return Err(RejectReason::Increment);
            }
        }
        let immediate = terms.lifetime == Lifetime::Immediate;
        if terms.qty_min > terms.qty || (terms.qty_min > Qty::ZERO && !immediate) {
            return Err(RejectReason::MinimumQty);
        }
        if terms.post_only && (terms.lifetime != Lifetime::Day || terms.price.is_none()) {
            return Err(RejectReason::Terms);
        }
        match (terms.lifetime, book.state) {
            (_, TradingState::Unknown) => Err(RejectReason::NotOpen),
            (Lifetime::OnOpen, _) if book.opened => Err(RejectReason::TooLate),
            (Lifetime::OnClose, _) if book.closed => Err(RejectReason::TooLate),
            _ => Ok(()),
        }
    }

    /// What to do with a checked order.
    fn admit(&self, order: &Order) -> Admission {
        let Some(book) = self.books.get(order.instrument) else { return Admission::Rest };
        let terms = &order.terms;
        if matches!(terms.lifetime, Lifetime::OnOpen | Lifetime::OnClose) {
            return Admission::Rest;
        }
        let immediate = terms.lifetime == Lifetime::Immediate;
        if book.state != TradingState::Trading {
            return if immediate { Admission::Dead(CancelReason::Halted) } else { Admission::Rest };
        }
        let meets = self.best_against(order).is_some();
        if meets && terms.post_only {
            return Admission::Dead(CancelReason::PostOnly);
        }
        if meets {
            let enough =
                terms.qty_min == Qty::ZERO || self.fillable(order) >= u64::from(terms.qty_min.0);
            return if enough {
                Admission::Match
            } else {
                Admission::Dead(CancelReason::Immediate)
            };
        }
        if immediate || terms.price.is_none() {
            Admission::Dead(CancelReason::Immediate)
        } else {
            Admission::Rest
        }
    }

    /// Where the resting order is that an incoming one would trade with first, within its limit.
    #[inline]
    fn best_against(&self, order: &Order) -> Option<Slot> {
        let slot = self.books.get(order.instrument)?.best(order.side.opposite())?;
        within_limit(order, self.orders.at(slot).price()).then_some(slot)
    }

    /// Shares an incoming order would trade now, its self-match policy applied.
    fn fillable(&self, order: &Order) -> u64 {
        let Some(book) = self.books.get(order.instrument) else { return 0 };
        let mut shares = 0;
        for maker in book.resting(order.side.opposite(), &self.orders) {
            if !within_limit(order, maker.price()) || shares >= u64::from(order.open.0) {
                break;
            }
            let own = maker.account() == order.account();
            match order.terms.self_match {
                SelfMatch::CancelNewest if own => break,
                SelfMatch::CancelOldest if own => {}
                _ => shares += u64::from(maker.open.0),
            }
        }
        shares.min(u64::from(order.open.0))
    }

    /// Trades an incoming order until it is filled or meets nobody, then puts away what is left.
    fn trade(&mut self, mut order: Order, out: &mut Vec<Event>) {
        while order.open > Qty::ZERO {
            let Some(slot) = self.best_against(&order) else { break };
            let maker = self.orders.at(slot);
            if maker.account() == order.account() {
                match order.terms.self_match {
                    SelfMatch::Allow => {}
                    SelfMatch::CancelNewest => {
                        return drop_incoming(order, CancelReason::SelfMatch, out);
                    }
                    SelfMatch::CancelOldest => {
                        self.cancel_at(slot, CancelReason::SelfMatch, out);
                        continue;
                    }
                }
            }
            let qty = order.open.min(maker.open);
            order.fill(qty);
            let maker = self.fill(slot, qty);
            let price = maker.price();
            if let Some(book) = self.books.get_mut(order.instrument) {
                book.reference = price;
            }
            let match_number = self.match_number();
            out.push(Event::Executed(Execution { maker, taker: order, price, qty, match_number }));
        }
        if order.open == Qty::ZERO {
            return;
        }
        if order.terms.lifetime == Lifetime::Immediate || order.terms.price.is_none() {
            drop_incoming(order, CancelReason::Immediate, out);
        } else {
            self.rest(order, true, out);
        }
    }

    /// Takes `qty` filled shares off a stored order; the order after it.
    fn fill(&mut self, slot: Slot, qty: Qty) -> Order {
        let order = self.orders.at_mut(slot);
        order.fill(qty);
        let order = *order;
        if order.open == Qty::ZERO {
            self.forget(slot);
        }
        order
    }

    /// Stores an order and puts it on the book, or into the waiting room of a cross.
    fn rest(&mut self, order: Order, announce: bool, out: &mut Vec<Event>) {
        let Some(book) = self.books.get_mut(order.instrument) else { return };
        let slot = self.orders.insert(&order);
        let on_book = book.insert(&order, slot, &mut self.orders);
        if on_book && announce {
            out.push(Event::Rested { order });
        }
    }

    /// Removes every trace of a stored order; whether it was on the book.
    fn forget(&mut self, slot: Slot) -> bool {
        let order = *self.orders.at(slot);
        let book = self.books.get_mut(order.instrument);
        let from_book = book.is_some_and(|book| book.remove(&order, slot, &mut self.orders));
        self.orders.remove(slot);
        from_book
    }

    /// As [`Matching::cancel_at`], by the market's number.
    fn cancel_ref(&mut self, order_ref: OrderRef, reason: CancelReason, out: &mut Vec<Event>) {
        if let Some(slot) = self.orders.place(order_ref) {
            self.cancel_at(slot, reason, out);
        }
    }

    /// Cancels all that is left of a stored order.
    fn cancel_at(&mut self, slot: Slot, reason: CancelReason, out: &mut Vec<Event>) {
        let order = *self.orders.at(slot);
        let from_book = self.forget(slot);
        let after = Order { open: Qty::ZERO, ..order };
        out.push(Event::Canceled { order: after, qty: order.open, reason, from_book });
    }

    fn number(&mut self) -> OrderRef {
        self.last_order += 1;
        OrderRef(self.last_order)
    }

    fn match_number(&mut self) -> MatchNumber {
        self.last_match += 1;
        MatchNumber(self.last_match)
    }
}

impl Admission {
    fn outcome(&self) -> Outcome {
        match *self {
            Admission::Match | Admission::Rest => Outcome::Live,
            Admission::Dead(reason) => Outcome::Dead(reason),
        }
    }
}

impl Outcome {
    fn open(self, qty: Qty) -> Qty {
        match self {
            Outcome::Live => qty,
            Outcome::Dead(_) => Qty::ZERO,
        }
    }
}

impl Order {
    fn fill(&mut self, qty: Qty) {
        self.open = self.open.saturating_sub(qty);
        self.executed += u64::from(qty.0);
    }
}

/// Whether an order may trade at a price.
fn within_limit(order: &Order, price: Price) -> bool {
    match order.terms.price {
        Some(limit) => !order.side.better(price, limit),
        None => true,
    }
}

/// Cancels what is left of an order that never rested.
fn drop_incoming(order: Order, reason: CancelReason, out: &mut Vec<Event>) {
    let after = Order { open: Qty::ZERO, ..order };
    out.push(Event::Canceled { order: after, qty: order.open, reason, from_book: false });
}
