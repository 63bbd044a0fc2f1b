//! Observations brought to a common scale, by figures that are saved with the policy.

use crate::checkpoint::Checkpoint;
use anyhow::{Result, ensure};

/// Smallest spread divided by: a number of the observation that never changes stays near zero.
const SPREAD_MIN: f64 = 1e-6;

/// Mean and spread of each number of an observation: x becomes (x − mean) / spread, cut at ±clip.
#[derive(Clone, PartialEq, Debug)]
pub struct Normaliser {
    /// Mean of each number.
    pub mean: Vec<f32>,
    /// Standard deviation of each.
    pub spread: Vec<f32>,
    /// Largest magnitude after it.
    pub clip: f32,
}

impl Normaliser {
    /// One that changes nothing within ±clip.
    pub fn identity(width: usize, clip: f32) -> Normaliser {
        Normaliser { mean: vec![0.0; width], spread: vec![1.0; width], clip }
    }

    /// Brings whole rows of observations to scale, in place.
    ///
    /// # Panics
    /// If it is for no numbers at all.
    pub fn apply(&self, observations: &mut [f32]) {
        for row in observations.chunks_exact_mut(self.mean.len()) {
            for ((x, mean), spread) in row.iter_mut().zip(&self.mean).zip(&self.spread) {
                *x = ((*x - mean) / spread).clamp(-self.clip, self.clip);
            }
        }
    }
}

/// Running mean and variance of each number over everything seen, merged batch by batch (Chan,
/// Golub and LeVeque 1979).
#[derive(Clone, PartialEq, Debug)]
pub struct Moments {
    count: f64,
    mean: Vec<f64>,
    /// Sum of squares around the mean.
    squares: Vec<f64>,
}

impl Moments {
    /// Nothing seen of `width` numbers.
    pub fn new(width: usize) -> Moments {
        Moments { count: 0.0, mean: vec![0.0; width], squares: vec![0.0; width] }
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// Adds rows of observations.
    pub fn add(&mut self, observations: &[f32]) {
        let width = self.mean.len();
        let rows = observations.len() / width;
        if rows == 0 {
            return;
        }
        let count = rows as f64;
        let total = self.count + count;
        for at in 0..width {
            let column = || observations[at..].iter().step_by(width).map(|x| f64::from(*x));
            let mean = column().sum::<f64>() / count;
            let squares = column().map(|x| (x - mean) * (x - mean)).sum::<f64>();
            let apart = mean - self.mean[at];
            self.squares[at] += squares + apart * apart * self.count * count / total;
            self.mean[at] += apart * count / total;
        }
        self.count = total;
    }

    /// The normaliser that follows from what was seen.
    pub fn normaliser(&self, clip: f32) -> Normaliser {
        let spread = |squares: &f64| {
            let spread = (squares / self.count.max(1.0)).sqrt();
            if spread < SPREAD_MIN { 1.0 } else { spread as f32 }
        };
        Normaliser {
            mean: self.mean.iter().map(|mean| *mean as f32).collect(),
            spread: self.squares.iter().map(spread).collect(),
            clip,
        }
    }

    /// Writes it under `name`.
    pub fn save(&self, name: &str, to: &mut Checkpoint) {
        to.put_f64(&format!("{name}.count"), &[self.count]);
        to.put_f64(&format!("{name}.mean"), &self.mean);
        to.put_f64(&format!("{name}.squares"), &self.squares);
    }

    /// Reads what [`Moments::save`] wrote.
    pub fn load(&mut self, name: &str, from: &Checkpoint) -> Result<()> {
        let width = self.mean.len();
        let (mean, squares) =
            (from.f64(&format!("{name}.mean"))?, from.f64(&format!("{name}.squares"))?);
        ensure!(
            mean.len() == width && squares.len() == width,
            "the checkpoint's {name} is for {} numbers of an observation, not {width}",
            mean.len()
        );
        self.count = from.one_f64(&format!("{name}.count"))?;
        (self.mean, self.squares) = (mean, squares);
        Ok(())
    }
}
