//! The side that writes.

use super::direct::DirectFile;
use super::{RecordConfig, RecordCounters, RecordError, Recorded, add};
use chrono::DateTime;
use rtrb::Consumer;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tercel_net::pcapng::blocks::{self, Statistics};
use tercel_types::{Clock, Nanos};

/// Wait for more frames; the ring holds many times what comes in it.
const WAIT: Duration = Duration::from_millis(1);
/// Most bytes taken from the ring between two looks at the clock.
const TAKE_MAX: usize = 4 << 20;
/// Room for the statistics at the end of a file.
const CLOSING: u64 = 1_024;

/// Writes what a [`super::Tap`] takes, until that is dropped.
pub struct Writer {
    config: RecordConfig,
    ring: Consumer<u8>,
    counters: Arc<RecordCounters>,
    file: Option<Open>,
    /// A block that lies around the end of the ring, put together.
    block: Vec<u8>,
    last: Option<PathBuf>,
    direct: bool,
    preallocated: bool,
    /// Frames in whole files.
    whole: u64,
    /// What the last file was named by: no two have one name.
    named: Nanos,
}

/// The file in progress.
struct Open {
    file: DirectFile,
    since: Nanos,
    frames: u64,
    first: Nanos,
    newest: Nanos,
    /// Bytes up to the end of the last block of which the system has taken everything, and the
    /// frames in them.
    safe: u64,
    safe_frames: u64,
}

impl Writer {
    pub(super) fn open(
        config: RecordConfig,
        ring: Consumer<u8>,
        counters: Arc<RecordCounters>,
        now: Nanos,
    ) -> Result<Writer, RecordError> {
        std::fs::create_dir_all(&config.folder).map_err(|source| {
            let path = config.folder.clone();
            RecordError::Open { path, source }
        })?;
        let mut writer = Writer {
            config,
            ring,
            counters,
            file: None,
            block: Vec::new(),
            last: None,
            direct: false,
            preallocated: false,
            whole: 0,
            named: Nanos(0),
        };
        writer.begin(now)?;
        Ok(writer)
    }

    /// Files go past the page cache.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// Writes until the tap is dropped and the ring is empty, or until writing fails.
    ///
    /// # Errors
    /// `Write` and `Open`, after which every file that is left is whole.
    pub fn run(mut self, clock: &impl Clock) -> Result<Recorded, RecordError> {
        loop {
            // Asked first: what was pushed before the tap went is seen after it.
            let ended = self.ring.is_abandoned();
            let waiting = self.ring.slots();
            let now = clock.now();
            if waiting > 0 {
                self.take(waiting.min(TAKE_MAX), now)?;
            } else if ended {
                break;
            } else {
                std::thread::sleep(WAIT);
            }
            let due = |open: &Open| now.since(open.since) >= self.config.rotate_after;
            if self.file.as_ref().is_some_and(|open| open.frames > 0 && due(open)) {
                self.end(now)?;
            }
        }
        self.end(clock.now())?;
        Ok(Recorded {
            report: self.counters.report(),
            direct: self.direct,
            preallocated: self.preallocated,
            last: self.last,
        })
    }

    /// Takes whole blocks of at most `most` bytes from the ring, or one.
    fn take(&mut self, most: usize, now: Nanos) -> Result<(), RecordError> {
        let mut taken = 0;
        loop {
            let mut head = [0; blocks::PACKET_HEADER];
            match self.ring.read_chunk(head.len()) {
                Ok(chunk) => copy(&chunk, &mut head),
                Err(_) => return Ok(()),
            }
            // The tap writes whole blocks only, with their length behind their type.
            let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            if taken > 0 && taken + len > most {
                return Ok(());
            }
            let Ok(chunk) = self.ring.read_chunk(len) else { return Ok(()) };
            self.block.resize(len, 0);
            copy(&chunk, &mut self.block);
            chunk.commit_all();
            taken += len;
            self.write(&head, now)?;
        }
    }

