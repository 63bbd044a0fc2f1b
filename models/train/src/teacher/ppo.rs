//! Proximal policy optimisation of the streaming network on pieces of streams (Schulman et al.
//! 2017; pieces begin in the state that the stream was in: Kapturowski et al. 2019, "stored
//! state").

use super::auxiliary::{self, NAMES, Places};
use super::network::{State, Streaming};
use super::piece::{Collector, Piece, Stand};
use super::settings::Settings;
use crate::actor::centre_and_half;
use crate::advantage::gae;
use crate::algorithm::Start;
use crate::checkpoint::Checkpoint;
use crate::learner::Round;
use crate::noise::{HALF_LN_TAU, Noise};
use crate::normaliser::{Moments, Normaliser};
use crate::parameters::Adam;
use anyhow::{Result, bail};
use tch::{Kind, Tensor};
use tercel_environments::{ActionSpace, Environment};
use tercel_policy::hybrid::HybridWeights;

/// Epsilon of Adam.
const ADAM_EPSILON: f64 = 1e-7;

/// The streaming network with what it learns by.
#[derive(Debug)]
pub struct Teacher {
    settings: Settings,
    network: Streaming,
    adam: Adam,
    moments: Moments,
    scale: Normaliser,
    noise: Noise,
    ranges: Vec<(f32, f32)>,
    places: Option<Places>,
    stand: Option<Stand>,
    start: (usize, tch::Device),
    done: u64,
    rounds: u64,
}

impl Teacher {
    /// One that knows nothing yet.
    ///
    /// # Errors
    /// For an environment of discrete actions: its outputs are means.
    pub fn new(settings: &Settings, start: &Start<'_>) -> Result<Teacher> {
        let ActionSpace::Continuous(ranges) = &start.spec.actions else {
            bail!("the teacher learns continuous actions, and {} is discrete", start.spec.name);
        };
        let ranges: Vec<(f32, f32)> = ranges.iter().map(|range| centre_and_half(*range)).collect();
        let width = start.spec.observation;
        let places = Places::find(width);
        let heads = places.map_or(0, |_| NAMES.len());
        let mut noise = Noise::new(start.seed, 4);
        let network =
            Streaming::new(width, ranges.len(), heads, settings.spread, &mut noise, start.device);
        Ok(Teacher {
            adam: Adam::new(network.parameters(), ADAM_EPSILON),
            network,
            moments: Moments::new(width),
            scale: Normaliser::identity(width, settings.observation_clip),
            noise,
            ranges,
            places,
            stand: None,
            start: (start.lanes, start.device),
            done: 0,
            rounds: start.rounds,
            settings: settings.clone(),
        })
    }

    /// Begins a chapter: resets the environment and forgets the streams.
    pub fn begin(&mut self, environment: &mut dyn Environment, seed: u64) {
        self.stand = Some(Stand::begin(environment, &self.network, seed));
    }

    /// One round: a piece is collected and learned from.
    pub fn round(&mut self, environment: &mut dyn Environment) -> Result<Round> {
        let Some(mut stand) = self.stand.take() else { bail!("no chapter has begun") };
        let piece = collector(
            &self.network,
            &self.scale,
            &self.ranges,
            self.places,
            self.settings.reward_scale,
            self.start.1,
        )
        .collect(&mut stand, environment, self.settings.steps, &mut self.noise)?;
        self.stand = Some(stand);
        let scalars = self.learn(&piece)?;
        // After learning: the piece's densities belong to the scale that it was collected with.
        self.moments.add(&piece.raw);
        self.scale = self.moments.normaliser(self.settings.observation_clip);
        self.done += 1;
        Ok(Round { steps: piece.course.reward.len() as u64, scalars })
    }

    fn learn(&mut self, piece: &Piece) -> Result<Vec<(&'static str, f64)>> {
        let Settings { gamma, lambda, epochs, schedule, rate, norm, .. } = self.settings;
        let mut advantage = gae(&piece.course, gamma, lambda, 0.0);
        let each = advantage.iter().zip(&piece.course.value);
        let aim: Vec<f32> = each.map(|(advantage, value)| advantage + value).collect();
        unit(&mut advantage);
        let (lanes, device) = self.start;
        let shape = [-1, lanes as i64];
        let [advantage, aim] =
            [&advantage, &aim].map(|x| Tensor::from_slice(x).view(shape).to_device(device));
        let rates = schedule.at(self.done as f64 / self.rounds.max(1) as f64);
        let mut sums = [0.0; 5];
        let mut count: f64 = 0.0;
        for _ in 0..epochs {
            for part in self.noise.order(lanes).chunks(self.settings.lanes) {
                let part = Tensor::from_slice(part).to_device(device);
                let (loss, parts) = self.loss(piece, &part, &advantage, &aim, rates);
                let length =
                    self.adam.step(self.network.parameters(), &loss, rate * rates, norm)?;
                let all = parts.iter().copied().chain([length]);
                sums.iter_mut().zip(all).for_each(|(sum, part)| *sum += part);
                count += 1.0;
            }
        }
        let names =
            ["loss/policy", "loss/value", "loss/auxiliary", "policy/divergence", "policy/gradient"];
        let means = names.into_iter().zip(sums.map(|sum| sum / count.max(1.0)));
        Ok(means.chain(piece.episodes.scalars()).collect())
    }

