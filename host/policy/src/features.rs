//! The features: one definition, used by training and by the host.
//!
//! Words: B₁, A₁ best bid and ask; b₁, a₁ shares there; M = (A₁ + B₁)/2; tick: price increment at
//! M; Q₁, Q₅ shares at the best and at the best five levels of a side; D: mean over time of (b₁ +
//! a₁)/2, slow, at least one share. Σ x·w: sum of x over past events, each weighted by w =
//! 2^(−age/h); the half-life h is [`FAST`] or [`SLOW`] nanoseconds of the injected clock.
//!
//! | at | name | unit | formula | source |
//! |---|---|---|---|---|
//! | 0 | `spread` | ticks | (A₁ − B₁)/tick |  |
//! | 1 | `imbalance_1` | ratio | (b₁ − a₁)/(b₁ + a₁) | CDJ |
//! | 2 | `imbalance_3` | ratio | the same over the best three levels | CDJ |
//! | 3 | `imbalance_5` | ratio | the same over the best five levels | CDJ |
//! | 4 | `microprice` | ticks | ((b₁·A₁ + a₁·B₁)/(a₁ + b₁) − M)/tick | S |
//! | 5 | `microprice_5` | ticks | ((b₅·Ā + a₅·B̄)/(a₅ + b₅) − M)/tick | S |
//! | 6 | `bid_slope` | 1/tick | (Q₅/Q₁ − 1)/reach, bids | NS |
//! | 7 | `ask_slope` | 1/tick | the same, asks | NS |
//! | 8 | `bid_gap` | ticks | B₁ − B₂, at most 100; 100 without a B₂ | F |
//! | 9 | `ask_gap` | ticks | A₂ − A₁, likewise | F |
//! | 10 | `bid_depth` | ratio | b₁/D | CKS |
//! | 11 | `ask_depth` | ratio | a₁/D | CKS |
//! | 12 | `bid_orders` | orders | orders at the best bid |  |
//! | 13 | `ask_orders` | orders | orders at the best ask |  |
//! | 14 | `ofi_fast` | ratio | Σ e_n·w/D, fast | CKS |
//! | 15 | `ofi_slow` | ratio | the same, slow | CKS |
//! | 16 | `trade_imbalance_fast` | ratio | Σ sign·shares·w / Σ shares·w (0 below 10⁻⁹), fast | LR |
//! | 17 | `trade_imbalance_slow` | ratio | the same, slow | LR |
//! | 18 | `trade_volume_fast` | ratio | Σ shares·w/D, fast |  |
//! | 19 | `trade_rate_fast` | 1/s | Σ w·ln 2/h of trades, fast | HLR |
//! | 20 | `bid_add_rate` | 1/s | Σ w·ln 2/h of orders added, fast, bids | HLR |
//! | 21 | `ask_add_rate` | 1/s | the same, asks | HLR |
//! | 22 | `bid_cancel_rate` | 1/s | Σ w·ln 2/h of orders cut or deleted, fast, bids | HLR |
//! | 23 | `ask_cancel_rate` | 1/s | the same, asks | HLR |
//! | 24 | `volatility_fast` | ticks/√s | √(Σ (ΔM)²·w·ln 2/h)/tick, fast | ABDL |
//! | 25 | `volatility_slow` | ticks/√s | the same, slow | ABDL |
//! | 26 | `return_fast` | ticks | Σ ΔM·w/tick, fast |  |
//! | 27 | `return_slow` | ticks | the same, slow |  |
//! | 28 | `spread_mean` | ticks | mean over time of (A₁ − B₁)/tick, slow |  |
//! | 29 | `since_trade` | s | since the last trade, at most 60; 60 without one |  |
//! | 30 | `since_move` | s | since M last moved, at most 60; 60 without a move |  |
//! | 31 | `inventory` | ratio | position/largest position, −4 to 4 | AS |
//! | 32 | `bid_queue_ahead` | ratio | shares ahead of our bid/D; b₁/D without one | MY |
//! | 33 | `ask_queue_ahead` | ratio | shares ahead of our ask/D; a₁/D without one | MY |
//! | 34 | `bid_age` | s | time since our bid was sent, at most 60; 0 without one |  |
//! | 35 | `ask_age` | s | time since our ask was sent, at most 60; 0 without one |  |
//! | 36 | `bid_distance` | ticks | (B₁ − our bid)/tick; 0 without one |  |
//! | 37 | `ask_distance` | ticks | (our ask − A₁)/tick; 0 without one |  |
//! | 38 | `bid_working` | 0 or 1 | we have a bid |  |
//! | 39 | `ask_working` | 0 or 1 | we have an ask |  |
//!
//! b₅, a₅, B̄, Ā: shares at five levels and their volume-weighted prices. Reach: ticks from the
//! best to the last of five levels. Hidden trades, whose side the feed does not tell, are signed by
//! the quote rule (LR). Sources:
//! - ABDL: Andersen, Bollerslev, Diebold and Labys 2003, "Modeling and forecasting realized
//!   volatility";
//! - AS: Avellaneda and Stoikov 2008, the inventory q;
//! - CDJ: Cartea, Donnelly and Jaimungal 2018, "Enhancing trading strategies with order book
//!   signals";
//! - CKS: Cont, Kukanov and Stoikov 2014, "The price impact of order book events": the contribution
//!   e_n of one event, their sum OFI, and the mean depth that it is measured in;
//! - F: Farmer, Gillemot, Lillo, Mike and Sen 2004, "What really causes large price changes?";
//! - HLR: Huang, Lehalle and Rosenbaum 2015, "Simulating and analyzing order book data";
//! - LR: Lee and Ready 1991, "Inferring trade direction from intraday data";
//! - MY: Moallemi and Yuan 2017, "A model for queue position valuation in a limit order book";
//! - NS: Næs and Skjeltorp 2006, "Order book characteristics and the volume-volatility relation";
//! - S: Stoikov 2018, "The micro-price", the weighted mid price.
//!
//! What needs a book is zero while the book cannot be measured: stale, one-sided, locked or
//! crossed. No value is ever NaN or infinite; all lie within ±[`LIMIT`]. A value at time t depends
//! on nothing after t.
//!
//! Change a formula, a name, an order or a half-life and [`FEATURE_VERSION`] goes up:
//! [`FEATURE_HASH`] follows from it, and every artifact of another hash is refused.

