//! candle: the same MLP and the same LSTM in floats, by other people's kernels in Rust.

use super::networks::Models;
use super::rows::Rows;
use crate::Report;
use anyhow::Result;

#[cfg(not(feature = "peers-policy"))]
pub(super) fn measure(_: &mut Rows<'_>, _: &Models, report: &mut Report) -> Result<()> {
    report.note("policy: candle not measured, built without the feature peers-policy");
    Ok(())
}

#[cfg(feature = "peers-policy")]
pub(super) fn measure(rows: &mut Rows<'_>, models: &Models, report: &mut Report) -> Result<()> {
    let names = ("policy/peer/candle/mlp", "");
    let mut mlp = candle::Mlp::new(&models.mlp)?;
    let ours = tercel_policy::mlp::Mlp::new(&models.mlp)?;
    super::compare(rows, report, names.0, ours, |input| mlp.outputs(input))?;
    rows.measure(report, names, true, &mut mlp)?;
    let names = ("policy/peer/candle/lstm", "");
    rows.measure(report, names, true, &mut candle::Lstm::new(&models.lstm)?)?;
    Ok(())
}

#[cfg(feature = "peers-policy")]
mod candle {
    use crate::suites::policy::rows::Subject;
    use anyhow::Result;
    use candle_core::{Device, Tensor};
    use std::hint::black_box;
    use tercel_policy::lstm::LstmFloats;
    use tercel_policy::{Features, mlp};

    /// A layer, its weights laid out for a row of inputs from the left.
    struct Dense {
        weights: Tensor,
        bias: Tensor,
    }

    impl Dense {
        fn new(layer: &mlp::Dense) -> Result<Dense> {
            let shape = (layer.outputs(), layer.inputs);
            let weights = Tensor::from_slice(&layer.weights, shape, &Device::Cpu)?;
            let bias = Tensor::from_slice(&layer.bias, (1, shape.0), &Device::Cpu)?;
            Ok(Dense { weights: weights.t()?.contiguous()?, bias })
        }

        fn run(&self, x: &Tensor) -> Result<Tensor> {
            Ok((x.matmul(&self.weights)? + &self.bias)?)
        }
    }

    fn row(input: &Features) -> Result<Tensor> {
        Ok(Tensor::from_slice(input, (1, input.len()), &Device::Cpu)?)
    }

    pub(super) struct Mlp(Vec<Dense>);

    impl Mlp {
        pub(super) fn new(layers: &[mlp::Dense]) -> Result<Mlp> {
            layers.iter().map(Dense::new).collect::<Result<Vec<Dense>>>().map(Mlp)
        }

        pub(super) fn outputs(&mut self, input: &Features) -> Result<Vec<f32>> {
            let mut x = row(input)?;
            for (at, layer) in self.0.iter().enumerate() {
                x = layer.run(&x)?;
                if at + 1 < self.0.len() {
                    x = x.relu()?;
                }
            }
            Ok(x.flatten_all()?.to_vec1()?)
        }
    }

    impl Subject for Mlp {
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
        pub(super) fn new(network: &LstmFloats) -> Result<Lstm> {
            let (mut cells, mut states) = (Vec::new(), Vec::new());
            for [input, recurrent] in &network.cells {
                cells.push([Dense::new(input)?, Dense::new(recurrent)?]);
                let zero = Tensor::from_slice(
                    &vec![0.0f32; recurrent.inputs],
                    (1, recurrent.inputs),
                    &Device::Cpu,
                )?;
                states.push([zero.clone(), zero]);
            }
            Ok(Lstm { cells, states, heads: Dense::new(&network.heads)? })
        }
    }

    fn sigmoid(x: &Tensor) -> Result<Tensor> {
        Ok(((x.neg()?.exp()? + 1.0)?).recip()?)
    }

    impl Subject for Lstm {
        fn step(&mut self, input: &Features) -> Result<()> {
            let mut x = row(black_box(input))?;
            for ([input, recurrent], state) in self.cells.iter().zip(&mut self.states) {
                let gates = (input.run(&x)? + recurrent.run(&state[0])?)?.chunk(4, 1)?;
                let new = (sigmoid(&gates[0])? * gates[2].tanh()?)?;
                let c = ((sigmoid(&gates[1])? * &state[1])? + new)?;
                x = (sigmoid(&gates[3])? * c.tanh()?)?;
                *state = [x.clone(), c];
            }
            black_box(self.heads.run(&x)?.flatten_all()?.to_vec1::<f32>()?);
            Ok(())
        }
    }
}
