//! Whether the books of the venue may be wrong.

use tercel_abi::{EventRecord, Kind, flag};

/// What the feed has said of itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stale {
    /// GAP_OPEN without GAP_CLOSED, or a snapshot without the GAP_CLOSED that ends a late join.
    gap: bool,
    /// SNAPSHOT_BEGIN without SNAPSHOT_END.
    snapshot: bool,
    /// OVERRUN without a snapshot.
    lost: bool,
    /// FEED_DOWN without FEED_UP.
    down: bool,
    /// SESSION_END.
    ended: bool,
    /// FEED_UP may be among the records that an overrun has lost; a live message then says the
    /// same.
    pub up_unseen: bool,
}

impl Stale {
    pub(crate) fn any(&self) -> bool {
        self.gap || self.snapshot || self.lost || self.down || self.ended
    }

    /// Takes note of a record of the feed itself.
    pub(crate) fn note(&mut self, kind: Kind) {
        match kind {
            Kind::GapOpen => self.gap = true,
            Kind::GapClosed => self.gap = false,
            Kind::SnapshotBegin => {
                // A reader that was overrun may not have seen GAP_OPEN, but it will see GAP_CLOSED.
                (self.gap, self.snapshot, self.lost) = (true, true, false);
            }
            Kind::SnapshotEnd => self.snapshot = false,
            Kind::FeedDown => (self.down, self.up_unseen) = (true, false),
            Kind::FeedUp => (self.down, self.up_unseen) = (false, false),
            Kind::SessionChange => {
                *self = Stale { down: self.down, up_unseen: self.up_unseen, ..Stale::default() };
            }
            Kind::SessionEnd => self.ended = true,
            Kind::Overrun | Kind::Retract => (self.lost, self.up_unseen) = (true, self.down),
            _ => {}
        }
    }

    /// Takes note of any record while [`Stale::up_unseen`]: a live one comes over a line that is
    /// up.
    #[cold]
    #[inline(never)]
    pub(crate) fn hear(&mut self, record: &EventRecord) {
        const OF_FEED_MAX: u8 = 0x1f;
        let known = record.kind().is_some() && record.kind > OF_FEED_MAX;
        if known && record.flags & (flag::SNAPSHOT | flag::RECOVERED) == 0 {
            (self.down, self.up_unseen) = (false, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(kinds: &[Kind]) -> bool {
        let mut stale = Stale::default();
        for kind in kinds {
            if stale.up_unseen {
                stale.hear(&EventRecord::new(*kind));
            }
            stale.note(*kind);
        }
        stale.any()
    }

    #[test]
    fn each_cause_ends_with_its_own_end() {
        use Kind::*;
        assert!(!after(&[]));
        assert!(after(&[GapOpen]) && !after(&[GapOpen, GapClosed]));
        assert!(after(&[FeedDown]) && !after(&[FeedDown, FeedUp]));
        assert!(after(&[FeedDown, GapOpen, GapClosed]) && after(&[GapOpen, FeedDown, FeedUp]));
        assert!(after(&[SessionEnd]) && !after(&[SessionEnd, SessionChange]));
    }

    #[test]
    fn an_overrun_lasts_until_a_snapshot_and_the_close_of_its_gap() {
        use Kind::*;
        assert!(after(&[Overrun]) && after(&[Overrun, GapClosed]));
        assert!(after(&[Overrun, SnapshotBegin, SnapshotEnd]));
        assert!(!after(&[Overrun, SnapshotBegin, SnapshotEnd, GapClosed]));
        assert!(after(&[SnapshotBegin, GapClosed]));
    }

    #[test]
    fn a_feed_whose_return_was_overrun_is_up_with_the_first_live_message() {
        use Kind::*;
        let ended = [FeedDown, Overrun, SnapshotBegin, SnapshotEnd, GapClosed];
        assert!(after(&ended));
        assert!(after(&[FeedDown, SnapshotBegin, SnapshotEnd, GapClosed, Add]));
        assert!(!after(&[FeedDown, Overrun, SnapshotBegin, SnapshotEnd, GapClosed, Add]));
    }
}
