//! The files of a recording, in order.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tercel_net::pcap::{PcapError, PcapSource};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BUFFER: usize = 1 << 20;
/// What the names of captures end in.
const ENDINGS: [&str; 6] = [".pcapng", ".pcap", ".cap", ".pcapng.gz", ".pcap.gz", ".cap.gz"];

/// Why a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A folder without a capture.
    #[error("{0} has no capture: files that end in .pcapng or .pcap, gzipped or not, are read")]
    Empty(PathBuf),
    /// It is no capture, or damaged.
    #[error("{path}: {source}")]
    Pcap {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: PcapError,
    },
    /// There is nothing to decode.
    #[error("{0} has no MoldUDP64 packet within its first {1} frames")]
    NoFeed(PathBuf, u32),
}

/// A source of frames, gzipped or not.
pub type Source = PcapSource<Box<dyn BufRead>>;

/// The files that `path` stands for: itself, or of a folder its captures, sorted by name, which is
/// the order in which a recording began them. Files still in progress are left out.
///
/// # Errors
/// `Io`, and `Empty` for a folder without any.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, FilesError> {
    let failed = |source| FilesError::Io { path: path.into(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            found.push(entry);
        }
    }
    found.sort();
    if found.is_empty() { Err(FilesError::Empty(path.into())) } else { Ok(found) }
}

/// Opens a capture. `watch` may put something around the file that sees how far reading has come.
///
/// # Errors
/// `Io`, and `Pcap` for what is no capture.
pub fn open(path: &Path, watch: impl FnOnce(File) -> Box<dyn Read>) -> Result<Source, FilesError> {
    let input = || -> io::Result<Box<dyn BufRead>> {
        let mut input = BufReader::with_capacity(BUFFER, watch(File::open(path)?));
        if input.fill_buf()?.starts_with(&GZIP_MAGIC) {
            return Ok(Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))));
        }
        Ok(Box::new(input))
    };
    let input = input().map_err(|source| FilesError::Io { path: path.into(), source })?;
    PcapSource::new(input).map_err(|source| FilesError::Pcap { path: path.into(), source })
}

/// Several captures read one behind another as one stream of bytes, which for pcap-ng is a capture.
pub struct Chain {
    left: std::vec::IntoIter<PathBuf>,
    now: Option<File>,
}

impl Chain {
    /// Over these files, each opened when it is reached.
    pub fn new(files: Vec<PathBuf>) -> Chain {
        Chain { left: files.into_iter(), now: None }
    }
}

impl Read for Chain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.now {
                let got = file.read(buffer)?;
                if got > 0 || buffer.is_empty() {
                    return Ok(got);
                }
            }
            match self.left.next() {
                Some(path) => self.now = Some(File::open(path)?),
                None => return Ok(0),
            }
        }
    }
}
