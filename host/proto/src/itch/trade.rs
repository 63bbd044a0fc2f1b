//! Trades and what is sent before crosses (§4.5 to §4.8).

use super::message;
use zerocopy::big_endian::{U32, U64};

message! {
    /// Trade (Non-Cross), §4.5.1: against an order that was not displayed; books do not change.
    Trade = b'P' {
        /// Zero since 2010-12-06.
        order_ref: U64,
        /// `B` since 2014-07-14, whatever the side of the resting order was.
        side: u8,
        /// Shares.
        shares: U32,
        /// Symbol.
        stock: [u8; 8],
        /// Price.
        price: U32,
        /// Match number, unique for the day.
        match_number: U64,
    }
}

message! {
    /// Cross Trade, §4.5.2.
    CrossTrade = b'Q' {
        /// Shares matched in the cross.
        shares: U64,
        /// Symbol.
        stock: [u8; 8],
        /// Price of the cross.
        price: U32,
        /// Match number, unique for the day.
        match_number: U64,
        /// `O` opening, `C` closing, `H` halted or paused instrument or IPO, `I` intraday or
        /// post-close.
        cross_type: u8,
    }
}

message! {
    /// Broken Trade / Order Execution, §4.5.3.
    BrokenTrade = b'B' {
        /// Match number of what is void.
        match_number: U64,
    }
}

message! {
    /// Net Order Imbalance Indicator, §4.6.
    Noii = b'I' {
        /// Shares that would match at the reference price.
        paired: U64,
        /// Shares that would not.
        imbalance: U64,
        /// `B` buy, `S` sell, `N` none, `O` not enough orders to calculate, `P` paused.
        direction: u8,
        /// Symbol.
        stock: [u8; 8],
        /// Clearing price of cross orders alone.
        far: U32,
        /// Clearing price of cross and continuous orders.
        near: U32,
        /// Price at which the figures were calculated.
        reference: U32,
        /// As in [`CrossTrade`].
        cross_type: u8,
        /// How far the near price is from the reference: `L`, `1` to `9`, `A` to `C`, or a space.
        variation: u8,
    }
}

message! {
    /// Retail Price Improvement Indicator, §4.7.
    Rpii = b'N' {
        /// Symbol.
        stock: [u8; 8],
        /// Side with retail interest: `B`, `S`, `A` both, `N` none.
        interest: u8,
    }
}

message! {
    /// Direct Listing with Capital Raise Price Discovery, §4.8.
    DirectListing = b'O' {
        /// Symbol.
        stock: [u8; 8],
        /// `Y`: may be released for trading.
        open_eligibility: u8,
        /// Lowest price at which it may open.
        minimum: U32,
        /// Highest price at which it may open.
        maximum: U32,
        /// Reference price when the volatility test passed.
        near_price: U32,
        /// When that price was set, nanoseconds since midnight.
        near_time: U64,
        /// Lower collar of the auction.
        lower_collar: U32,
        /// Upper collar of the auction.
        upper_collar: U32,
    }
}
