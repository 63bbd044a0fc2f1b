//! The orders of a session: live ones by number and by instrument and side, and the last dead ones.
//!
//! Entries stand in one slab; an index of at most half load leads from a number to its entry
//! (linear probing, removal by shifting back, so no tombstones). Live entries hang in one list per
//! instrument and side, highest number first, which makes the newest quote of a side one load; dead
//! ones hang in one list by age, and the oldest makes place. An entry is 88 bytes, the default
//! tables together about 1.3 MB.

use tercel_types::{
    InstrumentId, Nanos, OrderRef, Price, Qty, Side, TimeInForce, UserRef, WorkingOrder,
    WorkingState,
};

/// No number: OUCH numbers begin with 1.
pub(crate) const NONE: UserRef = UserRef(0);
/// End of a list.
const END: u32 = u32::MAX;

/// One order as the gateway knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracked {
    pub(crate) user_ref: UserRef,
    pub(crate) order_ref: OrderRef,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) post_only: bool,
    pub(crate) price: Price,
    pub(crate) open: Qty,
    /// Shares executed, or prevented from trading with ourselves, in the chain of replaces up to
    /// this order: what the quantity of a replace must include (OUCH 5.0 §2.2).
    pub(crate) chain: u32,
    pub(crate) entered: Nanos,
    /// The order that this one shall replace, while unanswered.
    pub(crate) original: UserRef,
    /// The unanswered replacement of this one.
    pub(crate) replacement: UserRef,
    /// The venue has accepted it.
    pub(crate) acked: bool,
    /// A cancel was sent.
    pub(crate) cancelling: bool,
    /// The venue holds that cancel until a cross is over.
    pub(crate) held: bool,
    pub(crate) dead: bool,
    /// It was taken for never received.
    pub(crate) never: bool,
}

impl Tracked {
    /// As strategies see it.
    pub(crate) fn working(&self) -> WorkingOrder {
        WorkingOrder {
            user_ref: self.user_ref,
            order_ref: self.order_ref,
            side: self.side,
            price: self.price,
            open: self.open,
            entered: self.entered,
            state: self.state(),
        }
    }

    #[inline]
    fn state(&self) -> WorkingState {
        if self.cancelling {
            WorkingState::PendingCancel
        } else if !self.acked {
            WorkingState::PendingNew
        } else if self.replacement != NONE {
            WorkingState::PendingReplace
        } else {
            WorkingState::Live
        }
    }
}

/// An entry's number in the slab.
pub(crate) type Slot = u32;

struct Entry {
    order: Tracked,
    prev: u32,
    next: u32,
}

/// First and last of a list.
#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List { head: END, tail: END };

/// All orders.
pub(crate) struct Orders {
    entries: Vec<Entry>,
    /// Entry plus one, zero for free.
    index: Box<[u32]>,
    shift: u32,
    live: usize,
    live_max: usize,
    dead: usize,
    dead_max: usize,
    free: u32,
    dead_list: List,
    live_lists: Box<[[List; 2]]>,
}

impl Orders {
    pub(crate) fn new(live_max: usize, dead_max: usize, instruments_max: usize) -> Orders {
        // One more than both, because a dying order is dead before the oldest dead one goes.
        let capacity = live_max + dead_max + 1;
        let places = (2 * capacity).next_power_of_two();
        Orders {
            entries: Vec::with_capacity(capacity),
            index: vec![0; places].into(),
            shift: 32 - places.trailing_zeros(),
            live: 0,
            live_max,
            dead: 0,
            dead_max,
            free: END,
            dead_list: EMPTY,
            live_lists: vec![[EMPTY; 2]; instruments_max].into(),
        }
    }

    /// The entry of a number, live or dead.
    #[inline]
    pub(crate) fn find(&self, user_ref: UserRef) -> Option<Slot> {
        self.place(user_ref).map(|place| self.index[place] - 1)
    }

