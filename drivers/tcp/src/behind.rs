//! The stack behind: smoltcp with its two sockets, one for the connection and one for the
//! connection before, which may still be closing while the next is opened.

use crate::arrival::{self, ACK, Arrival, FIN, HEADERS, IP, RST, SYN, Segment, TCP};
use crate::config::TcpConfig;
use crate::conn::Conn;
use crate::inbox::Inbox;
use crate::neighbour::Neighbour;
use crate::prepared::Prepared;
use crate::wire::Wire;
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State as SocketState};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, Ipv4Cidr};
use tercel_types::Nanos;

/// Bytes sent and not yet acknowledged, and bytes that a closed window holds back, together.
pub(crate) const QUEUE: usize = 256 * 1024;

/// Bytes the peer may send before they are taken over into the inbox. All of it is written to in
/// turn, so it is no larger than a cache keeps.
const RECEIVE_WINDOW: usize = 64 * 1024;

/// What a socket of this size shifts its windows by (RFC 7323 §2.2), as the stack behind reckons.
const SHIFT: u8 = 1;

/// A peer with a keep-alive that is silent for this long is lost, and a connection that is closing
/// is given up, sooner when it is sent into the void.
const SILENCE: Nanos = Nanos::from_secs(60);

/// How much faster time runs for the stack behind.
///
/// Its timers are made for the internet and cannot be set: what is lost is sent again after a
/// second at the earliest. For a venue across the room that is long, so each second is twenty to
/// it: 50 ms, a little above the 40 ms for which Linux holds back an acknowledgement. Spans that we
/// set are stretched likewise.
pub(crate) const SPEED: u64 = 20;

/// What is not acknowledged is sent again after this long at the latest. The stack behind doubles
/// its time-out up to a minute; a venue gives a silent session up after fifteen seconds (SoupBinTCP
/// §1.4), so that after an outage of ten there would be one try or none.
const RETRY_MAX: Nanos = Nanos::from_secs(1);

/// The stack behind, and what its frames tell.
pub(crate) struct Behind {
    pub(crate) config: TcpConfig,
    interface: Interface,
    sockets: SocketSet<'static>,
    handles: [SocketHandle; 2],
    current: usize,
    /// Port and sequence number of our FIN, of each socket that closes.
    ends: [Option<(u16, u32)>; 2],
    pub(crate) wire: Wire,
    pub(crate) neighbour: Neighbour,
    /// The peer has reset the current connection.
    pub(crate) peer_reset: bool,
    /// When the connection is given up if nothing more is heard.
    pub(crate) deadline: Nanos,
    /// How long the peer of an open connection may be silent.
    silence: Nanos,
    /// How far the time of the stack behind has been put forward, in its own microseconds.
    forward: u64,
    /// The timer of the stack behind that is waited for, and when it is put forward to it.
    waited: (u64, Nanos),
}

/// No time at all.
const NEVER: Nanos = Nanos(u64::MAX);

/// The time as the stack behind would have it had it never been put forward.
fn stretched(now: Nanos) -> Instant {
    Instant::from_micros((now.0 / 1_000).saturating_mul(SPEED) as i64)
}

fn duration(span: Nanos) -> Duration {
    Duration::from_micros((span.0 / 1_000).saturating_mul(SPEED))
}

fn buffer(len: usize) -> SocketBuffer<'static> {
    SocketBuffer::new(vec![0; len])
}

