//! What a policy of MM-2 is worth: exact expectation, backward over every step and inventory.

use super::{INVENTORY, Model, NAME};
use crate::{Asked, EnvError, Exam, Score, Settings, Spec};

/// Asks for a policy's quotes at every step and inventory. The value is the expected sum of rewards
/// of an episode, averaged over the inventories that one may begin with; the baseline is a constant
/// quote of 1/κ on both sides, the best without regard for inventory.
#[derive(Clone, Debug)]
pub(crate) struct Mm2Exam {
    model: Model,
    spec: Spec,
    optimum: f64,
    baseline: f64,
}

impl Mm2Exam {
    pub(crate) fn new(settings: &Settings) -> Result<Mm2Exam, EnvError> {
        let model = Model::new(settings)?;
        if model.latency || !model.chance {
            let what = "the optimum is known for `latency` 0 and `fills` 1";
            return Err(EnvError::Together { environment: NAME, what });
        }
        let spec = Spec {
            name: NAME,
            observation: model.width(),
            actions: model.quotes.space(),
            steps: Some(model.steps),
        };
        let optimum = averaged(&model, &backward(&model, |_, _, worth| best(&model, worth)));
        let constant = [1.0 / model.kappa; 2];
        let baseline = averaged(&model, &backward(&model, |_, _, _| constant));
        Ok(Mm2Exam { model, spec, optimum, baseline })
    }
}

impl Exam for Mm2Exam {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn run(&self, policy: &mut Asked<'_>) -> Score {
        let (steps, limit) = (self.model.steps, self.model.limit);
        let wide = 2 * limit as usize + 1;
        let mut rows = Vec::with_capacity(steps as usize * wide * 2);
        for step in 0..steps {
            for q in -limit..=limit {
                rows.push(1.0 - step as f32 / steps as f32);
                rows.push(q as f32 / INVENTORY);
            }
        }
        let asked = rows.len() / 2;
        let offsets = self.model.quotes.offsets(&policy(&rows, asked), asked);
        let quoted =
            |step: u32, q: i32, _: [f64; 3]| offsets[step as usize * wide + (q + limit) as usize];
        self.score(averaged(&self.model, &backward(&self.model, quoted)))
    }

    fn optimum(&self) -> f64 {
        self.optimum
    }

    fn baseline(&self) -> f64 {
        self.baseline
    }
}

/// The mean over the inventories that an episode may begin with. `worth` begins at −limit.
fn averaged(model: &Model, worth: &[f64]) -> f64 {
    let (least, many) = model.start;
    let from = (least + model.limit) as usize;
    worth[from..from + many as usize].iter().sum::<f64>() / f64::from(many)
}

/// The worth of each inventory at the beginning, from −limit on.
///
/// `quotes` gives the distances of bid and ask, from the step, the inventory, and what one less,
/// the same and one more will be worth after the fills (minus infinity beyond the limit).
fn backward(model: &Model, quotes: impl Fn(u32, i32, [f64; 3]) -> [f64; 2]) -> Vec<f64> {
    let limit = model.limit;
    let square = |at: usize| f64::from(at as i32 - limit).powi(2);
    let wide = 2 * limit as usize + 1;
    let mut worth: Vec<f64> = (0..wide).map(|at| -model.terminal * square(at)).collect();
    for step in (0..model.steps).rev() {
        let after: Vec<f64> = (0..wide).map(|at| worth[at] - model.running * square(at)).collect();
        for at in 0..wide {
            let less = if at > 0 { after[at - 1] } else { f64::NEG_INFINITY };
            let more = after.get(at + 1).copied().unwrap_or(f64::NEG_INFINITY);
            let around = [less, after[at], more];
            let quoted = quotes(step, at as i32 - limit, around);
            worth[at] = around[1] + gain(model, quoted, around);
        }
    }
    worth
}

/// Probability that a side fills; none beyond the limit.
fn fill(model: &Model, offset: f64, worth: f64) -> f64 {
    if worth.is_finite() { model.arrival * (-model.kappa * offset).exp() } else { 0.0 }
}

