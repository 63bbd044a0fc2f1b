//! Sums over ranges of weights, for drawing in proportion to them.
//!
//! A complete binary tree in one array: leaf `i` stands at `size + i`, node `k` is the sum of
//! `2k` and `2k + 1`. Changing a weight recomputes the sums above it from their two parts, so that
//! nothing drifts however often it changes. Both operations take as many steps as the tree is
//! high. Schaul, Quan, Antonoglou and Silver 2016, "Prioritized Experience Replay", appendix B.2.1.

/// Weights and the sums over them.
#[derive(Clone, PartialEq, Debug)]
pub struct SumTree {
    nodes: Vec<f64>,
    size: usize,
}

impl SumTree {
    /// So many weights, all zero.
    pub fn new(leaves: usize) -> SumTree {
        let size = leaves.next_power_of_two();
        SumTree { nodes: vec![0.0; 2 * size], size }
    }

    /// The sum of all weights.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// One weight.
    ///
    /// # Panics
    /// If there is no such leaf.
    pub fn get(&self, leaf: usize) -> f64 {
        self.nodes[self.size + leaf]
    }

    /// Changes one weight.
    ///
    /// # Panics
    /// If there is no such leaf, or the weight is negative or no number.
    pub fn set(&mut self, leaf: usize, weight: f64) {
        assert!(weight >= 0.0 && weight.is_finite(), "weight {weight}");
        let mut node = self.size + leaf;
        self.nodes[node] = weight;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The leaf in whose stretch `point` lies, the weights laid end to end from 0. A point at or
    /// past the total gives the last leaf that weighs anything: rounding may put one there. A leaf
    /// of weight zero is never given.
    ///
    /// # Panics
    /// If all weights are zero.
    pub fn find(&self, mut point: f64) -> usize {
        assert!(self.total() > 0.0, "nothing to draw from");
        let mut node = 1;
        while node < self.size {
            let (left, right) = (self.nodes[2 * node], self.nodes[2 * node + 1]);
            if (point < left && left > 0.0) || right == 0.0 {
                node *= 2;
            } else {
                point -= left;
                node = 2 * node + 1;
            }
        }
        node - self.size
    }

    /// All weights, for saving.
    pub fn weights(&self, leaves: usize) -> &[f64] {
        &self.nodes[self.size..self.size + leaves]
    }
}

#[cfg(test)]
mod tests {
    use super::SumTree;
    use proptest::prelude::*;

    /// Whole weights, so that sums are exact in any order.
    fn weights() -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(prop_oneof![Just(0), 0_u32..1_000], 1..70)
    }

    /// The leaf by walking over all of them.
    fn naive(weights: &[u32], point: f64) -> usize {
        let mut sum = 0.0;
        for (leaf, weight) in weights.iter().enumerate() {
            sum += f64::from(*weight);
            if point < sum {
                return leaf;
            }
        }
        weights.iter().rposition(|weight| *weight > 0).unwrap()
    }

    proptest! {
        #[test]
        fn finds_what_a_walk_finds(weights in weights(), part in 0.0..1.1_f64) {
            let mut tree = SumTree::new(weights.len());
            for (leaf, weight) in weights.iter().enumerate() {
                tree.set(leaf, f64::from(*weight));
            }
            let total: u32 = weights.iter().sum();
            prop_assert_eq!(tree.total(), f64::from(total));
            prop_assume!(total > 0);
            let point = part * f64::from(total);
            prop_assert_eq!(tree.find(point), naive(&weights, point));
            prop_assert!(tree.get(tree.find(point)) > 0.0);
        }

        #[test]
        fn changing_leaves_the_sums_of_a_new_tree(
            weights in weights(),
            changes in prop::collection::vec((0_usize..70, 0.0..1e3_f64), 0..50),
        ) {
            let mut changed = SumTree::new(weights.len());
            let mut now: Vec<f64> = weights.iter().copied().map(f64::from).collect();
            for (leaf, weight) in now.iter().enumerate() {
                changed.set(leaf, *weight);
            }
            for (leaf, weight) in changes {
                let leaf = leaf % now.len();
                changed.set(leaf, weight);
                now[leaf] = weight;
            }
            let mut new = SumTree::new(now.len());
            for (leaf, weight) in now.iter().enumerate() {
                new.set(leaf, *weight);
            }
            prop_assert_eq!(changed, new);
        }
    }
}