impl Behind {
    /// `config` has been checked.
    pub(crate) fn new(config: TcpConfig, now: Nanos) -> Behind {
        let mut wire = Wire::new(config.mtu + arrival::ETHERNET, Conn::new(0, SHIFT, false));
        let mac = HardwareAddress::Ethernet(EthernetAddress(config.mac));
        let mut behind = Config::new(mac);
        behind.random_seed = config.seed;
        let mut interface = Interface::new(behind, &mut wire.idle(), stretched(now));
        interface.update_ip_addrs(|addresses| {
            let ours = IpCidr::Ipv4(Ipv4Cidr::new(config.address, config.prefix));
            // The first of a list that has space for at least one.
            let _ = addresses.push(ours);
        });
        if let Some(gateway) = config.gateway {
            // Likewise.
            let _ = interface.routes_mut().add_default_ipv4_route(gateway);
        }
        let mut sockets = SocketSet::new(vec![SocketStorage::EMPTY, SocketStorage::EMPTY]);
        let handles = [0; 2].map(|_| {
            let mut socket = Socket::new(buffer(RECEIVE_WINDOW), buffer(QUEUE));
            // An order leaves when it is committed, an acknowledgement when it is due.
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(None);
            socket.set_keep_alive(config.keep_alive.map(duration));
            sockets.add(socket)
        });
        let neighbour = Neighbour::new(config.next_hop());
        Behind {
            config,
            interface,
            sockets,
            handles,
            current: 0,
            ends: [None; 2],
            wire,
            neighbour,
            peer_reset: false,
            deadline: NEVER,
            silence: NEVER,
            forward: 0,
            waited: (0, NEVER),
        }
    }

    /// The time as the stack behind has it.
    pub(crate) fn instant(&self, now: Nanos) -> Instant {
        stretched(now) + Duration::from_micros(self.forward)
    }

