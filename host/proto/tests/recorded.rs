//! Real bytes: recorded packets and the beginning of a recorded day.
//!
//! The data lies beside the workspace (`$TERCEL_DATA`, or `../shared/data` seen from the workspace)
//! and is no part of it; without it these tests say so and pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tercel_proto::itch::{self, Header, Message};
use tercel_proto::itch_record::to_record;
use tercel_proto::mold::{Packet, PacketBuilder, PacketKind};
use tercel_proto::{binary_file, frame, ip};
use tercel_types::{Nanos, VenueId};
use zerocopy::IntoBytes;

/// How many messages of each letter.
type Counts = BTreeMap<char, u32>;

/// A folder of the recorded data, if it is there.
fn data(folder: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("TERCEL_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no recorded data at {}", path.display());
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The frames of a classic pcap file.
fn pcap(file: &[u8]) -> Vec<Vec<u8>> {
    let little = matches!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]);
    let word = |at: usize| {
        let bytes = file[at..at + 4].try_into().expect("four bytes");
        let word = if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        word as usize
    };
    assert!(matches!(word(0), 0xa1b2_c3d4 | 0xa1b2_3c4d), "not a classic pcap file");
    assert_eq!(word(20), 1, "not Ethernet");
    let (mut frames, mut at) = (Vec::new(), 24);
    while at < file.len() {
        assert_eq!(word(at + 8), word(at + 12), "cut short by the capture");
        let end = at + 16 + word(at + 8);
        frames.push(file[at + 16..end].to_vec());
        at = end;
    }
    frames
}

