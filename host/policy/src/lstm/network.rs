//! The definition on the kernels of this processor.

use super::{CELLS_MAX, LstmWeights, UNITS_MAX};
use crate::int8::Codes;
use crate::kernel::Kernel;
use crate::kernel::integer::{Checked, Next, Packed, Words};
use crate::mlp::{MlpError, WIDTH_MAX};

/// The network, packed, with its scratch memory; it serves any number of streams.
#[derive(Clone, Debug)]
pub struct Lstm {
    cells: Vec<Cell>,
    heads: Packed,
    scale: Vec<f32>,
    input_scale: f32,
    inputs: usize,
    scratch: Box<Scratch>,
    kernel: Checked,
}

#[derive(Clone, Debug)]
struct Cell {
    input: Packed,
    recurrent: Packed,
    units: usize,
}

/// Memory of one step.
#[derive(Clone, Debug)]
struct Scratch {
    inputs: Words,
    gates: Words,
    sums: [i32; WIDTH_MAX],
    outputs: [f32; WIDTH_MAX],
}

/// What one stream carries from step to step.
#[derive(Clone, Debug)]
pub struct LstmState {
    cells: Vec<CellState>,
    /// A step has been taken that [`Lstm::prepare`] has not seen.
    pending: bool,
}

/// Of one cell.
#[derive(Clone, Debug)]
pub(crate) struct CellState {
    /// Codes of the state.
    pub(crate) codes: Words,
    /// The memory.
    pub(crate) memory: [i16; UNITS_MAX],
    /// What the state gives to the next step's gates.
    pub(crate) gates: Words,
}

/// The code of a state of zero.
pub(crate) const ZERO: u8 = 128;

impl LstmState {
    /// Becomes a copy of `other`, in the memory that it has.
    pub(crate) fn reset(&mut self, other: &LstmState) {
        self.cells.clone_from(&other.cells);
        self.pending = other.pending;
    }
}

impl Lstm {
    /// The network on the fastest kernel of this processor.
    ///
    /// # Errors
    /// [`MlpError`] if it is not by the definition.
    pub fn new(weights: &LstmWeights) -> Result<Lstm, MlpError> {
        Lstm::with_kernel(weights, Checked::detect().kernel())
    }

    /// The network on `kernel`.
    ///
    /// # Errors
    /// [`MlpError`] if it is not by the definition, or the processor does not run `kernel`.
    pub fn with_kernel(weights: &LstmWeights, kernel: Kernel) -> Result<Lstm, MlpError> {
        weights.check()?;
        let kernel = Checked::new(kernel).ok_or(MlpError::Kernel(kernel))?;
        let cells = weights.layers.iter().enumerate().map(|(at, layer)| {
            let codes = if at == 0 { Codes::Words } else { Codes::Bytes };
            Cell {
                input: Packed::new(&layer.input, codes, Next::Gates),
                recurrent: Packed::new(&layer.recurrent, Codes::Bytes, Next::Gates),
                units: layer.units(),
            }
        });
        Ok(Lstm {
            cells: cells.collect(),
            heads: Packed::new(&weights.heads, Codes::Bytes, Next::Sums),
            scale: weights.scale.clone(),
            input_scale: weights.input_scale,
            inputs: weights.layers[0].input.inputs,
            scratch: Box::new(Scratch {
                inputs: Words::zero(),
                gates: Words::zero(),
                sums: [0; WIDTH_MAX],
                outputs: [0.0; WIDTH_MAX],
            }),
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

    /// A stream before its first step.
    pub fn state(&self) -> LstmState {
        let cell = |cell: &Cell| {
            let mut codes = Words::zero();
            codes.bytes()[..cell.units].fill(ZERO);
            CellState { codes, memory: [0; UNITS_MAX], gates: Words::zero() }
        };
        let mut cells = Vec::with_capacity(CELLS_MAX);
        cells.extend(self.cells.iter().map(cell));
        LstmState { cells, pending: true }
    }

    /// One step of a stream over normalised features; those that are missing count as zero. If the
    /// stream is not prepared, that is done first. The outputs lie in the network's own memory.
    #[inline]
    pub fn step(&mut self, state: &mut LstmState, inputs: &[f32]) -> &[f32] {
        if state.pending {
            self.prepare(state);
        }
        state.pending = true;
        let kernel = self.kernel;
        let Scratch { inputs: codes, gates, sums, outputs } = &mut *self.scratch;
        kernel.codes(&inputs[..inputs.len().min(self.inputs)], self.input_scale, codes);
        let mut given: &Words = codes;
        for (cell, state) in self.cells.iter().zip(&mut state.cells) {
            kernel.hidden(&cell.input, given, gates);
            kernel.lstm_cell(cell.units, gates, state);
            given = &state.codes;
        }
        kernel.sums(&self.heads, given, sums);
        let heads = self.scale.len();
        for ((output, sum), scale) in outputs[..heads].iter_mut().zip(&*sums).zip(&self.scale) {
            *output = *sum as f32 * scale;
        }
        &outputs[..heads]
    }

    /// Computes what the next step needs of this one; once is enough.
    pub fn prepare(&mut self, state: &mut LstmState) {
        if core::mem::take(&mut state.pending) {
            for (cell, state) in self.cells.iter().zip(&mut state.cells) {
                let CellState { codes, gates, .. } = state;
                self.kernel.hidden(&cell.recurrent, codes, gates);
            }
        }
    }
}
