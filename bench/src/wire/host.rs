//! The host of the wire-to-wire part: what `tercel run` has between a port and an order session.

use super::line::OrderLine;
use super::market::{HALF_SPREAD_TICKS, LOCATE, symbol};
use super::port::PathPort;
use super::together::Ends;
use crate::frames::LINES;
use crate::rig::risk_limits;
use anyhow::{Result, anyhow, ensure};
use std::time::{Duration, Instant};
use tercel_book::{Books, Limits};
use tercel_engine::{Batch, Engine, InstrumentConfig, Parts, Phase, Unmeasured};
use tercel_gateway::{Gateway, GatewayConfig};
use tercel_net::clock::HostClock;
use tercel_policy::{
    FixedSpread, InstrumentPolicy, Policy, PolicyConfig, QuoteRules, StrategyConfig,
};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_risk::{InstrumentLimits, Risk};
use tercel_types::{Clock, FrameSource, Nanos, StreamPort, VenueId, WorkingState};

/// Frames taken before the order session is looked at again, as in the host.
const TURN: usize = 32;

/// Time between two housekeepings, as in the host.
const HOUSEKEEPING: Nanos = Nanos(200_000);

/// How long a host whose poll waits may look for the answers to its orders before it waits again.
const ANSWERS: Duration = Duration::from_millis(20);

const ORDERS_MAX: usize = 1 << 10;

/// A host with one venue, one line of market data and one order session.
pub(crate) struct Host {
    engine: Engine,
    feed: Feed,
    batch: Batch,
    clock: HostClock,
    port: PathPort,
    line: OrderLine,
    dialled: bool,
    housekeeping: Nanos,
}

impl Host {
    /// A host that has heard nothing yet.
    pub(crate) fn new(port: PathPort, line: OrderLine) -> Result<Host> {
        let policy = Policy::new(PolicyConfig {
            instruments: vec![InstrumentPolicy::new(symbol())],
            strategy: StrategyConfig::FixedSpread(FixedSpread {
                half_spread_ticks: HALF_SPREAD_TICKS,
                skew_ticks: 0.0,
            }),
            // Else every second packet would come too soon after the one before.
            quote: QuoteRules { requote_interval: Nanos(0), ..QuoteRules::default() },
        })?;
        let (risk, limits) = risk_limits(1, ORDERS_MAX as u32);
        // The market goes to and fro, so that honest quotes repeat.
        let limits = InstrumentLimits { duplicate_window: Nanos(0), ..limits };
        let gateway = GatewayConfig {
            username: *b"BENCH ",
            firm: *b"TERC",
            orders_max: ORDERS_MAX,
            dead_max: ORDERS_MAX,
            instruments_max: LOCATE.index() + 1,
            ..GatewayConfig::default()
        };
        let books = Limits {
            prefault: true,
            instruments_max: LOCATE.index() + 1,
            orders_max: 1 << 12,
            levels_max: 1 << 12,
            ..Limits::default()
        };
        let clock = HostClock::new();
        Ok(Host {
            engine: Engine::new(Parts {
                books: Books::new(&books)?,
                policy,
                risk: Risk::new(risk)?,
                gateway: Gateway::new(gateway),
                instruments: vec![InstrumentConfig { symbol: symbol(), limits }],
                orders_max: ORDERS_MAX,
                stale_grace: Nanos::from_millis(2),
            }),
            feed: Feed::new(FeedConfig::new(VenueId(0), [LINES[0]; 2])),
            batch: Batch::default(),
            housekeeping: clock.now(),
            clock,
            port,
            line,
            dialled: false,
        })
    }