/// The captures of 2023 had their addresses and checksums set to zero after recording: puts the
/// checksum of the IP header right again.
fn repair(frame: &mut [u8]) {
    let header = &mut frame[18..38];
    assert_eq!(header[12..20], [0; 8], "anonymous");
    assert_eq!(header[10..12], [0; 2], "no checksum");
    let checksum = ip::finish(ip::sum(header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

#[test]
fn recorded_packets_decode_and_encode() {
    let Some(root) = data("nasdaq-pcaps") else { return };
    let (mut counts, mut captures, mut repaired) = (Counts::new(), 0, 0);
    for folder in files(&root) {
        if !folder.to_string_lossy().contains("Itch") {
            continue;
        }
        for path in files(&folder) {
            captures += 1;
            for mut bytes in pcap(&fs::read(&path).expect("the file can be read")) {
                if frame::parse_udp(&bytes) == Err(frame::Error::IpChecksum) {
                    repair(&mut bytes);
                    repaired += 1;
                }
                let udp = frame::parse_udp(&bytes).unwrap_or_else(|e| panic!("{path:?}: {e}"));
                check_packet(udp.payload, &mut counts, &path);
            }
        }
    }
    assert_eq!(captures, 49);
    assert!(repaired > 0);
    let expected = [
        ('A', 53),
        ('C', 15),
        ('D', 18),
        ('E', 16),
        ('F', 17),
        ('H', 16),
        ('I', 6),
        ('J', 5),
        ('L', 6),
        ('N', 5),
        ('P', 15),
        ('Q', 5),
        ('S', 3),
        ('U', 17),
        ('X', 15),
        ('Y', 15),
    ];
    assert_eq!(counts, Counts::from(expected));
}

fn check_packet(payload: &[u8], counts: &mut Counts, path: &Path) {
    let packet = Packet::new_checked(payload).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let mut buf = vec![0; payload.len()];
    let mut builder = PacketBuilder::new(&mut buf, packet.session(), packet.seq());
    let mut count = 0;
    for message in packet.messages() {
        check_message(message, counts);
        assert!(builder.push(&rebuilt(message)));
        count += 1;
    }
    assert_eq!(packet.kind(), PacketKind::Messages(count));
    assert_eq!(builder.finish(), payload.len());
    assert_eq!(buf, payload, "{path:?}");
}

#[test]
fn the_beginning_of_a_day_decodes_and_encodes() {
    let Some(root) = data("nasdaq-itch50") else { return };
    let path = root.join("20191230-first-1000-messages.itch50");
    let file = fs::read(path).expect("the file can be read");
    let (mut counts, mut again) = (Counts::new(), Vec::new());
    let mut symbols = BTreeMap::new();
    for message in binary_file::Messages::new(&file) {
        let message = message.expect("a whole message");
        check_message(message, &mut counts);
        assert!(binary_file::write(&mut again, &rebuilt(message)));
        if let Ok(Message::StockDirectory(m)) = itch::parse(message) {
            let record = to_record(&Message::StockDirectory(m), VenueId(0), Nanos(0));
            symbols.insert(record.symbol().as_str().to_owned(), m.round_lot.get());
        }
    }
    assert_eq!(counts, Counts::from([('H', 3), ('R', 993), ('S', 1), ('Y', 3)]));
    assert_eq!(again, file);
    assert_eq!(symbols.get("AAPL"), Some(&100));
}

fn check_message(bytes: &[u8], counts: &mut Counts) {
    let message = itch::parse(bytes).expect("a good message");
    assert_eq!(message.as_bytes(), bytes);
    let record = to_record(&message, VenueId(9), Nanos(5));
    assert_eq!(record.kind, bytes[0]);
    assert_eq!((record.venue, record.receive_time), (9, 5));
    assert_eq!(record.instrument(), message.header().instrument());
    assert_eq!(record.exchange_time(), message.header().time());
    assert!(record.exchange_time() < Nanos::from_secs(86_400));
    check_sense(&message);
    *counts.entry(char::from(bytes[0])).or_default() += 1;
}

/// Letters that the specification allows and numbers that a market can have: a layout that is off
/// by a byte does not pass.
fn check_sense(message: &Message<'_>) {
    let is_text = |text: &[u8]| text.iter().all(|byte| (b' '..=b'~').contains(byte));
    let symbol = |stock: &[u8; 8]| stock[0].is_ascii_uppercase() && is_text(stock);
    let shares = |shares: u32| (1..10_000_000).contains(&shares);
    let price = |price: u32| (1..=2_000_000_000).contains(&price);
    let one_of = |letter: u8, letters: &[u8]| letters.contains(&letter);
    let sense = match message {
        Message::SystemEvent(m) => one_of(m.event, b"OSQMEC"),
        Message::StockDirectory(m) => {
            symbol(&m.stock)
                && one_of(m.market_category, b"QGSNAPZV ")
                && one_of(m.round_lots_only, b"YN")
                && one_of(m.authenticity, b"PT")
                && one_of(m.luld_tier, b"12 ")
                && one_of(m.inverse, b"YN")
                && matches!(m.round_lot.get(), 1 | 10 | 100)
                && m.etp_leverage.get() < 10
        }
        Message::TradingAction(m) => {
            symbol(&m.stock) && one_of(m.state, b"HPQT") && is_text(&m.reason)
        }
        Message::RegSho(m) => symbol(&m.stock) && one_of(m.action, b"012"),
        Message::ParticipantPosition(m) => {
            symbol(&m.stock)
                && is_text(&m.mpid)
                && one_of(m.primary, b"YN")
                && one_of(m.mode, b"NPSRL")
                && one_of(m.state, b"AEWSD")
        }
        Message::LuldCollar(m) => {
            let (lower, upper) = (m.lower.get(), m.upper.get());
            symbol(&m.stock) && lower <= m.reference.get() && m.reference.get() <= upper
        }
        Message::AddOrder(m) => {
            symbol(&m.stock)
                && one_of(m.side, b"BS")
                && shares(m.shares.get())
                && price(m.price.get())
        }
        Message::AddOrderMpid(m) => {
            symbol(&m.stock)
                && one_of(m.side, b"BS")
                && shares(m.shares.get())
                && price(m.price.get())
                && is_text(&m.attribution)
        }
        Message::OrderExecuted(m) => shares(m.shares.get()),
        Message::OrderExecutedPrice(m) => {
            shares(m.shares.get()) && price(m.price.get()) && one_of(m.printable, b"YN")
        }
        Message::OrderCancel(m) => shares(m.shares.get()),
        Message::OrderDelete(m) => m.order_ref.get() != 0,
        Message::OrderReplace(m) => {
            m.new_ref.get() > m.original_ref.get() && shares(m.shares.get()) && price(m.price.get())
        }
        Message::Trade(m) => {
            symbol(&m.stock)
                && one_of(m.side, b"BS")
                && shares(m.shares.get())
                && price(m.price.get())
        }
        Message::CrossTrade(m) => symbol(&m.stock) && one_of(m.cross_type, b"OCHI"),
        Message::Noii(m) => {
            symbol(&m.stock)
                && one_of(m.direction, b"BSNOP")
                && one_of(m.cross_type, b"OCHIA")
                && one_of(m.variation, b"L123456789ABC ")
        }
        Message::Rpii(m) => symbol(&m.stock) && one_of(m.interest, b"BSAN"),
        other => panic!("not among the recorded ones: {other:?}"),
    };
    assert!(sense, "{message:?}");
}

/// The same message made anew from native values, so that a field with a wrong offset, width or
/// byte order shows. Text is left as it is.
fn rebuilt(bytes: &[u8]) -> Vec<u8> {
    let message = itch::parse(bytes).expect("a good message");
    let h = message.header();
    let header = Header::new(bytes[0], h.instrument(), h.tracking.get(), h.time());
    macro_rules! rebuild {
        ($name:ident, $m:ident: $($number:ident)* ; $($text:ident)*) => {
            itch::$name {
                header,
                $($number: $m.$number.get().into(),)*
                $($text: $m.$text,)*
            }.as_bytes().to_vec()
        };
    }
    match message {
        Message::SystemEvent(m) => rebuild!(SystemEvent, m: ; event),
        Message::StockDirectory(m) => rebuild!(StockDirectory, m: round_lot etp_leverage;
            stock market_category financial_status round_lots_only classification sub_type
            authenticity short_sale_threshold ipo luld_tier etp inverse),
        Message::TradingAction(m) => rebuild!(TradingAction, m: ; stock state reserved reason),
        Message::RegSho(m) => rebuild!(RegSho, m: ; stock action),
        Message::ParticipantPosition(m) => {
            rebuild!(ParticipantPosition, m: ; mpid stock primary mode state)
        }
        Message::MwcbDecline(m) => rebuild!(MwcbDecline, m: level1 level2 level3;),
        Message::MwcbStatus(m) => rebuild!(MwcbStatus, m: ; level),
        Message::IpoQuoting(m) => rebuild!(IpoQuoting, m: release_time price; stock qualifier),
        Message::LuldCollar(m) => {
            rebuild!(LuldCollar, m: reference upper lower extension; stock)
        }
        Message::OperationalHalt(m) => rebuild!(OperationalHalt, m: ; stock market action),
        Message::AddOrder(m) => rebuild!(AddOrder, m: order_ref shares price; side stock),
        Message::AddOrderMpid(m) => {
            rebuild!(AddOrderMpid, m: order_ref shares price; side stock attribution)
        }
        Message::OrderExecuted(m) => {
            rebuild!(OrderExecuted, m: order_ref shares match_number;)
        }
        Message::OrderExecutedPrice(m) => {
            rebuild!(OrderExecutedPrice, m: order_ref shares match_number price; printable)
        }
        Message::OrderCancel(m) => rebuild!(OrderCancel, m: order_ref shares;),
        Message::OrderDelete(m) => rebuild!(OrderDelete, m: order_ref;),
        Message::OrderReplace(m) => {
            rebuild!(OrderReplace, m: original_ref new_ref shares price;)
        }
        Message::Trade(m) => {
            rebuild!(Trade, m: order_ref shares price match_number; side stock)
        }
        Message::CrossTrade(m) => {
            rebuild!(CrossTrade, m: shares price match_number; stock cross_type)
        }
        Message::BrokenTrade(m) => rebuild!(BrokenTrade, m: match_number;),
        Message::Noii(m) => rebuild!(Noii, m: paired imbalance far near reference;
            direction stock cross_type variation),
        Message::Rpii(m) => rebuild!(Rpii, m: ; stock interest),
        Message::DirectListing(m) => rebuild!(DirectListing, m:
            minimum maximum near_price near_time lower_collar upper_collar;
            stock open_eligibility),
    }
}
