//! The desk: what is known of orders, fills, positions, limits and standing, from the tape alone.
//!
//! One thread applies entries in the order of the tape; others look. Everything is bounded: open
//! orders by what risk allows, dead orders and fills by the last [`DEAD_MAX`] and [`FILLS_MAX`],
//! instruments by their 16-bit numbers. An entry that cannot be is counted, never believed.

mod counts;
mod feed;
mod fills;
mod instruments;
mod limits;
mod orders;

pub use counts::Counts;
pub use fills::{FILLS_MAX, Totals};
pub use orders::{DEAD_MAX, OPEN_MAX};

use crate::view;
use fills::Fills;
use instruments::Instruments;
use orders::Orders;
use std::collections::{BTreeMap, VecDeque};
use tercel_engine::counters::CountersReader;
use tercel_engine::tape::{
    AnswerKind, Answered, Applied, Depth, Entry, Fate, Outcome, Standing, Value, Word,
};
use tercel_types::{Level, Nanos, Side};

/// Open orders in a [`view::State`].
const STATE_ORDERS_MAX: usize = 200;
/// Fills in a [`view::State`].
const STATE_FILLS_MAX: usize = 20;
/// Outcomes of commands that are kept.
pub const OUTCOMES_MAX: usize = 10_000;

/// A piece of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Only what comes after this place, which an earlier [`Slice`] gave; zero for the first page.
    pub after: u64,
    /// Items at most.
    pub limit: usize,
}

/// What was on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice<T> {
    /// The items.
    pub items: Vec<T>,
    /// The `after` of the next page; `None` at the end of the list.
    pub next: Option<u64>,
}

/// Which orders are wanted; `None` for any.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct OrderFilter<'a> {
    /// Of this symbol.
    pub symbol: Option<&'a str>,
    /// In this state, as [`view::Order::state`] names it.
    pub state: Option<&'a str>,
    /// Open, or dead.
    pub open: Option<bool>,
}

/// What came of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandOutcome {
    /// What the engine made of it.
    pub outcome: Outcome,
    /// When, by the stamp on the tape.
    pub time: Nanos,
}

/// What the desk knows.
#[derive(Debug)]
pub struct Desk {
    version: String,
    started: Nanos,
    heard: Nanos,
    standing: Option<Standing>,
    account: view::Account,
    account_limits: view::AccountLimits,
    instruments: Instruments,
    orders: Orders,
    fills: Fills,
    depth: Option<(Nanos, Depth)>,
    outcomes: BTreeMap<u64, CommandOutcome>,
    outcomes_order: VecDeque<u64>,
    counts: Counts,
    clock: view::Clock,
    journal: Option<view::JournalStatus>,
    page: feed::Shown,
}

impl Desk {
    /// A desk of a host of this version that began at `started`.
    pub fn new(version: &str, started: Nanos) -> Desk {
        Desk::with_room(version, started, DEAD_MAX, FILLS_MAX)
    }

    /// As [`Desk::new`], keeping so many dead orders and fills.
    pub fn with_room(version: &str, started: Nanos, dead_max: usize, fills_max: usize) -> Desk {
        Desk {
            version: version.into(),
            started,
            heard: started,
            standing: None,
            account: view::Account::default(),
            account_limits: view::AccountLimits::default(),
            instruments: Instruments::default(),
            orders: Orders::new(dead_max),
            fills: Fills::new(fills_max.max(1)),
            depth: None,
            outcomes: BTreeMap::new(),
            outcomes_order: VecDeque::new(),
            counts: Counts::default(),
            clock: view::Clock::default(),
            journal: None,
            page: feed::Shown::default(),
        }
    }

    /// Takes one entry of the tape.
    pub fn apply(&mut self, stamp: Nanos, entry: &Entry<'_>) {
        self.heard = self.heard.max(stamp);
        self.counts.entries += 1;
        match entry {
            Entry::Named(named) => self.instruments.name(named.instrument.0, named.symbol),
            Entry::Intended(intended) => {
                self.counts.intended(intended);
                if intended.fate == Fate::Sent {
                    self.orders.sent(stamp.0, intended);
                }
            }
            Entry::Answered(answered) => self.answered(stamp, answered),
            Entry::Standing(standing) => self.standing = Some(*standing),
            Entry::Account(account) => {
                self.account = view::Account {
                    cash_e4: account.cash.0,
                    realised_e4: account.realised.0,
                    unrealised_e4: account.unrealised.0,
                    pnl_e4: account.realised.0.saturating_add(account.unrealised.0),
                    peak_e4: account.peak.0,
                    drawdown_e4: account.drawdown.0,
                    value_e4: account.value.0,
                    gross_e4: account.gross.0,
                    net_e4: account.net.0,
                    credit_used_e4: account.credit_used.0,
                    open_orders: account.open_orders,
                };
            }
            Entry::Holding(holding) => self.instruments.hold(holding),
            Entry::Applied(applied) => {
                let Applied { ticket, outcome } = *applied;
                self.outcome_is(ticket, CommandOutcome { outcome, time: stamp });
            }
            Entry::Limited(limited) => {
                self.instruments.row(limited.instrument.0).limits =
                    Some(limits::of_instrument(limited));
            }
            Entry::AccountLimited(limited) => self.account_limits = limits::of_account(limited),
            Entry::Paused(paused) => self.instruments.pause(paused),
            Entry::Lost(lost) => {
                self.counts.lost = self.counts.lost.saturating_add(lost.entries);
            }
            Entry::Received(received) => {
                self.counts.received_bytes += received.bytes() as u64;
            }
            Entry::Depth(depth) => self.depth = Some((stamp, *depth)),
        }
    }

