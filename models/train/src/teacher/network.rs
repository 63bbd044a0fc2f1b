//! The streaming network: a causal convolution over the last three observations, an LSTM, attention
//! over the sixteen states before, a dense layer, and heads.
//!
//! `host/policy/src/hybrid.rs` has the definition; this is the same for pieces of many streams,
//! with gradients. A piece goes on from the [`State`] that the piece before it left, and a piece of
//! one observation is a step of the host, with the same state. What lies before an episode's first
//! observation is zero to the convolution and the LSTM and not there for attention.

use crate::learner::Layer;
use crate::network::orthogonal;
use crate::noise::Noise;
use crate::parameters::{Draft, Parameters, numbers};
use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor};
use tercel_policy::hybrid::HybridWeights;

/// Observations that the convolution sees.
pub const TAPS: usize = 3;
/// Numbers that it gives.
pub const FILTERS: usize = 32;
/// Numbers of the LSTM's state.
pub const UNITS: usize = 64;
/// States that attention sees, all of them before the newest.
pub const WINDOW: usize = 16;

/// 1/√[`UNITS`].
const SCORE_SCALE: f64 = 0.125;

/// Score of a state that is not there.
const HIDDEN: f64 = -1e9;

/// Larger than any age that matters: windows are full long before.
const AGE_MAX: f64 = 1e6;

/// The network with its weights.
#[derive(Debug)]
pub struct Streaming {
    parameters: Parameters,
    convolution: Affine,
    input: Affine,
    recurrent: usize,
    query: Affine,
    key: Affine,
    value: Affine,
    trunk: Affine,
    heads: Affine,
    spread: usize,
    observation: usize,
    actions: usize,
    auxiliary: usize,
    device: Device,
}

/// Numbers of a weight and a bias among the parameters.
#[derive(Clone, Copy, Debug)]
struct Affine(usize, usize);

/// What goes from one piece of a stream to the next, for every lane.
#[derive(Debug)]
pub struct State {
    /// The last two observations, oldest first: 2 × lanes × observation.
    inputs: Tensor,
    /// State of the LSTM, lanes × units.
    cell: Tensor,
    /// Its outputs of the last sixteen steps, oldest first, window × lanes × units.
    memory: Tensor,
    /// Steps since the episode's first; −1 before it.
    age: Tensor,
}

/// What the network gives for a piece, times × lanes × numbers.
#[derive(Debug)]
pub struct Outputs {
    /// Means of the actions, in half ranges.
    pub actions: Tensor,
    /// Expected value, times × lanes.
    pub value: Tensor,
    /// Auxiliary heads; none if the network has none.
    pub auxiliary: Tensor,
}

impl Streaming {
    /// A network that knows nothing yet: orthogonal weights, a forget gate that is open
    /// (Jozefowicz et al. 2015), heads of a hundredth.
    pub fn new(
        observation: usize,
        actions: usize,
        auxiliary: usize,
        spread: f64,
        noise: &mut Noise,
        device: Device,
    ) -> Streaming {
        let mut draft = Draft::default();
        let taps = TAPS * observation;
        let relu = std::f64::consts::SQRT_2;
        let convolution = affine(&mut draft, FILTERS, taps, relu, noise);
        let gates = |columns: usize, noise: &mut Noise| -> Vec<f32> {
            (0..4).flat_map(|_| orthogonal(UNITS, columns, 1.0, noise)).collect()
        };
        let weights = gates(FILTERS, noise);
        let input = draft.add(&[4 * UNITS as i64, FILTERS as i64], &weights);
        let weights = gates(UNITS, noise);
        let recurrent = draft.add(&[4 * UNITS as i64, UNITS as i64], &weights);
        let mut bias = vec![0.0; 4 * UNITS];
        bias[UNITS..2 * UNITS].fill(1.0);
        let input = Affine(input, draft.add(&[4 * UNITS as i64], &bias));
        let [query, key] = [(); 2].map(|()| affine(&mut draft, UNITS, UNITS, 1.0, noise));
        let value = affine(&mut draft, UNITS, UNITS, 0.1, noise);
        let trunk = affine(&mut draft, UNITS, UNITS, relu, noise);
        let heads = affine(&mut draft, actions + 1 + auxiliary, UNITS, 0.01, noise);
        let spread = draft.add(&[actions as i64], &vec![spread.ln() as f32; actions]);
        let parameters = draft.build(device);
        Streaming {
            parameters,
            convolution,
            input,
            recurrent,
            query,
            key,
            value,
            trunk,
            heads,
            spread,
            observation,
            actions,
            auxiliary,
            device,
        }
    }

