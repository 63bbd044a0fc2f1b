//! After `new`, nothing in the books asks for memory.

mod oracle;

use oracle::stream::{Lcg, Walk};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_types::{InstrumentId, Side};

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

/// The market of the walk, and one record of any kind and content for each ten of it.
fn records(count: usize) -> Vec<EventRecord> {
    let mut walk = Walk::new(4, 3_000);
    let mut rng = Lcg(6);
    let mut next = |at: usize| {
        let record = walk.next_record();
        if !at.is_multiple_of(10) {
            return EventRecord { instrument: (record.order_ref % 3) as u16, ..record };
        }
        let (odd, rare) = (rng.below(50) == 0, rng.below(100) == 0);
        let kind = match Kind::ALL[rng.below(32) as usize] {
            Kind::SnapshotBegin | Kind::SessionChange if !rare => Kind::Imbalance,
            kind => kind,
        };
        EventRecord {
            kind: if odd { rng.below(256) as u8 } else { kind as u8 },
            instrument: rng.below(5) as u16,
            tag: rng.below(1 << 16) as u16,
            quantity: rng.below(200),
            order_ref: rng.below(100_000),
            second_ref: rng.below(1 << 31) << 20,
            ..record
        }
    };
    (0..count).map(&mut next).collect()
}

#[test]
fn nothing_is_allocated_after_new() {
    let limits = Limits {
        instruments_max: 4,
        orders_max: 2_500,
        levels_max: 900,
        watched_max: 16,
        ..Limits::default()
    };
    let records = records(200_000);
    let mut books = Books::new(&limits).unwrap();
    let before = REQUESTS.get();
    let mut sum = 0u64;
    for (at, record) in records.iter().enumerate() {
        sum += u64::from(books.apply(record).trade.is_some());
        if at % 97 == 0 {
            sum += u64::from(books.watch(record.order_ref()));
            sum += u64::from(books.unwatch(record.replacement()));
        }
        if at % 1_000 == 0 {
            let id = InstrumentId(record.instrument);
            sum += books.depth(id, Side::Buy).count() as u64 + books.orders(id).count() as u64;
            sum ^= books.digest() ^ books.market_view(id).top.bid.qty;
            sum += books.queue_position(record.order_ref()).map_or(0, |p| p.shares_ahead);
        }
    }
    assert_eq!(REQUESTS.get(), before, "requests of memory");
    assert_ne!(sum, 0);
    let counters = books.counters();
    assert!(counters.clears > 5 && counters.unknown_kinds > 100, "{counters:?}");
    assert!(counters.orders_refused + counters.levels_refused > 0, "{counters:?}");
}
