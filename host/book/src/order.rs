//! Resting orders: a pool of slots, and the index that finds the slot of an order reference.
//!
//! A slot is 32 bytes, two to a cache line, and slots are reused last freed first, so that the few that are busy stay
//! in the cache. The index is an array of 32-bit slot numbers at `reference mod its length`. Venues number orders
//! upwards, so that the references in use lie close together and 16 of them share a cache line; an index of 2^26 cells
//! (256 MiB of address space) is gone round some seven times in a day of 500 million references. A cell that is taken,
//! by an order that has rested since the last round or because references are sparse or random, is marked, and the
//! newcomer goes to a table with open addressing ([`crate::table`]); only a marked cell ever sends a search there.
//! The mark stays until the process ends: with 1.5 million orders resting, 2 cells in 100 are marked in each round.
//! Compared with orders stored in the indexed array itself this touches one line more for an order that is in no
//! cache, but keeps 4 bytes a reference instead of 32 in memory.

use crate::memory::{Array, Reserve};
use crate::table::Table;

/// One resting order. Slot 0 is nobody.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(crate) struct Order {
    pub order_ref: u64,
    /// Time of arrival at its level in orders taken in: of two orders of a level the one with the lower stamp is ahead.
    pub stamp: u64,
    pub qty: u32,
    /// Its level; zero while the slot is free.
    pub level: u32,
    /// The order ahead of it, zero for the first.
    pub prev: u32,
    /// The order behind it, zero for the last; the next free slot while the slot is free.
    pub next: u32,
}

/// The mark of a cell whose order is elsewhere.
const MARK: u32 = 1 << 31;
const CELLS_MAX: usize = 1 << 26;
const CELLS_PER_ORDER: usize = 32;

/// Every resting order.
pub(crate) struct Orders {
    pub slots: Array<Order>,
    cells: Array<u32>,
    sparse: Table,
    /// First of the freed slots.
    free: u32,
    /// Slots from this on have never been used.
    fresh: u32,
    pub len: usize,
    stamp: u64,
}

/// Where a new order went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    /// To this slot, found through its cell.
    Direct(u32),
    /// To this slot, found through the sparse table.
    Sparse(u32),
    /// Nowhere: there is no space.
    Full,
}

impl Orders {
    pub(crate) fn new(orders_max: usize, reserve: &mut Reserve) -> Result<Orders, i32> {
        let cells = (orders_max * CELLS_PER_ORDER).next_power_of_two().min(CELLS_MAX);
        Ok(Orders {
            slots: reserve.array(orders_max + 1)?,
            cells: reserve.array(cells)?,
            sparse: Table::new(orders_max, reserve)?,
            free: 0,
            fresh: 1,
            len: 0,
            stamp: 0,
        })
    }

    #[inline]
    fn cell(&self, order_ref: u64) -> usize {
        order_ref as usize & (self.cells.len() - 1)
    }

    /// The slot of a reference, zero if there is none.
    #[inline]
    pub(crate) fn find(&self, order_ref: u64) -> u32 {
        let cell = self.cells[self.cell(order_ref)];
        let slot = cell & !MARK;
        if slot != 0 && self.slots[slot as usize].order_ref == order_ref {
            return slot;
        }
        if cell & MARK != 0 { self.find_sparse(order_ref) } else { 0 }
    }

    #[cold]
    #[inline(never)]
    fn find_sparse(&self, order_ref: u64) -> u32 {
        self.sparse.find(order_ref)
    }

    /// Takes in an order whose reference is not there yet. Its links and its level are for the caller to set.
    #[inline]
    pub(crate) fn insert(&mut self, order_ref: u64, qty: u32) -> Stored {
        let slot = if self.free != 0 { self.free } else { self.fresh };
        if slot as usize >= self.slots.len() {
            return Stored::Full;
        }
        let at = self.cell(order_ref);
        let direct = self.cells[at] & !MARK == 0;
        if direct {
            self.cells[at] |= slot;
        } else {
            self.cells[at] |= MARK;
            if !self.insert_sparse(order_ref, slot) {
                return Stored::Full;
            }
        }
        if self.free != 0 {
            self.free = self.slots[slot as usize].next;
        } else {
            self.fresh += 1;
        }
        self.len += 1;
        self.stamp += 1;
        let stamp = self.stamp;
        self.slots[slot as usize] = Order { order_ref, stamp, qty, level: 0, prev: 0, next: 0 };
        if direct { Stored::Direct(slot) } else { Stored::Sparse(slot) }
    }

    #[cold]
    #[inline(never)]
    fn insert_sparse(&mut self, order_ref: u64, slot: u32) -> bool {
        self.sparse.insert(order_ref, slot)
    }

    /// Frees a slot that is in use.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        let order_ref = self.slots[slot as usize].order_ref;
        let at = self.cell(order_ref);
        if self.cells[at] & !MARK == slot {
            self.cells[at] &= MARK;
        } else {
            self.remove_sparse(order_ref);
        }
        let order = &mut self.slots[slot as usize];
        order.level = 0;
        order.next = self.free;
        self.free = slot;
        self.len -= 1;
    }

    #[cold]
    #[inline(never)]
    fn remove_sparse(&mut self, order_ref: u64) {
        self.sparse.remove(order_ref);
    }

    /// Forgets every order. Walks the slots ever used, 32 bytes each: some 30 ms after 1.5 million orders.
    #[cold]
    pub(crate) fn clear(&mut self) {
        for slot in 1..self.fresh {
            let order = &mut self.slots[slot as usize];
            if order.level != 0 {
                order.level = 0;
                let at = order.order_ref as usize & (self.cells.len() - 1);
                self.cells[at] &= MARK;
            }
        }
        self.sparse.clear();
        self.free = 0;
        self.fresh = 1;
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
            orders.slots[slot(stored) as usize].level = 1;
        }
        stored
    }

    #[test]
    fn references_that_share_a_cell_are_all_found() {
        let mut orders = Orders::new(4, &mut Reserve::new(false, false)).unwrap();
        let cells = orders.cells.len() as u64;
        let refs = [5, 5 + cells, 5 + 2 * cells, u64::MAX];
        let slots = refs.map(|r| slot(hold(&mut orders, r)));
        assert_eq!(orders.insert(6, 1), Stored::Full);
        assert_eq!(refs.map(|r| orders.find(r)), slots);
        assert_eq!(orders.find(5 + 3 * cells), 0);
        orders.remove(slots[0]);
        assert_eq!((orders.find(5), orders.find(5 + cells)), (0, slots[1]));
        assert!(matches!(hold(&mut orders, 5), Stored::Direct(_)));
        orders.clear();
        assert!(refs.iter().all(|&r| orders.find(r) == 0));
        assert_eq!(orders.len, 0);
        assert!(matches!(hold(&mut orders, 5 + cells), Stored::Direct(1)));
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
