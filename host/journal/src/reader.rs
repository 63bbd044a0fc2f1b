//! Reading a journal, also while it is written.

use crate::cursor::Cursor;
use crate::damage::{Damage, DamageKind, TornTail};
use crate::error::JournalError;
use crate::format::{HEAD_BYTES, Head};
use crate::scan::{self, Next};
use crate::segment::{self, Access, Segment};
use std::path::{Path, PathBuf};
use tercel_types::Nanos;

/// A record as it was appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its number in the journal, from 1.
    pub sequence: u64,
    /// Its stamp, ns since the Unix epoch.
    pub stamp: Nanos,
    /// What its payload is; only those who append know.
    pub kind: u16,
    /// Its content.
    pub payload: Vec<u8>,
}

/// The records of a journal in order, as an iterator.
///
/// It shows committed batches only. `None` is the present end: when the journal is being written,
/// later calls give what was committed since. After an error it gives nothing more. Of everything
/// shown the CRCs and the hash chain were checked, from the start of the segment in which reading
/// began.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    /// The first sequence to show.
    from: u64,
    cursor: Option<Cursor>,
    /// Bytes of the cursor's batch that were shown.
    shown: usize,
    torn: Option<TornTail>,
    has_failed: bool,
}

impl Reader {
    /// Reads from the first record. The folder must be there; the journal may be empty.
    ///
    /// # Errors
    ///
    /// As [`starting_at`](Reader::starting_at).
    pub fn open(folder: &Path) -> Result<Reader, JournalError> {
        Reader::starting_at(folder, 1)
    }

    /// Reads from the record `sequence`, which may yet have to be written. Only the segment that
    /// holds it is read up to there.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when the first segment is missing or the one needed has a bad
    /// header; else the system's.
    pub fn starting_at(folder: &Path, sequence: u64) -> Result<Reader, JournalError> {
        let mut reader = Reader {
            folder: folder.to_path_buf(),
            from: sequence.max(1),
            cursor: None,
            shown: 0,
            torn: None,
            has_failed: false,
        };
        reader.find_start()?;
        Ok(reader)
    }

    /// At the present end: what stands right behind the last committed batch, left by a crash or
    /// being written right now. Nothing in it was ever committed.
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Opens the segment to start with, when the journal has one yet.
    fn find_start(&mut self) -> Result<(), JournalError> {
        let firsts = segment::list(&self.folder)?;
        let at = firsts.partition_point(|first| *first <= self.from);
        let Some(first) = at.checked_sub(1).map(|at| firsts[at]) else {
            let Some(first) = firsts.first() else { return Ok(()) };
            let file = segment::path(&self.folder, *first);
            let kind = DamageKind::MissingSegment;
            return Err(Damage { file, offset: 0, sequence: 1, kind }.into());
        };
        let segment = Segment::open(&self.folder, first, Access::Read)?;
        if at == 1 {
            scan::check_link(None, &segment)?;
        }
        self.cursor = Some(Cursor::new(segment));
        Ok(())
    }

    /// Goes to the next batch; false when there is none yet.
    fn advance(&mut self) -> Result<bool, JournalError> {
        let mut has_later = false;
        self.torn = None;
        loop {
            let Some(cursor) = &mut self.cursor else {
                self.find_start()?;
                if self.cursor.is_none() {
                    return Ok(false);
                }
                continue;
            };
            // The next segment bears the sequence that is due here only when nothing follows here.
            let next = segment::path(&self.folder, cursor.sequence);
            let is_full = next != cursor.segment.path && next.exists();
            match scan::next(cursor, false)? {
                Next::Batch(_) => return Ok(true),
                Next::End | Next::Torn(..) if !is_full && has_later => {
                    let (file, sequence) = (next, cursor.sequence);
                    let kind = DamageKind::MissingSegment;
                    return Err(Damage { file, offset: 0, sequence, kind }.into());
                }
                end @ (Next::End | Next::Torn(..)) if !is_full => {
                    // Segments that are there already mean that this one was full before now: then
                    // a second look finds either more here or the segment that is due.
                    let first = cursor.segment.header.first_sequence;
                    has_later = segment::list(&self.folder)?.last() > Some(&first);
                    if !has_later {
                        if let Next::Torn(_, torn) = end {
                            self.torn = Some(torn);
                        }
                        return Ok(false);
                    }
                }
                Next::Torn(fault, torn) => {
                    return Err(scan::not_last(cursor, fault, torn).into());
                }
                Next::End => {
                    let segment = Segment::open(&self.folder, cursor.sequence, Access::Read)?;
                    scan::check_link(Some(cursor), &segment)?;
                    *cursor = Cursor::new(segment);
                    has_later = false;
                }
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(cursor) = &self.cursor {
                let mut records = Records { batch: cursor.batch(), at: self.shown };
                let record = records.find(|record| record.sequence >= self.from);
                self.shown = records.at;
                if let Some(record) = record {
                    return Some(Ok(record.to_record()));
                }
            }
            if self.has_failed {
                return None;
            }
            match self.advance() {
                Ok(true) => self.shown = 0,
                Ok(false) => return None,
                Err(error) => {
                    self.has_failed = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// The records of a batch whose every byte was checked.
pub(crate) struct Records<'a> {
    batch: &'a [u8],
    at: usize,
}

/// A record in a batch.
pub(crate) struct RecordRef<'a> {
    pub(crate) sequence: u64,
    pub(crate) stamp: Nanos,
    kind: u16,
    payload: &'a [u8],
}

impl<'a> Records<'a> {
    pub(crate) fn new(batch: &'a [u8]) -> Records<'a> {
        Records { batch, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordRef<'a>;

    fn next(&mut self) -> Option<RecordRef<'a>> {
        let bytes = self.batch.get(self.at..).filter(|bytes| bytes.len() >= HEAD_BYTES)?;
        let Head { length, kind, sequence, stamp } = Head::decode(bytes)?;
        let payload = bytes.get(HEAD_BYTES..HEAD_BYTES + length)?;
        self.at += crate::format::record_bytes(length);
        Some(RecordRef { sequence, stamp, kind, payload })
    }
}

impl RecordRef<'_> {
    fn to_record(&self) -> Record {
        let RecordRef { sequence, stamp, kind, payload } = *self;
        Record { sequence, stamp, kind, payload: payload.to_vec() }
    }
}
