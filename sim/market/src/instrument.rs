//! An instrument while its day is generated: where it trades, and which of its prices are taken.
//!
//! Orders lie on 1,024 consecutive ticks around the price of the morning, bids below offers, so one
//! ladder serves both sides; the touch is two numbers, and one bit a tick finds the next one. What
//! is priced outside the window can never trade, because the price of the day stays within 256
//! ticks of the morning's: it needs no place in a ladder. 8 KiB of levels an instrument, 300 bytes
//! here.

use crate::random::Random;
use tercel_types::Side;

/// Ticks of the ladder.
pub(crate) const WINDOW: u32 = 1024;
/// How far the price may go from the morning's, in ticks.
const REACH: u32 = 256;
/// A dollar in units of 1/10,000 dollar; prices below may be any, others are whole cents.
const DOLLAR: u32 = 10_000;
const CENT: u32 = 100;

/// What the generator knows of an instrument. Prices are in ticks; those inside of the window also
/// as an index from its start.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    /// The symbol as on the wire.
    pub(crate) symbol: [u8; 8],
    /// 1/10,000 dollars a tick: 1 below a dollar, else 100.
    tick: u32,
    /// Ticks of index 0.
    pub(crate) start: u32,
    /// Bids are placed at most here, offers above, as an index. It moves as levels are eaten.
    pub(crate) fair: u32,
    lowest: u32,
    highest: u32,
    /// Ticks between the fair price and where quotes begin, on each side.
    pub(crate) half_spread: u32,
    /// How deep lasting orders lie on average, in ticks.
    pub(crate) depth: u32,
    /// It may trade.
    pub(crate) trading: bool,
    /// Index of the best bid in the window, -1 without one.
    pub(crate) best_bid: i32,
    /// Index of the best offer in the window, `WINDOW` without one.
    pub(crate) best_ask: i32,
    occupied: [u64; WINDOW as usize / 64],
}

impl Instrument {
    /// The instrument of an index, at a price of 0.12 to 4,000 dollars, and of an activity rank
    /// among as many as there are.
    pub(crate) fn new(at: u16, rank: usize, of: usize, random: &mut Random) -> Instrument {
        // Two draws: the middle octaves are more common than the outer ones.
        let octave = random.below(8) + random.below(8);
        let base = 1_250_u64 << octave;
        let price = (base + random.below(base)) as u32;
        let (tick, morning) = match price {
            ..9_000 => (1, price),
            // Not so near a dollar that it could fall below, where the grid is another.
            9_000..12_000 => (CENT, 120),
            _ => (CENT, price / CENT),
        };
        let mut start = morning.saturating_sub(WINDOW / 2).max(1);
        let mut floor = morning / 2;
        if tick == 1 {
            start = start.min(DOLLAR - WINDOW);
        } else {
            floor = floor.max(DOLLAR / CENT + 2);
        }
        let end = start + WINDOW;
        // The busiest twentieth quotes a tick wide, the others wider the less is going on.
        let quiet = if rank * 20 < of { 0 } else { 1 + 4 * rank as u32 / of as u32 };
        Instrument {
            symbol: symbol(at),
            tick,
            start,
            fair: morning - start,
            lowest: floor.max(morning.saturating_sub(REACH)) - start,
            highest: (2 * morning).min(morning + REACH).min(end - 64) - start,
            half_spread: quiet * (1 + morning / 5_000),
            depth: (morning / 50).clamp(32, 128),
            trading: true,
            best_bid: -1,
            best_ask: WINDOW as i32,
            occupied: [0; WINDOW as usize / 64],
        }
    }

    /// On the wire: in units of 1/10,000 dollar.
    #[inline]
    pub(crate) fn wire(&self, ticks: u32) -> u32 {
        ticks * self.tick
    }

    /// The fair price on the wire.
    pub(crate) fn fair_wire(&self) -> u32 {
        self.wire(self.start + self.fair)
    }

    /// Ticks of a wire price, rounded up to a price that may be quoted; at least one.
    pub(crate) fn ticks(&self, wire: u32) -> u32 {
        let grid = if wire >= DOLLAR { CENT } else { self.tick };
        (wire.div_ceil(grid) * grid / self.tick).max(1)
    }

    /// The index of a price that is inside the window.
    #[inline]
    pub(crate) fn index(&self, ticks: u32) -> Option<u32> {
        let index = ticks.wrapping_sub(self.start);
        (index < WINDOW).then_some(index)
    }

    /// The touch of a side as an index.
    #[inline]
    pub(crate) fn best(&self, side: Side) -> Option<u32> {
        match side {
            Side::Buy => u32::try_from(self.best_bid).ok(),
            Side::Sell => u32::try_from(self.best_ask).ok().filter(|index| *index < WINDOW),
        }
    }

