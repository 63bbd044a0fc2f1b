//! Every kernel against a plain computation in f64, and against each other to the bit.

use proptest::prelude::*;
use tercel_policy::mlp::{Dense, Kernel, Mlp, MlpError};

/// The definition, in f64.
fn naive(layers: &[Dense], inputs: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = inputs.iter().map(|x| f64::from(*x)).collect();
    for (at, layer) in layers.iter().enumerate() {
        let row = |n: usize| &layer.weights[n * layer.inputs..][..layer.inputs];
        let output = |n: usize| {
            let products = row(n).iter().zip(&values).map(|(w, x)| f64::from(*w) * x);
            let sum = f64::from(layer.bias[n]) + products.sum::<f64>();
            if at + 1 < layers.len() { sum.max(0.0) } else { sum }
        };
        values = (0..layer.outputs()).map(output).collect();
    }
    values
}

fn numbers(count: usize, state: &mut u64) -> Vec<f32> {
    let mut next = || {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32 / (1u32 << 23) as f32) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn network(widths: &[usize], state: &mut u64) -> Vec<Dense> {
    widths
        .windows(2)
        .map(|pair| Dense {
            inputs: pair[0],
            weights: numbers(pair[0] * pair[1], state)
                .iter()
                .map(|w| w / (pair[0] as f32).sqrt())
                .collect(),
            bias: numbers(pair[1], state),
        })
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn agree(widths in prop::collection::vec(1usize..90, 2..5), seed in any::<u64>()) {
        let mut state = seed;
        let layers = network(&widths, &mut state);
        let inputs = numbers(widths[0], &mut state);
        let expected = naive(&layers, &inputs);
        let mut portable = Mlp::with_kernel(&layers, Kernel::Portable).unwrap();
        let reference = bits(portable.forward(&inputs));
        for kernel in Kernel::available() {
            let mut mlp = Mlp::with_kernel(&layers, kernel).unwrap();
            prop_assert_eq!(mlp.kernel(), kernel);
            // A network before it leaves nothing behind in the scratch memory.
            mlp.forward(&numbers(widths[0], &mut state));
            let found = mlp.forward(&inputs);
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                let error = (f64::from(*found) - expected).abs();
                prop_assert!(error < 1e-5 * (1.0 + expected.abs()), "{}", kernel.name());
            }
            prop_assert_eq!(bits(found), reference.clone(), "{}", kernel.name());
        }
    }
}

#[test]
fn every_tile_and_word_agrees() {
    // Layers of several tiles, chains of several words of zeros, heads of one to nine outputs.
    for (at, heads) in (1..10).enumerate() {
        let mut state = at as u64;
        let layers = network(&[40 + 37 * at, 300 - 16 * at, 112 + at, heads], &mut state);
        let inputs = numbers(layers[0].inputs, &mut state);
        let mut portable = Mlp::with_kernel(&layers, Kernel::Portable).unwrap();
        let reference = bits(portable.forward(&inputs));
        for (found, expected) in portable.forward(&inputs).iter().zip(naive(&layers, &inputs)) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{heads}");
        }
        for kernel in Kernel::available() {
            let mut mlp = Mlp::with_kernel(&layers, kernel).unwrap();
            assert_eq!(bits(mlp.forward(&inputs)), reference, "{} {heads}", kernel.name());
        }
    }
}

#[test]
fn inputs_that_are_zero_change_nothing() {
    // All units of the second layer but a few are silent; then all of them are.
    for bias in [-0.9, -1e3] {
        let mut state = 5;
        let mut layers = network(&[8, 200, 70, 3], &mut state);
        layers[0].bias.fill(bias);
        let inputs = numbers(8, &mut state);
        let expected = naive(&layers, &inputs);
        let mut portable = Mlp::with_kernel(&layers, Kernel::Portable).unwrap();
        let reference = bits(portable.forward(&inputs));
        for kernel in Kernel::available() {
            let mut mlp = Mlp::with_kernel(&layers, kernel).unwrap();
            let found = mlp.forward(&inputs);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{}", kernel.name());
            }
            assert_eq!(bits(found), reference, "{}", kernel.name());
        }
    }
}

#[test]
fn the_usual_shape_agrees() {
    let mut state = 1;
    let layers = network(&[40, 64, 64, 2], &mut state);
    let inputs = numbers(40, &mut state);
    let expected = naive(&layers, &inputs);
    for kernel in Kernel::available() {
        let mut mlp = Mlp::with_kernel(&layers, kernel).unwrap();
        for (found, expected) in mlp.forward(&inputs).iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{}", kernel.name());
        }
    }
}

#[test]
fn what_is_not_a_number_is_dropped_by_relu_alike() {
    // inf − inf in the first layer: NaN before ReLU, zero after it.
    let first = Dense { inputs: 2, weights: vec![f32::MAX, -f32::MAX], bias: vec![0.0] };
    let last = Dense { inputs: 1, weights: vec![1.0], bias: vec![0.25] };
    for kernel in Kernel::available() {
        let mut mlp = Mlp::with_kernel(&[first.clone(), last.clone()], kernel).unwrap();
        assert_eq!(mlp.forward(&[10.0, 10.0]), [0.25], "{}", kernel.name());
    }
}

#[test]
fn sums_that_may_leave_the_numbers_are_known_beforehand() {
    let layer = |weight: f32| Dense { inputs: 2, weights: vec![weight; 4], bias: vec![0.5; 2] };
    let finite = |layers: &[Dense], clip| Mlp::new(layers).unwrap().is_finite_within(clip);
    assert!(finite(&network(&[40, 64, 64, 2], &mut 4), 1e3));
    assert!(finite(&[layer(1e18), layer(1e18)], 10.0));
    assert!(!finite(&[layer(1e18), layer(1e18)], 1e3));
    assert!(!finite(&[layer(f32::MAX)], 1.0));
}

#[test]
fn inputs_may_be_short_or_long() {
    let layers = network(&[5, 3], &mut 3);
    let mut mlp = Mlp::new(&layers).unwrap();
    let whole = mlp.forward(&[0.5, 0.25, 0.0, 0.0, 0.0]).to_vec();
    assert_eq!(mlp.forward(&[0.5, 0.25]), whole);
    assert_eq!(mlp.forward(&[0.5, 0.25, 0.0, 0.0, 0.0, 9.0]), whole);
    assert_eq!((mlp.inputs(), mlp.outputs()), (5, 3));
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let layer = |inputs: usize, outputs: usize| Dense {
        inputs,
        weights: vec![0.5; inputs * outputs],
        bias: vec![0.0; outputs],
    };
    let refused = |layers: &[Dense]| Mlp::new(layers).err();
    assert_eq!(refused(&[]), Some(MlpError::LayerCount(0)));
    assert_eq!(refused(&[layer(2, 3), layer(2, 1)]), Some(MlpError::Shape { layer: 1 }));
    assert_eq!(refused(&[layer(0, 1)]), Some(MlpError::Width { layer: 0 }));
    assert_eq!(refused(&[layer(2_000, 1)]), Some(MlpError::Width { layer: 0 }));
    let mut cut = layer(2, 3);
    cut.weights.pop();
    assert_eq!(refused(&[cut]), Some(MlpError::Shape { layer: 0 }));
    let mut wild = layer(2, 3);
    wild.weights[4] = f32::NAN;
    assert_eq!(refused(&[wild]), Some(MlpError::NotFinite { layer: 0 }));
}
