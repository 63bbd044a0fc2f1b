//! What is known of the connection from outside: sequence numbers, windows and the like, read from
//! the segments that go by and from what the stack behind tells in public.
//!
//! The stack behind keeps the same numbers to itself. Where these here and its own could differ,
//! the comparison of every prepared segment tells; until then they decide only whether a segment
//! may be prepared, never what is sent again.

use crate::arrival::{ACK, ETHERNET, IP, RST, SYN, Segment};

/// Ethernet and IP header of the frames of a connection.
pub(crate) const LINK: usize = ETHERNET + IP;

/// Segments a peer that names no size takes (RFC 9293 §3.7.1).
const DEFAULT_SIZE: usize = 536;

/// The smallest segment size that is believed, as the stack behind has it.
const SIZE_MIN: usize = 48;

/// The largest shift of a window (RFC 7323 §2.3).
const SCALE_MAX: u8 = 14;

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Conn {
    /// Our port; zero where there is no connection.
    pub(crate) port: u16,
    /// Both initial sequence numbers are known and the peer has accepted ours.
    pub(crate) synchronised: bool,
    /// The sequence number of the next byte to be committed.
    pub(crate) next: u32,
    /// The sequence number after the last byte that was taken out of the receive buffer.
    pub(crate) taken: u32,
    /// Where in the ring of the send buffer the next byte will stand.
    pub(crate) write_at: usize,
    /// Bytes beyond what is acknowledged that the peer takes.
    pub(crate) window: u32,
    /// The largest payload of one segment.
    pub(crate) size: usize,
    /// Shift of the windows we tell.
    pub(crate) shift: u8,
    /// Shift of the windows the peer tells.
    scale: u8,
    /// Acknowledgement and window field of the last segment sent.
    told: (u32, u16),
    /// The end of what has been sent in the order of its bytes.
    sent: u32,
    /// Ethernet and IP header of the last frame sent, once there is one.
    pub(crate) link: Option<[u8; LINK]>,
    /// Prepared segments are in use.
    pub(crate) prepares: bool,
}

/// What a departing segment was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Departure {
    /// Bytes for the first time, or none.
    New,
    /// Bytes that have been sent before.
    Again,
    /// One byte that asks for an answer.
    Probe,
}

impl Conn {
    /// A connection from `port` that tells windows shifted by `shift`.
    pub(crate) fn new(port: u16, shift: u8, prepares: bool) -> Conn {
        Conn {
            port,
            synchronised: false,
            next: 0,
            taken: 0,
            write_at: 0,
            window: 0,
            size: 0,
            shift,
            scale: 0,
            told: (0, 0),
            sent: 0,
            link: None,
            prepares,
        }
    }

    /// The SYN and ACK that opened the connection, with what its options say.
    pub(crate) fn on_open(
        &mut self,
        syn: &Segment,
        options: (Option<u8>, Option<u16>),
        mss: usize,
    ) {
        let (scale, size) = options;
        self.scale = scale.unwrap_or(0).min(SCALE_MAX);
        if scale.is_none() {
            self.shift = 0;
        }
        let theirs = size.filter(|size| *size != 0).map_or(DEFAULT_SIZE, usize::from);
        self.size = theirs.max(SIZE_MIN).min(mss);
        (self.next, self.sent) = (syn.ack, syn.ack);
        self.taken = syn.seq.wrapping_add(1);
        self.told.0 = syn.seq;
        // A SYN's own window is not shifted (RFC 7323 §2.2).
        self.window = u32::from(syn.window);
        self.synchronised = true;
    }

    /// A segment that came, before the stack behind has seen it, with `unacked` bytes in its send
    /// buffer and `unread` in its receive buffer. Says whether it repeats an acknowledgement.
    pub(crate) fn on_arrival(&mut self, segment: &Segment, unacked: usize, unread: usize) -> bool {
        let first = self.next.wrapping_sub(unacked as u32);
        let window = u32::from(segment.window) << self.scale;
        let answers = segment.flags & (ACK | RST | SYN) == ACK
            && segment.ack.wrapping_sub(first) <= unacked as u32;
        let before = self.window;
        if answers && self.is_acceptable(segment, unread) {
            self.window = window;
        } else {
            self.window = self.window.min(window);
        }
        answers && segment.len == 0 && segment.ack == first && unacked > 0 && window == before
    }

    /// The acceptability test of RFC 9293 §3.10.7.4.
    fn is_acceptable(&self, segment: &Segment, unread: usize) -> bool {
        let start = self.expected(unread);
        let end = self.told.0.wrapping_add(u32::from(self.told.1) << self.shift);
        let size = end.wrapping_sub(start);
        let at = segment.seq.wrapping_sub(start);
        if segment.len == 0 {
            return at < size || (size == 0 && at == 0);
        }
        let last = at.wrapping_add(segment.len);
        size != 0 && (at < size || (last.wrapping_sub(1) < size))
    }

    /// The next sequence number expected from the peer.
    pub(crate) fn expected(&self, unread: usize) -> u32 {
        self.taken.wrapping_add(unread as u32)
    }

