//! The feed from a card: records that it has decoded, merged and filtered already.
//!
//! A record's `seq` is its number in the feed. What the card's filter keeps back leaves holes
//! between numbers that are no gaps, so a record speaks for every number since the one before it:
//! it covers a range. Where the card has missed something it says GAP_OPEN, goes on behind it, and
//! may still fill it from the other line, in order, until GAP_CLOSED covers the rest.
//! Retransmission and snapshots work as for frames.

use super::{Feed, Origin, Phase};
use core::ops::Range;
use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::Nanos;

/// Codes from here on are messages; those below speak of the feed.
const FIRST_MESSAGE: u8 = 0x20;

/// What a card's records have covered so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Cursor {
    /// One past the last number covered by what came in order.
    next: u64,
    /// The part of the last gap announced that the other line has not filled yet.
    hole: Range<u64>,
}

impl Feed {
    /// The card begins, with the number [`Feed::next_seq`] as the first that it expects.
    pub fn on_card_start(&mut self) {
        self.card = Cursor { next: self.expected, hole: 0..0 };
    }

    /// The card hears packets of `session` on its lines.
    pub fn on_card_heard(
        &mut self,
        session: crate::mold::Session,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.at(now);
        self.stamp = now;
        let known = self.session == Some(session) && !self.down;
        if known || self.admit(Origin::Line(0), session, out) {
            self.heard = Some(self.now);
        }
    }

    /// The card is gone: every book is stale until [`Feed::on_card_heard`].
    pub fn on_card_lost(&mut self, now: Nanos, out: &mut impl FnMut(&EventRecord)) {
        self.at(now);
        self.stamp = now;
        self.fall_silent(out);
    }

    /// Takes one record of the card; its `seq` is its number in the feed. Records go to `out`.
    #[inline]
    pub fn on_card_record(
        &mut self,
        record: &EventRecord,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let seq = record.seq;
        let live = self.phase == Phase::Live && self.card.next <= self.expected;
        let plain = record.kind >= FIRST_MESSAGE && record.flags & flag::RECOVERED == 0;
        if live && plain && seq >= self.expected && seq < u64::MAX {
            self.at(now);
            (self.expected, self.card.next) = (seq + 1, seq + 1);
            self.counters.messages += 1;
            out(&EventRecord { seq: 0, ..*record });
        } else {
            self.on_other_record(record, now, out);
        }
    }

    /// A record that is not simply the next message of a live feed.
    #[cold]
    #[inline(never)]
    fn on_other_record(
        &mut self,
        record: &EventRecord,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.at(now);
        self.stamp = Nanos(record.receive_time);
        if self.phase == Phase::Ended {
            self.counters.dropped_after_end += 1;
            return;
        }
        let (first, count) = (record.order_ref, record.quantity);
        match record.kind() {
            Some(Kind::GapOpen) => self.on_card_gap(first, count, out),
            Some(Kind::GapClosed) if self.card.hole.end == first => {
                let hole = core::mem::take(&mut self.card.hole);
                self.cover(hole, None, out);
            }
            Some(Kind::GapClosed) => {}
            Some(Kind::Retract) => self.on_retract(first, count, record.second_ref, out),
            Some(Kind::SessionEnd) => {
                let next = core::mem::replace(&mut self.card.next, first);
                self.cover(next..first, None, out);
                self.on_end_of_session(first, out);
            }
            Some(_) if record.kind >= FIRST_MESSAGE => self.on_card_message(record, out),
            _ => self.counters.malformed_kind += 1,
        }
    }

    fn on_card_message(&mut self, record: &EventRecord, out: &mut impl FnMut(&EventRecord)) {
        let seq = record.seq;
        let Some(end) = seq.checked_add(1) else {
            self.counters.dropped_far_ahead += 1;
            return;
        };
        let from = if record.has(flag::RECOVERED) {
            // A number outside the last gap announced is of one before it: it speaks for itself.
            let from = if self.card.hole.contains(&seq) { self.card.hole.start } else { seq };
            self.card.hole.start = self.card.hole.start.max(end.min(self.card.hole.end));
            from
        } else if seq < self.card.next {
            seq
        } else {
            core::mem::replace(&mut self.card.next, end)
        };
        self.cover(from..end, Some(record), out);
    }

    fn on_card_gap(&mut self, first: u64, count: u64, out: &mut impl FnMut(&EventRecord)) {
        let Some(end) = first.checked_add(count) else {
            self.counters.dropped_far_ahead += 1;
            return;
        };
        // A card that was full speaks of numbers that lie before what it handed out last.
        if first > self.card.next {
            let next = self.card.next;
            self.cover(next..first, None, out);
        }
        self.card.next = self.card.next.max(end);
        self.card.hole = first..end;
        if self.expected < end {
            self.known_end = self.known_end.max(end);
            self.missing(out);
        }
    }

    /// A range that the card has handed out is void. What was only held is let go; what has
    /// reached the books can only be put right by a snapshot.
    fn on_retract(
        &mut self,
        first: u64,
        count: u64,
        next: u64,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let end = first.saturating_add(count);
        self.card.next = next;
        // Where the packet had jumped ahead, the jump is void as well, and nothing is to be filled.
        self.card.hole = if end <= next { first..end } else { 0..0 };
        if count > 0 {
            self.counters.dropped_pending += self.pending.discard_from(first);
        }
        self.known_end = self.known_end.min(next.max(self.pending.end().unwrap_or(0)));
        let hole = self.card.hole.clone();
        if hole.end > self.expected {
            self.known_end = self.known_end.max(hole.end);
        }
        if count > 0 && first < self.expected {
            self.request_snapshot();
            self.open_gap(out);
        } else if hole.end > self.expected {
            self.missing(out);
        } else if matches!(self.phase, Phase::Gap | Phase::Wanted) {
            self.close_if_complete(out);
        }
    }

    /// Numbers of which nothing is missing any more, and the record that the last of them brought;
    /// the others were filtered.
    fn cover(
        &mut self,
        range: Range<u64>,
        record: Option<&EventRecord>,
        out: &mut impl FnMut(&EventRecord),
    ) {
        if range.end <= self.expected || range.is_empty() {
            self.counters.messages_duplicate += u64::from(record.is_some());
            return;
        }
        let fills = matches!(self.phase, Phase::Live | Phase::Gap | Phase::Wanted);
        if fills && range.start <= self.expected {
            self.expected = range.end;
            if let Some(record) = record {
                self.hand_out(record, self.phase != Phase::Live, out);
            }
            self.on_progress(Origin::Line(0), out);
        } else {
            self.hold_record(range, record);
            self.missing(out);
        }
    }

    /// Hands out a record of the card.
    pub(super) fn hand_out(
        &mut self,
        record: &EventRecord,
        late: bool,
        out: &mut impl FnMut(&EventRecord),
    ) {
        let flags = record.flags | if late { flag::RECOVERED } else { 0 };
        self.counters.messages += 1;
        self.counters.messages_recovered += u64::from(late);
        out(&EventRecord { seq: 0, flags, ..*record });
    }

    /// Holds a range beyond a gap.
    fn hold_record(&mut self, range: Range<u64>, record: Option<&EventRecord>) {
        self.known_end = self.known_end.max(range.end);
        if self.pending.insert_record(range.clone(), record).is_err() {
            if self.phase == Phase::Live {
                self.start_gap();
            }
            self.overflow();
            // The store is empty now.
            let _ = self.pending.insert_record(range, record);
        }
    }
}
