//! The open loop: frames are due when the schedule says so, whether or not the host is ready.
//!
//! Latency counts from the time a frame was due. A host that stalls therefore pays for the stall
//! once for every frame that was due in it, and no pause is left out because the one who measures
//! was paused too (coordinated omission). The loop itself is no part of the host: it compares a
//! counter with the next due time and writes 16 bytes for each batch taken.

use crate::Samples;
use crate::clock;
use crate::frames::Frames;
use std::ops::Range;

/// When each frame is due, ticks from the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    due: Vec<u64>,
    /// The first of the frames.
    first: usize,
}

/// What an open loop drives.
pub trait Host {
    /// Takes waiting frames. `due` is when each was, `paused` what has to be taken off the counter
    /// to compare with it.
    fn take(&mut self, frames: Range<usize>, schedule: &Schedule, paused: u64);
    /// Does what is due between frames after `taken` of them, or none; returns the ticks in it that
    /// are not the host's: the schedule stands still for them.
    fn between(&mut self, taken: usize) -> u64;
}

/// What happened, batch by batch.
#[derive(Debug, Default)]
pub struct Trace {
    batches: Vec<Batch>,
}

/// Frames that were taken together.
#[derive(Clone, Copy, Debug)]
struct Batch {
    /// When they were taken, ticks from the start.
    at: u64,
    /// The frame after the last of them.
    end: u32,
    /// Frames that were due when they were taken, with them.
    waiting: u32,
}

impl Schedule {
    /// So many messages a second, evenly: a frame is due when its last message is.
    pub fn even(frames: &Frames, range: Range<usize>, rate: f64) -> Schedule {
        let mut messages = 0;
        let due = |at: usize| {
            messages += u64::from(frames.count(at));
            clock::ticks(messages as f64 / rate * 1e9)
        };
        Schedule { first: range.start, due: range.map(due).collect() }
    }

    /// By the venue's times, `speed` times as fast.
    pub fn scaled(frames: &Frames, range: Range<usize>, speed: f64) -> Schedule {
        let start = frames.time(range.start);
        let due = |at: usize| clock::ticks(frames.time(at).since(start).0 as f64 / speed);
        Schedule { first: range.start, due: range.map(due).collect() }
    }

    /// When a frame is due.
    #[inline]
    pub fn due(&self, frame: usize) -> u64 {
        self.due[frame - self.first]
    }

    /// The first of its frames.
    pub fn first(&self) -> usize {
        self.first
    }

    fn end(&self) -> usize {
        self.first + self.due.len()
    }

    /// Room for what happens in a loop over all of it.
    pub fn trace(&self) -> Trace {
        let mut batches = Vec::with_capacity(self.due.len());
        // Written once, so that the loop does not wait for the system to give the pages.
        batches.resize(self.due.len(), Batch { at: 1, end: 1, waiting: 1 });
        batches.clear();
        Trace { batches }
    }
}

/// Drives a host by a schedule, on a counter that gives ticks from the start. Takes at most `batch`
/// frames together.
#[inline]
pub fn drive(
    schedule: &Schedule,
    batch: usize,
    mut now: impl FnMut() -> u64,
    host: &mut impl Host,
    trace: &mut Trace,
) {
    let (mut next, mut arrived) = (schedule.first, schedule.first);
    let mut paused = 0;
    while next < schedule.end() {
        let at = now().saturating_sub(paused);
        while arrived < schedule.end() && schedule.due(arrived) <= at {
            arrived += 1;
        }
        let end = arrived.min(next + batch);
        if next < end {
            let waiting = (arrived - next) as u32; // a day has fewer frames than 2^32
            trace.batches.push(Batch { at, end: end as u32, waiting });
            host.take(next..end, schedule, paused);
        }
        paused += host.between(end - next);
        next = end;
    }
}

