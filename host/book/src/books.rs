//! The books of one venue.
//!
//! The problem. A venue of 8,000 instruments sends some 500 million messages a day, 1 million in
//! its busiest second, and nearly all of them are about one order: it comes, goes, shrinks, is
//! executed or is replaced. From that the best prices have to be known after every message, and the
//! place in the queue of a few orders of our own.
//!
//! The structures. A few arrays, reserved at the start, joined by 32-bit indices:
//!
//! ```text
//! reference --mod--> order (32 B) --level--> level (32 B) <--window or tree-- side (32 B)
//!                    prev, next: the queue of its level
//! ```
//!
//! - An order is found by its reference with one load of the line that has to be loaded anyway
//!   ([`crate::order`]); hash maps took 3 to 7 times as long in the prototype.
//! - An execution, cancel or delete goes from the order to its level and its neighbours in the
//!   queue and touches the ladder only to compare the best, unless the level dies
//!   ([`crate::level`]). Keeping the first eight in line in the level instead was slower by half
//!   where lines are longer than that, and no faster where nearly every order has a level of its
//!   own.
//! - An add looks for its level in the ladder: one cell of a flat window near the touch, a sorted
//!   tree elsewhere ([`crate::ladder`]). A level comes and goes with one line of the window.
//! - The best level of each side is cached, so that the top is two loads.
//! - What a record will touch is loaded ahead where several are at hand ([`crate::ahead`]).
//! - Instruments and symbols are apart from all this, and only trades touch them.
//!
//! What comes next cannot be guessed from what came, so the way of an order has few branches: all
//! that takes shares off an order is one path, and where two things can be, both are made and one
//! is chosen.
//!
//! Worst cases. An execution, cancel or delete that does not empty a level takes a fixed number of
//! steps; one that does takes 64 steps in a tree at most. An add takes that too, and 512 probes if
//! its slot is taken, and once in 256 adds far from the touch it may move a window
//! ([`crate::ladder`]). A watched order costs one step for each change before it. Forgetting all
//! orders, when a snapshot or another session begins, reads the ladders, the instruments and the
//! table of sparse references once, 70 MB with the default limits.
//!
//! Napkin numbers. With 1.5 million orders resting at 500,000 levels of 8,000 instruments: orders
//! 1,074 MB once 33 million references have gone by, the pool and the table of sparse references
//! some 10, levels and tree nodes 24, windows 64, instruments 6: below 1.2 GB. The time is that of
//! cache misses: with the books of 100 instruments the lines come from the second and third level
//! of the cache, with 8,000 from memory.

use crate::ahead::Trails;
use crate::ladder::Ladders;
use crate::level::Levels;
use crate::memory::Reserve;
use crate::order::Orders;
use crate::stale::Stale;
use crate::table::Table;
use crate::watch::Watches;
use crate::{BookCounters, Change, Instrument, Limits, LimitsError, Market, MemoryReport};
use tercel_abi::{EventRecord, Kind};

/// The books of every instrument of one venue.
pub struct Books {
    pub(crate) orders: Orders,
    pub(crate) levels: Levels,
    pub(crate) ladders: Ladders,
    pub(crate) watches: Watches,
    pub(crate) instruments: Box<[Instrument]>,
    pub(crate) symbols: Table,
    pub(crate) market: Market,
    pub(crate) stale: Stale,
    pub(crate) counters: BookCounters,
    pub(crate) memory: MemoryReport,
    pub(crate) trails: Trails,
}

/// How much of the limits is in use.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Orders resting.
    pub orders: usize,
    /// Price levels.
    pub levels: usize,
    /// Orders watched, with those awaited.
    pub watched: usize,
}

