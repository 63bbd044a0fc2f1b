//! After start-up the hot path asks for no memory: decoder, ring, and the whole tick with orders
//! going out and fills coming in.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::EventSource;
use tercel_engine::ring::{RingReader, RingWriter, Start};
use tercel_engine::tape::ENTRY_WORDS_MAX;
use tercel_engine::{Ask, Command, OpenOrders, Overflow, Scope, Ticket};
use tercel_net::flows::Flows;
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_net::xdp::{Attach, XdpConfig, XdpPort};
use tercel_netns::{End, Namespace, join};
use tercel_policy::promotion::{Candidate, ContestRules, Name};
use tercel_policy::{Artifact, FixedSpread, Learned, StrategyConfig};
use tercel_proto::frame;
use tercel_tests::day;
use tercel_tests::desk::{Desk, candidate};
use tercel_tests::frames::{self, Host};
use tercel_types::{FrameSink, FrameSource, InstrumentId, Nanos};

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

/// The same, told on a tape, while operators pause, kill and change limits.
#[test]
fn a_tick_that_is_told_on_a_tape_and_commands() {
    let records = day::records(&day::messages(3, 4, 30));
    let mut desk = Desk::new(&day::symbols(4));
    let (mut tickets, mut tape) = desk.operate(1 << 14, Overflow::Pause);
    let mut words = Vec::with_capacity(ENTRY_WORDS_MAX);
    let (head, tail) = records.split_at(records.len() / 3);
    let mut entries = 0;
    let mut read = move || {
        while tape.next(&mut words).is_some() {
            entries += 1;
        }
        tape.give_back();
        entries
    };
    head.iter().for_each(|record| desk.feed(record));
    read();
    desk.start();
    let one = InstrumentId(1);
    let limits = *desk.engine.risk().limits(one).expect("limits");
    let asks = [
        Ask::Watch(one),
        Ask::Pause(Scope::Instrument(one)),
        Ask::Limits(one, limits),
        Ask::CancelAll(Scope::All),
        Ask::Resume(Scope::All),
        Ask::Kill,
        Ask::Reset,
    ];
    let sent = desk.engine.counters().sent;
    let made = requests(|| {
        for (at, record) in tail.iter().enumerate() {
            desk.feed(record);
            if at % 40 == 0 && !desk.port.resting.is_empty() {
                let qty = desk.port.resting[0].qty;
                desk.port.trade(0, qty);
                desk.hear();
            }
            if at % 20 == 0 {
                desk.pass(Nanos::from_millis(20));
                read();
            }
            if at % 100 == 0 {
                let ask = asks[at / 100 % asks.len()];
                assert!(tickets.send(Ticket { number: at as u64, ask }).is_ok());
            }
        }
    });
    assert!(desk.engine.counters().sent > sent + 100);
    assert!(read() > 500, "{} entries", read());
    assert_eq!(made, 0);
}

/// The same with three policies in shadow, one of which is promoted and taken back, and another
/// that comes and is refused: who leaves is handed out and freed elsewhere.
#[test]
fn champion_and_challengers() {
    let records = day::records(&day::messages(3, 4, 30));
    let mut desk = Desk::new(&day::symbols(4));
    let rules = ContestRules { interval: Nanos::from_millis(2), ..ContestRules::default() };
    let mut controls = desk.hold_contest(rules, OpenOrders::Adopt, challengers(&rules));
    let (head, tail) = records.split_at(records.len() / 3);
    head.iter().for_each(|record| desk.feed(record));
    desk.start();
    let sent = desk.engine.counters().sent;
    let mut late = Some(Command::Load(challengers(&rules).remove(1)));
    let mut left = Vec::with_capacity(8);
    let made = requests(|| {
        for (at, record) in tail.iter().enumerate() {
            desk.feed(record);
            if at % 100 == 0 {
                desk.pass(Nanos(1_000));
            }
            let command = match at {
                500 => Name::new("network").map(|name| Command::Promote { name, force: true }),
                900 => Some(Command::RollBack),
                1_100 => late.take(),
                1_300 => Name::new("far").map(Command::Drop),
                _ => None,
            };
            if let Some(command) = command {
                assert!(controls.commands.send(command).is_ok());
            }
            left.extend(controls.leaving.receive());
        }
    });
    let contest = desk.engine.contest().expect("a contest");
    assert!(desk.engine.counters().sent > sent + 100);
    assert_eq!((contest.promotions(), contest.challengers().count()), (1, 1));
    assert!(contest.challengers().all(|one| one.wager().intervals() > 10));
    assert_eq!(left.len(), 3, "one taken back, one refused, one dropped");
    assert_eq!(made, 0);
}

