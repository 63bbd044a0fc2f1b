//! Where the orders are: in a slab, found by the market's number and by the account's.
//!
//! Two hash tables say at which place an order is. Nobody ever walks over them, so that what they
//! hold in which order cannot show in an event. A place also says who stands next to its order in
//! the line of its price (`book.rs`).

use super::command::Owner;
use super::event::Order;
use tercel_types::OrderRef;

/// A place in the slab.
pub(super) type Slot = u32;

/// An order, and who stands next to it in the line of its price.
#[derive(Clone, Copy, Debug)]
struct Place {
    order: Order,
    ahead: Slot,
    behind: Slot,
}

/// Nobody stands there.
const NOBODY: Slot = Slot::MAX;

/// All open orders.
#[derive(Clone, Default, Debug)]
pub(super) struct Store {
    slab: Vec<Place>,
    free: Vec<Slot>,
    by_ref: Table,
    by_owner: Table,
}

/// Places by number: a hash table with open addressing and linear probing, at most half full. What
/// is taken out leaves no mark, as what follows it moves up (Knuth, volume 3, §6.4, algorithm R),
/// so that a table in use for days is as quick as a new one and asks for no memory.
///
/// A number is spread by one multiplication. The numbers are the engine's own or count up within an
/// account, so nobody can choose them to collide on purpose beyond what a slow venue of a
/// laboratory would show.
#[derive(Clone, Default, Debug)]
struct Table {
    /// Number and place, [`NOBODY`] in an entry that is free. None, or a power of two.
    entries: Vec<(u64, Slot)>,
    len: usize,
}

/// Entries of a table's first memory.
const ENTRIES_LEAST: usize = 64;

