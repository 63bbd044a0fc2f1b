//! One run: the venue's side and the host's, each on its own time, over one recording.
//!
//! The venue takes events and our messages in the order of its clock; the host takes the feed and
//! the venue's answers in the order in which they arrive, later. The one that is earliest is next.
//! What happens at the same instant is done in this order: the feed, answers, the timer, our
//! messages at the venue, the next event of the recording. So with no latency at all each event is
//! wholly acted on before the next, as on a host that runs to completion.

use crate::brain::{Agent, Brain};
use crate::event::{Event, bit};
use crate::host::Host;
use crate::latency::Line;
use crate::ledger::{Contract, Fill, Ledger, Mid, OrderStatistics, Request, Sample};
use crate::matching::{Exchange, Happening, Message, What, Working};
use crate::queue::QueueModel;
use crate::settings::{BacktestError, Settings, Trading};
use crate::store::Store;
use core::ops::Deref;
use std::collections::VecDeque;
use tercel_abi::EventRecord;
use tercel_policy::{FixedSpread, InstrumentPolicy, Policy, PolicyConfig, StrategyConfig};
use tercel_types::{Nanos, Price, Qty, Side, UserRef};

/// Position and money of one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Account {
    pub(crate) position: i64,
    pub(crate) cash: i128,
    pub(crate) fees: i64,
    lots: u64,
}

/// What the feed says of an order of ours, before which event of the recording.
#[derive(Clone, Copy, Debug)]
struct Echo {
    before: usize,
    time: Nanos,
    record: EventRecord,
}

/// A run under way.
pub(crate) struct Run<S> {
    store: S,
    settings: Settings,
    pub(crate) exchange: Exchange<S>,
    pub(crate) host: Host<S>,
    feed: Line,
    entry: Line,
    response: Line,
    /// Events that the venue has done, and those that the host has had.
    done: usize,
    heard: usize,
    /// When the next thing of the feed reaches the host, once it is known.
    next_feed: Option<Nanos>,
    /// Feed delay of the latest event that the host has had.
    recorded: u32,
    messages: VecDeque<(Nanos, Message)>,
    answers: VecDeque<(Nanos, Happening)>,
    echoes: VecDeque<Echo>,
    next_timer: Nanos,
    next_sample: Nanos,
    pub(crate) accounts: Vec<Account>,
    ledger: Ledger,
    last_time: Nanos,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Feed,
    Answer,
    Timer,
    Message,
    Event,
}

/// Runs a strategy over a recording.
///
/// # Errors
/// A configuration that cannot be meant, or a recording without events.
pub fn run(store: &Store, trading: &Trading, settings: &Settings) -> Result<Ledger, BacktestError> {
    let policy = policy_of(store, trading, trading.strategy.clone())?;
    let mut run = Run::new(store, trading, Brain::Policy(Box::new(policy)), settings)?;
    run.until(Nanos(u64::MAX));
    Ok(run.finish())
}

/// Orders that rest in a replay without a strategy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passive {
    /// Place of the instrument.
    pub instrument: u16,
    /// When it reaches the venue.
    pub time: Nanos,
    /// Its side.
    pub side: Side,
    /// Its limit.
    pub price: Price,
    /// How much.
    pub qty: Qty,
}

/// What a replay without a strategy leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Replayed {
    /// Events.
    pub events: u64,
    /// Lots of the passive orders that were executed.
    pub filled: u64,
    /// Lots that stand before what is left of them.
    pub ahead: u64,
    /// A checksum of the touch after each event.
    pub touch: u64,
}

