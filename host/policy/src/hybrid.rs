//! A network that hears every decision's features as one step of a stream: causal convolution,
//! LSTM, attention over the states before, heads. What stands here is the definition that a
//! training has to follow; `host/policy/tests/hybrid.rs` has it in plain f64.
//!
//! Step t takes the normalised features x(t), 40 numbers, and carries the two inputs, the state
//! (h, c) and the 16 states before it. In the beginning all of that is zero and no state is
//! remembered. Shapes and names are those of torch; matrices have one row for each output.
//!
//! 1. **Convolution** over time, kernel of 3, stride 1, padded with two zero inputs on the left:
//!    u(t) = relu(b + W\[:,:,0\] x(t−2) + W\[:,:,1\] x(t−1) + W\[:,:,2\] x(t)), 32 channels.
//!    `conv.weight` is 32 × 40 × 3: `torch.nn.Conv1d(40, 32, 3)` behind a left padding of 2.
//! 2. **LSTM** of 64 units, as `torch.nn.LSTM(32, 64)`, gates in the order i, f, g, o:
//!    a = W_ih u(t) + b_ih + W_hh h(t−1) + b_hh, i = σ(a₀), f = σ(a₁), g = tanh(a₂), o = σ(a₃),
//!    c(t) = f c(t−1) + i g, h(t) = o tanh(c(t)). `lstm.weight_ih_l0` is 256 × 32,
//!    `lstm.weight_hh_l0` 256 × 64.
//! 3. **Attention**, one head of 64, scaled dot products (Vaswani et al. 2017): the query is of
//!    the newest state, q = W_q h(t) + b_q. Keys and values are of the up to 16 states *before* it,
//!    k(j) = W_k h(j) + b_k, v(j) = W_v h(j) + b_v for j = t−16 .. t−1, so that both are ready when
//!    the step begins. p = softmax over those j that exist of q · k(j) / 8, and the context is
//!    Σ p(j) v(j), zero at the first step. The newest state itself comes in by the sum of 4.
//! 4. **Trunk**: z = relu(W_d (h(t) + context) + b_d), 64 units.
//! 5. **Heads**: W_o z + b_o, one output for each name in the manifest: quotes or actions, a value
//!    estimate, fill probability, volatility, toxicity. The last three are raw numbers; what makes
//!    a probability of one belongs to its loss.
//!
//! Attention does not ask for an order of the states, so where the ring begins does not matter.
//!
//! **What is computed when.** Once the decision has left, [`Hybrid::prepare`] computes what the
//! next one needs of what is known: the older taps of the convolution, W_hh h, and the newest
//! state's key and value. Three products of matrices never meet an input of their own, so they are
//! folded at construction, in f64: W_qᵀ k(j) / 8 in the place of the key, and W_d v(j) in the place
//! of the value. [`Hybrid::step`] is then 15,900 multiply-adds (with ten heads) where the
//! definition has 55,000.

mod network;
mod weights;

pub(crate) use network::{GATES, Memory};
pub use network::{Hybrid, HybridState};
pub use weights::HybridWeights;

use crate::features::FEATURE_COUNT;

/// Numbers that a step takes.
pub const INPUTS: usize = FEATURE_COUNT;

/// Channels of the convolution.
pub const CHANNELS: usize = 32;

/// Steps that the convolution sees.
pub const TAPS: usize = 3;

/// Units of the LSTM, and of everything behind it but the heads.
pub const UNITS: usize = 64;

/// States that are attended to.
pub const WINDOW: usize = 16;

/// Most heads.
pub const HEADS_MAX: usize = 64;

/// Largest magnitude of a weight or bias: whatever the inputs are, no sum leaves the numbers.
pub const WEIGHT_MAX: f32 = 1e4;
