//! Price levels: a pool of nodes, each the head of a queue of orders.
//!
//! An order knows its level, so executions, cancels and deletes never search the ladder: they touch
//! the order, its neighbours and its level. 32 bytes each, two to a cache line, reused last freed
//! first.

use crate::memory::{Array, Reserve};
use tercel_types::{InstrumentId, Level, Price, Side};

/// One price level. Node 0 is none.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(crate) struct LevelNode {
    pub qty: u64,
    pub price: u32,
    pub orders: u32,
    /// The first order in line; the next free node while the node is free.
    pub head: u32,
    /// The last order in line.
    pub tail: u32,
    pub instrument: u16,
    /// [`Side::index`].
    pub side: u8,
    pub zero: u8,
    /// The first watch of an order of this level, zero if none is watched.
    pub watch: u16,
    pub zero_too: u16,
}

impl LevelNode {
    #[inline]
    pub(crate) fn id(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }

    #[inline]
    pub(crate) fn side(&self) -> Side {
        if self.side == 0 { Side::Buy } else { Side::Sell }
    }

    #[inline]
    pub(crate) fn price(&self) -> Price {
        Price(i64::from(self.price))
    }

    #[inline]
    pub(crate) fn view(&self) -> Level {
        if self.qty == 0 {
            return Level::default();
        }
        Level { price: self.price(), qty: self.qty, orders: self.orders }
    }

    /// Ranks prices of a side so that the better is the higher.
    #[inline]
    pub(crate) fn rank(&self) -> u32 {
        rank(self.side as usize, self.price)
    }
}

/// Ranks prices of a side (an index) so that the better is the higher.
#[inline]
pub(crate) fn rank(side: usize, price: u32) -> u32 {
    if side == 0 { price } else { !price }
}

/// Every level of every instrument.
pub(crate) struct Levels {
    pub nodes: Array<LevelNode>,
    free: u32,
    fresh: u32,
    pub len: usize,
}

impl Levels {
    pub(crate) fn new(levels_max: usize, reserve: &mut Reserve) -> Result<Levels, i32> {
        Ok(Levels { nodes: reserve.array(levels_max + 1)?, free: 0, fresh: 1, len: 0 })
    }

    /// A node for an empty level, zero when there is none left.
    #[inline]
    pub(crate) fn insert(&mut self, id: InstrumentId, side: usize, price: u32) -> u32 {
        let at = if self.free != 0 { self.free } else { self.fresh };
        let Some(node) = self.nodes.get_mut(at as usize) else { return 0 };
        if self.free != 0 {
            self.free = node.head;
        } else {
            self.fresh += 1;
        }
        *node = LevelNode { price, instrument: id.0, side: side as u8, ..LevelNode::default() };
        self.len += 1;
        at
    }

    /// Frees a node.
    #[inline]
    pub(crate) fn remove(&mut self, at: u32) {
        self.nodes[at as usize] = LevelNode { head: self.free, ..LevelNode::default() };
        self.free = at;
        self.len -= 1;
    }

    /// Forgets every level.
    pub(crate) fn clear(&mut self) {
        self.free = 0;
        self.fresh = 1;
        self.len = 0;
    }
}
