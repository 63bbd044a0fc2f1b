//! A stream of records by itself: each number once and in order, and a gap announced before it is
//! skipped.

use std::collections::BTreeMap;
use tercel_abi::{EventRecord, Kind, flag};

/// Follows a card that lets everything pass and whose feed has good messages only.
#[derive(Clone, Debug)]
pub struct Follower {
    /// The next new number.
    next: u64,
    /// What is missing of the last gap announced. After a RETRACT it may be that or the range taken
    /// back: the card keeps the former if the other line is still in the packet that opened it,
    /// which the records do not tell; the first fill does.
    holes: Vec<(u64, u64)>,
    /// The messages that stand, by number.
    standing: BTreeMap<u64, EventRecord>,
    /// Ranges that were announced as missing or void.
    announced: Vec<(u64, u64)>,
    /// The queue before the ring may have been full: what was dropped is announced in no order.
    drops: bool,
}

impl Follower {
    /// Begins with a number; `drops` where the queue before the ring may become full.
    pub fn new(next: u64, drops: bool) -> Follower {
        let (holes, standing) = (Vec::new(), BTreeMap::new());
        Follower { next, holes, standing, announced: Vec::new(), drops }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn take(&mut self, record: &EventRecord) -> Result<(), String> {
        let error = |what: &str| Err(format!("{what}: {record:?}, next {}", self.next));
        let (first, count) = (record.order_ref, record.quantity);
        match record.kind() {
            Some(Kind::GapOpen) => {
                if first != self.next && !self.drops {
                    return error("a gap that begins elsewhere");
                }
                self.holes = vec![(first, first + count)];
                self.next = self.next.max(first + count);
                self.announced.push((first, first + count));
            }
            Some(Kind::GapClosed) => {
                if self.drops {
                    return Ok(());
                }
                if !self.holes.contains(&(first, first)) {
                    return error("a gap is closed that is not filled");
                }
            }
            Some(Kind::Retract) => {
                for number in first..first + count {
                    self.standing.remove(&number);
                }
                self.announced.push((first, first + count));
                if record.second_ref < self.next {
                    self.announced.push((record.second_ref, self.next));
                    self.next = record.second_ref;
                    self.holes.clear();
                } else {
                    self.holes.push((first, first + count));
                }
            }
            Some(Kind::SessionEnd) => {}
            Some(kind) if kind as u8 >= 0x20 => return self.message(record),
            _ => return error("a card does not say that"),
        }
        Ok(())
    }

    fn message(&mut self, record: &EventRecord) -> Result<(), String> {
        let seq = record.seq;
        let error =
            |what: &str| Err(format!("{what}: {record:?}, next {}, {:?}", self.next, self.holes));
        let is_fill = record.flags & flag::RECOVERED != 0;
        if self.standing.contains_key(&seq) {
            return error("a number comes twice");
        }
        let fills = |hole: &(u64, u64)| hole.0 == seq && seq < hole.1;
        if self.drops {
            self.next = self.next.max(seq + 1);
        } else if seq == self.next && !is_fill {
            self.next += 1;
        } else if is_fill && self.holes.iter().any(fills) {
            self.holes.retain(fills);
            self.holes.iter_mut().for_each(|hole| hole.0 += 1);
        } else {
            return error("a number out of turn");
        }
        self.standing.insert(seq, *record);
        Ok(())
    }

    /// The messages that stand.
    pub fn standing(&self) -> &BTreeMap<u64, EventRecord> {
        &self.standing
    }

    /// The numbers up to `end` that neither stand nor were announced as missing or void.
    pub fn unexplained(&self, first: u64, end: u64) -> Vec<u64> {
        let is_announced = |number: u64| {
            self.announced.iter().any(|(first, end)| (*first..*end).contains(&number))
        };
        let unexplained =
            |number: &u64| !self.standing.contains_key(number) && !is_announced(*number);
        (first..end).filter(unexplained).collect()
    }
}
