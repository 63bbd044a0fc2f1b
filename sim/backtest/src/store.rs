//! A recording in memory: made once, replayed as often as wanted.
//!
//! [`Builder`] takes what readers find in files, order by order or level by level, gives orders
//! their numbers in line and prices their places, and counts whatever does not fit together. What
//! it lets through is consistent: no order leaves that never came, no level has less than nothing.

use crate::event::{Event, EventKind, bit};
use crate::ledger::Contract;
use crate::market::Market;
use std::collections::HashMap;
use tercel_abi::{EventRecord, Kind};
use tercel_types::{InstrumentId, Nanos, OrderRef, Price, Qty, Side};

/// Orders or levels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Grain {
    /// Every order with its number: places in line are exact.
    Orders,
    /// The quantity of each price: places in line are a model's.
    Levels,
}

/// One instrument of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instrument {
    /// What its numbers mean.
    pub contract: Contract,
    /// Every price it has had, lowest first.
    pub prices: Vec<u32>,
    /// Its events, of whatever kind.
    pub events: u64,
}

/// A recording.
#[derive(Clone, PartialEq, Debug)]
pub struct Store {
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// Their places in the order in which the recorder had them; empty where it is the same order.
    pub heard: Vec<u32>,
    /// What is not about one resting order or one level: states, directories, the feed itself.
    pub records: Vec<EventRecord>,
    /// The instruments, at most 65,535.
    pub instruments: Vec<Instrument>,
    /// Orders or levels.
    pub grain: Grain,
    /// What was odd about it.
    pub quality: Quality,
}

macro_rules! quality {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What was odd about a recording, each a count of what was passed over or mended.
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct Quality {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Quality {
            /// Name and count of each, in order.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)+].into_iter()
            }
        }
    };
}

quality! {
    /// Lines, messages or records read.
    read,
    /// Those that could not be understood. Passed over.
    malformed,
    /// Those of a kind that says nothing of books or trades. Passed over.
    ignored,
    /// Holes between the numbers of updates: what the book shows may be wrong until the levels are
    /// told again. Books are emptied where the format tells them again.
    gaps,
    /// Updates that were older than what was known. Passed over.
    outdated,
    /// Times that went back; taken for the time before.
    stepped_back,
    /// Longest such step, ns.
    step_back_longest,
    /// Trades that came after a change of the book that was not before them. Put before it.
    late_trades,
    /// Orders that change or leave without having come. Passed over.
    unknown_orders,
    /// Orders that come a second time. Passed over.
    duplicate_orders,
    /// Reductions of more than there was. Cut.
    over_reductions,
    /// Prices or quantities that do not fit, or are not on the grid. Passed over.
    bad_numbers,
    /// Events after which the bid was at or above the ask.
    crossed,
    /// Events after which it had become so: times that the book crossed.
    crossings,
    /// The recording begins without a snapshot: levels are known from their first change on.
    no_snapshot,
    /// It ended inside a message.
    truncated,
    /// What the recorder's clock was moved by so that nothing arrives before it was sent, ns.
    clock_shift,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    instrument: u16,
    side: Side,
    price: u32,
    qty: u32,
    stamp: u32,
}

/// Makes a [`Store`].
#[derive(Debug)]
pub struct Builder {
    events: Vec<Event>,
    heard: Vec<u32>,
    records: Vec<EventRecord>,
    instruments: Vec<Instrument>,
    grain: Grain,
    orders: HashMap<u64, Known>,
    stamp: u32,
    last: Nanos,
    /// What readers count, and this.
    pub quality: Quality,
}

/// When something happened and when the recorder had it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct When {
    /// The venue's time.
    pub time: Nanos,
    /// The recorder's, on the same clock.
    pub received: Nanos,
}

impl When {
    /// Received as it was sent: the format has one time only.
    pub const fn at(time: Nanos) -> When {
        When { time, received: time }
    }
}

impl Builder {
    /// An empty one.
    pub fn new(grain: Grain) -> Builder {
        Builder {
            events: Vec::new(),
            heard: Vec::new(),
            records: Vec::new(),
            instruments: Vec::new(),
            grain,
            orders: HashMap::new(),
            stamp: 0,
            last: Nanos(0),
            quality: Quality::default(),
        }
    }

    /// Adds an instrument and gives its place; `None` when there are 65,535.
    pub fn instrument(&mut self, contract: Contract) -> Option<u16> {
        let place = u16::try_from(self.instruments.len()).ok().filter(|place| *place < u16::MAX)?;
        self.instruments.push(Instrument { contract, prices: Vec::new(), events: 0 });
        Some(place)
    }

    /// Place of an instrument that was added.
    pub fn place(&self, id: InstrumentId) -> Option<u16> {
        let place = self.instruments.iter().position(|one| one.contract.instrument == id)?;
        u16::try_from(place).ok()
    }

