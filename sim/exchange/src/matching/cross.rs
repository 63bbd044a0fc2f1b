//! The price of a cross.
//!
//! Of all prices on the increment grid: the one that matches most shares, then the one that leaves
//! the smallest imbalance, then the nearest to the reference price, then the lower (Nasdaq rules
//! 4752(d), 4754(b) in short). Demand and supply only change at limit prices, so it is enough to
//! try every limit price, its two neighbours on the grid, and the reference itself. With n levels
//! that is some 3n sums over n levels; a cross happens a few times a day.

use super::PRICE_MAX;
use std::collections::BTreeMap;
use tercel_types::{Price, Qty, Side};

/// The price steps of an instrument: `step` at a dollar or more, one unit below (Reg NMS rule 612).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Increment {
    /// Smallest step at or above a dollar, 1 or more.
    pub step: i64,
}

/// All interest in a cross, by price.
#[derive(Clone, Default, Debug)]
pub struct Interest {
    limits: [BTreeMap<Price, u64>; 2],
    market: [u64; 2],
}

/// What a cross at one price would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clearing {
    /// The price.
    pub price: Price,
    /// Shares that would buy at it.
    pub demand: u64,
    /// Shares that would sell at it.
    pub supply: u64,
}

impl Increment {
    /// Whether a price is on the grid.
    pub fn holds(self, price: Price) -> bool {
        price.0 > 0 && (price.0 < Price::PER_DOLLAR || price.0 % self.step == 0)
    }

    /// The nearest price on the grid at or below; zero if there is none.
    pub fn floor(self, price: Price) -> Price {
        if price.0 < Price::PER_DOLLAR {
            return Price(price.0.max(0));
        }
        let whole = price.0 - price.0 % self.step;
        if whole < Price::PER_DOLLAR { Price(Price::PER_DOLLAR - 1) } else { Price(whole) }
    }

    /// The nearest price on the grid at or above.
    pub fn ceil(self, price: Price) -> Price {
        let low = self.floor(price);
        if low == price { low } else { self.above(low) }
    }

    /// The next price up from one on the grid.
    pub fn above(self, price: Price) -> Price {
        if price.0 + 1 < Price::PER_DOLLAR {
            return Price(price.0 + 1);
        }
        Price((price.0 / self.step + 1) * self.step)
    }

    /// The next price down from one on the grid.
    pub fn below(self, price: Price) -> Price {
        self.floor(Price(price.0 - 1))
    }
}

impl Interest {
    /// Adds an order, without a limit when `limit` is `None`.
    pub fn add(&mut self, side: Side, limit: Option<Price>, qty: Qty) {
        let shares = match limit {
            Some(price) => self.limits[side.index()].entry(price).or_default(),
            None => &mut self.market[side.index()],
        };
        *shares += u64::from(qty.0);
    }

    /// Demand and supply at a price.
    pub fn at(&self, price: Price) -> Clearing {
        let [buys, sells] = &self.limits;
        Clearing {
            price,
            demand: self.market[0] + buys.range(price..).map(|(_, qty)| qty).sum::<u64>(),
            supply: self.market[1] + sells.range(..=price).map(|(_, qty)| qty).sum::<u64>(),
        }
    }

    /// The best price, or `None` when no shares would match at any.
    pub fn clear(&self, increment: Increment, reference: Price) -> Option<Clearing> {
        let limits = self.limits.iter().flat_map(BTreeMap::keys);
        limits
            .flat_map(|&price| [increment.below(price), price, increment.above(price)])
            .chain([increment.floor(reference), increment.ceil(reference)])
            .filter(|price| price.0 > 0 && *price <= PRICE_MAX)
            .map(|price| self.at(price))
            .filter(|clearing| clearing.paired() > 0)
            .min_by_key(|clearing| {
                let distance = clearing.price.0.abs_diff(reference.0);
                (u64::MAX - clearing.paired(), clearing.imbalance(), distance, clearing.price)
            })
    }
}

impl Clearing {
    /// Shares that trade, one side's.
    pub fn paired(&self) -> u64 {
        self.demand.min(self.supply)
    }

    /// Shares that would like to and find nobody.
    pub fn imbalance(&self) -> u64 {
        self.demand.abs_diff(self.supply)
    }

    /// The side of those shares.
    pub fn heavy_side(&self) -> Option<Side> {
        match self.demand.cmp(&self.supply) {
            std::cmp::Ordering::Greater => Some(Side::Buy),
            std::cmp::Ordering::Less => Some(Side::Sell),
            std::cmp::Ordering::Equal => None,
        }
    }
}
