//! Every path that frames take through Linux, on veth pairs between namespaces of their own: the
//! rules for every driver, what is for others, and what goes wrong on a wire.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use tercel_net::flows::{Flows, SessionFlow};
use tercel_net::interface::Interface;
use tercel_net::packet::{PacketConfig, PacketPort};
use tercel_net::udp::{UdpConfig, UdpPort, UdpSource};
use tercel_net::xdp::{Attach, BusyPoll, Copying, XdpConfig, XdpPort};
use tercel_net::{NetError, membership::Membership};
use tercel_netns::{End, Namespace, available, join};
use tercel_proto::frame;
use tercel_tests::conformance::{self, Pair};
use tercel_types::{FrameSink, FrameSource, PortError};

const VENUE: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 1);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 77, 1, 2);
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 192, 77, 1), 31_001);
const FROM: SocketAddrV4 = SocketAddrV4::new(VENUE, 31_000);
const PATIENCE: Duration = Duration::from_secs(5);

/// Says what is left out where namespaces cannot be made.
fn ready() -> bool {
    match available() {
        Ok(()) => true,
        Err(why) => {
            println!("skipped: {why}");
            false
        }
    }
}

/// A venue's end and a host's.
struct Network {
    venue: Namespace,
    host: Namespace,
}

impl Network {
    fn new() -> Network {
        let (venue, host) = (Namespace::new().unwrap(), Namespace::new().unwrap());
        join(
            End { namespace: &venue, interface: "venue", address: VENUE },
            End { namespace: &host, interface: "host", address: HOST },
        )
        .unwrap();
        Network { venue, host }
    }
}

fn flows() -> Flows {
    Flows { udp: vec![GROUP], session: None }
}

fn packet(namespace: &Namespace, interface: &str) -> PacketPort {
    let config = PacketConfig { interface: interface.into(), flows: flows(), slots: 512 };
    namespace.run(|| PacketPort::open(&config)).unwrap().unwrap()
}

fn try_xdp(namespace: &Namespace, interface: &str, attach: Attach) -> Result<XdpPort, NetError> {
    let config = XdpConfig { attach, frames: 1_024, ..XdpConfig::new(interface, flows()) };
    namespace.run(|| XdpPort::open(&config)).unwrap()
}

fn xdp(namespace: &Namespace, interface: &str, attach: Attach) -> XdpPort {
    try_xdp(namespace, interface, attach).unwrap()
}

/// Two ports on the ends of a cable.
struct Cable<K, S> {
    sink: K,
    source: S,
    from: SocketAddrV4,
    frame_max: usize,
    /// Multicast has to be asked for where the kernel decides.
    _membership: Option<Membership>,
    _network: Network,
}

impl<K: FrameSink, S: FrameSource> Pair for Cable<K, S> {
    type Source = S;
    type Sink = K;
    const ENDS: bool = false;

    fn from(&self) -> SocketAddrV4 {
        self.from
    }

    fn to(&self) -> SocketAddrV4 {
        GROUP
    }

    fn frame_max(&self) -> usize {
        self.frame_max
    }

    fn capacity(&self) -> usize {
        200
    }

    fn sink(&mut self) -> &mut K {
        &mut self.sink
    }

    fn source(&mut self) -> &mut S {
        &mut self.source
    }
}

fn cable<K, S>(sink: impl Fn(&Namespace) -> K, source: impl Fn(&Namespace) -> S) -> Cable<K, S> {
    let network = Network::new();
    let source = source(&network.host);
    let sink = sink(&network.venue);
    let frame_max = 1_514;
    Cable { sink, source, from: FROM, frame_max, _membership: None, _network: network }
}

#[test]
fn kernel_udp() {
    if !ready() {
        return;
    }
    conformance::check(|| {
        let network = Network::new();
        let open = || {
            let config =
                UdpConfig { groups: vec![GROUP], interface: HOST, receive_buffer: 4 << 20 };
            UdpSource::open(&config).unwrap()
        };
        let source = network.host.run(open).unwrap();
        let sink = network.venue.run(|| {
            let port = UdpPort::bind(SocketAddrV4::new(VENUE, 0), None).unwrap();
            port.set_multicast(VENUE, 1).unwrap();
            port
        });
        let sink = sink.unwrap();
        // The kernel takes long datagrams apart and puts them together again.
        let (from, frame_max) = (sink.local(), tercel_net::udp::FRAME_MAX);
        Cable { sink, source, from, frame_max, _membership: None, _network: network }
    });
}

