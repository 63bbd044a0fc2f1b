//! What the host's own decoder makes of a frame.

use super::packets::{LINES, SESSION};
use tercel_abi::{EventRecord, RxFrame, flag};
use tercel_proto::itch_record::to_record;
use tercel_proto::mold::{Packet, PacketKind};
use tercel_proto::{frame, itch};
use tercel_types::{Nanos, VenueId};

/// A card does not take numbers from here on: the last number of a packet might not fit 48 bits.
const SEQ_END: u64 = (1 << 48) - 65_536;

/// A frame as software decodes it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The number of the packet, or of the next message where it has none.
    pub seq: u64,
    /// The messages that are of a known kind and of its length, by number.
    pub records: Vec<EventRecord>,
    /// The rule for which a card refuses what software takes applies to this packet: a message is
    /// shorter than any of ITCH, or its numbers are too high.
    pub refused_by_cards: bool,
}

/// Decodes a frame; `None` where it is not a good packet of the line and the session.
pub fn decode(frame: &RxFrame<'_>, venue: u8) -> Option<Decoded> {
    let udp = frame::parse_udp(frame.bytes).ok().filter(|_| frame.fcs_good)?;
    if udp.dst != LINES[frame.line] {
        return None;
    }
    let packet = Packet::new_checked(udp.payload).ok()?;
    if packet.session() != SESSION {
        return None;
    }
    let seq = packet.seq().0;
    let messages = || {
        let any = matches!(packet.kind(), PacketKind::Messages(_));
        packet.messages().take(if any { usize::MAX } else { 0 })
    };
    let short = messages().any(|message| message.len() < tercel_abi::device::MESSAGE_MIN);
    let mut records = Vec::new();
    for (number, message) in (seq..).zip(messages()) {
        if let Ok(message) = itch::parse(message) {
            let record = to_record(&message, VenueId(venue), Nanos(frame.ticks));
            records.push(EventRecord { seq: number, ..record });
        }
    }
    Some(Decoded { seq, records, refused_by_cards: short || seq >= SEQ_END })
}

/// The record of a message without what the way it took adds.
pub fn said(record: &EventRecord) -> EventRecord {
    EventRecord { flags: record.flags & !flag::RECOVERED, ..*record }
}
