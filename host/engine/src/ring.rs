//! Records between processes: a broadcast ring in a shared file.
//!
//! One process decodes the feed and writes; any number of engines read, none of which can slow the
//! writer or another reader. A reader that falls behind by a whole ring is told so by an OVERRUN
//! record, goes on at the newest record, and has asked for a snapshot. The layout is that of
//! [`tercel_abi::ring`], the rule that of [`crate::broadcast`].
//!
//! Napkin numbers: 65,536 slots are 4 MiB and, at the 1 M messages a second of a busy open, 65 ms
//! of a reader that is not running. Put the file on a tmpfs (`/dev/shm`), so that no page is ever
//! written back to a disk.

use crate::broadcast::{Follower, Publisher, Shape, Step, Words};
use crate::shared::{Draft, Mapping};
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::fence;
use tercel_abi::{EventRecord, EventSource, Kind, LAYOUT_HASH, MAGIC, VERSION, ring};

/// Words of a record and of a slot.
const RECORD: usize = size_of::<EventRecord>() / 8;

/// Words of the header page.
const HEADER: usize = ring::HEADER_SIZE / 8;

/// Most slots a ring may have: 4 GiB of records.
pub const SLOTS_MAX: usize = 1 << 26;

// The words are stored as the host orders bytes, and the layouts are little-endian.
const _: () = assert!(cfg!(target_endian = "little"));

/// Where a reader begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At the oldest record that is there and not about to be overwritten: an eighth of a full ring
    /// is left as a margin.
    Oldest,
    /// At the record that is published next.
    Newest,
}

/// Why a ring could not be made or opened.
#[derive(Debug)]
pub enum RingError {
    /// The number of slots is no power of two from 2 to [`SLOTS_MAX`].
    Slots(usize),
    /// The clock's rate is zero.
    Rate,
    /// Another program writes the ring.
    InUse(PathBuf),
    /// The file is too short for a header, or its creator is not done.
    NotReady(PathBuf),
    /// The file is something else.
    Magic(PathBuf),
    /// Written by another version.
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Written by a build whose layouts differ.
    LayoutHash {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: u64,
    },
    /// The header contradicts itself or the length of the file.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which field of the header.
        field: &'static str,
        /// What it holds.
        found: u64,
    },
    /// The system refused.
    System {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

/// The writing end.
#[derive(Debug)]
pub struct RingWriter {
    publisher: Publisher<Shared, RECORD>,
    /// Holds the lock that keeps a second writer away; the system drops it with the process.
    _lock: File,
}

/// A reading end.
#[derive(Debug)]
pub struct RingReader {
    follower: Follower<Shared, RECORD>,
    ticks_per_second: u64,
    slots: u64,
    /// Records missed before the first poll, not told yet.
    missed: u64,
    report: RingReport,
}

/// What a reader has read and lost.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RingReport {
    /// Records handed out, those the reader made not counted.
    pub records: u64,
    /// Times the writer overtook this reader.
    pub overruns: u64,
    /// Records lost by it, and those missed before the reader began.
    pub lost: u64,
}

/// The mapping as the algorithm sees it.
#[derive(Debug)]
struct Shared(Mapping);

impl Words for Shared {
    #[inline]
    fn load(&self, index: usize, order: Ordering) -> u64 {
        self.0.words()[index].load(order)
    }

    #[inline]
    fn store(&self, index: usize, value: u64, order: Ordering) {
        self.0.words()[index].store(value, order);
    }

    #[inline]
    fn increment(&self, index: usize, order: Ordering) {
        self.0.words()[index].fetch_add(1, order);
    }

    #[inline]
    fn fence(order: Ordering) {
        fence(order);
    }
}

impl RingWriter {
    /// Makes a ring at `path`, in the place of one that no program writes any more. Its records are
    /// stamped by a clock of `ticks_per_second`.
    pub fn create(
        path: &Path,
        slots: usize,
        ticks_per_second: u64,
    ) -> Result<RingWriter, RingError> {
        if !slots.is_power_of_two() || !(2..=SLOTS_MAX).contains(&slots) {
            return Err(RingError::Slots(slots));
        }
        if ticks_per_second == 0 {
            return Err(RingError::Rate);
        }
        let failed = |what| {
            move |source: io::Error| match source.kind() {
                io::ErrorKind::WouldBlock => RingError::InUse(path.into()),
                _ => RingError::System { path: path.into(), what, source },
            }
        };
        let draft = Draft::new(path, HEADER + slots * RECORD).map_err(failed("create"))?;
        let words = draft.mapping.words();
        let header = [
            (ring::VERSION, VERSION),
            (ring::LAYOUT_HASH, LAYOUT_HASH),
            (ring::SLOTS, slots as u64),
            (ring::TICKS_PER_SECOND, ticks_per_second),
            (ring::WRITER_PID, u64::from(std::process::id())),
        ];
        for (offset, value) in header {
            // Relaxed: the magic number publishes them.
            words[offset / 8].store(value, Relaxed);
        }
        // Pairs with the first load of `RingReader::open`.
        words[ring::MAGIC / 8].store(MAGIC, Release);
        let (mapping, lock) = draft.publish(path).map_err(failed("publish"))?;
        let publisher = Publisher::new(Shared(mapping), shape(slots as u64));
        Ok(RingWriter { publisher, _lock: lock })
    }

