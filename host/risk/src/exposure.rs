//! What an instrument and the account are exposed to when open orders do their worst.
//!
//! For one instrument, with value `v` of the position at the mark, open buys `B` and open sells `S`
//! at their limits: all buys fill to `v + B`, all sells to `v - S`.
//!
//! - gross: `max(v + B, 0) + max(S - v, 0)`, the long of the one plus the short of the other, so
//!   that an order which only reduces the position adds nothing;
//! - net: the larger of the two;
//! - reserved cash: `max(B, -v)`. Buys cost cash; what covers a short is paid from the proceeds
//!   that were set aside for it.
//!
//! The account sums gross and reserved cash over its instruments; its net is `max(|V + ΣB|, |V -
//! ΣS|)`; the credit it uses is reserved cash less the cash it has. Each change of an instrument
//! takes its old [`Share`] out of the sums and puts the new one in. 64 bits hold $922 trillion;
//! limits end at a ninth of it, one position counts for at most a quarter, and a message beyond
//! anything the protocol can mean trips the breaker. Sums wrap, which costs less than saturation
//! and takes out exactly what was put in, so that nothing drifts even then.

use crate::bucket::Bucket;
use crate::pnl::Holding;
use crate::table::NO_ORDER;
use tercel_types::{Money, Price, Side};

/// The most that one position counts for: $230 trillion.
const VALUE_MAX: i64 = i64::MAX / 4;

/// Shares and money of open orders at their worst.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Worst {
    pub(crate) qty: u64,
    pub(crate) notional: i64,
}

/// One instrument: two cache lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(64))]
pub(crate) struct Exposure {
    pub(crate) holding: Holding,
    /// Shares of open orders at worst, by [`Side::index`].
    pub(crate) open_qty: [u64; 2],
    /// Money of open orders at worst.
    pub(crate) open_notional: [i64; 2],
    /// Last mid or trade; zero before the first, while the position is worth what it cost.
    pub(crate) mark: Price,
    /// First open order of each side in the order table.
    pub(crate) heads: [u32; 2],
    pub(crate) orders: u32,
    pub(crate) rate: Bucket,
    pub(crate) ratio: Bucket,
}

const _: () = assert!(size_of::<Exposure>() == 128);

/// What one instrument puts into the sums of the account; also the sums.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Share {
    pub(crate) value: i64,
    pub(crate) cost: i64,
    pub(crate) buys: i64,
    pub(crate) sells: i64,
    pub(crate) gross: i64,
    pub(crate) reserved: i64,
}

impl Exposure {
    pub(crate) const fn new() -> Exposure {
        Exposure {
            holding: Holding { position: 0, cost: 0, realised: 0 },
            open_qty: [0; 2],
            open_notional: [0; 2],
            mark: Price(0),
            heads: [NO_ORDER; 2],
            orders: 0,
            rate: Bucket::new(0),
            ratio: Bucket::new(0),
        }
    }

    /// One order of `side` now counts as `after` where it counted as `before`.
    #[inline]
    pub(crate) const fn shift(&mut self, side: Side, before: Worst, after: Worst) {
        let (qty, notional) =
            (&mut self.open_qty[side.index()], &mut self.open_notional[side.index()]);
        *qty = qty.wrapping_sub(before.qty).wrapping_add(after.qty);
        *notional = swap(*notional, before.notional, after.notional);
    }

    /// The position at the mark.
    #[inline]
    pub(crate) const fn value(&self) -> i64 {
        match self.mark {
            Price(0) => self.holding.cost,
            Price(mark) => match self.holding.position.saturating_mul(mark) {
                value if value > VALUE_MAX => VALUE_MAX,
                value if value < -VALUE_MAX => -VALUE_MAX,
                value => value,
            },
        }
    }

    #[inline]
    pub(crate) fn share(&self) -> Share {
        self.share_of(self.open_notional)
    }

    /// The share it would have if one order of `side` counted as `after` and not as `before`.
    #[inline]
    pub(crate) fn share_with(&self, side: Side, before: Worst, after: Worst) -> Share {
        let mut open = self.open_notional;
        open[side.index()] = swap(open[side.index()], before.notional, after.notional);
        self.share_of(open)
    }

    #[inline]
    fn share_of(&self, [buys, sells]: [i64; 2]) -> Share {
        let value = self.value();
        let long = value.wrapping_add(buys).max(0);
        let short = sells.wrapping_sub(value).max(0);
        Share {
            value,
            cost: self.holding.cost,
            buys,
            sells,
            gross: long.wrapping_add(short),
            reserved: buys.max(value.wrapping_neg()),
        }
    }

    /// Shares held when every open order of `side` has filled, counted in its direction.
    #[inline]
    pub(crate) const fn reach(&self, side: Side) -> i64 {
        let open = self.open_qty[side.index()];
        side.sign().wrapping_mul(self.holding.position).wrapping_add_unsigned(open)
    }

