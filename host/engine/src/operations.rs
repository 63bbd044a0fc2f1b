//! What operators may ask of the running engine. Commands come by mailbox and are carried out in
//! housekeeping; what came of each is on the tape ([`crate::tape::Applied`]).

use tercel_risk::{AccountLimits, InstrumentLimits};
use tercel_types::InstrumentId;

/// What a command is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everything that is traded.
    All,
    /// One instrument.
    Instrument(InstrumentId),
}

/// A command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Pull the kill switch: every order is cancelled, and only cancels pass until [`Ask::Reset`].
    Kill,
    /// Let orders pass again after the kill switch or the breaker.
    Reset,
    /// Cancel what is open, once.
    CancelAll(Scope),
    /// Quote no longer, and cancel what is open.
    Pause(Scope),
    /// Quote again. All: also those that were paused one by one.
    Resume(Scope),
    /// New limits of an instrument.
    Limits(InstrumentId, InstrumentLimits),
    /// New limits of the account.
    AccountLimits(AccountLimits),
    /// Tell the depth of this book ([`crate::tape::Depth`]), and of no other.
    Watch(InstrumentId),
}

/// A command with the number by which its outcome is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Its number.
    pub number: u64,
    /// What is asked.
    pub ask: Ask,
}
