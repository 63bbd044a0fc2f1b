//! Where a connection stands, and what has been counted.

use core::fmt;
use tercel_types::PortError;

/// Where the connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// There is none.
    Closed(Reason),
    /// The peer has not answered yet. What is committed now leaves when it has.
    Connecting,
    /// Bytes flow. The peer may have sent its last; then polling the stream says `Closed`.
    Open,
}

/// Why there is no connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Nobody has dialled.
    NotDialled,
    /// The peer refused.
    Refused,
    /// The peer did not answer in time.
    NoAnswer,
    /// The peer reset the connection.
    Reset,
    /// The peer fell silent: neither acknowledgements nor answers to keep-alives.
    Silent,
    /// We hung up.
    HungUp,
    /// The port failed for good.
    Port(PortError),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NotDialled => f.write_str("not dialled"),
            Reason::Refused => f.write_str("the peer refused"),
            Reason::NoAnswer => f.write_str("the peer did not answer"),
            Reason::Reset => f.write_str("the peer reset the connection"),
            Reason::Silent => f.write_str("the peer fell silent"),
            Reason::HungUp => f.write_str("hung up"),
            Reason::Port(error) => write!(f, "the port failed: {error}"),
        }
    }
}

/// What has been counted since the stack was made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TcpReport {
    /// Connections begun.
    pub dials: u64,
    /// Of these, answered.
    pub connected: u64,
    /// Connections that the peer reset or refused.
    pub resets: u64,
    /// Frames that came.
    pub frames: u64,
    /// Of these, for someone else: another MAC or IP address, protocol, peer or port.
    pub foreign: u64,
    /// Too short for what they say they are, a wrong checksum, a fragment, IP options.
    pub malformed: u64,
    /// Commits whose prepared segment went out at once.
    pub fast: u64,
    /// Commits that went through the send buffer.
    pub ordinary: u64,
    /// Prepared segments that differed from what the full stack made of the same bytes. Each ends
    /// the use of prepared segments for its connection.
    pub mismatches: u64,
    /// Segments sent again, in whole or in part.
    pub retransmits: u64,
    /// Acknowledgements that came again for what has been sent.
    pub duplicate_acks: u64,
    /// Segments that came after a missing one, or again.
    pub out_of_order: u64,
    /// Keep-alives and probes of a closed window sent.
    pub probes: u64,
    /// Answers that were not sent because the outbox was full.
    pub outbox_full: u64,
    /// Frames that had to wait because the port had no space.
    pub waited: u64,
    /// Frames that the port refused, and polls that failed.
    pub port_errors: u64,
    /// Times the next hop was asked for its MAC address before what is known ran out.
    pub arp_refreshes: u64,
}
