//! The journal's side of the recorder: what waits to be written, batches, and their marks.

use crate::recorder::deeds::{Answer, Deed, DeedError};
use crate::recorder::{KIND_DEED, KIND_MARK};
use crate::view::JournalStatus;
use std::collections::VecDeque;
use std::path::Path;
use tercel_engine::tape::{self, Header, TapeError};
use tercel_journal::{Committed, Config, Journal, JournalError, Reader, TornTail};
use tercel_types::Nanos;

/// Bytes of a batch at most.
const BATCH_BYTES: usize = 1 << 20;
/// To how few bytes that is brought down.
const BATCH_BYTES_MIN: usize = 1 << 10;
/// What the journal adds to a record's content at most, and a mark.
const RECORD_OVERHEAD: usize = 40;
/// Records that no tape bounds and that may wait while the journal cannot be written.
const OTHERS_MAX: usize = 1_024;
/// Time between two attempts to open a journal that has stopped.
const REOPEN: Nanos = Nanos::from_millis(1_000);
/// Kind of [`tape::Depth`], which is not journaled.
const KIND_DEPTH: u16 = 13;

/// A record that waits.
struct Waiting {
    kind: u16,
    stamp: Nanos,
    payload: Vec<u8>,
    /// Where the tape goes on after it, for an entry of the tape.
    end: Option<u64>,
    answer: Option<Answer>,
}

/// A batch that was given to the journal, but whose commit has not succeeded yet.
#[derive(Clone, Copy, Default)]
struct Batch {
    /// Of the records that wait.
    records: usize,
    /// Number of the first in the journal.
    first: u64,
    mark: Option<u64>,
    /// The journal has all of it; what is missing is the commit.
    is_appended: bool,
}

/// What [`JournalWriter::recover`] has found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Recovered {
    /// Entries that were brought into the journal.
    pub entries: u64,
}

