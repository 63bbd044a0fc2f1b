//! `tercel demo`: a venue and a host as two processes, over real multicast and TCP; with a card
//! that decodes the feed, three.

mod artifact;
mod display;
mod lab;

use crate::child::Process;
use crate::cli::{DemoArgs, DemoPath, DemoSource, PlacementName, StrategyName};
use crate::config::HostTemplate;
use crate::report::HostReport;
use crate::signals::Signals;
use crate::venue_report::{VenueAddresses, VenueReport, differences};
use anyhow::{Context, Result, bail};
use lab::Lab;
use serde::Serialize;
use std::io::BufRead;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The demo's participant at the venue.
const USERNAME: &str = "TERCEL";
const PASSWORD: &str = "demo";
/// Longest wait for a child's first or last line; the host cancels, waits for acks and logs out
/// within it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a demo with a dashboard has besides.
const CONTROLLED: &str = "
[journal]
folder = \"journal\"

[control]
listen = \"127.0.0.1:0\"
without_token = \"risk\"
";

/// What the demo found.
#[derive(Serialize)]
struct Summary {
    agree: bool,
    differences: Vec<String>,
    host: HostReport,
    venue: VenueReport,
}

/// Runs it; an error means that host and venue disagree, or that one of them failed. A signal ends
/// it early, in good order.
pub(crate) fn run(args: &DemoArgs, signals: &Signals) -> Result<()> {
    let folder = Folder::new(args.keep.as_deref())?;
    let lab = Lab::new(args)?;
    let (venue_side, host_side) = (lab.as_ref().map(Lab::venue), lab.as_ref().map(Lab::host));
    let arguments = venue_arguments(args, lab.is_some())?;
    let mut venue = Process::start("venue", &arguments, &folder.path, venue_side)?;
    let addresses: VenueAddresses = venue.expect(PATIENCE)?;
    let config = folder.path.join("host.toml");
    let mut text = host_config(args, &addresses)?;
    if args.dashboard {
        text.push_str(CONTROLLED);
    }
    if matches!(args.strategy, StrategyName::Mlp) {
        text.push_str(&artifact::unpack(&folder.path)?);
    }
    std::fs::write(&config, text).with_context(|| format!("writing {}", config.display()))?;
    let card = CardFile::new();
    let mut emulator = None;
    if args.source == DemoSource::Fpga {
        let arguments = card.emulator_arguments();
        let mut process = Process::start("emulator", &arguments, &folder.path, host_side)?;
        let _ready: serde_json::Value = process.expect(PATIENCE)?;
        emulator = Some(process);
    }
    let source = emulator.is_some().then(|| format!("--source=fpga:{}", card.path.display()));
    let ring = folder.path.join("feed.ring");
    let mut feed = None;
    if args.placement == PlacementName::Ring {
        let mut arguments = feed_arguments(&config, &ring);
        arguments.extend(source.clone());
        feed = Some(Process::start("feed", &arguments, &folder.path, host_side)?);
        wait_for(&ring)?;
    }
    let ring = feed.is_some().then_some(ring.as_path());
    let mut arguments = host_arguments(&config, ring, &folder.path.join("orders.bin"));
    arguments.extend(source.filter(|_| ring.is_none()));
    if args.orders_loss > 0.0 {
        arguments.push(format!("--orders-loss={}", args.orders_loss));
    }
    let mut host = Process::start("host", &arguments, &folder.path, host_side)?;
    if !args.json {
        display::announce(args, &addresses, &folder);
    }
    let commands = commands()?;
    display::watch(&mut host, &commands, signals, args)?;
    let host: HostReport = host.stop(PATIENCE)?;
    drop(feed);
    drop(emulator);
    let venue: VenueReport = venue.stop(PATIENCE)?;
    conclude(args, host, venue)
}

/// Lines of the demo's own standard input, which are commands to the host (`tercel run --console`).
fn commands() -> Result<Receiver<String>> {
    let (send, lines) = channel();
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        })
        .context("cannot start the thread that reads commands")?;
    Ok(lines)
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

fn venue_arguments(args: &DemoArgs, in_lab: bool) -> Result<Vec<String>> {
    let any_port = |address| SocketAddrV4::new(address, 0);
    let local = Ipv4Addr::LOCALHOST;
    let ([a, b], interfaces, [cold, orders]) = match in_lab {
        true => (lab::GROUPS, lab::VENUE_LINES, [lab::VENUE_COLD, lab::VENUE_ORDERS]),
        false => (free_lines()?, [local; 2], [local; 2]),
    };
    let (cold, orders, interface) =
        (any_port(cold), any_port(orders), format!("{},{}", interfaces[0], interfaces[1]));
    let faults = &args.faults;
    Ok(strings(&[
        "exchange",
        &format!("--symbols={}", args.symbols),
        &format!("--rate={}", args.rate),
        &format!("--seed={}", args.seed),
        &format!("--account={USERNAME}:{PASSWORD}"),
        &format!("--line-a={a}"),
        &format!("--line-b={b}"),
        &format!("--interface={interface}"),
        &format!("--recovery={cold}"),
        &format!("--glimpse={cold}"),
        &format!("--ouch={orders}"),
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
    let lab = args.path != DemoPath::Kernel;
    let ouch = addresses.ouch.context("the venue has no OUCH server")?;
    let strategy = match args.strategy {
        StrategyName::FixedSpread => "fixed-spread",
        StrategyName::AvellanedaStoikov => "avellaneda-stoikov",
        StrategyName::Glft => "glft",
        StrategyName::Mlp => "mlp",
    };
    Ok(HostTemplate {
        line_a: addresses.line_a,
        line_b: addresses.line_b,
        interface: if lab { lab::HOST_LINES[0] } else { Ipv4Addr::LOCALHOST },
        recovery: addresses.recovery.context("the venue has no retransmission server")?,
        glimpse: addresses.glimpse.context("the venue has no Glimpse server")?,
        ouch,
        username: USERNAME,
        password: PASSWORD,
        strategy,
        symbols: (0..args.quoted.min(args.symbols)).map(|at| format!("SIM{at:03}")).collect(),
    }
    .render(&lab::path_keys(args.path)))
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
    arguments.push("--console".into());
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
        display::print_summary(&summary, &account);
    }
    if !summary.agree {
        bail!("host and venue disagree: {}", summary.differences.join("; "));
    }
    Ok(())
}