/// Replays a recording on the venue's side alone: levels, orders of ours with what stands before
/// them, and the line on which orders come. No strategy is asked.
pub fn replay(store: &Store, queue: QueueModel, passive: &[Passive]) -> Replayed {
    let mut exchange = Exchange::new(store, queue);
    let mut waiting = passive.iter().enumerate().peekable();
    let mut replayed = Replayed::default();
    for event in &store.events {
        while let Some((at, order)) = waiting.next_if(|(_, order)| order.time <= event.time) {
            let user_ref = UserRef(at as u32 + 1);
            let terms = ((order.instrument, order.side), (order.price, order.qty));
            let order_in = Working::new(user_ref, terms.0, terms.1, true, false);
            exchange.on_message(&Message::Enter(order_in), order.time);
        }
        exchange.on_event(event);
        let levels = exchange.market.levels(event.instrument);
        let touch = levels.best(Side::Buy) ^ levels.best(Side::Sell);
        replayed.touch = replayed.touch.wrapping_add(u64::from(touch));
    }
    replayed.events = store.events.len() as u64;
    for happening in &exchange.happened {
        if let What::Executed { qty, .. } = happening.what {
            replayed.filled += u64::from(qty);
        }
    }
    replayed.ahead = exchange.resting().iter().map(Working::ahead).sum();
    replayed
}

fn policy_of(
    store: &Store,
    trading: &Trading,
    strategy: StrategyConfig,
) -> Result<Policy, BacktestError> {
    let symbols = store.instruments.iter().map(|one| one.contract.symbol);
    let config = PolicyConfig {
        instruments: symbols.map(InstrumentPolicy::new).collect(),
        strategy,
        quote: trading.quote,
    };
    Ok(Policy::new(config)?)
}

/// The brain of an agent that is asked from outside.
pub(crate) fn agent(store: &Store, trading: &Trading) -> Result<Brain, BacktestError> {
    let plain = FixedSpread { half_spread_ticks: 1.0, skew_ticks: 0.0 };
    let features = policy_of(store, trading, StrategyConfig::FixedSpread(plain))?;
    Ok(Brain::Agent(Box::new(Agent::new(features, trading.quote))))
}

impl<S: Deref<Target = Store> + Clone> Run<S> {
    pub(crate) fn new(
        store: S,
        trading: &Trading,
        brain: Brain,
        settings: &Settings,
    ) -> Result<Run<S>, BacktestError> {
        settings.validate()?;
        if store.events.is_empty() {
            return Err(BacktestError::Empty);
        }
        let contracts = store.contracts();
        for (at, one) in contracts.iter().enumerate() {
            if contracts[..at].iter().any(|before| before.instrument == one.instrument) {
                return Err(BacktestError::Instruments);
            }
        }
        let (begin, _) = store.span();
        let ways = &settings.latencies;
        let line = |way: &crate::latency::Latency, at: u64| {
            Line::new(way.clone(), settings.seed.wrapping_mul(4).wrapping_add(at))
        };
        let never = Nanos(u64::MAX);
        let timer = if settings.timer.0 == 0 { never } else { begin + settings.timer };
        Ok(Run {
            exchange: Exchange::new(store.clone(), settings.queue),
            host: Host::new(store.clone(), trading, brain, settings.queue)?,
            feed: line(&ways.feed, 1),
            entry: line(&ways.entry, 2),
            response: line(&ways.response, 3),
            done: 0,
            heard: 0,
            next_feed: None,
            recorded: 0,
            messages: VecDeque::new(),
            answers: VecDeque::new(),
            echoes: VecDeque::new(),
            next_timer: timer,
            next_sample: begin + settings.sample,
            accounts: vec![Account::default(); contracts.len()],
            ledger: Ledger::new(contracts),
            last_time: begin,
            store,
            settings: settings.clone(),
        })
    }

    /// When the next thing of the feed reaches the host, if the venue has got that far.
    fn feed_time(&mut self) -> Option<Nanos> {
        if self.next_feed.is_none() {
            let (time, delay) = match self.next_echo() {
                Some(echo) => (echo.time, self.recorded),
                None => {
                    let next = self.store.heard_at(self.heard).filter(|next| *next < self.done)?;
                    let event = &self.store.events[next];
                    (event.time, event.delay)
                }
            };
            self.next_feed = Some(self.feed.arrival(time, delay));
        }
        self.next_feed
    }

    /// What the feed says of ours, if that is next: not before an event that happened earlier and
    /// is the next to be heard.
    fn next_echo(&self) -> Option<&Echo> {
        let next = self.store.heard_at(self.heard);
        self.echoes.front().filter(|echo| next.is_none_or(|next| echo.before <= next))
    }

