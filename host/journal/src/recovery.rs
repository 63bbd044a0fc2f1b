//! Where a journal goes on after it was closed, killed or cut off from power.

use crate::chain::Chain;
use crate::cursor::Cursor;
use crate::damage::{Damage, DamageKind, TornTail};
use crate::error::JournalError;
use crate::scan;
use crate::segment::{self, Access, Segment};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What opening a journal found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// The sequence that the next record gets.
    pub next_sequence: u64,
    /// Chain value at the end.
    pub chain: Chain,
    /// What was cut off the end: a batch that had not been committed. Everything before is kept.
    pub cut: Option<TornTail>,
}

/// Goes to the end of the journal in `folder` and cuts a torn tail; nothing when the folder has no
/// journal. Looks at the header of each segment and at every byte of the last two: `verify` reads
/// the others.
pub(crate) fn recover(folder: &Path) -> Result<Option<(Cursor, Option<TornTail>)>, JournalError> {
    segment::remove_unfinished(folder)?;
    let firsts = segment::list(folder)?;
    let mut last: Option<Segment> = None;
    let mut before: Option<Segment> = None;
    for (index, first) in firsts.iter().enumerate() {
        let is_last = index + 1 == firsts.len();
        let access = if is_last { Access::Write } else { Access::Read };
        let segment = Segment::open(folder, *first, access)?;
        if segment.header.index != index as u64 {
            let kind = DamageKind::MissingSegment;
            return Err(Damage { file: segment.path, offset: 0, sequence: *first, kind }.into());
        }
        before = last.replace(segment);
    }
    let Some(last) = last else { return Ok(None) };
    let before = match before {
        Some(segment) => {
            let mut cursor = Cursor::new(segment);
            scan::to_end(&mut cursor, false, |_, _| ())?;
            Some(cursor)
        }
        None => None,
    };
    scan::check_link(before.as_ref(), &last)?;
    let mut cursor = Cursor::new(last);
    let torn = scan::to_end(&mut cursor, true, |_, _| ())?;
    if let Some(torn) = &torn {
        cut(&cursor.segment, torn)
            .map_err(|source| JournalError::io("cut the torn end of", &torn.file, source))?;
    }
    Ok(Some((cursor, torn)))
}

/// Overwrites a torn tail with zeros and gives the file its full size again. A crash meanwhile
/// leaves another torn tail, and space that is reserved stays so.
fn cut(segment: &Segment, torn: &TornTail) -> io::Result<()> {
    if torn.short_bytes > 0 {
        segment::reserve(&segment.file, segment.header.size)?;
    }
    overwrite(segment, torn.offset, torn.offset + torn.bytes)?;
    segment.file.sync_all()
}

/// Writes zeros into `from..to`, from the end, so that what a crash leaves is still the beginning
/// of a write.
pub(crate) fn overwrite(segment: &Segment, from: u64, to: u64) -> io::Result<()> {
    const PIECE_BYTES: u64 = 64 << 10;
    let zeros = [0; PIECE_BYTES as usize];
    let mut end = to;
    while end > from {
        let start = end.saturating_sub(PIECE_BYTES).max(from);
        segment.file.write_all_at(&zeros[..(end - start) as usize], start)?;
        end = start;
    }
    Ok(())
}
