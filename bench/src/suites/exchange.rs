//! The simulated venue: matching alone, and matching with everything that publishes it.

use super::prepare::{on_core, timed};
use crate::{Context, Report, Samples};
use anyhow::Result;
use std::hint::black_box;
use std::time::Instant;
use tercel_exchange::flow::{Flow, FlowConfig, SymbolFlow};
use tercel_exchange::matching::{Command, Event, Listing, Matching};
use tercel_exchange::venue::SymbolConfig;
use tercel_exchange::{Venue, VenueConfig};
use tercel_types::{Nanos, Price, Symbol, TradingState};

/// Instruments of the venue.
const INSTRUMENTS: usize = 20;

/// Commands to the matching engine.
const COMMANDS: usize = 1_000_000;
const COMMANDS_QUICK: usize = 20_000;

/// Commands that are timed together.
const CHUNK: usize = 256;

/// Half past nine.
const OPEN: Nanos = Nanos::from_secs(34_200);

const PRICE: Price = Price(500_000);

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    on_core(context, || {
        context.progress.start("matching", 0);
        matching(context, report)?;
        context.progress.start("venue", 0);
        venue(context, report)?;
        context.progress.done();
        Ok(())
    })
}

fn symbols() -> impl Iterator<Item = Symbol> {
    (0..INSTRUMENTS).filter_map(|at| Symbol::new(&format!("V{at:02}")))
}

fn flow(seed: u64) -> FlowConfig {
    let symbol = |at| SymbolFlow::new(VenueConfig::instrument(at), PRICE);
    let config = FlowConfig::new(seed, (0..INSTRUMENTS).map(symbol).collect());
    FlowConfig { rate: 50_000.0, start: OPEN, ..config }
}

fn market() -> Matching {
    let mut market = Matching::new(1 << 20);
    for (at, symbol) in symbols().enumerate() {
        market.list(&Listing {
            instrument: VenueConfig::instrument(at),
            symbol,
            increment: Price::CENT.0,
            reference: PRICE,
            state: TradingState::Trading,
        });
    }
    market
}

/// The flow looks at the market before each command, so it is run once beforehand and its commands
/// are kept.
fn matching(context: &Context, report: &mut Report) -> Result<()> {
    let wanted = if context.quick { COMMANDS_QUICK } else { COMMANDS };
    let mut flow = Flow::new(flow(context.seed))?;
    let mut commands: Vec<Command> = Vec::with_capacity(wanted);
    let (mut before, mut events) = (market(), Vec::new());
    while commands.len() < wanted {
        let Some((_, command)) = flow.next(Nanos(u64::MAX), &before) else { break };
        events.clear();
        before.apply(&command, &mut events);
        commands.push(command);
    }
    drop(before);
    let (mut market, mut samples, mut executions) = (market(), Samples::new(), 0);
    let mut events: Vec<Event> = Vec::with_capacity(1 << 16);
    let begin = Instant::now();
    for chunk in commands.chunks(CHUNK) {
        events.clear();
        timed(&mut samples, chunk.len(), || {
            for command in chunk {
                market.apply(black_box(command), &mut events);
            }
        });
        executions += events.iter().filter(|e| matches!(e, Event::Executed(_))).count();
    }
    let seconds = begin.elapsed().as_secs_f64();
    report.latency("exchange/matching", &samples);
    report.value("exchange/matching_rate", "orders/s", commands.len() as f64 / seconds);
    report.note(format!("exchange: {} commands, {executions} executions", commands.len()));
    Ok(())
}

/// The venue as `tercel exchange` runs it, without servers: flow, matching, ITCH, MoldUDP64 and the
/// system calls that send two multicast packets, for each message published.
fn venue(context: &Context, report: &mut Report) -> Result<()> {
    let listed = symbols().map(|symbol| SymbolConfig::new(symbol, PRICE));
    let mut config = VenueConfig::new(listed.collect());
    config.flow = Some(flow(context.seed));
    config.publisher.retransmission = None;
    config.publisher.glimpse = None;
    let mut venue = match Venue::bind(config) {
        Ok(venue) => venue,
        Err(error) => {
            report.note(format!("exchange: venue skipped, {error}"));
            return Ok(());
        }
    };
    let mut samples = Samples::new();
    venue.step(OPEN);
    // A millisecond of the market at a time.
    for step in 1..if context.quick { 200 } else { 5_000 } {
        let before = venue.publisher().next_seq().0;
        let begin = Instant::now();
        venue.step(OPEN + Nanos::from_millis(step));
        let ns = begin.elapsed().as_nanos() as f64;
        let published = venue.publisher().next_seq().0 - before;
        if published > 0 {
            samples.record_n(ns / published as f64, published);
        }
    }
    report.latency("exchange/venue", &samples);
    Ok(())
}
