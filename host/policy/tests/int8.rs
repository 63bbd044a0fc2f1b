//! The network of integers against its definition written out, to the bit.

use proptest::prelude::*;
use tercel_policy::int8::{BYTE_MAX, GROUP_MAX, Int8Mlp, IntLayer, Quantised, WORD_MAX};
use tercel_policy::mlp::{Dense, Kernel, Mlp, MlpError};

/// The definition of `tercel_policy::int8`, in 64-bit integers and one multiplication of floats at
/// either end.
fn reference(network: &Quantised, inputs: &[f32]) -> (Vec<i64>, Vec<f32>) {
    let code = |x: &f32| {
        let scaled = x * network.input_scale;
        let max = f32::from(WORD_MAX);
        if scaled.is_nan() { -i64::from(WORD_MAX) } else { rne(scaled.clamp(-max, max)) }
    };
    let mut codes: Vec<i64> = inputs.iter().map(code).collect();
    let count = network.layers.len();
    for (at, layer) in network.layers.iter().enumerate() {
        let sum = |n: usize| {
            let row = &layer.weights[n * layer.inputs..][..layer.inputs];
            let products = row.iter().zip(&codes).map(|(w, q)| i64::from(*w) * q);
            let sum = i64::from(layer.bias[n]) + products.sum::<i64>();
            assert!(i32::try_from(sum).is_ok(), "a sum of {sum}");
            sum
        };
        let sums: Vec<i64> = (0..layer.outputs()).map(sum).collect();
        if at + 1 == count {
            let heads = sums.iter().zip(&network.scale).map(|(a, scale)| *a as i32 as f32 * scale);
            return (sums.clone(), heads.collect());
        }
        let last = if network.wide || at + 2 == count { WORD_MAX } else { BYTE_MAX };
        let next = |(a, m): (&i64, &i16)| {
            let t = (a >> layer.shift).clamp(-32_768, 32_767);
            let u = (t * i64::from(*m) + (1 << 14)) >> 15;
            u.clamp(0, i64::from(last))
        };
        codes = sums.iter().zip(&layer.multiplier).map(next).collect();
    }
    unreachable!("a network has a last layer")
}

/// To the nearest, ties to even, without the function of that name.
fn rne(x: f32) -> i64 {
    let (x, floor) = (f64::from(x), f64::from(x).floor());
    let up = match (x - floor).partial_cmp(&0.5) {
        Some(std::cmp::Ordering::Greater) => true,
        Some(std::cmp::Ordering::Equal) => floor as i64 % 2 != 0,
        _ => false,
    };
    floor as i64 + i64::from(up)
}

struct Draw(u64);

impl Draw {
    fn next(&mut self) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64
    }

    fn below(&mut self, end: i64) -> i64 {
        self.next() % end
    }

    fn unit(&mut self) -> f32 {
        (self.next() as f32 / (1u64 << 31) as f32) * 2.0 - 1.0
    }
}

/// Integers of all kinds: small and large ones, and of byte layers groups at the bound.
fn network(widths: &[usize], wide: bool, draw: &mut Draw) -> Quantised {
    let count = widths.len() - 1;
    let layers = widths.windows(2).enumerate().map(|(at, pair)| {
        let (inputs, outputs) = (pair[0], pair[1]);
        let words = wide || at == 0 || at + 1 == count;
        let most = if words { 127 } else { i64::from(GROUP_MAX) / 4 };
        let mut weights: Vec<i8> =
            (0..inputs * outputs).map(|_| (draw.below(2 * most + 1) - most) as i8).collect();
        if !words {
            // One weight has its group for itself, the others at the bound.
            for row in weights.chunks_mut(inputs) {
                for eight in row.chunks_mut(8) {
                    let lone = if eight.len() == 8 { draw.below(3) } else { 0 };
                    match lone {
                        1 => [0, 1, 4, 5].into_iter().for_each(|k| eight[k] = 0),
                        2 => [2, 3, 6, 7].into_iter().for_each(|k| eight[k] = 32),
                        _ => {}
                    }
                    if lone == 1 {
                        eight[[0, 1, 4, 5][draw.below(4) as usize]] =
                            if draw.below(2) == 0 { 127 } else { -127 };
                    }
                }
            }
        }
        let last = at + 1 == count;
        IntLayer {
            inputs,
            weights,
            bias: (0..outputs).map(|_| (draw.below(2_000_001) - 1_000_000) as i32).collect(),
            shift: if last { 0 } else { draw.below(12) as u32 },
            multiplier: if last {
                Vec::new()
            } else {
                (0..outputs).map(|_| 1 + draw.below(32_767) as i16).collect()
            },
        }
    });
    let layers = layers.collect();
    let scale = (0..widths[count]).map(|_| draw.unit() / 1e4).collect();
    Quantised { input_scale: 819.1, wide, layers, scale }
}

