//! A venue under test and the clients that talk to it over real sockets.
//!
//! Everything runs on one thread: a condition is waited for by stepping the venue on a clock of its
//! own and polling the clients. The wall clock only bounds how long a test may hang.
#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tercel_exchange::matching::SelfMatch;
use tercel_exchange::publisher::PublisherAddresses;
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{AccountConfig, Login, Venue, VenueConfig};
use tercel_proto::mold::{self, PacketKind};
use tercel_proto::ouch::inbound::{CancelOrder, EnterOrder, ReplaceOrder};
use tercel_proto::ouch::{AppendageBuf, Appendages, Inbound, Outbound, letter};
use tercel_proto::soup::{self, ClientPacket, LoginRequest, ServerPacket};
use tercel_types::{Nanos, Price, SeqNo, Symbol};
use zerocopy::big_endian::{U32, U64};

/// A test that waits longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// One step of the venue's clock.
const TICK: u64 = 100_000;

pub fn account(username: &str, firm: &[u8; 4]) -> AccountConfig {
    AccountConfig {
        login: login(username, "secret"),
        firm: *firm,
        symbols: vec![],
        cancel_on_disconnect: false,
        self_match: SelfMatch::Allow,
    }
}

pub fn login(username: &str, password: &str) -> Login {
    let mut login = Login { username: [b' '; 6], password: [b' '; 10] };
    login.username[..username.len()].copy_from_slice(username.as_bytes());
    login.password[..password.len()].copy_from_slice(password.as_bytes());
    login
}

pub fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

/// Two symbols, two accounts, no flow.
pub fn config() -> VenueConfig {
    let mut config = VenueConfig::new(vec![
        SymbolConfig::new(symbol("AAPL"), Price(1_500_000)),
        SymbolConfig::new(symbol("MSFT"), Price(3_000_000)),
    ]);
    config.accounts = vec![account("alpha", b"ALFA"), account("beta", b"BETA")];
    config
}

/// A venue and its clock.
pub struct Lab {
    pub venue: Venue,
    pub now: Nanos,
}

impl Lab {
    pub fn new(config: VenueConfig) -> Lab {
        // 2023-11-14 22:13:20 UTC.
        Lab { venue: Venue::bind(config).unwrap(), now: Nanos(1_700_000_000_000_000_000) }
    }

    pub fn step(&mut self) -> usize {
        self.now.0 += TICK;
        self.venue.step(self.now)
    }

    /// Steps until `done` says so.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&Lab) -> bool) {
        let start = Instant::now();
        loop {
            let busy = self.step() > 0;
            if done(self) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
            if !busy {
                std::thread::sleep(Duration::from_micros(20));
            }
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.venue.addresses().ouch)
    }

    /// A client that is logged in from message `sequence` on.
    pub fn log_in(&mut self, username: &str, sequence: u64) -> Client {
        let mut client = self.connect();
        client.log_in(login(username, "secret"), soup::ANY_SESSION, sequence);
        self.until("login", |_| {
            client.poll();
            client.session.is_some()
        });
        client
    }

    /// Waits until the client has been told `count` messages; the newest.
    pub fn told(&mut self, client: &mut Client, count: usize) -> Vec<u8> {
        self.until("messages", |_| {
            client.poll();
            client.messages.len() >= count
        });
        assert_eq!(client.messages.len(), count, "{:?}", client.kinds());
        client.messages[count - 1].clone()
    }

    /// Lets everything under way come to rest.
    pub fn settle(&mut self, clients: &mut [&mut Client]) {
        self.settle_for(30, clients);
    }

    /// Most of what is under way.
    pub fn settle_briefly(&mut self, clients: &mut [&mut Client]) {
        self.settle_for(2, clients);
    }

    fn settle_for(&mut self, rounds: u32, clients: &mut [&mut Client]) {
        let mut quiet = 0;
        while quiet < rounds {
            let mut busy = self.step() > 0;
            for client in clients.iter_mut() {
                busy |= client.poll() > 0;
            }
            quiet = if busy { 0 } else { quiet + 1 };
            std::thread::sleep(Duration::from_micros(20));
        }
    }
}

