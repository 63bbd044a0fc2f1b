//! Frames through DPDK: a network device that this process has for itself, without the kernel.
//!
//! [`Eal`] starts DPDK, once a process. [`DpdkPort`] is one device as a source and a sink of
//! frames, with one queue each way: a PCI device bound to vfio-pci, or one of DPDK's own virtual
//! devices, which work on every machine (`net_af_xdp0,iface=eth1`, `net_af_packet0,iface=eth1`,
//! `net_ring0`, `net_memif0,role=client`, `net_pcap0,rx_pcap=file`).
//!
//! After construction a port allocates nothing, and no poll or commit waits. Buffers come from a
//! pool of the port's own and go back exactly once, also when whoever is given a frame panics.
//!
//! A killed process leaves nothing behind that the next start would trip over: huge pages are taken
//! without files, no file of DPDK is locked, and the one thing that the kernel keeps, the XDP
//! program of a `net_af_xdp` device, is taken off at the next start if no socket uses it.
//!
//! All unsafe code is in `sys.rs`, `below.rs` and `orphan/sys.rs`.
#![deny(unsafe_code)]

mod arguments;
#[allow(unsafe_code)]
mod below;
mod config;
mod diagnosis;
mod eal;
mod error;
mod flow;
#[allow(unsafe_code)]
mod orphan;
mod port;
mod report;
mod stamp;
#[allow(unsafe_code)]
mod sys;

pub use arguments::{Memory, arguments};
pub use config::{FRAME_MIN, PortConfig};
pub use eal::Eal;
pub use error::DpdkError;
pub use flow::FlowRule;
pub use port::DpdkPort;
pub use report::{Link, PortReport};
