//! The seams to the outside: frames in, frames out, time.
//!
//! A driver implements these and passes the conformance suite in `tests/src/conformance.rs`;
//! nothing above a driver knows which one is in use. Every source hands out whole Ethernet frames.
//! A driver below which the system has already taken the headers off (a kernel UDP socket) puts
//! equal ones back, so that decoders, captures and tests see one format.

use crate::Nanos;
use core::fmt;

/// One Ethernet frame where the driver received it, without its frame check sequence.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// From the destination MAC address on.
    pub bytes: &'a [u8],
    /// When it arrived: the device's or the system's stamp where there is one, else the driver's
    /// clock at poll time.
    pub received: Nanos,
}

/// Why a port failed. The call that returns it has moved no frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortError {
    /// The device or the file has ended; no frame will follow.
    Closed,
    /// The system refused; its `errno`.
    System(i32),
    /// A frame was longer than the port carries.
    TooLong,
}

/// Where frames come from.
pub trait FrameSource {
    /// Hands at most `max` waiting frames to `each`, oldest first, and returns how many; never
    /// waits. A frame is valid during its call only.
    fn poll(&mut self, max: usize, each: impl FnMut(Frame<'_>)) -> Result<usize, PortError>;
}

/// Where frames go.
pub trait FrameSink {
    /// Space for one frame of `len` bytes, or `None` when the device has none free now. A second
    /// call before [`FrameSink::commit`] gives the same space back.
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]>;

    /// Sends the frame that was written to the reserved space.
    fn commit(&mut self) -> Result<(), PortError>;
}

/// An ordered byte stream to one peer, as TCP gives it: order sessions run over it.
pub trait StreamPort {
    /// Space for `len` bytes to send, or `None` while what was committed before still fills the
    /// port. A second call before [`StreamPort::commit`] gives the same space back.
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]>;

    /// Sends the first `len` bytes of the reserved space, all of them or, when the port is closed,
    /// none.
    fn commit(&mut self, len: usize) -> Result<(), PortError>;

    /// Hands the bytes received and not yet consumed to `each`, which returns how many it consumed;
    /// the rest come again with what follows them. Never waits. Returns how many were consumed.
    fn poll(&mut self, each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError>;
}

/// A clock, so that time is an argument.
pub trait Clock {
    /// Nanoseconds since the Unix epoch, or of the recorded time in a replay.
    fn now(&self) -> Nanos;
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortError::Closed => f.write_str("the port is closed"),
            PortError::System(errno) => write!(f, "system error {errno}"),
            PortError::TooLong => f.write_str("the frame is longer than the port carries"),
        }
    }
}

impl core::error::Error for PortError {}
