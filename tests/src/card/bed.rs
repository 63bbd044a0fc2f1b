//! The host of one card: it configures it, takes its records and reads its counters.

use super::packets::{LINES, SESSION};
use super::script::{Setup, Step};
use tercel_abi::device::{counter, line_counter, line_register as of_line, register};
use tercel_abi::{
    EventRecord, FeedDevice, RxFrame, counter_register, device, line_counter_register,
    line_register,
};
use zerocopy::FromBytes;

/// Accesses after which a card that does not answer is given up.
const PATIENCE: usize = 64;

/// A line that the card has written into memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Bus address.
    pub address: u64,
    /// What was written.
    pub data: [u8; 64],
}

impl Line {
    /// The record in it, with its checks still in it.
    pub fn slot(&self) -> EventRecord {
        EventRecord::read_from_bytes(&self.data).expect("a record has 64 bytes")
    }

    /// The record in it.
    pub fn record(&self) -> EventRecord {
        let mask = (1 << 48) - 1;
        let slot = self.slot();
        EventRecord { seq: slot.seq & mask, receive_time: slot.receive_time & mask, ..slot }
    }
}

/// Every counter and the registers beside them, as they were latched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters {
    /// By the indices of `device::counter`.
    pub card: [u32; counter::COUNT],
    /// By those of `device::line_counter`, of both lines.
    pub lines: [[u32; line_counter::COUNT]; device::LINES],
    /// SEEN of both lines.
    pub seen: [[u32; 3]; device::LINES],
    /// HEAD.
    pub head: u32,
    /// STATUS.
    pub status: u32,
}

impl Counters {
    /// Name, value here, value there of each that differs, but for the latencies, which are those
    /// of a clock that only a card has.
    pub fn differences(&self, other: &Counters) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |name: &str, one: u32, two: u32| {
            if one != two {
                found.push(format!("{name}: {one} and {two}"));
            }
        };
        for (index, name) in counter::NAMES.iter().enumerate() {
            if ![counter::LATENCY_MIN, counter::LATENCY_MAX].contains(&index) {
                compare(name, self.card[index], other.card[index]);
            }
        }
        for line in 0..device::LINES {
            for (index, name) in line_counter::NAMES.iter().enumerate() {
                let name = format!("line {line} {name}");
                compare(&name, self.lines[line][index], other.lines[line][index]);
            }
            for word in 0..3 {
                let name = format!("line {line} SEEN_{word}");
                compare(&name, self.seen[line][word], other.seen[line][word]);
            }
        }
        compare("HEAD", self.head, other.head);
        compare("STATUS", self.status, other.status);
        found
    }
}

/// A card and its host.
#[derive(Debug)]
pub struct Bed<D> {
    /// The card.
    pub device: D,
    setup: Setup,
    generation: u32,
    snapshots: u32,
    /// Records taken and written since the start.
    taken: u32,
    written: u64,
    lines: Vec<Line>,
    /// The filter's words, once they were written: a reset leaves them as they are.
    filter: Option<Vec<u32>>,
    faults: Vec<String>,
}

impl<D: FeedDevice> Bed<D> {
    /// The host of a card that has been reset.
    pub fn new(device: D) -> Bed<D> {
        Bed {
            device,
            setup: Setup::default(),
            generation: 0,
            snapshots: 0,
            taken: 0,
            written: 0,
            lines: Vec::new(),
            filter: None,
            faults: Vec::new(),
        }
    }

    /// As [`Bed::new`], configured and started.
    pub fn started(device: D, setup: &Setup) -> Bed<D> {
        let mut bed = Bed::new(device);
        bed.start(setup);
        bed
    }

    /// Does a step.
    pub fn play(&mut self, step: &Step) {
        match step {
            Step::Start(setup) => self.start(setup),
            Step::Again => {
                self.poll();
                self.begin();
            }
            Step::Stop => self.stop(),
            Step::Frame { line, bytes, fcs_good, ticks } => {
                self.frame(&RxFrame { line: *line, bytes, fcs_good: *fcs_good, ticks: *ticks })
            }
            Step::Take(max) => self.take(*max),
            Step::Check => {}
        }
    }

    /// A frame comes; what it makes is seen at the next poll.
    pub fn frame(&mut self, frame: &RxFrame<'_>) {
        self.device.rx_frame(frame);
    }

    /// The lines written since they were asked for last.
    pub fn lines(&mut self) -> Vec<Line> {
        self.poll();
        core::mem::take(&mut self.lines)
    }

    /// The records written since, and takes them.
    pub fn records(&mut self) -> Vec<EventRecord> {
        let lines = self.lines();
        self.take(u32::MAX);
        lines.iter().map(Line::record).collect()
    }

    /// Faults of the card that need no second card to be seen: lines in the wrong place, with a
    /// wrong lap or number, or where there is no room; registers that do not follow.
    pub fn faults(&mut self) -> Vec<String> {
        core::mem::take(&mut self.faults)
    }

    /// Takes at most so many records out of the ring.
    pub fn take(&mut self, max: u32) {
        self.poll();
        let there = (self.written as u32).wrapping_sub(self.taken);
        self.taken = self.taken.wrapping_add(max.min(there));
        self.device.csr_write(register::TAIL, self.taken);
        self.poll();
    }

