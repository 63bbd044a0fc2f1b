//! The ring behind the tape.

use super::entry::{Content, Entry};
use crate::shared::{Draft, Mapping};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use tercel_types::Nanos;

/// Words of an entry's content at most.
pub const ENTRY_WORDS_MAX: usize = 128;
/// Words of an entry before its content.
const ENTRY_HEADER: usize = 2;

const MAGIC: u64 = u64::from_le_bytes(*b"TCLTAPE1");
const VERSION: u64 = 1;
const WRITTEN: usize = 8;
const GIVEN_BACK: usize = 16;
const HEADER: usize = 32;

/// Fewest words of a ring: what one turn of the trading thread may write, several times.
pub const WORDS_MIN: usize = 1 << 13;

/// Why a tape could not be made or opened.
#[derive(Debug)]
pub enum TapeError {
    /// The number of words is no power of two, or below [`WORDS_MIN`].
    Words(usize),
    /// Another process writes it.
    InUse(PathBuf),
    /// The file is no tape of this version.
    NotTape(PathBuf),
    /// The system refused.
    System {
        /// The file; empty for memory without one.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

/// The trading thread's end.
#[derive(Debug)]
pub struct TapeWriter {
    mapping: Arc<Mapping>,
    words: u64,
    written: u64,
    /// As last seen.
    given_back: u64,
    _lock: Option<File>,
}

/// The other end.
#[derive(Debug)]
pub struct TapeReader {
    mapping: Arc<Mapping>,
    words: u64,
    at: u64,
    generation: u64,
}

/// What stands before an entry's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Kind of the entry.
    pub kind: u16,
    /// When it was written, by the clock of the trading thread.
    pub stamp: Nanos,
    /// Where the tape goes on after it, words since the beginning.
    pub end: u64,
}

/// A tape in memory of this process, with so many words: a power of two, at least [`WORDS_MIN`].
pub fn anonymous(words: usize, now: Nanos) -> Result<(TapeWriter, TapeReader), TapeError> {
    check(words)?;
    let mapping = Mapping::anonymous(HEADER + words)
        .map_err(|source| TapeError::System { path: PathBuf::new(), source })?;
    describe(mapping.words(), words, now);
    Ok(ends(mapping, words, now, None))
}

/// A tape in a file, in the place of one that no process writes any more. What is left on that one
/// is lost: [`remains`] comes first.
pub fn create(
    path: &Path,
    words: usize,
    now: Nanos,
) -> Result<(TapeWriter, TapeReader), TapeError> {
    check(words)?;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::WouldBlock => TapeError::InUse(path.into()),
        _ => TapeError::System { path: path.into(), source },
    };
    let draft = Draft::new(path, HEADER + words).map_err(failed)?;
    describe(draft.mapping.words(), words, now);
    let (mapping, lock) = draft.publish(path).map_err(failed)?;
    Ok(ends(mapping, words, now, Some(lock)))
}

/// What the tape at `path` still holds that was not given back; `None` if there is no such file.
/// Fails while a process writes it.
pub fn remains(path: &Path) -> Result<Option<TapeReader>, TapeError> {
    let failed = |source: io::Error| TapeError::System { path: path.into(), source };
    let file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(TapeError::InUse(path.into())),
        Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
    }
    let bytes = file.metadata().map_err(failed)?.len();
    let words = usize::try_from(bytes / 8).unwrap_or(0).saturating_sub(HEADER);
    if bytes % 8 != 0 || check(words).is_err() {
        return Err(TapeError::NotTape(path.into()));
    }
    let mapping = Mapping::of_file(&file, HEADER + words).map_err(failed)?;
    // Relaxed: who wrote it is gone.
    let field = |at: usize| mapping.words()[at].load(Relaxed);
    if field(0) != MAGIC || field(1) != VERSION || field(2) != words as u64 {
        return Err(TapeError::NotTape(path.into()));
    }
    let (at, generation) = (field(GIVEN_BACK), field(3));
    if field(WRITTEN).wrapping_sub(at) > words as u64 {
        return Err(TapeError::NotTape(path.into()));
    }
    Ok(Some(TapeReader { mapping: Arc::new(mapping), words: words as u64, at, generation }))
}

fn check(words: usize) -> Result<(), TapeError> {
    if words.is_power_of_two() && words >= WORDS_MIN {
        Ok(())
    } else {
        Err(TapeError::Words(words))
    }
}

fn describe(header: &[AtomicU64], words: usize, now: Nanos) {
    for (word, value) in header.iter().zip([MAGIC, VERSION, words as u64, now.0]) {
        // Relaxed: the file is moved into place afterwards.
        word.store(value, Relaxed);
    }
}

fn ends(
    mapping: Mapping,
    words: usize,
    now: Nanos,
    lock: Option<File>,
) -> (TapeWriter, TapeReader) {
    let mapping = Arc::new(mapping);
    let words = words as u64;
    let reader = TapeReader { mapping: Arc::clone(&mapping), words, at: 0, generation: now.0 };
    (TapeWriter { mapping, words, written: 0, given_back: 0, _lock: lock }, reader)
}

