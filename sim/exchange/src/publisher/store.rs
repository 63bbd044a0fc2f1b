//! Every message of the session, kept for retransmission.
//!
//! One byte arena and one end offset a message: a message of 36 bytes costs 44 bytes, so a
//! simulated day of ten million messages takes some 440 MB. Messages are found by their number in
//! O(1), and those of one packet lie side by side.

use tercel_types::SeqNo;

/// The messages of one session, from sequence number 1 on.
#[derive(Debug, Default)]
pub(crate) struct Store {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Store {
    /// Appends a message and returns its number.
    pub(crate) fn push(&mut self, message: &[u8]) -> SeqNo {
        self.bytes.extend_from_slice(message);
        self.ends.push(self.bytes.len());
        SeqNo(self.ends.len() as u64)
    }

    /// Number of the next message.
    pub(crate) fn next(&self) -> SeqNo {
        SeqNo(self.ends.len() as u64 + 1)
    }

    /// Message `seq`, or `None` outside the session so far.
    pub(crate) fn message(&self, seq: SeqNo) -> Option<&[u8]> {
        let index = usize::try_from(seq.0.checked_sub(1)?).ok()?;
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.bytes[start..end])
    }

    /// Messages from `first` on, oldest first.
    pub(crate) fn from(&self, first: SeqNo) -> impl Iterator<Item = &[u8]> {
        (first.0..self.next().0).map_while(|seq| self.message(SeqNo(seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_by_number() {
        let mut store = Store::default();
        assert_eq!(store.next(), SeqNo(1));
        assert_eq!(store.push(b"one"), SeqNo(1));
        assert_eq!(store.push(b"three"), SeqNo(2));
        assert_eq!(store.message(SeqNo(1)), Some(&b"one"[..]));
        assert_eq!(store.message(SeqNo(2)), Some(&b"three"[..]));
        assert_eq!(store.message(SeqNo(0)), None);
        assert_eq!(store.message(SeqNo(3)), None);
        assert_eq!(store.message(SeqNo(u64::MAX)), None);
        assert_eq!(store.from(SeqNo(2)).collect::<Vec<_>>(), [b"three"]);
    }
}