/// Why what is left of a tape could not be brought into the journal.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The tape.
    #[error("the tape of the run before cannot be read: {0}; move it away to start without it")]
    Tape(#[from] TapeError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The one writer of a host's journal.
pub struct JournalWriter {
    config: Config,
    /// `None` after it has stopped, until it is open again.
    journal: Option<Journal>,
    reopen_at: Nanos,
    queue: VecDeque<Waiting>,
    /// Of those, records that do not come from the tape.
    others: usize,
    batch: Batch,
    /// Bytes of a batch at most: less where the journal has room for less.
    bytes_max: usize,
    generation: u64,
    /// The place of the tape that the last mark has.
    marked: u64,
    last: u64,
    records: u64,
    head: String,
    trouble: String,
}

impl JournalWriter {
    /// Opens the journal, or makes it; also says what was cut off its end.
    pub fn open(
        config: Config,
        now: Nanos,
    ) -> Result<(JournalWriter, Option<TornTail>), JournalError> {
        let (journal, found) = Journal::open(config.clone(), now)?;
        // Half, so that whatever the journal adds fits too.
        let bytes_max = BATCH_BYTES.min(config.segment_bytes as usize / 2);
        let writer = JournalWriter {
            config,
            journal: Some(journal),
            reopen_at: Nanos(0),
            queue: VecDeque::new(),
            others: 0,
            batch: Batch::default(),
            bytes_max,
            generation: 0,
            marked: 0,
            last: found.next_sequence - 1,
            records: 0,
            head: found.chain.to_string(),
            trouble: String::new(),
        };
        Ok((writer, found.cut))
    }

    /// Brings into the journal what the tape at `path` holds from a run that ended before it was
    /// written down: each entry once, however often this is done. Comes before a new tape is made
    /// there.
    pub fn recover(&mut self, path: &Path, now: Nanos) -> Result<Recovered, RecoverError> {
        let mut recovered = Recovered::default();
        let Some(mut tape) = tape::remains(path)? else { return Ok(recovered) };
        if let Some((generation, end)) = self.last_mark()?
            && generation == tape.generation()
        {
            tape.skip_to(end);
        }
        self.generation = tape.generation();
        let mut content = Vec::new();
        while let Some(header) = tape.next(&mut content) {
            recovered.entries += u64::from(self.entry(&header, &content));
        }
        while !self.is_empty() {
            self.write(now)?;
        }
        if let Some(journal) = &mut self.journal {
            journal.sync(now)?;
        }
        tape.give_back();
        Ok(recovered)
    }

    /// How far which tape is written down. Every batch ends with a mark, so it is the last record,
    /// unless another program has appended to the journal.
    fn last_mark(&self) -> Result<Option<(u64, u64)>, JournalError> {
        let last = self.last.max(1);
        for from in [last, 1] {
            let mut found = None;
            for record in Reader::starting_at(&self.config.folder, from)? {
                let record = record?;
                if record.kind == KIND_MARK {
                    found = mark(&record.payload).or(found);
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// From now on entries are those of another tape.
    pub(crate) fn begin(&mut self, generation: u64) {
        (self.generation, self.marked) = (generation, 0);
    }

    /// Takes an entry of the tape; `false` if it is none to be kept.
    pub(crate) fn entry(&mut self, header: &Header, content: &[u64]) -> bool {
        let is_kept = header.kind != KIND_DEPTH;
        if is_kept {
            self.queue.push_back(Waiting {
                kind: header.kind,
                stamp: header.stamp,
                payload: content.iter().flat_map(|word| word.to_le_bytes()).collect(),
                end: Some(header.end),
                answer: None,
            });
        }
        is_kept
    }

    /// Takes a record of another kind; answers at once where too many wait.
    pub(crate) fn other(&mut self, kind: u16, stamp: Nanos, json: String, answer: Option<Answer>) {
        if self.others >= OTHERS_MAX {
            if let Some(answer) = answer {
                // Who asked may have gone.
                let _ = answer.send(Err(DeedError::Refused(self.trouble.clone())));
            }
            return;
        }
        self.others += 1;
        let payload = json.into_bytes();
        self.queue.push_back(Waiting { kind, stamp, payload, end: None, answer });
    }

    /// Everything that was taken is written down.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Records that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.queue.len() as u64
    }

    /// Writes one batch of what waits. After an error what waits is kept: call again.
    pub(crate) fn write(&mut self, now: Nanos) -> Result<(), JournalError> {
        let result = self.try_write(now);
        if let Err(error) = &result {
            if !matches!(error, JournalError::Stopped) {
                self.trouble = error.to_string();
            }
            if let JournalError::Full { .. } = error {
                // A segment of an earlier, smaller size is still in use.
                self.bytes_max = (self.bytes_max / 2).max(BATCH_BYTES_MIN);
            }
            if !error.is_retriable() && self.journal.is_some() {
                // What it says of its end is not certain any more: it is read again.
                self.journal = None;
                self.reopen_at = now + REOPEN;
            }
            for waiting in &mut self.queue {
                if let Some(answer) = waiting.answer.take() {
                    let _ = answer.send(Err(DeedError::Kept(self.trouble.clone())));
                }
            }
        } else {
            self.trouble.clear();
        }
        result
    }

    fn try_write(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.reopen(now)?;
        let Some(journal) = &mut self.journal else { return Err(JournalError::Stopped) };
        if !self.batch.is_appended && !self.queue.is_empty() {
            let so_far = (self.generation, self.marked);
            self.batch = fill(journal, self.bytes_max, &mut self.queue, so_far, now)?;
        }
        let committed = journal.commit(now)?;
        self.done(committed);
        Ok(())
    }

    /// Opens a journal that has stopped. A batch is there as a whole or not at all, so its first
    /// number tells whether the one under way is.
    fn reopen(&mut self, now: Nanos) -> Result<(), JournalError> {
        if self.journal.is_some() {
            return Ok(());
        }
        if now < self.reopen_at {
            return Err(JournalError::Stopped);
        }
        self.reopen_at = now + REOPEN;
        let (journal, found) = Journal::open(self.config.clone(), now)?;
        self.journal = Some(journal);
        let (sequence, chain) = (found.next_sequence - 1, found.chain);
        if self.batch.is_appended && found.next_sequence > self.batch.first {
            self.done(Committed { sequence, synced_sequence: sequence, records: 0, chain });
        }
        self.batch = Batch::default();
        Ok(())
    }

    /// The batch under way is committed.
    fn done(&mut self, committed: Committed) {
        let batch = std::mem::take(&mut self.batch);
        for (at, waiting) in self.queue.drain(..batch.records).enumerate() {
            self.others -= usize::from(waiting.end.is_none());
            if let Some(answer) = waiting.answer {
                let sequence = Some(batch.first + at as u64);
                // Who asked may have gone; it is written down all the same.
                let _ = answer.send(Ok(Deed { sequence }));
            }
        }
        self.marked = batch.mark.unwrap_or(self.marked);
        self.records += committed.sequence.saturating_sub(self.last);
        self.last = committed.sequence;
        self.head = committed.chain.to_string();
    }

    /// Waits until everything is on the disk.
    pub(crate) fn sync(&mut self, now: Nanos) -> Result<(), JournalError> {
        match &mut self.journal {
            Some(journal) => journal.sync(now),
            None => Err(JournalError::Stopped),
        }
    }

    /// How the journal is; what concerns the tape is left at zero.
    pub(crate) fn status(&self) -> JournalStatus {
        JournalStatus {
            records: self.records,
            sequence: self.last,
            head: self.head.clone(),
            trouble: self.trouble.clone(),
            ..JournalStatus::default()
        }
    }
}

/// Gives the journal as much of the queue as one batch takes, and the mark.
fn fill(
    journal: &mut Journal,
    bytes_max: usize,
    queue: &mut VecDeque<Waiting>,
    (generation, marked): (u64, u64),
    now: Nanos,
) -> Result<Batch, JournalError> {
    let mut batch = Batch::default();
    let (mut bytes, mut end) = (0, None);
    while let Some(waiting) = queue.get_mut(batch.records) {
        bytes += waiting.payload.len() + RECORD_OVERHEAD;
        if batch.records > 0 && bytes > bytes_max {
            break;
        }
        let sequence = match journal.append(waiting.kind, waiting.stamp, &waiting.payload) {
            Ok(sequence) => sequence,
            Err(error @ JournalError::TooLarge { .. }) => {
                // Only what is no entry can be that long, where segments are tiny.
                waiting.payload = format!("{{\"left_out\":\"{error}\"}}").into_bytes();
                if let Some(answer) = waiting.answer.take().filter(|_| waiting.kind == KIND_DEED) {
                    let _ = answer.send(Err(DeedError::Refused(error.to_string())));
                }
                journal.append(waiting.kind, waiting.stamp, &waiting.payload)?
            }
            Err(error) => return Err(error),
        };
        if batch.records == 0 {
            batch.first = sequence;
        }
        end = waiting.end.or(end);
        batch.records += 1;
    }
    batch.mark = end;
    journal.append(KIND_MARK, now, &mark_bytes(generation, end.unwrap_or(marked)))?;
    batch.is_appended = true;
    Ok(batch)
}

fn mark_bytes(generation: u64, end: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&generation.to_le_bytes());
    bytes[8..].copy_from_slice(&end.to_le_bytes());
    bytes
}

/// Generation of a tape and the place up to which it is written down.
fn mark(payload: &[u8]) -> Option<(u64, u64)> {
    let (generation, end) = payload.split_first_chunk::<8>()?;
    let end: &[u8; 8] = end.try_into().ok()?;
    Some((u64::from_le_bytes(*generation), u64::from_le_bytes(*end)))
}