#[allow(clippy::vec_box)] // a contest takes them in boxes
fn challengers(rules: &ContestRules) -> Vec<Box<Candidate>> {
    let artifact = Artifact::untrained(&[64, 64], 1).expect("an artifact");
    let network = Learned { artifact, offset_min_ticks: 0.0, offset_max_ticks: 20.0 };
    let far = FixedSpread { half_spread_ticks: 5.0, skew_ticks: 0.0 };
    let near = FixedSpread { half_spread_ticks: 0.5, skew_ticks: 1.0 };
    let list = [
        ("network", StrategyConfig::Mlp(Box::new(network))),
        ("near", StrategyConfig::FixedSpread(near)),
        ("far", StrategyConfig::FixedSpread(far)),
    ];
    list.iter().map(|(name, strategy)| candidate(name, strategy, rules)).collect()
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

/// Ports beside the kernel's stack: frames sent, received, and lost to full rings.
#[test]
fn packet_sockets_and_af_xdp() {
    if let Err(why) = tercel_netns::available() {
        println!("skipped: {why}");
        return;
    }
    let (near, far) = (Namespace::new().unwrap(), Namespace::new().unwrap());
    let address = |host| Ipv4Addr::new(10, 77, 1, host);
    join(
        End { namespace: &near, interface: "near", address: address(1) },
        End { namespace: &far, interface: "far", address: address(2) },
    )
    .unwrap();
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, 1), 31_001);
    let flows = Flows { udp: vec![group], session: None };
    let mut bytes = vec![0; frame::UDP_HEADERS + 64];
    frame::emit_udp(&mut bytes, SocketAddrV4::new(address(1), 9), group, 64).unwrap();
    let packet =
        |name: &str| PacketConfig { interface: name.into(), flows: flows.clone(), slots: 64 };
    let xdp =
        |name, attach| XdpConfig { attach, frames: 64, ..XdpConfig::new(name, flows.clone()) };
    {
        let mut sink = near.run(|| PacketPort::open(&packet("near"))).unwrap().unwrap();
        let mut source = far.run(|| PacketPort::open(&packet("far"))).unwrap().unwrap();
        assert_eq!(frames_pass(&mut sink, &mut source, &bytes), 0);
    }
    for attach in [Attach::Generic, Attach::Native] {
        let mut sink = near.run(|| XdpPort::open(&xdp("near", attach))).unwrap().unwrap();
        let mut source = far.run(|| XdpPort::open(&xdp("far", attach))).unwrap().unwrap();
        assert_eq!(frames_pass(&mut sink, &mut source, &bytes), 0);
    }
}

fn frames_pass(sink: &mut impl FrameSink, source: &mut impl FrameSource, bytes: &[u8]) -> u64 {
    let (mut sent, mut came) = (0, 0);
    let made = requests(|| {
        for round in 0..400 {
            // Every tenth round sends more than the rings hold.
            for _ in 0..if round % 10 == 0 { 200 } else { 8 } {
                if let Some(space) = sink.reserve(bytes.len()) {
                    space.copy_from_slice(bytes);
                    sent += u32::from(sink.commit().is_ok());
                }
            }
            let mut quiet = 0;
            while quiet < 200 {
                match source.poll(32, |_| came += 1) {
                    Ok(0) => quiet += 1,
                    _ => quiet = 0,
                }
            }
        }
    });
    assert!(sent > 2_000 && came > 2_000, "{came} of {sent} frames came");
    made
}
