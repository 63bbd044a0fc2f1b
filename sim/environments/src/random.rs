//! Random numbers by counter. See `philox.rs` for the bits and `arithmetic.rs` for what is made of
//! them: integers, `+ − × /`, square root, and nothing of the platform's.

use crate::arithmetic::{cos_turns, ln};
use crate::philox::{BLOCK, philox, philox_block};

/// Numbers of one lane and stream, in the order of a counter.
///
/// Number `n` is word `n mod 4` of Philox4x32-10 with the seed as its key and
/// (`n / 4`, lane, stream) as its counter: streams never overlap, and any place of one can be gone
/// to at once.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    lane: u32,
    stream: u32,
    /// The number that comes next.
    at: u64,
    /// The block of the last number.
    block: [u32; 4],
}

impl Random {
    /// The numbers of a lane and stream from the first on.
    pub fn new(seed: u64, lane: u32, stream: u32) -> Random {
        Random { seed, lane, stream, at: 0, block: [0; 4] }
    }

    /// Four numbers that belong to a counter, without going through the ones before.
    #[inline]
    pub fn block(seed: u64, lane: u32, stream: u32, counter: u64) -> [u32; 4] {
        philox(key(seed), [counter as u32, (counter >> 32) as u32, lane, stream])
    }

    /// How many numbers were drawn.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Goes to a place: the next number is number `at`.
    pub fn seek(&mut self, at: u64) {
        self.at = at;
        self.block = Random::block(self.seed, self.lane, self.stream, at / 4);
    }

    /// 32 random bits.
    #[inline]
    pub fn bits(&mut self) -> u32 {
        if self.at.is_multiple_of(4) {
            self.block = Random::block(self.seed, self.lane, self.stream, self.at / 4);
        }
        let word = self.block[(self.at % 4) as usize];
        self.at += 1;
        word
    }

    /// 64 random bits.
    #[inline]
    pub fn bits64(&mut self) -> u64 {
        u64::from(self.bits()) << 32 | u64::from(self.bits())
    }

    /// Between 0 and 1 and neither of them, in steps of 2^-23.
    #[inline]
    pub fn uniform(&mut self) -> f32 {
        uniform(self.bits())
    }

    /// Below `bound`, which is not zero. Multiply and shift: the bias is below `bound` in 2^32.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        below(self.bits(), bound)
    }

    /// Standard normal, of two numbers. None is further out than 5.7.
    #[inline]
    pub fn normal(&mut self) -> f32 {
        let radius = self.bits();
        normal(radius, self.bits())
    }

    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f32 {
        exponential(self.bits())
    }
}

#[inline]
pub(crate) fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// Four numbers of each lane of a block that begins at lane `lane`: those of [`Random::block`].
#[inline(always)]
pub(crate) fn numbers(
    [seed, counter]: [u64; 2],
    lane: u32,
    stream: u32,
    out: &mut [[u32; BLOCK]; 4],
) {
    philox_block(key(seed), [counter as u32, (counter >> 32) as u32, lane, stream], out);
}

/// Between 0 and 1 and neither of them: 23 bits, so that every value is exact.
#[inline(always)]
pub(crate) fn uniform(bits: u32) -> f32 {
    ((bits >> 9) as i32 as f32 + 0.5) * (1.0 / 8_388_608.0)
}

#[inline(always)]
pub(crate) fn below(bits: u32, bound: u32) -> u32 {
    ((u64::from(bits) * u64::from(bound)) >> 32) as u32
}

/// Box and Muller (1958), the cosine half: the sine half would be one more number a lane to keep.
#[inline(always)]
pub(crate) fn normal(radius: u32, angle: u32) -> f32 {
    (-2.0 * ln(uniform(radius))).sqrt() * cos_turns(uniform(angle))
}

#[inline(always)]
pub(crate) fn exponential(bits: u32) -> f32 {
    -ln(uniform(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let (mut random, n) = (Random::new(3, 0, 0), 200_000);
        let mut sums = [0.0_f64; 6];
        for _ in 0..n {
            let (z, e, u) = (random.normal(), random.exponential(), random.uniform());
            assert!(u > 0.0 && u < 1.0 && e > 0.0 && z.abs() < 5.8);
            let (z, e, u) = (f64::from(z), f64::from(e), f64::from(u));
            for (sum, value) in sums.iter_mut().zip([z, z * z, z.powi(4), e, e * e, u]) {
                *sum += value / f64::from(n);
            }
        }
        for (sum, value) in sums.iter().zip([0.0, 1.0, 3.0, 1.0, 2.0, 0.5]) {
            assert!((sum - value).abs() < 0.03 * f64::max(value, 1.0), "{sums:?}");
        }
    }

    #[test]
    fn a_place_can_be_gone_to() {
        let mut through = Random::new(9, 4, 2);
        let all: Vec<u32> = (0..50).map(|_| through.bits()).collect();
        for at in [0, 1, 3, 4, 17, 48] {
            let mut there = Random::new(9, 4, 2);
            there.seek(at);
            assert_eq!(there.bits(), all[at as usize]);
            assert_eq!(there.position(), at + 1);
        }
    }

    #[test]
    fn keys_part() {
        let first = |seed, lane, stream| Random::new(seed, lane, stream).bits64();
        let all = [first(1, 0, 0), first(2, 0, 0), first(1, 1, 0), first(1, 0, 1)];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
        assert!((0..1_000).all(|at| below(at * 4_000_000, 9) < 9));
    }
}
