//! The source of every draw: xoshiro256++ 1.0 by Blackman and Vigna (public domain), seeded with
//! their SplitMix64. Integers only, about a nanosecond a draw.

/// A seeded generator.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut at = seed;
        let state = [(); 4].map(|()| {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (at ^ (at >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Random { state }
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Below `bound`, which is not zero. Multiply and shift: the bias is below `bound` in 2^64.
    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `n`.
    #[inline]
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// 0 half the time, 1 a quarter of the time, and so on, at most `max`.
    #[inline]
    pub(crate) fn halving(&mut self, max: u32) -> u32 {
        self.bits().trailing_zeros().min(max)
    }

    /// Below `len`, which is not zero; small values often and large ones rarely: every power of two
    /// is as likely as the next.
    #[inline]
    pub(crate) fn mostly_small(&mut self, len: u32) -> u32 {
        let exponent = self.below(u64::from(len.ilog2()) + 2);
        (self.below(1 << exponent) as u32).min(len - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_generator() {
        let mut random = Random { state: [1, 2, 3, 4] };
        let first = [(); 4].map(|()| random.bits());
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
        // SplitMix64 from zero.
        let [first, second, ..] = Random::new(0).state;
        assert_eq!([first, second], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut random = Random::new(7);
        for len in 1..200 {
            for _ in 0..50 {
                assert!(random.below(u64::from(len)) < u64::from(len));
                assert!(random.mostly_small(len) < len);
                assert!(random.halving(len) <= len);
            }
        }
    }
}
