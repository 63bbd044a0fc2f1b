//! DPDK's virtual devices against the rules for every driver.
//!
//! DPDK starts once a process, so the tests of this file share it; each makes devices of its own.

#[path = "dpdk/devices.rs"]
mod devices;
#[path = "dpdk/frames.rs"]
mod frames;
#[path = "dpdk/lab.rs"]
mod lab;
#[path = "dpdk/leftovers.rs"]
mod leftovers;
#[path = "dpdk/losses.rs"]
mod losses;
#[path = "dpdk/opening.rs"]
mod opening;
