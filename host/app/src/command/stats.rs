//! `tercel stats`: what is in recordings, or what a host counts.

use crate::cli::StatsArgs;
use crate::recording::{Item, walk};
use crate::report::{Percentiles, grouped};
use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use tercel_engine::counters::{CountersError, CountersReader};
use tercel_proto::{itch, ouch};

/// Counts of one or more files.
#[derive(Default, Serialize)]
struct Stats {
    files: u64,
    /// ITCH messages by type letter.
    itch: BTreeMap<char, u64>,
    /// OUCH messages to the venue by type letter.
    ouch_in: BTreeMap<char, u64>,
    /// OUCH messages from the venue by type letter.
    ouch_out: BTreeMap<char, u64>,
    /// Session packets without a message.
    session: BTreeMap<String, u64>,
    /// Frames that hold none of these, by why.
    other: BTreeMap<String, u64>,
    /// Messages that do not decode, by why.
    errors: BTreeMap<String, u64>,
}

/// Runs it.
pub(crate) fn run(args: &StatsArgs) -> Result<()> {
    if let [file] = &args.files[..] {
        match CountersReader::open(file) {
            Ok(page) => return show_page(&page, args.json),
            // Another kind of file: counted below.
            Err(CountersError::NotCounters(_) | CountersError::System { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut stats = Stats::default();
    for file in &args.files {
        stats.files += 1;
        walk(file, |_, item| {
            stats.count(&item);
            true
        })?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&stats)?);
    } else {
        stats.print();
    }
    Ok(())
}

/// The counters page of a running host, or what the last one left.
fn show_page(page: &CountersReader, json: bool) -> Result<()> {
    if json {
        let counters: Map<_, _> = page.counters().map(|(n, v)| (n.to_string(), v.into())).collect();
        let stages: Map<_, _> =
            page.histograms().map(|(n, l)| (n.to_string(), json!(Percentiles::from(l)))).collect();
        let pid = page.writer_pid();
        println!("{}", json!({"pid": pid, "counters": counters, "latency_ns": stages}));
        return Ok(());
    }
    println!("counters of process {}", page.writer_pid());
    for (name, value) in page.counters().filter(|(_, value)| *value > 0) {
        println!("{name:<24} {:>14}", grouped(value));
    }
    for (stage, latency) in page.histograms().filter(|(_, l)| l.count > 0) {
        println!("{stage:<14} {}", Percentiles::from(latency));
    }
    Ok(())
}

impl Stats {
    fn count(&mut self, item: &Item<'_>) {
        let checked = match item {
            Item::Itch { bytes, .. } => {
                itch::parse(bytes).map(|_| ()).map_err(|error| format!("ITCH: {error}"))
            }
            Item::OuchIn(bytes) => ouch::Inbound::parse(bytes)
                .map(|_| ())
                .map_err(|error| format!("OUCH to the venue: {error}")),
            Item::OuchOut(bytes) => ouch::Outbound::parse(bytes)
                .map(|_| ())
                .map_err(|error| format!("OUCH from the venue: {error}")),
            Item::Session(_) | Item::Other(_) => Ok(()),
        };
        if let Err(error) = checked {
            *self.errors.entry(error).or_default() += 1;
            return;
        }
        match item {
            Item::Itch { bytes, .. } => *self.itch.entry(letter(bytes)).or_default() += 1,
            Item::OuchIn(bytes) => *self.ouch_in.entry(letter(bytes)).or_default() += 1,
            Item::OuchOut(bytes) => *self.ouch_out.entry(letter(bytes)).or_default() += 1,
            Item::Session(name) => *self.session.entry(name.to_string()).or_default() += 1,
            Item::Other(why) => *self.other.entry(why.clone()).or_default() += 1,
        }
    }

    fn print(&self) {
        let lists: [(&str, &BTreeMap<char, u64>); 3] = [
            ("ITCH", &self.itch),
            ("OUCH to the venue", &self.ouch_in),
            ("OUCH from the venue", &self.ouch_out),
        ];
        for (title, counts) in lists.iter().filter(|(_, counts)| !counts.is_empty()) {
            println!("{title}: {} messages", grouped(counts.values().sum()));
            let mut rows: Vec<_> = counts.iter().collect();
            rows.sort_by_key(|(letter, n)| (std::cmp::Reverse(**n), **letter));
            for (letter, n) in rows {
                println!("  {letter} {:>14}", grouped(*n));
            }
        }
        let lists = [
            ("session packets", &self.session),
            ("other frames", &self.other),
            ("errors", &self.errors),
        ];
        for (title, counts) in lists.iter().filter(|(_, counts)| !counts.is_empty()) {
            println!("{title}");
            for (name, n) in counts.iter() {
                println!("  {:>14} {name}", grouped(*n));
            }
        }
        if self.errors.is_empty() {
            println!("no errors");
        }
    }
}

fn letter(message: &[u8]) -> char {
    message.first().copied().unwrap_or(b'?') as char
}
