//! Many sessions as one environment.
//!
//! A lane is a session with one participant, begun anew with every episode from random numbers of
//! the seed, the lane and the episode. An action stands for a step: at every event in it the quotes
//! are brought to it by the production rules, as the host does at every event. The observation is
//! the production features and nothing else; the reward is in dollars:
//!
//! ```text
//! (cash + q·mid)' − (cash + q·mid) − φ ∫ q² dt + (d·Φ(q') − Φ(q)),   Φ(q) = −φ τ q²
//! ```
//!
//! Cash has fees taken off; the mid is the venue's. The last term is potential-based shaping with
//! the discount d (Ng, Harada and Russell 1999), which changes no optimal policy: what holding the
//! position for a time τ would cost is told at once. τ is zero by default.
//!
//! With a control variate the first difference is that of what executions gained over the worth of
//! the shares at their time ([`super::Account::edge`]). The two differ by ∫ q dV and by q·(mid − V)
//! at both ends, with V the fundamental value: the former is a martingale but for V's slow return
//! to its anchor, 2 % a second in the demo's flow, and the latter a potential. So the same policies
//! are best, and most of the noise of holding a position is gone. What is reported and compared is
//! never this figure.
//!
//! An episode is truncated when its time is over and never terminates, but for a participant whose
//! risk breaker has tripped.

use super::Account;
use super::scenario::{Latencies, Scenario, ScenarioError, unused};
use super::session::{Session, SessionCounters};
use super::trader::Quotes;
use tercel_environments::{ActionSpace, Actions, Environment, Outcome, Random, Spec};
use tercel_policy::FEATURE_COUNT;
use tercel_types::Nanos;

/// What an action says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Two numbers: ticks of the bid below the mid, and of the ask above it; the heads of a policy
    /// that the host serves.
    Offsets,
    /// Two numbers: half-spread and skew in ticks. The bid is half-spread + skew below the mid, the
    /// ask half-spread − skew above it.
    SpreadSkew,
    /// One of offset × skew pairs, or flatten: the last.
    Discrete,
}

/// Half-spreads of the discrete actions, ticks.
const SPREADS: [f64; 5] = [0.0, 0.5, 1.0, 2.0, 4.0];

/// Skews of the discrete actions, ticks.
const SKEWS: [f64; 5] = [-2.0, -0.5, 0.0, 0.5, 2.0];

/// Largest skew of an action, ticks.
const SKEW_MAX: f32 = 5.0;

/// What an environment is made with.
#[derive(Clone, Debug)]
pub struct L2Config {
    /// The market.
    pub scenario: Scenario,
    /// What an action says.
    pub control: Control,
    /// Range of a quote's distance from the mid, ticks.
    pub offsets: (f32, f32),
    /// Time of one step.
    pub step: Nanos,
    /// Steps of an episode.
    pub steps: u32,
    /// Longest time of the market before an episode's first step; it is drawn evenly.
    pub warm_up: Nanos,
    /// τ of the shaping, seconds.
    pub shaping: f64,
    /// d of the shaping.
    pub discount: f64,
    /// Rewards are dollars times this.
    pub reward_scale: f64,
    /// Rewards are not dollars but what a quote's size gains while the value moves by the standard
    /// deviation of a second. It is another number for each instrument, so that no instrument's
    /// noise drowns the others, and for none of them another optimum.
    pub per_risk: bool,
    /// Rewards leave out what the moves of the instrument's value earn on the position: their mean
    /// is zero whatever is done, and they are most of a reward's noise.
    pub control_variate: bool,
    /// Episodes of a lane until the market is as the scenario has it; before, latencies and the
    /// moves of the value that make quoting dangerous grow evenly from zero. Zero for none.
    pub curriculum: u32,
}

/// The environment.
pub struct L2 {
    spec: Spec,
    config: L2Config,
    first: usize,
    lanes: Vec<Lane>,
    seed: u64,
}

struct Lane {
    session: Session,
    phi: f64,
    /// What a reward of a dollar counts.
    scale: f64,
    episode: u32,
    step: u32,
    /// At the end of the last step: worth in dollars, ∫ q² dt, position.
    value: f64,
    squares: f64,
    position: f64,
    /// Of ended episodes.
    done: SessionCounters,
}

