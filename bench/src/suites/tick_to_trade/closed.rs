//! The closed loop: a frame is taken when the one before is done.

use super::watches::{OrderWatch, STAGES, StageWatch};
use super::{Bench, PART, QUOTED};
use crate::clock;
use crate::day::MarketDay;
use crate::frames::Frames;
use crate::rig::{BATCH, Quoting, Rig};
use crate::suites::prepare::first_frames;
use crate::{Samples, Ticks};
use anyhow::{Result, ensure};
use std::ops::Range;
use tercel_engine::Unmeasured;
use tercel_types::Nanos;

/// Frames between two words about how far it is.
const STEP: usize = 1 << 16;

impl Bench<'_> {
    /// The frames of the day from the first on that have `messages`, or all; returns those that led
    /// to orders.
    pub(super) fn closed(
        &mut self,
        day: &MarketDay,
        (quoting, quoted_max): (Quoting, usize),
        of: &str,
        messages: u64,
    ) -> Result<Vec<u32>> {
        let frames = &day.frames;
        let range = first_frames(frames, messages);
        let mut rig = self.rig(day, quoting, quoted_max)?;
        self.context.progress.start(&format!("closed loop, {of}"), range.len() as u64);
        let mut watch = OrderWatch::new(1 << 10);
        let (mut first, mut last) = (Samples::new(), Samples::new());
        let (mut alone, mut all) = (Samples::new(), Samples::new());
        let mut led_to_orders = Vec::with_capacity(frames.len());
        for at in range.clone() {
            let begin = Ticks::begin();
            rig.take(frames, at..at + 1, |at| Nanos(at as u64), &mut watch);
            let end = Ticks::end();
            if let (Some(one), Some(other)) = (watch.sent.first(), watch.sent.last()) {
                let ns = clock::ns(one.at.saturating_sub(begin.0));
                first.record(ns);
                if frames.count(at) == 1 {
                    alone.record(ns);
                }
                last.record(clock::ns(other.at.saturating_sub(begin.0)));
                led_to_orders.push(at as u32);
            }
            // The histograms take up cache, so not every frame goes into one.
            if rig.is_trading() && at % 64 == 0 {
                all.record(end.ns_since(begin));
            }
            watch.sent.clear();
            rig.answer();
            rig.after(1);
            if at % STEP == STEP - 1 {
                self.context.progress.tick(STEP as u64);
            }
        }
        self.context.progress.done();
        ensure!(!first.is_empty(), "{}: no frame led to an order", day.name);
        let counters = *rig.engine.counters();
        let reports = [
            ("frame_to_order", &first),
            ("frame_to_order_alone", &alone),
            ("frame_to_last_order", &last),
            ("frame", &all),
        ];
        for (what, samples) in reports.into_iter().filter(|(_, samples)| !samples.is_empty()) {
            self.report.latency(&self.name("closed", of, what), samples);
        }
        self.report.note(format!(
            "{}: {} decisions, {} intents, {} refused by risk, {} orders sent, {} executed",
            self.name("closed", of, "orders"),
            counters.decisions,
            counters.intents,
            counters.refused,
            counters.sent,
            counters.fills_bought + counters.fills_sold,
        ));
        drop(rig);
        let rate = capacity(&mut self.rig(day, quoting, quoted_max)?, frames, range);
        self.report.value(&self.name("closed", of, "capacity"), "messages/s", rate);
        Ok(led_to_orders)
    }

    /// Every stage stamped, over a part of the day: a pass of its own, since stamps cost.
    pub(super) fn stages(&mut self, day: &MarketDay) -> Result<()> {
        let frames = &day.frames;
        let mut rig = self.rig(day, Quoting::Mlp, QUOTED)?;
        self.context.progress.start("stages", 0);
        let mut watch = StageWatch::default();
        watch.paths.reserve(frames.len());
        for at in first_frames(frames, PART) {
            watch.start();
            rig.take(frames, at..at + 1, |at| Nanos(at as u64), &mut watch);
            rig.answer();
            rig.after(1);
        }
        self.context.progress.done();
        let mut total = Samples::new();
        for (at, stage) in STAGES.iter().enumerate() {
            let mut samples = Samples::new();
            watch.paths.iter().for_each(|path| samples.record(clock::ns(path[at].into())));
            self.report.latency(&self.name("closed", "mlp", &format!("stage/{stage}")), &samples);
        }
        for path in &watch.paths {
            total.record(clock::ns(path.iter().copied().map(u64::from).sum()));
        }
        self.report.latency(&self.name("closed", "mlp", "stamped_total"), &total);
        Ok(())
    }
}

/// Messages a second when a frame is always waiting and nothing is stamped; the venue's time is
/// taken off.
fn capacity(rig: &mut Rig, frames: &Frames, range: Range<usize>) -> f64 {
    let mut paused = 0;
    let begin = Ticks::begin();
    let (mut at, mut messages) = (range.start, 0);
    while at < range.end {
        let end = (at + BATCH).min(range.end);
        messages += (at..end).map(|at| u64::from(frames.count(at))).sum::<u64>();
        rig.take(frames, at..end, |at| Nanos(at as u64), &mut Unmeasured);
        paused += rig.answer();
        paused += rig.after(end - at);
        at = end;
    }
    let ticks = Ticks::end().since(begin).saturating_sub(paused);
    messages as f64 / clock::ns(ticks.max(1)) * 1e9
}