/// A client of the order port.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    /// Session name and first number, once logged in.
    pub session: Option<([u8; 10], u64)>,
    pub refused: Option<u8>,
    pub messages: Vec<Vec<u8>>,
    pub heartbeats: u64,
    pub ended: bool,
    pub closed: bool,
}

impl Client {
    pub fn connect(address: SocketAddrV4) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            stream,
            received: vec![],
            session: None,
            refused: None,
            messages: vec![],
            heartbeats: 0,
            ended: false,
            closed: false,
        }
    }

    pub fn log_in(&mut self, login: Login, session: [u8; 10], sequence: u64) {
        let request = LoginRequest::new(login.username, login.password, session, sequence);
        self.send(ClientPacket::LoginRequest(&request));
    }

    pub fn send(&mut self, packet: ClientPacket<'_>) {
        let mut buf = [0; 512];
        let len = packet.emit(&mut buf).unwrap();
        self.send_bytes(&buf[..len]);
    }

    /// Small enough never to fill the socket's buffer; an error means that the venue has closed.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub fn request(&mut self, message: Inbound<'_>) {
        let mut buf = [0; 256];
        let len = message.emit(&mut buf).unwrap();
        self.send(ClientPacket::Unsequenced(&buf[..len]));
    }

    pub fn enter(&mut self, order: EnterOrder) {
        self.request(Inbound::EnterOrder(&order, Appendages::EMPTY));
    }

    pub fn enter_with(&mut self, order: EnterOrder, options: &AppendageBuf) {
        self.request(Inbound::EnterOrder(&order, options.appendages()));
    }

    pub fn replace(&mut self, original: u32, user_ref: u32, quantity: u32, price: u64) {
        let replace = ReplaceOrder {
            kind: ReplaceOrder::KIND,
            original: U32::new(original),
            user_ref: U32::new(user_ref),
            quantity: U32::new(quantity),
            price: U64::new(price),
            time_in_force: letter::TIF_DAY,
            display: letter::DISPLAY_VISIBLE,
            sweep: letter::SWEEP_NOT_ELIGIBLE,
            client_order_id: *b"replaced      ",
        };
        self.request(Inbound::ReplaceOrder(&replace, Appendages::EMPTY));
    }

    pub fn cancel(&mut self, user_ref: u32, quantity: u32) {
        let cancel = CancelOrder {
            kind: CancelOrder::KIND,
            user_ref: U32::new(user_ref),
            quantity: U32::new(quantity),
        };
        self.request(Inbound::CancelOrder(&cancel, Appendages::ABSENT));
    }

    /// Takes in what has come; how many packets.
    pub fn poll(&mut self) -> usize {
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(len) => {
                    self.received.extend_from_slice(&chunk[..len]);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            }
            break;
        }
        let mut packets = 0;
        while let Some((packet, consumed)) = ServerPacket::parse(&self.received).unwrap() {
            match packet {
                ServerPacket::LoginAccepted(accepted) => {
                    let next = accepted.sequence_number().unwrap();
                    self.session = Some((accepted.session, next));
                }
                ServerPacket::LoginRejected(reason) => self.refused = Some(reason),
                ServerPacket::Sequenced(message) => self.messages.push(message.to_vec()),
                ServerPacket::Heartbeat => self.heartbeats += 1,
                ServerPacket::EndOfSession => self.ended = true,
                other => panic!("unexpected {other:?}"),
            }
            self.received.drain(..consumed);
            packets += 1;
        }
        packets
    }

    /// Type letters of the messages so far.
    pub fn kinds(&self) -> String {
        self.messages.iter().map(|message| char::from(message[0])).collect()
    }
}