mod decay;
mod depth;
mod flow;

pub(crate) use depth::{Depth, Touch};
pub(crate) use flow::Flow;

use tercel_book::Books;
use tercel_types::{InstrumentId, Nanos, Own, Side, WorkingOrder};

/// How many features there are.
pub const FEATURE_COUNT: usize = 40;

/// Version of the definitions.
pub const FEATURE_VERSION: u32 = 1;

/// Half-life of the fast sums, nanoseconds.
pub const FAST: f64 = 1e9;

/// Half-life of the slow sums, nanoseconds.
pub const SLOW: f64 = 30e9;

/// No feature is larger, on either side of zero.
pub const LIMIT: f64 = 1e6;

/// The features of one instrument at one instant.
pub type Features = [f32; FEATURE_COUNT];

/// Their names, in order.
#[rustfmt::skip]
pub const FEATURE_NAMES: [&str; FEATURE_COUNT] = [
    "spread", "imbalance_1", "imbalance_3", "imbalance_5", "microprice", "microprice_5",
    "bid_slope", "ask_slope", "bid_gap", "ask_gap", "bid_depth", "ask_depth", "bid_orders",
    "ask_orders", "ofi_fast", "ofi_slow", "trade_imbalance_fast", "trade_imbalance_slow",
    "trade_volume_fast", "trade_rate_fast", "bid_add_rate", "ask_add_rate", "bid_cancel_rate",
    "ask_cancel_rate", "volatility_fast", "volatility_slow", "return_fast", "return_slow",
    "spread_mean", "since_trade", "since_move", "inventory", "bid_queue_ahead", "ask_queue_ahead",
    "bid_age", "ask_age", "bid_distance", "ask_distance", "bid_working", "ask_working",
];

/// FNV-1a, 64 bits, over the version, the half-lives and the names.
pub const FEATURE_HASH: u64 = hash();

/// Longest time since something that a feature shows, seconds.
const SECONDS_MAX: f64 = 60.0;

/// Widest gap between two levels that a feature shows, ticks.
const GAP_MAX: f64 = 100.0;

/// What the books say of an instrument now.
pub(crate) struct Seen {
    /// The book may be wrong.
    pub(crate) stale: bool,
    /// Best bid and ask, if they can be measured.
    pub(crate) touch: Option<Touch>,
}

