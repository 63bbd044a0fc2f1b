//! The certainty equivalent of a policy of MM-1 under exponential utility, by its equations.
//!
//! With wealth x, inventory q and mid s, expected utility is −exp(−γ(x + qs))·w(t, q), and
//!
//! ```text
//! −∂w/∂t = ½γ²σ²q²w + Σ over sides A exp(−kδ) (exp(−γδ) w(q ± 1) − w),   w(T, ·) = 1
//! ```
//!
//! from Itô's formula, with no fills beyond the limit. The certainty equivalent is −ln w(0, q₀)/γ.
//! For the best δ the equation becomes linear in v = w^(−k/γ) (Guéant, Lehalle and Fernandez-Tapia
//! 2013, proposition 1):
//!
//! ```text
//! ∂v/∂t = ½kγσ²q² v − A (1 + γ/k)^−(1 + k/γ) (v(q + 1) + v(q − 1)),   v(T, ·) = 1
//! ```
//!
//! Both are solved backward by the classic Runge-Kutta method of fourth order with steps short
//! against the largest rate, and scaled as they go, so that neither overflows.

use super::{INVENTORY, Model, NAME};
use crate::{Asked, EnvError, Exam, Score, Settings, Spec};

/// Times at which a policy is asked.
const TIMES: usize = 200;

/// Largest coefficient times T: a million steps of the equations.
const RATES_MAX: f64 = 1e5;

/// Asks for a policy's quotes at 200 times and every inventory. The value is the certainty
/// equivalent, in units of price, of a desk that quotes anew at every fill and at those times; the
/// baseline is Avellaneda and Stoikov's formula, nowhere beyond the mid.
#[derive(Clone, Debug)]
pub(crate) struct Mm1Exam {
    model: Model,
    spec: Spec,
    optimum: f64,
    baseline: f64,
}

impl Mm1Exam {
    pub(crate) fn new(settings: &Settings) -> Result<Mm1Exam, EnvError> {
        let model = Model::new(settings)?;
        if model.latency || !model.chance {
            let what = "the optimum is known for `latency` 0 and `fills` 1";
            return Err(EnvError::Together { environment: NAME, what });
        }
        let rates = fastest(&model).into_iter().fold(0.0, f64::max);
        if rates * model.horizon > RATES_MAX {
            let what = "`gamma`, `sigma`, `limit`, `a` and `horizon` are too large for an exam";
            return Err(EnvError::Together { environment: NAME, what });
        }
        let spec = Spec {
            name: NAME,
            observation: model.width(),
            actions: model.quotes.space(),
            steps: None,
        };
        let optimum = optimum(&model);
        let baseline = equivalent(&model, |left, q| formula(&model, left, q));
        Ok(Mm1Exam { model, spec, optimum, baseline })
    }
}

impl Exam for Mm1Exam {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn run(&self, policy: &mut Asked<'_>) -> Score {
        let limit = self.model.limit;
        let wide = 2 * limit as usize + 1;
        let mut rows = Vec::with_capacity(TIMES * wide * 2);
        for time in 0..TIMES {
            for q in -limit..=limit {
                rows.push(1.0 - time as f32 / TIMES as f32);
                rows.push(q as f32 / INVENTORY);
            }
        }
        let asked = rows.len() / 2;
        let offsets = self.model.quotes.offsets(&policy(&rows, asked), asked);
        let horizon = self.model.horizon;
        self.score(equivalent(&self.model, |left, q| {
            // The last time at or before; a Runge-Kutta step never reaches over one.
            let time = ((1.0 - left / horizon) * TIMES as f64) as usize;
            offsets[time.min(TIMES - 1) * wide + (q + limit) as usize]
        }))
    }

    fn optimum(&self) -> f64 {
        self.optimum
    }

    fn baseline(&self) -> f64 {
        self.baseline
    }
}

/// Distances of bid and ask by Avellaneda and Stoikov (2008), equations 29 and 30: the mid is
/// shifted by −qγσ²(T − t), and the half-spread is ½γσ²(T − t) + ln(1 + γ/k)/γ.
fn formula(model: &Model, left: f64, q: i32) -> [f64; 2] {
    let risk = model.gamma * model.sigma * model.sigma * left;
    let half = 0.5 * risk + (1.0 + model.gamma / model.k).ln() / model.gamma;
    let skew = -f64::from(q) * risk;
    [half - skew, half + skew].map(|offset| offset.max(0.0))
}

/// The largest coefficients of the two equations, per unit of time: of the best, of any policy.
fn fastest(model: &Model) -> [f64; 2] {
    let square = (model.gamma * model.sigma * f64::from(model.limit)).powi(2);
    let best = 0.5 * model.k / model.gamma * square + 2.0 * model.a;
    [best, 0.5 * square + 2.0 * model.a]
}

/// The certainty equivalent of the best policy.
fn optimum(model: &Model) -> f64 {
    let (gamma, k) = (model.gamma, model.k);
    let drag = 0.5 * k * gamma * model.sigma * model.sigma;
    let flow = model.a * (1.0 + gamma / k).powf(-(1.0 + k / gamma));
    let log = solve(model, fastest(model)[0], |_, q| (-drag * f64::from(q).powi(2), flow, flow));
    log / k
}

