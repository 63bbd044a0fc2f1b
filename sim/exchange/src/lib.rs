//! A venue that matches orders: market data as Nasdaq sends it, orders as Nasdaq takes them.
//!
//! [`matching`] is the engine; it knows commands and events only. [`venue`] puts it on the network:
//! ITCH 5.0 over MoldUDP64 on two multicast lines with retransmission and Glimpse ([`publisher`]),
//! OUCH 5.0 over SoupBinTCP for any number of accounts. [`flow`] makes background orders,
//! [`lobster`] and [`replay`] read recorded ones.
//!
//! The venue is here so that the rest of the project has something to trade against that shares
//! none of its order book: one bug must not cancel itself out. It runs on one thread, is polled,
//! never waits and never reads a clock; the same inputs at the same times give the same bytes.
#![forbid(unsafe_code)]

pub mod flow;
pub mod lobster;
pub mod matching;
pub mod publisher;
pub mod replay;
pub mod venue;

mod accounts;
mod glimpse_server;
mod lines;
mod market_data;
mod order_ports;
mod retransmission;
mod soup_server;

pub use accounts::{AccountConfig, AccountCounters, AccountReport, Fees, OpenOrder, Position};
pub use glimpse_server::GlimpseCounters;
pub use lines::{Faults, LineConfig, LineCounters};
pub use order_ports::PortCounters;
pub use publisher::{Publisher, PublisherConfig};
pub use retransmission::{Retransmission, RetransmissionCounters};
pub use soup_server::Login;
pub use venue::{Venue, VenueConfig};