/// How far the host was behind, over time.
#[derive(Debug)]
pub struct Lag {
    /// From when a frame was due to when it was taken, nanoseconds.
    pub lag: Samples,
    /// The longest lag in each part of the run: seconds, nanoseconds.
    pub longest: Vec<[f64; 2]>,
    /// Messages due in each part: seconds, messages a second.
    pub rate: Vec<[f64; 2]>,
    /// Most frames that waited at one time.
    pub waiting_max: u32,
    /// Mean lag of the last tenth of the run, nanoseconds. Where the queue grows it is of the order
    /// of the run's length; where it does not, of the longest stall.
    pub last_tenth: f64,
    /// From the first frame due to the last one taken, seconds.
    pub elapsed: f64,
}

/// Parts that the series of a run have.
const PARTS: usize = 200;

impl Trace {
    /// Works out the lag of each frame.
    pub fn lag(&self, schedule: &Schedule, frames: &Frames) -> Lag {
        let span = schedule.due.last().copied().unwrap_or(0).max(1);
        let part = |due: u64| (due as u128 * PARTS as u128 / (span as u128 + 1)) as usize;
        let seconds = clock::ns(span) / 1e9;
        let mut lag = Samples::new();
        let (mut longest, mut messages) = (vec![0.0_f64; PARTS], vec![0_u64; PARTS]);
        let (mut sum, mut count, mut waiting_max) = (0.0, 0_u64, 0);
        let mut frame = schedule.first;
        for batch in &self.batches {
            waiting_max = waiting_max.max(batch.waiting);
            for at in frame..batch.end as usize {
                let due = schedule.due(at);
                let ns = clock::ns(batch.at.saturating_sub(due));
                lag.record(ns);
                longest[part(due)] = longest[part(due)].max(ns);
                messages[part(due)] += u64::from(frames.count(at));
                if part(due) >= PARTS * 9 / 10 {
                    sum += ns;
                    count += 1;
                }
            }
            frame = batch.end as usize;
        }
        let time = |at: usize| (at as f64 + 0.5) / PARTS as f64 * seconds;
        let rate = |n: &u64| *n as f64 / (seconds / PARTS as f64);
        Lag {
            lag,
            longest: longest.iter().enumerate().map(|(at, ns)| [time(at), *ns]).collect(),
            rate: messages.iter().enumerate().map(|(at, n)| [time(at), rate(n)]).collect(),
            waiting_max,
            last_tenth: sum / count.max(1) as f64,
            elapsed: self.batches.last().map_or(0.0, |batch| clock::ns(batch.at) / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Packer, Packing};
    use std::cell::Cell;
    use tercel_types::Nanos;

    /// A clock that moves when the host works.
    struct Fake<'a> {
        clock: &'a Cell<u64>,
        /// Ticks for each frame, and for one in particular.
        each: u64,
        stall: (usize, u64),
        /// Ticks of something that is not the host's, between batches.
        foreign: u64,
        latencies: Vec<u64>,
        batches: Vec<usize>,
    }

    impl Host for Fake<'_> {
        fn take(&mut self, frames: Range<usize>, schedule: &Schedule, paused: u64) {
            self.batches.push(frames.len());
            for at in frames {
                let work = if at == self.stall.0 { self.stall.1 } else { self.each };
                self.clock.set(self.clock.get() + work);
                self.latencies.push(self.clock.get() - paused - schedule.due(at));
            }
        }

        fn between(&mut self, taken: usize) -> u64 {
            // Looking at the clock takes a tick.
            self.clock.set(self.clock.get() + 1);
            if taken == 0 {
                return 0;
            }
            self.clock.set(self.clock.get() + self.foreign);
            self.foreign
        }
    }

    fn run(dues: &[u64], each: u64, stall: (usize, u64), foreign: u64) -> (Vec<u64>, Trace) {
        let clock = Cell::new(0);
        let schedule = Schedule { due: dues.to_vec(), first: 0 };
        let (latencies, batches) = (Vec::new(), Vec::new());
        let mut host = Fake { clock: &clock, each, stall, foreign, latencies, batches };
        let mut trace = schedule.trace();
        drive(&schedule, 4, || clock.get(), &mut host, &mut trace);
        assert!(host.batches.iter().all(|batch| *batch <= 4));
        (host.latencies, trace)
    }

