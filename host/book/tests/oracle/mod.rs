//! The books as one would write them without any thought of speed, from the words of abi.toml and
//! of the counters, and the comparison with the real ones.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod stream;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_book::{BookCounters, Books, Effect, Limits, QueuePosition, Trade, TradeKind};
use tercel_types::{
    Bands, InstrumentId, Level, MarketView, OrderRef, Price, Qty, Side, Symbol, Top, TradingState,
};

#[derive(Clone, Copy, Debug)]
struct Resting {
    id: u16,
    side: Side,
    price: i64,
    qty: u64,
}

type Queues = BTreeMap<i64, VecDeque<u64>>;

#[derive(Default)]
pub(crate) struct Naive {
    limits: Limits,
    orders: HashMap<u64, Resting>,
    books: HashMap<(u16, u8), Queues>,
    pub(crate) watched: BTreeSet<u64>,
    views: HashMap<u16, MarketView>,
    halted: HashMap<u16, BTreeSet<u8>>,
    symbols: HashMap<u16, u64>,
    named: HashMap<u64, u16>,
    gap: bool,
    snapshot: bool,
    lost: bool,
    down: bool,
    down_before_overrun: bool,
    ended: bool,
    pub(crate) counters: BookCounters,
}

/// What the naive books say that a record did.
#[derive(PartialEq, Debug)]
pub(crate) struct Told {
    pub(crate) book: Option<(InstrumentId, Side, bool)>,
    pub(crate) trade: Option<Trade>,
}

fn wire(price: i64) -> bool {
    (1..=i64::from(u32::MAX)).contains(&price)
}

impl Naive {
    pub(crate) fn new(limits: &Limits) -> Naive {
        Naive { limits: *limits, ..Naive::default() }
    }

    pub(crate) fn apply(&mut self, r: &EventRecord) -> Told {
        self.counters.records += 1;
        let mut told = Told { book: None, trade: None };
        let Some(kind) = r.kind() else {
            self.counters.unknown_kinds += 1;
            return told;
        };
        if self.down_before_overrun
            && r.kind >= 0x20
            && r.flags & (flag::SNAPSHOT | flag::RECOVERED) == 0
        {
            (self.down, self.down_before_overrun) = (false, false);
        }
        match kind {
            Kind::Add | Kind::AddAttributed => {
                let resting = self.best(r.instrument, r.side);
                if self.add(r, r.instrument, Side::from_wire(r.side), r.order_ref) {
                    let side = Side::from_wire(r.side).unwrap();
                    let top = resting != self.best(r.instrument, r.side);
                    told.book = Some((InstrumentId(r.instrument), side, top));
                }
            }
            Kind::Executed | Kind::ExecutedPrice | Kind::Canceled | Kind::Deleted => {
                self.reduce(kind, r, &mut told);
            }
            Kind::Replaced => self.replace(r, &mut told),
            Kind::Trade if r.quantity == 0 => self.counters.zero_quantities += 1,
            Kind::Cross if r.quantity == 0 => {}
            Kind::Trade => told.trade = self.off_book(r, TradeKind::Hidden, r.order_ref),
            Kind::Cross => told.trade = self.off_book(r, TradeKind::Cross, 0),
            Kind::Broken => self.counters.trades_broken += 1,
            _ => self.state(kind, r),
        }
        told
    }

    fn best(&self, id: u16, side: u8) -> Option<(i64, u64)> {
        let level = self.levels(id, Side::from_wire(side)?).next()?;
        Some((level.price.0, level.qty))
    }

    fn view(&mut self, id: u16) -> &mut MarketView {
        self.views.entry(id).or_default()
    }

    fn known(&self, id: u16) -> bool {
        usize::from(id) < self.limits.instruments_max
    }

