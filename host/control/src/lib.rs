//! The cold side of a trading host: what the desk knows, who may ask for what, and who is told.
//!
//! Everything here lives on threads of its own. The trading thread is reached through a mailbox of
//! commands and tells what it does on a tape; losing all of this changes nothing about trading.
#![forbid(unsafe_code)]

pub mod access;
pub mod api;
pub mod audit;
pub mod clock;
pub mod dashboard;
pub mod desk;
pub mod metrics;
pub mod operator;
pub mod recorder;
pub mod server;
pub mod sight;
pub mod view;
