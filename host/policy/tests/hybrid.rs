//! The streaming network against its definition in f64, and every kernel against the portable one
//! to the bit.

use proptest::prelude::*;
use tercel_policy::hybrid::{CHANNELS, Hybrid, HybridWeights, INPUTS, TAPS, UNITS, WINDOW};
use tercel_policy::mlp::{Dense, Kernel, MlpError};

/// The definition, step by step, with nothing folded and nothing prepared.
struct Reference<'a> {
    weights: &'a HybridWeights,
    inputs: Vec<Vec<f64>>,
    h: Vec<f64>,
    c: Vec<f64>,
    /// All states so far, oldest first.
    states: Vec<Vec<f64>>,
}

fn affine(layer: &Dense, x: &[f64]) -> Vec<f64> {
    let row = |n: usize| {
        let row = &layer.weights[n * layer.inputs..][..layer.inputs];
        let products = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
        f64::from(layer.bias[n]) + products.sum::<f64>()
    };
    (0..layer.outputs()).map(row).collect()
}

fn relu(x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| x.max(0.0)).collect()
}

impl<'a> Reference<'a> {
    fn new(weights: &'a HybridWeights) -> Reference<'a> {
        let (h, c) = (vec![0.0; UNITS], vec![0.0; UNITS]);
        let inputs = vec![vec![0.0; INPUTS]; TAPS - 1];
        Reference { weights, inputs, h, c, states: Vec::new() }
    }

    fn step(&mut self, x: &[f32]) -> Vec<f64> {
        let w = self.weights;
        self.inputs.push(x.iter().map(|x| f64::from(*x)).collect());
        let window = &self.inputs[self.inputs.len() - TAPS..];
        // As torch lays out a row of conv.weight: channel by channel, tap by tap.
        let unrolled: Vec<f64> =
            (0..INPUTS).flat_map(|channel| window.iter().map(move |x| x[channel])).collect();
        let u = relu(affine(&w.conv, &unrolled));
        assert_eq!(u.len(), CHANNELS);
        let input = affine(&w.input, &u);
        let recurrent = affine(&w.recurrent, &self.h);
        let gates: Vec<f64> = input.iter().zip(&recurrent).map(|(a, b)| a + b).collect();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        for unit in 0..UNITS {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * UNITS + unit]);
            self.c[unit] = sigmoid(f) * self.c[unit] + sigmoid(i) * g.tanh();
            self.h[unit] = sigmoid(o) * self.c[unit].tanh();
        }
        let q = affine(&w.query, &self.h);
        let remembered = &self.states[self.states.len().saturating_sub(WINDOW)..];
        let scores: Vec<f64> = remembered
            .iter()
            .map(|state| {
                let k = affine(&w.key, state);
                q.iter().zip(&k).map(|(q, k)| q * k).sum::<f64>() / (UNITS as f64).sqrt()
            })
            .collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut context = vec![0.0; UNITS];
        for (weight, state) in weights.iter().zip(remembered) {
            for (sum, v) in context.iter_mut().zip(affine(&w.value, state)) {
                *sum += weight / total * v;
            }
        }
        let sum: Vec<f64> = self.h.iter().zip(&context).map(|(h, c)| h + c).collect();
        let z = relu(affine(&w.trunk, &sum));
        self.states.push(self.h.clone());
        affine(&w.heads, &z)
    }
}

struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    fn inputs(&mut self, size: f32) -> [f32; INPUTS] {
        std::array::from_fn(|_| size * self.unit())
    }
}

