//! Open orders by user reference: a slab, an index over it and one list for each side of each
//! instrument.
//!
//! All is allocated once. An order under replacement has two numbers, so the index holds two keys
//! for each order at most and is never more than half full: a look-up touches one line of 8 keys
//! nearly always. Deletion shifts back what it would cut off, so that there are no tombstones and a
//! day of orders leaves the index as it was.

use crate::exposure::Worst;
use alloc::boxed::Box;
use alloc::vec;
use tercel_types::{InstrumentId, Price, Qty, Side, UserRef};

/// The end of a list, and an empty place of the index.
pub(crate) const NO_ORDER: u32 = u32::MAX;

/// A replace under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pending {
    pub(crate) user_ref: UserRef,
    pub(crate) price: Price,
    pub(crate) qty: Qty,
}

/// One order that may still trade: one cache line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(64))]
pub(crate) struct OpenOrder {
    pub(crate) user_ref: UserRef,
    /// Position of the instrument in `Risk`'s list.
    pub(crate) slot: u16,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    /// The venue has spoken of it.
    pub(crate) acked: bool,
    pub(crate) price: Price,
    pub(crate) open: Qty,
    pub(crate) pending: Option<Pending>,
    /// The number by which a cancel was sent, or zero.
    pub(crate) cancel_of: UserRef,
    next: u32,
    previous: u32,
}

const _: () = assert!(size_of::<OpenOrder>() == 64);

impl OpenOrder {
    pub(crate) const fn new(
        user_ref: UserRef,
        slot: u16,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        open: Qty,
    ) -> OpenOrder {
        OpenOrder {
            user_ref,
            slot,
            instrument,
            side,
            acked: false,
            price,
            open,
            pending: None,
            cancel_of: UserRef(0),
            next: NO_ORDER,
            previous: NO_ORDER,
        }
    }

    /// Under replacement, the larger of old and new: the venue nets what the old one filled from
    /// the new one (OUCH 5.0, "Replace Order"), so that they never both fill.
    #[inline]
    pub(crate) fn worst(&self) -> Worst {
        let old = worst(self.price, self.open);
        match self.pending {
            None => old,
            Some(pending) => old.or(worst(pending.price, pending.qty)),
        }
    }

    /// An order of the other side at `price` could trade with this one.
    #[inline]
    pub(crate) fn would_meet(&self, price: Price) -> bool {
        let meets = |own: Price| !self.side.better(price, own);
        meets(self.price) || self.pending.is_some_and(|pending| meets(pending.price))
    }
}

/// An order at its limit.
#[inline]
pub(crate) fn worst(price: Price, qty: Qty) -> Worst {
    Worst { qty: qty.0.into(), notional: price.notional(qty).0 }
}

impl Worst {
    /// The larger of each.
    #[inline]
    pub(crate) fn or(self, other: Worst) -> Worst {
        Worst { qty: self.qty.max(other.qty), notional: self.notional.max(other.notional) }
    }
}

/// The table.
#[derive(Debug)]
pub(crate) struct OrderTable {
    orders: Box<[OpenOrder]>,
    /// User reference and place in `orders`.
    index: Box<[(UserRef, u32)]>,
    /// First unused place; they are linked by `next`.
    free: u32,
    len: u32,
}

impl OrderTable {
    pub(crate) fn new(orders_max: u32) -> OrderTable {
        let none = OpenOrder::new(UserRef(0), 0, InstrumentId(0), Side::Buy, Price(0), Qty::ZERO);
        let mut orders = vec![none; orders_max as usize].into_boxed_slice();
        for (place, order) in (1..).zip(orders.iter_mut()) {
            order.next = if place < orders_max { place } else { NO_ORDER };
        }
        let places = (orders_max as usize * 4).next_power_of_two();
        let index = vec![(UserRef(0), NO_ORDER); places].into_boxed_slice();
        OrderTable { orders, index, free: if orders_max > 0 { 0 } else { NO_ORDER }, len: 0 }
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.free == NO_ORDER
    }

