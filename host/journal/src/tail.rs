//! What stands after the last good batch of a segment: nothing, a torn write, or damage.
//!
//! A batch is one write at the end of what was committed before, into zeros. A process that is
//! killed, or a disk that is full, leaves the beginning of that write. A machine that loses power
//! leaves any of its sectors, and zeros in place of the others. Everything else was altered later:
//!
//! - a batch that begins later than the torn one: the one before it had been written whole;
//! - a batch whose commit record is there, and no sector missing from its bad record;
//! - a bad record that is there up to its CRC;
//! - a record's head that cannot be the beginning of the one that is due;
//! - bytes further away than a batch is long.
//!
//! What remains cannot be told apart: one byte in the zeros right after the last batch may be the
//! first byte of a torn write. It is reported as a torn tail, and nothing committed is lost with
//! it. Nor can a sector of zeros in the last batch: who zeroed it later also made a torn tail of
//! that batch, and only an expected chain value tells.

use crate::cursor::{Cursor, Fault};
use crate::damage::{Damage, DamageKind, TornTail};
use crate::error::JournalError;
use crate::format::{self, BATCH_BYTES_MAX, COMMIT_BYTES, CRC_BYTES, HEAD_BYTES, Head};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The smallest unit that a disk writes whole.
const SECTOR_BYTES: u64 = 512;
const PIECE_BYTES: u64 = 64 << 10;

/// What stands after the last good batch.
#[derive(Debug)]
pub(crate) enum Tail {
    /// Zeros to the end.
    Clean,
    /// A batch that was being written.
    Torn(TornTail),
    /// Neither.
    Altered(Damage),
}

/// Looks at everything after the cursor, where a step ended with zeros or with `fault`.
pub(crate) fn examine(cursor: &Cursor, fault: Option<Fault>) -> Result<Tail, JournalError> {
    judge(cursor, fault).map_err(|source| JournalError::io("read", &cursor.segment.path, source))
}

fn judge(cursor: &Cursor, fault: Option<Fault>) -> io::Result<Tail> {
    let segment = &cursor.segment;
    let from = cursor.offset;
    let end = end_of_bytes(&segment.file, from, segment.length)?;
    let torn = TornTail {
        file: segment.path.clone(),
        offset: from,
        bytes: end - from,
        records: fault.map_or(0, |fault| u64::from(fault.records)),
        short_bytes: segment.header.size.saturating_sub(segment.length),
    };
    let Some(mut fault) = fault.or((end > from).then_some(Fault {
        offset: from,
        sequence: cursor.sequence,
        records: 0,
        bytes: HEAD_BYTES,
        kind: DamageKind::Tail,
    })) else {
        return Ok(if torn.short_bytes == 0 { Tail::Clean } else { Tail::Torn(torn) });
    };
    if end - from <= BATCH_BYTES_MAX as u64 {
        // Longer by a commit record, so that the last one can be looked at with a CRC of zeros.
        let mut bytes = vec![0; (end - from) as usize + COMMIT_BYTES];
        let filled = (end - from) as usize;
        segment.file.read_exact_at(&mut bytes[..filled], from)?;
        if is_torn(&bytes, filled, from, &fault, cursor.sequence) {
            return Ok(Tail::Torn(torn));
        }
    }
    if fault.kind == DamageKind::Tail {
        fault.offset = first_of_bytes(&segment.file, from, end)?;
    }
    Ok(Tail::Altered(cursor.damage(&fault)))
}

/// Whether `bytes`, of which the first `filled` are in the file at `from`, can be what a crash left
/// of one batch.
fn is_torn(bytes: &[u8], filled: usize, from: u64, fault: &Fault, sequence: u64) -> bool {
    use DamageKind::{Crc, Head as BadHead, NoCommit, Tail};
    if !matches!(fault.kind, Crc | BadHead | NoCommit | Tail) {
        // Every CRC is right, so every byte had been written.
        return false;
    }
    let at = (fault.offset - from) as usize;
    let mut own_commit = false;
    for place in (at..filled).step_by(8) {
        let Some(commit) = commit_at(&bytes[place..], sequence) else { continue };
        own_commit = commit.bytes as usize == place && place + COMMIT_BYTES >= filled;
        if !own_commit {
            return false;
        }
    }
    let bad = at..at + fault.bytes;
    if has_missing_sector(&bytes[..filled], from, bad) {
        return true;
    }
    !own_commit && is_beginning(bytes.get(at..filled).unwrap_or_default(), fault.sequence)
}

/// A good commit record at the start of `bytes`, of a batch that begins no earlier than `sequence`.
fn commit_at(bytes: &[u8], sequence: u64) -> Option<format::Commit> {
    let record = bytes.get(..COMMIT_BYTES)?;
    let head = Head::decode(record)?;
    let is_commit = head.kind == format::KIND_COMMIT && head.sequence >= sequence;
    (is_commit && format::is_whole(record, &head)).then(|| format::commit(record, &head))
}

/// Whether a sector of the write reads as zeros and is one that `bad` reaches into. The first
/// sector may have the end of the batch before in it, which is not part of the write.
fn has_missing_sector(bytes: &[u8], from: u64, bad: std::ops::Range<usize>) -> bool {
    let mut start = 0;
    while start < bytes.len() {
        let end = ((from + start as u64 + 1).next_multiple_of(SECTOR_BYTES) - from) as usize;
        let end = end.min(bytes.len());
        let overlaps = start < bad.end && bad.start < end;
        if overlaps && bytes[start..end].iter().all(|byte| *byte == 0) {
            return true;
        }
        start = end;
    }
    false
}

/// Whether `bytes`, which end with the last that is not zero, can be the beginning of the record
/// that is due or of the commit record.
fn is_beginning(bytes: &[u8], sequence: u64) -> bool {
    const FIXED: usize = 6;
    let mut head = [0; HEAD_BYTES];
    let shown = bytes.len().min(HEAD_BYTES);
    head[..shown].copy_from_slice(&bytes[..shown]);
    let is_commit = head[4..FIXED] == format::KIND_COMMIT.to_le_bytes();
    let fixed = Head::fixed(sequence - u64::from(is_commit));
    let compared = shown.saturating_sub(FIXED).min(fixed.len());
    if head[FIXED..FIXED + compared] != fixed[..compared] {
        return false;
    }
    if bytes.len() < 8 {
        return true;
    }
    let Some(head) = Head::decode(&head) else { return false };
    let crc_at = head.record_bytes() - CRC_BYTES;
    let Some(crc) = bytes.get(crc_at..) else { return true };
    let mut record = bytes[..crc_at].to_vec();
    record.resize(head.record_bytes(), 0);
    format::crc_of(&record).to_le_bytes().starts_with(crc)
}

/// Where the last byte in `from..to` ends that is not zero; `from` when there is none.
fn end_of_bytes(file: &File, from: u64, to: u64) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES as usize];
    let mut end = to.max(from);
    while end > from {
        let start = end.saturating_sub(PIECE_BYTES).max(from);
        let bytes = &mut piece[..(end - start) as usize];
        file.read_exact_at(bytes, start)?;
        if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(from)
}

/// The first byte in `from..to` that is not zero; there is one.
fn first_of_bytes(file: &File, from: u64, to: u64) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES as usize];
    let mut start = from;
    while start < to {
        let end = (start + PIECE_BYTES).min(to);
        let bytes = &mut piece[..(end - start) as usize];
        file.read_exact_at(bytes, start)?;
        if let Some(first) = bytes.iter().position(|byte| *byte != 0) {
            return Ok(start + first as u64);
        }
        start = end;
    }
    Ok(from)
}
