//! After start-up the hot path asks for no memory: decoder, ring, and the whole tick with orders
//! going out and fills coming in.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_abi::EventSource;
use tercel_engine::ring::{RingReader, RingWriter, Start};
use tercel_tests::day;
use tercel_tests::desk::Desk;
use tercel_tests::frames::{self, Host};
use tercel_types::Nanos;

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
fn from_frames_on_two_bad_lines_to_orders() {
    let frames = frames::two_lines(&day::messages(4, 4, 30));
    let mut host = Host::new(&day::symbols(4));
    let (head, tail) = frames.split_at(frames.len() / 3);
    let mut now = Nanos(day::OPEN);
    let mut later = || {
        now = now + Nanos(100_000);
        now
    };
    head.chunks(8).for_each(|waiting| host.take(waiting, later()));
    host.desk.start();
    let sent = host.desk.engine.counters().sent;
    let made = requests(|| {
        for (at, waiting) in tail.chunks(8).enumerate() {
            host.take(waiting, later());
            if at % 8 == 0 && !host.desk.port.resting.is_empty() {
                let qty = host.desk.port.resting[0].qty;
                host.desk.port.trade(0, qty);
                host.desk.hear();
            }
            if at % 20 == 0 {
                host.desk.pass(Nanos(1_000));
            }
        }
    });
    let counters = host.desk.engine.counters();
    assert!(host.feed.counters().gaps_closed > 10, "{:?}", host.feed.counters());
    assert!(counters.sent > sent + 100, "only {} orders", counters.sent - sent);
    assert!(counters.fills_bought + counters.fills_sold > 10, "{counters:?}");
    assert_eq!(made, 0);
}

#[test]
fn the_ring() {
    let path = std::env::temp_dir().join(format!("tercel-no-allocation-{}", std::process::id()));
    let mut writer = RingWriter::create(&path, 1 << 10, 1_000_000_000).expect("a ring");
    let mut reader = RingReader::open(&path, Start::Oldest).expect("a ring");
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
