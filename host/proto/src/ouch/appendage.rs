//! Optional fields after a message (OUCH 5.0 Appendix A): a byte of length that counts the tag and
//! the value, the tag, the value.

use core::fmt;

/// All known optional fields together: 26 headers of two bytes and 79 bytes of values, rounded up.
pub const APPENDAGE_BYTES_MAX: usize = 136;

/// Why optional fields do not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// A length byte of zero leaves no room for a tag.
    ZeroLength,
    /// The field announced here goes past the end.
    Truncated,
    /// The value of this tag is not as long as Appendix A says.
    ValueLength(u8),
}

/// The optional fields of one message, checked once: iterating cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Appendages<'a> {
    /// `None` when the message ends without an appendage length.
    bytes: Option<&'a [u8]>,
}

impl<'a> Appendages<'a> {
    /// No appendage length at all.
    pub const ABSENT: Appendages<'static> = Appendages { bytes: None };
    /// An appendage length of zero.
    pub const EMPTY: Appendages<'static> = Appendages { bytes: Some(&[]) };

    /// The fields in `bytes`, the bytes behind the appendage length.
    #[inline]
    pub fn new_checked(bytes: &'a [u8]) -> Result<Appendages<'a>, Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = split(rest)?.1;
        }
        Ok(Appendages { bytes: Some(bytes) })
    }

    /// Whether the message ends without an appendage length.
    #[inline]
    pub fn is_absent(&self) -> bool {
        self.bytes.is_none()
    }

    /// The bytes behind the appendage length.
    #[inline]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes.unwrap_or(&[])
    }

    /// The fields in their order on the wire.
    #[inline]
    pub fn iter(&self) -> Iter<'a> {
        Iter { rest: self.as_bytes() }
    }
}

impl<'a> IntoIterator for Appendages<'a> {
    type Item = Appendage<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The optional fields of one message, in their order on the wire.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = Appendage<'a>;

    #[inline]
    fn next(&mut self) -> Option<Appendage<'a>> {
        // `new_checked` has walked the same bytes: an error is the end.
        let (field, rest) = split(self.rest).ok()?;
        self.rest = rest;
        Some(field)
    }
}

#[inline]
fn split(bytes: &[u8]) -> Result<(Appendage<'_>, &[u8]), Error> {
    let (&length, rest) = bytes.split_first().ok_or(Error::Truncated)?;
    if length == 0 {
        return Err(Error::ZeroLength);
    }
    let (field, rest) = rest.split_at_checked(usize::from(length)).ok_or(Error::Truncated)?;
    let (&tag, value) = field.split_first().ok_or(Error::ZeroLength)?;
    Ok((Appendage::from_parts(tag, value)?, rest))
}

/// A value of fixed length on the wire.
trait Value: Sized {
    fn from_wire(bytes: &[u8]) -> Option<Self>;
    fn to_wire(self, out: &mut [u8]);
}

