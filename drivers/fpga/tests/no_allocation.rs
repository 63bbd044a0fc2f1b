//! After the start the hot path asks for no memory.

mod fake;

use fake::{BASE, Fake, written};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
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
fn polls_and_looks_ask_for_no_memory() {
    let mut fake = Fake::new(6);
    let mut card = fake.started();
    let mut taken = 0;
    let made = requests(|| {
        for number in 1..=10_000 {
            fake.publish(&written(number));
            taken += card.poll(8, |record| assert_eq!(record.seq, number * 3)).expect("a record");
            taken += card.poll(8, |_| ()).expect("nothing");
            card.check(Nanos(BASE)).expect("a good card");
        }
    });
    assert_eq!((made, taken), (0, 10_000));
}
