use super::*;
use tercel_abi::device::counter::NAMES;

/// A message of `kind` in which byte n, but for the letter, is n.
fn counted(layout: &Layout) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..layout.length as u8).collect();
    bytes[0] = layout.kind as u8;
    bytes
}

fn record(message: &[u8]) -> EventRecord {
    match normalise(message) {
        Normalised::Message { record, .. } => record,
        other => panic!("{other:?}"),
    }
}

/// Side, tag, price, quantity, order_ref, second_ref of the counted message, worked out by hand
/// from the specification's tables.
const EXPECTED: [(Kind, u8, u16, i64, u64, u64, u64); 23] = {
    const FIRST: u64 = 0x0b0c_0d0e_0f10_1112; // number at 11
    const SYMBOL: u64 = 0x1211_100f_0e0d_0c0b; // text at 11
    [
        (Kind::SystemEvent, 0, 0x0b, 0, 0, 0, 0),
        (Kind::Directory, 0, 0x1c1b, 0x2223_2425, 0x1516_1718, SYMBOL, 0x201f_1e1d_1a19_1413),
        (Kind::TradingAction, 0, 0x13, 0, 0, SYMBOL, 0x1817_1615),
        (Kind::RegSho, 0, 0x13, 0, 0, SYMBOL, 0),
        (Kind::ParticipantPosition, 0, 0, 0, 0, 0x1615_1413_1211_100f, 0x0019_1817_0e0d_0c0b),
        (
            Kind::MwcbLevels,
            0,
            0,
            FIRST.cast_signed(),
            0x1314_1516_1718_191a,
            0x1b1c_1d1e_1f20_2122,
            0,
        ),
        (Kind::MwcbStatus, 0, 0x0b, 0, 0, 0, 0),
        (Kind::IpoQuoting, 0, 0x17, 0x1819_1a1b, 0x1314_1516, SYMBOL, 0),
        (Kind::LuldCollar, 0, 0, 0x1314_1516, 0x1718_191a, 0x1b1c_1d1e, 0x1f20_2122),
        (Kind::OperationalHalt, 0, 0x1314, 0, 0, SYMBOL, 0),
        (Kind::Add, 0x13, 0, 0x2021_2223, 0x1415_1617, FIRST, 0),
        (Kind::AddAttributed, 0x13, 0, 0x2021_2223, 0x1415_1617, FIRST, 0x2726_2524),
        (Kind::Executed, 0, 0, 0, 0x1314_1516, FIRST, 0x1718_191a_1b1c_1d1e),
        (Kind::ExecutedPrice, 0, 0, 0x2021_2223, 0x1314_1516, FIRST, 0x1718_191a_1b1c_1d1e),
        (Kind::Canceled, 0, 0, 0, 0x1314_1516, FIRST, 0),
        (Kind::Deleted, 0, 0, 0, 0, FIRST, 0),
        (Kind::Replaced, 0, 0, 0x1f20_2122, 0x1b1c_1d1e, FIRST, 0x1314_1516_1718_191a),
        (Kind::Trade, 0x13, 0, 0x2021_2223, 0x1415_1617, FIRST, 0x2425_2627_2829_2a2b),
        (Kind::Cross, 0, 0x27, 0x1b1c_1d1e, FIRST, 0x1a19_1817_1615_1413, 0x1f20_2122_2324_2526),
        (Kind::Broken, 0, 0, 0, 0, 0, FIRST),
        (
            Kind::Imbalance,
            0x1b,
            0x3130,
            0x2c2d_2e2f,
            FIRST,
            0x1314_1516_1718_191a,
            0x2829_2a2b_2425_2627,
        ),
        (Kind::RetailInterest, 0, 0x13, 0, 0, SYMBOL, 0),
        (
            Kind::DirectListing,
            0,
            0x13,
            0x1c1d_1e1f,
            0x2021_2223_2425_2627,
            0x1819_1a1b_1415_1617,
            0x2c2d_2e2f_2829_2a2b,
        ),
    ]
};

#[test]
fn every_field_comes_from_where_the_specification_says() {
    for (layout, expected) in LAYOUTS.iter().zip(EXPECTED) {
        let (kind, side, tag, price, quantity, order_ref, second_ref) = expected;
        let expected = EventRecord {
            instrument: 0x0102,
            exchange_time: 0x0506_0708_090a,
            side,
            tag,
            price,
            quantity,
            order_ref,
            second_ref,
            ..EventRecord::new(kind)
        };
        assert_eq!(record(&counted(layout)), expected, "{}", kind.name());
    }
}

#[test]
fn a_layout_has_the_counter_of_its_kind() {
    for layout in &LAYOUTS {
        let Normalised::Message { counter, .. } = normalise(&counted(layout)) else { panic!() };
        assert_eq!(NAMES[counter], format!("KIND_{}", layout.kind.name()));
    }
}

#[test]
fn flags_are_set_by_a_y_only() {
    for (kind, at, bit) in
        [(Kind::Directory, 38, flag::INVERSE), (Kind::ExecutedPrice, 31, flag::PRINTABLE)]
    {
        let layout = LAYOUTS.iter().find(|layout| layout.kind == kind).unwrap();
        for letter in 0..=255 {
            let mut message = counted(layout);
            message[at] = letter;
            let flags = record(&message).flags;
            assert_eq!(flags, if letter == b'Y' { bit } else { 0 }, "{letter}");
        }
    }
}

#[test]
fn prices_of_four_bytes_have_no_sign() {
    let add = LAYOUTS.iter().find(|layout| layout.kind == Kind::Add).unwrap();
    let mut message = counted(add);
    message[32..36].fill(0xff);
    assert_eq!(record(&message).price, 0xffff_ffff);
}

#[test]
fn other_letters_and_lengths_are_named() {
    let known: Vec<u8> = LAYOUTS.iter().map(|layout| layout.kind as u8).collect();
    for letter in 0..=255 {
        let unknown = normalise(&[letter; 19]) == Normalised::UnknownKind;
        assert_eq!(unknown, !known.contains(&letter), "{letter}");
    }
    for layout in &LAYOUTS {
        let mut message = counted(layout);
        message.push(0);
        assert_eq!(normalise(&message), Normalised::WrongLength);
        message.truncate(layout.length - 1);
        assert_eq!(normalise(&message), Normalised::WrongLength);
    }
    assert_eq!(normalise(&[]), Normalised::UnknownKind);
}

#[test]
fn four_kinds_pass_any_filter() {
    let passing: Vec<u8> = (0..=255).filter(|kind| always_passes(*kind)).collect();
    assert_eq!(passing, b"RSVW");
}
