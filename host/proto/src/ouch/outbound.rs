//! Messages from the venue to the client (OUCH 5.0 §3). All come in sequenced packets.

use super::{Appendages, Error, Rule, join, messages, split};
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `S` System Event (§3.1): start and end of day, 10 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct SystemEvent {
    /// `S`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// `S` start of day, `E` end of day.
    pub event: u8,
}

/// `A` Order Accepted (§3.2): the order is entered, 62 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderAccepted {
    /// `A`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// A letter of [`super::side`].
    pub side: u8,
    /// Shares accepted.
    pub quantity: U32,
    /// Symbol, padded on the right with spaces.
    pub symbol: [u8; 8],
    /// Price accepted, in 1/10,000 dollar; it may differ from the one entered.
    pub price: U64,
    /// As entered.
    pub time_in_force: u8,
    /// Display, `Z` when it was made to conform.
    pub display: u8,
    /// The venue's number of the order, as ITCH shows it.
    pub order_ref: U64,
    /// As entered.
    pub capacity: u8,
    /// As entered.
    pub sweep: u8,
    /// As entered.
    pub cross: u8,
    /// A letter of [`super::order_state`].
    pub state: u8,
    /// As entered.
    pub client_order_id: [u8; 14],
}

/// `U` Order Replaced (§3.3): one order took another's place, 66 bytes and an appendage. No
/// Canceled comes for the original.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderReplaced {
    /// `U`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order that is gone.
    pub original: U32,
    /// The order in its place.
    pub user_ref: U32,
    /// A letter of [`super::side`].
    pub side: u8,
    /// Shares open, without those executed before.
    pub quantity: U32,
    /// Symbol, padded on the right with spaces.
    pub symbol: [u8; 8],
    /// Price accepted, in 1/10,000 dollar; it may differ from the one entered.
    pub price: U64,
    /// As entered.
    pub time_in_force: u8,
    /// Display, `Z` when it was made to conform.
    pub display: u8,
    /// The venue's number of the order, as ITCH shows it.
    pub order_ref: U64,
    /// As entered.
    pub capacity: u8,
    /// As entered.
    pub sweep: u8,
    /// As entered.
    pub cross: u8,
    /// A letter of [`super::order_state`].
    pub state: u8,
    /// As entered.
    pub client_order_id: [u8; 14],
}

/// `C` Order Canceled (§3.4): shares were taken off, 18 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderCanceled {
    /// `C`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Shares taken off by this message.
    pub quantity: U32,
    /// A letter of [`super::reason::cancel`].
    pub reason: u8,
}

/// `D` AIQ Canceled (§3.5): shares were taken off in place of a trade with oneself, 32 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct AiqCanceled {
    /// `D`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Shares taken off by this message.
    pub decrement: U32,
    /// Always `Q`.
    pub reason: u8,
    /// Shares that would have traded.
    pub prevented: U32,
    /// Price at which they would have.
    pub price: U64,
    /// Liquidity flag that they would have had.
    pub liquidity: u8,
    /// Self-match prevention strategy.
    pub strategy: u8,
}

/// `E` Order Executed (§3.6): shares traded, 34 bytes and an appendage, which earlier revisions
/// left out.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderExecuted {
    /// `E`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Shares of this execution.
    pub quantity: U32,
    /// Its price in 1/10,000 dollar.
    pub price: U64,
    /// Liquidity flag: `A` added, `R` removed, others in the specification.
    pub liquidity: u8,
    /// Its number.
    pub match_number: U64,
}

/// `B` Broken Trade (§3.7): an execution is undone, 36 bytes. The shares do not come back to the
/// order.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct BrokenTrade {
    /// `B`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// The execution.
    pub match_number: U64,
    /// `E` erroneous, `C` consent, `S` supervisory, `X` external.
    pub reason: u8,
    /// As entered.
    pub client_order_id: [u8; 14],
}

/// `F` Trade Correction: an execution at the fund's net asset value gets its final price, 49 bytes.
///
/// Revisions before 1.05 and the Open Markets Initiative's definition have it; the newest revision
/// does not.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct TradeCorrection {
    /// `F`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Shares of the execution.
    pub quantity: U32,
    /// Its price now.
    pub price: U64,
    /// Liquidity flag.
    pub liquidity: u8,
    /// The execution.
    pub match_number: U64,
    /// `N` adjusted to net asset value.
    pub reason: u8,
    /// As entered.
    pub client_order_id: [u8; 14],
}

/// `J` Rejected (§3.8): the order or the replace is refused and its number used up, 29 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderRejected {
    /// `J`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The number of the order or, for a replace, the new one.
    pub user_ref: U32,
    /// A code of [`super::reason::reject`].
    pub reason: U16,
    /// As entered.
    pub client_order_id: [u8; 14],
}

/// `P` Cancel Pending (§3.9): the cancel waits for the end of a cross, 13 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct CancelPending {
    /// `P`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
}