    /// Its weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Logarithms of the spreads of drawn actions, in half ranges.
    pub fn log_spread(&self) -> &Tensor {
        self.parameters.get(self.spread)
    }

    /// The state before the first observation.
    pub fn begin(&self, lanes: usize) -> State {
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, self.device));
        let lanes = lanes as i64;
        State {
            inputs: zeros(&[TAPS as i64 - 1, lanes, self.observation as i64]),
            cell: zeros(&[lanes, UNITS as i64]),
            memory: zeros(&[WINDOW as i64, lanes, UNITS as i64]),
            age: zeros(&[lanes]) - 1.0,
        }
    }

    /// Runs a piece: normalised observations, times × lanes × numbers, and 1 where an observation
    /// is the first of its episode, times × lanes. Back comes what it gives and the state after it.
    pub fn forward(&self, piece: &Tensor, first: &Tensor, state: &State) -> (Outputs, State) {
        let times = piece.size()[0];
        let ages = ages(first, &state.age);
        let stream = Tensor::cat(&[&state.inputs, piece], 0);
        let filtered = self.convolve(&stream, &ages, times);
        let (hidden, cell) = self.recur(&filtered, &ages, state);
        let states = Tensor::cat(&[&state.memory, &hidden], 0);
        let context = self.attend(&hidden, &states.narrow(0, 0, states.size()[0] - 1), &ages);
        let trunk = self.linear(self.trunk, &(&hidden + context)).relu();
        let heads = self.linear(self.heads, &trunk);
        let (actions, auxiliary) = (self.actions as i64, self.auxiliary as i64);
        let outputs = Outputs {
            actions: heads.narrow(-1, 0, actions),
            value: heads.select(-1, actions),
            auxiliary: heads.narrow(-1, actions + 1, auxiliary),
        };
        let after = State {
            inputs: stream.narrow(0, times, TAPS as i64 - 1),
            cell,
            memory: states.narrow(0, times, WINDOW as i64),
            age: ages.get(times - 1),
        };
        (outputs, after)
    }

    fn linear(&self, Affine(weight, bias): Affine, rows: &Tensor) -> Tensor {
        rows.linear(self.parameters.get(weight), Some(self.parameters.get(bias)))
    }

    /// The taps as one row, those before the episode's first observation zero.
    fn convolve(&self, stream: &Tensor, ages: &Tensor, times: i64) -> Tensor {
        let taps: Vec<Tensor> = (0..TAPS as i64)
            .map(|tap| {
                let back = TAPS as i64 - 1 - tap;
                stream.narrow(0, tap, times) * reaches(ages, back as f64).unsqueeze(-1)
            })
            .collect();
        self.linear(self.convolution, &Tensor::cat(&taps, -1)).relu()
    }

    fn recur(&self, filtered: &Tensor, ages: &Tensor, state: &State) -> (Tensor, Tensor) {
        let gates = self.linear(self.input, filtered);
        let recurrent = self.parameters.get(self.recurrent);
        let mut hidden = state.memory.get(WINDOW as i64 - 1);
        let mut cell = state.cell.shallow_clone();
        let mut all = Vec::with_capacity(gates.size()[0] as usize);
        for time in 0..gates.size()[0] {
            let goes_on = reaches(&ages.get(time), 1.0).unsqueeze(-1);
            let before = &hidden * &goes_on;
            let sum = gates.get(time) + before.linear(recurrent, None::<Tensor>);
            let parts = sum.chunk(4, -1);
            let written = parts[0].sigmoid() * parts[2].tanh();
            cell = parts[1].sigmoid() * (&cell * &goes_on) + written;
            hidden = parts[3].sigmoid() * cell.tanh();
            all.push(hidden.shallow_clone());
        }
        (Tensor::stack(&all, 0), cell)
    }

    /// What attention adds to each state: `states` has those before the newest, the window's first.
    fn attend(&self, hidden: &Tensor, states: &Tensor, ages: &Tensor) -> Tensor {
        let query = self.linear(self.query, hidden) * SCORE_SCALE;
        // times × lanes × units × window, oldest first.
        let windows = |affine| self.linear(affine, states).unfold(0, WINDOW as i64, 1);
        let scores = (windows(self.key) * query.unsqueeze(-1)).sum_dim_intlist(-2, false, None);
        let seen: Vec<Tensor> = (0..WINDOW).map(|at| reaches(ages, (WINDOW - at) as f64)).collect();
        let seen = Tensor::stack(&seen, -1);
        // A number that is finite: the first step of an episode sees none and would divide by zero.
        let scores = scores.masked_fill(&seen.eq(0.0), HIDDEN);
        let weights = scores.softmax(-1, Kind::Float) * seen;
        (windows(self.value) * weights.unsqueeze(-2)).sum_dim_intlist(-1, false, None)
    }

    /// The network as the host takes it, the actions' heads in the environment's units: `ranges`
    /// has centre and half of each.
    ///
    /// # Errors
    /// If observations are not the host's features.
    pub fn exported(&self, ranges: &[(f32, f32)]) -> Result<HybridWeights> {
        let layer = |inputs: usize, weight: usize, bias: Option<usize>| {
            let weights = numbers(self.parameters.get(weight));
            let rows = weights.len() / inputs;
            let bias = bias.map_or(vec![0.0; rows], |bias| numbers(self.parameters.get(bias)));
            Layer { inputs, weights, bias }
        };
        let affine = |inputs, Affine(weight, bias)| layer(inputs, weight, Some(bias));
        let mut convolution = affine(TAPS * self.observation, self.convolution);
        convolution.weights = self.taps_last(&convolution.weights);
        let mut heads = affine(UNITS, self.heads);
        heads.scale_outputs(ranges);
        let parts = [
            convolution,
            affine(FILTERS, self.input),
            layer(UNITS, self.recurrent, None),
            affine(UNITS, self.query),
            affine(UNITS, self.key),
            affine(UNITS, self.value),
            affine(UNITS, self.trunk),
            heads,
        ];
        let dense = parts.into_iter().map(Layer::into_host).collect();
        let weights = HybridWeights::from_parts(dense).context("parts of the host's network")?;
        weights.check()?;
        Ok(weights)
    }

    /// From rows of taps behind each other to libtorch's order, in which the tap is the last index.
    fn taps_last(&self, weights: &[f32]) -> Vec<f32> {
        let (width, row) = (self.observation, TAPS * self.observation);
        let cell = |at: usize| {
            let (filter, rest) = (at / row, at % row);
            let (input, tap) = (rest / TAPS, rest % TAPS);
            weights[filter * row + tap * width + input]
        };
        (0..weights.len()).map(cell).collect()
    }
}

