//! What the tests share: DPDK, names for devices, cables.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tercel_dpdk::{DpdkPort, Eal, Memory, PortConfig, arguments};
use tercel_netns::{End, Namespace};
use tercel_proto::frame;
use tercel_types::{Frame, FrameSink, FrameSource};

pub(crate) fn eal() -> &'static Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    EAL.get_or_init(|| Eal::init(&arguments(Memory::Small(512), &[])).expect("DPDK"))
}

/// A number that no other device of this process has.
pub(crate) fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn open(device: String) -> DpdkPort {
    DpdkPort::open(eal(), &PortConfig::new(device)).expect("a device")
}

pub(crate) fn from() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1_000)
}

pub(crate) fn to() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477)
}

/// Waits until frames can pass.
pub(crate) fn await_link(port: &DpdkPort) {
    let end = Instant::now() + Duration::from_secs(10);
    while !port.link().expect("a link").up {
        assert!(Instant::now() < end, "no link");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Names of the interfaces at both ends.
pub(crate) const ENDS: [&str; 2] = ["feed_a", "feed_b"];

/// Both ends, or nothing and a line that says why.
pub(crate) fn cable() -> Option<[Namespace; 2]> {
    if let Err(why) = tercel_netns::available() {
        println!("skipped: {why}");
        return None;
    }
    let ends = [(); 2].map(|()| Namespace::new().expect("a namespace"));
    let address = |last| Ipv4Addr::new(10, 77, 0, last);
    let [a, b] = &ends;
    tercel_netns::join(
        End { namespace: a, interface: ENDS[0], address: address(1) },
        End { namespace: b, interface: ENDS[1], address: address(2) },
    )
    .expect("a cable");
    Some(ends)
}

pub(crate) fn packet(interface: &str) -> String {
    format!("net_af_packet{},iface={interface},framecnt=1024,qdisc_bypass=1", number())
}

pub(crate) fn xdp(interface: &str) -> String {
    format!("net_af_xdp{},iface={interface}", number())
}

/// A frame with that payload, from [`from`] to [`to`].
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; frame::UDP_HEADERS + payload.len()];
    bytes[frame::UDP_HEADERS..].copy_from_slice(payload);
    frame::emit_udp(&mut bytes, from(), to(), payload.len()).expect("a datagram");
    bytes
}

/// Sends one frame.
pub(crate) fn send(port: &mut DpdkPort, bytes: &[u8]) {
    port.reserve(bytes.len()).expect("space").copy_from_slice(bytes);
    port.commit().expect("a good frame");
}

/// Takes `count` frames, or as many as come within five seconds.
pub(crate) fn take(port: &mut DpdkPort, count: usize) -> Vec<Vec<u8>> {
    let mut taken = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    while taken.len() < count && Instant::now() < end {
        let each = |frame: Frame<'_>| taken.push(frame.bytes.to_vec());
        port.poll(count, each).expect("an open port");
    }
    taken
}
