//! Loading what the records to come will touch.
//!
//! A record touches some cache lines, each found by what the one before holds: the order and its
//! level; or, for a newcomer, the side, a cell of its window and the level there. In a whole market
//! nearly every one of them is a miss, and one after the other they are what a record costs. Where
//! several records are at hand, these chains are followed for all of them side by side, and the
//! misses overlap: [`Books::look_ahead`] takes one link for each of three records ahead of the one
//! that is applied next.
//!
//! It only loads: whatever it reads may be of yesterday by the time the record is applied, which
//! costs time and nothing else. Nearly all of it is without branches, since one on the kind of
//! record would be guessed wrong as often as not.

use crate::Books;
use core::hint::select_unpredictable;
use tercel_abi::{EventRecord, Kind};

/// Records between the one whose order is loaded and the one that is applied.
const ORDER: usize = 16;
/// To the one whose order or price is followed to its level.
const LEVEL: usize = 10;
/// To the one whose level is looked at.
const LINE: usize = 4;
/// To the one that joins a line.
const LAST: usize = 2;
/// Records that are under way at a time: a power of two.
const TRAILS: usize = 16;

const _: () = assert!(LEVEL - LAST < TRAILS);

/// How far a record has been followed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trail {
    /// Cell of a newcomer's price; an empty one for any other record.
    cell: u32,
    /// Level of the order that the record names; none for a newcomer.
    level: u32,
    /// Level at a newcomer's price.
    joined: u32,
}

/// The records under way.
pub(crate) type Trails = [Trail; TRAILS];

impl Books {
    /// Begins to load what the records after `at` will touch. Call it before each of `records` is
    /// applied, in their order.
    #[inline]
    pub fn look_ahead(&mut self, records: &[EventRecord], at: usize) {
        if at == 0 {
            return self.look_ahead_first(records);
        }
        if let Some(record) = records.get(at + ORDER) {
            self.fetch_orders(record);
        }
        if let Some(record) = records.get(at + LEVEL) {
            self.fetch_level(record, at + LEVEL);
        }
        self.fetch_line(at + LINE);
        self.fetch_last(at + LAST);
    }

    /// The records within reach of the first one.
    fn look_ahead_first(&mut self, records: &[EventRecord]) {
        for record in &records[..records.len().min(ORDER + 1)] {
            self.fetch_orders(record);
        }
        if records.len() == 1 {
            return;
        }
        self.trails = Trails::default();
        for (at, record) in records.iter().enumerate().take(LEVEL + 1) {
            if at >= LEVEL - LINE {
                self.fetch_line(at + LINE - LEVEL);
            }
            if at >= LEVEL - LAST {
                self.fetch_last(at + LAST - LEVEL);
            }
            self.fetch_level(record, at);
        }
    }

    /// The slots of its orders and both sides of its instrument, one line.
    #[inline(always)]
    fn fetch_orders(&self, record: &EventRecord) {
        let replaced = record.kind == Kind::Replaced as u8;
        self.orders.fetch(record.order_ref);
        self.orders.fetch(select_unpredictable(replaced, record.second_ref, record.order_ref));
        self.ladders.sides.fetch(record.instrument as usize * 2);
    }

    /// The level of its order and the neighbours in line, and the cell of a newcomer's price.
    #[inline(always)]
    fn fetch_level(&mut self, record: &EventRecord, at: usize) {
        let order = self.orders.guess(record.order_ref);
        self.levels.nodes.fetch(order.level as usize);
        self.orders.slots.fetch(order.prev as usize);
        self.orders.slots.fetch(order.next as usize);
        let added = (record.kind == Kind::Add as u8) | (record.kind == Kind::AddAttributed as u8);
        let replaced = record.kind == Kind::Replaced as u8;
        let side = select_unpredictable(added, usize::from(record.side == b'S'), order.side);
        let at_side = record.instrument as usize * 2 + side;
        let cell = self.ladders.guess(at_side, record.price as u32, added | replaced);
        self.ladders.fetch(cell);
        self.trails[at % TRAILS] = Trail { cell: cell as u32, level: order.level, joined: 0 };
    }

    /// The level at a newcomer's price; the line of the window that a level leaves with its last
    /// order.
    #[inline(always)]
    fn fetch_line(&mut self, at: usize) {
        let Trail { cell, level, .. } = self.trails[at % TRAILS];
        let joined = self.ladders.level_in(cell as usize);
        self.trails[at % TRAILS].joined = joined;
        self.levels.nodes.fetch(joined as usize);
        let node = &self.levels.nodes[level as usize];
        let at_side = usize::from(node.instrument) * 2 + usize::from(node.side);
        self.ladders.fetch(self.ladders.guess(at_side, node.price, node.orders == 1));
    }

    /// The last in line at the level that a newcomer joins.
    #[inline(always)]
    fn fetch_last(&self, at: usize) {
        let joined = self.trails[at % TRAILS].joined;
        self.orders.slots.fetch(self.levels.nodes[joined as usize].tail as usize);
    }
}
