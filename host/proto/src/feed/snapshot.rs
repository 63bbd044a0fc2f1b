//! Snapshots: the late join, and the way out of a gap that requests did not fill.

use super::requests::after;
use super::{Feed, Phase, emit};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::{Nanos, SeqNo};

impl Feed {
    /// A snapshot should be fetched now: begin one when true. True at once for
    /// [`Start::Late`](super::Start::Late); else once requests are exhausted, the store has
    /// overflowed, or [`Feed::request_snapshot`] was called.
    /// A caller that cannot fetch one answers with [`Feed::on_snapshot_failed`].
    pub fn wants_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Wanted | Phase::Required) && self.now >= self.snapshot_after
    }

    /// Joins late once more, since somebody downstream has lost the books. Live messages are held
    /// from now on until a snapshot is complete. One that is under way is given up and begun again,
    /// for whoever asks may have lost its first records.
    pub fn request_snapshot(&mut self) {
        if !matches!(self.phase, Phase::Required) {
            if self.phase == Phase::Loading {
                self.counters.snapshots_failed += 1;
            }
            self.phase = Phase::Required;
        }
    }

    /// The snapshot's server has accepted us and its messages follow. Another snapshot that was
    /// under way is given up; one that is not wanted any more is ignored to its end.
    pub fn on_snapshot_begin(&mut self, out: &mut impl FnMut(&EventRecord)) {
        match self.phase {
            Phase::Wanted | Phase::Required => {}
            Phase::Loading => self.counters.snapshots_failed += 1,
            Phase::Live | Phase::Gap | Phase::Ended => return,
        }
        self.phase = Phase::Loading;
        self.counters.snapshots += 1;
        self.open_gap(out);
        self.tell(Kind::SnapshotBegin, 0, 0, out);
    }

    /// One ITCH message of the snapshot. It is dropped and counted when no snapshot is under way,
    /// as after an overflow of the store: look at [`Feed::wants_snapshot`] and begin again.
    pub fn on_snapshot_message(
        &mut self,
        message: &[u8],
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.at(now);
        if self.phase != Phase::Loading {
            self.counters.dropped_snapshot += 1;
            return;
        }
        let venue = self.config.venue;
        if emit(&mut self.counters, venue, message, flag::SNAPSHOT, now, out) {
            self.counters.messages_snapshot += 1;
        }
    }

    /// The snapshot is complete and holds everything before `next_seq`: what was held from there on
    /// follows, and what of it is missing is requested.
    pub fn on_snapshot_end(
        &mut self,
        next_seq: SeqNo,
        now: Nanos,
        out: &mut impl FnMut(&EventRecord),
    ) {
        self.at(now);
        self.stamp = now;
        if self.phase != Phase::Loading {
            self.counters.dropped_snapshot += 1;
            return;
        }
        let next = next_seq.0.max(1);
        self.counters.snapshots_done += 1;
        self.tell(Kind::SnapshotEnd, next, 0, out);
        self.counters.dropped_pending += self.pending.discard_below(next);
        self.expected = next;
        // What heartbeats said before is forgotten: the next one comes within a second, and a wrong
        // one is got rid of.
        let heard = self.pending.end().unwrap_or(0).max(self.ended_at.unwrap_or(0));
        self.known_end = next.max(heard);
        self.phase = Phase::Gap;
        self.requests.restart(self.now);
        self.drain(out);
        self.close_if_complete(out);
    }

    /// The snapshot could not be had, or broke off. It is wanted again after the longest wait of
    /// the back-off; where the gap can still be filled without one, requests are tried again first.
    pub fn on_snapshot_failed(&mut self, now: Nanos) {
        self.at(now);
        self.counters.snapshots_failed += 1;
        self.snapshot_after = after(self.now, self.config.request_wait_max);
        match self.phase {
            Phase::Loading => self.phase = Phase::Required,
            Phase::Wanted => {
                self.phase = Phase::Gap;
                self.requests.restart(self.snapshot_after);
            }
            Phase::Live | Phase::Gap | Phase::Required | Phase::Ended => {}
        }
    }

    /// The store has no room: what it held is lost and will be asked for again.
    #[cold]
    pub(super) fn overflow(&mut self) {
        self.counters.store_overflows += 1;
        self.counters.dropped_pending += self.pending.count();
        self.pending.clear();
        match self.phase {
            Phase::Gap => self.phase = Phase::Wanted,
            Phase::Loading => {
                self.counters.snapshots_failed += 1;
                self.phase = Phase::Required;
            }
            Phase::Live | Phase::Wanted | Phase::Required | Phase::Ended => {}
        }
    }
}
