//! What the streaming network is also taught, and never traded on: signs that its state knows the
//! market.
//!
//! All four are read from the features of the observation that follows, so that they need nothing
//! of the environment:
//!
//! - `bid_fill`, `ask_fill`: whether the position rises or falls until then;
//! - `volatility`: the fast realised volatility then, in the normaliser's spreads;
//! - `toxicity`: by how much the mid price moves against a fill of ours until then, in spreads of
//!   the fast return; it is learned from steps with a fill only.

use crate::normaliser::Normaliser;
use tch::{Kind, Tensor};
use tercel_policy::FEATURE_NAMES;

/// Names of the heads, in order.
pub const NAMES: [&str; 4] = ["bid_fill", "ask_fill", "volatility", "toxicity"];

/// Least change of the feature `inventory` that is a fill.
const FILL_MIN: f32 = 1e-6;

/// Largest target of the last two, in spreads.
const TARGET_MAX: f32 = 5.0;

/// Where the features stand that targets are read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places {
    inventory: usize,
    volatility: usize,
    drift: usize,
}

impl Places {
    /// Their places, if observations are the host's features.
    pub fn find(observation: usize) -> Option<Places> {
        let at = |name| FEATURE_NAMES.iter().position(|known| *known == name);
        (observation == FEATURE_NAMES.len()).then_some(())?;
        Some(Places {
            inventory: at("inventory")?,
            volatility: at("volatility_fast")?,
            drift: at("return_fast")?,
        })
    }

    /// Targets and their weights for one step, from raw features before and after it.
    pub fn targets(
        self,
        scale: &Normaliser,
        before: &[f32],
        after: &[f32],
    ) -> ([f32; 4], [f32; 4]) {
        let moved = after[self.inventory] - before[self.inventory];
        let spreads = |at: usize, x: f32| (x / scale.spread[at]).clamp(-TARGET_MAX, TARGET_MAX);
        let (bid, ask) = (moved > FILL_MIN, moved < -FILL_MIN);
        let filled = f32::from(u8::from(bid || ask));
        let volatility = after[self.volatility] - scale.mean[self.volatility];
        let against = if bid { -after[self.drift] } else { after[self.drift] };
        let one = |so: bool| f32::from(u8::from(so));
        let targets = [
            one(bid),
            one(ask),
            spreads(self.volatility, volatility),
            spreads(self.drift, against),
        ];
        (targets, [1.0, 1.0, 1.0, filled])
    }
}

/// Mean loss of the heads, rows × 4: cross-entropy for the fills, squares for the rest.
pub fn loss(heads: &Tensor, targets: &Tensor, weights: &Tensor) -> Tensor {
    let (fills, fill_targets) = (heads.narrow(-1, 0, 2), targets.narrow(-1, 0, 2));
    // ln(1 + e^x) − x·y, the logistic loss without an overflow.
    let fills = (fills.softplus() - &fills * fill_targets).sum_dim_intlist(-1, false, Kind::Float);
    let apart = heads.narrow(-1, 2, 2) - targets.narrow(-1, 2, 2);
    let squares = (apart.square() * weights.narrow(-1, 2, 2)).sum_dim_intlist(-1, false, None);
    (fills + squares * 0.5).mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_policy::FEATURE_COUNT;

    #[test]
    fn a_fill_is_a_move_of_the_position() {
        let places = Places::find(FEATURE_COUNT).expect("features");
        let scale = Normaliser::identity(FEATURE_COUNT, 10.0);
        let (before, mut after) = ([0.0; FEATURE_COUNT], [0.0; FEATURE_COUNT]);
        after[places.drift] = -2.0;
        after[places.volatility] = 3.0;
        let (targets, weights) = places.targets(&scale, &before, &after);
        assert_eq!((targets[..3].to_vec(), weights), (vec![0.0, 0.0, 3.0], [1.0, 1.0, 1.0, 0.0]));
        after[places.inventory] = 0.1;
        let (targets, weights) = places.targets(&scale, &before, &after);
        assert_eq!((targets, weights[3]), ([1.0, 0.0, 3.0, 2.0], 1.0));
        assert_eq!(Places::find(5), None);
    }

    #[test]
    fn the_logistic_loss_has_its_least_at_the_log_odds() {
        let at = |x: f32| {
            let heads = Tensor::from_slice(&[x, 0.0, 0.0, 0.0]).view([1, 4]);
            let loss_of = |y: f32| {
                let targets = Tensor::from_slice(&[y, 0.0, 0.0, 0.0]).view([1, 4]);
                loss(&heads, &targets, &Tensor::ones_like(&targets)).double_value(&[])
            };
            0.25 * loss_of(1.0) + 0.75 * loss_of(0.0)
        };
        let best = (1.0f32 / 3.0).ln();
        assert!(at(best) < at(best - 0.1) && at(best) < at(best + 0.1));
        assert!(at(90.0).is_finite() && at(-90.0).is_finite());
    }
}
