//! Quotes by a trained network, of whatever kind.
//!
//! Heads are found by their names in the manifest. Two distances: [`HEAD_BID`] is how many ticks
//! the bid lies below the mid price, [`HEAD_ASK`] how many ticks the ask lies above it; skew is the
//! difference of the two. Or scores of discrete actions, `action_0` and so on, of which the largest
//! (the first of equal ones) chooses its entry of the manifest's table. Both are held inside a
//! configured range, so that no output can quote through the market or out of sight. Heads of other
//! names (a value estimate, for one) are computed and not used. An output that is not a number
//! quotes nothing.
//!
//! Networks that carry a state have a stream for each instrument. A decision on the instrument is a
//! step of its stream, so none is left out for leading to no intent.

use super::{Desired, Inputs};
use crate::artifact::{self, Action, Artifact, Normalisation, Quoting, State};
use crate::config::{PolicyError, in_range};
use crate::features::{FEATURE_COUNT, Features};
use tercel_types::InstrumentId;

/// Name of the head that places the bid: ticks below the mid price.
pub const HEAD_BID: &str = "bid_offset_ticks";

/// Name of the head that places the ask: ticks above the mid price.
pub const HEAD_ASK: &str = "ask_offset_ticks";

/// A checked artifact with the range of its outputs.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The network with its manifest.
    pub artifact: Artifact,
    /// Least distance of a quote from the mid price, ticks, −100 to 10,000; below zero it may go
    /// past the mid.
    pub offset_min_ticks: f64,
    /// Largest distance of a quote from the mid price, ticks, at most 10,000.
    pub offset_max_ticks: f64,
}

/// What is kept of it for decisions.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    network: artifact::Network,
    normalisation: Normalisation,
    quoting: Quoting,
    min: f32,
    max: f32,
    /// Its answers are two prices whatever the features are.
    finite: bool,
    streams: Streams,
}

/// The states of the instruments; none for a network without.
#[derive(Clone, Debug)]
struct Streams {
    /// Stream of each instrument, [`NONE`] for those that have none; empty for a network without.
    index: Box<[u16]>,
    states: Vec<State>,
    /// Made ahead for instruments that have no stream yet.
    spare: Vec<State>,
    /// Where a stream begins.
    fresh: State,
    /// The stream of the last decision: what its next one needs has not been computed.
    pending: Option<usize>,
}

/// No stream.
const NONE: u16 = u16::MAX;

impl Learned {
    /// Checks the range; the artifact was checked when it was parsed.
    ///
    /// # Errors
    /// [`PolicyError::OutOfRange`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        in_range("strategy.offset_min_ticks", self.offset_min_ticks, -100.0, 1e4)?;
        in_range("strategy.offset_max_ticks", self.offset_max_ticks, self.offset_min_ticks, 1e4)
    }

    pub(crate) fn network(&self) -> Network {
        let manifest = self.artifact.manifest();
        let network = self.artifact.network().clone();
        let quoting = self.artifact.quoting().clone();
        let flattens = match &quoting {
            Quoting::Distances { .. } => false,
            Quoting::Actions(table) => table.iter().any(|(_, action)| *action == Action::Flatten),
        };
        Network {
            finite: network.is_finite_within(manifest.normalisation.clip()) && !flattens,
            streams: Streams::new(&network),
            network,
            normalisation: manifest.normalisation.clone(),
            quoting,
            min: self.offset_min_ticks as f32,
            max: self.offset_max_ticks as f32,
        }
    }
}

impl Streams {
    fn new(network: &artifact::Network) -> Streams {
        let fresh = network.state();
        let ids = if matches!(fresh, State::None) { 0 } else { usize::from(u16::MAX) + 1 };
        let index = vec![NONE; ids].into_boxed_slice();
        Streams { index, states: Vec::new(), spare: Vec::new(), fresh, pending: None }
    }

    /// The stream of an instrument.
    #[inline]
    fn of(&mut self, id: InstrumentId) -> Option<usize> {
        let at = usize::from(*self.index.get(id.index())?);
        if at < self.states.len() { Some(at) } else { self.add(id) }
    }

    /// A new stream: when the instrument gets its slot, for that is when memory may be taken.
    #[cold]
    #[inline(never)]
    fn add(&mut self, id: InstrumentId) -> Option<usize> {
        let at = self.states.len();
        if at >= usize::from(NONE) {
            return None;
        }
        self.index[id.index()] = at as u16;
        let state = self.spare.pop().unwrap_or_else(|| self.fresh.clone());
        self.states.push(state);
        Some(at)
    }
}

impl Network {
    /// Begins the stream of an instrument afresh.
    pub(crate) fn begin(&mut self, id: InstrumentId) {
        if let Some(at) = self.streams.of(id) {
            self.streams.states[at].reset(&self.streams.fresh);
        }
    }

