//! Filling the sheet.

use crate::desk::Desk;
use crate::metrics::families::{self as f, Sheet};
use tercel_engine::counters::CountersReader;
use tercel_types::Nanos;

/// Upper ends of the latency buckets: powers of two from 64 ns to 2^30 ns, about a second.
const POWERS: std::ops::RangeInclusive<u32> = 6..=30;

fn dollars(e4: i64) -> f64 {
    e4 as f64 / 10_000.0
}

fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

pub(crate) fn desk(desk: &Desk, now: Nanos, sheet: &mut Sheet) {
    standing(desk, now, sheet);
    traffic(desk, sheet);
    money(desk, sheet);
}

fn standing(desk: &Desk, now: Nanos, sheet: &mut Sheet) {
    let status = desk.status(now);
    let flag = |on: bool| f64::from(u8::from(on));
    sheet.put(f::BUILD, &[&status.version], 1.0);
    sheet.put(f::UPTIME, &[], now.0.saturating_sub(status.started_ns) as f64 / 1e9);
    sheet.put(f::PHASE, &[&status.phase], 1.0);
    sheet.put(f::SESSION, &[&status.session], 1.0);
    if !status.tripped.is_empty() {
        sheet.put(f::TRIPPED, &[&status.tripped], 1.0);
    }
    sheet.put(f::STALE, &[], flag(status.stale));
    sheet.put(f::PAUSED, &[], flag(status.paused));
    sheet.put(f::HELD_UP, &[], flag(status.held_up));
    sheet.put(f::SILENT, &[], status.silent_ns as f64 / 1e9);
    sheet.put(f::EVENTS, &[], status.events as f64);
    sheet.put(f::CLOCK_SYNC, &[], flag(status.clock.synchronised));
    if let Some(error) = status.clock.error_max_ns {
        sheet.put(f::CLOCK_ERROR, &[], error as f64 / 1e9);
    }
    sheet.put(f::CLOCK_AHEAD, &[], seconds(status.clock.ahead_ns));
    if let Some(journal) = &status.journal {
        let used = journal.waiting_words as f64 / journal.tape_words.max(1) as f64;
        sheet.put(f::TAPE_USED, &[], used);
        sheet.put(f::JOURNAL_RECORDS, &[], journal.records as f64);
        sheet.put(f::JOURNAL_SEQUENCE, &[], journal.sequence as f64);
        sheet.put(f::JOURNAL_TROUBLE, &[], flag(!journal.trouble.is_empty()));
    }
}

fn traffic(desk: &Desk, sheet: &mut Sheet) {
    let counts = desk.counts();
    for (action, fate, count) in counts.intents() {
        sheet.put(f::INTENTS, &[action, fate], count as f64);
    }
    for (reason, count) in counts.refused() {
        sheet.put(f::REFUSED, &[&reason], count as f64);
    }
    for (reason, count) in counts.unsent() {
        sheet.put(f::UNSENT, &[reason], count as f64);
    }
    for (kind, count) in counts.answers() {
        sheet.put(f::ANSWERS, &[kind], count as f64);
    }
    for (code, count) in counts.rejected() {
        sheet.put(f::REJECTED, &[&code], count as f64);
    }
    sheet.put(f::RECEIVED, &[], counts.received_bytes as f64);
    sheet.put(f::TAPE_LOST, &[], counts.lost as f64);
    sheet.put(f::TAPE_ENTRIES, &[], (counts.entries + counts.unknown) as f64);
    sheet.put(f::TAPE_UNKNOWN, &[], counts.unknown as f64);
    sheet.put(f::TAPE_ODD, &[], desk.odd_entries() as f64);
    let totals = desk.totals();
    sheet.put(f::FILLS, &[], totals.executions as f64);
    sheet.put(f::BROKEN, &[], totals.broken as f64);
    sheet.put(f::TRADED, &["buy"], totals.bought_qty as f64);
    sheet.put(f::TRADED, &["sell"], totals.sold_qty as f64);
    sheet.put(f::TRADED_MONEY, &["buy"], totals.bought_e4 as f64 / 1e4);
    sheet.put(f::TRADED_MONEY, &["sell"], totals.sold_e4 as f64 / 1e4);
}

fn money(desk: &Desk, sheet: &mut Sheet) {
    let account = desk.account();
    sheet.put(f::PNL, &["realised"], dollars(account.realised_e4));
    sheet.put(f::PNL, &["unrealised"], dollars(account.unrealised_e4));
    sheet.put(f::DRAWDOWN, &[], dollars(account.drawdown_e4));
    sheet.put(f::CASH, &[], dollars(account.cash_e4));
    sheet.put(f::GROSS, &[], dollars(account.gross_e4));
    sheet.put(f::NET, &[], dollars(account.net_e4));
    for one in desk.instruments() {
        let symbol = one.symbol.as_str();
        sheet.put(f::POSITION, &[symbol], one.position as f64);
        sheet.put(f::VALUE, &[symbol], dollars(one.value_e4));
        sheet.put(f::INSTRUMENT_PNL, &[symbol, "realised"], dollars(one.realised_e4));
        sheet.put(f::INSTRUMENT_PNL, &[symbol, "unrealised"], dollars(one.unrealised_e4));
        sheet.put(f::OPEN_ORDERS, &[symbol], f64::from(one.open_orders));
        for (side, price) in [("bid", one.bid_e4), ("ask", one.ask_e4)] {
            if price != 0 {
                sheet.put(f::QUOTED, &[symbol, side], dollars(price));
            }
        }
    }
    for one in desk.use_of_limits(usize::MAX) {
        let ratio = one.used as f64 / one.max.max(1) as f64;
        sheet.put(f::LIMIT_USE, &[&one.of, &one.limit], ratio);
    }
}

pub(crate) fn page(page: &CountersReader, sheet: &mut Sheet) {
    for (name, value) in page.counters() {
        sheet.put(f::COUNTERS, &[name], value as f64);
    }
    for (stage, _) in page.histograms() {
        let fine: Vec<(u64, u64)> = page.buckets(stage).collect();
        let buckets: Vec<(f64, u64)> = POWERS
            .map(|power| {
                let upper = 1 << power;
                // A bucket of the page ends right below a power of two.
                let within = fine.iter().take_while(|(end, _)| *end <= upper);
                (upper as f64 / 1e9, within.map(|(_, count)| count).sum())
            })
            .collect();
        let count = fine.iter().map(|(_, count)| count).sum();
        sheet.put_buckets(f::STAGES, &[stage], &buckets, page.sum(stage) as f64 / 1e9, count);
    }
}
