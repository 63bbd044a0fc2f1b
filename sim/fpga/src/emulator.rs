//! The card: registers, lines, merge and ring put together.

use crate::classify::{Event, classify};
use crate::counters::Counters;
use crate::merge::{Merge, Taken};
use crate::normalise::{Normalised, always_passes, normalise};
use crate::registers::{MASK_48, Registers};
use crate::ring::Ring;
use tercel_abi::device::{LINES, counter, line_counter, register};
use tercel_abi::{EventRecord, FeedDevice, RxFrame, flag};

/// What a card has from its making.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Config {
    /// What the register DMA_WINDOW reads: zero for a card that writes memory of the host.
    pub dma_window: u32,
    /// Time of tick zero in nanoseconds since the Unix epoch, or zero.
    pub time_base: u64,
}

/// The feed card in software. It does no I/O and knows no time but what it is told.
///
/// The bus to the host is never busy here: records are dropped only because the ring is full, and
/// the lines never wait for each other, so QUEUE_DROPS stays zero.
#[derive(Clone, Debug)]
pub struct Emulator {
    registers: Registers,
    counters: Counters,
    /// None while stopped.
    run: Option<Run>,
}

/// What a start makes and a stop forgets.
#[derive(Clone, Debug)]
struct Run {
    merge: Merge,
    ring: Ring,
}

/// What the way of a message from the merge to the ring needs.
struct Path<'a> {
    run: &'a mut Run,
    counters: &'a mut Counters,
    filter: &'a dyn Fn(usize) -> u32,
    passes_all: bool,
    venue: u8,
    tail: u32,
    ticks: u64,
}

impl Emulator {
    /// A card after its reset.
    pub fn new(config: Config) -> Emulator {
        let mut registers = Registers::new(config.dma_window);
        registers.set_pair(register::TIME_BASE_LO, register::TIME_BASE_HI, config.time_base);
        Emulator { registers, counters: Counters::new(), run: None }
    }

    /// Sets the card's clock, of which 48 bits are kept.
    pub fn set_time(&mut self, ticks: u64) {
        self.registers.set_pair(register::TIME_LO, register::TIME_HI, ticks & MASK_48);
    }

    /// Sets the time of tick zero, in nanoseconds since the Unix epoch.
    pub fn set_time_base(&mut self, nanos: u64) {
        self.registers.set_pair(register::TIME_BASE_LO, register::TIME_BASE_HI, nanos);
    }

    /// The counters as they are now, not as SNAPSHOT latched them.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// As [`FeedDevice::rx_frame`], with the filter's words taken from `filter` by their index, for
    /// a card whose filter window lies elsewhere.
    pub(crate) fn rx_frame_filtered(&mut self, frame: &RxFrame<'_>, filter: &dyn Fn(usize) -> u32) {
        let Emulator { registers, counters, run, .. } = self;
        let seen = take(registers, counters, run.as_mut(), frame, filter);
        self.show_seen(frame.line, seen);
    }

    fn show_seen(&mut self, line: usize, session: Option<[u8; 10]>) {
        if let Some(session) = session {
            self.registers.set_seen(line, session);
        }
    }

    fn restart(&mut self, generation: u32) {
        self.counters = Counters::new();
        self.registers.latch(&self.counters);
        for line in 0..LINES {
            self.registers.set_seen(line, [0; 10]);
        }
        let geometry = self.registers.geometry(None);
        self.run = geometry.filter(|_| generation != 0).map(|geometry| Run {
            merge: Merge::new(self.registers.next_seq()),
            ring: Ring::new(geometry),
        });
        self.registers.set(register::HEAD, 0);
        let status = if self.run.is_some() { generation } else { 0 };
        self.registers.set(register::STATUS, status);
    }
}

