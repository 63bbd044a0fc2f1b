//! `tercel feed`: the decoder of a feed as a process of its own, into a ring.

use crate::cli::{FeedArgs, SourceName};
use crate::config::Config;
use crate::lines::Lines;
use crate::pace::Idle;
use crate::recorded_feed::RecordedFeed;
use crate::report::grouped;
use crate::signals::Signals;
use crate::source::Source;
use crate::topology;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use tercel_engine::ring::RingWriter;
use tercel_net::clock::HostClock;
use tercel_types::{Clock, Nanos};

/// Software stamps records in nanoseconds.
const TICKS_PER_SECOND: u64 = 1_000_000_000;
/// Frames taken at once.
const BATCH: usize = 64;
/// Time between two signs of life.
const BEAT: Nanos = Nanos::from_millis(50);

/// Runs it.
pub(crate) fn run(args: &FeedArgs, signals: &Signals) -> Result<()> {
    let config = Config::load_with(&args.config, &args.above.set)?;
    config.warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    let slots = usize::try_from(args.slots).context("--slots")?;
    let ring = RingWriter::create(&args.ring, slots, TICKS_PER_SECOND)?;
    match &args.file {
        Some(file) => {
            let idle = Idle::new(crate::pace::Pace::Spin);
            write(args, ring, RecordedFeed::open(file)?, idle, signals)
        }
        None => {
            let clock = HostClock::new();
            match &args.source {
                SourceName::Net => match topology::bypass(&config)? {
                    Some(lines) => live(args, &config, ring, lines, clock, signals),
                    None => {
                        let lines = topology::sockets(&config)?;
                        live(args, &config, ring, lines, clock, signals)
                    }
                },
                SourceName::Fpga(address) => {
                    let lines = topology::card(&config, address.clone(), &clock)?;
                    live(args, &config, ring, lines, clock, signals)
                }
            }
        }
    }
}

fn live(
    args: &FeedArgs,
    config: &Config,
    ring: RingWriter,
    lines: impl Lines,
    clock: HostClock,
    signals: &Signals,
) -> Result<()> {
    let feed = topology::live_feed(config, lines, Vec::new(), clock)?;
    let idle = Idle::new(topology::settle(config));
    write(args, ring, feed, idle, signals)
}

fn write(
    args: &FeedArgs,
    mut ring: RingWriter,
    mut source: impl Source,
    mut idle: Idle,
    signals: &Signals,
) -> Result<()> {
    let clock = HostClock::new();
    let mut beat = Nanos(0);
    let end_with_session = args.until_end || args.file.is_some();
    while signals.count() == 0 && !(end_with_session && source.is_closed()) {
        let work = source.poll(BATCH, |record| {
            ring.publish(record);
        });
        let now = clock.now();
        if now >= beat {
            beat = now + BEAT;
            ring.beat(now.0);
            if ring.take_snapshot_request() {
                source.request_snapshot();
            }
            if let Some(failure) = source.failure() {
                bail!(failure);
            }
        }
        idle.after(work);
    }
    if let Some(failure) = source.failure() {
        bail!(failure);
    }
    let mut counters = BTreeMap::new();
    source.report(&mut counters);
    counters.insert("ring_records".into(), ring.head());
    ring.close();
    if args.json {
        println!("{}", serde_json::to_string(&counters)?);
    } else {
        for (name, value) in counters.iter().filter(|(_, value)| **value > 0) {
            println!("{name:<20} {:>14}", grouped(*value));
        }
    }
    Ok(())
}
