//! Returns over several steps: what a step is learned from once the next ones have been seen.
//!
//! For a lane that saw rewards r₀ … and learns from n steps, a memory is the observation and the
//! action of the first, the return R = Σ γⁱ rᵢ over the steps that were seen, the observation after
//! the last of them, and the discount of what that is worth: γ to the number of steps, and 0 where
//! the episode was over in itself. An episode that was cut off keeps its discount: what would have
//! come is worth what its last observation is (Pardo and others 2018, "Time Limits in Reinforcement
//! Learning", §3). Near an ended episode returns are shorter than n. Nothing corrects for the
//! actions after the first having been chosen by an older policy (as in Hessel and others 2018,
//! "Rainbow", §3).

use tercel_environments::Outcome;

/// What one lane did at one step and what came of it, ready to be remembered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Memory<'a> {
    /// What the action was chosen on.
    pub observation: &'a [f32],
    /// The action.
    pub action: &'a [f32],
    /// Discounted rewards of the steps that follow.
    pub gain: f32,
    /// What was seen after them.
    pub next: &'a [f32],
    /// What a unit of value at `next` is worth now; 0 after an end.
    pub discount: f32,
}

/// The steps of every lane whose returns are not complete: at most n − 1 between calls.
#[derive(Clone, PartialEq, Debug)]
pub struct LookAhead {
    steps: usize,
    gamma: f64,
    width: usize,
    actions: usize,
    /// Lanes × steps, of each lane a ring.
    observations: Vec<f32>,
    chosen: Vec<f32>,
    rewards: Vec<f32>,
    /// Of each lane the slot of its oldest step, and how many wait.
    oldest: Vec<usize>,
    waiting: Vec<usize>,
}

impl LookAhead {
    /// Returns over `steps` steps at the discount `gamma`, of lanes with observations and actions
    /// of these widths.
    ///
    /// # Panics
    /// If `steps` is zero.
    pub fn new(lanes: usize, steps: usize, gamma: f64, [width, actions]: [usize; 2]) -> LookAhead {
        assert!(steps > 0, "returns over no steps");
        LookAhead {
            steps,
            gamma,
            width,
            actions,
            observations: vec![0.0; lanes * steps * width],
            chosen: vec![0.0; lanes * steps * actions],
            rewards: vec![0.0; lanes * steps],
            oldest: vec![0; lanes],
            waiting: vec![0; lanes],
        }
    }

