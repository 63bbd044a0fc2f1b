//! EX-1: selling a block of shares as in Almgren and Chriss, "Optimal execution of portfolio
//! transactions" (Journal of Risk 3, 2001).
//!
//! X shares are sold in N slices of τ = T/N days. Slice k sells n of the x shares that are left,
//! and costs, in dollars,
//!
//! ```text
//! γ (x − n) n + ε n + (η/τ) n² + λσ²τ (x − n)²
//! ```
//!
//! permanent impact of the slice on the shares left after it, half the spread and fees, temporary
//! impact, and risk, λ times the variance of what is left. Their sum is E + λV of the paper's
//! equations 4 and 5; Σ γ (x − n) n = ½γX² − ½γΣn² is where its η̃ = η − ½γτ comes from.
//!
//! The action is the share of what is left that is sold, 0 to 1; the last slice sells everything.
//! The reward is −cost divided by X: dollars a share. With `noise` 1 the price moves, which changes
//! no expected value. The observation is (time left as a share of T, shares left as a share of X).

use crate::lanes::{Lane, blocks, check, cut, filled, give, take};
use crate::philox::BLOCK;
use crate::random::{normal, numbers};
use crate::settings::{number, whole};
use crate::{
    ActionSpace, Actions, Asked, EnvError, Environment, Exam, Outcome, Score, Setting, Settings,
    Spec,
};

/// Its name.
pub(crate) const NAME: &str = "ex1";

/// What can be set; defaults are the paper's (table 1), with ε and η of half the spread and one
/// percent of the day's volume.
pub(crate) const SETTINGS: &[Setting] = &[
    number("shares", 1e6, [1.0, 1e9], "X, shares to sell"),
    number("sigma", 0.95, [0.0, 1e3], "σ, dollars per share and √day"),
    number("epsilon", 0.0625, [0.0, 1e3], "ε, fixed cost, dollars per share"),
    number("permanent", 2.5e-7, [0.0, 1.0], "γ, permanent impact, dollars per share²"),
    number("eta", 2.5e-6, [1e-12, 1.0], "η, temporary impact, dollars·days per share²"),
    number("lambda", 1e-6, [0.0, 1.0], "λ, risk aversion, per dollar"),
    number("horizon", 5.0, [1e-3, 1e3], "T, days"),
    whole("steps", 5.0, [1.0, 10_000.0], "N, slices"),
    whole("noise", 0.0, [0.0, 1.0], "1: the price moves"),
];

const BOUNDS: (f32, f32) = (0.0, 1.0);

/// Costs in dollars a share of X, with x and n as shares of X.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    shares: f64,
    permanent: f64,
    fixed: f64,
    temporary: f64,
    risk: f64,
    /// Movement of the price in a slice, dollars.
    sigma: f64,
    steps: u32,
    noise: bool,
}

impl Model {
    pub(crate) fn new(settings: &Settings) -> Result<Model, EnvError> {
        let checked = settings.check(NAME, SETTINGS)?;
        let get = |key| checked.get(key);
        let (shares, tau) = (get("shares"), get("horizon") / get("steps"));
        if get("eta") / tau <= 0.5 * get("permanent") {
            let what = "`eta` over the days of a slice must be above half of `permanent`";
            return Err(EnvError::Together { environment: NAME, what });
        }
        Ok(Model {
            shares,
            permanent: get("permanent") * shares,
            fixed: get("epsilon"),
            temporary: get("eta") / tau * shares,
            risk: get("lambda") * get("sigma").powi(2) * tau * shares,
            sigma: get("sigma") * tau.sqrt(),
            steps: checked.count("steps"),
            noise: checked.on("noise"),
        })
    }

    fn spec(&self) -> Spec {
        let actions = ActionSpace::Continuous(vec![BOUNDS]);
        Spec { name: NAME, observation: 2, actions, steps: Some(self.steps) }
    }
}

/// A batch of EX-1. Every lane is at the same slice.
#[derive(Clone, Debug)]
pub(crate) struct Ex1 {
    model: Model,
    spec: Spec,
    first: u32,
    lanes: usize,
    /// Shares left, of X.
    left: Vec<Lane>,
    seed: u64,
    counter: u64,
    step: u32,
}

impl Ex1 {
    /// Lanes from lane `first` on.
    pub(crate) fn new(model: Model, first: u32, lanes: usize) -> Ex1 {
        let left = vec![[1.0; BLOCK]; blocks(lanes)];
        Ex1 { model, spec: model.spec(), first, lanes, left, seed: 0, counter: 0, step: 0 }
    }

    fn begin(&mut self) {
        self.left.fill([1.0; BLOCK]);
        self.step = 0;
    }

    fn observe(&self, to: &mut [f32]) {
        let time = 1.0 - self.step as f32 / self.model.steps as f32;
        for (at, left) in self.left.iter().enumerate() {
            give(to, at * BLOCK, &[[time; BLOCK], *left]);
        }
    }