    /// Publishes a record and returns its number; the record's own `seq` is ignored.
    #[inline]
    pub fn publish(&mut self, record: &EventRecord) -> u64 {
        self.publisher.publish(&zerocopy::transmute!(*record))
    }

    /// Number of the newest record, zero before the first.
    #[inline]
    pub fn head(&self) -> u64 {
        self.publisher.head()
    }

    /// Gives a sign of life: `clock` in ticks. Readers decide how long a silence may be.
    #[inline]
    pub fn beat(&mut self, clock: u64) {
        // Relaxed: nothing is published with it.
        self.publisher.words().store(ring::WRITER_CLOCK / 8, clock, Relaxed);
    }

    /// How many snapshots readers have asked for, ever.
    #[inline]
    pub fn snapshots_wanted(&self) -> u64 {
        self.publisher.snapshots_wanted()
    }

    /// Whether a reader has asked since the last time this said so. After a yes, publish one whole
    /// snapshot, from SNAPSHOT_BEGIN on: one that had begun before may have been missed in part.
    #[inline]
    pub fn take_snapshot_request(&mut self) -> bool {
        self.publisher.take_snapshot_request()
    }

    /// Ends the ring in good order. Dropping the writer without it leaves readers waiting for a
    /// sign of life, as a crash does.
    pub fn close(mut self) {
        self.publisher.close();
    }
}

impl RingReader {
    /// Opens the ring at `path`.
    ///
    /// A reader that has missed records by joining late is in the place of one that was overtaken:
    /// its first record is an OVERRUN, and it has asked for a snapshot.
    pub fn open(path: &Path, start: Start) -> Result<RingReader, RingError> {
        let failed = |what| move |source| RingError::System { path: path.into(), what, source };
        let mut options = OpenOptions::new();
        // For writing too, because a reader raises `snapshots_wanted`.
        let file = options.read(true).write(true).open(path).map_err(failed("open"))?;
        let bytes = file.metadata().map_err(failed("measure"))?.len();
        if bytes < ring::HEADER_SIZE as u64 {
            return Err(RingError::NotReady(path.into()));
        }
        let page = Mapping::of_file(&file, HEADER).map_err(failed("map"))?;
        let header = Header::read(path, &page, bytes)?;
        let words = HEADER + header.slots as usize * RECORD;
        let mapping = Mapping::of_file(&file, words).map_err(failed("map"))?;
        let mut follower = Follower::new(Shared(mapping), shape(header.slots), 1);
        let head = follower.head();
        let next = match start {
            Start::Newest => head.saturating_add(1),
            Start::Oldest if head < header.slots => 1,
            Start::Oldest => (head - header.slots).saturating_add(1 + header.slots / 8),
        };
        follower.seek(next);
        let (missed, report) = (next - 1, RingReport::default());
        let (slots, ticks_per_second) = (header.slots, header.ticks_per_second);
        let reader = RingReader { follower, ticks_per_second, slots, missed, report };
        if missed > 0 {
            reader.follower.want_snapshot();
        }
        Ok(reader)
    }

    /// Rate of the clock that stamped the records.
    pub fn ticks_per_second(&self) -> u64 {
        self.ticks_per_second
    }

    /// The writer's clock at its last sign of life, in ticks. One that stands still for longer than
    /// the writer's beat tells that the writer is gone: open the ring anew.
    pub fn writer_clock(&self) -> u64 {
        // Relaxed: as in `RingWriter::beat`.
        self.follower.words().load(ring::WRITER_CLOCK / 8, Relaxed)
    }

    /// Process that wrote or writes the ring.
    pub fn writer_pid(&self) -> u64 {
        // Relaxed: written before the ring could be opened.
        self.follower.words().load(ring::WRITER_PID / 8, Relaxed)
    }

