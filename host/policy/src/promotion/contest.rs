//! The seats, and who moves where.

use super::guard::{DecisionTimes, Guard};
use super::{
    Breach, Candidate, Cause, ContestRules, Name, Notice, Pulse, Reason, Refusal, threshold,
};
use crate::config::PolicyError;
use crate::drift::Psi;
use crate::policy::{Policy, StandIn};
use crate::shadow::Event;
use tercel_book::Books;
use tercel_types::{InstrumentId, Nanos, Own};

/// Candidates that have left and wait to be taken away.
const LEAVING_MAX: usize = 8;
/// Notices that wait likewise; more are counted and lost.
const NOTICES_MAX: usize = 32;
/// Barred policies that are remembered; the oldest is forgotten for one more.
const BARRED_MAX: usize = 64;

/// Champion and challengers of one host.
#[derive(Debug)]
pub struct Contest {
    rules: ContestRules,
    champion: Box<Candidate>,
    #[allow(clippy::vec_box)] // they came in boxes, and must leave without being freed
    seats: Vec<Box<Candidate>>,
    former: Option<Box<Candidate>>,
    #[allow(clippy::vec_box)] // likewise
    leaving: Vec<Box<Candidate>>,
    barred: Vec<u64>,
    notices: Vec<Notice>,
    notices_lost: u64,
    last: Option<Notice>,
    /// There while a promotion may be taken back.
    guard: Option<Guard>,
    times: DecisionTimes,
    /// A limit that was passed between two steps.
    breach: Option<Breach>,
    tests: u64,
    interval_end: Option<Nanos>,
    next_sample: Nanos,
    promotions: u64,
    rollbacks: [u64; Reason::ALL.len()],
}

impl Contest {
    /// A contest around the policy that trades already; `champion` is made of the same
    /// configuration.
    ///
    /// # Errors
    /// [`PolicyError`] if a rule is not allowed.
    pub fn new(rules: ContestRules, mut champion: Box<Candidate>) -> Result<Contest, PolicyError> {
        rules.validate()?;
        champion.live = None;
        Ok(Contest {
            rules,
            champion,
            seats: Vec::with_capacity(rules.challengers_max),
            former: None,
            leaving: Vec::with_capacity(LEAVING_MAX),
            barred: Vec::with_capacity(BARRED_MAX),
            notices: Vec::with_capacity(NOTICES_MAX),
            notices_lost: 0,
            last: None,
            guard: None,
            times: DecisionTimes::new(),
            breach: None,
            tests: 0,
            interval_end: None,
            next_sample: Nanos(0),
            promotions: 0,
            rollbacks: [0; Reason::ALL.len()],
        })
    }

    /// Somebody stands in shadow.
    #[inline]
    pub fn is_active(&self) -> bool {
        !self.seats.is_empty()
    }

    /// One event of an instrument, after the champion's orders have left.
    pub fn on_event(&mut self, policy: &Policy, event: &Event<'_>, books: &Books, now: Nanos) {
        let Some(slot) = policy.slot_of(event.change.instrument) else { return };
        let shadow = self.rules.shadow;
        for one in core::iter::once(&mut self.champion).chain(&mut self.seats) {
            one.book.on_event(slot, &shadow, event, books, now);
        }
    }

    /// Asks every challenger, and the champion's twin, what it would do in one instrument. `real`
    /// are the account's own orders.
    pub fn decide(
        &mut self,
        policy: &mut Policy,
        id: InstrumentId,
        real: &Own,
        books: &Books,
        now: Nanos,
    ) {
        let Some(at) = policy.slot_of(id) else { return };
        let rules = self.rules.shadow;
        for one in core::iter::once(&mut self.champion).chain(&mut self.seats) {
            one.book.arrive(at, id, real, books, now);
            let (own, ahead) = (one.book.own(at), one.book.ahead(at));
            let Some(slot) = one.book.slot_mut(at) else { continue };
            let (strategy, quoter) = (&mut one.shadow, &mut slot.quoter);
            let stand_in = StandIn { strategy, quoter, own: &own, ahead };
            let intents = policy.decide_as(id, stand_in, books, now);
            one.book.obey(at, &intents, &rules, now);
            one.book.arrive(at, id, real, books, now);
        }
    }

