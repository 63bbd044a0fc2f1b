//! A test that may be looked at after every observation: a bet against "the challenger earns no
//! more than the champion".
//!
//! Each interval's difference d of the two shadow profits is divided by a bound and cut to [−1, 1];
//! the bound is four times the root mean square of the differences before it, so that it is fixed
//! before d is seen. Eight gamblers with a dollar each stake the fractions λ of [`STAKES`] on it
//! and multiply their wealth by 1 + λx. Where the conditional mean of x is not above zero, whatever
//! else its distribution and however it depends on the past, each wealth is a supermartingale, and
//! so is their mean E: by Ville's inequality E ever reaches 1/α with probability α at most
//! (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", §4;
//! the mixture of stakes is their §B.2). One may therefore stop whenever one likes.
//!
//! What is tested is the mean of the cut difference: a challenger that earns steadily and loses far
//! beyond four deviations now and then can pass, which is what the rollback on drawdown is for.
//!
//! Every host tests several challengers over its life. The k-th test has to reach k(k+1)/α, whose
//! inverses add up to α: the probability that any challenger that is no better is ever promoted by
//! the test is α at most, over all tests together.
//!
//! Additions, multiplications, divisions and square roots only, so that all machines agree on the
//! interval in which a threshold is passed.

/// Fractions of the wealth that are staked. For differences of a standard deviation σ and a mean of
/// rσ the best stake is about 4r: from r = 1/5 down to 1/320.
pub const STAKES: [f64; 8] = [0.8, 0.5, 0.3, 0.2, 0.1, 0.05, 0.025, 0.0125];

/// The bound in root mean squares of the past.
const BOUND: f64 = 4.0;

/// Differences other than zero that only set the bound.
const WARM_UP: u64 = 10;

/// No wealth grows beyond this.
const WEALTH_MAX: f64 = 1e300;

/// The running test of one challenger against one champion.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wager {
    wealth: [f64; STAKES.len()],
    intervals: u64,
    /// Differences that were not zero.
    moved: u64,
    sum: f64,
    squares: f64,
}

impl Wager {
    /// A test that has seen nothing.
    pub const fn new() -> Wager {
        Wager { wealth: [1.0; STAKES.len()], intervals: 0, moved: 0, sum: 0.0, squares: 0.0 }
    }

    /// Takes in the next difference, dollars. What is not a number counts as none.
    pub fn observe(&mut self, difference: f64) {
        self.intervals += 1;
        if !difference.is_finite() || difference == 0.0 {
            return; // the square of the smallest number is zero, and so is its stake
        }
        if self.moved >= WARM_UP && self.squares > 0.0 {
            let bound = BOUND * (self.squares / self.moved as f64).sqrt();
            let cut = (difference / bound).clamp(-1.0, 1.0);
            for (wealth, stake) in self.wealth.iter_mut().zip(STAKES) {
                *wealth = (*wealth * (1.0 + stake * cut)).min(WEALTH_MAX);
            }
        }
        self.moved += 1;
        self.sum += difference;
        self.squares = (self.squares + difference * difference).min(WEALTH_MAX);
    }

    /// E: evidence that the challenger earns more.
    pub fn e_value(&self) -> f64 {
        self.wealth.iter().sum::<f64>() / STAKES.len() as f64
    }

    /// Intervals seen.
    pub fn intervals(&self) -> u64 {
        self.intervals
    }

    /// Mean difference of an interval, dollars.
    pub fn mean(&self) -> f64 {
        if self.intervals == 0 { 0.0 } else { self.sum / self.intervals as f64 }
    }
}

impl Default for Wager {
    fn default() -> Wager {
        Wager::new()
    }
}

/// What E has to reach in the test with this number, from 1.
pub fn threshold(number: u64, alpha: f64) -> f64 {
    let number = number as f64;
    number * (number + 1.0) / alpha
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The next number in [0, 1) of SplitMix64.
    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The interval at which E passes `level` within `length`, by a stopping rule that looks at
    /// every one.
    fn passes(level: f64, length: u64, mut next: impl FnMut() -> f64) -> Option<u64> {
        let mut wager = Wager::new();
        (0..length).find(|_| {
            wager.observe(next());
            wager.e_value() >= level
        })
    }

    /// Differences without an edge: even, skewed to rare losses, skewed to rare gains, in bursts,
    /// and mostly nothing.
    fn null(kind: u64, state: &mut u64, at: u64) -> f64 {
        let u = uniform(state);
        match kind {
            0 => u - 0.5,
            1 if u < 0.8 => 0.5,
            1 => -2.0,
            2 if u < 0.75 => -0.5,
            2 => 1.5,
            3 => (u - 0.5) * if at % 50 < 5 { 10.0 } else { 1.0 },
            _ if u < 0.9 => 0.0,
            _ => uniform(state) - 0.5,
        }
    }

    #[test]
    fn without_an_edge_few_pass_whenever_one_looks() {
        const RUNS: u64 = 2_000;
        for kind in 0..5 {
            let passed = (0..RUNS).filter(|run| {
                let (mut state, mut at) = (run * 5 + kind, 0);
                let next = || {
                    at += 1;
                    null(kind, &mut state, at)
                };
                passes(20.0, 2_000, next).is_some()
            });
            // α is 5 %: 100 of them, and three deviations of the simulation more.
            let passed = passed.count();
            assert!(passed <= 130, "kind {kind}: {passed} of {RUNS}");
        }
    }

    #[test]
    fn over_many_tests_the_thresholds_grow_fast_enough() {
        let spent: f64 = (1..100_000).map(|number| 1.0 / threshold(number, 0.05)).sum();
        assert!(spent <= 0.05 && spent > 0.0499, "{spent}");
    }

    #[test]
    fn an_edge_is_found() {
        let found = (0..200u64).filter(|run| {
            let mut state = *run;
            // A mean of 0.23 standard deviations.
            passes(40.0, 1_000, || uniform(&mut state) - 0.5 + 0.0667).is_some()
        });
        assert!(found.count() >= 190);
    }

    proptest! {
        #[test]
        fn it_stays_a_number(values in proptest::collection::vec(proptest::num::f64::ANY, 0..200)) {
            let mut wager = Wager::new();
            for value in values {
                wager.observe(value);
                prop_assert!(wager.e_value().is_finite() && wager.e_value() >= 0.0);
            }
        }
    }
}
