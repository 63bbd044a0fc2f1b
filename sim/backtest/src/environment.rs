//! A recording as an environment: an agent sees the production features and sets two distances.
//!
//! A lane is a run of its own over one piece of the recording: the same venue's side, the same
//! host, the same risk as in [`crate::run()`], with the agent's distances in the strategy's place.
//! A step is an interval of the venue's time. A lane begins its episodes at pieces that seed, lane
//! and episode choose; in the time before a piece the agent only looks.
//!
//! The reward is the change of cash and position at the mid, less fees and less φ·q²·Δt (q in quote
//! sizes, Δt in seconds), in units of [`Reward::unit`].

use crate::brain::Brain;
use crate::pieces::pieces;
use crate::run::{Run, agent};
use crate::settings::{BacktestError, Settings, Trading};
use crate::store::Store;
use std::sync::Arc;
use tercel_environments::{ActionSpace, Actions, Environment, Outcome, Spec};
use tercel_policy::FEATURE_COUNT;
use tercel_types::Nanos;

/// What an episode is.
#[derive(Clone, PartialEq, Debug)]
pub struct Episodes {
    /// Copies that step together.
    pub lanes: usize,
    /// Steps of an episode.
    pub steps: u32,
    /// Venue's time of a step.
    pub step: Nanos,
    /// Time in front of an episode in which features get their past.
    pub warm: Nanos,
    /// Largest distance of a quote from the mid, ticks.
    pub offset_max: f32,
    /// What a step is worth.
    pub reward: Reward,
}

/// What a step is worth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reward {
    /// Quote currency that counts as one.
    pub unit: f64,
    /// φ: cost of a squared quote size held for a second, in units.
    pub inventory: f64,
}

/// See the module.
pub struct ReplayEnvironment {
    spec: Spec,
    episodes: Episodes,
    pieces: Vec<Arc<Store>>,
    trading: Trading,
    settings: Settings,
    lanes: Vec<Lane>,
    seed: u64,
}

struct Lane {
    episode: u64,
    step: u32,
    begin: Nanos,
    value: f64,
    run: Run<Arc<Store>>,
}

impl ReplayEnvironment {
    /// Cuts a recording of one instrument into pieces of an episode's length.
    ///
    /// # Errors
    /// What [`crate::run()`] would refuse, a recording shorter than one episode or of several
    /// instruments.
    pub fn new(
        store: &Store,
        trading: Trading,
        settings: Settings,
        episodes: Episodes,
    ) -> Result<ReplayEnvironment, BacktestError> {
        settings.validate()?;
        let length = Nanos(episodes.step.0.saturating_mul(u64::from(episodes.steps)));
        let pieces = pieces(store, episodes.warm, length);
        let sound = episodes.offset_max > 0.0 && episodes.reward.unit > 0.0;
        if pieces.is_empty() || episodes.lanes == 0 || store.instruments.len() != 1 || !sound {
            return Err(BacktestError::Episodes);
        }
        let range = (0.0, episodes.offset_max);
        let spec = Spec {
            name: "replay",
            observation: FEATURE_COUNT,
            actions: ActionSpace::Continuous(vec![range, range]),
            steps: Some(episodes.steps),
        };
        let lanes = Vec::with_capacity(episodes.lanes);
        let mut environment =
            ReplayEnvironment { spec, episodes, pieces, trading, settings, lanes, seed: 0 };
        for lane in 0..environment.episodes.lanes {
            let lane = environment.begin(lane, 0)?;
            environment.lanes.push(lane);
        }
        Ok(environment)
    }

