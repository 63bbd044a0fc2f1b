//! After it was opened, a port asks for no memory: neither for frames in one buffer nor for those
//! in several, nor when it is full.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_dpdk::{DpdkPort, Eal, Memory, PortConfig, arguments};
use tercel_types::{FrameSink, FrameSource};

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

#[test]
fn frames_pass_without_memory() {
    let eal = Eal::init(&arguments(Memory::Small(64), &[])).unwrap();
    let config = PortConfig { buffers: 2_047, ..PortConfig::new("net_ring0") };
    let mut port = DpdkPort::open(&eal, &config).unwrap();
    let (mut bytes, mut frames) = (0, 0);
    let before = REQUESTS.get();
    for round in 0..100 {
        for len in 17..500 {
            let Some(space) = port.reserve(len) else { break };
            space.fill(round);
            if port.commit().is_err() {
                break;
            }
        }
        assert!(port.reserve(100_000).is_none());
        assert!(port.commit().is_err());
        while port.poll(7, |frame| bytes += frame.bytes.len()) != Ok(0) {
            frames += 1;
        }
    }
    let link = port.link();
    assert_eq!(REQUESTS.get(), before, "{frames} polls, {bytes} bytes, {link:?}");
    assert!(bytes > 1_000_000);
}
