//! The stack behind sees frames through here: one that arrives at a time, and a place for those it
//! makes. What it makes of bytes that a prepared segment has carried already is compared with that
//! segment and goes no further.

use crate::arrival::departing;
use crate::conn::{Conn, Departure};
use crate::outbox::Outbox;
use crate::report::TcpReport;
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// What goes by, and where it is kept.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Bytes of a frame at most.
    frame_max: usize,
    pub(crate) outbox: Outbox,
    pub(crate) conn: Conn,
    pub(crate) report: TcpReport,
    /// The segment that has gone out before the stack behind knew.
    ahead: Box<[u8]>,
    ahead_len: usize,
    /// A reply that finds no space in the outbox is written here, and lost.
    void: Box<[u8]>,
}

impl Wire {
    pub(crate) fn new(frame_max: usize, conn: Conn) -> Wire {
        Wire {
            frame_max,
            outbox: Outbox::new(frame_max),
            conn,
            report: TcpReport::default(),
            ahead: vec![0; frame_max].into_boxed_slice(),
            ahead_len: 0,
            void: vec![0; frame_max].into_boxed_slice(),
        }
    }

    /// Keeps a copy of the segment that is about to go out ahead.
    #[inline]
    pub(crate) fn keep_ahead(&mut self, frame: &[u8]) {
        // As long as the frames the outbox has space for: none is longer.
        if let Some(space) = self.ahead.get_mut(..frame.len()) {
            space.copy_from_slice(frame);
            self.ahead_len = frame.len();
        }
    }

    /// The segment that has gone out ahead and was not made again yet; empty when there is none.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.ahead[..self.ahead_len]
    }

    /// Waits no more for the segment that has gone out ahead; says whether it was still missing.
    pub(crate) fn forget_ahead(&mut self) -> bool {
        std::mem::take(&mut self.ahead_len) != 0
    }

    /// The device with `frame` waiting.
    pub(crate) fn with<'a>(&'a mut self, frame: &'a [u8]) -> Port<'a> {
        Port { wire: self, frame: Some(frame) }
    }

    /// The device with nothing waiting.
    pub(crate) fn idle(&mut self) -> Port<'_> {
        Port { wire: self, frame: None }
    }

    fn make(&mut self, len: usize, write: impl FnOnce(&mut [u8])) {
        let (conn, report) = (&mut self.conn, &mut self.report);
        let Some(frame) = self.outbox.tail(len) else {
            report.outbox_full += 1;
            // Longer than any frame it was told to make: not even the void has space.
            return write(self.void.get_mut(..len).unwrap_or(&mut []));
        };
        write(frame);
        if let Some(segment) = departing(frame)
            && segment.port == conn.port
        {
            match conn.on_departure(&segment, frame) {
                Departure::New => {}
                Departure::Again => report.retransmits += 1,
                Departure::Probe => report.probes += 1,
            }
        }
        if self.ahead_len != 0 && *frame == self.ahead[..self.ahead_len] {
            self.ahead_len = 0;
        } else {
            self.outbox.push();
        }
    }
}

/// [`Wire`] as the stack behind wants it.
pub(crate) struct Port<'a> {
    wire: &'a mut Wire,
    frame: Option<&'a [u8]>,
}

pub(crate) struct Arrived<'a>(&'a [u8]);

pub(crate) struct Made<'a>(&'a mut Wire);

impl phy::RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl phy::TxToken for Made<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut result = None;
        self.0.make(len, |frame| result = Some(write(frame)));
        // `make` calls its argument on each of its ways.
        result.expect("the frame was written")
    }
}

impl Device for Port<'_> {
    type RxToken<'b>
        = Arrived<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Made<'b>
    where
        Self: 'b;

    fn receive(&mut self, _now: Instant) -> Option<(Arrived<'_>, Made<'_>)> {
        let frame = self.frame.take()?;
        Some((Arrived(frame), Made(self.wire)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Made<'_>> {
        if self.wire.outbox.is_full() {
            return None;
        }
        Some(Made(self.wire))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.wire.frame_max;
        // What arrives has been checked before it comes here.
        capabilities.checksum.ipv4 = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}
