//! What was seen, kept to be learned from many times: a ring of memories, as a structure of arrays
//! that is allocated once.
//!
//! Drawn evenly, or in proportion to priorities (Schaul, Quan, Antonoglou and Silver 2016,
//! "Prioritized Experience Replay", §3.3, proportional): pᵢ = (|δᵢ| + ε)^α, a new memory with the
//! largest priority so far; a batch divides the total into equal stretches and draws one from
//! each; what is learned is weighted by (N P(i))^−β over the batch's largest (§3.4).

use super::look_ahead::Memory;
use super::sum_tree::SumTree;

/// How memories are drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Draw {
    /// Each as likely as any other.
    Even,
    /// In proportion to priorities, to the power `alpha`.
    Prioritised {
        /// 0 is even, 1 is in proportion to the error.
        alpha: f64,
    },
}

/// Added to an error, so that nothing is never drawn again.
const LEAST_ERROR: f64 = 1e-6;

/// The ring of memories.
#[derive(Clone, PartialEq, Debug)]
pub struct Replay {
    capacity: usize,
    width: usize,
    actions: usize,
    length: usize,
    /// Where the next memory goes.
    head: usize,
    observations: Vec<f32>,
    chosen: Vec<f32>,
    gains: Vec<f32>,
    nexts: Vec<f32>,
    discounts: Vec<f32>,
    priorities: Option<Priorities>,
}

#[derive(Clone, PartialEq, Debug)]
struct Priorities {
    alpha: f64,
    tree: SumTree,
    /// Largest priority so far, the power taken.
    largest: f64,
}

/// Memories drawn together, in rows. The buffers are kept from batch to batch.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Batch {
    /// Where they lie in the ring.
    pub slots: Vec<usize>,
    /// What the actions were chosen on.
    pub observations: Vec<f32>,
    /// The actions.
    pub chosen: Vec<f32>,
    /// Returns over the next steps.
    pub gains: Vec<f32>,
    /// What was seen after them.
    pub nexts: Vec<f32>,
    /// What a unit of value there is worth now.
    pub discounts: Vec<f32>,
    /// How much each counts; 1 where memories are drawn evenly.
    pub weights: Vec<f32>,
}

/// Everything a ring holds, as arrays: what a checkpoint keeps.
#[derive(Clone, PartialEq, Debug)]
pub struct Arrays {
    /// Memories held, where the next goes.
    pub counts: [usize; 2],
    /// Observations, actions, returns, observations after, discounts; only what is held.
    pub rows: [Vec<f32>; 5],
    /// Priorities of what is held, the largest so far behind them; empty where drawn evenly.
    pub priorities: Vec<f64>,
}

impl Replay {
    /// An empty ring for so many memories with observations and actions of these widths.
    ///
    /// # Panics
    /// If there is room for none.
    pub fn new(capacity: usize, [width, actions]: [usize; 2], draw: Draw) -> Replay {
        assert!(capacity > 0, "room for no memory");
        let priorities = match draw {
            Draw::Even => None,
            Draw::Prioritised { alpha } => {
                Some(Priorities { alpha, tree: SumTree::new(capacity), largest: 1.0 })
            }
        };
        Replay {
            capacity,
            width,
            actions,
            length: 0,
            head: 0,
            observations: vec![0.0; capacity * width],
            chosen: vec![0.0; capacity * actions],
            gains: vec![0.0; capacity],
            nexts: vec![0.0; capacity * width],
            discounts: vec![0.0; capacity],
            priorities,
        }
    }

    /// Memories held.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Keeps a memory, in the place of the oldest where all is full.
    ///
    /// # Panics
    /// If it has not the widths of the ring.
    pub fn push(&mut self, memory: Memory<'_>) {
        let (slot, width, actions) = (self.head, self.width, self.actions);
        self.observations[slot * width..][..width].copy_from_slice(memory.observation);
        self.chosen[slot * actions..][..actions].copy_from_slice(memory.action);
        self.gains[slot] = memory.gain;
        self.nexts[slot * width..][..width].copy_from_slice(memory.next);
        self.discounts[slot] = memory.discount;
        if let Some(priorities) = &mut self.priorities {
            priorities.tree.set(slot, priorities.largest);
        }
        self.head = (slot + 1) % self.capacity;
        self.length = (self.length + 1).min(self.capacity);
    }

