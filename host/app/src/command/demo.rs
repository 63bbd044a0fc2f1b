//! `tercel demo`: a venue and a host as two processes, over real multicast and TCP; with a card
//! that decodes the feed, three.

use crate::child::Process;
use crate::cli::{DemoArgs, DemoSource, PlacementName, StrategyName};
use crate::config::HostTemplate;
use crate::report::{HostReport, dollars, duration, grouped};
use crate::venue_report::{AccountReport, VenueAddresses, VenueReport, differences};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The demo's participant at the venue.
const USERNAME: &str = "TERCEL";
const PASSWORD: &str = "demo";
/// Longest wait for a child's first or last line; the host cancels, waits for acks and logs out
/// within it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the demo found.
#[derive(Serialize)]
struct Summary {
    agree: bool,
    differences: Vec<String>,
    host: HostReport,
    venue: VenueReport,
}

/// Runs it; an error means that host and venue disagree, or that one of them failed.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let folder = Folder::new(args.keep.as_deref())?;
    let mut venue = Process::start("venue", &venue_arguments(args)?, &folder.path)?;
    let addresses: VenueAddresses = venue.expect(PATIENCE)?;
    let config = folder.path.join("host.toml");
    std::fs::write(&config, host_config(args, &addresses)?)
        .with_context(|| format!("writing {}", config.display()))?;
    let card = CardFile::new();
    let mut emulator = None;
    if args.source == DemoSource::Fpga {
        let arguments = card.emulator_arguments();
        let mut process = Process::start("emulator", &arguments, &folder.path)?;
        let _ready: serde_json::Value = process.expect(PATIENCE)?;
        emulator = Some(process);
    }
    let source = emulator.is_some().then(|| format!("--source=fpga:{}", card.path.display()));
    let ring = folder.path.join("feed.ring");
    let mut feed = None;
    if args.placement == PlacementName::Ring {
        let mut arguments = feed_arguments(&config, &ring);
        arguments.extend(source.clone());
        feed = Some(Process::start("feed", &arguments, &folder.path)?);
        wait_for(&ring)?;
    }
    let ring = feed.is_some().then_some(ring.as_path());
    let mut arguments = host_arguments(&config, ring, &folder.path.join("orders.bin"));
    arguments.extend(source.filter(|_| ring.is_none()));
    let mut host = Process::start("host", &arguments, &folder.path)?;
    if !args.json {
        announce(args, &addresses, &folder);
    }
    watch(&mut host, Duration::from_secs(args.duration), args.json)?;
    let host: HostReport = host.stop(PATIENCE)?;
    drop(feed);
    drop(emulator);
    let venue: VenueReport = venue.stop(PATIENCE)?;
    conclude(args, host, venue)
}

/// The folder of the run: the user's, or one of its own that goes with the run.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Folder> {
        let own = std::env::temp_dir().join(format!("tercel-demo-{}", std::process::id()));
        let path = keep.map_or(own, Path::to_path_buf);
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Folder { path, temporary: keep.is_none() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn venue_arguments(args: &DemoArgs) -> Result<Vec<String>> {
    let [a, b] = free_lines()?;
    let local = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let faults = &args.faults;
    Ok(strings(&[
        "exchange",
        &format!("--symbols={}", args.symbols),
        &format!("--rate={}", args.rate),
        &format!("--seed={}", args.seed),
        &format!("--account={USERNAME}:{PASSWORD}"),
        &format!("--line-a={a}"),
        &format!("--line-b={b}"),
        &format!("--recovery={local}"),
        &format!("--glimpse={local}"),
        &format!("--ouch={local}"),
        &format!("--loss={}", faults.loss),
        &format!("--duplicate={}", faults.duplicate),
        &format!("--reorder={}", faults.reorder),
        &format!("--delay-us={}", faults.delay_us),
        &format!("--jitter-us={}", faults.jitter_us),
        "--json",
    ]))
}

/// Two multicast addresses that nobody on this machine listens to: groups by process, ports as the
/// system gives them.
fn free_lines() -> Result<[SocketAddrV4; 2]> {
    let id = std::process::id();
    let mut lines = [SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0); 2];
    for (line, last) in lines.iter_mut().zip([1, 2]) {
        let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("no free UDP port")?;
        let group = Ipv4Addr::new(239, 192, (id >> 6) as u8, (id << 2) as u8 | last);
        *line = SocketAddrV4::new(group, probe.local_addr()?.port());
    }
    Ok(lines)
}