#[test]
fn packet_sockets() {
    if ready() {
        conformance::check(|| cable(|ns| packet(ns, "venue"), |ns| packet(ns, "host")));
    }
}

#[test]
fn af_xdp_generic() {
    if ready() {
        let open = |ns: &Namespace, name| xdp(ns, name, Attach::Generic);
        conformance::check(|| cable(|ns| open(ns, "venue"), |ns| open(ns, "host")));
    }
}

#[test]
fn af_xdp_native() {
    if ready() {
        let open = |ns: &Namespace, name| xdp(ns, name, Attach::Native);
        conformance::check(|| cable(|ns| open(ns, "venue"), |ns| open(ns, "host")));
    }
}

/// What a port that is being tested does.
trait Port: FrameSource + FrameSink {
    fn lost(&mut self) -> u64;
    fn too_long(&mut self) -> u64;
}

impl Port for PacketPort {
    fn too_long(&mut self) -> u64 {
        self.report().oversized
    }

    fn lost(&mut self) -> u64 {
        self.report().dropped
    }
}

impl Port for XdpPort {
    fn too_long(&mut self) -> u64 {
        self.report().dropped
    }

    fn lost(&mut self) -> u64 {
        let report = self.report();
        report.ring_full + report.no_chunk + report.dropped
    }
}

fn datagram(to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; frame::UDP_HEADERS + payload.len()];
    bytes[frame::UDP_HEADERS..].copy_from_slice(payload);
    frame::emit_udp(&mut bytes, FROM, to, payload.len()).unwrap();
    bytes
}

fn send(sink: &mut impl FrameSink, bytes: &[u8]) {
    sink.reserve(bytes.len()).expect("space").copy_from_slice(bytes);
    sink.commit().unwrap();
}

/// Frames that come until none has come for a while.
fn drain(source: &mut impl FrameSource) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(50) {
        if source.poll(64, |frame| frames.push(frame.bytes.to_vec())).unwrap() > 0 {
            quiet = Instant::now();
        }
    }
    frames
}

/// Runs a check with each kind of port at the host's end.
fn on_each_path(check: impl Fn(&Network, &mut dyn FnMut() -> Box<dyn AnyPort>)) {
    if !ready() {
        return;
    }
    for attach in [None, Some(Attach::Generic), Some(Attach::Native)] {
        let network = Network::new();
        let mut open = || -> Box<dyn AnyPort> {
            match attach {
                None => Box::new(packet(&network.host, "host")),
                Some(attach) => Box::new(xdp(&network.host, "host", attach)),
            }
        };
        check(&network, &mut open);
    }
}

/// [`Port`] for any of them.
trait AnyPort {
    fn drain(&mut self) -> Vec<Vec<u8>>;
    fn lost(&mut self) -> u64;
    fn too_long(&mut self) -> u64;
    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError>;
}

impl<P: Port> AnyPort for P {
    fn drain(&mut self) -> Vec<Vec<u8>> {
        drain(self)
    }

    fn lost(&mut self) -> u64 {
        Port::lost(self)
    }

    fn too_long(&mut self) -> u64 {
        Port::too_long(self)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.reserve(bytes.len()).expect("space").copy_from_slice(bytes);
        self.commit()
    }
}

/// Runts, fragments, options, other groups and other protocols: not ours, and no harm.
#[test]
fn frames_that_are_not_ours_do_not_come() {
    on_each_path(|network, open| {
        let mut port = open();
        let mut venue = packet(&network.venue, "venue");
        let good = datagram(GROUP, b"good");
        let other = datagram(SocketAddrV4::new(*GROUP.ip(), 1), b"another port");
        let mut fragment = good.clone();
        fragment[20] = 0x20;
        let mut options = good.clone();
        options[14] = 0x46;
        let mut garbage = good.clone();
        garbage[12..].fill(0xff);
        let runt = good[..20].to_vec();
        for bytes in [&other, &fragment, &options, &garbage, &runt, &good] {
            send(&mut venue, bytes);
        }
        // A checksum is the decoder's business: a frame with a wrong one is handed out.
        let mut wrong = good.clone();
        wrong[40] ^= 1;
        send(&mut venue, &wrong);
        assert_eq!(port.drain(), [good, wrong]);
    });
}