    /// Takes the memory for the streams of `count` more instruments, so that none of them does.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.is_streaming() {
            self.streams.spare.resize(count, self.streams.fresh.clone());
            self.streams.states.reserve(count);
        }
    }

    /// It carries a state from one decision to the next, so that each has to be asked for.
    #[inline]
    pub(crate) fn is_streaming(&self) -> bool {
        !self.streams.index.is_empty()
    }

    /// Computes what the next decision needs of the last one.
    pub(crate) fn prepare(&mut self) {
        if let Some(at) = self.streams.pending.take() {
            self.network.prepare(&mut self.streams.states[at]);
        }
    }

    /// The prices for one decision on an instrument.
    #[inline]
    pub(crate) fn desired(
        &mut self,
        id: InstrumentId,
        features: &Features,
        inputs: &Inputs,
    ) -> Desired {
        let mut normalised = [0.0; FEATURE_COUNT];
        self.normalisation.apply(features, &mut normalised);
        let mut none = State::None;
        self.streams.pending = self.streams.of(id);
        let state = match self.streams.pending {
            Some(at) => &mut self.streams.states[at],
            None => &mut none,
        };
        let outputs = self.network.run(state, &normalised);
        let output = |head: usize| outputs.get(head).copied().unwrap_or(f32::NAN);
        let price = |ticks: f32| f64::from(ticks.clamp(self.min, self.max)) * inputs.tick;
        let (below, above) = match &self.quoting {
            Quoting::Distances { bid, ask } => (output(*bid), output(*ask)),
            Quoting::Actions(table) => match chosen(table, output) {
                Some(Action::Quote { offset, skew }) => (offset - skew, offset + skew),
                Some(Action::Flatten) if inputs.lots > 0.0 => (f32::NAN, self.min),
                Some(Action::Flatten) if inputs.lots < 0.0 => (self.min, f32::NAN),
                _ => (f32::NAN, f32::NAN),
            },
        };
        Desired::around(inputs.mid, price(below), price(above))
    }

    /// The nearest and the farthest prices it can answer with; `None` if it might answer with what
    /// is not a number.
    #[inline]
    pub(crate) fn range(&self, mid: f64, tick: f64) -> Option<[Desired; 2]> {
        let at = |ticks: f32| f64::from(ticks) * tick;
        let ends = [self.min, self.max].map(|end| Desired::around(mid, at(end), at(end)));
        self.finite.then_some(ends)
    }
}

/// The action whose score is the largest; none if a score is not a number.
#[inline]
fn chosen(table: &[(usize, Action)], output: impl Fn(usize) -> f32) -> Option<Action> {
    let mut best: Option<(f32, Action)> = None;
    for (head, action) in table {
        let score = output(*head);
        if score.is_nan() {
            return None;
        }
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, *action));
        }
    }
    best.map(|(_, action)| action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Heads, Provenance};
    use crate::hybrid::HybridWeights;
    use crate::mlp::Dense;

    const ID: InstrumentId = InstrumentId(7);

    fn inputs(lots: f64) -> Inputs {
        Inputs { mid: 1e6, tick: 100.0, inventory: 0.0, lots, volatility: 0.0 }
    }

    fn network(artifact: Artifact) -> Network {
        Learned { artifact, offset_min_ticks: 0.5, offset_max_ticks: 4.0 }.network()
    }

    /// A network whose outputs are its biases, whatever the features are.
    fn scores(bias: Vec<f32>, actions: Vec<Action>) -> Network {
        let names = (0..bias.len()).map(|at| format!("action_{at}")).collect();
        let layer =
            Dense { inputs: FEATURE_COUNT, weights: vec![0.0; FEATURE_COUNT * bias.len()], bias };
        let heads = Heads { names, actions };
        let identity = Normalisation::identity();
        network(Artifact::mlp(vec![layer], identity, heads, Provenance::default()).unwrap())
    }

    const TABLE: [Action; 3] = [
        Action::Quote { offset: 2.0, skew: 1.0 },
        Action::Quote { offset: 3.0, skew: -2.0 },
        Action::Flatten,
    ];

    #[test]
    fn the_largest_score_chooses_and_the_first_of_equal_ones() {
        let desired = |bias: [f32; 2]| {
            let mut network = scores(bias.to_vec(), TABLE[..2].to_vec());
            assert!(network.range(1e6, 100.0).is_some() && !network.is_streaming());
            network.desired(ID, &[0.0; FEATURE_COUNT], &inputs(0.0))
        };
        // The skew lifts both quotes; distances are held within half a tick and four.
        let first = Desired { bid: 999_900.0, ask: 1_000_300.0 };
        assert_eq!(desired([1.0, 0.5]), first);
        assert_eq!(desired([1.0, 1.0]), first);
        assert_eq!(desired([0.0, 0.5]), Desired { bid: 999_600.0, ask: 1_000_100.0 });
    }

    #[test]
    fn to_flatten_is_to_quote_only_against_the_position() {
        let mut network = scores(vec![0.0, 0.0, 1.0], TABLE.to_vec());
        assert!(network.range(1e6, 100.0).is_none(), "a side may be without a price");
        let mut at = |lots| network.desired(ID, &[0.0; FEATURE_COUNT], &inputs(lots));
        let long = at(3.0);
        assert!(long.bid.is_nan() && long.ask == 1_000_050.0);
        let short = at(-3.0);
        assert!(short.ask.is_nan() && short.bid == 999_950.0);
        let flat = at(0.0);
        assert!(flat.bid.is_nan() && flat.ask.is_nan());
    }

    #[test]
    fn each_instrument_has_a_stream_that_can_begin_afresh() {
        let (weights, identity) = (HybridWeights::random(2, 4), Normalisation::identity());
        let heads = Heads::distances();
        let artifact = Artifact::hybrid(weights, identity, heads, Provenance::default()).unwrap();
        let mut network = network(artifact);
        assert!(network.is_streaming());
        let features: Features = std::array::from_fn(|at| at as f32 / 20.0 - 1.0);
        let mut step = |id: u16, prepares: bool| {
            let desired = network.desired(InstrumentId(id), &features, &inputs(0.0));
            if prepares {
                network.prepare();
            }
            desired
        };
        let alone: Vec<Desired> = (0..5).map(|_| step(1, true)).collect();
        assert_ne!(alone[0], alone[4], "it carries a state");
        for expected in &alone {
            step(9, false);
            assert_eq!(step(2, false), *expected);
        }
        network.begin(InstrumentId(2));
        let again = network.desired(InstrumentId(2), &features, &inputs(0.0));
        assert_eq!(again, alone[0]);
    }
}
