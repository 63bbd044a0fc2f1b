//! What the suites have in common before their clocks start.

use crate::day::MarketDay;
use crate::frames::{Frames, LINES};
use crate::rig::{Quoting, book_limits, policy};
use crate::{Context, Samples, Ticks};
use anyhow::{Result, anyhow};
use std::ops::Range;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect};
use tercel_net::pin;
use tercel_policy::Policy;
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_types::{Frame, Nanos, VenueId};

/// Runs `measure` on a thread of its own on the core under test: the first that the run names, or
/// the last of this process's. The caller stays where it is, so that later suites still have every
/// core to choose from. A core that cannot be pinned to is no reason to stop.
pub(super) fn on_core<T: Send>(
    context: &Context,
    measure: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let own = pin::cores().ok().and_then(|cores| cores.last().copied());
    let core = context.cores.map(|cores| cores[0]).or(own);
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            if let Some(core) = core {
                let pinned = pin::pin_thread(core);
                if context.cores.is_some() {
                    pinned?;
                }
            }
            measure()
        });
        thread.join().map_err(|_| anyhow!("the measuring thread panicked"))?
    })
}

/// A feed that expects the first message of a day.
pub(super) fn feed() -> Feed {
    Feed::new(FeedConfig::new(VenueId(0), LINES))
}

/// The records of some frames from the first on.
pub(super) fn records(frames: &Frames, range: Range<usize>) -> Vec<EventRecord> {
    let mut records = Vec::with_capacity(frames.messages() as usize);
    let mut feed = feed();
    for at in range {
        let received = frames.time(at);
        let frame = Frame { bytes: frames.bytes(at), received };
        feed.on_frame(frame, received, &mut |record| records.push(*record));
    }
    records
}

/// The first frames that together have so many messages.
pub(super) fn first_frames(frames: &Frames, messages: u64) -> Range<usize> {
    let mut sum = 0;
    let enough = (0..frames.len()).find(|at| {
        sum += u64::from(frames.count(*at));
        sum >= messages
    });
    0..enough.map_or(frames.len(), |at| at + 1)
}

/// Times `work`, which does `count` like things, and records the time of one.
#[inline(always)]
pub(super) fn timed(samples: &mut Samples, count: usize, work: impl FnOnce()) {
    let begin = Ticks::begin();
    work();
    let end = Ticks::end();
    if count > 0 {
        samples.record(end.ns_since(begin) / count as f64);
    }
}

/// Bytes of this process that are in memory now; zero where the system does not say.
pub(super) fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    // The unit is a page; every Linux that this project runs on has pages of 4 KiB.
    pages.map_or(0, |pages| pages * 4096)
}

/// Instruments that are quoted, the most active ones.
const QUOTED: usize = 100;

/// Events that are measured together.
const BATCH: usize = 64;

/// Messages that events are taken from.
const MESSAGES: u64 = 4_000_000;

/// Books and a policy, and batch by batch the events that a policy is told of. The books have all
/// of a batch in them before the policy hears of its first event, so that many events can be
/// measured with one pair of stamps; the policy sees books that are some events ahead, and does the
/// same work.
pub(super) struct Events {
    pub(super) policy: Policy,
    pub(super) books: Books,
    pub(super) batch: Vec<Event>,
    records: Vec<EventRecord>,
    next: usize,
}

/// One event of an instrument that is quoted.
#[derive(Clone, Copy)]
pub(super) struct Event {
    pub(super) record: EventRecord,
    pub(super) change: Change,
    pub(super) now: Nanos,
}

impl Events {
    pub(super) fn new(context: &Context, day: &MarketDay, quoting: Quoting) -> Result<Events> {
        let quoted = &day.by_activity[..day.by_activity.len().min(QUOTED)];
        let mut policy = policy(context, quoted, quoting)?;
        for one in quoted {
            policy.add_instrument(one.id);
        }
        Ok(Events {
            policy,
            books: Books::new(&book_limits(day))?,
            batch: Vec::with_capacity(BATCH),
            records: records(&day.frames, first_frames(&day.frames, MESSAGES)),
            next: 0,
        })
    }

    /// Goes on to the next batch; `false` when there is none. What comes before the instruments
    /// trade, and whatever names them, goes to the policy here.
    pub(super) fn advance(&mut self) -> bool {
        self.batch.clear();
        while let Some(record) = self.records.get(self.next) {
            self.next += 1;
            let change = self.books.apply(record);
            let now = record.exchange_time();
            let event = Event { record: *record, change, now };
            let of_book = matches!(change.effect, Effect::Book { .. }) || change.trade.is_some();
            if !of_book || record.kind == Kind::Directory as u8 {
                self.policy.on_event(record, &change, &self.books, now);
            } else if self.policy.quotes(change.instrument) {
                self.batch.push(event);
                if self.batch.len() == BATCH {
                    return true;
                }
            }
        }
        false
    }
}
