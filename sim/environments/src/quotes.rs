//! What a market maker of MM-1 and MM-2 may do: a half-spread and a skew, in units of price, or one
//! of a table of such pairs.
//!
//! The bid stands `half − skew` below the mid and the ask `half + skew` above it, neither beyond
//! the mid: a positive skew moves both up.

use crate::lanes::{Lane, cut, take};
use crate::philox::BLOCK;
use crate::{ActionSpace, Actions};

/// The actions of a market maker.
#[derive(Clone, Debug)]
pub(crate) struct Quotes {
    /// Bounds of half-spread and skew.
    pub(crate) bounds: [(f32, f32); 2],
    /// Pairs to choose from; none where the numbers themselves are the action.
    table: Option<Vec<(f32, f32)>>,
}

impl Quotes {
    /// Half-spread and skew are the action.
    pub(crate) fn continuous(half: f32, skew: f32) -> Quotes {
        Quotes { bounds: [(0.0, half), (-skew, skew)], table: None }
    }

    /// A choice out of 17 skews, a step apart and zero in the middle, each with a half-spread that
    /// is wider with the square of the skew, as the optimum's is, and no narrower than the skew:
    /// the nearer quote then stands at the mid and not beyond it.
    pub(crate) fn discrete(half: f32, wider: f32, step: f32) -> Quotes {
        let pair = |at: i8| {
            let skew = f32::from(at) * step;
            let wide = half + wider * skew * skew;
            (if wide > skew.abs() { wide } else { skew.abs() }, skew)
        };
        let table: Vec<_> = (-8..=8).map(pair).collect();
        let widest = table.iter().fold(0.0, |widest: f32, (half, _)| widest.max(*half));
        Quotes { bounds: [(0.0, widest), (-8.0 * step, 8.0 * step)], table: Some(table) }
    }

    /// As an environment says it.
    pub(crate) fn space(&self) -> ActionSpace {
        match &self.table {
            None => ActionSpace::Continuous(self.bounds.to_vec()),
            Some(table) => ActionSpace::Discrete(table.len() as u32),
        }
    }

    /// Half-spread and skew of a block of lanes.
    #[inline(always)]
    pub(crate) fn block(&self, actions: Actions<'_>, base: usize) -> [Lane; 2] {
        match (actions, &self.table) {
            (Actions::Continuous(given), _) => {
                let [mut half, mut skew] = take::<2>(given, base);
                for at in 0..BLOCK {
                    half[at] = cut(half[at], self.bounds[0]);
                    skew[at] = cut(skew[at], self.bounds[1]);
                }
                [half, skew]
            }
            (Actions::Discrete(given), Some(table)) => {
                let mut pair = [[0.0; BLOCK]; 2];
                for (at, choice) in given[base..].iter().take(BLOCK).enumerate() {
                    let (half, skew) = table[(*choice as usize).min(table.len() - 1)];
                    pair[0][at] = half;
                    pair[1][at] = skew;
                }
                pair
            }
            (Actions::Discrete(_), None) => unreachable!("the shape was checked"),
        }
    }

    /// Distances of bid and ask from the mid for the actions that an exam was given.
    pub(crate) fn offsets(&self, given: &[f32], rows: usize) -> Vec<[f64; 2]> {
        let width = if self.table.is_some() { 1 } else { 2 };
        assert_eq!(given.len(), rows * width, "an action for each of {rows} observations");
        let pair = |row: &[f32]| match &self.table {
            // A cast takes what is not a number, and what is below zero, for 0.
            Some(table) => table[(row[0] as usize).min(table.len() - 1)],
            None => (cut(row[0], self.bounds[0]), cut(row[1], self.bounds[1])),
        };
        let both =
            |(half, skew): (f32, f32)| [offset(half, -skew), offset(half, skew)].map(f64::from);
        given.chunks_exact(width).map(pair).map(both).collect()
    }
}

/// What is in force in a step: what was decided in it or, with latency, in the one before.
#[inline(always)]
pub(crate) fn in_force(latency: bool, before: &mut [Lane; 2], decided: [Lane; 2]) -> [Lane; 2] {
    if latency { std::mem::replace(before, decided) } else { decided }
}

/// How far from the mid a quote stands.
#[inline(always)]
pub(crate) fn offset(half: f32, skew: f32) -> f32 {
    let offset = half + skew;
    if offset > 0.0 { offset } else { 0.0 }
}
