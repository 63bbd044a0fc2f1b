//! Which thread runs what, on which core, joined by which ring.
//!
//! ```text
//! inline   hot thread: sockets -> decoder -> engine -> order session
//! ring     feed process, hot thread: sockets -> decoder -> ring
//!          run process,  hot thread: ring -> engine -> order session
//! ```
//!
//! The only other threads wait for signals, print reports, and make connections.

use crate::config::{Config, PaceValue};
use crate::live_feed::{GlimpseLogin, LiveFeed, LiveFeedConfig};
use crate::pace::Pace;
use anyhow::{Context, Result};
use tercel_book::Books;
use tercel_engine::{Engine, Parts};
use tercel_gateway::Gateway;
use tercel_net::clock::HostClock;
use tercel_net::pin;
use tercel_policy::Policy;
use tercel_risk::Risk;
use tercel_types::Nanos;

/// The engine of a configuration, with its memory.
pub(crate) fn engine(config: &Config) -> Result<Engine> {
    let books = Books::new(&config.book()).context("[book]")?;
    Ok(Engine::new(Parts {
        books,
        policy: Policy::new(config.policy()?).context("[strategy] and [quote]")?,
        risk: Risk::new(config.risk()?).context("[risk]")?,
        gateway: Gateway::new(config.gateway()?),
        instruments: config.instruments()?,
        orders_max: config.values.risk.orders_max as usize,
        stale_grace: Nanos(u64::from(config.values.host.stale_grace_us.unwrap_or(2_000)) * 1_000),
    }))
}

/// The feed from the network.
pub(crate) fn live_feed(config: &Config, clock: HostClock) -> Result<LiveFeed> {
    let values = &config.values.feed;
    let glimpse = match values.glimpse {
        None => None,
        Some(address) => Some(GlimpseLogin {
            address,
            username: config.padded("feed.glimpse_username", &values.glimpse_username)?,
            password: config.padded("feed.glimpse_password", &values.glimpse_password)?,
        }),
    };
    let feed = LiveFeedConfig {
        feed: config.feed()?,
        interface: values.interface,
        receive_buffer: (values.receive_buffer_mib as usize) << 20,
        glimpse,
    };
    LiveFeed::open(feed, clock).context("[feed]")
}

/// Gives the calling thread its core and keeps its memory; what the system refuses is said and not
/// fatal. Returns how the thread should wait.
pub(crate) fn settle(config: &Config) -> Pace {
    let host = &config.values.host;
    // Counted before pinning, which leaves the thread one.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(core) = host.core
        && let Err(error) = pin::pin_thread(core)
    {
        eprintln!("not pinned: {error}");
    }
    if host.lock_memory.unwrap_or(true)
        && let Err(error) = pin::lock_memory()
    {
        eprintln!("memory is not locked: {error}");
    }
    match host.pace.unwrap_or(PaceValue::Auto) {
        PaceValue::Spin => Pace::Spin,
        PaceValue::BackOff => Pace::BackOff,
        PaceValue::Auto => {
            let pace = Pace::for_cores(cores, BUSY_THREADS);
            if pace == Pace::BackOff {
                eprintln!(
                    "polling backs off between looks: {cores} cores are not enough for a thread of \
                     its own; host.pace = \"spin\" overrides"
                );
            }
            pace
        }
    }
}

/// Busy threads of a host and a venue on one machine.
const BUSY_THREADS: usize = 2;
