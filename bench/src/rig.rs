//! A whole host in memory: decoder, engine, and a scripted venue that answers when nothing is
//! measured.
//!
//! Time is that of the messages, as in a replay, so that a run gives the same orders byte for byte
//! whatever the machine does; what is measured is read from the processor's counter and never
//! reaches the engine.

use crate::day::{Listed, MarketDay};
use crate::frames::{Frames, LINES};
use crate::venue::{MemoryPort, Venue};
use crate::{Context, Ticks};
use anyhow::{Result, ensure};
use std::hint::black_box;
use std::ops::Range;
use tercel_book::{Books, Limits};
use tercel_engine::{Batch, Engine, InstrumentConfig, Parts, Phase, Stopwatch, Unmeasured};
use tercel_gateway::{Gateway, GatewayConfig};
use tercel_policy::{
    Artifact, FixedSpread, Glft, InstrumentPolicy, Learned, Policy, PolicyConfig, QuoteRules,
    StrategyConfig, Volatility,
};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, Risk, RiskConfig, VenueLimits,
};
use tercel_types::{Frame, Money, Nanos, Price, StreamPort, VenueId};

/// Frames that are taken at once when more are waiting; as many as the host takes.
pub const BATCH: usize = 32;

/// Frames between two housekeepings. The host does it every 200 µs, which at 3.5 million messages
/// a second is about as often.
const HOUSEKEEPING: usize = 256;

/// Which strategy quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quoting {
    /// A constant distance from the mid price.
    FixedSpread,
    /// Guéant, Lehalle and Fernandez-Tapia.
    Glft,
    /// A network of 40-64-64-2 with random weights.
    Mlp,
}

impl Quoting {
    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Quoting::FixedSpread => "fixed-spread",
            Quoting::Glft => "glft",
            Quoting::Mlp => "mlp",
        }
    }

    /// Its configuration: the parameters of the host's default configuration, and for the network
    /// weights from the seed.
    ///
    /// # Errors
    /// Never, unless features and network disagree.
    pub fn strategy(self, seed: u64) -> Result<StrategyConfig> {
        Ok(match self {
            Quoting::FixedSpread => {
                StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 2.0 })
            }
            Quoting::Glft => StrategyConfig::Glft(Glft {
                gamma: 0.1,
                k: 100.0,
                a: 1.0,
                volatility: Volatility::Realised { min: 0.002, max: 0.05 },
            }),
            Quoting::Mlp => StrategyConfig::Mlp(Box::new(Learned {
                artifact: Artifact::untrained(&[64, 64], seed as u32)?, // any 32 bits do
                offset_min_ticks: 0.0,
                offset_max_ticks: 20.0,
            })),
        })
    }
}

/// What a rig is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RigConfig {
    /// Who quotes.
    pub quoting: Quoting,
    /// How many instruments are quoted at most: the most active ones.
    pub quoted_max: usize,
    /// Keep every order packet.
    pub keeps_packets: bool,
}

/// The host and its venue.
pub struct Rig {
    /// The engine.
    pub engine: Engine,
    /// The venue.
    pub venue: Venue,
    feed: Feed,
    port: MemoryPort,
    batch: Batch,
    now: Nanos,
    connected: bool,
    frames: usize,
}

