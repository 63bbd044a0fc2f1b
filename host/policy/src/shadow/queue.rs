//! Where an order would stand in line that was never sent.
//!
//! The order joins its price behind every share displayed there. What brings it forward is read off
//! the book afterwards:
//!
//! - [`QueueModel::RiskAverse`]: trades at its price only. Shares that are cancelled are taken to
//!   have stood behind it, until the level holds fewer shares than were ahead. It never fills
//!   before the true order would.
//! - [`QueueModel::Exact`]: trades, and the cancels of orders that stood ahead. Which they are is
//!   known from the orders themselves: the first order that came after ours is remembered, and what
//!   the book has ahead of that order is what is ahead of ours.
//!
//! Orders of the account itself are looked through: a market without our own quotes is what every
//! strategy that stands in shadow is measured against, so a share that traded with our quote at the
//! same price would have gone to whoever was next. What the shadow order would do to others is not
//! known to any such model.

use tercel_abi::{EventRecord, Kind};
use tercel_book::Books;
use tercel_types::{InstrumentId, OrderRef, Own, Price, Side};

/// How the place of a shadow order in its queue is followed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum QueueModel {
    /// By trades alone: never better than the truth. One step a level above it for each change of
    /// its side.
    #[default]
    RiskAverse,
    /// By every order ahead. Besides the steps of the other, one for each order at its price, when
    /// that level has changed.
    Exact,
}

/// Levels that are looked through for a price; a quote behind more of them counts as if its level
/// had not changed.
const LEVELS_MAX: usize = 64;

/// Orders of one level that are looked through for the one behind ours.
const ORDERS_MAX: usize = 1_024;

/// One price of one side of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The instrument.
    pub id: InstrumentId,
    /// The side.
    pub side: Side,
    /// The price.
    pub price: Price,
}

/// The place of one order in line.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct QueuePlace {
    /// Shares of others in the book that came before.
    before: u64,
    /// Of those, shares that would have traded already: our own quote took the trade.
    spent: u64,
    /// The first order that came after, zero while there is none; in the exact model only.
    behind: OrderRef,
    /// Shares of others at the price when last looked.
    level: u64,
}

impl QueuePlace {
    /// Behind every share that others display at `spot`. `real` are the account's own orders.
    pub fn join(spot: &Spot, books: &Books, real: &Own) -> QueuePlace {
        let level = others_at(spot, books, real).unwrap_or(0);
        QueuePlace { before: level, spent: 0, behind: OrderRef(0), level }
    }

    /// Shares ahead.
    #[inline]
    pub fn ahead(&self) -> u64 {
        self.before.saturating_sub(self.spent)
    }

    /// `qty` shares traded at the price, of an order of the account itself or of another; returns
    /// how many of them would have been ours. [`QueuePlace::settle`] comes after.
    pub fn trade(&mut self, model: QueueModel, qty: u64, of_real: bool) -> u64 {
        let ours = qty.saturating_sub(self.ahead());
        match model {
            QueueModel::RiskAverse => self.before = self.before.saturating_sub(qty),
            QueueModel::Exact if of_real => self.spent = self.spent.saturating_add(qty),
            QueueModel::Exact => {}
        }
        ours
    }

    /// The side has changed by `record`, and the book has it already; `traded` if by a trade.
    pub fn settle(
        &mut self,
        model: QueueModel,
        spot: &Spot,
        record: &EventRecord,
        traded: bool,
        books: &Books,
        real: &Own,
    ) {
        let Some(level) = others_at(spot, books, real) else { return };
        if model == QueueModel::RiskAverse {
            self.before = self.before.min(level);
            return;
        }
        let came = newcomer(record, spot.price);
        if level == self.level && came.is_none() {
            return; // another price
        }
        self.level = level;
        let before = self.before;
        if self.behind.0 == 0 {
            let new = came.and_then(|came| at_spot(spot, books, came));
            // With nobody behind, all that was there already is ahead.
            self.before = before.min(level.saturating_sub(new.map_or(0, |(_, qty)| qty)));
            self.behind = new.map_or(OrderRef(0), |(order_ref, _)| order_ref);
        } else if at_spot(spot, books, self.behind).is_some() {
            self.before = before.min(others_before(spot, books, real, self.behind));
        } else {
            // It was behind: what is ahead has not changed, and another is the first behind.
            self.behind = first_after(spot, books, real, before);
            if self.behind.0 == 0 {
                self.before = before.min(level);
            }
        }
        if !traded {
            // Who cancels may be one of those that would have traded already: the careful reading.
            self.spent = self.spent.saturating_sub(before - self.before);
        }
    }
}

/// The order that the record brought to the price.
fn newcomer(record: &EventRecord, price: Price) -> Option<OrderRef> {
    if record.price != price.0 {
        return None;
    }
    match record.kind() {
        Some(Kind::Add | Kind::AddAttributed) => Some(OrderRef(record.order_ref)),
        Some(Kind::Replaced) => Some(OrderRef(record.second_ref)),
        _ => None,
    }
}

/// The order with its shares, if it rests there.
fn at_spot(spot: &Spot, books: &Books, order_ref: OrderRef) -> Option<(OrderRef, u64)> {
    let order = books.order(order_ref)?;
    let there = order.instrument == spot.id && order.side == spot.side && order.price == spot.price;
    there.then_some((order_ref, u64::from(order.qty.0)))
}

/// Our own quote there.
fn ours_at(spot: &Spot, books: &Books, real: &Own) -> Option<(OrderRef, u64)> {
    let order = real.side(spot.side)?;
    if order.order_ref.0 == 0 { None } else { at_spot(spot, books, order.order_ref) }
}

/// Shares of others displayed there; `None` if the price is too far away to look.
fn others_at(spot: &Spot, books: &Books, real: &Own) -> Option<u64> {
    let mut looked = 0;
    let ours = ours_at(spot, books, real).map_or(0, |(_, qty)| qty);
    for level in books.depth(spot.id, spot.side).take(LEVELS_MAX) {
        looked += 1;
        if level.price == spot.price {
            return Some(level.qty.saturating_sub(ours));
        }
        if spot.side.better(spot.price, level.price) {
            return Some(0);
        }
    }
    (looked < LEVELS_MAX).then_some(0)
}

/// Shares of others before an order that rests there.
fn others_before(spot: &Spot, books: &Books, real: &Own, order_ref: OrderRef) -> u64 {
    let of = |order_ref| books.queue_position(order_ref).map_or(0, |at| at.shares_ahead);
    let before = of(order_ref);
    match ours_at(spot, books, real) {
        Some((ours, qty)) if of(ours) < before => before.saturating_sub(qty),
        _ => before,
    }
}

/// The first order of another with `shares` or more of others before it, zero if there is none.
fn first_after(spot: &Spot, books: &Books, real: &Own, shares: u64) -> OrderRef {
    let ours = ours_at(spot, books, real).map(|(order_ref, _)| order_ref);
    let mut before = 0;
    for order in books.orders_at(spot.id, spot.side, spot.price).take(ORDERS_MAX) {
        if Some(order.order_ref) == ours {
            continue;
        }
        if before >= shares {
            return order.order_ref;
        }
        before += u64::from(order.qty.0);
    }
    OrderRef(0)
}
