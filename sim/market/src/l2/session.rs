//! One instrument's market on a simulated clock: the venue's matching engine, background agents,
//! the public feed into production books, and participants that trade through production code.
//!
//! Everything happens at an exact time, the earliest first; at equal times the feed comes before
//! answers, answers before orders, and orders before the background. Nothing allocates once the
//! queues have their size.

use super::agent::Agent;
use super::orders::Request;
use super::record;
use super::scenario::Latencies;
use super::trader::Trader;
use super::{FIRST_TRADER, INSTRUMENT};
use std::collections::VecDeque;
use std::hint::select_unpredictable;
use tercel_abi::EventRecord;
use tercel_book::{Books, Limits, LimitsError};
use tercel_exchange::Fees;
use tercel_exchange::matching::{
    AccountId, Command, Event, Lifetime, Liquidity, Listing, MarketRead, Matching, NewOrder, Order,
    Owner, RejectReason, Terms,
};
use tercel_types::{Ack, AckKind, Nanos, Price, Qty, Side, Symbol, TradingState};

/// What has happened in a session.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SessionCounters {
    /// Commands that the matching engine was given.
    pub commands: u64,
    /// Events of the engine.
    pub events: u64,
    /// Records of the feed that went through the books and the features.
    pub records: u64,
    /// Executions.
    pub executions: u64,
}

/// What is under way.
#[derive(Default)]
struct Wire {
    feed: VecDeque<EventRecord>,
    answers: VecDeque<(Nanos, usize, Ack)>,
    orders: VecDeque<(Nanos, usize, Request)>,
}

/// The session.
pub struct Session {
    matching: Matching,
    books: Books,
    agents: Vec<Box<dyn Agent>>,
    /// When each agent acts next, side by side, and who acts first and when: it is asked before
    /// every event and changes only when one has acted.
    due: Vec<Nanos>,
    first: (Nanos, usize),
    traders: Vec<Trader>,
    wire: Wire,
    events: Vec<Event>,
    latencies: Latencies,
    fees: Fees,
    now: Nanos,
    mid_x2: i64,
    counters: SessionCounters,
}

/// Orders the engine and the books hold. The markets here have up to some 300 at once. The books
/// keep half a kilobyte for each and go round all of it as order numbers grow, which is most of
/// what a session takes, and what the caches have to hold of every lane.
const ORDERS_MAX: usize = 1_024;

/// A time that does not come.
const NEVER: Nanos = Nanos(u64::MAX);

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Feed,
    Answer,
    Order,
    Agent(usize),
}

impl Session {
    /// A session that trades from `start` on, with an empty book. `reference` is the last close.
    ///
    /// # Errors
    /// Without memory for the books.
    pub fn new(
        symbol: Symbol,
        reference: Price,
        (latencies, fees): (Latencies, Fees),
        start: Nanos,
    ) -> Result<Session, LimitsError> {
        let mut matching = Matching::new(ORDERS_MAX);
        matching.list(&Listing {
            instrument: INSTRUMENT,
            symbol,
            increment: Price::CENT.0,
            reference,
            state: TradingState::Trading,
        });
        let mut books = Books::new(&Limits {
            instruments_max: 2,
            orders_max: ORDERS_MAX,
            levels_max: ORDERS_MAX,
            watched_max: 64,
            prefault: false,
            huge_pages: false,
        })?;
        books.apply(&record::directory(INSTRUMENT, symbol, start));
        books.apply(&record::action(INSTRUMENT, TradingState::Trading, start));
        Ok(Session {
            matching,
            books,
            agents: Vec::new(),
            due: Vec::new(),
            first: (NEVER, 0),
            traders: Vec::new(),
            wire: Wire::default(),
            events: Vec::with_capacity(64),
            latencies,
            fees,
            now: start,
            mid_x2: 2 * reference.0,
            counters: SessionCounters::default(),
        })
    }

    /// Adds a background participant.
    pub fn add_agent(&mut self, agent: Box<dyn Agent>) {
        self.due.push(agent.next_time());
        self.first = soonest(&self.due);
        self.agents.push(agent);
    }

    /// Adds a participant; its number in this session. Its account has to be
    /// [`Session::account_of`] that number.
    pub fn add_trader(&mut self, trader: Trader) -> usize {
        self.traders.push(trader);
        self.traders.len() - 1
    }

    /// The account that the next participant has at the venue.
    pub fn account_of(trader: usize) -> AccountId {
        AccountId(FIRST_TRADER + trader as u16) // a session has a few
    }

