//! One instrument's orders, sorted.
//!
//! Two ladders a side, displayed and hidden: the prices at which orders rest, the best at the end,
//! and at each price a line of orders, linked where they are stored, the oldest first. Order
//! numbers only grow and an order that loses its place gets another one, so who comes later stands
//! behind: the line is in order of number, which is the priority in time.
//!
//! Nearly everything happens near the best price. A price that comes or goes moves the better ones
//! by a place, a few words; an order that comes to a price where others rest, or leaves them, moves
//! nothing. Nothing allocates once the ladders have their length.

use super::command::AccountId;
use super::cross::{Increment, Interest};
use super::event::Order;
use super::store::{Slot, Store};
use std::collections::{BTreeMap, BTreeSet};
use tercel_types::{InstrumentId, OrderRef, Price, Side, Symbol, TradingState};

/// The orders at one price.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The price, negated for sells so that the better is the larger.
    rank: i64,
    first: Slot,
    last: Slot,
}

/// The lines of one side, by rank.
#[derive(Clone, Default, Debug)]
struct Ladder(Vec<Line>);

#[derive(Clone, Default, Debug)]
struct Half {
    displayed: Ladder,
    hidden: Ladder,
}

/// All of one instrument but the orders' bodies.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) symbol: Symbol,
    pub(super) increment: Increment,
    /// What a cross is measured against: the last continuous trade, else what the listing said.
    pub(super) reference: Price,
    pub(super) state: TradingState,
    pub(super) reason: [u8; 4],
    pub(super) opened: bool,
    pub(super) closed: bool,
    halves: [Half; 2],
    waiting: BTreeSet<OrderRef>,
    /// Open orders of each account, oldest first.
    accounts: BTreeMap<AccountId, Vec<OrderRef>>,
}

/// The books of the listed instruments, each found with two loads.
#[derive(Clone, Default, Debug)]
pub(super) struct Books {
    /// By instrument: where its book is, counted from 1; zero without one.
    index: Vec<u32>,
    books: Vec<Book>,
}

impl Line {
    /// Its orders, oldest first.
    fn orders(self, orders: &Store) -> impl Iterator<Item = &Order> {
        let slots = std::iter::successors(Some(self.first), |slot| orders.behind(*slot));
        slots.map(|slot| orders.at(slot))
    }
}

impl Ladder {
    /// Where a rank is, or where it would be.
    #[inline]
    fn find(&self, rank: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&rank, |line| line.rank)
    }

    /// Puts an order at the end of its line.
    #[inline]
    fn insert(&mut self, rank: i64, slot: Slot, orders: &mut Store) {
        match self.find(rank) {
            Ok(at) => {
                let line = &mut self.0[at];
                orders.follow(line.last, slot);
                line.last = slot;
            }
            Err(at) => self.0.insert(at, Line { rank, first: slot, last: slot }),
        }
    }

    /// Takes an order out of its line, and the line with its last order; whether there was one.
    #[inline]
    fn remove(&mut self, rank: i64, slot: Slot, orders: &mut Store) -> bool {
        let Ok(at) = self.find(rank) else { return false };
        let line = &mut self.0[at];
        match orders.leave(slot) {
            [Some(_), Some(_)] => {}
            [Some(ahead), None] => line.last = ahead,
            [None, Some(behind)] => line.first = behind,
            [None, None] => {
                self.0.remove(at);
            }
        }
        true
    }

    /// The line that trades first.
    #[inline]
    fn best(&self) -> Option<&Line> {
        self.0.last()
    }

    /// The lines in the order in which they trade.
    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.0.iter().rev()
    }
}

fn rank(order: &Order) -> i64 {
    order.side.sign() * order.price().0
}

impl Book {
    pub(super) fn new(symbol: Symbol, increment: Increment, reference: Price) -> Book {
        Book {
            symbol,
            increment,
            reference,
            state: TradingState::Unknown,
            reason: [b' '; 4],
            opened: false,
            closed: false,
            halves: [Half::default(), Half::default()],
            waiting: BTreeSet::new(),
            accounts: BTreeMap::new(),
        }
    }

    #[inline]
    fn ladder_of(&mut self, order: &Order) -> &mut Ladder {
        let half = &mut self.halves[order.side.index()];
        if order.terms.hidden { &mut half.hidden } else { &mut half.displayed }
    }

    /// Puts an order, stored at `slot`, where it belongs; whether that is the book, and not the
    /// waiting room of a cross.
    #[inline]
    pub(super) fn insert(&mut self, order: &Order, slot: Slot, orders: &mut Store) -> bool {
        self.accounts.entry(order.account()).or_default().push(order.order_ref);
        if order.waits_for_cross() {
            self.waiting.insert(order.order_ref);
            return false;
        }
        self.ladder_of(order).insert(rank(order), slot, orders);
        true
    }

