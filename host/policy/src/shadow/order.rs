//! One order that was never sent.

use super::{Event, Kind, Price, Qty, QueueModel, QueuePlace, Side, Spot, WorkingState, displayed};
use tercel_book::Books;
use tercel_types::{Nanos, OrderRef, UserRef, WorkingOrder};

/// A quote of a shadow book.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShadowOrder {
    side: Side,
    pub(super) price: Price,
    open: Qty,
    place: QueuePlace,
    entered: Nanos,
    state: WorkingState,
    /// When what is under way takes effect.
    due: Nanos,
    /// What a replace under way will make of it.
    next: (Price, Qty),
}

impl ShadowOrder {
    pub(super) fn new(side: Side, price: Price, qty: Qty, now: Nanos, due: Nanos) -> ShadowOrder {
        ShadowOrder {
            side,
            price,
            open: qty,
            place: QueuePlace::default(),
            entered: now,
            state: WorkingState::PendingNew,
            due,
            next: (price, qty),
        }
    }

    /// Our number of it: there is one order a side.
    pub(super) fn number(&self) -> UserRef {
        UserRef(1 + self.side.index() as u32)
    }

    /// As a strategy sees it.
    pub(super) fn working(&self) -> WorkingOrder {
        WorkingOrder {
            user_ref: self.number(),
            order_ref: OrderRef(0),
            side: self.side,
            price: self.price,
            open: self.open,
            entered: self.entered,
            state: self.state,
        }
    }

    /// Shares ahead, while it rests.
    pub(super) fn ahead(&self) -> Option<u64> {
        (self.state != WorkingState::PendingNew).then(|| self.place.ahead())
    }

    /// Its cancel has taken effect.
    pub(super) fn is_over(&self, now: Nanos) -> bool {
        self.state == WorkingState::PendingCancel && now >= self.due
    }

    /// A replace whose time has come gives its place up.
    pub(super) fn leave(&mut self, now: Nanos) {
        if self.state == WorkingState::PendingReplace && now >= self.due {
            (self.price, self.open) = self.next;
            self.state = WorkingState::PendingNew;
        }
    }

    /// It is to take its place.
    pub(super) fn is_due(&self, now: Nanos) -> bool {
        self.state == WorkingState::PendingNew && now >= self.due
    }

    /// It takes its place.
    pub(super) fn rest(&mut self, place: QueuePlace) {
        self.place = place;
        self.state = WorkingState::Live;
    }

    pub(super) fn replace(&mut self, price: Price, qty: Qty, due: Nanos) {
        if self.state == WorkingState::Live {
            self.next = (price, qty);
            self.state = WorkingState::PendingReplace;
            self.due = due;
        }
    }

    pub(super) fn cancel(&mut self, due: Nanos) {
        if self.state == WorkingState::Live {
            self.state = WorkingState::PendingCancel;
            self.due = due;
        }
    }

    /// Nothing of it is open.
    pub(super) fn is_filled(&self) -> bool {
        self.open.0 == 0
    }

    /// `shares` of it traded.
    pub(super) fn fill(&mut self, shares: u32) {
        self.open = Qty(self.open.0.saturating_sub(shares));
        self.next.1 = Qty(self.next.1.0.saturating_sub(shares));
    }

    /// Its own side has changed; returns the shares that trade.
    pub(super) fn follow(
        &mut self,
        model: QueueModel,
        spot: &Spot,
        event: &Event<'_>,
        books: &Books,
    ) -> u32 {
        if self.state == WorkingState::PendingNew {
            return 0;
        }
        let mut filled = 0;
        let trade = displayed(event.change, self.side);
        if let Some(trade) = trade {
            if self.side.better(self.price, trade.price) {
                filled = trade.qty;
            } else if trade.price == self.price {
                let of_real = event.real.side(self.side);
                let of_real = of_real.is_some_and(|order| order.order_ref == trade.order_ref);
                filled = self.place.trade(model, trade.qty, of_real);
            }
        }
        let (record, real) = (event.record, event.real);
        self.place.settle(model, spot, record, trade.is_some(), books, real);
        self.held(filled)
    }

    /// The other side has changed; returns the shares that a newcomer there would have taken.
    pub(super) fn met(&self, event: &Event<'_>) -> u32 {
        let record = event.record;
        let came = match record.kind() {
            Some(Kind::Add | Kind::AddAttributed) => record.order_ref,
            Some(Kind::Replaced) => record.second_ref,
            _ => return 0,
        };
        let price = Price(record.price);
        let other = self.side.opposite();
        if self.state == WorkingState::PendingNew || other.better(self.price, price) {
            return 0;
        }
        // A quote of the account's own, which the venue may not have answered yet.
        let of_real = event.real.side(other).is_some_and(|order| {
            order.order_ref.0 == came || order.order_ref.0 == 0 && order.price == price
        });
        if of_real { 0 } else { self.held(record.quantity) }
    }

    /// At most what is open.
    fn held(&self, shares: u64) -> u32 {
        u32::try_from(shares).unwrap_or(u32::MAX).min(self.open.0)
    }
}
