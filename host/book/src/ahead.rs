//! Loading what the records to come will touch.
//!
//! A record touches four to six cache lines, each found by what the one before holds: the order,
//! its level and its neighbours in line; or, for a newcomer, the side, a cell of its window, the
//! level there and the last in line. One after the other they cost a miss each. Where several
//! records are at hand, these chains are followed for all of them side by side, a link at a time,
//! and the misses overlap: [`Books::look_ahead`] takes one link for each of four records ahead of
//! the one that is applied next.
//!
//! It only loads: whatever it reads may be of yesterday by the time the record is applied, which
//! costs time and nothing else. Every step does the same for every kind of record, since a branch
//! on the kind would be guessed wrong as often as not.

use crate::Books;
use tercel_abi::EventRecord;

/// Records between the first link and the record that is applied.
const FIRST: usize = 16;
/// The second.
const SECOND: usize = 10;
/// The third.
const THIRD: usize = 5;
/// The last.
const LAST: usize = 2;

impl Books {
    /// Begins to load what the records after `at` will touch. Call it before each of `records` is
    /// applied, in their order.
    #[inline]
    pub fn look_ahead(&self, records: &[EventRecord], at: usize) {
        if at == 0 {
            return self.look_ahead_first(records);
        }
        if let Some(record) = records.get(at + FIRST) {
            self.fetch_orders(record);
        }
        if let Some(record) = records.get(at + SECOND) {
            self.fetch_level(record);
        }
        if let Some(record) = records.get(at + THIRD) {
            self.fetch_newcomer(record);
        }
        if let Some(record) = records.get(at + LAST) {
            self.fetch_last(record);
        }
    }

    /// The records within reach of the first one.
    fn look_ahead_first(&self, records: &[EventRecord]) {
        let within = |most: usize| records.get(..=most).unwrap_or(records);
        within(FIRST).iter().for_each(|record| self.fetch_orders(record));
        within(SECOND).iter().for_each(|record| self.fetch_level(record));
        within(THIRD).iter().for_each(|record| self.fetch_newcomer(record));
        within(LAST).iter().for_each(|record| self.fetch_last(record));
    }

    /// The slots of its orders and the sides of its instrument.
    #[inline]
    fn fetch_orders(&self, record: &EventRecord) {
        self.orders.fetch(record.order_ref);
        self.orders.fetch(record.second_ref);
        self.ladders.sides.fetch(record.instrument as usize * 2);
        self.ladders.sides.fetch(record.instrument as usize * 2 + 1);
    }

    /// The level of its order and the neighbours in line; the cells of its price on either side.
    #[inline]
    fn fetch_level(&self, record: &EventRecord) {
        let order = self.orders.home_of(record.order_ref);
        self.levels.nodes.fetch(order.level() as usize);
        self.orders.slots.fetch(order.prev as usize);
        self.orders.slots.fetch(order.next as usize);
        let at = record.instrument as usize * 2;
        self.ladders.fetch_cell(at + usize::from(record.side == b'S'), record.price);
    }

    /// The level at the price of a newcomer. What replaces an order has the side of that order.
    #[inline]
    fn fetch_newcomer(&self, record: &EventRecord) {
        let at = record.instrument as usize * 2 + usize::from(record.side == b'S');
        let level = self.ladders.peek(at, record.price);
        self.levels.nodes.fetch(level as usize);
    }

    /// The last in line there.
    #[inline]
    fn fetch_last(&self, record: &EventRecord) {
        let at = record.instrument as usize * 2 + usize::from(record.side == b'S');
        let level = self.ladders.peek(at, record.price);
        let last = self.levels.nodes.get(level as usize).map_or(0, |node| node.tail);
        self.orders.slots.fetch(last as usize);
    }
}