/// Runs a stream on every kernel; `prepares` says after which steps it is prepared.
fn agree(weights: &HybridWeights, steps: usize, size: f32, seed: u64, prepares: u64) {
    let kernels: Vec<Kernel> = Kernel::available().collect();
    let mut networks: Vec<Hybrid> =
        kernels.iter().map(|kernel| Hybrid::with_kernel(weights, *kernel).unwrap()).collect();
    let mut states: Vec<_> = networks.iter().map(Hybrid::state).collect();
    let mut portable = Hybrid::with_kernel(weights, Kernel::Portable).unwrap();
    let mut state = portable.state();
    let mut reference = Reference::new(weights);
    let mut draw = Draw(seed);
    for step in 0..steps {
        let inputs = draw.inputs(size);
        let expected = reference.step(&inputs);
        let bits: Vec<u32> =
            portable.step(&mut state, &inputs).iter().map(|x| x.to_bits()).collect();
        for (network, state) in networks.iter_mut().zip(&mut states) {
            let found = network.step(state, &inputs);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                let error = (f64::from(*found) - expected).abs();
                assert!(error < 4e-6 * (1.0 + expected.abs()), "{step}: {found} {expected}");
            }
            let found: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
            assert_eq!(found, bits, "step {step}, {}", network.kernel().name());
            if prepares >> (step % 64) & 1 == 1 {
                network.prepare(state);
                network.prepare(state);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_kernel_is_the_definition(
        seed in any::<u32>(),
        heads in 1usize..40,
        size in prop::sample::select(vec![0.1f32, 1.0, 5.0]),
        prepares in any::<u64>(),
    ) {
        agree(&HybridWeights::random(heads, seed), 40, size, u64::from(seed), prepares);
    }
}

#[test]
fn a_stream_long_enough_to_go_round_the_ring_twice_agrees() {
    agree(&HybridWeights::random(10, 5), 3 * WINDOW + 2, 1.0, 9, u64::MAX);
}

#[test]
fn streams_of_one_network_do_not_see_each_other() {
    let weights = HybridWeights::random(4, 8);
    let mut network = Hybrid::new(&weights).unwrap();
    let mut draw = Draw(5);
    let inputs: Vec<_> = (0..50).map(|_| draw.inputs(1.0)).collect();
    let mut alone = Vec::new();
    let mut state = network.state();
    for input in &inputs {
        alone.push(network.step(&mut state, input).to_vec());
    }
    let (mut state, mut other) = (network.state(), network.state());
    for (input, alone) in inputs.iter().zip(alone) {
        assert_eq!(network.step(&mut state, input), alone);
        network.step(&mut other, &draw.inputs(3.0));
        network.prepare(&mut other);
        network.prepare(&mut state);
    }
}

#[test]
fn gates_far_beyond_their_range_stay_numbers() {
    let mut weights = HybridWeights::random(3, 2);
    weights.input.weights.iter_mut().for_each(|w| *w *= 1e4);
    weights.query.weights.iter_mut().for_each(|w| *w *= 1e4);
    for kernel in Kernel::available() {
        let mut network = Hybrid::with_kernel(&weights, kernel).unwrap();
        let (mut state, mut draw) = (network.state(), Draw(1));
        for _ in 0..40 {
            let inputs = draw.inputs(1_000.0);
            assert!(network.step(&mut state, &inputs).iter().all(|x| x.is_finite()));
        }
    }
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let refused = |change: &dyn Fn(&mut HybridWeights)| {
        let mut weights = HybridWeights::random(3, 2);
        change(&mut weights);
        Hybrid::new(&weights).err()
    };
    assert_eq!(refused(&|_| ()), None);
    assert_eq!(refused(&|w| w.conv.weights.truncate(5)), Some(MlpError::Shape { layer: 0 }));
    assert_eq!(refused(&|w| w.key.bias[3] = f32::NAN), Some(MlpError::NotFinite { layer: 4 }));
    assert_eq!(refused(&|w| w.trunk.weights[3] = 1e5), Some(MlpError::Range { layer: 6 }));
    let none = Dense { inputs: UNITS, weights: Vec::new(), bias: Vec::new() };
    let heads = move |w: &mut HybridWeights| w.heads = none.clone();
    assert_eq!(refused(&heads), Some(MlpError::Width { layer: 7 }));
}
