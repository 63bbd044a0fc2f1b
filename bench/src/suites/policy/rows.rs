//! What is measured of one network, ours or another's: decision by decision, warm, and after a walk
//! through more memory than the first two levels of the cache hold.

use super::super::prepare::timed;
use crate::evict::Evictor;
use crate::{Context, Report, Samples};
use anyhow::Result;
use tercel_policy::Features;

/// Times that a network runs over all inputs.
const ROUNDS: usize = 50;

/// Decisions behind a walk.
const COLD: usize = 2_000;

/// Bytes of the walk.
pub(super) const WALK: usize = 8 << 20;

/// Normalised features of the day, and the walk.
pub(super) struct Rows<'a> {
    pub(super) context: &'a Context,
    pub(super) inputs: &'a [Features],
    walk: Evictor,
}

/// A network under test.
pub(super) trait Subject {
    /// One decision.
    fn step(&mut self, input: &Features) -> Result<()>;

    /// Something is computed between decisions.
    fn prepares(&self) -> bool {
        false
    }

    /// Computes it.
    fn prepare(&mut self) {}
}

impl Rows<'_> {
    pub(super) fn new<'a>(context: &'a Context, inputs: &'a [Features]) -> Rows<'a> {
        Rows { context, inputs, walk: Evictor::of(WALK) }
    }

    /// Measures `subject` and reports `<name>`, `<name>_cold` and, if there is something between
    /// its decisions, `<between>`. `slow` takes a tenth of the repetitions.
    pub(super) fn measure(
        &mut self,
        report: &mut Report,
        (name, between): (&str, &str),
        slow: bool,
        subject: &mut dyn Subject,
    ) -> Result<Samples> {
        self.context.progress.start(name, 0);
        let (mut warm, mut prepared, mut failed) = (Samples::new(), Samples::new(), Ok(()));
        let mut once = |samples: &mut Samples, prepared: &mut Samples, input: &Features| {
            timed(samples, 1, || {
                if let Err(error) = subject.step(input) {
                    failed = Err(error);
                }
            });
            if subject.prepares() {
                timed(prepared, 1, || subject.prepare());
            }
        };
        let rounds = if self.context.quick { 2 } else { ROUNDS };
        let inputs = &self.inputs[..self.inputs.len() / if slow { 8 } else { 1 }];
        for round in 0..rounds {
            // The first round warms up.
            if round == 1 {
                (warm, prepared) = (Samples::new(), Samples::new());
            }
            for input in inputs {
                once(&mut warm, &mut prepared, input);
            }
        }
        let (mut cold, mut unused) = (Samples::new(), Samples::new());
        for input in inputs.iter().cycle().take(if self.context.quick { 20 } else { COLD }) {
            self.walk.evict();
            once(&mut cold, &mut unused, input);
        }
        failed?;
        report.latency(name, &warm);
        report.latency(&format!("{name}_cold"), &cold);
        if !prepared.is_empty() {
            report.latency(between, &prepared);
        }
        Ok(warm)
    }
}
