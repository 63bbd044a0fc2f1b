//! The queue before the ring, and the ring.

use crate::counters::Counters;
use crate::registers::{Geometry, MASK_48};
use std::collections::VecDeque;
use tercel_abi::device::{FIFO_DEPTH, counter};
use tercel_abi::{EventRecord, Kind};
use zerocopy::IntoBytes;

/// The numbers that the records dropped since the last GAP_OPEN stood for.
#[derive(Clone, Copy, Debug)]
struct Dropped {
    first: u64,
    end: u64,
    /// The last record dropped, for its venue and time.
    last: EventRecord,
}

/// Records on their way to the host's memory.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    geometry: Geometry,
    /// Records that wait for room in the ring.
    queue: VecDeque<EventRecord>,
    /// Records that have a slot and wait to be handed out; at most as many as there are slots.
    writes: VecDeque<EventRecord>,
    dropped: Option<Dropped>,
    /// Number of the newest record that has a slot.
    numbered: u64,
    /// Number of the newest record handed out.
    head: u64,
}

impl Ring {
    /// An empty ring.
    pub(crate) fn new(geometry: Geometry) -> Ring {
        Ring {
            geometry,
            queue: VecDeque::with_capacity(FIFO_DEPTH),
            writes: VecDeque::new(),
            dropped: None,
            numbered: 0,
            head: 0,
        }
    }

    /// Number of the newest record in the host's memory, modulo 2^32.
    pub(crate) fn head(&self) -> u32 {
        self.head as u32
    }

    /// Takes a record, or drops it.
    pub(crate) fn push(&mut self, record: EventRecord, tail: u32, counters: &mut Counters) {
        self.flow(tail);
        if self.queue.len() < FIFO_DEPTH {
            self.queue.push_back(record);
            self.flow(tail);
            return;
        }
        counters.add(counter::DROPS);
        // Nothing stands between the queue and the ring here: the queue is full only when the ring
        // is.
        counters.add(counter::RING_FULL);
        let (first, end) = range(&record);
        let before = self.dropped;
        self.dropped = Some(Dropped {
            first: before.map_or(first, |before| before.first.min(first)),
            end: before.map_or(end, |before| before.end.max(end)),
            last: record,
        });
    }

    /// Moves records from the queue to slots as long as the ring has room.
    pub(crate) fn flow(&mut self, tail: u32) {
        loop {
            if self.queue.len() < FIFO_DEPTH
                && let Some(dropped) = self.dropped.take()
            {
                self.queue.push_back(dropped.announcement());
            }
            if self.is_full(tail) {
                return;
            }
            let Some(record) = self.queue.pop_front() else { return };
            self.numbered += 1;
            self.writes.push_back(record);
        }
    }

    /// Hands out the lines that are due.
    pub(crate) fn hand_out(
        &mut self,
        counters: &mut Counters,
        write: &mut dyn FnMut(u64, &[u8; 64]),
    ) {
        while let Some(record) = self.writes.pop_front() {
            self.head += 1;
            counters.add(counter::RECORDS);
            let slot = (self.head - 1) & (self.slots() - 1);
            write(self.geometry.base + 64 * slot, &line(record, self.head, self.geometry.log2));
        }
    }

    fn slots(&self) -> u64 {
        1 << self.geometry.log2
    }

    fn is_full(&self, tail: u32) -> bool {
        u64::from((self.numbered as u32).wrapping_sub(tail)) >= self.slots()
    }
}

impl Dropped {
    fn announcement(&self) -> EventRecord {
        EventRecord {
            venue: self.last.venue,
            receive_time: self.last.receive_time,
            order_ref: self.first,
            quantity: self.end - self.first,
            ..EventRecord::new(Kind::GapOpen)
        }
    }
}

/// First and end of the numbers that a record stands for.
fn range(record: &EventRecord) -> (u64, u64) {
    match record.kind() {
        Some(Kind::GapOpen | Kind::Retract) => {
            (record.order_ref, record.order_ref + record.quantity)
        }
        Some(Kind::GapClosed | Kind::SessionEnd) => (record.order_ref, record.order_ref),
        _ => (record.seq, record.seq + 1),
    }
}

