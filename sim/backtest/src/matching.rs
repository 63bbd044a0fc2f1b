//! The venue's side of a backtest: the recorded market, and our orders in it.
//!
//! The recording goes on as it was whatever we do: our orders add nothing that others react to.
//! What we rest on is filled when the recording proves that it would have been:
//!
//! - a resting order behind ours trades: at a worse price, or at ours with a later place in line
//!   (data by order); or a trade at our price goes past what the queue model has before us (data by
//!   level), or through our price;
//! - an order of the other side comes to rest at our price or through it: it would have met ours.
//!
//! Never more than the recording traded or brought, shared by our orders in price and time. What we
//! take we take from the levels as they are; what is taken from a level is not there for us again
//! until the recording says something of that level. Liquidity we take is not withdrawn from the
//! recording, so a strategy that takes much sees less impact than it would have had.

mod happening;
mod incoming;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod shadow;
#[cfg(test)]
mod tests;

pub(crate) use happening::{Happening, What};

use crate::event::{Event, EventKind, bit};
use crate::market::{Market, NONE};
use crate::queue::{Place, QueueModel};
use crate::store::Store;
use core::ops::Deref;
use tercel_abi::Kind;
use tercel_types::{Nanos, OrderRef, Price, Qty, Side, UserRef};

/// Our orders' numbers in the feed, above any that a recording uses.
const FIRST_ORDER_REF: u64 = 1 << 62;
/// As many may rest at once.
const RESTING_MAX: usize = 1_024;

/// An order of ours, at rest or on its way through the book.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Working {
    pub(crate) user_ref: UserRef,
    pub(crate) order_ref: OrderRef,
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) open: u32,
    /// Executed by it and by those it replaced (OUCH 5.0 §2.2).
    pub(crate) executed: u64,
    pub(crate) post_only: bool,
    pub(crate) immediate: bool,
    /// When it came.
    pub(crate) entered: Nanos,
    /// What stood before it then.
    pub(crate) queue_ahead: u64,
    /// It has been executed, in part at least.
    pub(crate) touched: bool,
    /// It was taken out before it was executed in whole.
    pub(crate) left: bool,
    /// The latest number in line of the recording when it came.
    stamp: u32,
    place: Place,
}

/// Places of best bid and ask before anything of an instant has happened. A message that changes
/// several levels, and an order that goes through several, leave a market in between that nobody
/// ever saw; the mid that a fill is compared with is the one before all of it.
#[derive(Clone, Copy, Debug)]
struct Before {
    time: Nanos,
    touch: [u32; 2],
}

/// What comes to the venue from us.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Message {
    Enter(Working),
    /// `total` is what is to be open and what was executed, as OUCH counts it.
    Replace {
        original: UserRef,
        user_ref: UserRef,
        price: Price,
        total: u64,
    },
    Cancel {
        original: UserRef,
    },
}

/// The venue.
pub(crate) struct Exchange<S> {
    pub(crate) store: S,
    pub(crate) market: Market,
    queue: QueueModel,
    resting: Vec<Working>,
    /// Orders of ours and levels that we took from, by instrument: zero is the fast way.
    own: Vec<u32>,
    trading: Vec<bool>,
    /// What we took of a level that has said nothing since.
    taken: Vec<(u16, Side, u32, u64)>,
    last_mid: Vec<i64>,
    /// The touch before the latest instant at which something happened while we had orders.
    before: Vec<Before>,
    next_ref: u64,
    pub(crate) happened: Vec<Happening>,
}

impl Working {
    /// An order as it comes; what the venue adds is zero.
    pub(crate) fn new(
        user_ref: UserRef,
        (instrument, side): (u16, Side),
        (price, qty): (Price, Qty),
        post_only: bool,
        immediate: bool,
    ) -> Working {
        Working {
            user_ref,
            order_ref: OrderRef(0),
            instrument,
            side,
            price,
            open: qty.0,
            executed: 0,
            post_only,
            immediate,
            entered: Nanos(0),
            queue_ahead: 0,
            touched: false,
            left: false,
            stamp: 0,
            place: Place::default(),
        }
    }

