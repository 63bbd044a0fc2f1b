//! The words of Tercel: numbers with a unit, identifiers, what a strategy wants, what a venue
//! answers, and the ports that drivers implement.
//!
//! Every domain number is its own type, so that a price cannot be passed where a quantity is due.
//! Prices and money are integers in units of 1/10,000 dollar, as on the wire of ITCH 5.0 and OUCH
//! 5.0. Nothing here allocates, does I/O or reads a clock.
#![no_std]
#![forbid(unsafe_code)]

mod ack;
mod id;
mod intent;
mod market;
mod number;
mod port;
mod working;

pub use ack::{Ack, AckKind, CancelReason};
pub use id::{InstrumentId, MatchNumber, OrderRef, SeqNo, Symbol, UserRef, VenueId};
pub use intent::{Intent, Intents, NewOrder, TimeInForce};
pub use market::{Bands, Level, MarketView, Top, TradingState};
pub use number::{Money, Nanos, Price, Qty, Side};
pub use port::{Clock, Frame, FrameSink, FrameSource, PortError, StreamPort};
pub use working::{Own, WorkingOrder, WorkingState};