    /// Draws `count` memories, with repetition. `uniform` gives numbers from [0, 1), one a memory;
    /// `beta` is how far the weights undo that some are drawn more often.
    ///
    /// # Panics
    /// If nothing is held.
    pub fn draw(
        &self,
        count: usize,
        beta: f64,
        uniform: &mut dyn FnMut() -> f64,
        batch: &mut Batch,
    ) {
        assert!(self.length > 0, "nothing to draw from");
        batch.slots.clear();
        batch.weights.clear();
        match &self.priorities {
            None => {
                let slot = |_| ((uniform() * self.length as f64) as usize).min(self.length - 1);
                batch.slots.extend((0..count).map(slot));
                batch.weights.resize(count, 1.0);
            }
            Some(priorities) => priorities.draw(count, self.length, beta, uniform, batch),
        }
        let (width, actions) = (self.width, self.actions);
        gather(&self.observations, width, &batch.slots, &mut batch.observations);
        gather(&self.chosen, actions, &batch.slots, &mut batch.chosen);
        gather(&self.gains, 1, &batch.slots, &mut batch.gains);
        gather(&self.nexts, width, &batch.slots, &mut batch.nexts);
        gather(&self.discounts, 1, &batch.slots, &mut batch.discounts);
    }

    /// Says how wrong the value was of memories that were drawn. Does nothing where memories are
    /// drawn evenly.
    ///
    /// # Panics
    /// If an error is no number.
    pub fn learned(&mut self, slots: &[usize], errors: &[f32]) {
        let Some(priorities) = &mut self.priorities else { return };
        for (slot, error) in slots.iter().zip(errors) {
            let priority = (f64::from(error.abs()) + LEAST_ERROR).powf(priorities.alpha);
            priorities.tree.set(*slot, priority);
            priorities.largest = priorities.largest.max(priority);
        }
    }

    /// Everything that is held, as arrays.
    pub fn arrays(&self) -> Arrays {
        let held = self.length;
        let cut = |numbers: &[f32], width: usize| numbers[..held * width].to_vec();
        let priorities = self.priorities.as_ref().map_or_else(Vec::new, |priorities| {
            let mut weights = priorities.tree.weights(held).to_vec();
            weights.push(priorities.largest);
            weights
        });
        Arrays {
            counts: [held, self.head],
            rows: [
                cut(&self.observations, self.width),
                cut(&self.chosen, self.actions),
                cut(&self.gains, 1),
                cut(&self.nexts, self.width),
                cut(&self.discounts, 1),
            ],
            priorities,
        }
    }

    /// Puts back what [`Replay::arrays`] gave of a ring of the same shape; says what does not fit.
    pub fn restore(&mut self, arrays: &Arrays) -> Result<(), String> {
        let [held, head] = arrays.counts;
        let partly = held < self.capacity && head == held;
        let full = held == self.capacity && head < self.capacity;
        if !partly && !full {
            let capacity = self.capacity;
            return Err(format!("replay: {held} memories, next {head}, of {capacity}"));
        }
        let widths = [self.width, self.actions, 1, self.width, 1];
        let mine = [
            &mut self.observations,
            &mut self.chosen,
            &mut self.gains,
            &mut self.nexts,
            &mut self.discounts,
        ];
        for ((mine, rows), width) in mine.into_iter().zip(&arrays.rows).zip(widths) {
            if rows.len() != held * width {
                return Err(format!("replay: {} numbers, not {held} × {width}", rows.len()));
            }
            if rows.iter().any(|number| !number.is_finite()) {
                return Err("replay: a number is NaN or infinite".to_owned());
            }
            mine[..rows.len()].copy_from_slice(rows);
        }
        let expected = if self.priorities.is_some() { held + 1 } else { 0 };
        if arrays.priorities.len() != expected {
            let got = arrays.priorities.len();
            return Err(format!("replay: {got} priorities, not {expected}"));
        }
        if arrays.priorities.iter().any(|priority| !priority.is_finite() || *priority < 0.0) {
            return Err("replay: a priority is negative or no number".to_owned());
        }
        if let Some(priorities) = &mut self.priorities {
            priorities.tree = SumTree::new(self.capacity);
            for (slot, priority) in arrays.priorities[..held].iter().enumerate() {
                priorities.tree.set(slot, *priority);
            }
            priorities.largest = arrays.priorities[held];
        }
        (self.length, self.head) = (held, head);
        Ok(())
    }
}

impl Priorities {
    fn draw(
        &self,
        count: usize,
        length: usize,
        beta: f64,
        uniform: &mut dyn FnMut() -> f64,
        batch: &mut Batch,
    ) {
        let total = self.tree.total();
        for stretch in 0..count {
            let point = (stretch as f64 + uniform()) / count as f64 * total;
            let slot = self.tree.find(point);
            let chance = self.tree.get(slot) / total;
            batch.slots.push(slot);
            batch.weights.push((length as f64 * chance).powf(-beta) as f32);
        }
        let largest = batch.weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        batch.weights.iter_mut().for_each(|weight| *weight /= largest);
    }
}

