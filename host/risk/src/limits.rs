//! Limits of the account, the venue and each instrument: plain structs with careful defaults.
//!
//! A limit is the last value that passes. Money is in units of 1/10,000 dollar.

use core::fmt;
use tercel_types::{Money, Nanos, Price, Qty};

/// Tokens that orders take and time gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Orders at once after a quiet time; at least 1.
    pub burst: u32,
    /// Orders a second in the long run; at least 1.
    pub per_second: u32,
}

/// Tokens that every message takes, and that executions and time give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RatioLimit {
    /// Messages without any execution after a quiet time; at least 1.
    pub burst: u32,
    /// Messages earned by one execution.
    pub per_fill: u32,
    /// Messages a second earned by waiting, so that a quiet market cannot lock the session out for
    /// ever; zero for a strict ratio.
    pub per_second: u32,
}

/// Limits of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstrumentLimits {
    /// Shares of one order; 1 to 999,999 (OUCH 5.0 "Quantity").
    pub order_qty_max: Qty,
    /// Money of one order at its limit price.
    pub order_notional_max: Money,
    /// Distance of a price from the reference, in 1/100 percent of the reference.
    pub collar_bps: Option<u32>,
    /// Distance of a price from the reference. With `collar_bps` both must hold; one must be set.
    pub collar_abs: Option<Price>,
    /// Shares long or short when all open orders of one side have filled.
    pub position_max: u32,
    /// Money long when all buys have filled plus money short when all sells have filled.
    pub gross_max: Money,
    /// The larger of the two.
    pub net_max: Money,
    /// Open orders.
    pub open_orders_max: u32,
    /// Shares that may be short at worst: those located (Reg SHO rule 203(b)).
    pub located: u32,
    /// On the restricted list: nothing may be entered or replaced.
    pub restricted: bool,
    /// An order equal in side, price and quantity to one of the last eight of the instrument is
    /// refused within this time; zero for never. Longer than the time between two honest equal
    /// quotes it refuses honest ones.
    pub duplicate_window: Nanos,
    /// Order rate.
    pub rate: RateLimit,
    /// Message-to-fill ratio.
    pub ratio: RatioLimit,
}

/// Limits of the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountLimits {
    /// Sum of the instruments' gross exposures.
    pub gross_max: Money,
    /// Money long or short over all instruments when all open orders of one side have filled.
    pub net_max: Money,
    /// Cash that may be used when all open buys have filled; proceeds of short sales do not count
    /// as cash.
    pub credit_max: Money,
    /// Realised loss; beyond it the breaker trips.
    pub realised_loss_max: Money,
    /// Unrealised loss; beyond it the breaker trips.
    pub unrealised_loss_max: Money,
    /// Fall of the profit, realised and not, from its highest; beyond it the breaker trips.
    pub drawdown_max: Money,
}

/// Limits of the session at the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueLimits {
    /// Order rate over all instruments.
    pub rate: RateLimit,
    /// Message-to-fill ratio over all instruments.
    pub ratio: RatioLimit,
    /// Refusals of the venue without an acceptance between them; beyond it the breaker trips,
    /// because a host that goes on sending what is refused has something wrong with it. At least 1.
    pub rejects_in_a_row_max: u32,
}

/// What one [`crate::Risk`] is made with. Limits of instruments are bound later, when the venue's
/// directory says their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskConfig {
    /// Instruments there is room for; 1 to 65,535.
    pub instruments_max: u32,
    /// Open orders there is room for; 1 to 1,048,576.
    pub orders_max: u32,
    /// The account.
    pub account: AccountLimits,
    /// The venue.
    pub venue: VenueLimits,
}

/// A limit that cannot be meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskConfigError {
    /// The field, with dots.
    pub field: &'static str,
    /// Its value; money in units of 1/10,000 dollar.
    pub value: i64,
    /// What is allowed.
    pub allowed: &'static str,
}

