//! The one way from an intent to an order.
//!
//! Every order passes [`Risk::check`], and only it can make an [`Approved<Order>`]: the gateway
//! takes nothing else, so that an order the checks have not seen cannot reach the wire. One
//! [`Risk`] guards one order session of one account at one venue.
//!
//! Deny is the default: an instrument without limits, a market in an unknown state, a book that
//! may be wrong and a number that does not fit are all refused, each with its own [`Reject`] and
//! counter. What is open counts at its worst case, from the check until the venue says otherwise
//! ([`Risk::on_ack`]); position and cash come from executions alone. A cancel is always let
//! through unless the order is unknown or its cancel is already under way.
//!
//! Nothing here allocates after [`Risk::new`], reads a clock, does I/O or knows a wire format. All
//! work is bounded: a check walks only the opposite side's own orders of its instrument, of which
//! there are at most [`InstrumentLimits::open_orders_max`] and those adopted after a restart.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod ack;
mod breaker;
mod bucket;
mod check;
mod exposure;
mod limits;
mod order;
mod pnl;
mod recent;
mod reject;
mod risk;
mod table;

pub use breaker::Trip;
pub use exposure::{AccountView, ExposureView};
pub use limits::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, RiskConfig, RiskConfigError,
    VenueLimits,
};
pub use order::{Approved, Order, SaleMark};
pub use reject::{Reject, RiskCounters};
pub use risk::Risk;
