//! SA-1: trading a signal that decays, with quadratic costs: Gârleanu and Pedersen, "Dynamic
//! trading with predictable returns and transaction costs" (Journal of Finance 68, 2013), as a test
//! of learning in Chaouki, Hardiman, Schmidt, Sérié and de Lataillade, "Deep deterministic
//! portfolio optimization" (2020).
//!
//! With a signal p and a position x, in each step: the position becomes x′ = x + a; the reward is
//! `p x′ − λ x′² − Γ a²`; the signal becomes p′ = ρp + √(1 − ρ²)·Z, so that its stationary variance
//! is one. The observation is (p, x). The action is the trade a, cut to [−1, 1], and the position
//! to [−8, 8]: both are far outside of what the optimum does. An episode has no end of its own: it
//! is cut off after `steps`. It begins with a signal of the stationary distribution and a position
//! that is normal with standard deviation `spread`.
//!
//! J is the mean reward of a step in the long run. The optimum is linear in x and p, by Riccati's
//! equation; the myopic policy, the baseline, takes the best reward of the one step.

use crate::lanes::{Lane, blocks, check, cut, filled, give, take};
use crate::philox::BLOCK;
use crate::random::{Random, normal, numbers};
use crate::settings::{number, whole};
use crate::{
    ActionSpace, Actions, Asked, EnvError, Environment, Exam, Outcome, Score, Setting, Settings,
    Spec,
};

/// Its name.
pub(crate) const NAME: &str = "sa1";

/// What can be set.
pub(crate) const SETTINGS: &[Setting] = &[
    number("rho", 0.95, [-0.999, 0.999], "ρ, what a step leaves of the signal"),
    number("lambda", 0.3, [0.01, 100.0], "λ, risk aversion"),
    number("cost", 4.0, [0.0, 1e4], "Γ, cost of trading"),
    whole("steps", 256.0, [1.0, 1e6], "steps after which an episode is cut off"),
    number("spread", 1.0, [0.0, 4.0], "standard deviation of the position it begins with"),
];

const TRADE: (f32, f32) = (-1.0, 1.0);
const POSITION: (f32, f32) = (-8.0, 8.0);

/// Streams of random numbers.
const MARKET: u32 = 0;
const START: u32 = 1;
const EXAM: u32 = 2;

/// The model in numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    rho: f64,
    lambda: f64,
    cost: f64,
    steps: u32,
    spread: f64,
}

impl Model {
    pub(crate) fn new(settings: &Settings) -> Result<Model, EnvError> {
        let checked = settings.check(NAME, SETTINGS)?;
        let get = |key| checked.get(key);
        let (rho, lambda, cost) = (get("rho"), get("lambda"), get("cost"));
        Ok(Model { rho, lambda, cost, steps: checked.count("steps"), spread: get("spread") })
    }

    fn spec(&self) -> Spec {
        let actions = ActionSpace::Continuous(vec![TRADE]);
        Spec { name: NAME, observation: 2, actions, steps: Some(self.steps) }
    }

    /// The standard deviation of what is new in the signal.
    fn shock(&self) -> f64 {
        (1.0 - self.rho * self.rho).sqrt()
    }
}

/// A batch of SA-1. Every lane is at the same step of its episode.
#[derive(Clone, Debug)]
pub(crate) struct Sa1 {
    model: Model,
    spec: Spec,
    first: u32,
    lanes: usize,
    /// Signal and position.
    state: Vec<[Lane; 2]>,
    seed: u64,
    counter: u64,
    step: u32,
}

impl Sa1 {
    /// Lanes from lane `first` on.
    pub(crate) fn new(model: Model, first: u32, lanes: usize) -> Sa1 {
        let state = vec![[[0.0; BLOCK]; 2]; blocks(lanes)];
        Sa1 { model, spec: model.spec(), first, lanes, state, seed: 0, counter: 0, step: 0 }
    }