/// The largest limit of money, $100 trillion, so that a sum at its limit and one more order fit in
/// 64 bits.
const MONEY_MAX: i64 = 1_000_000_000_000_000_000;
/// The largest order of OUCH 5.0.
const ORDER_QTY_MAX: u32 = 999_999;
const ORDERS_MAX: u32 = 1 << 20;

impl RateLimit {
    fn validate(&self, names: [&'static str; 2]) -> Result<(), RiskConfigError> {
        positive(names[0], self.burst.into())?;
        positive(names[1], self.per_second.into())
    }
}

impl RatioLimit {
    /// What time gives back of it.
    #[inline]
    pub(crate) const fn over_time(&self) -> RateLimit {
        RateLimit { burst: self.burst, per_second: self.per_second }
    }
}

impl InstrumentLimits {
    /// The first field that cannot be meant.
    pub fn validate(&self) -> Result<(), RiskConfigError> {
        within("instrument.order_qty_max", self.order_qty_max.0, ORDER_QTY_MAX, "1 to 999,999")?;
        money("instrument.order_notional_max", self.order_notional_max)?;
        if let Some(bps) = self.collar_bps {
            within("instrument.collar_bps", bps, 10_000, "1 to 10,000")?;
        }
        match self.collar_abs {
            Some(price) => positive("instrument.collar_abs", price.0)?,
            None if self.collar_bps.is_none() => {
                let allowed = "this or collar_bps must be set";
                return Err(RiskConfigError { field: "instrument.collar_abs", value: 0, allowed });
            }
            None => {}
        }
        positive("instrument.position_max", self.position_max.into())?;
        money("instrument.gross_max", self.gross_max)?;
        money("instrument.net_max", self.net_max)?;
        positive("instrument.open_orders_max", self.open_orders_max.into())?;
        self.rate.validate(["instrument.rate.burst", "instrument.rate.per_second"])?;
        positive("instrument.ratio.burst", self.ratio.burst.into())
    }
}

impl AccountLimits {
    /// The first field that cannot be meant.
    pub fn validate(&self) -> Result<(), RiskConfigError> {
        money("account.gross_max", self.gross_max)?;
        money("account.net_max", self.net_max)?;
        money("account.credit_max", self.credit_max)?;
        money("account.realised_loss_max", self.realised_loss_max)?;
        money("account.unrealised_loss_max", self.unrealised_loss_max)?;
        money("account.drawdown_max", self.drawdown_max)
    }
}

impl VenueLimits {
    /// The first field that cannot be meant.
    pub fn validate(&self) -> Result<(), RiskConfigError> {
        self.rate.validate(["venue.rate.burst", "venue.rate.per_second"])?;
        positive("venue.ratio.burst", self.ratio.burst.into())?;
        positive("venue.rejects_in_a_row_max", self.rejects_in_a_row_max.into())
    }
}

impl RiskConfig {
    /// The first field that cannot be meant.
    pub fn validate(&self) -> Result<(), RiskConfigError> {
        within("instruments_max", self.instruments_max, 65_535, "1 to 65,535")?;
        within("orders_max", self.orders_max, ORDERS_MAX, "1 to 1,048,576")?;
        self.account.validate()?;
        self.venue.validate()
    }
}

fn positive(field: &'static str, value: i64) -> Result<(), RiskConfigError> {
    if value > 0 { Ok(()) } else { Err(RiskConfigError { field, value, allowed: "above zero" }) }
}

fn money(field: &'static str, value: Money) -> Result<(), RiskConfigError> {
    if value.0 > 0 && value.0 <= MONEY_MAX {
        Ok(())
    } else {
        let allowed = "above zero, at most 100,000,000,000,000 dollars";
        Err(RiskConfigError { field, value: value.0, allowed })
    }
}

fn within(
    field: &'static str,
    value: u32,
    max: u32,
    allowed: &'static str,
) -> Result<(), RiskConfigError> {
    if (1..=max).contains(&value) {
        Ok(())
    } else {
        Err(RiskConfigError { field, value: value.into(), allowed })
    }
}

const fn dollars(whole: i64) -> Money {
    Money(whole * Price::PER_DOLLAR)
}

impl Default for InstrumentLimits {
    /// For a cautious start: 1,000 shares or $250,000 an order, 3 % from the reference, 5,000
    /// shares of position, no short sale, 100 orders a second.
    fn default() -> InstrumentLimits {
        InstrumentLimits {
            order_qty_max: Qty(1_000),
            order_notional_max: dollars(250_000),
            collar_bps: Some(300),
            collar_abs: None,
            position_max: 5_000,
            gross_max: dollars(2_000_000),
            net_max: dollars(1_000_000),
            open_orders_max: 16,
            located: 0,
            restricted: false,
            duplicate_window: Nanos::from_millis(1),
            rate: RateLimit { burst: 100, per_second: 100 },
            ratio: RatioLimit { burst: 10_000, per_fill: 100, per_second: 10 },
        }
    }
}

impl Default for AccountLimits {
    /// $10 million gross, $5 million net and credit; the breaker trips beyond $50,000 of realised
    /// or of unrealised loss, or $75,000 below the peak.
    fn default() -> AccountLimits {
        AccountLimits {
            gross_max: dollars(10_000_000),
            net_max: dollars(5_000_000),
            credit_max: dollars(5_000_000),
            realised_loss_max: dollars(50_000),
            unrealised_loss_max: dollars(50_000),
            drawdown_max: dollars(75_000),
        }
    }
}

impl Default for VenueLimits {
    /// 1,000 orders a second; 100,000 messages at once and 100 for an execution; 20 refusals in a
    /// row.
    fn default() -> VenueLimits {
        VenueLimits {
            rate: RateLimit { burst: 1_000, per_second: 1_000 },
            ratio: RatioLimit { burst: 100_000, per_fill: 100, per_second: 100 },
            rejects_in_a_row_max: 20,
        }
    }
}

impl Default for RiskConfig {
    /// Room for 1,024 instruments and 4,096 open orders, about 1 MiB.
    fn default() -> RiskConfig {
        RiskConfig {
            instruments_max: 1_024,
            orders_max: 4_096,
            account: AccountLimits::default(),
            venue: VenueLimits::default(),
        }
    }
}

impl fmt::Display for RiskConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} is not allowed: {}", self.field, self.value, self.allowed)
    }
}

