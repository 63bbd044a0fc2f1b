//! Markets by name: what trades in them, what trading costs, and what an agent is paid for.

use super::agent::Agent;
use super::agents::{
    Background, BranchingError, Fundamental, FundamentalConfig, Hawkes, HawkesConfig, Maker,
    MakerConfig, Momentum, MomentumConfig, ZeroIntelligence, ZeroIntelligenceConfig,
};
use super::session::Session;
use super::trader::{Quotes, Trader, TraderConfig, TraderError};
use tercel_book::LimitsError;
use tercel_exchange::Fees;
use tercel_exchange::flow::{FlowConfig, FlowError, SymbolFlow};
use tercel_policy::{FixedSpread, QuoteRules, StrategyConfig};
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, RiskConfig, VenueLimits,
};
use tercel_types::{Money, Nanos, Price, Qty, Symbol};

use super::INSTRUMENT;

/// How long things travel.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Latencies {
    /// From an event at the venue to the participants' books.
    pub feed: Nanos,
    /// From a participant to the matching engine.
    pub order: Nanos,
    /// From the matching engine back.
    pub answer: Nanos,
}

/// What an agent is paid for: dollars gained, less φ q² Δt.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Objective {
    /// Risk aversion γ, 1/$: φ = γ σ²/2, with σ² the variance of the instrument's value per second
    /// (news included), so that what is taken off is γ/2 times the variance of what the position
    /// earns (Markowitz; the same as Cartea, Jaimungal and Penalva 2015, §10.3, with φ so chosen).
    pub risk_aversion: f64,
}

/// An instrument of a scenario.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Instrument {
    /// Its symbol.
    pub symbol: Symbol,
    /// How it is traded.
    pub flow: SymbolFlow,
}

/// One of those who trade in the background.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Participant {
    /// The venue's own flow, of the instrument's numbers and [`Scenario::rate`].
    Flow,
    /// Zero intelligence.
    ZeroIntelligence(ZeroIntelligenceConfig),
    /// Orders that call for orders.
    Hawkes(HawkesConfig),
    /// Informed traders.
    Fundamental(FundamentalConfig),
    /// Trend followers.
    Momentum(MomentumConfig),
    /// A market maker.
    Maker(MakerConfig),
}

/// A market.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The instruments, one for each session in turn.
    pub instruments: Vec<Instrument>,
    /// Who trades in the background.
    pub background: Vec<Participant>,
    /// Strategies of the host that quote besides the agent (self-play, with a policy of its own).
    pub rivals: Vec<StrategyConfig>,
    /// Arrivals of the venue's flow a second and instrument.
    pub rate: f64,
    /// Time from the empty book until anybody but the background may quote.
    pub settle: Nanos,
    /// Latencies.
    pub latencies: Latencies,
    /// Fees a share; a rebate is negative.
    pub fees: Fees,
    /// What is paid for.
    pub objective: Objective,
    /// How quotes are kept.
    pub quote: QuoteRules,
    /// The limits of an account.
    pub risk: RiskConfig,
    /// Its limits in the instrument.
    pub limits: InstrumentLimits,
}

