//! What risk hands on: orders that nothing else can make.

use tercel_types::{InstrumentId, Price, Qty, Side, TimeInForce, UserRef};

/// How a sale is marked (Reg SHO rule 200(g); OUCH 5.0 "Side").
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SaleMark {
    /// A buy has no mark.
    None,
    /// The shares are held and not yet offered by another open order.
    Long,
    /// At least one share would be sold short; the shares were located.
    Short,
    /// Short and exempt from the price test of rule 201(d). [`crate::Risk::check`] never claims an
    /// exemption; the mark exists because the wire has it.
    ShortExempt,
}

/// One message to the venue about one order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Enter a new order.
    Enter {
        /// Its number.
        user_ref: UserRef,
        /// What to trade.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Mark of a sale.
        mark: SaleMark,
        /// Limit price.
        price: Price,
        /// Shares.
        qty: Qty,
        /// Day or immediate-or-cancel.
        time_in_force: TimeInForce,
        /// Refuse to take liquidity.
        post_only: bool,
    },
    /// Put a new order in the place of a live one.
    Replace {
        /// Number of the new order.
        user_ref: UserRef,
        /// Number of the order it takes the place of.
        original: UserRef,
        /// What to trade.
        instrument: InstrumentId,
        /// Buy or sell, as the original.
        side: Side,
        /// Mark of a sale.
        mark: SaleMark,
        /// New limit price.
        price: Price,
        /// Shares to be open after the replace.
        qty: Qty,
    },
    /// Cancel all that is left.
    Cancel {
        /// Number of the order.
        original: UserRef,
        /// Its instrument.
        instrument: InstrumentId,
    },
}

/// Something that passed every check.
///
/// It cannot be made, copied or changed outside this crate:
///
/// ```compile_fail,E0423
/// use tercel_risk::{Approved, Order};
/// use tercel_types::{InstrumentId, UserRef};
/// let order = Order::Cancel { original: UserRef(1), instrument: InstrumentId(1) };
/// let forged = Approved(order);
/// ```
///
/// ```compile_fail,E0624
/// use tercel_risk::{Approved, Order};
/// use tercel_types::{InstrumentId, UserRef};
/// let order = Order::Cancel { original: UserRef(1), instrument: InstrumentId(1) };
/// let forged = Approved::new(order);
/// ```
///
/// ```compile_fail,E0599
/// fn twice(order: tercel_risk::Approved<u32>) -> tercel_risk::Approved<u32> {
///     order.clone()
/// }
/// ```
#[derive(PartialEq, Eq, Debug)]
#[must_use = "its exposure is reserved: send it, or give it back with `Risk::withdraw`"]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// Only `check.rs` calls this, after the last check.
    pub(crate) const fn new(what: T) -> Approved<T> {
        Approved(what)
    }

    /// What was approved.
    #[inline]
    pub const fn get(&self) -> &T {
        &self.0
    }
}
