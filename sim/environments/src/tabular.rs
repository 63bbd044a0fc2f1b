//! Small problems whose every number is known, for algorithms to be exact on.
//!
//! **chain**: `length` places in a row, an episode begins at the first. Action 0 goes back to the
//! first and earns `small`, action 1 goes on; with probability `slip` the other happens. Going on
//! from the last earns 1 and ends the episode (after Strens, "A Bayesian framework for
//! reinforcement learning", 2000).
//!
//! **grid**: `side` × `side` places, from the first corner to the opposite one; actions are up,
//! right, down, left; with probability `slip` one of the four at random is done instead. A step
//! costs `step`; the goal earns 1 and the pit in the middle −1, and both end the episode.
//!
//! An observation has a 1 at the place and zeros elsewhere. An episode is cut off after `steps`
//! where it did not end before.

use crate::philox::BLOCK;
use crate::random::{numbers, uniform};
use crate::settings::{number, whole};
use crate::{
    ActionSpace, Actions, Asked, EnvError, Environment, Exam, Outcome, Score, Setting, Settings,
    Spec,
};

/// Their names.
pub(crate) const CHAIN: &str = "chain";
pub(crate) const GRID: &str = "grid";

/// What can be set of a chain.
pub(crate) const CHAIN_SETTINGS: &[Setting] = &[
    whole("length", 6.0, [2.0, 64.0], "places"),
    number("slip", 0.1, [0.0, 0.5], "probability that the other action happens"),
    number("small", 0.01, [0.0, 1.0], "what going back earns"),
    number("discount", 0.95, [0.0, 0.999], "discount of a step, of the exact values"),
    whole("steps", 100.0, [1.0, 1e6], "steps after which an episode is cut off"),
];

/// What can be set of a grid.
pub(crate) const GRID_SETTINGS: &[Setting] = &[
    whole("side", 4.0, [2.0, 16.0], "places of a side"),
    number("slip", 0.1, [0.0, 1.0], "probability that an action at random happens"),
    number("step", -0.02, [-1.0, 0.0], "what a step earns"),
    number("discount", 0.95, [0.0, 0.999], "discount of a step, of the exact values"),
    whole("steps", 100.0, [1.0, 1e6], "steps after which an episode is cut off"),
];

/// Something that may come of an action.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Branch {
    /// How likely.
    pub probability: f64,
    /// The state after it.
    pub next: usize,
    /// What it earns.
    pub reward: f64,
    /// Whether the episode ends with it.
    pub ends: bool,
}

/// A problem of few states, in full.
#[derive(Clone, PartialEq, Debug)]
pub struct Tabular {
    name: &'static str,
    /// States; an episode begins in the first.
    pub states: usize,
    /// Actions in each state.
    pub actions: usize,
    /// Discount of a step.
    pub discount: f64,
    /// Steps after which an episode is cut off.
    pub steps: u32,
    /// What may come of each state and action: row `state × actions + action`.
    pub branches: Vec<Vec<Branch>>,
}

impl Tabular {
    pub(crate) fn chain(settings: &Settings) -> Result<Tabular, EnvError> {
        let checked = settings.check(CHAIN, CHAIN_SETTINGS)?;
        let (states, slip, small) =
            (checked.count("length") as usize, checked.get("slip"), checked.get("small"));
        let branches = (0..states * 2).map(|row| {
            let (state, action) = (row / 2, row % 2);
            let back = Branch {
                probability: if action == 0 { 1.0 - slip } else { slip },
                next: 0,
                reward: small,
                ends: false,
            };
            let ends = state + 1 == states;
            let on = Branch {
                probability: 1.0 - back.probability,
                next: if ends { state } else { state + 1 },
                reward: if ends { 1.0 } else { 0.0 },
                ends,
            };
            vec![back, on]
        });
        let branches = branches.collect();
        let (discount, steps) = (checked.get("discount"), checked.count("steps"));
        Ok(Tabular { name: CHAIN, states, actions: 2, discount, steps, branches })
    }