macro_rules! integer_values {
    ($($int:ident)*) => {$(
        impl Value for $int {
            #[inline]
            fn from_wire(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map($int::from_be_bytes)
            }

            #[inline]
            fn to_wire(self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}
integer_values!(u8 u16 u32 i32 u64);

impl<const N: usize> Value for [u8; N] {
    #[inline]
    fn from_wire(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }

    #[inline]
    fn to_wire(self, out: &mut [u8]) {
        out.copy_from_slice(&self);
    }
}

macro_rules! appendages {
    ($($(#[$doc:meta])* $name:ident($value:ty) = $tag:literal;)*) => {
        /// One optional field.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Appendage<'a> {
            $($(#[$doc])* $name($value),)*
            /// A tag that Appendix A does not have, or had in an earlier revision (8, 19, 20, 21).
            Unknown {
                /// The tag.
                tag: u8,
                /// Its value, at most 254 bytes.
                value: &'a [u8],
            },
        }

        impl<'a> Appendage<'a> {
            #[inline]
            fn from_parts(tag: u8, value: &'a [u8]) -> Result<Appendage<'a>, Error> {
                match tag {
                    $($tag => <$value>::from_wire(value)
                        .map(Appendage::$name)
                        .ok_or(Error::ValueLength(tag)),)*
                    _ => Ok(Appendage::Unknown { tag, value }),
                }
            }

            /// Its tag.
            #[inline]
            pub fn tag(&self) -> u8 {
                match self {
                    $(Appendage::$name(_) => $tag,)*
                    Appendage::Unknown { tag, .. } => *tag,
                }
            }

            /// Bytes of its value.
            #[inline]
            pub fn value_len(&self) -> usize {
                match self {
                    $(Appendage::$name(_) => size_of::<$value>(),)*
                    Appendage::Unknown { value, .. } => value.len(),
                }
            }

            /// Writes length, tag and value to the front of `out` and returns their bytes, or
            /// `None` when they do not fit.
            #[inline]
            pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
                let length = u8::try_from(self.value_len() + 1).ok()?;
                let bytes = 1 + usize::from(length);
                let (head, body) = out.get_mut(..bytes)?.split_at_mut(2);
                head.copy_from_slice(&[length, self.tag()]);
                match *self {
                    $(Appendage::$name(value) => value.to_wire(body),)*
                    Appendage::Unknown { value, .. } => body.copy_from_slice(value),
                }
                Some(bytes)
            }
        }
    };
}

appendages! {
    /// The venue's second number of the order (Order Restated).
    SecondaryOrderRef(u64) = 1;
    /// Firm, where the port's own is not meant.
    Firm([u8; 4]) = 2;
    /// Least shares of an execution.
    MinQty(u32) = 3;
    /// `R` retail designated, `N` not, space for the port's setting.
    CustomerType(u8) = 4;
    /// Shares displayed of a reserve order.
    MaxFloor(u32) = 5;
    /// `L` limit, `P` market peg, `R` primary peg, `M` midpoint peg, `Q` market maker peg, `m`
    /// midpoint.
    PriceType(u8) = 6;
    /// Offset of the peg in 1/10,000 dollar.
    PegOffset(i32) = 7;
    /// Discretionary price in 1/10,000 dollar.
    DiscretionPrice(u64) = 9;
    /// As [`Appendage::PriceType`].
    DiscretionPriceType(u8) = 10;
    /// Offset of the discretionary peg in 1/10,000 dollar.
    DiscretionPegOffset(i32) = 11;
    /// `P` refuse to take liquidity, `N` not.
    PostOnly(u8) = 12;
    /// Shares by which the displayed size of a reserve order varies.
    RandomReserves(u32) = 13;
    /// Route.
    Route([u8; 4]) = 14;
    /// Seconds since midnight at which the order ends, with time in force `6`.
    ExpireTime(u32) = 15;
    /// `Y` or `N`: trade with a hidden order that locks, space for the port's setting.
    TradeNow(u8) = 16;
    /// `I` imbalance only, `O` `T` retail order, `Q` retail price improvement, space for none.
    HandleInst(u8) = 17;
    /// How the order stands to the best bid and offer, for fees.
    BboWeightIndicator(u8) = 18;
    /// Shares displayed now (Order Restated).
    DisplayQty(u32) = 22;
    /// Price displayed now (Order Restated), in 1/10,000 dollar.
    DisplayPrice(u64) = 23;
    /// A group of orders for mass cancels.
    GroupId(u16) = 24;
    /// `Y` or `N`: shares to borrow were located.
    SharesLocated(u8) = 25;
    /// Who located them.
    LocateBroker([u8; 4]) = 26;
    /// A letter of [`super::side`]: a replace's side mark, a mass cancel's side.
    Side(u8) = 27;
    /// Channel of user references, for more than one sender in an account.
    UserRefIdx(u8) = 28;
    /// Self-match prevention strategy.
    AiqStrategy(u8) = 29;
    /// Self-match prevention group.
    AiqGroupId([u8; 2]) = 30;
}

/// A place to collect optional fields for a message that is to be emitted.
#[derive(Clone, Copy, Debug)]
pub struct AppendageBuf {
    bytes: [u8; APPENDAGE_BYTES_MAX],
    len: usize,
}

impl AppendageBuf {
    /// With no fields.
    pub const fn new() -> AppendageBuf {
        AppendageBuf { bytes: [0; APPENDAGE_BYTES_MAX], len: 0 }
    }

    /// Adds one; `false`, and nothing added, when there is no room.
    #[inline]
    pub fn push(&mut self, field: Appendage<'_>) -> bool {
        let Some(bytes) = self.bytes.get_mut(self.len..).and_then(|free| field.emit(free)) else {
            return false;
        };
        self.len += bytes;
        true
    }

    /// The fields so far, behind an appendage length.
    #[inline]
    pub fn appendages(&self) -> Appendages<'_> {
        // Only whole fields were pushed, so there is nothing to check.
        Appendages { bytes: Some(&self.bytes[..self.len]) }
    }
}

impl Default for AppendageBuf {
    fn default() -> AppendageBuf {
        AppendageBuf::new()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ZeroLength => f.write_str("an optional field of length zero"),
            Error::Truncated => f.write_str("an optional field goes past the end"),
            Error::ValueLength(tag) => write!(f, "the value of tag {tag} has the wrong length"),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_known_fields_fit_one_buffer() {
        let mut total = 0;
        for tag in 0..=u8::MAX {
            for len in [1, 2, 4, 8] {
                if let Ok(Appendage::Unknown { .. }) = Appendage::from_parts(tag, &[0; 8][..len]) {
                    break;
                }
                if Appendage::from_parts(tag, &[0; 8][..len]).is_ok() {
                    total += 2 + len;
                }
            }
        }
        assert!(total <= APPENDAGE_BYTES_MAX, "{total}");
    }

    #[test]
    fn malformed_fields_are_told_apart() {
        assert_eq!(Appendages::new_checked(&[0]), Err(Error::ZeroLength));
        assert_eq!(Appendages::new_checked(&[2, 28]), Err(Error::Truncated));
        assert_eq!(Appendages::new_checked(&[3, 28, 0, 0]), Err(Error::ValueLength(28)));
        let good = Appendages::new_checked(&[2, 28, 5, 1, 99]).unwrap();
        let fields: [Appendage<'_>; 2] =
            [Appendage::UserRefIdx(5), Appendage::Unknown { tag: 99, value: &[] }];
        assert!(good.iter().eq(fields));
    }

    #[test]
    fn a_full_buffer_refuses() {
        let mut buffer = AppendageBuf::new();
        let value = [7; 100];
        assert!(buffer.push(Appendage::Unknown { tag: 200, value: &value }));
        assert!(!buffer.push(Appendage::Unknown { tag: 200, value: &value }));
        assert_eq!(buffer.appendages().iter().count(), 1);
    }
}
