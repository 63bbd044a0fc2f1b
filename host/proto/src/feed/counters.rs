//! What a feed has seen and dropped, one number a reason.

use crate::{frame, itch, mold};

/// What one line has brought.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LineCounters {
    /// Good packets of the session, of any kind.
    pub packets: u64,
    /// Heartbeats among them.
    pub heartbeats: u64,
    /// Packets of which every message was known already, since the other line was faster or the
    /// network doubled them.
    pub duplicates: u64,
    /// Messages that this line brought first.
    pub messages_first: u64,
    /// Receive time of the last good packet.
    pub last_heard: u64,
}

/// What a feed has seen; every dropped frame, packet and message is in exactly one of the
/// `dropped_` and `malformed_` counters.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FeedCounters {
    /// Frames given to the feed.
    pub frames: u64,
    /// Messages handed out, live and recovered.
    pub messages: u64,
    /// Messages handed out with the flag `RECOVERED`.
    pub messages_recovered: u64,
    /// Messages handed out with the flag `SNAPSHOT`.
    pub messages_snapshot: u64,
    /// Line A and line B.
    pub lines: [LineCounters; 2],
    /// The retransmission server.
    pub recovery: LineCounters,
    /// Messages known already, in packets of any origin.
    pub messages_duplicate: u64,

    /// Frames that ended inside a header.
    pub dropped_short: u64,
    /// Frames that were not IPv4.
    pub dropped_not_ipv4: u64,
    /// IP version.
    pub dropped_version: u64,
    /// IP options.
    pub dropped_options: u64,
    /// IP fragments.
    pub dropped_fragment: u64,
    /// IP length.
    pub dropped_ip_length: u64,
    /// IP checksum.
    pub dropped_ip_checksum: u64,
    /// Not UDP.
    pub dropped_not_udp: u64,
    /// UDP length.
    pub dropped_udp_length: u64,
    /// UDP checksum.
    pub dropped_udp_checksum: u64,
    /// Datagrams neither to a line nor from the retransmission server.
    pub dropped_address: u64,
    /// MoldUDP64 packets shorter than a header.
    pub dropped_mold_short: u64,
    /// MoldUDP64 packets with a block that was cut short.
    pub dropped_mold_truncated: u64,
    /// MoldUDP64 packets with bytes behind the last block.
    pub dropped_mold_trailing: u64,
    /// MoldUDP64 sequence numbers out of range.
    pub dropped_mold_sequence: u64,
    /// Packets of a session that is not ours: not the configured one, the one before, or the
    /// server's and not the lines'.
    pub dropped_session: u64,
    /// Packets so far ahead that a gap of that size is not believed.
    pub dropped_far_ahead: u64,
    /// Messages behind the end of the session.
    pub dropped_after_end: u64,
    /// Ends of session that lie before messages already handed out.
    pub dropped_end: u64,
    /// Messages that waited behind a gap when the store overflowed or a snapshot or another session
    /// took their place.
    pub dropped_pending: u64,
    /// Snapshot messages that came when no snapshot was under way.
    pub dropped_snapshot: u64,

    /// Messages without a byte.
    pub malformed_empty: u64,
    /// Messages of an unknown type.
    pub malformed_kind: u64,
    /// Messages whose length is not that of their type.
    pub malformed_length: u64,

    /// Gaps opened.
    pub gaps: u64,
    /// Gaps closed.
    pub gaps_closed: u64,
    /// Retransmission requests made.
    pub requests: u64,
    /// Times that requests were exhausted.
    pub requests_exhausted: u64,
    /// Times that the store of waiting messages overflowed.
    pub store_overflows: u64,
    /// Snapshots begun.
    pub snapshots: u64,
    /// Snapshots completed.
    pub snapshots_done: u64,
    /// Snapshots that failed or were given up, to be begun again.
    pub snapshots_failed: u64,
    /// Times the feed fell silent.
    pub downs: u64,
    /// Session changes.
    pub session_changes: u64,
}

impl FeedCounters {
    /// Counts a frame that was dropped.
    #[cold]
    pub(super) fn frame_error(&mut self, error: frame::Error) {
        *match error {
            frame::Error::Short => &mut self.dropped_short,
            frame::Error::NotIpv4 => &mut self.dropped_not_ipv4,
            frame::Error::Version => &mut self.dropped_version,
            frame::Error::Options => &mut self.dropped_options,
            frame::Error::Fragment => &mut self.dropped_fragment,
            frame::Error::IpLength => &mut self.dropped_ip_length,
            frame::Error::IpChecksum => &mut self.dropped_ip_checksum,
            frame::Error::NotUdp => &mut self.dropped_not_udp,
            frame::Error::UdpLength => &mut self.dropped_udp_length,
            frame::Error::UdpChecksum => &mut self.dropped_udp_checksum,
        } += 1;
    }

    /// Counts a packet that was dropped.
    #[cold]
    pub(super) fn mold_error(&mut self, error: mold::Error) {
        *match error {
            mold::Error::Short => &mut self.dropped_mold_short,
            mold::Error::Truncated => &mut self.dropped_mold_truncated,
            mold::Error::Trailing => &mut self.dropped_mold_trailing,
            mold::Error::Sequence => &mut self.dropped_mold_sequence,
        } += 1;
    }

    /// Counts a message that was not handed out.
    #[cold]
    pub(super) fn itch_error(&mut self, error: itch::Error) {
        *match error {
            itch::Error::Empty => &mut self.malformed_empty,
            itch::Error::Kind(_) => &mut self.malformed_kind,
            itch::Error::Length(_) => &mut self.malformed_length,
        } += 1;
    }
}
