//! Messages that wait behind a gap.
//!
//! What waits comes mostly in order, leaves in order, and must not be held twice when both lines
//! bring it. So: one arena of bytes that fills from the front, and a queue of runs ordered by
//! sequence number that never overlap. A packet that is partly known is held as the runs that are
//! new. Appending costs a copy of the packet; a run that comes late costs a move of the shorter
//! part of the queue, 48 bytes a run. The arena starts over when nothing waits; when its end is
//! reached with a quarter or more of it free, what still waits is moved to the front, so that the
//! moves cost at most three more copies of each byte. With less free, the store is full.

use crate::mold::{BLOCK_HEADER, Messages};
use core::ops::Range;
use std::collections::VecDeque;
use tercel_abi::EventRecord;
use tercel_types::Nanos;
use zerocopy::{FromBytes, IntoBytes};

/// Arena bytes for each place in the queue. A packet has 14 to 1,400 bytes of blocks; only where
/// most have a single short message is the queue full before the arena.
const BYTES_PER_RUN: usize = 32;

/// Messages with consecutive numbers from one packet, or a range of numbers that a card's record
/// speaks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Number of the first message.
    pub(super) first: u64,
    /// One past the number of the last.
    pub(super) end: u64,
    /// When the frame with them arrived.
    pub(super) received: Nanos,
    /// The bytes are a card's record of the last number, or none where that was filtered.
    pub(super) decoded: bool,
    at: usize,
    len: usize,
}

/// The store has no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Full;

#[derive(Debug)]
pub(super) struct Pending {
    arena: Box<[u8]>,
    used: usize,
    waiting: usize,
    runs: VecDeque<Run>,
    runs_max: usize,
}

impl Pending {
    pub(super) fn new(bytes_max: usize) -> Pending {
        let runs_max = bytes_max.div_ceil(BYTES_PER_RUN);
        Pending {
            arena: vec![0; bytes_max].into_boxed_slice(),
            used: 0,
            waiting: 0,
            runs: VecDeque::with_capacity(runs_max),
            runs_max,
        }
    }

    /// Number of the first message that waits.
    pub(super) fn first(&self) -> Option<u64> {
        self.runs.front().map(|run| run.first)
    }

    /// One past the number of the last message that waits.
    pub(super) fn end(&self) -> Option<u64> {
        self.runs.back().map(|run| run.end)
    }

