//! The value of the hash chain.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 value after a batch of records: it depends on every byte of the journal before it.
/// Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Chain(pub [u8; 32]);

/// Why a text is no chain value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a chain value is 64 hexadecimal digits, as `verify` prints it")]
pub struct NotAChain;

impl Chain {
    /// What stands before the first segment of a journal.
    pub(crate) const NONE: Chain = Chain([0; 32]);

    /// The value a segment starts with.
    pub(crate) fn of_header(header: &[u8]) -> Chain {
        Chain(Sha256::digest(header).into())
    }

    /// The value after a batch: its records, then what its commit record says of them.
    pub(crate) fn after(self, records: &[u8], commit: &[u8]) -> Chain {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(records);
        hash.update(commit);
        Chain(hash.finalize().into())
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Chain {
    type Err = NotAChain;

    fn from_str(text: &str) -> Result<Chain, NotAChain> {
        let digits = text.as_bytes();
        let mut value = [0; 32];
        if digits.len() != 2 * value.len() {
            return Err(NotAChain);
        }
        for (byte, pair) in value.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16).ok_or(NotAChain);
            *byte = (digit(0)? * 16 + digit(1)?) as u8;
        }
        Ok(Chain(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_value_is_read_as_it_is_written() {
        let chain = Chain::of_header(b"x");
        let text = chain.to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse(), Ok(chain));
        assert_eq!(text[1..].parse::<Chain>(), Err(NotAChain));
        assert_eq!(text.replace(&text[..1], "g").parse::<Chain>(), Err(NotAChain));
        assert_eq!("é".repeat(32).parse::<Chain>(), Err(NotAChain));
    }
}