fn agree(network: &Quantised, inputs: &[f32]) {
    let (sums, heads) = reference(network, inputs);
    for kernel in Int8Mlp::kernels() {
        let mut mlp = Int8Mlp::with_kernel(network, kernel).unwrap();
        // A run before it leaves nothing behind in the scratch memory.
        mlp.forward(&vec![9.0; inputs.len()]);
        let found: Vec<u32> = mlp.forward(inputs).iter().map(|x| x.to_bits()).collect();
        let expected: Vec<u32> = heads.iter().map(|x| x.to_bits()).collect();
        assert_eq!(found, expected, "{}", kernel.name());
        let found: Vec<i64> = mlp.sums().iter().map(|sum| i64::from(*sum)).collect();
        assert_eq!(found, sums, "{}", kernel.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    #[test]
    fn every_kernel_is_the_definition(
        widths in prop::collection::vec(1usize..if cfg!(miri) { 40 } else { 140 }, 2..6),
        seed in any::<u64>(),
        far in any::<bool>(),
        wide in any::<bool>(),
    ) {
        let mut draw = Draw(seed);
        let network = network(&widths, wide, &mut draw);
        prop_assert_eq!(network.check(), Ok(()));
        let size = if far { 40.0 } else { 4.0 };
        let inputs: Vec<f32> = (0..widths[0]).map(|_| size * draw.unit()).collect();
        agree(&network, &inputs);
    }
}

#[test]
fn what_is_not_a_number_or_far_is_at_the_end_of_the_range() {
    let network = network(&[8, 16, 16, 3], false, &mut Draw(3));
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    agree(&network, &[nan, inf, -inf, 1e30, -1e30, 0.0, -0.0, f32::MIN_POSITIVE]);
    // Ties, of both signs: codes of n + 1/2.
    let exact = Quantised { input_scale: 4.0, ..network };
    agree(&exact, &[0.125, 0.375, -0.125, -0.375, 0.625, -0.625, 2_047.875, -2_047.875]);
}

#[test]
fn the_largest_sums_of_bytes_do_not_saturate() {
    // Every input at 255 and every group at its bound, of either sign.
    for sign in [1, -1] {
        let first = IntLayer {
            inputs: 1,
            weights: vec![127; 64],
            bias: vec![0; 64],
            shift: 0,
            multiplier: vec![32_767; 64],
        };
        let weights = (0..64 * 64).map(|at| if at % 4 < 2 { 0 } else { sign * 32 });
        let second = IntLayer {
            inputs: 64,
            weights: weights.collect(),
            bias: vec![0; 64],
            shift: 6,
            multiplier: vec![20_000; 64],
        };
        let last = IntLayer {
            inputs: 64,
            weights: vec![1; 64],
            bias: vec![5],
            shift: 0,
            multiplier: Vec::new(),
        };
        let layers = vec![first, second, last];
        let network = Quantised { input_scale: 100.0, wide: false, layers, scale: vec![0.5] };
        network.check().unwrap();
        agree(&network, &[10.0]);
    }
}

#[test]
fn what_could_overflow_is_refused() {
    let good = network(&[8, 16, 16, 3], false, &mut Draw(3));
    let refused = |change: &dyn Fn(&mut Quantised)| {
        let mut network = good.clone();
        change(&mut network);
        Int8Mlp::new(&network).err()
    };
    assert_eq!(refused(&|_| ()), None);
    let group = |n: &mut Quantised| n.layers[1].weights[..8].fill(33);
    assert_eq!(refused(&group), Some(MlpError::Range { layer: 1 }));
    let sum = |n: &mut Quantised| n.layers[2].bias[0] = i32::MAX;
    assert_eq!(refused(&sum), Some(MlpError::Range { layer: 2 }));
    let least = |n: &mut Quantised| n.layers[0].weights[0] = -128;
    assert_eq!(refused(&least), Some(MlpError::Range { layer: 0 }));
    let factor = |n: &mut Quantised| n.layers[0].multiplier[0] = 0;
    assert_eq!(refused(&factor), Some(MlpError::Range { layer: 0 }));
    let shift = |n: &mut Quantised| n.layers[0].shift = 25;
    assert_eq!(refused(&shift), Some(MlpError::Shape { layer: 0 }));
    let scale = |n: &mut Quantised| n.scale[1] = f32::NAN;
    assert_eq!(refused(&scale), Some(MlpError::NotFinite { layer: 2 }));
    let input = |n: &mut Quantised| n.input_scale = f32::INFINITY;
    assert_eq!(refused(&input), Some(MlpError::NotFinite { layer: 0 }));
    let short = |n: &mut Quantised| n.layers[1].weights.truncate(9);
    assert_eq!(refused(&short), Some(MlpError::Shape { layer: 1 }));
    assert_eq!(refused(&|n| n.layers.clear()), Some(MlpError::LayerCount(0)));
    let kernel = Int8Mlp::with_kernel(&good, Kernel::Portable).unwrap();
    assert_eq!((kernel.kernel(), kernel.inputs(), kernel.outputs()), (Kernel::Portable, 8, 3));
}

fn floats(widths: &[usize], draw: &mut Draw) -> Vec<Dense> {
    let layer = |pair: &[usize]| Dense {
        inputs: pair[0],
        weights: (0..pair[0] * pair[1])
            .map(|_| draw.unit() * (6.0 / pair[0] as f32).sqrt())
            .collect(),
        bias: (0..pair[1]).map(|_| draw.unit() / 4.0).collect(),
    };
    widths.windows(2).map(layer).collect()
}

#[test]
fn a_network_of_floats_is_close_to_its_integers() {
    let mut draw = Draw(11);
    let layers = floats(&[40, 64, 64, 4], &mut draw);
    let inputs = |draw: &mut Draw| -> Vec<Vec<f32>> {
        (0..1_000).map(|_| (0..40).map(|_| 2.0 * draw.unit()).collect()).collect()
    };
    let calibration = inputs(&mut draw);
    let tests = inputs(&mut draw);
    for (wide, most) in [(false, 0.03), (true, 0.015)] {
        let rows = calibration.iter().map(Vec::as_slice);
        let quantised = Quantised::calibrate_as(&layers, 10.0, wide, rows).unwrap();
        let (mut mlp, mut int8) = (Mlp::new(&layers).unwrap(), Int8Mlp::new(&quantised).unwrap());
        let (mut error, mut size) = (0.0, 0.0);
        for input in &tests {
            for (a, b) in mlp.forward(input).iter().zip(int8.forward(input)) {
                error += f64::from((a - b) * (a - b));
                size += f64::from(a * a);
            }
        }
        let part = (error / size).sqrt();
        assert!(part < most, "{part}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 64 }))]

    #[test]
    fn whatever_is_calibrated_is_by_the_definition(
        widths in prop::collection::vec(1usize..60, 2..5),
        seed in any::<u64>(),
        size in -30i32..18,
        wide in any::<bool>(),
    ) {
        let mut draw = Draw(seed);
        let mut layers = floats(&widths, &mut draw);
        for layer in &mut layers {
            // Rows that are silent or of another size than the rest.
            let scale = 2f32.powi(size);
            layer.weights.iter_mut().for_each(|weight| *weight *= scale);
            layer.bias.iter_mut().for_each(|bias| *bias *= scale);
            layer.weights[..layer.inputs].fill(0.0);
        }
        let inputs: Vec<Vec<f32>> =
            (0..8).map(|_| (0..widths[0]).map(|_| 3.0 * draw.unit()).collect()).collect();
        let rows = inputs.iter().map(Vec::as_slice);
        // A row without weights may have a bias that no integer holds; that is refused.
        if let Ok(network) = Quantised::calibrate_as(&layers, 5.0, wide, rows) {
            prop_assert_eq!(network.check(), Ok(()));
            agree(&network, &inputs[0]);
        }
    }
}
