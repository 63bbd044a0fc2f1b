//! OUCH 5.0: orders to the venue ([`Inbound`]) and its answers ([`Outbound`]), one message in each
//! SoupBinTCP packet.
//!
//! A message is a fixed structure, and after it, where the message has one, a two-byte length and
//! that many bytes of optional fields (Appendix A, [`Appendages`]). Layouts are those of the
//! specification "OUCH 5.0 Order Entry" §2 (inbound) and §3 (outbound), held against the definition
//! of the Open Markets Initiative and recorded packets (`tests/order_entry_recorded.rs`).
//!
//! Some messages may come without the length field at all: a recorded Canceled ends after its
//! reason. What was there is kept in [`Appendages`], so that parsing and emitting give the same
//! bytes back.
//!
//! Two quantities are easily misread. Replace carries the whole liability of the order's chain,
//! executed and self-match-prevented shares included (§2.2), so that a fill on the way cannot add
//! to it; Replaced answers with the shares that are open. Cancel carries the size the order shall
//! have, executed shares included, and zero cancels all that is left (§2.3); Canceled answers with
//! the shares taken off.

pub mod appendage;
pub mod inbound;
pub mod outbound;
pub mod reason;

pub use appendage::{Appendage, AppendageBuf, Appendages};
pub use inbound::Inbound;
pub use outbound::Outbound;

use core::fmt;
use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Longest message that this crate builds: Replaced with every appendage.
pub const MESSAGE_MAX: usize =
    size_of::<outbound::OrderReplaced>() + 2 + appendage::APPENDAGE_BYTES_MAX;

/// Price that marks a market order for a cross (§1.2): 214,748.3647 dollars.
pub const MARKET_PRICE: u64 = 0x7fff_ffff;

/// Why bytes are no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// There is not even a type.
    Empty,
    /// No message of this direction has this type.
    UnknownType(u8),
    /// The fixed part of this type is longer.
    TooShort(u8),
    /// This type must have an appendage length and has none.
    NoAppendageLength(u8),
    /// The appendage length of this type's message is not what follows it.
    AppendageLength(u8),
    /// The optional fields do not parse.
    Appendage(appendage::Error),
}

/// Whether a message has an appendage length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Never (System Event).
    Never,
    /// May be left out ("Opt" in the specification's tables).
    Optional,
    /// Always ("Req").
    Required,
}

/// Side letters, `B` `S` `T` `E` (§1.3).
pub mod side {
    /// Buy.
    pub const BUY: u8 = b'B';
    /// Sell, long.
    pub const SELL: u8 = b'S';
    /// Sell short: the client holds that the sale is short and that it may be.
    pub const SELL_SHORT: u8 = b'T';
    /// Sell short, exempt from the short sale price test.
    pub const SELL_SHORT_EXEMPT: u8 = b'E';
}

/// Order State letters of Accepted and Replaced (§3.2).
pub mod order_state {
    /// The order may trade.
    pub const LIVE: u8 = b'L';
    /// Accepted and at once cancelled by the venue; no further message follows.
    pub const DEAD: u8 = b'D';
}

/// Other field letters that this project sends or compares (§2.1).
pub mod letter {
    /// Display: attributable price to display.
    pub const DISPLAY_ATTRIBUTABLE: u8 = b'A';
    /// Display: anonymous price to display.
    pub const DISPLAY_VISIBLE: u8 = b'Y';
    /// Display: not displayed.
    pub const DISPLAY_HIDDEN: u8 = b'N';
    /// Capacity: agency.
    pub const CAPACITY_AGENCY: u8 = b'A';
    /// Capacity: principal.
    pub const CAPACITY_PRINCIPAL: u8 = b'P';
    /// Capacity: riskless principal.
    pub const CAPACITY_RISKLESS: u8 = b'R';
    /// Intermarket sweep: eligible.
    pub const SWEEP_ELIGIBLE: u8 = b'Y';
    /// Intermarket sweep: not eligible.
    pub const SWEEP_NOT_ELIGIBLE: u8 = b'N';
    /// Cross type: none, the continuous market.
    pub const CROSS_CONTINUOUS: u8 = b'N';
    /// Time in force: regular market hours.
    pub const TIF_DAY: u8 = b'0';
    /// Time in force: immediate or cancel.
    pub const TIF_IOC: u8 = b'3';
    /// Time in force: extended hours.
    pub const TIF_GTX: u8 = b'5';
    /// Time in force: until the time of an optional field.
    pub const TIF_GTT: u8 = b'6';
    /// System event: start of day.
    pub const START_OF_DAY: u8 = b'S';
    /// System event: end of day.
    pub const END_OF_DAY: u8 = b'E';
    /// Liquidity: added.
    pub const LIQUIDITY_ADDED: u8 = b'A';
    /// Liquidity: removed.
    pub const LIQUIDITY_REMOVED: u8 = b'R';
    /// Post only appendage: post only.
    pub const POST_ONLY: u8 = b'P';
    /// Post only appendage: not.
    pub const NOT_POST_ONLY: u8 = b'N';
}

