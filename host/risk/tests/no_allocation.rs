//! Checks and acks never allocate.

mod desk;

use desk::{Desk, ID, accepted, canceled, executed, replaced, wide};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_risk::{InstrumentLimits, RateLimit};
use tercel_types::{Side, UserRef};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter is a plain thread-local
// number without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: `place` came from `alloc` above with this `layout`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_day_of_orders_does_not_allocate() {
    const BID: i64 = 1_000_000;
    let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
    let mut desk = Desk::with_limits(InstrumentLimits { rate, ..wide() });
    let view = desk.view;
    let before = ALLOCATIONS.with(Cell::get);
    for round in 0..200 {
        let Ok(bid) = desk.buy(BID, 10) else { break };
        let Ok(ask) = desk.sell(BID + 1_000, 20) else { break };
        desk.ack(accepted(bid, Side::Buy, BID, 10));
        desk.ack(executed(bid, Side::Buy, BID, 4, 6));
        let Ok(next) = desk.replace(bid, BID - 100, 8) else { break };
        desk.ack(replaced(next, bid, Side::Buy, BID - 100, 8));
        desk.cancel(next).unwrap_or_default();
        desk.ack(canceled(next, Side::Buy, BID - 100, 8, 0));
        desk.ack(executed(ask, Side::Sell, BID + 1_000, 4, 16));
        desk.ack(canceled(ask, Side::Sell, BID + 1_000, 16, 0));
        // A stranger, and refusals of each stage.
        desk.ack(accepted(UserRef(1_000_000 + round), Side::Buy, BID, 5));
        desk.ack(canceled(UserRef(1_000_000 + round), Side::Buy, BID, 5, 0));
        let _ = (desk.buy(BID, 0), desk.buy(BID + 1, 1), desk.replace(UserRef(9), 1, 1));
        desk.risk.mark(ID, &view, desk.now);
        let _ = (desk.risk.account(), desk.risk.exposure(ID));
    }
    let after = ALLOCATIONS.with(Cell::get);
    assert_eq!(after, before);
    assert_eq!(desk.risk.counters().approved, 200 * 4, "a check refused what the test needs");
}
