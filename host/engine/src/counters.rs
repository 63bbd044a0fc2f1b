//! Counters and latency histograms that other processes read while the engine runs.
//!
//! A page describes itself: names stand beside the values, so that a reader of another build can
//! show them. All words are little-endian and 64 bits wide:
//!
//! | words | what |
//! |---|---|
//! | 0..8 | magic number, version, counters, histograms, buckets in each histogram, process, 0, 0 |
//! | 8 for each counter | name in seven words, padded with zero bytes; value |
//! | 16 for each histogram | name in seven words; largest value, then count, sum, six zeros |
//! | then its buckets | how many values fell into each |
//!
//! An update is a load and a store of one word, without a lock, an allocation or a system call:
//! there is one writer, which `&mut self` sees to. A reader sees each word whole, but not all of
//! one instant.
//!
//! A histogram is log-linear: 32 buckets for every power of two, so that a quantile is at most 1/32
//! too high, up to 2^40 ns, 18 minutes. That is 9 KiB for each histogram, of which the few lines in
//! use stay in the cache; recording is four words, 3.5 ns.

use crate::shared::{Draft, Mapping};
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU64, fence};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest name of a counter or histogram, bytes.
pub const NAME_MAX: usize = NAME_WORDS * 8;

/// Most counters of a page.
pub const COUNTERS_MAX: usize = 4_096;

/// Most histograms of a page.
pub const HISTOGRAMS_MAX: usize = 256;

/// First word of a page: `TERCTR`, 0, 1.
const MAGIC: u64 = u64::from_le_bytes(*b"TERCTR\0\x01");
/// Version of the page's layout.
const VERSION: u64 = 1;
const NAME_WORDS: usize = 7;
const HEADER: usize = 8;
const COUNTER: usize = 8;
const HISTOGRAM_HEADER: usize = 16;
/// Bits below the highest one that choose the bucket.
const SUB_BITS: u32 = 5;
/// Values of this many bits are told apart.
const VALUE_BITS: u32 = 40;
const BUCKETS: usize = ((VALUE_BITS - SUB_BITS + 1) as usize) << SUB_BITS;
const HISTOGRAM: usize = HISTOGRAM_HEADER + BUCKETS;

/// Why a page could not be made or opened.
#[derive(Debug)]
pub enum CountersError {
    /// More than [`COUNTERS_MAX`] counters or [`HISTOGRAMS_MAX`] histograms.
    TooMany,
    /// A name that is empty, longer than [`NAME_MAX`] bytes, or there twice.
    Name(String),
    /// Another program writes the page.
    InUse(PathBuf),
    /// The file is no page of counters, or its creator is not done.
    NotCounters(PathBuf),
    /// Written by another version.
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The header contradicts the length of the file.
    Damaged(PathBuf),
    /// The system refused.
    System {
        /// The file; empty for memory without one.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The writing end.
#[derive(Debug)]
pub struct CountersPage {
    mapping: Arc<Mapping>,
    shape: Shape,
    /// Holds the lock that keeps a second writer away; the system drops it with the process.
    _lock: Option<File>,
}

/// A reading end.
#[derive(Debug)]
pub struct CountersReader {
    mapping: Arc<Mapping>,
    shape: Shape,
    counters: Vec<String>,
    histograms: Vec<String>,
}

/// A distribution of times, in nanoseconds. Quantiles are the upper ends of their buckets, but none
/// is above `max`; all are zero when nothing was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Latency {
    /// Values recorded.
    pub count: u64,
    /// Their mean.
    pub mean: u64,
    /// Half of them are at most this.
    pub p50: u64,
    /// 90 % of them.
    pub p90: u64,
    /// 99 % of them.
    pub p99: u64,
    /// 99.9 % of them.
    pub p999: u64,
    /// The largest, exact.
    pub max: u64,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    counters: usize,
    histograms: usize,
}

impl Shape {
    fn words(self) -> usize {
        self.histogram(self.histograms)
    }

    #[inline]
    fn counter(self, index: usize) -> usize {
        HEADER + index * COUNTER
    }

