//! Metrics in Prometheus' text format.
//!
//! Every family is declared once, in [`FAMILIES`], from which METRICS.md is made; what is not
//! declared cannot be told. Names follow Prometheus' guide: base units, `_total` for what only
//! grows. Money is in dollars here, because a dashboard adds it up; the API has exact integers.

mod families;
mod gather;

pub use families::{FAMILIES, Family, PROCESS};

use crate::desk::Desk;
use families::Sheet;
use parking_lot::RwLock;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Encoder, TextEncoder};
use std::fmt::Write;
use std::sync::Arc;
use tercel_engine::counters::CountersReader;
use tercel_types::Nanos;

/// Media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// Where metrics come from.
#[derive(Clone)]
pub struct Metrics {
    desk: Arc<RwLock<Desk>>,
    counters: Option<Arc<CountersReader>>,
    process: Arc<ProcessCollector>,
}

impl Metrics {
    /// Metrics of this desk and this page.
    pub fn new(desk: Arc<RwLock<Desk>>, counters: Option<Arc<CountersReader>>) -> Metrics {
        Metrics { desk, counters, process: Arc::new(ProcessCollector::for_self()) }
    }

    /// Everything as text. `now` is the time, ns since the Unix epoch.
    pub fn text(&self, now: Nanos) -> String {
        let mut sheet = Sheet::default();
        gather::desk(&self.desk.read(), now, &mut sheet);
        if let Some(page) = &self.counters {
            gather::page(page, &mut sheet);
        }
        let mut families = sheet.families();
        let own = self.process.collect();
        families.extend(own.into_iter().filter(|family| !family.get_metric().is_empty()));
        let mut bytes = Vec::new();
        // A vector takes everything, and no family is empty.
        let _ = TextEncoder::new().encode(&families, &mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// METRICS.md.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         What `/metrics` of a host tells, in Prometheus' text format. Made from the code by\n\
         `TERCEL_BLESS=1 cargo test -p tercel-control --test metrics`; do not edit.\n\n\
         | name | type | labels | what it says |\n|---|---|---|---|\n",
    );
    for family in FAMILIES.iter().chain(PROCESS) {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, help) = (family.name, family.kind.name(), family.help);
        // A string takes everything.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    text
}
