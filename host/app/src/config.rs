//! The configuration file: its schema, and how it is read.
//!
//! Values are checked twice: while reading, for their type, and by the crate that takes them, for
//! their range. Either way the error names the file, the line, the key, the value and what is
//! allowed.

#[cfg(feature = "lab")]
mod backtest;
mod build;
mod error;
mod path;
mod promotion;
#[cfg(feature = "lab")]
mod template;

#[cfg(feature = "lab")]
pub(crate) use backtest::{BacktestValues, MarketRules};
pub(crate) use error::ConfigError;
pub(crate) use path::PathName;
use path::PathValues;
pub(crate) use promotion::Source as ChallengerSource;
use promotion::{ChallengerValues, PromotionValues};
#[cfg(feature = "lab")]
pub(crate) use template::HostTemplate;

/// The configuration that `run --print-config` prints.
pub(crate) const DEFAULT: &str = include_str!("../default.toml");

use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

/// A part of the configuration as the crate that takes it wants it.
type Built<T> = Result<T, ConfigError>;

/// A configuration with the text it came from, so that later checks can point at a line.
pub(crate) struct Config {
    file: PathBuf,
    text: String,
    pub(crate) values: Values,
}

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    pub(crate) feed: FeedValues,
    pub(crate) orders: OrdersValues,
    pub(crate) strategy: StrategyValues,
    pub(crate) quote: QuoteValues,
    pub(crate) risk: RiskValues,
    pub(crate) instrument: Vec<InstrumentValues>,
    #[serde(default)]
    pub(crate) book: BookValues,
    #[serde(default)]
    pub(crate) host: HostValues,
    #[serde(default)]
    pub(crate) card: CardValues,
    #[serde(default)]
    pub(crate) path: PathValues,
    #[serde(default)]
    pub(crate) promotion: PromotionValues,
    #[serde(default)]
    pub(crate) challenger: Vec<ChallengerValues>,
    #[cfg(feature = "lab")]
    #[serde(default)]
    pub(crate) backtest: BacktestValues,
    /// For the laboratory.
    #[cfg(not(feature = "lab"))]
    #[serde(default, rename = "backtest")]
    _backtest: serde::de::IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedValues {
    pub(crate) line_a: SocketAddrV4,
    pub(crate) line_b: SocketAddrV4,
    pub(crate) interface: Ipv4Addr,
    pub(crate) recovery: Option<SocketAddrV4>,
    pub(crate) glimpse: Option<SocketAddrV4>,
    #[serde(default)]
    pub(crate) glimpse_username: String,
    #[serde(default)]
    pub(crate) glimpse_password: String,
    pub(crate) start: StartValue,
    pub(crate) session: Option<String>,
    #[serde(default = "defaults::<3000>")]
    pub(crate) heartbeat_timeout_ms: u32,
    #[serde(default = "defaults::<500>")]
    pub(crate) request_wait_us: u32,
    #[serde(default = "defaults::<100>")]
    pub(crate) request_wait_max_ms: u32,
    #[serde(default = "defaults::<10>")]
    pub(crate) requests_max: u32,
    #[serde(default = "defaults::<16>")]
    pub(crate) pending_mib: u32,
    #[serde(default = "defaults::<4>")]
    pub(crate) receive_buffer_mib: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StartValue {
    Late,
    First,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrdersValues {
    pub(crate) address: SocketAddrV4,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) firm: String,
    #[serde(default = "defaults::<1000>")]
    pub(crate) connect_timeout_ms: u32,
    #[serde(default = "defaults::<1000>")]
    pub(crate) reconnect_ms: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StrategyValues {
    pub(crate) kind: StrategyKind,
    pub(crate) fixed_spread: Option<FixedSpreadValues>,
    pub(crate) avellaneda_stoikov: Option<AvellanedaStoikovValues>,
    pub(crate) glft: Option<GlftValues>,
    pub(crate) mlp: Option<MlpValues>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StrategyKind {
    FixedSpread,
    AvellanedaStoikov,
    Glft,
    Mlp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixedSpreadValues {
    pub(crate) half_spread_ticks: f64,
    pub(crate) skew_ticks: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AvellanedaStoikovValues {
    pub(crate) gamma: f64,
    pub(crate) k: f64,
    pub(crate) horizon_s: f64,
    pub(crate) volatility_min: f64,
    pub(crate) volatility_max: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlftValues {
    pub(crate) gamma: f64,
    pub(crate) k: f64,
    pub(crate) a: f64,
    pub(crate) volatility_min: f64,
    pub(crate) volatility_max: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MlpValues {
    pub(crate) weights: PathBuf,
    pub(crate) manifest: PathBuf,
    pub(crate) offset_min_ticks: f64,
    pub(crate) offset_max_ticks: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteValues {
    pub(crate) order_qty: u32,
    pub(crate) position_max: u32,
    pub(crate) requote_ticks: u32,
    pub(crate) requote_qty_percent: u32,
    pub(crate) requote_interval_us: u32,
    pub(crate) post_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskValues {
    pub(crate) orders_max: u32,
    pub(crate) venue: VenueRiskValues,
    pub(crate) account: AccountRiskValues,
    #[serde(default)]
    pub(crate) instrument: InstrumentRiskValues,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VenueRiskValues {
    pub(crate) rate_burst: u32,
    pub(crate) rate_per_second: u32,
    pub(crate) ratio_burst: u32,
    pub(crate) ratio_per_fill: u32,
    pub(crate) ratio_per_second: u32,
    pub(crate) rejects_in_a_row_max: u32,
}

/// Money in whole dollars.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRiskValues {
    pub(crate) gross_max: u32,
    pub(crate) net_max: u32,
    pub(crate) credit_max: u32,
    pub(crate) realised_loss_max: u32,
    pub(crate) unrealised_loss_max: u32,
    pub(crate) drawdown_max: u32,
}

/// Limits of one instrument, each of which may be left to the level above.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentRiskValues {
    pub(crate) order_qty_max: Option<u32>,
    pub(crate) order_notional_max: Option<u32>,
    pub(crate) collar_bps: Option<u32>,
    pub(crate) collar_cents: Option<u32>,
    pub(crate) position_max: Option<u32>,
    pub(crate) gross_max: Option<u32>,
    pub(crate) net_max: Option<u32>,
    pub(crate) open_orders_max: Option<u32>,
    pub(crate) located: Option<u32>,
    pub(crate) restricted: Option<bool>,
    pub(crate) duplicate_window_us: Option<u32>,
    pub(crate) rate_burst: Option<u32>,
    pub(crate) rate_per_second: Option<u32>,
    pub(crate) ratio_burst: Option<u32>,
    pub(crate) ratio_per_fill: Option<u32>,
    pub(crate) ratio_per_second: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentValues {
    pub(crate) symbol: String,
    pub(crate) order_qty: Option<u32>,
    pub(crate) position_max: Option<u32>,
    #[serde(default)]
    pub(crate) risk: InstrumentRiskValues,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BookValues {
    pub(crate) instruments_max: Option<usize>,
    pub(crate) orders_max: Option<usize>,
    pub(crate) levels_max: Option<usize>,
    pub(crate) watched_max: Option<usize>,
    pub(crate) prefault: Option<bool>,
    pub(crate) huge_pages: Option<bool>,
}

/// A feed card.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardValues {
    pub(crate) ring_log2: Option<u32>,
    pub(crate) filter: Option<bool>,
    pub(crate) patience_ms: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostValues {
    pub(crate) core: Option<usize>,
    pub(crate) lock_memory: Option<bool>,
    pub(crate) pace: Option<PaceValue>,
    pub(crate) stale_grace_us: Option<u32>,
    pub(crate) sync_timeout_s: Option<u32>,
    pub(crate) stop_timeout_s: Option<u32>,
    pub(crate) counters: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
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

impl Config {
    /// Reads a file.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Config> {
        use anyhow::Context as _;
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the configuration {}", file.display()))?;
        Ok(Config::parse(file, text)?)
    }

    /// Reads a text as if it were the content of `file`.
    pub(crate) fn parse(file: &Path, text: String) -> Result<Config, ConfigError> {
        let values: Values =
            toml::from_str(&text).map_err(|error| ConfigError::parse(file, &text, &error))?;
        Ok(Config { file: file.into(), text, values })
    }

    /// An error in the value of `key`.
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::check(&self.file, &self.text, key, problem.into())
    }
}
