//! What one side of the book looks like: at most five levels, read when features are asked for.

use tercel_types::{Level, Price, Top};

use crate::tick::PRICE_MAX;

/// Levels read on each side.
pub(crate) const LEVELS: usize = 5;

/// Best bid and ask of a book that can be measured: both there, not crossed, prices the feed can
/// carry.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Touch {
    pub(crate) bid: i64,
    pub(crate) ask: i64,
    pub(crate) bid_qty: f64,
    pub(crate) ask_qty: f64,
}

/// Sums over the levels of one side.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct Depth {
    /// Shares at the best level, at the best three, at the best five.
    pub(crate) best: f64,
    pub(crate) three: f64,
    pub(crate) five: f64,
    /// Volume-weighted price of the five, units of 1/10,000 dollar.
    pub(crate) price: f64,
    /// Distance from the best level to the second, units; zero when there is none.
    pub(crate) gap: f64,
    /// Distance from the best level to the last one read, units.
    pub(crate) reach: f64,
    /// Orders at the best level.
    pub(crate) orders: f64,
}

impl Touch {
    /// The touch of `top`, if it can be measured.
    #[inline]
    pub(crate) fn new(top: &Top) -> Option<Touch> {
        let measurable =
            top.is_two_sided() && top.bid.price.0 > 0 && top.ask.price.0 <= PRICE_MAX.0;
        measurable.then_some(Touch {
            bid: top.bid.price.0,
            ask: top.ask.price.0,
            bid_qty: top.bid.qty as f64,
            ask_qty: top.ask.qty as f64,
        })
    }

    /// Twice the mid price, units of 1/10,000 dollar.
    #[inline]
    pub(crate) fn mid_x2(&self) -> i64 {
        self.bid + self.ask
    }

    /// Mid price, units of 1/10,000 dollar.
    #[inline]
    pub(crate) fn mid(&self) -> f64 {
        self.mid_x2() as f64 * 0.5
    }

    /// Price increment at the mid price, units of 1/10,000 dollar.
    #[inline]
    pub(crate) fn tick(&self) -> f64 {
        crate::tick::tick_at(Price(self.mid_x2() / 2)) as f64
    }

    /// One over [`Touch::tick`], without a division.
    #[inline]
    pub(crate) fn per_tick(&self) -> f64 {
        const PER_CENT: f64 = 1.0 / Price::CENT.0 as f64;
        if crate::tick::tick_at(Price(self.mid_x2() / 2)) == 1 { 1.0 } else { PER_CENT }
    }
}

impl Depth {
    /// Reads the best levels.
    #[inline]
    pub(crate) fn read(levels: impl Iterator<Item = Level>) -> Depth {
        let mut depth = Depth::default();
        let (mut notional, mut first) = (0.0, 0.0);
        for (at, level) in levels.take(LEVELS).enumerate() {
            let (qty, price) = (level.qty as f64, level.price.0 as f64);
            if at == 0 {
                (depth.best, first, depth.orders) = (qty, price, f64::from(level.orders));
            }
            if at == 1 {
                depth.gap = (price - first).abs();
            }
            if at < 3 {
                depth.three += qty;
            }
            depth.five += qty;
            notional += qty * price;
            depth.reach = (price - first).abs();
        }
        depth.price = if depth.five > 0.0 { notional / depth.five } else { 0.0 };
        depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, qty: u64) -> Level {
        Level { price: Price(price), qty, orders: 2 }
    }

    #[test]
    fn sums_over_three_and_five_levels() {
        let levels = [level(600, 10), level(500, 20), level(400, 30), level(100, 40)];
        let depth = Depth::read(levels.into_iter());
        assert_eq!((depth.best, depth.three, depth.five), (10.0, 60.0, 100.0));
        assert_eq!((depth.gap, depth.reach, depth.orders), (100.0, 500.0, 2.0));
        assert_eq!(depth.price, (6_000.0 + 10_000.0 + 12_000.0 + 4_000.0) / 100.0);
        assert_eq!(Depth::read(core::iter::empty()), Depth::default());
    }

    #[test]
    fn a_touch_needs_two_sides_and_sane_prices() {
        let touch = |bid, ask| Touch::new(&Top { bid: level(bid, 1), ask: level(ask, 1) });
        assert!(touch(100, 200).is_some());
        assert!(touch(200, 200).is_none() && touch(300, 200).is_none());
        assert!(touch(0, 200).is_none() && touch(-5, 200).is_none());
        assert!(touch(1, i64::MAX).is_none());
        assert!(Touch::new(&Top::default()).is_none());
    }
}
