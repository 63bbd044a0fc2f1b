//! Wire formats of a Nasdaq-style venue, in both directions, and the golden feed decoder.
//!
//! One file a protocol, bottom up: [`eth`], [`ip`], [`udp`] and the whole [`frame`]; [`mold`]
//! (MoldUDP64) and [`itch`] (ITCH 5.0) for market data; [`soup`] (SoupBinTCP), [`ouch`] (OUCH 5.0)
//! and [`glimpse`] (Glimpse 5.0) for sessions. A view checks a length once and borrows the bytes;
//! its accessors cannot fail afterwards. The structs of the views are the emitters too, because the
//! venue and the tests speak the other direction.
//!
//! [`feed`] joins the A and B lines of a feed into one ordered stream of `EventRecord`s: the
//! definition of the right answer for every other decoder, in software or in hardware.
//!
//! Nothing here does I/O, reads a clock, or allocates after construction.
#![forbid(unsafe_code)]

pub mod binary_file;
pub mod eth;
pub mod feed;
pub mod frame;
pub mod glimpse;
pub mod ip;
pub mod itch;
pub mod itch_record;
pub mod mold;
pub mod ouch;
pub mod soup;
pub mod udp;
