//! What a port has counted, and the state of its link.

use tercel_dpdk_sys::raw;

/// Counters and settings of a port. The device's own numbers are zero where it does not count them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PortReport {
    /// Frames handed out.
    pub frames: u64,
    /// Frames that came in several buffers and were put together.
    pub gathered: u64,
    /// Frames dropped here because they were longer than the port carries.
    pub oversized: u64,
    /// Frames whose time is the device's.
    pub stamped: u64,
    /// Frames with a stamp that is more than a second from the time, and so not believed.
    pub stamps_refused: u64,
    /// Frames that found the transmit ring full; each was kept for another commit.
    pub transmit_full: u64,
    /// Frames that the device received.
    pub received: u64,
    /// Frames that the device sent.
    pub sent: u64,
    /// Frames lost because the receive ring was full: we were too slow.
    pub missed: u64,
    /// Frames lost because no buffer was free: the pool is too small.
    pub no_buffer: u64,
    /// Frames received in error, with a wrong check sequence for example.
    pub receive_errors: u64,
    /// Frames that the device failed to send.
    pub transmit_errors: u64,
    /// Slots of the receive ring that were granted.
    pub receive_slots: u16,
    /// Slots of the transmit ring that were granted.
    pub transmit_slots: u16,
    /// Buffers that are free.
    pub buffers_free: u32,
    /// Frames to any address are received.
    pub promiscuous: bool,
    /// Frames to any group are received.
    pub all_multicast: bool,
}

/// State of the link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// Frames can pass.
    pub up: bool,
    /// Speed in megabits a second, where it is known.
    pub megabits: Option<u32>,
    /// Both directions at once.
    pub full_duplex: bool,
}

impl Link {
    pub(crate) fn of(link: &raw::Link) -> Link {
        let megabits = Some(link.megabits).filter(|&speed| speed != 0 && speed != u32::MAX);
        Link { up: link.up != 0, megabits, full_duplex: link.full_duplex != 0 }
    }
}
