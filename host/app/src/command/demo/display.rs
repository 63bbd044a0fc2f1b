//! What a demo shows while it runs and at its end.

use super::{Folder, Summary};
use crate::child::Process;
use crate::cli::{DemoArgs, DemoPath, DemoSource};
use crate::cold;
use crate::operator;
use crate::report::{HostReport, dollars, duration, grouped};
use crate::signals::Signals;
use crate::venue_report::{AccountReport, VenueAddresses};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

pub(super) fn announce(args: &DemoArgs, addresses: &VenueAddresses, folder: &Folder) {
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
    if args.path != DemoPath::Kernel {
        let path = super::lab::name(args.path);
        println!("path    {path} for the feed and the orders, between two network namespaces");
    }
    println!("host    logs in {}", folder.path.display());
    println!("end     after {} s, or by Ctrl-C", args.length().as_secs());
    println!();
}

/// Shows the host's lines until the time is over or a signal comes, and hands commands on to it.
pub(super) fn watch(
    host: &mut Process,
    commands: &Receiver<String>,
    signals: &Signals,
    args: &DemoArgs,
) -> Result<()> {
    let (length, quiet) = (args.length(), args.json);
    let start = Instant::now();
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(length.as_secs()) };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s, {eta} left  {msg}")?;
    bar.set_style(style);
    let mut shown = 0;
    let mut before = HostReport::default();
    let mut row = 0;
    while start.elapsed() < length && signals.count() == 0 {
        std::thread::sleep(Duration::from_millis(100));
        for command in commands.try_iter() {
            host.say(&command)?;
        }
        for line in host.heard()? {
            if let Some(address) = line.strip_prefix(cold::SAYS) {
                // Also where nothing else is said: without it there is no way in.
                bar.suspend(|| eprintln!("dashboard {address}"));
            } else if let Some(answer) = line.strip_prefix(operator::SAYS).filter(|_| !quiet) {
                bar.suspend(|| println!("        {answer}"));
            }
        }
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

pub(super) fn print_summary(summary: &Summary, account: &AccountReport) {
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