    /// What stands before it now.
    pub(crate) fn ahead(&self) -> u64 {
        self.place.ahead()
    }

    /// The price is at this order's limit or better for it.
    fn reaches(&self, price: Price) -> bool {
        price == self.price || self.side.better(self.price, price)
    }
}

impl<S: Deref<Target = Store>> Exchange<S> {
    pub(crate) fn new(store: S, queue: QueueModel) -> Exchange<S> {
        let count = store.instruments.len();
        Exchange {
            market: Market::new(&store),
            store,
            queue,
            resting: Vec::with_capacity(RESTING_MAX),
            own: vec![0; count],
            trading: vec![false; count],
            taken: Vec::new(),
            last_mid: vec![0; count],
            before: vec![Before { time: Nanos(u64::MAX), touch: [NONE; 2] }; count],
            next_ref: FIRST_ORDER_REF,
            happened: Vec::new(),
        }
    }

    /// Our resting orders, oldest first.
    pub(crate) fn resting(&self) -> &[Working] {
        &self.resting
    }

    /// Twice the mid of the others, the last one known where a side is empty.
    pub(crate) fn mid_x2(&mut self, instrument: u16) -> i64 {
        let best = |side| self.market.best(&self.store, instrument, side);
        if let (Some((bid, _)), Some((ask, _))) = (best(Side::Buy), best(Side::Sell)) {
            self.last_mid[usize::from(instrument)] = bid.0 + ask.0;
        }
        self.last_mid[usize::from(instrument)]
    }

    /// Twice the mid of the others before the instant of the event under way; where a side was
    /// empty, the last one known.
    fn mid_before_x2(&self, instrument: u16) -> i64 {
        let at = usize::from(instrument);
        let prices = &self.store.instruments[at].prices;
        let touch = self.before[at].touch.map(|place| prices.get(place as usize).copied());
        match touch {
            [Some(bid), Some(ask)] => i64::from(bid) + i64::from(ask),
            _ => self.last_mid[at],
        }
    }

    /// The next event of the recording.
    #[inline]
    pub(crate) fn on_event(&mut self, event: &Event) {
        if event.kind == EventKind::Record {
            return self.on_record(event);
        }
        if self.own[usize::from(event.instrument)] == 0 {
            self.market.apply(event);
        } else {
            self.on_event_with_own(event);
        }
    }

    #[cold]
    fn on_record(&mut self, event: &Event) {
        let record = &self.store.records[event.stamp as usize];
        if record.kind == Kind::TradingAction as u8 {
            self.trading[usize::from(event.instrument)] = record.tag == u16::from(b'T');
        }
    }

    #[inline(never)]
    fn on_event_with_own(&mut self, event: &Event) {
        let (place, side, price) = (event.instrument, event.side(), event.price());
        let before = &mut self.before[usize::from(place)];
        if before.time != event.time {
            let levels = self.market.levels(place);
            let touch = [Side::Buy, Side::Sell].map(|side| levels.best(side));
            *before = Before { time: event.time, touch };
        }
        if !self.taken.is_empty() {
            let told =
                |one: &(u16, Side, u32, u64)| (one.0, one.1, one.2) == (place, side, event.level);
            if let Some(at) = self.taken.iter().position(told) {
                self.taken.remove(at);
                self.own[usize::from(place)] -= 1;
            }
        }
        match event.kind {
            EventKind::Add => self.meet(event, u64::from(event.qty)),
            EventKind::Execute if !event.has(bit::NOT_PRINTED) => {
                let behind = |own: &Working| {
                    own.side.better(own.price, price)
                        || (own.price == price && own.stamp < event.stamp)
                };
                self.fill(event, side, u64::from(event.qty), behind);
            }
            EventKind::Trade if event.has(bit::NO_SIDE) => {
                // Through our price only: at it, displayed orders come first and we cannot know
                // that this one was of our side.
                let through = |own: &Working| own.side.better(own.price, price);
                let qty = u64::from(event.qty);
                let left = self.fill(event, Side::Buy, qty, through);
                self.fill(event, Side::Sell, left, through);
            }
            EventKind::Trade => self.trade(event),
            _ => {}
        }
        let before = self.market.apply(event);
        match event.kind {
            EventKind::Reduce | EventKind::Execute => {
                for own in self.at(place, side, price) {
                    if event.stamp <= own.stamp {
                        own.place.trade(u64::from(event.qty));
                    }
                }
            }
            EventKind::Level => {
                let (queue, after) = (self.queue, u64::from(event.qty));
                for own in self.at(place, side, price) {
                    own.place.level(queue, before, after);
                }
                // New quantity on the other side at our price or through it would have met us.
                self.meet(event, after.saturating_sub(before));
            }
            _ => {}
        }
    }

