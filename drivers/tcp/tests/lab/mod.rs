//! Two ends of a wire that loses, repeats, delays and reorders frames by a seed, under a clock that
//! stands where it is put; and at the far end a server that is a smoltcp of its own.
// Each test uses a part of it, and none is anyone's interface.
#![allow(dead_code, unreachable_pub)]

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{
    EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv4Cidr, Ipv4Packet, TcpPacket,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use tercel_tcp::{State, TcpConfig, TcpStack};
use tercel_types::{Clock, Frame, FrameSink, FrameSource, Nanos, PortError, StreamPort};

pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const PORT: u16 = 4_000;
pub const MS: u64 = 1_000_000;

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn hits(&mut self, probability: f64) -> bool {
        (self.next() as f64) < probability * u64::MAX as f64
    }
}

#[derive(Clone)]
pub struct Time(pub Rc<Cell<u64>>);

impl Time {
    pub fn new() -> Time {
        Time(Rc::new(Cell::new(1_000_000 * MS)))
    }

    pub fn advance(&self, span: u64) {
        self.0.set(self.0.get() + span);
    }
}

impl Clock for Time {
    fn now(&self) -> Nanos {
        Nanos(self.0.get())
    }
}

/// What happens to frames.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    pub loss: f64,
    pub duplicate: f64,
    pub reorder: f64,
    /// Nothing gets through between these times.
    pub outage: (u64, u64),
}

/// Both directions of the wire.
pub struct Net {
    random: Random,
    pub faults: Faults,
    pub delay: u64,
    count: u64,
    under_way: [BTreeMap<(u64, u64), Vec<u8>>; 2],
    /// Frames the client sent, with when, if they are kept.
    pub sent: Option<Vec<(u64, Vec<u8>)>>,
    /// Frames the server sent, likewise.
    pub heard: Option<Vec<Vec<u8>>>,
    /// Frames the client can still send; for tests of a full port.
    pub credit: usize,
    /// The client's port refuses the next frames it is to send.
    pub refuses: Option<(usize, PortError)>,
    /// The client's port fails for good.
    pub closed: bool,
}

pub type Shared = Rc<RefCell<Net>>;

impl Net {
    pub fn shared(seed: u64, faults: Faults) -> Shared {
        Rc::new(RefCell::new(Net {
            random: Random(seed),
            faults,
            delay: 20_000,
            count: 0,
            under_way: [BTreeMap::new(), BTreeMap::new()],
            sent: None,
            heard: None,
            credit: usize::MAX,
            refuses: None,
            closed: false,
        }))
    }

    fn send(&mut self, from: usize, frame: &[u8], now: u64) {
        if let Some(sent) = self.sent.as_mut().filter(|_| from == 0) {
            sent.push((now, frame.to_vec()));
        }
        if let Some(heard) = self.heard.as_mut().filter(|_| from == 1) {
            heard.push(frame.to_vec());
        }
        let (lost, twice, late) = (
            self.random.hits(self.faults.loss),
            self.random.hits(self.faults.duplicate),
            self.random.hits(self.faults.reorder),
        );
        let extra = self.random.below(10 * self.delay + 1);
        let (first, last) = self.faults.outage;
        if lost || (first..last).contains(&now) {
            return;
        }
        let at = now + self.delay + if late { extra } else { 0 };
        for copy in 0..1 + u64::from(twice) {
            self.count += 1;
            self.under_way[1 - from].insert((at + copy * 7_000, self.count), frame.to_vec());
        }
    }

    /// When the next frame arrives anywhere.
    pub fn next(&self) -> Option<u64> {
        self.under_way.iter().filter_map(|side| side.keys().next()).map(|key| key.0).min()
    }