/// `I` Cancel Reject (§3.10): the partial cancel or modify of an order in a cross is refused, 13
/// bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct CancelReject {
    /// `I`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
}

/// `T` Order Priority Update (§3.11): the order has a new price, display or number, 30 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderPriorityUpdate {
    /// `T`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Its price now.
    pub price: U64,
    /// Its display now.
    pub display: u8,
    /// The venue's number now.
    pub order_ref: U64,
}

/// `M` Order Modified (§3.12): the modify was done, 18 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderModified {
    /// `M`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// Its side letter now.
    pub side: u8,
    /// Shares open now.
    pub quantity: U32,
}

/// `R` Order Restated (§3.13): the venue changed the display, 14 bytes and an appendage that says
/// how.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct OrderRestated {
    /// `R`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// The order.
    pub user_ref: U32,
    /// `R` refresh of the displayed size, `P` new displayed price.
    pub reason: u8,
}

/// `X` Mass Cancel Response (§3.14): a Canceled for each order follows, 25 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct MassCancelResponse {
    /// `X`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// Of the request.
    pub user_ref: U32,
    /// Of the request.
    pub firm: [u8; 4],
    /// Of the request.
    pub symbol: [u8; 8],
}

/// `G` Disable Order Entry Response (§3.15), 17 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct DisableOrderEntryResponse {
    /// `G`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// Of the request.
    pub user_ref: U32,
    /// Of the request.
    pub firm: [u8; 4],
}

/// `K` Enable Order Entry Response (§3.16), 17 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct EnableOrderEntryResponse {
    /// `K`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// Of the request.
    pub user_ref: U32,
    /// Of the request.
    pub firm: [u8; 4],
}

/// `Q` Account Query Response (§3.17): the next number that may be used, 13 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct AccountQueryResponse {
    /// `Q`.
    pub kind: u8,
    /// Nanoseconds since midnight at the venue.
    pub timestamp: U64,
    /// Every number from this one on is unused.
    pub next_user_ref: U32,
}

messages! {
    /// One message from the venue.
    Outbound {
        /// `S`.
        SystemEvent(SystemEvent) = b'S', Never;
        /// `A`.
        OrderAccepted(OrderAccepted) = b'A', Required;
        /// `U`.
        OrderReplaced(OrderReplaced) = b'U', Required;
        /// `C`.
        OrderCanceled(OrderCanceled) = b'C', Optional;
        /// `D`.
        AiqCanceled(AiqCanceled) = b'D', Optional;
        /// `E`.
        OrderExecuted(OrderExecuted) = b'E', Optional;
        /// `B`.
        BrokenTrade(BrokenTrade) = b'B', Optional;
        /// `F`.
        TradeCorrection(TradeCorrection) = b'F', Optional;
        /// `J`.
        OrderRejected(OrderRejected) = b'J', Optional;
        /// `P`.
        CancelPending(CancelPending) = b'P', Optional;
        /// `I`.
        CancelReject(CancelReject) = b'I', Optional;
        /// `T`.
        OrderPriorityUpdate(OrderPriorityUpdate) = b'T', Optional;
        /// `M`.
        OrderModified(OrderModified) = b'M', Optional;
        /// `R`.
        OrderRestated(OrderRestated) = b'R', Required;
        /// `X`.
        MassCancelResponse(MassCancelResponse) = b'X', Required;
        /// `G`.
        DisableOrderEntryResponse(DisableOrderEntryResponse) = b'G', Required;
        /// `K`.
        EnableOrderEntryResponse(EnableOrderEntryResponse) = b'K', Required;
        /// `Q`.
        AccountQueryResponse(AccountQueryResponse) = b'Q', Optional;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_parts_have_the_lengths_of_the_specification() {
        assert_eq!(size_of::<SystemEvent>(), 10);
        assert_eq!(size_of::<OrderAccepted>(), 62);
        assert_eq!(size_of::<OrderReplaced>(), 66);
        assert_eq!(size_of::<OrderCanceled>(), 18);
        assert_eq!(size_of::<AiqCanceled>(), 32);
        assert_eq!(size_of::<OrderExecuted>(), 34);
        assert_eq!(size_of::<BrokenTrade>(), 36);
        assert_eq!(size_of::<TradeCorrection>(), 49);
        assert_eq!(size_of::<OrderRejected>(), 29);
        assert_eq!(size_of::<CancelPending>(), 13);
        assert_eq!(size_of::<CancelReject>(), 13);
        assert_eq!(size_of::<OrderPriorityUpdate>(), 30);
        assert_eq!(size_of::<OrderModified>(), 18);
        assert_eq!(size_of::<OrderRestated>(), 14);
        assert_eq!(size_of::<MassCancelResponse>(), 25);
        assert_eq!(size_of::<DisableOrderEntryResponse>(), 17);
        assert_eq!(size_of::<EnableOrderEntryResponse>(), 17);
        assert_eq!(size_of::<AccountQueryResponse>(), 13);
    }
}
