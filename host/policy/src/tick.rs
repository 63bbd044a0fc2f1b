//! The price grid: one cent at or above a dollar, 1/10,000 dollar below (Reg NMS rule 612).

use tercel_types::Price;

/// The highest price the feed can carry, 200,000 dollars (ITCH 5.0 §2, "Price (4)").
pub const PRICE_MAX: Price = Price(2_000_000_000);

/// The increment at `price`, in units of 1/10,000 dollar.
#[inline]
pub const fn tick_at(price: Price) -> i64 {
    if price.0 >= Price::PER_DOLLAR { Price::CENT.0 } else { 1 }
}

/// The highest price on the grid that is not above `price`.
#[inline]
pub const fn floor(price: Price) -> Price {
    // By a constant: a division by one of two numbers costs more than all of a quote's other steps.
    if tick_at(price) == 1 { price } else { Price(price.0 - price.0.rem_euclid(Price::CENT.0)) }
}

/// The lowest price on the grid that is not below `price`.
#[inline]
pub const fn ceil(price: Price) -> Price {
    let below = floor(price);
    if below.0 == price.0 { price } else { Price(below.0.saturating_add(tick_at(price))) }
}

/// The highest price on the grid below `price`.
#[inline]
pub const fn below(price: Price) -> Price {
    floor(Price(price.0.saturating_sub(1)))
}

/// The lowest price on the grid above `price`.
#[inline]
pub const fn above(price: Price) -> Price {
    ceil(Price(price.0.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_changes_at_one_dollar() {
        assert_eq!((floor(Price(10_199)), ceil(Price(10_101))), (Price(10_100), Price(10_200)));
        assert_eq!((floor(Price(9_999)), ceil(Price(9_999))), (Price(9_999), Price(9_999)));
        assert_eq!((below(Price(10_000)), above(Price(9_999))), (Price(9_999), Price(10_000)));
        assert_eq!((below(Price(10_100)), above(Price(10_000))), (Price(10_000), Price(10_100)));
        assert_eq!((below(Price(10_150)), above(Price(10_150))), (Price(10_100), Price(10_200)));
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        for price in [i64::MIN, -1, 0, 1, i64::MAX] {
            let price = Price(price);
            let _ = (ceil(price), below(price), above(price));
        }
    }
}
