//! The driver on a card whose registers and ring memory lie behind a BAR of `ivshmem`.

use crate::feed::{self, Packets, RECORDS, SLOTS_LOG2, VENUE};
use crate::guest::{Found, expect, test};
use std::error::Error;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tercel_abi::device::{self, counter, line_counter};
use tercel_abi::{EventRecord, Kind};
use tercel_fpga::backend::{Backend, BackendError, DmaMemory};
use tercel_fpga::{AnyCard, CardAddress, CardConfig, CardCounters, CardFault, VfioCard};
use tercel_proto::{itch, itch_record};
use tercel_types::{Nanos, VenueId};

/// Longest time without a record.
const PATIENCE: Duration = Duration::from_secs(20);

/// All tests of the card.
pub(crate) fn run(address: &str) {
    test("card: probe over VFIO", || {
        let card = open(address)?;
        let identity = card.identity();
        expect(identity.time_base, feed::TIME_BASE)?;
        expect(card.status().generation, 0)?;
        let (version, window) = (identity.version, identity.dma_window);
        Ok(format!("version {version}, ring memory {window:#x} bytes behind the first register"))
    });
    test("card: ring memory in the BAR and of the host", || memory(address));
    test("card: every record of a day, and its counters", || day(address));
    test("card: stopped in the middle, and started again", || again(address));
}

fn open(address: &str) -> Result<AnyCard, Box<dyn Error>> {
    let address: CardAddress = address.parse()?;
    Ok(AnyCard::open(&address)?)
}

fn now() -> Nanos {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Nanos(feed::TIME_BASE + BEGIN.elapsed().as_nanos() as u64)
}

fn memory(address: &str) -> Found {
    let card = VfioCard::open(address)?;
    let window = device::SIZE as u32;
    let ring = card.memory(window, 1 << 16)?;
    expect((ring.bus_address(), ring.words().len()), (0, 1 << 13))?;
    let error = card.memory(window, 1 << 30).err();
    if !matches!(error, Some(BackendError::NoRoom { wanted, .. }) if wanted == 1 << 30) {
        return Err(format!("a ring that does not fit: {error:?}").into());
    }
    // Inside of the registers, behind the BAR, and not at a line.
    for bad in [64, 1 << 30, window + 8] {
        let error = card.memory(bad, 64).err();
        if !matches!(error, Some(BackendError::Window(window)) if window == bad) {
            return Err(format!("window {bad:#x}: {error:?}").into());
        }
    }
    let host = card.memory(0, 1 << 16)?;
    if host.words().len() < 1 << 13 || !host.bus_address().is_multiple_of(64) {
        return Err("memory of the host is too small or lies askew".into());
    }
    match card.interrupt() {
        Ok(_) => Err("a device without interrupts has one".into()),
        Err(error) => Ok(format!("{error}")),
    }
}

fn start(card: &mut AnyCard) -> Result<(), Box<dyn Error>> {
    let config = CardConfig {
        venue: VenueId(VENUE),
        lines: [feed::line(0), feed::line(1)],
        session: Some(feed::SESSION),
        next_seq: 1,
        ring_log2: SLOTS_LOG2,
        patience: Nanos::from_millis(5_000),
    };
    card.start(&config, now())?;
    // The other side waits for the filter before it sends.
    card.set_filter((1..=feed::INSTRUMENTS).filter(|locate| feed::is_wanted(*locate)));
    Ok(())
}

/// What the card has to make of the day, by the host's decoder.
fn expected_records() -> impl Iterator<Item = EventRecord> {
    Packets::new().flat_map(|packet| {
        let received = Nanos(feed::TIME_BASE + packet.ticks(packet.first_line()));
        let numbered = (packet.first..).zip(packet.messages);
        numbered.filter(|(_, message)| feed::passes(message)).map(move |(seq, message)| {
            let message = itch::parse(&message).expect("a message of the day");
            let record = itch_record::to_record(&message, VenueId(VENUE), received);
            EventRecord { seq, ..record }
        })
    })
}

