//! Steps of the environments for learning, in batches.

use super::prepare::on_core;
use crate::{Context, Report};
use anyhow::Result;
use std::time::Instant;
use tercel_environments::{ActionSpace, Actions, Outcome, Random, Settings, make};

/// Environments, each with continuous and with discrete actions where it has both.
const CASES: &[(&str, &str, bool)] = &[
    ("environments/mm1_steps", "mm1", false),
    ("environments/mm1_discrete_steps", "mm1", true),
    ("environments/mm2_steps", "mm2", false),
    ("environments/mm2_discrete_steps", "mm2", true),
    ("environments/ex1_steps", "ex1", false),
    ("environments/sa1_steps", "sa1", false),
];

/// Lanes of a batch: their state and buffers fit the second level of the cache.
const LANES: usize = 1_024;

/// Steps of a lane between two readings of the clock, and readings.
const STEPS: usize = 5_000;
const STEPS_QUICK: usize = 20;
const ROUNDS: usize = 9;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    on_core(context, || {
        for (metric, name, discrete) in CASES {
            context.progress.start(name, 0);
            report.value(metric, "steps/s", rate(context, name, *discrete)?);
        }
        context.progress.done();
        Ok(())
    })
}

/// Steps of all lanes a second: the median of the rounds.
fn rate(context: &Context, name: &str, discrete: bool) -> Result<f64> {
    let mut settings = Settings::new();
    if discrete {
        settings.set("discrete", 1.0);
    }
    let mut batch = make(name, &settings, LANES)?;
    let mut outcome = Outcome::new(&*batch);
    batch.reset(context.seed, &mut outcome);
    // A policy of its own would be measured with it: actions are drawn beforehand, in turns.
    let mut random = Random::new(context.seed, 0, 0);
    let (mut choices, mut numbers) = (Vec::new(), Vec::new());
    for _ in 0..LANES {
        match &batch.spec().actions {
            ActionSpace::Discrete(n) => choices.push(random.below(*n)),
            ActionSpace::Continuous(bounds) => numbers.extend(
                bounds.iter().map(|(least, most)| least + (most - least) * random.uniform()),
            ),
        }
    }
    let actions =
        if discrete { Actions::Discrete(&choices) } else { Actions::Continuous(&numbers) };
    let steps = if context.quick { STEPS_QUICK } else { STEPS };
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..steps {
                batch.step(actions, &mut outcome);
                std::hint::black_box(&outcome);
            }
            (steps * LANES) as f64 / begin.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    Ok(rates[ROUNDS / 2])
}