/// One and two VLAN tags, and a frame as long as the wire carries.
#[test]
fn tagged_and_long_frames_come_whole() {
    on_each_path(|network, open| {
        let mut port = open();
        let mut venue = packet(&network.venue, "venue");
        let plain = datagram(GROUP, &[7; 100]);
        let long = datagram(GROUP, &[9; 1_472]);
        let tag = |bytes: &[u8], tags: &[[u8; 4]]| {
            let mut bytes = bytes.to_vec();
            for tag in tags {
                bytes.splice(12..12, *tag);
            }
            bytes
        };
        let one = tag(&plain, &[[0x81, 0, 0, 5]]);
        let two = tag(&plain, &[[0x81, 0, 0, 5], [0x88, 0xa8, 0, 6]]);
        let sent = [plain, one, two, long];
        for bytes in &sent {
            send(&mut venue, bytes);
        }
        assert_eq!(port.drain(), sent);
    });
}

/// More than the rings hold: the rest is counted, and what comes later is received.
#[test]
fn an_overflow_is_counted_and_survived() {
    on_each_path(|network, open| {
        let mut port = open();
        let mut venue = packet(&network.venue, "venue");
        let sent = 6_000;
        for number in 0..sent {
            send(&mut venue, &datagram(GROUP, &u32::to_be_bytes(number)));
        }
        let got = port.drain();
        let lost = port.lost();
        assert!(!got.is_empty() && (got.len() as u32) < sent, "{} came", got.len());
        assert!(lost > 0, "a loss that nobody counted");
        send(&mut venue, &datagram(GROUP, b"later"));
        assert_eq!(port.drain(), [datagram(GROUP, b"later")]);
    });
}

