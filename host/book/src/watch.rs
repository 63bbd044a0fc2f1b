//! Queue positions of a few orders, kept as the queue moves.
//!
//! What is ahead of a watched order is counted once, when the watch begins, and from then on
//! reduced whenever an order with a lower stamp of the same level shrinks or goes. A level that has
//! no watched order pays one test. The cost of an event is one step for each watched order of its
//! level: one or two for a strategy with one quote a side, and `watched_max` if all of them are put
//! at one price.
//!
//! An order may be watched before the feed has shown it, because the order session often is the
//! faster of the two; it is then awaited, and each add is looked up in a small table.

use crate::QueuePosition;
use crate::level::LevelNode;
use crate::memory::Reserve;
use crate::order::Order;
use crate::table::Table;

#[derive(Clone, Copy, Default)]
struct Watch {
    /// Its slot, zero while the entry is free.
    order: u32,
    /// Its stamp.
    stamp: u64,
    ahead: QueuePosition,
    /// The next watch of the same level, or the next free entry.
    next: u16,
}

/// The watched orders.
pub(crate) struct Watches {
    entries: Box<[Watch]>,
    free: u16,
    len: usize,
    /// References of the orders awaited.
    awaited: Table,
}

impl Watches {
    pub(crate) fn new(watched_max: usize, reserve: &mut Reserve) -> Result<Watches, i32> {
        let mut watches = Watches {
            entries: vec![Watch::default(); watched_max + 1].into_boxed_slice(),
            free: 0,
            len: 0,
            awaited: Table::new(watched_max, reserve)?,
        };
        watches.free_all();
        Ok(watches)
    }

    fn free_all(&mut self) {
        let count = self.entries.len();
        for (at, entry) in self.entries.iter_mut().enumerate() {
            let next = if at + 1 < count { (at + 1) as u16 } else { 0 };
            *entry = Watch { next, ..Watch::default() };
        }
        self.free = 1;
        self.len = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.len + self.awaited.len()
    }

    fn is_full(&self) -> bool {
        self.len() + 1 >= self.entries.len()
    }

    /// The position of an order of `level`, if it is watched.
    pub(crate) fn get(&self, level: &LevelNode, order: u32) -> Option<QueuePosition> {
        let mut at = level.watch as usize;
        while at != 0 {
            let entry = &self.entries[at];
            if entry.order == order {
                return Some(entry.ahead);
            }
            at = entry.next as usize;
        }
        None
    }

    /// Begins to watch an order that is on the book and not watched; `false` if there is no space.
    pub(crate) fn insert(
        &mut self,
        level: &mut LevelNode,
        order: u32,
        stamp: u64,
        ahead: QueuePosition,
    ) -> bool {
        if self.is_full() {
            return false;
        }
        let at = self.free;
        self.free = self.entries[at as usize].next;
        self.entries[at as usize] = Watch { order, stamp, ahead, next: level.watch };
        level.watch = at;
        self.len += 1;
        true
    }

    /// Ends the watch of an order of `level`; `false` if there was none.
    pub(crate) fn remove(&mut self, level: &mut LevelNode, order: u32) -> bool {
        let (mut before, mut at) = (0, level.watch);
        while at != 0 {
            let entry = self.entries[at as usize];
            if entry.order == order {
                if before == 0 {
                    level.watch = entry.next;
                } else {
                    self.entries[before as usize].next = entry.next;
                }
                self.entries[at as usize] = Watch { next: self.free, ..Watch::default() };
                self.free = at;
                self.len -= 1;
                return true;
            }
            before = at;
            at = entry.next;
        }
        false
    }

    /// `qty` shares were taken off an order of `level`, and the order with them if it is `gone`.
    #[cold]
    #[inline(never)]
    pub(crate) fn reduce(
        &mut self,
        level: &mut LevelNode,
        slot: u32,
        order: &Order,
        qty: u32,
        gone: bool,
    ) {
        let mut at = level.watch as usize;
        while at != 0 {
            let entry = &mut self.entries[at];
            if entry.stamp > order.stamp {
                entry.ahead.shares_ahead -= u64::from(qty);
                entry.ahead.orders_ahead -= u32::from(gone);
            }
            at = entry.next as usize;
        }
        if gone {
            self.remove(level, slot);
        }
    }

    /// Some order is awaited.
    #[inline]
    pub(crate) fn awaits(&self) -> bool {
        self.awaited.len() > 0
    }

    /// Waits for an order that is not on the book; `false` if there is no space.
    pub(crate) fn wait(&mut self, order_ref: u64) -> bool {
        self.awaited.find(order_ref) != 0 || !self.is_full() && self.awaited.insert(order_ref, 1)
    }

    /// Whether an order that came was awaited, which it then no longer is.
    pub(crate) fn take_awaited(&mut self, order_ref: u64) -> bool {
        let awaited = self.awaited.find(order_ref) != 0;
        if awaited {
            self.awaited.remove(order_ref);
        }
        awaited
    }

    /// Every order is forgotten; those watched are awaited if they `may_return`, as a snapshot will
    /// tell.
    pub(crate) fn clear(&mut self, slots: &[Order], may_return: bool) {
        if may_return {
            for entry in self.entries.iter().filter(|entry| entry.order != 0) {
                self.awaited.insert(slots[entry.order as usize].order_ref, 1);
            }
        } else {
            self.awaited.clear();
        }
        self.free_all();
    }
}
