//! Recorded OUCH 5.0 and SoupBinTCP packets: decoded to known fields, encoded to the same bytes.

use std::path::PathBuf;
use tercel_proto::ouch::inbound::{CancelOrder, EnterOrder};
use tercel_proto::ouch::outbound::{OrderAccepted, OrderCanceled};
use tercel_proto::ouch::{
    Appendage, AppendageBuf, Appendages, Inbound, Outbound, letter, order_state, reason, side,
};
use tercel_proto::soup::{ClientPacket, ServerPacket};

/// The TCP payload of the only packet of a capture, or `None` when there is no recorded data.
fn recorded(name: &str) -> Option<Vec<u8>> {
    let data = std::env::var_os("TERCEL_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let path = data.join("nasdaq-pcaps/Nasdaq.Nsm.Ouch.v5.0").join(name);
    let Ok(file) = std::fs::read(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    // A classic capture: 24 bytes of header, 16 of record header, the frame.
    let frame = &file[40..];
    let network = if frame[12..14] == [0x81, 0x00] { 18 } else { 14 };
    let packet = &frame[network..];
    let end = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let transport = usize::from(packet[0] & 0x0f) * 4;
    let payload = transport + usize::from(packet[transport + 12] >> 4) * 4;
    Some(packet[payload..end].to_vec())
}

fn client(bytes: &[u8]) -> ClientPacket<'_> {
    let (packet, consumed) = ClientPacket::parse(bytes).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    let mut out = vec![0xaa; bytes.len()];
    assert_eq!(packet.emit(&mut out), Some(bytes.len()));
    assert_eq!(out, bytes);
    packet
}

fn server(bytes: &[u8]) -> ServerPacket<'_> {
    let (packet, consumed) = ServerPacket::parse(bytes).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    let mut out = vec![0xaa; bytes.len()];
    assert_eq!(packet.emit(&mut out), Some(bytes.len()));
    assert_eq!(out, bytes);
    packet
}

fn inbound(packet: ClientPacket<'_>) -> &[u8] {
    let ClientPacket::Unsequenced(message) = packet else { panic!("{packet:?}") };
    let mut out = vec![0xaa; message.len()];
    assert_eq!(Inbound::parse(message).unwrap().emit(&mut out), Some(message.len()));
    assert_eq!(out, message);
    message
}

fn outbound(packet: ServerPacket<'_>) -> &[u8] {
    let ServerPacket::Sequenced(message) = packet else { panic!("{packet:?}") };
    let mut out = vec![0xaa; message.len()];
    assert_eq!(Outbound::parse(message).unwrap().emit(&mut out), Some(message.len()));
    assert_eq!(out, message);
    message
}

#[test]
fn heartbeats() {
    if let Some(bytes) = recorded("ClientHeartbeatPacket.pcap") {
        assert_eq!(client(&bytes), ClientPacket::Heartbeat);
    }
    if let Some(bytes) = recorded("ServerHeartbeatPacket.pcap") {
        assert_eq!(server(&bytes), ServerPacket::Heartbeat);
    }
}

#[test]
fn enter_order() {
    let Some(bytes) = recorded("EnterOrderMessage.pcap") else { return };
    let message = inbound(client(&bytes));
    let expected = EnterOrder {
        kind: EnterOrder::KIND,
        user_ref: 113.into(),
        side: side::SELL_SHORT,
        quantity: 225.into(),
        symbol: *b"CVLT    ",
        price: 630_200.into(),
        time_in_force: letter::TIF_DAY,
        display: letter::DISPLAY_VISIBLE,
        capacity: letter::CAPACITY_AGENCY,
        sweep: letter::SWEEP_NOT_ELIGIBLE,
        cross: letter::CROSS_CONTINUOUS,
        client_order_id: *b"H8FUB8IV      ",
    };
    let mut options = AppendageBuf::new();
    options.push(Appendage::Firm(*b"LIME"));
    let expected = Inbound::EnterOrder(&expected, options.appendages());
    assert_eq!(Inbound::parse(message), Ok(expected));
}

#[test]
fn cancel_order() {
    let Some(bytes) = recorded("CancelOrderMessage.pcap") else { return };
    let message = inbound(client(&bytes));
    let expected =
        CancelOrder { kind: CancelOrder::KIND, user_ref: 7_679_601.into(), quantity: 0.into() };
    assert_eq!(Inbound::parse(message), Ok(Inbound::CancelOrder(&expected, Appendages::ABSENT)));
}

#[test]
fn order_accepted() {
    let Some(bytes) = recorded("OrderAcceptedMessage.pcap") else { return };
    let message = outbound(server(&bytes));
    let expected = OrderAccepted {
        kind: OrderAccepted::KIND,
        timestamp: 44_647_483_486_087.into(),
        user_ref: 7_682_701.into(),
        side: side::BUY,
        quantity: 40.into(),
        symbol: *b"ADBE    ",
        price: 4_777_800.into(),
        time_in_force: letter::TIF_GTX,
        display: letter::DISPLAY_VISIBLE,
        order_ref: 257_340_661.into(),
        capacity: letter::CAPACITY_AGENCY,
        sweep: letter::SWEEP_NOT_ELIGIBLE,
        cross: letter::CROSS_CONTINUOUS,
        state: order_state::LIVE,
        client_order_id: *b"7682701       ",
    };
    let mut options = AppendageBuf::new();
    options.push(Appendage::Firm(*b"MLRO"));
    options.push(Appendage::BboWeightIndicator(b'0'));
    let expected = Outbound::OrderAccepted(&expected, options.appendages());
    assert_eq!(Outbound::parse(message), Ok(expected));
}

#[test]
fn order_canceled_ends_without_an_appendage_length() {
    let Some(bytes) = recorded("CanceledMessage.pcap") else { return };
    let message = outbound(server(&bytes));
    let expected = OrderCanceled {
        kind: OrderCanceled::KIND,
        timestamp: 44_647_483_708_183.into(),
        user_ref: 7_682_701.into(),
        quantity: 40.into(),
        reason: reason::cancel::USER,
    };
    let expected = Outbound::OrderCanceled(&expected, Appendages::ABSENT);
    assert_eq!(Outbound::parse(message), Ok(expected));
}
