//! The card's records and those of the host's decoder, two ways from the same bytes.

mod frames;

use frames::{Frame, VENUE, card, records, rx};
use proptest::prelude::*;
use tercel_proto::itch;
use tercel_proto::itch_record::to_record;
use tercel_types::{Nanos, VenueId};

/// A message of any kind with any bytes behind its letter.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop::collection::vec(any::<u8>(), itch::LENGTH_MAX);
    (prop::sample::select(itch::KINDS), bytes, any::<bool>()).prop_map(|(kind, mut bytes, yes)| {
        bytes[0] = kind;
        // Where the two flags lie; any byte would almost never be the letter that sets them.
        if yes {
            bytes[31] = b'Y';
            bytes[38] = b'Y';
        }
        bytes.truncate(itch::length_of(kind).unwrap());
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn records_are_those_of_the_host(messages in prop::collection::vec(message(), 1..20)) {
        let mut card = card(8, 500);
        rx(&mut card, 0, &Frame::of(0, 500, &messages).bytes());
        let found = records(&mut card);
        prop_assert_eq!(found.len(), messages.len());
        for ((seq, message), found) in (500..).zip(&messages).zip(found) {
            let parsed = itch::parse(message).unwrap();
            let mut expected = to_record(&parsed, VenueId(VENUE), Nanos(77));
            expected.seq = seq;
            prop_assert_eq!(found, expected);
        }
    }
}
