//! Frames of a small feed, made by hand.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part of it

use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_proto::itch::{self, Header};
use tercel_proto::{frame, mold};
use tercel_types::{InstrumentId, Nanos, SeqNo};
use zerocopy::IntoBytes;

pub const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 1, 1), 31001),
    SocketAddrV4::new(Ipv4Addr::new(239, 192, 1, 2), 31002),
];
/// Ten o'clock on a day.
pub const START: u64 = 1_795_341_600_000_000_000;
pub const MIDNIGHT: u64 = START - 36_000_000_000_000;
pub const MS: u64 = 1_000_000;

pub fn packet(line: usize, seq: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 1500];
    let space = &mut buf[frame::UDP_HEADERS..];
    let mut builder = mold::PacketBuilder::new(space, *b"TERCEL0001", SeqNo(seq));
    for message in messages {
        assert!(builder.push(message));
    }
    let len = builder.finish();
    let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 4000);
    let len = frame::emit_udp(&mut buf, from, LINES[line], len).unwrap();
    buf.truncate(len);
    buf
}

/// A datagram of zeros, shorter than a packet's header.
pub fn datagram(line: usize, payload: usize) -> Vec<u8> {
    let mut buf = vec![0; frame::UDP_HEADERS + payload];
    let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 4000);
    frame::emit_udp(&mut buf, from, LINES[line], payload).unwrap();
    buf
}

fn header(kind: u8, at: u64) -> Header {
    Header::new(kind, InstrumentId(7), 0, Nanos(at - MIDNIGHT))
}

pub fn directory(at: u64) -> Vec<u8> {
    let mut bytes = vec![0; 39];
    bytes[..11].copy_from_slice(header(b'R', at).as_bytes());
    bytes[11..19].copy_from_slice(b"TRCL    ");
    bytes
}

pub fn state(at: u64, state: u8) -> Vec<u8> {
    let mut bytes = vec![b' '; 25];
    bytes[..11].copy_from_slice(header(b'H', at).as_bytes());
    bytes[11..19].copy_from_slice(b"TRCL    ");
    bytes[19] = state;
    bytes
}

pub fn add(at: u64, order: u64, side: u8, shares: u32, price: u32) -> Vec<u8> {
    itch::AddOrder {
        header: header(b'A', at),
        order_ref: order.into(),
        side,
        shares: shares.into(),
        stock: *b"TRCL    ",
        price: price.into(),
    }
    .as_bytes()
    .to_vec()
}

pub fn executed(at: u64, order: u64, shares: u32) -> Vec<u8> {
    itch::OrderExecuted {
        header: header(b'E', at),
        order_ref: order.into(),
        shares: shares.into(),
        match_number: 1.into(),
    }
    .as_bytes()
    .to_vec()
}
