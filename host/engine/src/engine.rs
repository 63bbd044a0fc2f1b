//! The tick: one event of the feed, and whatever orders it leads to.
//!
//! Everything runs on the caller's thread and to completion. Between two events the caller hands in
//! what the venue answered ([`Engine::on_bytes`]) and lets slow work be done ([`Engine::housekeep`]
//! in `housekeeping.rs`).

use crate::instruments::{InstrumentConfig, Instruments};
use crate::recorder::Recorder;
use crate::stage::{Stage, Stopwatch};
use crate::trials::Trials;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect};
use tercel_gateway::{Gateway, Session, SessionError};
use tercel_policy::Policy;
use tercel_risk::Risk;
use tercel_types::{Ack, AckKind, InstrumentId, Nanos, Own, Side, StreamPort, Symbol, UserRef};

/// What an engine is made of.
pub struct Parts {
    /// The books.
    pub books: Books,
    /// The policy.
    pub policy: Policy,
    /// The risk check.
    pub risk: Risk,
    /// The order session.
    pub gateway: Gateway,
    /// What to trade.
    pub instruments: Vec<InstrumentConfig>,
    /// Open orders of the session at most.
    pub orders_max: usize,
    /// How long the books may be stale before resting quotes are taken out. A line that loses a
    /// packet which the other line brings microseconds later is no reason to give up a place in the
    /// queue; nothing new is sent meanwhile in any case.
    pub stale_grace: Nanos,
}

/// Whether the engine may quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Books, directory or order session are not there yet.
    Starting,
    /// Quoting.
    Trading,
    /// Taking every order out; quotes nothing.
    Stopping,
}

/// What the engine has done, each a plain count.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct EngineCounters {
    /// Records applied.
    pub events: u64,
    /// Times the policy was asked.
    pub decisions: u64,
    /// Intents of the policy.
    pub intents: u64,
    /// Intents that risk refused.
    pub refused: u64,
    /// Order packets handed to the port.
    pub sent: u64,
    /// Approved orders that were withdrawn because the port or the session could not take them.
    pub unsent: u64,
    /// Orders and replacements that the venue accepted.
    pub accepted: u64,
    /// Orders and replacements that the venue refused.
    pub venue_rejected: u64,
    /// Cancels confirmed.
    pub canceled: u64,
    /// Executions that bought.
    pub fills_bought: u64,
    /// Executions that sold.
    pub fills_sold: u64,
    /// Shares bought.
    pub shares_bought: u64,
    /// Shares sold.
    pub shares_sold: u64,
    /// Times the books became stale.
    pub stale_times: u64,
    /// Times every order was taken out because the books stayed stale beyond the grace.
    pub stale_cancels: u64,
}

/// The host of one venue and one order session.
pub struct Engine {
    pub(crate) books: Books,
    pub(crate) policy: Policy,
    pub(crate) risk: Risk,
    pub(crate) gateway: Gateway,
    pub(crate) instruments: Instruments,
    pub(crate) phase: Phase,
    pub(crate) counters: EngineCounters,
    pub(crate) stale_grace: Nanos,
    pub(crate) stale_since: Option<Nanos>,
    pub(crate) stale_handled: bool,
    pub(crate) requote: Vec<InstrumentId>,
    pub(crate) scratch: Vec<(InstrumentId, UserRef)>,
    pub(crate) next_look: usize,
    pub(crate) unbound: Option<Symbol>,
    /// Champion and challengers, where there is a contest: in a box, because most ticks pass by.
    pub(crate) trials: Option<Box<Trials>>,
    /// The tape and the operators' commands, where there are any.
    pub(crate) recorder: Option<Box<Recorder>>,
}

impl Engine {
    /// An engine that waits for its books and its session.
    pub fn new(parts: Parts) -> Engine {
        let instruments = Instruments::new(parts.instruments);
        Engine {
            requote: Vec::with_capacity(instruments.len()),
            scratch: Vec::with_capacity(parts.orders_max),
            books: parts.books,
            policy: parts.policy,
            risk: parts.risk,
            gateway: parts.gateway,
            instruments,
            phase: Phase::Starting,
            counters: EngineCounters::default(),
            stale_grace: parts.stale_grace,
            stale_since: None,
            stale_handled: false,
            next_look: 0,
            unbound: None,
            trials: None,
            recorder: None,
        }
    }

    /// The ticks of records that are at hand together (see [`crate::Batch`]): the same as one after
    /// the other, but the memory that the later ones need is loaded during the earlier ones.
    #[inline]
    pub fn on_events<P: StreamPort, S: Stopwatch>(
        &mut self,
        records: &[EventRecord],
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) {
        for (at, record) in records.iter().enumerate() {
            self.books.look_ahead(records, at);
            self.on_event(record, now, port, watch);
        }
    }

