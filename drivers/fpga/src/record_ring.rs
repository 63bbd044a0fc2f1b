//! The host's end of the ring of records.
//!
//! The host looks at the slot that comes next, and nowhere else. Its first word says by the lap
//! whether the card has written it, its last by the record's number whether all of it is there:
//! the card writes a line at once, and a bus that did not would be noticed. The host tells the card
//! through TAIL how far it is; as long as it does not the card cannot overwrite anything.

use crate::backend::{Bar, DmaMemory};
use crate::fault::CardFault;
use crate::stamp::Stamps;
use std::sync::atomic::{AtomicU64, Ordering};
use tercel_abi::EventRecord;
use tercel_abi::device::register;

/// Words of a record.
pub(crate) const RECORD: usize = size_of::<EventRecord>() / 8;

/// Bits of the first and the last word that are the record's own.
const BITS: u32 = 48;
const MASK: u64 = (1 << BITS) - 1;

/// Polls after which a record that is still half written is a fault. A line that is on its way is
/// whole within a microsecond; a poll takes a hundredth of one.
const POLLS_MAX: u32 = 1_000;

/// Slots from which on the same slot has the same lower half of the number in each lap.
const SLOTS_ALIKE: u64 = 1 << 16;

/// Where the host stands in the ring.
#[derive(Debug)]
pub(crate) struct RecordRing<M> {
    memory: M,
    slots_log2: u32,
    /// Number of the record that is awaited.
    next: u64,
    /// How many records the card knows to be taken.
    told: u64,
    /// Polls that found the record awaited half written.
    torn: u32,
}

impl<M: DmaMemory> RecordRing<M> {
    /// A ring of 2^`slots_log2` slots in `memory`, which is as long, cleared.
    pub(crate) fn new(memory: M, slots_log2: u32) -> RecordRing<M> {
        for word in memory.words() {
            // Relaxed: CONTROL is written afterwards, and publishes it.
            word.store(0, Ordering::Relaxed);
        }
        RecordRing { memory, slots_log2, next: 1, told: 0, torn: 0 }
    }

    /// Gives the memory back.
    pub(crate) fn into_memory(self) -> M {
        self.memory
    }

    /// Where the card sees it.
    pub(crate) fn bus_address(&self) -> u64 {
        self.memory.bus_address()
    }

    pub(crate) fn slots_log2(&self) -> u32 {
        self.slots_log2
    }

    /// Records taken since the start.
    pub(crate) fn taken(&self) -> u64 {
        self.next - 1
    }

    /// Hands at most `max` records to `each`, and returns how many.
    #[inline]
    pub(crate) fn poll<B: Bar>(
        &mut self,
        bar: &B,
        stamps: &Stamps,
        max: usize,
        mut each: impl FnMut(&EventRecord),
    ) -> Result<usize, CardFault> {
        let mut given = 0;
        let waits = loop {
            if given == max {
                break false;
            }
            match self.step(stamps)? {
                None => break true,
                Some(record) => each(&record),
            }
            given += 1;
            if self.taken() - self.told >= 1 << (self.slots_log2 - 3) {
                self.tell(bar);
            }
        };
        if waits && self.taken() != self.told {
            self.tell(bar);
        }
        Ok(given)
    }

    /// The record that is awaited, if it is there.
    #[inline]
    fn step(&mut self, stamps: &Stamps) -> Result<Option<EventRecord>, CardFault> {
        let index = self.next - 1;
        let slots = 1 << self.slots_log2;
        let lap = ((index >> self.slots_log2) + 1) as u16;
        let at = (index & (slots - 1)) as usize * RECORD;
        let slot: Option<&[AtomicU64; RECORD]> =
            self.memory.words().get(at..).and_then(<[AtomicU64]>::first_chunk);
        // `new` was given memory for every slot.
        let Some(slot) = slot else { return Err(CardFault::Stopped) };
        // pairs with the card's write of the line: what lies behind this word is loaded after it
        let first = slot[0].load(Ordering::Acquire);
        let found = (first >> BITS) as u16;
        if found != lap {
            if found == lap.wrapping_sub(1) {
                return Ok(None);
            }
            return Err(CardFault::BadPhase { record: self.next, lap, found });
        }
        let mut words = [0; RECORD];
        for (word, from) in words.iter_mut().zip(slot).skip(1) {
            // Relaxed: the acquire load above orders them, and the number checks them.
            *word = from.load(Ordering::Relaxed);
        }
        let last = words[RECORD - 1];
        if (last >> BITS) as u16 != self.next as u16 {
            return self.half_written((last >> BITS) as u16);
        }
        self.torn = 0;
        if slots >= SLOTS_ALIKE {
            // The number would fit the next lap too, so it is made one that does not.
            // Relaxed: TAIL is written afterwards, and the card does not write before that.
            slot[RECORD - 1].store(!last, Ordering::Relaxed);
        }
        self.next += 1;
        words[0] = first & MASK;
        words[RECORD - 1] = stamps.nanos(last & MASK);
        Ok(Some(zerocopy::transmute!(words)))
    }

    #[cold]
    fn half_written(&mut self, found: u16) -> Result<Option<EventRecord>, CardFault> {
        self.torn += 1;
        if self.torn > POLLS_MAX {
            return Err(CardFault::BadNumber { record: self.next, found });
        }
        Ok(None)
    }

    /// Tells the card how many records are taken.
    #[inline]
    fn tell<B: Bar>(&mut self, bar: &B) {
        self.told = self.taken();
        bar.write32(register::TAIL, self.told as u32);
    }

    /// Whether HEAD can be right: the card cannot be more than a ring ahead. It may seem to be
    /// behind, because the line of a record can be seen before HEAD shows it.
    pub(crate) fn check_head(&self, head: u32) -> Result<(), CardFault> {
        let taken = self.taken() as u32;
        let ahead = head.wrapping_sub(taken).cast_signed();
        if ahead.unsigned_abs() > 1 << self.slots_log2 {
            return Err(CardFault::Head { taken, found: head });
        }
        Ok(())
    }
}