/// The expected gain of a step over doing nothing.
fn gain(model: &Model, [bid, ask]: [f64; 2], [less, same, more]: [f64; 3]) -> f64 {
    let (bought, sold) = (fill(model, bid, more), fill(model, ask, less));
    let one =
        |probability: f64, gain: f64| if probability > 0.0 { probability * gain } else { 0.0 };
    one(bought * (1.0 - sold), bid + more - same)
        + one(sold * (1.0 - bought), ask + less - same)
        + bought * sold * (bid + ask)
}

/// The quotes of the largest gain. For a given ask, the gain of a bid is p(δ)(δ + c) with
/// c = (1 − pᵃ)(h₊ − h) − pᵃ(h₋ − h), largest at δ = 1/κ − c or, where that is below zero, at zero;
/// and so in turn until both stand still. λΔt ≪ 1 makes the turns contract.
fn best(model: &Model, around @ [less, same, more]: [f64; 3]) -> [f64; 2] {
    let turn = |other: f64, to: f64, from: f64| {
        let back = if from.is_finite() { other * (from - same) } else { 0.0 };
        (1.0 / model.kappa - ((1.0 - other) * (to - same) - back)).max(0.0)
    };
    let mut quoted = [1.0 / model.kappa; 2];
    let (buys, sells) = (more.is_finite(), less.is_finite());
    for _ in 0..60 {
        if buys {
            quoted[0] = turn(fill(model, quoted[1], less), more, less);
        }
        if sells {
            quoted[1] = turn(fill(model, quoted[0], more), less, more);
        }
    }
    debug_assert!(gain(model, quoted, around).is_finite());
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(settings: &Settings, policy: &mut Asked<'_>) -> Score {
        Mm2Exam::new(settings).expect("allowed").run(policy)
    }

    #[test]
    fn the_figures_of_the_literature() {
        let averaged = Mm2Exam::new(&Settings::new()).expect("allowed");
        assert!((averaged.optimum() - 5.156).abs() < 5e-4, "{}", averaged.optimum());
        assert!((averaged.baseline() - 2.222).abs() < 6e-4, "{}", averaged.baseline());
        let flat = Mm2Exam::new(&Settings::new().with("spread", 0.0)).expect("allowed");
        assert!((flat.optimum() - 6.3989).abs() < 5e-5, "{}", flat.optimum());
        assert!((flat.baseline() - 5.561).abs() < 5e-4, "{}", flat.baseline());
    }

    /// No quote on a fine grid is better than the best, at any step and inventory.
    #[test]
    fn nothing_is_better_than_the_best() {
        let model = Model::new(&Settings::new()).expect("allowed");
        let worth = backward(&model, |_, _, around| {
            let quoted = best(&model, around);
            let most = gain(&model, quoted, around);
            for bid in 0..20 {
                for ask in 0..20 {
                    let other = [f64::from(bid) * 0.2, f64::from(ask) * 0.2];
                    assert!(gain(&model, other, around) <= most + 1e-12);
                }
            }
            quoted
        });
        assert_eq!(worth.len(), 25);
    }

    #[test]
    fn a_constant_quote_is_the_baseline() {
        let constant = &mut |_: &[f32], rows| [1.0, 0.0].repeat(rows);
        let score = score(&Settings::new(), constant);
        assert!(score.g.abs() < 1e-6 && (score.value - score.baseline).abs() < 1e-6, "{score:?}");
    }

    /// The best of the discrete pairs leaves room above what training has to reach.
    #[test]
    fn discrete_pairs_suffice() {
        let settings = Settings::new().with("discrete", 1.0);
        let exam = Mm2Exam::new(&settings).expect("allowed");
        let model = &exam.model;
        let choices: Vec<f32> = (0..17_u8).map(f32::from).collect();
        let pairs = model.quotes.offsets(&choices, 17);
        let worth = backward(model, |_, _, around| {
            let better = |a: &&[f64; 2], b: &&[f64; 2]| {
                gain(model, **a, around).total_cmp(&gain(model, **b, around))
            };
            *pairs.iter().max_by(better).expect("17 pairs")
        });
        let score = exam.score(averaged(model, &worth));
        assert!(score.g > 0.994, "{score:?}");
    }
}
