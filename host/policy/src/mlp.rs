//! A dense network in f32: layers of weights with ReLU between them and none after the last.
//!
//! 40-64-64-2 is 6,800 multiply-adds over 27 KiB of weights, which stay in the first-level cache
//! while the policy is busy: the walk through them, some 420 lines, is what a decision costs.

use crate::kernel::{Checked, Packed, Place};
use core::fmt;

pub use crate::kernel::Kernel;

/// Most inputs, outputs or units of a layer.
pub const WIDTH_MAX: usize = 1_024;

/// Most layers.
pub const LAYERS_MAX: usize = 16;

/// One dense layer as it was trained.
#[derive(Clone, PartialEq, Debug)]
pub struct Dense {
    /// Numbers it takes.
    pub inputs: usize,
    /// One row of `inputs` numbers for each output.
    pub weights: Vec<f32>,
    /// One number for each output.
    pub bias: Vec<f32>,
}

/// The network, packed for one kernel, with its scratch memory.
#[derive(Clone, Debug)]
pub struct Mlp {
    layers: Vec<Packed>,
    scratch: Box<Scratch>,
    inputs: usize,
    outputs: usize,
    kernel: Checked,
}

/// Memory of one run.
#[derive(Clone, Debug)]
struct Scratch {
    /// Beyond the network's inputs always zero: the padding of the first layer.
    inputs: Numbers,
    /// What the layers give, in turn.
    between: [Numbers; 2],
}

/// Numbers that begin with a cache line, so that no register of them lies on two.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Numbers([f32; WIDTH_MAX]);

/// Why layers do not make a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MlpError {
    /// There are none, or more than [`LAYERS_MAX`].
    LayerCount(usize),
    /// A layer has no inputs or outputs, or more than [`WIDTH_MAX`].
    Width {
        /// Which layer.
        layer: usize,
    },
    /// The numbers of a layer are not inputs times outputs, or it does not take what the one before
    /// gives.
    Shape {
        /// Which layer.
        layer: usize,
    },
    /// A weight or bias is NaN or infinite.
    NotFinite {
        /// Which layer.
        layer: usize,
    },
    /// An integer of a layer is outside of its range, or a sum of it might be.
    Range {
        /// Which layer.
        layer: usize,
    },
    /// The processor does not run the kernel asked for.
    Kernel(Kernel),
}

impl Dense {
    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }
}

/// Checks that `layers` make a network.
///
/// # Errors
/// [`MlpError`] for the first layer that does not fit.
pub fn check(layers: &[Dense]) -> Result<(), MlpError> {
    if layers.is_empty() || layers.len() > LAYERS_MAX {
        return Err(MlpError::LayerCount(layers.len()));
    }
    let width = 1..=WIDTH_MAX;
    for (at, layer) in layers.iter().enumerate() {
        if !width.contains(&layer.inputs) || !width.contains(&layer.outputs()) {
            return Err(MlpError::Width { layer: at });
        }
        let follows = at == 0 || layers[at - 1].outputs() == layer.inputs;
        if !follows || layer.weights.len() != layer.inputs * layer.outputs() {
            return Err(MlpError::Shape { layer: at });
        }
        if !layer.weights.iter().chain(&layer.bias).all(|number| number.is_finite()) {
            return Err(MlpError::NotFinite { layer: at });
        }
    }
    Ok(())
}

impl Mlp {
    /// A network on the fastest kernel of this processor.
    ///
    /// # Errors
    /// [`MlpError`] if the layers do not fit together.
    pub fn new(layers: &[Dense]) -> Result<Mlp, MlpError> {
        Mlp::with_kernel(layers, Kernel::detect())
    }

    /// A network on `kernel`.
    ///
    /// # Errors
    /// [`MlpError`] if the layers do not fit together or the processor does not run `kernel`.
    pub fn with_kernel(layers: &[Dense], kernel: Kernel) -> Result<Mlp, MlpError> {
        check(layers)?;
        let kernel = Checked::new(kernel).ok_or(MlpError::Kernel(kernel))?;
        let last = layers.len() - 1;
        let packed = layers.iter().enumerate().map(|(at, layer)| {
            let place = Place { first: at == 0, last: at == last };
            Packed::new(&layer.weights, &layer.bias, layer.inputs, place)
        });
        let empty = Numbers([0.0; WIDTH_MAX]);
        let scratch = Scratch { inputs: empty.clone(), between: [empty.clone(), empty] };
        Ok(Mlp {
            layers: packed.collect(),
            scratch: Box::new(scratch),
            inputs: layers[0].inputs,
            outputs: layers[last].outputs(),
            kernel,
        })
    }

    /// Every sum on the way stays a finite number for inputs within ±`clip`.
    pub fn is_finite_within(&self, clip: f32) -> bool {
        self.layers.iter().try_fold(f64::from(clip), |bound, layer| layer.bound(bound)).is_some()
    }

    /// Numbers it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The kernel it runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// Runs the network. Inputs that are missing count as zero and those too many are not read; the
    /// outputs lie in the network's own memory.
    #[inline]
    pub fn forward(&mut self, inputs: &[f32]) -> &[f32] {
        let given = inputs.len().min(self.inputs);
        let (own, missing) = self.input().split_at_mut(given);
        own.copy_from_slice(&inputs[..given]);
        missing.fill(0.0);
        self.run()
    }

    /// Where [`Mlp::run`] takes its inputs from: as many numbers as there are inputs.
    #[inline]
    pub(crate) fn input(&mut self) -> &mut [f32] {
        &mut self.scratch.inputs.0[..self.inputs]
    }

    /// Runs the network over what [`Mlp::input`] holds.
    #[inline]
    pub(crate) fn run(&mut self) -> &[f32] {
        let Scratch { inputs, between: [given, free] } = &mut *self.scratch;
        let (mut given, mut free) = (given, free);
        let (kernel, mut layers) = (self.kernel, self.layers.iter());
        if let Some(first) = layers.next() {
            kernel.layer(first, &inputs.0, &mut given.0);
        }
        for layer in layers {
            // The padding of a layer's outputs is zero, which is what the next layer asks of its
            // input: no weights and no bias are there.
            kernel.layer(layer, &given.0, &mut free.0);
            core::mem::swap(&mut given, &mut free);
        }
        &given.0[..self.outputs]
    }
}

impl fmt::Display for MlpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MlpError::LayerCount(count) => {
                write!(f, "{count} layers, allowed is 1 to {LAYERS_MAX}")
            }
            MlpError::Width { layer } => {
                write!(f, "layer {layer}: inputs and outputs must be 1 to {WIDTH_MAX}")
            }
            MlpError::Shape { layer } => write!(f, "layer {layer}: its shape does not fit"),
            MlpError::NotFinite { layer } => write!(f, "layer {layer}: a weight is not finite"),
            MlpError::Range { layer } => write!(f, "layer {layer}: an integer is out of range"),
            MlpError::Kernel(kernel) => {
                write!(f, "this processor does not run the {} kernel", kernel.name())
            }
        }
    }
}

impl core::error::Error for MlpError {}
