//! Times as people write them.

use tercel_types::Nanos;
use time::{Date, Month, OffsetDateTime};

/// Nanoseconds of a day.
pub const DAY: u64 = 86_400_000_000_000;

/// A day of the calendar, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(u64);

impl Day {
    /// The day that holds a time.
    pub fn of(time: Nanos) -> Day {
        Day(time.0 / DAY)
    }

    /// Reads `YYYY-MM-DD`, from 1970 to 2553.
    pub fn parse(text: &str) -> Option<Day> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        let seconds = date.midnight().assume_utc().unix_timestamp();
        let day = u64::try_from(seconds).ok()? / (DAY / 1_000_000_000);
        (day < u64::MAX / DAY).then_some(Day(day))
    }

    /// Its first nanosecond.
    pub fn start(self) -> Nanos {
        Nanos(self.0 * DAY)
    }

    /// Whether a time is within it.
    pub fn holds(self, time: Nanos) -> bool {
        Day::of(time) == self
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&utc(self.start())[..10])
    }
}

/// A time as `2026-01-31 14:30:00.123456789`, UTC.
pub fn utc(time: Nanos) -> String {
    let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(time.0.into()) else {
        return time.0.to_string();
    };
    let (date, clock) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:09}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.nanosecond()
    )
}

/// Money or a price in dollars, from units of 1/10,000 dollar.
pub fn dollars(e4: i64) -> String {
    let (sign, e4) = (if e4 < 0 { "-" } else { "" }, e4.unsigned_abs());
    format!("{sign}{}.{:04}", e4 / 10_000, e4 % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        let day = Day::parse("2024-02-29").expect("a day");
        assert_eq!(day.start(), Nanos(1_709_164_800_000_000_000));
        assert_eq!(day.to_string(), "2024-02-29");
        assert!(
            day.holds(Nanos(day.start().0 + DAY - 1)) && !day.holds(Nanos(day.start().0 + DAY))
        );
        for wrong in ["2023-02-29", "2024-2-29", "1969-12-31", "9999-01-01", "x", "2024-01-01-01"] {
            assert_eq!(Day::parse(wrong), None, "{wrong}");
        }
        assert_eq!(utc(Nanos(1)), "1970-01-01 00:00:00.000000001");
        assert_eq!(utc(Nanos(u64::MAX)), "2554-07-21 23:34:33.709551615");
        assert_eq!(dollars(-12_345), "-1.2345");
        assert_eq!(dollars(i64::MIN), "-922337203685477.5808");
    }
}
