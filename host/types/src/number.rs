//! Numbers that carry their unit in the type.

use core::fmt;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// A price in units of 1/10,000 dollar (ITCH 5.0 and OUCH 5.0 "Price (4)").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Price(pub i64);

/// A number of shares of one order; both protocols carry it in 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Qty(pub u32);

/// An amount of money in units of 1/10,000 dollar; negative is owed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Money(pub i64);

/// Nanoseconds: since midnight at the venue for exchange times, since the Unix epoch for the host's
/// clock. A value is only ever compared with another from the same clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Nanos(pub u64);

/// Buy or sell. The discriminants are the wire letters of ITCH and OUCH.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = b'B',
    /// Offers.
    Sell = b'S',
}

impl Price {
    /// Units in a dollar.
    pub const PER_DOLLAR: i64 = 10_000;
    /// One cent, the price increment at or above a dollar (Reg NMS rule 612).
    pub const CENT: Price = Price(100);

    /// What `qty` shares cost at this price; saturates at the ends of the range, which keeps a
    /// limit check on the safe side.
    #[inline]
    pub const fn notional(self, qty: Qty) -> Money {
        Money(self.0.saturating_mul(qty.0 as i64))
    }
}

impl Qty {
    /// No shares.
    pub const ZERO: Qty = Qty(0);

    /// `self - other`, or zero.
    #[inline]
    pub const fn saturating_sub(self, other: Qty) -> Qty {
        Qty(self.0.saturating_sub(other.0))
    }

    /// `self + other`, or the largest quantity.
    #[inline]
    pub const fn saturating_add(self, other: Qty) -> Qty {
        Qty(self.0.saturating_add(other.0))
    }
}

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// The amount without its sign.
    #[inline]
    pub const fn abs(self) -> Money {
        Money(self.0.saturating_abs())
    }
}

impl Add for Money {
    type Output = Money;
    #[inline]
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Money;
    #[inline]
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    #[inline]
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    #[inline]
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}

impl Neg for Money {
    type Output = Money;
    #[inline]
    fn neg(self) -> Money {
        Money(self.0.saturating_neg())
    }
}

impl Nanos {
    /// A number of whole milliseconds.
    pub const fn from_millis(ms: u64) -> Nanos {
        Nanos(ms.saturating_mul(1_000_000))
    }

    /// A number of whole seconds.
    pub const fn from_secs(s: u64) -> Nanos {
        Nanos(s.saturating_mul(1_000_000_000))
    }

    /// The time from `earlier` to `self`, zero if the clock stepped back.
    #[inline]
    pub const fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Nanos;
    #[inline]
    fn add(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(other.0))
    }
}

impl Side {
    /// The side that trades against this one.
    #[inline]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// +1 for a buy, −1 for a sell: how a fill moves the position.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// 0 for a buy, 1 for a sell: an index into a pair kept by side.
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Side::Buy => 0,
            Side::Sell => 1,
        }
    }

    /// The side of a wire letter, `B` or `S`.
    #[inline]
    pub const fn from_wire(letter: u8) -> Option<Side> {
        match letter {
            b'B' => Some(Side::Buy),
            b'S' => Some(Side::Sell),
            _ => None,
        }
    }

    /// Whether a limit of `a` is a better price than `b` for an order of this side: higher to buy,
    /// lower to sell.
    #[inline]
    pub const fn better(self, a: Price, b: Price) -> bool {
        match self {
            Side::Buy => a.0 > b.0,
            Side::Sell => a.0 < b.0,
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(f, self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(f, self.0)
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Dollars with two decimals, or four where the last two are not zero.
fn write_dollars(f: &mut fmt::Formatter<'_>, units: i64) -> fmt::Result {
    let (whole, rest) = (units.unsigned_abs() / 10_000, units.unsigned_abs() % 10_000);
    let sign = if units < 0 { "-" } else { "" };
    if rest % 100 == 0 {
        write!(f, "{sign}{whole}.{:02}", rest / 100)
    } else {
        write!(f, "{sign}{whole}.{rest:04}")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn prices_print_as_dollars() {
        assert_eq!(Price(1_234_500).to_string(), "123.45");
        assert_eq!(Price(1_234_567).to_string(), "123.4567");
        assert_eq!(Money(-50).to_string(), "-0.0050");
    }

    #[test]
    fn notional_saturates() {
        assert_eq!(Price(i64::MAX).notional(Qty(2)), Money(i64::MAX));
        assert_eq!(Price(1_000_000).notional(Qty(100)), Money(100_000_000));
    }

    #[test]
    fn better_is_strict_on_both_sides() {
        assert!(Side::Buy.better(Price(2), Price(1)) && !Side::Buy.better(Price(1), Price(1)));
        assert!(Side::Sell.better(Price(1), Price(2)) && !Side::Sell.better(Price(2), Price(2)));
    }
}
