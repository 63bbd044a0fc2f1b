//! Our networks, each kind on the fastest kernel, beside others that compute the same.

use super::rows::{Rows, Subject};
use super::{peers, torch};
use crate::{Context, Report};
use anyhow::{Context as _, Result};
use std::hint::black_box;
use tercel_policy::artifact::Normalisation;
use tercel_policy::hybrid::{Hybrid, HybridState, HybridWeights};
use tercel_policy::int8::{Int8Mlp, Quantised};
use tercel_policy::lstm::{Lstm, LstmFloats, LstmState};
use tercel_policy::mlp::{Dense, Mlp};
use tercel_policy::{Artifact, FEATURE_COUNT, Features};

/// Heads of all networks but the plain MLP: nine actions and a value.
pub(super) const HEADS: usize = 10;

/// Units of each of the two cells.
pub(super) const UNITS: usize = 128;

/// The networks that everybody computes: random weights, for the time does not depend on them but
/// by how many units are zero.
pub(super) struct Models {
    pub(super) mlp: Vec<Dense>,
    pub(super) hybrid: HybridWeights,
    pub(super) lstm: LstmFloats,
}

impl Models {
    fn new(seed: u64) -> Result<Models> {
        let mut state = seed | 1;
        let mut cell =
            |inputs| [dense(inputs, 4 * UNITS, &mut state), dense(UNITS, 4 * UNITS, &mut state)];
        let cells = vec![cell(FEATURE_COUNT), cell(UNITS)];
        Ok(Models {
            mlp: Artifact::untrained(&[64, 64], seed as u32)?.layers().to_vec(),
            hybrid: HybridWeights::random(HEADS, seed as u32),
            lstm: LstmFloats { cells, heads: dense(UNITS, HEADS, &mut state) },
        })
    }
}

/// Uniform in ±1/√inputs, as torch begins.
fn dense(inputs: usize, outputs: usize, state: &mut u64) -> Dense {
    let mut number = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        ((*state >> 40) as f32 / (1u32 << 23) as f32 - 1.0) / (inputs as f32).sqrt()
    };
    let weights = (0..inputs * outputs).map(|_| number()).collect();
    Dense { inputs, weights, bias: (0..outputs).map(|_| number()).collect() }
}

impl Subject for Mlp {
    fn step(&mut self, input: &Features) -> Result<()> {
        black_box(self.forward(black_box(input)));
        Ok(())
    }
}

impl Subject for Int8Mlp {
    fn step(&mut self, input: &Features) -> Result<()> {
        black_box(self.forward(black_box(input)));
        Ok(())
    }
}

impl Subject for (Hybrid, HybridState) {
    fn step(&mut self, input: &Features) -> Result<()> {
        black_box(self.0.step(&mut self.1, black_box(input)));
        Ok(())
    }

    fn prepares(&self) -> bool {
        true
    }

    fn prepare(&mut self) {
        self.0.prepare(&mut self.1);
    }
}

impl Subject for (Lstm, LstmState) {
    fn step(&mut self, input: &Features) -> Result<()> {
        black_box(self.0.step(&mut self.1, black_box(input)));
        Ok(())
    }

    fn prepares(&self) -> bool {
        true
    }

    fn prepare(&mut self) {
        self.0.prepare(&mut self.1);
    }
}

/// Measures and reports.
pub(super) fn measure(context: &Context, features: &[Features], report: &mut Report) -> Result<()> {
    let (inputs, clip) = normalised(features)?;
    let models = Models::new(context.seed)?;
    let mut rows = Rows::new(context, &inputs);

    let mut mlp = Mlp::new(&models.mlp)?;
    let quantised = inputs.iter().map(<[f32; FEATURE_COUNT]>::as_slice);
    let mut int8 = Int8Mlp::new(&Quantised::calibrate(&models.mlp, clip, quantised)?)?;
    let hybrid = Hybrid::new(&models.hybrid)?;
    let lstm = Lstm::new(&models.lstm.quantise(clip)?)?;
    report.note(format!(
        "policy: networks of floats run on the {} kernel, of integers on {}",
        mlp.kernel().name(),
        int8.kernel().name()
    ));
    let (state, memory) = (hybrid.state(), lstm.state());
    let (mut hybrid, mut lstm) = ((hybrid, state), (lstm, memory));
    let subjects: [(&str, &str, &str, f64, &mut dyn Subject); 4] = [
        ("mlp_int8/forward", "", "int8 network, p99 at most 80 ns", 80.0, &mut int8),
        ("mlp/forward", "", "f32 network, p99 at most 230 ns", 230.0, &mut mlp),
        ("hybrid/step", "hybrid/prepare", "hybrid, p99 at most 1.0 us", 1e3, &mut hybrid),
        ("lstm_int8/step", "lstm_int8/prepare", "LSTM, p99 at most 1.5 us", 1.5e3, &mut lstm),
    ];
    for (name, between, text, bound, subject) in subjects {
        let names = [name, between].map(|name| format!("policy/{name}"));
        let samples = rows.measure(report, (&names[0], &names[1]), false, subject)?;
        report.target(&names[0], text, bound, samples.quantile(0.99));
    }
    peers::measure(&mut rows, &models, report).context("candle")?;
    torch::measure(&mut rows, &models, report).context("libtorch")?;
    context.progress.done();
    Ok(())
}

/// The day's features, normalised by their own means and spreads, and the clip.
fn normalised(features: &[Features]) -> Result<(Vec<Features>, f32)> {
    let count = features.len().max(1) as f64;
    let mean = |of: &dyn Fn(f64) -> f64, at: usize| {
        features.iter().map(|one| of(f64::from(one[at]))).sum::<f64>() / count
    };
    let means: [f64; FEATURE_COUNT] = std::array::from_fn(|at| mean(&|x| x, at));
    let spread = |at: usize| mean(&|x| (x - means[at]).powi(2), at).sqrt().max(1e-3) as f32;
    let normalisation =
        Normalisation::new(means.map(|mean| mean as f32), std::array::from_fn(spread), 10.0)?;
    let one = |features: &Features| {
        let mut out = [0.0; FEATURE_COUNT];
        normalisation.apply(features, &mut out);
        out
    };
    Ok((features.iter().map(one).collect(), normalisation.clip()))
}
