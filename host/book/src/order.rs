//! Resting orders, stored where their reference says.
//!
//! An order lies in the slot `reference mod window`, so that one load finds it, and orders that
//! came together lie together: most messages are about recent orders, whose slots then share pages
//! and stay in the cache. The other way, a pool of slots behind an index of 4 bytes a reference,
//! takes a third of the memory and was 10 to 20 percent slower in `examples/measure_books.rs` with
//! memory taken at the start.
//!
//! Venues number orders upwards, so a day of 500 million references goes round a window of 2^25
//! slots (1 GiB of address space, taken as it is first touched) some 15 times. A newcomer that
//! finds its slot taken, by an order that has rested since the last round or because references are
//! sparse or random, goes to a pool, where a hash table finds it ([`crate::table`]); its slot is
//! marked, and only a marked slot ever sends a search to the table. The mark stays until the
//! process ends: with 1.5 million orders resting, 4 slots in 100 are marked in each round.

use crate::memory::{Array, Reserve};
use crate::table::Table;

/// One resting order. Slot 0 is nobody.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(crate) struct Order {
    pub order_ref: u64,
    /// Time of arrival in orders taken in: of two orders of a level the one with the lower stamp is
    /// ahead.
    pub stamp: u64,
    pub qty: u32,
    /// Its level, zero while the slot is free, and [`MARK`].
    level: u32,
    /// The order ahead of it, zero for the first.
    pub prev: u32,
    /// The order behind it, zero for the last; the next free slot while a slot of the pool is free.
    pub next: u32,
}

/// The mark of a slot whose reference may be elsewhere.
const MARK: u32 = 1 << 31;
const WINDOW_MAX: usize = 1 << 25;
const SLOTS_PER_ORDER: usize = 16;

impl Order {
    /// Its level.
    #[inline]
    pub(crate) fn level(&self) -> u32 {
        self.level & !MARK
    }
}

/// Every resting order.
pub(crate) struct Orders {
    /// Nobody, the window, the pool.
    pub slots: Array<Order>,
    /// Length of the window less one.
    mask: usize,
    orders_max: usize,
    table: Table,
    /// First of the freed slots of the pool.
    free: u32,
    /// Slots of the pool from this on are free.
    fresh: u32,
    pub len: usize,
    stamp: u64,
    /// Orders up to this stamp are forgotten, whatever their slots say.
    forgotten: u64,
}

/// Where a new order went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    /// To this slot of the window.
    Direct(u32),
    /// To this slot of the pool.
    Sparse(u32),
    /// Nowhere: there is no space.
    Full,
}

impl Orders {
    pub(crate) fn new(orders_max: usize, reserve: &mut Reserve) -> Result<Orders, i32> {
        let window = (orders_max * SLOTS_PER_ORDER).next_power_of_two().min(WINDOW_MAX);
        Ok(Orders {
            slots: reserve.array(1 + window + orders_max)?,
            mask: window - 1,
            orders_max,
            table: Table::new(orders_max, reserve)?,
            free: 0,
            fresh: 1 + window as u32,
            len: 0,
            stamp: 0,
            forgotten: 0,
        })
    }

    /// The slot where a reference belongs.
    #[inline]
    fn home(&self, order_ref: u64) -> u32 {
        (order_ref as usize & self.mask) as u32 + 1
    }

    /// An order is in the slot.
    #[inline]
    fn is_taken(&self, order: &Order) -> bool {
        order.level() != 0 && order.stamp > self.forgotten
    }

    /// The slot of a reference, zero if it is not on the book.
    #[inline]
    pub(crate) fn find(&self, order_ref: u64) -> u32 {
        let home = self.home(order_ref);
        let order = &self.slots[home as usize];
        if order.order_ref == order_ref && self.is_taken(order) {
            return home;
        }
        if order.level & MARK != 0 { self.find_sparse(order_ref) } else { 0 }
    }

    #[cold]
    #[inline(never)]
    fn find_sparse(&self, order_ref: u64) -> u32 {
        self.table.find(order_ref)
    }