    /// Runs until the round is over; says when both quotes rest, and how many orders the venue has
    /// accepted.
    pub(crate) fn run(&mut self, ends: &Ends) -> Result<()> {
        ends.ready();
        let mut quotes = false;
        while !ends.is_over() {
            self.turn()?;
            if self.port.waits() {
                self.hear_answers()?;
            }
            if !quotes && self.quotes_rest() {
                quotes = true;
                ends.met();
            }
            if quotes {
                ends.settle(self.engine.counters().accepted);
            }
        }
        if !quotes {
            return Err(anyhow!("{}", self.why_not()));
        }
        let counters = self.engine.counters();
        ensure!(counters.refused == 0, "risk refused {} orders", counters.refused);
        Ok(())
    }

    /// One look at the market data, one at the order session, and housekeeping when it is due: the
    /// loop of `tercel run`.
    #[inline]
    fn turn(&mut self) -> Result<()> {
        let Host { engine, feed, batch, clock, port, line, .. } = self;
        let taken = port.poll(TURN, |frame| {
            feed.on_frame(frame, clock.now(), &mut |record| {
                if batch.push(record) {
                    engine.on_events(batch.take(), clock.now(), line, &mut Unmeasured);
                }
            });
        });
        taken.map_err(|error| anyhow!("the port failed: {error}"))?;
        let now = clock.now();
        engine.on_events(batch.take(), now, line, &mut Unmeasured);
        self.hear(now)?;
        if now >= self.housekeeping {
            self.housekeeping = now + HOUSEKEEPING;
            self.housekeep(now)?;
        }
        Ok(())
    }

    #[inline]
    fn hear(&mut self, now: Nanos) -> Result<usize> {
        let Host { engine, line, dialled, .. } = self;
        if !*dialled {
            return Ok(0);
        }
        let mut broke = None;
        let heard = line.poll(|bytes| {
            engine.on_bytes(bytes, now).unwrap_or_else(|error| {
                broke = Some(error);
                0
            })
        });
        if let Some(error) = broke {
            return Err(anyhow!("the order session broke: {error:?}"));
        }
        let heard = heard.map_err(|error| anyhow!("the order session failed: {error}"))?;
        engine.requote(now, line, &mut Unmeasured);
        Ok(heard)
    }

    #[inline(never)]
    fn housekeep(&mut self, now: Nanos) -> Result<()> {
        let Host { engine, feed, batch, line, dialled, .. } = self;
        feed.on_timer(now, &mut |record| {
            if batch.push(record) {
                engine.on_events(batch.take(), now, line, &mut Unmeasured);
            }
        });
        engine.on_events(batch.take(), now, line, &mut Unmeasured);
        if !*dialled && engine.is_synced() {
            *dialled = true;
            line.dial()?;
            engine.gateway_mut().on_connected(now);
        }
        if engine.gateway().wants_reconnect() {
            engine.gateway_mut().on_disconnected(now);
            line.dial()?;
            engine.gateway_mut().on_connected(now);
        }
        engine.housekeep(now, line).map_err(|error| anyhow!("the order session: {error:?}"))
    }

    /// A host whose poll waits for market data would else hear of its orders with the next packet.
    fn hear_answers(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.awaits_answers() && begin.elapsed() < ANSWERS {
            let now = self.clock.now();
            self.hear(now)?;
        }
        Ok(())
    }

    fn awaits_answers(&self) -> bool {
        let own = self.engine.own(LOCATE);
        let waits = |state| state != WorkingState::Live;
        [own.bid, own.ask].iter().flatten().any(|order| waits(order.state))
    }

    /// Both quotes rest at the venue.
    fn quotes_rest(&self) -> bool {
        let own = self.engine.own(LOCATE);
        self.engine.phase() == Phase::Trading
            && own.bid.is_some()
            && own.ask.is_some()
            && !self.awaits_answers()
    }

    /// Why it does not quote.
    fn why_not(&self) -> String {
        let session = self.engine.gateway().session();
        let counters = self.feed.counters();
        if counters.messages == 0 {
            return format!("no market data arrived ({} frames)", counters.frames);
        }
        format!("the host did not come to quote: session {session:?}, {:?}", self.engine.counters())
    }
}