    /// The entry of a number if it is live.
    #[inline]
    pub(crate) fn find_live(&self, user_ref: UserRef) -> Option<Slot> {
        self.find(user_ref).filter(|&slot| !self.get(slot).dead)
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> &Tracked {
        &self.entries[slot as usize].order
    }

    /// The caller does not change number, instrument, side or `dead`.
    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> &mut Tracked {
        &mut self.entries[slot as usize].order
    }

    /// Whether another live order has no place.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.live >= self.live_max
    }

    /// Adds a live order with a number that is not there yet; `None` when there is no place or the
    /// instrument is beyond the limit.
    pub(crate) fn insert(&mut self, order: Tracked) -> Option<Slot> {
        if self.is_full() || order.instrument.index() >= self.live_lists.len() {
            return None;
        }
        let entry = Entry { order, prev: END, next: END };
        let slot = if self.free == END {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let slot = self.free;
            self.free = self.entries[slot as usize].next;
            self.entries[slot as usize] = entry;
            slot
        };
        let mut place = self.home(order.user_ref);
        while self.index[place] != 0 {
            place = (place + 1) & (self.index.len() - 1);
        }
        self.index[place] = slot + 1;
        self.link_live(slot);
        self.live += 1;
        Some(slot)
    }

    /// Moves a live order to the dead; the oldest dead one beyond the limit is forgotten.
    pub(crate) fn kill(&mut self, slot: Slot) {
        let order = &mut self.entries[slot as usize].order;
        if order.dead {
            return;
        }
        order.dead = true;
        order.open = Qty::ZERO;
        let (id, side) = (order.instrument, order.side);
        let mut list = self.live_lists[id.index()][side.index()];
        self.unlink(&mut list, slot);
        self.live_lists[id.index()][side.index()] = list;
        self.live -= 1;

        let tail = self.dead_list.tail;
        self.entries[slot as usize].prev = tail;
        self.entries[slot as usize].next = END;
        match self.entries.get_mut(tail as usize) {
            Some(last) => last.next = slot,
            None => self.dead_list.head = slot,
        }
        self.dead_list.tail = slot;
        self.dead += 1;
        if self.dead > self.dead_max {
            self.forget(self.dead_list.head);
        }
    }

    /// Removes a dead order.
    pub(crate) fn forget(&mut self, slot: Slot) {
        let user_ref = self.get(slot).user_ref;
        let mut list = self.dead_list;
        self.unlink(&mut list, slot);
        self.dead_list = list;
        self.dead -= 1;
        self.unindex(user_ref);
        self.entries[slot as usize].next = self.free;
        self.free = slot;
        // A freed entry must not look live to a scan of the slab.
        self.entries[slot as usize].order.dead = true;
    }

    /// The newest live order of a side.
    #[inline]
    pub(crate) fn newest(&self, id: InstrumentId, side: Side) -> Option<&Tracked> {
        let list = self.live_lists.get(id.index())?[side.index()];
        self.entries.get(list.head as usize).map(|entry| &entry.order)
    }

