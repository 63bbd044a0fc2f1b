//! A host at the other side of a card's file. It reads and writes the file instead of mapping it,
//! which shows the same bytes.

mod frames;

use frames::{Frame, VENUE, delete};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tercel_abi::device::{self, counter, line_counter, line_register as of_line, register};
use tercel_abi::{
    FeedDevice, Kind, RxFrame, counter_register, line_counter_register, line_register,
};
use tercel_emulator::{CardError, Config, Emulator, SharedCard};

const DMA: usize = 1 << 16;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tercel-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn card(&self) -> PathBuf {
        self.0.join("card")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: a folder that stays is no failure.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The host's side.
struct Host {
    file: File,
    taken: u64,
}

impl Host {
    fn open(path: &Path) -> Host {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Host { file, taken: 0 }
    }

    fn get(&self, offset: u32) -> u32 {
        let mut word = [0; 4];
        self.file.read_exact_at(&mut word, u64::from(offset)).unwrap();
        u32::from_le_bytes(word)
    }

    fn set(&self, offset: u32, value: u32) {
        self.file.write_all_at(&value.to_le_bytes(), u64::from(offset)).unwrap();
    }

    fn pass(&self, locate: u32) {
        let offset = device::FILTER_OFFSET + 4 * (locate / 32);
        self.set(offset, self.get(offset) | 1 << (locate % 32));
    }

    fn configure(&self, base: u64, log2: u32) {
        frames::configure_line(&mut Plain(self), 0);
        frames::configure_line(&mut Plain(self), 1);
        self.set(register::RING_LOG2, log2);
        self.set(register::RING_BASE_LO, base as u32);
        self.set(register::RING_BASE_HI, (base >> 32) as u32);
        self.set(register::NEXT_SEQ_LO, 1);
        self.set(register::VENUE, u32::from(VENUE));
    }

    /// The line of slot `slot` of a ring at `base`, in words.
    fn slot(&self, base: u64, slot: u64) -> [u64; 8] {
        let mut line = [0; 64];
        let at = u64::from(self.get(register::DMA_WINDOW)) + base + 64 * slot;
        self.file.read_exact_at(&mut line, at).unwrap();
        std::array::from_fn(|at| u64::from_le_bytes(line[8 * at..8 * at + 8].try_into().unwrap()))
    }

    /// The next record, once its slot shows its lap.
    fn take(&mut self, base: u64, log2: u32) -> Option<[u64; 8]> {
        let lap = (self.taken >> log2) + 1;
        let words = self.slot(base, self.taken & ((1 << log2) - 1));
        if words[0] >> 48 != lap {
            return None;
        }
        self.taken += 1;
        assert_eq!(words[7] >> 48, self.taken & 0xffff);
        Some(words)
    }
}

/// Register accesses of the host as those of a card.
struct Plain<'a>(&'a Host);

impl FeedDevice for Plain<'_> {
    fn csr_write(&mut self, offset: u32, value: u32) {
        self.0.set(offset, value);
    }

    fn csr_read(&mut self, offset: u32) -> u32 {
        self.0.get(offset)
    }

    fn rx_frame(&mut self, _: &RxFrame<'_>) {}

    fn poll(&mut self, _: &mut dyn FnMut(u64, &[u8; 64])) {}
}

fn host_started(card: &mut SharedCard) -> bool {
    card.device_mut().csr_read(register::STATUS) != 0
}

fn packet(line: usize, seq: u64, count: u64) -> Vec<u8> {
    let messages: Vec<_> = (seq..seq + count).map(|seq| delete(40, seq)).collect();
    Frame::of(line, seq, &messages).bytes()
}