/// A record as it lies in its slot, with the lap in its first word and its number in its last.
fn line(mut record: EventRecord, number: u64, log2: u32) -> [u8; 64] {
    let lap = ((number - 1) >> log2) + 1;
    record.seq = record.seq & MASK_48 | lap << 48;
    record.receive_time = record.receive_time & MASK_48 | number << 48;
    let mut line = [0; 64];
    line.copy_from_slice(record.as_bytes());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64) -> EventRecord {
        EventRecord { seq, receive_time: seq + 1000, venue: 3, ..EventRecord::new(Kind::Deleted) }
    }

    fn taken(ring: &mut Ring, counters: &mut Counters) -> Vec<(u64, [u64; 8])> {
        let mut lines = Vec::new();
        ring.hand_out(counters, &mut |address, line| {
            let word = |at: usize| u64::from_le_bytes(line[8 * at..8 * at + 8].try_into().unwrap());
            lines.push((address, std::array::from_fn(word)));
        });
        lines
    }

    #[test]
    fn slots_laps_and_numbers_follow_the_record_number() {
        let mut ring = Ring::new(Geometry { base: 0x4000, log2: 4 });
        let mut counters = Counters::new();
        for seq in 1..=40 {
            ring.push(message(seq), (seq - 1) as u32, &mut counters);
        }
        let lines = taken(&mut ring, &mut counters);
        assert_eq!(lines.len(), 40);
        for (at, (address, words)) in (0_u64..).zip(&lines) {
            assert_eq!(*address, 0x4000 + 64 * (at % 16));
            assert_eq!(words[0], (at + 1) | (at / 16 + 1) << 48);
            assert_eq!(words[7], (at + 1 + 1000) | (at + 1) << 48);
        }
        assert_eq!((ring.head(), counters.card[counter::RECORDS]), (40, 40));
    }

    #[test]
    fn a_full_ring_fills_the_queue_and_then_drops() {
        let mut ring = Ring::new(Geometry { base: 0, log2: 4 });
        let mut counters = Counters::new();
        for seq in 1..=16 + 32 + 5 {
            ring.push(message(seq), 0, &mut counters);
        }
        let closed = EventRecord { order_ref: 60, ..EventRecord::new(Kind::GapClosed) };
        ring.push(closed, 0, &mut counters);
        assert_eq!(taken(&mut ring, &mut counters).len(), 16);
        assert_eq!(counters.card[counter::DROPS], 6);
        assert_eq!(counters.card[counter::RING_FULL], 6);

        // One place: the announcement takes the queue's free place at once, so the next record is
        // dropped again.
        ring.push(message(54), 1, &mut counters);
        assert_eq!(taken(&mut ring, &mut counters)[0].1[0], 17 | 2 << 48);
        assert_eq!(counters.card[counter::DROPS], 7);

        let mut lines = Vec::new();
        for tail in [17, 33, 49] {
            ring.flow(tail);
            lines.extend(taken(&mut ring, &mut counters));
        }
        assert_eq!(lines.len(), 31 + 2);
        let [first, second] = [lines[31].1, lines[32].1];
        assert_eq!(first[1] & 0xff, Kind::GapOpen as u64);
        assert_eq!((first[4], first[3]), (49, 60 - 49));
        assert_eq!((second[4], second[3], second[7] & MASK_48), (54, 1, 1054));
        assert_eq!(second[1], Kind::GapOpen as u64 | 3 << 16);
        assert_eq!(second[0], 4 << 48);
        ring.push(message(55), 50, &mut counters);
        assert_eq!(taken(&mut ring, &mut counters)[0].1[0] & MASK_48, 55);
    }

    #[test]
    fn a_tail_ahead_of_head_counts_as_no_room() {
        let mut ring = Ring::new(Geometry { base: 0, log2: 4 });
        let mut counters = Counters::new();
        ring.push(message(1), 5, &mut counters);
        assert!(taken(&mut ring, &mut counters).is_empty());
    }
}
