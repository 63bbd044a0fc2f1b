//! What the API, the stream and the dashboard show, as JSON.
//!
//! Prices and money are integers in units of 1/10,000 dollar (`_e4`), times are nanoseconds since
//! the Unix epoch, UTC (`_ns`). Lists are bounded and in the order that their comment says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything that the dashboard shows: one event of the stream.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct State {
    /// Where the host stands.
    pub status: Status,
    /// The account.
    pub account: Account,
    /// Every instrument that is traded, by symbol.
    pub instruments: Vec<Instrument>,
    /// The depth of the watched book, if one is watched.
    pub book: Option<Book>,
    /// Open orders, oldest first; at most 200.
    pub orders: Vec<Order>,
    /// The latest fills, newest first; at most 20.
    pub fills: Vec<Fill>,
    /// Latency of each stage.
    pub latency: Vec<Latency>,
    /// The feed.
    pub feed: Feed,
    /// Use of every limit, highest first; at most 50.
    pub use_of_limits: Vec<LimitUse>,
}

/// Where the host stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// When this was put together.
    pub time_ns: u64,
    /// When the host began.
    pub started_ns: u64,
    /// Version of the binary.
    pub version: String,
    /// `starting`, `trading` or `stopping`.
    pub phase: String,
    /// Order session: `down`, `logging_in`, `recovering`, `ready`, `logging_out`, `ended`,
    /// `refused`.
    pub session: String,
    /// Why only cancels pass: empty, `killed`, `realised_loss`, `unrealised_loss`, `drawdown`,
    /// `venue_rejects`, `unaccounted`.
    pub tripped: String,
    /// The books may be wrong.
    pub stale: bool,
    /// Nothing is quoted, by command.
    pub paused: bool,
    /// Nothing is quoted, because what was done could not be written down quickly enough.
    pub held_up: bool,
    /// The trading thread has said nothing for this long.
    pub silent_ns: u64,
    /// Records applied by the engine.
    pub events: u64,
    /// The clock of the stamps.
    pub clock: Clock,
    /// The journal, if there is one.
    pub journal: Option<JournalStatus>,
}

/// The clock from which stamps are taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Clock {
    /// Where stamps come from: `host` (the processor's counter, steered to the system's clock).
    pub source: String,
    /// How far the host's clock is ahead of the system's.
    pub ahead_ns: i64,
    /// What keeps the system's clock: `chrony`, `ntp`, `ptp`, `none`, `unknown`.
    pub discipline: String,
    /// The kernel holds the clock for synchronised (adjtimex(2)).
    pub synchronised: bool,
    /// The kernel's estimate of the largest error against UTC, if it has one.
    pub error_max_ns: Option<u64>,
}

/// The journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JournalStatus {
    /// Records written.
    pub records: u64,
    /// The last one's sequence number.
    pub sequence: u64,
    /// The chain's value after the last commit, hexadecimal.
    pub head: String,
    /// Words of the tape that wait to be written down, of how many there are.
    pub waiting_words: u64,
    /// Words of the tape.
    pub tape_words: u64,
    /// Entries lost for want of room.
    pub lost: u64,
    /// What the journal's writer struggles with; empty if nothing.
    pub trouble: String,
}

/// The account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Cash received less cash paid.
    pub cash_e4: i64,
    /// Profit of what was closed.
    pub realised_e4: i64,
    /// Profit of what is open.
    pub unrealised_e4: i64,
    /// Both.
    pub pnl_e4: i64,
    /// Highest profit since the start or the last reset.
    pub peak_e4: i64,
    /// How far below it the profit is.
    pub drawdown_e4: i64,
    /// Value of all positions, longs less shorts.
    pub value_e4: i64,
    /// Worst-case gross exposure.
    pub gross_e4: i64,
    /// Worst-case net exposure.
    pub net_e4: i64,
    /// Credit used at worst.
    pub credit_used_e4: i64,
    /// Open orders.
    pub open_orders: u32,
}

/// One instrument.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Instrument {
    /// Symbol.
    pub symbol: String,
    /// Stock locate of the day.
    pub locate: u16,
    /// `unknown`, `halted`, `paused`, `quotation_only` or `trading`.
    pub state: String,
    /// It is not quoted, by command.
    pub paused: bool,
    /// Best bid; zero if none.
    pub bid_e4: i64,
    /// Shares there.
    pub bid_qty: u64,
    /// Best ask; zero if none.
    pub ask_e4: i64,
    /// Shares there.
    pub ask_qty: u64,
    /// Last trade; zero before the first.
    pub last_e4: i64,
    /// Shares held; negative is short.
    pub position: i64,
    /// Price at which they are valued.
    pub mark_e4: i64,
    /// Their value.
    pub value_e4: i64,
    /// Profit of what was closed.
    pub realised_e4: i64,
    /// Profit of what is open.
    pub unrealised_e4: i64,
    /// Worst-case gross exposure.
    pub gross_e4: i64,
    /// Worst-case net exposure.
    pub net_e4: i64,
    /// Open orders.
    pub open_orders: u32,
    /// Shares bought and sold.
    pub traded_qty: u64,
    /// Executions.
    pub fills: u64,
}

/// The depth of a book.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Book {
    /// Symbol.
    pub symbol: String,
    /// When the levels were told.
    pub time_ns: u64,
    /// From the best on, at most ten.
    pub bids: Vec<Level>,
    /// Likewise.
    pub asks: Vec<Level>,
}