/// What of the books and of us the features are computed from, besides what the flow remembers.
pub(crate) struct Snapshot<'a> {
    pub(crate) touch: Option<Touch>,
    /// Both sides of the book.
    pub(crate) depths: &'a [Depth; 2],
    pub(crate) own: &'a Own,
    /// Shares ahead of our bid and our ask, where they are in the book.
    pub(crate) ahead: [Option<u64>; 2],
    pub(crate) position_max: i64,
}

impl Seen {
    #[inline]
    pub(crate) fn new(books: &Books, id: InstrumentId) -> Seen {
        let view = books.market_view(id);
        let touch = if view.stale { None } else { Touch::new(&view.top) };
        Seen { stale: view.stale, touch }
    }
}

/// Computes every feature as of `now`.
pub(crate) fn compute(flow: &Flow, snapshot: &Snapshot<'_>, now: Nanos) -> Features {
    let later;
    // A decision follows its event at once, and then there is nothing to bring forward and nothing
    // to copy.
    let flow = if flow.is_current(now) {
        flow
    } else {
        later = flow.as_of(now);
        &later
    };
    // Reciprocals, once: a division costs five multiplications, and there would be thirty.
    let per_depth = 1.0 / flow.mean_depth();
    let per_tick = snapshot.touch.map_or(0.0, |touch| touch.per_tick());
    let book = match &snapshot.touch {
        Some(touch) => book(touch, snapshot.depths, per_depth, per_tick),
        None => [0.0; BOOK_FEATURES],
    };
    let mut values = [0.0; FEATURE_COUNT];
    values[..BOOK_FEATURES].copy_from_slice(&book);
    let (flows, owns) = values[BOOK_FEATURES..].split_at_mut(FLOW_FEATURES);
    flows.copy_from_slice(&past(flow, per_depth, per_tick, now));
    owns.copy_from_slice(&ours(snapshot, per_depth, per_tick, now));
    // As a loop over arrays, which the compiler turns into two values an instruction.
    let mut features = [0.0; FEATURE_COUNT];
    for (feature, value) in features.iter_mut().zip(&values) {
        let number = if value.is_nan() { 0.0 } else { *value };
        *feature = number.clamp(-LIMIT, LIMIT) as f32;
    }
    features
}

/// How many features come from the book alone; they stand first.
const BOOK_FEATURES: usize = 14;

/// How many come from what the flow remembers; they stand next.
const FLOW_FEATURES: usize = 17;

/// How many come from what is ours; they stand last.
const OWN_FEATURES: usize = FEATURE_COUNT - BOOK_FEATURES - FLOW_FEATURES;

#[inline]
fn book(touch: &Touch, depths: &[Depth; 2], per_depth: f64, per_tick: f64) -> [f64; BOOK_FEATURES] {
    let ([bid, ask], mid) = (depths, touch.mid());
    let (best_bid, best_ask) = (touch.bid as f64, touch.ask as f64);
    [
        (touch.ask - touch.bid) as f64 * per_tick,
        imbalance(touch.bid_qty, touch.ask_qty),
        imbalance(bid.three, ask.three),
        imbalance(bid.five, ask.five),
        (weighted(best_bid, touch.bid_qty, best_ask, touch.ask_qty) - mid) * per_tick,
        (weighted(bid.price, bid.five, ask.price, ask.five) - mid) * per_tick,
        slope(bid, per_tick),
        slope(ask, per_tick),
        gap(bid, per_tick),
        gap(ask, per_tick),
        touch.bid_qty * per_depth,
        touch.ask_qty * per_depth,
        bid.orders,
        ask.orders,
    ]
}

/// Events per second from a weighted count of half-life `half_life`.
#[inline]
pub(crate) const fn per_second(half_life: f64) -> f64 {
    core::f64::consts::LN_2 * 1e9 / half_life
}

/// `per_tick` is zero without a book: there is no tick to measure in.
#[inline]
fn past(flow: &Flow, per_depth: f64, per_tick: f64, now: Nanos) -> [f64; FLOW_FEATURES] {
    let (fast, slow) = (&flow.fast, &flow.slow);
    [
        fast.ofi * per_depth,
        slow.ofi * per_depth,
        fast.imbalance(),
        slow.imbalance(),
        fast.volume * per_depth,
        flow.trades * per_second(FAST),
        flow.adds[0] * per_second(FAST),
        flow.adds[1] * per_second(FAST),
        flow.cancels[0] * per_second(FAST),
        flow.cancels[1] * per_second(FAST),
        flow.volatility_fast() * per_tick,
        flow.volatility_slow() * per_tick,
        fast.drift * per_tick,
        slow.drift * per_tick,
        flow.mean_spread() * per_tick,
        flow.last_trade().map_or(SECONDS_MAX, |then| seconds(now, then)),
        flow.last_move().map_or(SECONDS_MAX, |then| seconds(now, then)),
    ]
}