    fn begin(&mut self) {
        let spread = self.model.spread as f32;
        let mut bits = [[0; BLOCK]; 4];
        for (at, [signal, position]) in self.state.iter_mut().enumerate() {
            let first = self.first + (at * BLOCK) as u32;
            numbers([self.seed, self.counter], first, START, &mut bits);
            for lane in 0..BLOCK {
                signal[lane] = normal(bits[0][lane], bits[1][lane]);
                let drawn = spread * normal(bits[2][lane], bits[3][lane]);
                position[lane] = cut(drawn, POSITION);
            }
        }
        self.step = 0;
    }

    fn observe(&self, to: &mut [f32]) {
        for (at, state) in self.state.iter().enumerate() {
            give(to, at * BLOCK, state);
        }
    }
}

impl Environment for Sa1 {
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
        let Actions::Continuous(trades) = actions else { unreachable!("the shape was checked") };
        let Model { rho, lambda, cost, .. } = self.model;
        let [rho, shock, lambda, cost] = [rho, self.model.shock(), lambda, cost].map(|x| x as f32);
        let (mut bits, mut gained) = ([[0; BLOCK]; 4], [0.0; BLOCK]);
        for (at, [signal, position]) in self.state.iter_mut().enumerate() {
            let base = at * BLOCK;
            let [trade] = take::<1>(trades, base);
            let first = self.first + base as u32;
            numbers([self.seed, self.counter], first, MARKET, &mut bits);
            for lane in 0..BLOCK {
                let (p, x) = (signal[lane], position[lane]);
                let to = cut(x + cut(trade[lane], TRADE), POSITION);
                let traded = to - x;
                gained[lane] = p * to - lambda * to * to - cost * traded * traded;
                position[lane] = to;
                signal[lane] = rho * p + shock * normal(bits[0][lane], bits[1][lane]);
            }
            let lanes = filled(self.lanes, base);
            outcome.reward[base..base + lanes].copy_from_slice(&gained[..lanes]);
        }
        self.step += 1;
        self.counter += 1;
        let cut_off = self.step == self.model.steps;
        outcome.terminated.fill(false);
        outcome.truncated.fill(cut_off);
        if cut_off {
            self.observe(&mut outcome.last);
            self.begin();
        }
        self.observe(&mut outcome.observation);
    }
}

/// A policy x′ = `keep`·x + `follow`·p.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Linear {
    /// What is kept of the position.
    keep: f64,
    /// What the signal adds.
    follow: f64,
}

/// The best policy, and the curvature of what a deviation from it costs.
fn riccati(model: &Model) -> (Linear, f64) {
    // The relative worth of (x, p) is −½a x² + b x p + ...; one step backward from it until it
    // stands.
    let (mut a, mut b) = (0.0, 0.0);
    loop {
        let curvature = 2.0 * model.lambda + 2.0 * model.cost + a;
        let keep = 2.0 * model.cost / curvature;
        let follow = (1.0 + b * model.rho) / curvature;
        let next = (2.0 * model.cost * (1.0 - keep), keep * (1.0 + b * model.rho));
        // Its rate is that of the policy: the slowest allowed is some 1e-3 a turn.
        let still = (next.0 - a).abs() + (next.1 - b).abs() < 1e-14 * (1.0 + a.abs() + b.abs());
        if still {
            return (Linear { keep, follow }, curvature);
        }
        (a, b) = next;
    }
}

/// J of a linear policy, from the stationary covariances of position and signal.
fn long_run(model: &Model, Linear { keep, follow }: Linear) -> f64 {
    let rho = model.rho;
    // Position and signal when the action is chosen.
    let both = rho * follow / (1.0 - rho * keep);
    let own = (2.0 * keep * follow * both + follow * follow) / (1.0 - keep * keep);
    let less = keep - 1.0;
    let traded = less * less * own + 2.0 * less * follow * both + follow * follow;
    keep * both + follow - model.lambda * own - model.cost * traded
}

/// Lanes and steps of an exam, and the steps before that are not counted.
const LANES: usize = 512;
const STEPS: u64 = 1_000;
const BEFORE: u64 = 100;

