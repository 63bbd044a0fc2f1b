//! The venue's account of one participant: what it traded and holds, in integers, and what its
//! position was over time.

use tercel_exchange::Fees;
use tercel_types::{Money, Nanos, Price, Qty, Side};

/// Cash, shares and counts of one participant in one instrument, from executions alone.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Account {
    /// Cash; it begins with none and may be negative. Fees are taken off.
    pub cash: Money,
    /// Fees paid, rebates counted against them.
    pub fees: Money,
    /// Shares held; negative is short.
    pub position: i64,
    /// Shares bought.
    pub bought: u64,
    /// Shares sold.
    pub sold: u64,
    /// Executions.
    pub fills: u64,
    /// Executions in which it took liquidity.
    pub taken: u64,
    /// ∫ q² dt so far, shares² times seconds.
    pub squares: f64,
    /// ∫ |q| dt so far, shares times seconds.
    pub held: f64,
    /// Largest |q|, shares.
    pub position_most: i64,
    /// By how much executions were better than what the shares were worth then, dollars, fees taken
    /// off. It differs from the gain by what the worth of the position did later.
    pub edge: f64,
    since: Nanos,
}

impl Account {
    /// An account that is empty at `now`.
    pub fn new(now: Nanos) -> Account {
        Account { since: now, ..Account::default() }
    }

    /// Books one execution of shares that are worth `worth` price units each; `resting` if its
    /// order was the one on the book.
    pub fn execute(
        &mut self,
        (side, price, qty): (Side, Price, Qty),
        (resting, worth): (bool, f64),
        fees: &Fees,
        now: Nanos,
    ) {
        self.pass(now);
        let shares = i64::from(qty.0);
        let each = if resting { fees.added } else { fees.removed };
        let fee = each.0 * shares;
        self.cash = Money(self.cash.0 - side.sign() * price.0 * shares - fee);
        self.fees = Money(self.fees.0 + fee);
        let better = (worth - price.0 as f64) * side.sign() as f64 - each.0 as f64;
        self.edge += better * shares as f64 / Price::PER_DOLLAR as f64;
        self.position += side.sign() * shares;
        self.position_most = self.position_most.max(self.position.abs());
        match side {
            Side::Buy => self.bought += u64::from(qty.0),
            Side::Sell => self.sold += u64::from(qty.0),
        }
        self.fills += 1;
        self.taken += u64::from(!resting);
    }

    /// Lets time pass.
    #[inline]
    pub fn pass(&mut self, now: Nanos) {
        let seconds = now.since(self.since).0 as f64 * 1e-9;
        let shares = self.position as f64;
        self.squares += shares * shares * seconds;
        self.held += shares.abs() * seconds;
        self.since = now;
    }

    /// Worth at a price of twice `mid_x2`, dollars.
    pub fn value(&self, mid_x2: i64) -> f64 {
        // Exact: below 2^53 for any day of a market like this.
        (2 * self.cash.0 + self.position * mid_x2) as f64 * 0.5 / Price::PER_DOLLAR as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_by_hand() {
        let fees = Fees { added: Money(-20), removed: Money(30), cross: Money(0) };
        let mut account = Account::new(Nanos(0));
        let buy = (Side::Buy, Price(100_000), Qty(100));
        account.execute(buy, (true, 100_050.0), &fees, Nanos::from_secs(1));
        assert_eq!((account.position, account.cash), (100, Money(-10_000_000 + 2_000)));
        assert!((account.value(200_000) - 0.2).abs() < 1e-12, "the rebate");
        assert!((account.edge - 0.7).abs() < 1e-12, "half a cent and the rebate");
        let sell = (Side::Sell, Price(100_100), Qty(100));
        account.execute(sell, (false, 100_050.0), &fees, Nanos::from_secs(3));
        // A cent a share, 20 back and 30 paid.
        assert_eq!((account.position, account.cash), (0, Money(10_000 - 1_000)));
        assert_eq!((account.squares, account.held), (20_000.0, 200.0));
        assert_eq!((account.fills, account.taken, account.position_most), (2, 1, 100));
    }
}