    /// Slots of the ring.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// Records published and not read yet; more than [`RingReader::slots`] is an overrun to come.
    pub fn behind(&self) -> u64 {
        self.follower.head().saturating_sub(self.follower.next() - 1)
    }

    /// What has been read and lost.
    pub fn report(&self) -> RingReport {
        self.report
    }

    #[cold]
    fn overrun(&mut self, lost: u64) -> EventRecord {
        self.report.lost = self.report.lost.saturating_add(lost);
        EventRecord {
            quantity: lost,
            receive_time: self.writer_clock(),
            ..EventRecord::new(Kind::Overrun)
        }
    }
}

impl EventSource for RingReader {
    #[inline]
    fn poll(&mut self, max: usize, mut each: impl FnMut(&EventRecord)) -> usize {
        let mut given = 0;
        if self.missed > 0 && max > 0 {
            let missed = std::mem::take(&mut self.missed);
            each(&self.overrun(missed));
            given = 1;
        }
        while given < max {
            match self.follower.step() {
                Step::Waiting => break,
                Step::Record(words) => {
                    let record: EventRecord = zerocopy::transmute!(words);
                    self.report.records += 1;
                    each(&record);
                }
                Step::Lost(lost) => {
                    self.report.overruns += 1;
                    self.follower.want_snapshot();
                    each(&self.overrun(lost));
                }
            }
            given += 1;
        }
        given
    }

    fn request_snapshot(&mut self) {
        self.follower.want_snapshot();
    }

    fn is_closed(&self) -> bool {
        self.missed == 0 && self.follower.is_closed()
    }
}

/// What a reader keeps of a header it has checked.
struct Header {
    slots: u64,
    ticks_per_second: u64,
}

impl Header {
    fn read(path: &Path, page: &Mapping, bytes: u64) -> Result<Header, RingError> {
        let words = page.words();
        // Pairs with the store of the magic number in `RingWriter::create`.
        match words[ring::MAGIC / 8].load(Acquire) {
            MAGIC => {}
            0 => return Err(RingError::NotReady(path.into())),
            _ => return Err(RingError::Magic(path.into())),
        }
        // Relaxed: the acquire load above has made them visible.
        let field = |offset: usize| words[offset / 8].load(Relaxed);
        let found = field(ring::VERSION);
        if found != VERSION {
            return Err(RingError::Version { path: path.into(), found });
        }
        let found = field(ring::LAYOUT_HASH);
        if found != LAYOUT_HASH {
            return Err(RingError::LayoutHash { path: path.into(), found });
        }
        let damaged = |field, found| RingError::Damaged { path: path.into(), field, found };
        let slots = field(ring::SLOTS);
        if !slots.is_power_of_two() || slots < 2 || slots > SLOTS_MAX as u64 {
            return Err(damaged("slots", slots));
        }
        if bytes != ring::HEADER_SIZE as u64 + slots * (RECORD * 8) as u64 {
            return Err(damaged("slots", slots));
        }
        let ticks_per_second = field(ring::TICKS_PER_SECOND);
        if ticks_per_second == 0 {
            return Err(damaged("ticks_per_second", 0));
        }
        Ok(Header { slots, ticks_per_second })
    }
}

fn shape(slots: u64) -> Shape {
    Shape {
        head: ring::HEAD / 8,
        closed: ring::CLOSED / 8,
        snapshots_wanted: ring::SNAPSHOTS_WANTED / 8,
        slots_at: HEADER,
        slots,
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RingError::Slots(slots) => {
                write!(f, "a ring has a power of two of slots from 2 to {SLOTS_MAX}, not {slots}")
            }
            RingError::Rate => f.write_str("a ring's clock has at least one tick a second"),
            RingError::InUse(path) => {
                write!(f, "{}: another program writes this ring; stop it first", path.display())
            }
            RingError::NotReady(path) => {
                write!(f, "{}: not a ring, or not ready yet", path.display())
            }
            RingError::Magic(path) => write!(f, "{}: not a ring", path.display()),
            RingError::Version { path, found } => {
                let path = path.display();
                write!(f, "{path}: layout version {found}, this program has {VERSION}")
            }
            RingError::LayoutHash { path, found } => {
                let path = path.display();
                write!(f, "{path}: layout {found:#018x}, this program has {LAYOUT_HASH:#018x}; ")?;
                f.write_str("writer and reader must come from one build")
            }
            RingError::Damaged { path, field, found } => {
                let path = path.display();
                write!(f, "{path}: damaged ring, {field} = {found} does not fit the file")
            }
            RingError::System { path, what, source } => {
                write!(f, "{}: cannot {what} the ring: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for RingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RingError::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
