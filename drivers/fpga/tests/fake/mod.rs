//! A card made of a file and nothing else: every word that it shows is put there by the test, by
//! writing the file that the driver has mapped.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tercel_abi::device::{self, register};
use tercel_abi::{EventRecord, Kind, LAYOUT_HASH, VERSION};
use tercel_fpga::{AnyCard, CardAddress, CardConfig};
use tercel_types::{Nanos, VenueId};

/// Rate of the card's clock and the time of its tick zero.
pub(crate) const RATE: u32 = 1_000_000_000;
pub(crate) const BASE: u64 = 1_700_000_000_000_000_000;

/// The session that the driver configures.
pub(crate) const SESSION: [u8; 10] = *b"0123456789";

const WINDOW: u64 = device::SIZE as u64;
const MASK: u64 = (1 << 48) - 1;

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Fake {
    pub(crate) path: PathBuf,
    file: File,
    slots_log2: u32,
    /// Number of the newest record.
    pub(crate) head: u64,
}

impl Fake {
    /// A card with room for 2^`slots_log2` records.
    pub(crate) fn new(slots_log2: u32) -> Fake {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from("/dev/shm");
        let folder = if folder.is_dir() { folder } else { std::env::temp_dir() };
        let path = folder.join(format!("tercel-fake-card-{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).expect("a file");
        file.set_len(WINDOW + (64 << slots_log2)).expect("room for a card");
        let fake = Fake { path, file, slots_log2, head: 0 };
        fake.set(register::MAGIC, device::MAGIC);
        fake.set(register::VERSION, VERSION as u32);
        fake.set64(register::LAYOUT_HASH_LO, LAYOUT_HASH);
        fake.set(register::TICKS_PER_SECOND, RATE);
        fake.set(register::DMA_WINDOW, device::SIZE as u32);
        fake.set64(register::TIME_BASE_LO, BASE);
        fake.set64(register::TIME_LO, 1_000);
        fake
    }

    pub(crate) fn address(&self) -> CardAddress {
        CardAddress::File(self.path.clone())
    }

    pub(crate) fn config(&self) -> CardConfig {
        let line = |last| SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, last), 26_400);
        CardConfig {
            venue: VenueId(3),
            lines: [line(1), line(2)],
            session: Some(SESSION),
            next_seq: 0x1234_5678_9abc,
            ring_log2: self.slots_log2,
            patience: Nanos::from_millis(100),
        }
    }

    /// Opens and starts it.
    pub(crate) fn started(&mut self) -> AnyCard {
        let mut card = AnyCard::open(&self.address()).expect("a card");
        self.start(&mut card);
        card
    }

    pub(crate) fn start(&mut self, card: &mut AnyCard) {
        let config = CardConfig { patience: Nanos::from_secs(20), ..self.config() };
        self.answering(|| card.start(&config, Nanos(BASE)).expect("a start"));
        self.head = 0;
    }

    /// Answers CONTROL and SNAPSHOT while `work` runs.
    pub(crate) fn answering<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    self.answer();
                    std::thread::yield_now();
                }
            });
            let made = work();
            done.store(true, Ordering::Relaxed);
            made
        })
    }

    fn answer(&self) {
        self.set(register::STATUS, self.get(register::CONTROL));
        self.set(register::SNAPSHOT_DONE, self.get(register::SNAPSHOT));
    }

    pub(crate) fn set(&self, offset: u32, value: u32) {
        self.write(offset.into(), &value.to_le_bytes());
    }

    pub(crate) fn set64(&self, offset: u32, value: u64) {
        self.write(offset.into(), &value.to_le_bytes());
    }

    pub(crate) fn get(&self, offset: u32) -> u32 {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, offset.into()).expect("a register");
        u32::from_le_bytes(bytes)
    }

    pub(crate) fn get64(&self, offset: u32) -> u64 {
        u64::from(self.get(offset)) | u64::from(self.get(offset + 4)) << 32
    }

    /// Writes a word of a slot, which counts from zero.
    pub(crate) fn set_word(&self, slot: u64, word: u64, value: u64) {
        self.write(WINDOW + slot * 64 + word * 8, &value.to_le_bytes());
    }

    pub(crate) fn write(&self, at: u64, bytes: &[u8]) {
        self.file.write_all_at(bytes, at).expect("written");
    }

    /// The line of record `number`.
    pub(crate) fn line(&self, number: u64, record: &EventRecord) -> [u64; 8] {
        let mut words: [u64; 8] = zerocopy::transmute!(*record);
        let lap = ((number - 1) >> self.slots_log2) + 1;
        words[0] = words[0] & MASK | lap << 48;
        words[7] = words[7] & MASK | number << 48;
        words
    }

    /// Writes a line into the slot of record `number`, the first word last.
    pub(crate) fn put(&self, number: u64, words: &[u64; 8]) {
        let slot = (number - 1) & ((1 << self.slots_log2) - 1);
        let bytes: [[u8; 8]; 8] = words.map(u64::to_le_bytes);
        self.write(WINDOW + slot * 64 + 8, bytes[1..].as_flattened());
        self.write(WINDOW + slot * 64, &bytes[0]);
    }

    /// Has the card write `record` as the next one.
    pub(crate) fn publish(&mut self, record: &EventRecord) {
        self.head += 1;
        self.put(self.head, &self.line(self.head, record));
        self.set(register::HEAD, self.head as u32);
    }

    /// How many records the card may write now.
    pub(crate) fn room(&self) -> u64 {
        let held = (self.head as u32).wrapping_sub(self.get(register::TAIL));
        (1 << self.slots_log2) - u64::from(held)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // The test is over either way.
        let _ = fs::remove_file(&self.path);
    }
}

/// A record as the card writes the `number`th: with ticks.
pub(crate) fn written(number: u64) -> EventRecord {
    EventRecord {
        seq: number * 3,
        venue: 3,
        instrument: number as u16,
        price: number as i64,
        quantity: number ^ 0xffff,
        order_ref: number << 20,
        second_ref: !number,
        exchange_time: number * 7,
        receive_time: 5_000 + number,
        ..EventRecord::new(Kind::Add)
    }
}

/// The same as the driver hands it out: with nanoseconds.
pub(crate) fn read(number: u64) -> EventRecord {
    let record = written(number);
    EventRecord { receive_time: BASE + record.receive_time, ..record }
}
