//! Intervals by resampling (Efron 1979): percentile intervals, everything by seed.

use crate::draw::Draw;
use crate::error::{Result, ValidationError, argument, check};
use crate::sample::{mean, middle, percentile};

/// How to resample.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bootstrap {
    /// Resamples.
    pub resamples: usize,
    /// Share of them that the interval holds, 0 to 1.
    pub level: f64,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Bootstrap {
        Bootstrap { resamples: 2_000, level: 0.95, seed: 1 }
    }
}

/// A figure with an interval.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Interval {
    /// The figure of the numbers as they are.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How one thing compares with another on common random numbers.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
pub struct Paired {
    /// Mean difference, and its interval.
    pub difference: Interval,
    /// Share of resamples in which the mean difference is not above zero: a one-sided p-value.
    pub p: f64,
    /// Share of pairs in which the one is above the other, equal ones counted half.
    pub wins: f64,
}

impl Bootstrap {
    fn checked(&self) -> Result<()> {
        argument("resamples", self.resamples as f64, self.resamples >= 10, "at least 10")?;
        let inside = self.level > 0.0 && self.level < 1.0;
        argument("level", self.level, inside, "between 0 and 1")
    }

    fn interval(&self, value: f64, mut figures: Vec<f64>) -> Interval {
        figures.sort_by(f64::total_cmp);
        let out = 0.5 * (1.0 - self.level);
        let (low, high) = (percentile(&figures, out), percentile(&figures, 1.0 - out));
        Interval { value, low, high }
    }

    /// Any figure of independent numbers.
    pub fn of(&self, numbers: &[f64], figure: impl Fn(&[f64]) -> f64) -> Result<Interval> {
        self.checked()?;
        check("numbers", numbers, 2)?;
        let mut draw = Draw::new(self.seed);
        let mut resample = numbers.to_vec();
        let figures = (0..self.resamples).map(|_| {
            resample.iter_mut().for_each(|to| *to = numbers[draw.below(numbers.len())]);
            figure(&resample)
        });
        let figures = figures.collect();
        Ok(self.interval(figure(numbers), figures))
    }

    /// Inter-quartile mean of the scores of independent runs.
    pub fn interquartile_mean(&self, scores: &[f64]) -> Result<Interval> {
        self.stratified(std::slice::from_ref(&scores))
    }

    /// Inter-quartile mean over all runs of several tasks; runs are drawn within their task, so
    /// that every resample has every task as often (Agarwal et al. 2021, "stratified bootstrap").
    pub fn stratified<S: AsRef<[f64]>>(&self, tasks: &[S]) -> Result<Interval> {
        self.checked()?;
        let pooled: Vec<f64> = tasks.iter().flat_map(|runs| runs.as_ref()).copied().collect();
        check("scores", &pooled, 2)?;
        for runs in tasks {
            check("scores of a task", runs.as_ref(), 1)?;
        }
        let mut draw = Draw::new(self.seed);
        let sorted_middle = |scores: &mut Vec<f64>| {
            scores.sort_by(f64::total_cmp);
            middle(scores)
        };
        let mut resample = Vec::with_capacity(pooled.len());
        let figures = (0..self.resamples).map(|_| {
            resample.clear();
            for runs in tasks {
                let runs = runs.as_ref();
                resample.extend((0..runs.len()).map(|_| runs[draw.below(runs.len())]));
            }
            sorted_middle(&mut resample)
        });
        let figures = figures.collect();
        let value = sorted_middle(&mut pooled.clone());
        Ok(self.interval(value, figures))
    }

    /// Mean of numbers in time, whose neighbours resemble each other: blocks of `block` consecutive
    /// ones are drawn from a ring of all (Politis and Romano 1992).
    pub fn blocks(&self, numbers: &[f64], block: usize) -> Result<Interval> {
        self.checked()?;
        check("numbers", numbers, 2)?;
        let fits = (1..=numbers.len()).contains(&block);
        argument("block", block as f64, fits, "from 1 to as many as there are numbers")?;
        let n = numbers.len();
        let mut draw = Draw::new(self.seed);
        let figures = (0..self.resamples).map(|_| {
            let (mut sum, mut left) = (0.0, n);
            while left > 0 {
                let begin = draw.below(n);
                let take = block.min(left);
                sum += (begin..begin + take).map(|at| numbers[at % n]).sum::<f64>();
                left -= take;
            }
            sum / n as f64
        });
        let figures = figures.collect();
        Ok(self.interval(mean(numbers), figures))
    }