    fn add(&mut self, r: &EventRecord, id: u16, side: Option<Side>, order_ref: u64) -> bool {
        let levels: usize = self.books.values().map(BTreeMap::len).sum();
        let c = &mut self.counters;
        let (counter, lacks) = if usize::from(id) >= self.limits.instruments_max {
            (&mut c.instruments_refused, false)
        } else if side.is_none() {
            (&mut c.bad_sides, true)
        } else if r.quantity == 0 {
            (&mut c.zero_quantities, false)
        } else if r.quantity > u64::from(u32::MAX) {
            (&mut c.bad_quantities, true)
        } else if !wire(r.price) {
            (&mut c.bad_prices, true)
        } else if self.orders.contains_key(&order_ref) {
            (&mut c.duplicate_orders, false)
        } else if self.orders.len() == self.limits.orders_max {
            (&mut c.orders_refused, true)
        } else {
            let side = side.unwrap();
            let queues = self.books.entry((id, side as u8)).or_default();
            if queues.contains_key(&r.price) || levels < self.limits.levels_max {
                queues.entry(r.price).or_default().push_back(order_ref);
                let resting = Resting { id, side, price: r.price, qty: r.quantity };
                self.orders.insert(order_ref, resting);
                return true;
            }
            (&mut c.levels_refused, true)
        };
        *counter += 1;
        if lacks {
            self.view(id).stale = true;
        }
        false
    }

    fn named(&mut self, r: &EventRecord) -> Option<Resting> {
        let Some(order) = self.orders.get(&r.order_ref).copied() else {
            self.counters.unknown_orders += 1;
            return None;
        };
        self.counters.instrument_mismatches += u64::from(order.id != r.instrument);
        self.counters.side_mismatches += u64::from(r.side != 0 && r.side != order.side as u8);
        Some(order)
    }

    fn remove(&mut self, order_ref: u64) {
        let order = self.orders.remove(&order_ref).unwrap();
        let queues = self.books.get_mut(&(order.id, order.side as u8)).unwrap();
        let queue = queues.get_mut(&order.price).unwrap();
        queue.retain(|other| *other != order_ref);
        if queue.is_empty() {
            queues.remove(&order.price);
        }
        self.watched.remove(&order_ref);
    }

    fn reduce(&mut self, kind: Kind, r: &EventRecord, told: &mut Told) {
        let Some(order) = self.named(r) else { return };
        if r.quantity == 0 && kind != Kind::Deleted {
            self.counters.zero_quantities += 1;
            return;
        }
        let before = self.best(order.id, order.side as u8);
        let asked = if kind == Kind::Deleted { order.qty } else { r.quantity };
        let qty = asked.min(order.qty);
        let over = u64::from(asked > order.qty);
        if qty == order.qty {
            self.remove(r.order_ref);
        } else {
            self.orders.get_mut(&r.order_ref).unwrap().qty -= qty;
        }
        let top = before != self.best(order.id, order.side as u8);
        told.book = Some((InstrumentId(order.id), order.side, top));
        if kind == Kind::Canceled {
            self.counters.over_cancels += over;
        } else if kind != Kind::Deleted {
            self.counters.over_executions += over;
            let displayed = kind == Kind::Executed;
            let price = if displayed { order.price } else { r.price };
            let printable = displayed || r.has(flag::PRINTABLE);
            let aggressor = Some(order.side.opposite());
            let trade = Trade {
                price: Price(price),
                qty,
                aggressor,
                order_ref: OrderRef(r.order_ref),
                kind: TradeKind::Displayed,
                printable,
            };
            told.trade = self.print(order.id, trade);
        }
    }

    fn print(&mut self, id: u16, trade: Trade) -> Option<Trade> {
        if !wire(trade.price.0) {
            self.counters.bad_prices += 1;
            return None;
        }
        if trade.printable {
            self.view(id).last_trade = trade.price;
        }
        Some(trade)
    }

    fn off_book(&mut self, r: &EventRecord, kind: TradeKind, order_ref: u64) -> Option<Trade> {
        if !self.known(r.instrument) {
            self.counters.instruments_refused += 1;
            return None;
        }
        let order_ref = OrderRef(order_ref);
        let (price, qty) = (Price(r.price), r.quantity);
        let trade = Trade { price, qty, aggressor: None, order_ref, kind, printable: true };
        self.print(r.instrument, trade)
    }

    fn replace(&mut self, r: &EventRecord, told: &mut Told) {
        let Some(order) = self.named(r) else {
            if self.known(r.instrument) {
                self.view(r.instrument).stale = true;
            }
            return;
        };
        let before = self.best(order.id, order.side as u8);
        self.remove(r.order_ref);
        self.add(r, order.id, Some(order.side), r.second_ref);
        let top = before != self.best(order.id, order.side as u8);
        told.book = Some((InstrumentId(order.id), order.side, top));
    }

    fn clear(&mut self) {
        self.orders.clear();
        self.books.clear();
        self.views.values_mut().for_each(|view| view.stale = false);
        self.counters.clears += 1;
    }