    fn arrived(&mut self, side: usize, now: u64) -> Option<Vec<u8>> {
        let first = self.under_way[side].first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Puts a frame in front of the client.
    pub fn inject(&mut self, frame: &[u8], now: u64) {
        self.count += 1;
        self.under_way[0].insert((now, self.count), frame.to_vec());
    }
}

/// One end of the wire as a port.
pub struct End {
    net: Shared,
    side: usize,
    time: Time,
    space: Vec<u8>,
    reserved: usize,
}

impl End {
    pub fn new(net: &Shared, side: usize, time: &Time) -> End {
        let space = vec![0; 9_100];
        End { net: net.clone(), side, time: time.clone(), space, reserved: 0 }
    }
}

impl FrameSource for End {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let now = self.time.now();
        if self.side == 0 && self.net.borrow().closed {
            return Err(PortError::Closed);
        }
        for count in 0..max {
            let Some(frame) = self.net.borrow_mut().arrived(self.side, now.0) else {
                return Ok(count);
            };
            each(Frame { bytes: &frame, received: now });
        }
        Ok(max)
    }
}

impl FrameSink for End {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.side == 0 && self.net.borrow().credit == 0 {
            return None;
        }
        self.reserved = len;
        self.space.get_mut(..len)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        let now = self.time.now().0;
        let mut net = self.net.borrow_mut();
        if self.side == 0 {
            if let Some((left, error)) = net.refuses.as_mut().filter(|(left, _)| *left > 0) {
                *left -= 1;
                return Err(*error);
            }
            net.credit -= 1;
        }
        net.send(self.side, &self.space[..self.reserved], now);
        // A card's memory is another frame's by then.
        self.space.fill(0xaa);
        Ok(())
    }
}

impl Device for End {
    type RxToken<'a> = Rx;
    type TxToken<'a> = Tx<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Rx, Tx<'_>)> {
        let frame = self.net.borrow_mut().arrived(self.side, self.time.now().0)?;
        Some((Rx(frame), Tx(self)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Tx<'_>> {
        Some(Tx(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

pub struct Rx(Vec<u8>);

impl phy::RxToken for Rx {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

pub struct Tx<'a>(&'a mut End);

impl phy::TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let result = write(&mut self.0.space[..len]);
        self.0.reserved = len;
        self.0.commit().unwrap();
        result
    }
}

/// The far end: one listening socket.
pub struct Server {
    pub interface: Interface,
    pub sockets: SocketSet<'static>,
    pub handle: SocketHandle,
    end: End,
    time: Time,
    /// Everything received.
    pub got: Vec<u8>,
    /// To be sent.
    pub to_send: Vec<u8>,
    pub sent: usize,
    /// Takes bytes; without it the window closes.
    pub reads: bool,
}

impl Server {
    pub fn new(net: &Shared, time: &Time, window: usize, seed: u64) -> Server {
        let mut end = End::new(net, 1, time);
        let mac = HardwareAddress::Ethernet(EthernetAddress(SERVER_MAC));
        let mut config = Config::new(mac);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut end, Instant::from_micros(0));
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::Ipv4(Ipv4Cidr::new(SERVER, 24))).unwrap();
        });
        let buffer = |len: usize| tcp::SocketBuffer::new(vec![0; len]);
        let mut socket = tcp::Socket::new(buffer(window), buffer(65_536));
        socket.set_nagle_enabled(false);
        socket.listen(PORT).unwrap();
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Server {
            interface,
            sockets,
            handle,
            end,
            time: time.clone(),
            got: Vec::with_capacity(1 << 20),
            to_send: Vec::new(),
            sent: 0,
            reads: true,
        }
    }

    pub fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    pub fn listen(&mut self) {
        self.socket().abort();
        self.step();
        self.socket().listen(PORT).unwrap();
        (self.sent, self.to_send) = (0, Vec::new());
        self.got.clear();
    }

    pub fn step(&mut self) {
        let now = Instant::from_micros((self.time.now().0 / 1_000) as i64);
        self.interface.poll(now, &mut self.end, &mut self.sockets);
        let socket = self.sockets.get_mut::<tcp::Socket>(self.handle);
        while self.reads && socket.can_recv() {
            let got = &mut self.got;
            socket.recv(|bytes| (bytes.len(), got.extend_from_slice(bytes))).unwrap();
        }
        if socket.may_send() {
            self.sent += socket.send_slice(&self.to_send[self.sent..]).unwrap();
        }
        self.interface.poll(now, &mut self.end, &mut self.sockets);
    }
}

