//! The limits: `[risk]` and `[[instrument]]`.

use schemars::JsonSchema;
use serde::Deserialize;
use tercel_risk::InstrumentLimits;
use tercel_types::{Money, Price};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RiskValues {
    /// Open orders there is room for.
    pub(crate) orders_max: u32,
    /// Limits of the session with the venue.
    pub(crate) venue: VenueRiskValues,
    /// Limits of the account.
    pub(crate) account: AccountRiskValues,
    /// Limits of every instrument that does not say otherwise.
    #[serde(default)]
    pub(crate) instrument: InstrumentRiskValues,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VenueRiskValues {
    /// Orders at once.
    pub(crate) rate_burst: u32,
    /// Orders a second in the long run.
    pub(crate) rate_per_second: u32,
    /// Messages before the first fill.
    pub(crate) ratio_burst: u32,
    /// Messages that a fill earns.
    pub(crate) ratio_per_fill: u32,
    /// Messages that a second earns.
    pub(crate) ratio_per_second: u32,
    /// Refusals of the venue in a row beyond which everything is cancelled.
    pub(crate) rejects_in_a_row_max: u32,
}

/// Money in whole dollars.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountRiskValues {
    /// Gross exposure at most, in dollars.
    pub(crate) gross_max: u32,
    /// Net exposure at most, in dollars.
    pub(crate) net_max: u32,
    /// Credit at most, in dollars.
    pub(crate) credit_max: u32,
    /// Realised loss, in dollars, beyond which everything is cancelled for good.
    pub(crate) realised_loss_max: u32,
    /// Unrealised loss, in dollars, beyond which everything is cancelled for good.
    pub(crate) unrealised_loss_max: u32,
    /// Loss from the peak, in dollars, beyond which everything is cancelled for good.
    pub(crate) drawdown_max: u32,
}

/// Limits of one instrument, each of which may be left to the level above.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentRiskValues {
    /// Shares of one order at most.
    #[schemars(range(min = 1, max = 999_999))]
    #[schemars(extend("default" = InstrumentLimits::default().order_qty_max.0))]
    pub(crate) order_qty_max: Option<u32>,
    /// Money of one order at most, in dollars.
    #[schemars(extend("default" = whole(InstrumentLimits::default().order_notional_max)))]
    pub(crate) order_notional_max: Option<u32>,
    /// Distance of a price from the reference at most, 1/100 %.
    #[schemars(range(min = 1, max = 10_000))]
    #[schemars(extend("default" = InstrumentLimits::default().collar_bps))]
    pub(crate) collar_bps: Option<u32>,
    /// Distance of a price from the reference at most, in cents; without `collar_bps` the only
    /// collar.
    pub(crate) collar_cents: Option<u32>,
    /// Shares long or short at most.
    #[schemars(extend("default" = InstrumentLimits::default().position_max))]
    pub(crate) position_max: Option<u32>,
    /// Gross exposure at most, in dollars.
    #[schemars(extend("default" = whole(InstrumentLimits::default().gross_max)))]
    pub(crate) gross_max: Option<u32>,
    /// Net exposure at most, in dollars.
    #[schemars(extend("default" = whole(InstrumentLimits::default().net_max)))]
    pub(crate) net_max: Option<u32>,
    /// Open orders at most.
    #[schemars(extend("default" = InstrumentLimits::default().open_orders_max))]
    pub(crate) open_orders_max: Option<u32>,
    /// Shares that may be sold short.
    #[schemars(extend("default" = InstrumentLimits::default().located))]
    pub(crate) located: Option<u32>,
    /// No order may be sent.
    #[schemars(extend("default" = InstrumentLimits::default().restricted))]
    pub(crate) restricted: Option<bool>,
    /// The same order within this time is refused, in microseconds.
    #[schemars(extend("default" = InstrumentLimits::default().duplicate_window.0 / 1_000))]
    pub(crate) duplicate_window_us: Option<u32>,
    /// Orders at once.
    #[schemars(extend("default" = InstrumentLimits::default().rate.burst))]
    pub(crate) rate_burst: Option<u32>,
    /// Orders a second in the long run.
    #[schemars(extend("default" = InstrumentLimits::default().rate.per_second))]
    pub(crate) rate_per_second: Option<u32>,
    /// Messages before the first fill.
    #[schemars(extend("default" = InstrumentLimits::default().ratio.burst))]
    pub(crate) ratio_burst: Option<u32>,
    /// Messages that a fill earns.
    #[schemars(extend("default" = InstrumentLimits::default().ratio.per_fill))]
    pub(crate) ratio_per_fill: Option<u32>,
    /// Messages that a second earns.
    #[schemars(extend("default" = InstrumentLimits::default().ratio.per_second))]
    pub(crate) ratio_per_second: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentValues {
    /// The symbol: 1 to 8 printable ASCII characters without spaces.
    #[schemars(length(min = 1, max = 8))]
    pub(crate) symbol: String,
    /// Shares of one quote; else as `quote.order_qty`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) order_qty: Option<u32>,
    /// Shares long or short at most; else as `quote.position_max`.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub(crate) position_max: Option<u32>,
    /// Limits of this instrument; what is not here is as in `[risk.instrument]`.
    #[serde(default)]
    pub(crate) risk: InstrumentRiskValues,
}

/// Whole dollars of an amount.
fn whole(money: Money) -> i64 {
    money.0 / Price::PER_DOLLAR
}