    pub(crate) fn grid(settings: &Settings) -> Result<Tabular, EnvError> {
        let checked = settings.check(GRID, GRID_SETTINGS)?;
        let (side, slip, step) =
            (checked.count("side") as usize, checked.get("slip"), checked.get("step"));
        let (goal, pit) = (side * side - 1, (side / 2) * side + side / 2);
        let to = |state: usize, direction: usize| {
            let (row, column) = (state / side, state % side);
            let next = match direction {
                0 if row > 0 => state - side,
                1 if column + 1 < side => state + 1,
                2 if row + 1 < side => state + side,
                3 if column > 0 => state - 1,
                _ => state,
            };
            // With a side of two the middle is the goal, and there is no pit.
            let earned = match next {
                next if next == goal => 1.0,
                next if next == pit => -1.0,
                _ => 0.0,
            };
            (next, step + earned, next == goal || next == pit)
        };
        let branches = (0..side * side * 4).map(|row| {
            let (state, action) = (row / 4, row % 4);
            let branch = |direction| {
                let (next, reward, ends) = to(state, direction);
                let chosen = if direction == action { 1.0 - slip } else { 0.0 };
                Branch { probability: chosen + 0.25 * slip, next, reward, ends }
            };
            (0..4).map(branch).collect()
        });
        let branches = branches.collect();
        let (discount, steps) = (checked.get("discount"), checked.count("steps"));
        Ok(Tabular { name: GRID, states: side * side, actions: 4, discount, steps, branches })
    }

    /// The observation of a state.
    pub fn observation(&self, state: usize) -> Vec<f32> {
        (0..self.states).map(|at| if at == state { 1.0 } else { 0.0 }).collect()
    }

    /// The exact worth of each action in each state under the best policy without a limit of steps,
    /// row `state × actions + action`: by iterating Bellman's equation until it stands still.
    pub fn best(&self) -> Vec<f64> {
        let mut q = vec![0.0; self.branches.len()];
        for _ in 0..SWEEPS_MAX {
            let best = |state: usize| {
                let row = &q[state * self.actions..(state + 1) * self.actions];
                row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            };
            let next: Vec<f64> =
                self.branches.iter().map(|branches| self.expected(branches, best)).collect();
            if stands(&q, &next) {
                return next;
            }
            q = next;
        }
        q
    }

    /// The exact worth of each state under a policy, an action a state.
    ///
    /// # Panics
    /// If there is not an action for each state.
    pub fn worth(&self, policy: &[usize]) -> Vec<f64> {
        assert_eq!(policy.len(), self.states, "an action a state");
        let mut v = vec![0.0; self.states];
        for _ in 0..SWEEPS_MAX {
            let row = |(state, action): (usize, &usize)| {
                let row = state * self.actions + (*action).min(self.actions - 1);
                self.expected(&self.branches[row], |next| v[next])
            };
            let next: Vec<f64> = policy.iter().enumerate().map(row).collect();
            if stands(&v, &next) {
                return next;
            }
            v = next;
        }
        v
    }

    fn expected(&self, branches: &[Branch], worth: impl Fn(usize) -> f64) -> f64 {
        let one = |branch: &Branch| {
            let rest = if branch.ends { 0.0 } else { self.discount * worth(branch.next) };
            branch.probability * (branch.reward + rest)
        };
        branches.iter().map(one).sum()
    }

    fn spec(&self) -> Spec {
        Spec {
            name: self.name,
            observation: self.states,
            actions: ActionSpace::Discrete(self.actions as u32),
            steps: Some(self.steps),
        }
    }
}

/// Most sweeps of an iteration: with the largest discount, 0.999, a sweep takes a thousandth of
/// what is missing away, and 60,000 leave nothing but rounding.
const SWEEPS_MAX: usize = 60_000;

/// Whether nothing moved but the last bits.
fn stands(before: &[f64], after: &[f64]) -> bool {
    let largest = after.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    before.iter().zip(after).all(|(a, b)| (a - b).abs() <= 1e-16 * largest)
}

/// A batch of a tabular problem.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    table: Tabular,
    spec: Spec,
    first: u32,
    /// State and step of each lane.
    lanes: Vec<(usize, u32)>,
    seed: u64,
    counter: u64,
}

impl Places {
    /// Lanes from lane `first` on.
    pub(crate) fn new(table: Tabular, first: u32, lanes: usize) -> Places {
        let spec = table.spec();
        Places { table, spec, first, lanes: vec![(0, 0); lanes], seed: 0, counter: 0 }
    }
}

/// Writes the observation of a state.
fn show(to: &mut [f32], lane: usize, states: usize, state: usize) {
    let row = &mut to[lane * states..(lane + 1) * states];
    row.fill(0.0);
    row[state] = 1.0;
}

