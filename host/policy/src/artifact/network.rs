//! A network of any kind, ready to run.

use super::weights::Weights;
use crate::features::{FEATURE_COUNT, Features};
use crate::hybrid::{Hybrid, HybridState};
use crate::int8::Int8Mlp;
use crate::lstm::{Lstm, LstmState};
use crate::mlp::{self, Mlp, MlpError};

/// A network, packed for this processor's fastest kernel.
#[derive(Clone, Debug)]
pub enum Network {
    /// Dense layers of floats.
    Mlp(Mlp),
    /// Dense layers of integers.
    MlpInt8(Int8Mlp),
    /// Convolution, LSTM and attention.
    Hybrid(Box<Hybrid>),
    /// Stacked LSTM of integers.
    Lstm(Box<Lstm>),
}

/// What one stream carries from decision to decision.
#[derive(Clone, Debug)]
pub enum State {
    /// Nothing: the network sees every decision by itself.
    None,
    /// Of convolution, LSTM and attention.
    Hybrid(Box<HybridState>),
    /// Of a stacked LSTM.
    Lstm(Box<LstmState>),
}

impl Weights {
    /// Checks that they make a network.
    ///
    /// # Errors
    /// [`MlpError`] for the first layer that does not fit.
    pub fn check(&self) -> Result<(), MlpError> {
        match self {
            Weights::Mlp(layers) => mlp::check(layers),
            Weights::MlpInt8(network) => network.check(),
            Weights::Hybrid(weights) => weights.check(),
            Weights::Lstm(weights) => weights.check(),
        }
    }
}

impl State {
    /// Becomes a copy of `other`, in the memory that it has: both are of one network.
    pub(crate) fn reset(&mut self, other: &State) {
        match (self, other) {
            (State::Hybrid(state), State::Hybrid(other)) => (**state).clone_from(other),
            (State::Lstm(state), State::Lstm(other)) => state.reset(other),
            _ => {}
        }
    }
}

impl Network {
    /// Packs `weights` for the fastest kernel.
    ///
    /// # Errors
    /// [`MlpError`] for the first layer that does not fit.
    pub fn new(weights: &Weights) -> Result<Network, MlpError> {
        Ok(match weights {
            Weights::Mlp(layers) => Network::Mlp(Mlp::new(layers)?),
            Weights::MlpInt8(network) => Network::MlpInt8(Int8Mlp::new(network)?),
            Weights::Hybrid(weights) => Network::Hybrid(Box::new(Hybrid::new(weights)?)),
            Weights::Lstm(weights) => Network::Lstm(Box::new(Lstm::new(weights)?)),
        })
    }

    /// A stream before its first decision.
    pub fn state(&self) -> State {
        match self {
            Network::Mlp(_) | Network::MlpInt8(_) => State::None,
            Network::Hybrid(network) => State::Hybrid(Box::new(network.state())),
            Network::Lstm(network) => State::Lstm(Box::new(network.state())),
        }
    }

    /// The outputs for normalised features: one decision of the stream of `state`, which must be
    /// of this network. With another's the outputs are those of no stream: none at all.
    #[inline]
    pub fn run(&mut self, state: &mut State, inputs: &Features) -> &[f32] {
        const { assert!(FEATURE_COUNT == crate::hybrid::INPUTS) };
        match (self, state) {
            (Network::Mlp(network), _) => network.forward(inputs),
            (Network::MlpInt8(network), _) => network.forward(inputs),
            (Network::Hybrid(network), State::Hybrid(state)) => network.step(state, inputs),
            (Network::Lstm(network), State::Lstm(state)) => network.step(state, inputs),
            _ => &[],
        }
    }

    /// Computes what the next decision of a stream needs of this one, once its orders have left.
    /// Without it the next decision takes longer and is the same.
    pub fn prepare(&mut self, state: &mut State) {
        match (self, state) {
            (Network::Hybrid(network), State::Hybrid(state)) => network.prepare(state),
            (Network::Lstm(network), State::Lstm(state)) => network.prepare(state),
            _ => {}
        }
    }

    /// Its outputs are numbers for all inputs within ±`clip`.
    pub fn is_finite_within(&self, clip: f32) -> bool {
        match self {
            Network::Mlp(network) => network.is_finite_within(clip),
            // By the bounds of their definitions.
            Network::MlpInt8(_) | Network::Hybrid(_) | Network::Lstm(_) => true,
        }
    }

    /// The network of floats, if it is one.
    pub fn mlp(&self) -> Option<&Mlp> {
        match self {
            Network::Mlp(network) => Some(network),
            _ => None,
        }
    }
}