impl State {
    /// A copy that gradients do not go through.
    pub fn cut(&self) -> State {
        State {
            inputs: self.inputs.detach(),
            cell: self.cell.detach(),
            memory: self.memory.detach(),
            age: self.age.detach(),
        }
    }

    /// The state of some lanes.
    pub fn lanes(&self, lanes: &Tensor) -> State {
        State {
            inputs: self.inputs.index_select(1, lanes),
            cell: self.cell.index_select(0, lanes),
            memory: self.memory.index_select(1, lanes),
            age: self.age.index_select(0, lanes),
        }
    }
}

/// Steps since the episode's first observation, times × lanes.
fn ages(first: &Tensor, before: &Tensor) -> Tensor {
    let mut age = before.shallow_clone();
    let each = (0..first.size()[0]).map(|time| {
        let goes_on = first.get(time).eq(0.0).to_kind(Kind::Float);
        age = ((&age + 1.0) * goes_on).clamp_max(AGE_MAX);
        age.shallow_clone()
    });
    Tensor::stack(&each.collect::<Vec<Tensor>>(), 0)
}

/// 1 where the episode has an observation so many steps back.
fn reaches(ages: &Tensor, back: f64) -> Tensor {
    ages.ge(back).to_kind(Kind::Float)
}

fn affine(draft: &mut Draft, rows: usize, columns: usize, gain: f64, noise: &mut Noise) -> Affine {
    let weights = orthogonal(rows, columns, gain, noise);
    let weight = draft.add(&[rows as i64, columns as i64], &weights);
    Affine(weight, draft.add(&[rows as i64], &vec![0.0; rows]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_policy::hybrid::Hybrid;

    fn network(noise: &mut Noise) -> Streaming {
        let network = Streaming::new(5, 2, 4, 0.3, noise, Device::Cpu);
        // Heads of a hundredth would hide what is wrong.
        let flat = network.parameters().flat();
        tch::no_grad(|| flat.shallow_clone().copy_(&(flat * 3.0)));
        network
    }

    fn random(shape: &[i64], noise: &mut Noise) -> Tensor {
        let count = shape.iter().product::<i64>() as usize;
        let mut values = vec![0.0; count];
        noise.normals(&mut values);
        Tensor::from_slice(&values).reshape(shape)
    }

    fn apart(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    /// A piece at once, or an observation at a time: the stream is the same.
    #[test]
    fn trained_as_it_is_served() {
        let mut noise = Noise::new(3, 0);
        let network = network(&mut noise);
        let piece = random(&[40, 3, 5], &mut noise);
        let first = Tensor::zeros([40, 3], (Kind::Float, Device::Cpu));
        for (time, lane) in [(0, 0), (0, 1), (0, 2), (7, 1), (8, 1), (30, 2)] {
            let _ = first.get(time).get(lane).fill_(1.0);
        }
        let (whole, after) = network.forward(&piece, &first, &network.begin(3));
        let mut state = network.begin(3);
        for time in 0..40 {
            let (now, next) =
                network.forward(&piece.narrow(0, time, 1), &first.narrow(0, time, 1), &state);
            assert!(apart(&now.actions.get(0), &whole.actions.get(time)) < 1e-5);
            assert!(apart(&now.value.get(0), &whole.value.get(time)) < 1e-5);
            assert!(apart(&now.auxiliary.get(0), &whole.auxiliary.get(time)) < 1e-5);
            state = next;
        }
        assert!(apart(&state.memory, &after.memory) < 1e-5);
    }

    /// Nothing of an episode is in the next.
    #[test]
    fn an_episode_begins_afresh() {
        let mut noise = Noise::new(4, 0);
        let network = network(&mut noise);
        let (past, piece) = (random(&[30, 1, 5], &mut noise), random(&[20, 1, 5], &mut noise));
        let first = Tensor::zeros([20, 1], (Kind::Float, Device::Cpu));
        let _ = first.get(0).fill_(1.0);
        let begins = Tensor::zeros([30, 1], (Kind::Float, Device::Cpu));
        let (_, used) = network.forward(&past, &begins, &network.begin(1));
        let (after, _) = network.forward(&piece, &first, &used);
        let (fresh, _) = network.forward(&piece, &first, &network.begin(1));
        assert_eq!(apart(&after.actions, &fresh.actions), 0.0);
        assert_eq!(apart(&after.auxiliary, &fresh.auxiliary), 0.0);
    }

    /// What comes later changes nothing before it, and sixteen states back is the end but for the
    /// LSTM.
    #[test]
    fn it_does_not_see_what_comes() {
        let mut noise = Noise::new(5, 0);
        let network = network(&mut noise);
        let piece = random(&[12, 1, 5], &mut noise);
        let first = Tensor::zeros([12, 1], (Kind::Float, Device::Cpu));
        let (before, _) = network.forward(&piece, &first, &network.begin(1));
        let _ = piece.get(9).fill_(2.0);
        let (after, _) = network.forward(&piece, &first, &network.begin(1));
        let cut = |outputs: &Outputs| outputs.actions.narrow(0, 0, 9);
        assert_eq!(apart(&cut(&before), &cut(&after)), 0.0);
        assert!(apart(&before.actions.get(9), &after.actions.get(9)) > 1e-4);
    }

    /// The host serves what was trained, step by step, over episodes.
    #[test]
    fn the_host_says_the_same() {
        let mut noise = Noise::new(6, 0);
        let width = tercel_policy::FEATURE_COUNT;
        let network = Streaming::new(width, 2, 4, 0.3, &mut noise, Device::Cpu);
        let piece = random(&[60, 1, width as i64], &mut noise);
        let mut first = vec![0.0f32; 60];
        (first[0], first[40]) = (1.0, 1.0);
        let ranges = [(1.0, 2.0), (0.0, 0.5)];
        let weights = network.exported(&ranges).expect("exported");
        let mut host = Hybrid::new(&weights).expect("a network");
        let mut state = host.state();
        let given = Tensor::from_slice(&first).view([60, 1]);
        let (outputs, _) = network.forward(&piece, &given, &network.begin(1));
        for (time, first) in first.iter().enumerate() {
            if *first == 1.0 {
                state = host.state();
            }
            let row = numbers(&piece.get(time as i64));
            let row = row.first_chunk().expect("as many as features");
            let served = host.step(&mut state, row).to_vec();
            let mut wanted = numbers(&outputs.actions.get(time as i64));
            for (x, (centre, half)) in wanted.iter_mut().zip(ranges) {
                *x = centre + half * *x;
            }
            wanted.extend(numbers(&outputs.value.get(time as i64)));
            wanted.extend(numbers(&outputs.auxiliary.get(time as i64)));
            assert_eq!(served.len(), wanted.len());
            for (a, b) in served.iter().zip(&wanted) {
                assert!((a - b).abs() < 2e-5, "step {time}: {a} {b}");
            }
        }
    }
}
