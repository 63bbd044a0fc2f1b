//! The LSTM of integers against its definition written out, to the bit, and against the floats that
//! it was made of.

use proptest::prelude::*;
use tercel_policy::int8::IntLayer;
use tercel_policy::lstm::{KNOTS, Lstm, LstmFloats, LstmWeights};
use tercel_policy::mlp::{Dense, Kernel, MlpError};

/// The definition of `tercel_policy::lstm` in 64-bit integers.
struct Reference<'a> {
    weights: &'a LstmWeights,
    cells: Vec<(Vec<i64>, Vec<i64>)>,
}

fn held(x: i64) -> i64 {
    x.clamp(-32_768, 32_767)
}

fn product(a: i64, b: i64) -> i64 {
    (a * b + (1 << 14)) >> 15
}

fn tangent(p: i64) -> i64 {
    let y = p.abs().min(8_191);
    let (line, rest) = ((y / 512) as usize, y % 512);
    let [from, to] = [KNOTS[line], KNOTS[line + 1]].map(i64::from);
    p.signum() * (from + product(rest * 64, to - from))
}

fn logistic(p: i64) -> i64 {
    16_384 + tangent(p >> 1).div_euclid(2)
}

fn sum(layer: &IntLayer, codes: &[i64], n: usize) -> i64 {
    let row = &layer.weights[n * layer.inputs..][..layer.inputs];
    let products = row.iter().zip(codes).map(|(w, q)| i64::from(*w) * q);
    let sum = i64::from(layer.bias[n]) + products.sum::<i64>();
    assert!(i32::try_from(sum).is_ok());
    sum
}

fn gate(layer: &IntLayer, codes: &[i64], n: usize) -> i64 {
    product(held(sum(layer, codes, n) >> layer.shift), layer.multiplier[n].into())
}

impl<'a> Reference<'a> {
    fn new(weights: &'a LstmWeights) -> Reference<'a> {
        let cells = weights.layers.iter().map(|l| (vec![128; l.units()], vec![0; l.units()]));
        Reference { weights, cells: cells.collect() }
    }

    fn step(&mut self, x: &[f32]) -> Vec<f32> {
        let code = |x: &f32| {
            (x * self.weights.input_scale).clamp(-8_191.0, 8_191.0).round_ties_even() as i64
        };
        let mut given: Vec<i64> = x.iter().map(code).collect();
        for (layer, (q, c)) in self.weights.layers.iter().zip(&mut self.cells) {
            let units = layer.units();
            let p = |n: usize| held(gate(&layer.input, &given, n) + gate(&layer.recurrent, q, n));
            let p: Vec<i64> = (0..4 * units).map(p).collect();
            for unit in 0..units {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| p[gate * units + unit]);
                let new = product(product(logistic(i), tangent(g)), 2_048);
                c[unit] = held(product(logistic(f), c[unit]) + new);
                let h = product(logistic(o), tangent(c[unit]));
                q[unit] = 128 + (held(h + 128) >> 8);
            }
            given = q.clone();
        }
        let heads = &self.weights.heads;
        let scaled = |n: usize| sum(heads, &given, n) as i32 as f32 * self.weights.scale[n];
        (0..heads.outputs()).map(scaled).collect()
    }
}

struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    fn numbers(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| size * self.unit()).collect()
    }
}

fn floats(inputs: usize, units: &[usize], heads: usize, size: f32, draw: &mut Draw) -> LstmFloats {
    let mut dense = |inputs: usize, outputs: usize| Dense {
        inputs,
        weights: draw.numbers(inputs * outputs, size / (inputs as f32).sqrt()),
        bias: draw.numbers(outputs, 0.2 * size),
    };
    let (mut cells, mut given) = (Vec::new(), inputs);
    for units in units {
        cells.push([dense(given, 4 * units), dense(*units, 4 * units)]);
        given = *units;
    }
    LstmFloats { cells, heads: dense(given, heads) }
}

fn agree(weights: &LstmWeights, inputs: &[Vec<f32>], prepares: u64) {
    for kernel in Lstm::kernels() {
        let mut network = Lstm::with_kernel(weights, kernel).unwrap();
        let (mut state, mut reference) = (network.state(), Reference::new(weights));
        for (step, input) in inputs.iter().enumerate() {
            let expected: Vec<u32> = reference.step(input).iter().map(|x| x.to_bits()).collect();
            let found: Vec<u32> =
                network.step(&mut state, input).iter().map(|x| x.to_bits()).collect();
            assert_eq!(found, expected, "step {step}, {}", kernel.name());
            if prepares >> (step % 64) & 1 == 1 {
                network.prepare(&mut state);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 48 }))]

    #[test]
    fn every_kernel_is_the_definition(
        inputs in 1usize..50,
        units in prop::collection::vec((1usize..5).prop_map(|n| 16 * n), 1..4),
        heads in 1usize..20,
        size in prop::sample::select(vec![0.5f32, 2.0, 20.0]),
        seed in any::<u64>(),
        prepares in any::<u64>(),
    ) {
        let mut draw = Draw(seed);
        let weights = floats(inputs, &units, heads, size, &mut draw).quantise(10.0).unwrap();
        prop_assert_eq!(weights.check(), Ok(()));
        let steps = if cfg!(miri) { 3 } else { 12 };
        let inputs: Vec<_> = (0..steps).map(|_| draw.numbers(inputs, 3.0)).collect();
        agree(&weights, &inputs, prepares);
    }
}