    #[inline]
    pub(crate) fn get(&self, at: u32) -> &OpenOrder {
        &self.orders[at as usize]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> &mut OpenOrder {
        &mut self.orders[at as usize]
    }

    /// The order that has this number now, or will have it after its replace.
    #[inline]
    pub(crate) fn find(&self, user_ref: UserRef) -> Option<u32> {
        let mut place = self.home(user_ref);
        loop {
            let (key, at) = self.index[place];
            if at == NO_ORDER {
                return None;
            }
            if key == user_ref {
                return Some(at);
            }
            place = (place + 1) & self.mask();
        }
    }

    /// Puts an order in, first of the list that begins at `head`; `None` when the table is full.
    pub(crate) fn insert(&mut self, order: OpenOrder, head: &mut u32) -> Option<u32> {
        let at = self.free;
        if at == NO_ORDER {
            return None;
        }
        self.free = self.orders[at as usize].next;
        self.orders[at as usize] = OpenOrder { next: *head, previous: NO_ORDER, ..order };
        if *head != NO_ORDER {
            self.get_mut(*head).previous = at;
        }
        *head = at;
        self.len += 1;
        self.link(order.user_ref, at);
        Some(at)
    }

    /// Takes an order out with all its numbers.
    pub(crate) fn remove(&mut self, at: u32, head: &mut u32) {
        let order = *self.get(at);
        self.unlink(order.user_ref);
        if let Some(pending) = order.pending {
            self.unlink(pending.user_ref);
        }
        match order.previous {
            NO_ORDER => *head = order.next,
            previous => self.get_mut(previous).next = order.next,
        }
        if order.next != NO_ORDER {
            self.get_mut(order.next).previous = order.previous;
        }
        self.get_mut(at).next = self.free;
        self.free = at;
        self.len -= 1;
    }

    /// Gives `at` one more number, which must be new.
    pub(crate) fn link(&mut self, user_ref: UserRef, at: u32) {
        let mut place = self.home(user_ref);
        while self.index[place].1 != NO_ORDER {
            place = (place + 1) & self.mask();
        }
        self.index[place] = (user_ref, at);
    }

    /// Takes a number out of the index.
    pub(crate) fn unlink(&mut self, user_ref: UserRef) {
        let mask = self.mask();
        let mut hole = self.home(user_ref);
        while self.index[hole].0 != user_ref || self.index[hole].1 == NO_ORDER {
            if self.index[hole].1 == NO_ORDER {
                return;
            }
            hole = (hole + 1) & mask;
        }
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let (key, at) = self.index[place];
            if at == NO_ORDER {
                break;
            }
            // It may fill the hole if its home is not after the hole on the way to its place.
            let from_home = place.wrapping_sub(self.home(key)) & mask;
            if from_home >= place.wrapping_sub(hole) & mask {
                self.index[hole] = (key, at);
                hole = place;
            }
        }
        self.index[hole] = (UserRef(0), NO_ORDER);
    }

    /// Orders of one list, newest first.
    #[inline]
    pub(crate) fn list(&self, head: u32) -> impl Iterator<Item = &OpenOrder> {
        let mut at = head;
        core::iter::from_fn(move || {
            let order = self.orders.get(at as usize)?;
            at = order.next;
            Some(order)
        })
    }

    const fn mask(&self) -> usize {
        self.index.len() - 1
    }

    /// References count up, so the multiplication is what spreads them (Knuth 6.4).
    #[inline]
    const fn home(&self, user_ref: UserRef) -> usize {
        let spread = (user_ref.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn order(user_ref: u32) -> OpenOrder {
        OpenOrder::new(UserRef(user_ref), 0, InstrumentId(0), Side::Sell, Price(10), Qty(1))
    }

    #[test]
    fn finds_what_is_in_and_nothing_else() {
        let mut table = OrderTable::new(16);
        let (mut head, mut model) = (NO_ORDER, BTreeMap::new());
        let mut seed = 7_u32;
        for step in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let user_ref = 1 + (seed >> 16) % 64;
            match model.remove(&user_ref) {
                Some(at) => table.remove(at, &mut head),
                None => match table.insert(order(user_ref), &mut head) {
                    Some(at) => assert!(model.insert(user_ref, at).is_none()),
                    None => assert_eq!(model.len(), 16),
                },
            }
            for user_ref in 1..=64 {
                let found = table.find(UserRef(user_ref));
                assert_eq!(found, model.get(&user_ref).copied(), "step {step}");
            }
            let mut listed: Vec<u32> = table.list(head).map(|order| order.user_ref.0).collect();
            listed.sort_unstable();
            assert!(listed.iter().eq(model.keys()));
            assert_eq!(table.len() as usize, model.len());
        }
    }

    #[test]
    fn the_second_number_leaves_with_the_order() {
        let mut table = OrderTable::new(1);
        let mut head = NO_ORDER;
        let at = table.insert(order(1), &mut head).unwrap();
        assert!(table.is_full() && table.insert(order(2), &mut head).is_none());
        table.get_mut(at).pending =
            Some(Pending { user_ref: UserRef(9), price: Price(8), qty: Qty(3) });
        table.link(UserRef(9), at);
        assert_eq!(table.find(UserRef(9)), Some(at));
        assert_eq!(table.get(at).worst(), Worst { qty: 3, notional: 24 });
        table.remove(at, &mut head);
        assert_eq!((table.find(UserRef(1)), table.find(UserRef(9))), (None, None));
        assert_eq!((table.len(), head), (0, NO_ORDER));
    }

    #[test]
    fn a_sell_meets_buys_at_or_above_its_price() {
        let sell = order(1);
        assert!(sell.would_meet(Price(10)) && sell.would_meet(Price(11)));
        assert!(!sell.would_meet(Price(9)));
        let pending = Some(Pending { user_ref: UserRef(9), price: Price(9), qty: Qty(3) });
        assert!(OpenOrder { pending, ..sell }.would_meet(Price(9)));
    }
}
