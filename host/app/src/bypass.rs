//! Frames beside the kernel's stack: ports, the feed's lines over them, the order session over one.

mod lines;
#[cfg(feature = "lab")]
mod loss;
mod port;
mod session;

pub(crate) use lines::BypassLines;
pub(crate) use port::{Dpdk, PortKind, PortSpec};
pub(crate) use session::{BypassSession, OrderPath};
