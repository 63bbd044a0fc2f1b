//! libtorch: the same MLP, streaming hybrid and LSTM in floats, by their definitions, one thread,
//! gradients off.

use super::networks::Models;
use super::rows::Rows;
use crate::Report;
use anyhow::Result;

#[cfg(not(feature = "torch"))]
pub(super) fn measure(_: &mut Rows<'_>, _: &Models, report: &mut Report) -> Result<()> {
    report.note("policy: libtorch not measured, built without the feature torch");
    Ok(())
}

#[cfg(feature = "torch")]
pub(super) fn measure(rows: &mut Rows<'_>, models: &Models, report: &mut Report) -> Result<()> {
    use tercel_policy::{hybrid, mlp};
    tch::set_num_threads(1);
    let _off = tch::no_grad_guard();
    let names = ("policy/peer/libtorch/mlp", "");
    let mut peer = model::Mlp::new(&models.mlp);
    let ours = mlp::Mlp::new(&models.mlp)?;
    super::compare(rows, report, names.0, ours, |input| peer.outputs(input))?;
    rows.measure(report, names, true, &mut peer)?;

    let names = ("policy/peer/libtorch/hybrid", "");
    let mut peer = model::Hybrid::new(&models.hybrid);
    let ours = hybrid::Hybrid::new(&models.hybrid)?;
    let state = ours.state();
    super::compare(rows, report, names.0, (ours, state), |input| peer.outputs(input))?;
    rows.measure(report, names, true, &mut peer)?;

    let names = ("policy/peer/libtorch/lstm", "");
    rows.measure(report, names, true, &mut model::Lstm::new(&models.lstm))?;
    Ok(())
}

#[cfg(feature = "torch")]
mod model {
    use crate::suites::policy::rows::Subject;
    use anyhow::Result;
    use std::collections::VecDeque;
    use std::hint::black_box;
    use tch::{Kind, Tensor};
    use tercel_policy::hybrid::{CHANNELS, HybridWeights, INPUTS, TAPS, UNITS, WINDOW};
    use tercel_policy::lstm::LstmFloats;
    use tercel_policy::{Features, mlp};

    fn shaped(numbers: &[f32], shape: &[usize]) -> Tensor {
        let shape: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
        Tensor::from_slice(numbers).reshape(shape.as_slice())
    }

    struct Dense {
        weights: Tensor,
        bias: Tensor,
    }

    impl Dense {
        fn new(layer: &mlp::Dense) -> Dense {
            let weights = shaped(&layer.weights, &[layer.outputs(), layer.inputs]);
            Dense { weights, bias: Tensor::from_slice(&layer.bias) }
        }

        fn run(&self, x: &Tensor) -> Tensor {
            x.linear(&self.weights, Some(&self.bias))
        }
    }

    fn numbers(x: &Tensor) -> Result<Vec<f32>> {
        Ok(Vec::try_from(x.flatten(0, -1))?)
    }

    pub(super) struct Mlp(Vec<Dense>);

    impl Mlp {
        pub(super) fn new(layers: &[mlp::Dense]) -> Mlp {
            Mlp(layers.iter().map(Dense::new).collect())
        }

        pub(super) fn outputs(&mut self, input: &Features) -> Result<Vec<f32>> {
            let mut x = shaped(input, &[1, INPUTS]);
            for (at, layer) in self.0.iter().enumerate() {
                x = layer.run(&x);
                if at + 1 < self.0.len() {
                    x = x.relu();
                }
            }
            numbers(&x)
        }
    }

    impl Subject for Mlp {
        fn step(&mut self, input: &Features) -> Result<()> {
            black_box(self.outputs(black_box(input))?);
            Ok(())
        }
    }