#[test]
fn a_host_starts_reads_and_stops_a_card() {
    let folder = Folder::new("host");
    let mut card = SharedCard::create(&folder.card(), DMA, 77).unwrap();
    let mut host = Host::open(&folder.card());
    assert_eq!(host.get(register::MAGIC), device::MAGIC);
    assert_eq!(host.get(register::DMA_WINDOW), device::SIZE as u32);
    assert_eq!(host.get(register::TIME_BASE_LO), 77);
    assert_eq!(host.file.metadata().unwrap().len(), (device::SIZE + DMA) as u64);

    let base = 128;
    host.configure(base, 4);
    host.pass(40);
    host.set(register::CONTROL, 9);
    card.rx_frame(0, &packet(0, 1, 1), true, 5);
    assert_eq!(host.get(register::STATUS), 0, "CONTROL is taken up by a turn");
    card.run_once(0x1_0000_0002);
    assert_eq!(host.get(register::STATUS), 9);
    assert_eq!([host.get(register::TIME_LO), host.get(register::TIME_HI)], [2, 1]);

    card.rx_frame(0, &packet(0, 1, 10), true, 6);
    card.rx_frame(1, &packet(1, 1, 10), true, 7);
    assert_eq!(host.get(register::HEAD), 10);
    for seq in 1..=10 {
        let words = host.take(base, 4).unwrap();
        assert_eq!(words[0], seq | 1 << 48);
        assert_eq!(words[1] & 0xff_00ff, Kind::Deleted as u64 | u64::from(VENUE) << 16);
        assert_eq!((words[4], words[7]), (seq, 6 | seq << 48));
    }
    assert_eq!(host.take(base, 4), None);

    // The ring is full, until the host says that it has taken records.
    card.rx_frame(1, &packet(1, 11, 10), true, 8);
    assert_eq!(host.get(register::HEAD), 16);
    host.set(register::TAIL, 10);
    card.run_once(3);
    assert_eq!(host.get(register::HEAD), 20);
    let seqs: Vec<u64> =
        (0..10).map(|_| host.take(base, 4).unwrap()[0] & ((1 << 48) - 1)).collect();
    assert_eq!(seqs, (11..=20).collect::<Vec<u64>>());

    // The filter is read as it is when a message comes.
    host.set(register::TAIL, 20);
    host.set(device::FILTER_OFFSET + 4, 0);
    card.rx_frame(0, &packet(0, 21, 1), true, 9);
    assert_eq!(host.get(register::HEAD), 20);
    host.pass(40);
    card.rx_frame(0, &packet(0, 22, 1), true, 9);
    assert_eq!(host.get(register::HEAD), 21);

    let other = Frame { session: *b"OTHERNAME!", ..Frame::new(1, 1) };
    card.rx_frame(1, &other.bytes(), true, 10);
    host.set(register::SNAPSHOT, 3);
    assert_eq!(host.get(counter_register(counter::RECORDS)), 0);
    card.run_once(4);
    assert_eq!(host.get(register::SNAPSHOT_DONE), 3);
    assert_eq!(host.get(counter_register(counter::RECORDS)), 21);
    assert_eq!(host.get(counter_register(counter::FILTERED)), 1);
    assert_eq!(host.get(counter_register(counter::LATENCY_MIN)), u32::MAX);
    assert_eq!(host.get(line_counter_register(1, line_counter::FRAMES)), 3);
    assert_eq!(host.get(line_counter_register(1, line_counter::DUPLICATES)), 10);
    assert_eq!(host.get(line_register(1, of_line::SEEN_0)), u32::from_le_bytes(*b"OTHE"));

    host.set(register::CONTROL, 0);
    card.run_once(5);
    assert_eq!([host.get(register::STATUS), host.get(register::HEAD)], [0, 0]);
    assert_eq!(host.get(counter_register(counter::RECORDS)), 0);
    card.rx_frame(0, &packet(0, 30, 1), true, 11);
    assert_eq!(host.get(register::HEAD), 0);
}

