//! The host's report, gathered from the crates that know.

use crate::host::{phase_name, session_name};
use crate::report::{HostReport, InstrumentReport, OpenOrder, PromotionReport, SeatReport};
use crate::source::Source;
use std::collections::BTreeMap;
use tercel_book::{HugePages, MemoryReport, Prefault};
use tercel_engine::Engine;
use tercel_policy::FEATURE_NAMES;
use tercel_policy::promotion::{Candidate, Contest, threshold};
use tercel_risk::Reject;
use tercel_types::Side;

/// Everything but times and the feed's counters.
pub(crate) fn of_engine(engine: &Engine) -> HostReport {
    let account = engine.risk().account();
    HostReport {
        phase: phase_name(engine.phase()).into(),
        session: session_name(engine.gateway().session()).into(),
        tripped: engine.risk().tripped().map(|trip| trip.name().into()).unwrap_or_default(),
        stale: engine.books().is_stale(),
        instruments: instruments(engine),
        cash_e4: account.cash.0,
        pnl_e4: (account.realised + account.unrealised).0,
        open_orders: open_orders(engine),
        counters: counters(engine),
        rejects: rejects(engine),
        promotion: engine.contest().map(promotion),
        ..HostReport::default()
    }
}

fn instruments(engine: &Engine) -> Vec<InstrumentReport> {
    let report = |(symbol, id): (tercel_types::Symbol, _)| {
        let top = engine.books().top(id);
        InstrumentReport {
            symbol: symbol.to_string(),
            bid_e4: top.bid.price.0,
            bid_qty: top.bid.qty,
            ask_e4: top.ask.price.0,
            ask_qty: top.ask.qty,
            position: engine.risk().position(id),
        }
    };
    engine.instruments().map(report).collect()
}

fn promotion(contest: &Contest) -> PromotionReport {
    let champion = SeatReport { threshold: 0.0, ..seat(contest, contest.champion()) };
    PromotionReport {
        automatic: contest.rules().automatic,
        champion,
        former: contest.former().map(|former| former.name().to_string()),
        challengers: contest.challengers().map(|one| seat(contest, one)).collect(),
        promotions: contest.promotions(),
        rollbacks: contest.rollbacks().map(|(why, n)| (why.name().into(), n)).collect(),
        decision_p99_ns: contest.decision_p99().0,
        last: contest.last().map(|notice| notice.to_string()).unwrap_or_default(),
    }
}

fn seat(contest: &Contest, one: &Candidate) -> SeatReport {
    let (book, wager, psi) = (one.book().counters(), one.wager(), one.drift().last());
    SeatReport {
        name: one.name().to_string(),
        identity: format!("{:016x}", one.identity()),
        profit: one.book().profit(),
        enters: book.enters,
        replaces: book.replaces,
        cancels: book.cancels,
        fills: book.fills,
        shares: book.shares,
        test: one.test(),
        intervals: wager.intervals(),
        mean_difference: wager.mean(),
        e_value: wager.e_value(),
        threshold: threshold(one.test(), contest.rules().alpha),
        passed: contest.has_passed(one),
        psi: psi.map(|psi| psi.mean),
        psi_worst: psi.map(|psi| (FEATURE_NAMES[psi.feature].into(), psi.worst)),
    }
}

fn open_orders(engine: &Engine) -> Vec<OpenOrder> {
    let names: BTreeMap<_, _> = engine.instruments().map(|(symbol, id)| (id, symbol)).collect();
    let report = |(id, order): (_, tercel_types::WorkingOrder)| OpenOrder {
        user_ref: order.user_ref.0,
        symbol: names.get(&id).map(|symbol| symbol.to_string()).unwrap_or_default(),
        side: side_name(order.side).into(),
        price_e4: order.price.0,
        qty: order.open.0,
    };
    engine.gateway().open_orders().map(report).collect()
}

/// `buy` or `sell`.
pub(crate) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// The engine's counters by name.
pub(crate) fn counters(engine: &Engine) -> BTreeMap<String, u64> {
    let c = engine.counters();
    let list = [
        ("events", c.events),
        ("decisions", c.decisions),
        ("intents", c.intents),
        ("refused", c.refused),
        ("sent", c.sent),
        ("unsent", c.unsent),
        ("accepted", c.accepted),
        ("venue_rejected", c.venue_rejected),
        ("canceled", c.canceled),
        ("fills_bought", c.fills_bought),
        ("fills_sold", c.fills_sold),
        ("shares_bought", c.shares_bought),
        ("shares_sold", c.shares_sold),
        ("stale_times", c.stale_times),
        ("stale_cancels", c.stale_cancels),
        ("adopted_orders", engine.risk().counters().adopted),
    ];
    list.map(|(name, value)| (name.to_string(), value)).into()
}

/// Every reason of risk with its count.
pub(crate) fn all_rejects(engine: &Engine) -> impl Iterator<Item = (&'static str, u64)> {
    let counters = engine.risk().counters();
    Reject::ALL.iter().map(|reject| (reject.name(), counters.of(*reject)))
}

fn rejects(engine: &Engine) -> BTreeMap<String, u64> {
    let counts = all_rejects(engine).filter(|(_, n)| *n > 0);
    counts.map(|(name, n)| (name.to_string(), n)).collect()
}

/// What memory the books got, in one line.
pub(crate) fn memory(report: &MemoryReport) -> String {
    let huge_pages = match report.huge_pages {
        HugePages::NotAsked => "not asked for".into(),
        HugePages::Advised => "advised, given as memory is touched".into(),
        HugePages::Got { bytes } => format!("{} MiB", bytes >> 20),
        HugePages::Refused(reason) => format!("none: {reason:?}"),
    };
    let prefault = match report.prefault {
        Prefault::NotAsked => "not asked for".into(),
        Prefault::Got => "all".into(),
        Prefault::Refused(reason) => format!("not all: {reason:?}"),
    };
    let reserved = report.reserved >> 20;
    format!("books: {reserved} MiB reserved, huge pages {huge_pages}, prefault {prefault}")
}

/// An instrument that cannot be traded for want of room.
pub(crate) fn unbound(engine: &Engine) -> Option<String> {
    let symbol = engine.unbound_symbol()?;
    Some(format!("{symbol} has a stock locate beyond book.instruments_max"))
}

/// Why the order session has not been started.
pub(crate) fn why_not_synced(engine: &Engine, source: &impl Source) -> String {
    let mut counters = BTreeMap::new();
    source.report(&mut counters);
    let missing: Vec<String> = engine.missing_symbols().map(|symbol| symbol.to_string()).collect();
    let detail = source.detail();
    let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
    if counters.get("messages").is_some_and(|n| *n == 0) {
        return format!(
            "no market data came: check feed.line_a, feed.line_b and feed.interface{detail}"
        );
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return format!("the venue's directory does not list {missing}{detail}");
    }
    format!("the books could not be brought up to date{detail}")
}