    /// The directory and the trading state that a host needs, for sources that have none.
    pub fn open(&mut self, when: When, place: u16) {
        let Some(one) = self.instruments.get(usize::from(place)) else { return };
        let Contract { instrument, symbol, .. } = one.contract;
        let order_ref = u64::from_le_bytes(symbol.0);
        let of =
            |kind| EventRecord { instrument: instrument.0, order_ref, ..EventRecord::new(kind) };
        let directory = EventRecord { quantity: 1, ..of(Kind::Directory) };
        let trading = EventRecord { tag: u16::from(b'T'), ..of(Kind::TradingAction) };
        for record in [directory, trading] {
            self.record(when, place, record);
        }
    }

    /// Events so far.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Orders resting now.
    pub fn resting(&self) -> usize {
        self.orders.len()
    }

    fn push(&mut self, when: When, mut event: Event) {
        let mut time = when.time;
        if time < self.last {
            self.quality.stepped_back += 1;
            let step = self.last.0 - time.0;
            self.quality.step_back_longest = self.quality.step_back_longest.max(step);
            time = self.last;
        }
        self.last = time;
        event.time = time;
        event.delay = u32::try_from(when.received.since(time).0).unwrap_or(u32::MAX);
        if let Some(one) = self.instruments.get_mut(usize::from(event.instrument)) {
            one.events += 1;
        }
        self.events.push(event);
    }

    /// A price and a quantity as the wire has them; zero is neither.
    fn fits(&mut self, price: Price, qty: u64) -> Option<(u32, u32)> {
        let numbers = (u32::try_from(price.0), u32::try_from(qty));
        let (Ok(price @ 1..), Ok(qty @ 1..)) = numbers else {
            self.quality.bad_numbers += 1;
            return None;
        };
        Some((price, qty))
    }

    /// An order comes.
    pub fn add(&mut self, when: When, place: u16, order: u64, side: Side, price: Price, qty: u64) {
        self.enter(when, place, order, (side, price, qty), 0);
    }

    fn enter(
        &mut self,
        when: When,
        place: u16,
        order: u64,
        (side, price, qty): (Side, Price, u64),
        bits: u8,
    ) {
        let Some((price, qty)) = self.fits(price, qty) else { return };
        if self.orders.contains_key(&order) {
            self.quality.duplicate_orders += 1;
            return;
        }
        let Some(stamp) = self.stamp.checked_add(1) else {
            self.quality.bad_numbers += 1;
            return;
        };
        self.stamp = stamp;
        let known = Known { instrument: place, side, price, qty, stamp };
        self.orders.insert(order, known);
        let mut event = known.event(EventKind::Add, qty);
        event.bits |= bits;
        self.push(when, event);
    }

    /// `qty` is taken off an order; all of it with `None`.
    pub fn reduce(&mut self, when: When, order: u64, qty: Option<u64>) {
        self.take(when, order, qty, EventKind::Reduce, 0);
    }

    /// A resting order trades; `printed` where the trade counts as one.
    pub fn execute(&mut self, when: When, order: u64, qty: u64, printed: bool) {
        let bits = if printed { 0 } else { bit::NOT_PRINTED };
        self.take(when, order, Some(qty), EventKind::Execute, bits);
    }

    /// Another order takes an order's place in the market, not in the line.
    pub fn replace(&mut self, when: When, old: u64, new: u64, price: Price, qty: u64) {
        let Some(known) = self.orders.get(&old).copied() else {
            self.quality.unknown_orders += 1;
            return;
        };
        let sound = u32::try_from(price.0).is_ok_and(|price| price > 0)
            && u32::try_from(qty).is_ok_and(|qty| qty > 0)
            && (new == old || !self.orders.contains_key(&new));
        let bits = if sound { bit::REPLACED | bit::MORE } else { 0 };
        self.take(when, old, None, EventKind::Reduce, bits);
        let terms = (known.side, price, qty);
        self.enter(when, known.instrument, new, terms, if sound { bit::REPLACED } else { 0 });
    }

    fn take(&mut self, when: When, order: u64, qty: Option<u64>, kind: EventKind, bits: u8) {
        let Some(known) = self.orders.get_mut(&order) else {
            self.quality.unknown_orders += 1;
            return;
        };
        let there = u64::from(known.qty);
        let wanted = qty.unwrap_or(there);
        if wanted > there {
            self.quality.over_reductions += 1;
        }
        let taken = wanted.min(there) as u32;
        if taken == 0 {
            self.quality.bad_numbers += 1;
            return;
        }
        known.qty -= taken;
        let mut event = known.event(kind, taken);
        event.bits |= bits;
        if known.qty == 0 {
            event.bits |= bit::GONE;
            self.orders.remove(&order);
        }
        self.push(when, event);
    }

    /// What is left of an order.
    pub fn order(&self, order: u64) -> Option<(Side, Price, Qty)> {
        let known = self.orders.get(&order)?;
        Some((known.side, Price(i64::from(known.price)), Qty(known.qty)))
    }