impl core::error::Error for RiskConfigError {}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::ToString;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(RiskConfig::default().validate(), Ok(()));
        assert_eq!(InstrumentLimits::default().validate(), Ok(()));
    }

    #[test]
    fn an_error_names_field_value_and_what_is_allowed() {
        let limits = InstrumentLimits { order_qty_max: Qty(1_000_000), ..Default::default() };
        assert_eq!(
            limits.validate().unwrap_err().to_string(),
            "instrument.order_qty_max = 1000000 is not allowed: 1 to 999,999"
        );
        let account = AccountLimits { drawdown_max: Money(-1), ..Default::default() };
        let config = RiskConfig { account, ..Default::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "account.drawdown_max = -1 is not allowed: \
             above zero, at most 100,000,000,000,000 dollars"
        );
    }

    #[test]
    fn one_collar_is_enough_and_none_is_refused() {
        let none = InstrumentLimits { collar_bps: None, ..Default::default() };
        assert_eq!(none.validate().unwrap_err().field, "instrument.collar_abs");
        let absolute = InstrumentLimits { collar_abs: Some(Price(1)), ..none };
        assert_eq!(absolute.validate(), Ok(()));
        let both = InstrumentLimits { collar_bps: Some(10_001), ..absolute };
        assert_eq!(both.validate().unwrap_err().field, "instrument.collar_bps");
    }
}
