//! One participant that trades through the host's own code: production features, quoter rules and
//! risk, and, where a strategy of the host decides, the production policy as a whole.
//!
//! What it does at an event is what `host/engine` does: policy, mark, decide, risk, send. What the
//! order session's gateway would know is kept by `orders.rs`.

use super::orders::{Orders, Request};
use super::{Account, INSTRUMENT};
use tercel_abi::EventRecord;
use tercel_book::{Books, Change, Effect};
use tercel_exchange::matching::AccountId;
use tercel_policy::quoter::{Bounds, Quoter, target};
use tercel_policy::strategy::Desired;
use tercel_policy::{
    Features, InstrumentPolicy, Policy, PolicyConfig, PolicyError, QuoteRules, StrategyConfig, tick,
};
use tercel_risk::{InstrumentLimits, Risk, RiskConfig, RiskConfigError};
use tercel_types::{
    Ack, AckKind, Intent, Intents, MarketView, Nanos, Own, Price, Qty, Side, Symbol, TradingState,
    WorkingState,
};

/// How a participant chooses prices.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Quotes {
    /// None are wanted; what is live is cancelled.
    None,
    /// At these distances from the mid price, until something else is said.
    Offsets {
        /// Ticks of the bid below the mid.
        bid: f64,
        /// Ticks of the ask above the mid.
        ask: f64,
    },
    /// Only what brings the position towards zero, as near as post-only allows.
    Flatten,
    /// By the strategy that the participant was made with.
    Strategy,
}

/// What a participant is made with.
#[derive(Clone, Debug)]
pub struct TraderConfig {
    /// The strategy of [`Quotes::Strategy`].
    pub strategy: StrategyConfig,
    /// How quotes are kept.
    pub quote: QuoteRules,
    /// The account's and the venue's limits.
    pub risk: RiskConfig,
    /// The instrument's limits.
    pub limits: InstrumentLimits,
}

/// Why a participant cannot be made.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TraderError {
    /// Strategy or quoting rules.
    #[error("policy: {0}")]
    Policy(#[from] PolicyError),
    /// Limits.
    #[error("risk: {} is {}, allowed is {}", .0.field, .0.value, .0.allowed)]
    Risk(RiskConfigError),
}

/// What a participant has done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TraderCounters {
    /// Decisions.
    pub decisions: u64,
    /// Intents that risk refused.
    pub refused: u64,
    /// Orders that left: entries, replaces and cancels.
    pub sent: u64,
    /// Orders and replaces that the venue accepted.
    pub accepted: u64,
    /// Those of them that the venue let in dead: post-only ones that would have traded.
    pub dead: u64,
    /// Refusals of the venue.
    pub rejected: u64,
}

/// The participant.
pub struct Trader {
    pub(super) id: AccountId,
    policy: Policy,
    risk: Risk,
    orders: Orders,
    rules: QuoteRules,
    quoter: Quoter,
    quotes: Quotes,
    /// The last decision, by prices from outside, wanted nothing and put nothing off. What it went
    /// by was the best prices, the state of the market, our orders and the position: until one of
    /// them changes, another decision would want nothing either.
    settled: bool,
    /// The venue's account of it.
    pub(super) account: Account,
    counters: TraderCounters,
}

impl Trader {
    /// A participant that quotes nothing yet.
    ///
    /// # Errors
    /// [`TraderError`] for the first value that is not allowed.
    pub fn new(
        id: AccountId,
        symbol: Symbol,
        config: &TraderConfig,
        now: Nanos,
    ) -> Result<Trader, TraderError> {
        let policy = PolicyConfig {
            instruments: vec![InstrumentPolicy::new(symbol)],
            strategy: config.strategy.clone(),
            quote: config.quote,
        };
        let mut policy = Policy::new(policy)?;
        policy.add_instrument(INSTRUMENT);
        let mut risk = Risk::new(config.risk).map_err(TraderError::Risk)?;
        risk.bind(INSTRUMENT, config.limits).map_err(TraderError::Risk)?;
        Ok(Trader {
            id,
            policy,
            risk,
            orders: Orders::new(),
            rules: config.quote,
            quoter: Quoter::default(),
            quotes: Quotes::None,
            settled: false,
            account: Account::new(now),
            counters: TraderCounters::default(),
        })
    }

    /// What it quotes from its next decision on.
    pub fn set_quotes(&mut self, quotes: Quotes) {
        self.quotes = quotes;
        self.settled = false;
    }

    /// The venue's account of it.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its own risk check.
    pub fn risk(&self) -> &Risk {
        &self.risk
    }

    /// What it has done.
    pub fn counters(&self) -> &TraderCounters {
        &self.counters
    }

    /// Its orders and position, as it knows them.
    pub fn own(&self) -> Own {
        self.orders.own(self.risk.position(INSTRUMENT))
    }

    /// Nothing of it is open or under way.
    pub fn is_idle(&self) -> bool {
        self.orders.is_empty()
    }

    /// The production features as of `now`.
    pub fn features(&self, books: &Books, now: Nanos) -> Features {
        self.policy.features(INSTRUMENT, books, &self.own(), now)
    }