    /// A level now has `qty`; `more` of the same message follow.
    pub fn level(
        &mut self,
        when: When,
        place: u16,
        side: Side,
        price: Price,
        qty: u64,
        more: bool,
    ) {
        let Some((price, _)) = self.fits(price, 1) else { return };
        let qty = u32::try_from(qty).unwrap_or_else(|_| {
            self.quality.bad_numbers += 1;
            u32::MAX
        });
        let event = Event::new(EventKind::Level, when.time, place);
        let mut event = Event { qty, ..event.with_side(side).with_price(price) };
        event.bits |= if more { bit::MORE } else { 0 };
        self.push(when, event);
    }

    /// The last event was the last of its message.
    pub fn end_message(&mut self) {
        if let Some(event) = self.events.last_mut() {
            event.bits &= !bit::MORE;
        }
    }

    /// A trade that says nothing of levels; `resting` is the side of the order that was hit.
    pub fn trade(&mut self, when: When, place: u16, resting: Option<Side>, price: Price, qty: u64) {
        let Some((price, qty)) = self.fits(price, qty) else { return };
        let mut event = Event::new(EventKind::Trade, when.time, place).with_price(price);
        event.qty = qty;
        match resting {
            Some(side) => event = event.with_side(side),
            None => event.bits |= bit::NO_SIDE,
        }
        self.push(when, event);
    }

    /// The places of events that were received next. Where this is said of one event it is said of
    /// all; where it is said of none they were received as they happened.
    pub fn heard(&mut self, places: impl Iterator<Item = usize>) {
        self.heard.extend(places.map(|at| at as u32)); // bounded by the memory that events take
    }

    /// Everything of an instrument is forgotten.
    pub fn clear(&mut self, when: When, place: u16) {
        self.orders.retain(|_, known| known.instrument != place);
        self.push(when, Event::new(EventKind::Clear, when.time, place));
    }

    /// A record that a host sees as it is.
    pub fn record(&mut self, when: When, place: u16, record: EventRecord) {
        let Ok(at) = u32::try_from(self.records.len()) else { return };
        self.records.push(EventRecord { exchange_time: when.time.0, ..record });
        let mut event = Event::new(EventKind::Record, when.time, place);
        event.stamp = at;
        self.push(when, event);
    }

    /// The store: prices get their places, and crossed books are counted.
    pub fn finish(self) -> Store {
        let Builder { mut events, mut heard, records, mut instruments, grain, quality, .. } = self;
        if heard.len() != events.len() || heard.is_sorted() {
            heard.clear();
        }
        for event in events.iter().filter(|event| event.names_level()) {
            instruments[usize::from(event.instrument)].prices.push(event.price().0 as u32);
        }
        for one in &mut instruments {
            one.prices.sort_unstable();
            one.prices.dedup();
            one.prices.shrink_to_fit();
        }
        for event in &mut events {
            let prices = &instruments[usize::from(event.instrument)].prices;
            let price = event.price().0 as u32;
            // Of a trade between levels: the first at or above it.
            event.level = prices.partition_point(|one| *one < price) as u32;
        }
        let mut store = Store { events, heard, records, instruments, grain, quality };
        store.count_crossed();
        store
    }
}

impl Known {
    fn event(&self, kind: EventKind, qty: u32) -> Event {
        let event = Event::new(kind, Nanos(0), self.instrument);
        Event { stamp: self.stamp, qty, ..event.with_side(self.side).with_price(self.price) }
    }
}

impl Event {
    /// Its price is that of a level.
    fn names_level(&self) -> bool {
        use EventKind::{Add, Execute, Level, Reduce};
        matches!(self.kind, Add | Reduce | Execute | Level)
    }
}

impl Store {
    fn count_crossed(&mut self) {
        let mut market = Market::new(self);
        let mut crossed = vec![false; self.instruments.len()];
        for event in &self.events {
            market.apply(event);
            if event.has(bit::MORE) {
                continue;
            }
            let now = market.levels(event.instrument).is_crossed();
            let before = std::mem::replace(&mut crossed[usize::from(event.instrument)], now);
            self.quality.crossed += u64::from(now);
            self.quality.crossings += u64::from(now && !before);
        }
    }

    /// First and last time.
    pub fn span(&self) -> (Nanos, Nanos) {
        let first = self.events.first().map_or(Nanos(0), |event| event.time);
        (first, self.events.last().map_or(Nanos(0), |event| event.time))
    }

    /// The contracts, by place.
    pub fn contracts(&self) -> Vec<Contract> {
        self.instruments.iter().map(|one| one.contract).collect()
    }

    /// Place of the event that the recorder had `at`-th.
    #[inline]
    pub fn heard_at(&self, at: usize) -> Option<usize> {
        if self.heard.is_empty() {
            return (at < self.events.len()).then_some(at);
        }
        self.heard.get(at).map(|place| *place as usize)
    }

    /// Bytes of its events.
    pub fn bytes(&self) -> usize {
        self.events.len() * size_of::<Event>()
    }

    /// The number by which the host knows an order of the recording.
    pub(crate) fn order_ref(stamp: u32) -> OrderRef {
        OrderRef(u64::from(stamp))
    }
}
