//! The definition on the kernels of this processor, split into what waits for the newest input and
//! what does not.

use super::{CHANNELS, HEADS_MAX, HybridWeights, INPUTS, TAPS, UNITS, WINDOW};
use crate::kernel::{Checked, Flags, Floats, Kernel, LANE, Packed};
use crate::mlp::{Dense, MlpError};

/// Numbers of the four gates.
pub(crate) const GATES: usize = 4 * UNITS;

/// Inputs in whole lanes.
const PADDED: usize = INPUTS.next_multiple_of(LANE);

/// What is prepared of a state for the scores, its folded key and its constant, in whole lanes.
const KEY: usize = UNITS + LANE;

/// Score of a state that does not exist: its weight is zero beside any that does.
const NOBODY: f32 = -1e30;

/// The network, packed, with its scratch memory; it serves any number of streams.
#[derive(Clone, Debug)]
pub struct Hybrid {
    /// The newest tap of the convolution.
    newest: Packed,
    /// The older taps, of the input before and the one before that.
    older: Packed,
    input: Packed,
    recurrent: Packed,
    /// W_qᵀ k / 8, and one more row: b_q · k / 8.
    keys: Packed,
    /// W_d v.
    values: Packed,
    trunk: Packed,
    heads: Packed,
    outputs: usize,
    scratch: Box<Scratch>,
    kernel: Checked,
}

/// Memory of one step.
#[derive(Clone, Debug)]
struct Scratch {
    channels: Floats<CHANNELS>,
    gates: Floats<GATES>,
    trunk: Floats<UNITS>,
    key: Floats<KEY>,
    heads: Floats<HEADS_MAX>,
}

/// What one stream carries from step to step.
#[derive(Clone, Debug)]
pub struct HybridState {
    /// The newest input, in whole lanes; the rest is zero.
    x: Floats<PADDED>,
    /// The two before the next input, one behind the other: what the older taps see.
    before: [[f32; INPUTS]; TAPS - 1],
    h: Floats<UNITS>,
    c: Floats<UNITS>,
    /// What the older taps gave.
    conv: Floats<CHANNELS>,
    /// What the state before gave to the gates.
    gates: Floats<GATES>,
    memory: Memory,
    /// Where the next state goes.
    next: usize,
    /// A step has been taken that [`Hybrid::prepare`] has not seen.
    pending: bool,
}

/// The states that are attended to, in a ring.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// For each unit, what it is multiplied by in the score of each state.
    pub(crate) keys: Floats<{ UNITS * WINDOW }>,
    /// What each score has besides.
    pub(crate) constant: Floats<WINDOW>,
    /// What each state gives to the trunk.
    pub(crate) values: [Floats<UNITS>; WINDOW],
}

impl Hybrid {
    /// The network on the fastest kernel of this processor.
    ///
    /// # Errors
    /// [`MlpError`] if the weights are not by the definition.
    pub fn new(weights: &HybridWeights) -> Result<Hybrid, MlpError> {
        Hybrid::with_kernel(weights, Kernel::detect())
    }

    /// The network on `kernel`.
    ///
    /// # Errors
    /// [`MlpError`] if the weights are not by the definition or the processor does not run
    /// `kernel`.
    pub fn with_kernel(weights: &HybridWeights, kernel: Kernel) -> Result<Hybrid, MlpError> {
        weights.check()?;
        let kernel = Checked::new(kernel).ok_or(MlpError::Kernel(kernel))?;
        let plain = Flags { sparse: false, relu: false };
        let pack = |dense: &Dense, flags: Flags| {
            Packed::with_flags(&dense.weights, &dense.bias, dense.inputs, flags)
        };
        let [newest, older] = taps(&weights.conv);
        let mut recurrent = weights.recurrent.clone();
        for (bias, input) in recurrent.bias.iter_mut().zip(&weights.input.bias) {
            *bias += input;
        }
        let activated = Flags { sparse: false, relu: true };
        Ok(Hybrid {
            newest: pack(&newest, activated),
            older: pack(&older, plain),
            input: pack(&weights.input, Flags { sparse: true, relu: false }),
            recurrent: pack(&recurrent, plain),
            keys: pack(&keys(weights), plain),
            values: pack(&values(weights), plain),
            trunk: pack(&weights.trunk, activated),
            heads: pack(&weights.heads, Flags { sparse: true, relu: false }),
            outputs: weights.heads.outputs(),
            scratch: Box::new(Scratch {
                channels: Floats::ZERO,
                gates: Floats::ZERO,
                trunk: Floats::ZERO,
                key: Floats::ZERO,
                heads: Floats::ZERO,
            }),
            kernel,
        })
    }

    /// Numbers it gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The kernel it runs on.
    pub fn kernel(&self) -> Kernel {
        self.kernel.kernel()
    }

    /// A stream before its first step.
    pub fn state(&self) -> HybridState {
        let mut state = HybridState {
            x: Floats::ZERO,
            before: [[0.0; INPUTS]; _],
            h: Floats::ZERO,
            c: Floats::ZERO,
            conv: Floats::ZERO,
            gates: Floats::ZERO,
            memory: Memory {
                keys: Floats::ZERO,
                constant: Floats([NOBODY; _]),
                values: [Floats::ZERO; _],
            },
            next: 0,
            pending: false,
        };
        state.conv.0.copy_from_slice(self.older.bias());
        state.gates.0.copy_from_slice(self.recurrent.bias());
        state
    }