/// Takes `count` records and compares each in every field.
fn take(card: &mut AnyCard, count: u64) -> Result<(), Box<dyn Error>> {
    let mut expected = expected_records();
    let (mut taken, mut wrong, mut last) = (0, None, Instant::now());
    while taken < count {
        let room = usize::try_from(count - taken)?.min(256);
        let got = card.poll(room, |record| {
            taken += 1;
            let right = expected.next();
            if wrong.is_none() && right != Some(*record) {
                wrong = Some(format!("record {taken} is {record:?}, expected {right:?}"));
            }
        })?;
        if let Some(wrong) = wrong {
            return Err(wrong.into());
        }
        if got > 0 {
            last = Instant::now();
        } else if last.elapsed() > PATIENCE {
            return Err(format!("no record after number {taken}").into());
        } else {
            card.check(now())?;
            std::thread::yield_now();
        }
    }
    Ok(())
}

/// The day's counters, from its messages.
fn expected_counters() -> CardCounters {
    let mut counters = CardCounters::ZERO;
    for packet in Packets::new() {
        let count = packet.messages.len() as u64;
        for line in (0..device::LINES).filter(|line| packet.is_on(*line)) {
            let of_line = &mut counters.lines[line];
            of_line[line_counter::FRAMES] += 1;
            of_line[line_counter::PACKETS] += 1;
            let first = line == packet.first_line();
            of_line[if first { line_counter::MESSAGES } else { line_counter::DUPLICATES }] += count;
        }
        for message in &packet.messages {
            let passes = feed::passes(message);
            counters.card[if passes { counter::RECORDS } else { counter::FILTERED }] += 1;
            let kind = Kind::from_code(message[0]).expect("a message of the day");
            let name = format!("KIND_{}", kind.name());
            let index = counter::NAMES.iter().position(|found| *found == name);
            counters.card[index.expect("each kind has a counter")] += 1;
        }
    }
    let line_a = &mut counters.lines[0];
    line_a[line_counter::FRAMES] += feed::BAD_FRAMES;
    line_a[line_counter::BAD_FCS] += feed::BAD_FRAMES / 2;
    line_a[line_counter::OTHER] += feed::BAD_FRAMES / 2;
    counters
}

fn day(address: &str) -> Found {
    let mut card = open(address)?;
    start(&mut card)?;
    let begin = Instant::now();
    take(&mut card, RECORDS)?;
    let seconds = begin.elapsed().as_secs_f64();
    expect(card.taken(), RECORDS)?;
    let expected = expected_counters();
    let frames = |counters: &CardCounters| counters.lines[0][line_counter::FRAMES];
    // The last frames bring no record, so they may come a little later.
    let begin = Instant::now();
    let mut found = card.counters()?;
    while frames(&found) < frames(&expected) && begin.elapsed() < PATIENCE {
        found = card.counters()?;
    }
    // Not counts, and an emulator has no cycles.
    for latency in [counter::LATENCY_MIN, counter::LATENCY_MAX] {
        found.card[latency] = 0;
    }
    let mut wrong = String::new();
    found.report(|name, value| {
        let mut right = 0;
        expected.report(|other, value| right = if name == other { value } else { right });
        if value != right {
            wrong.push_str(&format!(" {name} is {value}, expected {right};"));
        }
    });
    expect(wrong.as_str(), "")?;
    expect(card.poll(1, |_| {})?, 0)?;
    card.check(now())?;
    card.stop()?;
    expect(card.status().generation, 0)?;
    let (rate, laps) = (RECORDS as f64 / seconds, RECORDS >> SLOTS_LOG2);
    Ok(format!("{RECORDS} records equal, {laps} times round the ring, {rate:.0} a second"))
}

fn again(address: &str) -> Found {
    let mut card = open(address)?;
    start(&mut card)?;
    take(&mut card, 5_000)?;
    card.stop()?;
    expect(card.poll(1, |_| {}), Err(CardFault::Stopped))?;
    start(&mut card)?;
    take(&mut card, 10_000)?;
    drop(card);
    // Another start in the place of one that was not stopped in order.
    let mut card = open(address)?;
    expect(card.status().generation, 0)?;
    start(&mut card)?;
    start(&mut card)?;
    take(&mut card, 5_000)?;
    Ok("three times from the first record on".to_string())
}
