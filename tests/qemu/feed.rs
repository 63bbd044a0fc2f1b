//! What both sides know: the day that is sent, how it is cut into packets, which of them each line
//! loses, and what the card has to make of it.

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_market::{Day, DayConfig};
use tercel_proto::{frame, mold};
use tercel_types::SeqNo;

/// Records that the guest takes.
pub(crate) const RECORDS: u64 = 100_000;
/// Slots of the card's ring: small, so that it is gone round two dozen times.
pub(crate) const SLOTS_LOG2: u32 = 12;
/// The session that the card listens for.
pub(crate) const SESSION: mold::Session = *b"CARDBUS001";
/// Number of the venue in the records.
pub(crate) const VENUE: u8 = 7;
/// Ticks between two frames.
pub(crate) const TICKS_EACH: u64 = 100;
/// Time of the card's tick zero. A tick of the emulated card is a nanosecond.
pub(crate) const TIME_BASE: u64 = 1_767_225_600_000_000_000;

/// Frames on line A behind the day that are not of the feed; every second one has a wrong check
/// sequence.
pub(crate) const BAD_FRAMES: u64 = 10;

/// Instruments of the day.
pub(crate) const INSTRUMENTS: u16 = 200;
/// Seed of the day.
const SEED: u64 = 20_261_121;
/// Messages of a packet, as far as they fit.
const EACH: usize = 12;

/// Group and port of a line.
pub(crate) fn line(line: usize) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, line as u8 + 1), 4_000)
}

/// Whether the filter lets an instrument pass.
pub(crate) fn is_wanted(locate: u16) -> bool {
    locate % 4 != 3
}

/// Whether a message becomes a record: those of the whole market and directories always do.
pub(crate) fn passes(message: &[u8]) -> bool {
    b"SRVW".contains(&message[0]) || is_wanted(u16::from_be_bytes([message[1], message[2]]))
}

/// A packet of the feed.
pub(crate) struct Packet {
    /// Its number, from zero.
    pub(crate) number: u64,
    /// The number of its first message.
    pub(crate) first: u64,
    /// Its messages.
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Packet {
    /// Whether a line brings it. No packet is lost on both.
    pub(crate) fn is_on(&self, line: usize) -> bool {
        self.number % 7 != [3, 5][line]
    }

    /// When it arrives on a line: on B after it has arrived on A.
    pub(crate) fn ticks(&self, line: usize) -> u64 {
        (2 * self.number + line as u64 + 1) * TICKS_EACH
    }

    /// The line that is first to bring it.
    pub(crate) fn first_line(&self) -> usize {
        usize::from(!self.is_on(0))
    }

    /// Its Ethernet frame on a line.
    ///
    /// # Panics
    /// When its messages do not fit a frame.
    pub(crate) fn frame(&self, to: usize) -> Vec<u8> {
        let mut bytes = vec![0; 1_500];
        let payload = &mut bytes[frame::UDP_HEADERS..];
        let mut builder = mold::PacketBuilder::new(payload, SESSION, SeqNo(self.first));
        self.messages.iter().for_each(|message| assert!(builder.push(message), "too long"));
        let len = builder.finish();
        let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1);
        let len = frame::emit_udp(&mut bytes, from, line(to), len).expect("it fits");
        bytes.truncate(len);
        bytes
    }
}

/// The packets in order, up to the message that makes the last record.
pub(crate) struct Packets {
    day: Day,
    number: u64,
    next: u64,
    left: u64,
}

impl Packets {
    /// From the first one on.
    ///
    /// # Panics
    /// When there is no such day.
    pub(crate) fn new() -> Packets {
        let messages = 2 * RECORDS + DayConfig::messages_min(INSTRUMENTS);
        let config =
            DayConfig { seed: SEED, instruments: INSTRUMENTS, messages, resting_max: 20_000 };
        Packets { day: Day::new(&config).expect("a day"), number: 0, next: 1, left: RECORDS }
    }
}

impl Iterator for Packets {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let mut messages = Vec::with_capacity(EACH);
        while messages.len() < EACH && self.left > 0 {
            let Some(message) = self.day.next_message() else { break };
            self.left -= u64::from(passes(message));
            messages.push(message.to_vec());
        }
        if messages.is_empty() {
            return None;
        }
        let packet = Packet { number: self.number, first: self.next, messages };
        self.number += 1;
        self.next += packet.messages.len() as u64;
        Some(packet)
    }
}
