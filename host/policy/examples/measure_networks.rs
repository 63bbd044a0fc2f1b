//! Nanoseconds of one decision of each kind of network, on each kernel of this processor.
//!
//! `cargo run --release -p tercel-policy --example measure_networks [thousands of decisions]`
//!
//! Every decision is timed on its own; what the clock itself takes (the median of empty intervals)
//! is taken off. `tercel-bench policy` measures the same with better stamps and beside others; this
//! is for work on a kernel.

use std::hint::black_box;
use std::time::Instant;
use tercel_policy::Artifact;
use tercel_policy::hybrid::{Hybrid, HybridWeights, INPUTS};
use tercel_policy::int8::{Int8Mlp, Quantised};
use tercel_policy::lstm::{Lstm, LstmFloats};
use tercel_policy::mlp::{Dense, Kernel, Mlp};

fn draw(seed: &mut u64) -> f32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 40) as f32 / (1u32 << 23) as f32 - 1.0
}

/// Times of one step, nanoseconds.
struct Times(Vec<f64>);

impl Times {
    fn new() -> Times {
        Times(Vec::new())
    }

    fn time<R>(&mut self, clock: f64, call: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = black_box(call());
        self.0.push(begin.elapsed().as_nanos() as f64 - clock);
        result
    }

    fn at(&mut self, part: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[(self.0.len() as f64 * part) as usize]
    }

    fn print(mut self, name: &str, kernel: Kernel) {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| self.at(part));
        let kernel = kernel.name();
        println!("{name:20} {kernel:9} p50 {p50:6.0} p99 {p99:6.0} p99.9 {p999:6.0} ns");
    }
}

fn dense(inputs: usize, outputs: usize, seed: &mut u64) -> Dense {
    let mut number = || draw(seed) / (inputs as f32).sqrt();
    let weights = (0..inputs * outputs).map(|_| number()).collect();
    Dense { inputs, weights, bias: (0..outputs).map(|_| number()).collect() }
}

fn main() {
    let thousands = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100usize);
    let mut seed = 88_172_645_463_325_252;
    let inputs: Vec<[f32; INPUTS]> =
        (0..4_096).map(|_| std::array::from_fn(|_| 2.0 * draw(&mut seed))).collect();
    let rounds = (thousands * 1_000).div_ceil(inputs.len());
    let mut empty = Times::new();
    (0..100_000).for_each(|_| empty.time(0.0, || ()));
    let clock = empty.at(0.5);
    println!("an empty interval is {clock:.0} ns");

    let artifact = Artifact::untrained(&[64, 64], 1).expect("a network");
    let rows = inputs.iter().map(<[f32; INPUTS]>::as_slice);
    let quantised = Quantised::calibrate(artifact.layers(), 10.0, rows).expect("integers");
    let weights = HybridWeights::random(10, 1);
    let cell = |inputs: usize, seed: &mut u64| [dense(inputs, 512, seed), dense(128, 512, seed)];
    let cells = vec![cell(INPUTS, &mut seed), cell(128, &mut seed)];
    let lstm = LstmFloats { cells, heads: dense(128, 10, &mut seed) };
    let lstm = lstm.quantise(10.0).expect("integers");
    let each = |step: &mut dyn FnMut(&[f32; INPUTS])| {
        (0..rounds).for_each(|_| inputs.iter().for_each(&mut *step));
    };
    for kernel in Kernel::available() {
        let mut mlp = Mlp::with_kernel(artifact.layers(), kernel).expect("a network");
        let mut times = Times::new();
        each(&mut |input| {
            times.time(clock, || mlp.forward(input)[0]);
        });
        times.print("mlp f32", kernel);
        let mut hybrid = Hybrid::with_kernel(&weights, kernel).expect("a network");
        let (mut state, mut step, mut prepare) = (hybrid.state(), Times::new(), Times::new());
        each(&mut |input| {
            step.time(clock, || hybrid.step(&mut state, input)[0]);
            prepare.time(clock, || hybrid.prepare(&mut state));
        });
        step.print("hybrid, step", kernel);
        prepare.print("hybrid, prepare", kernel);
    }
    for kernel in Int8Mlp::kernels() {
        let mut mlp = Int8Mlp::with_kernel(&quantised, kernel).expect("a network");
        let mut times = Times::new();
        each(&mut |input| {
            times.time(clock, || mlp.forward(input)[0]);
        });
        times.print("mlp int8", kernel);
        let mut lstm = Lstm::with_kernel(&lstm, kernel).expect("a network");
        let (mut state, mut step, mut prepare) = (lstm.state(), Times::new(), Times::new());
        each(&mut |input| {
            step.time(clock, || lstm.step(&mut state, input)[0]);
            prepare.time(clock, || lstm.prepare(&mut state));
        });
        step.print("lstm int8, step", kernel);
        prepare.print("lstm int8, prepare", kernel);
    }
}
