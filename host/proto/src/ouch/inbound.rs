//! Messages from the client to the venue (OUCH 5.0 §2).

use super::{Appendages, Error, Rule, join, messages, split};
use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `O` Enter Order (§2.1): a new order, 45 bytes and an appendage.
///
/// Its number must be above every number the account has used; a lower one is ignored without an
/// answer (§1.4).
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct EnterOrder {
    /// `O`.
    pub kind: u8,
    /// The client's number of the order.
    pub user_ref: U32,
    /// A letter of [`super::side`].
    pub side: u8,
    /// Shares, 1 to 999,999.
    pub quantity: U32,
    /// Symbol, padded on the right with spaces.
    pub symbol: [u8; 8],
    /// Limit price in 1/10,000 dollar.
    pub price: U64,
    /// `0` day, `3` immediate or cancel, `5` extended hours, `6` until a time, `E` after hours.
    pub time_in_force: u8,
    /// `Y` visible, `N` hidden, `A` attributable.
    pub display: u8,
    /// `A` agency, `P` principal, `R` riskless principal, `O` other.
    pub capacity: u8,
    /// Intermarket sweep: `Y` or `N`.
    pub sweep: u8,
    /// `N` continuous market, `O` opening, `C` closing, `H` halt or IPO, `S` supplemental, `R`
    /// retail, `E` extended life, `A` after-hours close.
    pub cross: u8,
    /// Free for the client; comes back in answers.
    pub client_order_id: [u8; 14],
}

/// `U` Replace Order (§2.2): a new order in the place of a live one, 38 bytes and an appendage.
///
/// Ignored without an answer, and the new number stays unused, when the original is not live. When
/// the details are invalid the original is cancelled (a Canceled message) and the new number stays
/// unused too. A Rejected for the new number leaves the original live.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct ReplaceOrder {
    /// `U`.
    pub kind: u8,
    /// The live order.
    pub original: U32,
    /// The number of the new order.
    pub user_ref: U32,
    /// Whole liability in shares: already executed and self-match-prevented shares of the chain
    /// included (§2.2).
    pub quantity: U32,
    /// Limit price in 1/10,000 dollar.
    pub price: U64,
    /// As in [`EnterOrder`].
    pub time_in_force: u8,
    /// As in [`EnterOrder`].
    pub display: u8,
    /// Intermarket sweep: `Y` or `N`.
    pub sweep: u8,
    /// Free for the client; comes back in answers.
    pub client_order_id: [u8; 14],
}

/// `X` Cancel Order (§2.3): cancels or reduces, 9 bytes. Superfluous cancels are ignored without an
/// answer.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct CancelOrder {
    /// `X`.
    pub kind: u8,
    /// The order.
    pub user_ref: U32,
    /// Size that the order shall have, executed shares included; zero cancels all that is left.
    pub quantity: U32,
}

/// `M` Modify Order (§2.4): changes the side mark of a sale or reduces the size, keeping priority,
/// 10 bytes.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct ModifyOrder {
    /// `M`.
    pub kind: u8,
    /// The order.
    pub user_ref: U32,
    /// New side letter: only among `S`, `T` and `E`.
    pub side: u8,
    /// Whole liability in shares, as in [`CancelOrder`].
    pub quantity: U32,
}

/// `C` Mass Cancel (§2.5): cancels the orders of a firm, 17 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct MassCancel {
    /// `C`.
    pub kind: u8,
    /// A number like an order's; it is used up.
    pub user_ref: U32,
    /// Whose orders.
    pub firm: [u8; 4],
    /// In which symbol; spaces for all.
    pub symbol: [u8; 8],
}

/// `D` Disable Order Entry (§2.6): the venue refuses the firm's new orders, 9 bytes and an
/// appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct DisableOrderEntry {
    /// `D`.
    pub kind: u8,
    /// A number like an order's; it is used up.
    pub user_ref: U32,
    /// The firm.
    pub firm: [u8; 4],
}

/// `E` Enable Order Entry (§2.7): takes it back, 9 bytes and an appendage.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct EnableOrderEntry {
    /// `E`.
    pub kind: u8,
    /// A number like an order's; it is used up.
    pub user_ref: U32,
    /// The firm.
    pub firm: [u8; 4],
}

/// `Q` Account Query (§2.8): asks for the next number that may be used, 1 byte.
#[derive(
    FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Clone, Copy, PartialEq, Eq, Debug,
)]
#[repr(C)]
pub struct AccountQuery {
    /// `Q`.
    pub kind: u8,
}

messages! {
    /// One message to the venue.
    Inbound {
        /// `O`.
        EnterOrder(EnterOrder) = b'O', Required;
        /// `U`.
        ReplaceOrder(ReplaceOrder) = b'U', Required;
        /// `X`.
        CancelOrder(CancelOrder) = b'X', Optional;
        /// `M`.
        ModifyOrder(ModifyOrder) = b'M', Optional;
        /// `C`.
        MassCancel(MassCancel) = b'C', Required;
        /// `D`.
        DisableOrderEntry(DisableOrderEntry) = b'D', Required;
        /// `E`.
        EnableOrderEntry(EnableOrderEntry) = b'E', Required;
        /// `Q`.
        AccountQuery(AccountQuery) = b'Q', Optional;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_parts_have_the_lengths_of_the_specification() {
        assert_eq!(size_of::<EnterOrder>(), 45);
        assert_eq!(size_of::<ReplaceOrder>(), 38);
        assert_eq!(size_of::<CancelOrder>(), 9);
        assert_eq!(size_of::<ModifyOrder>(), 10);
        assert_eq!(size_of::<MassCancel>(), 17);
        assert_eq!(size_of::<DisableOrderEntry>(), 9);
        assert_eq!(size_of::<EnableOrderEntry>(), 9);
        assert_eq!(size_of::<AccountQuery>(), 1);
    }
}
