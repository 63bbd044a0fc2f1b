//! The entries that are not one word a field: bytes of the order session, and the depth of a book.

use super::entry::{Content, FieldInfo, KindInfo};
use super::ring::ENTRY_WORDS_MAX;
use tercel_types::{InstrumentId, Level, Price};

/// Bytes of the order session as they came in: whole SoupBinTCP packets, but for one that is longer
/// than [`Received::BYTES_MAX`], which goes on in the next entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received<'a> {
    len: usize,
    words: &'a [u64],
}

impl<'a> Received<'a> {
    pub(crate) const KIND: u16 = 12;
    /// Bytes of one entry at most.
    pub const BYTES_MAX: usize = (ENTRY_WORDS_MAX - 1) * 8;
    pub(crate) const INFO: KindInfo = KindInfo {
        kind: Self::KIND,
        name: "received",
        about: " Bytes of the order session as they came in.",
        fields: &[FieldInfo { name: "bytes", suffix: "", about: " How many, then the bytes." }],
    };

    pub(crate) fn read(words: &'a [u64]) -> Option<Received<'a>> {
        let (len, words) = words.split_first()?;
        let len = usize::try_from(*len).ok()?;
        (len.div_ceil(8) == words.len()).then_some(Received { len, words })
    }

    /// How many.
    pub fn bytes(&self) -> usize {
        self.len
    }

    /// The bytes, in order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + 'a {
        self.words.iter().flat_map(|word| word.to_le_bytes()).take(self.len)
    }
}

impl Content for Received<'_> {
    const KIND: u16 = Received::KIND;

    fn content<R>(&self, take: impl FnOnce(&[u64]) -> R) -> R {
        let mut words = [0; ENTRY_WORDS_MAX];
        let content = &self.words[..self.words.len().min(ENTRY_WORDS_MAX - 1)];
        words[0] = self.len.min(content.len() * 8) as u64;
        words[1..=content.len()].copy_from_slice(content);
        take(&words[..=content.len()])
    }
}

/// Bytes on their way to the tape, at most [`Received::BYTES_MAX`].
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Content for Bytes<'_> {
    const KIND: u16 = Received::KIND;

    fn content<R>(&self, take: impl FnOnce(&[u64]) -> R) -> R {
        let mut words = [0; ENTRY_WORDS_MAX];
        let bytes = &self.0[..self.0.len().min(Received::BYTES_MAX)];
        words[0] = bytes.len() as u64;
        for (word, bytes) in words[1..].iter_mut().zip(bytes.chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(padded);
        }
        take(&words[..1 + bytes.len().div_ceil(8)])
    }
}

/// Levels of a side in [`Depth`].
pub const LEVELS: usize = 10;

/// The best levels of a watched book, at most every 100 ms, when they have changed. Not kept in the
/// journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Depth {
    /// Stock locate.
    pub instrument: InstrumentId,
    /// From the best on; empty levels have no shares.
    pub bids: [Level; LEVELS],
    /// Likewise.
    pub asks: [Level; LEVELS],
}

impl Depth {
    pub(crate) const KIND: u16 = 13;
    const WORDS: usize = 1 + 6 * LEVELS;
    pub(crate) const INFO: KindInfo = KindInfo {
        kind: Self::KIND,
        name: "depth",
        about: " The best levels of a watched book; not kept in the journal.",
        fields: &[
            FieldInfo { name: "instrument", suffix: "", about: " Stock locate." },
            FieldInfo {
                name: "levels",
                suffix: "",
                about: " Ten bids, then ten asks: price, shares, orders.",
            },
        ],
    };

    pub(crate) fn read(words: &[u64]) -> Option<Depth> {
        let (id, words) = words.split_first()?;
        if words.len() + 1 != Depth::WORDS {
            return None;
        }
        let level = |at: usize| {
            Some(Level {
                price: Price(words[at * 3].cast_signed()),
                qty: words[at * 3 + 1],
                orders: words[at * 3 + 2].try_into().ok()?,
            })
        };
        let (mut bids, mut asks) = ([Level::default(); LEVELS], [Level::default(); LEVELS]);
        for at in 0..LEVELS {
            bids[at] = level(at)?;
            asks[at] = level(LEVELS + at)?;
        }
        Some(Depth { instrument: InstrumentId((*id).try_into().ok()?), bids, asks })
    }
}

impl Content for Depth {
    const KIND: u16 = Depth::KIND;

    fn content<R>(&self, take: impl FnOnce(&[u64]) -> R) -> R {
        let mut words = [0; Depth::WORDS];
        words[0] = self.instrument.0.into();
        for (at, level) in self.bids.iter().chain(&self.asks).enumerate() {
            words[1 + at * 3] = level.price.0.cast_unsigned();
            words[2 + at * 3] = level.qty;
            words[3 + at * 3] = level.orders.into();
        }
        take(&words)
    }
}
