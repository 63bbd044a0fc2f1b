//! What is wrong with this machine for trading, and what to do.
//!
//! A [`Machine`] is a [`Tree`] of `/proc` and `/sys`, the [`Subject`] that is looked at (which
//! cores trade, which interfaces, what takes the frames) and [`Probes`], which are what only a
//! system call tells. [`examine`] runs every check over it and gives [`Finding`]s; it changes
//! nothing. [`measure`] measures what no file says. [`fix`] turns findings into commands and, where
//! asked to, into writes below `/proc/sys` and `/sys`, each of which can be taken back.
//!
//! A fact that cannot be read is [`Verdict::CannotTell`] with the reason. A missing file is no
//! answer: it may be a kernel without the feature, a container or a hypervisor.
#![deny(unsafe_code)]

mod boot;
mod check;
mod cores;
mod ethtool;
mod finding;
pub mod fix;
mod kernel_config;
mod machine;
pub mod measure;
mod probe;
mod report;
mod subject;
#[allow(unsafe_code)]
mod sys;
mod text;
mod tree;

pub use boot::Boot;
pub use check::{Area, CHECKS, Check, examine};
pub use cores::CoreSet;
pub use ethtool::{Answer, Channels, Coalescing, Nic, Offloads, Rings, Stamping};
pub use finding::{Finding, Remedy, Verdict};
pub use machine::Machine;
pub use probe::{KernelClock, Probes, interface_with};
pub use report::Report;
pub use subject::{Chosen, Port, Subject};
pub use text::{Style, write_report};
pub use tree::{Tree, Unread};