#[test]
fn a_device_with_a_filter_of_its_own_gets_the_hosts() {
    let folder = Folder::new("device");
    let device = Emulator::new(Config::default());
    let mut card = SharedCard::with_device(&folder.card(), DMA, 0, device).unwrap();
    let host = Host::open(&folder.card());
    assert_eq!(card.room(), 0);
    host.configure(0, 4);
    host.pass(40);
    host.pass(65_535);
    host.set(register::CONTROL, 1);
    card.run_once(1);
    card.rx_frame(0, &packet(0, 1, 1), true, 1);
    assert_eq!(host.get(register::HEAD), 1);
    host.set(device::FILTER_OFFSET + 4, 0);
    (0..32).for_each(|turn| card.run_once(turn));
    card.rx_frame(0, &packet(0, 2, 1), true, 1);
    assert_eq!(host.get(register::HEAD), 1);
    // One record is left, so a small ring has no room for a frame that may bring many.
    assert_eq!(card.room(), 0);
    host.set(register::TAIL, 1);
    assert_eq!(card.room(), 1);
    host.set(register::RING_LOG2, 10);
    host.set(register::CONTROL, 2);
    host.set(register::TAIL, 0);
    card.run_once(2);
    assert_eq!(card.room(), 9);
}

#[test]
fn one_file_has_one_emulator() {
    let folder = Folder::new("busy");
    let card = SharedCard::create(&folder.card(), DMA, 0).unwrap();
    let busy = SharedCard::create(&folder.card(), DMA, 0).unwrap_err();
    assert!(matches!(&busy, CardError::Busy { path } if *path == folder.card()), "{busy}");
    assert!(busy.to_string().contains(folder.card().to_str().unwrap()));
    drop(card);
    SharedCard::create(&folder.card(), DMA, 0).unwrap();
}

#[test]
fn a_restart_is_seen_by_a_host_that_has_the_file() {
    let folder = Folder::new("restart");
    let mut card = SharedCard::create(&folder.card(), DMA, 0).unwrap();
    let host = Host::open(&folder.card());
    host.configure(0, 6);
    host.set(register::CONTROL, 4);
    card.run_once(1);
    assert_eq!(host.get(register::STATUS), 4);
    // As if its process had been killed: nothing says goodbye, only the lock is gone.
    let killed = std::fs::read(folder.card()).unwrap();
    drop(card);
    assert_eq!(host.get(register::STATUS), 0);
    host.file.write_all_at(&killed, 0).unwrap();

    // A smaller memory than there is makes the file no shorter.
    let mut card = SharedCard::create(&folder.card(), 1024, 0).unwrap();
    assert_eq!(host.file.metadata().unwrap().len(), (device::SIZE + DMA) as u64);
    let inode = std::fs::metadata(folder.card()).unwrap().ino();
    assert_eq!(host.file.metadata().unwrap().ino(), inode);
    card.run_once(2);
    assert_eq!([host.get(register::STATUS), host.get(register::CONTROL)], [0, 0]);
    assert_eq!(host.get(line_register(0, of_line::ADDRESS)), 0);
    host.configure(0, 10);
    host.set(register::CONTROL, 5);
    card.run_once(3);
    assert_eq!(host.get(register::STATUS), 5);

    drop(card);
    SharedCard::create(&folder.card(), 2 * DMA, 0).unwrap();
    assert_eq!(host.file.metadata().unwrap().len(), (device::SIZE + 2 * DMA) as u64);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = Folder::new("other");
    for content in [&b"mine"[..], b"x", &[b'.'; 100_000]] {
        std::fs::write(folder.card(), content).unwrap();
        let error = SharedCard::create(&folder.card(), DMA, 0).unwrap_err();
        assert!(matches!(error, CardError::NotACard { .. }), "{error}");
        assert_eq!(std::fs::read(folder.card()).unwrap(), content);
    }
    let error = SharedCard::create(&folder.0, DMA, 0).unwrap_err();
    assert!(matches!(error, CardError::Io { .. }), "{error}");
    for bytes in [0, 1000, 1023, 1 << 40] {
        let error = SharedCard::create(&folder.0.join("new"), bytes, 0).unwrap_err();
        assert!(matches!(error, CardError::DmaBytes { .. }), "{error}");
        assert!(!folder.0.join("new").exists());
    }
}