    /// A frame of this connection that leaves.
    pub(crate) fn on_departure(&mut self, segment: &Segment, frame: &[u8]) -> Departure {
        if segment.flags & RST != 0 {
            return Departure::New;
        }
        if let Some(link) = frame.first_chunk::<LINK>() {
            self.link = Some(*link);
        }
        self.told.1 = segment.window;
        if segment.flags & SYN != 0 || !self.synchronised {
            return Departure::New;
        }
        self.told.0 = segment.ack;
        let from = segment.seq.wrapping_sub(self.sent) as i32;
        let end = segment.seq.wrapping_add(segment.len);
        if segment.len == 1 && (from == -1 || (from == 0 && self.window == 0)) {
            return Departure::Probe;
        }
        if end.wrapping_sub(self.sent) as i32 > 0 {
            self.sent = end;
        }
        if segment.len > 0 && from < 0 { Departure::Again } else { Departure::New }
    }

    /// `len` bytes went into the send buffer of `capacity` bytes, `unacked` of which held bytes.
    pub(crate) fn on_queued(&mut self, len: usize, unacked: usize, capacity: usize) {
        // The ring begins at its start again when it is found empty.
        let from = if unacked == 0 { 0 } else { self.write_at };
        self.write_at = (from + len) % capacity;
        self.next = self.next.wrapping_add(len as u32);
    }

    /// The longest payload that the stack behind would send now as one segment, at once, with
    /// `unacked` of the `capacity` bytes of its send buffer in use and all of those sent.
    pub(crate) fn room(&self, unacked: usize, capacity: usize) -> usize {
        let contiguous = if unacked == 0 { capacity } else { capacity - self.write_at };
        let window = (self.window as usize).saturating_sub(unacked);
        self.size.min(window).min(contiguous).min(capacity - unacked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(seq: u32, ack: u32, len: u32, window: u16) -> Segment {
        Segment { mac: [0; 6], port: 9, seq, ack, flags: ACK, window, len }
    }

    fn open(scale: Option<u8>, size: Option<u16>) -> Conn {
        let mut conn = Conn::new(9, 1, true);
        let syn = Segment { flags: SYN, ..segment(u32::MAX, 0, 0, 65_535) };
        conn.on_departure(&syn, &[0; 60]);
        let answer = Segment { flags: SYN | ACK, ..segment(u32::MAX, 1_000, 0, 5_000) };
        conn.on_open(&answer, (scale, size), 1_460);
        conn.on_departure(&segment(1_000, 0, 0, 32_768), &[0; 60]);
        conn
    }

    #[test]
    fn options_are_as_the_stack_behind_takes_them() {
        let conn = open(None, None);
        assert_eq!((conn.shift, conn.size, conn.window), (0, 536, 5_000));
        assert_eq!(open(Some(200), Some(1_400)).scale, 14);
        assert_eq!(open(Some(2), Some(1)).size, 48);
        assert_eq!(open(Some(2), Some(0)).size, 536);
        assert_eq!(open(Some(2), Some(9_000)).size, 1_460);
    }

    #[test]
    fn windows_of_acceptable_segments_count_and_others_can_only_close() {
        let mut conn = open(Some(2), Some(1_460));
        assert_eq!(conn.expected(0), 0);
        conn.on_arrival(&segment(0, 1_000, 10, 100), 0, 0);
        assert_eq!((conn.window, conn.room(0, 4_096)), (400, 400));
        // Beyond our window: it may only close it.
        conn.on_arrival(&segment(1 << 20, 1_000, 10, 500), 0, 10);
        assert_eq!(conn.window, 400);
        conn.on_arrival(&segment(1 << 20, 1_000, 10, 50), 0, 10);
        assert_eq!(conn.window, 200);
        // Acknowledges what was never sent.
        conn.on_arrival(&segment(10, 1_001, 0, 9), 0, 10);
        assert_eq!(conn.window, 36);
        conn.on_arrival(&segment(10, 1_000, 0, 500), 0, 10);
        assert_eq!(conn.window, 2_000);
    }

    #[test]
    fn segments_sent_again_and_probes_are_told_apart() {
        let mut conn = open(Some(0), Some(1_460));
        conn.on_queued(100, 0, 4_096);
        assert_eq!(conn.on_departure(&segment(1_000, 0, 100, 1), &[0; 60]), Departure::New);
        assert_eq!(conn.on_departure(&segment(1_000, 0, 100, 1), &[0; 60]), Departure::Again);
        assert_eq!(conn.on_departure(&segment(1_099, 0, 1, 1), &[0; 60]), Departure::Probe);
        assert_eq!(conn.on_departure(&segment(1_100, 0, 0, 1), &[0; 60]), Departure::New);
        assert!(conn.on_arrival(&segment(0, 1_000, 0, 5_000), 100, 0));
        assert!(!conn.on_arrival(&segment(0, 1_100, 0, 5_000), 100, 0));
    }

    #[test]
    fn room_ends_where_the_ring_does() {
        let mut conn = open(Some(4), Some(1_460));
        conn.window = 1 << 20;
        conn.on_queued(4_000, 0, 4_096);
        assert_eq!(conn.room(4_000, 4_096), 96);
        assert_eq!(conn.room(100, 4_096), 96);
        assert_eq!(conn.room(0, 4_096), 1_460);
        conn.on_queued(200, 100, 4_096);
        assert_eq!((conn.write_at, conn.room(300, 4_096)), (104, 1_460));
    }
}