/// A visible day order.
pub fn order(user_ref: u32, side: u8, quantity: u32, name: &str, price: u64) -> EnterOrder {
    EnterOrder {
        kind: EnterOrder::KIND,
        user_ref: U32::new(user_ref),
        side,
        quantity: U32::new(quantity),
        symbol: symbol(name).0,
        price: U64::new(price),
        time_in_force: letter::TIF_DAY,
        display: letter::DISPLAY_VISIBLE,
        capacity: letter::CAPACITY_PRINCIPAL,
        sweep: letter::SWEEP_NOT_ELIGIBLE,
        cross: letter::CROSS_CONTINUOUS,
        client_order_id: *b"client order 1",
    }
}

/// The message as OUCH, or the test fails.
pub fn outbound(bytes: &[u8]) -> Outbound<'_> {
    Outbound::parse(bytes).unwrap()
}

/// Hears both lines and asks for what is missing.
pub struct Listener {
    lines: Vec<UdpSocket>,
    asker: UdpSocket,
    server: Option<SocketAddrV4>,
    pub session: Option<[u8; 10]>,
    pub messages: BTreeMap<u64, Vec<u8>>,
    /// The number that follows all heard of.
    pub next: u64,
    pub heard: [u64; 2],
    pub recovered: u64,
    pub heartbeats: u64,
    pub ended: bool,
}

impl Listener {
    pub fn join(addresses: &PublisherAddresses) -> Listener {
        let line = |group: &SocketAddrV4| {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
            socket.set_reuse_address(true).unwrap();
            let _ = socket.set_recv_buffer_size(8 << 20);
            socket.bind(&(*group).into()).unwrap();
            socket.join_multicast_v4(group.ip(), &Ipv4Addr::LOCALHOST).unwrap();
            socket.set_nonblocking(true).unwrap();
            UdpSocket::from(socket)
        };
        let asker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        asker.set_nonblocking(true).unwrap();
        Listener {
            lines: addresses.lines.iter().map(line).collect(),
            asker,
            server: addresses.retransmission,
            session: None,
            messages: BTreeMap::new(),
            next: 1,
            heard: [0; 2],
            recovered: 0,
            heartbeats: 0,
            ended: false,
        }
    }

    pub fn poll(&mut self) {
        let mut buf = vec![0; 65_536];
        for index in 0..2 {
            while let Ok(len) = self.lines[index].recv(&mut buf) {
                self.heard[index] += 1;
                self.on_packet(&buf[..len]);
            }
        }
        while let Ok(len) = self.asker.recv(&mut buf) {
            let before = self.messages.len();
            self.on_packet(&buf[..len]);
            self.recovered += (self.messages.len() - before) as u64;
        }
    }

    fn on_packet(&mut self, bytes: &[u8]) {
        let packet = mold::Packet::new_checked(bytes).unwrap();
        let session = packet.session();
        assert_eq!(*self.session.get_or_insert(session), session);
        match packet.kind() {
            PacketKind::Heartbeat => self.heartbeats += 1,
            PacketKind::EndOfSession => self.ended = true,
            PacketKind::Messages(_) => {}
        }
        let mut seq = packet.seq().0;
        for message in packet.messages() {
            let known = self.messages.entry(seq).or_insert_with(|| message.to_vec());
            assert_eq!(known, message, "two messages with number {seq}");
            seq += 1;
        }
        self.next = self.next.max(seq);
    }

    /// Asks for the first missing messages.
    pub fn ask(&self) {
        let (Some(first), Some(session), Some(server)) =
            (self.missing(), self.session, self.server)
        else {
            return;
        };
        let count = (first..self.next).take_while(|seq| !self.messages.contains_key(seq)).count();
        let request = mold::Request { session, seq: SeqNo(first), count: count as u16 };
        let _ = self.asker.send_to(&request.emit(), server);
    }

    pub fn missing(&self) -> Option<u64> {
        (1..self.next).find(|seq| !self.messages.contains_key(seq))
    }

    pub fn kinds(&self) -> String {
        self.messages.values().map(|message| char::from(message[0])).collect()
    }
}