    /// Pieces there are to choose from.
    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// A lane at the beginning of an episode, warmed up.
    fn begin(&self, lane: usize, episode: u64) -> Result<Lane, BacktestError> {
        let drawn = mix(mix(self.seed) ^ mix(lane as u64).rotate_left(17) ^ episode);
        let piece = &self.pieces[(drawn % self.pieces.len() as u64) as usize];
        let brain = agent(piece, &self.trading)?;
        let settings = Settings { seed: drawn, ..self.settings.clone() };
        let mut run = Run::new(piece.clone(), &self.trading, brain, &settings)?;
        let begin = piece.span().0 + self.episodes.warm;
        run.until(begin);
        let mut lane = Lane { episode, step: 0, begin, value: 0.0, run };
        lane.value = lane.worth(begin);
        Ok(lane)
    }
}

impl Lane {
    /// Cash, position at the mid, and fees, quote currency.
    fn worth(&mut self, now: Nanos) -> f64 {
        let sample = self.run.now(0, now);
        let contract = self.run.contract(0);
        contract.dollars(sample.profit_x2()) * 0.5 - sample.fees as f64 * 1e-6
    }

    fn observe(&self, now: Nanos, out: &mut [f32]) {
        let id = self.run.contract(0).instrument;
        let host = &self.run.host;
        if let Brain::Agent(agent) = &host.brain {
            out.copy_from_slice(&agent.features(id, host.books(), &host.own(id), now));
        }
    }

    /// One step; the reward.
    fn step(&mut self, offsets: [f64; 2], episodes: &Episodes, quote: f64) -> (f64, Nanos) {
        if let Brain::Agent(agent) = &mut self.run.host.brain {
            agent.offsets = Some(offsets);
        }
        let from = Nanos(self.begin.0 + u64::from(self.step) * episodes.step.0);
        self.run.host.quote(self.run.contract(0).instrument, from);
        self.run.send(from);
        self.step += 1;
        let now = Nanos(from.0 + episodes.step.0);
        self.run.until(now);
        let (before, after) = (self.value, self.worth(now));
        self.value = after;
        let held = self.run.accounts[0].position as f64 / quote;
        let seconds = episodes.step.0 as f64 * 1e-9;
        let cost = episodes.reward.inventory * held * held * seconds;
        ((after - before) / episodes.reward.unit - cost, now)
    }
}

impl Environment for ReplayEnvironment {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        self.seed = seed;
        for at in 0..self.lanes.len() {
            // Every configuration was accepted when the environment was made.
            if let Ok(lane) = self.begin(at, 0) {
                let now = lane.begin;
                let out = &mut outcome.observation[at * FEATURE_COUNT..][..FEATURE_COUNT];
                lane.observe(now, out);
                self.lanes[at] = lane;
            }
        }
        outcome.reward.fill(0.0);
        outcome.terminated.fill(false);
        outcome.truncated.fill(false);
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        let Actions::Continuous(actions) = actions else {
            panic!("the replay environment takes two numbers a lane");
        };
        assert_eq!(actions.len(), 2 * self.lanes.len(), "two numbers a lane");
        let quote = f64::from(self.trading.quote.order_qty.0);
        for at in 0..self.lanes.len() {
            let most = self.episodes.offset_max;
            let offset = |value: f32| if value.is_finite() { value.clamp(0.0, most) } else { most };
            let offsets = [actions[2 * at], actions[2 * at + 1]].map(|one| f64::from(offset(one)));
            let lane = &mut self.lanes[at];
            let (reward, now) = lane.step(offsets, &self.episodes, quote);
            outcome.reward[at] = reward as f32;
            outcome.terminated[at] = false;
            outcome.truncated[at] = lane.step >= self.episodes.steps;
            let out = at * FEATURE_COUNT..(at + 1) * FEATURE_COUNT;
            if outcome.truncated[at] {
                lane.observe(now, &mut outcome.last[out.clone()]);
                let episode = lane.episode + 1;
                if let Ok(fresh) = self.begin(at, episode) {
                    fresh.observe(fresh.begin, &mut outcome.observation[out]);
                    self.lanes[at] = fresh;
                }
            } else {
                lane.observe(now, &mut outcome.observation[out]);
            }
        }
    }
}

/// The finisher of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