    /// All live orders, in no order of meaning but the same one each time. Walks the slab.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Tracked> {
        self.entries.iter().map(|entry| &entry.order).filter(|order| !order.dead)
    }

    /// How many slots a walk over all orders has.
    pub(crate) fn slots(&self) -> Slot {
        self.entries.len() as u32
    }

    fn link_live(&mut self, slot: Slot) {
        let order = &self.entries[slot as usize].order;
        let (user_ref, id, side) = (order.user_ref, order.instrument, order.side);
        let mut list = self.live_lists[id.index()][side.index()];
        // Numbers only grow, so the place is the head but for odd orders of a recovery.
        let (mut before, mut after) = (END, list.head);
        while let Some(entry) = self.entries.get(after as usize) {
            if entry.order.user_ref < user_ref {
                break;
            }
            (before, after) = (after, entry.next);
        }
        self.entries[slot as usize].prev = before;
        self.entries[slot as usize].next = after;
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.next = slot,
            None => list.head = slot,
        }
        match self.entries.get_mut(after as usize) {
            Some(entry) => entry.prev = slot,
            None => list.tail = slot,
        }
        self.live_lists[id.index()][side.index()] = list;
    }

    fn unlink(&mut self, list: &mut List, slot: Slot) {
        let Entry { prev, next, .. } = self.entries[slot as usize];
        match self.entries.get_mut(prev as usize) {
            Some(entry) => entry.next = next,
            None => list.head = next,
        }
        match self.entries.get_mut(next as usize) {
            Some(entry) => entry.prev = prev,
            None => list.tail = prev,
        }
    }

    #[inline]
    fn home(&self, user_ref: UserRef) -> usize {
        // Fibonacci hashing spreads consecutive numbers evenly.
        (user_ref.0.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    #[inline]
    fn place(&self, user_ref: UserRef) -> Option<usize> {
        let mut place = self.home(user_ref);
        loop {
            let slot = self.index[place].checked_sub(1)?;
            if self.get(slot).user_ref == user_ref {
                return Some(place);
            }
            place = (place + 1) & (self.index.len() - 1);
        }
    }

    fn unindex(&mut self, user_ref: UserRef) {
        let Some(mut hole) = self.place(user_ref) else { return };
        let mask = self.index.len() - 1;
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let Some(slot) = self.index[place].checked_sub(1) else { break };
            let home = self.home(self.get(slot).user_ref);
            // It may move into the hole unless its home lies behind the hole.
            if place.wrapping_sub(home) & mask >= place.wrapping_sub(hole) & mask {
                self.index[hole] = self.index[place];
                hole = place;
            }
        }
        self.index[hole] = 0;
    }
}

#[cfg(test)]
pub(crate) fn sample(user_ref: u32, id: u16, side: Side) -> Tracked {
    Tracked {
        user_ref: UserRef(user_ref),
        order_ref: OrderRef(0),
        instrument: InstrumentId(id),
        side,
        time_in_force: TimeInForce::Day,
        post_only: false,
        price: Price(1),
        open: Qty(1),
        chain: 0,
        entered: Nanos(0),
        original: NONE,
        replacement: NONE,
        acked: true,
        cancelling: false,
        held: false,
        dead: false,
        never: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, VecDeque};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_tables_agree_with_plain_ones(
            steps in proptest::collection::vec((0u8..3, 1u32..64, 0u16..2, any::<bool>()), 1..400)
        ) {
            let (live_max, dead_max) = (9, 5);
            let mut orders = Orders::new(live_max, dead_max, 2);
            let mut live: BTreeMap<u32, (u16, Side)> = BTreeMap::new();
            let mut dead: VecDeque<u32> = VecDeque::new();
            for (what, number, id, buy) in steps {
                let side = if buy { Side::Buy } else { Side::Sell };
                let number = number.wrapping_mul(0x0101_0101);
                let known = live.contains_key(&number) || dead.contains(&number);
                if what < 2 && !known {
                    let slot = orders.insert(sample(number, id, side));
                    prop_assert_eq!(slot.is_some(), live.len() < live_max);
                    if slot.is_some() {
                        live.insert(number, (id, side));
                    }
                } else if let Some(slot) = orders.find_live(UserRef(number)) {
                    orders.kill(slot);
                    live.remove(&number);
                    dead.push_back(number);
                    if dead.len() > dead_max {
                        dead.pop_front();
                    }
                }
                for number in live.keys() {
                    prop_assert!(orders.find_live(UserRef(*number)).is_some());
                }
                for number in &dead {
                    let slot = orders.find(UserRef(*number));
                    prop_assert!(slot.is_some_and(|slot| orders.get(slot).dead));
                }
                prop_assert_eq!(orders.live().count(), live.len());
                for id in 0..2u16 {
                    for side in [Side::Buy, Side::Sell] {
                        let newest = live.iter().rev().find(|(_, at)| **at == (id, side));
                        let got = orders.newest(InstrumentId(id), side);
                        prop_assert_eq!(got.map(|o| o.user_ref.0), newest.map(|(n, _)| *n));
                    }
                }
            }
        }
    }
}