    fn at(&mut self, place: u16, side: Side, price: Price) -> impl Iterator<Item = &mut Working> {
        let here = move |own: &&mut Working| {
            own.instrument == place && own.side == side && own.price == price
        };
        self.resting.iter_mut().filter(here)
    }

    /// An order of the event's side and price comes in and meets ours.
    fn meet(&mut self, event: &Event, qty: u64) {
        let price = event.price();
        if qty > 0 {
            self.fill(event, event.side().opposite(), qty, |own| own.reaches(price));
        }
    }

    /// A trade against the event's side, in data by level.
    fn trade(&mut self, event: &Event) {
        let (place, side, price) = (event.instrument, event.side(), event.price());
        let through = |own: &Working| own.side.better(own.price, price);
        let mut left = self.fill(event, side, u64::from(event.qty), through);
        // At the price itself: what goes past the line before us.
        let mut at = 0;
        while at < self.resting.len() && left > 0 {
            let own = &mut self.resting[at];
            if own.instrument == place && own.side == side && own.price == price {
                let past = own.place.trade(left).min(left);
                let filled = self.fill_one(at, past, event.time);
                left -= filled;
                if self.resting[at].open == 0 {
                    self.drop_filled(at);
                    continue;
                }
            }
            at += 1;
        }
    }

    /// Fills orders of ours on one side for which `due` holds, by price and then by time, with at
    /// most `qty`; what is left of it.
    fn fill(&mut self, event: &Event, side: Side, qty: u64, due: impl Fn(&Working) -> bool) -> u64 {
        let mut left = qty;
        while left > 0 {
            let mut best: Option<usize> = None;
            for (at, own) in self.resting.iter().enumerate() {
                let ours = own.instrument == event.instrument && own.side == side && due(own);
                let better =
                    best.is_none_or(|best| side.better(own.price, self.resting[best].price));
                if ours && better {
                    best = Some(at);
                }
            }
            let Some(at) = best else { break };
            left -= self.fill_one(at, left, event.time);
            if self.resting[at].open == 0 {
                self.drop_filled(at);
            }
        }
        left
    }

    /// Executes a resting order with at most `qty`; how much.
    fn fill_one(&mut self, at: usize, qty: u64, time: Nanos) -> u64 {
        let mid_x2 = self.mid_before_x2(self.resting[at].instrument);
        let own = &mut self.resting[at];
        let filled = u64::from(own.open).min(qty) as u32;
        if filled > 0 {
            own.open -= filled;
            own.executed += u64::from(filled);
            own.touched = true;
            let (order, price) = (*own, own.price);
            let what = What::Executed { qty: filled, price, maker: true, mid_x2, touch: price };
            self.happened.push(Happening { time, order, what });
        }
        u64::from(filled)
    }

    fn drop_filled(&mut self, at: usize) {
        let gone = self.resting.remove(at);
        self.own[usize::from(gone.instrument)] -= 1;
    }
}
