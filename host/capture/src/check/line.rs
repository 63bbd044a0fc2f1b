//! The rules over one line: its stamps, its silence, and its sequence.

use super::{Example, Findings, Rule};
use std::collections::VecDeque;
use std::ops::Range;
use tercel_proto::itch;
use tercel_proto::mold::{Packet, PacketKind, Session};
use tercel_types::Nanos;

const SILENCE: Nanos = Nanos::from_secs(3);
/// Gaps of a line that are remembered.
const HOLES_MAX: usize = 4_096;

/// One line.
pub(super) struct Line {
    name: &'static str,
    session: Option<Session>,
    /// Number behind the last one heard.
    next: u64,
    holes: VecDeque<Range<u64>>,
    stamp: Option<Nanos>,
    heard: Option<Nanos>,
}

impl Line {
    pub(super) fn new(name: &'static str) -> Line {
        Line { name, session: None, next: 0, holes: VecDeque::new(), stamp: None, heard: None }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn on_packet(
        &mut self,
        packet: &Packet<'_>,
        received: Nanos,
        findings: &mut Findings,
    ) {
        let (seq, name) = (packet.seq().0, self.name);
        let example = |detail: String| {
            move || Example { received_ns: received.0, seq: Some(seq), of: name.into(), detail }
        };
        if let Some(before) = self.stamp
            && received < before
        {
            let detail = format!("{} ns back", before.0 - received.0);
            findings.add(Rule::StampBackwards, 1, example(detail));
        }
        self.stamp = Some(received);
        if let Some(heard) = self.heard
            && received.since(heard) > SILENCE
        {
            let detail = format!("{} ms", received.since(heard).0 / 1_000_000);
            findings.add(Rule::Silence, 1, example(detail));
        }
        self.heard = Some(self.heard.map_or(received, |heard| heard.max(received)));
        for (at, message) in packet.messages().enumerate() {
            if let Err(error) = itch::parse(message) {
                let seq = Some(seq + at as u64);
                let detail = error.to_string();
                let of = name.to_string();
                let example = || Example { received_ns: received.0, seq, of, detail };
                findings.add(Rule::MessageMalformed, 1, example);
            }
        }
        self.follow(packet, findings, example);
    }

    /// The rules over numbers.
    fn follow<E: FnOnce() -> Example>(
        &mut self,
        packet: &Packet<'_>,
        findings: &mut Findings,
        example: impl Fn(String) -> E,
    ) {
        let first = packet.seq().0;
        if self.session != Some(packet.session()) {
            // Another session, or the first: it counts from here.
            self.session = Some(packet.session());
            self.next = first;
            self.holes.clear();
        }
        let count = match packet.kind() {
            PacketKind::Messages(count) => u64::from(count),
            PacketKind::Heartbeat | PacketKind::EndOfSession => 0,
        };
        let end = first + count;
        if first > self.next {
            let missing = first - self.next;
            findings.add(Rule::LineGap, 1, example(format!("{missing} messages are missing")));
            if self.holes.len() == HOLES_MAX {
                self.holes.pop_front();
            }
            self.holes.push_back(self.next..first);
        } else if count > 0 && end <= self.next {
            if self.fill(first..end) {
                findings.add(Rule::LineLate, 1, example(format!("{count} messages")));
            } else {
                findings.add(Rule::LineDuplicate, 1, example(format!("{count} messages")));
            }
        }
        self.next = self.next.max(end);
    }

    /// Takes a range out of the gaps; whether any of it was in one.
    fn fill(&mut self, range: Range<u64>) -> bool {
        let mut left = VecDeque::new();
        let mut filled = false;
        for hole in self.holes.drain(..) {
            if hole.end <= range.start || range.end <= hole.start {
                left.push_back(hole);
                continue;
            }
            filled = true;
            let parts = [hole.start..range.start, range.end..hole.end];
            left.extend(parts.into_iter().filter(|part| part.start < part.end));
        }
        left.truncate(HOLES_MAX);
        self.holes = left;
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_packet_is_told_from_a_repeated_one() {
        let mut line = Line::new("a");
        line.holes.extend([5..8, 10..20]);
        assert!(line.fill(12..14));
        assert!(!line.fill(12..14));
        assert!(line.fill(7..11));
        assert_eq!(line.holes, [5..7, 11..12, 14..20]);
    }
}