    /// The nearest price to the wanted one at which an order of that side does not trade.
    #[inline]
    pub(crate) fn passive(&self, side: Side, ticks: u32) -> u32 {
        // Whole ticks above 0: offers are never at the first index, as the fair price is not.
        match side {
            Side::Buy => ticks.min(self.start + self.best_ask as u32 - 1),
            Side::Sell => ticks.max((self.start as i32 + self.best_bid + 1) as u32),
        }
    }

    /// An order has come to a level that was empty.
    #[inline]
    pub(crate) fn fill(&mut self, side: Side, index: u32) {
        self.occupied[(index / 64) as usize] |= 1 << (index % 64);
        match side {
            Side::Buy => self.best_bid = self.best_bid.max(index as i32),
            Side::Sell => self.best_ask = self.best_ask.min(index as i32),
        }
    }

    /// The last order of a level has gone.
    #[inline]
    pub(crate) fn empty(&mut self, side: Side, index: u32) {
        self.occupied[(index / 64) as usize] &= !(1 << (index % 64));
        match side {
            Side::Buy if self.best_bid == index as i32 => self.best_bid = self.below(index),
            Side::Sell if self.best_ask == index as i32 => self.best_ask = self.above(index),
            _ => {}
        }
    }

    /// The fair price follows a level that has been eaten.
    pub(crate) fn follow(&mut self, eaten: Side) {
        match eaten {
            Side::Buy => self.fair = (self.fair - 1).max(self.lowest),
            Side::Sell => self.fair = (self.fair + 1).min(self.highest),
        }
    }

    /// The highest index taken below one.
    fn below(&self, index: u32) -> i32 {
        let mut at = (index / 64) as usize;
        let mut word = self.occupied[at] & ((1 << (index % 64)) - 1);
        loop {
            if word != 0 {
                return (at as u32 * 64 + word.ilog2()) as i32;
            }
            if at == 0 {
                return -1;
            }
            at -= 1;
            word = self.occupied[at];
        }
    }

    /// The lowest index taken above one.
    fn above(&self, index: u32) -> i32 {
        let mut at = (index / 64) as usize;
        let mut word = self.occupied[at] & (!1 << (index % 64));
        loop {
            if word != 0 {
                return (at as u32 * 64 + word.trailing_zeros()) as i32;
            }
            at += 1;
            let Some(next) = self.occupied.get(at) else { return WINDOW as i32 };
            word = *next;
        }
    }
}

/// `G00001` for index 0.
fn symbol(at: u16) -> [u8; 8] {
    let mut symbol = *b"G00000  ";
    let mut rest = u32::from(at) + 1;
    for digit in symbol[1..6].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    symbol
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_numbers() {
        assert_eq!(&symbol(0), b"G00001  ");
        assert_eq!(&symbol(u16::MAX - 1), b"G65535  ");
    }

    #[test]
    fn every_instrument_has_room_to_move() {
        let mut random = Random::new(1);
        let (mut cheap, mut dear) = (0, 0);
        for at in 0..8_000 {
            let i = Instrument::new(at, at.into(), 8_000, &mut random);
            assert!(i.start >= 1 && 1 <= i.lowest && i.lowest <= i.fair, "{i:?}");
            assert!(i.fair <= i.highest && i.highest + 64 <= WINDOW, "{i:?}");
            let wire = i.fair_wire();
            assert!(wire >= 1_000 && wire.is_multiple_of(i.tick));
            let last = i.wire(i.start + WINDOW - 1);
            assert!(if i.tick == 1 { last < DOLLAR } else { i.wire(i.start + i.lowest) > DOLLAR });
            cheap += u32::from(wire < DOLLAR);
            dear += u32::from(wire > 1_000 * DOLLAR);
        }
        assert!(cheap > 100 && dear > 100, "{cheap} below a dollar, {dear} above a thousand");
    }

    #[test]
    fn the_touch_is_found_again() {
        let mut random = Random::new(1);
        let mut i = Instrument::new(0, 0, 1, &mut random);
        for index in [0, 63, 64, 400] {
            i.fill(Side::Buy, index);
        }
        for index in [1023, 500, 960] {
            i.fill(Side::Sell, index);
        }
        let mut best = Vec::new();
        while let Some(index) = i.best(Side::Buy) {
            best.push(index);
            i.empty(Side::Buy, index);
        }
        assert_eq!(best, [400, 64, 63, 0]);
        i.empty(Side::Sell, 960);
        i.empty(Side::Sell, 500);
        assert_eq!(i.best(Side::Sell), Some(1023));
        i.empty(Side::Sell, 1023);
        assert_eq!(i.best(Side::Sell), None);
    }
}