    /// One step of a stream over normalised features, which must be numbers. If the stream is not
    /// prepared, that is done first. The outputs lie in the network's own memory.
    #[inline]
    pub fn step(&mut self, state: &mut HybridState, inputs: &[f32; INPUTS]) -> &[f32] {
        if state.pending {
            self.prepare(state);
        }
        let Scratch { channels, gates, trunk, heads, .. } = &mut *self.scratch;
        let kernel = self.kernel;
        state.pending = true;
        state.x.0[..INPUTS].copy_from_slice(inputs);
        kernel.layer_from(&self.newest, &state.conv.0, &state.x.0, &mut channels.0);
        kernel.layer_from(&self.input, &state.gates.0, &channels.0, &mut gates.0);
        kernel.cell(gates, &mut state.c, &mut state.h);
        let mut context = Floats::<UNITS>::ZERO;
        context.0.copy_from_slice(self.trunk.bias());
        kernel.attend(&state.memory, &state.h, &mut context);
        kernel.layer_from(&self.trunk, &context.0, &state.h.0, &mut trunk.0);
        kernel.layer(&self.heads, &trunk.0, &mut heads.0);
        &heads.0[..self.outputs]
    }

    /// Computes what the next step needs of this one; once is enough.
    pub fn prepare(&mut self, state: &mut HybridState) {
        if !core::mem::take(&mut state.pending) {
            return;
        }
        let (kernel, key) = (self.kernel, &mut self.scratch.key);
        let HybridState { x, before, h, conv, gates, memory, next, .. } = state;
        before[0] = before[1];
        before[1].copy_from_slice(&x.0[..INPUTS]);
        kernel.layer(&self.older, before.as_flattened(), &mut conv.0);
        kernel.layer(&self.recurrent, &h.0, &mut gates.0);
        kernel.layer(&self.keys, &h.0, &mut key.0);
        let lanes = memory.keys.0.as_chunks_mut::<WINDOW>().0;
        for (unit, lane) in key.0.iter().zip(lanes) {
            lane[*next] = *unit;
        }
        memory.constant.0[*next] = key.0[UNITS];
        kernel.layer(&self.values, &h.0, &mut memory.values[*next].0);
        *next = (*next + 1) % WINDOW;
    }
}

// Two inputs fill their lanes.
const _: () = assert!((2 * INPUTS).is_multiple_of(LANE) && TAPS == 3);

/// The newest tap of the convolution without a bias, which the older taps bring.
fn taps(conv: &Dense) -> [Dense; 2] {
    let tap =
        |row: usize, input: usize, tap: usize| conv.weights[(row * INPUTS + input) * TAPS + tap];
    let (mut newest, mut older) = (Vec::new(), Vec::new());
    for row in 0..CHANNELS {
        newest.extend((0..INPUTS).map(|input| tap(row, input, TAPS - 1)));
        for before in 0..TAPS - 1 {
            older.extend((0..INPUTS).map(|input| tap(row, input, before)));
        }
    }
    [
        Dense { inputs: INPUTS, weights: newest, bias: vec![0.0; CHANNELS] },
        Dense { inputs: (TAPS - 1) * INPUTS, weights: older, bias: conv.bias.clone() },
    ]
}

/// Row i of the product of matrices that is `left`ᵀ `right` (`transposed`) or `left` `right`, and
/// of `left`ᵀ or `left` times the bias of `right`.
fn fold(left: &Dense, right: &Dense, transposed: bool, i: usize) -> (Vec<f64>, f64) {
    let left = |t: usize| {
        f64::from(if transposed {
            left.weights[t * UNITS + i]
        } else {
            left.weights[i * UNITS + t]
        })
    };
    let sum =
        |of: &dyn Fn(usize) -> f32| (0..UNITS).map(|t| left(t) * f64::from(of(t))).sum::<f64>();
    let row = (0..UNITS).map(|j| sum(&|t| right.weights[t * UNITS + j]));
    (row.collect(), sum(&|t| right.bias[t]))
}

/// W_qᵀ (W_k h + b_k) / 8, and the row b_q · (W_k h + b_k) / 8.
fn keys(weights: &HybridWeights) -> Dense {
    let scale = 1.0 / (UNITS as f64).sqrt();
    let bias = |t: usize| f64::from(weights.query.bias[t]);
    let mut rows: Vec<_> =
        (0..UNITS).map(|i| fold(&weights.query, &weights.key, true, i)).collect();
    let last = (0..UNITS).map(|j| {
        (0..UNITS).map(|t| bias(t) * f64::from(weights.key.weights[t * UNITS + j])).sum::<f64>()
    });
    let constant = (0..UNITS).map(|t| bias(t) * f64::from(weights.key.bias[t])).sum::<f64>();
    rows.push((last.collect(), constant));
    dense(rows, scale)
}

/// W_d (W_v h + b_v).
fn values(weights: &HybridWeights) -> Dense {
    dense((0..UNITS).map(|i| fold(&weights.trunk, &weights.value, false, i)).collect(), 1.0)
}

fn dense(rows: Vec<(Vec<f64>, f64)>, scale: f64) -> Dense {
    let bias = rows.iter().map(|(_, bias)| (bias * scale) as f32).collect();
    let weights = rows.iter().flat_map(|(row, _)| row.iter().map(|w| (w * scale) as f32));
    Dense { inputs: UNITS, weights: weights.collect(), bias }
}
