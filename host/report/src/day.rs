//! The report of a day, gathered record by record.
//!
//! The day is one of the calendar, UTC. Stamps are the host's: an intent's is when risk had decided
//! and, if it was approved, the bytes were handed to the port; an answer's is when the gateway had
//! understood it. After a start the gateway replays the venue's session, so answers may come again:
//! an execution counts once by order and number, and a replayed answer changes no order that has
//! it.

mod clock;
mod figures;
mod fills;
mod limits;
mod orders;
mod presence;
mod series;

pub use clock::{ClockEvidence, RTS_25_NS};
pub use figures::{Cost, EQUATIONS, Figures, HORIZON_NAMES, HORIZONS};
pub use fills::Fill;
pub use limits::{Deed, LimitChange};
pub use orders::{Life, OrderCounts, Refused};
pub use presence::InMarket;
pub use series::{Point, Quantiles};

use crate::calendar;
use crate::check::Reconciled;
use crate::events::Event;
use crate::item::{self, Decoder, Item, Symbols};
use clock::Clocks;
use fills::Fills;
use limits::Limits;
use orders::Orders;
use presence::Presence;
use serde::Serialize;
use serde_json::Value as Json;
use series::Curve;
use std::collections::BTreeMap;
use std::path::Path;
use tercel_control::recorder::reconcile::Reconciliation;
use tercel_control::recorder::{KIND_CLOCK, KIND_DEED, KIND_START};
use tercel_engine::tape::{AnswerKind, Entry};
use tercel_journal::{JournalError, Reader, Record};
use tercel_types::Nanos;

/// Orders, fills and deeds that a report holds; more are counted in `left_out`.
pub const KEPT_MAX: usize = 2_000_000;

/// A start of the host.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Started {
    /// When.
    pub time_ns: u64,
    /// Version of the binary.
    pub version: String,
    /// SHA-256 of the configuration file.
    pub config_sha256: String,
    /// SHA-256 of what was in force of it.
    pub effective_sha256: String,
    /// Artifacts: role, name, SHA-256.
    pub artifacts: Vec<(String, String, String)>,
}

/// What is found in the journal besides the orders.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Found {
    /// Records of the day.
    pub records: u64,
    /// The first and the last of them, by sequence; zero if there is none.
    pub sequences: (u64, u64),
    /// When the first and the last were stamped.
    pub from_ns: u64,
    /// Likewise.
    pub to_ns: u64,
    /// Records of known kinds that could not be read.
    pub unreadable: u64,
    /// Records of kinds that are not known, by number.
    pub unknown: BTreeMap<u16, u64>,
    /// Entries that the tape had no room for.
    pub lost: u64,
    /// Orders, fills or deeds beyond those that a report holds.
    pub left_out: u64,
    /// Where the journal is not as it was written; the report is of what comes before.
    pub damage: Option<String>,
}

/// One symbol, or all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SymbolFigures {
    /// Symbol; `all` for the sum.
    pub symbol: String,
    /// Executions and what they cost.
    pub figures: Figures,
    /// Orders.
    pub orders: OrderCounts,
    /// Time with orders on the book.
    pub in_market: InMarket,
    /// Shares held at the last answer; of the sum, zero.
    pub position: i64,
}

/// The report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DayReport {
    /// The day, UTC, as `YYYY-MM-DD`.
    pub date: String,
    /// What is in the journal.
    pub journal: Found,
    /// Of the whole journal, not only of the day: what was sent against what the venue knows.
    pub reconciliation: Reconciled,
    /// The equations of the figures.
    pub equations: Vec<(&'static str, &'static str)>,
    /// Starts of the host.
    pub starts: Vec<Started>,
    /// All symbols.
    pub total: SymbolFigures,
    /// Each symbol with an order.
    pub symbols: Vec<SymbolFigures>,
    /// Latencies by name.
    pub latencies: Vec<Quantiles>,
    /// Intents that did not leave, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Orders that the venue refused, by its reason.
    pub rejected: BTreeMap<String, u64>,
    /// Limits that changed.
    pub limit_changes: Vec<LimitChange>,
    /// What operators did.
    pub deeds: Vec<Deed>,
    /// The clock.
    pub clock: ClockEvidence,
    /// Profit over the day, thinned.
    pub profit: Vec<Point>,
    /// Every order that was sent or known.
    pub orders: Vec<Life>,
    /// The first intents that did not leave.
    pub refused_first: Vec<Refused>,
    /// Every execution.
    pub fills: Vec<Fill>,
}

