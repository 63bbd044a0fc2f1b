//! What is not the next packet in sequence: gaps, overlaps, other sessions, ends.

use super::{Feed, Origin, Phase, begin, emit};
use crate::mold::{COUNT_MAX, Packet, PacketKind, Request, Session};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::{Nanos, SeqNo};

/// A gap larger than this is not believed: a day of Nasdaq's feed has about 10^9 messages.
const JUMP_MAX: u64 = 1 << 32;

impl Feed {
    /// Messages that are not simply the next ones of a live feed, nor wholly known to one.
    #[cold]
    pub(super) fn on_other_messages(
        &mut self,
        origin: Origin,
        packet: &Packet<'_>,
        received: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let PacketKind::Messages(count) = packet.kind() else { return };
        let (first, count) = (packet.seq().0, u64::from(count));
        let end = first + count;
        let known = self.expected.saturating_sub(first).min(count);
        if self.phase == Phase::Ended {
            self.counters.messages_duplicate += known;
            self.counters.dropped_after_end += count - known;
            return;
        }
        if known == count {
            self.line(origin).duplicates += 1;
            self.counters.messages_duplicate += count;
            return;
        }
        if !self.believes(first) {
            return;
        }
        self.known_end = self.known_end.max(end);
        let fills = matches!(self.phase, Phase::Live | Phase::Gap | Phase::Wanted);
        if fills && first <= self.expected {
            let flags = if self.phase == Phase::Live { 0 } else { flag::RECOVERED };
            self.counters.messages_duplicate += known;
            self.line(origin).messages_first += count - known;
            self.expected = end;
            // `known` is less than a packet's count, which has 16 bits.
            self.deliver(packet, known as usize, flags, received, out);
            self.on_progress(origin, out);
        } else {
            self.hold(origin, packet, received);
            self.missing(out);
        }
    }

    /// Holds what is new of a packet beyond a gap.
    fn hold(&mut self, origin: Origin, packet: &Packet<'_>, received: Nanos) {
        let PacketKind::Messages(count) = packet.kind() else { return };
        let (first, from) = (packet.seq().0, self.expected);
        let mut held = self.pending.insert(first, packet.messages(), from, received);
        if held.is_err() {
            if self.phase == Phase::Live {
                self.start_gap();
            }
            self.overflow();
            // The newest is worth most: a snapshot will be later than all that was held before.
            held = self.pending.insert(first, packet.messages(), from, received);
        }
        let Ok(held) = held else {
            self.pending.clear();
            self.counters.dropped_pending += u64::from(count);
            return;
        };
        self.line(origin).messages_first += held;
        self.counters.messages_duplicate += u64::from(count) - held;
        if held == 0 {
            self.line(origin).duplicates += 1;
        }
    }

    /// The sender will use `seq` next, so everything before it has been sent.
    #[cold]
    pub(super) fn on_next_seq(&mut self, seq: u64, out: &mut impl FnMut(&EventRecord)) {
        if seq > self.expected && self.phase != Phase::Ended && self.believes(seq) {
            self.known_end = self.known_end.max(seq);
            self.missing(out);
        }
    }

    /// The session has ended before `seq`.
    #[cold]
    pub(super) fn on_end_of_session(&mut self, seq: u64, out: &mut impl FnMut(&EventRecord)) {
        if self.phase == Phase::Ended {
            return;
        }
        if seq < self.expected {
            self.counters.dropped_end += 1;
            return;
        }
        if seq > self.expected && !self.believes(seq) {
            return;
        }
        self.ended_at = Some(seq);
        self.on_next_seq(seq, out);
        self.end_if_complete(out);
    }

    /// Whether a number is near enough to what is expected to be real.
    fn believes(&mut self, seq: u64) -> bool {
        let real = self.expected == 0 || seq.saturating_sub(self.expected) <= JUMP_MAX;
        self.counters.dropped_far_ahead += u64::from(!real);
        real
    }

    /// Something beyond the expected number is known to exist: opens a gap if none is.
    pub(super) fn missing(&mut self, out: &mut impl FnMut(&EventRecord)) {
        if self.phase == Phase::Live {
            self.start_gap();
        }
        self.open_gap(out);
    }

    pub(super) fn start_gap(&mut self) {
        self.phase = Phase::Gap;
        self.requests.restart_after_wait(self.now);
    }

    /// Says that a gap is open, unless it has been said or none is.
    pub(super) fn open_gap(&mut self, out: &mut impl FnMut(&EventRecord)) {
        if self.gap_open || matches!(self.phase, Phase::Live | Phase::Ended) {
            return;
        }
        self.gap_open = true;
        self.counters.gaps += 1;
        let missing = self.hole().map_or(0, |hole| hole.end - hole.start);
        self.tell(Kind::GapOpen, self.expected, missing, out);
    }

