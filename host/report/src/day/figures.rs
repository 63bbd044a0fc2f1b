//! What executions cost.

use super::fills::Fill;
use serde::Serialize;

/// Times after an execution at which the mid is looked at, ns.
pub const HORIZONS: [u64; 3] = [100_000_000, 1_000_000_000, 10_000_000_000];
/// Their names.
pub const HORIZON_NAMES: [&str; 3] = ["100 ms", "1 s", "10 s"];

/// What the figures are, for the reader of a report.
pub const EQUATIONS: [(&str, &str); 8] = [
    (
        "mid(t)",
        "(best bid + best ask) / 2 of the last `holding` record, or of the last `intended` record \
         not marked stale, that the journal has of the instrument at or before t, since the last \
         start. \
         `holding` is written at most every 100 ms, when something has changed, so mid(t) can be \
         100 ms old. Our own orders are part of the best bid and ask. Of several records with one \
         stamp, the last is taken. Empty sides: no mid",
    ),
    ("s, p, q", "+1 for a buy and -1 for a sell; price of the execution; its shares"),
    (
        "arrival slippage",
        "sum q s (p - arrival mid), where the arrival mid is the mid that risk saw at the intent \
         of the first order of the chain of replacements (`intended`: bid, ask). Above zero is a \
         cost",
    ),
    (
        "touch slippage",
        "sum q s (p - touch), where the touch is the best ask for a buy and the best bid for a \
         sell at the intent of the executed order itself. Below zero is better than taking at once",
    ),
    ("effective spread", "sum q 2 s (p - mid(t)) at the time t of the execution's stamp"),
    ("realised spread", "sum q 2 s (p - mid(t + 10 s)) (SEC Rule 605, with 10 s for its times)"),
    (
        "markout h",
        "sum q s (mid(t + h) - p) for h = 100 ms, 1 s, 10 s. Above zero is a gain. An execution \
         counts only if the journal goes beyond t + h without a start between",
    ),
    (
        "what is left out",
        "executions that the venue took back; of each figure, executions whose mid is not known \
         (`qty` says of how many shares the figure is). Fees and rebates are not in the journal",
    ),
];

/// A sum over executions, of money in half units: 1/20,000 dollar.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Cost {
    /// Executions for which it is known.
    pub executions: u64,
    /// Their shares.
    pub qty: i64,
    /// The sum.
    pub sum_x2_e4: i64,
    /// Shares times price, likewise doubled: what the sum is a part of.
    pub notional_x2_e4: i64,
}

impl Cost {
    fn add(&mut self, fill: &Fill, per_share_x2: Option<i64>) {
        let Some(per_share_x2) = per_share_x2 else { return };
        let qty = i64::from(fill.qty);
        let notional = fill.price_e4.saturating_mul(2).saturating_mul(qty);
        self.executions += 1;
        self.qty = self.qty.saturating_add(qty);
        self.sum_x2_e4 = self.sum_x2_e4.saturating_add(per_share_x2.saturating_mul(qty));
        self.notional_x2_e4 = self.notional_x2_e4.saturating_add(notional);
    }

    /// Dollars.
    pub fn dollars(&self) -> f64 {
        self.sum_x2_e4 as f64 / 20_000.0
    }

    /// Cents a share; `None` without shares.
    pub fn cents_a_share(&self) -> Option<f64> {
        (self.qty > 0).then(|| self.sum_x2_e4 as f64 / 200.0 / self.qty as f64)
    }

    /// In 1/100 % of the money that was traded; `None` without any.
    pub fn bps(&self) -> Option<f64> {
        let notional = self.notional_x2_e4;
        (notional != 0).then(|| self.sum_x2_e4 as f64 * 10_000.0 / notional as f64)
    }
}

/// Executions, and what they cost ([`EQUATIONS`]).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Figures {
    /// Executions that were not taken back.
    pub executions: u64,
    /// Those that were.
    pub broken: u64,
    /// Shares bought.
    pub bought_qty: i64,
    /// Shares sold.
    pub sold_qty: i64,
    /// Money paid.
    pub bought_e4: i64,
    /// Money received.
    pub sold_e4: i64,
    /// Shares that rested and were hit: liquidity flag `A` (OUCH 5.0).
    pub added_qty: i64,
    /// Shares that took: flag `R`. Shares of other flags, as of crosses, are in neither.
    pub removed_qty: i64,
    /// Slippage against the arrival mid.
    pub arrival: Cost,
    /// Slippage against the touch at the decision.
    pub touch: Cost,
    /// Effective spread.
    pub effective: Cost,
    /// Realised spread, at the last horizon.
    pub realised: Cost,
    /// Markouts, by [`HORIZONS`].
    pub markouts: [Cost; 3],
}

impl Figures {
    pub(super) fn count(&mut self, fill: &Fill) {
        if fill.broken {
            self.broken += 1;
            return;
        }
        let qty = i64::from(fill.qty);
        let money = fill.price_e4.saturating_mul(qty);
        let is_buy = fill.side == "buy";
        self.executions += 1;
        let (shares, sum) = match is_buy {
            true => (&mut self.bought_qty, &mut self.bought_e4),
            false => (&mut self.sold_qty, &mut self.sold_e4),
        };
        *shares = shares.saturating_add(qty);
        *sum = sum.saturating_add(money);
        match fill.liquidity.as_str() {
            "A" => self.added_qty = self.added_qty.saturating_add(qty),
            "R" => self.removed_qty = self.removed_qty.saturating_add(qty),
            _ => {}
        }
        let sign = if is_buy { 1 } else { -1 };
        let price_x2 = fill.price_e4.saturating_mul(2);
        let above = |x2: Option<i64>| Some(price_x2.saturating_sub(x2?).saturating_mul(sign));
        self.arrival.add(fill, above(fill.arrival_mid_x2_e4));
        self.touch.add(fill, above(fill.touch_e4.map(|touch| touch.saturating_mul(2))));
        let twice = |x2: Option<i64>| Some(above(x2)?.saturating_mul(2));
        self.effective.add(fill, twice(fill.mid_x2_e4));
        self.realised.add(fill, twice(fill.later_mids_x2_e4[2]));
        for (cost, mid) in self.markouts.iter_mut().zip(fill.later_mids_x2_e4) {
            cost.add(fill, above(mid).map(i64::saturating_neg));
        }
    }
}