fn host_config(args: &DemoArgs, addresses: &VenueAddresses) -> Result<String> {
    let ouch = addresses.ouch.context("the venue has no OUCH server")?;
    let strategy = match args.strategy {
        StrategyName::FixedSpread => "fixed-spread",
        StrategyName::AvellanedaStoikov => "avellaneda-stoikov",
        StrategyName::Glft => "glft",
    };
    Ok(HostTemplate {
        line_a: addresses.line_a,
        line_b: addresses.line_b,
        interface: Ipv4Addr::LOCALHOST,
        recovery: addresses.recovery.context("the venue has no retransmission server")?,
        glimpse: addresses.glimpse.context("the venue has no Glimpse server")?,
        ouch,
        username: USERNAME,
        password: PASSWORD,
        strategy,
        symbols: (0..args.quoted.min(args.symbols)).map(|at| format!("SIM{at:03}")).collect(),
    }
    .render())
}

fn feed_arguments(config: &Path, ring: &Path) -> Vec<String> {
    let (config, ring) = (config.display().to_string(), ring.display().to_string());
    strings(&["feed", "--config", &config, "--ring", &ring, "--json"])
}

fn host_arguments(config: &Path, ring: Option<&Path>, orders: &Path) -> Vec<String> {
    let config = config.display().to_string();
    let orders = orders.display().to_string();
    let mut arguments =
        strings(&["run", "--config", &config, "--orders", &orders, "--status-ms=500", "--json"]);
    if let Some(ring) = ring {
        arguments.extend(strings(&["--ring", &ring.display().to_string()]));
    }
    arguments
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| text.to_string()).collect()
}

/// The card of a run: memory that goes with the run.
struct CardFile {
    path: PathBuf,
}

impl CardFile {
    fn new() -> CardFile {
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() };
        CardFile { path: folder.join(format!("tercel-demo-card-{}", std::process::id())) }
    }

    fn emulator_arguments(&self) -> Vec<String> {
        let mut arguments = strings(&["emulate", "--json"]);
        arguments.push(format!("--card={}", self.path.display()));
        if cfg!(feature = "cosim") {
            arguments.push("--rtl".into());
        }
        arguments
    }
}