    /// Writes the block at hand.
    fn write(&mut self, head: &[u8; blocks::PACKET_HEADER], now: Nanos) -> Result<(), RecordError> {
        let word = |at: usize| {
            u64::from(u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]))
        };
        let stamp = Nanos(word(12) << 32 | word(16));
        let len = self.block.len() as u64;
        let full = |open: &Open| open.file.len() + len + CLOSING > self.config.rotate_bytes;
        if self.file.as_ref().is_some_and(|open| open.frames > 0 && full(open)) {
            self.end(now)?;
        }
        if self.file.is_none() {
            self.begin(now)?;
        }
        let Some(open) = &mut self.file else { return Ok(()) };
        let (start, flushed) = (open.file.len(), open.file.flushed());
        let appended = open.file.append(&self.block);
        if open.file.flushed() > flushed {
            (open.safe, open.safe_frames) = (start, open.frames);
        }
        if let Err(source) = appended {
            return Err(self.give_up(source));
        }
        open.frames += 1;
        open.first = if open.frames == 1 { stamp } else { open.first.min(stamp) };
        open.newest = open.newest.max(stamp);
        add(&self.counters.written, 1);
        add(&self.counters.bytes, len);
        Ok(())
    }

    /// Begins a file, named by the time.
    fn begin(&mut self, now: Nanos) -> Result<(), RecordError> {
        self.named = now.max(self.named + Nanos(1));
        let path = self.config.folder.join(name(self.named));
        let failed = |source| RecordError::Open { path: path.clone(), source };
        let mut file =
            DirectFile::create(path.clone(), self.config.rotate_bytes).map_err(failed)?;
        let mut head = Vec::new();
        blocks::section(&mut head, &self.config.application);
        for (name, line) in ["line-a", "line-b"].iter().zip(&self.config.lines) {
            blocks::interface(&mut head, name, &line.to_string());
        }
        file.append(&head).map_err(failed)?;
        self.direct = file.is_direct();
        add(&self.counters.files, 1);
        add(&self.counters.bytes, head.len() as u64);
        let (first, newest) = (Nanos(0), Nanos(0));
        let open = Open { file, since: now, frames: 0, first, newest, safe: 0, safe_frames: 0 };
        self.file = Some(open);
        Ok(())
    }

    /// Ends the file in progress with what was counted by now.
    fn end(&mut self, now: Nanos) -> Result<(), RecordError> {
        let Some(open) = &mut self.file else { return Ok(()) };
        let report = self.counters.report();
        let mut tail = Vec::new();
        for line in 0..2 {
            let counted = Statistics {
                start: open.first,
                end: open.newest,
                received: report.received[line],
                dropped: report.dropped[line],
                system_dropped: Some(report.system_dropped[line]),
                comment: "counted since the recording began".into(),
            };
            blocks::statistics(&mut tail, line as u32, now, &counted);
        }
        let (start, flushed) = (open.file.len(), open.file.flushed());
        let appended = open.file.append(&tail);
        if open.file.flushed() > flushed {
            (open.safe, open.safe_frames) = (start, open.frames);
        }
        if let Err(source) = appended {
            return Err(self.give_up(source));
        }
        add(&self.counters.bytes, tail.len() as u64);
        let Some(Open { file, frames, since, first, newest, safe, safe_frames }) = self.file.take()
        else {
            return Ok(());
        };
        (self.direct, self.preallocated) = (file.is_direct(), file.is_preallocated());
        match file.finish() {
            Ok(path) => {
                self.whole += frames;
                self.last = Some(path);
                Ok(())
            }
            Err((file, source)) => {
                let open = Open { file, frames, since, first, newest, safe, safe_frames };
                self.file = Some(open);
                Err(self.give_up(source))
            }
        }
    }

    /// Keeps of the file in progress what is whole.
    #[cold]
    fn give_up(&mut self, source: std::io::Error) -> RecordError {
        let Some(open) = self.file.take() else { return RecordError::Gone };
        let path = open.file.path().to_path_buf();
        if let Some(kept) = open.file.cut(open.safe) {
            self.whole += open.safe_frames;
            self.last = Some(kept);
        }
        // Relaxed: the thread's end is what publishes it.
        self.counters.written.store(self.whole, Ordering::Relaxed);
        RecordError::Write { path, written: self.whole, last: self.last.take(), source }
    }
}

fn copy(chunk: &rtrb::chunks::ReadChunk<'_, u8>, to: &mut [u8]) {
    let (first, second) = chunk.as_slices();
    let here = first.len().min(to.len());
    let (head, tail) = to.split_at_mut(here);
    head.copy_from_slice(&first[..here]);
    let there = tail.len();
    tail.copy_from_slice(&second[..there]);
}

/// `feed-YYYYMMDDTHHMMSS.nnnnnnnnnZ.pcapng`, so that names sort as the files were begun.
fn name(now: Nanos) -> PathBuf {
    let time = DateTime::from_timestamp_nanos(now.0.cast_signed());
    let name = format!("feed-{}Z.pcapng", time.format("%Y%m%dT%H%M%S%.9f"));
    Path::new(&name).to_path_buf()
}
