//! What rests: every order of the market, the queue of each level, and the orders of each
//! instrument in the order in which they came.
//!
//! 32 bytes an order, linked into its level's queue by number, and 4 bytes in a list of its
//! instrument. Every operation is a handful of loads, whatever rests. Each instrument has arrays of
//! its own, so that those loads are within a few pages: with one array of all orders, half of the
//! time went into misses of the address cache.

use crate::instrument::{Instrument, WINDOW};
use std::hint;
use tercel_types::Side;

/// Which order: the instrument, and the place among its orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    at: u16,
    index: u32,
}

const NONE: u32 = u32::MAX;

/// An order that rests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) order_ref: u64,
    /// Price in ticks of the instrument.
    pub(crate) ticks: u32,
    pub(crate) shares: u32,
    /// Neighbours in the queue of its level; where no order is, `after` is the next such place.
    before: u32,
    after: u32,
    /// Place in its instrument's list.
    listed: u32,
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    /// Meant to rest for hours, not for milliseconds.
    pub(crate) lasting: bool,
}

/// First and last of a queue.
#[derive(Clone, Copy, Debug)]
struct Queue {
    first: u32,
    last: u32,
}

/// What rests of an instrument.
#[derive(Clone, Debug)]
struct Resting {
    orders: Vec<Order>,
    /// The place last freed.
    free: u32,
    queues: Box<[Queue]>,
    /// Short-lived and lasting orders, each list roughly oldest first.
    lists: [Vec<u32>; 2],
}

/// All orders that rest.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    resting: Vec<Resting>,
    len: usize,
    lasting: usize,
}

impl Orders {
    pub(crate) fn new(instruments: u16) -> Orders {
        let resting = || Resting {
            orders: Vec::new(),
            free: NONE,
            queues: vec![Queue { first: NONE, last: NONE }; WINDOW as usize].into(),
            lists: [Vec::new(), Vec::new()],
        };
        let resting = (0..instruments).map(|_| resting()).collect();
        Orders { resting, len: 0, lasting: 0 }
    }

    /// Orders that rest.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Orders that rest and are meant to.
    #[inline]
    pub(crate) fn lasting(&self) -> usize {
        self.lasting
    }

    #[inline]
    pub(crate) fn order(&self, slot: Slot) -> &Order {
        &self.resting[usize::from(slot.at)].orders[slot.index as usize]
    }

    /// How many orders of an instrument there are, short-lived or lasting.
    #[inline]
    pub(crate) fn count(&self, at: u16, lasting: bool) -> u32 {
        self.resting[usize::from(at)].lists[usize::from(lasting)].len() as u32
    }

    /// One of these, the oldest ones first.
    #[inline]
    pub(crate) fn listed(&self, at: u16, lasting: bool, place: u32) -> Slot {
        let list = &self.resting[usize::from(at)].lists[usize::from(lasting)];
        Slot { at, index: list[place as usize] }
    }

    /// The first in line at the touch.
    #[inline]
    pub(crate) fn first(&self, at: u16, instrument: &Instrument, side: Side) -> Option<Slot> {
        let level = instrument.best(side)?;
        Some(Slot { at, index: self.resting[usize::from(at)].queues[level as usize].first })
    }

    /// Reads where an instrument's lists are, so that it is at hand soon.
    #[inline]
    pub(crate) fn read_lists(&self, at: u16) {
        hint::black_box(self.resting[usize::from(at)].free);
    }

    /// Reads the queues at the touch and the end of the list of short-lived orders.
    #[inline]
    pub(crate) fn read_queue(&self, at: u16, instrument: &Instrument) {
        let resting = &self.resting[usize::from(at)];
        let level = instrument.fair as usize;
        hint::black_box(resting.queues.get(level).map(|queue| queue.first));
        hint::black_box(resting.lists[0].last());
        hint::black_box(resting.orders.get(resting.free as usize).map(|free| free.after));
    }

    /// Reads the newest short-lived order and its neighbour.
    #[inline]
    pub(crate) fn read_newest(&self, at: u16) {
        let resting = &self.resting[usize::from(at)];
        let Some(&newest) = resting.lists[0].last() else { return };
        hint::black_box(resting.orders[newest as usize].before);
    }

    /// Adds an order behind those of its level.
    pub(crate) fn add(&mut self, instrument: &mut Instrument, order: NewOrder) {
        let NewOrder { order_ref, ticks, shares, instrument: at, side, lasting } = order;
        self.len += 1;
        self.lasting += usize::from(lasting);
        let resting = &mut self.resting[usize::from(at)];
        let list = &mut resting.lists[usize::from(lasting)];
        let order = Order {
            order_ref,
            ticks,
            shares,
            before: NONE,
            after: NONE,
            listed: list.len() as u32,
            instrument: at,
            side,
            lasting,
        };
        let index = match resting.orders.get_mut(resting.free as usize) {
            Some(free) => {
                let index = resting.free;
                resting.free = free.after;
                *free = order;
                index
            }
            None => {
                resting.orders.push(order);
                (resting.orders.len() - 1) as u32
            }
        };
        list.push(index);
        if let Some(level) = instrument.index(ticks) {
            resting.enqueue(index, level, instrument);
        }
    }

    /// Takes an order off.
    pub(crate) fn remove(&mut self, slot: Slot, instrument: &mut Instrument) {
        let Slot { at, index } = slot;
        let resting = &mut self.resting[usize::from(at)];
        let order = resting.orders[index as usize];
        self.len -= 1;
        self.lasting -= usize::from(order.lasting);
        if let Some(level) = instrument.index(order.ticks) {
            resting.dequeue(&order, level, instrument);
        }
        // The newest order takes the place of the one that goes. Most that go are among the newest,
        // so the list stays in order but for a few.
        let list = &mut resting.lists[usize::from(order.lasting)];
        list.swap_remove(order.listed as usize);
        if let Some(&moved) = list.get(order.listed as usize) {
            resting.orders[moved as usize].listed = order.listed;
        }
        resting.orders[index as usize].after = resting.free;
        resting.free = index;
    }

    /// Takes shares off an order, fewer than it has; its place stays.
    #[inline]
    pub(crate) fn reduce(&mut self, slot: Slot, shares: u32) {
        self.resting[usize::from(slot.at)].orders[slot.index as usize].shares -= shares;
    }
}

impl Resting {
    #[inline]
    fn enqueue(&mut self, index: u32, level: u32, instrument: &mut Instrument) {
        let queue = &mut self.queues[level as usize];
        let last = queue.last;
        queue.last = index;
        if queue.first == NONE {
            queue.first = index;
            instrument.fill(self.orders[index as usize].side, level);
            return;
        }
        self.orders[last as usize].after = index;
        self.orders[index as usize].before = last;
    }

    #[inline]
    fn dequeue(&mut self, order: &Order, level: u32, instrument: &mut Instrument) {
        let queue = &mut self.queues[level as usize];
        match self.orders.get_mut(order.before as usize) {
            Some(before) => before.after = order.after,
            None => queue.first = order.after,
        }
        match self.orders.get_mut(order.after as usize) {
            Some(after) => after.before = order.before,
            None => queue.last = order.before,
        }
        if queue.first == NONE {
            instrument.empty(order.side, level);
        }
    }
}

/// An order that comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewOrder {
    pub(crate) order_ref: u64,
    pub(crate) ticks: u32,
    pub(crate) shares: u32,
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    pub(crate) lasting: bool,
}
