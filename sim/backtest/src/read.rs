//! Files of recorded markets into a [`Store`], one reader a format.
//!
//! What is odd inside a recording is counted in [`Quality`](crate::store::Quality) and passed over;
//! what is not the format at all is a [`ReadError`].

mod binance;
mod dbn;
mod decimal;
mod itch;
mod lobster;
mod venue;

pub use binance::{BinanceConfig, binance, binance_lines};
pub use dbn::{DbnConfig, dbn, dbn_bytes};
pub use itch::{ItchConfig, itch, itch_messages};
pub use lobster::{lobster, lobster_rows};
pub use venue::{record as venue_event, venue};

use crate::Store;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a recording cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// A format of recordings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Nasdaq ITCH 5.0, each message behind its length; also a tape of the venue of this project.
    Itch,
    /// A LOBSTER message file.
    Lobster,
    /// Lines of Binance's streams behind the time of receipt.
    Binance,
    /// Databento DBN, market by order.
    Dbn,
}

impl Format {
    /// What a file's name says of its format.
    pub fn of(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let bare = name.trim_end_matches(".gz").trim_end_matches(".zst");
        Some(match () {
            () if bare.ends_with(".dbn") => Format::Dbn,
            () if bare.ends_with(".csv") => Format::Lobster,
            () if bare.contains("itch") => Format::Itch,
            () if name.contains("usdm") || name.contains("spot") || name.contains("usdt") => {
                Format::Binance
            }
            () => return None,
        })
    }
}

/// Reads a recording whose format the name says, or `format` does.
///
/// # Errors
/// When it cannot be opened, or is of no format that is known.
pub fn read(path: &Path, format: Option<Format>) -> Result<Store, ReadError> {
    match format.or_else(|| Format::of(path)) {
        Some(Format::Itch) => itch(path, &ItchConfig::default()),
        Some(Format::Lobster) => lobster(path),
        Some(Format::Binance) => binance(path, &BinanceConfig::of(path)),
        Some(Format::Dbn) => dbn(path, &DbnConfig::default()),
        None => Err(format_error(path, "its name says no format; give one".into())),
    }
}

fn format_error(path: &Path, what: String) -> ReadError {
    ReadError::Format { path: path.to_path_buf(), what }
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> ReadError {
    move |error| ReadError::Io { path: path.to_path_buf(), error }
}

/// All bytes of a file, through gzip where its name says so; `true` when they end too early.
fn bytes_of(path: &Path) -> Result<(Vec<u8>, bool), ReadError> {
    let file = File::open(path).map_err(io_error(path))?;
    let mut bytes = Vec::new();
    if path.extension().is_none_or(|extension| extension != "gz") {
        io::BufReader::new(file).read_to_end(&mut bytes).map_err(io_error(path))?;
        return Ok((bytes, false));
    }
    let mut zipped = flate2::read::MultiGzDecoder::new(io::BufReader::new(file));
    match zipped.read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, false)),
        // What came before the break is still good: gzip is a stream.
        Err(_) if !bytes.is_empty() => Ok((bytes, true)),
        Err(error) => Err(io_error(path)(error)),
    }
}