    /// Takes one step of every lane: the observations that the actions were chosen on, the actions,
    /// what came of them and the rewards to learn from. Gives the memories that are complete.
    ///
    /// # Panics
    /// If a slice has not the shape of the lanes.
    pub fn step(
        &mut self,
        observation: &[f32],
        action: &[f32],
        rewards: &[f32],
        outcome: &Outcome,
        mut complete: impl FnMut(Memory<'_>),
    ) {
        let (width, actions) = (self.width, self.actions);
        for lane in 0..self.oldest.len() {
            let slot = self.slot(lane, self.waiting[lane]);
            self.observations[slot * width..][..width]
                .copy_from_slice(&observation[lane * width..][..width]);
            self.chosen[slot * actions..][..actions]
                .copy_from_slice(&action[lane * actions..][..actions]);
            self.rewards[slot] = rewards[lane];
            self.waiting[lane] += 1;

            let ended = outcome.terminated[lane] || outcome.truncated[lane];
            let seen = if ended { &outcome.last } else { &outcome.observation };
            let next = &seen[lane * width..][..width];
            if ended {
                while self.waiting[lane] > 0 {
                    self.complete(lane, next, outcome.terminated[lane], &mut complete);
                }
            } else if self.waiting[lane] == self.steps {
                self.complete(lane, next, false, &mut complete);
            }
        }
    }

    /// Forgets the steps that wait, as when every lane begins anew.
    pub fn clear(&mut self) {
        self.oldest.fill(0);
        self.waiting.fill(0);
    }

    fn slot(&self, lane: usize, age: usize) -> usize {
        lane * self.steps + (self.oldest[lane] + age) % self.steps
    }

    fn complete(
        &mut self,
        lane: usize,
        next: &[f32],
        terminated: bool,
        complete: &mut impl FnMut(Memory<'_>),
    ) {
        let (mut gain, mut discount) = (0.0, 1.0);
        for age in 0..self.waiting[lane] {
            gain += discount * f64::from(self.rewards[self.slot(lane, age)]);
            discount *= self.gamma;
        }
        let slot = self.slot(lane, 0);
        complete(Memory {
            observation: &self.observations[slot * self.width..][..self.width],
            action: &self.chosen[slot * self.actions..][..self.actions],
            gain: gain as f32,
            next,
            discount: if terminated { 0.0 } else { discount as f32 },
        });
        self.oldest[lane] = (self.oldest[lane] + 1) % self.steps;
        self.waiting[lane] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::LookAhead;
    use proptest::prelude::*;
    use tercel_environments::Outcome;

    /// How a step of one lane ended: goes on, is over, is cut off.
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum End {
        No,
        Over,
        Cut,
    }

    fn steps() -> impl Strategy<Value = Vec<Vec<(f32, End)>>> {
        let end = prop_oneof![6 => Just(End::No), 1 => Just(End::Over), 1 => Just(End::Cut)];
        (1_usize..4).prop_flat_map(move |lanes| {
            let lane = prop::collection::vec((-2.0..2.0_f32, end.clone()), lanes);
            prop::collection::vec(lane, 1..40)
        })
    }

    /// What was seen before step `time` of a lane, and after it where the episode ended there.
    fn seen(lane: usize, time: usize, last: bool) -> f32 {
        (lane * 1_000 + time * 2 + usize::from(last)) as f32
    }

    /// Every memory of one lane, by looking at the whole way at once.
    fn naive(lane: usize, way: &[(f32, End)], n: usize, gamma: f64) -> Vec<[f32; 5]> {
        let mut memories = Vec::new();
        for first in 0..way.len() {
            let (mut gain, mut discount) = (0.0_f64, 1.0_f64);
            let mut found = None;
            for (time, (reward, end)) in way.iter().enumerate().skip(first).take(n) {
                gain += discount * f64::from(*reward);
                discount *= gamma;
                if *end != End::No || time + 1 == first + n {
                    let last = *end != End::No;
                    let next = seen(lane, if last { time } else { time + 1 }, last);
                    let worth = if *end == End::Over { 0.0 } else { discount };
                    found = Some([gain as f32, next, worth as f32]);
                    break;
                }
            }
            // The way stops before the return is complete.
            let Some([gain, next, discount]) = found else { break };
            memories.push([seen(lane, first, false), first as f32, gain, next, discount]);
        }
        memories
    }

    proptest! {
        #[test]
        fn equals_returns_over_the_whole_way(
            ways in steps(),
            n in 1_usize..6,
            gamma in 0.5..=1.0_f64,
        ) {
            let lanes = ways[0].len();
            let mut ahead = LookAhead::new(lanes, n, gamma, [1, 1]);
            let mut got = vec![Vec::new(); lanes];
            for (time, way) in ways.iter().enumerate() {
                let each = |last, time| (0..lanes).map(|lane| seen(lane, time, last)).collect();
                let observation: Vec<f32> = each(false, time);
                let outcome = Outcome {
                    observation: each(false, time + 1),
                    reward: way.iter().map(|(reward, _)| *reward).collect(),
                    terminated: way.iter().map(|(_, end)| *end == End::Over).collect(),
                    truncated: way.iter().map(|(_, end)| *end == End::Cut).collect(),
                    last: each(true, time),
                };
                let action = vec![time as f32; lanes];
                ahead.step(&observation, &action, &outcome.reward, &outcome, |memory| {
                    let lane = memory.observation[0] as usize / 1_000;
                    got[lane].push([
                        memory.observation[0],
                        memory.action[0],
                        memory.gain,
                        memory.next[0],
                        memory.discount,
                    ]);
                });
            }
            for (lane, got) in got.iter().enumerate() {
                let way: Vec<_> = ways.iter().map(|lanes| lanes[lane]).collect();
                prop_assert_eq!(got, &naive(lane, &way, n, gamma));
            }
        }
    }
}