    #[inline]
    fn histogram(self, index: usize) -> usize {
        HEADER + self.counters * COUNTER + index * HISTOGRAM
    }
}

impl CountersPage {
    /// Makes a page at `path`, in the place of one that no program writes any more.
    pub fn create(
        path: &Path,
        counters: &[&str],
        histograms: &[&str],
    ) -> Result<CountersPage, CountersError> {
        let shape = checked(counters, histograms)?;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::WouldBlock => CountersError::InUse(path.into()),
            _ => CountersError::System { path: path.into(), source },
        };
        let draft = Draft::new(path, shape.words()).map_err(failed)?;
        describe(draft.mapping.words(), shape, counters, histograms);
        let (mapping, lock) = draft.publish(path).map_err(failed)?;
        Ok(CountersPage { mapping: Arc::new(mapping), shape, _lock: Some(lock) })
    }

    /// Makes a page that only this process sees.
    pub fn anonymous(
        counters: &[&str],
        histograms: &[&str],
    ) -> Result<CountersPage, CountersError> {
        let shape = checked(counters, histograms)?;
        let mapping = Mapping::anonymous(shape.words())
            .map_err(|source| CountersError::System { path: PathBuf::new(), source })?;
        describe(mapping.words(), shape, counters, histograms);
        Ok(CountersPage { mapping: Arc::new(mapping), shape, _lock: None })
    }

    /// A reader of this page for another thread.
    pub fn reader(&self) -> CountersReader {
        CountersReader::new(Arc::clone(&self.mapping), self.shape)
    }

    /// Adds `amount` to a counter, wrapping around; nothing where there is no such counter.
    #[inline]
    pub fn add(&mut self, counter: usize, amount: u64) {
        if let Some(word) = self.counter(counter) {
            bump(word, amount);
        }
    }

    /// Sets a counter; nothing where there is no such counter.
    #[inline]
    pub fn set(&mut self, counter: usize, value: u64) {
        if let Some(word) = self.counter(counter) {
            // Relaxed: each value stands for itself.
            word.store(value, Relaxed);
        }
    }

    /// The value of a counter; zero where there is no such counter.
    #[inline]
    pub fn value(&self, counter: usize) -> u64 {
        // Relaxed: this is the writer.
        self.counter(counter).map_or(0, |word| word.load(Relaxed))
    }

    /// Records a time in a histogram; nothing where there is no such histogram.
    #[inline]
    pub fn record(&mut self, histogram: usize, nanos: u64) {
        if histogram >= self.shape.histograms {
            return;
        }
        let at = self.shape.histogram(histogram);
        let Some(words) = self.mapping.words().get(at..at + HISTOGRAM) else { return };
        bump(&words[HISTOGRAM_HEADER + bucket(nanos)], 1);
        bump(&words[NAME_WORDS + 1], 1);
        bump(&words[NAME_WORDS + 2], nanos);
        // Relaxed, both: one writer, and each value stands for itself.
        if words[NAME_WORDS].load(Relaxed) < nanos {
            words[NAME_WORDS].store(nanos, Relaxed);
        }
    }

    #[inline]
    fn counter(&self, index: usize) -> Option<&AtomicU64> {
        if index >= self.shape.counters {
            return None;
        }
        self.mapping.words().get(self.shape.counter(index) + NAME_WORDS)
    }
}