fn gather(rows: &[f32], width: usize, slots: &[usize], into: &mut Vec<f32>) {
    into.clear();
    for slot in slots {
        into.extend_from_slice(&rows[slot * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, Draw, LEAST_ERROR, Replay};
    use crate::offpolicy::look_ahead::Memory;
    use proptest::prelude::*;

    fn push(replay: &mut Replay, number: usize) {
        let row = [number as f32, -(number as f32)];
        replay.push(Memory {
            observation: &row,
            action: &row[..1],
            gain: row[0] * 2.0,
            next: &[row[0] + 0.5, row[1]],
            discount: 0.5,
        });
    }

    /// Numbers from [0, 1) in a fixed order.
    fn uniform(mut state: u64) -> impl FnMut() -> f64 {
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    proptest! {
        #[test]
        fn holds_the_newest(capacity in 1_usize..40, pushed in 1_usize..100, seed: u64) {
            let mut replay = Replay::new(capacity, [2, 1], Draw::Even);
            (0..pushed).for_each(|number| push(&mut replay, number));
            prop_assert_eq!(replay.len(), pushed.min(capacity));
            let mut batch = Batch::default();
            replay.draw(64, 1.0, &mut uniform(seed), &mut batch);
            for row in 0..64 {
                let number = batch.chosen[row];
                prop_assert!(number as usize >= pushed - replay.len());
                prop_assert!((number as usize) < pushed);
                prop_assert_eq!(&batch.observations[2 * row..][..2], &[number, -number]);
                prop_assert_eq!(&batch.nexts[2 * row..][..2], &[number + 0.5, -number]);
                prop_assert_eq!([batch.gains[row], batch.discounts[row]], [number * 2.0, 0.5]);
                prop_assert_eq!(batch.weights[row], 1.0);
            }
        }

        /// Against priorities in a list, walked from the front. Rounding may move a draw at the
        /// very edge of a stretch, hence the tolerance.
        #[test]
        fn draws_in_proportion(
            errors in prop::collection::vec(0.0..5.0_f32, 2..50),
            alpha in 0.0..1.0_f64,
            beta in 0.0..1.0_f64,
            seed: u64,
        ) {
            let held = errors.len();
            let mut replay = Replay::new(held, [2, 1], Draw::Prioritised { alpha });
            (0..held).for_each(|number| push(&mut replay, number));
            let slots: Vec<usize> = (0..held).collect();
            replay.learned(&slots, &errors);
            let power = |error: &f32| (f64::from(*error) + LEAST_ERROR).powf(alpha);
            let priorities: Vec<f64> = errors.iter().map(power).collect();
            let total: f64 = priorities.iter().sum();

            let mut batch = Batch::default();
            replay.draw(32, beta, &mut uniform(seed), &mut batch);
            let mut again = uniform(seed);
            let mut weights = Vec::new();
            for (stretch, slot) in batch.slots.iter().enumerate() {
                let point = (stretch as f64 + again()) / 32.0 * total;
                let before: f64 = priorities[..*slot].iter().sum();
                let slack = 1e-9 * total;
                prop_assert!(before - slack <= point);
                prop_assert!(point <= before + priorities[*slot] + slack);
                weights.push((held as f64 * priorities[*slot] / total).powf(-beta));
            }
            let largest = weights.iter().copied().fold(0.0, f64::max);
            for (weight, expected) in batch.weights.iter().zip(&weights) {
                prop_assert!((f64::from(*weight) - expected / largest).abs() < 1e-5);
            }
        }

        #[test]
        fn is_restored_to_the_bit(
            capacity in 1_usize..30,
            pushed in 1_usize..70,
            prioritised: bool,
            seed: u64,
        ) {
            let draw = if prioritised { Draw::Prioritised { alpha: 0.6 } } else { Draw::Even };
            let mut replay = Replay::new(capacity, [2, 1], draw);
            (0..pushed).for_each(|number| push(&mut replay, number));
            replay.learned(&[0, replay.len() - 1], &[3.0, 0.1]);
            let mut restored = Replay::new(capacity, [2, 1], draw);
            restored.restore(&replay.arrays()).unwrap();
            prop_assert_eq!(&replay, &restored);
            for replay in [&mut replay, &mut restored] {
                push(replay, 7);
            }
            let (mut one, mut other) = (Batch::default(), Batch::default());
            replay.draw(16, 0.4, &mut uniform(seed), &mut one);
            restored.draw(16, 0.4, &mut uniform(seed), &mut other);
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn refuses_arrays_that_do_not_fit() {
        let mut replay = Replay::new(4, [2, 1], Draw::Prioritised { alpha: 0.6 });
        (0..3).for_each(|number| push(&mut replay, number));
        let good = replay.arrays();
        let mut broken = vec![good.clone(); 5];
        broken[0].counts = [5, 0];
        broken[1].counts = [3, 2];
        broken[2].rows[1].pop();
        broken[3].rows[2][0] = f32::NAN;
        broken[4].priorities.pop();
        for arrays in &broken {
            let mut other = Replay::new(4, [2, 1], Draw::Prioritised { alpha: 0.6 });
            assert!(other.restore(arrays).is_err());
        }
        assert!(Replay::new(4, [2, 1], Draw::Even).restore(&good).is_err());
        assert!(replay.restore(&good).is_ok());
    }
}