    pub(crate) fn view(&self) -> ExposureView {
        let share = self.share();
        ExposureView {
            position: self.holding.position,
            open_buy_qty: self.open_qty[0],
            open_sell_qty: self.open_qty[1],
            open_buys: Money(self.open_notional[0]),
            open_sells: Money(self.open_notional[1]),
            mark: self.mark,
            value: Money(share.value),
            cost: Money(self.holding.cost),
            realised: Money(self.holding.realised),
            unrealised: Money(share.value.wrapping_sub(share.cost)),
            gross: Money(share.gross),
            net: Money(share.net()),
            open_orders: self.orders,
        }
    }
}

impl Share {
    /// The sums with one instrument's share changed.
    #[inline]
    pub(crate) const fn moved(&self, before: &Share, after: &Share) -> Share {
        Share {
            value: swap(self.value, before.value, after.value),
            cost: swap(self.cost, before.cost, after.cost),
            buys: swap(self.buys, before.buys, after.buys),
            sells: swap(self.sells, before.sells, after.sells),
            gross: swap(self.gross, before.gross, after.gross),
            reserved: swap(self.reserved, before.reserved, after.reserved),
        }
    }

    /// The larger distance from zero that the open orders of one side can reach, over all
    /// instruments; for one instrument that is the larger of worst long and worst short.
    #[inline]
    pub(crate) fn net(&self) -> i64 {
        let long = self.value.wrapping_add(self.buys).wrapping_abs();
        long.max(self.value.wrapping_sub(self.sells).wrapping_abs())
    }
}

/// A sum with one part changed; wrapping, so that the part comes out as it went in.
#[inline]
const fn swap(sum: i64, before: i64, after: i64) -> i64 {
    sum.wrapping_sub(before).wrapping_add(after)
}

/// One instrument as risk sees it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ExposureView {
    /// Shares held; negative is short.
    pub position: i64,
    /// Shares of open buys at worst.
    pub open_buy_qty: u64,
    /// Shares of open sells at worst.
    pub open_sell_qty: u64,
    /// Money of open buys at their limits.
    pub open_buys: Money,
    /// Money of open sells at their limits.
    pub open_sells: Money,
    /// Last mid or trade, zero before the first.
    pub mark: Price,
    /// Position at the mark, or at cost before the first mark.
    pub value: Money,
    /// What the position cost at average cost, with its sign.
    pub cost: Money,
    /// Profit of what was closed, at average cost.
    pub realised: Money,
    /// Profit of what is open.
    pub unrealised: Money,
    /// Worst-case long plus worst-case short.
    pub gross: Money,
    /// The larger of the two.
    pub net: Money,
    /// Open orders.
    pub open_orders: u32,
}

/// The account as risk sees it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AccountView {
    /// Cash received less cash paid.
    pub cash: Money,
    /// Profit of what was closed.
    pub realised: Money,
    /// Profit of what is open.
    pub unrealised: Money,
    /// Highest profit, realised and not, since the start or the last reset.
    pub peak: Money,
    /// How far below it the profit is.
    pub drawdown: Money,
    /// Value of all positions, longs less shorts.
    pub value: Money,
    /// Worst-case gross exposure.
    pub gross: Money,
    /// Worst-case net exposure.
    pub net: Money,
    /// Money of open buys.
    pub open_buys: Money,
    /// Money of open sells.
    pub open_sells: Money,
    /// Credit used at worst.
    pub credit_used: Money,
    /// Open orders.
    pub open_orders: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure(position: i64, mark: i64, buys: i64, sells: i64) -> Exposure {
        let mut exposure = Exposure::new();
        exposure.holding.position = position;
        exposure.mark = Price(mark);
        exposure.open_notional = [buys, sells];
        exposure
    }

    #[test]
    fn reducing_orders_add_nothing() {
        let long = exposure(100, 10, 0, 1_000);
        assert_eq!((long.share().gross, long.share().net()), (1_000, 1_000));
        let short = exposure(-100, 10, 1_000, 0);
        assert_eq!((short.share().gross, short.share().net()), (1_000, 1_000));
        assert_eq!(short.share().reserved, 1_000);
    }

    #[test]
    fn both_sides_count_when_both_could_open() {
        let both = exposure(100, 10, 500, 1_700);
        assert_eq!((both.share().gross, both.share().net()), (2_200, 1_500));
        assert_eq!(both.share().reserved, 500);
        let sums = both.share();
        assert_eq!(sums.net(), 1_500);
    }

    #[test]
    fn an_unmarked_position_is_worth_what_it_cost() {
        let mut unmarked = exposure(100, 0, 0, 0);
        unmarked.holding.cost = 777;
        assert_eq!(unmarked.view().unrealised, Money::ZERO);
        assert_eq!(unmarked.view().value, Money(777));
    }
}
