//! Where orders are placed, and of which size.

use crate::instrument::Instrument;
use crate::random::Random;
use tercel_types::Side;

/// The dearest that is quoted: 199,999 dollars, where market makers once parked offers that nobody
/// was to take.
const STUB_OFFER: u32 = 1_999_990_000;
/// The cheapest, a cent.
const STUB_BID: u32 = 100;

/// Quantiles of an exponential distribution with a mean of 64, for 1,024 equal steps.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    quantiles: Vec<u16>,
}

impl Placement {
    pub(crate) fn new() -> Placement {
        let mut quantiles = Vec::with_capacity(1024);
        // The geometric distribution with that mean, by repeated multiplication.
        let (mut value, mut survive) = (0, 1.0);
        for step in 0..1024 {
            while 1.0 - survive * (63.0 / 64.0) < f64::from(step) / 1024.0 {
                survive *= 63.0 / 64.0;
                value += 1;
            }
            quantiles.push(value);
        }
        Placement { quantiles }
    }

    /// A price in ticks for an order that is meant to stay for milliseconds (at the touch or a few
    /// ticks behind) or for hours (exponentially deep, and sometimes anywhere), at which it does
    /// not trade.
    #[inline]
    pub(crate) fn price(
        &self,
        instrument: &Instrument,
        side: Side,
        lasting: bool,
        random: &mut Random,
    ) -> u32 {
        let bits = random.bits();
        let wanted = if !lasting {
            let behind = random.halving(16);
            away(instrument, side, behind)
        } else if bits.is_multiple_of(256) {
            outlier(instrument, side, random)
        } else {
            let unit = u32::from(self.quantiles[(bits >> 54) as usize]);
            away(instrument, side, 1 + unit * instrument.depth / 64)
        };
        instrument.passive(side, wanted)
    }
}

/// Ticks at some distance from where the quotes of a side begin.
#[inline]
fn away(instrument: &Instrument, side: Side, behind: u32) -> u32 {
    let distance = instrument.half_spread + behind;
    let fair = instrument.start + instrument.fair;
    match side {
        // Cheap instruments have fewer ticks below them than distances are drawn from.
        Side::Buy => fair - distance % fair,
        Side::Sell => instrument.ticks(instrument.wire(fair + 1 + distance)),
    }
}

#[cold]
fn outlier(instrument: &Instrument, side: Side, random: &mut Random) -> u32 {
    let fair = instrument.fair_wire();
    let times = 2 + random.below(16) as u32;
    let wire = match (side, random.one_in(2)) {
        (Side::Buy, true) => STUB_BID,
        (Side::Sell, true) => STUB_OFFER,
        (Side::Buy, false) => fair / times,
        (Side::Sell, false) => fair * times,
    };
    instrument.ticks(wire)
}

/// Shares of an order: mostly one round lot, often a few or an odd lot, rarely thousands.
#[inline]
pub(crate) fn shares(random: &mut Random) -> u32 {
    let bits = random.bits();
    let upper = (bits >> 40) as u32;
    match bits % 32 {
        0..18 => 100,
        18..24 => 100 * (1 + upper % 10),
        24..30 => 1 + upper % 99,
        30 => 100 * (1 + upper % 100),
        _ => 50 * (1 + upper % 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_exponential() {
        let quantiles = Placement::new().quantiles;
        assert!(quantiles.is_sorted());
        let mean = quantiles.iter().map(|value| f64::from(*value)).sum::<f64>() / 1024.0;
        assert!((60.0..66.0).contains(&mean), "{mean}");
        // The median is ln 2 of the mean.
        assert!((42..=46).contains(&quantiles[512]), "{}", quantiles[512]);
    }

    #[test]
    fn prices_are_on_the_grid_and_on_their_side() {
        let mut random = Random::new(5);
        let placement = Placement::new();
        let (mut stubs, mut far) = (0, 0);
        for at in 0..2_000_u16 {
            let instrument = Instrument::new(at, at.into(), 2_000, &mut random);
            let fair = instrument.start + instrument.fair;
            for draw in 0..200 {
                let side = if draw % 2 == 0 { Side::Buy } else { Side::Sell };
                let ticks = placement.price(&instrument, side, draw % 3 > 0, &mut random);
                let wire = instrument.wire(ticks);
                assert!((1..=2_000_000_000).contains(&wire));
                assert!(wire < 10_000 || wire.is_multiple_of(100), "{wire}");
                assert_eq!(side == Side::Buy, ticks <= fair, "{ticks} {fair}");
                stubs += u32::from(wire == STUB_OFFER);
                far += u32::from(instrument.index(ticks).is_none());
            }
        }
        assert!(stubs > 50 && far > 2 * stubs, "{stubs} {far}");
    }
}
