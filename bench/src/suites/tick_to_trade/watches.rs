//! Stopwatches of the bench. The records' receive time is the number of their frame, by which a
//! stopwatch knows what an order belongs to.

use crate::Ticks;
use tercel_engine::{Stage, Stopwatch};
use tercel_types::Nanos;

/// An order that left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// The frame that led to it.
    pub(super) frame: u32,
    /// When.
    pub(super) at: u64,
}

/// Stamps orders as they leave, and nothing else.
#[derive(Debug)]
pub(super) struct OrderWatch {
    frame: u32,
    pub(super) sent: Vec<Sent>,
}

impl OrderWatch {
    /// With room for so many orders, whose pages are taken from the system here.
    pub(super) fn new(room: usize) -> OrderWatch {
        let mut sent = vec![Sent { frame: 1, at: 1 }; room];
        sent.clear();
        OrderWatch { frame: 0, sent }
    }
}

impl Stopwatch for OrderWatch {
    #[inline(always)]
    fn begin(&mut self, received: Nanos) {
        self.frame = received.0 as u32; // a day has fewer frames than 2^32
    }

    #[inline(always)]
    fn lap(&mut self, _stage: Stage) {}

    #[inline(always)]
    fn sent(&mut self) {
        self.sent.push(Sent { frame: self.frame, at: Ticks::end().0 });
    }
}

/// Stages of the way, in order.
pub(super) const STAGES: [&str; 7] =
    ["ahead", "feed", "book", "features", "policy", "risk", "gateway"];

/// Stamps every stage. A path is what led to the first order of a frame, in ticks.
#[derive(Debug, Default)]
pub(super) struct StageWatch {
    start: u64,
    last: u64,
    path: [u32; STAGES.len()],
    has_sent: bool,
    pub(super) paths: Vec<[u32; STAGES.len()]>,
}

impl StageWatch {
    /// A frame is about to be taken.
    pub(super) fn start(&mut self) {
        self.has_sent = false;
        self.start = Ticks::begin().0;
        self.last = self.start;
    }

    #[inline(always)]
    fn split(&mut self) -> u32 {
        let now = Ticks::end().0;
        let ticks = now.saturating_sub(self.last);
        self.last = now;
        ticks as u32 // a second and more
    }
}

impl Stopwatch for StageWatch {
    #[inline(always)]
    fn begin(&mut self, _received: Nanos) {
        let ahead = self.last.saturating_sub(self.start) as u32;
        self.path = [ahead, self.split(), 0, 0, 0, 0, 0];
    }

    #[inline(always)]
    fn lap(&mut self, stage: Stage) {
        let ticks = self.split();
        let at = match stage {
            Stage::Feed | Stage::TickToTrade => 1,
            Stage::Book => 2,
            Stage::Features => 3,
            Stage::Policy => 4,
            Stage::Risk => 5,
            Stage::Gateway => 6,
        };
        self.path[at] += ticks;
    }

    #[inline(always)]
    fn sent(&mut self) {
        if !self.has_sent {
            self.has_sent = true;
            self.paths.push(self.path);
        }
    }
}