    /// What comes next, and when.
    fn next(&mut self) -> Option<(Nanos, Next)> {
        let over = self.done == self.store.events.len();
        let mut best: Option<(Nanos, Next)> = None;
        let mut offer = |time: Option<Nanos>, what| {
            if let Some(time) = time
                && best.is_none_or(|(earliest, _)| time < earliest)
            {
                best = Some((time, what));
            }
        };
        offer(self.feed_time(), Next::Feed);
        offer(self.answers.front().map(|one| one.0), Next::Answer);
        offer((!over).then_some(self.next_timer), Next::Timer);
        offer(self.messages.front().map(|one| one.0), Next::Message);
        offer(self.store.events.get(self.done).map(|event| event.time), Next::Event);
        best
    }

    /// Goes on until everything before `end` is done; `false` when nothing is left at all.
    pub(crate) fn until(&mut self, end: Nanos) -> bool {
        loop {
            let Some((time, next)) = self.next() else { return false };
            if time >= end {
                return true;
            }
            self.step(time, next);
        }
    }

    fn step(&mut self, time: Nanos, next: Next) {
        match next {
            Next::Feed => self.hear(time),
            Next::Answer => {
                if let Some((_, answer)) = self.answers.pop_front() {
                    self.host.on_answer(&answer, time);
                }
                self.send(time);
            }
            Next::Timer => {
                self.next_timer = Nanos(time.0.saturating_add(self.settings.timer.0));
                self.host.on_timer(time);
                self.send(time);
            }
            Next::Message => {
                if let Some((_, message)) = self.messages.pop_front() {
                    self.sample_until(time);
                    self.exchange.on_message(&message, time);
                    self.note(self.done);
                }
            }
            Next::Event => {
                let event = self.store.events[self.done];
                self.sample_until(time);
                self.exchange.on_event(&event);
                // A fill that an event brought is told before it: we were first.
                self.note(self.done);
                self.done += 1;
                self.last_time = time;
                self.note_mid(&event);
            }
        }
    }

    fn hear(&mut self, now: Nanos) {
        self.next_feed = None;
        if self.next_echo().is_some() {
            if let Some(echo) = self.echoes.pop_front() {
                self.host.on_echo(&echo.record, now);
            }
        } else if let Some(next) = self.store.heard_at(self.heard) {
            let event = &self.store.events[next];
            self.heard += 1;
            self.recorded = event.delay;
            self.host.on_event(event, now);
        }
        self.send(now);
    }

    /// What the host wants to say leaves.
    pub(crate) fn send(&mut self, now: Nanos) {
        for (message, sent) in self.host.outbox.drain(..) {
            let arrives = self.entry.arrival(now, self.recorded);
            self.messages.push_back((arrives, message));
            let orders = &mut self.ledger.orders;
            match sent.request {
                Request::Enter => orders.entered += 1,
                Request::Replace => orders.replaced += 1,
                Request::Cancel => orders.canceled += 1,
            }
            self.ledger.sent.push(sent);
        }
    }

    /// Answers, echoes and the ledger's lines of what has happened at the venue.
    fn note(&mut self, before: usize) {
        for at in 0..self.exchange.happened.len() {
            let happening = self.exchange.happened[at];
            let place = usize::from(happening.order.instrument);
            let contract = self.store.instruments[place].contract;
            self.ledger.orders.note(&happening);
            if let What::Executed { qty, price, maker, mid_x2, touch } = happening.what {
                let order = &happening.order;
                let account = &mut self.accounts[place];
                let fees = &self.settings.fees;
                let fee = fees.of(&contract, maker, price, Qty(qty), account.lots);
                let fill = Fill {
                    instrument: contract.instrument,
                    time: happening.time,
                    side: order.side,
                    price,
                    qty: Qty(qty),
                    fee,
                    mid_x2,
                    touch,
                    maker,
                    queue_ahead: order.queue_ahead,
                    entered: order.entered,
                    user_ref: order.user_ref,
                };
                account.position += order.side.sign() * i64::from(qty);
                account.cash -= i128::from(order.side.sign()) * fill.notional();
                account.fees = account.fees.saturating_add(fee);
                account.lots += u64::from(qty);
                self.ledger.fills.push(fill);
            }
            if let Some(record) = happening.echo(contract.instrument) {
                self.echoes.push_back(Echo { before, time: happening.time, record });
            }
            let answered = !matches!(happening.what, What::Rested | What::TooLate);
            if answered {
                let arrives = self.response.arrival(happening.time, self.recorded);
                self.answers.push_back((arrives, happening));
            }
        }
        self.exchange.happened.clear();
    }

