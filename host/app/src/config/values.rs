//! The sections as they stand in the file, but those with a file of their own.

#[cfg(feature = "lab")]
use super::backtest::BacktestValues;
use super::control::ControlValues;
use super::journal::JournalValues;
use super::limits::{InstrumentValues, RiskValues};
use super::path::PathValues;
use super::promotion::{ChallengerValues, PromotionValues};
use super::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use tercel_book::Limits;

/// The whole file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    /// Where the feed comes from.
    pub(crate) feed: FeedValues,
    /// The order session.
    pub(crate) orders: OrdersValues,
    /// How quotes are made.
    pub(crate) strategy: StrategyValues,
    /// Sizes of quotes and when they move.
    pub(crate) quote: QuoteValues,
    /// What may be done.
    pub(crate) risk: RiskValues,
    /// Every instrument to trade; risk refuses all others.
    pub(crate) instrument: Vec<InstrumentValues>,
    /// Room for the books.
    #[serde(default)]
    pub(crate) book: BookValues,
    /// The hot thread and how it starts and stops.
    #[serde(default)]
    pub(crate) host: HostValues,
    /// A feed card, with `--source fpga:...`.
    #[serde(default)]
    pub(crate) card: CardValues,
    /// How frames come and go.
    #[serde(default)]
    pub(crate) path: PathValues,
    /// Other policies in shadow of the one that trades.
    #[serde(default)]
    pub(crate) promotion: PromotionValues,
    /// Policies that stand in shadow from the start.
    #[serde(default)]
    pub(crate) challenger: Vec<ChallengerValues>,
    /// The record of what was done; without it there is none.
    pub(crate) journal: Option<JournalValues>,
    /// Where the host is operated and watched; without it nothing listens.
    pub(crate) control: Option<ControlValues>,
    /// How the market of `tercel backtest` behaves.
    #[cfg(feature = "lab")]
    #[serde(default)]
    pub(crate) backtest: BacktestValues,
    /// For the laboratory.
    #[cfg(not(feature = "lab"))]
    #[serde(default, rename = "backtest")]
    #[schemars(with = "serde_json::Value")]
    _backtest: serde::de::IgnoredAny,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedValues {
    /// Multicast group and port of line A.
    pub(crate) line_a: SocketAddrV4,
    /// Multicast group and port of line B.
    pub(crate) line_b: SocketAddrV4,
    /// Address of the interface that joins the groups.
    pub(crate) interface: Ipv4Addr,
    /// MoldUDP64 retransmission server; without it gaps are not asked for.
    pub(crate) recovery: Option<SocketAddrV4>,
    /// Glimpse server, where a late start takes its snapshot from.
    pub(crate) glimpse: Option<SocketAddrV4>,
    /// User name at the Glimpse server, at most 6 characters.
    #[serde(default)]
    #[schemars(length(max = 6))]
    pub(crate) glimpse_username: String,
    /// Password at the Glimpse server, at most 10 characters. At most one of this, `_file`, `_env`.
    pub(crate) glimpse_password: Option<Secret>,
    /// File with that password, relative to the configuration file.
    pub(crate) glimpse_password_file: Option<PathBuf>,
    /// Environment variable with that password.
    pub(crate) glimpse_password_env: Option<String>,
    /// `"late"` joins through Glimpse, `"first"` expects message 1.
    pub(crate) start: StartValue,
    /// Ten characters; only the packets of this session are taken.
    #[schemars(length(max = 10))]
    pub(crate) session: Option<String>,
    /// Silence on both lines that makes every book stale, in milliseconds.
    #[serde(default = "defaults::<3000>")]
    pub(crate) heartbeat_timeout_ms: u32,
    /// A gap older than this is asked for, in microseconds.
    #[serde(default = "defaults::<500>")]
    pub(crate) request_wait_us: u32,
    /// The wait for an answer doubles up to this, in milliseconds.
    #[serde(default = "defaults::<100>")]
    pub(crate) request_wait_max_ms: u32,
    /// Requests without an answer before joining again through Glimpse.
    #[serde(default = "defaults::<10>")]
    pub(crate) requests_max: u32,
    /// Room for what arrives behind a gap or during a snapshot, in MiB, taken as 1 to 4096.
    #[serde(default = "defaults::<16>")]
    pub(crate) pending_mib: u32,
    /// Socket buffer asked for, in MiB; the system may give less and says so.
    #[serde(default = "defaults::<4>")]
    pub(crate) receive_buffer_mib: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StartValue {
    Late,
    First,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrdersValues {
    /// OUCH server.
    pub(crate) address: SocketAddrV4,
    /// User name of the session, at most 6 characters.
    #[schemars(length(max = 6))]
    pub(crate) username: String,
    /// Password of the session, at most 10 characters. Exactly one of this, `_file`, `_env`.
    pub(crate) password: Option<Secret>,
    /// File with that password, relative to the configuration file.
    pub(crate) password_file: Option<PathBuf>,
    /// Environment variable with that password.
    pub(crate) password_env: Option<String>,
    /// Firm of the orders, at most 4 characters.
    #[schemars(length(max = 4))]
    pub(crate) firm: String,
    /// Longest wait for the connection, in milliseconds.
    #[serde(default = "defaults::<1000>")]
    pub(crate) connect_timeout_ms: u32,
    /// Wait before the line is built up again, in milliseconds.
    #[serde(default = "defaults::<1000>")]
    pub(crate) reconnect_ms: u32,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StrategyValues {
    /// The strategy that quotes; its table is needed.
    pub(crate) kind: StrategyKind,
    /// A fixed distance from the centre.
    pub(crate) fixed_spread: Option<FixedSpreadValues>,
    /// Avellaneda and Stoikov, with a horizon.
    pub(crate) avellaneda_stoikov: Option<AvellanedaStoikovValues>,
    /// Guéant, Lehalle and Fernandez-Tapia.
    pub(crate) glft: Option<GlftValues>,
    /// A trained network.
    pub(crate) mlp: Option<MlpValues>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StrategyKind {
    FixedSpread,
    AvellanedaStoikov,
    Glft,
    Mlp,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixedSpreadValues {
    /// Distance of each quote from the centre, in ticks.
    #[schemars(range(min = 0.0, max = 10_000.0))]
    pub(crate) half_spread_ticks: f64,
    /// How far the centre moves at the largest position, in ticks.
    #[schemars(range(min = 0.0, max = 10_000.0))]
    pub(crate) skew_ticks: f64,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AvellanedaStoikovValues {
    /// Risk aversion, 1/$.
    #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
    pub(crate) gamma: f64,
    /// Decay of fills with distance, 1/$.
    #[schemars(range(min = 0.001, max = 1_000_000.0))]
    pub(crate) k: f64,
    /// T - t, in seconds.
    #[schemars(range(min = 0.0, max = 86_400.0))]
    pub(crate) horizon_s: f64,
    /// Least realised volatility, $ per square root of a second.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub(crate) volatility_min: f64,
    /// Largest realised volatility, $ per square root of a second.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub(crate) volatility_max: f64,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlftValues {
    /// Risk aversion, 1/$.
    #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
    pub(crate) gamma: f64,
    /// Decay of fills with distance, 1/$.
    #[schemars(range(min = 0.001, max = 1_000_000.0))]
    pub(crate) k: f64,
    /// Rate of fills at the mid, 1/s.
    #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
    pub(crate) a: f64,
    /// Least realised volatility, $ per square root of a second.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub(crate) volatility_min: f64,
    /// Largest realised volatility, $ per square root of a second.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub(crate) volatility_max: f64,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MlpValues {
    /// The weights, a file of safetensors.
    pub(crate) weights: PathBuf,
    /// The manifest of the weights, JSON.
    pub(crate) manifest: PathBuf,
    /// Least distance of a quote, in ticks.
    #[schemars(range(min = -100.0, max = 10_000.0))]
    pub(crate) offset_min_ticks: f64,
    /// Largest distance of a quote, in ticks.
    #[schemars(range(min = -100.0, max = 10_000.0))]
    pub(crate) offset_max_ticks: f64,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteValues {
    /// Shares of one quote.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) order_qty: u32,
    /// Shares long or short at most.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(crate) position_max: u32,
    /// A quote moves when its price is more than this many ticks off.
    #[schemars(range(min = 0, max = 10_000))]
    pub(crate) requote_ticks: u32,
    /// A quote moves when its size is off by more than this, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub(crate) requote_qty_percent: u32,
    /// Least time between two changes of one quote, in microseconds.
    #[schemars(range(min = 0, max = 3_600_000_000u32))]
    pub(crate) requote_interval_us: u32,
    /// Quotes that would trade at once are refused by the venue.
    pub(crate) post_only: bool,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BookValues {
    /// Highest stock locate and one more.
    #[schemars(extend("default" = Limits::default().instruments_max))]
    pub(crate) instruments_max: Option<usize>,
    /// Orders resting at one time, over all instruments.
    #[schemars(extend("default" = Limits::default().orders_max))]
    pub(crate) orders_max: Option<usize>,
    /// Price levels at one time, over all instruments.
    #[schemars(extend("default" = Limits::default().levels_max))]
    pub(crate) levels_max: Option<usize>,
    /// Own orders whose place in the queue is followed.
    #[schemars(extend("default" = Limits::default().watched_max))]
    pub(crate) watched_max: Option<usize>,
    /// Take all memory at the start (1.4 GB), so that no touch waits.
    #[schemars(extend("default" = Limits::default().prefault))]
    pub(crate) prefault: Option<bool>,
    /// Ask for huge pages; what was given is reported.
    #[schemars(extend("default" = Limits::default().huge_pages))]
    pub(crate) huge_pages: Option<bool>,
}

/// A feed card.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardValues {
    /// Slots of the card's ring, 64 bytes each, as a power of two.
    #[schemars(range(min = 4, max = 20), extend("default" = 16))]
    pub(crate) ring_log2: Option<u32>,
    /// The card passes the listed instruments only, once it knows them.
    #[schemars(extend("default" = true))]
    pub(crate) filter: Option<bool>,
    /// A card whose clock stands still for this long is gone, in milliseconds.
    #[schemars(range(min = 1, max = 10_000), extend("default" = 100))]
    pub(crate) patience_ms: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostValues {
    /// Pin the hot thread to this core; without it no core is chosen.
    pub(crate) core: Option<usize>,
    /// Keep every page in memory (mlockall).
    #[schemars(extend("default" = true))]
    pub(crate) lock_memory: Option<bool>,
    /// How the hot thread waits; `"auto"` goes by the number of cores.
    #[schemars(extend("default" = "auto"))]
    pub(crate) pace: Option<PaceValue>,
    /// Quotes stay this long while the books are stale, in microseconds.
    #[schemars(extend("default" = 2_000))]
    pub(crate) stale_grace_us: Option<u32>,
    /// Give up if feed and directory are not there by then, in seconds.
    #[schemars(extend("default" = 30))]
    pub(crate) sync_timeout_s: Option<u32>,
    /// Longest wait for cancels and logout at the stop, in seconds.
    #[schemars(extend("default" = 5))]
    pub(crate) stop_timeout_s: Option<u32>,
    /// The counters page as a file that others can map; without it there is none.
    pub(crate) counters: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PaceValue {
    Auto,
    Spin,
    BackOff,
}

/// A constant as a function, which is what serde's defaults want.
fn defaults<const N: u32>() -> u32 {
    N
}