    /// The expected number has moved while a gap was open.
    pub(super) fn on_progress(&mut self, origin: Origin, out: &mut impl FnMut(&EventRecord)) {
        if !matches!(self.phase, Phase::Gap | Phase::Wanted) {
            return;
        }
        self.drain(out);
        match origin {
            // The server answers: ask on at once, and no longer for a snapshot.
            Origin::Recovery => {
                self.phase = Phase::Gap;
                self.requests.restart(self.now);
            }
            Origin::Line(_) if self.phase == Phase::Gap => {
                self.requests.restart_after_wait(self.now);
            }
            Origin::Line(_) => {}
        }
        self.close_if_complete(out);
    }

    /// Hands out what was held and is next now.
    pub(super) fn drain(&mut self, out: &mut impl FnMut(&EventRecord)) {
        self.counters.messages_duplicate += self.pending.discard_below(self.expected);
        while let Some(run) = self.pending.pop(self.expected) {
            self.expected = run.end;
            if run.decoded {
                if let Some(record) = self.pending.record(&run) {
                    self.hand_out(&record, true, out);
                }
                continue;
            }
            let mut good = 0;
            for message in self.pending.messages(&run) {
                let (venue, counters) = (self.config.venue, &mut self.counters);
                let flags = flag::RECOVERED;
                good += u64::from(emit(counters, venue, message, flags, run.received, out));
            }
            self.counters.messages += good;
            self.counters.messages_recovered += good;
        }
    }

    /// Closes the gap if nothing is missing any more.
    pub(super) fn close_if_complete(&mut self, out: &mut impl FnMut(&EventRecord)) {
        if self.hole().is_some() {
            return;
        }
        self.phase = Phase::Live;
        if self.gap_open {
            self.gap_open = false;
            self.counters.gaps_closed += 1;
            self.tell(Kind::GapClosed, self.expected, 0, out);
        }
        self.end_if_complete(out);
    }

    /// Ends the feed if the session has ended and everything of it was handed out.
    fn end_if_complete(&mut self, out: &mut impl FnMut(&EventRecord)) {
        if self.phase == Phase::Live && self.ended_at == Some(self.expected) {
            self.phase = Phase::Ended;
            self.tell(Kind::SessionEnd, self.expected, 0, out);
        }
    }

    /// The first numbers that are missing.
    fn hole(&self) -> Option<core::ops::Range<u64>> {
        let end = self.pending.first().unwrap_or(self.known_end);
        (self.expected != 0 && self.expected < end).then_some(self.expected..end)
    }

    /// The request for the first hole.
    pub(super) fn next_request(&self) -> Option<Request> {
        let hole = self.hole()?;
        let count = (hole.end - hole.start).min(u64::from(COUNT_MAX)) as u16;
        Some(Request { session: self.session?, seq: SeqNo(hole.start), count })
    }

    /// Wants a snapshot once no request is left to be made.
    pub(super) fn give_up_requests(&mut self) {
        let none_left = self.config.recovery.is_none() || self.requests.is_exhausted();
        if self.phase == Phase::Gap && none_left && self.requests.is_due(self.now) {
            self.phase = Phase::Wanted;
            self.counters.requests_exhausted += 1;
        }
    }

    /// Whether a packet of this session is for us, where the session is not the known one or the
    /// lines were silent.
    #[cold]
    pub(super) fn admit(
        &mut self,
        origin: Origin,
        session: Session,
        out: &mut impl FnMut(&EventRecord),
    ) -> bool {
        let other = self.session != Some(session);
        if other {
            let fixed = self.config.session.is_some();
            let stale = self.session_before == Some(session);
            if fixed || stale || origin == Origin::Recovery {
                self.counters.dropped_session += 1;
                return false;
            }
        }
        if let (true, Origin::Line(_)) = (self.down, origin) {
            self.down = false;
            self.tell(Kind::FeedUp, 0, 0, out);
        }
        if other {
            self.change_session(session, out);
        }
        true
    }

    fn change_session(&mut self, session: Session, out: &mut impl FnMut(&EventRecord)) {
        let before = self.session.replace(session);
        if before.is_none() {
            return;
        }
        self.session_before = before;
        self.counters.session_changes += 1;
        self.counters.dropped_pending += self.pending.count();
        self.pending.clear();
        if self.phase == Phase::Loading {
            self.counters.snapshots_failed += 1;
        }
        (self.phase, self.expected) = begin(self.config.start);
        self.known_end = 0;
        self.ended_at = None;
        self.snapshot_after = Nanos(0);
        let [name @ .., second_last, last] = session;
        out(&EventRecord {
            venue: self.config.venue.0,
            order_ref: u64::from_le_bytes(name),
            second_ref: u64::from(u16::from_le_bytes([second_last, last])),
            receive_time: self.stamp.0,
            ..EventRecord::new(Kind::SessionChange)
        });
        // What was missing of the old session is of no use now.
        if self.phase == Phase::Live {
            self.close_if_complete(out);
        }
        self.open_gap(out);
    }
}