impl TapeWriter {
    /// Words for which there is room, headers of entries included. Looks at what the reader has
    /// given back only if less than `wanted` was known to be free.
    #[inline]
    pub(crate) fn room(&mut self, wanted: u64) -> u64 {
        let known = self.words - (self.written - self.given_back);
        if known >= wanted {
            return known;
        }
        // Pairs with the store in `TapeReader::give_back`: what the reader has read is read.
        let given_back = self.mapping.words()[GIVEN_BACK].load(Acquire);
        // The reader's word is in shared memory; one that cannot be is not believed.
        if given_back <= self.written && self.written - given_back <= self.words {
            self.given_back = given_back;
        }
        self.words - (self.written - self.given_back)
    }

    /// Words of the ring.
    pub(crate) fn capacity(&self) -> u64 {
        self.words
    }

    /// Writes an entry; `false` if there is no room.
    #[inline]
    pub(crate) fn write<C: Content>(&mut self, entry: &C, stamp: Nanos) -> bool {
        entry.content(|content| self.put(C::KIND, stamp, content))
    }

    /// Writes an entry of any kind; `false` if there is no room. It allocates: for whoever makes a
    /// tape without an engine.
    pub fn write_entry(&mut self, entry: &Entry<'_>, stamp: Nanos) -> bool {
        let mut words = Vec::with_capacity(ENTRY_WORDS_MAX);
        entry.words(&mut words);
        self.put(entry.kind(), stamp, &words)
    }

    #[inline]
    fn put(&mut self, kind: u16, stamp: Nanos, content: &[u64]) -> bool {
        let len = (ENTRY_HEADER + content.len()) as u64;
        if self.room(len) < len {
            return false;
        }
        let ring = &self.mapping.words()[HEADER..];
        let mask = self.words - 1;
        let header = [u64::from(kind) | (content.len() as u64) << 16, stamp.0];
        for (at, word) in (self.written..).zip(header.iter().chain(content)) {
            // Relaxed: the store below publishes them.
            ring[(at & mask) as usize].store(*word, Relaxed);
        }
        self.written += len;
        // Pairs with the load in `TapeReader::next`.
        self.mapping.words()[WRITTEN].store(self.written, Release);
        true
    }
}

impl TapeReader {
    /// Takes the next entry's content into `content`. `None` if there is none at this moment, and
    /// from a place on that no writer has left like this.
    pub fn next(&mut self, content: &mut Vec<u64>) -> Option<Header> {
        // Pairs with the store in `TapeWriter::put`.
        let written = self.mapping.words()[WRITTEN].load(Acquire);
        let there = written.checked_sub(self.at).filter(|there| *there <= self.words)?;
        let mask = self.words - 1;
        let ring = &self.mapping.words()[HEADER..];
        // Relaxed: published by the store that the load above has seen.
        let word = |at: u64| ring[(at & mask) as usize].load(Relaxed);
        if there < ENTRY_HEADER as u64 {
            return None;
        }
        let (first, stamp) = (word(self.at), Nanos(word(self.at + 1)));
        let len = first >> 16;
        if len > ENTRY_WORDS_MAX as u64 || there < ENTRY_HEADER as u64 + len {
            return None;
        }
        let begin = self.at + ENTRY_HEADER as u64;
        content.clear();
        content.extend((begin..begin + len).map(word));
        self.at = begin + len;
        Some(Header { kind: first as u16, stamp, end: self.at })
    }

    /// Gives back the room of everything that was taken so far. In a file, what was not given back
    /// is what [`remains`] finds after a crash.
    pub fn give_back(&mut self) {
        // Pairs with the load in `TapeWriter::room`.
        self.mapping.words()[GIVEN_BACK].store(self.at, Release);
    }

    /// Goes on behind this place, which was written down before the crash; one that the tape does
    /// not hold changes nothing.
    pub fn skip_to(&mut self, end: u64) {
        // Relaxed: a tape whose writer is gone.
        let written = self.mapping.words()[WRITTEN].load(Relaxed);
        if (self.at..=written).contains(&end) {
            self.at = end;
        }
    }

    /// Tells one tape from the next: the time at which it was made, ns.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Words that are taken by what was not given back, and words of the ring.
    pub fn occupancy(&self) -> (u64, u64) {
        // Relaxed, both: for people to look at.
        let [written, back] =
            [WRITTEN, GIVEN_BACK].map(|at| self.mapping.words()[at].load(Relaxed));
        (written.saturating_sub(back).min(self.words), self.words)
    }
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TapeError::Words(words) => {
                write!(f, "{words} words for the tape: a power of two from {WORDS_MIN} on")
            }
            TapeError::InUse(path) => write!(f, "{}: another host writes it", path.display()),
            TapeError::NotTape(path) => {
                write!(f, "{}: no tape of version {VERSION}, or damaged", path.display())
            }
            TapeError::System { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for TapeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TapeError::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
