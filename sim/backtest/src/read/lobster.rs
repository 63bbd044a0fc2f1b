//! LOBSTER message files, completed and written as ITCH by the venue's reader
//! (`sim/exchange/src/lobster`), which knows how to find the orders that rested before the file
//! begins.

use super::itch::{ItchConfig, Tape};
use super::{ReadError, format_error};
use crate::store::Store;
use std::path::Path;
use tercel_exchange::lobster::{self, Converter, ConverterConfig, Row};
use tercel_types::{InstrumentId, Symbol};

/// Reads a file named by symbol, day and times, as LOBSTER names them.
///
/// # Errors
/// When it cannot be opened, its name begins with no symbol, or no row of it is LOBSTER.
pub fn lobster(path: &Path) -> Result<Store, ReadError> {
    let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let word = name.split('_').next().unwrap_or_default();
    let symbol = Symbol::new(word)
        .ok_or_else(|| format_error(path, format!("`{word}` at its beginning is no symbol")))?;
    let file = lobster::open(path).map_err(super::io_error(path))?;
    let (mut rows, mut bad, mut torn) = (Vec::new(), 0, false);
    for row in lobster::read_messages(file) {
        match row {
            Ok(row) => rows.push(row),
            Err(lobster::ReadError::Row { .. }) => bad += 1,
            Err(lobster::ReadError::Io { .. }) => torn = true,
        }
    }
    if rows.len() <= bad {
        return Err(format_error(path, format!("{bad} of {} lines are no rows", rows.len() + bad)));
    }
    let mut store = lobster_rows(symbol, &rows, &mut |_, _| {});
    store.quality.read = (rows.len() + bad) as u64;
    store.quality.malformed += bad as u64;
    store.quality.truncated += u64::from(torn);
    Ok(store)
}

/// Makes a store of rows; `each` is told how many events there were when a row was done.
pub fn lobster_rows(
    symbol: Symbol,
    rows: &[Row],
    each: &mut dyn FnMut(Option<usize>, usize),
) -> Store {
    let config = ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 };
    let mut tape = Tape::new(ItchConfig::default());
    let report = Converter::convert(config, rows, &mut |row, message| {
        tape.push(message);
        each(row, tape.builder().len());
    });
    let quality = &mut tape.builder().quality;
    quality.unknown_orders += report.dropped_unknown + report.dropped_gone;
    quality.over_reductions += report.clamped;
    quality.no_snapshot = 1;
    tape.finish()
}