impl CountersReader {
    /// Opens the page at `path`.
    pub fn open(path: &Path) -> Result<CountersReader, CountersError> {
        let failed = |source| CountersError::System { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes < (HEADER * 8) as u64 {
            return Err(CountersError::NotCounters(path.into()));
        }
        let header = Mapping::read_only(&file, HEADER).map_err(failed)?;
        let words = header.words();
        if words[0].load(Relaxed) != MAGIC {
            return Err(CountersError::NotCounters(path.into()));
        }
        // Pairs with the last store of `describe`. A fence, because the mapping is read-only.
        fence(Acquire);
        // Relaxed: the fence has made the header visible.
        let field = |index: usize| words[index].load(Relaxed);
        if field(1) != VERSION {
            return Err(CountersError::Version { path: path.into(), found: field(1) });
        }
        let fits = field(2) <= COUNTERS_MAX as u64
            && field(3) <= HISTOGRAMS_MAX as u64
            && field(4) == BUCKETS as u64;
        let shape = Shape { counters: field(2) as usize, histograms: field(3) as usize };
        if !fits || bytes != (shape.words() * 8) as u64 {
            return Err(CountersError::Damaged(path.into()));
        }
        let mapping = Mapping::read_only(&file, shape.words()).map_err(failed)?;
        Ok(CountersReader::new(Arc::new(mapping), shape))
    }

    fn new(mapping: Arc<Mapping>, shape: Shape) -> CountersReader {
        let name = |at: usize| name_at(mapping.words(), at);
        let counters = (0..shape.counters).map(|i| name(shape.counter(i))).collect();
        let histograms = (0..shape.histograms).map(|i| name(shape.histogram(i))).collect();
        CountersReader { mapping, shape, counters, histograms }
    }

    /// Every counter by name with its value, in the order of the page.
    pub fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        let words = self.mapping.words();
        self.counters.iter().enumerate().map(move |(i, name)| {
            // Relaxed: each value stands for itself.
            (name.as_str(), words[self.shape.counter(i) + NAME_WORDS].load(Relaxed))
        })
    }

    /// The value of the counter of that name.
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.counters().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Every histogram by name with what it says now, in the order of the page.
    pub fn histograms(&self) -> impl Iterator<Item = (&str, Latency)> {
        self.histograms.iter().enumerate().map(|(i, name)| {
            let at = self.shape.histogram(i);
            (name.as_str(), latency(&self.mapping.words()[at..at + HISTOGRAM]))
        })
    }

    /// What the histogram of that name says now.
    pub fn histogram(&self, name: &str) -> Option<Latency> {
        self.histograms().find(|(found, _)| *found == name).map(|(_, latency)| latency)
    }

    /// Each bucket of the histogram of that name in which something is: the largest value that
    /// falls into it, ns, and how many did since the beginning; rising. The last one, whose largest
    /// value is [`u64::MAX`], takes everything that is larger.
    pub fn buckets(&self, name: &str) -> impl Iterator<Item = (u64, u64)> {
        let at = self.histograms.iter().position(|found| found == name);
        let words = at.map_or(&[][..], |at| {
            let begin = self.shape.histogram(at) + HISTOGRAM_HEADER;
            &self.mapping.words()[begin..begin + BUCKETS]
        });
        words.iter().enumerate().filter_map(|(bucket, word)| {
            // Relaxed: each value stands for itself.
            let count = word.load(Relaxed);
            let upper = if bucket == BUCKETS - 1 { u64::MAX } else { upper(bucket) };
            (count > 0).then_some((upper, count))
        })
    }

    /// The sum of what the histogram of that name has recorded, ns, wrapping around.
    pub fn sum(&self, name: &str) -> u64 {
        let at = self.histograms.iter().position(|found| found == name);
        // Relaxed: it stands for itself.
        let sum =
            |at| self.mapping.words()[self.shape.histogram(at) + NAME_WORDS + 2].load(Relaxed);
        at.map_or(0, sum)
    }

    /// Process that wrote or writes the page.
    pub fn writer_pid(&self) -> u64 {
        // Relaxed: written before the page could be opened.
        self.mapping.words()[5].load(Relaxed)
    }
}

