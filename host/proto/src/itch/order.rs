//! The life of a displayed order (§4.3, §4.4).

use super::message;
use zerocopy::big_endian::{U32, U64};

message! {
    /// Add Order – No MPID Attribution, §4.3.1.
    AddOrder = b'A' {
        /// Order reference number, unique for the day.
        order_ref: U64,
        /// `B` or `S`.
        side: u8,
        /// Shares displayed.
        shares: U32,
        /// Symbol.
        stock: [u8; 8],
        /// Display price.
        price: U32,
    }
}

message! {
    /// Add Order with MPID Attribution, §4.3.2.
    AddOrderMpid = b'F' {
        /// Order reference number, unique for the day.
        order_ref: U64,
        /// `B` or `S`.
        side: u8,
        /// Shares displayed.
        shares: U32,
        /// Symbol.
        stock: [u8; 8],
        /// Display price.
        price: U32,
        /// Market participant who entered it.
        attribution: [u8; 4],
    }
}

message! {
    /// Order Executed, §4.4.1: at the order's own price.
    OrderExecuted = b'E' {
        /// Order.
        order_ref: U64,
        /// Shares executed.
        shares: U32,
        /// Match number, unique for the day.
        match_number: U64,
    }
}

message! {
    /// Order Executed With Price, §4.4.2: at another price than displayed.
    OrderExecutedPrice = b'C' {
        /// Order.
        order_ref: U64,
        /// Shares executed.
        shares: U32,
        /// Match number, unique for the day.
        match_number: U64,
        /// `Y`: counts in the volume; `N`: a later cross trade message will report it.
        printable: u8,
        /// Price of the execution.
        price: U32,
    }
}

message! {
    /// Order Cancel, §4.4.3: the order gets smaller and keeps its place.
    OrderCancel = b'X' {
        /// Order.
        order_ref: U64,
        /// Shares taken off.
        shares: U32,
    }
}

message! {
    /// Order Delete, §4.4.4.
    OrderDelete = b'D' {
        /// Order.
        order_ref: U64,
    }
}

message! {
    /// Order Replace, §4.4.5: side and instrument stay, the place in the queue is lost.
    OrderReplace = b'U' {
        /// The order that goes.
        original_ref: U64,
        /// The order that comes.
        new_ref: U64,
        /// Shares displayed now.
        shares: U32,
        /// Display price now.
        price: U32,
    }
}
