//! Batch after batch of one segment: the one way in which the journal, readers and `verify` read.
//!
//! A batch is read whole before anything of it is believed, so at most
//! [`BATCH_BYTES_MAX`](crate::BATCH_BYTES_MAX) and one piece of reading are in memory, whatever the
//! file says.

use crate::chain::Chain;
use crate::damage::{Damage, DamageKind};
use crate::error::JournalError;
use crate::format::{self, COMMIT_BYTES, Commit, HEAD_BYTES, HEADER_BYTES, Head, KIND_COMMIT};
use crate::segment::Segment;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes read at once.
const PIECE_BYTES: usize = 64 << 10;

/// A place in a segment, always between two batches.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) segment: Segment,
    /// Where the last good batch ends in the file.
    pub(crate) offset: u64,
    /// The sequence of the record that comes next.
    pub(crate) sequence: u64,
    /// The chain value after the last good batch.
    pub(crate) chain: Chain,
    /// Bytes of the file; `window[start]` is at `offset`.
    window: Vec<u8>,
    start: usize,
    /// The records of the last good batch in the window.
    batch: Range<usize>,
}

/// What comes next in a segment.
#[derive(Debug)]
pub(crate) enum Step {
    /// A good batch; [`Cursor::batch`] has its records.
    Batch(Commit),
    /// Zeros.
    End,
    /// Something else.
    Fault(Fault),
}

/// The first thing in a batch that is not as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) offset: u64,
    pub(crate) sequence: u64,
    /// Good records of the batch before it.
    pub(crate) records: u32,
    /// How many bytes it has as far as can be told.
    pub(crate) bytes: usize,
    pub(crate) kind: DamageKind,
}

impl Cursor {
    /// The place before the first batch.
    pub(crate) fn new(segment: Segment) -> Cursor {
        Cursor {
            offset: HEADER_BYTES as u64,
            sequence: segment.header.first_sequence,
            chain: Chain::of_header(&segment.header.encode()),
            segment,
            window: Vec::new(),
            start: 0,
            batch: 0..0,
        }
    }

    /// The records of the batch that the last step gave.
    pub(crate) fn batch(&self) -> &[u8] {
        &self.window[self.batch.clone()]
    }

    /// Bytes from the end of the last batch to the end of the segment.
    fn room(&self) -> usize {
        self.segment.header.size.saturating_sub(self.offset) as usize
    }

    /// Reads the next batch. Where there is none, what was read is forgotten: the next call looks
    /// at the file again.
    pub(crate) fn step(&mut self) -> Result<Step, JournalError> {
        let step = self.read();
        if !matches!(step, Ok(Step::Batch(_))) {
            self.window.clear();
            self.start = 0;
            self.batch = 0..0;
        }
        step.map_err(|source| JournalError::io("read", &self.segment.path, source))
    }

    fn read(&mut self) -> io::Result<Step> {
        let bytes_max = format::batch_bytes_max(self.segment.header.size).min(self.room());
        let (mut at, mut records) = (0, 0);
        loop {
            let place = Fault {
                offset: self.offset + at as u64,
                sequence: self.sequence + u64::from(records),
                records,
                bytes: HEAD_BYTES,
                kind: DamageKind::Head,
            };
            let fault = move |bytes, kind| Ok(Step::Fault(Fault { bytes, kind, ..place }));
            let no_commit = || fault(HEAD_BYTES, DamageKind::NoCommit);
            if bytes_max < at + HEAD_BYTES {
                return if at == 0 { Ok(Step::End) } else { no_commit() };
            }
            self.fill(at + HEAD_BYTES)?;
            let bytes = &self.window[self.start + at..];
            if bytes[..HEAD_BYTES].iter().all(|byte| *byte == 0) {
                return if at == 0 { Ok(Step::End) } else { no_commit() };
            }
            let Some(head) = Head::decode(bytes) else { return Ok(Step::Fault(place)) };
            let is_commit = head.kind == KIND_COMMIT;
            let expected = place.sequence - u64::from(is_commit);
            let bytes = head.record_bytes();
            let closing = if is_commit { 0 } else { COMMIT_BYTES };
            let fits = at + bytes + closing <= bytes_max;
            if expected != head.sequence || !fits || (is_commit && records == 0) {
                return Ok(Step::Fault(place));
            }
            self.fill(at + bytes)?;
            let record = &self.window[self.start + at..self.start + at + bytes];
            if !format::is_whole(record, &head) {
                return fault(bytes, DamageKind::Crc);
            }
            if !is_commit {
                at += bytes;
                records += 1;
                continue;
            }
            let commit = format::commit(record, &head);
            if (commit.records, commit.bytes as usize) != (records, at) {
                return fault(bytes, DamageKind::Count);
            }
            let batch = &self.window[self.start..self.start + at];
            if commit.chain != format::chain_after(self.chain, batch, record) {
                return fault(bytes, DamageKind::Chain);
            }
            self.batch = self.start..self.start + at;
            self.start += at + bytes;
            self.offset += (at + bytes) as u64;
            self.sequence += u64::from(records);
            self.chain = commit.chain;
            return Ok(Step::Batch(commit));
        }
    }

    /// Reads on until there are `bytes` after the last batch; where the file is too short it reads
    /// as zeros. There is room for them.
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        if self.window.len() >= self.start + bytes {
            return Ok(());
        }
        self.window.drain(..self.start);
        self.start = 0;
        self.batch = 0..0;
        let mut at = self.window.len();
        self.window.resize(bytes.max(at + PIECE_BYTES).min(self.room()), 0);
        while at < self.window.len() {
            let read = read_at(&self.segment.file, &mut self.window[at..], self.offset, at)?;
            if read == 0 {
                break;
            }
            at += read;
        }
        Ok(())
    }

    /// The damage at a fault.
    pub(crate) fn damage(&self, fault: &Fault) -> Damage {
        let Fault { offset, sequence, kind, .. } = *fault;
        Damage { file: self.segment.path.clone(), offset, sequence, kind }
    }
}

fn read_at(file: &std::fs::File, into: &mut [u8], offset: u64, at: usize) -> io::Result<usize> {
    loop {
        match file.read_at(into, offset + at as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