#[inline]
fn ours(snapshot: &Snapshot<'_>, per_depth: f64, per_tick: f64, now: Nanos) -> [f64; OWN_FEATURES] {
    let Snapshot { touch, own, ahead, position_max, .. } = snapshot;
    let touch = touch.unwrap_or_default();
    let queue = |ahead: Option<u64>, best: f64| ahead.map_or(best, |shares| shares as f64);
    let age = |order: &Option<WorkingOrder>| {
        order.as_ref().map_or(0.0, |order| seconds(now, order.entered))
    };
    let behind = |order: &Option<WorkingOrder>, best: i64, side: Side| {
        let ticks =
            |order: &WorkingOrder| (best as f64 - order.price.0 as f64) * side.sign() as f64;
        order.as_ref().map_or(0.0, ticks) * per_tick
    };
    [
        (own.position as f64 / *position_max as f64).clamp(-4.0, 4.0),
        queue(ahead[0], touch.bid_qty) * per_depth,
        queue(ahead[1], touch.ask_qty) * per_depth,
        age(&own.bid),
        age(&own.ask),
        behind(&own.bid, touch.bid, Side::Buy),
        behind(&own.ask, touch.ask, Side::Sell),
        f64::from(u8::from(own.bid.is_some())),
        f64::from(u8::from(own.ask.is_some())),
    ]
}

#[inline]
fn seconds(now: Nanos, then: Nanos) -> f64 {
    (now.since(then).0 as f64 * 1e-9).min(SECONDS_MAX)
}

#[inline]
fn imbalance(bid: f64, ask: f64) -> f64 {
    if bid + ask > 0.0 { (bid - ask) / (bid + ask) } else { 0.0 }
}

/// Each price weighted with the shares of the other side.
#[inline]
fn weighted(bid: f64, bid_qty: f64, ask: f64, ask_qty: f64) -> f64 {
    (bid_qty * ask + ask_qty * bid) / (bid_qty + ask_qty)
}

#[inline]
fn slope(depth: &Depth, per_tick: f64) -> f64 {
    if depth.reach > 0.0 && depth.best > 0.0 {
        (depth.five - depth.best) / (depth.best * depth.reach * per_tick)
    } else {
        0.0
    }
}

#[inline]
fn gap(depth: &Depth, per_tick: f64) -> f64 {
    if depth.gap > 0.0 { (depth.gap * per_tick).min(GAP_MAX) } else { GAP_MAX }
}

const fn hash() -> u64 {
    let mut hash = fnv1a(FNV_OFFSET, &FEATURE_VERSION.to_le_bytes());
    hash = fnv1a(hash, &FAST.to_bits().to_le_bytes());
    hash = fnv1a(hash, &SLOW.to_bits().to_le_bytes());
    let mut at = 0;
    while at < FEATURE_COUNT {
        hash = fnv1a(hash, FEATURE_NAMES[at].as_bytes());
        hash = fnv1a(hash, &[0]);
        at += 1;
    }
    hash
}

/// Start of a hash of [`fnv1a`].
pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits (draft-eastlake-fnv): finds changes and mix-ups, not forgeries.
pub(crate) const fn fnv1a(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_hashed() {
        for (at, name) in FEATURE_NAMES.iter().enumerate() {
            assert!(!FEATURE_NAMES[..at].contains(name), "{name}");
        }
        // FNV-1a test vector of the draft.
        assert_eq!(fnv1a(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(FEATURE_NAMES[BOOK_FEATURES], "ofi_fast");
    }

    #[test]
    fn the_table_in_the_documentation_names_every_feature_in_order() {
        let mut at = 0;
        for line in include_str!("features.rs").lines() {
            let Some(row) = line.strip_prefix("//! | ") else { continue };
            let mut cells = row.split(" | ");
            let (Some(number), Some(name)) = (cells.next(), cells.next()) else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            assert_eq!((number, name), (at, format!("`{}`", FEATURE_NAMES[at]).as_str()));
            at += 1;
        }
        assert_eq!(at, FEATURE_COUNT);
    }
}
