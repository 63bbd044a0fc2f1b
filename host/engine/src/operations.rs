//! What operators may ask of the running engine. Commands come by mailbox and are carried out in
//! housekeeping; what came of each is on the tape ([`crate::tape::Applied`]).

use crate::engine::Engine;
use crate::mailbox::{Sender, mailbox};
use crate::recorder::{Overflow, Recorder, standing};
use crate::tape::{Applied, Outcome, Paused, TapeWriter};
use tercel_risk::{AccountLimits, InstrumentLimits};
use tercel_types::{InstrumentId, Nanos, StreamPort};

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

/// Commands under way at most.
const COMMANDS: usize = 64;

impl Engine {
    /// Tells on a tape what it does, and takes commands, from now on; call it before the first
    /// event.
    pub fn operate(&mut self, tape: TapeWriter, overflow: Overflow, now: Nanos) -> Sender<Ticket> {
        let (sender, tickets) = mailbox(COMMANDS);
        let mut recorder = Recorder::new(tape, overflow, tickets, self.instruments.len());
        recorder.account_limited(self.risk.account_limits(), now);
        self.recorder = Some(Box::new(recorder));
        sender
    }

    /// Carries commands out, and keeps empty what is paused.
    #[inline(never)]
    pub(crate) fn obey<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        while let Some(mut recorder) = self.recorder.take() {
            // What is done from here on has no frame for its cause.
            recorder.cause = Nanos(0);
            let ticket = recorder.can_answer().then(|| recorder.tickets.receive()).flatten();
            let Some(Ticket { number, ask }) = ticket else {
                self.recorder = Some(recorder);
                break;
            };
            let outcome = self.carry_out(&ask, &mut recorder, now);
            recorder.write(&Applied { ticket: number, outcome }, now);
            self.recorder = Some(recorder);
            if let Ask::CancelAll(scope) = ask {
                self.mark_open(|_, id| scope.holds(id));
                self.cancel_marked(now, port);
            }
        }
        let held_up = self.recorder.as_mut().is_some_and(|recorder| recorder.is_held_up());
        if held_up || self.recorder.as_ref().is_some_and(|recorder| recorder.paused.any()) {
            let paused = |recorder: &Recorder, id| held_up || recorder.paused.holds(id);
            self.mark_open(|recorder, id| recorder.is_some_and(|recorder| paused(recorder, id)));
            self.cancel_marked(now, port);
        }
    }

    /// Says how things stand.
    #[inline(never)]
    pub(crate) fn tell(&mut self, now: Nanos) {
        let Engine { recorder: Some(recorder), gateway, risk, books, instruments, .. } = self
        else {
            return;
        };
        let stale = books.is_stale();
        let stands = standing(self.phase, gateway, risk, stale, self.counters.events, recorder);
        recorder.stand(stands, now);
        recorder.look(risk, books, |at| instruments.id(at), now);
    }

    fn carry_out(&mut self, ask: &Ask, recorder: &mut Recorder, now: Nanos) -> Outcome {
        let trades = |id: &InstrumentId| self.risk.limits(*id).is_some();
        match ask {
            Ask::CancelAll(Scope::Instrument(id))
            | Ask::Pause(Scope::Instrument(id))
            | Ask::Resume(Scope::Instrument(id))
            | Ask::Limits(id, _)
            | Ask::Watch(id)
                if !trades(id) =>
            {
                return Outcome::UnknownInstrument;
            }
            _ => {}
        }
        let changed = match ask {
            Ask::Kill => {
                let changed = self.risk.tripped() != Some(tercel_risk::Trip::Killed);
                self.risk.kill();
                changed
            }
            Ask::Reset => {
                let changed = self.risk.tripped().is_some();
                self.risk.reset();
                self.requote_all();
                changed
            }
            Ask::CancelAll(_) => true,
            Ask::Pause(scope) => self.pause(scope, true, recorder, now),
            Ask::Resume(scope) => self.pause(scope, false, recorder, now),
            Ask::Limits(id, limits) => {
                if self.risk.bind(*id, *limits).is_err() {
                    return Outcome::NotAllowed;
                }
                recorder.limited(*id, limits, now);
                true
            }
            Ask::AccountLimits(limits) => {
                if self.risk.set_account_limits(*limits).is_err() {
                    return Outcome::NotAllowed;
                }
                recorder.account_limited(limits, now);
                true
            }
            Ask::Watch(id) => recorder.watched.replace(*id) != Some(*id),
        };
        if changed { Outcome::Done } else { Outcome::Unchanged }
    }

    fn pause(&mut self, scope: &Scope, on: bool, recorder: &mut Recorder, now: Nanos) -> bool {
        let (instrument, all, changed) = match scope {
            Scope::All => (InstrumentId(0), true, recorder.paused.set_all(on)),
            Scope::Instrument(id) => (*id, false, recorder.paused.set(*id, on)),
        };
        if changed {
            recorder.write(&Paused { instrument, all, paused: on }, now);
        }
        if !on {
            self.requote_all();
        }
        changed
    }
}

impl Scope {
    fn holds(&self, id: InstrumentId) -> bool {
        match self {
            Scope::All => true,
            Scope::Instrument(one) => *one == id,
        }
    }
}
