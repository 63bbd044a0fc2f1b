//! One instrument's orders, sorted.
//!
//! Two ordered maps a side, displayed and hidden, whose keys sort by price and then by order
//! number, and say where the order is stored. Order numbers only grow and an order that loses its
//! place gets another one, so the number is the priority in time. Some tens of nanoseconds an
//! operation; what counts here is that a reader sees that it is right.

use super::cross::{Increment, Interest};
use super::event::Order;
use super::store::{Slot, Store};
use std::collections::{BTreeMap, BTreeSet};
use tercel_types::{OrderRef, Price, Side, Symbol, TradingState};

/// A place on one side of the book: the smaller, the earlier it trades.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    /// The price, negated for buys so that the best comes first.
    rank: i64,
    order_ref: OrderRef,
}

#[derive(Clone, Default, Debug)]
struct Half {
    displayed: BTreeMap<Place, Slot>,
    hidden: BTreeMap<Place, Slot>,
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
}

fn place(side: Side, price: Price, order_ref: OrderRef) -> Place {
    let rank = if side == Side::Buy { -price.0 } else { price.0 };
    Place { rank, order_ref }
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
        }
    }

    fn map_of(&mut self, order: &Order) -> &mut BTreeMap<Place, Slot> {
        let half = &mut self.halves[order.side.index()];
        if order.terms.hidden { &mut half.hidden } else { &mut half.displayed }
    }

    /// Puts an order, stored at `slot`, where it belongs; whether that is the book, and not the
    /// waiting room of a cross.
    pub(super) fn insert(&mut self, order: &Order, slot: Slot) -> bool {
        if order.waits_for_cross() {
            self.waiting.insert(order.order_ref);
            return false;
        }
        let place = place(order.side, order.price(), order.order_ref);
        self.map_of(order).insert(place, slot);
        true
    }

    /// Takes an order out; whether it was on the book.
    pub(super) fn remove(&mut self, order: &Order) -> bool {
        if self.waiting.remove(&order.order_ref) {
            return false;
        }
        let place = place(order.side, order.price(), order.order_ref);
        self.map_of(order).remove(&place).is_some()
    }

    /// Where the resting order of a side is that trades first.
    #[inline]
    pub(super) fn best(&self, side: Side) -> Option<Slot> {
        let half = &self.halves[side.index()];
        let (shown, hidden) = (half.displayed.first_key_value(), half.hidden.first_key_value());
        let first = match (shown, hidden) {
            (Some(shown), Some(hidden)) if hidden.0.rank < shown.0.rank => hidden,
            (Some(shown), _) => shown,
            (None, hidden) => hidden?,
        };
        Some(*first.1)
    }

    /// Resting orders of a side in the order in which they trade: by price, displayed before
    /// hidden, then by time.
    pub(super) fn resting(&self, side: Side) -> impl Iterator<Item = OrderRef> + '_ {
        let half = &self.halves[side.index()];
        let (mut shown, mut hidden) = (half.displayed.keys(), half.hidden.keys());
        let (mut next_shown, mut next_hidden) = (shown.next(), hidden.next());
        std::iter::from_fn(move || {
            let take_hidden = match (next_shown, next_hidden) {
                (Some(shown), Some(hidden)) => hidden.rank < shown.rank,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let (set, next) = if take_hidden {
                (&mut hidden, &mut next_hidden)
            } else {
                (&mut shown, &mut next_shown)
            };
            let taken = *next;
            *next = set.next();
            taken.map(|place| place.order_ref)
        })
    }

    /// Displayed orders of a side, best first.
    pub(super) fn displayed(&self, side: Side) -> impl Iterator<Item = OrderRef> + '_ {
        self.halves[side.index()].displayed.keys().map(|place| place.order_ref)
    }

    /// Best displayed price of a side.
    pub(super) fn touch(&self, side: Side) -> Option<Price> {
        let (best, _) = self.halves[side.index()].displayed.first_key_value()?;
        Some(Price(best.rank.abs()))
    }

    /// Orders that wait for a cross, oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = OrderRef> + '_ {
        self.waiting.iter().copied()
    }

    /// The interest of some orders.
    pub(super) fn interest<'a>(
        refs: impl Iterator<Item = OrderRef>,
        orders: &Store,
        keep: impl Fn(&Order) -> bool + 'a,
    ) -> Interest {
        let mut interest = Interest::default();
        for order in refs.filter_map(|order_ref| orders.get(order_ref)).filter(|o| keep(o)) {
            interest.add(order.side, order.terms.price, order.open);
        }
        interest
    }
}