    /// How many messages wait.
    pub(super) fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.end - run.first).sum()
    }

    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.used = 0;
        self.waiting = 0;
    }

    /// Holds the messages from number `from` on that do not wait already, where the first of
    /// `messages` has number `first`, and says how many those were. When it is full, a part may
    /// have been held.
    pub(super) fn insert(
        &mut self,
        first: u64,
        mut messages: Messages<'_>,
        from: u64,
        received: Nanos,
    ) -> Result<u64, Full> {
        let (mut number, mut held) = (first, 0);
        while !messages.blocks().is_empty() {
            let index = self.runs.partition_point(|run| run.end <= number);
            let next = self.runs.get(index).map(|run| (run.first, run.end));
            let known_until = match next {
                _ if number < from => from,
                Some((next_first, next_end)) if next_first <= number => next_end,
                _ => number,
            };
            if number < known_until {
                number += skip(&mut messages, known_until - number);
                continue;
            }
            let blocks = messages.blocks();
            let count = skip(&mut messages, next.map_or(u64::MAX, |next| next.0 - number));
            let len = blocks.len() - messages.blocks().len();
            if count == 0 {
                break;
            }
            let end = number + count;
            let run = Run { first: number, end, received, decoded: false, at: 0, len };
            self.hold(index, run, &blocks[..len])?;
            number += count;
            held += count;
        }
        Ok(held)
    }

    /// Drops what lies below `seq` and says how many messages that were.
    pub(super) fn discard_below(&mut self, seq: u64) -> u64 {
        let mut dropped = 0;
        while let Some(run) = self.runs.front_mut() {
            if run.first >= seq {
                break;
            }
            let keep = run.end > seq;
            if run.decoded && keep {
                dropped += seq - run.first;
                run.first = seq;
                break;
            }
            let mut messages = Messages::of_blocks(&self.arena[run.at..run.at + run.len]);
            let below = seq.min(run.end) - run.first;
            let (skipped, left) = if run.decoded {
                (below, 0)
            } else {
                (skip(&mut messages, below), messages.blocks().len())
            };
            dropped += skipped;
            self.waiting -= run.len - left;
            run.at += run.len - left;
            run.len = left;
            run.first += skipped;
            if keep {
                break;
            }
            self.runs.pop_front();
        }
        dropped
    }

    /// Takes out the first run if it starts with number `seq`. Its bytes stay until the next
    /// insertion.
    pub(super) fn pop(&mut self, seq: u64) -> Option<Run> {
        self.runs.front().filter(|run| run.first == seq)?;
        let run = self.runs.pop_front()?;
        self.waiting -= run.len;
        Some(run)
    }

    /// The messages of a run that was taken out.
    pub(super) fn messages(&self, run: &Run) -> Messages<'_> {
        Messages::of_blocks(self.arena.get(run.at..run.at + run.len).unwrap_or(&[]))
    }

    /// The record of a run that a card's record brought and that was taken out.
    pub(super) fn record(&self, run: &Run) -> Option<EventRecord> {
        EventRecord::read_from_bytes(self.arena.get(run.at..run.at + run.len)?).ok()
    }

    /// Holds what does not wait already of the numbers that a card's record speaks for. When it is
    /// full, a part may have been held.
    pub(super) fn insert_record(
        &mut self,
        range: Range<u64>,
        record: Option<&EventRecord>,
    ) -> Result<(), Full> {
        let bytes = record.map_or(&[][..], |record| record.as_bytes());
        let received = Nanos(record.map_or(0, |record| record.receive_time));
        let mut number = range.start;
        while number < range.end {
            let index = self.runs.partition_point(|run| run.end <= number);
            let next = self.runs.get(index).map(|run| (run.first, run.end));
            if let Some((first, end)) = next
                && first <= number
            {
                number = end;
                continue;
            }
            let end = next.map_or(range.end, |next| next.0.min(range.end));
            let bytes = if end == range.end { bytes } else { &[] };
            let len = bytes.len();
            let run = Run { first: number, end, received, decoded: true, at: 0, len };
            self.hold(index, run, bytes)?;
            number = end;
        }
        Ok(())
    }

    /// Drops what lies at and above `seq` and says how many numbers that were. A run of messages
    /// that begins below goes as a whole: the rest of it is asked for again.
    pub(super) fn discard_from(&mut self, seq: u64) -> u64 {
        let mut dropped = 0;
        while let Some(run) = self.runs.back()
            && run.end > seq
        {
            dropped += run.end - run.first;
            self.waiting -= run.len;
            self.runs.pop_back();
        }
        dropped
    }

    fn hold(&mut self, index: usize, mut run: Run, blocks: &[u8]) -> Result<(), Full> {
        if self.runs.is_empty() {
            self.used = 0;
        }
        if self.arena.len() - self.used < blocks.len() {
            self.compact();
        }
        if self.runs.len() >= self.runs_max || self.arena.len() - self.used < blocks.len() {
            return Err(Full);
        }
        run.at = self.used;
        self.arena[run.at..run.at + run.len].copy_from_slice(blocks);
        self.used += run.len;
        self.waiting += run.len;
        self.runs.insert(index, run);
        Ok(())
    }

    /// Moves what waits to the front of the arena, in place, if that frees a quarter of it.
    #[cold]
    fn compact(&mut self) {
        if (self.arena.len() - self.waiting) < self.arena.len() / 4 {
            return;
        }
        // Bytes may only move down, so in the order in which they lie.
        let runs = self.runs.make_contiguous();
        runs.sort_unstable_by_key(|run| run.at);
        let mut used = 0;
        for run in runs.iter_mut() {
            self.arena.copy_within(run.at..run.at + run.len, used);
            run.at = used;
            used += run.len;
        }
        runs.sort_unstable_by_key(|run| run.first);
        self.used = used;
    }
}

/// Takes up to `count` messages off the front and says how many there were.
fn skip(messages: &mut Messages<'_>, count: u64) -> u64 {
    let mut taken = 0;
    while taken < count && messages.next().is_some() {
        taken += 1;
    }
    taken
}

