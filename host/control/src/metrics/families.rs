//! Every family of metrics, and a sheet that is filled by their names.

use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use std::collections::BTreeMap;

/// What kind of metric it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A family of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(crate) const $constant: Family = Family {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)+

        /// Every family that the host tells.
        pub const FAMILIES: &[Family] = &[$($constant),+];
    };
}

families! {
    BUILD Gauge "tercel_build_info" ["version"] "Always 1; the version of the binary.";
    UPTIME Gauge "tercel_uptime_seconds" [] "Time since the host began.";
    PHASE Gauge "tercel_phase" ["phase"]
        "1 for the phase the host is in: starting, trading, stopping.";
    SESSION Gauge "tercel_session_state" ["state"] "1 for the state the order session is in.";
    TRIPPED Gauge "tercel_tripped" ["reason"] "1 while only cancels pass, and why; absent else.";
    STALE Gauge "tercel_books_stale" [] "1 while the books may be wrong.";
    PAUSED Gauge "tercel_paused" [] "1 while nothing is quoted, by command.";
    HELD_UP Gauge "tercel_held_up" [] "1 while nothing is quoted, because the tape is full.";
    SILENT Gauge "tercel_silent_seconds" [] "How long the trading thread has said nothing.";
    EVENTS Counter "tercel_events_total" [] "Records of the feed that the engine applied.";
    INTENTS Counter "tercel_intents_total" ["action", "fate"]
        "Intents of the policy and the engine, and what became of them.";
    REFUSED Counter "tercel_risk_rejects_total" ["reason"] "Intents that risk refused.";
    UNSENT Counter "tercel_unsent_total" ["reason"] "Approved orders that could not be sent.";
    ANSWERS Counter "tercel_venue_answers_total" ["kind"] "What the venue said of orders.";
    REJECTED Counter "tercel_venue_rejects_total" ["code"]
        "Orders that the venue refused, by its code in OUCH 5.0.";
    RECEIVED Counter "tercel_order_session_received_bytes_total" []
        "Bytes that came in on the order session.";
    OPEN_ORDERS Gauge "tercel_open_orders" ["symbol"] "Open orders.";
    FILLS Counter "tercel_executions_total" [] "Executions, those taken back later among them.";
    BROKEN Counter "tercel_broken_trades_total" [] "Executions that the venue took back.";
    TRADED Gauge "tercel_traded_shares" ["side"]
        "Shares executed since the start, less those taken back.";
    TRADED_MONEY Gauge "tercel_traded_dollars" ["side"] "Their money.";
    POSITION Gauge "tercel_position_shares" ["symbol"] "Shares held; negative is short.";
    VALUE Gauge "tercel_position_dollars" ["symbol"] "Their value.";
    INSTRUMENT_PNL Gauge "tercel_instrument_pnl_dollars" ["symbol", "kind"]
        "Profit of an instrument, realised and unrealised.";
    PNL Gauge "tercel_pnl_dollars" ["kind"] "Profit of the account, realised and unrealised.";
    DRAWDOWN Gauge "tercel_drawdown_dollars" [] "How far below its highest the profit is.";
    CASH Gauge "tercel_cash_dollars" [] "Cash received less cash paid.";
    GROSS Gauge "tercel_gross_exposure_dollars" [] "Worst-case gross exposure of the account.";
    NET Gauge "tercel_net_exposure_dollars" [] "Worst-case net exposure of the account.";
    LIMIT_USE Gauge "tercel_limit_use_ratio" ["of", "limit"]
        "How much of a limit is used; 1 is all of it.";
    QUOTED Gauge "tercel_best_price_dollars" ["symbol", "side"] "Best bid and ask; absent if none.";
    STAGES Histogram "tercel_stage_latency_seconds" ["stage"]
        "Time of each stage of a tick, and from frame to order.";
    COUNTERS Counter "tercel_host_events_total" ["name"]
        "Every counter of the counters page: feed, gaps, books, session, engine.";
    TAPE_USED Gauge "tercel_tape_used_ratio" []
        "Share of the tape that waits to be written down; absent without a journal.";
    TAPE_LOST Counter "tercel_tape_lost_entries_total" [] "Entries for which the tape had no room.";
    TAPE_ENTRIES Counter "tercel_tape_entries_total" [] "Entries read from the tape.";
    TAPE_UNKNOWN Counter "tercel_tape_unknown_entries_total" []
        "Entries of the tape that could not be read.";
    TAPE_ODD Counter "tercel_tape_odd_entries_total" [] "Entries of the tape that fit no order.";
    JOURNAL_RECORDS Counter "tercel_journal_records_total" []
        "Records written to the journal; absent without one.";
    JOURNAL_SEQUENCE Gauge "tercel_journal_sequence" [] "Number of the last record of the journal.";
    JOURNAL_TROUBLE Gauge "tercel_journal_trouble" [] "1 while the journal cannot be written.";
    CLOCK_SYNC Gauge "tercel_clock_synchronised" []
        "1 while the kernel holds the system's clock for synchronised.";
    CLOCK_ERROR Gauge "tercel_clock_error_max_seconds" []
        "Largest error of the system's clock against UTC; absent if unknown.";
    CLOCK_AHEAD Gauge "tercel_clock_ahead_seconds" []
        "How far the clock of the stamps is ahead of the system's.";
}