    /// Takes in an order whose reference is not there yet. It counts as there once it has a level.
    #[inline]
    pub(crate) fn insert(&mut self, order_ref: u64, qty: u32) -> Stored {
        if self.len == self.orders_max {
            return Stored::Full;
        }
        let home = self.home(order_ref);
        let order = &self.slots[home as usize];
        let stored = if self.is_taken(order) {
            self.insert_sparse(order_ref, home)
        } else {
            Stored::Direct(home)
        };
        let (Stored::Direct(slot) | Stored::Sparse(slot)) = stored else { return Stored::Full };
        self.len += 1;
        self.stamp += 1;
        let order = &mut self.slots[slot as usize];
        let (stamp, level) = (self.stamp, order.level & MARK);
        *order = Order { order_ref, stamp, qty, level, prev: 0, next: 0 };
        stored
    }

    /// A slot of the pool for a reference whose own is taken.
    #[cold]
    #[inline(never)]
    fn insert_sparse(&mut self, order_ref: u64, home: u32) -> Stored {
        let slot = if self.free != 0 { self.free } else { self.fresh };
        self.slots[home as usize].level |= MARK;
        if !self.table.insert(order_ref, slot) {
            return Stored::Full;
        }
        if self.free != 0 {
            self.free = self.slots[slot as usize].next;
        } else {
            self.fresh += 1;
        }
        Stored::Sparse(slot)
    }

    /// Gives a new order its level, and the order ahead of it.
    #[inline]
    pub(crate) fn join(&mut self, slot: u32, level: u32, prev: u32) {
        let order = &mut self.slots[slot as usize];
        order.level |= level;
        order.prev = prev;
    }

    /// Frees a slot that is in use.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        self.slots[slot as usize].level &= MARK;
        self.len -= 1;
        if slot as usize > self.mask + 1 {
            self.remove_sparse(slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn remove_sparse(&mut self, slot: u32) {
        self.table.remove(self.slots[slot as usize].order_ref);
        self.slots[slot as usize].next = self.free;
        self.free = slot;
    }

    /// Forgets every order. The slots of the window stay as they are, too old to count.
    #[cold]
    pub(crate) fn clear(&mut self) {
        self.forgotten = self.stamp;
        self.table.clear();
        self.free = 0;
        self.fresh = self.mask as u32 + 2;
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn slot(stored: Stored) -> u32 {
        match stored {
            Stored::Direct(slot) | Stored::Sparse(slot) => slot,
            Stored::Full => panic!("full"),
        }
    }

    fn hold(orders: &mut Orders, order_ref: u64) -> Stored {
        let stored = orders.insert(order_ref, 1);
        if stored != Stored::Full {
            orders.join(slot(stored), 1, 0);
        }
        stored
    }

    #[test]
    fn references_that_share_a_slot_are_all_found() {
        let mut orders = Orders::new(4, &mut Reserve::new(false, false)).unwrap();
        let window = orders.mask as u64 + 1;
        let refs = [5, 5 + window, 5 + 2 * window, u64::MAX];
        let slots = refs.map(|r| slot(hold(&mut orders, r)));
        assert_eq!(orders.insert(6, 1), Stored::Full);
        assert_eq!(refs.map(|r| orders.find(r)), slots);
        assert_eq!(orders.find(5 + 3 * window), 0);
        orders.remove(slots[0]);
        assert_eq!((orders.find(5), orders.find(5 + window)), (0, slots[1]));
        assert!(matches!(hold(&mut orders, 5), Stored::Direct(_)));
        orders.clear();
        assert!(refs.iter().all(|&r| orders.find(r) == 0));
        assert_eq!(orders.len, 0);
        assert!(matches!(hold(&mut orders, 5 + window), Stored::Direct(6)));
    }

    #[test]
    fn agrees_with_a_hash_map() {
        let mut orders = Orders::new(300, &mut Reserve::new(false, false)).unwrap();
        let mut naive = HashMap::new();
        let mut seed = 7u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let order_ref = (seed >> 40 & 63) << (if seed >> 50 & 1 == 0 { 0 } else { 13 });
            assert_eq!(orders.find(order_ref), *naive.get(&order_ref).unwrap_or(&0));
            if let Some(slot) = naive.remove(&order_ref) {
                orders.remove(slot);
            } else {
                naive.insert(order_ref, slot(hold(&mut orders, order_ref)));
            }
            assert_eq!(orders.len, naive.len());
        }
    }
}
