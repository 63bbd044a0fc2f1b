//! Layouts shared by the host, shared memory and the card.
//!
//! `abi.toml` is the one source; everything in [`EventRecord`], [`Kind`], [`flag`] and [`ring`] is
//! generated from it. By hand there are only the typed accessors of the record and the trait of
//! whatever delivers records.
#![no_std]
#![forbid(unsafe_code)]

#[rustfmt::skip]
mod generated;
mod record;
mod source;

pub use generated::{EventRecord, Kind, LAYOUT_HASH, MAGIC, VERSION, flag, ring};
pub use source::EventSource;
