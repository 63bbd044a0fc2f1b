//! The reconciliation against a naive one, over histories in which anything may be missing.

mod entries;

use proptest::prelude::*;
use std::collections::BTreeSet;
use entries::{answered, intended, payload};
use tercel_control::recorder::KIND_START;
use tercel_control::recorder::reconcile::{Counts, Reconciliation, Reference, reconcile};
use tercel_engine::tape::{Action, AnswerKind, Entry, Fate, Intended};
use tercel_proto::ouch::Appendages;
use tercel_proto::ouch::Outbound;
use tercel_proto::ouch::outbound::OrderRejected;
use tercel_proto::soup::{LoginAccepted, ServerPacket};

/// A record of the journal.
type Record = (u16, Vec<u8>);

fn record(entry: &Entry<'_>) -> Record {
    (entry.kind(), payload(entry))
}

fn received(bytes: &[u8]) -> Record {
    let mut words = vec![bytes.len() as u64];
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        words.push(u64::from_le_bytes(word));
    }
    (12, words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

fn packet(packet: &ServerPacket<'_>) -> Vec<u8> {
    let mut bytes = [0; 256];
    let len = packet.emit(&mut bytes).unwrap();
    bytes[..len].to_vec()
}

fn login(session: u8) -> Record {
    let accepted = LoginAccepted::new([session; 10], 1);
    received(&packet(&ServerPacket::LoginAccepted(&accepted)))
}

fn rejected(user_ref: u32) -> Vec<u8> {
    let message = OrderRejected {
        kind: b'J',
        timestamp: 5_u64.into(),
        user_ref: user_ref.into(),
        reason: 1_u16.into(),
        client_order_id: [b' '; 14],
    };
    let mut bytes = [0; 128];
    let len = Outbound::OrderRejected(&message, Appendages::EMPTY).emit(&mut bytes).unwrap();
    packet(&ServerPacket::Sequenced(&bytes[..len]))
}

fn of(records: &[Record]) -> Reconciliation {
    reconcile(records.iter().map(|(kind, payload)| (*kind, payload.as_slice())))
}

fn reference(session: u8, user_ref: u32) -> Reference {
    Reference { session: [session; 10], user_ref }
}

proptest! {
    #[test]
    fn every_order_is_sent_and_answered_or_named(
        steps in prop::collection::vec((0..7_u8, prop_oneof![1..40_u32, any::<u32>()]), 0..200),
    ) {
        let mut records = Vec::new();
        let mut session = b' ';
        let [mut sent, mut known, mut never] = [(); 3].map(|()| BTreeSet::new());
        for (what, number) in steps {
            let order = reference(session, number);
            match what {
                0 => {
                    sent.insert(order);
                    let intent = intended(Action::Enter, number, 0, 1);
                    records.push(record(&Entry::Intended(intent)));
                }
                1 => {
                    let intent = intended(Action::Replace, number, 1, 1);
                    let unsent = Intended { fate: Fate::Unsent, ..intent };
                    records.push(record(&Entry::Intended(unsent)));
                }
                2 => {
                    known.insert(order);
                    let said = answered(AnswerKind::Accepted, number, 1, 0);
                    records.push(record(&Entry::Answered(said)));
                }
                3 => {
                    never.insert(order);
                    let said = answered(AnswerKind::NotReceived, number, 0, 0);
                    records.push(record(&Entry::Answered(said)));
                }
                4 => {
                    known.insert(order);
                    records.push(received(&rejected(number)));
                }
                5 => {
                    session = b'A' + (number % 3) as u8;
                    records.push(login(session));
                }
                _ => records.push((KIND_START, b"{}".to_vec())),
            }
        }
        let found = of(&records);
        let unanswered: Vec<Reference> = sent
            .iter()
            .filter(|order| !known.contains(order) && !never.contains(order))
            .copied()
            .collect();
        let missing: Vec<Reference> = known.difference(&sent).copied().collect();
        prop_assert_eq!(found.unanswered().collect::<Vec<_>>(), unanswered.clone());
        prop_assert_eq!(found.not_journaled().collect::<Vec<_>>(), missing.clone());
        let answered = sent.intersection(&known).count() as u64;
        prop_assert_eq!(found.counts(), Counts {
            sent: sent.len() as u64,
            answered,
            not_received: sent.len() as u64 - answered - unanswered.len() as u64,
            unanswered: unanswered.len() as u64,
            not_journaled: missing.len() as u64,
        });
        for order in sent.union(&known) {
            prop_assert!(found.knows(*order));
        }
        prop_assert_eq!(found.unreadable, 0);
    }

    #[test]
    fn damaged_records_are_counted_and_never_a_panic(
        records in prop::collection::vec(
            (0..16_u16, prop::collection::vec(any::<u8>(), 0..300)),
            0..50,
        ),
    ) {
        let found = of(&records);
        let _ = (found.counts(), found.unanswered().count());
    }
}

#[test]
fn an_order_whose_intent_a_crash_took_is_named_after_the_next_login() {
    let records = [
        login(b'S'),
        record(&Entry::Intended(intended(Action::Enter, 1, 0, 100))),
        record(&Entry::Answered(answered(AnswerKind::Accepted, 1, 100, 0))),
        record(&Entry::Intended(intended(Action::Enter, 2, 0, 100))),
        // Killed with order 3 on the wire; the next run is told of it by the replay, and of a
        // fourth, which was refused, by bytes alone.
        (KIND_START, b"{}".to_vec()),
        login(b'S'),
        record(&Entry::Answered(answered(AnswerKind::Accepted, 3, 100, 0))),
        received(&rejected(4)),
    ];
    let found = of(&records);
    assert_eq!(found.unanswered().collect::<Vec<_>>(), [reference(b'S', 2)]);
    let missing: Vec<Reference> = found.not_journaled().collect();
    assert_eq!(missing, [reference(b'S', 3), reference(b'S', 4)]);
}

#[test]
fn a_packet_over_two_entries_hides_nothing_behind_it() {
    let mut long = packet(&ServerPacket::Debug(&[b'x'; 200]));
    let rest = long.split_off(120);
    let mut second = rest;
    second.extend(rejected(9));
    let found = of(&[login(b'S'), received(&long), received(&second)]);
    assert_eq!(found.not_journaled().collect::<Vec<_>>(), [reference(b'S', 9)]);
}
