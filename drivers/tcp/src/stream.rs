//! The stack as the stream an order session runs over.

use crate::arrival::HEADERS;
use crate::behind::{Behind, QUEUE};
use crate::report::State;
use crate::stack::{Reserved, SEND_MAX, TcpStack};
use tercel_types::{Clock, FrameSink, FrameSource, Nanos, PortError, StreamPort};

impl<P: FrameSource + FrameSink, C: Clock> StreamPort for TcpStack<P, C> {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len <= self.room
            && let Some(frame) = self.port.reserve(HEADERS + len)
        {
            self.reserved = Reserved::Frame(len);
            return frame.get_mut(HEADERS..);
        }
        self.reserved = Reserved::Nothing;
        if !has_space(&mut self.behind, self.held, len) {
            return None;
        }
        self.reserved = Reserved::Staged(len);
        self.staging.get_mut(self.held..self.held + len)
    }

    /// `TooLong` when `len` is more than was reserved.
    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        match std::mem::replace(&mut self.reserved, Reserved::Nothing) {
            Reserved::Frame(reserved) if len <= reserved && len <= self.room && len > 0 => {
                self.commit_frame(len)
            }
            Reserved::Frame(reserved) if len <= reserved => self.commit_elsewhere(reserved, len),
            Reserved::Staged(reserved) if len <= reserved => self.commit_staged(len),
            Reserved::Nothing if len == 0 => self.commit_staged(0),
            Reserved::Frame(_) | Reserved::Staged(_) | Reserved::Nothing => Err(PortError::TooLong),
        }
    }

    /// `Closed` once the peer has closed and `each` consumes nothing of what is left; `TooLong`
    /// when the buffer is full and `each` consumes nothing, so that nothing can follow.
    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let now = self.clock.now();
        let busy = self.take_frames(now);
        if busy && self.is_readable() {
            self.behind.drain(&mut self.inbox);
        }
        let waiting = self.inbox.waiting();
        let consumed = match waiting.len() {
            0 => 0,
            len => each(waiting).min(len),
        };
        self.inbox.consume(consumed);
        // Space that the reader has made lets in what waits behind it.
        if busy || (consumed > 0 && self.behind.socket().can_recv()) {
            self.settle(now);
        }
        if consumed > 0 {
            Ok(consumed)
        } else if self.has_ended() {
            Err(PortError::Closed)
        } else if self.inbox.is_full() {
            Err(PortError::TooLong)
        } else {
            Ok(0)
        }
    }
}

/// Whether `len` bytes more would find space.
fn has_space(behind: &mut Behind, held: usize, len: usize) -> bool {
    let queued = behind.socket().send_queue();
    len <= SEND_MAX - held && len <= QUEUE - queued
}

impl<P: FrameSource + FrameSink, C: Clock> TcpStack<P, C> {
    /// The prepared segment: complete, on the wire, and only then told to the stack behind.
    #[inline]
    fn commit_frame(&mut self, len: usize) -> Result<(), PortError> {
        let Some(frame) = self.port.reserve(HEADERS + len) else { return self.space_is_gone() };
        self.prepared.complete(frame);
        self.behind.wire.keep_ahead(frame);
        if self.port.commit().is_err() {
            return self.refused(len);
        }
        self.behind.wire.report.fast += 1;
        self.tell();
        Ok(())
    }

    /// A port that does not keep its promise has lost the bytes: better no order than half of one.
    #[cold]
    fn space_is_gone(&mut self) -> Result<(), PortError> {
        self.behind.wire.report.port_errors += 1;
        Err(PortError::Closed)
    }

    /// The port refused the prepared segment: the bytes go the ordinary way, and are sent again
    /// until they arrive.
    #[cold]
    fn refused(&mut self, len: usize) -> Result<(), PortError> {
        self.behind.wire.report.port_errors += 1;
        self.staging[..len].copy_from_slice(&self.behind.wire.ahead()[HEADERS..]);
        self.behind.wire.forget_ahead();
        self.commit_staged(len)
    }

    /// Reserved in a frame of the port, but that cannot leave now.
    #[cold]
    fn commit_elsewhere(&mut self, reserved: usize, len: usize) -> Result<(), PortError> {
        let Some(frame) = self.port.reserve(HEADERS + reserved) else {
            return self.space_is_gone();
        };
        let bytes = &frame[HEADERS..HEADERS + len];
        // Nothing is held while segments are prepared.
        self.staging[self.held..self.held + len].copy_from_slice(bytes);
        if !has_space(&mut self.behind, self.held, len) {
            return self.space_is_gone();
        }
        self.commit_staged(len)
    }

    /// Through the send buffer.
    fn commit_staged(&mut self, len: usize) -> Result<(), PortError> {
        match self.state() {
            State::Closed(_) => return Err(PortError::Closed),
            State::Connecting => {
                self.held += len;
                self.behind.wire.report.ordinary += u64::from(len > 0);
                return Ok(());
            }
            State::Open => {}
        }
        if !self.behind.socket().may_send() {
            return Err(PortError::Closed);
        }
        if len > 0 {
            self.behind.queue(&self.staging[self.held..self.held + len]);
            self.behind.wire.report.ordinary += 1;
            let now: Nanos = self.clock.now();
            self.settle(now);
        }
        Ok(())
    }

    fn has_ended(&mut self) -> bool {
        match self.state() {
            State::Connecting => false,
            State::Closed(_) => !self.is_readable() || !self.behind.socket().can_recv(),
            State::Open => !self.behind.socket().may_recv(),
        }
    }
}
