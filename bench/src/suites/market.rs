//! Order events through the L2 environment: matching, production book and production features.
//!
//! An order event is one thing that became of one order and that everybody sees: it was entered and
//! rests, was replaced, cut or canceled, or was executed against. The venue's matching engine has
//! processed it, the feed has told of it, and the production book and the production features have
//! taken it in. That is one record of the feed, so `records` counts order events, each once. Not
//! among them: hidden orders but for their executions, refused orders, and orders that are in and
//! gone at once without a trade.
//!
//! `events` counts more: what the engine answers. An order that rests is two of its events,
//! accepted and rested, and an order that trades is accepted, executed, and what is left rested or
//! canceled. `commands` counts what the engine was asked to do.

use super::prepare::on_core;
use crate::{Context, Report};
use anyhow::{Result, anyhow};
use std::time::Instant;
use tercel_environments::{Actions, Environment, Outcome, Settings};
use tercel_market::l2::{L2, config};

/// Lanes of a batch: more than one, so that a lane finds the caches as another one has left them.
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
