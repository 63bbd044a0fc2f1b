//! The open loop: frames are due at a rate, and wait when the host is not ready.

use super::watches::OrderWatch;
use super::{Bench, QUOTED, RATE};
use crate::clock;
use crate::day::MarketDay;
use crate::frames::Frames;
use crate::open::{Host, Lag, Schedule, drive};
use crate::rig::{BATCH, Quoting, Rig};
use crate::{Samples, Ticks};
use anyhow::Result;
use std::ops::Range;
use tercel_types::Nanos;

/// Mean lag at the end of a run beyond which the queue counts as growing, nanoseconds: a host that
/// is a thousandth too slow is farther behind after a few seconds.
const GROWING: f64 = 1e6;

/// A run that is over.
struct Way<'a> {
    kind: &'a str,
    of: &'a str,
    schedule: &'a Schedule,
    lag: Lag,
}

/// The rig as the open loop drives it.
struct Live<'a> {
    rig: &'a mut Rig,
    frames: &'a Frames,
    start: u64,
    watch: OrderWatch,
    /// The frame after each batch, and when it was done.
    done: Vec<(u32, u64)>,
}

impl Host for Live<'_> {
    #[inline]
    fn take(&mut self, frames: Range<usize>, _schedule: &Schedule, paused: u64) {
        let (before, end) = (self.watch.sent.len(), frames.end as u32);
        self.rig.take(self.frames, frames, |at| Nanos(at as u64), &mut self.watch);
        let off = self.start + paused;
        self.done.push((end, Ticks::now().0.saturating_sub(off)));
        for sent in &mut self.watch.sent[before..] {
            sent.at = sent.at.saturating_sub(off);
        }
    }

    #[inline]
    fn between(&mut self, taken: usize) -> u64 {
        if taken == 0 {
            std::hint::spin_loop();
            return 0;
        }
        self.rig.answer() + self.rig.after(taken)
    }
}

impl Bench<'_> {
    /// The whole day at an even rate.
    pub(super) fn open(&mut self, day: &MarketDay, quoting: Quoting, rate: f64) -> Result<()> {
        let range = 0..day.frames.len();
        let rate = self.context.rate.unwrap_or(rate);
        let schedule = Schedule::even(&day.frames, range, rate);
        let rig = self.rig(day, quoting, QUOTED)?;
        self.drive("open", quoting.name(), day, rig, &schedule);
        Ok(())
    }

    /// The busiest minute, which on a whole day is the opening, with its own bursts and so much
    /// faster that its busiest second has the rate.
    pub(super) fn burst(&mut self, day: &MarketDay) -> Result<()> {
        let minute = day.frames.busiest_minute();
        let rate = self.context.rate.unwrap_or(RATE);
        let speed = rate / minute.busiest_second.max(1) as f64;
        let schedule = Schedule::scaled(&day.frames, minute.frames.clone(), speed);
        let mut rig = self.rig(day, Quoting::Mlp, QUOTED)?;
        rig.run(&day.frames, 0..minute.frames.start);
        self.report.note(format!("burst: the opening minute {speed:.1} times as fast as it was"));
        self.drive("burst", "mlp", day, rig, &schedule);
        Ok(())
    }

    fn drive(&mut self, kind: &str, of: &str, day: &MarketDay, mut rig: Rig, schedule: &Schedule) {
        let frames = &day.frames;
        self.context.progress.start(&format!("{kind} loop, {of}"), 0);
        let mut trace = schedule.trace();
        let mut done = vec![(1, 1); frames.len()];
        done.clear();
        let watch = OrderWatch::new(frames.len());
        let start = Ticks::begin().0;
        let mut live = Live { rig: &mut rig, frames, start, watch, done };
        drive(schedule, BATCH, || Ticks::now().0 - start, &mut live, &mut trace);
        self.context.progress.done();
        let Live { watch, done, .. } = live;
        let way = Way { kind, of, schedule, lag: trace.lag(schedule, frames) };
        self.latencies(&way, &watch, &done);
        self.lag(&way);
    }

    fn latencies(&mut self, way: &Way<'_>, watch: &OrderWatch, done: &[(u32, u64)]) {
        let schedule = way.schedule;
        let (mut first, mut before) = (Samples::new(), None);
        for sent in &watch.sent {
            if before != Some(sent.frame) {
                first.record(clock::ns(sent.at.saturating_sub(schedule.due(sent.frame as usize))));
            }
            before = Some(sent.frame);
        }
        let (mut all, mut frame) = (Samples::new(), schedule.first());
        for (end, at) in done {
            for taken in frame..*end as usize {
                all.record(clock::ns(at.saturating_sub(schedule.due(taken))));
            }
            frame = *end as usize;
        }
        self.report.latency(&self.name(way.kind, way.of, "frame_to_order"), &first);
        self.report.latency(&self.name(way.kind, way.of, "frame"), &all);
    }

    fn lag(&mut self, way: &Way<'_>) {
        let Way { kind, of, lag, .. } = way;
        let name = |what: &str| self.name(kind, of, what);
        let [lag_name, rate, waiting, at_the_end] =
            ["lag", "rate", "waiting_max", "lag_at_the_end"].map(name);
        let end = lag.last_tenth;
        self.report.latency(&lag_name, &lag.lag);
        self.report.series(&lag_name, "ns", lag.longest.clone());
        self.report.series(&rate, "messages/s", lag.rate.clone());
        self.report.value(&waiting, "frames", lag.waiting_max.into());
        self.report.value(&at_the_end, "ns", end);
        let grew = if end > GROWING { "the queue grew" } else { "the queue did not grow" };
        self.report.note(format!(
            "{kind}/{}/{of}: {:.2} s, {end:.0} ns behind at the end on average: {grew}",
            self.day, lag.elapsed
        ));
        let text = "the queue does not grow: at most 1 ms behind in the last tenth";
        self.report.target(&at_the_end, text, GROWING, end);
    }
}
