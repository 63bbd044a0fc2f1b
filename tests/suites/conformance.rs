//! The drivers of `tercel-net` against the rules for every driver.

use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU8, Ordering};
use tercel_net::clock::HostClock;
use tercel_net::faults::{Faults, Faulty, Recorder};
use tercel_net::headers;
use tercel_net::pcap::{PcapSink, PcapSource, PcapWriter};
use tercel_net::udp::{FRAME_MAX, UdpConfig, UdpPort, UdpSource};
use tercel_proto::frame::{self, Udp};
use tercel_tests::conformance::{self, Pair};
use tercel_types::FrameSource;

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A UDP port that sends to some source.
struct Wire<S> {
    sink: UdpPort,
    source: S,
    to: SocketAddrV4,
}

impl<S: FrameSource> Pair for Wire<S> {
    type Source = S;
    type Sink = UdpPort;
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        self.sink.local()
    }

    fn to(&self) -> SocketAddrV4 {
        self.to
    }

    fn frame_max(&self) -> usize {
        FRAME_MAX
    }

    fn capacity(&self) -> usize {
        100
    }

    fn sink(&mut self) -> &mut UdpPort {
        &mut self.sink
    }

    fn source(&mut self) -> &mut S {
        &mut self.source
    }
}

fn port() -> UdpPort {
    UdpPort::bind(SocketAddrV4::new(LOCAL, 0), None).expect("a socket on loopback")
}

fn unicast() -> Wire<UdpPort> {
    let (sink, source) = (port(), port());
    let to = source.local();
    Wire { sink, source, to }
}

fn multicast() -> Wire<UdpSource> {
    static GROUP: AtomicU8 = AtomicU8::new(1);
    let group = Ipv4Addr::new(239, 255, 72, GROUP.fetch_add(1, Ordering::Relaxed));
    let to = SocketAddrV4::new(group, port().local().port());
    let config = UdpConfig { groups: vec![to], interface: LOCAL, receive_buffer: 4 << 20 };
    let source = UdpSource::open(&config).expect("a group on loopback");
    let sink = port();
    sink.set_multicast(LOCAL, 0).expect("multicast on loopback");
    Wire { sink, source, to }
}

fn faultless() -> Wire<Faulty<UdpPort>> {
    let Wire { sink, source, to } = unicast();
    Wire { sink, source: Faulty::new(source, Faults::default()), to }
}

fn recorded() -> Wire<Recorder<UdpPort, Vec<u8>>> {
    let Wire { sink, source, to } = unicast();
    let writer = PcapWriter::new(Vec::new()).expect("a file in memory");
    Wire { sink, source: Recorder::new(source, writer), to }
}

/// A capture file in memory, written and then read.
struct Capture {
    sink: Option<PcapSink<Vec<u8>, HostClock>>,
    source: Option<PcapSource<Cursor<Vec<u8>>>>,
}

impl Pair for Capture {
    type Source = PcapSource<Cursor<Vec<u8>>>;
    type Sink = PcapSink<Vec<u8>, HostClock>;
    const ENDS: bool = true;

    fn from(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1_000)
    }

    fn to(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477)
    }

    fn frame_max(&self) -> usize {
        headers::LEN + headers::PAYLOAD_MAX
    }

    fn capacity(&self) -> usize {
        1_000
    }

    fn sink(&mut self) -> &mut Self::Sink {
        self.sink.as_mut().expect("everything is sent before the file is read")
    }

    fn source(&mut self) -> &mut Self::Source {
        self.source.get_or_insert_with(|| {
            let writer = self.sink.take().expect("one file").into_writer();
            let file = writer.into_inner().expect("a file in memory");
            PcapSource::new(Cursor::new(file)).expect("our own header")
        })
    }
}

fn capture() -> Capture {
    let writer = PcapWriter::new(Vec::new()).expect("a file in memory");
    Capture { sink: Some(PcapSink::new(writer, HostClock::new())), source: None }
}

#[test]
fn udp_unicast() {
    conformance::check(unicast);
}

#[test]
fn udp_multicast() {
    conformance::check(multicast);
}

#[test]
fn pcap_file() {
    conformance::check(capture);
}

#[test]
fn faulty_without_faults() {
    conformance::check(faultless);
}

#[test]
fn recorder() {
    conformance::check(recorded);
}

/// The headers that a source puts back are those that the decoder takes off, MAC addresses as the
/// emitter makes them.
#[test]
fn headers_put_back_are_headers_parsed() {
    let src = SocketAddrV4::new(Ipv4Addr::new(10, 200, 255, 1), 65_535);
    let groups = [[239, 255, 255, 255], [224, 0, 0, 0], [233, 54, 12, 111], [10, 1, 2, 3]];
    for (group, port) in groups.into_iter().zip([0, 1, 26_477, 65_535]) {
        let dst = SocketAddrV4::new(Ipv4Addr::from(group), port);
        for len in [0, 1, 1_400, headers::PAYLOAD_MAX] {
            let mut bytes = headers::build(src, dst, len).to_vec();
            bytes.resize(headers::LEN + len, 0x5a);
            let payload = &bytes[headers::LEN..];
            assert_eq!(frame::parse_udp(&bytes), Ok(Udp { src, dst, payload }));
            let mut emitted = bytes.clone();
            assert_eq!(frame::emit_udp(&mut emitted, src, dst, len), Some(bytes.len()));
            assert_eq!(emitted[..14], bytes[..14]);
        }
    }
}