    /// Counts an entry of the tape that could not be read.
    pub fn apply_unknown(&mut self, stamp: Nanos) {
        self.heard = self.heard.max(stamp);
        self.counts.unknown += 1;
    }

    fn answered(&mut self, stamp: Nanos, said: &Answered) {
        self.counts.answered(said);
        self.orders.answered(stamp.0, said);
        let row = self.instruments.row(said.instrument.0);
        row.view.position = said.position;
        match said.what {
            AnswerKind::Executed => {
                row.view.fills += 1;
                row.view.traded_qty = row.view.traded_qty.saturating_add(said.qty.0.into());
                self.fills.executed(stamp.0, said);
            }
            AnswerKind::Broken => {
                row.view.fills = row.view.fills.saturating_sub(1);
                row.view.traded_qty = row.view.traded_qty.saturating_sub(said.qty.0.into());
                self.fills.broken(said);
            }
            _ => {}
        }
    }

    fn outcome_is(&mut self, ticket: u64, outcome: CommandOutcome) {
        if self.outcomes.insert(ticket, outcome).is_none() {
            self.outcomes_order.push_back(ticket);
        }
        if self.outcomes_order.len() > OUTCOMES_MAX
            && let Some(oldest) = self.outcomes_order.pop_front()
        {
            self.outcomes.remove(&oldest);
        }
    }

    /// What came of the command of this number; `None` while it is not known.
    pub fn outcome(&self, ticket: u64) -> Option<CommandOutcome> {
        self.outcomes.get(&ticket).copied()
    }

    /// Says how the journal is; `None` if there is none.
    pub fn set_journal(&mut self, journal: Option<view::JournalStatus>) {
        self.journal = journal;
    }

    /// Says how the clock is.
    pub fn set_clock(&mut self, clock: view::Clock) {
        self.clock = clock;
    }

    /// Takes what the page says now; the interval of [`view::Latency::recent`] is the time between
    /// two calls.
    pub fn read_counters(&mut self, page: &CountersReader) {
        self.page.read(page);
    }

    /// Everything that the dashboard shows. `now` is the time, ns since the Unix epoch.
    pub fn state(&self, now: Nanos) -> view::State {
        let open = self.orders.open().take(STATE_ORDERS_MAX);
        let latest = self.fills.latest(STATE_FILLS_MAX);
        view::State {
            status: self.status(now),
            account: self.account(),
            instruments: self.instruments(),
            book: self.book(),
            orders: open.map(|order| order.view(self.symbol(order.instrument))).collect(),
            fills: latest.map(|fill| fill.view(self.symbol(fill.instrument))).collect(),
            latency: self.page.latency.clone(),
            feed: self.feed(),
            use_of_limits: self.use_of_limits(limits::USES_MAX),
        }
    }

    /// Where the host stands.
    pub fn status(&self, now: Nanos) -> view::Status {
        let mut status = view::Status {
            time_ns: now.0,
            started_ns: self.started.0,
            version: self.version.clone(),
            phase: "starting".into(),
            session: "down".into(),
            silent_ns: now.since(self.heard).0,
            clock: self.clock.clone(),
            journal: self.journal.clone(),
            ..view::Status::default()
        };
        if let Some(standing) = &self.standing {
            status.phase = word_name(standing.phase).into();
            status.session = word_name(standing.session).into();
            status.tripped = word_name(standing.trip).into();
            status.stale = standing.stale;
            status.paused = standing.paused;
            status.held_up = standing.held_up;
            status.events = standing.events;
        }
        status
    }

    /// The account.
    pub fn account(&self) -> view::Account {
        self.account.clone()
    }

    /// Every instrument, by symbol.
    pub fn instruments(&self) -> Vec<view::Instrument> {
        self.instruments.by_symbol().map(|row| row.view.clone()).collect()
    }

    /// Instruments of which anything is held, by symbol.
    pub fn positions(&self) -> Vec<view::Instrument> {
        let held = self.instruments.by_symbol().filter(|row| row.view.position != 0);
        held.map(|row| row.view.clone()).collect()
    }

    /// One instrument.
    pub fn instrument(&self, symbol: &str) -> Option<view::Instrument> {
        self.instruments.find(symbol).map(|row| row.view.clone())
    }

    /// The stock locate of a symbol.
    pub fn locate(&self, symbol: &str) -> Option<u16> {
        self.instruments.find(symbol).map(|row| row.view.locate)
    }

