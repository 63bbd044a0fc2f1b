//! Layouts shared by the host, shared memory and the card.
//!
//! `abi.toml` is the one source; everything in [`EventRecord`], [`Kind`], [`flag`] and [`ring`] is
//! generated from it. By hand there are only the typed accessors of the record and the trait of
//! whatever delivers records.
#![no_std]
#![forbid(unsafe_code)]

mod feed_device;
#[rustfmt::skip]
mod generated;
mod record;
mod source;

pub use feed_device::{
    FeedDevice, RxFrame, counter_register, line_counter_register, line_register,
};
pub use generated::{EventRecord, Kind, LAYOUT_HASH, MAGIC, VERSION, device, flag, ring};
pub use source::EventSource;
