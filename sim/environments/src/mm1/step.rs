//! Steps of MM-1.

use super::{INVENTORY, Model, NAME};
use crate::Random;
use crate::arithmetic::exp;
use crate::lanes::{Lane, blocks, check, filled, give};
use crate::philox::BLOCK;
use crate::quotes::{in_force, offset};
use crate::random::{below, exponential, normal, numbers};
use crate::{Actions, Environment, Outcome, Spec};

/// Streams of random numbers.
const MARKET: u32 = 0;
const START: u32 = 1;

/// Least that may be missing until a fill, so that no time is zero divided by zero.
const MISSING_MIN: f32 = 1e-7;

/// What a lane is made of, for a block of lanes.
#[derive(Clone, Debug)]
struct State {
    /// Time left, units of time.
    left: Lane,
    inventory: Lane,
    /// Half-spread and skew in force.
    quotes: [Lane; 2],
    /// By how much the summed rate of bid and of ask is below that of the next fill: a Poisson
    /// process in its own time, in which it fills at rate 1.
    missing: [Lane; 2],
}

/// A batch of MM-1.
#[derive(Clone, Debug)]
pub(crate) struct Mm1 {
    model: Model,
    spec: Spec,
    first: u32,
    lanes: usize,
    state: Vec<State>,
    seed: u64,
    /// Steps since the reset.
    counter: u64,
}

impl Mm1 {
    /// Lanes from lane `first` on.
    pub(crate) fn new(model: Model, first: u32, lanes: usize) -> Mm1 {
        let spec = Spec {
            name: NAME,
            observation: model.width(),
            actions: model.quotes.space(),
            steps: None,
        };
        let none = [0.0; BLOCK];
        let state = State { left: none, inventory: none, quotes: [none; 2], missing: [none; 2] };
        let state = vec![state; blocks(lanes)];
        Mm1 { model, spec, first, lanes, state, seed: 0, counter: 0 }
    }

    /// Writes what the lanes of a block see.
    #[inline(always)]
    fn observe(model: &Model, state: &State, base: usize, to: &mut [f32]) {
        let (share, scale) = (model.share(), 1.0 / INVENTORY);
        let left = state.left.map(|left| left * share);
        let inventory = state.inventory.map(|q| q * scale);
        let ([half, skew], [bid, ask]) = (state.quotes, state.missing);
        match (model.latency, model.chance) {
            (false, true) => give(to, base, &[left, inventory]),
            (true, true) => give(to, base, &[left, inventory, half, skew]),
            (false, false) => give(to, base, &[left, inventory, bid, ask]),
            (true, false) => give(to, base, &[left, inventory, half, skew, bid, ask]),
        }
    }

    #[inline(always)]
    fn steps<const CHANCE: bool, const NOISE: bool>(
        &mut self,
        actions: Actions<'_>,
        outcome: &mut Outcome,
    ) {
        let model = &self.model;
        let [rate, k, sigma, hold] = [model.a, model.k, model.sigma, model.hold].map(|x| x as f32);
        let limit = model.limit as f32;
        let risk = 0.5 * model.gamma * model.sigma * model.sigma;
        let risk = if model.risk { risk as f32 } else { 0.0 };
        let (mut bits, mut gained, mut moves) = ([[0; BLOCK]; 4], [0.0; BLOCK], [0.0; BLOCK]);
        let (mut offsets, mut rates) = ([[0.0; BLOCK]; 2], [[0.0; BLOCK]; 2]);
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
                rates[0][lane] = if q < limit { rate * exp(-k * bid) } else { 0.0 };
                rates[1][lane] = if q > -limit { rate * exp(-k * ask) } else { 0.0 };
            }
            for lane in 0..BLOCK {
                let (missing_bid, missing_ask) = (state.missing[0][lane], state.missing[1][lane]);
                let (rate_bid, rate_ask) = (rates[0][lane], rates[1][lane]);
                // What is missing is above zero, so this is never zero divided by zero.
                let (until_bid, until_ask) = (missing_bid / rate_bid, missing_ask / rate_ask);
                let left = state.left[lane];
                let mut lasts = if left < hold { left } else { hold };
                lasts = if until_bid < lasts { until_bid } else { lasts };
                lasts = if until_ask < lasts { until_ask } else { lasts };
                // Both at once: the ask is left over for the next step.
                let bought = if until_bid <= lasts { 1.0 } else { 0.0 };
                let sold = if until_ask <= lasts { 1.0 - bought } else { 0.0 };
                let next = if CHANCE { exponential(bits[0][lane]) } else { 1.0 };
                let less_bid = missing_bid - rate_bid * lasts;
                let less_ask = missing_ask - rate_ask * lasts;
                let less_bid = if less_bid > MISSING_MIN { less_bid } else { MISSING_MIN };
                let less_ask = if less_ask > MISSING_MIN { less_ask } else { MISSING_MIN };
                state.missing[0][lane] = if bought > 0.0 { next } else { less_bid };
                state.missing[1][lane] = if sold > 0.0 { next } else { less_ask };
                let q = state.inventory[lane];
                let earned = bought * offsets[0][lane] + sold * offsets[1][lane];
                gained[lane] = earned - risk * (q * q) * lasts;
                state.left[lane] = left - lasts;
                state.inventory[lane] = q + bought - sold;
                // What the movement of the mid in the step is worth, per standard deviation.
                if NOISE {
                    moves[lane] = sigma * lasts.sqrt() * q;
                }
            }
            if NOISE {
                for lane in 0..BLOCK {
                    gained[lane] += moves[lane] * normal(bits[1][lane], bits[2][lane]);
                }
            }
            let lanes = filled(self.lanes, base);
            outcome.reward[base..base + lanes].copy_from_slice(&gained[..lanes]);
            let mut over = false;
            let terminated = &mut outcome.terminated[base..base + lanes];
            for (terminated, left) in terminated.iter_mut().zip(&state.left) {
                *terminated = *left <= 0.0;
                over |= *terminated;
            }
            if over {
                let next = [self.seed, self.counter + 1];
                end(model, state, next, self.first, base, outcome);
            }
            Mm1::observe(model, state, base, &mut outcome.observation);
        }
    }
}