impl Rig {
    /// A host for the instruments of a day, before its first frame.
    ///
    /// # Errors
    /// When the day names no instrument, or there is no memory.
    pub fn new(context: &Context, day: &MarketDay, config: &RigConfig) -> Result<Rig> {
        let quoted = &day.by_activity[..day.by_activity.len().min(config.quoted_max)];
        ensure!(!quoted.is_empty(), "{}: no stock directory, nothing to quote", day.name);
        let orders_max = (quoted.len() * 4).max(4_096);
        let (risk, limits) = risk_limits(quoted.len() as u32, orders_max as u32);
        let gateway = GatewayConfig {
            username: *b"BENCH ",
            firm: *b"TERC",
            orders_max,
            dead_max: orders_max,
            instruments_max: usize::from(day.locate_max) + 1,
            ..GatewayConfig::default()
        };
        let instrument = |symbol| InstrumentConfig { symbol, limits };
        let engine = Engine::new(Parts {
            books: Books::new(&book_limits(day))?,
            policy: policy(context, quoted, config.quoting)?,
            risk: Risk::new(risk)?,
            gateway: Gateway::new(gateway),
            instruments: quoted.iter().map(|one| instrument(one.symbol)).collect(),
            orders_max,
            stale_grace: Nanos::from_millis(2),
        });
        Ok(Rig {
            engine,
            venue: Venue::new(config.keeps_packets, true),
            feed: Feed::new(FeedConfig::new(VenueId(0), LINES)),
            port: MemoryPort::new(),
            batch: Batch::default(),
            now: Nanos(0),
            connected: false,
            frames: 0,
        })
    }

    /// Takes frames that are waiting, oldest first. This is the only place where frames go into the
    /// engine. `received` is what the records say of when their frame came, and what the stopwatch
    /// gets to know a frame by.
    ///
    /// As in the host: frames that are waiting are decoded into a batch, and the engine takes the
    /// batch when it is full or nothing more is waiting. A host reads its clock for each batch; so
    /// does this, and passes the reading by.
    #[inline]
    pub fn take<S: Stopwatch>(
        &mut self,
        frames: &Frames,
        range: Range<usize>,
        received: impl Fn(usize) -> Nanos,
        watch: &mut S,
    ) {
        let Rig { engine, feed, port, now, batch, .. } = self;
        for at in range {
            let frame = Frame { bytes: frames.bytes(at), received: received(at) };
            feed.on_frame(frame, frames.time(at), &mut |record| {
                *now = record.exchange_time().max(*now);
                if batch.push(record) {
                    black_box(Ticks::now());
                    engine.on_events(batch.take(), *now, port, watch);
                }
            });
        }
        black_box(Ticks::now());
        engine.on_events(batch.take(), *now, port, watch);
    }

    /// Lets the venue answer, and the engine hear it and quote again. Returns the ticks that the
    /// venue took: they are not the host's.
    #[inline]
    pub fn answer(&mut self) -> u64 {
        if !self.port.has_orders() {
            return 0;
        }
        let begin = Ticks::now();
        self.venue.answer(&mut self.port);
        let spent = Ticks::now().since(begin);
        self.hear();
        spent
    }

    fn hear(&mut self) {
        let Rig { engine, port, now, .. } = self;
        // The venue is ours: a session that breaks is a mistake in here.
        let heard = port.poll(|bytes| engine.on_bytes(bytes, *now).expect("a sound session"));
        heard.expect("a port of memory");
        engine.requote(*now, port, &mut Unmeasured);
    }

    /// What the host does between frames, after `frames` more of them: housekeeping when it is due.
    /// Returns the ticks that the venue took.
    #[inline]
    pub fn after(&mut self, frames: usize) -> u64 {
        self.frames += frames;
        if self.frames < HOUSEKEEPING {
            return 0;
        }
        self.frames = 0;
        self.housekeep()
    }

    #[inline(never)]
    fn housekeep(&mut self) -> u64 {
        let Rig { engine, port, venue, now, connected, .. } = self;
        if !*connected && engine.is_synced() {
            *connected = true;
            engine.gateway_mut().on_connected(*now);
        }
        if engine.gateway().wants_reconnect() {
            engine.gateway_mut().on_disconnected(*now);
            engine.gateway_mut().on_connected(*now);
        }
        // The time of the messages jumps, and the session must not take that for silence.
        venue.beat(port);
        self.hear();
        self.engine.housekeep(self.now, &mut self.port).expect("a sound session");
        self.answer()
    }

    /// Takes frames one by one, without measuring anything.
    pub fn run(&mut self, frames: &Frames, range: Range<usize>) {
        for at in range {
            self.take(frames, at..at + 1, |_| Nanos(0), &mut Unmeasured);
            self.answer();
            self.after(1);
        }
    }

