//! The learner's own random numbers: first weights, actions, shuffles. Environments have theirs.

use crate::checkpoint::Checkpoint;
use anyhow::{Result, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Half of ln 2π: the constant of a normal density's logarithm.
pub(crate) const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;

/// A stream of random numbers, whose place in it can be saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Noise {
    source: ChaCha8Rng,
}

impl Noise {
    /// The stream of this number under this seed.
    pub fn new(seed: u64, stream: u64) -> Noise {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream);
        Noise { source }
    }

    /// Any whole number.
    pub fn whole(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A whole number below `end`, by Lemire's multiplication (2019) without its correction: the
    /// bias is below `end` / 2⁶⁴.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.source.next_u64()) * end as u128) >> 64) as usize
    }

    /// Uniform in [0, 1), 24 bits.
    pub fn uniform(&mut self) -> f32 {
        (self.source.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// A standard normal number (Box and Muller 1958; the second of the pair is not kept, so that
    /// the stream's place says everything).
    pub fn normal(&mut self) -> f64 {
        let uniform = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let (radius, angle) = (uniform(self.source.next_u64()), uniform(self.source.next_u64()));
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Standard normal numbers into the slice, two from each pair of uniforms.
    pub fn normals(&mut self, out: &mut [f32]) {
        for pair in out.chunks_mut(2) {
            let first = ((self.source.next_u32() >> 8) as f32 + 0.5) / (1u32 << 24) as f32;
            let second = (self.source.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
            let radius = (-2.0 * first.ln()).sqrt();
            let (sine, cosine) = (std::f32::consts::TAU * second).sin_cos();
            for (x, side) in pair.iter_mut().zip([cosine, sine]) {
                *x = radius * side;
            }
        }
    }

    /// The numbers from 0 to `count` − 1 in random order (Fisher and Yates).
    pub fn order(&mut self, count: usize) -> Vec<i64> {
        let mut order: Vec<i64> = (0..count as i64).collect();
        for at in (1..count).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }

    /// Writes seed and place under `name`.
    pub fn save(&self, name: &str, to: &mut Checkpoint) {
        let seed = self.source.get_seed();
        let words = seed.as_chunks::<8>().0.iter();
        let mut words: Vec<u64> = words.map(|word| u64::from_le_bytes(*word)).collect();
        let place = self.source.get_word_pos();
        words.extend([self.source.get_stream(), place as u64, (place >> 64) as u64]);
        to.put_u64(name, &words);
    }

    /// Reads what [`Noise::save`] wrote.
    pub fn load(&mut self, name: &str, from: &Checkpoint) -> Result<()> {
        let words = from.u64(name)?;
        ensure!(words.len() == 7, "the checkpoint's {name} is not a state of random numbers");
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(&words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        self.source = ChaCha8Rng::from_seed(seed);
        self.source.set_stream(words[4]);
        self.source.set_word_pos(u128::from(words[5]) | u128::from(words[6]) << 64);
        Ok(())
    }
}
