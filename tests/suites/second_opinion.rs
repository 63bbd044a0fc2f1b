//! Every recorded ITCH message, decoded here and by the crate `itchy`, field by field.

use itchy::{Body, EventCode, MessageStream, RegShoAction, TradingState};
use std::path::{Path, PathBuf};
use tercel_net::pcap::PcapSource;
use tercel_proto::itch::{self, Message};
use tercel_proto::{binary_file, eth, ip, mold, udp};

/// A file or folder of the recorded data, if it is there.
fn data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("TERCEL_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no recorded data at {}", path.display());
    None
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("ASCII")
}

/// Compares one message; `true` if the other decoder could be asked about every field of it.
fn compare(ours: &Message<'_>, other: &itchy::Message) {
    let header = ours.header();
    assert_eq!(header.kind, other.tag);
    assert_eq!(header.locate.get(), other.stock_locate);
    assert_eq!(header.tracking.get(), other.tracking_number);
    assert_eq!(header.time().0, other.timestamp);
    match (ours, &other.body) {
        (Message::AddOrder(m), Body::AddOrder(o)) => {
            let side = if m.side == b'B' { itchy::Side::Buy } else { itchy::Side::Sell };
            let ours = (m.order_ref.get(), side, m.shares.get(), text(&m.stock), m.price.get());
            assert_eq!(ours, (o.reference, o.side, o.shares, o.stock.as_str(), o.price.raw()));
        }
        (Message::AddOrderMpid(m), Body::AddOrder(o)) => {
            let side = if m.side == b'B' { itchy::Side::Buy } else { itchy::Side::Sell };
            let ours = (m.order_ref.get(), side, m.shares.get(), text(&m.stock), m.price.get());
            assert_eq!(ours, (o.reference, o.side, o.shares, o.stock.as_str(), o.price.raw()));
            assert_eq!(Some(text(&m.attribution)), o.mpid.as_ref().map(|mpid| mpid.as_str()));
        }
        (Message::OrderExecuted(m), Body::OrderExecuted { reference, executed, match_number }) => {
            let ours = (m.order_ref.get(), m.shares.get(), m.match_number.get());
            assert_eq!(ours, (*reference, *executed, *match_number));
        }
        (
            Message::OrderExecutedPrice(m),
            Body::OrderExecutedWithPrice { reference, executed, match_number, printable, price },
        ) => {
            let ours = (m.order_ref.get(), m.shares.get(), m.match_number.get(), m.price.get());
            assert_eq!(ours, (*reference, *executed, *match_number, price.raw()));
            assert_eq!(m.printable == b'Y', *printable);
        }
        (Message::OrderCancel(m), Body::OrderCancelled { reference, cancelled }) => {
            assert_eq!((m.order_ref.get(), m.shares.get()), (*reference, *cancelled));
        }
        (Message::OrderDelete(m), Body::DeleteOrder { reference }) => {
            assert_eq!(m.order_ref.get(), *reference);
        }
        (Message::OrderReplace(m), Body::ReplaceOrder(o)) => {
            let ours = (m.original_ref.get(), m.new_ref.get(), m.shares.get(), m.price.get());
            assert_eq!(ours, (o.old_reference, o.new_reference, o.shares, o.price.raw()));
        }
        (Message::Trade(m), Body::NonCrossTrade(o)) => {
            let ours = (m.order_ref.get(), m.shares.get(), text(&m.stock), m.price.get());
            assert_eq!(ours, (o.reference, o.shares, o.stock.as_str(), o.price.raw()));
            assert_eq!(m.match_number.get(), o.match_number);
        }
        (Message::CrossTrade(m), Body::CrossTrade(o)) => {
            let ours = (m.shares.get(), text(&m.stock), m.price.get(), m.match_number.get());
            assert_eq!(ours, (o.shares, o.stock.as_str(), o.cross_price.raw(), o.match_number));
        }
        (Message::Noii(m), Body::Imbalance(o)) => {
            let ours = (m.paired.get(), m.imbalance.get(), text(&m.stock), char::from(m.variation));
            let stock = o.stock.as_str();
            let other = (o.paired_shares, o.imbalance_shares, stock, o.price_variation_indicator);
            assert_eq!(ours, other);
            let ours = (m.far.get(), m.near.get(), m.reference.get());
            let other = (o.far_price.raw(), o.near_price.raw(), o.current_ref_price.raw());
            assert_eq!(ours, other);
        }
        (other_ours, other_body) => compare_stock(other_ours, other_body),
    }
}