/// Gathers the report.
#[derive(Debug)]
pub struct Day {
    date: calendar::Day,
    decoder: Decoder,
    symbols: Symbols,
    reconciliation: Reconciliation,
    found: Found,
    starts: Vec<Started>,
    orders: Orders,
    fills: Fills,
    presence: Presence,
    limits: Limits,
    clocks: Clocks,
    profit: Curve,
    positions: BTreeMap<String, i64>,
}

impl Day {
    /// A day without records.
    pub fn new(date: calendar::Day) -> Day {
        Day {
            date,
            decoder: Decoder::default(),
            symbols: Symbols::default(),
            reconciliation: Reconciliation::default(),
            found: Found::default(),
            starts: Vec::new(),
            orders: Orders::default(),
            fills: Fills::default(),
            presence: Presence::default(),
            limits: Limits::default(),
            clocks: Clocks::default(),
            profit: Curve::default(),
            positions: BTreeMap::new(),
        }
    }

    /// Takes the next record of the journal, of any day; `event` is told what happened to orders.
    pub fn apply(&mut self, record: &Record, mut event: impl FnMut(&Event)) {
        self.reconciliation.apply(record.kind, &record.payload);
        let is_today = self.date.holds(record.stamp);
        let now = record.stamp;
        let mut decoder = std::mem::take(&mut self.decoder);
        let item = decoder.decode(record.kind, &record.payload);
        if is_today {
            self.count(record, &item);
        }
        match &item {
            Item::Entry(entry) => {
                self.symbols.apply(entry);
                self.limits.entry(now, is_today, entry, &self.symbols);
                if is_today {
                    self.fills.pass(now);
                    self.entry((record.sequence, now.0), entry, &mut event);
                }
            }
            Item::Json(json) if record.kind == KIND_START => {
                // What is not said from now on is not known: prices are old, nothing is quoted.
                self.fills.forget_mids();
                self.presence.stop();
                self.limits.started();
                if is_today && self.starts.len() < KEPT_MAX {
                    self.starts.push(started(now, json));
                    if let Some(clock) = json.get("clock") {
                        self.clocks.sample(clock);
                    }
                }
            }
            Item::Json(json) if record.kind == KIND_DEED => {
                self.limits.deed(now, is_today, json);
            }
            Item::Json(json) if record.kind == KIND_CLOCK && is_today => self.clocks.sample(json),
            _ => {}
        }
        self.decoder = decoder;
    }

    /// The journal cannot be read further.
    pub fn damaged(&mut self, damage: &str) {
        self.found.damage.get_or_insert_with(|| damage.to_string());
    }

    fn count(&mut self, record: &Record, item: &Item<'_>) {
        let found = &mut self.found;
        if found.records == 0 {
            (found.sequences.0, found.from_ns) = (record.sequence, record.stamp.0);
        }
        found.records += 1;
        (found.sequences.1, found.to_ns) = (record.sequence, record.stamp.0);
        match item {
            Item::Unreadable => found.unreadable += 1,
            Item::Unknown => *found.unknown.entry(record.kind).or_default() += 1,
            _ => {}
        }
        self.clocks.record();
    }

    fn entry(&mut self, at: (u64, u64), entry: &Entry<'_>, event: &mut impl FnMut(&Event)) {
        let now = Nanos(at.1);
        self.presence.pass(now);
        match entry {
            Entry::Lost(lost) => {
                self.found.lost = self.found.lost.saturating_add(lost.entries);
            }
            Entry::Standing(standing) => self.presence.standing(standing),
            Entry::Account(account) => {
                let profit = account.realised.0.saturating_add(account.unrealised.0);
                self.profit.add(now, profit);
            }
            Entry::Holding(it) => self.fills.mid(it.instrument, it.bid, it.ask),
            Entry::Intended(it) => {
                let symbol = self.symbols.name(it.instrument);
                if !it.stale {
                    self.fills.mid(it.instrument, it.bid, it.ask);
                }
                self.orders.intended(at, it, symbol, event);
            }
            Entry::Answered(it) => {
                let symbol = self.symbols.name(it.instrument);
                self.positions.insert(symbol.clone(), it.position);
                if it.what == AnswerKind::Executed && !self.fills.is_new(it) {
                    return;
                }
                let Some(place) = self.orders.answered(at, it, symbol, event) else { return };
                let order = &self.orders.all[place];
                match it.what {
                    AnswerKind::Executed => self.fills.executed(now, it, order),
                    AnswerKind::Broken => self.fills.broken(it),
                    _ => {}
                }
                for (symbol, side, by) in self.orders.take_changes() {
                    self.presence.change(symbol, side, by);
                }
            }
            _ => {}
        }
    }

