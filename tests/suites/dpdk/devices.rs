//! Each device against the rules for every driver.

use crate::lab::{ENDS, await_link, cable, from, number, open, packet, to, xdp};
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tercel_dpdk::DpdkPort;
use tercel_netns::Namespace;
use tercel_tests::conformance::{self, Pair};

/// One port, on which what is sent comes back, or two that are joined.
struct Wire {
    sink: DpdkPort,
    source: Option<DpdkPort>,
    capacity: usize,
}

impl Pair for Wire {
    type Source = DpdkPort;
    type Sink = DpdkPort;
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        from()
    }

    fn to(&self) -> SocketAddrV4 {
        to()
    }

    fn frame_max(&self) -> usize {
        1_514
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn sink(&mut self) -> &mut DpdkPort {
        &mut self.sink
    }

    fn source(&mut self) -> &mut DpdkPort {
        self.source.as_mut().unwrap_or(&mut self.sink)
    }
}

#[test]
fn a_ring() {
    conformance::check(|| {
        let sink = open(format!("net_ring{}", number()));
        Wire { sink, source: None, capacity: 500 }
    });
}

/// Two ends of shared memory, as two processes would use it.
#[test]
fn shared_memory() {
    conformance::check(|| {
        let n = number();
        let socket = format!("@tercel-{}-{n}", std::process::id());
        let arguments = format!("socket={socket},socket-abstract=yes,rsize=10");
        let source = open(format!("net_memif{n},role=server,{arguments}"));
        let sink = open(format!("net_memif{},role=client,{arguments}", number()));
        await_link(&source);
        await_link(&sink);
        Shared(Some(Wire { sink, source: Some(source), capacity: 500 }))
    });
}

/// Ports that share memory. When one end closes, a thread of DPDK's takes the connection of the
/// other apart, and does not expect that end to be closed at the same time: it crashes.
struct Shared(Option<Wire>);

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(Wire { sink, source: Some(source), .. }) = self.0.take() else { return };
        drop(sink);
        let end = Instant::now() + Duration::from_secs(5);
        while source.link().is_some_and(|link| link.up) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Shared {
    fn wire(&self) -> &Wire {
        self.0.as_ref().expect("a wire until it is dropped")
    }

    fn wire_mut(&mut self) -> &mut Wire {
        self.0.as_mut().expect("a wire until it is dropped")
    }
}

impl Pair for Shared {
    type Source = DpdkPort;
    type Sink = DpdkPort;
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        from()
    }

    fn to(&self) -> SocketAddrV4 {
        to()
    }

    fn frame_max(&self) -> usize {
        self.wire().frame_max()
    }

    fn capacity(&self) -> usize {
        self.wire().capacity
    }

    fn sink(&mut self) -> &mut DpdkPort {
        self.wire_mut().sink()
    }

    fn source(&mut self) -> &mut DpdkPort {
        self.wire_mut().source()
    }
}

/// A capture that is written by one port and then read by another.
struct Capture {
    path: PathBuf,
    sink: Option<DpdkPort>,
    source: Option<DpdkPort>,
}

impl Capture {
    fn new() -> Capture {
        let name = format!("tercel-dpdk-{}-{}.pcap", std::process::id(), number());
        let path = std::env::temp_dir().join(name);
        let device = format!("net_pcap{},tx_pcap={}", number(), path.display());
        Capture { path, sink: Some(open(device)), source: None }
    }
}

impl Pair for Capture {
    type Source = DpdkPort;
    type Sink = DpdkPort;
    // DPDK does not tell the end of a file from a pause.
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        from()
    }

    fn to(&self) -> SocketAddrV4 {
        to()
    }

    fn frame_max(&self) -> usize {
        1_514
    }

    fn capacity(&self) -> usize {
        2_000
    }

    fn sink(&mut self) -> &mut DpdkPort {
        self.sink.as_mut().expect("the source was asked for already")
    }

    fn source(&mut self) -> &mut DpdkPort {
        // The file is whole when it was closed.
        self.sink = None;
        self.source.get_or_insert_with(|| {
            open(format!("net_pcap{},rx_pcap={}", number(), self.path.display()))
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn a_capture_file() {
    conformance::check(Capture::new);
}

/// Two namespaces with a cable between, and a port at each end.
struct Cable {
    ends: [Namespace; 2],
    sink: Option<DpdkPort>,
    source: Option<DpdkPort>,
    capacity: usize,
}

impl Cable {
    /// `device` makes a device's name of that of an interface.
    fn new(device: impl Fn(&str) -> String + Sync, capacity: usize) -> Option<Cable> {
        let ends = cable()?;
        let open_at = |end: usize| {
            let device = device(ENDS[end]);
            Some(ends[end].run(|| open(device)).expect("a thread in the namespace"))
        };
        let (sink, source) = (open_at(0), open_at(1));
        Some(Cable { ends, sink, source, capacity })
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // Where they were opened: that is where their interfaces are.
        for (end, port) in self.ends.iter().zip([self.sink.take(), self.source.take()]) {
            end.run(|| drop(port)).expect("a thread in the namespace");
        }
    }
}

impl Pair for Cable {
    type Source = DpdkPort;
    type Sink = DpdkPort;
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        from()
    }

    fn to(&self) -> SocketAddrV4 {
        to()
    }

    fn frame_max(&self) -> usize {
        1_514
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn sink(&mut self) -> &mut DpdkPort {
        self.sink.as_mut().expect("a sink")
    }

    fn source(&mut self) -> &mut DpdkPort {
        self.source.as_mut().expect("a source")
    }
}

#[test]
fn a_packet_socket() {
    if cable().is_some() {
        conformance::check(|| Cable::new(packet, 500).expect("a cable"));
    }
}

#[test]
fn an_xdp_socket() {
    if cable().is_some() {
        conformance::check(|| Cable::new(xdp, 500).expect("a cable"));
    }
}
