//! Ticks of the card as nanoseconds since the Unix epoch.
//!
//! A card whose clock is set says when its tick zero was, and the stamps are exact. For one whose
//! clock is not set, a pair of the host's clock and the card's is taken at the start, and again at
//! each look at the card, so that the two do not drift apart: such stamps are as good as the
//! host's clock was fresh, plus one read over the bus, about a microsecond.

use tercel_types::Nanos;

/// Bits of the card's clock.
const BITS: u32 = 48;
const MASK: u64 = (1 << BITS) - 1;

const SECOND: u64 = 1_000_000_000;

/// A step of the host's clock, or a start: taken at once. Less is drift, and taken little by
/// little, so that the noise of single readings does not show.
const STEP: i64 = 1_000_000;
const SMOOTH: i64 = 16;

/// Least rate, so that a tick is not longer than a microsecond.
pub(crate) const RATE_MIN: u32 = 1_000_000;

/// Turns ticks into nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamps {
    /// Nanoseconds of a tick: whole ones, and a binary fraction of 64 bits.
    whole: u64,
    fraction: u64,
    /// Time of tick zero.
    base: u64,
    /// The card's clock when it was read last, extended beyond its 48 bits.
    last: u64,
    /// The base is the card's own.
    is_set: bool,
}

impl Stamps {
    /// For a card with `rate` ticks a second whose clock shows `ticks` when the host's shows `now`.
    /// `base` is the time of tick zero as the card says it, or zero.
    pub(crate) fn new(rate: u32, base: u64, ticks: u64, now: Nanos) -> Stamps {
        let rate = u64::from(rate.max(RATE_MIN));
        // Rounded up, so that a product that is whole does not come out one too low.
        let fraction = (u128::from(SECOND % rate) << 64).div_ceil(u128::from(rate));
        let mut stamps = Stamps {
            whole: SECOND / rate,
            fraction: fraction as u64,
            base,
            last: ticks & MASK,
            is_set: base != 0,
        };
        if stamps.is_set {
            stamps.unwind(now);
        } else {
            stamps.base = now.0.wrapping_sub(stamps.scale(stamps.last));
        }
        stamps
    }

    /// A card's clock of 48 bits goes round in 3.3 days at a tick a nanosecond. If that has
    /// happened since tick zero, the host's clock tells how often; one that is a second away is not
    /// believed.
    fn unwind(&mut self, now: Nanos) {
        let off = now.0.saturating_sub(self.nanos(self.last));
        let round = self.scale(MASK).saturating_add(1);
        let rounds = off.saturating_add(round / 2) / round;
        let Some(last) = rounds.checked_mul(MASK + 1).and_then(|more| self.last.checked_add(more))
        else {
            return;
        };
        let there = self.base.wrapping_add(self.scale(last));
        if there.abs_diff(now.0) < SECOND {
            self.last = last;
        }
    }

    /// The card's clock shows `ticks` when the host's shows `now`.
    pub(crate) fn look(&mut self, ticks: u64, now: Nanos) {
        self.last = self.extend(ticks);
        if self.is_set {
            return;
        }
        let off = now.0.wrapping_sub(self.base.wrapping_add(self.scale(self.last))) as i64;
        let step = if off.unsigned_abs() > STEP as u64 { off } else { off / SMOOTH };
        self.base = self.base.wrapping_add_signed(step);
    }

    /// The moment that the lower 48 bits of `ticks` name: the one closest to the last look.
    #[inline]
    pub(crate) fn nanos(&self, ticks: u64) -> u64 {
        self.base.wrapping_add(self.scale(self.extend(ticks)))
    }

    #[inline]
    fn extend(&self, ticks: u64) -> u64 {
        let shift = u64::BITS - BITS;
        let distance = (ticks.wrapping_sub(self.last) << shift).cast_signed() >> shift;
        // Before tick zero there is nothing; a stamp of then comes from a clock that was set back.
        self.last.saturating_add_signed(distance)
    }

    #[inline]
    fn scale(&self, ticks: u64) -> u64 {
        let part = (u128::from(ticks) * u128::from(self.fraction)) >> 64;
        ticks.wrapping_mul(self.whole).wrapping_add(part as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: u64 = 1_700_000_000_000_000_000;

    #[test]
    fn a_set_clock_is_exact() {
        let stamps = Stamps::new(1_000_000_000, BASE, 5, Nanos(0));
        assert_eq!((stamps.nanos(0), stamps.nanos(123_456_789)), (BASE, BASE + 123_456_789));
        // 156.25 MHz: 6.4 ns a tick.
        let stamps = Stamps::new(156_250_000, BASE, 5, Nanos(0));
        assert_eq!(
            (stamps.nanos(10), stamps.nanos(5_000_000_000)),
            (BASE + 64, BASE + 32 * SECOND)
        );
    }

    #[test]
    fn a_clock_that_has_gone_round_is_told_by_the_host() {
        let round = 1 << BITS;
        let now = BASE + 2 * round + 1_000;
        let mut stamps = Stamps::new(1_000_000_000, BASE, 900, Nanos(now));
        assert_eq!(stamps.nanos(950), BASE + 2 * round + 950);
        // And goes round while it runs.
        stamps.look(round - 10, Nanos(now));
        assert_eq!(stamps.nanos(round - 20), BASE + 2 * round - 20);
        let mut stamps = Stamps::new(1_000_000_000, BASE, round - 10, Nanos(0));
        assert_eq!(stamps.nanos(20), BASE + round + 20);
        stamps.look(20, Nanos(0));
        assert_eq!(
            (stamps.nanos(round - 5), stamps.nanos(30)),
            (BASE + round - 5, BASE + round + 30)
        );
    }

    #[test]
    fn a_clock_that_is_not_set_follows_the_hosts() {
        let mut stamps = Stamps::new(322_265_625, 0, 1_000, Nanos(BASE));
        assert_eq!(stamps.nanos(1_000), BASE);
        assert_eq!(stamps.nanos(1_000 + 322_265_625), BASE + SECOND);
        // A host that is 50 millionths faster, looked at every 5 ms for a second.
        for at in 1..=200_u64 {
            let ticks = 1_000 + 322_265_625 * at / 200;
            stamps.look(ticks, Nanos(BASE + at * (5_000_000 + 250)));
        }
        let off = stamps.nanos(1_000 + 322_265_625).abs_diff(BASE + SECOND + 50_000);
        assert!(off < 5_000, "{off} ns off");
        stamps.look(1_000, Nanos(BASE + 9 * SECOND));
        assert_eq!(stamps.nanos(1_000), BASE + 9 * SECOND);
    }

    proptest! {
        #[test]
        fn no_value_panics(
            rate in any::<u32>(), base in any::<u64>(), now in any::<u64>(),
            ticks in any::<[u64; 4]>(),
        ) {
            let mut stamps = Stamps::new(rate, base, ticks[0], Nanos(now));
            stamps.nanos(ticks[1]);
            stamps.look(ticks[2], Nanos(now));
            stamps.nanos(ticks[3]);
        }

        #[test]
        fn scaling_is_that_of_fractions(rate in RATE_MIN.., ticks in 0..1_u64 << 47) {
            let stamps = Stamps::new(rate, BASE, ticks, Nanos(0));
            let exact = u128::from(ticks) * u128::from(SECOND) / u128::from(rate);
            let exact = (u128::from(BASE) + exact) as u64;
            prop_assert!(stamps.nanos(ticks).abs_diff(exact) <= 1);
        }
    }
}