    #[inline(always)]
    fn steps<const NOISE: bool>(&mut self, actions: &[f32], reward: &mut [f32]) {
        let model = &self.model;
        let numbers_of = [model.permanent, model.fixed, model.temporary, model.risk, model.sigma];
        let [permanent, fixed, temporary, risk, sigma] = numbers_of.map(|x| x as f32);
        let ends = self.step + 1 == model.steps;
        let (mut bits, mut gained) = ([[0; BLOCK]; 4], [0.0; BLOCK]);
        for (at, left) in self.left.iter_mut().enumerate() {
            let base = at * BLOCK;
            let [share] = take::<1>(actions, base);
            if NOISE {
                let lane = self.first + base as u32;
                numbers([self.seed, self.counter], lane, 0, &mut bits);
            }
            for lane in 0..BLOCK {
                let share = if ends { 1.0 } else { cut(share[lane], BOUNDS) };
                let sold = left[lane] * share;
                let rests = left[lane] - sold;
                let mut r = -(permanent * rests * sold
                    + fixed * sold
                    + temporary * sold * sold
                    + risk * rests * rests);
                if NOISE {
                    r += sigma * rests * normal(bits[0][lane], bits[1][lane]);
                }
                left[lane] = rests;
                gained[lane] = r;
            }
            let lanes = filled(self.lanes, base);
            reward[base..base + lanes].copy_from_slice(&gained[..lanes]);
        }
    }
}

impl Environment for Ex1 {
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
        let Actions::Continuous(shares) = actions else { unreachable!("the shape was checked") };
        if self.model.noise {
            self.steps::<true>(shares, &mut outcome.reward);
        } else {
            self.steps::<false>(shares, &mut outcome.reward);
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

/// Follows a policy through the slices. Its values are −(E + λV) in dollars; the baseline is equal
/// slices.
#[derive(Clone, Debug)]
pub(crate) struct Ex1Exam {
    model: Model,
    spec: Spec,
    optimum: f64,
    baseline: f64,
}

impl Ex1Exam {
    pub(crate) fn new(settings: &Settings) -> Result<Ex1Exam, EnvError> {
        let model = Model::new(settings)?;
        let best = best(&model);
        let optimum = follow(&model, |step, _| best[step as usize]);
        let baseline = follow(&model, |step, _| 1.0 / f64::from(model.steps - step));
        Ok(Ex1Exam { model, spec: model.spec(), optimum, baseline })
    }
}

impl Exam for Ex1Exam {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn run(&self, policy: &mut Asked<'_>) -> Score {
        let steps = self.model.steps as f32;
        self.score(follow(&self.model, |step, left| {
            let given = policy(&[1.0 - step as f32 / steps, left as f32], 1);
            assert_eq!(given.len(), 1, "an action for one observation");
            f64::from(cut(given[0], BOUNDS))
        }))
    }

    fn optimum(&self) -> f64 {
        self.optimum
    }

    fn baseline(&self) -> f64 {
        self.baseline
    }
}

/// −cost in dollars of the shares of what is left that are sold in each slice.
fn follow(model: &Model, mut share: impl FnMut(u32, f64) -> f64) -> f64 {
    let (mut left, mut cost) = (1.0, 0.0);
    for step in 0..model.steps {
        let share = if step + 1 == model.steps { 1.0 } else { share(step, left) };
        let sold = left * share;
        left -= sold;
        cost += sold * (model.permanent * left + model.fixed + model.temporary * sold)
            + model.risk * left * left;
    }
    -cost * model.shares
}

/// The best shares, backward: what is left at x costs c x² + ε x in the best way, since the minimum
/// over n of γ(x − n)n + (η/τ)n² + b(x − n)², b = λσ²τ + c of the next slice, is at a share of x.
/// Where that is below 0, as impact that fades by slicing may make it, nothing is sold.
fn best(model: &Model) -> Vec<f64> {
    let (g, e) = (model.permanent, model.temporary);
    let mut shares = vec![1.0; model.steps as usize];
    let mut c = e;
    for share in shares.iter_mut().rev().skip(1) {
        let b = model.risk + c;
        let r = ((2.0 * b - g) / (2.0 * (e + b - g))).clamp(0.0, 1.0);
        c = g * (1.0 - r) * r + e * r * r + b * (1.0 - r) * (1.0 - r);
        *share = r;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_the_paper() {
        let exam = Ex1Exam::new(&Settings::new()).expect("allowed");
        assert!((exam.optimum() + 1_275_356.0).abs() < 1.0, "{}", exam.optimum());
        assert!((exam.baseline() + 1_745_500.0).abs() < 1e-3, "{}", exam.baseline());
    }

    /// The paper's closed form, equation 19: x = X sinh(κ(T − t))/sinh(κT).
    #[test]
    fn the_programme_is_the_closed_form() {
        let model = Model::new(&Settings::new().with("steps", 40.0)).expect("allowed");
        let tau = 5.0 / 40.0;
        let eta = 2.5e-6 - 0.5 * 2.5e-7 * tau;
        let squared = 1e-6 * 0.95 * 0.95 / eta;
        let kappa = (0.5 * tau * tau * squared + 1.0_f64).acosh() / tau;
        let (mut left, shares) = (1.0, best(&model));
        for (step, share) in shares.iter().enumerate() {
            let t = tau * step as f64;
            let closed = (kappa * (5.0 - t)).sinh() / (kappa * 5.0).sinh();
            assert!((left - closed).abs() < 1e-9, "{step}: {left} {closed}");
            left *= 1.0 - share;
        }
    }

    #[test]
    fn equal_slices_are_the_baseline() {
        let exam = Ex1Exam::new(&Settings::new()).expect("allowed");
        let score = exam.run(&mut |row, _| vec![1.0 / (row[0] * 5.0)]);
        assert!(score.g.abs() < 1e-5, "{score:?}");
        let none = exam.run(&mut |_, _| vec![f32::NAN]);
        assert!(none.value.is_finite());
    }
}
