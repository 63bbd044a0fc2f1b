//! The network of integers on the kernels of this processor.

use super::{Codes, Quantised};
use crate::kernel::Kernel;
use crate::kernel::integer::{Checked, Next, Packed, Words};
use crate::mlp::{MlpError, WIDTH_MAX};

/// A network of integers, packed, with its scratch memory.
#[derive(Clone, Debug)]
pub struct Int8Mlp {
    layers: Vec<Packed>,
    scale: Vec<f32>,
    input_scale: f32,
    scratch: Box<Scratch>,
    inputs: usize,
    kernel: Checked,
}

/// Memory of one run.
#[derive(Clone, Debug)]
struct Scratch {
    inputs: [f32; WIDTH_MAX],
    /// Codes that a layer takes and gives, in turn.
    codes: [Words; 2],
    sums: [i32; WIDTH_MAX],
    outputs: [f32; WIDTH_MAX],
}

impl Int8Mlp {
    /// A network on the fastest kernel of this processor.
    ///
    /// # Errors
    /// [`MlpError`] if it is not by the definition.
    pub fn new(network: &Quantised) -> Result<Int8Mlp, MlpError> {
        Int8Mlp::with_kernel(network, Checked::detect().kernel())
    }

    /// A network on `kernel`.
    ///
    /// # Errors
    /// [`MlpError`] if it is not by the definition, or the processor does not run `kernel`.
    pub fn with_kernel(network: &Quantised, kernel: Kernel) -> Result<Int8Mlp, MlpError> {
        network.check()?;
        let kernel = Checked::new(kernel).ok_or(MlpError::Kernel(kernel))?;
        let count = network.layers.len();
        let packed = network.layers.iter().enumerate().map(|(at, layer)| {
            let last = at + 1 == count;
            let next =
                if last { Next::Sums } else { Next::Layer(Codes::of(at + 1, count, network.wide)) };
            Packed::new(layer, Codes::of(at, count, network.wide), next)
        });
        Ok(Int8Mlp {
            layers: packed.collect(),
            scale: network.scale.clone(),
            input_scale: network.input_scale,
            scratch: Box::new(Scratch {
                inputs: [0.0; WIDTH_MAX],
                codes: [Words::zero(), Words::zero()],
                sums: [0; WIDTH_MAX],
                outputs: [0.0; WIDTH_MAX],
            }),
            inputs: network.layers[0].inputs,
            kernel,
        })
    }

    /// The kernels that this processor runs, fastest first.
    pub fn kernels() -> impl Iterator<Item = Kernel> {
        Checked::available()
    }

    /// Numbers it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.scale.len()
    }

    /// The kernel it runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Runs the network over normalised features. Inputs that are missing count as zero and those
    /// too many are not read; the outputs lie in the network's own memory.
    #[inline]
    pub fn forward(&mut self, inputs: &[f32]) -> &[f32] {
        let given = inputs.len().min(self.inputs);
        let (own, missing) = self.input().split_at_mut(given);
        own.copy_from_slice(&inputs[..given]);
        missing.fill(0.0);
        self.run()
    }

    /// Where [`Int8Mlp::run`] takes its inputs from.
    #[inline]
    pub(crate) fn input(&mut self) -> &mut [f32] {
        &mut self.scratch.inputs[..self.inputs]
    }

    /// Runs the network over what [`Int8Mlp::input`] holds.
    #[inline]
    pub(crate) fn run(&mut self) -> &[f32] {
        let Scratch { inputs, codes, sums, outputs } = &mut *self.scratch;
        let inputs = &inputs[..self.inputs];
        self.kernel.network(&self.layers, inputs, self.input_scale, codes, sums);
        let heads = self.scale.len();
        for ((output, sum), scale) in outputs[..heads].iter_mut().zip(&*sums).zip(&self.scale) {
            *output = *sum as f32 * scale;
        }
        &outputs[..heads]
    }

    /// The sums of the heads of the last run: what hardware hands out.
    pub fn sums(&self) -> &[i32] {
        &self.scratch.sums[..self.scale.len()]
    }
}
