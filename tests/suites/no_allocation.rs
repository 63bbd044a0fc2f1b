//! After start-up the hot path asks for no memory: decoder, ring, and the whole tick with orders
//! going out and fills coming in.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::EventSource;
use tercel_engine::ring::{RingReader, RingWriter, Start as RingStart};
use tercel_proto::feed::{Feed, FeedConfig, Start};
use tercel_proto::{frame, mold};
use tercel_tests::day;
use tercel_tests::desk::Desk;
use tercel_types::{Frame, Nanos, SeqNo, VenueId};

struct Counting;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.set(REQUESTS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        REQUESTS.set(REQUESTS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        REQUESTS.set(REQUESTS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Requests for memory that `work` makes on this thread.
fn requests(work: impl FnOnce()) -> u64 {
    let before = REQUESTS.get();
    work();
    REQUESTS.get() - before
}

#[test]
fn the_counter_counts() {
    assert!(requests(|| drop(std::hint::black_box(Box::new(1)))) >= 2);
}

#[test]
fn a_tick_with_its_orders_and_fills() {
    let records = day::records(&day::messages(3, 4, 30));
    let mut desk = Desk::new(&day::symbols(4));
    let (head, tail) = records.split_at(records.len() / 3);
    head.iter().for_each(|record| desk.feed(record));
    desk.start();
    let sent = desk.engine.counters().sent;
    let made = requests(|| {
        for (at, record) in tail.iter().enumerate() {
            desk.feed(record);
            if at % 40 == 0 && !desk.port.resting.is_empty() {
                let qty = desk.port.resting[0].qty;
                desk.port.trade(0, qty);
                desk.hear();
            }
            if at % 100 == 0 {
                desk.pass(Nanos(1_000));
            }
        }
    });
    let counters = desk.engine.counters();
    assert!(counters.sent > sent + 100, "only {} orders", counters.sent - sent);
    assert!(counters.fills_bought + counters.fills_sold > 10);
    assert_eq!(made, 0);
}

#[test]
fn the_decoder_with_gaps_and_both_lines() {
    let lines = [1, 2].map(|last| SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, last), 4_000));
    let messages = day::messages(4, 2, 20);
    let packet = |line: usize, first: usize, chunk: &[Vec<u8>]| {
        let mut buf = vec![0; 1_500];
        let seq = SeqNo(first as u64 + 1);
        let mut builder =
            mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], *b"NOALLOC   ", seq);
        chunk.iter().for_each(|message| assert!(builder.push(message)));
        let len = builder.finish();
        let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1);
        let len = frame::emit_udp(&mut buf, from, lines[line], len).expect("it fits");
        buf.truncate(len);
        buf
    };
    let mut frames = Vec::new();
    for (number, chunk) in messages.chunks(4).enumerate() {
        // Line A lacks every seventh packet, line B comes three packets later.
        if number % 7 != 3 {
            frames.push(packet(0, number * 4, chunk));
        }
        if let Some(late) = number.checked_sub(3) {
            frames.push(packet(1, late * 4, &messages[late * 4..late * 4 + 4]));
        }
    }
    let mut feed =
        Feed::new(FeedConfig { start: Start::FromFirst, ..FeedConfig::new(VenueId(0), lines) });
    let mut count = 0;
    let made = requests(|| {
        for (at, bytes) in frames.iter().enumerate() {
            let now = Nanos(at as u64 * 1_000);
            let frame = Frame { bytes, received: now };
            feed.on_frame(frame, now, &mut |record| count += u64::from(record.kind >= 0x20));
            feed.on_timer(now, &mut |_| {});
        }
    });
    assert!(feed.counters().gaps_closed > 10, "{:?}", feed.counters());
    assert!(count + 16 > messages.len() as u64);
    assert_eq!(made, 0);
}

#[test]
fn the_ring() {
    let path = std::env::temp_dir().join(format!("tercel-no-allocation-{}", std::process::id()));
    let mut writer = RingWriter::create(&path, 1 << 10, 1_000_000_000).expect("a ring");
    let mut reader = RingReader::open(&path, RingStart::Oldest).expect("a ring");
    let records = day::records(&day::messages(6, 2, 5));
    let mut read = 0;
    let made = requests(|| {
        for record in &records {
            writer.publish(record);
            read += reader.poll(8, |_| {});
        }
    });
    std::fs::remove_file(&path).expect("removed");
    assert_eq!((made, read), (0, records.len()));
}
