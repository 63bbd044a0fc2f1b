//! What one word of an entry can say, and what it is called.

use crate::engine::Phase;
use tercel_gateway::{EncodeError, Session};
use tercel_risk::{Reject, SaleMark, Trip};
use tercel_types::{
    AckKind, InstrumentId, MatchNumber, Money, Nanos, OrderRef, Price, Qty, Side, Symbol,
    TimeInForce, TradingState, UserRef,
};

/// A field as readers of any kind see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// A number without a sign.
    Unsigned(u64),
    /// A number with one.
    Signed(i64),
    /// Yes or no.
    Flag(bool),
    /// One of a fixed list of names; empty for none.
    Name(&'static str),
    /// A symbol.
    Symbol(Symbol),
}

/// The unit of a field, which ends its name in JSON and Parquet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// None: a count, shares, a name.
    None,
    /// 1/10,000 dollar; `_e4`.
    E4,
    /// Nanoseconds, since the Unix epoch where it is a time; `_ns`.
    Ns,
}

impl Unit {
    /// What ends the name of a field.
    pub const fn suffix(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::E4 => "_e4",
            Unit::Ns => "_ns",
        }
    }
}

/// A type that is one word on the tape.
pub trait Word: Sized + Copy {
    /// Its unit.
    const UNIT: Unit = Unit::None;
    /// As a word.
    fn word(self) -> u64;
    /// From a word, unless it says nothing of this type.
    fn read(word: u64) -> Option<Self>;
    /// As readers see it.
    fn value(self) -> Value;
}

macro_rules! numbers {
    ($($type:ty, $make:expr, $raw:expr;)+) => {$(
        impl Word for $type {
            #[inline]
            fn word(self) -> u64 {
                let raw: fn($type) -> _ = $raw;
                u64::from(raw(self))
            }
            #[inline]
            fn read(word: u64) -> Option<Self> {
                let make: fn(_) -> $type = $make;
                word.try_into().ok().map(make)
            }
            fn value(self) -> Value {
                Value::Unsigned(self.word())
            }
        }
    )+};
}

numbers! {
    u64, |word: u64| word, |own| own;
    u32, |word: u32| word, |own| own;
    u16, |word: u16| word, |own| own;
    Qty, Qty, |own| own.0;
    UserRef, UserRef, |own| own.0;
    OrderRef, OrderRef, |own| own.0;
    MatchNumber, MatchNumber, |own| own.0;
    InstrumentId, InstrumentId, |own| own.0;
}

macro_rules! signed {
    ($($type:ty, $unit:expr, $make:expr, $raw:expr;)+) => {$(
        impl Word for $type {
            const UNIT: Unit = $unit;
            #[inline]
            fn word(self) -> u64 {
                let raw: fn($type) -> i64 = $raw;
                raw(self).cast_unsigned()
            }
            #[inline]
            fn read(word: u64) -> Option<Self> {
                let make: fn(i64) -> $type = $make;
                Some(make(word.cast_signed()))
            }
            fn value(self) -> Value {
                Value::Signed(self.word().cast_signed())
            }
        }
    )+};
}

signed! {
    i64, Unit::None, |own| own, |own| own;
    Price, Unit::E4, Price, |own| own.0;
    Money, Unit::E4, Money, |own| own.0;
}

impl Word for Nanos {
    const UNIT: Unit = Unit::Ns;
    #[inline]
    fn word(self) -> u64 {
        self.0
    }
    #[inline]
    fn read(word: u64) -> Option<Nanos> {
        Some(Nanos(word))
    }
    fn value(self) -> Value {
        Value::Unsigned(self.0)
    }
}

impl Word for bool {
    #[inline]
    fn word(self) -> u64 {
        self.into()
    }
    #[inline]
    fn read(word: u64) -> Option<bool> {
        (word < 2).then_some(word == 1)
    }
    fn value(self) -> Value {
        Value::Flag(self)
    }
}

impl Word for Symbol {
    #[inline]
    fn word(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
    #[inline]
    fn read(word: u64) -> Option<Symbol> {
        Some(Symbol(word.to_le_bytes()))
    }
    fn value(self) -> Value {
        Value::Symbol(self)
    }
}

/// Types whose values have names, each with its number on the tape. Numbers are never given twice.
macro_rules! names {
    ($($type:ty { $($code:literal $value:pat => $make:expr, $name:literal;)+ })+) => {$(
        impl Word for $type {
            #[inline]
            fn word(self) -> u64 {
                match self {
                    $($value => $code,)+
                }
            }
            fn read(word: u64) -> Option<Self> {
                match word {
                    $($code => Some($make),)+
                    _ => None,
                }
            }
            fn value(self) -> Value {
                Value::Name(match self {
                    $($value => $name,)+
                })
            }
        }
    )+};
}

/// What an intent asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// A new order.
    Enter,
    /// Another order in the place of a live one.
    Replace,
    /// Take it out.
    Cancel,
}

