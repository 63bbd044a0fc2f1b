//! A profit taken apart: spread + inventory + adverse selection + fees + impact, in integers, so
//! that the parts are the profit exactly.
//!
//! A fill of side s (+1 for a buy, −1 for a sale), quantity q and price p, at a mid price m, in a
//! market whose mid is m' one horizon later (or at the end, if that is sooner) and M at the end,
//! adds s q (M − p) to the profit, and
//!
//! ```text
//! s q (M − p) = s q (m − t)      spread: what the mid is away from the touch t that was met
//!             + s q (t − p)      impact: what was paid beyond the touch
//!             + s q (m' − m)     adverse selection: where the market went right after
//!             + s q (M − m')     inventory: where it went while the position was held
//! ```
//!
//! For an order that rested, t is p: it earns the half spread and has no impact. For one that took,
//! t is the best price it found when it arrived, so the spread is what it paid for being at once
//! and the impact what its size cost beyond that. The first and third part are the decomposition of
//! Huang and Stoll 1996 (effective half spread = realised half spread + adverse selection). On
//! recorded data our orders move nothing; against a venue the moves that they cause are in adverse
//! selection and inventory.
//!
//! The sum is the profit that the samples know from cash, position and the last mid, which is
//! computed without any of this; [`Attribution::is_exact`] compares the two.

use crate::ledger::{Contract, Fill, Ledger, Sample};
use tercel_types::Nanos;

/// Time after a fill in which a move counts as adverse selection, where nothing else is asked for.
pub const HORIZON: Nanos = Nanos::from_millis(1_000);

/// Units of a fee in a dollar.
const FEES_PER_DOLLAR: i128 = 1_000_000;

/// The parts of a profit, in whole units of 1/`per_dollar` dollar; losses are negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attribution {
    /// Units in a dollar: a common multiple of those of all prices × quantities and of the fees.
    pub per_dollar: i128,
    /// Earned or paid between the mid and the touch.
    pub spread: i128,
    /// Earned or lost by what was held.
    pub inventory: i128,
    /// Earned or lost right after the fills.
    pub adverse: i128,
    /// Fees and rebates; fees are negative.
    pub fees: i128,
    /// Paid beyond the touch.
    pub impact: i128,
    /// The net profit by the account: cash + position × mid − fees.
    pub net: i128,
}

/// The parts in whole cents, which add up to `net`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Cents {
    /// As [`Attribution::spread`].
    pub spread: i64,
    /// As [`Attribution::inventory`].
    pub inventory: i64,
    /// As [`Attribution::adverse`].
    pub adverse_selection: i64,
    /// As [`Attribution::fees`].
    pub fees: i64,
    /// As [`Attribution::impact`].
    pub impact: i64,
    /// The net profit, rounded to the nearest cent.
    pub net: i64,
}

/// What cannot be taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AttributionError {
    /// The instruments' lots have no common multiple of a sensible size.
    #[error("the instruments' lots have no common multiple below 10^24")]
    Lots,
    /// Fills and account tell of different profits: a defect of whoever wrote the ledger.
    #[error("the parts are {parts} and the profit is {net}, in 1/{per_dollar} dollar")]
    Mismatch {
        /// What the fills add up to.
        parts: i128,
        /// What the account says.
        net: i128,
        /// Units in a dollar.
        per_dollar: i128,
    },
}

/// Takes the profit of these runs apart, with this horizon of adverse selection.
///
/// # Errors
/// [`AttributionError`]; a mismatch is a defect, never rounding.
pub fn attribute(ledgers: &[&Ledger], horizon: Nanos) -> Result<Attribution, AttributionError> {
    let mut sum = Attribution::nothing(common_unit(ledgers)?);
    for ledger in ledgers {
        for (place, contract) in ledger.contracts.iter().enumerate() {
            // Twice a price × quantity in the common unit.
            let scale = sum.per_dollar / (2 * i128::from(contract.per_dollar()));
            let last = ledger.last(contract.instrument);
            let fills = ledger.fills.iter().filter(|fill| fill.instrument == contract.instrument);
            for fill in fills {
                sum.add(fill, &moves(ledger, place, fill, last, horizon), scale);
            }
            if let Some(last) = last {
                let fees = i128::from(last.fees) * (sum.per_dollar / FEES_PER_DOLLAR);
                sum.net += last.profit_x2() * scale - fees;
            }
        }
    }
    match sum.is_exact() {
        true => Ok(sum),
        false => Err(AttributionError::Mismatch {
            parts: sum.parts().iter().sum(),
            net: sum.net,
            per_dollar: sum.per_dollar,
        }),
    }
}

