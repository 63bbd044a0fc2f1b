//! Which thread runs what, on which core, joined by which ring.
//!
//! ```text
//! inline   hot thread: sockets or bypass ports -> decoder -> engine -> order session
//! card     the card decodes; hot thread: its ring -> gap recovery -> engine -> order session
//! ring     feed process, hot thread: sockets or bypass ports -> decoder -> ring
//!          run process,  hot thread: ring -> engine -> order session
//! ```
//!
//! The other threads are cold: they wait for signals, print reports, make connections, take an
//! operator's commands, keep the journal and serve the control plane (`cold.rs`).

use crate::bypass::{BypassLines, BypassSession};
use crate::card_lines::CardLines;
use crate::config::{Config, PaceValue};
use crate::lines::{Lines, SocketPair, Sockets};
use crate::live_feed::{GlimpseLogin, LiveFeed};
use crate::operator::{Operator, Seat, Seats};
use crate::order_line::{KernelTcp, Transport};
use crate::pace::Pace;
use anyhow::{Context, Result};
use std::sync::Arc;
use std::time::Duration;
use tercel_book::Books;
use tercel_engine::{Engine, Parts};
use tercel_fpga::CardAddress;
use tercel_gateway::Gateway;
use tercel_net::clock::HostClock;
use tercel_net::pin;
use tercel_policy::Policy;
use tercel_policy::promotion::Contest;
use tercel_risk::Risk;
use tercel_types::{Clock, Nanos, Symbol};

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

/// The contest around the engine's policy, with the challengers of the configuration in shadow,
/// and its operator; `None` where the configuration wants none.
pub(crate) fn contest(config: &Arc<Config>, engine: &mut Engine) -> Result<Option<Operator>> {
    let Some((rules, orders)) = config.contest()? else { return Ok(None) };
    let champion = config.champion(&rules)?;
    let mut seats = Seats::new(Seat::of(&champion));
    let mut contest = Contest::new(rules, champion).context("[promotion]")?;
    for challenger in config.challengers(&rules)? {
        seats.expect(Seat::of(&challenger));
        contest.seat(challenger);
    }
    let controls = engine.hold_contest(contest, orders);
    Ok(Some(Operator::new(Arc::clone(config), rules, controls, seats)))
}

/// The feed over lines that are open. A card passes the instruments `wanted`, or all if there are
/// none.
pub(crate) fn live_feed<L: Lines>(
    config: &Config,
    lines: L,
    wanted: Vec<Symbol>,
    clock: HostClock,
) -> Result<LiveFeed<L>> {
    let values = &config.values.feed;
    let glimpse = match values.glimpse {
        None => None,
        Some(address) => Some(GlimpseLogin {
            address,
            username: config.padded("feed.glimpse_username", &values.glimpse_username)?,
            password: config.glimpse_password()?,
        }),
    };
    LiveFeed::open(lines, config.feed()?, glimpse, wanted, clock).context("[feed]")
}

/// The lines through the kernel.
pub(crate) fn sockets(config: &Config) -> Result<Sockets> {
    let values = &config.values.feed;
    let buffer = (values.receive_buffer_mib as usize) << 20;
    let groups = config.feed()?.lines.to_vec();
    let sockets = Sockets::open(groups, values.interface, buffer).context("[feed]")?;
    let granted = sockets.granted();
    eprintln!(
        "receive buffer {} KiB, kernel time stamps {}",
        granted.receive_buffer >> 10,
        if granted.stamped { "yes" } else { "no" }
    );
    Ok(sockets)
}

/// The same, a port a line.
pub(crate) fn socket_pair(config: &Config) -> Result<SocketPair> {
    let values = &config.values.feed;
    let buffer = (values.receive_buffer_mib as usize) << 20;
    let [a, b] = config.feed()?.lines;
    let open = |line| Sockets::open(vec![line], values.interface, buffer).context("[feed]");
    Ok(SocketPair { lines: [open(a)?, open(b)?] })
}

/// The lines beside the kernel's stack, or `None` if the configuration leaves them to the kernel.
pub(crate) fn bypass(config: &Config) -> Result<Option<BypassLines>> {
    let ports = config.feed_ports()?;
    if ports.is_empty() { Ok(None) } else { BypassLines::open(ports).map(Some) }
}

/// What carries the order session. A laboratory may lose a share of its frames.
pub(crate) fn transport(config: &Config, loss: f64) -> Result<Transport> {
    let orders = &config.values.orders;
    Ok(match config.order_path()? {
        Some(path) => {
            Transport::Bypass(Box::new(BypassSession::open(path, loss, HostClock::new())?))
        }
        None => {
            let timeout = Duration::from_millis(orders.connect_timeout_ms.into());
            Transport::Kernel(KernelTcp::new(orders.address, timeout))
        }
    })
}

/// The lines through a card.
pub(crate) fn card(config: &Config, address: CardAddress, clock: &HostClock) -> Result<CardLines> {
    let name = format!("the card at {address}");
    CardLines::open(config.card()?, address, clock.now()).context(name)
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
