//! Events through the L2 environment: matching, production book and production features.

use super::prepare::on_core;
use crate::{Context, Report};
use anyhow::{Result, anyhow};
use std::time::Instant;
use tercel_environments::{Actions, Environment, Outcome, Settings};
use tercel_market::l2::{L2, config};

/// Lanes of a batch: with more, the books of all of them no longer fit the second level of the
/// cache between two steps of a lane.
const LANES: usize = 8;

/// Steps of a lane between two readings of the clock, and readings.
const STEPS: usize = 1_000;
const STEPS_QUICK: usize = 5;
const ROUNDS: usize = 9;

/// Metric and environment.
const CASES: &[(&str, &str)] =
    &[("zero-intelligence", "zero-intelligence"), ("agents", "agents"), ("demo", "demo")];

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    on_core(context, || {
        for (metric, name) in CASES {
            context.progress.start(name, 0);
            let [events, records, commands] = rates(context, name)?;
            report.value(&format!("market/{metric}/events"), "events/s", events);
            report.value(&format!("market/{metric}/records"), "records/s", records);
            report.value(&format!("market/{metric}/commands"), "commands/s", commands);
        }
        context.progress.done();
        Ok(())
    })
}

/// Events of the engine, records of the feed and commands a second: medians of the rounds.
fn rates(context: &Context, name: &str) -> Result<[f64; 3]> {
    let settings = Settings::new().with("step_ms", 1_000.0).with("steps", 1e6);
    let config = config(name, &settings).map_err(|error| anyhow!("{error}"))?;
    let mut batch = L2::new("market", config, 0, LANES)?;
    let mut outcome = Outcome::new(&batch);
    batch.reset(context.seed, &mut outcome);
    let actions = [1.0_f32; 2 * LANES];
    let steps = if context.quick { STEPS_QUICK } else { STEPS };
    let mut rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|_| {
            let before = batch.counters();
            let begin = Instant::now();
            for _ in 0..steps {
                batch.step(Actions::Continuous(&actions), &mut outcome);
                std::hint::black_box(&outcome);
            }
            let seconds = begin.elapsed().as_secs_f64();
            let after = batch.counters();
            let rate = |before: u64, after: u64| (after - before) as f64 / seconds;
            [
                rate(before.events, after.events),
                rate(before.records, after.records),
                rate(before.commands, after.commands),
            ]
        })
        .collect();
    rounds.sort_by(|one, two| one[0].total_cmp(&two[0]));
    Ok(rounds[ROUNDS / 2])
}
