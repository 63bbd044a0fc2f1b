//! Where the orders are: in a slab, found by the market's number and by the account's.
//!
//! Two hash tables say at which place an order is. Nobody ever walks over them, so that what they
//! hold in which order cannot show in an event.

use super::command::Owner;
use super::event::Order;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use tercel_types::OrderRef;

/// A place in the slab.
pub(super) type Slot = u32;

/// All open orders.
#[derive(Clone, Default, Debug)]
pub(super) struct Store {
    slab: Vec<Order>,
    free: Vec<Slot>,
    by_ref: Table,
    by_owner: Table,
}

type Table = HashMap<u64, Slot, BuildHasherDefault<Spread>>;

/// Spreads a number over 64 bits by one multiplication (Knuth, volume 3, §6.4). The numbers are the
/// engine's own or count up within an account, so nobody can choose them to collide on purpose
/// beyond what a slow venue of a laboratory would show.
#[derive(Clone, Copy, Default, Debug)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The table looks at the highest bits and at the lowest.
        self.0 = product ^ (product >> 32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[inline]
fn key(owner: Owner) -> u64 {
    u64::from(owner.account.0) << 32 | u64::from(owner.user_ref.0)
}

impl Store {
    /// Open orders.
    pub(super) fn len(&self) -> usize {
        self.by_ref.len()
    }

    /// An order by the market's number.
    #[inline]
    pub(super) fn get(&self, order_ref: OrderRef) -> Option<&Order> {
        self.slab.get(*self.by_ref.get(&order_ref.0)? as usize)
    }

    /// An order by its account's number.
    #[inline]
    pub(super) fn find(&self, owner: Owner) -> Option<&Order> {
        self.slab.get(*self.by_owner.get(&key(owner))? as usize)
    }

    /// As [`Store::find`], to change it.
    #[inline]
    pub(super) fn find_mut(&mut self, owner: Owner) -> Option<&mut Order> {
        self.slab.get_mut(*self.by_owner.get(&key(owner))? as usize)
    }

    /// The account has an open order of that number.
    #[inline]
    pub(super) fn holds(&self, owner: Owner) -> bool {
        self.by_owner.contains_key(&key(owner))
    }

    /// The order at a place.
    #[inline]
    pub(super) fn at(&self, slot: Slot) -> &Order {
        &self.slab[slot as usize]
    }

    /// Puts a new order in.
    #[inline]
    pub(super) fn insert(&mut self, order: Order) -> Slot {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = order;
                slot
            }
            None => {
                self.slab.push(order);
                // Fewer than 2^32: an order is more than a byte.
                (self.slab.len() - 1) as Slot
            }
        };
        self.by_ref.insert(order.order_ref.0, slot);
        self.by_owner.insert(key(order.owner), slot);
        slot
    }

    /// Changes an open order to what it is now, under the same numbers.
    #[inline]
    pub(super) fn update(&mut self, order: &Order) {
        if let Some(slot) = self.by_ref.get(&order.order_ref.0) {
            self.slab[*slot as usize] = *order;
        }
    }

    /// Takes an order out.
    #[inline]
    pub(super) fn remove(&mut self, order_ref: OrderRef) -> Option<Order> {
        let slot = self.by_ref.remove(&order_ref.0)?;
        let order = self.slab[slot as usize];
        self.by_owner.remove(&key(order.owner));
        self.free.push(slot);
        Some(order)
    }
}