impl Table {
    #[inline]
    fn home(&self, number: u64) -> usize {
        let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread ^ (spread >> 32)) as usize & (self.entries.len() - 1)
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }

    /// The entry of a number, or the free one where it would go. There is memory.
    #[inline]
    fn entry(&self, number: u64) -> usize {
        let mut at = self.home(number);
        while self.entries[at].1 != NOBODY && self.entries[at].0 != number {
            at = self.after(at);
        }
        at
    }

    #[inline]
    fn get(&self, number: u64) -> Option<Slot> {
        if self.entries.is_empty() {
            return None;
        }
        let (_, slot) = self.entries[self.entry(number)];
        (slot != NOBODY).then_some(slot)
    }

    /// Takes in a number that is not there.
    #[inline]
    fn insert(&mut self, number: u64, slot: Slot) {
        if 2 * (self.len + 1) > self.entries.len() {
            self.grow();
        }
        let at = self.entry(number);
        self.entries[at] = (number, slot);
        self.len += 1;
    }

    #[inline]
    fn remove(&mut self, number: u64) {
        if self.get(number).is_none() {
            return;
        }
        let mask = self.entries.len() - 1;
        let mut hole = self.entry(number);
        let mut at = self.after(hole);
        while self.entries[at].1 != NOBODY {
            // It moves up unless the hole lies before where it belongs.
            let from_home = at.wrapping_sub(self.home(self.entries[at].0)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = self.entries[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.entries[hole].1 = NOBODY;
        self.len -= 1;
    }

    #[cold]
    fn grow(&mut self) {
        let room = (2 * self.entries.len()).max(ENTRIES_LEAST);
        let old = std::mem::replace(&mut self.entries, vec![(0, NOBODY); room]);
        for (number, slot) in old.into_iter().filter(|(_, slot)| *slot != NOBODY) {
            let at = self.entry(number);
            self.entries[at] = (number, slot);
        }
    }
}

#[inline]
fn key(owner: Owner) -> u64 {
    u64::from(owner.account.0) << 32 | u64::from(owner.user_ref.0)
}

impl Store {
    /// Open orders.
    pub(super) fn len(&self) -> usize {
        self.by_ref.len
    }

    /// Where an order is, by the market's number.
    #[inline]
    pub(super) fn place(&self, order_ref: OrderRef) -> Option<Slot> {
        self.by_ref.get(order_ref.0)
    }

    /// Where an order is, by its account's number.
    #[inline]
    pub(super) fn place_of(&self, owner: Owner) -> Option<Slot> {
        self.by_owner.get(key(owner))
    }

    /// An order by the market's number.
    #[inline]
    pub(super) fn get(&self, order_ref: OrderRef) -> Option<&Order> {
        Some(self.at(self.place(order_ref)?))
    }

    /// An order by its account's number.
    #[inline]
    pub(super) fn find(&self, owner: Owner) -> Option<&Order> {
        Some(self.at(self.place_of(owner)?))
    }

    /// The account has an open order of that number.
    #[inline]
    pub(super) fn holds(&self, owner: Owner) -> bool {
        self.by_owner.get(key(owner)).is_some()
    }

    /// The order at a place.
    #[inline]
    pub(super) fn at(&self, slot: Slot) -> &Order {
        &self.slab[slot as usize].order
    }

    /// As [`Store::at`], to change anything but its numbers.
    #[inline]
    pub(super) fn at_mut(&mut self, slot: Slot) -> &mut Order {
        &mut self.slab[slot as usize].order
    }

    /// Puts a new order in.
    #[inline]
    pub(super) fn insert(&mut self, order: &Order) -> Slot {
        let place = Place { order: *order, ahead: NOBODY, behind: NOBODY };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = place;
                slot
            }
            None => {
                self.slab.push(place);
                // Fewer than 2^32: an order is more than a byte.
                (self.slab.len() - 1) as Slot
            }
        };
        self.by_ref.insert(order.order_ref.0, slot);
        self.by_owner.insert(key(order.owner), slot);
        slot
    }

    /// Takes the order at a place out. It has left its line.
    #[inline]
    pub(super) fn remove(&mut self, slot: Slot) {
        let Order { order_ref, owner, .. } = *self.at(slot);
        self.by_ref.remove(order_ref.0);
        self.by_owner.remove(key(owner));
        self.free.push(slot);
    }

    /// Puts the order at `slot` into a line, behind its last one.
    #[inline]
    pub(super) fn follow(&mut self, last: Slot, slot: Slot) {
        self.slab[last as usize].behind = slot;
        self.slab[slot as usize].ahead = last;
    }

    /// Takes the order at a place out of its line; who was ahead of it and who behind.
    #[inline]
    pub(super) fn leave(&mut self, slot: Slot) -> [Option<Slot>; 2] {
        let Place { ahead, behind, .. } = self.slab[slot as usize];
        if ahead != NOBODY {
            self.slab[ahead as usize].behind = behind;
        }
        if behind != NOBODY {
            self.slab[behind as usize].ahead = ahead;
        }
        [ahead, behind].map(|next| (next != NOBODY).then_some(next))
    }

    /// Who stands behind the order at a place.
    #[inline]
    pub(super) fn behind(&self, slot: Slot) -> Option<Slot> {
        let behind = self.slab[slot as usize].behind;
        (behind != NOBODY).then_some(behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_table_agrees_with_a_hash_map() {
        let (mut table, mut naive, mut seed) = (Table::default(), HashMap::new(), 1_u64);
        for step in 0..200_000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few numbers, so that they come again; runs of neighbours, and numbers that share
            // their lower half.
            let number = (seed >> 58) << (if seed >> 50 & 1 == 0 { 0 } else { 32 });
            assert_eq!(table.get(number), naive.get(&number).copied());
            if naive.remove(&number).is_some() {
                table.remove(number);
            } else {
                table.insert(number, step);
                naive.insert(number, step);
            }
            assert_eq!(table.len, naive.len());
        }
        assert!(naive.iter().all(|(number, slot)| table.get(*number) == Some(*slot)));
        table.remove(u64::MAX);
        assert_eq!((table.len, table.get(u64::MAX)), (naive.len(), None));
    }
}
