//! The two multicast lines of the feed, each with faults of its own.
//!
//! A fault is drawn for each packet and line from a generator of fixed stream, so a seed and the
//! same packets at the same times give the same losses on every machine. What becomes of a packet
//! is decided in [`Fate`], apart from the socket. Every packet takes the same number of draws
//! whatever its fate, so that raising one probability leaves the others' outcomes as they were.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use socket2::{Domain, Protocol, Socket, Type};
use tercel_types::Nanos;

/// A packet held back for reordering goes at the latest this long after its time, so that the last
/// packet of a burst is not stuck.
const REORDER_WAIT: Nanos = Nanos::from_millis(2);
/// Most packets a reordered one is held behind.
const REORDER_DISTANCE_MAX: u64 = 4;
/// Packets held on one line at once; more are lost and counted, which bounds the memory of a long
/// delay.
const HELD_MAX: usize = 65_536;
/// Asked of the system for a line's send buffer: a burst at the open is several hundred packets.
const SEND_BUFFER: usize = 4 << 20;

/// What goes wrong on a line. Probabilities are per packet, 0 to 1; the default is a line without
/// faults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Probability that a packet is lost.
    pub loss: f64,
    /// Probability that it comes twice.
    pub duplicate: f64,
    /// Probability that it comes behind one to four packets sent after it.
    pub reorder: f64,
    /// Every packet comes this much later.
    pub delay: Nanos,
    /// And up to this much later still, uniformly distributed.
    pub jitter: Nanos,
}

/// One multicast line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineConfig {
    /// Group and port; port 0 takes a free one. A unicast address is allowed too.
    pub group: SocketAddrV4,
    /// Faults of this line.
    pub faults: Faults,
    /// Seed of its faults.
    pub seed: u64,
}

/// What became of the packets of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounters {
    /// Datagrams handed to the system, duplicates included.
    pub sent: u64,
    /// Packets lost on purpose.
    pub lost: u64,
    /// Packets sent twice.
    pub duplicated: u64,
    /// Packets held behind later ones.
    pub reordered: u64,
    /// Packets lost because too many were held.
    pub overflowed: u64,
    /// Datagrams the system refused to send.
    pub refused: u64,
}

/// What becomes of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    copies: u8,
    wait: Nanos,
    behind: u64,
}

/// A datagram that waits.
#[derive(Debug)]
struct Held {
    due: Nanos,
    /// Number of the packet it must not overtake.
    behind: u64,
    bytes: Vec<u8>,
}

/// The sending end of one line.
#[derive(Debug)]
pub(crate) struct Line {
    socket: UdpSocket,
    group: SocketAddrV4,
    faults: Faults,
    rng: ChaCha8Rng,
    /// Oldest first.
    held: Vec<Held>,
    packets: u64,
    counters: LineCounters,
}

