//! `tercel capture record`: every frame of both lines, to files.

use crate::cli::RecordArgs;
use crate::config::Config;
use crate::lines::Frames;
use crate::pace::Idle;
use crate::report::grouped;
use crate::signals::Signals;
use crate::topology;
use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;
use tercel_capture::record::{RecordConfig, RecordReport, Recorded, Tap, channel};
use tercel_net::clock::HostClock;
use tercel_types::{Clock, Nanos};

/// Frames taken at once.
const BATCH: usize = 64;
/// Time between two looks at the ports, and at the status line.
const LOOK: Nanos = Nanos(100_000);
const STATUS: Nanos = Nanos::from_millis(500);

/// Runs it.
pub(super) fn run(args: &RecordArgs, signals: &Signals) -> Result<()> {
    let config = Config::load(&args.config)?;
    match topology::bypass(&config)? {
        Some(lines) => record(args, &config, lines, signals),
        None => record(args, &config, topology::socket_pair(&config)?, signals),
    }
}

fn record(
    args: &RecordArgs,
    config: &Config,
    mut lines: impl Frames,
    signals: &Signals,
) -> Result<()> {
    let clock = HostClock::new();
    let recording = RecordConfig {
        folder: args.out.clone(),
        lines: config.feed()?.lines,
        rotate_bytes: args.rotate_mib << 20,
        rotate_after: Nanos::from_secs(args.rotate_s),
        application: concat!("tercel ", env!("CARGO_PKG_VERSION")).into(),
    };
    let ring = usize::try_from(args.ring_mib << 20).context("--ring-mib")?;
    let (mut tap, writer) = channel(recording, ring, clock.now())?;
    let way = if writer.is_direct() { "past the page cache (O_DIRECT)" } else { "buffered" };
    eprintln!("recording to {}, {way}", args.out.display());
    let thread = std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || writer.run(&HostClock::new()))
        .context("cannot start the thread that writes")?;
    let idle = Idle::new(topology::settle(config));
    let received = receive(&mut tap, &mut lines, clock, idle, args.duration, signals);
    tap.counters().set_system_dropped(lines.dropped());
    drop(tap);
    let recorded = thread.join().map_err(|_| anyhow!("the thread that writes has broken"))??;
    received?;
    if args.json {
        println!("{}", serde_json::to_string(&recorded)?);
    } else {
        summary(&recorded);
    }
    Ok(())
}

/// Takes frames until a signal, the end of the time, or the end of the writer.
fn receive(
    tap: &mut Tap,
    lines: &mut impl Frames,
    mut clock: HostClock,
    mut idle: Idle,
    duration: Option<u64>,
    signals: &Signals,
) -> Result<()> {
    let bar = status_bar();
    let start = clock.now();
    let end = duration.map(|seconds| start + Nanos::from_secs(seconds));
    let (mut look, mut status) = (Nanos(0), Nanos(0));
    while signals.count() == 0 && !tap.is_closed() {
        let work = lines.frames(BATCH, |frame| {
            tap.push(frame);
        });
        let now = clock.now();
        if now >= look {
            look = now + LOOK;
            clock.steer();
            lines.look(now);
            if end.is_some_and(|end| now >= end) {
                break;
            }
        }
        if now >= status {
            status = now + STATUS;
            tap.counters().set_system_dropped(lines.dropped());
            bar.set_message(line(&tap.counters().report(), &lines.detail()));
            if let Some(failure) = lines.failure() {
                bail!(failure);
            }
        }
        idle.after(work);
    }
    bar.finish_and_clear();
    Ok(())
}

fn status_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn line(report: &RecordReport, detail: &str) -> String {
    let RecordReport { received, dropped, system_dropped, .. } = report;
    let mut text = format!(
        "line A {}, line B {} frames; file {}, {} MiB; dropped {} here, {} before",
        grouped(received[0]),
        grouped(received[1]),
        report.files,
        grouped(report.bytes >> 20),
        grouped(dropped.iter().sum()),
        grouped(system_dropped.iter().sum()),
    );
    if !detail.is_empty() {
        text = format!("{text}; {detail}");
    }
    text
}

fn summary(recorded: &Recorded) {
    let report = &recorded.report;
    for (at, name) in ["line A", "line B"].iter().enumerate() {
        println!(
            "{name}: {} frames, {} dropped here, {} by the system before",
            grouped(report.received[at]),
            grouped(report.dropped[at]),
            grouped(report.system_dropped[at]),
        );
    }
    let how = if recorded.direct { "past the page cache" } else { "through the page cache" };
    println!(
        "{} frames written, {} bytes, {} files, {how}",
        grouped(report.written),
        grouped(report.bytes),
        grouped(report.files),
    );
}