    /// The feed was interrupted, or quotes are not wanted for another reason: shadow orders are
    /// taken out, and the interval does not count.
    pub fn interrupt(&mut self) {
        for one in core::iter::once(&mut self.champion).chain(&mut self.seats) {
            one.book.interrupt();
        }
        self.interval_end = None;
    }

    /// The champion's decision took `time`; zero says that nobody measures.
    #[inline]
    pub fn decided(&mut self, time: Nanos) {
        if self.guard.is_none() || time.0 == 0 {
            return;
        }
        let rules = &self.rules.rollback;
        if let Some(p99) = self.times.record(time, rules.decision_window)
            && p99 > rules.decision_p99_max
        {
            let (value, limit) = (p99.0 as f64, rules.decision_p99_max.0 as f64);
            self.breach.get_or_insert(Breach { reason: Reason::Latency, value, limit });
        }
    }

    /// It is time for another sample of the features.
    pub fn wants_sample(&self, now: Nanos) -> bool {
        now >= self.next_sample && (self.is_active() || self.guard.is_some())
    }

    /// Samples the features of one instrument, if it can be quoted.
    pub fn sample(
        &mut self,
        policy: &Policy,
        id: InstrumentId,
        real: &Own,
        books: &Books,
        now: Nanos,
    ) {
        if books.is_stale() || !books.top(id).is_two_sided() {
            return;
        }
        self.next_sample = now + self.rules.rollback.psi_every;
        let features = policy.features(id, books, real, now);
        let psi = self.champion.drift.observe(&features);
        for one in &mut self.seats {
            one.drift.observe(&features);
        }
        let limit = self.rules.rollback.psi_max;
        if let Some(Psi { mean: value, .. }) = psi
            && value > limit
        {
            self.breach.get_or_insert(Breach { reason: Reason::Drift, value, limit });
        }
    }

    /// Between events: compares intervals that have ended, watches over the last promotion, and
    /// exchanges policies. Returns whether another policy trades from now on.
    pub fn step(&mut self, policy: &mut Policy, pulse: &Pulse) -> bool {
        let noted = self.breach.take();
        if let Some(guard) = &mut self.guard {
            let breach = guard.look(&self.rules.rollback, pulse).or(noted);
            if let Some(breach) = breach
                && self.take_back(policy, breach)
            {
                return true;
            }
        }
        if !self.is_active() {
            return false;
        }
        if !pulse.trading {
            self.interval_end = None;
            return false;
        }
        match self.interval_end {
            Some(end) if pulse.now < end => return false,
            Some(_) => self.compare(),
            None => {}
        }
        self.interval_end = Some(pulse.now + self.rules.interval);
        for one in core::iter::once(&mut self.champion).chain(&mut self.seats) {
            one.profit = Some(one.book.profit());
        }
        self.act_on_tests(policy, pulse)
    }

    /// An interval has ended: the difference of each pair of profits.
    fn compare(&mut self) {
        let Some(before) = self.champion.profit else { return };
        let earned = self.champion.book.profit() - before;
        for one in &mut self.seats {
            if let Some(before) = one.profit {
                one.wager.observe(one.book.profit() - before - earned);
            }
        }
    }

    /// Promotes the first challenger that has passed, or says so.
    fn act_on_tests(&mut self, policy: &mut Policy, pulse: &Pulse) -> bool {
        for at in 0..self.seats.len() {
            if !self.has_passed(&self.seats[at]) {
                continue;
            }
            if self.rules.automatic {
                // Where there is no room for who leaves, it waits for the next interval.
                return self.promote_at(at, Cause::Test, policy, pulse).is_ok();
            }
            let one = &mut self.seats[at];
            if !core::mem::replace(&mut one.announced, true) {
                let notice = Notice::Passed {
                    name: one.name,
                    e_value: one.wager.e_value(),
                    threshold: threshold(one.test, self.rules.alpha),
                    intervals: one.wager.intervals(),
                };
                self.tell(notice);
            }
        }
        false
    }

