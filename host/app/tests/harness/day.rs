//! A day that a venue makes up, as files: an ITCH file, and captures of two lines that end with
//! the session.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of it

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{Venue, VenueConfig};
use tercel_net::pcap::PcapWriter;
use tercel_proto::{binary_file, frame, itch, mold};
use tercel_types::{Frame, Nanos, Price, SeqNo, Symbol};

/// What the venue lists, from stock locate 1 on.
pub const NAMES: [&str; 4] = ["SIM000", "SIM001", "SIM002", "SIM003"];
/// Half past nine, nanoseconds since midnight.
pub const OPEN: u64 = 34_200_000_000_000;
/// Session of the captures.
pub const SESSION: mold::Session = *b"TERCEL0001";
/// Who sends them.
const SENDER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 4000);
/// Messages of a captured packet.
pub const PACKET: usize = 5;

/// Seconds of background flow as ITCH messages; the same seed gives the same ones.
pub fn day(seed: u64, rate: f64, seconds: u64) -> Vec<Vec<u8>> {
    let price = Price(500_000);
    let symbol = |name: &str| SymbolConfig::new(Symbol::new(name).expect("a symbol"), price);
    let mut config = VenueConfig::new(NAMES.map(symbol).to_vec());
    // Some twenty times a liquid stock's volatility, so that a minute has trends.
    let flow =
        |at| SymbolFlow { volatility: 2e-3, ..SymbolFlow::new(VenueConfig::instrument(at), price) };
    let flow = FlowConfig::new(seed, (0..NAMES.len()).map(flow).collect());
    config.flow = Some(FlowConfig { rate, ..flow });
    config.publisher.retransmission = None;
    config.publisher.glimpse = None;
    let mut venue = Venue::bind(config).expect("a venue");
    for step in 0..seconds * 100 {
        venue.step(Nanos(OPEN + step * 10_000_000));
    }
    let end = venue.publisher().next_seq().0;
    let message = |seq| venue.publisher().message(SeqNo(seq)).expect("published").to_vec();
    (1..end).map(message).collect()
}

/// Writes an ITCH file.
pub fn write_itch(path: &str, messages: &[Vec<u8>]) {
    std::fs::write(path, itch_file(messages)).expect("written");
}

/// The bytes of an ITCH file.
pub fn itch_file(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        assert!(binary_file::write(&mut bytes, message));
    }
    bytes
}

/// A file's bytes, gzipped.
pub fn zipped(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("written");
    gzip.finish().expect("written")
}

/// Writes a capture of packets of [`PACKET`] messages, the first of them number `first`. Each is on
/// line A and right behind it on line B, as often as `copies` says for packet and line.
pub fn write_capture(
    path: &str,
    lines: [&str; 2],
    first: u64,
    messages: &[Vec<u8>],
    copies: impl Fn(usize, usize) -> usize,
) {
    let file = std::fs::File::create(path).expect("a file");
    let mut capture = PcapWriter::new(std::io::BufWriter::new(file)).expect("a capture");
    let lines: [SocketAddrV4; 2] = lines.map(|line| line.parse().expect("an address"));
    for (number, chunk) in messages.chunks(PACKET).enumerate() {
        let received = itch::parse(&chunk[0]).expect("a message").header().time();
        let seq = SeqNo(first + (PACKET * number) as u64);
        for (at, line) in lines.into_iter().enumerate() {
            let bytes = packet(line, seq, chunk);
            for _ in 0..copies(number, at) {
                capture.write(Frame { bytes: &bytes, received }).expect("written");
            }
        }
    }
    let next = SeqNo(first + messages.len() as u64);
    for line in lines {
        let mut buf = vec![0; frame::UDP_HEADERS + mold::HEADER];
        let len = mold::end_of_session(&mut buf[frame::UDP_HEADERS..], SESSION, next);
        frame::emit_udp(&mut buf, SENDER, line, len).expect("it fits");
        let last = messages.last().expect("a message");
        let received = itch::parse(last).expect("a message").header().time();
        capture.write(Frame { bytes: &buf, received }).expect("written");
    }
    capture.flush().expect("written");
}

fn packet(line: SocketAddrV4, seq: SeqNo, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 1500];
    let mut builder = mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], SESSION, seq);
    for message in messages {
        assert!(builder.push(message));
    }
    let len = builder.finish();
    let len = frame::emit_udp(&mut buf, SENDER, line, len).expect("it fits");
    buf.truncate(len);
    buf
}
