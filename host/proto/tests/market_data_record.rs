//! Every ITCH message against a naive oracle: a table of the specification's offsets, read byte by
//! byte into the fields that hw/abi/abi.toml names.

use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind, flag};
use tercel_proto::itch;
use tercel_proto::itch_record::to_record;
use tercel_types::{Nanos, VenueId};

/// A big-endian number of `len` bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Text of up to eight bytes, whose first byte is the lowest.
fn text(bytes: &[u8], at: usize, len: usize) -> u64 {
    bytes[at..at + len].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn set(on: bool, bits: u8) -> u8 {
    if on { bits } else { 0 }
}

/// The record of a message by the tables of Nasdaq TotalView-ITCH 5.0, §4.1 to §4.8.
fn oracle(b: &[u8]) -> EventRecord {
    let n = |at, len| number(b, at, len);
    let price = |at| number(b, at, 4) as i64;
    let byte = |at: usize| u16::from(b[at]);
    let pair = |low: usize, high: usize| u16::from(b[low]) | u16::from(b[high]) << 8;
    let stock = |at| text(b, at, 8);
    let mut r = EventRecord::new(Kind::from_code(b[0]).expect("a kind of the same letter"));
    (r.venue, r.receive_time) = (4, 77);
    (r.instrument, r.exchange_time) = (n(1, 2) as u16, n(5, 6));
    match b[0] {
        b'S' => r.tag = byte(11),
        b'R' => {
            (r.order_ref, r.quantity, r.tag) = (stock(11), n(21, 4), pair(27, 28));
            (r.price, r.flags) = (price(34), set(b[38] == b'Y', flag::INVERSE));
            let attributes = [19, 20, 25, 26, 29, 30, 31, 32].map(|at: usize| b[at]);
            r.second_ref = text(&attributes, 0, 8);
        }
        b'H' => (r.order_ref, r.tag, r.second_ref) = (stock(11), byte(19), text(b, 21, 4)),
        b'Y' => (r.order_ref, r.tag) = (stock(11), byte(19)),
        b'L' => {
            r.order_ref = stock(15);
            r.second_ref = text(b, 11, 4) | text(b, 23, 3) << 32;
        }
        b'V' => (r.price, r.quantity, r.order_ref) = (n(11, 8) as i64, n(19, 8), n(27, 8)),
        b'W' => r.tag = byte(11),
        b'K' => {
            (r.order_ref, r.quantity) = (stock(11), n(19, 4));
            (r.tag, r.price) = (byte(23), price(24));
        }
        b'J' => {
            (r.price, r.quantity) = (price(19), n(23, 4));
            (r.order_ref, r.second_ref) = (n(27, 4), n(31, 4));
        }
        b'h' => (r.order_ref, r.tag) = (stock(11), pair(20, 19)),
        b'A' | b'F' | b'P' => {
            (r.order_ref, r.side, r.quantity) = (n(11, 8), b[19], n(20, 4));
            r.price = price(32);
            r.second_ref = match b[0] {
                b'F' => text(b, 36, 4),
                b'P' => n(36, 8),
                _ => 0,
            };
        }
        b'E' => (r.order_ref, r.quantity, r.second_ref) = (n(11, 8), n(19, 4), n(23, 8)),
        b'C' => {
            (r.order_ref, r.quantity, r.second_ref) = (n(11, 8), n(19, 4), n(23, 8));
            (r.flags, r.price) = (set(b[31] == b'Y', flag::PRINTABLE), price(32));
        }
        b'X' => (r.order_ref, r.quantity) = (n(11, 8), n(19, 4)),
        b'D' => r.order_ref = n(11, 8),
        b'U' => {
            (r.order_ref, r.second_ref) = (n(11, 8), n(19, 8));
            (r.quantity, r.price) = (n(27, 4), price(31));
        }
        b'Q' => {
            (r.quantity, r.order_ref, r.price) = (n(11, 8), stock(19), price(27));
            (r.second_ref, r.tag) = (n(31, 8), byte(39));
        }
        b'B' => r.second_ref = n(11, 8),
        b'I' => {
            (r.quantity, r.order_ref, r.side) = (n(11, 8), n(19, 8), b[27]);
            r.second_ref = n(36, 4) | n(40, 4) << 32;
            (r.price, r.tag) = (price(44), pair(48, 49));
        }
        b'N' => (r.order_ref, r.tag) = (stock(11), byte(19)),
        b'O' => {
            (r.tag, r.price, r.quantity) = (byte(19), price(28), n(32, 8));
            r.order_ref = n(20, 4) | n(24, 4) << 32;
            r.second_ref = n(40, 4) | n(44, 4) << 32;
        }
        kind => panic!("no row for {kind}"),
    }
    r
}

/// The failing input is printed; nothing is written beside the sources.
fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn records_are_those_of_the_tables(
        mut bytes in prop::collection::vec(any::<u8>(), itch::LENGTH_MAX), yes in any::<bool>(),
    ) {
        for &kind in itch::KINDS {
            bytes[0] = kind;
            // Printable or inverse, which random bytes hardly ever are.
            if yes && matches!(kind, b'C' | b'R') {
                bytes[if kind == b'C' { 31 } else { 38 }] = b'Y';
            }
            let message = &bytes[..itch::length_of(kind).expect("a known kind")];
            let view = itch::parse(message).expect("of the right length");
            prop_assert_eq!(to_record(&view, VenueId(4), Nanos(77)), oracle(message));
        }
    }
}

#[test]
fn every_message_has_a_kind_of_its_letter() {
    let kinds = Kind::ALL.iter().filter(|kind| **kind as u8 >= 0x20);
    let mut letters: Vec<u8> = kinds.map(|kind| *kind as u8).collect();
    let mut messages = itch::KINDS.to_vec();
    letters.sort_unstable();
    messages.sort_unstable();
    assert_eq!(letters, messages);
}