/// TCP and UDP of others work as if the port were not there, both ways.
#[test]
fn what_is_for_others_reaches_the_kernel() {
    on_each_path(|network, open| {
        let mut port = open();
        let listener = network.host.run(|| TcpListener::bind((HOST, 0)).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = network.venue.run(|| TcpStream::connect(address).unwrap()).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        let sent: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let copy = sent.clone();
        let writer = std::thread::spawn(move || client.write_all(&copy).map(|()| client));
        let mut got = vec![0; sent.len()];
        served.set_read_timeout(Some(PATIENCE)).unwrap();
        served.read_exact(&mut got).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(got, sent);

        let udp = network.host.run(|| UdpSocket::bind((HOST, 0)).unwrap()).unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        let other = network.venue.run(|| UdpSocket::bind((VENUE, 0)).unwrap()).unwrap();
        other.send_to(b"for others", udp.local_addr().unwrap()).unwrap();
        let mut bytes = [0; 32];
        assert_eq!(udp.recv(&mut bytes).unwrap(), 10);
        assert!(port.drain().is_empty());
    });
}

/// The session's flow: TCP from the venue to the address of its own, ARP for it, nothing else.
#[test]
fn a_session_takes_its_own_tcp_and_arp() {
    if !ready() {
        return;
    }
    let own = Ipv4Addr::new(10, 77, 1, 9);
    let session = SessionFlow { local: own, peer: SocketAddrV4::new(VENUE, 31_005) };
    let network = Network::new();
    let config = XdpConfig::new("host", Flows { udp: Vec::new(), session: Some(session) });
    let mut port = network.host.run(|| XdpPort::open(&config)).unwrap().unwrap();
    // The venue's kernel asks who has the address, and gets no answer from the host's.
    let connecting = network.venue.run(|| {
        let address = SocketAddrV4::new(own, 9);
        TcpStream::connect_timeout(&address.into(), Duration::from_millis(100)).is_err()
    });
    assert!(connecting.unwrap());
    let frames = drain(&mut port);
    assert!(!frames.is_empty(), "no ARP request came");
    for bytes in frames {
        assert_eq!((&bytes[12..14], &bytes[38..42]), (&[8, 6][..], &own.octets()[..]));
    }
}

/// An interface that goes down and comes up again: the port goes on.
#[test]
fn a_link_that_was_down_comes_back() {
    on_each_path(|network, open| {
        let mut port = open();
        let mut venue = packet(&network.venue, "venue");
        network.host.ip(&["link", "set", "host", "down"]).unwrap();
        let _ = port.send(&datagram(GROUP, b"into nothing"));
        assert!(port.drain().is_empty());
        network.host.ip(&["link", "set", "host", "up"]).unwrap();
        let end = Instant::now() + PATIENCE;
        let wanted = datagram(GROUP, b"back");
        loop {
            // The other end takes a moment to see its carrier again.
            let _ = venue.reserve(wanted.len()).map(|space| space.copy_from_slice(&wanted));
            let _ = venue.commit();
            if port.drain().contains(&wanted) {
                break;
            }
            assert!(Instant::now() < end, "nothing comes after the link is back");
        }
    });
}

/// An interface that vanishes under an open port: no error of memory, no frame, and it can be
/// opened again when it is back.
#[test]
fn an_interface_that_vanishes_is_survived() {
    if !ready() {
        return;
    }
    for attach in [None, Some(Attach::Generic), Some(Attach::Native)] {
        let network = Network::new();
        let open = |network: &Network| -> Box<dyn AnyPort> {
            match attach {
                None => Box::new(packet(&network.host, "host")),
                Some(attach) => Box::new(xdp(&network.host, "host", attach)),
            }
        };
        let mut port = open(&network);
        network.host.ip(&["link", "del", "host"]).unwrap();
        assert!(port.drain().is_empty());
        let _ = port.send(&datagram(GROUP, b"into nothing"));
        join(
            End { namespace: &network.venue, interface: "venue", address: VENUE },
            End { namespace: &network.host, interface: "host", address: HOST },
        )
        .unwrap();
        drop(port);
        let mut port = open(&network);
        let mut venue = packet(&network.venue, "venue");
        send(&mut venue, &datagram(GROUP, b"again"));
        assert_eq!(port.drain(), [datagram(GROUP, b"again")]);
    }
}

/// The program goes with the port, and the next one can be attached at once.
#[test]
fn no_program_stays_behind() {
    if !ready() {
        return;
    }
    let network = Network::new();
    let attached = || {
        let output = network.host.command("ip").args(["link", "show", "host"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("xdp")
    };
    for attach in [Attach::Native, Attach::Generic, Attach::Auto] {
        let port = xdp(&network.host, "host", attach);
        assert!(attached());
        let report = port.report();
        assert_eq!(report.native, attach != Attach::Generic);
        assert!(!report.zero_copy, "veth has none");
        drop(port);
        assert!(!attached());
    }
}

/// What cannot be had is refused with what to do.
#[test]
fn refusals_say_what_to_do() {
    if !ready() {
        return;
    }
    let network = Network::new();
    let refused = |change: &dyn Fn(&mut XdpConfig)| {
        let mut config = XdpConfig::new("host", flows());
        change(&mut config);
        let opened = network.host.run(|| XdpPort::open(&config)).unwrap();
        opened.err().expect("a refusal").to_string()
    };
    let zero = refused(&|config| config.copying = Copying::Zero);
    assert!(zero.contains("zero-copy") && zero.contains("`copy`"), "{zero}");
    let queue = refused(&|config| config.queues = vec![7]);
    assert!(queue.contains("no receive queue 7"), "{queue}");
    let frames = refused(&|config| config.frames = 1_000);
    assert!(frames.contains("power of two") && frames.contains("1000"), "{frames}");
    let name = refused(&|config| config.interface = "missing".into());
    assert!(name.contains("`missing`") && name.contains("ip link"), "{name}");
    let huge = refused(&|config| {
        config.huge_pages = true;
        config.frames = 1 << 20;
    });
    assert!(huge.contains("vm.nr_hugepages"), "{huge}");

    let _first = xdp(&network.host, "host", Attach::Generic);
    let second = try_xdp(&network.host, "host", Attach::Generic).err().expect("a refusal");
    assert!(second.to_string().contains("queue 0 of host"), "{second}");
    network.venue.ip(&["link", "set", "venue", "mtu", "9000"]).unwrap();
    let long = try_xdp(&network.venue, "venue", Attach::Auto).err().expect("a refusal");
    assert!(long.to_string().contains("ip link set dev venue mtu 3498"), "{long}");
}

/// A membership is what the kernel lists.
#[test]
fn a_membership_is_held_and_given_up() {
    if !ready() {
        return;
    }
    let network = Network::new();
    let listed = || {
        let output = network.host.command("ip").args(["maddr", "show", "host"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(&GROUP.ip().to_string())
    };
    assert!(!listed());
    let member = network.host.run(|| Membership::join(&[*GROUP.ip(), HOST], "host")).unwrap();
    let member = member.unwrap();
    assert!(listed());
    drop(member);
    assert!(!listed());
}

/// Settings that change how frames get to the same memory: each way they arrive. Huge pages may be
/// lacking, which is a refusal of its own.
#[test]
fn every_setting_of_af_xdp_brings_frames() {
    if !ready() {
        return;
    }
    let busy = Some(BusyPoll { micros: 20, budget: 64 });
    let plain = XdpConfig { frames: 512, ..XdpConfig::new("host", flows()) };
    let settings = [
        XdpConfig { busy_poll: busy, attach: Attach::Native, ..plain.clone() },
        XdpConfig { busy_poll: busy, attach: Attach::Generic, ..plain.clone() },
        XdpConfig { copying: Copying::Copy, frames: 64, ..plain.clone() },
        XdpConfig { huge_pages: true, ..plain },
    ];
    let network = Network::new();
    let mut venue = packet(&network.venue, "venue");
    for config in settings {
        let mut port = match network.host.run(|| XdpPort::open(&config)).unwrap() {
            Err(error @ NetError::NoHugePages { .. }) => {
                println!("without huge pages: {error}");
                continue;
            }
            opened => opened.unwrap(),
        };
        for batch in 0..100_u32 {
            let sent: Vec<_> =
                (0..16).map(|at| datagram(GROUP, &u32::to_be_bytes(16 * batch + at))).collect();
            sent.iter().for_each(|bytes| send(&mut venue, bytes));
            let end = Instant::now() + PATIENCE;
            let mut came = Vec::new();
            while came.len() < sent.len() {
                port.poll(64, |frame| came.push(frame.bytes.to_vec())).unwrap();
                assert!(
                    Instant::now() < end,
                    "{} of {} frames, {config:?}",
                    came.len(),
                    sent.len()
                );
            }
            assert_eq!(came, sent, "{config:?}");
        }
    }
}

/// Flows that the interface spreads over its queues come together in one port; a port of one queue
/// leaves the others to the kernel.
#[test]
fn several_queues_are_one_port() {
    if !ready() {
        return;
    }
    let (venue, host) = (Namespace::new().unwrap(), Namespace::new().unwrap());
    let queues = ["numrxqueues", "2", "numtxqueues", "2"];
    let other = host.path().display().to_string();
    let peer =
        [&["type", "veth", "peer", "name", "host"], &queues[..], &["netns", &other]].concat();
    venue.ip(&[&["link", "add", "name", "venue"], &queues[..], &peer].concat()).unwrap();
    venue.ip(&["address", "add", "10.77.1.1/24", "dev", "venue"]).unwrap();
    venue.ip(&["link", "set", "venue", "up"]).unwrap();
    host.ip(&["link", "set", "host", "up"]).unwrap();
    let running = || host.run(|| Interface::open("host").unwrap().is_running()).unwrap();
    let end = Instant::now() + PATIENCE;
    while !running() {
        assert!(Instant::now() < end, "no carrier");
    }
    // As many flows as source ports.
    let sources = || -> Vec<UdpPort> {
        (0..64)
            .map(|_| {
                let port = UdpPort::bind(SocketAddrV4::new(VENUE, 0), None).unwrap();
                port.set_multicast(VENUE, 1).unwrap();
                port
            })
            .collect()
    };
    let mut sources = venue.run(sources).unwrap();
    let came = |queues: Vec<u32>, sources: &mut [UdpPort]| {
        let config = XdpConfig { queues, ..XdpConfig::new("host", flows()) };
        let mut port = host.run(|| XdpPort::open(&config)).unwrap().unwrap();
        for source in sources {
            send(source, &datagram(GROUP, b"flow"));
        }
        (drain(&mut port).len(), port.report().queues)
    };
    assert_eq!(came(Vec::new(), &mut sources), (64, 2));
    let (first, second) = (came(vec![0], &mut sources), came(vec![1], &mut sources));
    assert_eq!((first.0 + second.0, first.1, second.1), (64, 1, 1));
    assert!(first.0 > 0 && second.0 > 0, "{first:?} {second:?}");
}

/// The MTU was raised behind the port's back: what is too long for its memory is counted, and what
/// follows comes.
#[test]
fn a_jumbo_frame_is_counted_and_survived() {
    if !ready() {
        return;
    }
    for attach in [None, Some(Attach::Generic)] {
        let network = Network::new();
        let mut port: Box<dyn AnyPort> = match attach {
            None => Box::new(packet(&network.host, "host")),
            Some(attach) => Box::new(xdp(&network.host, "host", attach)),
        };
        network.host.ip(&["link", "set", "host", "mtu", "9000"]).unwrap();
        network.venue.ip(&["link", "set", "venue", "mtu", "9000"]).unwrap();
        let mut venue = packet(&network.venue, "venue");
        send(&mut venue, &datagram(GROUP, &[1; 8_000]));
        send(&mut venue, &datagram(GROUP, b"short"));
        assert_eq!(port.drain(), [datagram(GROUP, b"short")], "{attach:?}");
        assert_eq!(port.too_long(), 1, "{attach:?}");
    }
}
