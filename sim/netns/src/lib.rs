//! Networks of a laboratory: namespaces joined by veth pairs, on any Linux with root.
//!
//! A [`Namespace`] has no name. It lives as long as a descriptor, a socket or a process in it, so
//! the kernel takes namespaces and interfaces away when the programs end, however they end: nothing
//! is to be cleaned up, after a crash neither. [`join`] lays a cable between two of them.
//!
//! Interfaces are set up by `ip` of iproute2.
#![forbid(unsafe_code)]

mod namespace;
mod veth;

pub use namespace::{Namespace, available};
pub use veth::{End, PREFIX, join};
