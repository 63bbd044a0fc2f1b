//! Identifiers, each its own type.

use core::fmt;

/// Stock locate: the number by which one venue's feed calls an instrument for one day (ITCH 5.0
/// §4.2.1). It indexes arrays directly; 65,536 is the most a venue can have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct InstrumentId(pub u16);

/// A venue, numbered by the configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct VenueId(pub u8);

/// The venue's number of a displayed order, unique for the day (ITCH "order reference number").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct OrderRef(pub u64);

/// The venue's number of one execution (ITCH and OUCH "match number").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct MatchNumber(pub u64);

/// The host's own number of an order, strictly increasing for the day (OUCH 5.0 "UserRefNum").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct UserRef(pub u32);

/// The number of a message in a MoldUDP64 or SoupBinTCP session; the first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SeqNo(pub u64);

/// A stock symbol as on the wire: eight ASCII bytes, padded on the right with spaces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub [u8; 8]);

impl InstrumentId {
    /// The index of this instrument in an array of all of them.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Symbol {
    /// The symbol of a text of one to eight printable ASCII characters without spaces.
    pub fn new(text: &str) -> Option<Symbol> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > 8 || !bytes.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut padded = [b' '; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        Some(Symbol(padded))
    }

    /// The text without its padding; bytes that are not UTF-8 end it.
    pub fn as_str(&self) -> &str {
        let text = match core::str::from_utf8(&self.0) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&self.0[..error.valid_up_to()]).unwrap_or(""),
        };
        text.trim_end_matches([' ', '\0'])
    }
}

impl Default for Symbol {
    fn default() -> Symbol {
        Symbol([b' '; 8])
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_pad_and_trim() {
        assert_eq!(Symbol::new("AAPL").unwrap().0, *b"AAPL    ");
        assert_eq!(Symbol::new("AAPL").unwrap().as_str(), "AAPL");
        assert_eq!(Symbol(*b"A\xff      ").as_str(), "A");
        assert!(Symbol::new("").is_none() && Symbol::new("TOO LONG").is_none());
    }
}