    /// The tick. `now` is the host's time at which the record came in.
    #[inline]
    pub fn on_event<P: StreamPort, S: Stopwatch>(
        &mut self,
        record: &EventRecord,
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) {
        self.counters.events += 1;
        watch.begin(record.receive_time());
        let change = self.books.apply(record);
        watch.lap(Stage::Book);
        match change.effect {
            // A hidden order's trade changes no level, but the features count it.
            Effect::None if change.trade.is_none() => return,
            Effect::Market => return self.on_market(record, &change, now),
            Effect::State if record.kind == Kind::Directory as u8 => self.on_directory(record, now),
            Effect::None | Effect::State | Effect::Book { .. } => {}
        }
        if !self.policy.quotes(change.instrument) {
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.cause = record.receive_time();
        }
        self.policy.on_event(record, &change, &self.books, now);
        watch.lap(Stage::Features);
        self.mark(&change, now);
        let asked = self.ask(change.instrument, now, port, watch);
        if self.has_shadows() {
            self.shadow_event(record, &change, asked, now);
        }
    }

    /// Lets risk value the position, where the event moved the price.
    #[inline]
    fn mark(&mut self, change: &Change, now: Nanos) {
        let moved =
            matches!(change.effect, Effect::Book { top: true, .. }) || change.trade.is_some();
        if moved {
            let view = self.books.market_view(change.instrument);
            self.risk.mark(change.instrument, &view, now);
        }
    }

    /// Asks the policy what to do in one instrument, and does what risk lets it; then those in
    /// shadow are asked.
    #[inline]
    pub(crate) fn quote<P: StreamPort, S: Stopwatch>(
        &mut self,
        id: InstrumentId,
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) {
        if self.ask(id, now, port, watch) && self.has_shadows() {
            self.shadow_quote(id, now);
        }
    }

    /// Asks the policy what to do in one instrument, and does what risk lets it; returns whether it
    /// was asked.
    #[inline]
    fn ask<P: StreamPort, S: Stopwatch>(
        &mut self,
        id: InstrumentId,
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) -> bool {
        if self.phase != Phase::Trading || self.in_grace(now) || !self.may_quote(id) {
            return false;
        }
        let own = self.own(id);
        let intents = self.policy.decide(id, &self.books, &own, now);
        self.counters.decisions += 1;
        watch.lap(Stage::Policy);
        if let Some(trials) = &mut self.trials {
            trials.contest.decided(watch.last_lap());
        }
        for intent in intents.iter() {
            self.counters.intents += 1;
            self.submit(intent, id, now, port, watch);
        }
        self.policy.prepare();
        true
    }