/// Follows a policy over signals that are always the same. What a policy loses against the optimum
/// is *exactly* the long-run mean of ½D(x′ − x*′)², with D the curvature of Riccati's equation and
/// x*′ where the optimum would go from the policy's own state (Kakade and Langford 2002, lemma 6.1:
/// the advantage of a quadratic problem is a square). That mean is taken over 512 lanes and 1,000
/// steps, after 100 that are not counted. So a policy near the optimum has next to no error by
/// sampling, and the optimum none; two policies are compared on the same signals.
#[derive(Clone, Debug)]
pub(crate) struct Sa1Exam {
    model: Model,
    spec: Spec,
    best: Linear,
    curvature: f64,
    optimum: f64,
    baseline: f64,
}

impl Sa1Exam {
    pub(crate) fn new(settings: &Settings) -> Result<Sa1Exam, EnvError> {
        let model = Model::new(settings)?;
        let (best, curvature) = riccati(&model);
        let optimum = long_run(&model, best);
        let scale = 2.0 * (model.lambda + model.cost);
        let myopic = Linear { keep: 2.0 * model.cost / scale, follow: 1.0 / scale };
        let baseline = long_run(&model, myopic);
        Ok(Sa1Exam { model, spec: model.spec(), best, curvature, optimum, baseline })
    }
}

impl Exam for Sa1Exam {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn run(&self, policy: &mut Asked<'_>) -> Score {
        let mut draws: Vec<Random> =
            (0..LANES).map(|lane| Random::new(0, lane as u32, EXAM)).collect();
        let mut state: Vec<[f64; 2]> =
            draws.iter_mut().map(|random| [f64::from(random.normal()), 0.0]).collect();
        let mut lost = 0.0;
        for step in 0..BEFORE + STEPS {
            let rows: Vec<f32> = state.iter().flatten().map(|number| *number as f32).collect();
            let trades = policy(&rows, LANES);
            assert_eq!(trades.len(), LANES, "an action for each of {LANES} observations");
            for ((state, trade), random) in state.iter_mut().zip(&trades).zip(&mut draws) {
                let [p, x] = *state;
                let trade = f64::from(cut(*trade, TRADE));
                let to = (x + trade).clamp(f64::from(POSITION.0), f64::from(POSITION.1));
                if step >= BEFORE {
                    let best = self.best.keep * x + self.best.follow * p;
                    lost += 0.5 * self.curvature * (to - best).powi(2);
                }
                let shock = self.model.shock() * f64::from(random.normal());
                *state = [self.model.rho * p + shock, to];
            }
        }
        self.score(self.optimum - lost / (LANES as f64 * STEPS as f64))
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

    fn exam() -> Sa1Exam {
        Sa1Exam::new(&Settings::new()).expect("allowed")
    }

    #[test]
    fn the_figures_of_the_literature() {
        let exam = exam();
        assert!((exam.best.follow - 0.3435).abs() < 5e-5, "{:?}", exam.best);
        assert!((exam.best.keep - 0.7611).abs() < 5e-5, "{:?}", exam.best);
        assert!((exam.optimum() - 0.62007).abs() < 5e-6, "{}", exam.optimum());
        assert!((exam.baseline() - 0.48795).abs() < 5e-6, "{}", exam.baseline());
    }

    /// No linear policy near it is better.
    #[test]
    fn the_optimum_is_a_maximum() {
        let exam = exam();
        for (keep, follow) in [(0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)] {
            let other = Linear { keep: exam.best.keep + keep, follow: exam.best.follow + follow };
            assert!(long_run(&exam.model, other) < exam.optimum());
        }
    }

    /// The sample gives linear policies what the closed form gives them.
    #[test]
    fn the_sample_is_the_closed_form() {
        let exam = exam();
        for linear in [
            exam.best,
            Linear { keep: 0.8, follow: 0.3 },
            Linear { keep: 0.7, follow: 0.4 },
            Linear { keep: 0.93, follow: 0.116 },
        ] {
            let trade = |row: &[f32]| {
                let [p, x] = [row[0], row[1]].map(f64::from);
                (linear.keep * x + linear.follow * p - x) as f32
            };
            let score = exam.run(&mut |rows, _| rows.chunks_exact(2).map(trade).collect());
            let closed = long_run(&exam.model, linear);
            let lost = exam.optimum() - closed;
            assert!((score.value - closed).abs() < 1e-6 + 0.02 * lost, "{linear:?}: {score:?}");
        }
    }
}
