//! How a card is set up.

use crate::error::CardError;
use std::net::SocketAddrV4;
use tercel_abi::device;
use tercel_types::{Nanos, VenueId};

/// Logarithms of the least and the most slots of a ring.
const RING_LOG2: std::ops::RangeInclusive<u32> = 4..=20;

/// Numbers from here on the card refuses, so that none wraps within a packet.
const SEQ_END: u64 = (1 << 48) - 65_536;

/// What a card is told before it runs. It passes every instrument until the filter is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CardConfig {
    /// The venue, for the records.
    pub venue: VenueId,
    /// Group and port of the two lines; the address 0.0.0.0 turns one off.
    pub lines: [SocketAddrV4; device::LINES],
    /// The feed's session. Without one the card takes no message, and shows which session it hears.
    pub session: Option<[u8; 10]>,
    /// First sequence number expected; zero takes the first that comes.
    pub next_seq: u64,
    /// Slots of the ring, as a power of two from 4 to 20. 16 are 4 MiB and, at 1 M messages a
    /// second, 65 ms in which the host need not look.
    pub ring_log2: u32,
    /// How long the card's clock may stand still, and how long an answer is waited for.
    pub patience: Nanos,
}

impl CardConfig {
    /// What would let the card or the driver do what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), CardError> {
        let wrong = |field, must| Err(CardError::Config { field, must });
        if !RING_LOG2.contains(&self.ring_log2) {
            return wrong("ring_log2", "4 to 20");
        }
        if self.next_seq >= SEQ_END {
            return wrong("next_seq", "below 2^48 - 65536");
        }
        if self.patience == Nanos(0) {
            return wrong("patience", "above zero");
        }
        if self.lines.iter().all(|line| line.ip().is_unspecified()) {
            return wrong("lines", "one address and port at least");
        }
        Ok(())
    }

    /// The three words of the session, its first byte in the lowest bits.
    pub(crate) fn session_words(&self) -> [u32; 3] {
        let name = self.session.unwrap_or_default();
        [
            u32::from_le_bytes([name[0], name[1], name[2], name[3]]),
            u32::from_le_bytes([name[4], name[5], name[6], name[7]]),
            u32::from_le_bytes([name[8], name[9], 0, 0]),
        ]
    }
}

/// The session that three words hold; none if they are zero.
pub(crate) fn session_of(words: [u32; 3]) -> Option<[u8; 10]> {
    let mut name = [0; 10];
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    name.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    (name != [0; 10]).then_some(name)
}