/// What became of an intent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    /// Approved and handed to the port.
    Sent,
    /// Risk refused it.
    Refused,
    /// Approved, but port or session could not take it; risk has it back.
    Unsent,
}

/// Why an intent did not leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It left.
    None,
    /// The risk check that failed.
    Risk(Reject),
    /// The gateway could not encode it.
    Encode(EncodeError),
    /// What was sent before still fills the port, or there is no connection.
    PortFull,
}

/// Numbers of [`Why`] above those of [`Reject`].
const ENCODE: u64 = 1_000;
const PORT_FULL: u64 = 2_000;

const ENCODE_ERRORS: [(EncodeError, &str); 11] = [
    (EncodeError::NotReady, "not_ready"),
    (EncodeError::UserRefUsed, "user_ref_used"),
    (EncodeError::TableFull, "table_full"),
    (EncodeError::UnknownInstrument, "unknown_instrument"),
    (EncodeError::UnknownOrder, "unknown_order"),
    (EncodeError::NotLive, "not_live"),
    (EncodeError::CancelUnderWay, "cancel_under_way"),
    (EncodeError::Quantity, "quantity"),
    (EncodeError::ChainTooLong, "chain_too_long"),
    (EncodeError::Price, "price"),
    (EncodeError::NoSpace, "no_space"),
];

impl Word for Why {
    #[inline]
    fn word(self) -> u64 {
        match self {
            Why::None => 0,
            Why::Risk(reject) => reject as u64 + 1,
            Why::Encode(error) => ENCODE + error as u64,
            Why::PortFull => PORT_FULL,
        }
    }
    fn read(word: u64) -> Option<Why> {
        let at = |from: u64| usize::try_from(word.checked_sub(from)?).ok();
        match word {
            0 => Some(Why::None),
            PORT_FULL => Some(Why::PortFull),
            ENCODE.. => ENCODE_ERRORS.get(at(ENCODE)?).map(|(error, _)| Why::Encode(*error)),
            _ => Reject::ALL.get(at(1)?).copied().map(Why::Risk),
        }
    }
    fn value(self) -> Value {
        Value::Name(match self {
            Why::None => "",
            Why::Risk(reject) => reject.name(),
            Why::Encode(error) => ENCODE_ERRORS[error as usize].1,
            Why::PortFull => "port_full",
        })
    }
}

/// What the venue said of an order (`tercel_types::AckKind` without its content).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AnswerKind {
    /// It is on the book.
    Accepted,
    /// It is there in the place of another.
    Replaced,
    /// Shares were taken off it.
    Canceled,
    /// It traded.
    Executed,
    /// An execution is void.
    Broken,
    /// The venue refused it.
    Rejected,
    /// Its cancel waits for a cross.
    CancelPending,
    /// Its cancel was refused.
    CancelRejected,
    /// The venue gave it another number.
    PriorityChanged,
    /// The venue changed its size.
    Modified,
    /// It never arrived.
    NotReceived,
}

impl From<&AckKind> for AnswerKind {
    #[inline]
    fn from(kind: &AckKind) -> AnswerKind {
        match kind {
            AckKind::Accepted { .. } => AnswerKind::Accepted,
            AckKind::Replaced { .. } => AnswerKind::Replaced,
            AckKind::Canceled { .. } => AnswerKind::Canceled,
            AckKind::Executed { .. } => AnswerKind::Executed,
            AckKind::Broken { .. } => AnswerKind::Broken,
            AckKind::Rejected { .. } => AnswerKind::Rejected,
            AckKind::CancelPending => AnswerKind::CancelPending,
            AckKind::CancelRejected => AnswerKind::CancelRejected,
            AckKind::PriorityChanged { .. } => AnswerKind::PriorityChanged,
            AckKind::Modified => AnswerKind::Modified,
            AckKind::NotReceived => AnswerKind::NotReceived,
        }
    }
}

/// The order session's state, without its codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SessionState {
    /// There is no connection.
    Down,
    /// Connected, not yet logged in for good.
    LoggingIn,
    /// Replaying what was missed.
    Recovering,
    /// Orders may be sent.
    Ready,
    /// A logout is under way.
    LoggingOut,
    /// The venue ended the session.
    Ended,
    /// Orders cannot be sent.
    Refused,
}

impl From<Session> for SessionState {
    #[inline]
    fn from(session: Session) -> SessionState {
        match session {
            Session::Down => SessionState::Down,
            Session::LoggingIn => SessionState::LoggingIn,
            Session::Recovering => SessionState::Recovering,
            Session::Ready => SessionState::Ready,
            Session::LoggingOut => SessionState::LoggingOut,
            Session::Ended => SessionState::Ended,
            Session::Refused(_) => SessionState::Refused,
        }
    }
}

/// What came of an operator's command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It was so already.
    Unchanged,
    /// No such instrument is traded.
    UnknownInstrument,
    /// Limits that are not allowed.
    NotAllowed,
}