    /// The evidence suffices.
    pub fn has_passed(&self, one: &Candidate) -> bool {
        one.wager.intervals() >= self.rules.intervals_min
            && one.wager.e_value() >= threshold(one.test, self.rules.alpha)
    }

    /// Seats a challenger, or hands it out again through [`Contest::take_leaving`] and says why.
    pub fn seat(&mut self, mut one: Box<Candidate>) {
        let name = one.name;
        if let Some(why) = self.objection(&one) {
            // There is room: nobody is taken in without it.
            self.leaving.push(one);
            return self.tell(Notice::Refused { name, why });
        }
        if !self.is_active() {
            self.champion.book.restart();
            self.champion.profit = None;
            self.interval_end = None;
        }
        self.begin_test(&mut one);
        self.seats.push(one);
    }

    /// There is room for one more who leaves, so that a candidate may come in.
    pub fn has_room(&self) -> bool {
        self.leaving.len() < LEAVING_MAX
    }

    fn objection(&self, one: &Candidate) -> Option<Refusal> {
        let mut present = core::iter::once(&self.champion).chain(&self.seats).chain(&self.former);
        if self.barred.contains(&one.identity) {
            Some(Refusal::Barred)
        } else if present.clone().any(|other| other.name == one.name) {
            Some(Refusal::NameTaken)
        } else if present.any(|other| other.identity == one.identity) {
            Some(Refusal::Known)
        } else if self.seats.len() >= self.rules.challengers_max {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    fn begin_test(&mut self, one: &mut Candidate) {
        self.tests += 1;
        one.begin(self.tests);
        let threshold = threshold(self.tests, self.rules.alpha);
        self.tell(Notice::Seated { name: one.name, test: self.tests, threshold });
    }

    /// Lets a challenger go.
    pub fn drop_challenger(&mut self, name: Name) {
        let notice = match self.seat_of(name) {
            None => Notice::Refused { name, why: Refusal::Unknown },
            Some(_) if !self.has_room() => Notice::Refused { name, why: Refusal::Busy },
            Some(at) => {
                let gone = self.seats.remove(at);
                self.leaving.push(gone);
                Notice::Dropped { name }
            }
        };
        self.tell(notice);
    }

    /// Promotes a challenger at the operator's word, without a passed test only by `force`. Returns
    /// whether another policy trades from now on.
    pub fn promote(&mut self, name: Name, force: bool, policy: &mut Policy, pulse: &Pulse) -> bool {
        let done = match self.seat_of(name) {
            None => Err(Refusal::Unknown),
            Some(at) if !force && !self.has_passed(&self.seats[at]) => Err(Refusal::NotPassed),
            Some(at) => self.promote_at(at, Cause::Command, policy, pulse),
        };
        if let Err(why) = done {
            self.tell(Notice::Refused { name, why });
        }
        done.is_ok()
    }

    fn promote_at(
        &mut self,
        at: usize,
        cause: Cause,
        policy: &mut Policy,
        pulse: &Pulse,
    ) -> Result<(), Refusal> {
        if !self.has_room() {
            return Err(Refusal::Busy);
        }
        let Some(mut live) = self.seats[at].live.take() else { return Err(Refusal::Known) };
        let mut next = self.seats.remove(at);
        // A strategy may carry a state: the twin that has seen the market trades from now on.
        core::mem::swap(&mut live, &mut next.shadow);
        let notice = Notice::Promoted {
            name: next.name,
            former: self.champion.name,
            cause,
            e_value: next.wager.e_value(),
            intervals: next.wager.intervals(),
        };
        let mut former = core::mem::replace(&mut self.champion, next);
        former.live = Some(policy.seat(live));
        // One before the former is not kept.
        self.leaving.extend(self.former.replace(former));
        self.guard = Some(Guard::new(pulse));
        self.times = DecisionTimes::new();
        self.breach = None;
        self.promotions += 1;
        self.tell(notice);
        self.begin_tests();
        Ok(())
    }

    /// Takes the last promotion back at the operator's word; returns whether another policy trades
    /// from now on.
    pub fn roll_back(&mut self, policy: &mut Policy) -> bool {
        let breach = Breach { reason: Reason::Command, value: 0.0, limit: 0.0 };
        let why = if self.former.is_none() { Refusal::NoFormer } else { Refusal::Busy };
        let name = self.champion.name;
        let done = self.take_back(policy, breach);
        if !done {
            self.tell(Notice::Refused { name, why });
        }
        done
    }

    fn take_back(&mut self, policy: &mut Policy, breach: Breach) -> bool {
        if !self.has_room() {
            return false;
        }
        let Some(mut former) = self.former.take() else { return false };
        let Some(live) = former.live.take() else { return false };
        let to = former.name;
        let mut barred = core::mem::replace(&mut self.champion, former);
        barred.live = Some(policy.seat(live));
        if self.barred.len() == BARRED_MAX {
            self.barred.remove(0);
        }
        self.barred.push(barred.identity);
        let name = barred.name;
        self.leaving.push(barred);
        self.guard = None;
        self.rollbacks[breach.reason as usize] += 1;
        self.tell(Notice::RolledBack { name, to, breach });
        // The champion's twin has not seen what happened meanwhile.
        self.champion.book.restart();
        self.champion.profit = None;
        self.begin_tests();
        true
    }

    /// Against another champion every test is another.
    fn begin_tests(&mut self) {
        self.interval_end = None;
        for at in 0..self.seats.len() {
            self.tests += 1;
            let one = &mut self.seats[at];
            one.begin(self.tests);
            let (name, test) = (one.name, self.tests);
            let threshold = threshold(test, self.rules.alpha);
            self.tell(Notice::Seated { name, test, threshold });
        }
    }

    fn seat_of(&self, name: Name) -> Option<usize> {
        self.seats.iter().position(|one| one.name == name)
    }

    fn tell(&mut self, notice: Notice) {
        if !matches!(notice, Notice::Seated { .. }) {
            self.last = Some(notice);
        }
        if self.notices.len() < NOTICES_MAX {
            self.notices.push(notice);
        } else {
            self.notices_lost += 1;
        }
    }

    /// The oldest notice that nobody has taken.
    pub fn take_notice(&mut self) -> Option<Notice> {
        (!self.notices.is_empty()).then(|| self.notices.remove(0))
    }

    /// A candidate that has left, to be dropped where that may take its time.
    pub fn take_leaving(&mut self) -> Option<Box<Candidate>> {
        self.leaving.pop()
    }

    /// The rules.
    pub fn rules(&self) -> &ContestRules {
        &self.rules
    }

    /// Who trades.
    pub fn champion(&self) -> &Candidate {
        &self.champion
    }

    /// Who stands in shadow.
    pub fn challengers(&self) -> impl Iterator<Item = &Candidate> {
        self.seats.iter().map(|one| &**one)
    }

    /// Who traded before, while the last promotion may be taken back.
    pub fn former(&self) -> Option<&Candidate> {
        self.former.as_deref()
    }

    /// The last thing that happened, besides tests that began.
    pub fn last(&self) -> Option<Notice> {
        self.last
    }

    /// 99 % of the champion's decisions took at most this in the last whole window since its
    /// promotion; zero before.
    pub fn decision_p99(&self) -> Nanos {
        self.times.p99()
    }

    /// Promotions so far.
    pub fn promotions(&self) -> u64 {
        self.promotions
    }

    /// Promotions taken back so far, by reason.
    pub fn rollbacks(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().zip(self.rollbacks)
    }

    /// Notices that nobody took in time.
    pub fn notices_lost(&self) -> u64 {
        self.notices_lost
    }
}