/// Stream of the numbers that begin an episode; flows and agents have seeds drawn from it.
const STREAM: u32 = 0x6c32_0000;

impl L2 {
    /// Lanes `first..first + lanes` of an environment, begun with seed 0.
    ///
    /// # Errors
    /// [`ScenarioError`] if a number of the scenario is not allowed.
    pub fn new(
        name: &'static str,
        config: L2Config,
        first: usize,
        lanes: usize,
    ) -> Result<L2, ScenarioError> {
        let (low, high) = config.offsets;
        let actions = match config.control {
            Control::Offsets => ActionSpace::Continuous(vec![(low, high); 2]),
            Control::SpreadSkew => {
                ActionSpace::Continuous(vec![(low, high), (-SKEW_MAX, SKEW_MAX)])
            }
            Control::Discrete => ActionSpace::Discrete((SPREADS.len() * SKEWS.len() + 1) as u32),
        };
        let spec = Spec { name, observation: FEATURE_COUNT, actions, steps: Some(config.steps) };
        let sessions = (first..first + lanes).map(|lane| begin(&config, 0, lane, 0));
        let lanes = sessions.collect::<Result<_, _>>()?;
        Ok(L2 { spec, config, first, lanes, seed: 0 })
    }

    /// What has happened in all lanes since the reset.
    pub fn counters(&self) -> SessionCounters {
        let mut sum = SessionCounters::default();
        for lane in &self.lanes {
            sum += lane.done;
            sum += *lane.session.counters();
        }
        sum
    }

    /// A lane's session, to look at.
    pub fn session(&self, lane: usize) -> &Session {
        &self.lanes[lane].session
    }
}

impl Environment for L2 {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset(&mut self, seed: u64, outcome: &mut Outcome) {
        self.seed = seed;
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            *lane = restart(&self.config, seed, self.first + at, 0);
            lane.observe(&mut outcome.observation[at * FEATURE_COUNT..][..FEATURE_COUNT]);
        }
        outcome.reward.fill(0.0);
        outcome.terminated.fill(false);
        outcome.truncated.fill(false);
    }

    fn step(&mut self, actions: Actions<'_>, outcome: &mut Outcome) {
        let width = match actions {
            Actions::Discrete(choices) => choices.len(),
            Actions::Continuous(numbers) => numbers.len() / 2,
        };
        assert!(width == self.lanes.len(), "{width} actions for {} lanes", self.lanes.len());
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let quotes = quotes(&self.config, actions, at);
            let reward = lane.advance(&self.config, quotes);
            let tripped = lane.session.trader(0).risk().tripped().is_some();
            let over = !tripped && lane.step >= self.config.steps;
            outcome.reward[at] = reward as f32;
            (outcome.terminated[at], outcome.truncated[at]) = (tripped, over);
            if tripped || over {
                lane.observe(&mut outcome.last[at * FEATURE_COUNT..][..FEATURE_COUNT]);
                let mut done = lane.done;
                done += *lane.session.counters();
                let episode = lane.episode + 1;
                *lane = restart(&self.config, self.seed, self.first + at, episode);
                lane.done = done;
            }
            lane.observe(&mut outcome.observation[at * FEATURE_COUNT..][..FEATURE_COUNT]);
        }
    }
}

/// What an action means.
fn quotes(config: &L2Config, actions: Actions<'_>, lane: usize) -> Quotes {
    let (low, high) = config.offsets;
    match actions {
        Actions::Continuous(numbers) => {
            let (one, two) = (numbers[2 * lane], numbers[2 * lane + 1]);
            if !(one.is_finite() && two.is_finite()) {
                return Quotes::None;
            }
            let one = one.clamp(low, high);
            let (bid, ask) = match config.control {
                Control::SpreadSkew => {
                    let skew = two.clamp(-SKEW_MAX, SKEW_MAX);
                    (one + skew, one - skew)
                }
                _ => (one, two.clamp(low, high)),
            };
            Quotes::Offsets { bid: f64::from(bid), ask: f64::from(ask) }
        }
        Actions::Discrete(choices) => {
            let choice = choices[lane] as usize;
            let (spread, skew) = (choice / SKEWS.len(), choice % SKEWS.len());
            match SPREADS.get(spread) {
                Some(half) => Quotes::Offsets { bid: half + SKEWS[skew], ask: half - SKEWS[skew] },
                None => Quotes::Flatten,
            }
        }
    }
}

