//! `tercel run`: the host.

use crate::cli::{RunArgs, SourceName};
use crate::cold::Cold;
use crate::config::{Config, DEFAULT};
use crate::host::{Ending, Host, LoopTimes, Timers};
use crate::lines::Lines;
use crate::operator::{Operator, Running, read_lines};
use crate::order_line::{OrderLine, OrderLog};
use crate::pace::Idle;
use crate::paper::PaperPort;
use crate::recorded_feed::RecordedFeed;
use crate::replay::Replay;
use crate::report::{HostReport, OpenOrder, dollars, grouped};
use crate::ring_feed::RingFeed;
use crate::signals::Signals;
use crate::source::Source;
use crate::summary;
use crate::topology;
use crate::watch::LiveWatch;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tercel_engine::Engine;
use tercel_net::clock::HostClock;
use tercel_net::pin;
use tercel_types::{Clock, Nanos};

/// How long a ring's writer may give no sign of life; it gives one every 100 ms.
const WRITER_PATIENCE: Duration = Duration::from_secs(3);

/// Runs it.
pub(crate) fn run(args: &RunArgs, signals: Signals, stop_on_eof: bool) -> Result<()> {
    let Some(path) = args.config.as_deref().filter(|_| !args.print_config) else {
        print!("{DEFAULT}");
        return Ok(());
    };
    let config = Arc::new(Config::load_with(path, &args.above.set)?);
    config.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    let lines = args.console.then(|| read_lines(signals.clone(), stop_on_eof)).transpose()?;
    let from = Session {
        log: args.orders.as_deref().map(OrderLog::create).transpose()?,
        signals,
        console: lines,
    };
    if let Some(file) = &args.replay {
        return on_paper(args, &config, RecordedFeed::open(file)?, from);
    }
    match (&args.ring, &args.source) {
        (Some(ring), _) if args.paper => on_paper(args, &config, open_ring(ring, None)?, from),
        (Some(ring), _) => live(args, &config, open_ring(ring, Some(WRITER_PATIENCE))?, from),
        (None, SourceName::Net) => match topology::bypass(&config)? {
            Some(lines) => trade(args, &config, lines, from),
            None => trade(args, &config, topology::sockets(&config)?, from),
        },
        (None, SourceName::Fpga(address)) => {
            let lines = topology::card(&config, address.clone(), &HostClock::new())?;
            trade(args, &config, lines, from)
        }
    }
}

/// What a run has besides its configuration and its source.
struct Session {
    /// Where orders are written down.
    log: Option<OrderLog>,
    signals: Signals,
    /// An operator's commands.
    console: Option<Receiver<String>>,
}

impl Session {
    /// Starts the operator's thread, where there is a contest.
    fn operator(&mut self, config: &Arc<Config>, engine: &mut Engine) -> Result<Option<Running>> {
        let operator = topology::contest(config, engine)?;
        operator.map(|operator: Operator| operator.start(self.console.take())).transpose()
    }
}

/// From lines, on paper or against a venue.
fn trade(args: &RunArgs, config: &Arc<Config>, lines: impl Lines, from: Session) -> Result<()> {
    let wanted = config.filtered()?;
    let feed = topology::live_feed(config, lines, wanted, HostClock::new())?;
    if args.paper { on_paper(args, config, feed, from) } else { live(args, config, feed, from) }
}

fn open_ring(path: &Path, patience: Option<Duration>) -> Result<RingFeed> {
    Ok(RingFeed::open(path, patience)?)
}

/// On recorded time, with paper fills.
fn on_paper(
    args: &RunArgs,
    config: &Arc<Config>,
    mut source: impl Source,
    mut from: Session,
) -> Result<()> {
    let mut engine = topology::engine(config)?;
    let operator = from.operator(config, &mut engine)?;
    let mut replay = Replay::new(engine, PaperPort::new(from.log));
    let report = replay.run(&mut source, || from.signals.count() > 0)?;
    drop(operator);
    print_report(args, &report)
}

