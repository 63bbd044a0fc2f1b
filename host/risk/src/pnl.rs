//! Position, average cost and realised profit of one instrument.

use tercel_types::{Price, Qty, Side};

/// What is held and what it cost, in units of 1/10,000 dollar. Always
/// `realised == cash received - cash paid + cost`, whatever the rounding of the average.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Holding {
    /// Shares; negative is short.
    pub(crate) position: i64,
    /// What the position cost at average cost, with its sign; zero when flat.
    pub(crate) cost: i64,
    /// Profit of what was closed.
    pub(crate) realised: i64,
}

impl Holding {
    /// An execution. A broken one comes back as one of the other side at its own price: position,
    /// cash and total profit are as if it had never been; the split into realised and unrealised
    /// is that of the trade back. Returns the cash it brought.
    pub(crate) fn execute(&mut self, side: Side, qty: Qty, price: Price) -> i64 {
        let shares = side.sign() * i64::from(qty.0);
        let held = self.position;
        let paid = shares.wrapping_mul(price.0);
        let cost_before = self.cost;
        self.position = held.wrapping_add(shares);
        self.cost = if held == 0 || (held > 0) == (shares > 0) {
            cost_before.wrapping_add(paid)
        } else if shares.unsigned_abs() < held.unsigned_abs() {
            cost_before.wrapping_sub(part(cost_before, shares, held))
        } else {
            self.position.wrapping_mul(price.0)
        };
        let cash = paid.wrapping_neg();
        self.realised =
            self.realised.wrapping_add(self.cost).wrapping_sub(cost_before).wrapping_add(cash);
        cash
    }
}

/// `cost * |closed| / |held|`, rounded towards zero. The product needs 128 bits: a penny stock held
/// by the million overflows 64.
fn part(cost: i64, closed: i64, held: i64) -> i64 {
    let product = i128::from(cost) * i128::from(closed.unsigned_abs());
    // Not above `cost`, since `closed` is below `held`.
    i64::try_from(product / i128::from(held.unsigned_abs())).unwrap_or(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(trades: &[(Side, u32, i64)]) -> (Holding, i64) {
        let mut holding = Holding::default();
        let mut cash = 0;
        for &(side, qty, price) in trades {
            cash += holding.execute(side, Qty(qty), Price(price));
            assert_eq!(holding.realised, cash + holding.cost);
        }
        (holding, cash)
    }

    #[test]
    fn a_long_is_closed_at_its_average() {
        let (held, cash) = run(&[(Side::Buy, 100, 10), (Side::Buy, 100, 12), (Side::Sell, 50, 15)]);
        assert_eq!(held, Holding { position: 150, cost: 1_650, realised: 200 });
        assert_eq!(cash, -1_450);
    }

    #[test]
    fn a_sale_beyond_the_long_opens_a_short_at_its_own_price() {
        let (held, cash) = run(&[(Side::Buy, 100, 10), (Side::Sell, 250, 9)]);
        assert_eq!(held, Holding { position: -150, cost: -1_350, realised: -100 });
        assert_eq!(cash, 1_250);
        let (flat, _) = run(&[(Side::Sell, 30, 7), (Side::Buy, 30, 9)]);
        assert_eq!(flat, Holding { position: 0, cost: 0, realised: -60 });
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_last_share() {
        let trades =
            [(Side::Buy, 1, 10), (Side::Buy, 2, 11), (Side::Sell, 1, 11), (Side::Sell, 1, 11)];
        let (held, _) = run(&trades);
        assert_eq!(held.position, 1);
        let (held, cash) = run(&[&trades[..], &[(Side::Sell, 1, 11)]].concat());
        assert_eq!(held, Holding { position: 0, cost: 0, realised: 1 });
        assert_eq!(cash, 1);
    }

    #[test]
    fn the_largest_values_do_not_panic() {
        let mut holding = Holding::default();
        for side in [Side::Buy, Side::Sell, Side::Sell, Side::Buy, Side::Buy] {
            for _ in 0..100 {
                holding.execute(side, Qty(u32::MAX), Price(i64::MAX));
                holding.execute(side, Qty(7), Price(i64::MIN));
            }
        }
    }
}