    /// Takes bytes of the order session in; returns how many it consumed.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Nanos) -> Result<usize, SessionError> {
        let Engine { gateway, risk, books, counters, requote, recorder, .. } = self;
        let Some(recorder) = recorder else {
            return gateway.on_bytes(bytes, now, |ack| {
                take_in(ack, risk, books, counters, requote, now);
            });
        };
        let bytes = recorder.admit(bytes);
        let consumed = gateway.on_bytes(bytes, now, |ack| {
            take_in(ack, risk, books, counters, requote, now);
            recorder.answered(ack, risk.position(ack.instrument), now);
        });
        let worked_on = consumed.as_ref().map_or(bytes.len(), |consumed| *consumed);
        recorder.received(&bytes[..worked_on], now);
        consumed
    }

    /// Quotes again where the venue's answers changed what is ours. Call after the bytes that were
    /// there are in.
    pub fn requote<P: StreamPort, S: Stopwatch>(
        &mut self,
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) {
        while let Some(id) = self.requote.pop() {
            self.quote(id, now, port, watch);
        }
    }

    /// Our orders and position in one instrument.
    #[inline]
    pub fn own(&self, id: InstrumentId) -> Own {
        Own { position: self.risk.position(id), ..self.gateway.own(id) }
    }

    /// Neither an operator nor a full tape forbids it.
    #[inline]
    fn may_quote(&mut self, id: InstrumentId) -> bool {
        self.recorder.as_mut().is_none_or(|recorder| recorder.lets_quote(id))
    }

    /// The books have just become stale and may be right again in a moment: neither quote nor
    /// cancel.
    #[inline]
    fn in_grace(&self, now: Nanos) -> bool {
        self.stale_since.is_some_and(|since| now.since(since) < self.stale_grace)
    }

    /// The whole market changed: a gap opened or closed, the feed fell silent, a snapshot came.
    #[cold]
    #[inline(never)]
    fn on_market(&mut self, record: &EventRecord, change: &Change, now: Nanos) {
        self.policy.on_event(record, change, &self.books, now);
        if let Some(trials) = &mut self.trials {
            trials.contest.interrupt();
        }
        if !self.books.is_stale() {
            self.stale_since = None;
            self.stale_handled = false;
            self.requote_all();
        } else if self.stale_since.is_none() {
            self.stale_since = Some(now);
            self.counters.stale_times += 1;
        }
    }

    /// The directory named an instrument.
    #[cold]
    #[inline(never)]
    fn on_directory(&mut self, record: &EventRecord, now: Nanos) {
        let id = record.instrument();
        if let Some(config) = self.instruments.bind(record.symbol(), id) {
            let known = self.risk.bind(id, config.limits).is_ok()
                && self.gateway.set_symbol(id, config.symbol)
                && self.policy.add_instrument(id);
            if !known {
                self.unbound = Some(config.symbol);
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.named(id, config.symbol, &config.limits, now);
            }
        }
    }

    /// Marks an instrument for another look.
    pub(crate) fn want_requote(&mut self, id: InstrumentId) {
        want(&mut self.requote, id);
    }

    /// Marks every instrument for another look.
    pub(crate) fn requote_all(&mut self) {
        self.requote.clear();
        for at in 0..self.instruments.len() {
            self.requote.extend(self.instruments.id(at));
        }
    }

    /// The books.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The risk check's state.
    pub fn risk(&self) -> &Risk {
        &self.risk
    }

    /// The order session.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The order session, for its life cycle: connected, disconnected, logout.
    pub fn gateway_mut(&mut self) -> &mut Gateway {
        &mut self.gateway
    }

    /// What the engine has done.
    pub fn counters(&self) -> &EngineCounters {
        &self.counters
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Symbols of the configuration that the directory has not named.
    pub fn missing_symbols(&self) -> impl Iterator<Item = Symbol> {
        self.instruments.missing()
    }

    /// An instrument of the configuration that has no room somewhere, because its locate or the
    /// number of instruments is beyond a bound: it is not traded, and the host should not go on.
    pub fn unbound_symbol(&self) -> Option<Symbol> {
        self.unbound
    }

    /// Symbol and locate of every instrument that is traded.
    pub fn instruments(&self) -> impl Iterator<Item = (Symbol, InstrumentId)> {
        self.instruments.bound()
    }

    /// The directory has named every instrument and the books are good: the order session may
    /// start.
    pub fn is_synced(&self) -> bool {
        self.instruments.all_bound() && !self.books.is_stale()
    }

    /// The order session is recovered.
    pub(crate) fn is_session_ready(&self) -> bool {
        self.gateway.session() == Session::Ready
    }
}

/// What an answer of the venue changes.
#[inline]
fn take_in(
    ack: &Ack,
    risk: &mut Risk,
    books: &mut Books,
    counters: &mut EngineCounters,
    requote: &mut Vec<InstrumentId>,
    now: Nanos,
) {
    risk.on_ack(ack, now);
    count(counters, ack);
    watch_queue(books, ack);
    want(requote, ack.instrument);
}

/// Adds an instrument once; there is room for every one that is traded.
fn want(requote: &mut Vec<InstrumentId>, id: InstrumentId) {
    if requote.len() < requote.capacity() && !requote.contains(&id) {
        requote.push(id);
    }
}

fn count(counters: &mut EngineCounters, ack: &Ack) {
    match ack.kind {
        AckKind::Accepted { .. } | AckKind::Replaced { .. } => counters.accepted += 1,
        AckKind::Canceled { .. } => counters.canceled += 1,
        AckKind::Executed { qty, .. } if ack.side == Side::Buy => {
            counters.fills_bought += 1;
            counters.shares_bought += u64::from(qty.0);
        }
        AckKind::Executed { qty, .. } => {
            counters.fills_sold += 1;
            counters.shares_sold += u64::from(qty.0);
        }
        AckKind::Rejected { .. } => counters.venue_rejected += 1,
        AckKind::Broken { .. }
        | AckKind::CancelPending
        | AckKind::CancelRejected
        | AckKind::PriorityChanged { .. }
        | AckKind::Modified
        | AckKind::NotReceived => {}
    }
}

/// Has the book follow the queue position of our orders. An order that leaves the book leaves the
/// watch with it.
fn watch_queue(books: &mut Books, ack: &Ack) {
    match ack.kind {
        AckKind::Accepted { order_ref }
        | AckKind::Replaced { order_ref, .. }
        | AckKind::PriorityChanged { order_ref }
            if ack.open.0 > 0 =>
        {
            books.watch(order_ref);
        }
        _ => {}
    }
}