    /// The report.
    pub fn finish(mut self) -> DayReport {
        self.presence.finish();
        let in_market = self.presence.figures();
        let mut symbols: BTreeMap<String, SymbolFigures> = BTreeMap::new();
        let mut total = SymbolFigures { symbol: "all".into(), ..SymbolFigures::default() };
        for order in &self.orders.all {
            total.orders.count(order);
            symbols.entry(order.symbol.clone()).or_default().orders.count(order);
        }
        for fill in &self.fills.all {
            total.figures.count(fill);
            symbols.entry(fill.symbol.clone()).or_default().figures.count(fill);
        }
        for (name, figures) in &mut symbols {
            figures.symbol.clone_from(name);
            figures.in_market = in_market.get(name).copied().unwrap_or_default();
            figures.position = self.positions.get(name).copied().unwrap_or(0);
            total.in_market.add(&figures.in_market);
        }
        self.found.left_out = self.orders.left_out + self.fills.left_out + self.limits.left_out;
        DayReport {
            date: self.date.to_string(),
            journal: self.found,
            reconciliation: Reconciled::of(&self.reconciliation),
            equations: EQUATIONS.to_vec(),
            starts: self.starts,
            total,
            symbols: symbols.into_values().collect(),
            latencies: orders::latencies(&self.orders.all),
            refused: self.orders.refused,
            rejected: self.orders.rejected,
            limit_changes: self.limits.changes,
            deeds: self.limits.deeds,
            clock: self.clocks.evidence(),
            profit: self.profit.points(),
            orders: self.orders.all,
            refused_first: self.orders.refused_first,
            fills: self.fills.all,
        }
    }
}

fn started(now: Nanos, json: &Json) -> Started {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or("").to_string();
    let artifacts = json["artifacts"].as_array().map_or(&[][..], Vec::as_slice);
    let artifact = |it: &Json| (text(it, "role"), text(it, "name"), text(it, "sha256"));
    Started {
        time_ns: now.0,
        version: text(json, "version"),
        config_sha256: text(json, "config_sha256"),
        effective_sha256: text(json, "effective_sha256"),
        artifacts: artifacts.iter().map(artifact).collect(),
    }
}

/// The instrument's name of a flag or a reason on the wire.
fn letter(code: u16) -> String {
    match char::from_u32(code.into()) {
        Some(letter) if letter.is_ascii_graphic() => letter.to_string(),
        _ if code == 0 => String::new(),
        _ => code.to_string(),
    }
}

/// Reads the journal in `folder` and reports the day; without a date, the day of its last record.
/// `event` is told what happened to orders. Damage ends the reading, not the report.
///
/// # Errors
///
/// What the system says.
pub fn gather(
    folder: &Path,
    date: Option<calendar::Day>,
    mut event: impl FnMut(&Event),
) -> Result<DayReport, JournalError> {
    let date = match date {
        Some(date) => date,
        None => {
            let mut last = calendar::Day::of(Nanos(0));
            each(folder, |record| {
                // Records that no program stamped, or of which nothing is known, tell no day.
                if record.stamp.0 > 0 && item::kind(record.kind).is_some() {
                    last = calendar::Day::of(record.stamp);
                }
            })?;
            last
        }
    };
    let mut day = Day::new(date);
    let damage = each(folder, |record| day.apply(record, &mut event))?;
    if let Some(damage) = damage {
        day.damaged(&damage);
    }
    Ok(day.finish())
}

/// Hands every record over; says what is damaged.
fn each(folder: &Path, mut take: impl FnMut(&Record)) -> Result<Option<String>, JournalError> {
    let mut read = || -> Result<(), JournalError> {
        for record in Reader::open(folder)? {
            take(&record?);
        }
        Ok(())
    };
    match read() {
        Ok(()) => Ok(None),
        Err(JournalError::Damaged(damage)) => Ok(Some(damage.to_string())),
        Err(error) => Err(error),
    }
}