    /// The loss of some lanes' streams, and its parts.
    fn loss(
        &self,
        piece: &Piece,
        lanes: &Tensor,
        advantage: &Tensor,
        aim: &Tensor,
        rates: f64,
    ) -> (Tensor, [f64; 4]) {
        let Settings { clip, entropy: worth, value, auxiliary: weight, .. } = self.settings;
        let of = |tensor: &Tensor| tensor.index_select(1, lanes);
        let observations = of(&piece.observations);
        let state = piece.start.lanes(lanes);
        let (outputs, _) = self.network.forward(&observations, &of(&piece.first), &state);
        let log = self.network.log_spread();
        let apart = (of(&piece.actions) - &outputs.actions) / log.exp();
        let density = apart.square() * -0.5 - log - HALF_LN_TAU;
        let moved = density.sum_dim_intlist(-1, false, Kind::Float) - of(&piece.chance);
        let (ratio, advantage) = (moved.exp(), of(advantage));
        let held = ratio.clamp(1.0 - clip, 1.0 + clip);
        let gain = (&ratio * &advantage).minimum(&(&held * &advantage)).mean(Kind::Float);
        let miss = (&outputs.value - of(aim)).square().mean(Kind::Float);
        let entropy = (log + (0.5 + HALF_LN_TAU)).sum(Kind::Float);
        let mut loss = -&gain + &miss * value - entropy * (worth * rates);
        let mut beside = 0.0;
        if let Some([targets, weights]) = &piece.auxiliary {
            let each = auxiliary::loss(&outputs.auxiliary, &of(targets), &of(weights));
            beside = each.double_value(&[]);
            loss += each * weight;
        }
        // The estimate k3 of Schulman 2020: never negative and of small variance.
        let divergence = ((&ratio - 1.0) - &moved).mean(Kind::Float).double_value(&[]);
        let parts = [-gain.double_value(&[]), miss.double_value(&[]), beside, divergence];
        (loss, parts)
    }

    /// What observations go through first.
    pub fn scale(&self) -> &Normaliser {
        &self.scale
    }

    /// Centre and half of each action's range.
    pub fn ranges(&self) -> &[(f32, f32)] {
        &self.ranges
    }

    /// Brings actions from half ranges around the centre to the environment's units, in place.
    pub fn in_units(&self, actions: &mut [f32]) {
        for (x, (centre, half)) in actions.iter_mut().zip(self.ranges.iter().cycle()) {
            *x = centre + half * *x;
        }
    }

    /// The state before the first observation of so many lanes.
    pub fn fresh(&self, lanes: usize) -> State {
        self.network.begin(lanes)
    }

    /// Means of the actions in half ranges for raw observations of every lane, lanes × actions, and
    /// the state after it.
    pub fn act(&self, raw: &[f32], first: &[bool], state: &State) -> (Tensor, State) {
        tch::no_grad(|| {
            let network = &self.network;
            let collector = collector(network, &self.scale, &self.ranges, None, 1.0, self.start.1);
            let (outputs, after) = collector.forward(raw, first, state);
            (outputs.actions.get(0), after)
        })
    }

    /// Names of its outputs, in order.
    pub fn heads(&self, actions: &[&'static str]) -> Vec<&'static str> {
        let beside: &[&str] = if self.places.is_some() { &NAMES } else { &[] };
        [actions, &["value"], beside].concat()
    }

    /// It as the host takes it.
    ///
    /// # Errors
    /// If observations are not the host's features.
    pub fn exported(&self) -> Result<HybridWeights> {
        self.network.exported(&self.ranges)
    }

    /// Writes all that the next chapter depends on.
    pub fn save(&self, to: &mut Checkpoint) -> Result<()> {
        self.network.parameters().save("teacher", to)?;
        self.adam.save("teacher.adam", to)?;
        self.moments.save("observations", to);
        self.noise.save("noise", to);
        to.put_u64("rounds", &[self.done]);
        Ok(())
    }

    /// Takes back what [`Teacher::save`] wrote.
    pub fn load(&mut self, from: &Checkpoint) -> Result<()> {
        self.network.parameters().load("teacher", from)?;
        self.adam.load("teacher.adam", from)?;
        self.moments.load("observations", from)?;
        if !self.moments.is_empty() {
            self.scale = self.moments.normaliser(self.settings.observation_clip);
        }
        self.noise.load("noise", from)?;
        self.done = from.one_u64("rounds")?;
        Ok(())
    }
}

fn collector<'a>(
    network: &'a Streaming,
    scale: &'a Normaliser,
    ranges: &'a [(f32, f32)],
    places: Option<Places>,
    reward_scale: f64,
    device: tch::Device,
) -> Collector<'a> {
    Collector { network, scale, ranges, places, reward_scale, device }
}

/// Brings numbers to mean 0 and spread 1.
fn unit(numbers: &mut [f32]) {
    let count = numbers.len().max(1) as f64;
    let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let square = numbers.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    let spread = square.sqrt() + 1e-8;
    numbers.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) / spread) as f32);
}