/// Twice the mid prices that matter to a fill.
struct Moves {
    at_fill: i64,
    after: i64,
    at_end: i64,
}

fn moves(
    ledger: &Ledger,
    place: usize,
    fill: &Fill,
    last: Option<&Sample>,
    horizon: Nanos,
) -> Moves {
    let at_fill = fill.mid_or_price_x2();
    let at_end = last.map_or(at_fill, |last| last.mid_x2);
    let later = fill.time + horizon;
    let ends = last.is_none_or(|last| later >= last.time);
    let after = if ends { None } else { ledger.mid_x2_at(place, later) };
    Moves { at_fill, after: after.unwrap_or(at_end), at_end }
}

/// The least number of units in a dollar that makes everything whole.
fn common_unit(ledgers: &[&Ledger]) -> Result<i128, AttributionError> {
    let contracts = ledgers.iter().flat_map(|ledger| &ledger.contracts);
    contracts.map(|contract: &Contract| 2 * i128::from(contract.per_dollar())).try_fold(
        FEES_PER_DOLLAR,
        |unit, per_dollar| {
            let unit = unit / common_divisor(unit, per_dollar) * per_dollar;
            // Leaves 14 digits of dollars.
            if unit < 10_i128.pow(24) { Ok(unit) } else { Err(AttributionError::Lots) }
        },
    )
}

fn common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a.max(1) } else { common_divisor(b, a % b) }
}

impl Attribution {
    fn nothing(per_dollar: i128) -> Attribution {
        Attribution { per_dollar, spread: 0, inventory: 0, adverse: 0, fees: 0, impact: 0, net: 0 }
    }

    fn add(&mut self, fill: &Fill, moves: &Moves, scale: i128) {
        let signed = i128::from(fill.side.sign()) * i128::from(fill.qty.0) * scale;
        let part = |from: i64, to: i64| signed * (i128::from(to) - i128::from(from));
        let (touch, price) = (2 * fill.touch.0, 2 * fill.price.0);
        self.spread += part(touch, moves.at_fill);
        self.impact += part(price, touch);
        self.adverse += part(moves.at_fill, moves.after);
        self.inventory += part(moves.after, moves.at_end);
        self.fees -= i128::from(fill.fee) * (self.per_dollar / FEES_PER_DOLLAR);
    }

    /// Spread, inventory, adverse selection, fees and impact.
    pub fn parts(&self) -> [i128; 5] {
        [self.spread, self.inventory, self.adverse, self.fees, self.impact]
    }

    /// The parts are the profit.
    pub fn is_exact(&self) -> bool {
        self.parts().iter().sum::<i128>() == self.net
    }

    /// In cents. Each part is rounded down and the cents that are missing from the rounded profit
    /// go to the parts that lost most by it, so that what is printed adds up (largest remainders,
    /// Hamilton's method).
    pub fn cents(&self) -> Cents {
        let parts = self.parts();
        let mut whole = parts.map(|part| (100 * part).div_euclid(self.per_dollar));
        let net = (200 * self.net + self.per_dollar).div_euclid(2 * self.per_dollar);
        let mut order = [0, 1, 2, 3, 4];
        order.sort_by_key(|at| {
            let rest: i128 = (100 * parts[*at]).rem_euclid(self.per_dollar);
            (std::cmp::Reverse(rest), *at)
        });
        // Each rounding down leaves less than a cent: zero to five are missing.
        let missing = (net - whole.iter().sum::<i128>()).clamp(0, 5) as usize;
        for at in &order[..missing] {
            whole[*at] += 1;
        }
        let cents = |part: i128| i64::try_from(part).unwrap_or(i64::MAX);
        let [spread, inventory, adverse, fees, impact] = whole.map(cents);
        Cents { spread, inventory, adverse_selection: adverse, fees, impact, net: cents(net) }
    }

    /// The net profit, dollars.
    pub fn net_dollars(&self) -> f64 {
        self.net as f64 / self.per_dollar as f64
    }
}

impl Cents {
    /// The parts with their names, in the order in which they are told.
    pub fn named(&self) -> [(&'static str, i64); 5] {
        [
            ("spread", self.spread),
            ("inventory", self.inventory),
            ("adverse selection", self.adverse_selection),
            ("fees", self.fees),
            ("impact", self.impact),
        ]
    }
}

#[cfg(test)]
mod tests;
