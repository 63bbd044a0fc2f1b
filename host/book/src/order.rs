//! Resting orders, stored where their reference says.
//!
//! An order lies in the slot `reference mod window`, so that one load finds it, and orders that
//! came together lie together: most messages are about recent orders, whose slots then share pages
//! and stay in the cache. The other way, a pool of slots behind an index of 4 bytes a reference,
//! takes a third of the memory and was 10 to 20 percent slower over a random market of 8,000
//! instruments with memory taken at the start.
//!
//! Venues number orders upwards, so a day of 500 million references goes round a window of 2^25
//! slots (1 GiB of address space, taken as it is first touched) some 15 times. A newcomer that
//! finds its slot taken, by an order that has rested since the last round or because references are
//! sparse or random, goes to a pool, where a hash table finds it ([`crate::table`]); its slot is
//! marked, and only a marked slot ever sends a search to the table. The mark stays until the
//! process ends: with 1.5 million orders resting, 4 slots in 100 are marked in each round.

use crate::memory::{Array, Reserve};
use crate::table::Table;
use core::hint::select_unpredictable;

/// One resting order. Slot 0 is nobody; its links are written and never read.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(crate) struct Order {
    pub order_ref: u64,
    /// Time of arrival in orders taken in, zero while the slot is free: of two orders of a level
    /// the one with the lower stamp is ahead.
    pub stamp: u64,
    pub qty: u32,
    /// Its level, with [`SELL`] and [`MARK`].
    level: u32,
    /// The order ahead of it, zero for the first.
    pub prev: u32,
    /// The order behind it, zero for the last; the next free slot while a slot of the pool is free.
    pub next: u32,
}

/// The mark of a slot whose reference may be elsewhere.
const MARK: u32 = 1 << 31;
/// The mark of an order to sell.
const SELL: u32 = 1 << 30;
const WINDOW_MAX: usize = 1 << 25;
const SLOTS_PER_ORDER: usize = 16;

impl Order {
    /// Its level.
    #[inline]
    pub(crate) fn level(&self) -> u32 {
        self.level & !(MARK | SELL)
    }

    /// Index of its side.
    #[inline]
    pub(crate) fn side(&self) -> usize {
        usize::from(self.level & SELL != 0)
    }

    #[inline]
    fn held(&self, slot: u32) -> Held {
        let (level, side) = (self.level(), self.side());
        Held { slot, level, side, qty: self.qty, prev: self.prev, next: self.next }
    }
}

/// An order without what it is found by.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub slot: u32,
    pub level: u32,
    /// [`tercel_types::Side::index`].
    pub side: usize,
    pub qty: u32,
    pub prev: u32,
    pub next: u32,
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

