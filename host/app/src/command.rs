//! One file a command.

#[cfg(feature = "lab")]
pub(crate) mod backtest;
pub(crate) mod book;
pub(crate) mod config;
#[cfg(feature = "lab")]
pub(crate) mod convert;
pub(crate) mod decode;
#[cfg(feature = "lab")]
pub(crate) mod demo;
pub(crate) mod doctor;
#[cfg(feature = "lab")]
pub(crate) mod emulate;
#[cfg(feature = "lab")]
pub(crate) mod exchange;
#[cfg(feature = "lab")]
pub(crate) mod facts;
pub(crate) mod feed;
pub(crate) mod fpga;
#[cfg(feature = "lab")]
pub(crate) mod generate;
pub(crate) mod journal;
#[cfg(feature = "lab")]
pub(crate) mod replay;
pub(crate) mod report_day;
pub(crate) mod run;
pub(crate) mod stats;
