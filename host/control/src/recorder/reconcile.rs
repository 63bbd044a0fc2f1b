//! What was sent against what the venue knows, from the journal alone.
//!
//! Both sides are in the journal: what this host meant to send ([`Intended`] with the fate sent),
//! and what came in from the venue, as bytes ([`tape::Received`]) and as the gateway understood it
//! ([`Answered`]). After a crash the next login replays the venue's session from its first message,
//! so an order that reached the venue without an intent in the journal shows up there.
//!
//! Numbers of orders are unique within a session of the venue, which the answer to a login names.
//! They are dense, so each session keeps them as pages of bits.

use std::collections::BTreeMap;
use tercel_engine::tape::{self, Action, AnswerKind, Answered, Entry, Fate, Intended};
use tercel_proto::ouch::Outbound;
use tercel_proto::soup::ServerPacket;

/// A session of the venue: ten bytes, padded with blanks on the left; blank before the first login.
pub type Session = [u8; 10];

/// Bits of a page.
const PAGE: u32 = 1 << 12;

/// An order's number and the session that it is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    /// The session.
    pub session: Session,
    /// The number.
    pub user_ref: u32,
}

/// Where a journal's orders stand.
#[derive(Default, Debug)]
pub struct Reconciliation {
    sessions: BTreeMap<Session, Orders>,
    session: Option<Session>,
    /// Bytes of a long packet that are still to come.
    rest: usize,
    words: Vec<u64>,
    bytes: Vec<u8>,
    /// Records of the tape's kinds that could not be read.
    pub unreadable: u64,
    /// Entries that the tape had no room for, so that orders among them may be missing.
    pub lost: u64,
}

#[derive(Default, Debug)]
struct Orders {
    sent: Set,
    /// The venue has said something of them.
    known: Set,
    /// The venue has said that it never had them.
    not_received: Set,
}

/// A set of numbers.
#[derive(Default, Debug)]
struct Set(BTreeMap<u32, Box<[u64; PAGE as usize / 64]>>);

impl Set {
    fn insert(&mut self, number: u32) {
        let page = self.0.entry(number / PAGE).or_insert_with(|| Box::new([0; PAGE as usize / 64]));
        page[(number % PAGE / 64) as usize] |= 1 << (number % 64);
    }

    fn contains(&self, number: u32) -> bool {
        let page = self.0.get(&(number / PAGE));
        page.is_some_and(|page| page[(number % PAGE / 64) as usize] >> (number % 64) & 1 == 1)
    }

    fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(page, words)| {
            let first = page * PAGE;
            (0..PAGE)
                .filter(move |bit| words[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
                .map(move |bit| first + bit)
        })
    }
}

/// The sums.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Orders with an intent that left.
    pub sent: u64,
    /// Of those, the venue has said something of.
    pub answered: u64,
    /// Of those sent, never orders at the venue: lost with the line, or in place of one that had
    /// ended by then.
    pub not_received: u64,
    /// Of those sent, of which nothing is known.
    pub unanswered: u64,
    /// Known to the venue, without an intent in the journal.
    pub not_journaled: u64,
}

/// Reconciles records in their order: kind and payload of each.
pub fn reconcile<'a>(records: impl IntoIterator<Item = (u16, &'a [u8])>) -> Reconciliation {
    let mut reconciliation = Reconciliation::default();
    for (kind, payload) in records {
        reconciliation.apply(kind, payload);
    }
    reconciliation
}

impl Reconciliation {
    /// Takes the next record of the journal.
    pub fn apply(&mut self, kind: u16, payload: &[u8]) {
        if kind == super::KIND_START {
            // The connection is another one; the session may be the same.
            self.rest = 0;
        }
        if kind >= super::KIND_ENTRY_END {
            return;
        }
        let (words, rest) = payload.as_chunks::<8>();
        let mut buffer = std::mem::take(&mut self.words);
        buffer.clear();
        buffer.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
        match Entry::read(kind, &buffer).filter(|_| rest.is_empty()) {
            Some(Entry::Intended(intended)) => self.intended(&intended),
            Some(Entry::Answered(answered)) => self.answered(&answered),
            Some(Entry::Received(received)) => self.received(&received),
            Some(Entry::Lost(lost)) => self.lost = self.lost.saturating_add(lost.entries),
            Some(_) => {}
            None => self.unreadable += 1,
        }
        self.words = buffer;
    }

    fn orders(&mut self) -> &mut Orders {
        self.sessions.entry(self.session.unwrap_or([b' '; 10])).or_default()
    }