/// What the process itself tells, by the library.
pub const PROCESS: &[Family] = &[
    process("process_cpu_seconds_total", Kind::Counter, "Processor time used."),
    process("process_max_fds", Kind::Gauge, "File descriptors there may be."),
    process("process_open_fds", Kind::Gauge, "File descriptors there are."),
    process("process_resident_memory_bytes", Kind::Gauge, "Resident memory."),
    process("process_start_time_seconds", Kind::Gauge, "When it began, since the Unix epoch."),
    process("process_threads", Kind::Gauge, "Threads."),
    process("process_virtual_memory_bytes", Kind::Gauge, "Virtual memory."),
];

const fn process(name: &'static str, kind: Kind, help: &'static str) -> Family {
    Family { name, kind, labels: &[], help }
}

/// Values by family.
#[derive(Default)]
pub(crate) struct Sheet {
    metrics: BTreeMap<&'static str, (Family, Vec<Metric>)>,
}

impl Sheet {
    /// Sets one value; the labels are in the order of the family's.
    pub(crate) fn put(&mut self, family: Family, labels: &[&str], value: f64) {
        let mut metric = labelled(&family, labels);
        match family.kind {
            Kind::Gauge => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
            Kind::Counter | Kind::Histogram => {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
        }
        self.push(family, metric);
    }

    /// Sets a distribution: for each upper end, how many values were at most that, rising.
    pub(crate) fn put_buckets(
        &mut self,
        family: Family,
        labels: &[&str],
        buckets: &[(f64, u64)],
        sum: f64,
        count: u64,
    ) {
        let bucket = |(upper, count): &(f64, u64)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*upper);
            bucket.set_cumulative_count(*count);
            bucket
        };
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.iter().map(bucket).collect());
        histogram.set_sample_sum(sum);
        histogram.set_sample_count(count);
        let mut metric = labelled(&family, labels);
        metric.set_histogram(histogram);
        self.push(family, metric);
    }

    fn push(&mut self, family: Family, metric: Metric) {
        self.metrics.entry(family.name).or_insert_with(|| (family, Vec::new())).1.push(metric);
    }

    pub(crate) fn families(self) -> Vec<MetricFamily> {
        let family = |(family, metrics): (Family, Vec<Metric>)| {
            let mut made = MetricFamily::default();
            made.set_name(family.name.into());
            made.set_help(family.help.into());
            made.set_field_type(match family.kind {
                Kind::Counter => MetricType::COUNTER,
                Kind::Gauge => MetricType::GAUGE,
                Kind::Histogram => MetricType::HISTOGRAM,
            });
            made.set_metric(metrics);
            made
        };
        self.metrics.into_values().map(family).collect()
    }
}

fn labelled(family: &Family, values: &[&str]) -> Metric {
    let pair = |(name, value): (&&str, &&str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).into());
        pair.set_value((*value).into());
        pair
    };
    Metric::from_label(family.labels.iter().zip(values).map(pair).collect())
}