impl Faults {
    /// All probabilities are between 0 and 1.
    pub fn is_valid(&self) -> bool {
        [self.loss, self.duplicate, self.reorder].iter().all(|p| (0.0..=1.0).contains(p))
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Fate {
        let lost = rng.random::<f64>() < self.loss;
        let twice = rng.random::<f64>() < self.duplicate;
        let late = rng.random::<f64>() < self.reorder;
        let behind = rng.random_range(1..=REORDER_DISTANCE_MAX);
        let jitter = rng.random_range(0..=self.jitter.0);
        Fate {
            copies: if lost { 0 } else { 1 + u8::from(twice) },
            wait: Nanos(self.delay.0.saturating_add(jitter)),
            behind: if late { behind } else { 0 },
        }
    }
}

impl Line {
    /// Opens a socket that sends to the group through `interface`.
    pub(crate) fn open(config: &LineConfig, interface: Ipv4Addr, ttl: u32) -> io::Result<Line> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_multicast_if_v4(&interface)?;
        socket.set_multicast_ttl_v4(ttl)?;
        socket.set_multicast_loop_v4(true)?;
        // The system may grant less; what does not fit is counted as refused.
        let _ = socket.set_send_buffer_size(SEND_BUFFER);
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0).into())?;
        socket.set_nonblocking(true)?;
        let mut group = config.group;
        if group.port() == 0 {
            group.set_port(free_port()?);
        }
        Ok(Line {
            socket: socket.into(),
            group,
            faults: config.faults,
            rng: ChaCha8Rng::seed_from_u64(config.seed),
            held: Vec::new(),
            packets: 0,
            counters: LineCounters::default(),
        })
    }

    /// The group and port in use.
    pub(crate) fn group(&self) -> SocketAddrV4 {
        self.group
    }

    pub(crate) fn counters(&self) -> &LineCounters {
        &self.counters
    }

    pub(crate) fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Sends one packet, or holds it, or loses it.
    pub(crate) fn send(&mut self, packet: &[u8], now: Nanos) {
        self.packets += 1;
        if self.faults == Faults::default() {
            self.transmit(packet);
            return;
        }
        let fate = self.faults.draw(&mut self.rng);
        match fate.copies {
            0 => self.counters.lost += 1,
            2 => self.counters.duplicated += 1,
            _ => {}
        }
        if fate.copies > 0 && fate.behind > 0 {
            self.counters.reordered += 1;
        }
        for _ in 0..fate.copies {
            if fate.wait == Nanos(0) && fate.behind == 0 {
                self.transmit(packet);
            } else if self.held.len() < HELD_MAX {
                let (due, behind) = (now + fate.wait, self.packets + fate.behind);
                self.held.push(Held { due, behind, bytes: packet.to_vec() });
            } else {
                self.counters.overflowed += 1;
            }
        }
        self.step(now);
    }

    /// Sends the held packets that are due; returns how many.
    pub(crate) fn step(&mut self, now: Nanos) -> usize {
        if self.held.is_empty() {
            return 0;
        }
        let packets = self.packets;
        let due = |held: &Held| {
            held.due <= now && (held.behind <= packets || now.since(held.due) >= REORDER_WAIT)
        };
        let (mut ready, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(due);
        self.held = waiting;
        // Stable: packets due at one time keep their order.
        ready.sort_by_key(|held| held.due);
        for held in &ready {
            self.transmit(&held.bytes);
        }
        ready.len()
    }

    fn transmit(&mut self, packet: &[u8]) {
        match self.socket.send_to(packet, self.group) {
            Ok(_) => self.counters.sent += 1,
            Err(_) => self.counters.refused += 1,
        }
    }
}

/// A UDP port that nobody on this machine uses now.
fn free_port() -> io::Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(faults: Faults, packets: u8) -> (Vec<u8>, LineCounters) {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_nonblocking(true).unwrap();
        let std::net::SocketAddr::V4(group) = receiver.local_addr().unwrap() else {
            unreachable!()
        };
        let config = LineConfig { group, faults, seed: 7 };
        let mut line = Line::open(&config, Ipv4Addr::LOCALHOST, 1).unwrap();
        for n in 0..packets {
            line.send(&[n], Nanos(u64::from(n)));
        }
        line.step(Nanos::from_secs(1));
        let mut numbers = Vec::new();
        let mut buf = [0; 16];
        // Loopback delivers a datagram before `send_to` returns.
        while let Ok(len) = receiver.recv(&mut buf) {
            assert_eq!(len, 1);
            numbers.push(buf[0]);
        }
        (numbers, *line.counters())
    }

    #[test]
    fn without_faults_all_arrive_in_order() {
        let (numbers, counters) = received(Faults::default(), 50);
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
        assert_eq!(counters, LineCounters { sent: 50, ..LineCounters::default() });
    }

    #[test]
    fn faults_are_counted_and_repeat_with_the_seed() {
        let faults =
            Faults { loss: 0.2, duplicate: 0.2, reorder: 0.2, delay: Nanos(3), jitter: Nanos(5) };
        let (numbers, counters) = received(faults, 100);
        assert!(counters.lost > 0 && counters.duplicated > 0 && counters.reordered > 0);
        assert_eq!(counters.sent, 100 - counters.lost + counters.duplicated);
        assert_eq!(numbers.len() as u64, counters.sent);
        assert!(numbers.windows(2).any(|pair| pair[1] < pair[0]));
        assert_eq!(received(faults, 100).0, numbers);
    }

    #[test]
    fn everything_lost() {
        let (numbers, counters) = received(Faults { loss: 1.0, ..Faults::default() }, 20);
        assert!(numbers.is_empty());
        assert_eq!(counters.lost, 20);
    }

    #[test]
    fn probabilities_are_checked() {
        assert!(Faults::default().is_valid());
        assert!(!Faults { loss: 1.5, ..Faults::default() }.is_valid());
        assert!(!Faults { reorder: f64::NAN, ..Faults::default() }.is_valid());
    }
}