/// The certainty equivalent of the quotes that a function of time left and inventory gives.
fn equivalent(model: &Model, quotes: impl Fn(f64, i32) -> [f64; 2]) -> f64 {
    let (gamma, k) = (model.gamma, model.k);
    let risk = 0.5 * (gamma * model.sigma).powi(2);
    let log = solve(model, fastest(model)[1], |left, q| {
        let [bid, ask] = quotes(left, q);
        let rate = |offset: f64, open: bool| if open { model.a * (-k * offset).exp() } else { 0.0 };
        let (bought, sold) = (rate(bid, q < model.limit), rate(ask, q > -model.limit));
        let stays = risk * f64::from(q).powi(2) - bought - sold;
        (stays, bought * (-gamma * bid).exp(), sold * (-gamma * ask).exp())
    });
    -log / gamma
}

/// The logarithm of y(0, q₀), where −∂y/∂t = c₀ y(q) + c₊ y(q + 1) + c₋ y(q − 1) and y(T, ·) = 1.
/// The coefficients are asked for by time left and inventory; `fastest` bounds them.
fn solve(model: &Model, fastest: f64, rates: impl Fn(f64, i32) -> (f64, f64, f64)) -> f64 {
    let limit = model.limit;
    let wide = 2 * limit as usize + 1;
    // A step of a tenth of the shortest time: the method's error is below 1e-6 of the result there.
    let per = (10.0 * fastest * model.horizon / TIMES as f64).ceil().max(10.0) as usize;
    let steps = TIMES * per;
    let dt = model.horizon / steps as f64;
    let mut y = vec![1.0; wide];
    let mut logarithm = 0.0;
    // What time is at hand: a policy that stands still between times is asked inside of the
    // interval.
    let inside = |step: usize, share: f64| {
        let within = (step % per) as f64 + share;
        let within = within.clamp(1e-6, per as f64 - 1e-6);
        ((step / per * per) as f64 + within) * dt
    };
    let table =
        |left: f64| -> Vec<(f64, f64, f64)> { (-limit..=limit).map(|q| rates(left, q)).collect() };
    let slope = |rates: &[(f64, f64, f64)], y: &[f64]| -> Vec<f64> {
        let one = |at: usize| {
            let (stays, up, down) = rates[at];
            let more = if at + 1 < wide { up * y[at + 1] } else { 0.0 };
            let less = if at > 0 { down * y[at - 1] } else { 0.0 };
            stays * y[at] + more + less
        };
        (0..wide).map(one).collect()
    };
    let moved = |y: &[f64], slope: &[f64], by: f64| -> Vec<f64> {
        y.iter().zip(slope).map(|(y, slope)| y + by * slope).collect()
    };
    for step in 0..steps {
        let [r0, r1, r2] = [0.0, 0.5, 1.0].map(|share| table(inside(step, share)));
        let k1 = slope(&r0, &y);
        let k2 = slope(&r1, &moved(&y, &k1, 0.5 * dt));
        let k3 = slope(&r1, &moved(&y, &k2, 0.5 * dt));
        let k4 = slope(&r2, &moved(&y, &k3, dt));
        for at in 0..wide {
            y[at] += dt / 6.0 * (k1[at] + 2.0 * k2[at] + 2.0 * k3[at] + k4[at]);
        }
        let largest = y.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        logarithm += largest.ln();
        y.iter_mut().for_each(|y| *y /= largest);
    }
    logarithm + y[(model.start.0 + limit) as usize].max(f64::MIN_POSITIVE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exam(gamma: f64) -> Mm1Exam {
        Mm1Exam::new(&Settings::new().with("gamma", gamma)).expect("allowed")
    }

    #[test]
    fn the_figures_of_the_literature() {
        for (gamma, optimum, formula) in [(0.1, 64.134, 61.454), (0.5, 53.925, 40.417)] {
            let exam = exam(gamma);
            assert!((exam.optimum() - optimum).abs() < 1e-3, "{gamma}: {}", exam.optimum());
            assert!((exam.baseline() - formula).abs() < 1e-3, "{gamma}: {}", exam.baseline());
        }
    }

    /// The discrete pairs leave room above what training has to reach.
    #[test]
    fn discrete_pairs_suffice() {
        let exam = Mm1Exam::new(&Settings::new().with("discrete", 1.0)).expect("allowed");
        // Skews are 0.1 apart; a constant slope of 0.052 is near the best.
        let steps = |row: &[f32]| (0.52 * row[1] * INVENTORY).round();
        let choice = |row: &[f32]| (8.0 - steps(row)).clamp(0.0, 16.0);
        let score = exam.run(&mut |rows, _| rows.chunks_exact(2).map(choice).collect());
        assert!(score.value > 63.9, "{score:?}");
        let wild = Settings::new().with("limit", 200.0).with("gamma", 5.0);
        assert!(Mm1Exam::new(&wild).is_err());
    }

    /// The formula, asked for only at the 200 times, is worth about what it is in continuous time.
    #[test]
    fn asking_now_and_then_costs_little() {
        let exam = exam(0.1);
        let model = exam.model.clone();
        let score = exam.run(&mut |rows, _| {
            let quote = |row: &[f32]| {
                let [left, q] = [row[0], (row[1] * INVENTORY).round()];
                let [bid, ask] = formula(&model, f64::from(left), q as i32);
                [0.5 * (bid + ask), 0.5 * (ask - bid)].map(|x| x as f32)
            };
            rows.chunks_exact(2).flat_map(quote).collect()
        });
        // Quotes further than the action's bounds are cut, and are never reached.
        assert!((score.value - exam.baseline()).abs() < 0.05, "{score:?}");
        assert!(score.g.abs() < 0.02, "{score:?}");
    }
}