    /// The depth of the watched book, if one is watched.
    pub fn book(&self) -> Option<view::Book> {
        let (stamp, depth) = self.depth.as_ref()?;
        let mut own: BTreeMap<(u64, i64), u64> = BTreeMap::new();
        let id = depth.instrument.0;
        for order in self.orders.open().filter(|order| order.answered && order.instrument == id) {
            *own.entry((order.side.word(), order.price)).or_default() += u64::from(order.open);
        }
        let levels = |side: Side, levels: &[Level]| {
            let there = levels.iter().filter(|level| level.qty > 0);
            let level = |level: &Level| view::Level {
                price_e4: level.price.0,
                qty: level.qty,
                orders: level.orders,
                own_qty: own.get(&(side.word(), level.price.0)).copied().unwrap_or(0),
            };
            there.map(level).collect()
        };
        Some(view::Book {
            symbol: self.symbol(id),
            time_ns: stamp.0,
            bids: levels(Side::Buy, &depth.bids),
            asks: levels(Side::Sell, &depth.asks),
        })
    }

    /// Orders by their numbers. The place of a page is an order's number.
    pub fn orders(&self, filter: OrderFilter<'_>, page: Page) -> Slice<view::Order> {
        let Ok(locate) = self.locate_of(filter.symbol) else {
            return Slice { items: Vec::new(), next: None };
        };
        self.orders.page(page, filter.open == Some(true), |order| {
            let fits = locate.is_none_or(|locate| order.instrument == locate)
                && filter.state.is_none_or(|state| order.state() == state)
                && filter.open.is_none_or(|open| order.end.is_none() == open);
            fits.then(|| order.view(self.symbol(order.instrument)))
        })
    }

    /// The order of this number, if it is kept.
    pub fn order(&self, user_ref: u32) -> Option<view::Order> {
        self.orders.find(user_ref).map(|order| order.view(self.symbol(order.instrument)))
    }

    /// Open orders, of one symbol or of all.
    pub fn open_orders(&self, symbol: Option<&str>) -> usize {
        match self.locate_of(symbol) {
            Ok(None) => self.orders.open_count(),
            Ok(Some(id)) => self.orders.open().filter(|order| order.instrument == id).count(),
            Err(()) => 0,
        }
    }

    /// Fills, of one symbol or of all, as they came in.
    pub fn fills(&self, symbol: Option<&str>, page: Page) -> Slice<view::Fill> {
        let Ok(locate) = self.locate_of(symbol) else {
            return Slice { items: Vec::new(), next: None };
        };
        self.fills.page(page, |fill| {
            let fits = locate.is_none_or(|locate| fill.instrument == locate);
            fits.then(|| fill.view(self.symbol(fill.instrument)))
        })
    }

    /// Sums over all fills since the start.
    pub fn totals(&self) -> Totals {
        self.fills.totals()
    }

    /// Every limit.
    pub fn limits(&self) -> view::Limits {
        let rows = self.instruments.by_symbol();
        view::Limits {
            account: self.account_limits,
            instruments: rows
                .filter_map(|row| Some((row.view.symbol.clone(), row.limits?)))
                .collect(),
        }
    }

    /// Use of limits, the highest first, at most so many.
    pub fn use_of_limits(&self, max: usize) -> Vec<view::LimitUse> {
        let mut open: BTreeMap<u16, [i64; 2]> = BTreeMap::new();
        for order in self.orders.open() {
            let side = usize::from(order.side == Side::Sell);
            open.entry(order.instrument).or_default()[side] +=
                i64::from(self.orders.exposed(order));
        }
        let mut uses = Vec::new();
        if self.account_limits != view::AccountLimits::default() {
            uses.extend(limits::uses_of_account(&self.account, &self.account_limits));
        }
        for row in self.instruments.by_symbol() {
            let Some(limits) = &row.limits else { continue };
            let [buys, sells] = open.get(&row.view.locate).copied().unwrap_or_default();
            let position = row.view.position;
            let (long, short) = (position.saturating_add(buys), sells.saturating_sub(position));
            uses.extend(limits::uses_of_instrument(&row.view, long.max(short), limits));
        }
        limits::sort(&mut uses);
        uses.truncate(max);
        uses
    }

    /// Latency of each stage.
    pub fn latency(&self) -> Vec<view::Latency> {
        self.page.latency.clone()
    }

    /// Counters and rejects that are above zero.
    pub fn feed(&self) -> view::Feed {
        view::Feed { counters: self.page.counters.clone(), rejects: self.counts.refused() }
    }

    /// How often what was on the tape.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Entries that fit no order.
    pub fn odd_entries(&self) -> u64 {
        self.orders.odd
    }

    fn symbol(&self, locate: u16) -> String {
        self.instruments.symbol(locate)
    }

    /// Nothing for any symbol, its number for a known one.
    fn locate_of(&self, symbol: Option<&str>) -> Result<Option<u16>, ()> {
        match symbol {
            None => Ok(None),
            Some(symbol) => self.locate(symbol).map(Some).ok_or(()),
        }
    }
}

/// The name of a word that has names.
pub(crate) fn word_name(word: impl Word) -> &'static str {
    match word.value() {
        Value::Name(name) => name,
        _ => "",
    }
}
