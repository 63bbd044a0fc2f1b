//! Once its queues and tables have their size, a step of the L2 environment asks for no memory:
//! agents, matching, feed, books, features, quotes, risk and answers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_environments::{Actions, Environment, Outcome, Settings};
use tercel_market::l2::{L2, NAMES, config};

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

/// Lanes of a batch.
const LANES: usize = 2;

/// Goes on by so many steps, with quotes that come and go.
fn go(batch: &mut L2, outcome: &mut Outcome, steps: usize) {
    for step in 0..steps {
        let action = match step % 7 {
            0 => [f32::NAN; 2 * LANES],
            odd => [0.5 * odd as f32; 2 * LANES],
        };
        batch.step(Actions::Continuous(&action), outcome);
    }
}

#[test]
fn a_step_asks_for_no_memory() {
    assert_eq!(requests(|| drop(std::hint::black_box(Box::new(1)))), 2);
    for name in NAMES {
        let settings = Settings::new().with("step_ms", 100.0).with("steps", 1e6);
        let mut batch = L2::new(name, config(name, &settings).unwrap(), 0, LANES).unwrap();
        let mut outcome = Outcome::new(&batch);
        batch.reset(11, &mut outcome);
        // Ten minutes of the market: as many orders at once, and as many prices, as it will have.
        go(&mut batch, &mut outcome, 6_000);
        let before = batch.counters();
        assert_eq!(requests(|| go(&mut batch, &mut outcome, 1_500)), 0, "{name}");
        let after = batch.counters();
        assert!(after.events > before.events + 10_000, "{name}: the market stood still");
        assert!(after.executions > before.executions + 100, "{name}: nobody traded");
    }
}
