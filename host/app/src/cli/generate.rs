//! The arguments of `tercel generate`.

use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "Examples:
  tercel generate day.itch                                   20 million messages, 614 MB
  tercel generate day.itch --messages 300k --instruments 200 --seed 7
  tercel generate day.itch --messages 400M --resting 3M      a busy day, 12 GB

Numbers may end in k, M or G and have a fraction: 1.5M is 1500000. The same arguments give the same
bytes on every machine. `tercel stats day.itch` counts what is in it.")]
pub(crate) struct GenerateArgs {
    /// ITCH file to write: messages, each behind its two-byte length.
    pub(crate) output: PathBuf,
    /// Messages of the day, exactly.
    #[arg(long, default_value = "20M", value_name = "COUNT", value_parser = size)]
    pub(crate) messages: u64,
    /// Instruments, named G00001 and on.
    #[arg(long, default_value_t = 8000, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) instruments: u16,
    /// Orders resting at most; no more than 3 in 40 messages.
    #[arg(long, default_value = "1.5M", value_name = "COUNT", value_parser = size)]
    pub(crate) resting: u64,
    /// Seed of every draw.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A whole number above zero, with a unit or without: 300, 20M, 1.5M.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a number above zero is wanted, like 500000, 20M or 1.5M".to_string();
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000_u64),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let scale = 10_u64.pow(fraction.len() as u32);
    let parts = fraction.parse().unwrap_or(0) * unit;
    let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(unit));
    let size = whole.and_then(|whole| whole.checked_add(parts / scale));
    size.filter(|size| *size > 0 && parts.is_multiple_of(scale)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let sizes = [("300", 300), ("20M", 20_000_000), ("1.5m", 1_500_000), ("2k", 2_000)];
        for (text, expected) in sizes.into_iter().chain([("0.25G", 250_000_000), ("7.0", 7)]) {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for wrong in
            ["", "M", "0", "0.0M", "-1", "1.5", "1e6", "1.0000001M", "x", "20 M", ".5M", "5.M"]
        {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert!(size("99999999999G").is_err() && size("1.0000000001G").is_err());
    }
}
