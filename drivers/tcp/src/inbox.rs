//! Bytes received and not consumed, in one piece.

/// Bytes received and not consumed that a stack keeps for its reader: no message may be longer.
pub const RECEIVE_MAX: usize = 256 * 1024;

/// What has arrived; bytes that the reader left are moved to the front only when the space behind
/// them runs short.
#[derive(Debug)]
pub(crate) struct Inbox {
    space: Box<[u8]>,
    /// `space[unread..filled]` is received and not consumed.
    unread: usize,
    filled: usize,
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox { space: vec![0; RECEIVE_MAX].into_boxed_slice(), unread: 0, filled: 0 }
    }

    pub(crate) fn clear(&mut self) {
        (self.unread, self.filled) = (0, 0);
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        &self.space[self.unread..self.filled]
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled - self.unread == RECEIVE_MAX
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.unread += len.min(self.filled - self.unread);
    }

    /// Free space; [`Inbox::fill`] says how much of it was used.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread == self.filled {
            (self.unread, self.filled) = (0, 0);
        } else if self.filled > RECEIVE_MAX / 2 && self.unread > 0 {
            self.space.copy_within(self.unread..self.filled, 0);
            (self.unread, self.filled) = (0, self.filled - self.unread);
        }
        &mut self.space[self.filled..]
    }

    pub(crate) fn fill(&mut self, len: usize) {
        self.filled = (self.filled + len).min(RECEIVE_MAX);
    }
}