/// Where a new order may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Vacancy {
    /// To this slot of the window.
    Direct(u32),
    /// To this slot of the pool.
    Sparse(u32),
    /// Nowhere: an order has its reference.
    Duplicate,
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

    /// Begins to load the slot where a reference belongs.
    #[inline]
    pub(crate) fn fetch(&self, order_ref: u64) {
        self.slots.fetch(self.home(order_ref) as usize);
    }

    /// The order in the slot where a reference belongs, whatever its reference; nobody if the slot
    /// is free.
    #[inline(always)]
    pub(crate) fn guess(&self, order_ref: u64) -> Held {
        let home = self.home(order_ref);
        let order = &self.slots[home as usize];
        let taken = self.is_taken(order);
        let if_taken = |index| select_unpredictable(taken, index, 0);
        Held {
            level: if_taken(order.level()),
            prev: if_taken(order.prev),
            next: if_taken(order.next),
            ..order.held(home)
        }
    }

    /// An order is in the slot.
    #[inline]
    fn is_taken(&self, order: &Order) -> bool {
        order.stamp > self.forgotten
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

    /// What is known of the order with a reference.
    #[inline(always)]
    pub(crate) fn hold(&self, order_ref: u64) -> Option<Held> {
        let home = self.home(order_ref);
        let order = &self.slots[home as usize];
        if order.order_ref == order_ref && self.is_taken(order) {
            return Some(order.held(home));
        }
        self.hold_sparse(order_ref)
    }

    #[cold]
    #[inline(never)]
    fn hold_sparse(&self, order_ref: u64) -> Option<Held> {
        let slot = self.find(order_ref);
        (slot != 0).then(|| self.slots[slot as usize].held(slot))
    }

    #[cold]
    #[inline(never)]
    fn find_sparse(&self, order_ref: u64) -> u32 {
        self.table.find(order_ref)
    }

    /// A slot for a new order, which is on the book once it is [`Orders::put`] there.
    #[inline]
    pub(crate) fn vacancy(&mut self, order_ref: u64) -> Vacancy {
        let home = self.home(order_ref);
        let order = &self.slots[home as usize];
        if self.is_taken(order) || order.level & MARK != 0 || self.len == self.orders_max {
            return self.vacancy_elsewhere(order_ref, home);
        }
        Vacancy::Direct(home)
    }

    #[cold]
    #[inline(never)]
    fn vacancy_elsewhere(&mut self, order_ref: u64, home: u32) -> Vacancy {
        if self.find(order_ref) != 0 {
            return Vacancy::Duplicate;
        }
        if self.len == self.orders_max {
            return Vacancy::Full;
        }
        if !self.is_taken(&self.slots[home as usize]) {
            return Vacancy::Direct(home);
        }
        let slot = if self.free != 0 { self.free } else { self.fresh };
        self.slots[home as usize].level |= MARK;
        if !self.table.insert(order_ref, slot) {
            return Vacancy::Full;
        }
        if self.free != 0 {
            self.free = self.slots[slot as usize].next;
        } else {
            self.fresh += 1;
        }
        self.slots[slot as usize].order_ref = order_ref;
        Vacancy::Sparse(slot)
    }

    /// Puts an order into its slot, behind the order `prev` of its level.
    #[inline(always)]
    pub(crate) fn put(&mut self, order_ref: u64, held: Held) {
        let Held { slot, level, side, qty, prev, next } = held;
        self.len += 1;
        self.stamp += 1;
        let order = &mut self.slots[slot as usize];
        let level = level | (side as u32 * SELL) | (order.level & MARK);
        *order = Order { order_ref, stamp: self.stamp, qty, level, prev, next };
        // The slot of nobody is written too, where there is none ahead: cheaper than asking.
        self.slots[prev as usize].next = slot;
    }

    /// Takes an order out of its line and frees its slot.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32, prev: u32, next: u32) {
        self.slots[prev as usize].next = next;
        self.slots[next as usize].prev = prev;
        self.slots[slot as usize].stamp = 0;
        self.len -= 1;
        if slot as usize > self.mask + 1 {
            self.give_back(slot);
        }
    }

    /// Frees a slot of the pool.
    #[cold]
    #[inline(never)]
    fn give_back(&mut self, slot: u32) {
        self.table.remove(self.slots[slot as usize].order_ref);
        self.slots[slot as usize].next = self.free;
        self.free = slot;
    }

    /// Leaves a vacancy as it was.
    #[cold]
    pub(crate) fn decline(&mut self, vacancy: Vacancy) {
        if let Vacancy::Sparse(slot) = vacancy {
            self.give_back(slot);
        }
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

    fn slot(vacancy: Vacancy) -> u32 {
        match vacancy {
            Vacancy::Direct(slot) | Vacancy::Sparse(slot) => slot,
            Vacancy::Duplicate | Vacancy::Full => panic!("{vacancy:?}"),
        }
    }

    fn hold(orders: &mut Orders, order_ref: u64) -> Vacancy {
        let vacancy = orders.vacancy(order_ref);
        let slot = slot(vacancy);
        orders.put(order_ref, Held { slot, level: 1, side: 1, qty: 1, prev: 0, next: 0 });
        vacancy
    }

    #[test]
    fn references_that_share_a_slot_are_all_found() {
        let mut orders = Orders::new(4, &mut Reserve::new(false, false)).unwrap();
        let window = orders.mask as u64 + 1;
        let refs = [5, 5 + window, 5 + 2 * window, u64::MAX];
        let slots = refs.map(|r| slot(hold(&mut orders, r)));
        assert_eq!(orders.vacancy(6), Vacancy::Full);
        assert_eq!(orders.vacancy(5), Vacancy::Duplicate);
        assert_eq!(refs.map(|r| orders.find(r)), slots);
        assert_eq!(orders.find(5 + 3 * window), 0);
        orders.remove(slots[0], 0, 0);
        assert_eq!((orders.find(5), orders.find(5 + window)), (0, slots[1]));
        assert!(matches!(hold(&mut orders, 5), Vacancy::Direct(_)));
        orders.clear();
        assert!(refs.iter().all(|&r| orders.find(r) == 0));
        assert_eq!(orders.len, 0);
        assert!(matches!(hold(&mut orders, 5 + window), Vacancy::Direct(6)));
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
                orders.remove(slot, 0, 0);
            } else {
                naive.insert(order_ref, slot(hold(&mut orders, order_ref)));
            }
            assert_eq!(orders.len, naive.len());
        }
    }
}