/// An episode from its start.
fn begin(config: &L2Config, seed: u64, lane: usize, episode: u32) -> Result<Lane, ScenarioError> {
    let mut random = Random::new(seed, lane as u32, STREAM);
    random.seek(4 * u64::from(episode));
    let (flow, wait) = (random.bits64(), random.uniform());
    // Lanes of one episode see all instruments evenly, and so does a lane over its episodes.
    let instrument = (lane + episode as usize) % config.scenario.instruments.len();
    let mut scenario = config.scenario.clone();
    if episode < config.curriculum {
        ease(&mut scenario, f64::from(episode) / f64::from(config.curriculum));
    }
    let mut session = scenario.session(instrument, flow)?;
    scenario.join(&mut session, instrument, unused())?;
    scenario.join_rivals(&mut session, instrument)?;
    let wait = Nanos((config.warm_up.0 as f64 * f64::from(wait)) as u64);
    session.advance(session.now() + wait);
    let mid_x2 = session.mid_x2();
    let account = session.trader(0).account();
    let lot = f64::from(config.scenario.quote.order_qty.0);
    let unit = (lot * config.scenario.variance(instrument).sqrt()).max(1e-9);
    Ok(Lane {
        value: worth(config, account, mid_x2),
        squares: account.squares,
        position: account.position as f64,
        phi: config.scenario.phi(instrument),
        scale: if config.per_risk { config.reward_scale / unit } else { config.reward_scale },
        session,
        episode,
        step: 0,
        done: SessionCounters::default(),
    })
}

/// What rewards are differences of, dollars.
fn worth(config: &L2Config, account: &Account, mid_x2: i64) -> f64 {
    if config.control_variate { account.edge } else { account.value(mid_x2) }
}

/// As [`begin`], of numbers that have been accepted before.
fn restart(config: &L2Config, seed: u64, lane: usize, episode: u32) -> Lane {
    match begin(config, seed, lane, episode) {
        Ok(lane) => lane,
        // The scenario was accepted when the environment was made: there is no memory left.
        Err(error) => panic!("lane {lane}, episode {episode}: {error}"),
    }
}

/// An easier market: `share` of the latencies, and of the value's moves.
fn ease(scenario: &mut Scenario, share: f64) {
    let part = |time: Nanos| Nanos((time.0 as f64 * share) as u64);
    let Latencies { feed, order, answer } = scenario.latencies;
    scenario.latencies = Latencies { feed: part(feed), order: part(order), answer: part(answer) };
    for instrument in &mut scenario.instruments {
        instrument.flow.volatility *= share;
        instrument.flow.jump_size *= share;
    }
}

impl Lane {
    /// One step; its reward.
    fn advance(&mut self, config: &L2Config, quotes: Quotes) -> f64 {
        self.session.trader_mut(0).set_quotes(quotes);
        self.session.decide(0);
        let until = self.session.now() + config.step;
        self.session.advance(until);
        self.step += 1;
        let mid_x2 = self.session.mid_x2();
        let account = self.session.trader(0).account();
        let (value, squares) = (worth(config, account, mid_x2), account.squares);
        let position = account.position as f64;
        let shaping = self.phi
            * config.shaping
            * (self.position * self.position - config.discount * position * position);
        let reward = value - self.value - self.phi * (squares - self.squares) + shaping;
        (self.value, self.squares, self.position) = (value, squares, position);
        reward * self.scale
    }

    fn observe(&self, observation: &mut [f32]) {
        let session = &self.session;
        let features = session.trader(0).features(session.books(), session.now());
        observation.copy_from_slice(&features);
    }
}

impl std::ops::AddAssign for SessionCounters {
    fn add_assign(&mut self, other: SessionCounters) {
        self.commands += other.commands;
        self.events += other.events;
        self.records += other.records;
        self.executions += other.executions;
    }
}
