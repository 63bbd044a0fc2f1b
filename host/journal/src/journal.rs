//! Writing a journal.

use crate::chain::Chain;
use crate::config::{Config, Sync};
use crate::cursor::Cursor;
use crate::error::JournalError;
use crate::format::{
    self, COMMIT_BYTES, CRC_BYTES, HEAD_BYTES, HEADER_BYTES, Header, KIND_COMMIT, PAYLOAD_BYTES_MAX,
};
use crate::lock::{self, Lock};
use crate::recovery::{self, Recovery};
use crate::segment::Segment;
use std::fs;
use std::os::unix::fs::FileExt;
use tercel_types::Nanos;

/// The one writer of a journal.
///
/// What is appended is buffered until [`commit`](Journal::commit); dropping the journal drops it.
#[derive(Debug)]
pub struct Journal {
    config: Config,
    segment: Segment,
    /// Where the next batch is written.
    end: u64,
    /// How far a commit that failed may have written.
    dirty_to: u64,
    /// Chain value of everything committed.
    chain: Chain,
    batch: Vec<u8>,
    batch_records: u32,
    /// The sequence of the next record.
    next_sequence: u64,
    /// The last record that is on the disk for certain; 0 before the first.
    synced_sequence: u64,
    synced_at: Nanos,
    has_stopped: bool,
    /// Held as long as the journal is open.
    _lock: Lock,
}

/// What a commit did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The last record committed, 0 when there is none. Readers see everything up to it, and it
    /// outlives this process.
    pub sequence: u64,
    /// The last record that is on the disk and outlives the machine.
    pub synced_sequence: u64,
    /// Records of this commit.
    pub records: u32,
    /// Chain value after it.
    pub chain: Chain,
}

impl Journal {
    /// Opens the journal in the configuration's folder for writing, and makes both where they are
    /// not there. A batch that had not been committed whole is cut. `now` is ns since the Unix
    /// epoch.
    ///
    /// # Errors
    ///
    /// [`JournalError::Locked`] when somebody writes it; [`JournalError::Damaged`] when anything
    /// but the end of the last write is not as it should be, in which case nothing is changed; a
    /// value of the configuration that is not allowed; and the system's.
    pub fn open(config: Config, now: Nanos) -> Result<(Journal, Recovery), JournalError> {
        config.check()?;
        fs::create_dir_all(&config.folder)
            .map_err(|source| JournalError::io("make", &config.folder, source))?;
        let lock = lock::lock(&config.folder)?;
        let (cursor, cut) = match recovery::recover(&config.folder)? {
            Some(found) => found,
            None => {
                let header = Header {
                    index: 0,
                    first_sequence: 1,
                    created: now,
                    size: config.segment_bytes,
                    previous: Chain::NONE,
                };
                (Cursor::new(Segment::create(&config.folder, header)?), None)
            }
        };
        // What a killed process committed is with the kernel, and from here on with the disk.
        cursor.segment.file.sync_all().map_err(|source| sync_failed(&cursor.segment, source))?;
        let Cursor { segment, offset, sequence, chain, .. } = cursor;
        let recovery = Recovery { next_sequence: sequence, chain, cut };
        let journal = Journal {
            config,
            segment,
            end: offset,
            dirty_to: offset,
            chain,
            batch: Vec::new(),
            batch_records: 0,
            next_sequence: sequence,
            synced_sequence: sequence - 1,
            synced_at: now,
            has_stopped: false,
            _lock: lock,
        };
        Ok((journal, recovery))
    }

    /// Buffers a record and gives the sequence it will have.
    ///
    /// # Errors
    ///
    /// [`JournalError::Full`] when the batch has no room for it: commit first. A payload that is
    /// too large, the reserved kind, and a journal that has stopped are refused. Nothing is changed
    /// then.
    pub fn append(&mut self, kind: u16, stamp: Nanos, payload: &[u8]) -> Result<u64, JournalError> {
        if self.has_stopped {
            return Err(JournalError::Stopped);
        }
        if kind == KIND_COMMIT {
            return Err(JournalError::ReservedKind);
        }
        let room = self.batch_bytes_max() - COMMIT_BYTES;
        let bytes_max = PAYLOAD_BYTES_MAX.min((room & !7) - HEAD_BYTES - CRC_BYTES);
        if payload.len() > bytes_max {
            return Err(JournalError::TooLarge { bytes: payload.len(), bytes_max });
        }
        if self.batch.len() + format::record_bytes(payload.len()) > room {
            return Err(JournalError::Full { bytes: self.batch.len() });
        }
        let sequence = self.next_sequence;
        format::put_record(&mut self.batch, kind, sequence, stamp, payload);
        self.batch_records += 1;
        self.next_sequence += 1;
        Ok(sequence)
    }

    /// Most bytes of a batch, so that it fits an empty segment: a new one, or the present one when
    /// it is empty, since two segments cannot begin with the same record.
    fn batch_bytes_max(&self) -> usize {
        let is_empty = self.end == HEADER_BYTES as u64;
        let size = if is_empty { self.segment.header.size } else { self.config.segment_bytes };
        format::batch_bytes_max(size)
    }