/// The messages about an instrument or the day.
fn compare_stock(ours: &Message<'_>, other: &Body) {
    match (ours, other) {
        (Message::SystemEvent(m), Body::SystemEvent { event }) => {
            let letter = match event {
                EventCode::StartOfMessages => b'O',
                EventCode::StartOfSystemHours => b'S',
                EventCode::StartOfMarketHours => b'Q',
                EventCode::EndOfMarketHours => b'M',
                EventCode::EndOfSystemHours => b'E',
                EventCode::EndOfMessages => b'C',
            };
            assert_eq!(m.event, letter);
        }
        (Message::StockDirectory(m), Body::StockDirectory(o)) => {
            let ours = (text(&m.stock), m.round_lot.get(), m.etp_leverage.get());
            assert_eq!(ours, (o.stock.as_str(), o.round_lot_size, o.etp_leverage_factor));
            assert_eq!(
                (m.round_lots_only == b'Y', m.inverse == b'Y'),
                (o.round_lots_only, o.inverse_indicator)
            );
            assert_eq!(m.authenticity == b'P', o.authenticity);
            let flag = |letter: u8| (letter != b' ').then_some(letter == b'Y');
            assert_eq!(flag(m.short_sale_threshold), o.short_sale_threshold);
            assert_eq!(flag(m.ipo), o.ipo_flag);
        }
        (Message::TradingAction(m), Body::TradingAction { stock, trading_state, reason }) => {
            let letter = match trading_state {
                TradingState::Halted => b'H',
                TradingState::Paused => b'P',
                TradingState::QuotationOnly => b'Q',
                TradingState::Trading => b'T',
            };
            assert_eq!((text(&m.stock), m.state), (stock.as_str(), letter));
            assert_eq!(text(&m.reason), reason.as_str());
        }
        (Message::RegSho(m), Body::RegShoRestriction { stock, action }) => {
            let digit = match action {
                RegShoAction::None => b'0',
                RegShoAction::Intraday => b'1',
                RegShoAction::Extant => b'2',
            };
            assert_eq!((text(&m.stock), m.action), (stock.as_str(), digit));
        }
        (Message::ParticipantPosition(m), Body::ParticipantPosition(o)) => {
            let ours = (text(&m.mpid), text(&m.stock), m.primary == b'Y');
            assert_eq!(ours, (o.mpid.as_str(), o.stock.as_str(), o.primary_market_maker));
        }
        (
            Message::LuldCollar(m),
            Body::LULDAuctionCollar { stock, ref_price, upper_price, lower_price, extension },
        ) => {
            assert_eq!((text(&m.stock), m.extension.get()), (stock.as_str(), *extension));
            let ours = (m.reference.get(), m.upper.get(), m.lower.get());
            assert_eq!(ours, (ref_price.raw(), upper_price.raw(), lower_price.raw()));
        }
        (Message::Rpii(m), Body::RetailPriceImprovementIndicator(o)) => {
            assert_eq!(text(&m.stock), o.stock.as_str());
        }
        (ours, other) => panic!("{ours:?} is something else to the other decoder: {other:?}"),
    }
}

/// Every message of a stream of length-prefixed messages, through both.
fn compare_all(stream: &[u8]) -> usize {
    let ours: Vec<&[u8]> =
        binary_file::Messages::new(stream).collect::<Result<_, _>>().expect("whole messages");
    let mut others = MessageStream::from_reader(stream);
    for bytes in &ours {
        let message = itch::parse(bytes).expect("a message");
        let other = others.next().expect("as many messages").expect("a message to the other, too");
        compare(&message, &other);
    }
    assert!(others.next().is_none());
    ours.len()
}

#[test]
fn the_day_file() {
    let Some(path) = data("nasdaq-itch50/20191230-first-1000-messages.itch50") else { return };
    assert_eq!(compare_all(&std::fs::read(path).expect("the file")), 1000);
}

#[test]
fn the_captures() {
    let Some(root) = data("nasdaq-pcaps") else { return };
    let mut stream = Vec::new();
    for folder in std::fs::read_dir(root).expect("a folder") {
        let folder = folder.expect("an entry").path();
        if !folder.to_string_lossy().contains("Itch") {
            continue;
        }
        for file in std::fs::read_dir(folder).expect("a folder") {
            let mut source = PcapSource::open(&file.expect("an entry").path()).expect("a capture");
            while let Some(frame) = source.next_frame().expect("a frame") {
                // The checksums of most of these captures were set to zero with the addresses.
                let packet = ip::parse_unverified(eth::ipv4(frame.bytes).expect("IPv4"));
                let packet = packet.expect("a packet");
                let datagram = udp::parse(packet.payload, packet.src, packet.dst).expect("UDP");
                let packet = mold::Packet::new_checked(datagram.payload).expect("MoldUDP64");
                for message in packet.messages() {
                    assert!(binary_file::write(&mut stream, message));
                }
            }
        }
    }
    assert_eq!(compare_all(&stream), 227);
}
