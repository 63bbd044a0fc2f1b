//! Who decides: the host's policy as it is, or an agent that sets two distances from outside, by
//! way of the host's own quoter.

use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change};
use tercel_policy::quoter::{Bounds, Quoter, target};
use tercel_policy::strategy::Desired;
use tercel_policy::{Features, Policy, QuoteRules, tick};
use tercel_types::{InstrumentId, Intents, Nanos, Own, Side, TradingState};

/// Who decides.
pub(crate) enum Brain {
    /// The production policy.
    Policy(Box<Policy>),
    /// An agent; the policy is there for its features.
    Agent(Box<Agent>),
}

/// Quotes at distances that somebody sets.
pub(crate) struct Agent {
    features: Policy,
    quoter: Quoter,
    rules: QuoteRules,
    /// Ticks below and above the mid; `None` wants no quotes.
    pub(crate) offsets: Option<[f64; 2]>,
}

impl Agent {
    pub(crate) fn new(features: Policy, rules: QuoteRules) -> Agent {
        Agent { features, quoter: Quoter::default(), rules, offsets: None }
    }

    /// The production features.
    pub(crate) fn features(
        &self,
        id: InstrumentId,
        books: &Books,
        own: &Own,
        now: Nanos,
    ) -> Features {
        self.features.features(id, books, own, now)
    }

    fn decide(&mut self, id: InstrumentId, books: &Books, own: &Own, now: Nanos) -> Intents {
        let view = books.market_view(id);
        let sound = !view.stale && view.state == TradingState::Trading && view.top.is_two_sided();
        let mut intents = Intents::default();
        let bounds = Bounds { top: view.top, bands: view.bands };
        let desired = self.offsets.filter(|_| sound).map(|[below, above]| {
            let mid = (view.top.bid.price.0 + view.top.ask.price.0) as f64 * 0.5;
            let tick = tick::tick_at(view.top.bid.price) as f64;
            Desired::around(mid, below * tick, above * tick)
        });
        for side in [Side::Buy, Side::Sell] {
            let wanted = desired.and_then(|it| target(&self.rules, &it, &bounds, own, side));
            self.quoter.side(&self.rules, (id, side), wanted, own, now, &mut intents);
        }
        intents
    }
}

impl Brain {
    pub(crate) fn quotes(&self, id: InstrumentId) -> bool {
        self.policy().quotes(id)
    }

    fn policy(&self) -> &Policy {
        match self {
            Brain::Policy(policy) => policy,
            Brain::Agent(agent) => &agent.features,
        }
    }

    fn policy_mut(&mut self) -> &mut Policy {
        match self {
            Brain::Policy(policy) => policy,
            Brain::Agent(agent) => &mut agent.features,
        }
    }

    pub(crate) fn add_instrument(&mut self, id: InstrumentId) -> bool {
        self.policy_mut().add_instrument(id)
    }

    pub(crate) fn on_event(
        &mut self,
        record: &EventRecord,
        change: &Change,
        books: &Books,
        now: Nanos,
    ) {
        debug_assert_ne!(record.kind, Kind::Directory as u8);
        self.policy_mut().on_event(record, change, books, now);
    }

    pub(crate) fn decide(
        &mut self,
        id: InstrumentId,
        books: &Books,
        own: &Own,
        now: Nanos,
    ) -> Intents {
        match self {
            Brain::Policy(policy) => {
                let intents = policy.decide(id, books, own, now);
                policy.prepare();
                intents
            }
            Brain::Agent(agent) => agent.decide(id, books, own, now),
        }
    }
}
