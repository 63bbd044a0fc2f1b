//! Two lines of one feed become one stream of numbers: what is new, what fills the newest hole, and
//! what has to be taken back because its packet proved bad.

use crate::counters::Counters;
use tercel_abi::device::{LINES, counter, line_counter};
use tercel_abi::{EventRecord, Kind};

/// A gap of more messages than that is not believed.
const AHEAD_MAX: u64 = 1 << 32;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// It is the next one.
    New,
    /// It fills the first place of the hole.
    Fill,
    /// Not at all.
    No,
}

/// What is known of the packet that a line is in.
#[derive(Clone, Copy, Default, Debug)]
struct Packet {
    /// Its number, as BEGIN gave it.
    seq: u64,
    /// It is too far ahead to be believed.
    refused: bool,
    /// It opened the hole, and nothing of the other line has been new since.
    jumped: bool,
    /// The end of the hole that it has filled.
    closing: Option<u64>,
    /// First and end of the numbers it brought.
    accepted: Option<(u64, u64)>,
}

/// State of the merge.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    /// Next new number; zero takes the first that comes.
    expected: u64,
    /// First missing number and end of the hole; none when they are equal.
    hole: (u64, u64),
    packets: [Packet; LINES],
}

impl Merge {
    /// Expects `next_seq` first.
    pub(crate) fn new(next_seq: u64) -> Merge {
        Merge { expected: next_seq, hole: (next_seq, next_seq), packets: Default::default() }
    }

    /// A packet begins with number `seq`.
    pub(crate) fn begin(
        &mut self,
        line: usize,
        seq: u64,
        counters: &mut Counters,
    ) -> Option<EventRecord> {
        self.packets[line] = Packet { seq, ..Packet::default() };
        if seq <= self.expected {
            return None;
        }
        let first = self.expected;
        if first > 0 && seq - first > AHEAD_MAX {
            self.packets[line].refused = true;
            counters.add(counter::FAR_AHEAD);
            return None;
        }
        self.hole = (first, seq);
        self.packets[line].jumped = true;
        self.packets[1 - line].jumped = false;
        self.forget_closing();
        self.expected = seq;
        counters.add(counter::GAPS);
        let quantity = seq - first;
        Some(EventRecord { order_ref: first, quantity, ..EventRecord::new(Kind::GapOpen) })
    }

    /// Message number `seq` has come.
    pub(crate) fn message(&mut self, line: usize, seq: u64, counters: &mut Counters) -> Taken {
        if self.packets[line].refused {
            return Taken::No;
        }
        let (first, end) = self.hole;
        let taken = if seq == self.expected {
            self.expected += 1;
            self.packets[1 - line].jumped = false;
            Taken::New
        } else if first < end && seq == first {
            self.hole.0 += 1;
            if self.hole.0 == end {
                self.packets[line].closing = Some(end);
            }
            Taken::Fill
        } else {
            counters.add_line(line, line_counter::DUPLICATES);
            return Taken::No;
        };
        let accepted = &mut self.packets[line].accepted;
        *accepted = Some((accepted.map_or(seq, |(first, _)| first), seq + 1));
        counters.add_line(line, line_counter::MESSAGES);
        taken
    }

    /// The packet has ended.
    pub(crate) fn end(
        &mut self,
        line: usize,
        good: bool,
        session_end: bool,
        counters: &mut Counters,
    ) -> Option<EventRecord> {
        let packet = self.packets[line];
        if packet.refused {
            None
        } else if !good {
            self.take_back(line, counters)
        } else if session_end {
            Some(EventRecord { order_ref: packet.seq, ..EventRecord::new(Kind::SessionEnd) })
        } else {
            let end = packet.closing?;
            counters.add(counter::GAPS_CLOSED);
            Some(EventRecord { order_ref: end, ..EventRecord::new(Kind::GapClosed) })
        }
    }

    /// What a bad packet brought is void: its numbers become the hole, or, where the packet itself
    /// opened one that no other line has confirmed, the hole is forgotten with it. A hole that the
    /// other line has opened and that is not confirmed yet stays, as what to go back to.
    fn take_back(&mut self, line: usize, counters: &mut Counters) -> Option<EventRecord> {
        let packet = self.packets[line];
        if packet.jumped {
            self.expected = self.hole.0;
            self.hole.1 = self.hole.0;
        } else {
            let accepted = packet.accepted?;
            if !self.packets[1 - line].jumped {
                self.hole = accepted;
            }
        }
        self.forget_closing();
        counters.add(counter::RETRACTS);
        let (first, end) = packet.accepted.unwrap_or((0, 0));
        Some(EventRecord {
            order_ref: first,
            quantity: end - first,
            second_ref: self.expected,
            ..EventRecord::new(Kind::Retract)
        })
    }

    fn forget_closing(&mut self) {
        for packet in &mut self.packets {
            packet.closing = None;
        }
    }
}

#[cfg(test)]
mod tests;
