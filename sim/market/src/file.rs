//! A day as a file.

use crate::config::DayConfig;
use crate::day::Day;
use std::collections::BTreeMap;
use std::io::{self, Write};
use tercel_proto::binary_file;

/// Messages between two calls that tell of progress.
pub const PROGRESS_EVERY: u64 = 1 << 16;

/// Bytes handed to the writer at once.
const CHUNK: usize = 1 << 18;

/// What a file has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Messages.
    pub messages: u64,
    /// Bytes, the lengths before the messages included.
    pub bytes: u64,
    /// Messages by type letter.
    pub by_kind: BTreeMap<char, u64>,
    /// Most orders resting at one time.
    pub resting_max: u64,
    /// Orders resting at the end.
    pub resting_at_end: u64,
    /// Most messages in one second of the venue's clock.
    pub busiest_second: u64,
}

/// Writes a day as Nasdaq's files are: each message behind its 16-bit big-endian length. `each` is
/// told the number of messages so far, every [`PROGRESS_EVERY`] of them and at the end. The writer
/// needs no buffer of its own.
///
/// # Errors
/// Those of the writer, and `InvalidInput` with a [`crate::DayError`] for a day that cannot be.
pub fn write_itch(
    config: &DayConfig,
    out: &mut impl Write,
    mut each: impl FnMut(u64),
) -> io::Result<Summary> {
    let mut day =
        Day::new(config).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut summary = Summary::default();
    let mut chunk = Vec::with_capacity(CHUNK + 64);
    let mut counts = [0_u64; 256];
    let (mut second, mut in_second) = (0, 0);
    while let Some(message) = day.next_message() {
        counts[usize::from(message[0])] += 1;
        binary_file::write(&mut chunk, message);
        if chunk.len() >= CHUNK {
            out.write_all(&chunk)?;
            summary.bytes += chunk.len() as u64;
            chunk.clear();
        }
        summary.messages += 1;
        summary.resting_max = summary.resting_max.max(day.resting() as u64);
        let now = day.time().0 / 1_000_000_000;
        in_second = if now == second { in_second + 1 } else { 1 };
        second = now;
        summary.busiest_second = summary.busiest_second.max(in_second);
        if summary.messages.is_multiple_of(PROGRESS_EVERY) {
            each(summary.messages);
        }
    }
    out.write_all(&chunk)?;
    out.flush()?;
    each(summary.messages);
    summary.bytes += chunk.len() as u64;
    summary.resting_at_end = day.resting() as u64;
    let letters = (b'A'..=b'z').map(|letter| (char::from(letter), counts[usize::from(letter)]));
    summary.by_kind = letters.filter(|(_, n)| *n > 0).collect();
    Ok(summary)
}
