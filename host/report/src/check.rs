//! Whether a journal is whole, and whether what was sent is what the venue knows.

use serde::Serialize;
use std::fmt;
use std::path::Path;
use tercel_control::recorder::reconcile::{Counts, Reconciliation, Reference};
use tercel_journal::{Chain, JournalError, Reader, Verified, verify};

/// Orders that are named; of more, the number is said.
const NAMED_MAX: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// Segments, where the journal is whole.
    pub segments: u64,
    /// Batches.
    pub batches: u64,
    /// Records.
    pub records: u64,
    /// Chain value at the end, hexadecimal: keep it elsewhere and give it to the next check.
    pub head: String,
    /// Records after the chain value that was given.
    pub records_after_head: Option<u64>,
    /// Bytes that a crash, or a batch being written right now, left at the end.
    pub torn_bytes: u64,
    /// Where the journal is not as it was written; then the rest is of what comes before.
    pub damage: Option<String>,
    /// The orders.
    pub orders: Reconciled,
}

/// What was sent against what the venue knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Orders with an intent that left.
    pub sent: u64,
    /// Of those, the venue has said something of.
    pub answered: u64,
    /// Of those sent, never orders at the venue: lost with the line, or in place of one that had
    /// ended by then.
    pub not_received: u64,
    /// Of those sent, nothing is known of.
    pub unanswered: u64,
    /// Known to the venue, without an intent in the journal.
    pub not_journaled: u64,
    /// Records of the tape's kinds that could not be read.
    pub unreadable: u64,
    /// Entries for which the tape had no room.
    pub lost: u64,
    /// The first of those unanswered: session and number.
    pub first_unanswered: Vec<(String, u32)>,
    /// The first of those not journaled: session and number.
    pub first_not_journaled: Vec<(String, u32)>,
}

impl Reconciled {
    /// The sums and the first orders of a reconciliation.
    pub fn of(of: &Reconciliation) -> Reconciled {
        let Counts { sent, answered, not_received, unanswered, not_journaled } = of.counts();
        Reconciled {
            sent,
            answered,
            not_received,
            unanswered,
            not_journaled,
            unreadable: of.unreadable,
            lost: of.lost,
            first_unanswered: of.unanswered().take(NAMED_MAX).map(named).collect(),
            first_not_journaled: of.not_journaled().take(NAMED_MAX).map(named).collect(),
        }
    }

    /// Every order sent is accounted for, and every order known was sent from here.
    pub fn is_reconciled(&self) -> bool {
        self.unanswered == 0 && self.not_journaled == 0 && self.unreadable == 0 && self.lost == 0
    }
}

fn named(order: Reference) -> (String, u32) {
    let session: String = String::from_utf8_lossy(&order.session).trim().into();
    let session = session.chars().filter(|c| !c.is_control()).collect();
    (session, order.user_ref)
}

/// Reads the journal twice: every byte for its integrity, then every record. `progress` is told
/// the bytes done and all bytes of the first reading.
///
/// # Errors
///
/// What the system says; damage is no error but what this looks for.
pub fn check(
    folder: &Path,
    head: Option<Chain>,
    progress: impl FnMut(u64, u64),
) -> Result<Checked, JournalError> {
    let mut checked = match verify(folder, head, progress) {
        Ok(verified) => whole(&verified),
        Err(JournalError::Damaged(damage)) => {
            Checked { damage: Some(damage.to_string()), ..Checked::default() }
        }
        Err(error) => return Err(error),
    };
    let mut reconciliation = Reconciliation::default();
    let mut records = 0;
    let reader = match Reader::open(folder) {
        Ok(reader) => Some(reader),
        Err(JournalError::Damaged(_)) => None,
        Err(error) => return Err(error),
    };
    for record in reader.into_iter().flatten() {
        match record {
            Ok(record) => {
                records += 1;
                reconciliation.apply(record.kind, &record.payload);
            }
            // What is damaged was said above; a batch may also have been altered since.
            Err(JournalError::Damaged(damage)) => {
                checked.damage.get_or_insert_with(|| damage.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    checked.records = records;
    checked.orders = Reconciled::of(&reconciliation);
    Ok(checked)
}

fn whole(verified: &Verified) -> Checked {
    Checked {
        segments: verified.segments,
        batches: verified.batches,
        head: verified.chain.to_string(),
        records_after_head: verified.records_after_expected,
        torn_bytes: verified.torn.as_ref().map_or(0, |torn| torn.bytes),
        ..Checked::default()
    }
}

impl Checked {
    /// Whole and reconciled.
    pub fn is_good(&self) -> bool {
        self.damage.is_none() && self.orders.is_reconciled()
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.damage {
            Some(damage) => {
                writeln!(f, "the journal is DAMAGED: {damage}")?;
                writeln!(f, "what follows is of the {} records before", self.records)?;
            }
            None => {
                let (segments, batches) = (self.segments, self.batches);
                writeln!(
                    f,
                    "the journal is whole: {} records in {batches} batches, {segments} segments",
                    self.records
                )?;
                writeln!(f, "chain value at its end: {}", self.head)?;
                match self.records_after_head {
                    Some(after) => writeln!(f, "{after} records after the value given")?,
                    None => writeln!(
                        f,
                        "keep that value on another machine and give it as --head next time: \
                         without it, batches taken from the end do not show"
                    )?,
                }
            }
        }
        if self.torn_bytes > 0 {
            let torn = self.torn_bytes;
            writeln!(
                f,
                "{torn} bytes of a batch that was not committed; the next start cuts them"
            )?;
        }
        write!(f, "{}", self.orders)
    }
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |orders: &[(String, u32)]| {
            let name = |(session, order): &(String, u32)| format!("{session}/{order}");
            orders.iter().take(10).map(name).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "orders sent                     {:>9}", self.sent)?;
        writeln!(f, "  answered by the venue         {:>9}", self.answered)?;
        writeln!(f, "  never orders at the venue     {:>9}", self.not_received)?;
        writeln!(f, "  unanswered                    {:>9}", self.unanswered)?;
        writeln!(f, "known to the venue, no intent   {:>9}", self.not_journaled)?;
        if self.unanswered > 0 {
            writeln!(f, "unanswered: {}", list(&self.first_unanswered))?;
            writeln!(
                f,
                "  -> start the host with this journal: its login replays the venue's session and \
                 settles them; if the session is over, ask the venue's support by these numbers"
            )?;
        }
        if self.not_journaled > 0 {
            writeln!(f, "no intent: {}", list(&self.first_not_journaled))?;
            writeln!(
                f,
                "  -> another program used this account, or records were taken away: stop trading, \
                 compare with the venue's drop copy, keep the folder as evidence"
            )?;
        }
        if self.unreadable > 0 {
            writeln!(
                f,
                "{} records cannot be read\n  -> read the journal with the release that wrote it",
                self.unreadable
            )?;
        }
        if self.lost > 0 {
            writeln!(
                f,
                "{} entries found no room on the tape\n  -> compare fills with the venue's drop \
                 copy; make the tape larger or let the engine pause instead",
                self.lost
            )?;
        }
        if self.is_reconciled() {
            writeln!(f, "everything sent is accounted for")?;
        }
        Ok(())
    }
}
