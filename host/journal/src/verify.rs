//! Whether a journal is whole.

use crate::chain::Chain;
use crate::cursor::Cursor;
use crate::damage::{Damage, DamageKind, TornTail};
use crate::error::JournalError;
use crate::reader::Records;
use crate::scan;
use crate::segment::{self, Access, Segment};
use std::path::Path;
use tercel_types::Nanos;

/// What [`verify`] found in a journal without damage.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Verified {
    /// Segments.
    pub segments: u64,
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// The first record, where there is one.
    pub first: Option<RecordAt>,
    /// The last record, where there is one.
    pub last: Option<RecordAt>,
    /// Chain value at the end: keep it elsewhere, and the next `verify` can tell whether anything
    /// up to here was altered or taken away.
    pub chain: Chain,
    /// Records after the chain value that was expected, where one was given.
    pub records_after_expected: Option<u64>,
    /// What a crash left, or a batch that is being written right now.
    pub torn: Option<TornTail>,
}

/// Which record, and when it was stamped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordAt {
    /// Its sequence.
    pub sequence: u64,
    /// Its stamp, ns since the Unix epoch.
    pub stamp: Nanos,
}

/// Reads every byte of the journal in `folder`. It may be written meanwhile.
///
/// `expected` is a chain value that the journal had at the end of a batch; one that is found
/// nowhere is damage. Without it batches that are missing at the end cannot be told from batches
/// that never were. `progress` is called with the bytes done and all bytes, after each MiB or so.
///
/// # Errors
///
/// [`JournalError::Damaged`] names the first place where the journal is not as it was written;
/// anything else is the system's.
pub fn verify(
    folder: &Path,
    expected: Option<Chain>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, JournalError> {
    const PROGRESS_BYTES: u64 = 1 << 20;
    let firsts = segment::list(folder)?;
    let mut sizes = Vec::with_capacity(firsts.len());
    for first in &firsts {
        sizes.push(Segment::open(folder, *first, Access::Read)?.header.size);
    }
    let bytes_total = sizes.iter().sum();
    let mut found = Verified { segments: firsts.len() as u64, ..Verified::default() };
    let mut previous: Option<Cursor> = None;
    let mut bytes_before = 0;
    let mut bytes_shown = 0;
    for (index, (first, size)) in firsts.iter().zip(&sizes).enumerate() {
        let segment = Segment::open(folder, *first, Access::Read)?;
        scan::check_link(previous.as_ref(), &segment)?;
        let mut cursor = Cursor::new(segment);
        found.expect(expected, cursor.chain, 0);
        let is_last = index + 1 == firsts.len();
        found.torn = scan::to_end(&mut cursor, is_last, |cursor, commit| {
            found.count(cursor.batch());
            found.expect(expected, cursor.chain, u64::from(commit.records));
            let done = bytes_before + cursor.offset;
            if done >= bytes_shown + PROGRESS_BYTES {
                bytes_shown = done;
                progress(done, bytes_total);
            }
        })?;
        bytes_before += size;
        found.chain = cursor.chain;
        previous = Some(cursor);
    }
    progress(bytes_total, bytes_total);
    match expected {
        Some(chain) if found.records_after_expected.is_none() => {
            let last = previous.as_ref();
            let file = last.map_or(folder.to_path_buf(), |last| last.segment.path.clone());
            let (offset, sequence) = last.map_or((0, 1), |last| (last.offset, last.sequence));
            Err(Damage { file, offset, sequence, kind: DamageKind::HeadNotFound(chain) }.into())
        }
        _ => Ok(found),
    }
}

impl Verified {
    fn count(&mut self, batch: &[u8]) {
        self.batches += 1;
        for record in Records::new(batch) {
            let at = RecordAt { sequence: record.sequence, stamp: record.stamp };
            self.records += 1;
            self.first.get_or_insert(at);
            self.last = Some(at);
        }
    }

    /// Counts the records since the expected chain value.
    fn expect(&mut self, expected: Option<Chain>, chain: Chain, records: u64) {
        match &mut self.records_after_expected {
            Some(after) => *after += records,
            None if expected == Some(chain) => self.records_after_expected = Some(0),
            None => {}
        }
    }
}
