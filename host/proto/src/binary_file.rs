//! Nasdaq BinaryFILE 1.00: messages in a file, each behind its 16-bit big-endian length. Nasdaq's
//! day files of ITCH come so. A message of length zero marks the end of the session.

use core::fmt;

/// The messages of a file, in order; the end-of-session marker is handed out as an empty message.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    cut: bool,
}

/// Why a file is not well formed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Error {
    /// It ends inside a message; nothing follows.
    Truncated,
}

impl<'a> Messages<'a> {
    /// Over the bytes of a file.
    pub fn new(bytes: &'a [u8]) -> Messages<'a> {
        Messages { rest: bytes, cut: false }
    }

    /// The bytes not yet iterated over: after `Truncated`, the part of a message, for a reader that
    /// works in pieces.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Result<&'a [u8], Error>> {
        if self.rest.is_empty() || self.cut {
            return None;
        }
        let split = self.rest.split_first_chunk::<2>().and_then(|(&length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(length)))
        });
        let Some((message, rest)) = split else {
            // Told once: a loop that counts errors and goes on must end.
            self.cut = true;
            return Some(Err(Error::Truncated));
        };
        self.rest = rest;
        Some(Ok(message))
    }
}

/// Appends a message; `false`, with nothing written, when its length does not fit 16 bits.
pub fn write(out: &mut Vec<u8>, message: &[u8]) -> bool {
    let Ok(length) = u16::try_from(message.len()) else { return false };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(message);
    true
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the file ends inside a message")
    }
}

impl core::error::Error for Error {}