    #[test]
    fn a_stall_counts_for_every_frame_that_was_due_in_it() {
        let dues: Vec<u64> = (0..1_000).map(|at| at * 100).collect();
        let (latencies, trace) = run(&dues, 10, (100, 5_000), 0);
        // The stall ends 5,000 ticks after frame 100 was due. In it 49 frames came due, and each
        // has waited for the rest of it; they are worked off at 10 ticks each.
        assert!(latencies[..100].iter().all(|ticks| *ticks < 20));
        assert!((5_000..5_020).contains(&latencies[100]));
        for (behind, ticks) in (1..=50).zip(&latencies[101..]) {
            assert!(*ticks >= 5_000 - 100 * behind + 10 * behind, "{behind}: {ticks}");
        }
        assert!(latencies[170..].iter().all(|ticks| *ticks < 20));
        let most = trace.batches.iter().map(|batch| batch.waiting).max();
        assert!(most.is_some_and(|most| (49..=52).contains(&most)), "{most:?}");
    }

    #[test]
    fn a_host_that_is_too_slow_has_a_queue_that_grows() {
        let dues: Vec<u64> = (0..1_000).map(|at| at * 100).collect();
        let (latencies, trace) = run(&dues, 150, (0, 150), 0);
        assert!(latencies.is_sorted() && latencies[999] > 45_000);
        assert!(trace.batches.last().is_some_and(|last| last.waiting > 0));
        let waiting = |at: usize| trace.batches[at].waiting;
        assert!(waiting(trace.batches.len() / 2) > 50 * waiting(1));
    }

    #[test]
    fn time_that_is_not_the_hosts_stops_the_schedule() {
        let dues: Vec<u64> = (0..100).map(|at| at * 100).collect();
        let (latencies, _) = run(&dues, 10, (0, 10), 1_000);
        assert!(latencies.iter().all(|ticks| *ticks < 20), "{latencies:?}");
    }

    #[test]
    fn schedules_follow_the_messages_or_the_venue() {
        let mut packer = Packer::new(Packing::Count(2), 0, 6);
        for time in [1_000, 2_000, 5_000, 6_000, 9_000] {
            packer.push(&[0; 19], Nanos(time));
        }
        let frames = packer.finish();
        let ns = |schedule: &Schedule| -> Vec<u64> {
            (0..3).map(|at| (clock::ns(schedule.due(at)) / 10.0).round() as u64 * 10).collect()
        };
        assert_eq!(ns(&Schedule::even(&frames, 0..3, 1e6)), [2_000, 4_000, 5_000]);
        assert_eq!(ns(&Schedule::scaled(&frames, 0..3, 2.0)), [0, 2_000, 3_500]);
        assert_eq!(clock::ns(Schedule::scaled(&frames, 1..3, 1.0).due(1)), 0.0);
    }

    #[test]
    fn the_lag_is_that_of_each_frame() {
        let mut packer = Packer::new(Packing::Count(1), 0, 1_000);
        (0..1_000).for_each(|at| packer.push(&[0; 19], Nanos(at)));
        let frames = packer.finish();
        let dues: Vec<u64> = (0..1_000).map(|at| at * 100).collect();
        let (_, trace) = run(&dues, 10, (100, 5_000), 0);
        let lag = trace.lag(&Schedule { due: dues, first: 0 }, &frames);
        assert_eq!(lag.lag.len(), 1_000);
        assert!((lag.lag.max() - clock::ns(4_900)).abs() < clock::ns(120), "{}", lag.lag.max());
        assert!((49..=52).contains(&lag.waiting_max));
        assert!(lag.last_tenth < clock::ns(20));
        assert_eq!((lag.longest.len(), lag.rate.len()), (PARTS, PARTS));
        let peak = lag.longest.iter().max_by(|a, b| a[1].total_cmp(&b[1])).unwrap();
        assert!(peak[0] < lag.elapsed / 5.0);
    }
}