    /// Takes an order, stored at `slot`, out; whether it was on the book.
    #[inline]
    pub(super) fn remove(&mut self, order: &Order, slot: Slot, orders: &mut Store) -> bool {
        if let Some(list) = self.accounts.get_mut(&order.account())
            && let Ok(at) = list.binary_search(&order.order_ref)
        {
            list.remove(at);
        }
        if order.waits_for_cross() {
            self.waiting.remove(&order.order_ref);
            return false;
        }
        self.ladder_of(order).remove(rank(order), slot, orders)
    }

    /// Open orders of an account, waiting ones too, oldest first.
    #[inline]
    pub(super) fn orders_of(&self, account: AccountId) -> &[OrderRef] {
        self.accounts.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Where the resting order of a side is that trades first.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<Slot> {
        let half = &self.halves[side.index()];
        let first = match (half.displayed.best(), half.hidden.best()) {
            (Some(shown), Some(hidden)) if hidden.rank > shown.rank => hidden,
            (Some(shown), _) => shown,
            (None, hidden) => hidden?,
        };
        Some(first.first)
    }

    /// Resting orders of a side in the order in which they trade: by price, displayed before
    /// hidden, then by time.
    pub(super) fn resting<'a>(
        &'a self,
        side: Side,
        orders: &'a Store,
    ) -> impl Iterator<Item = &'a Order> {
        let half = &self.halves[side.index()];
        let mut shown = half.displayed.lines().peekable();
        let mut hidden = half.hidden.lines().peekable();
        let lines = std::iter::from_fn(move || match (shown.peek(), hidden.peek()) {
            (Some(one), Some(other)) if other.rank > one.rank => hidden.next(),
            (Some(_), _) => shown.next(),
            (None, _) => hidden.next(),
        });
        lines.flat_map(move |line| line.orders(orders))
    }

    /// Displayed orders of a side, best first.
    pub(super) fn displayed<'a>(
        &'a self,
        side: Side,
        orders: &'a Store,
    ) -> impl Iterator<Item = &'a Order> {
        let lines = self.halves[side.index()].displayed.lines();
        lines.flat_map(move |line| line.orders(orders))
    }

    /// Best displayed price of a side.
    #[inline]
    pub(super) fn touch(&self, side: Side) -> Option<Price> {
        Some(Price(self.halves[side.index()].displayed.best()?.rank.abs()))
    }

    /// Orders that wait for a cross, oldest first.
    pub(super) fn waiting<'a>(&'a self, orders: &'a Store) -> impl Iterator<Item = &'a Order> {
        self.waiting.iter().filter_map(|order_ref| orders.get(*order_ref))
    }

    /// All orders of the instrument: bids, asks, and those that wait.
    pub(super) fn all<'a>(&'a self, orders: &'a Store) -> impl Iterator<Item = &'a Order> {
        let sides = [Side::Buy, Side::Sell].into_iter();
        sides.flat_map(move |side| self.resting(side, orders)).chain(self.waiting(orders))
    }

    /// The interest of some orders.
    pub(super) fn interest(&self, orders: &Store, keep: impl Fn(&Order) -> bool) -> Interest {
        let mut interest = Interest::default();
        for order in self.all(orders).filter(|order| keep(order)) {
            interest.add(order.side, order.terms.price, order.open);
        }
        interest
    }
}

impl Books {
    /// Lists an instrument; `false`, and nothing done, if its number is taken.
    pub(super) fn list(&mut self, instrument: InstrumentId, book: Book) -> bool {
        if self.get(instrument).is_some() {
            return false;
        }
        self.books.push(book);
        self.index.resize(self.index.len().max(instrument.index() + 1), 0);
        // At most 2^16: as many as there are numbers.
        self.index[instrument.index()] = self.books.len() as u32;
        true
    }

    #[inline]
    fn place(&self, instrument: InstrumentId) -> usize {
        // Without a book it is the place before the first, where there is none.
        let place = self.index.get(instrument.index()).copied().unwrap_or(0);
        (place as usize).wrapping_sub(1)
    }

    /// The book of an instrument.
    #[inline]
    pub(super) fn get(&self, instrument: InstrumentId) -> Option<&Book> {
        self.books.get(self.place(instrument))
    }

    /// As [`Books::get`], to change it.
    #[inline]
    pub(super) fn get_mut(&mut self, instrument: InstrumentId) -> Option<&mut Book> {
        let place = self.place(instrument);
        self.books.get_mut(place)
    }

    /// The listed instruments, by number.
    pub(super) fn instruments(&self) -> impl Iterator<Item = InstrumentId> {
        let listed = self.index.iter().zip(0..=u16::MAX).filter(|(place, _)| **place != 0);
        listed.map(|(_, number)| InstrumentId(number))
    }
}
