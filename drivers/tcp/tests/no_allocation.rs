//! After construction nothing allocates: connecting, orders, answers, losses, closing.

mod lab;

use lab::{CLIENT, MS, PORT, SERVER, SERVER_MAC, Time, config};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tercel_tcp::{State, TcpReport, TcpStack};
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError, StreamPort};

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

/// A peer that answers every segment by rote and loses some, and has its memory from the beginning.
struct Rote {
    answers: [([u8; 1_514], usize); 64],
    first: usize,
    count: usize,
    space: [u8; 1_514],
    reserved: usize,
    /// What the client may send next, and what we say next.
    expected: u32,
    next: u32,
    seen: u64,
    loses: bool,
    received: u64,
}

impl Rote {
    fn new() -> Box<Rote> {
        Box::new(Rote {
            answers: [([0; 1_514], 0); 64],
            first: 0,
            count: 0,
            space: [0; 1_514],
            reserved: 0,
            expected: 0,
            next: 7_000,
            seen: 0,
            loses: false,
            received: 0,
        })
    }

    fn answer(&mut self, len: usize, write: impl FnOnce(&mut [u8])) {
        let at = (self.first + self.count) % 64;
        let (frame, frame_len) = &mut self.answers[at];
        write(&mut frame[..len]);
        *frame_len = len;
        self.count += 1;
    }

    fn segment(&mut self, flags: u8, payload: &[u8]) {
        let (seq, ack) = (self.next, self.expected);
        let port = [self.space[34], self.space[35]];
        let len = 54 + payload.len();
        self.answer(len, |frame| {
            frame.fill(0);
            frame[..6].copy_from_slice(&lab::CLIENT_MAC);
            frame[6..12].copy_from_slice(&SERVER_MAC);
            frame[12..16].copy_from_slice(&[8, 0, 0x45, 0]);
            frame[16..18].copy_from_slice(&((len - 14) as u16).to_be_bytes());
            frame[22..24].copy_from_slice(&[64, 6]);
            frame[26..30].copy_from_slice(&SERVER.octets());
            frame[30..34].copy_from_slice(&CLIENT.octets());
            frame[34..36].copy_from_slice(&PORT.to_be_bytes());
            frame[36..38].copy_from_slice(&port);
            frame[38..42].copy_from_slice(&seq.to_be_bytes());
            frame[42..46].copy_from_slice(&ack.to_be_bytes());
            frame[46..50].copy_from_slice(&[0x50, flags, 0xff, 0xff]);
            frame[54..].copy_from_slice(payload);
            lab::fix_checksums(frame);
        });
        self.next = self.next.wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
    }
}

impl FrameSource for Box<Rote> {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let count = self.count.min(max);
        for _ in 0..count {
            let (frame, len) = &self.answers[self.first];
            each(Frame { bytes: &frame[..*len], received: Nanos(0) });
            self.first = (self.first + 1) % 64;
            self.count -= 1;
        }
        Ok(count)
    }
}

impl FrameSink for Box<Rote> {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.reserved = len;
        self.space.get_mut(..len)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        if self.space[12..14] == [8, 6] {
            self.answer(42, |frame| {
                frame[..6].copy_from_slice(&lab::CLIENT_MAC);
                frame[6..12].copy_from_slice(&SERVER_MAC);
                frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
                frame[22..28].copy_from_slice(&SERVER_MAC);
                frame[28..32].copy_from_slice(&SERVER.octets());
                frame[32..38].copy_from_slice(&lab::CLIENT_MAC);
                frame[38..42].copy_from_slice(&CLIENT.octets());
            });
            return Ok(());
        }
        let seq = u32::from_be_bytes(self.space[38..42].try_into().unwrap());
        let flags = self.space[47];
        if flags & 2 != 0 {
            self.expected = seq.wrapping_add(1);
            self.segment(0x12, &[]);
            return Ok(());
        }
        let from = 34 + usize::from(self.space[46] >> 4) * 4;
        let payload = (self.reserved - from) as u32;
        self.seen += 1;
        if payload == 0 && flags & 1 == 0 || self.loses && self.seen.is_multiple_of(7) {
            return Ok(());
        }
        if seq == self.expected {
            self.expected = seq.wrapping_add(payload + u32::from(flags & 1));
            self.received += u64::from(payload);
        }
        match flags & 1 {
            0 => self.segment(0x18, &[b'a'; 44]),
            _ => self.segment(0x11, &[]),
        }
        Ok(())
    }
}

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
fn nothing_allocates_after_construction() {
    let time = Time::new();
    let mut client = TcpStack::new(Rote::new(), config(1), time.clone()).unwrap();
    let mut report = TcpReport::default();
    let made = requests(|| {
        for _ in 0..3 {
            client.dial();
            while client.step() != State::Open {
                time.advance(MS);
            }
            let mut committed = 0;
            let before = client.port().received;
            for round in 0..5_000u32 {
                client.port_mut().loses = round > 2_500;
                if round % 3 != 0
                    && let Some(space) = client.reserve(120)
                {
                    space.fill(round as u8);
                    client.commit(49).unwrap();
                    committed += 49;
                }
                client.poll(|bytes| bytes.len()).unwrap();
                time.advance(MS);
            }
            client.port_mut().loses = false;
            while client.port().received < before + committed {
                time.advance(MS);
                client.step();
                client.poll(|bytes| bytes.len()).unwrap();
            }
            client.hang_up();
            for _ in 0..100 {
                client.step();
                time.advance(MS);
            }
        }
        report = client.report();
    });
    assert_eq!(made, 0);
    assert_eq!((report.dials, report.connected, report.mismatches), (3, 3, 0));
    assert!(report.fast > 5_000 && report.retransmits > 20, "{report:?}");
}