impl Drop for CardFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Waits for the feed process to have made its ring.
fn wait_for(ring: &Path) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !ring.exists() {
        if Instant::now() > end {
            bail!("the feed process made no ring at {}", ring.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn announce(args: &DemoArgs, addresses: &VenueAddresses, folder: &Folder) {
    println!("venue   {} symbols, {} messages/s, seed {}", args.symbols, args.rate, args.seed);
    println!("        line A {}, line B {}", addresses.line_a, addresses.line_b);
    let faults = &args.faults;
    for (at, line) in ["A", "B"].iter().enumerate() {
        let (loss, twice) = (faults.loss.0[at] * 100.0, faults.duplicate.0[at] * 100.0);
        let (disorder, delay) = (faults.reorder.0[at] * 100.0, faults.delay_us.0[at]);
        if loss + twice + disorder + delay as f64 > 0.0 {
            println!(
                "        line {line} loses {loss:.2} %, repeats {twice:.2} %, reorders \
                 {disorder:.2} % of its packets, delays them by {delay} µs"
            );
        }
    }
    if let Some(ouch) = addresses.ouch {
        println!("        OUCH {ouch}");
    }
    if args.source == DemoSource::Fpga {
        let what = if cfg!(feature = "cosim") { "its simulated RTL" } else { "its emulator" };
        println!("card    {what}, in a process of its own");
    }
    println!("host    logs in {}", folder.path.display());
    println!();
}

/// Shows the host's lines until `length` is over.
fn watch(host: &mut Process, length: Duration, quiet: bool) -> Result<()> {
    let start = Instant::now();
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(length.as_secs()) };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s, {eta} left  {msg}")?;
    bar.set_style(style);
    let mut shown = 0;
    let mut before = HostReport::default();
    let mut row = 0;
    while start.elapsed() < length {
        std::thread::sleep(Duration::from_millis(100));
        for report in host.drain::<HostReport>()? {
            let second = report.elapsed_s as u64;
            if !quiet && second > shown {
                shown = second;
                let text = live_row(&before, &report, row);
                bar.suspend(|| println!("{text}"));
                bar.set_message(stages(&report));
                before = report;
                row += 1;
            }
        }
        bar.set_position(start.elapsed().as_secs());
    }
    bar.finish_and_clear();
    Ok(())
}

/// The medians of the stages, in one line.
fn stages(report: &HostReport) -> String {
    let stage = |stage: &tercel_engine::Stage| {
        let percentiles = report.latency_ns.get(stage.name())?;
        Some(format!("{} {}", stage.name(), duration(percentiles.p50)))
    };
    let list: Vec<String> = tercel_engine::Stage::ALL.iter().filter_map(stage).collect();
    format!("p50: {}", list.join(", "))
}

/// One line of the live display, with headings every 20 rows.
fn live_row(before: &HostReport, now: &HostReport, row: usize) -> String {
    let count = |report: &HostReport, name: &str| report.counters.get(name).copied().unwrap_or(0);
    let seconds = (now.elapsed_s - before.elapsed_s).max(1e-3);
    let rate = (count(now, "events") - count(before, "events")) as f64 / seconds;
    let top = now.instruments.first().cloned().unwrap_or_default();
    let touch = format!("{} x {}", dollars(top.bid_e4), dollars(top.ask_e4));
    let fills = format!("{}/{}", count(now, "fills_bought"), count(now, "fills_sold"));
    let refused: u64 = now.rejects.values().sum::<u64>() + count(now, "venue_rejected");
    let latency = now.latency_ns.get("tick_to_trade").copied().unwrap_or_default();
    let mut text = String::new();
    if row.is_multiple_of(20) {
        text = format!(
            "{:>5} {:>9} {:>9} {:>19} {:>7} {:>10} {:>8} {:>11} {:>7} {:>6} {:>10} {:>10}\n",
            "s",
            "state",
            "events/s",
            "top",
            "pos",
            "P&L",
            "orders",
            "buys/sells",
            "refused",
            "gaps",
            "t2t p50",
            "t2t p99"
        );
    }
    text + &format!(
        "{:>5.0} {:>9} {:>9} {:>19} {:>7} {:>10} {:>8} {:>11} {:>7} {:>6} {:>10} {:>10}",
        now.elapsed_s,
        if now.stale { "stale" } else { &now.phase },
        grouped(rate as u64),
        format!("{} {touch}", top.symbol),
        now.instruments.iter().map(|one| one.position).sum::<i64>(),
        dollars(now.pnl_e4),
        grouped(count(now, "sent")),
        fills,
        refused,
        count(now, "gaps_closed"),
        duration(latency.p50),
        duration(latency.p99),
    )
}

/// Compares, prints, and fails if the two disagree.
fn conclude(args: &DemoArgs, host: HostReport, venue: VenueReport) -> Result<()> {
    let Some(account) = venue.accounts.iter().find(|one| one.username == USERNAME).cloned() else {
        bail!("the venue has no account {USERNAME}");
    };
    let differences = differences(&host, &account);
    let summary = Summary { agree: differences.is_empty(), differences, host, venue };
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        print_summary(&summary, &account);
    }
    if !summary.agree {
        bail!("host and venue disagree: {}", summary.differences.join("; "));
    }
    Ok(())
}

fn print_summary(summary: &Summary, account: &AccountReport) {
    let count = |name: &str| grouped(summary.host.counters.get(name).copied().unwrap_or(0));
    println!();
    println!("events     {} records, {} decisions", count("events"), count("decisions"));
    println!(
        "orders     {} sent, {} accepted, {} canceled, {} rejected by the venue",
        count("sent"),
        count("accepted"),
        count("canceled"),
        count("venue_rejected")
    );
    println!(
        "fills      {} bought {} shares, {} sold {} shares",
        count("fills_bought"),
        count("shares_bought"),
        count("fills_sold"),
        count("shares_sold")
    );
    let refused: Vec<String> =
        summary.host.rejects.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
    let refused = if refused.is_empty() { "none".into() } else { refused.join(", ") };
    println!("risk       refused: {refused}");
    println!(
        "feed       {} gaps opened, {} closed, {} messages recovered, {} requests, {} duplicates",
        count("gaps_opened"),
        count("gaps_closed"),
        count("recovered"),
        count("requests"),
        count("duplicates")
    );
    println!("P&L        {}, cash {}", dollars(summary.host.pnl_e4), dollars(summary.host.cash_e4));
    println!();
    println!(
        "{:<14} {:>9} {:>10} {:>10} {:>10} {:>10}",
        "latency", "n", "p50", "p99", "p99.9", "max"
    );
    for stage in tercel_engine::Stage::ALL {
        if let Some(p) = summary.host.latency_ns.get(stage.name()) {
            println!(
                "{:<14} {:>9} {:>10} {:>10} {:>10} {:>10}",
                stage.name(),
                grouped(p.n),
                duration(p.p50),
                duration(p.p99),
                duration(p.p999),
                duration(p.max)
            );
        }
    }
    println!();
    println!("{:<10} {:>12} {:>12}", "", "host", "venue");
    for one in &summary.host.instruments {
        let venue = account.positions.get(&one.symbol).copied().unwrap_or(0);
        println!("{:<10} {:>12} {:>12}", one.symbol, one.position, venue);
    }
    println!(
        "{:<10} {:>12} {:>12}",
        "cash",
        dollars(summary.host.cash_e4),
        dollars(account.cash_e4)
    );
    println!(
        "{:<10} {:>12} {:>12}",
        "open",
        summary.host.open_orders.len(),
        account.open_orders.len()
    );
    println!();
    println!("{}", if summary.agree { "host and venue agree" } else { "HOST AND VENUE DISAGREE" });
}