    /// One record of the feed, after the books have applied it.
    #[inline]
    pub(super) fn on_record(
        &mut self,
        record: &EventRecord,
        change: &Change,
        books: &Books,
        now: Nanos,
        send: &mut impl FnMut(Request),
    ) {
        if change.effect == Effect::None && change.trade.is_none() {
            return;
        }
        self.policy.on_event(record, change, books, now);
        let moved =
            matches!(change.effect, Effect::Book { top: true, .. }) || change.trade.is_some();
        if self.settled && !moved && matches!(change.effect, Effect::Book { .. }) {
            debug_assert!(self.is_settled(books, now), "a decision would have done something");
            self.counters.decisions += 1;
            return;
        }
        if moved {
            let view = books.market_view(INSTRUMENT);
            self.risk.mark(INSTRUMENT, &view, now);
        }
        self.decide(books, now, send);
    }

    /// One answer of the venue.
    pub(super) fn on_ack(
        &mut self,
        ack: &Ack,
        books: &mut Books,
        now: Nanos,
        send: &mut impl FnMut(Request),
    ) {
        let orphan = self.orders.on_ack(ack);
        self.risk.on_ack(ack, now);
        if let Some(user_ref) = orphan {
            let gone = Ack { user_ref, open: Qty::ZERO, kind: AckKind::NotReceived, ..*ack };
            self.risk.on_ack(&gone, now);
        }
        match ack.kind {
            AckKind::Accepted { order_ref } | AckKind::Replaced { order_ref, .. } => {
                self.counters.accepted += 1;
                if ack.open.0 > 0 {
                    books.watch(order_ref);
                } else {
                    self.counters.dead += 1;
                }
            }
            AckKind::Rejected { .. } => self.counters.rejected += 1,
            _ => {}
        }
        self.decide(books, now, send);
    }

    /// Decides what to do now, and does what risk lets it.
    #[inline]
    pub(super) fn decide(&mut self, books: &Books, now: Nanos, send: &mut impl FnMut(Request)) {
        self.settled = false;
        if self.quotes == Quotes::None && self.orders.is_empty() {
            return;
        }
        self.counters.decisions += 1;
        let own = self.own();
        let intents = match self.quotes {
            Quotes::Strategy => self.policy.decide(INSTRUMENT, books, &own, now),
            quotes => self.held(quotes, books, &own, now),
        };
        for intent in intents.iter() {
            let (user_ref, view) = (self.orders.next_user_ref(), books.market_view(INSTRUMENT));
            match self.risk.check(intent, user_ref, &view, now) {
                Ok(approved) => match self.orders.send(approved.get(), now) {
                    Some(request) => {
                        self.counters.sent += 1;
                        send(request);
                    }
                    None => self.risk.withdraw(&approved),
                },
                Err(_) => self.counters.refused += 1,
            }
        }
    }

    /// Whether a decision now would really do nothing: asked at every event in the tests.
    fn is_settled(&mut self, books: &Books, now: Nanos) -> bool {
        let (own, before) = (self.own(), self.quoter);
        let intents = self.held(self.quotes, books, &own, now);
        self.settled && intents.is_empty() && self.quoter == before
    }

    /// What [`Policy::decide`] does, with prices that come from outside.
    #[inline]
    fn held(&mut self, quotes: Quotes, books: &Books, own: &Own, now: Nanos) -> Intents {
        let view = books.market_view(INSTRUMENT);
        let mut intents = Intents::default();
        let Some(desired) = desired(quotes, &view, own) else {
            for order in [own.bid, own.ask].into_iter().flatten() {
                if order.state == WorkingState::Live {
                    intents.push(Intent::Cancel { original: order.user_ref });
                }
            }
            return intents;
        };
        let bounds = Bounds { top: view.top, bands: view.bands };
        let mut put_off = false;
        for side in [Side::Buy, Side::Sell] {
            let target = target(&self.rules, &desired, &bounds, own, side);
            let quote = (INSTRUMENT, side);
            put_off |= self.quoter.side(&self.rules, quote, target, own, now, &mut intents);
        }
        self.settled = intents.is_empty() && !put_off;
        intents
    }
}

/// The prices wanted; `None` where nothing may be quoted.
fn desired(quotes: Quotes, view: &MarketView, own: &Own) -> Option<Desired> {
    if view.stale || view.state != TradingState::Trading || !view.top.is_two_sided() {
        return None;
    }
    let mid_x2 = view.top.bid.price.0 + view.top.ask.price.0;
    let mid = mid_x2 as f64 * 0.5;
    let tick = tick::tick_at(Price(mid_x2 / 2)) as f64;
    match quotes {
        Quotes::Offsets { bid, ask } => Some(Desired::around(mid, bid * tick, ask * tick)),
        // A side without a number is not quoted; the other one is held back from crossing.
        Quotes::Flatten if own.position > 0 => Some(Desired { bid: f64::NAN, ask: 0.0 }),
        Quotes::Flatten if own.position < 0 => Some(Desired { bid: 1e12, ask: f64::NAN }),
        _ => None,
    }
}