    /// Writes what was appended as one batch, with one write, and syncs as configured. Without
    /// anything appended it only syncs, when that is due. `now` is ns since the Unix epoch.
    ///
    /// # Errors
    ///
    /// Where [`JournalError::is_retriable`], the batch is kept and may be added to: commit again,
    /// and what was half written is overwritten. [`JournalError::SyncFailed`] says that the batch
    /// is written but perhaps not on the disk, and stops the journal.
    pub fn commit(&mut self, now: Nanos) -> Result<Committed, JournalError> {
        if self.has_stopped {
            return Err(JournalError::Stopped);
        }
        let records = self.batch_records;
        if records > 0 {
            if self.end + (self.batch.len() + COMMIT_BYTES) as u64 > self.segment.header.size {
                self.rotate(now)?;
            }
            self.write(now)?;
        }
        let is_due = match self.config.sync {
            Sync::Never => false,
            Sync::Every(time) => {
                u128::from(now.0.saturating_sub(self.synced_at.0)) >= time.as_nanos()
            }
            Sync::EachCommit => true,
        };
        if is_due {
            self.sync(now)?;
        }
        let (sequence, chain) = (self.committed_sequence(), self.chain);
        Ok(Committed { sequence, synced_sequence: self.synced_sequence, records, chain })
    }

    fn write(&mut self, now: Nanos) -> Result<(), JournalError> {
        let records = self.batch.len();
        let last = self.next_sequence - 1;
        let chain = format::put_commit(&mut self.batch, self.batch_records, last, now, self.chain);
        let end = self.end + self.batch.len() as u64;
        if let Err(source) = self.segment.file.write_all_at(&self.batch, self.end) {
            self.batch.truncate(records);
            self.dirty_to = self.dirty_to.max(end);
            return Err(JournalError::io("write", &self.segment.path, source));
        }
        self.end = end;
        self.dirty_to = end;
        self.chain = chain;
        self.batch.clear();
        self.batch_records = 0;
        Ok(())
    }

    /// Begins the next segment with the batch that is buffered. The present one is on the disk
    /// before, so that only the last segment of a journal can be torn.
    fn rotate(&mut self, now: Nanos) -> Result<(), JournalError> {
        recovery::overwrite(&self.segment, self.end, self.dirty_to)
            .map_err(|source| JournalError::io("write", &self.segment.path, source))?;
        self.dirty_to = self.end;
        self.sync(now)?;
        let header = Header {
            index: self.segment.header.index + 1,
            first_sequence: self.committed_sequence() + 1,
            created: now,
            size: self.config.segment_bytes,
            previous: self.chain,
        };
        let segment = Segment::create(&self.config.folder, header)
            .inspect_err(|error| self.has_stopped |= !error.is_retriable())?;
        let Cursor { segment, offset, chain, .. } = Cursor::new(segment);
        (self.segment, self.end, self.dirty_to, self.chain) = (segment, offset, offset, chain);
        Ok(())
    }

    /// Waits until everything committed is on the disk (fdatasync).
    ///
    /// # Errors
    ///
    /// [`JournalError::SyncFailed`] stops the journal: the kernel reports a lost write once and may
    /// then say that all is well, so only reading the disk again tells what is there.
    pub fn sync(&mut self, now: Nanos) -> Result<(), JournalError> {
        if self.has_stopped {
            return Err(JournalError::Stopped);
        }
        if self.synced_sequence < self.committed_sequence() {
            if let Err(source) = self.segment.file.sync_data() {
                self.has_stopped = true;
                return Err(sync_failed(&self.segment, source));
            }
            self.synced_sequence = self.committed_sequence();
        }
        self.synced_at = now;
        Ok(())
    }

    /// Commits, syncs whatever the configuration says, and gives the folder back.
    ///
    /// # Errors
    ///
    /// As [`commit`](Journal::commit), but what was not committed is gone: who wants to try again
    /// commits before.
    pub fn close(mut self, now: Nanos) -> Result<Committed, JournalError> {
        let committed = self.commit(now)?;
        self.sync(now)?;
        Ok(Committed { synced_sequence: self.synced_sequence, ..committed })
    }

    /// The sequence that the next record gets.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The last record committed; 0 before the first.
    pub fn committed_sequence(&self) -> u64 {
        self.next_sequence - 1 - u64::from(self.batch_records)
    }

    /// Bytes appended and not yet committed: at most [`BATCH_BYTES_MAX`](crate::BATCH_BYTES_MAX).
    pub fn buffered_bytes(&self) -> usize {
        self.batch.len()
    }

    /// Chain value of everything committed.
    pub fn chain(&self) -> Chain {
        self.chain
    }
}

fn sync_failed(segment: &Segment, source: std::io::Error) -> JournalError {
    JournalError::SyncFailed { path: segment.path.clone(), source }
}

#[cfg(test)]
#[path = "journal/tests.rs"]
mod tests;