    fn intended(&mut self, intended: &Intended) {
        if intended.fate == Fate::Sent && intended.action != Action::Cancel {
            self.orders().sent.insert(intended.user_ref.0);
        }
    }

    fn answered(&mut self, answered: &Answered) {
        let user_ref = answered.user_ref.0;
        let orders = self.orders();
        if answered.what == AnswerKind::NotReceived {
            // The gateway says it of an order that the venue does not know.
            orders.not_received.insert(user_ref);
        } else {
            orders.known.insert(user_ref);
        }
        if answered.what == AnswerKind::Replaced {
            orders.known.insert(answered.original.0);
        }
    }

    /// Whole packets, but for one that is longer than an entry.
    fn received(&mut self, received: &tape::Received<'_>) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.extend(received.iter());
        let mut at = self.rest.min(bytes.len());
        self.rest -= at;
        while let Some(length) = bytes.get(at..at + 2) {
            let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            let Some(packet) = bytes.get(at..end) else {
                // No message about an order is that long.
                self.rest = end - bytes.len();
                break;
            };
            self.packet(packet);
            at = end;
        }
        self.bytes = bytes;
    }

    fn packet(&mut self, packet: &[u8]) {
        match ServerPacket::parse(packet) {
            Ok(Some((ServerPacket::LoginAccepted(accepted), _))) => {
                self.session = Some(accepted.session);
            }
            Ok(Some((ServerPacket::Sequenced(message), _))) => {
                if let Ok(message) = Outbound::parse(message) {
                    self.message(&message);
                }
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// What names an order that the venue has, or has refused.
    fn message(&mut self, message: &Outbound<'_>) {
        let user_ref = match message {
            Outbound::OrderAccepted(m, _) => m.user_ref,
            Outbound::OrderReplaced(m, _) => m.user_ref,
            Outbound::OrderCanceled(m, _) => m.user_ref,
            Outbound::AiqCanceled(m, _) => m.user_ref,
            Outbound::OrderExecuted(m, _) => m.user_ref,
            Outbound::BrokenTrade(m, _) => m.user_ref,
            Outbound::TradeCorrection(m, _) => m.user_ref,
            Outbound::OrderRejected(m, _) => m.user_ref,
            Outbound::OrderPriorityUpdate(m, _) => m.user_ref,
            Outbound::OrderModified(m, _) => m.user_ref,
            Outbound::OrderRestated(m, _) => m.user_ref,
            Outbound::CancelPending(..)
            | Outbound::CancelReject(..)
            | Outbound::SystemEvent(..)
            | Outbound::MassCancelResponse(..)
            | Outbound::DisableOrderEntryResponse(..)
            | Outbound::EnableOrderEntryResponse(..)
            | Outbound::AccountQueryResponse(..) => return,
        };
        self.orders().known.insert(user_ref.get());
    }

    /// Sent, and nothing is known of them: under way when the journal ends, or lost on the way.
    pub fn unanswered(&self) -> impl Iterator<Item = Reference> {
        self.each(|orders| {
            orders.sent.iter().filter(|user_ref| {
                !orders.known.contains(*user_ref) && !orders.not_received.contains(*user_ref)
            })
        })
    }

    /// Known to the venue, but without an intent: sent, and not journaled.
    pub fn not_journaled(&self) -> impl Iterator<Item = Reference> {
        self.each(|orders| orders.known.iter().filter(|user_ref| !orders.sent.contains(*user_ref)))
    }

    fn each<'a, I: Iterator<Item = u32>>(
        &'a self,
        list: impl Fn(&'a Orders) -> I + 'a,
    ) -> impl Iterator<Item = Reference> {
        self.sessions.iter().flat_map(move |(session, orders)| {
            list(orders).map(|user_ref| Reference { session: *session, user_ref })
        })
    }

    /// Whether this order was sent or is known to the venue.
    pub fn knows(&self, order: Reference) -> bool {
        self.sessions.get(&order.session).is_some_and(|orders| {
            orders.sent.contains(order.user_ref) || orders.known.contains(order.user_ref)
        })
    }

    /// The sums.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for orders in self.sessions.values() {
            for user_ref in orders.sent.iter() {
                counts.sent += 1;
                let is_known = orders.known.contains(user_ref);
                let never = !is_known && orders.not_received.contains(user_ref);
                counts.answered += u64::from(is_known);
                counts.not_received += u64::from(never);
                counts.unanswered += u64::from(!is_known && !never);
            }
        }
        counts.not_journaled = self.not_journaled().count() as u64;
        counts
    }
}
