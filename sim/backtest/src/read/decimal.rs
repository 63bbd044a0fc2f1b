//! Decimal numbers of text as whole numbers, exactly.

/// Decimals kept.
const DECIMALS: usize = 9;
const ONE: u64 = 1_000_000_000;

/// A number not below zero in units of 1e-9; `None` for anything else, and for decimals behind the
/// ninth that are not zero.
pub(super) fn nanos(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut units = whole.parse::<u64>().ok()?.checked_mul(ONE)?;
    let mut worth = ONE;
    for (at, digit) in part.bytes().enumerate() {
        if !digit.is_ascii_digit() || (at >= DECIMALS && digit != b'0') {
            return None;
        }
        worth /= 10;
        units = units.checked_add(u64::from(digit - b'0') * worth)?;
    }
    Some(units)
}

/// How many steps of `step` (in 1e-9) a number is; `None` where it is none or between two.
pub(super) fn steps(text: &str, step: u64) -> Option<u64> {
    let units = nanos(text)?;
    (step > 0 && units.is_multiple_of(step)).then(|| units / step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_none() {
        assert_eq!(steps("61800.20", 100_000_000), Some(618_002));
        assert_eq!(steps("0.00001000", 10_000), Some(1));
        assert_eq!(steps("61800.25", 100_000_000), None);
        assert_eq!(nanos("1.0000000000"), Some(ONE));
        for text in ["", ".5", "-1", "1e5", "1.0000000001", "nan", "99999999999999"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