/// Keeps the last observation of each lane of a block that is over, and begins its next episode.
#[cold]
fn end(
    model: &Model,
    state: &mut State,
    at: [u64; 2],
    first: u32,
    base: usize,
    outcome: &mut Outcome,
) {
    let width = model.width();
    for lane in 0..filled(outcome.terminated.len(), base) {
        if outcome.terminated[base + lane] {
            let row = &mut outcome.last[(base + lane) * width..(base + lane + 1) * width];
            let quotes = [state.quotes[0][lane], state.quotes[1][lane]];
            let missing = [state.missing[0][lane], state.missing[1][lane]];
            let inventory = state.inventory[lane] * (1.0 / INVENTORY);
            let seen = [state.left[lane] * model.share(), inventory];
            let latency = quotes.into_iter().filter(|_| model.latency);
            let chance = missing.into_iter().filter(|_| !model.chance);
            let seen = seen.into_iter().chain(latency).chain(chance);
            row.iter_mut().zip(seen).for_each(|(to, from)| *to = from);
            begin(model, state, at, first + base as u32, lane);
        }
    }
}

/// Begins the next episode of a lane of a block that begins at lane `first`.
fn begin(model: &Model, state: &mut State, [seed, counter]: [u64; 2], first: u32, lane: usize) {
    let bits = Random::block(seed, first + lane as u32, START, counter);
    let (_, least, many) = model.start;
    let [(_, half), _] = model.quotes.bounds;
    state.left[lane] = model.horizon as f32;
    state.inventory[lane] = (least + below(bits[0], many) as i32) as f32;
    state.quotes[0][lane] = half;
    state.quotes[1][lane] = 0.0;
    for side in 0..2 {
        let next = exponential(bits[1 + side]);
        state.missing[side][lane] = if model.chance { next } else { 1.0 };
    }
}

impl Environment for Mm1 {
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
        outcome.reward.fill(0.0);
        outcome.terminated.fill(false);
        outcome.truncated.fill(false);
        for (at, state) in self.state.iter_mut().enumerate() {
            let base = at * BLOCK;
            for lane in 0..BLOCK {
                begin(&self.model, state, [seed, 0], self.first + base as u32, lane);
            }
            Mm1::observe(&self.model, state, base, &mut outcome.observation);
        }
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        check(&self.spec, self.lanes, Some(actions), outcome);
        outcome.truncated.fill(false);
        match (self.model.chance, self.model.noise) {
            (true, true) => self.steps::<true, true>(actions, outcome),
            (true, false) => self.steps::<true, false>(actions, outcome),
            (false, true) => self.steps::<false, true>(actions, outcome),
            (false, false) => self.steps::<false, false>(actions, outcome),
        }
        self.counter += 1;
    }
}
