//! Order books by order, of every instrument of one venue.
//!
//! [`Books::apply`] takes one record of a feed and says what it changed. From there one can read
//! the top of an instrument, its depth, every resting order, how many shares stand ahead of one's
//! own, and whatever else the venue says of the instrument and of the market. One `Books` is for
//! one venue, because instrument numbers and order references are the venue's own.
//!
//! All the memory is reserved by [`Books::new`]; nothing after it allocates, locks, reads a clock
//! or calls the system, and no record, however wrong, makes it panic: what is odd is counted in
//! [`BookCounters`], where each counter says what becomes of it. The choice of structures is argued
//! for in `books.rs`.
//!
//! It never decides whether a book may be traded on:
//! [`MarketView::stale`](tercel_types::MarketView) and [`Books::is_stale`] say that it may be
//! wrong, and the policy and risk act on that.
#![deny(unsafe_code)]

mod ahead;
mod books;
mod change;
mod counters;
mod edit;
mod instrument;
mod ladder;
mod level;
mod limits;
mod memory;
mod order;
mod stale;
mod state;
mod table;
mod tree;
mod view;
mod watch;
mod window;

pub use books::{Books, Usage};
pub use change::{Change, Effect, Trade, TradeKind};
pub use counters::BookCounters;
pub use instrument::{DirectListing, Imbalance, Instrument, Ipo, Market, MarketPhase, RegSho};
pub use limits::{Limits, LimitsError};
pub use memory::{HugePages, MemoryReport, Prefault, Reason};
pub use view::{OrderView, QueuePosition};