/// One writer, so a load and a store do: 1.5 ns against 2.5 ns for a locked addition.
#[inline]
fn bump(word: &AtomicU64, amount: u64) {
    // Relaxed, both: each value stands for itself.
    word.store(word.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// The bucket of a value: the value itself below 32, then 32 for every power of two.
#[inline]
fn bucket(value: u64) -> usize {
    let sub = 1 << SUB_BITS;
    if value < sub {
        return value as usize;
    }
    let shift = value.ilog2() - SUB_BITS;
    let index = ((shift as usize) << SUB_BITS) + (value >> shift) as usize;
    index.min(BUCKETS - 1)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let sub = 1 << SUB_BITS;
    if bucket < 2 * sub {
        return bucket as u64;
    }
    let shift = bucket / sub - 1;
    (((bucket % sub + sub + 1) as u64) << shift) - 1
}

fn latency(words: &[AtomicU64]) -> Latency {
    // Relaxed: the values need not be of one instant; quantiles are made from the buckets alone.
    let field = |i: usize| words[NAME_WORDS + i].load(Relaxed);
    let buckets: Vec<u64> =
        words[HISTOGRAM_HEADER..].iter().map(|word| word.load(Relaxed)).collect();
    let count = buckets.iter().fold(0, |sum: u64, &bucket| sum.saturating_add(bucket));
    let max = field(0);
    let quantile = |per_mille: u64| {
        // Rounded up, so that one value alone is every quantile.
        let wanted = (u128::from(count) * u128::from(per_mille)).div_ceil(1_000);
        let mut seen = 0;
        for (i, &bucket) in buckets.iter().enumerate() {
            seen += u128::from(bucket);
            if seen >= wanted {
                // The last bucket holds everything that is larger, too.
                return if i == BUCKETS - 1 { max } else { upper(i).min(max) };
            }
        }
        max
    };
    if count == 0 {
        return Latency::default();
    }
    Latency {
        count,
        mean: field(2) / field(1).max(1),
        p50: quantile(500),
        p90: quantile(900),
        p99: quantile(990),
        p999: quantile(999),
        max,
    }
}

fn checked(counters: &[&str], histograms: &[&str]) -> Result<Shape, CountersError> {
    if counters.len() > COUNTERS_MAX || histograms.len() > HISTOGRAMS_MAX {
        return Err(CountersError::TooMany);
    }
    let mut seen = HashSet::new();
    for &name in counters.iter().chain(histograms) {
        let good = !name.is_empty() && name.len() <= NAME_MAX && !name.contains('\0');
        if !good || !seen.insert(name) {
            return Err(CountersError::Name(name.to_owned()));
        }
    }
    Ok(Shape { counters: counters.len(), histograms: histograms.len() })
}

/// Writes names and header into zeroed words, the magic number last.
fn describe(words: &[AtomicU64], shape: Shape, counters: &[&str], histograms: &[&str]) {
    for (i, name) in counters.iter().enumerate() {
        write_name(words, shape.counter(i), name);
    }
    for (i, name) in histograms.iter().enumerate() {
        write_name(words, shape.histogram(i), name);
    }
    let header = [
        VERSION,
        shape.counters as u64,
        shape.histograms as u64,
        BUCKETS as u64,
        u64::from(std::process::id()),
    ];
    for (word, value) in words[1..].iter().zip(header) {
        // Relaxed: the magic number publishes everything.
        word.store(value, Relaxed);
    }
    // Pairs with the load of the magic number in `CountersReader::open`.
    words[0].store(MAGIC, Release);
}

fn write_name(words: &[AtomicU64], at: usize, name: &str) {
    for (word, bytes) in words[at..].iter().zip(name.as_bytes().chunks(8)) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        // Relaxed: the magic number publishes everything.
        word.store(u64::from_le_bytes(padded), Relaxed);
    }
}

/// Bytes that are not UTF-8, which only a foreign writer makes, become replacement characters.
fn name_at(words: &[AtomicU64], at: usize) -> String {
    let mut bytes = Vec::with_capacity(NAME_MAX);
    for word in &words[at..at + NAME_WORDS] {
        // Relaxed: the magic number has published it.
        bytes.extend_from_slice(&word.load(Relaxed).to_le_bytes());
    }
    let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(NAME_MAX);
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

impl fmt::Display for CountersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CountersError::TooMany => write!(
                f,
                "a page has at most {COUNTERS_MAX} counters and {HISTOGRAMS_MAX} histograms"
            ),
            CountersError::Name(name) => write!(
                f,
                "{name:?} cannot name a counter: it is empty, over {NAME_MAX} bytes, or there twice"
            ),
            CountersError::InUse(path) => {
                write!(f, "{}: another program writes these counters", path.display())
            }
            CountersError::NotCounters(path) => {
                write!(f, "{}: no page of counters, or not ready yet", path.display())
            }
            CountersError::Version { path, found } => {
                let path = path.display();
                write!(f, "{path}: counters of version {found}, this program has {VERSION}")
            }
            CountersError::Damaged(path) => {
                write!(f, "{}: the counters' header does not fit the file", path.display())
            }
            CountersError::System { path, source } => {
                write!(f, "{}: cannot open the counters: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for CountersError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CountersError::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
