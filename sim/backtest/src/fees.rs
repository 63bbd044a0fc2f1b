//! Fees and rebates: an amount a share, a part of the money traded, or both, by tiers of volume.

use crate::ledger::Contract;
use tercel_types::{Price, Qty};

/// What one execution costs; negative is a rebate.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rate {
    /// For one share, coin or future, in 1/1,000,000 of the quote currency: 3,000 is $0.003.
    pub each: i64,
    /// Of the money traded, in parts per million: 100 is one basis point.
    pub ppm: i64,
}

/// The rates from some volume on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tier {
    /// Lots that this account has traded in the run, from which on the tier holds.
    pub from_lots: u64,
    /// For resting orders.
    pub maker: Rate,
    /// For orders that take.
    pub taker: Rate,
}

/// A schedule: tiers by rising volume, the first from zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fees {
    tiers: Vec<Tier>,
}

/// Tiers that cannot be meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("fee tiers have to rise in volume, the first from zero lots")]
pub struct FeesError;

impl Fees {
    /// No fees at all.
    pub fn none() -> Fees {
        Fees::flat(Rate::default(), Rate::default())
    }

    /// One tier.
    pub fn flat(maker: Rate, taker: Rate) -> Fees {
        Fees { tiers: vec![Tier { from_lots: 0, maker, taker }] }
    }

    /// Several.
    ///
    /// # Errors
    /// When they do not rise or do not begin at zero.
    pub fn tiers(tiers: Vec<Tier>) -> Result<Fees, FeesError> {
        let rise = tiers.is_sorted_by(|a, b| a.from_lots < b.from_lots);
        if !rise || tiers.first().is_none_or(|first| first.from_lots != 0) {
            return Err(FeesError);
        }
        Ok(Fees { tiers })
    }

    /// Fees and rebates so many times as high.
    #[must_use]
    pub fn times(&self, factor: f64) -> Fees {
        let part = |amount: i64| (amount as f64 * factor).round() as i64;
        let rate = |rate: Rate| Rate { each: part(rate.each), ppm: part(rate.ppm) };
        let tier = |tier: &Tier| Tier { maker: rate(tier.maker), taker: rate(tier.taker), ..*tier };
        Fees { tiers: self.tiers.iter().map(tier).collect() }
    }

    /// What an execution costs after `traded` lots, in 1/1,000,000 of the quote currency, rounded
    /// to the nearest, halves away from zero.
    pub fn of(&self, contract: &Contract, maker: bool, price: Price, qty: Qty, traded: u64) -> i64 {
        let at = self.tiers.partition_point(|tier| tier.from_lots <= traded);
        let Some(tier) = self.tiers.get(at.saturating_sub(1)) else { return 0 };
        let rate = if maker { tier.maker } else { tier.taker };
        let qty = i128::from(qty.0);
        let each = nearest(i128::from(rate.each) * qty, i128::from(contract.lots));
        // Dollars × parts per million are millionths of a dollar.
        let part = i128::from(price.0) * qty * i128::from(rate.ppm);
        let part = nearest(part, i128::from(contract.per_dollar().max(1)));
        i64::try_from(each + part).unwrap_or(i64::MAX)
    }
}

fn nearest(amount: i128, by: i128) -> i128 {
    let by = by.max(1);
    (amount.abs() + by / 2) / by * amount.signum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_types::{InstrumentId, Symbol};

    #[test]
    fn amounts_are_those_of_the_schedule() {
        let stock = Contract::stock(InstrumentId(1), Symbol::default());
        let maker = Rate { each: -2_000, ppm: 0 };
        let taker = Rate { each: 3_000, ppm: 25 };
        let fees = Fees::flat(maker, taker);
        // A rebate of 0.2 cents a share, and 0.3 cents and a quarter of a basis point of $5,000.
        assert_eq!(fees.of(&stock, true, Price(500_000), Qty(100), 0), -200_000);
        assert_eq!(fees.of(&stock, false, Price(500_000), Qty(100), 0), 300_000 + 125_000);
        let coin = Contract { price_units: 1_000, lots: 1_000, ..stock };
        // Two basis points of 0.5 BTC at 60,000: 6 dollars.
        let taker = Rate { each: 0, ppm: 200 };
        let fee = Fees::flat(maker, taker).of(&coin, false, Price(60_000_000), Qty(500), 0);
        assert_eq!(fee, 6_000_000);
    }

    #[test]
    fn volume_earns_a_tier() {
        let stock = Contract::stock(InstrumentId(1), Symbol::default());
        let tier = |from_lots, each| {
            let rate = Rate { each, ppm: 0 };
            Tier { from_lots, maker: rate, taker: rate }
        };
        let fees = Fees::tiers(vec![tier(0, 10), tier(100, 5)]).unwrap();
        let each = |traded| fees.of(&stock, true, Price(1), Qty(1), traded);
        assert_eq!([each(0), each(99), each(100), each(u64::MAX)], [10, 10, 5, 5]);
        let twice = Fees::tiers(vec![tier(0, 20), tier(100, 10)]);
        assert_eq!(Ok(fees.times(2.0)), twice);
        assert_eq!(Fees::tiers(vec![tier(1, 1)]), Err(FeesError));
        assert_eq!(Fees::tiers(vec![tier(0, 1), tier(0, 1)]), Err(FeesError));
        assert_eq!(Fees::tiers(Vec::new()), Err(FeesError));
    }
}