    fn zeros(shape: &[i64]) -> Tensor {
        Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu))
    }

    /// The definition of `tercel_policy::hybrid`; keys and values are remembered, not recomputed.
    pub(super) struct Hybrid {
        conv: [Tensor; 2],
        cell: [Dense; 2],
        query: Dense,
        key: Dense,
        value: Dense,
        trunk: Dense,
        heads: Dense,
        inputs: VecDeque<Tensor>,
        state: [Tensor; 2],
        memory: VecDeque<[Tensor; 2]>,
    }

    impl Hybrid {
        pub(super) fn new(weights: &HybridWeights) -> Hybrid {
            let units = UNITS as i64;
            let conv = shaped(&weights.conv.weights, &[CHANNELS, INPUTS, TAPS]);
            Hybrid {
                conv: [conv, Tensor::from_slice(&weights.conv.bias)],
                cell: [Dense::new(&weights.input), Dense::new(&weights.recurrent)],
                query: Dense::new(&weights.query),
                key: Dense::new(&weights.key),
                value: Dense::new(&weights.value),
                trunk: Dense::new(&weights.trunk),
                heads: Dense::new(&weights.heads),
                inputs: (1..TAPS).map(|_| zeros(&[1, INPUTS as i64, 1])).collect(),
                state: [zeros(&[1, units]), zeros(&[1, units])],
                memory: VecDeque::new(),
            }
        }

        pub(super) fn outputs(&mut self, input: &Features) -> Result<Vec<f32>> {
            self.inputs.push_back(shaped(input, &[1, INPUTS, 1]));
            let window: Vec<&Tensor> = self.inputs.iter().collect();
            let [weight, bias] = &self.conv;
            let u = Tensor::cat(&window, 2).conv1d(weight, Some(bias), 1, 0, 1, 1).relu();
            self.inputs.pop_front();
            let [input, recurrent] = &self.cell;
            let (h, c) = u.squeeze_dim(2).lstm_cell(
                &[&self.state[0], &self.state[1]],
                &input.weights,
                &recurrent.weights,
                Some(&input.bias),
                Some(&recurrent.bias),
            );
            let mut sum = h.shallow_clone();
            if !self.memory.is_empty() {
                let keys: Vec<&Tensor> = self.memory.iter().map(|[key, _]| key).collect();
                let values: Vec<&Tensor> = self.memory.iter().map(|[_, value]| value).collect();
                let scores = self.query.run(&h).matmul(&Tensor::cat(&keys, 0).transpose(0, 1));
                let weights = (scores / (UNITS as f64).sqrt()).softmax(-1, Kind::Float);
                sum = &h + weights.matmul(&Tensor::cat(&values, 0));
            }
            let heads = self.heads.run(&self.trunk.run(&sum).relu());
            self.memory.push_back([self.key.run(&h), self.value.run(&h)]);
            if self.memory.len() > WINDOW {
                self.memory.pop_front();
            }
            self.state = [h, c];
            numbers(&heads)
        }
    }

    impl Subject for Hybrid {
        fn step(&mut self, input: &Features) -> Result<()> {
            black_box(self.outputs(black_box(input))?);
            Ok(())
        }
    }

    pub(super) struct Lstm {
        cells: Vec<[Dense; 2]>,
        states: Vec<[Tensor; 2]>,
        heads: Dense,
    }

    impl Lstm {
        pub(super) fn new(network: &LstmFloats) -> Lstm {
            let states = network.cells.iter().map(|[_, recurrent]| {
                let zero = || zeros(&[1, recurrent.inputs as i64]);
                [zero(), zero()]
            });
            let cells = network.cells.iter().map(|[a, b]| [Dense::new(a), Dense::new(b)]);
            let heads = Dense::new(&network.heads);
            Lstm { states: states.collect(), cells: cells.collect(), heads }
        }
    }

    impl Subject for Lstm {
        fn step(&mut self, input: &Features) -> Result<()> {
            let mut x = shaped(black_box(input), &[1, INPUTS]);
            for ([input, recurrent], state) in self.cells.iter().zip(&mut self.states) {
                let (h, c) = x.lstm_cell(
                    &[&state[0], &state[1]],
                    &input.weights,
                    &recurrent.weights,
                    Some(&input.bias),
                    Some(&recurrent.bias),
                );
                x = h.shallow_clone();
                *state = [h, c];
            }
            black_box(numbers(&self.heads.run(&x))?);
            Ok(())
        }
    }
}