    fn note_mid(&mut self, event: &Event) {
        if event.has(bit::MORE) {
            return;
        }
        let mid_x2 = self.exchange.mid_x2(event.instrument);
        let mids = &mut self.ledger.mids[usize::from(event.instrument)];
        match mids.last_mut() {
            Some(last) if last.mid_x2 == mid_x2 => {}
            Some(last) if last.time == event.time => last.mid_x2 = mid_x2,
            None if mid_x2 == 0 => {}
            _ => mids.push(Mid { time: event.time, mid_x2 }),
        }
    }

    /// Samples that are due before `time`.
    fn sample_until(&mut self, time: Nanos) {
        while self.next_sample <= time {
            let at = self.next_sample;
            self.sample(at);
            self.next_sample = at + self.settings.sample;
        }
    }

    fn sample(&mut self, time: Nanos) {
        for place in 0..self.accounts.len() {
            let sample = self.now(place, time);
            self.ledger.samples.push(sample);
        }
    }

    /// Account and market of one instrument now.
    pub(crate) fn now(&mut self, place: usize, time: Nanos) -> Sample {
        let number = place as u16; // fewer than 65,535
        let mid_x2 = self.exchange.mid_x2(number);
        let best = |side| {
            let best = self.exchange.market.best(&self.store, number, side);
            best.map_or(Default::default(), |(price, _)| price)
        };
        let account = self.accounts[place];
        Sample {
            instrument: self.store.instruments[place].contract.instrument,
            time,
            mid_x2,
            bid: best(Side::Buy),
            ask: best(Side::Sell),
            position: account.position,
            cash: account.cash,
            fees: account.fees,
        }
    }

    /// The ledger, closed.
    pub(crate) fn finish(mut self) -> Ledger {
        let last = self.last_time;
        self.sample(last);
        self.ledger.events = self.done as u64;
        self.ledger.decisions = self.host.decisions;
        self.ledger.orders.refused = self.host.refused;
        self.ledger.span = self.store.span();
        for order in self.exchange.resting() {
            self.ledger.orders.ended(order, last);
        }
        self.ledger
    }

    /// An instrument by its place.
    pub(crate) fn contract(&self, place: usize) -> Contract {
        self.store.instruments[place].contract
    }
}

impl OrderStatistics {
    fn note(&mut self, happening: &Happening) {
        let Happening { time, order, what } = happening;
        match *what {
            What::Accepted { live, rests } | What::Replaced { live, rests, .. } => {
                self.rejected += u64::from(!live);
                if rests {
                    self.at_rest(order.open, order.queue_ahead);
                }
            }
            What::Rested => self.at_rest(order.open, order.queue_ahead),
            What::Executed { qty, maker: true, .. } => {
                self.lots_made += u64::from(qty);
                self.queue_wait += u128::from(time.since(order.entered).0);
                if order.open == 0 {
                    self.ended(order, *time);
                }
            }
            What::Executed { qty, .. } => {
                self.lots_taken += u64::from(qty);
                self.filled += u64::from(order.open == 0);
            }
            What::Canceled { from_book: true, .. } => self.ended(order, *time),
            What::Canceled { .. } => self.partly_filled += u64::from(order.touched),
            What::TooLate => self.too_late += 1,
        }
    }

    fn at_rest(&mut self, qty: u32, ahead: u64) {
        self.rested += 1;
        self.lots_rested += u64::from(qty);
        self.queue_ahead += u128::from(ahead);
    }

    /// A resting order has ended.
    fn ended(&mut self, order: &crate::matching::Working, time: Nanos) {
        self.lifetime += u128::from(time.since(order.entered).0);
        if order.open == 0 && order.touched && !order.left {
            self.filled += 1;
        } else if order.touched {
            self.partly_filled += 1;
        }
    }
}