/// Why a session cannot be made.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A participant.
    #[error(transparent)]
    Trader(#[from] TraderError),
    /// The background.
    #[error("background flow: {0}")]
    Flow(#[from] FlowError),
    /// A self-exciting process.
    #[error(transparent)]
    Branching(#[from] BranchingError),
    /// The books.
    #[error("books: {0}")]
    Books(#[from] LimitsError),
}

impl Scenario {
    /// What `tercel demo` runs, seen from one instrument: 20 symbols at 2,000 arrivals a second
    /// together, of which the host quotes the first four, without fees.
    ///
    /// The symbols of the venue's flow share nothing but the clock: the arrivals of each are a
    /// Hawkes process of its own with a twentieth of the rate, and the values are independent. So
    /// one session an instrument has the very law of the demo's market.
    pub fn demo() -> Scenario {
        let instrument = |at: i64| {
            // As `tercel exchange` lists them.
            let cents = 2_000 + (at * 7_919) % 48_000;
            let symbol = Symbol::new(&format!("SIM{at:03}")).unwrap_or_default();
            Instrument { symbol, flow: SymbolFlow::new(INSTRUMENT, Price(cents * Price::CENT.0)) }
        };
        Scenario {
            instruments: (0..4).map(instrument).collect(),
            background: vec![Participant::Flow],
            rivals: Vec::new(),
            rate: 100.0,
            settle: Nanos(0),
            latencies: Latencies {
                feed: Nanos(50_000),
                order: Nanos(50_000),
                answer: Nanos(50_000),
            },
            fees: Fees::default(),
            objective: Objective { risk_aversion: 0.01 },
            quote: QuoteRules::default(),
            risk: risk(),
            limits: limits(),
        }
    }

    /// The same market for somebody who trades in `times` as many shares: quotes, largest position
    /// and every limit that is in shares or dollars. Who else trades stays as it is.
    pub fn with_size(mut self, times: u32) -> Scenario {
        let whole = i64::from(times);
        let quote = &mut self.quote;
        (quote.order_qty, quote.position_max) =
            (Qty(quote.order_qty.0 * times), quote.position_max * whole);
        let account = &mut self.risk.account;
        for limit in [
            &mut account.gross_max,
            &mut account.net_max,
            &mut account.credit_max,
            &mut account.realised_loss_max,
            &mut account.unrealised_loss_max,
            &mut account.drawdown_max,
            &mut self.limits.order_notional_max,
            &mut self.limits.gross_max,
            &mut self.limits.net_max,
        ] {
            limit.0 *= whole;
        }
        self.limits.order_qty_max.0 *= times;
        self.limits.position_max *= times;
        self.limits.located *= times;
        self
    }

    /// The same market with latencies that are `times` as long.
    pub fn with_latency(mut self, times: u64) -> Scenario {
        let Latencies { feed, order, answer } = &mut self.latencies;
        for latency in [feed, order, answer] {
            latency.0 *= times;
        }
        self
    }

    /// Zero intelligence alone, in one instrument: the smallest market that matches.
    pub fn zero_intelligence() -> Scenario {
        let config = ZeroIntelligenceConfig::default();
        let mut scenario = Scenario {
            background: vec![Participant::ZeroIntelligence(config)],
            settle: Nanos::from_secs(10),
            ..Scenario::demo()
        };
        scenario.instruments.truncate(2);
        scenario.instruments.remove(0);
        scenario
    }

    /// All kinds of participants together, in one instrument.
    pub fn agents() -> Scenario {
        let scenario = Scenario::zero_intelligence();
        let value = scenario.instruments[0].flow.initial_price;
        let quiet = ZeroIntelligenceConfig { markets: 1.5, ..ZeroIntelligenceConfig::default() };
        let background = vec![
            Participant::ZeroIntelligence(quiet),
            Participant::Hawkes(HawkesConfig::default()),
            Participant::Fundamental(FundamentalConfig::new(value)),
            Participant::Momentum(MomentumConfig::default()),
            Participant::Maker(MakerConfig::default()),
        ];
        Scenario { background, ..scenario }
    }

    /// Variance of the instrument's value per second, $²/s: wandering and news.
    pub fn variance(&self, instrument: usize) -> f64 {
        let flow = &self.instruments[instrument].flow;
        let price = flow.initial_price.0 as f64 / Price::PER_DOLLAR as f64;
        let news = flow.jump_rate * flow.jump_size * flow.jump_size;
        price * price * (flow.volatility * flow.volatility + news)
    }

    /// φ of the objective for an instrument, $ per share² and second.
    pub fn phi(&self, instrument: usize) -> f64 {
        0.5 * self.objective.risk_aversion * self.variance(instrument)
    }

    /// The market of an instrument at its start, and nobody in it but the background.
    ///
    /// # Errors
    /// [`ScenarioError`] if a number of the scenario is not allowed.
    pub fn session(&self, instrument: usize, seed: u64) -> Result<Session, ScenarioError> {
        let Instrument { symbol, flow } = self.instruments[instrument];
        let start = Nanos(0);
        let costs = (self.latencies, self.fees);
        let mut session = Session::new(symbol, flow.initial_price, costs, start)?;
        for agent in self.participants(instrument, seed)? {
            session.add_agent(agent);
        }
        session.advance(self.settle);
        Ok(session)
    }

    /// Those who trade in the background of an instrument, for sessions and for whoever runs them
    /// at a venue of its own.
    ///
    /// # Errors
    /// [`ScenarioError`] if a number of the scenario is not allowed.
    pub fn participants(
        &self,
        instrument: usize,
        seed: u64,
    ) -> Result<Vec<Box<dyn Agent>>, ScenarioError> {
        let (flow, start) = (self.instruments[instrument].flow, Nanos(0));
        let mut agents: Vec<Box<dyn Agent>> = Vec::new();
        for (at, participant) in self.background.iter().enumerate() {
            let agent: Box<dyn Agent> = match *participant {
                Participant::Flow => {
                    let config = FlowConfig::new(seed, vec![flow]);
                    let config = FlowConfig { rate: self.rate, start, ..config };
                    Box::new(Background::new(config)?)
                }
                Participant::ZeroIntelligence(config) => {
                    Box::new(ZeroIntelligence::new(config, at, seed, start))
                }
                Participant::Hawkes(config) => Box::new(Hawkes::new(config, at, seed, start)?),
                Participant::Fundamental(config) => {
                    Box::new(Fundamental::new(config, at, seed, start))
                }
                Participant::Momentum(config) => Box::new(Momentum::new(config, at, seed, start)),
                Participant::Maker(config) => Box::new(Maker::new(config, at, seed, start)),
            };
            agents.push(agent);
        }
        Ok(agents)
    }

    /// Adds the strategies that quote besides the agent, each with an account of its own.
    ///
    /// # Errors
    /// [`ScenarioError`] if a strategy's numbers are not allowed.
    pub fn join_rivals(
        &self,
        session: &mut Session,
        instrument: usize,
    ) -> Result<(), ScenarioError> {
        for rival in &self.rivals {
            let at = self.join(session, instrument, rival.clone())?;
            session.trader_mut(at).set_quotes(Quotes::Strategy);
        }
        Ok(())
    }

    /// Adds a participant under the scenario's limits.
    ///
    /// # Errors
    /// [`ScenarioError`] if the strategy's numbers are not allowed.
    pub fn join(
        &self,
        session: &mut Session,
        instrument: usize,
        strategy: StrategyConfig,
    ) -> Result<usize, ScenarioError> {
        let config =
            TraderConfig { strategy, quote: self.quote, risk: self.risk, limits: self.limits };
        let id = Session::account_of(session.traders());
        let symbol = self.instruments[instrument].symbol;
        let trader = Trader::new(id, symbol, &config, session.now())?;
        Ok(session.add_trader(trader))
    }
}

/// A strategy for participants whose prices come from outside.
pub(super) fn unused() -> StrategyConfig {
    StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 0.0 })
}

/// The account's limits of `host/app/default.toml`.
pub fn risk() -> RiskConfig {
    let dollars = |whole: i64| Money(whole * Price::PER_DOLLAR);
    RiskConfig {
        instruments_max: 1,
        orders_max: 64,
        account: AccountLimits {
            gross_max: dollars(10_000_000),
            net_max: dollars(5_000_000),
            credit_max: dollars(5_000_000),
            realised_loss_max: dollars(50_000),
            unrealised_loss_max: dollars(50_000),
            drawdown_max: dollars(75_000),
        },
        venue: VenueLimits {
            rate: RateLimit { burst: 1_000, per_second: 1_000 },
            ratio: RatioLimit { burst: 100_000, per_fill: 100, per_second: 100 },
            rejects_in_a_row_max: 20,
        },
    }
}

/// The instrument's limits of `host/app/default.toml`.
pub fn limits() -> InstrumentLimits {
    let dollars = |whole: i64| Money(whole * Price::PER_DOLLAR);
    InstrumentLimits {
        order_qty_max: Qty(1_000),
        order_notional_max: dollars(250_000),
        collar_bps: Some(300),
        collar_abs: None,
        position_max: 5_000,
        gross_max: dollars(2_000_000),
        net_max: dollars(1_000_000),
        open_orders_max: 16,
        located: 1_000,
        restricted: false,
        duplicate_window: Nanos(500_000),
        rate: RateLimit { burst: 200, per_second: 200 },
        ratio: RatioLimit { burst: 10_000, per_fill: 100, per_second: 50 },
    }
}