const _: () = assert!(BLOCK_HEADER == 2 && size_of::<Run>() == 48);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Blocks of messages that hold their number and as many bytes more as it says.
    fn blocks(numbers: std::ops::Range<u64>) -> Vec<u8> {
        let mut blocks = Vec::new();
        for number in numbers {
            let body: Vec<u8> = vec![number as u8; (number % 7) as usize];
            blocks.extend((body.len() as u16).to_be_bytes());
            blocks.extend(body);
        }
        blocks
    }

    fn config() -> ProptestConfig {
        ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) }
    }

    proptest! {
        #![proptest_config(config())]

        /// Against a map from number to message, with packets anywhere in a small window.
        #[test]
        fn holds_each_message_once(
            steps in prop::collection::vec((0u64..60, 0u64..12, 0u64..50, 0u8..8), 1..60),
            bytes_max in 1usize..600,
        ) {
            let mut pending = Pending::new(bytes_max);
            let mut oracle: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
            for (first, count, from, action) in steps {
                match action {
                    0 => {
                        let kept = oracle.split_off(&from);
                        prop_assert_eq!(pending.discard_below(from), oracle.len() as u64);
                        oracle = kept;
                    }
                    1 => {
                        while let Some(number) = pending.first() {
                            let run = pending.pop(number).unwrap();
                            prop_assert_eq!(run.received, Nanos(7));
                            let numbers = run.first..run.end;
                            for (number, message) in numbers.zip(pending.messages(&run)) {
                                let sent = oracle.remove(&number);
                                prop_assert_eq!(sent.as_deref(), Some(message));
                            }
                            if oracle.len().is_multiple_of(3) {
                                break;
                            }
                        }
                    }
                    _ => {
                        let blocks = blocks(first..first + count);
                        let numbers = first.max(from)..first + count;
                        let new = numbers.filter(|number| !oracle.contains_key(number)).count();
                        let messages = Messages::of_blocks(&blocks);
                        match pending.insert(first, messages, from, Nanos(7)) {
                            Ok(held) => {
                                prop_assert_eq!(held, new as u64);
                                let all = (first..).zip(Messages::of_blocks(&blocks));
                                for (number, message) in all.filter(|all| all.0 >= from) {
                                    oracle.insert(number, message.to_vec());
                                }
                            }
                            Err(Full) => {
                                let crowded = pending.waiting + blocks.len() > bytes_max * 3 / 4;
                                prop_assert!(crowded || pending.runs.len() == pending.runs_max);
                                pending.clear();
                                oracle.clear();
                            }
                        }
                    }
                }
                prop_assert_eq!(pending.count(), oracle.len() as u64);
                prop_assert_eq!(pending.first(), oracle.keys().next().copied());
                prop_assert_eq!(pending.end(), oracle.keys().last().map(|number| number + 1));
            }
        }
    }

    proptest! {
        #![proptest_config(config())]

        /// Ranges that a card's records speak for, against a map from number to what it brought.
        #[test]
        fn holds_each_record_once(
            steps in prop::collection::vec((0u64..60, 1u64..9, any::<bool>(), 0u8..8), 1..60),
        ) {
            let mut pending = Pending::new(1 << 16);
            let mut oracle: BTreeMap<u64, Option<u64>> = BTreeMap::new();
            for (step, (first, count, filtered, action)) in steps.into_iter().enumerate() {
                let (end, mark) = (first + count, step as u64);
                match action {
                    0 => {
                        let kept = oracle.split_off(&first);
                        prop_assert_eq!(pending.discard_below(first), oracle.len() as u64);
                        oracle = kept;
                    }
                    1 => {
                        // Whole runs go, so look at what is left instead of predicting it.
                        let mut dropped = oracle.len() as u64;
                        let told = pending.discard_from(first);
                        let end = pending.end().unwrap_or(0);
                        prop_assert!(end <= first);
                        oracle.retain(|number, _| *number < end);
                        dropped -= oracle.len() as u64;
                        prop_assert_eq!(told, dropped);
                    }
                    2 => {
                        while let Some(run) = pending.first().and_then(|first| pending.pop(first)) {
                            let got = pending.record(&run).map(|record| record.order_ref);
                            for number in run.first..run.end {
                                let held = oracle.remove(&number);
                                let last = number + 1 == run.end;
                                prop_assert_eq!(held, Some(got.filter(|_| last)));
                            }
                        }
                    }
                    _ => {
                        let kind = tercel_abi::Kind::Deleted;
                        let record = EventRecord { order_ref: mark, ..EventRecord::new(kind) };
                        let record = (!filtered).then_some(&record);
                        prop_assert_eq!(pending.insert_record(first..end, record), Ok(()));
                        for number in first..end {
                            let brought = (number + 1 == end && !filtered).then_some(mark);
                            oracle.entry(number).or_insert(brought);
                        }
                    }
                }
                prop_assert_eq!(pending.count(), oracle.len() as u64);
                prop_assert_eq!(pending.first(), oracle.keys().next().copied());
                prop_assert_eq!(pending.end(), oracle.keys().last().map(|number| number + 1));
            }
        }
    }

    #[test]
    fn a_full_arena_is_compacted() {
        let mut pending = Pending::new(100);
        let packet = |first: u64| [0, 18].into_iter().chain([first as u8; 18]).collect::<Vec<u8>>();
        for first in 0..1_000u64 {
            let blocks = packet(first);
            let held = pending.insert(first, Messages::of_blocks(&blocks), 0, Nanos(0));
            assert_eq!(held, Ok(1), "message {first}");
            if first >= 2 {
                let run = pending.pop(first - 2).expect("it waits");
                assert!(pending.messages(&run).eq([&packet(first - 2)[2..]]));
            }
        }
    }
}