    fn state(&mut self, kind: Kind, r: &EventRecord) {
        match kind {
            Kind::GapOpen => self.gap = true,
            Kind::GapClosed => self.gap = false,
            Kind::SnapshotBegin => {
                (self.gap, self.snapshot, self.lost) = (true, true, false);
                self.clear();
            }
            Kind::SnapshotEnd => self.snapshot = false,
            Kind::FeedDown => (self.down, self.down_before_overrun) = (true, false),
            Kind::FeedUp => (self.down, self.down_before_overrun) = (false, false),
            Kind::Overrun | Kind::Retract => {
                (self.lost, self.down_before_overrun) = (true, self.down)
            }
            Kind::SessionEnd => self.ended = true,
            Kind::SessionChange => {
                self.clear();
                self.watched.clear();
                self.views.clear();
                self.halted.clear();
                self.symbols.clear();
                self.named.clear();
                (self.gap, self.snapshot, self.lost, self.ended) = (false, false, false, false);
            }
            Kind::SystemEvent => self.counters.bad_codes += u64::from(!is_one_of(r, b"OSQMEC")),
            Kind::MwcbStatus => self.counters.bad_codes += u64::from(!is_one_of(r, b"123")),
            Kind::MwcbLevels => {}
            _ if !self.known(r.instrument) => self.counters.instruments_refused += 1,
            Kind::TradingAction => self.trading_action(r),
            Kind::RegSho => {
                self.counters.bad_codes += u64::from(!is_one_of(r, b"012"));
                self.view(r.instrument).short_restricted = r.tag as u8 != b'0';
            }
            Kind::LuldCollar => self.collar(r),
            Kind::OperationalHalt => {
                let (action, market) = (r.tag as u8, (r.tag >> 8) as u8);
                let good = b"HT".contains(&action) && b"QBX".contains(&market);
                self.counters.bad_codes += u64::from(!good);
                let market = if b"QBX".contains(&market) { market } else { 0 };
                let halted = self.halted.entry(r.instrument).or_default();
                if action == b'T' {
                    halted.remove(&market);
                } else {
                    halted.insert(market);
                }
            }
            Kind::Directory => {
                let before = self.symbols.insert(r.instrument, r.order_ref);
                if let Some(before) = before.filter(|before| *before != r.order_ref) {
                    self.counters.symbols_changed += 1;
                    if self.named.get(&before) == Some(&r.instrument) {
                        self.named.remove(&before);
                    }
                }
                self.named.insert(r.order_ref, r.instrument);
            }
            _ => {}
        }
    }

    fn trading_action(&mut self, r: &EventRecord) {
        let state = match r.tag as u8 {
            b'H' => TradingState::Halted,
            b'P' => TradingState::Paused,
            b'Q' => TradingState::QuotationOnly,
            b'T' => TradingState::Trading,
            _ => TradingState::Unknown,
        };
        self.counters.bad_codes += u64::from(state == TradingState::Unknown);
        let view = self.view(r.instrument);
        let before = view.state;
        view.state = state;
        let moved = before != TradingState::Unknown && before != TradingState::Trading;
        if moved && state == TradingState::Trading {
            view.bands = None;
        }
    }

    fn collar(&mut self, r: &EventRecord) {
        let all = 1..=u64::from(u32::MAX);
        let good = all.contains(&r.order_ref) && (r.order_ref..=*all.end()).contains(&r.quantity);
        self.counters.bad_prices += u64::from(!good);
        if good {
            let (lower, upper) = (Price(r.order_ref as i64), Price(r.quantity as i64));
            self.view(r.instrument).bands = Some(Bands { lower, upper });
        }
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.gap || self.snapshot || self.lost || self.down || self.ended
    }

