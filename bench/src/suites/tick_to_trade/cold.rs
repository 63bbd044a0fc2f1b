//! The closed loop with cold caches: before a frame everything is evicted but the frame itself,
//! which a network card would just have written.

use super::watches::OrderWatch;
use super::{Bench, QUOTED};
use crate::clock;
use crate::day::MarketDay;
use crate::evict::Evictor;
use crate::rig::Quoting;
use crate::{Samples, Ticks};
use anyhow::Result;
use std::hint::black_box;
use tercel_types::Nanos;

/// Frames measured: evicting takes some 10 ms each.
const FRAMES: usize = 500;
const FRAMES_QUICK: usize = 20;

impl Bench<'_> {
    /// Measures some of the frames that led to orders; the same frames do so again. They are of the
    /// first third of the day, so that most of it need not be run through.
    pub(super) fn cold(&mut self, day: &MarketDay, led_to_orders: &[u32]) -> Result<()> {
        let frames = &day.frames;
        let early = led_to_orders.partition_point(|at| (*at as usize) < frames.len() / 3);
        let targets = &led_to_orders[..if early > 0 { early } else { led_to_orders.len() }];
        let count = if self.context.quick { FRAMES_QUICK } else { FRAMES }.min(targets.len());
        let mut rig = self.rig(day, Quoting::Mlp, QUOTED)?;
        let mut evictor = Evictor::new();
        self.context.progress.start("cold caches", count as u64);
        let (mut samples, mut watch) = (Samples::new(), OrderWatch::new(1 << 10));
        let mut next = 0;
        for pick in 0..count {
            let at = targets[pick * targets.len() / count] as usize;
            rig.run(frames, next..at);
            next = at + 1;
            evictor.evict();
            black_box(frames.bytes(at).iter().map(|byte| u64::from(*byte)).sum::<u64>());
            let begin = Ticks::begin();
            rig.take(frames, at..at + 1, |at| Nanos(at as u64), &mut watch);
            if let Some(one) = watch.sent.first() {
                samples.record(clock::ns(one.at.saturating_sub(begin.0)));
            }
            watch.sent.clear();
            rig.answer();
            rig.after(1);
            self.context.progress.tick(1);
        }
        self.context.progress.done();
        self.report.latency(&self.name("cold", "mlp", "frame_to_order"), &samples);
        self.report.note(format!("cold caches: {} MiB evict them", evictor.bytes() >> 20));
        Ok(())
    }
}
