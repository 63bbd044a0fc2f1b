//! Bringing the features of an instrument up to date, and computing all of them.

use super::prepare::{Events, on_core, timed};
use crate::day::MarketDay;
use crate::rig::Quoting;
use crate::{Context, Report, Samples};
use anyhow::Result;
use std::hint::black_box;
use tercel_types::Own;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    on_core(context, || {
        context.progress.start("features", 0);
        let mut events = Events::new(context, &day, Quoting::Mlp)?;
        let (mut update, mut compute) = (Samples::new(), Samples::new());
        let own = Own::default();
        while events.advance() {
            let Events { policy, books, batch, .. } = &mut events;
            timed(&mut update, batch.len(), || {
                for event in batch.iter() {
                    policy.on_event(&event.record, &event.change, books, event.now);
                }
            });
            timed(&mut compute, batch.len(), || {
                for event in batch.iter() {
                    black_box(policy.features(event.change.instrument, books, &own, event.now));
                }
            });
        }
        context.progress.done();
        report.latency("features/update", &update);
        report.latency("features/compute", &compute);
        Ok(())
    })
}
