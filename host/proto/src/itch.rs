//! Nasdaq TotalView-ITCH 5.0: one struct a message, laid out as on the wire.
//!
//! A struct is both the view of received bytes and, built from its fields, the emitter
//! (`as_bytes()`). Numbers are big-endian; prices have four implied decimals unless said otherwise;
//! text is ASCII padded on the right with spaces. Section numbers are those of "Nasdaq
//! TotalView-ITCH 5.0"; every layout has been compared with the specification's tables, the Open
//! Markets Initiative's definitions and recorded packets.

mod order;
mod stock;
mod trade;

pub use order::{
    AddOrder, AddOrderMpid, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedPrice,
    OrderReplace,
};
pub use stock::{
    IpoQuoting, LuldCollar, MwcbDecline, MwcbStatus, OperationalHalt, ParticipantPosition, RegSho,
    StockDirectory, SystemEvent, TradingAction,
};
pub use trade::{BrokenTrade, CrossTrade, DirectListing, Noii, Rpii, Trade};

use core::fmt;
use tercel_types::{InstrumentId, Nanos};
use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What every message begins with.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Header {
    /// Message type letter.
    pub kind: u8,
    /// Stock locate; zero for messages of the whole market.
    pub locate: U16,
    /// Nasdaq's internal tracking number.
    pub tracking: U16,
    /// Nanoseconds since midnight, 48 bits.
    pub timestamp: [u8; 6],
}

/// Longest message: NOII.
pub const LENGTH_MAX: usize = size_of::<Noii>();

/// Why bytes are not a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Error {
    /// No byte at all.
    Empty,
    /// A message type that ITCH 5.0 does not have.
    Kind(u8),
    /// The length is not that of the message type, which is given.
    Length(u8),
}

impl Header {
    /// A header; of the time the low 48 bits are kept, which hold 78 hours.
    #[inline]
    pub const fn new(kind: u8, instrument: InstrumentId, tracking: u16, time: Nanos) -> Header {
        let [_, _, timestamp @ ..] = time.0.to_be_bytes();
        Header { kind, locate: U16::new(instrument.0), tracking: U16::new(tracking), timestamp }
    }

    /// The instrument.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.locate.get())
    }

    /// The venue's time, nanoseconds since midnight.
    #[inline]
    pub const fn time(&self) -> Nanos {
        let [a, b, c, d, e, f] = self.timestamp;
        Nanos(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

/// Declares a message: its struct with the common header in front, and its letter.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident = $kind:literal {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, Debug,
            zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout,
            zerocopy::Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            /// Common prefix.
            pub header: crate::itch::Header,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// Message type letter.
            pub const KIND: u8 = $kind;
        }
    };
}
pub(crate) use message;

/// Declares the enum of all messages and what dispatches on the letter.
macro_rules! messages {
    ($($name:ident),* $(,)?) => {
        /// A view of one message.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Message<'a> {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(&'a $name),)*
        }

        /// The message that `bytes` are, exactly.
        ///
        /// # Errors
        /// See [`Error`].
        #[inline]
        pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Error> {
            let Some(&kind) = bytes.first() else { return Err(Error::Empty) };
            match kind {
                $($name::KIND => match $name::ref_from_bytes(bytes) {
                    Ok(message) => Ok(Message::$name(message)),
                    Err(_) => Err(Error::Length(kind)),
                },)*
                _ => Err(Error::Kind(kind)),
            }
        }

        /// Length of the messages of a type.
        #[inline]
        pub const fn length_of(kind: u8) -> Option<usize> {
            match kind {
                $($name::KIND => Some(size_of::<$name>()),)*
                _ => None,
            }
        }

        /// The letters of all messages.
        pub const KINDS: &[u8] = &[$($name::KIND),*];

        impl<'a> Message<'a> {
            /// The bytes on the wire.
            #[inline]
            pub fn as_bytes(&self) -> &'a [u8] {
                match self {
                    $(Message::$name(message) => message.as_bytes(),)*
                }
            }

            /// The common prefix.
            #[inline]
            pub fn header(&self) -> &'a Header {
                match self {
                    $(Message::$name(message) => &message.header,)*
                }
            }
        }
    };
}

messages! {
    SystemEvent, StockDirectory, TradingAction, RegSho, ParticipantPosition, MwcbDecline,
    MwcbStatus, IpoQuoting, LuldCollar, OperationalHalt, AddOrder, AddOrderMpid, OrderExecuted,
    OrderExecutedPrice, OrderCancel, OrderDelete, OrderReplace, Trade, CrossTrade, BrokenTrade,
    Noii, Rpii, DirectListing,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("empty message"),
            Error::Kind(kind) => write!(f, "unknown message type 0x{kind:02x}"),
            Error::Length(kind) => write!(f, "wrong length of a message of type 0x{kind:02x}"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_specification() {
        let table = [
            (b'S', 12),
            (b'R', 39),
            (b'H', 25),
            (b'Y', 20),
            (b'L', 26),
            (b'V', 35),
            (b'W', 12),
            (b'K', 28),
            (b'J', 35),
            (b'h', 21),
            (b'A', 36),
            (b'F', 40),
            (b'E', 31),
            (b'C', 36),
            (b'X', 23),
            (b'D', 19),
            (b'U', 35),
            (b'P', 44),
            (b'Q', 40),
            (b'B', 19),
            (b'I', 50),
            (b'N', 20),
            (b'O', 48),
        ];
        assert_eq!(KINDS.len(), table.len());
        for (kind, length) in table {
            assert_eq!(length_of(kind), Some(length), "{}", char::from(kind));
            assert!(length <= LENGTH_MAX);
        }
        assert_eq!(length_of(b'Z'), None);
    }

    #[test]
    fn bad_bytes_are_named() {
        assert_eq!(parse(&[]), Err(Error::Empty));
        assert_eq!(parse(b"Zabc"), Err(Error::Kind(b'Z')));
        assert_eq!(parse(&[b'D'; 18]), Err(Error::Length(b'D')));
        assert_eq!(parse(&[b'D'; 20]), Err(Error::Length(b'D')));
    }

    #[test]
    fn time_keeps_48_bits() {
        let header = Header::new(b'S', InstrumentId(7), 9, Nanos(0xffff_1234_5678_9abc));
        assert_eq!(header.time(), Nanos(0x1234_5678_9abc));
        assert_eq!(header.instrument(), InstrumentId(7));
        assert_eq!(header.as_bytes(), [b'S', 0, 7, 0, 9, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
    }
}