    /// Goes on to `until`.
    pub fn advance(&mut self, until: Nanos) {
        while let Some((time, next)) = self.earliest(until) {
            self.now = time;
            match next {
                Next::Feed => {
                    if let Some(record) = self.wire.feed.pop_front() {
                        self.deliver(&record);
                    }
                }
                Next::Answer => {
                    if let Some((_, trader, ack)) = self.wire.answers.pop_front() {
                        self.answer(trader, &ack);
                    }
                }
                Next::Order => {
                    if let Some((_, trader, request)) = self.wire.orders.pop_front() {
                        self.request(trader, request);
                    }
                }
                Next::Agent(at) => {
                    let command = self.agents[at].act(&self.matching);
                    self.due[at] = self.agents[at].next_time();
                    self.first = soonest(&self.due);
                    if let Some(command) = command {
                        self.apply(&command);
                    }
                }
            }
        }
        self.now = until;
        for trader in &mut self.traders {
            trader.account.pass(until);
        }
    }

    /// Lets a participant decide now, outside of any event.
    pub fn decide(&mut self, trader: usize) {
        let Session { traders, wire, books, latencies, now, .. } = self;
        let due = *now + latencies.order;
        let orders = &mut wire.orders;
        traders[trader].decide(books, *now, &mut |request| {
            orders.push_back((due, trader, request));
        });
    }

    /// Hands a command to the engine as if a background participant had sent it now.
    pub fn apply(&mut self, command: &Command) {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.matching.apply(command, &mut events);
        self.counters.commands += 1;
        self.counters.events += events.len() as u64;
        for event in &events {
            self.tell(event);
        }
        self.events = events;
    }

    /// The time.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// The production books.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The venue's engine.
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// How many participants there are.
    pub fn traders(&self) -> usize {
        self.traders.len()
    }

    /// A participant.
    pub fn trader(&self, trader: usize) -> &Trader {
        &self.traders[trader]
    }

    /// A participant, to tell it what to quote.
    pub fn trader_mut(&mut self, trader: usize) -> &mut Trader {
        &mut self.traders[trader]
    }

    /// What has happened.
    pub fn counters(&self) -> &SessionCounters {
        &self.counters
    }

    /// Twice the venue's mid price, units of 1/10,000 dollar; while a side is empty the last one.
    pub fn mid_x2(&mut self) -> i64 {
        let touch = |side| self.matching.touch(INSTRUMENT, side);
        if let (Some(bid), Some(ask)) = (touch(Side::Buy), touch(Side::Sell)) {
            self.mid_x2 = bid.0 + ask.0;
        }
        self.mid_x2
    }

    /// What a share is worth, price units: what an agent knows, else the last mid price.
    fn worth(&self) -> f64 {
        let known = self.agents.iter().find_map(|agent| agent.value());
        known.unwrap_or(self.mid_x2 as f64 * 0.5)
    }

    /// Nothing is under way between venue and participants.
    pub fn is_quiet(&self) -> bool {
        let Wire { feed, answers, orders } = &self.wire;
        feed.is_empty() && answers.is_empty() && orders.is_empty()
    }

    /// The earliest of what is due by `until`.
    #[inline]
    fn earliest(&self, until: Nanos) -> Option<(Nanos, Next)> {
        let Wire { feed, answers, orders } = &self.wire;
        // From the last to come to the first, so that of equal times the first wins.
        let (mut best, agent) = self.first;
        let mut next = Next::Agent(agent);
        let heads = [
            (orders.front().map(|(time, ..)| *time), Next::Order),
            (answers.front().map(|(time, ..)| *time), Next::Answer),
            (feed.front().map(|record| Nanos(record.receive_time)), Next::Feed),
        ];
        for (time, head) in heads {
            if let Some(time) = time.filter(|time| *time <= best) {
                (best, next) = (time, head);
            }
        }
        (best <= until && best != NEVER).then(|| (best.max(self.now), next))
    }

    /// Tells everybody of an event: the public feed, and the participants concerned.
    #[inline]
    fn tell(&mut self, event: &Event) {
        let (time, delay) = (self.now, self.latencies.feed);
        self.answers_to(event);
        let Some(mut record) = record::tell(event, time) else { return };
        if delay.0 == 0 {
            self.deliver(&record);
        } else {
            record.receive_time = (time + delay).0;
            self.wire.feed.push_back(record);
        }
    }

    /// One record reaches the books, and the participants act on it.
    #[inline]
    fn deliver(&mut self, record: &EventRecord) {
        let Session { traders, wire, books, latencies, now, counters, .. } = self;
        let change = books.apply(record);
        counters.records += 1;
        let due = *now + latencies.order;
        for (at, trader) in traders.iter_mut().enumerate() {
            let orders = &mut wire.orders;
            trader.on_record(record, &change, books, *now, &mut |request| {
                orders.push_back((due, at, request));
            });
        }
    }

    /// An answer reaches its participant.
    fn answer(&mut self, trader: usize, ack: &Ack) {
        let Session { traders, wire, books, latencies, now, .. } = self;
        let due = *now + latencies.order;
        let orders = &mut wire.orders;
        traders[trader].on_ack(ack, books, *now, &mut |request| {
            orders.push_back((due, trader, request));
        });
    }