pub type Client = TcpStack<End, Time>;

pub fn config(seed: u64) -> TcpConfig {
    TcpConfig {
        mac: CLIENT_MAC,
        address: CLIENT,
        prefix: 24,
        gateway: None,
        peer: SocketAddrV4::new(SERVER, PORT),
        mtu: 1_500,
        connect_timeout: Nanos::from_secs(30),
        keep_alive: None,
        seed,
    }
}

/// A client, a server and the wire between them.
pub struct Lab {
    pub time: Time,
    pub net: Shared,
    pub client: Client,
    pub server: Server,
}

impl Lab {
    pub fn new(seed: u64, faults: Faults) -> Lab {
        Lab::with(config(seed), faults)
    }

    pub fn with(config: TcpConfig, faults: Faults) -> Lab {
        let time = Time::new();
        let net = Net::shared(config.seed, faults);
        let end = End::new(&net, 0, &time);
        let client = TcpStack::new(end, config, time.clone()).unwrap();
        let server = Server::new(&net, &time, 65_536, !config.seed);
        Lab { time, net, client, server }
    }

    /// Goes on to when the next frame arrives, but for `most` nanoseconds at most.
    pub fn pass(&mut self, most: u64) {
        let now = self.time.now().0;
        let next = self.net.borrow().next().unwrap_or(u64::MAX);
        self.time.0.set(next.clamp(now, now + most));
        self.server.step();
    }
}

impl Lab {
    /// A client with an open connection.
    pub fn open(config: TcpConfig) -> Lab {
        let mut lab = Lab::with(config, Faults::default());
        lab.client.dial();
        lab.until(State::Open);
        lab.run(5 * MS);
        lab
    }

    /// Goes on until the connection stands so, for an hour at most.
    pub fn until(&mut self, state: State) {
        let end = self.time.now().0 + 3_600_000 * MS;
        while self.client.step() != state {
            self.pass(10 * MS);
            assert!(self.time.now().0 < end, "{:?}, not {state:?}", self.client.state());
        }
    }

    /// Goes on for a while.
    pub fn run(&mut self, span: u64) {
        let end = self.time.now().0 + span;
        self.server.step();
        while self.time.now().0 < end {
            self.pass((end - self.time.now().0).min(10 * MS));
            self.client.step();
        }
    }

    /// Commits these bytes; `false` when there is no space.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        let Some(space) = self.client.reserve(bytes.len()) else { return false };
        space.copy_from_slice(bytes);
        self.client.commit(bytes.len()).unwrap();
        true
    }

    /// Everything there is to read now.
    pub fn read(&mut self) -> Result<Vec<u8>, PortError> {
        let mut all = Vec::new();
        let consumed = self.client.poll(|bytes| {
            all.extend_from_slice(bytes);
            bytes.len()
        })?;
        assert_eq!(consumed, all.len());
        Ok(all)
    }
}

/// Makes the checksums of a frame's IPv4 and TCP headers right, where it has those.
pub fn fix_checksums(frame: &mut [u8]) {
    let Ok(mut ip) = Ipv4Packet::new_checked(&mut frame[14..]) else { return };
    ip.fill_checksum();
    let (from, to) = (IpAddress::Ipv4(ip.src_addr()), IpAddress::Ipv4(ip.dst_addr()));
    if let Ok(mut tcp) = TcpPacket::new_checked(ip.payload_mut()) {
        tcp.fill_checksum(&from, &to);
    }
}
