//! Why the session or an order fails.

use core::fmt;
use tercel_types::Symbol;

/// Codes of [`crate::Session::Refused`]. Capital letters are the venue's (SoupBinTCP §2.2.2), the
/// others are our own.
pub mod refusal {
    /// The venue: wrong name or password.
    pub const NOT_AUTHORIZED: u8 = b'A';
    /// The venue: no such session.
    pub const SESSION_NOT_AVAILABLE: u8 = b'S';
    /// Ours: the venue is in another session than the one our orders are in.
    pub const SESSION_CHANGED: u8 = b'c';
    /// Ours: the venue no longer has the messages that we have missed.
    pub const SEQUENCE_GAP: u8 = b'g';
    /// Ours: the account has orders in a symbol that no instrument has, so that position and
    /// exposure cannot be told. Call [`crate::Gateway::set_symbol`] for the whole directory before
    /// connecting. Cancels are still possible.
    pub const UNKNOWN_SYMBOL: u8 = b'u';
    /// Ours: the account has more orders than the table holds. Cancels are still possible.
    pub const TABLE_FULL: u8 = b't';
}

/// Why the line cannot be used. The caller closes it; whether another one helps is said at each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionError {
    /// The venue refused the login; a person has to look.
    LoginRejected(u8),
    /// Nothing came for the configured time; reconnect.
    ServerSilent,
    /// The venue is in another session: the day of our orders is over. Needs a new gateway.
    SessionChanged,
    /// The venue no longer has what we have missed. Needs a new gateway and a person.
    SequenceGap {
        /// The message we need.
        expected: u64,
        /// The first one the venue has.
        offered: u64,
    },
    /// The account has orders in a symbol that no instrument has. The line still works for cancels;
    /// told by [`crate::Gateway::refusal`].
    UnknownSymbol(Symbol),
    /// The account has more orders than the table holds. The line still works for cancels; told by
    /// [`crate::Gateway::refusal`].
    TableFull,
}

/// Why an order was not encoded; nothing has changed, and risk gets it back by `withdraw`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// The session is not ready.
    NotReady,
    /// The number is below the next one: it was used already.
    UserRefUsed,
    /// All places for open orders are taken.
    TableFull,
    /// The instrument has no symbol.
    UnknownInstrument,
    /// The order to replace or cancel is not known.
    UnknownOrder,
    /// The order to replace is not live: unanswered, or being replaced or cancelled; or the order
    /// to cancel is dead.
    NotLive,
    /// A cancel of it is under way.
    CancelUnderWay,
    /// The quantity is not 1 to 999,999.
    Quantity,
    /// What was executed in the chain of replaces and the quantity wanted exceed 999,999 together,
    /// the most that the message carries: cancel the order and enter a new one.
    ChainTooLong,
    /// The price is not within 0.0001 to 199,999.99 dollars (OUCH 5.0 §1.2).
    Price,
    /// The place to write to is shorter than [`crate::MAX_PACKET`].
    NoSpace,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionError::LoginRejected(reason) => {
                write!(f, "login refused, reason {:?}", char::from(*reason))
            }
            SessionError::ServerSilent => f.write_str("the venue is silent"),
            SessionError::SessionChanged => f.write_str("the venue is in another session"),
            SessionError::SequenceGap { expected, offered } => {
                write!(f, "message {expected} is needed, the venue has {offered} and later")
            }
            SessionError::UnknownSymbol(symbol) => {
                write!(f, "the account has orders in {symbol}, which no instrument has")
            }
            SessionError::TableFull => f.write_str("the account has more orders than the table"),
        }
    }
}

impl core::error::Error for SessionError {}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EncodeError::NotReady => "the session is not ready",
            EncodeError::UserRefUsed => "the order number was used",
            EncodeError::TableFull => "too many open orders",
            EncodeError::UnknownInstrument => "the instrument has no symbol",
            EncodeError::UnknownOrder => "no such order",
            EncodeError::NotLive => "the order is not live",
            EncodeError::CancelUnderWay => "a cancel is under way",
            EncodeError::Quantity => "the quantity does not fit the message",
            EncodeError::ChainTooLong => "too much was executed to replace the order again",
            EncodeError::Price => "the price does not fit the message",
            EncodeError::NoSpace => "no space to write to",
        })
    }
}

impl core::error::Error for EncodeError {}
