//! The feed card's RTL, Verilated, behind the same interface as the emulator: [`Rtl`] drives its
//! lines, its register bus and its memory bus cycle by cycle.
//!
//! Without the feature `verilated` this crate is empty, so that building the workspace takes
//! neither Verilator nor a C++ compiler.
#![deny(unsafe_code)]

#[cfg(feature = "verilated")]
mod model;
#[cfg(feature = "verilated")]
mod rtl;

#[cfg(feature = "verilated")]
pub use model::{Latency, Wire};
#[cfg(feature = "verilated")]
pub use rtl::Rtl;
