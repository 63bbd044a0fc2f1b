//! From a frame in memory to an order frame in memory, through everything that ships.

mod closed;
mod cold;
mod opened;
mod watches;

use super::prepare::{on_core, resident_bytes};
use crate::clock;
use crate::day::MarketDay;
use crate::report::Metric;
use crate::rig::{Quoting, Rig, RigConfig};
use crate::{Context, DaySource, Report, Ticks};
use anyhow::Result;
use std::hint::black_box;
use std::time::Instant;

/// Three times the busiest second recorded of Nasdaq's feed, messages a second.
const RATE: f64 = 3_500_000.0;

/// Messages a second where every message is about an instrument that is quoted: a network that
/// decides each time takes a third of a microsecond for that alone.
const RATE_ALL_QUOTED: f64 = 500_000.0;

/// Instruments that are quoted at most, the most active ones.
const QUOTED: usize = 100;

/// Messages of the passes that need no whole day: its start, the opening and the hours after it.
const PART: u64 = 5_000_000;

/// The most that a policy quotes.
const QUOTED_MOST: usize = 4_096;

/// What all variants are measured with.
struct Bench<'a> {
    context: &'a Context,
    report: &'a mut Report,
    /// How a day is called in metrics.
    day: String,
}

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    report.note(format!("tick-to-trade: {}", day.about()));
    on_core(context, || {
        stamps(report);
        let name = match &context.day {
            DaySource::Generated { instruments, .. } => instruments_name(*instruments),
            DaySource::File(_) => "recorded".to_string(),
        };
        let mut bench = Bench { context, report, day: name };
        bench.large(&day)?;
        if let DaySource::Generated { instruments, .. } = context.day {
            for (count, messages, resting) in [(1, 1_000_000, 5_000), (100, 3_000_000, 100_000)] {
                if count < instruments {
                    bench.day = instruments_name(count);
                    bench.small(count, messages, resting)?;
                }
            }
        }
        Ok(())
    })
}

fn instruments_name(count: u16) -> String {
    if count == 1 { "1-instrument".into() } else { format!("{count}-instruments") }
}

impl Bench<'_> {
    /// The day of the run, in every variant.
    fn large(&mut self, day: &MarketDay) -> Result<()> {
        self.start_up(day)?;
        let mut led_to_orders = Vec::new();
        for quoting in [Quoting::FixedSpread, Quoting::Glft, Quoting::Mlp] {
            led_to_orders = self.closed(day, (quoting, QUOTED), quoting.name(), u64::MAX)?;
        }
        self.targets();
        if day.by_activity.len() > QUOTED {
            self.closed(day, (Quoting::Mlp, QUOTED_MOST), "mlp-quoting-all", PART / 2)?;
        }
        self.stages(day)?;
        self.cold(day, &led_to_orders)?;
        for quoting in [Quoting::Glft, Quoting::Mlp] {
            self.open(day, quoting, RATE)?;
        }
        self.burst(day)
    }

    /// A day of few instruments, each of them quoted.
    fn small(&mut self, count: u16, messages: u64, resting: u32) -> Result<()> {
        let messages = if self.context.quick { messages / 20 } else { messages };
        let day = MarketDay::generated(self.context, count, messages, resting)?;
        self.closed(&day, (Quoting::Mlp, QUOTED), "mlp", u64::MAX)?;
        self.open(&day, Quoting::Mlp, RATE_ALL_QUOTED)
    }

    fn rig(&self, day: &MarketDay, quoting: Quoting, quoted_max: usize) -> Result<Rig> {
        Rig::new(self.context, day, &RigConfig { quoting, quoted_max, keeps_packets: false })
    }

    /// A metric's name: `open/8000-instruments/mlp/lag`.
    fn name(&self, kind: &str, of: &str, what: &str) -> String {
        format!("tick-to-trade/{kind}/{}/{of}/{what}", self.day)
    }

    /// A whole host: how long until it can take its first frame, and how much memory it has then.
    fn start_up(&mut self, day: &MarketDay) -> Result<()> {
        let before = resident_bytes();
        let begin = Instant::now();
        let rig = black_box(self.rig(day, Quoting::Mlp, QUOTED)?);
        let seconds = begin.elapsed().as_secs_f64();
        let resident = resident_bytes().saturating_sub(before) as f64;
        drop(rig);
        self.report.value("tick-to-trade/start_to_ready", "s", seconds);
        self.report.value("tick-to-trade/resident", "bytes", resident);
        let report = &mut self.report;
        report.target("tick-to-trade/start_to_ready", "start to ready in 3 s", 3.0, seconds);
        report.target("tick-to-trade/resident", "a host in 1.5 GB", 1.5e9, resident);
        Ok(())
    }

    /// The targets of the headline figure.
    fn targets(&mut self) {
        let name = self.name("closed", "mlp", "frame_to_order");
        let Some(Metric::Latency(found)) = self.report.metrics.get(&name) else { return };
        let (p50, p99) = (found.p50, found.p99);
        self.report.target(&name, "frame to order, p50 at most 300 ns", 300.0, p50);
        self.report.target(&name, "frame to order, p99 at most 1 µs", 1_000.0, p99);
    }
}

/// What one stamp of a chain of them costs: it is in each stage once.
fn stamps(report: &mut Report) {
    const CHAIN: u32 = 100_000;
    let begin = Ticks::begin();
    let mut last = begin;
    for _ in 0..CHAIN {
        last = black_box(Ticks::end());
    }
    let each = last.ns_since(begin) / f64::from(CHAIN);
    report.value("tick-to-trade/stamp", "ns", each);
    report.value("tick-to-trade/stamp_pair", "ns", clock::calibration().stamp_p50_ns);
}