    pub(crate) fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handles[self.current])
    }

    /// Takes one frame in; what is to be answered at once goes to the outbox.
    pub(crate) fn arrive(&mut self, frame: &[u8], now: Nanos) {
        self.wire.report.frames += 1;
        match arrival::read(frame, &self.config) {
            Arrival::Foreign => self.wire.report.foreign += 1,
            Arrival::Malformed => self.wire.report.malformed += 1,
            Arrival::Arp { sender, mac } => {
                self.ingest(frame, now);
                if sender == self.neighbour.address {
                    self.neighbour.learn(mac, now);
                    // Moved: the next frame of the stack behind tells where to.
                    self.wire.conn.link = self.wire.conn.link.filter(|link| link[..6] == mac);
                }
            }
            Arrival::Segment(segment) if segment.port == self.wire.conn.port => {
                self.segment(&segment, frame, now);
            }
            Arrival::Segment(segment) if self.asks_for_the_end(&segment) => {}
            // For the connection before, or for none: the stack behind knows.
            Arrival::Segment(_) => self.ingest(frame, now),
        }
    }

    /// Whether the segment only repeats that our FIN has not come.
    ///
    /// The third repeat makes the stack behind (smoltcp 0.14) stop the timer of its FIN and send
    /// the data before it again at once. Without data nothing is sent and no timer runs, so that
    /// the connection would end by the reset of its time-out. The timer of the FIN does better.
    fn asks_for_the_end(&self, segment: &Segment) -> bool {
        if segment.len != 0 || segment.flags & (SYN | FIN | RST | ACK) != ACK {
            return false;
        }
        self.handles.iter().zip(&self.ends).any(|(handle, end)| {
            let socket = self.sockets.get::<Socket>(*handle);
            *end == Some((segment.port, segment.ack))
                && socket.send_queue() == 0
                && matches!(socket.state(), SocketState::FinWait1 | SocketState::Closing)
        })
    }

    fn ingest(&mut self, frame: &[u8], now: Nanos) {
        let at = self.instant(now);
        let mut device = self.wire.with(frame);
        self.interface.poll_ingress_single(at, &mut device, &mut self.sockets);
    }

    fn segment(&mut self, segment: &Segment, frame: &[u8], now: Nanos) {
        let socket = self.sockets.get::<Socket>(self.handles[self.current]);
        let before = socket.state();
        let (unacked, unread) = (socket.send_queue(), socket.recv_queue());
        let Wire { conn, report, .. } = &mut self.wire;
        if conn.synchronised {
            report.duplicate_acks += u64::from(conn.on_arrival(segment, unacked, unread));
            let expected = segment.len == 0 || segment.seq == conn.expected(unread);
            report.out_of_order += u64::from(!expected);
        }
        if self.silence != NEVER {
            self.deadline = Nanos(now.0.saturating_add(self.silence.0));
        }
        let from_next_hop = conn.link.is_some_and(|link| link[..6] == segment.mac);
        if from_next_hop && self.neighbour.address == *self.config.peer.ip() {
            self.neighbour.confirm(now);
        }
        self.ingest(frame, now);
        let after = self.socket().state();
        if before == SocketState::SynSent && after == SocketState::Established {
            let mss = self.config.mtu - IP - TCP;
            self.wire.conn.on_open(segment, arrival::syn_options(frame), mss);
        }
        let reset = segment.flags & RST != 0 && after == SocketState::Closed;
        if reset && before != SocketState::Closed {
            self.peer_reset = true;
            self.wire.report.resets += 1;
        }
    }

    /// Lets the stack behind make every segment it can make now.
    pub(crate) fn egress(&mut self, at: Instant) {
        // Ends: each turn fills a place of the outbox or takes bytes off the send buffer.
        while self.interface.poll_egress(at, &mut self.wire.idle(), &mut self.sockets)
            == PollResult::SocketStateChanged
        {}
    }

    /// When there is something to do that no frame brings about.
    pub(crate) fn due(&mut self, now: Nanos) -> Nanos {
        let Some(timer) = self.timer(now) else { return self.deadline };
        let due = timer.saturating_sub(self.forward).div_ceil(SPEED).saturating_mul(1_000);
        if !self.awaits_answer() {
            self.waited = (0, NEVER);
        } else if self.waited.0 != timer {
            self.waited = (timer, Nanos(now.0.saturating_add(RETRY_MAX.0)));
        }
        Nanos(due).min(self.waited.1).min(self.deadline)
    }

    /// When the stack behind has something to do, in its own microseconds.
    fn timer(&mut self, now: Nanos) -> Option<u64> {
        let at = self.instant(now);
        let due = self.interface.poll_at(at, &self.sockets);
        due.map(|due| due.total_micros() as u64)
    }

    /// Whether something was sent that the peer has to acknowledge.
    fn awaits_answer(&self) -> bool {
        self.handles.iter().any(|handle| {
            let socket = self.sockets.get::<Socket>(*handle);
            match socket.state() {
                SocketState::Closed | SocketState::TimeWait | SocketState::Listen => false,
                SocketState::Established | SocketState::CloseWait | SocketState::FinWait2 => {
                    socket.send_queue() > 0
                }
                SocketState::SynSent
                | SocketState::SynReceived
                | SocketState::FinWait1
                | SocketState::Closing
                | SocketState::LastAck => true,
            }
        })
    }

    /// Puts the time of the stack behind forward to its timer when that has been waited for long
    /// enough.
    pub(crate) fn hurry(&mut self, now: Nanos) {
        if now < self.waited.1 || self.timer(now) != Some(self.waited.0) {
            return;
        }
        let at = self.instant(now).total_micros() as u64;
        self.forward += self.waited.0.saturating_sub(at);
        self.waited.1 = NEVER;
        // It would have forgotten the next hop's address over this.
        self.neighbour.remind_at(now);
    }

    /// Keeps the next hop's MAC address known: asks for it when it is time, and reminds the stack
    /// behind of it.
    pub(crate) fn keep_neighbour(&mut self, now: Nanos) {
        if let Some(mac) = self.neighbour.remind(now) {
            let answer = arrival::answer(&self.config, (mac, self.neighbour.address));
            self.ingest(&answer, now);
        }
        if !self.wire.outbox.is_full() && self.neighbour.ask(now) {
            let question = arrival::ask(&self.config, self.neighbour.address);
            if let Some(space) = self.wire.outbox.tail(question.len()) {
                space.copy_from_slice(&question);
                self.wire.outbox.push();
                self.wire.report.arp_refreshes += 1;
            }
        }
    }

    /// Gives bytes to the stack behind, which has space for them; `false` when it has not.
    pub(crate) fn queue(&mut self, bytes: &[u8]) -> bool {
        let socket = self.sockets.get_mut::<Socket>(self.handles[self.current]);
        let unacked = socket.send_queue();
        let taken = socket.send_slice(bytes).unwrap_or(0);
        self.wire.conn.on_queued(taken, unacked, QUEUE);
        taken == bytes.len()
    }

    /// [`Behind::queue`] for the segment that has gone out ahead.
    pub(crate) fn queue_ahead(&mut self) -> bool {
        let socket = self.sockets.get_mut::<Socket>(self.handles[self.current]);
        let unacked = socket.send_queue();
        let bytes = self.wire.ahead().get(HEADERS..).unwrap_or(&[]);
        let (len, taken) = (bytes.len(), socket.send_slice(bytes).unwrap_or(0));
        self.wire.conn.on_queued(taken, unacked, QUEUE);
        taken == len
    }

    /// Moves what has arrived in order to the inbox.
    pub(crate) fn drain(&mut self, inbox: &mut Inbox) {
        let socket = self.sockets.get_mut::<Socket>(self.handles[self.current]);
        while socket.can_recv() {
            let got = socket.recv_slice(inbox.space()).unwrap_or(0);
            if got == 0 {
                break;
            }
            inbox.fill(got);
            self.wire.conn.taken = self.wire.conn.taken.wrapping_add(got as u32);
        }
    }

    /// Drops what arrives for connections that nobody reads, so that their peers can finish.
    pub(crate) fn discard(&mut self, current_too: bool) {
        for (at, handle) in self.handles.iter().enumerate() {
            let socket = self.sockets.get_mut::<Socket>(*handle);
            while (current_too || at != self.current) && socket.can_recv() {
                // Readable, as was just asked.
                let _ = socket.recv(|bytes| (bytes.len(), ()));
            }
        }
    }

    /// Begins a connection from `port` on the socket that is free, or freed by force.
    pub(crate) fn connect(&mut self, port: u16, prepares: bool, now: Nanos) -> bool {
        self.current = 1 - self.current;
        if self.socket().is_open() {
            self.socket().abort();
            self.egress(self.instant(now));
        }
        self.silence = NEVER;
        self.deadline = Nanos(now.0.saturating_add(self.config.connect_timeout.0));
        self.wire.forget_ahead();
        self.ends[self.current] = None;
        self.wire.conn = Conn::new(port, SHIFT, prepares);
        self.peer_reset = false;
        self.socket().set_timeout(None);
        let (peer, local) = (self.config.peer, (self.config.address, port));
        let socket = self.sockets.get_mut::<Socket>(self.handles[self.current]);
        socket.connect(self.interface.context(), peer, local).is_ok()
    }

    /// The connection is open: only a peer that is asked may be given up for its silence.
    pub(crate) fn opened(&mut self, now: Nanos) {
        self.silence = match self.config.keep_alive {
            Some(every) => Nanos(SILENCE.0.max(every.0.saturating_mul(4))),
            None => NEVER,
        };
        self.deadline = Nanos(now.0.saturating_add(self.silence.0));
    }

    /// Nothing is waited for any more.
    pub(crate) fn forget_deadline(&mut self) {
        (self.silence, self.deadline) = (NEVER, NEVER);
    }

    /// Closes the connection in good order, in the background.
    pub(crate) fn close(&mut self) {
        let socket = self.socket();
        socket.set_timeout(Some(duration(SILENCE)));
        socket.close();
        self.ends[self.current] = Some((self.wire.conn.port, self.wire.conn.next));
        self.wire.conn = Conn::new(0, SHIFT, false);
    }

    /// Prepares the next segment; how many bytes it may carry, zero for none.
    pub(crate) fn prepare(&mut self, prepared: &mut Prepared) -> usize {
        let socket = self.sockets.get::<Socket>(self.handles[self.current]);
        let Wire { conn, outbox, .. } = &self.wire;
        let ready = conn.prepares
            && conn.synchronised
            && outbox.is_empty()
            && socket.state() == SocketState::Established;
        let Some(link) = conn.link.as_ref().filter(|_| ready) else { return 0 };
        let unread = socket.recv_queue();
        let free = (socket.recv_capacity() - unread) >> conn.shift;
        let window = u16::try_from(free).unwrap_or(u16::MAX);
        let ports = (conn.port, self.config.peer.port());
        prepared.set(link, ports, (conn.next, conn.expected(unread), window));
        conn.room(socket.send_queue(), QUEUE)
    }
}