    /// How `one` compares with `other`, pair by pair on the same random numbers: what both have
    /// from the same luck falls out of the difference.
    pub fn paired(&self, one: &[f64], other: &[f64]) -> Result<Paired> {
        if one.len() != other.len() {
            let (left, right) = (one.len(), other.len());
            return Err(ValidationError::Lengths { what: "pairs", left, right });
        }
        check("results", one, 2)?;
        check("results of the other", other, 2)?;
        let differences: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
        let not_above = std::cell::Cell::new(0_usize);
        let figure = |resample: &[f64]| {
            let mean = mean(resample);
            not_above.set(not_above.get() + usize::from(mean <= 0.0));
            mean
        };
        let difference = self.of(&differences, figure)?;
        // The numbers as they are were counted with the resamples, as a permutation test does: p is
        // never 0.
        let counted = not_above.get() - usize::from(difference.value <= 0.0);
        let p = (counted + 1) as f64 / (self.resamples + 1) as f64;
        let won = |difference: &f64| match difference.total_cmp(&0.0) {
            std::cmp::Ordering::Greater => 1.0,
            _ if *difference == 0.0 => 0.5,
            _ => 0.0,
        };
        let wins = differences.iter().map(won).sum::<f64>() / differences.len() as f64;
        Ok(Paired { difference, p, wins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(seed: u64, n: usize) -> Vec<f64> {
        let mut draw = Draw::new(seed);
        let mut normal =
            || crate::normal::quantile((draw.below(1 << 30) as f64 + 0.5) / (1u64 << 30) as f64);
        (0..n).map(|_| normal()).collect()
    }

    #[test]
    fn an_interval_of_the_mean_is_that_of_the_textbook() {
        let numbers = normals(3, 400);
        let interval = Bootstrap::default().of(&numbers, mean).expect("numbers");
        let error = 1.96 / 20.0;
        assert!((interval.value - interval.low - error).abs() < 0.015, "{interval:?}");
        assert!((interval.high - interval.value - error).abs() < 0.015, "{interval:?}");
        assert_eq!(Bootstrap::default().of(&numbers, mean), Ok(interval));
    }

    /// 95 % intervals hold the truth about 95 times in a hundred.
    #[test]
    fn coverage() {
        let bootstrap = Bootstrap { resamples: 400, ..Bootstrap::default() };
        let held = (0..200).filter(|seed| {
            let numbers = normals(1_000 + seed, 40);
            let interval = bootstrap.interquartile_mean(&numbers).expect("numbers");
            interval.low <= 0.0 && 0.0 <= interval.high
        });
        let held = held.count();
        assert!((176..=199).contains(&held), "{held} of 200");
    }

    #[test]
    fn tasks_stay_in_their_strata() {
        // Without strata, resamples would differ in how often they have the second task.
        let tasks = [vec![0.0; 10], vec![1.0; 10]];
        let interval = Bootstrap::default().stratified(&tasks).expect("numbers");
        assert_eq!((interval.low, interval.value, interval.high), (0.5, 0.5, 0.5));
    }

    #[test]
    fn pairs_see_what_lots_hide() {
        let luck: Vec<f64> = normals(5, 30).iter().map(|x| 10.0 * x).collect();
        let own = normals(6, 30);
        let better: Vec<f64> = luck.iter().zip(&own).map(|(a, b)| a + 0.5 + 0.1 * b).collect();
        let paired = Bootstrap::default().paired(&better, &luck).expect("numbers");
        assert!(paired.difference.low > 0.3 && paired.p < 0.01 && paired.wins > 0.9, "{paired:?}");
        let same = Bootstrap::default().paired(&luck, &luck).expect("numbers");
        assert_eq!((same.p, same.wins), (1.0, 0.5));
    }

    #[test]
    fn blocks_are_wider_where_neighbours_resemble_each_other() {
        let shocks = normals(7, 2_000);
        let mut at = 0.0;
        let series: Vec<f64> = shocks
            .iter()
            .map(|shock| {
                at = 0.95 * at + shock;
                at
            })
            .collect();
        let bootstrap = Bootstrap::default();
        let wide = bootstrap.blocks(&series, 100).expect("numbers");
        let narrow = bootstrap.blocks(&series, 1).expect("numbers");
        assert!(wide.high - wide.low > 2.5 * (narrow.high - narrow.low), "{wide:?} {narrow:?}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let bootstrap = Bootstrap::default();
        assert!(bootstrap.paired(&[1.0, 2.0], &[1.0]).is_err());
        assert!(bootstrap.of(&[1.0, f64::NAN], mean).is_err());
        assert!(bootstrap.blocks(&[1.0, 2.0], 3).is_err());
        assert!(Bootstrap { level: 1.0, ..bootstrap }.of(&[1.0, 2.0], mean).is_err());
    }
}