#[test]
fn a_ring_outside_of_the_memory_is_not_started() {
    let folder = Folder::new("hostile");
    let mut card = SharedCard::create(&folder.card(), DMA, 0).unwrap();
    let host = Host::open(&folder.card());
    let end = DMA as u64;
    let rings = [
        (end - 1024 + 64, 4),
        (end, 4),
        (8, 4),
        (0, 0),
        (0, 3),
        (0, 11),
        (0, 64),
        (0, u32::MAX),
        (u64::MAX - 63, 4),
        (0_u64.wrapping_sub(device::SIZE as u64), 4),
        (1 << 63, 20),
    ];
    for (generation, (base, log2)) in (1..).zip(rings) {
        host.configure(base, log2);
        host.set(register::PASS_ALL, 1);
        host.set(register::CONTROL, generation);
        card.run_once(1);
        assert_eq!(host.get(register::STATUS), 0, "{base:#x} {log2}");
        card.rx_frame(0, &packet(0, 1, 16), true, 1);
        assert_eq!(host.get(register::HEAD), 0);
    }
    // The last place that there is; what is written while the card runs does not move it.
    host.configure(end - 1024, 4);
    host.set(register::CONTROL, 100);
    card.run_once(1);
    assert_eq!(host.get(register::STATUS), 100);
    host.set(register::RING_BASE_LO, 0);
    host.set(register::RING_BASE_HI, 1);
    host.set(register::RING_LOG2, 20);
    card.run_once(2);
    host.set(register::TAIL, 16);
    card.rx_frame(0, &packet(0, 1, 20), true, 1);
    assert_eq!(host.get(register::HEAD), 0, "a tail ahead of the head is no room");
    host.set(register::TAIL, 0);
    card.run_once(3);
    assert_eq!(host.get(register::HEAD), 16);
    assert_eq!(host.slot(end - 1024, 15)[0], 16 | 1 << 48);
    let bytes = std::fs::read(folder.card()).unwrap();
    assert!(bytes[device::SIZE..device::SIZE + DMA - 1024].iter().all(|byte| *byte == 0));
    // What the host writes into registers that are not its own is put right.
    host.set(register::STATUS, 77);
    host.set(register::HEAD, 99);
    card.run_once(4);
    assert_eq!([host.get(register::STATUS), host.get(register::HEAD)], [100, 16]);
}

#[test]
fn a_host_in_another_thread_reads_every_record() {
    const COUNT: u64 = 20_000;
    let folder = Folder::new("threads");
    let mut card = SharedCard::create(&folder.card(), DMA, 0).unwrap();
    let mut host = Host::open(&folder.card());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            host.configure(64, 6);
            host.set(register::PASS_ALL, 1);
            host.set(register::CONTROL, 1);
            while host.taken < COUNT {
                let Some(words) = host.take(64, 6) else {
                    std::thread::yield_now();
                    continue;
                };
                assert_eq!(words[0] & ((1 << 48) - 1), host.taken);
                assert_eq!(words[4], host.taken);
                if host.taken.is_multiple_of(8) {
                    host.set(register::TAIL, host.taken as u32);
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut seq = 1;
        let mut now = 0;
        while !done.load(Ordering::Relaxed) {
            now += 1;
            card.run_once(now);
            let counters = card.device().counters().card;
            let records = u64::from(counters[counter::RECORDS]);
            assert_eq!(counters[counter::DROPS], 0);
            // The queue takes what the ring has no room for, up to its depth.
            if host_started(&mut card) && seq <= COUNT && seq - 1 - records < 16 {
                card.rx_frame((seq % 2) as usize, &packet((seq % 2) as usize, seq, 8), true, now);
                seq += 8;
            } else {
                std::thread::yield_now();
            }
        }
    });
}