impl Books {
    /// Reserves all memory that the books will ever use.
    pub fn new(limits: &Limits) -> Result<Books, LimitsError> {
        limits.check()?;
        let reserve = &mut Reserve::new(limits.huge_pages, limits.prefault);
        let Limits { instruments_max, orders_max, levels_max, watched_max, .. } = *limits;
        let error = LimitsError::System;
        Ok(Books {
            orders: Orders::new(orders_max, reserve).map_err(error)?,
            levels: Levels::new(levels_max, reserve).map_err(error)?,
            ladders: Ladders::new(instruments_max, levels_max, reserve).map_err(error)?,
            watches: Watches::new(watched_max, reserve).map_err(error)?,
            instruments: vec![Instrument::default(); instruments_max].into_boxed_slice(),
            symbols: Table::new(instruments_max, reserve).map_err(error)?,
            market: Market::default(),
            stale: Stale::default(),
            counters: BookCounters::default(),
            memory: reserve.report(),
            trails: Trails::default(),
        })
    }

    /// Applies one record and says what it changed. Records must come in the order of the feed.
    #[inline]
    pub fn apply(&mut self, record: &EventRecord) -> Change {
        const ADD: u8 = Kind::Add as u8;
        const ADD_ATTRIBUTED: u8 = Kind::AddAttributed as u8;
        const EXECUTED: u8 = Kind::Executed as u8;
        const EXECUTED_PRICE: u8 = Kind::ExecutedPrice as u8;
        const CANCELED: u8 = Kind::Canceled as u8;
        const DELETED: u8 = Kind::Deleted as u8;
        const REPLACED: u8 = Kind::Replaced as u8;
        self.counters.records += 1;
        if self.stale.up_unseen {
            self.stale.hear(record);
        }
        match record.kind {
            ADD | ADD_ATTRIBUTED => self.add(record),
            EXECUTED | EXECUTED_PRICE | CANCELED | DELETED | REPLACED => self.reduce(record),
            _ => self.apply_other(record),
        }
    }

    /// Records of anything but resting orders, some percent of a day.
    #[inline(never)]
    fn apply_other(&mut self, record: &EventRecord) -> Change {
        let Some(kind) = record.kind() else { return self.unknown_kind(record) };
        match kind {
            Kind::Trade => self.trade(record),
            Kind::Cross => self.cross(record),
            Kind::Broken => self.broken(record),
            Kind::GapOpen
            | Kind::GapClosed
            | Kind::SnapshotBegin
            | Kind::SnapshotEnd
            | Kind::FeedDown
            | Kind::FeedUp
            | Kind::SessionChange
            | Kind::SessionEnd
            | Kind::Overrun
            | Kind::Retract => self.apply_feed(kind, record),
            Kind::SystemEvent | Kind::MwcbLevels | Kind::MwcbStatus => {
                self.apply_market(kind, record)
            }
            Kind::Directory
            | Kind::TradingAction
            | Kind::RegSho
            | Kind::ParticipantPosition
            | Kind::IpoQuoting
            | Kind::LuldCollar
            | Kind::OperationalHalt
            | Kind::Imbalance
            | Kind::RetailInterest
            | Kind::DirectListing => self.apply_state(kind, record),
            Kind::Add
            | Kind::AddAttributed
            | Kind::Executed
            | Kind::ExecutedPrice
            | Kind::Canceled
            | Kind::Deleted
            | Kind::Replaced => self.apply(record),
        }
    }

    #[cold]
    #[inline(never)]
    fn unknown_kind(&mut self, record: &EventRecord) -> Change {
        self.counters.unknown_kinds += 1;
        Change::none(record.instrument())
    }

    /// Forgets every order, and with a new session everything else.
    #[cold]
    pub(crate) fn clear(&mut self, session: bool) {
        self.watches.clear(&self.orders.slots, !session);
        self.orders.clear();
        self.levels.clear();
        self.ladders.clear();
        for instrument in self.instruments.iter_mut().filter(|instrument| instrument.seen) {
            instrument.incomplete = false;
            if session {
                *instrument = Instrument::default();
            }
        }
        if session {
            self.symbols.clear();
            self.market = Market::default();
        }
        self.counters.clears += 1;
    }
}