    /// Latches every counter and reads it.
    pub fn counters(&mut self) -> Counters {
        self.poll();
        self.snapshots += 1;
        self.device.csr_write(register::SNAPSHOT, self.snapshots);
        self.wait(register::SNAPSHOT_DONE, self.snapshots);
        let device = &mut self.device;
        let mut seen = [[0; 3]; device::LINES];
        let mut lines = [[0; line_counter::COUNT]; device::LINES];
        for line in 0..device::LINES {
            let of = [of_line::SEEN_0, of_line::SEEN_1, of_line::SEEN_2];
            seen[line] = of.map(|of| device.csr_read(line_register(line, of)));
            lines[line] =
                core::array::from_fn(|at| device.csr_read(line_counter_register(line, at)));
        }
        let counters = Counters {
            card: core::array::from_fn(|at| device.csr_read(counter_register(at))),
            lines,
            seen,
            head: device.csr_read(register::HEAD),
            status: device.csr_read(register::STATUS),
        };
        if counters.head != self.written as u32 {
            let written = self.written;
            self.fault(format!("HEAD is {} and {written} were written", counters.head));
        }
        counters
    }

    /// Stops, configures and starts with the next generation.
    pub fn start(&mut self, setup: &Setup) {
        self.stop();
        self.setup = setup.clone();
        for (line, address) in LINES.iter().enumerate() {
            let on = setup.lines[line];
            let values = [
                (of_line::ADDRESS, if on { u32::from(*address.ip()) } else { 0 }),
                (of_line::PORT, address.port().into()),
                (of_line::SESSION_0, word(&SESSION[..4])),
                (of_line::SESSION_1, word(&SESSION[4..8])),
                (of_line::SESSION_2, word(&SESSION[8..])),
            ];
            for (register, value) in values {
                self.device.csr_write(line_register(line, register), value);
            }
        }
        if let Some(locates) = &setup.filter {
            self.write_filter(locates);
        }
        for (register, value) in [
            (register::RING_LOG2, setup.ring_log2),
            (register::RING_BASE_LO, setup.ring_base as u32),
            (register::RING_BASE_HI, (setup.ring_base >> 32) as u32),
            (register::NEXT_SEQ_LO, setup.next_seq as u32),
            (register::NEXT_SEQ_HI, (setup.next_seq >> 32) as u32),
            (register::VENUE, setup.venue.into()),
            (register::PASS_ALL, setup.filter.is_none().into()),
        ] {
            self.device.csr_write(register, value);
        }
        self.begin();
    }

    /// Writes the words of the filter that are not what they should be.
    fn write_filter(&mut self, locates: &[u16]) {
        let mut words = vec![0; device::FILTER_WORDS as usize];
        for locate in locates {
            words[usize::from(locate / 32)] |= 1 << (locate % 32);
        }
        for (index, word) in words.iter().enumerate() {
            if self.filter.as_ref().is_none_or(|before| before[index] != *word) {
                self.device.csr_write(device::FILTER_OFFSET + 4 * index as u32, *word);
            }
        }
        self.filter = Some(words);
    }

    /// Stops the card.
    pub fn stop(&mut self) {
        self.poll();
        self.device.csr_write(register::CONTROL, 0);
        self.wait(register::STATUS, 0);
        self.poll();
        (self.taken, self.written) = (0, 0);
    }

    fn begin(&mut self) {
        self.device.csr_write(register::TAIL, 0);
        self.poll();
        self.generation += 1;
        (self.taken, self.written) = (0, 0);
        self.device.csr_write(register::CONTROL, self.generation);
        self.wait(register::STATUS, self.generation);
    }

    fn wait(&mut self, register: u32, value: u32) {
        let device = &mut self.device;
        if !(0..PATIENCE).any(|_| device.csr_read(register) == value) {
            self.fault(format!("register {register:#x} does not become {value}"));
        }
    }

    fn poll(&mut self) {
        let Bed { device, setup, taken, written, lines, faults, .. } = self;
        device.poll(&mut |address, data| {
            let line = Line { address, data: *data };
            *written += 1;
            if let Err(fault) = placed(&line, setup, *written, *taken) {
                faults.push(fault);
            }
            lines.push(line);
        });
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }
}

/// Whether the line of record `number` is where it belongs and says so.
fn placed(line: &Line, setup: &Setup, number: u64, taken: u32) -> Result<(), String> {
    let slots = 1_u64 << setup.ring_log2;
    let slot = line.slot();
    let checks = (slot.seq >> 48, slot.receive_time >> 48);
    let wanted = (((number - 1) / slots + 1) & 0xffff, number & 0xffff);
    let address = setup.ring_base + 64 * ((number - 1) % slots);
    if line.address != address || checks != wanted {
        return Err(format!(
            "record {number}: at {:#x} with {checks:?}, not at {address:#x} with {wanted:?}",
            line.address
        ));
    }
    if number > u64::from(taken) + slots {
        return Err(format!("record {number} was written over one not taken"));
    }
    Ok(())
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
