//! Numbers as text that fits where it stands.

use crate::report::grouped;
use ratatui::text::Span;

/// What stands where there is nothing to say.
pub(super) const NONE: &str = "-";

/// Money of 1/10,000 dollar as dollars and cents with its sign, shorter where it does not fit.
pub(super) fn money(e4: i64, width: usize) -> String {
    let cents = (i128::from(e4).abs() + 50) / 100;
    let sign = match e4 {
        _ if cents == 0 => "",
        1.. => "+",
        _ => "-",
    };
    let full = format!("{sign}{}.{:02}", digits(cents / 100), cents % 100);
    fitting(full, e4 as f64 / 1e4, width, if e4 > 0 { "+" } else { "" })
}

/// A price of 1/10,000 dollar, with four digits only where the last two say something; zero is
/// none.
pub(super) fn price(e4: i64, width: usize) -> String {
    if e4 == 0 {
        return NONE.into();
    }
    let sign = if e4 < 0 { "-" } else { "" };
    let value = i128::from(e4).abs();
    let part = match (value % 10_000, value % 100) {
        (part, 0) => format!("{:02}", part / 100),
        (part, _) => format!("{part:04}"),
    };
    let full = format!("{sign}{}.{part}", digits(value / 10_000));
    fitting(full, e4 as f64 / 1e4, width, "")
}

/// A count, shorter where it does not fit.
pub(super) fn count(count: u64, width: usize) -> String {
    fitting(grouped(count), count as f64, width, "")
}

/// A count that may be negative, likewise.
pub(super) fn signed(count: i64, width: usize) -> String {
    let sign = if count < 0 { "-" } else { "" };
    fitting(format!("{sign}{}", grouped(count.unsigned_abs())), count as f64, width, "")
}

/// A count a second.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        0.0 => "0/s".into(),
        small if small < 10.0 => format!("{small:.1}/s"),
        large if large < 10_000.0 => format!("{large:.0}/s"),
        huge => format!("{}/s", short(huge)),
    }
}

/// A time of so many nanoseconds, three or four digits and the unit.
pub(super) fn span(ns: u64) -> String {
    let scaled = |unit: f64, name: &str| {
        let value = ns as f64 / unit;
        let places = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
        format!("{value:.places$} {name}")
    };
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => scaled(1e3, "µs"),
        1_000_000..1_000_000_000 => scaled(1e6, "ms"),
        1_000_000_000..600_000_000_000 => scaled(1e9, "s"),
        600_000_000_000..36_000_000_000_000 => scaled(60e9, "min"),
        36_000_000_000_000..1_000_000_000_000_000 => scaled(3_600e9, "h"),
        _ => format!("{} d", ns / 86_400_000_000_000),
    }
}

/// The time of the day, UTC, of nanoseconds since the Unix epoch.
pub(super) fn time_of_day(ns: u64) -> String {
    let second = ns / 1_000_000_000 % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// Text from outside in at most `width` cells: what could move the cursor or turn the writing
/// around becomes `?`, and what is cut off ends in `…`.
pub(super) fn text(outside: &str, width: usize) -> String {
    let harmless = |c: char| match c {
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => '?',
        '\u{feff}' => '?',
        c if c.is_control() => '?',
        c => c,
    };
    // One more than fits, to know that something is cut off.
    let clean: String = outside.chars().take(width + 1).map(harmless).collect();
    if Span::raw(&clean).width() <= width {
        return clean;
    }
    let mut cut = String::new();
    for c in clean.chars() {
        cut.push(c);
        if Span::raw(&cut).width() >= width {
            cut.pop();
            break;
        }
    }
    cut + "…"
}

fn fitting(full: String, value: f64, width: usize, plus: &str) -> String {
    if full.len() <= width { full } else { format!("{plus}{}", short(value)) }
}

/// Four digits at most and a letter: thousand, million, billion, trillion, 10^15, 10^18.
fn short(value: f64) -> String {
    let mut scaled = value;
    let mut letters = " KMBTPE".chars();
    let mut letter = letters.next();
    while scaled.abs() >= 999.95 {
        let Some(next) = letters.next() else { break };
        scaled /= 1_000.0;
        letter = Some(next);
    }
    let places = if scaled.abs() < 99.995 { 2 } else { 1 };
    format!("{scaled:.places$}{}", letter.unwrap_or(' ')).trim_end().into()
}

fn digits(value: i128) -> String {
    // Below 2^63 / 100 by construction.
    grouped(u64::try_from(value).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(money(12_345_678, 20), "+1,234.57");
        assert_eq!(money(-49, 20), "0.00");
        assert_eq!(money(-50, 20), "-0.01");
        assert_eq!(money(i64::MIN, 40), "-922,337,203,685,477.58");
        assert_eq!(money(i64::MIN, 8), "-922.3T");
        assert_eq!(money(i64::MAX, 8), "+922.3T");
        assert_eq!(price(1_234_500, 11), "123.45");
        assert_eq!(price(1_234_567, 11), "123.4567");
        assert_eq!(price(0, 11), "-");
        assert_eq!(count(1_234_567, 9), "1,234,567");
        assert_eq!(count(u64::MAX, 9), "18.45E");
        assert_eq!(signed(-1_500, 6), "-1,500");
        assert_eq!(signed(-150_000, 6), "-150.0K");
        assert_eq!(rate(0.0), "0/s");
        assert_eq!(rate(2.5), "2.5/s");
        assert_eq!(rate(1_234_567.0), "1.23M/s");
        assert_eq!(span(850), "850 ns");
        assert_eq!(span(1_234), "1.23 µs");
        assert_eq!(span(123_456), "123 µs");
        assert_eq!(span(90_000_000_000), "90.0 s");
        assert_eq!(span(u64::MAX), "213503 d");
        assert_eq!(time_of_day(86_399_999_999_999), "23:59:59");
        assert_eq!(text("AAPL", 8), "AAPL");
        assert_eq!(text("ABCDEFGHIJ", 8), "ABCDEFG…");
        assert_eq!(text("a\x1b[31m\u{202e}b", 20), "a?[31m?b");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_place(any in any::<i64>(), outside in ".{0,40}") {
            prop_assert!(money(any, 8).len() <= 8);
            prop_assert!(price(any, 8).len() <= 8);
            prop_assert!(signed(any, 8).len() <= 8);
            prop_assert!(count(any as u64, 8).len() <= 8);
            prop_assert!(rate(any.unsigned_abs() as f64).len() <= 9);
            prop_assert!(span(any as u64).chars().count() <= 8);
            prop_assert!(Span::raw(text(&outside, 8)).width() <= 8);
        }
    }
}