#[test]
fn two_cells_of_128_agree() {
    let mut draw = Draw(4);
    let weights = floats(40, &[128, 128], 10, 1.0, &mut draw).quantise(10.0).unwrap();
    let inputs: Vec<_> = (0..20).map(|_| draw.numbers(40, 2.0)).collect();
    agree(&weights, &inputs, u64::MAX);
}

/// The definition of torch, in f64.
fn float_steps(network: &LstmFloats, inputs: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let affine = |layer: &Dense, x: &[f64], n: usize| {
        let row = &layer.weights[n * layer.inputs..][..layer.inputs];
        let products = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
        f64::from(layer.bias[n]) + products.sum::<f64>()
    };
    let units = |cell: &[Dense; 2]| cell[1].inputs;
    let mut states: Vec<_> = network
        .cells
        .iter()
        .map(|cell| (vec![0.0; units(cell)], vec![0.0f64; units(cell)]))
        .collect();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let step = |x: &Vec<f32>| {
        let mut given: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        for (cell, (h, c)) in network.cells.iter().zip(&mut states) {
            let units = units(cell);
            let gates: Vec<f64> = (0..4 * units)
                .map(|n| affine(&cell[0], &given, n) + affine(&cell[1], h, n))
                .collect();
            for unit in 0..units {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * units + unit]);
                c[unit] = sigmoid(f) * c[unit] + sigmoid(i) * g.tanh();
                h[unit] = sigmoid(o) * c[unit].tanh();
            }
            given = h.clone();
        }
        (0..network.heads.outputs()).map(|n| affine(&network.heads, &given, n)).collect()
    };
    inputs.iter().map(step).collect()
}

#[test]
fn integers_are_close_to_the_floats() {
    let mut draw = Draw(7);
    let network = floats(40, &[64, 64], 6, 1.5, &mut draw);
    let weights = network.quantise(10.0).unwrap();
    let inputs: Vec<_> = (0..200).map(|_| draw.numbers(40, 2.0)).collect();
    let mut lstm = Lstm::new(&weights).unwrap();
    let mut state = lstm.state();
    let (mut error, mut size) = (0.0, 0.0);
    for (input, expected) in inputs.iter().zip(float_steps(&network, &inputs)) {
        for (found, expected) in lstm.step(&mut state, input).iter().zip(expected) {
            error += (f64::from(*found) - expected).powi(2);
            size += expected.powi(2);
        }
    }
    let part = (error / size).sqrt();
    assert!(part < 0.05, "{part}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let good = floats(8, &[16, 32], 3, 1.0, &mut Draw(3)).quantise(10.0).unwrap();
    let refused = |change: &dyn Fn(&mut LstmWeights)| {
        let mut weights = good.clone();
        change(&mut weights);
        Lstm::new(&weights).err()
    };
    assert_eq!(refused(&|_| ()), None);
    let order = |w: &mut LstmWeights| w.layers.reverse();
    assert_eq!(refused(&order), Some(MlpError::Shape { layer: 2 }));
    let bias = |w: &mut LstmWeights| w.layers[1].recurrent.bias[7] = i32::MIN;
    assert_eq!(refused(&bias), Some(MlpError::Range { layer: 3 }));
    let heads = |w: &mut LstmWeights| w.heads.shift = 1;
    assert_eq!(refused(&heads), Some(MlpError::Shape { layer: 4 }));
    let scale = |w: &mut LstmWeights| w.scale[0] = f32::INFINITY;
    assert_eq!(refused(&scale), Some(MlpError::NotFinite { layer: 4 }));
    assert_eq!(refused(&|w| w.layers.clear()), Some(MlpError::LayerCount(0)));
    let lstm = Lstm::with_kernel(&good, Kernel::Portable).unwrap();
    assert_eq!((lstm.inputs(), lstm.outputs(), lstm.kernel()), (8, 3, Kernel::Portable));
    let wild = LstmFloats {
        heads: Dense { inputs: 32, weights: vec![f32::NAN; 32], bias: vec![0.0] },
        ..floats(8, &[16, 32], 3, 1.0, &mut Draw(3))
    };
    assert_eq!(wild.quantise(10.0).err(), Some(MlpError::NotFinite { layer: 4 }));
}
