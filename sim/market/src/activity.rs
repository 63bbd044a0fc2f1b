//! Which instrument a message is of.
//!
//! The activity of the instrument of rank r is proportional to r to the power of -3/4, a Zipf law
//! with which the busiest of 8,000 has 3 % of the messages and the least busy 700 of 20 million;
//! with the exponent 1 the busiest would have 10 %, which no instrument has. The power is two
//! square roots, so that every machine finds the same.

use crate::random::Random;

/// Draws instruments by their activity in constant time (Walker's alias method, as by Vose).
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    cells: Vec<Cell>,
    /// Instruments, counted from zero, the most active first.
    by_rank: Vec<u16>,
}

/// Of a cell's share, `below` in 2^32 parts are the instrument's own, the others the alias's.
#[derive(Clone, Copy, Debug)]
struct Cell {
    below: u32,
    alias: u16,
}

impl Activity {
    /// Ranks are given to instruments by lot: the venue numbers them by symbol.
    pub(crate) fn new(instruments: u16, random: &mut Random) -> Activity {
        let mut by_rank: Vec<u16> = (0..instruments).collect();
        for at in (1..by_rank.len()).rev() {
            by_rank.swap(at, random.below(at as u64 + 1) as usize);
        }
        let mut weights = vec![0.0; by_rank.len()];
        for (rank, instrument) in by_rank.iter().enumerate() {
            weights[usize::from(*instrument)] = weight(rank);
        }
        Activity { cells: cells(&weights), by_rank }
    }

    #[inline]
    pub(crate) fn draw(&self, random: &mut Random) -> u16 {
        let bits = random.bits();
        let at = ((bits >> 32) * self.cells.len() as u64) >> 32;
        let cell = self.cells[at as usize];
        if (bits as u32) < cell.below { at as u16 } else { cell.alias }
    }

    pub(crate) fn by_rank(&self) -> &[u16] {
        &self.by_rank
    }
}

fn weight(rank: usize) -> f64 {
    let root = (rank as f64 + 1.0).sqrt();
    1.0 / (root * root.sqrt())
}

fn cells(weights: &[f64]) -> Vec<Cell> {
    let sum: f64 = weights.iter().sum();
    let mut shares: Vec<f64> = weights.iter().map(|w| w * weights.len() as f64 / sum).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..shares.len()).partition(|at| shares[*at] < 1.0);
    let own = |at: usize| Cell { below: u32::MAX, alias: at as u16 };
    let mut cells: Vec<Cell> = (0..shares.len()).map(own).collect();
    while let (Some(&less), Some(&more)) = (small.last(), large.last()) {
        small.pop();
        let below = (shares[less] * 4_294_967_296.0) as u32;
        cells[less] = Cell { below, alias: more as u16 };
        shares[more] -= 1.0 - shares[less];
        if shares[more] < 1.0 {
            large.pop();
            small.push(more);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_law() {
        let mut random = Random::new(3);
        let activity = Activity::new(100, &mut random);
        let mut counts = [0_u32; 100];
        for _ in 0..1_000_000 {
            counts[usize::from(activity.draw(&mut random))] += 1;
        }
        let sum: f64 = (0..100).map(weight).sum();
        for (rank, instrument) in activity.by_rank().iter().enumerate() {
            let expected = 1e6 * weight(rank) / sum;
            let found = f64::from(counts[usize::from(*instrument)]);
            assert!((found - expected).abs() < 6.0 * expected.sqrt(), "{rank}: {found}");
        }
    }

    #[test]
    fn one_instrument_has_everything() {
        let mut random = Random::new(3);
        let activity = Activity::new(1, &mut random);
        assert!((0..100).all(|_| activity.draw(&mut random) == 0));
    }
}
