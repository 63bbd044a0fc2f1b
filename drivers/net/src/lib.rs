//! Ports over what every Linux has: kernel sockets, capture files, the clock and the scheduler.
//!
//! [`udp`] receives multicast market data and talks to a retransmission server; [`tcp`] carries an
//! order session; [`pcap`] replays and records captures, also those of [`pcapng`]; [`faults`]
//! spoils a source on purpose, by a seed, and records what passes. [`clock`] tells the time,
//! [`pin`] takes a core and keeps memory resident. The kernel takes the headers off a datagram;
//! [`headers`] puts equal ones back, so that every source hands out whole Ethernet frames.
//!
//! After construction no port allocates, and no poll or commit waits. Nothing here decodes a feed
//! or an order message, and nothing above knows which port is in use. All unsafe code is in
//! `sys.rs`.
#![deny(unsafe_code)]

mod checksum;
pub mod clock;
mod error;
pub mod faults;
pub mod flows;
pub mod headers;
pub mod igmp;
pub mod interface;
pub mod membership;
pub mod packet;
pub mod pcap;
pub mod pcapng;
pub mod pin;
#[allow(unsafe_code)]
mod sys;
pub mod tcp;
pub mod udp;
pub mod xdp;

pub use error::NetError;