    /// Levels of a side, best first.
    fn levels(&self, id: u16, side: Side) -> impl Iterator<Item = Level> + '_ {
        let (bids, asks) = match (self.books.get(&(id, side as u8)), side) {
            (None, _) => (None, None),
            (Some(queues), Side::Buy) => (Some(queues.iter().rev()), None),
            (Some(queues), Side::Sell) => (None, Some(queues.iter())),
        };
        let all = bids.into_iter().flatten().chain(asks.into_iter().flatten());
        all.map(|(price, queue)| Level {
            price: Price(*price),
            qty: queue.iter().map(|order_ref| self.orders[order_ref].qty).sum(),
            orders: queue.len() as u32,
        })
    }

    pub(crate) fn depth(&self, id: u16, side: Side) -> Vec<Level> {
        self.levels(id, side).collect()
    }

    pub(crate) fn market_view(&self, id: u16) -> MarketView {
        if !self.known(id) {
            return MarketView { stale: true, ..MarketView::default() };
        }
        let mut view = self.views.get(&id).copied().unwrap_or_default();
        let best = |side| self.levels(id, side).next().unwrap_or_default();
        view.top = Top { bid: best(Side::Buy), ask: best(Side::Sell) };
        view.stale |= self.is_stale();
        if self.halted.get(&id).is_some_and(|markets| !markets.is_empty()) {
            view.state = TradingState::Halted;
        }
        view
    }

    pub(crate) fn position(&self, order_ref: u64) -> Option<QueuePosition> {
        let order = self.orders.get(&order_ref)?;
        let queue = &self.books[&(order.id, order.side as u8)][&order.price];
        let ahead = queue.iter().take_while(|other| **other != order_ref);
        let mut position = QueuePosition::default();
        for other in ahead {
            position.shares_ahead += self.orders[other].qty;
            position.orders_ahead += 1;
        }
        Some(position)
    }

    /// As [`Books::watch`].
    pub(crate) fn watch(&mut self, order_ref: u64) -> bool {
        if self.watched.len() == self.limits.watched_max && !self.watched.contains(&order_ref) {
            self.counters.watches_refused += 1;
            return false;
        }
        self.watched.insert(order_ref);
        true
    }

    /// Compares tops, views, counters and watched orders, which takes a moment only.
    pub(crate) fn compare_quickly(&self, books: &Books) {
        let counters = BookCounters { sparse_orders: 0, recentres: 0, ..*books.counters() };
        assert_eq!(counters, self.counters);
        assert_eq!(books.is_stale(), self.is_stale());
        for id in 0..=self.limits.instruments_max as u16 {
            assert_eq!(books.market_view(InstrumentId(id)), self.market_view(id));
        }
        for order_ref in &self.watched {
            assert_eq!(books.queue_position(OrderRef(*order_ref)), self.position(*order_ref));
        }
        let levels = self.books.values().map(BTreeMap::len).sum();
        let usage = books.usage();
        assert_eq!((usage.orders, usage.levels), (self.orders.len(), levels));
        assert_eq!(usage.watched, self.watched.len());
    }

    /// Compares all there is.
    pub(crate) fn compare(&self, books: &Books) {
        self.compare_quickly(books);
        for id in 0..=self.limits.instruments_max as u16 {
            let instrument = InstrumentId(id);
            let mut all = Vec::new();
            for side in [Side::Buy, Side::Sell] {
                let depth = self.depth(id, side);
                assert_eq!(books.depth(instrument, side).collect::<Vec<_>>(), depth);
                for level in depth {
                    let queue = &self.books[&(id, side as u8)][&level.price.0];
                    let at: Vec<_> = books.orders_at(instrument, side, level.price).collect();
                    assert!(at.iter().map(|order| order.order_ref.0).eq(queue.iter().copied()));
                    all.extend(at);
                }
            }
            assert_eq!(books.orders(instrument).collect::<Vec<_>>(), all);
        }
        for (order_ref, order) in &self.orders {
            let view = books.order(OrderRef(*order_ref)).unwrap();
            assert_eq!((view.instrument.0, view.side), (order.id, order.side));
            assert_eq!((view.price.0, view.qty), (order.price, Qty(order.qty as u32)));
            assert_eq!(books.queue_position(view.order_ref), self.position(*order_ref));
        }
        for (symbol, id) in &self.named {
            assert_eq!(books.find(Symbol(symbol.to_le_bytes())), Some(InstrumentId(*id)));
        }
    }
}

fn is_one_of(r: &EventRecord, letters: &[u8]) -> bool {
    letters.contains(&(r.tag as u8))
}

/// Applies a record to both and compares what they say it did.
pub(crate) fn apply_to_both(books: &mut Books, naive: &mut Naive, record: &EventRecord) {
    let change = books.apply(record);
    let told = naive.apply(record);
    assert_eq!(change.trade, told.trade, "{record:?}");
    let book = match change.effect {
        Effect::Book { side, top } => Some((change.instrument, side, top)),
        Effect::None | Effect::State | Effect::Market => None,
    };
    assert_eq!(book, told.book, "{record:?}");
}