/// A price level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Level {
    /// Price.
    pub price_e4: i64,
    /// Shares, ours included.
    pub qty: u64,
    /// Orders.
    pub orders: u32,
    /// Shares of ours.
    pub own_qty: u64,
}

/// An order of ours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Our number of it.
    pub user_ref: u32,
    /// The venue's; zero before it has answered.
    pub order_ref: u64,
    /// Symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Limit price.
    pub price_e4: i64,
    /// Shares first asked for.
    pub qty: u32,
    /// Shares still open.
    pub open_qty: u32,
    /// Shares executed.
    pub filled_qty: u32,
    /// `sent`, `open`, `replacing`, `cancelling`, `filled`, `canceled`, `replaced`, `rejected` or
    /// `not_received`.
    pub state: String,
    /// The order that it took the place of; zero if none.
    pub original: u32,
    /// When it was sent; zero if it was found in a replay.
    pub sent_ns: u64,
    /// When the venue's answer came; zero before.
    pub answered_ns: u64,
    /// When it last changed.
    pub changed_ns: u64,
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fill {
    /// Number of the execution at the venue.
    pub match_number: u64,
    /// Our order.
    pub user_ref: u32,
    /// Symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Price.
    pub price_e4: i64,
    /// Shares.
    pub qty: u32,
    /// Liquidity flag: `A` added, `R` removed, others in OUCH 5.0.
    pub liquidity: String,
    /// Shares held after it.
    pub position: i64,
    /// When it came in.
    pub time_ns: u64,
    /// The venue has taken it back.
    pub broken: bool,
}

/// Latency of a stage of the tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// `feed`, `book`, `features`, `policy`, `risk`, `gateway` or `tick_to_trade`.
    pub stage: String,
    /// Values recorded since the start.
    pub count: u64,
    /// Half are at most this.
    pub p50_ns: u64,
    /// 90 %.
    pub p90_ns: u64,
    /// 99 %.
    pub p99_ns: u64,
    /// 99.9 %.
    pub p999_ns: u64,
    /// The largest.
    pub max_ns: u64,
    /// Counts of the last interval by bucket: pairs of upper end in ns and count, empty ones left
    /// out; at most 64.
    pub recent: Vec<(u64, u64)>,
}

/// The feed and the order session, by their counters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feed {
    /// Every counter of the counters page, by name.
    pub counters: std::collections::BTreeMap<String, u64>,
    /// Intents that risk refused, by reason; only those above zero.
    pub rejects: std::collections::BTreeMap<String, u64>,
}

/// How much of a limit is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LimitUse {
    /// Symbol, or `account`.
    pub of: String,
    /// Name of the limit, as in the configuration.
    pub limit: String,
    /// What is used, in the limit's unit.
    pub used: i64,
    /// The limit.
    pub max: i64,
    /// Money in 1/10,000 dollar, rather than a count.
    pub is_money: bool,
}

/// Limits of the account; money in 1/10,000 dollar, above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountLimits {
    /// Worst-case gross exposure at most.
    #[schema(minimum = 1)]
    pub gross_max_e4: i64,
    /// Worst-case net exposure at most.
    #[schema(minimum = 1)]
    pub net_max_e4: i64,
    /// Credit at most.
    #[schema(minimum = 1)]
    pub credit_max_e4: i64,
    /// Realised loss at most.
    #[schema(minimum = 1)]
    pub realised_loss_max_e4: i64,
    /// Unrealised loss at most.
    #[schema(minimum = 1)]
    pub unrealised_loss_max_e4: i64,
    /// Drawdown at most.
    #[schema(minimum = 1)]
    pub drawdown_max_e4: i64,
}

/// Limits of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstrumentLimits {
    /// Shares of one order at most.
    #[schema(minimum = 1, maximum = 999_999)]
    pub order_qty_max: u32,
    /// Money of one order at most.
    #[schema(minimum = 1)]
    pub order_notional_max_e4: i64,
    /// Distance from the reference price at most, 1/100 %; this or `collar_abs_e4` must be there.
    #[schema(minimum = 1, maximum = 10_000)]
    pub collar_bps: Option<u32>,
    /// Likewise as a price.
    #[schema(minimum = 1)]
    pub collar_abs_e4: Option<i64>,
    /// Shares long or short at most.
    #[schema(minimum = 1)]
    pub position_max: u32,
    /// Worst-case gross exposure at most.
    #[schema(minimum = 1)]
    pub gross_max_e4: i64,
    /// Worst-case net exposure at most.
    #[schema(minimum = 1)]
    pub net_max_e4: i64,
    /// Open orders at most.
    #[schema(minimum = 1)]
    pub open_orders_max: u32,
    /// Shares that may be sold short.
    pub located: u32,
    /// Nothing may be traded.
    pub restricted: bool,
    /// An equal order within this time is refused.
    pub duplicate_window_ns: u64,
    /// Orders at once.
    #[schema(minimum = 1)]
    pub rate_burst: u32,
    /// Orders a second.
    #[schema(minimum = 1)]
    pub rate_per_second: u32,
    /// Messages before the first fill.
    #[schema(minimum = 1)]
    pub ratio_burst: u32,
    /// Messages that a fill earns.
    pub ratio_per_fill: u32,
    /// Messages that a second earns.
    pub ratio_per_second: u32,
}

/// Every limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Of the account.
    pub account: AccountLimits,
    /// Of each instrument, by symbol.
    pub instruments: std::collections::BTreeMap<String, InstrumentLimits>,
}