    /// The session is up and the engine quotes.
    #[inline]
    pub fn is_trading(&self) -> bool {
        self.engine.phase() == Phase::Trading
    }
}

/// A policy that may quote these instruments, by the host's default rules.
///
/// # Errors
/// Never, unless features and network disagree.
pub fn policy(context: &Context, quoted: &[Listed], quoting: Quoting) -> Result<Policy> {
    Ok(Policy::new(PolicyConfig {
        instruments: quoted.iter().map(|one| InstrumentPolicy::new(one.symbol)).collect(),
        strategy: quoting.strategy(context.seed)?,
        quote: QuoteRules::default(),
    })?)
}

/// Room for the day: the host's defaults for a whole market, less for a small one, so that a small
/// one is not measured in the page tables of a large one. Pages are huge and taken at the start.
pub fn book_limits(day: &MarketDay) -> Limits {
    let limits = Limits { prefault: true, huge_pages: true, ..Limits::default() };
    match day.resting_max {
        Some(resting) if resting <= 1 << 19 => Limits {
            instruments_max: usize::from(day.locate_max) + 1,
            orders_max: (resting as usize * 3 / 2).next_power_of_two().max(1 << 12),
            levels_max: (resting as usize).next_power_of_two().max(1 << 12),
            ..limits
        },
        _ => limits,
    }
}

/// Every limit is on, and wide enough that nearly everything passes: an order that is refused is
/// cheaper than one that is sent.
pub fn risk_limits(instruments_max: u32, orders_max: u32) -> (RiskConfig, InstrumentLimits) {
    let much = Money(1_000_000_000 * Price::PER_DOLLAR);
    let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
    let ratio = RatioLimit { burst: 1_000_000_000, per_fill: 100, per_second: 1_000_000 };
    let account = AccountLimits {
        gross_max: much,
        net_max: much,
        credit_max: much,
        realised_loss_max: much,
        unrealised_loss_max: much,
        drawdown_max: much,
    };
    let venue = VenueLimits { rate, ratio, ..VenueLimits::default() };
    let instrument = InstrumentLimits {
        order_notional_max: Money(1_000_000 * Price::PER_DOLLAR),
        // 20 ticks from the mid, as far as the network quotes, are a fifth of a dollar.
        collar_bps: Some(3_000),
        collar_abs: Some(Price(10 * Price::PER_DOLLAR)),
        located: 100_000,
        rate,
        ratio,
        ..InstrumentLimits::default()
    };
    (RiskConfig { instruments_max, orders_max, account, venue }, instrument)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::tests::context;

    fn packets(quoting: Quoting) -> Vec<u8> {
        let context = context(20, 60_000);
        let day = MarketDay::of(&context).unwrap();
        let config = RigConfig { quoting, quoted_max: 10, keeps_packets: true };
        let mut rig = Rig::new(&context, &day, &config).unwrap();
        rig.run(&day.frames, 0..day.frames.len());
        assert!(rig.is_trading());
        let counters = rig.engine.counters();
        assert!(counters.sent > 500, "{counters:?}");
        assert!(counters.fills_bought > 0 && counters.fills_sold > 0, "{counters:?}");
        assert!(counters.refused < counters.intents / 4, "{counters:?}");
        assert_eq!((counters.unsent, counters.venue_rejected), (0, 0));
        rig.venue.packets
    }

    #[test]
    fn two_runs_give_the_same_orders_byte_for_byte() {
        for quoting in [Quoting::FixedSpread, Quoting::Glft, Quoting::Mlp] {
            let (once, again) = (packets(quoting), packets(quoting));
            assert!(!once.is_empty() && once == again, "{}", quoting.name());
        }
    }

    #[test]
    fn a_day_without_a_directory_is_refused() {
        let context = context(20, 60_000);
        let mut day = MarketDay::generated(&context, 2, 2_000, 100).unwrap();
        day.by_activity.clear();
        let config = RigConfig { quoting: Quoting::Mlp, quoted_max: 10, keeps_packets: false };
        assert!(Rig::new(&context, &day, &config).is_err());
    }
}
