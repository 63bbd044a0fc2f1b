//! The last orders of an instrument, to find a second one equal to the first.

use tercel_types::{Nanos, Price, Qty, Side};

/// How many are remembered.
const KEPT: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Past {
    price: Price,
    at: Nanos,
    /// Zero where nothing is remembered.
    qty: Qty,
    side: Side,
}

/// A ring of the last orders entered. Their 32-bit prints lie together and are compared all at
/// once; the orders themselves, four cache lines, are looked at only where one is equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Recent {
    prints: [u32; KEPT],
    next: u8,
    past: [Past; KEPT],
}

impl Recent {
    pub(crate) const fn new() -> Recent {
        let none = Past { price: Price(0), at: Nanos(0), qty: Qty(0), side: Side::Buy };
        Recent { prints: [0; KEPT], next: 0, past: [none; KEPT] }
    }

    /// An equal order came less than `window` ago; one of the future, after the clock stepped back,
    /// is less than any window ago.
    #[inline]
    pub(crate) fn holds(
        &self,
        side: Side,
        price: Price,
        qty: Qty,
        now: Nanos,
        window: Nanos,
    ) -> bool {
        let print = print(side, price, qty);
        let seen = self.prints.iter().fold(false, |seen, past| seen | (*past == print));
        seen && self.newest(side, price, qty).is_some_and(|past| now.since(past.at) < window)
    }

    #[inline]
    pub(crate) fn push(&mut self, side: Side, price: Price, qty: Qty, at: Nanos) {
        let place = usize::from(self.next) % KEPT;
        self.prints[place] = print(side, price, qty);
        self.past[place] = Past { price, at, qty, side };
        self.next = self.next.wrapping_add(1);
    }

    /// Forgets the newest equal order, which was never sent.
    #[cold]
    pub(crate) fn forget(&mut self, side: Side, price: Price, qty: Qty) {
        let newest = self.newest(side, price, qty).copied();
        if let Some(past) = self.past.iter_mut().find(|past| Some(**past) == newest) {
            past.qty = Qty::ZERO;
        }
    }

    #[cold]
    fn newest(&self, side: Side, price: Price, qty: Qty) -> Option<&Past> {
        let equal = |past: &&Past| past.price == price && past.qty == qty && past.side == side;
        self.past.iter().filter(equal).max_by_key(|past| past.at)
    }
}

/// Differs for nearly all orders that differ.
#[inline]
const fn print(side: Side, price: Price, qty: Qty) -> u32 {
    let mixed = (price.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((qty.0 as u64) << 33);
    (mixed >> 32) as u32 ^ side as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_eight_and_only_for_the_window() {
        let mut recent = Recent::new();
        let window = Nanos(10);
        for price in 1..=8 {
            recent.push(Side::Buy, Price(price), Qty(5), Nanos(100));
        }
        assert!(recent.holds(Side::Buy, Price(1), Qty(5), Nanos(109), window));
        assert!(!recent.holds(Side::Buy, Price(1), Qty(5), Nanos(110), window));
        assert!(!recent.holds(Side::Sell, Price(1), Qty(5), Nanos(101), window));
        assert!(!recent.holds(Side::Buy, Price(1), Qty(6), Nanos(101), window));
        assert!(!recent.holds(Side::Buy, Price(1), Qty(5), Nanos(101), Nanos(0)));
        recent.push(Side::Buy, Price(9), Qty(5), Nanos(100));
        assert!(!recent.holds(Side::Buy, Price(1), Qty(5), Nanos(101), window));
        assert!(recent.holds(Side::Buy, Price(9), Qty(5), Nanos(101), window));
        recent.forget(Side::Buy, Price(9), Qty(5));
        assert!(!recent.holds(Side::Buy, Price(9), Qty(5), Nanos(101), window));
    }
}
