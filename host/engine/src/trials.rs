//! Champion and challengers in the running engine: what is asked of them from outside, and when
//! they get their turn.
//!
//! Challengers are asked after the champion's orders of the same event have left; seats change in
//! housekeeping, between events. Commands, notices and those who leave go through mailboxes: the
//! thread that trades neither makes nor frees a policy.

use crate::engine::{Engine, Phase};
use crate::mailbox::{Receiver, Sender, mailbox};
use tercel_abi::EventRecord;
use tercel_book::Change;
use tercel_policy::promotion::{Candidate, Contest, Name, Notice, Pulse};
use tercel_policy::shadow::Event;
use tercel_types::{InstrumentId, Nanos, StreamPort};

/// What an operator may ask of champion and challengers.
#[derive(Debug)]
pub enum Command {
    /// Let it stand in shadow.
    Load(Box<Candidate>),
    /// Let a challenger go.
    Drop(Name),
    /// Let a challenger trade.
    Promote {
        /// Which.
        name: Name,
        /// Whether or not it has passed its test.
        force: bool,
    },
    /// Let the former champion trade again; who was promoted is barred.
    RollBack,
}

/// What becomes of the account's open orders when another policy takes over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OpenOrders {
    /// The new champion finds them as its own, and keeps or replaces them.
    #[default]
    Adopt,
    /// They are cancelled; the new champion begins without.
    Cancel,
}

/// The operator's end: commands in, notices and those who have left out. What is not taken away is
/// kept for later, and nobody new comes in meanwhile.
#[derive(Debug)]
pub struct Controls {
    /// Where commands go.
    pub commands: Sender<Command>,
    /// What has happened, oldest first.
    pub notices: Receiver<Notice>,
    /// Who has left, to be dropped.
    pub leaving: Receiver<Box<Candidate>>,
}

/// Commands under way at most.
const COMMANDS: usize = 16;
/// Notices under way at most.
const NOTICES: usize = 64;
/// Candidates on their way out at most.
const LEAVING: usize = 16;

/// A contest with the engine's ends of its mailboxes.
pub(crate) struct Trials {
    pub(crate) contest: Contest,
    orders: OpenOrders,
    commands: Receiver<Command>,
    notices: Sender<Notice>,
    leaving: Sender<Box<Candidate>>,
    /// Of each, one that found no room.
    notice: Option<Notice>,
    left: Option<Box<Candidate>>,
}

impl Engine {
    /// Holds a contest around the engine's policy from now on; call it before the first event.
    pub fn hold_contest(&mut self, contest: Contest, orders: OpenOrders) -> Controls {
        let (commands_in, commands) = mailbox(COMMANDS);
        let (notices, notices_out) = mailbox(NOTICES);
        let (leaving, leaving_out) = mailbox(LEAVING);
        let (notice, left) = (None, None);
        let trials = Trials { contest, orders, commands, notices, leaving, notice, left };
        self.trials = Some(Box::new(trials));
        Controls { commands: commands_in, notices: notices_out, leaving: leaving_out }
    }

    /// Champion and challengers, where a contest is held.
    pub fn contest(&self) -> Option<&Contest> {
        self.trials.as_ref().map(|trials| &trials.contest)
    }

    /// Somebody stands in shadow.
    #[inline]
    pub(crate) fn has_shadows(&self) -> bool {
        self.trials.as_ref().is_some_and(|trials| trials.contest.is_active())
    }

    /// The turn of those in shadow, after the tick's orders have left.
    #[inline(never)]
    pub(crate) fn shadow_event(
        &mut self,
        record: &EventRecord,
        change: &Change,
        asked: bool,
        now: Nanos,
    ) {
        let real = self.own(change.instrument);
        let Engine { trials: Some(trials), policy, books, .. } = self else { return };
        let event = Event { record, change, real: &real };
        trials.contest.on_event(policy, &event, books, now);
        if asked {
            trials.contest.decide(policy, change.instrument, &real, books, now);
        }
    }

    /// Their turn where no event was the reason to ask.
    #[inline(never)]
    pub(crate) fn shadow_quote(&mut self, id: InstrumentId, now: Nanos) {
        let real = self.own(id);
        let Engine { trials: Some(trials), policy, books, .. } = self else { return };
        trials.contest.decide(policy, id, &real, books, now);
    }

    /// Between events: the tests, the watch over the last promotion, and what operators want.
    #[inline(never)]
    pub(crate) fn hold_trials<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        let Some(mut trials) = self.trials.take() else { return };
        let account = self.risk.account();
        let trading =
            self.phase == Phase::Trading && !self.books.is_stale() && self.risk.tripped().is_none();
        let profit = account.realised + account.unrealised;
        let pulse = Pulse { now, profit, actions: self.counters.sent, trading };
        let mut changed = trials.contest.step(&mut self.policy, &pulse);
        while trials.contest.has_room()
            && let Some(command) = trials.commands.receive()
        {
            let contest = &mut trials.contest;
            changed |= match command {
                Command::Load(candidate) => {
                    contest.seat(candidate);
                    false
                }
                Command::Drop(name) => {
                    contest.drop_challenger(name);
                    false
                }
                Command::Promote { name, force } => {
                    contest.promote(name, force, &mut self.policy, &pulse)
                }
                Command::RollBack => contest.roll_back(&mut self.policy),
            };
        }
        if trials.contest.wants_sample(now)
            && let Some(id) = self.instruments.id(self.next_look)
        {
            let real = self.own(id);
            trials.contest.sample(&self.policy, id, &real, &self.books, now);
        }
        trials.hand_out();
        if changed {
            if trials.orders == OpenOrders::Cancel {
                self.cancel_all(now, port);
            }
            self.requote_all();
        }
        self.trials = Some(trials);
    }
}

impl Trials {
    /// What is to be told and who is to be dropped leaves, as far as there is room.
    fn hand_out(&mut self) {
        let Trials { contest, notices, leaving, notice, left, .. } = self;
        while let Some(next) = notice.take().or_else(|| contest.take_notice()) {
            if let Err(back) = notices.send(next) {
                *notice = Some(back);
                break;
            }
        }
        while let Some(next) = left.take().or_else(|| contest.take_leaving()) {
            if let Err(back) = leaving.send(next) {
                *left = Some(back);
                break;
            }
        }
    }
}