    /// What a participant sent reaches the venue, which does with it what its order port does.
    fn request(&mut self, trader: usize, request: Request) {
        let account = self.traders[trader].id;
        let owner = |user_ref| Owner { account, user_ref };
        match request {
            Request::Enter { user_ref, side, price, qty, immediate, post_only } => {
                let lifetime = if immediate { Lifetime::Immediate } else { Lifetime::Day };
                let terms = Terms { lifetime, post_only, ..Terms::limit(price, qty) };
                let owner = owner(user_ref);
                let new = NewOrder { instrument: INSTRUMENT, owner, side, terms };
                self.apply(&Command::Enter(new));
            }
            Request::Cancel { original } => {
                // A cancel of what is gone is not answered.
                if self.matching.find(owner(original)).is_some() {
                    self.apply(&Command::Cancel { owner: owner(original) });
                }
            }
            Request::Replace { original, user_ref, price, total } => {
                let Some(live) = self.matching.find(owner(original)) else { return };
                let open = total.saturating_sub(live.executed);
                let Ok(qty @ 1..) = u32::try_from(open) else {
                    // Nothing is left to be open: the venue cancels (OUCH 5.0 §2.2).
                    return self.apply(&Command::Cancel { owner: owner(original) });
                };
                let terms = Terms { price: Some(price), qty: Qty(qty), ..live.terms };
                self.apply(&Command::Replace { original: owner(original), user_ref, terms });
            }
        }
    }

    /// What the participants concerned are told of an event, and their accounts at the venue.
    #[inline]
    fn answers_to(&mut self, event: &Event) {
        match event {
            Event::Executed(trade) => {
                self.counters.executions += 1;
                let sides =
                    [(&trade.maker, trade.maker_liquidity()), (&trade.taker, Liquidity::Removed)];
                for (order, liquidity) in sides {
                    let (price, qty) = (trade.price, trade.qty);
                    let Some(at) = trader_of(order.account()) else {
                        // The background flow has account 0, the agents count from 1.
                        let agent = usize::from(order.account().0).checked_sub(1);
                        if let Some(agent) = agent.and_then(|at| self.agents.get_mut(at)) {
                            agent.on_fill(order.side, price, qty);
                        }
                        continue;
                    };
                    let resting = liquidity != Liquidity::Removed;
                    let what = (order.side, price, qty);
                    let how = (resting, self.worth());
                    self.traders[at].account.execute(what, how, &self.fees, self.now);
                    let (liquidity, match_number) = (liquidity.wire(), trade.match_number);
                    let kind = AckKind::Executed { qty, price, liquidity, match_number };
                    self.ack(at, order, kind);
                }
            }
            Event::Accepted { order, .. } => {
                if let Some(at) = trader_of(order.account()) {
                    self.ack(at, order, AckKind::Accepted { order_ref: order.order_ref });
                }
            }
            Event::Replaced { old, new, .. } => {
                if let Some(at) = trader_of(new.account()) {
                    let (original, order_ref) = (old.owner.user_ref, new.order_ref);
                    self.ack(at, new, AckKind::Replaced { original, order_ref });
                }
            }
            Event::Canceled { order, qty, reason, .. } => {
                if let Some(at) = trader_of(order.account()) {
                    self.ack(at, order, AckKind::Canceled { qty: *qty, reason: *reason });
                }
            }
            Event::Rejected { owner, reason, .. } => self.rejected(*owner, *reason),
            Event::Rested { .. }
            | Event::CrossFilled(_)
            | Event::Crossed { .. }
            | Event::StateChanged { .. } => {}
        }
    }

    fn ack(&mut self, trader: usize, order: &Order, kind: AckKind) {
        let ack = Ack {
            user_ref: order.owner.user_ref,
            instrument: order.instrument,
            side: order.side,
            price: order.price(),
            open: order.open,
            time: self.now,
            kind,
        };
        self.wire.answers.push_back((self.now + self.latencies.answer, trader, ack));
    }

    #[cold]
    fn rejected(&mut self, owner: Owner, reason: RejectReason) {
        let Some(trader) = trader_of(owner.account) else { return };
        let ack = Ack {
            user_ref: owner.user_ref,
            instrument: INSTRUMENT,
            side: Side::Buy,
            price: Price(0),
            open: Qty::ZERO,
            time: self.now,
            kind: AckKind::Rejected { reason: reason as u16 },
        };
        self.wire.answers.push_back((self.now + self.latencies.answer, trader, ack));
    }
}

/// The earliest of some times and whose it is; of equal ones the first.
#[inline]
fn soonest(due: &[Nanos]) -> (Nanos, usize) {
    let mut first = (NEVER, 0);
    for (at, time) in due.iter().enumerate() {
        // A choice and not a branch: which of them is first cannot be guessed.
        first = select_unpredictable(*time < first.0, (*time, at), first);
    }
    first
}

/// The participant of an account; `None` for the background.
#[inline]
fn trader_of(account: AccountId) -> Option<usize> {
    account.0.checked_sub(FIRST_TRADER).map(usize::from)
}
