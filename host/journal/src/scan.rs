//! Whole segments, and how one follows the other.

use crate::chain::Chain;
use crate::cursor::{Cursor, Fault, Step};
use crate::damage::{Damage, DamageKind, TornTail};
use crate::error::JournalError;
use crate::format::{Commit, Header};
use crate::segment::Segment;
use crate::tail::{self, Tail};
use std::thread;

/// How often a place that looks altered is looked at: a batch that is read while it is written may
/// look so, but is either the beginning of a write or whole when it is read again.
const ATTEMPTS: u32 = 3;

/// What comes next in a segment, when the faults were told from torn writes.
#[derive(Debug)]
pub(crate) enum Next {
    /// A good batch.
    Batch(Commit),
    /// Zeros to the end.
    End,
    /// A torn write.
    Torn(Option<Fault>, TornTail),
}

/// Goes to the next batch. What stands far after the last one is only looked at when `is_thorough`,
/// which reads the whole rest of the segment.
pub(crate) fn next(cursor: &mut Cursor, is_thorough: bool) -> Result<Next, JournalError> {
    let mut attempt = 0;
    loop {
        let fault = match cursor.step()? {
            Step::Batch(commit) => return Ok(Next::Batch(commit)),
            Step::End if !is_thorough => return Ok(Next::End),
            Step::End => None,
            Step::Fault(fault) => Some(fault),
        };
        attempt += 1;
        match tail::examine(cursor, fault)? {
            Tail::Clean => return Ok(Next::End),
            Tail::Torn(torn) => return Ok(Next::Torn(fault, torn)),
            Tail::Altered(damage) if attempt == ATTEMPTS => return Err(damage.into()),
            Tail::Altered(_) => thread::yield_now(),
        }
    }
}

/// Goes through the segment to its end, with `each` after each batch. Only the last segment of a
/// journal may have a torn tail.
pub(crate) fn to_end(
    cursor: &mut Cursor,
    is_last: bool,
    mut each: impl FnMut(&Cursor, &Commit),
) -> Result<Option<TornTail>, JournalError> {
    loop {
        match next(cursor, true)? {
            Next::Batch(commit) => each(cursor, &commit),
            Next::End => return Ok(None),
            Next::Torn(_, torn) if is_last => return Ok(Some(torn)),
            Next::Torn(fault, torn) => return Err(not_last(cursor, fault, torn).into()),
        }
    }
}

/// A torn tail where no crash can have left it.
pub(crate) fn not_last(cursor: &Cursor, fault: Option<Fault>, torn: TornTail) -> Damage {
    let expected = cursor.segment.header.size;
    let short = DamageKind::Length { found: expected - torn.short_bytes, expected };
    Damage {
        file: torn.file,
        offset: fault.map_or(torn.offset, |fault| fault.offset),
        sequence: fault.map_or(cursor.sequence, |fault| fault.sequence),
        kind: match fault {
            _ if torn.short_bytes > 0 => short,
            Some(fault) => fault.kind,
            None => DamageKind::Tail,
        },
    }
}

/// Whether `segment` is the next after one that was gone through, or the first of a journal.
pub(crate) fn check_link(previous: Option<&Cursor>, segment: &Segment) -> Result<(), JournalError> {
    let (index, sequence, chain) = match previous {
        Some(cursor) => (cursor.segment.header.index + 1, cursor.sequence, cursor.chain),
        None => (0, 1, Chain::NONE),
    };
    let Header { index: found, first_sequence, previous, .. } = segment.header;
    let kind = if found != index {
        DamageKind::MissingSegment
    } else if first_sequence != sequence {
        DamageKind::Name
    } else if previous != chain {
        DamageKind::Chain
    } else {
        return Ok(());
    };
    Err(Damage { file: segment.path.clone(), offset: 0, sequence, kind }.into())
}