impl Environment for Places {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        crate::lanes::check(&self.spec, self.lanes.len(), None, outcome);
        self.seed = seed;
        self.counter = 0;
        self.lanes.fill((0, 0));
        outcome.reward.fill(0.0);
        outcome.terminated.fill(false);
        outcome.truncated.fill(false);
        for lane in 0..self.lanes.len() {
            show(&mut outcome.observation, lane, self.table.states, 0);
        }
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        crate::lanes::check(&self.spec, self.lanes.len(), Some(actions), outcome);
        let Actions::Discrete(actions) = actions else { unreachable!("the shape was checked") };
        let table = &self.table;
        let mut bits = [[0; BLOCK]; 4];
        for (lane, (state, step)) in self.lanes.iter_mut().enumerate() {
            if lane % BLOCK == 0 {
                let first = self.first + lane as u32;
                numbers([self.seed, self.counter], first, 0, &mut bits);
            }
            let action = (actions[lane] as usize).min(table.actions - 1);
            let branch =
                drawn(&table.branches[*state * table.actions + action], bits[0][lane % BLOCK]);
            *state = branch.next;
            *step += 1;
            outcome.reward[lane] = branch.reward as f32;
            outcome.terminated[lane] = branch.ends;
            outcome.truncated[lane] = !branch.ends && *step == table.steps;
            if branch.ends || *step == table.steps {
                show(&mut outcome.last, lane, table.states, *state);
                (*state, *step) = (0, 0);
            }
            show(&mut outcome.observation, lane, table.states, *state);
        }
        self.counter += 1;
    }
}

/// One of the branches, by its probability.
fn drawn(branches: &[Branch], bits: u32) -> Branch {
    let mut left = f64::from(uniform(bits));
    for branch in branches {
        left -= branch.probability;
        if left < 0.0 {
            return *branch;
        }
    }
    // What rounding left over belongs to the last that can happen.
    *branches.iter().rev().find(|branch| branch.probability > 0.0).expect("they add up to 1")
}

/// Asks in every state. The value is that of the first state, discounted, without a limit of steps;
/// the baseline is that of the policy that takes the first action everywhere.
#[derive(Clone, Debug)]
pub(crate) struct TabularExam {
    table: Tabular,
    spec: Spec,
    optimum: f64,
    baseline: f64,
}

impl TabularExam {
    pub(crate) fn new(table: Tabular) -> TabularExam {
        let optimum = table.best()[..table.actions].iter().copied().fold(f64::MIN, f64::max);
        let baseline = table.worth(&vec![0; table.states])[0];
        TabularExam { spec: table.spec(), table, optimum, baseline }
    }
}

impl Exam for TabularExam {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn run(&self, policy: &mut Asked<'_>) -> Score {
        let states = self.table.states;
        let rows: Vec<f32> = (0..states).flat_map(|state| self.table.observation(state)).collect();
        let actions: Vec<usize> = policy(&rows, states).iter().map(|at| *at as usize).collect();
        self.score(self.table.worth(&actions)[0])
    }

    fn optimum(&self) -> f64 {
        self.optimum
    }

    fn baseline(&self) -> f64 {
        self.baseline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bellman's equation holds, and for a chain without slips the worth is known: 0.95⁵.
    #[test]
    fn exact_values() {
        let sure = Settings::new().with("slip", 0.0).with("small", 0.0);
        let chain = Tabular::chain(&sure).expect("allowed");
        let best = chain.best();
        for state in 0..6 {
            let on = 0.95_f64.powi(5 - state);
            assert!((best[2 * state as usize + 1] - on).abs() < 1e-12, "{best:?}");
        }
        let grid = Tabular::grid(&Settings::new()).expect("allowed");
        let (best, n) = (grid.best(), grid.actions);
        let greedy: Vec<usize> = best
            .chunks_exact(n)
            .map(|row| (0..n).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("actions"))
            .collect();
        for (state, worth) in grid.worth(&greedy).iter().enumerate() {
            assert!((worth - best[state * n + greedy[state]]).abs() < 1e-12);
        }
        for branches in &grid.branches {
            let sum: f64 = branches.iter().map(|branch| branch.probability).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_baseline_is_below_the_best() {
        for table in [Tabular::chain(&Settings::new()), Tabular::grid(&Settings::new())] {
            let exam = TabularExam::new(table.expect("allowed"));
            assert!(exam.baseline() < exam.optimum() - 0.05, "{exam:?}");
            assert!(exam.run(&mut |_, rows| vec![f32::NAN; rows]).g.abs() < 1e-9);
        }
    }
}
