//! Recorded traffic, brought into the form that a card takes.

use super::packets::{Content, at, packet, seal};
use super::script::{Setup, Step};
use std::path::{Path, PathBuf};
use tercel_exchange::lobster::{Converter, ConverterConfig, open, read_messages};
use tercel_net::pcap::PcapSource;
use tercel_proto::{eth, ip, mold, udp};
use tercel_types::{InstrumentId, Nanos, Symbol};

/// A file or folder of the recorded data, if it is there.
pub fn data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("TERCEL_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no recorded data at {}", path.display());
    None
}

/// The captures of Nasdaq's feeds, a script each: frames as they were recorded, on line A, with its
/// address, its session and right checksums in the place of what was taken out of them.
///
/// # Panics
/// When a capture cannot be read.
pub fn captures(folder: &Path) -> Vec<Vec<Step>> {
    let mut scripts = Vec::new();
    for folder in sorted(folder) {
        if folder.to_string_lossy().contains("Itch") {
            scripts.extend(sorted(&folder).iter().map(|file| capture(file)));
        }
    }
    scripts
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn capture(file: &Path) -> Vec<Step> {
    let mut source = PcapSource::open(file).expect("a capture");
    let mut steps = Vec::new();
    let mut ticks = 0;
    while let Some(frame) = source.next_frame().expect("a frame") {
        let packet_of = ip::parse_unverified(eth::ipv4(frame.bytes).expect("IPv4")).expect("IP");
        let datagram = udp::parse(packet_of.payload, packet_of.src, packet_of.dst).expect("UDP");
        let mold = mold::Packet::new_checked(datagram.payload).expect("MoldUDP64");
        let next_seq = mold.seq().0;
        // Where the numbers were taken out of a capture they are all zero: each packet by itself.
        steps.push(match steps.is_empty() {
            true => Step::Start(Setup { next_seq: 0, ..Setup::default() }),
            false => Step::Again,
        });
        let ours = packet(0, next_seq, Content::Heartbeat, &[]);
        let tags = frame.bytes.len() - eth::ipv4(frame.bytes).expect("IPv4").len() - at::IP;
        let mut bytes = frame.bytes.to_vec();
        let tag: Vec<u8> = bytes.drain(at::TYPE..at::TYPE + tags).collect();
        bytes[at::IP + 12..at::UDP + 4].copy_from_slice(&ours[at::IP + 12..at::UDP + 4]);
        bytes[at::MOLD..at::MOLD + 10].copy_from_slice(&ours[at::MOLD..at::MOLD + 10]);
        seal(&mut bytes, true, true);
        bytes.splice(at::TYPE..at::TYPE, tag);
        ticks += 1000;
        steps.push(Step::Frame { line: 0, bytes, fcs_good: true, ticks });
    }
    steps.extend([Step::Take(u32::MAX), Step::Check]);
    steps
}

/// Every message of a LOBSTER file as ITCH.
///
/// # Panics
/// When the file cannot be read.
pub fn lobster(file: &Path) -> Vec<Vec<u8>> {
    let rows = read_messages(open(file).expect("the file opens"));
    let rows: Vec<_> = rows.collect::<Result<_, _>>().expect("every row is read");
    let symbol = Symbol::new("AAPL").expect("a symbol");
    let config = ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 };
    let mut converter = Converter::new(config, &rows);
    let mut messages = Vec::new();
    let mut out = |message: &[u8]| messages.push(message.to_vec());
    converter.begin(Nanos::from_secs(34_200), &mut out);
    rows.iter().for_each(|row| converter.row(row, &mut out));
    converter.end(Nanos::from_secs(57_600), &mut out);
    messages
}

/// Messages in packets of a few, on both lines, each of which loses `loss` in a thousand.
pub fn on_two_lines(messages: &[Vec<u8>], loss: u64) -> Vec<Step> {
    let random = &mut super::random::Random::new(50);
    let mut steps = vec![Step::Start(Setup { ring_log2: 16, ..Setup::default() })];
    let mut first = 0;
    while first < messages.len() {
        let end = (first + random.range(1..8) as usize).min(messages.len());
        for line in 0..2 {
            if !random.chance(loss) {
                let seq = first as u64 + 1;
                let bytes = packet(line, seq, Content::Messages, &messages[first..end]);
                steps.push(Step::Frame { line, bytes, fcs_good: true, ticks: seq });
            }
        }
        if random.chance(5) {
            steps.push(Step::Take(u32::MAX));
        }
        first = end;
    }
    steps.extend([Step::Take(u32::MAX), Step::Check]);
    steps
}