/// Cuts a message into its fixed part and its optional fields.
#[inline]
fn split<T>(bytes: &[u8], kind: u8, rule: Rule) -> Result<(&T, Appendages<'_>), Error>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    let (fixed, rest) = T::ref_from_prefix(bytes).map_err(|_| Error::TooShort(kind))?;
    if rest.is_empty() {
        return match rule {
            Rule::Required => Err(Error::NoAppendageLength(kind)),
            Rule::Optional | Rule::Never => Ok((fixed, Appendages::ABSENT)),
        };
    }
    if rule == Rule::Never {
        return Err(Error::AppendageLength(kind));
    }
    let (length, options) = U16::ref_from_prefix(rest).map_err(|_| Error::AppendageLength(kind))?;
    if usize::from(length.get()) != options.len() {
        return Err(Error::AppendageLength(kind));
    }
    Ok((fixed, Appendages::new_checked(options).map_err(Error::Appendage)?))
}

/// Writes a fixed part and its optional fields; `None` when they do not fit.
#[inline]
fn join(out: &mut [u8], fixed: &[u8], appendages: &Appendages<'_>, rule: Rule) -> Option<usize> {
    out.get_mut(..fixed.len())?.copy_from_slice(fixed);
    if rule == Rule::Never || (rule == Rule::Optional && appendages.is_absent()) {
        return Some(fixed.len());
    }
    let options = appendages.as_bytes();
    let start = fixed.len() + 2;
    let length = u16::try_from(options.len()).ok()?.to_be_bytes();
    out.get_mut(fixed.len()..start)?.copy_from_slice(&length);
    out.get_mut(start..start + options.len())?.copy_from_slice(options);
    Some(start + options.len())
}

/// The enum of one direction: one variant a message, each with its structure and its optional
/// fields.
macro_rules! messages {
    (
        $(#[$doc:meta])* $name:ident {
            $(
                $(#[$variant_doc:meta])*
                $variant:ident($message:ident) = $letter:literal, $rule:ident;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name<'a> {
            $($(#[$variant_doc])* $variant(&'a $message, Appendages<'a>),)*
        }

        $(impl $message {
            /// The letter in `kind`.
            pub const KIND: u8 = $letter;
        })*

        impl<'a> $name<'a> {
            /// The message in `bytes`, which must be all of them.
            #[inline]
            pub fn parse(bytes: &'a [u8]) -> Result<$name<'a>, Error> {
                let Some(&kind) = bytes.first() else { return Err(Error::Empty) };
                match kind {
                    $($letter => {
                        let (fixed, appendages) = split::<$message>(bytes, kind, Rule::$rule)?;
                        Ok($name::$variant(fixed, appendages))
                    })*
                    other => Err(Error::UnknownType(other)),
                }
            }

            /// Writes the message to the front of `out` and returns its length, or `None` when it
            /// does not fit. A message that must have an appendage length gets one of zero when
            /// there are no optional fields.
            #[inline]
            pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
                match self {
                    $($name::$variant(fixed, appendages) => {
                        join(out, fixed.as_bytes(), appendages, Rule::$rule)
                    })*
                }
            }

            /// The letter of its type.
            #[inline]
            pub fn kind(&self) -> u8 {
                match self {
                    $($name::$variant(..) => $letter,)*
                }
            }

            /// Its optional fields.
            #[inline]
            pub fn appendages(&self) -> Appendages<'a> {
                match *self {
                    $($name::$variant(_, appendages) => appendages,)*
                }
            }
        }
    };
}
use messages;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Empty => f.write_str("empty message"),
            Error::UnknownType(kind) => write!(f, "unknown message type 0x{kind:02x}"),
            Error::TooShort(kind) => write!(f, "message 0x{kind:02x} is too short"),
            Error::NoAppendageLength(kind) => {
                write!(f, "message 0x{kind:02x} has no appendage length")
            }
            Error::AppendageLength(kind) => {
                write!(f, "message 0x{kind:02x}: the appendage length is not what follows")
            }
            Error::Appendage(error) => write!(f, "appendage: {error}"),
        }
    }
}

impl core::error::Error for Error {}