impl FeedDevice for Emulator {
    fn csr_write(&mut self, offset: u32, value: u32) {
        if !Registers::is_writable(offset) {
            return;
        }
        let before = self.registers.get(offset);
        self.registers.set(offset, value);
        match offset {
            register::CONTROL if value != before => self.restart(value),
            register::SNAPSHOT if value != before => {
                self.registers.latch(&self.counters);
                self.registers.set(register::SNAPSHOT_DONE, value);
            }
            _ => {}
        }
    }

    fn csr_read(&mut self, offset: u32) -> u32 {
        self.registers.get(offset)
    }

    fn rx_frame(&mut self, frame: &RxFrame<'_>) {
        let Emulator { registers, counters, run, .. } = self;
        let filter = |index| registers.filter(index);
        let seen = take(registers, counters, run.as_mut(), frame, &filter);
        self.show_seen(frame.line, seen);
    }

    fn poll(&mut self, write: &mut dyn FnMut(u64, &[u8; 64])) {
        let Some(run) = &mut self.run else { return };
        run.ring.flow(self.registers.get(register::TAIL));
        run.ring.hand_out(&mut self.counters, write);
        self.registers.set(register::HEAD, run.ring.head());
    }
}

/// Takes a frame to its end; the answer is the name of another session, if that is what it was of.
fn take(
    registers: &Registers,
    counters: &mut Counters,
    run: Option<&mut Run>,
    frame: &RxFrame<'_>,
    filter: &dyn Fn(usize) -> u32,
) -> Option<[u8; 10]> {
    let run = run.filter(|_| frame.line < LINES)?;
    let line = frame.line;
    let config = registers.line(line);
    if config.address == 0 {
        return None;
    }
    let mut path = Path {
        run,
        counters,
        filter,
        passes_all: registers.passes_all(),
        venue: registers.get(register::VENUE) as u8,
        tail: registers.get(register::TAIL),
        ticks: frame.ticks & MASK_48,
    };
    let mut each = |event: Event<'_>| path.event(line, event);
    let verdict = classify(&config, frame.bytes, frame.fcs_good, &mut each);
    counters.add_line(line, line_counter::FRAMES);
    counters.add_line(line, verdict.class.counter());
    if verdict.heartbeat {
        counters.add_line(line, line_counter::HEARTBEATS);
    }
    verdict.session
}

impl Path<'_> {
    fn event(&mut self, line: usize, event: Event<'_>) {
        let merge = &mut self.run.merge;
        let record = match event {
            Event::Begin { seq } => merge.begin(line, seq, self.counters),
            Event::Message { seq, bytes } => {
                let taken = merge.message(line, seq, self.counters);
                self.message(seq, bytes, taken)
            }
            Event::End { good, session_end } => merge.end(line, good, session_end, self.counters),
        };
        if let Some(mut record) = record {
            record.venue = self.venue;
            record.receive_time = self.ticks;
            self.run.ring.push(record, self.tail, self.counters);
        }
    }

    fn message(&mut self, seq: u64, bytes: &[u8], taken: Taken) -> Option<EventRecord> {
        if taken == Taken::No {
            return None;
        }
        let (kind, mut record) = match normalise(bytes) {
            Normalised::UnknownKind => {
                self.counters.add(counter::MALFORMED_KIND);
                return None;
            }
            Normalised::WrongLength => {
                self.counters.add(counter::MALFORMED_LENGTH);
                return None;
            }
            Normalised::Message { counter, record } => (counter, record),
        };
        self.counters.add(kind);
        if !self.passes(&record) {
            self.counters.add(counter::FILTERED);
            return None;
        }
        record.seq = seq;
        if taken == Taken::Fill {
            record.flags |= flag::RECOVERED;
        }
        Some(record)
    }

    fn passes(&self, record: &EventRecord) -> bool {
        let [word, bit] = [record.instrument / 32, record.instrument % 32];
        self.passes_all
            || always_passes(record.kind)
            || (self.filter)(usize::from(word)) >> bit & 1 != 0
    }
}
