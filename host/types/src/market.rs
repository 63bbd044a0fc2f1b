//! The little of a book that risk and strategies need at every decision.

use crate::{Price, Qty, Side};

/// One price level: nothing there when `qty` is zero.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Level {
    /// Its price; zero when empty.
    pub price: Price,
    /// Shares displayed at it.
    pub qty: u64,
    /// Orders at it.
    pub orders: u32,
}

/// Top of book: the best bid and the best ask.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Top {
    /// Best bid.
    pub bid: Level,
    /// Best ask.
    pub ask: Level,
}

/// Whether an instrument trades (ITCH 5.0 §4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum TradingState {
    /// No state has been received yet; orders are refused.
    #[default]
    Unknown,
    /// `H`: halted across all markets.
    Halted,
    /// `P`: paused.
    Paused,
    /// `Q`: quotation only.
    QuotationOnly,
    /// `T`: trading.
    Trading,
}

/// Limit-up limit-down price bands (ITCH 5.0 §4.2.7, "LULD Auction Collar"; Reg NMS Plan).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bands {
    /// Lowest price allowed.
    pub lower: Price,
    /// Highest price allowed.
    pub upper: Price,
}

/// What risk sees of the market for one instrument at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MarketView {
    /// Best bid and ask.
    pub top: Top,
    /// Price of the last trade, zero before the first.
    pub last_trade: Price,
    /// Trading state.
    pub state: TradingState,
    /// Price bands, where the venue has sent them.
    pub bands: Option<Bands>,
    /// A short sale price test (Reg SHO rule 201) is in force.
    pub short_restricted: bool,
    /// A gap is open or the feed is silent: the book may be wrong.
    pub stale: bool,
}

impl Level {
    /// Nobody is there.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.qty == 0
    }
}

impl Top {
    /// The level of one side.
    #[inline]
    pub const fn side(&self, side: Side) -> &Level {
        match side {
            Side::Buy => &self.bid,
            Side::Sell => &self.ask,
        }
    }

    /// Both sides are there and the bid is below the ask.
    #[inline]
    pub const fn is_two_sided(&self) -> bool {
        self.bid.qty > 0 && self.ask.qty > 0 && self.bid.price.0 < self.ask.price.0
    }

    /// Both sides are there and the bid is not below the ask: locked or crossed.
    #[inline]
    pub const fn is_crossed(&self) -> bool {
        self.bid.qty > 0 && self.ask.qty > 0 && self.bid.price.0 >= self.ask.price.0
    }

    /// Twice the mid price, which keeps half units; `None` unless both sides are there.
    #[inline]
    pub const fn mid_x2(&self) -> Option<i64> {
        if self.bid.qty > 0 && self.ask.qty > 0 {
            Some(self.bid.price.0 + self.ask.price.0)
        } else {
            None
        }
    }
}

impl MarketView {
    /// The price a collar is measured from: the mid of a two-sided book, else the last trade.
    #[inline]
    pub fn reference(&self) -> Option<Price> {
        if self.top.is_two_sided() {
            return self.top.mid_x2().map(|twice| Price(twice / 2));
        }
        (self.last_trade.0 > 0).then_some(self.last_trade)
    }
}

impl From<(Price, Qty)> for Level {
    fn from((price, qty): (Price, Qty)) -> Level {
        Level { price, qty: u64::from(qty.0), orders: 1 }
    }
}
