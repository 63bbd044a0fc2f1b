//! The day that goes over the wire, known to both sides: its packets, and which of them each line
//! loses.

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_market::{Day, DayConfig};
use tercel_proto::{frame, mold};
use tercel_types::SeqNo;

/// The session.
pub(crate) const SESSION: mold::Session = *b"DPDKBUS001";
/// Number of the venue in the records.
pub(crate) const VENUE: u8 = 7;
/// Instruments of the day.
pub(crate) const INSTRUMENTS: u16 = 50;
/// Messages of the day that are sent.
pub(crate) const MESSAGES: usize = 60_000;
/// Messages of a packet, as far as they fit.
const EACH: usize = 12;
/// Every so many packets, one comes over neither line and has to be asked for.
const LOST: usize = 50;

/// The retransmission server, which also begins the day when it is asked for its first message.
pub(crate) const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 5_000);
/// The guest.
pub(crate) const GUEST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 5_001);

/// Group and port of a line.
pub(crate) fn line(line: usize) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, line as u8 + 1), 4_000)
}

/// Its messages in order.
///
/// # Panics
/// When there is no such day.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let messages = MESSAGES as u64 + DayConfig::messages_min(INSTRUMENTS);
    let config =
        DayConfig { seed: 20_261_121, instruments: INSTRUMENTS, messages, resting_max: 10_000 };
    let mut day = Day::new(&config).expect("a day");
    let next = || day.next_message().map(<[u8]>::to_vec);
    std::iter::from_fn(next).take(MESSAGES).collect()
}

/// The messages by packets, each with the number of its first.
pub(crate) fn packets(messages: &[Vec<u8>]) -> impl Iterator<Item = (usize, u64, &[Vec<u8>])> {
    let numbered = messages.chunks(EACH).enumerate();
    numbered.map(|(number, some)| (number, (number * EACH) as u64 + 1, some))
}

/// Whether a line brings a packet.
pub(crate) fn is_on(number: usize, line: usize) -> bool {
    number % LOST != LOST - 1 && number % 7 != [3, 5][line]
}

/// A packet of these messages, as far as they fit, as a frame.
///
/// # Panics
/// When not even one fits.
pub(crate) fn packet(to: SocketAddrV4, first: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    framed(SERVER, to, |payload| {
        let mut builder = mold::PacketBuilder::new(payload, SESSION, SeqNo(first));
        messages.iter().take(EACH).take_while(|message| builder.push(message)).count();
        builder.finish()
    })
}

/// A frame whose payload `fill` writes, and says how long it is.
///
/// # Panics
/// When it is no datagram.
pub(crate) fn framed(
    from: SocketAddrV4,
    to: SocketAddrV4,
    fill: impl FnOnce(&mut [u8]) -> usize,
) -> Vec<u8> {
    let mut bytes = vec![0; 1_500];
    let len = fill(&mut bytes[frame::UDP_HEADERS..]);
    let len = frame::emit_udp(&mut bytes, from, to, len).expect("it fits");
    bytes.truncate(len);
    bytes
}