names! {
    Action {
        0 Action::Enter => Action::Enter, "enter";
        1 Action::Replace => Action::Replace, "replace";
        2 Action::Cancel => Action::Cancel, "cancel";
    }
    Fate {
        0 Fate::Sent => Fate::Sent, "sent";
        1 Fate::Refused => Fate::Refused, "refused";
        2 Fate::Unsent => Fate::Unsent, "unsent";
    }
    Outcome {
        0 Outcome::Done => Outcome::Done, "done";
        1 Outcome::Unchanged => Outcome::Unchanged, "unchanged";
        2 Outcome::UnknownInstrument => Outcome::UnknownInstrument, "unknown_instrument";
        3 Outcome::NotAllowed => Outcome::NotAllowed, "not_allowed";
    }
    AnswerKind {
        0 AnswerKind::Accepted => AnswerKind::Accepted, "accepted";
        1 AnswerKind::Replaced => AnswerKind::Replaced, "replaced";
        2 AnswerKind::Canceled => AnswerKind::Canceled, "canceled";
        3 AnswerKind::Executed => AnswerKind::Executed, "executed";
        4 AnswerKind::Broken => AnswerKind::Broken, "broken";
        5 AnswerKind::Rejected => AnswerKind::Rejected, "rejected";
        6 AnswerKind::CancelPending => AnswerKind::CancelPending, "cancel_pending";
        7 AnswerKind::CancelRejected => AnswerKind::CancelRejected, "cancel_rejected";
        8 AnswerKind::PriorityChanged => AnswerKind::PriorityChanged, "priority_changed";
        9 AnswerKind::Modified => AnswerKind::Modified, "modified";
        10 AnswerKind::NotReceived => AnswerKind::NotReceived, "not_received";
    }
    SessionState {
        0 SessionState::Down => SessionState::Down, "down";
        1 SessionState::LoggingIn => SessionState::LoggingIn, "logging_in";
        2 SessionState::Recovering => SessionState::Recovering, "recovering";
        3 SessionState::Ready => SessionState::Ready, "ready";
        4 SessionState::LoggingOut => SessionState::LoggingOut, "logging_out";
        5 SessionState::Ended => SessionState::Ended, "ended";
        6 SessionState::Refused => SessionState::Refused, "refused";
    }
    Phase {
        0 Phase::Starting => Phase::Starting, "starting";
        1 Phase::Trading => Phase::Trading, "trading";
        2 Phase::Stopping => Phase::Stopping, "stopping";
    }
    Side {
        0 Side::Buy => Side::Buy, "buy";
        1 Side::Sell => Side::Sell, "sell";
    }
    Option<Side> {
        0 None => None, "";
        1 Some(Side::Buy) => Some(Side::Buy), "buy";
        2 Some(Side::Sell) => Some(Side::Sell), "sell";
    }
    SaleMark {
        0 SaleMark::None => SaleMark::None, "";
        1 SaleMark::Long => SaleMark::Long, "long";
        2 SaleMark::Short => SaleMark::Short, "short";
        3 SaleMark::ShortExempt => SaleMark::ShortExempt, "short_exempt";
    }
    TimeInForce {
        0 TimeInForce::Day => TimeInForce::Day, "day";
        1 TimeInForce::Ioc => TimeInForce::Ioc, "ioc";
    }
    TradingState {
        0 TradingState::Unknown => TradingState::Unknown, "unknown";
        1 TradingState::Halted => TradingState::Halted, "halted";
        2 TradingState::Paused => TradingState::Paused, "paused";
        3 TradingState::QuotationOnly => TradingState::QuotationOnly, "quotation_only";
        4 TradingState::Trading => TradingState::Trading, "trading";
    }
    Option<Trip> {
        0 None => None, "";
        1 Some(Trip::Killed) => Some(Trip::Killed), "killed";
        2 Some(Trip::RealisedLoss) => Some(Trip::RealisedLoss), "realised_loss";
        3 Some(Trip::UnrealisedLoss) => Some(Trip::UnrealisedLoss), "unrealised_loss";
        4 Some(Trip::Drawdown) => Some(Trip::Drawdown), "drawdown";
        5 Some(Trip::VenueRejects) => Some(Trip::VenueRejects), "venue_rejects";
        6 Some(Trip::Unaccounted) => Some(Trip::Unaccounted), "unaccounted";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_the_way_and_have_names() {
        let risk = Reject::ALL.iter().map(|reject| Why::Risk(*reject));
        let encode = ENCODE_ERRORS.iter().map(|(error, _)| Why::Encode(*error));
        for why in risk.chain(encode).chain([Why::None, Why::PortFull]) {
            assert_eq!(Why::read(why.word()), Some(why));
        }
        for (at, (error, _)) in ENCODE_ERRORS.iter().enumerate() {
            assert_eq!(*error as usize, at);
        }
        assert_eq!(Why::read(999), None);
        assert_eq!(Why::read(ENCODE + 11), None);
        assert_eq!(Why::read(u64::MAX), None);
    }
}