/// Against a venue.
fn live<S: Source>(
    args: &RunArgs,
    config: &Arc<Config>,
    source: S,
    mut from: Session,
) -> Result<()> {
    let mut engine = topology::engine(config)?;
    let operator = from.operator(config, &mut engine)?;
    eprintln!("{}", summary::memory(&engine.books().memory()));
    // Before the thread is given its core and priority: DPDK cannot be started after.
    let transport = topology::transport(config, args.orders_loss)?;
    let clock = HostClock::new();
    let start = clock.now();
    let (host, orders) = (&config.values.host, &config.values.orders);
    let watch = LiveWatch::new(clock.clone(), host.counters.as_deref(), &engine, &source)
        .context("host.counters")?;
    if let Some(core) = host.core
        && let Err(error) = pin::keep_off(core)
    {
        eprintln!("cold threads share the core: {error}");
    }
    let ahead = Arc::new(AtomicI64::new(0));
    let policies = operator.as_ref().map(Running::policies);
    let flags = &args.above.set;
    let cold = Cold::start(config, &mut engine, watch.reader(), &ahead, policies, flags)?;
    let pace = topology::settle(config);
    let line = OrderLine::new(transport, Nanos::from_millis(orders.reconnect_ms.into()));
    let (status, printer) = match args.status_ms {
        None => (None, None),
        Some(_) => {
            let (send, receive) = channel::<HostReport>();
            (Some(send), Some(std::thread::spawn(move || print_lines(&receive))))
        }
    };
    let mut host = Host {
        engine,
        source,
        line: line.with_log(from.log),
        clock,
        watch,
        batch: tercel_engine::Batch::default(),
        idle: Idle::new(pace),
        signals: from.signals,
        times: LoopTimes {
            sync_timeout: Nanos::from_secs(host.sync_timeout_s.unwrap_or(30).into()),
            stop_timeout: Nanos::from_secs(host.stop_timeout_s.unwrap_or(5).into()),
            status: args.status_ms.map(Nanos::from_millis),
        },
        status,
        username: orders.username.clone(),
        failure: None,
        session_over: None,
        timers: Timers::new(start),
        ahead,
    };
    let ending = host.run();
    host.status = None;
    if let Some(printer) = printer {
        let _ = printer.join();
    }
    let cold = cold.map(Cold::stop).transpose();
    drop(operator);
    let report = host.report(host.clock.now(), true);
    print_report(args, &report)?;
    if let Some(complaint) = host.line.complaint() {
        eprintln!("{complaint}");
    }
    let ending = ending?;
    cold?;
    match ending {
        Ending::Orderly => Ok(()),
        Ending::Failed(why) => bail!("{why}; every order was taken out"),
        Ending::Abandoned(why) => bail!("{why}; {} orders may be open", report.open_orders.len()),
    }
}

/// One line of JSON a report, from a thread of its own.
fn print_lines(reports: &std::sync::mpsc::Receiver<HostReport>) {
    use std::io::Write as _;
    for report in reports {
        let Ok(line) = serde_json::to_string(&report) else { continue };
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn print_report(args: &RunArgs, report: &HostReport) -> Result<()> {
    if args.json || args.status_ms.is_some() {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    println!("{} for {:.1} s", report.phase, report.elapsed_s);
    println!("cash {}, P&L {}", dollars(report.cash_e4), dollars(report.pnl_e4));
    if !report.tripped.is_empty() {
        println!("risk tripped: {}", report.tripped);
    }
    for one in report.instruments.iter().filter(|one| one.position != 0) {
        println!("position {} {}", one.symbol, one.position);
    }
    for order in &report.open_orders {
        let OpenOrder { user_ref, symbol, side, price_e4, qty } = order;
        println!("open     {user_ref} {symbol} {side} {qty} at {}", dollars(*price_e4));
    }
    for (name, value) in report.counters.iter().filter(|(_, value)| **value > 0) {
        println!("{name:<20} {:>14}", grouped(*value));
    }
    for (name, value) in &report.rejects {
        println!("refused: {name:<11} {:>14}", grouped(*value));
    }
    for (stage, percentiles) in report.latency_ns.iter().filter(|(_, p)| p.n > 0) {
        println!("{stage:<14} {percentiles}");
    }
    Ok(())
}
