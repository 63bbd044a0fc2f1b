//! Steps of MM-2.

use super::{INVENTORY, Model, NAME};
use crate::arithmetic::exp;
use crate::lanes::{Lane, blocks, check, filled, give};
use crate::philox::BLOCK;
use crate::quotes::{in_force, offset};
use crate::random::{below, normal, numbers, uniform};
use crate::{Actions, Environment, Outcome, Spec};

/// Streams of random numbers.
const MARKET: u32 = 0;
const START: u32 = 1;

/// What a lane is made of, for a block of lanes.
#[derive(Clone, Debug)]
struct State {
    inventory: Lane,
    /// Half-spread and skew in force.
    quotes: [Lane; 2],
    /// Summed fill probability of bid and ask, where there is no chance.
    sums: [Lane; 2],
}

/// A batch of MM-2. Every lane is at the same step.
#[derive(Clone, Debug)]
pub(crate) struct Mm2 {
    model: Model,
    spec: Spec,
    first: u32,
    lanes: usize,
    state: Vec<State>,
    seed: u64,
    /// Steps since the reset, and in this episode.
    counter: u64,
    step: u32,
}

impl Mm2 {
    /// Lanes from lane `first` on.
    pub(crate) fn new(model: Model, first: u32, lanes: usize) -> Mm2 {
        let spec = Spec {
            name: NAME,
            observation: model.width(),
            actions: model.quotes.space(),
            steps: Some(model.steps),
        };
        let none = [0.0; BLOCK];
        let state = State { inventory: none, quotes: [none; 2], sums: [none; 2] };
        let state = vec![state; blocks(lanes)];
        Mm2 { model, spec, first, lanes, state, seed: 0, counter: 0, step: 0 }
    }

    /// Begins the next episode of every lane.
    fn begin(&mut self) {
        let (least, many) = self.model.start;
        let [(_, half), _] = self.model.quotes.bounds;
        let mut bits = [[0; BLOCK]; 4];
        for (at, state) in self.state.iter_mut().enumerate() {
            let first = self.first + (at * BLOCK) as u32;
            numbers([self.seed, self.counter], first, START, &mut bits);
            for (inventory, bits) in state.inventory.iter_mut().zip(&bits[0]) {
                *inventory = (least + below(*bits, many) as i32) as f32;
            }
            state.quotes = [[half; BLOCK], [0.0; BLOCK]];
            state.sums = [[0.0; BLOCK]; 2];
        }
        self.step = 0;
    }

    fn observe(&self, to: &mut [f32]) {
        let left = 1.0 - self.step as f32 / self.model.steps as f32;
        for (at, state) in self.state.iter().enumerate() {
            let inventory = state.inventory.map(|q| q * (1.0 / INVENTORY));
            let base = at * BLOCK;
            let ([half, skew], [bid, ask]) = (state.quotes, state.sums);
            match (self.model.latency, self.model.chance) {
                (false, true) => give(to, base, &[[left; BLOCK], inventory]),
                (true, true) => give(to, base, &[[left; BLOCK], inventory, half, skew]),
                (false, false) => give(to, base, &[[left; BLOCK], inventory, bid, ask]),
                (true, false) => give(to, base, &[[left; BLOCK], inventory, half, skew, bid, ask]),
            }
        }
    }

    #[inline(always)]
    fn steps<const CHANCE: bool, const NOISE: bool>(
        &mut self,
        actions: Actions<'_>,
        reward: &mut [f32],
    ) {
        let model = &self.model;
        let [arrival, kappa, sigma] = [model.arrival, model.kappa, model.sigma].map(|x| x as f32);
        let limit = model.limit as f32;
        let ends = self.step + 1 == model.steps;
        let penalty = (model.running + if ends { model.terminal } else { 0.0 }) as f32;
        let (mut bits, mut gained) = ([[0; BLOCK]; 4], [0.0; BLOCK]);
        let (mut offsets, mut fills) = ([[0.0; BLOCK]; 2], [[0.0; BLOCK]; 2]);
        for (at, state) in self.state.iter_mut().enumerate() {
            let base = at * BLOCK;
            let decided = model.quotes.block(actions, base);
            let [half, skew] = in_force(model.latency, &mut state.quotes, decided);
            if CHANCE || NOISE {
                let lane = self.first + base as u32;
                numbers([self.seed, self.counter], lane, MARKET, &mut bits);
            }
            // In three loops: in one, there are not enough registers for its constants.
            for lane in 0..BLOCK {
                let q = state.inventory[lane];
                offsets[0][lane] = offset(half[lane], -skew[lane]);
                offsets[1][lane] = offset(half[lane], skew[lane]);
                let (bid, ask) = (offsets[0][lane], offsets[1][lane]);
                fills[0][lane] = if q < limit { arrival * exp(-kappa * bid) } else { 0.0 };
                fills[1][lane] = if q > -limit { arrival * exp(-kappa * ask) } else { 0.0 };
            }
            for lane in 0..BLOCK {
                let (p_bid, p_ask) = (fills[0][lane], fills[1][lane]);
                let (bought, sold);
                if CHANCE {
                    bought = if uniform(bits[0][lane]) < p_bid { 1.0 } else { 0.0 };
                    sold = if uniform(bits[1][lane]) < p_ask { 1.0 } else { 0.0 };
                } else {
                    let (b, a) = (state.sums[0][lane] + p_bid, state.sums[1][lane] + p_ask);
                    bought = if b >= 1.0 { 1.0 } else { 0.0 };
                    sold = if a >= 1.0 { 1.0 } else { 0.0 };
                    state.sums[0][lane] = b - bought;
                    state.sums[1][lane] = a - sold;
                }
                let q = state.inventory[lane] + bought - sold;
                let earned = bought * offsets[0][lane] + sold * offsets[1][lane];
                gained[lane] = earned - penalty * (q * q);
                state.inventory[lane] = q;
            }
            if NOISE {
                for lane in 0..BLOCK {
                    let moved = sigma * normal(bits[2][lane], bits[3][lane]);
                    gained[lane] += moved * state.inventory[lane];
                }
            }
            let lanes = filled(self.lanes, base);
            reward[base..base + lanes].copy_from_slice(&gained[..lanes]);
        }
    }
}

impl Environment for Mm2 {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        check(&self.spec, self.lanes, None, outcome);
        self.seed = seed;
        self.counter = 0;
        self.begin();
        outcome.reward.fill(0.0);
        outcome.terminated.fill(false);
        outcome.truncated.fill(false);
        self.observe(&mut outcome.observation);
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        check(&self.spec, self.lanes, Some(actions), outcome);
        let reward = &mut outcome.reward[..];
        match (self.model.chance, self.model.noise) {
            (true, true) => self.steps::<true, true>(actions, reward),
            (true, false) => self.steps::<true, false>(actions, reward),
            (false, true) => self.steps::<false, true>(actions, reward),
            (false, false) => self.steps::<false, false>(actions, reward),
        }
        self.step += 1;
        self.counter += 1;
        let ends = self.step == self.model.steps;
        outcome.terminated.fill(ends);
        outcome.truncated.fill(false);
        if ends {
            self.observe(&mut outcome.last);
            self.begin();
        }
        self.observe(&mut outcome.observation);
    }
}
