//! A report for a browser: one file that loads nothing and runs nothing.
//!
//! The charts are SVG of rectangles and one line, drawn here: the only plotting library in the tree
//! is uPlot of the backtester's page, which is a script, and this page is to be read where scripts
//! are not allowed. Text from the journal is escaped, and a policy in the page forbids to load.

mod chart;
mod html;

use crate::calendar::{dollars, utc};
use crate::day::{
    Cost, DayReport, Figures, HORIZON_NAMES, Life, OrderCounts, Quantiles, SymbolFigures,
};
use html::{Cell, Page, cell, left};
use tercel_types::Nanos;

/// Rows of a table of orders or executions; the JSON has all.
const ROWS: usize = 500;

/// The page.
pub fn page(report: &DayReport) -> String {
    let mut page = Page::new(&format!("Trading day {}", report.date));
    summary(&mut page, report);
    execution(&mut page, report);
    latencies(&mut page, report);
    rejects(&mut page, report);
    operators(&mut page, report);
    evidence(&mut page, report);
    orders(&mut page, report);
    page.section("How the figures are made");
    page.rows(
        &["figure", "equation and source"],
        report.equations.iter().map(|(name, equation)| vec![left(name), left(equation)]),
    );
    page.finish()
}

/// The report in short, for a terminal.
pub fn text(report: &DayReport) -> String {
    let mut text = format!("trading day {}, UTC\n", report.date);
    let mut line = |name: &str, value: String| {
        text += &format!("  {name:<34} {value}\n").replace('\u{202f}', " ");
    };
    if let Some(damage) = &report.journal.damage {
        line("DAMAGED, this is of what is before", damage.clone());
    }
    let SymbolFigures { figures, orders, in_market, .. } = &report.total;
    line("records", count(report.journal.records));
    line("orders sent", count(orders.sent));
    line("executions", count(figures.executions));
    line(
        "shares bought, sold",
        format!("{}, {}", signed(figures.bought_qty), signed(figures.sold_qty)),
    );
    line("fill rate", percent(orders.fill_rate()));
    line("time in market", percent(in_market.any()));
    let profit = report.profit.last().map_or(0, |point| point.value_e4);
    line("profit before fees, $", dollars_short(profit));
    line("arrival slippage, c/share (bps)", cost_text(&figures.arrival));
    line("touch slippage", cost_text(&figures.touch));
    line("effective spread", cost_text(&figures.effective));
    line("realised spread, 10 s", cost_text(&figures.realised));
    for (name, cost) in HORIZON_NAMES.iter().zip(&figures.markouts) {
        line(&format!("markout {name}"), cost_text(cost));
    }
    for it in report.latencies.iter().filter(|it| it.count > 0) {
        line(it.name, format!("half {}, 99 % {}", length(it.p50_ns), length(it.p99_ns)));
    }
    line("refused by risk, by the venue", {
        format!("{}, {}", count(report.refused.values().sum()), count(orders.rejected))
    });
    line("deeds, limits changed, starts", {
        let [deeds, limits] = [report.deeds.len(), report.limit_changes.len()];
        format!("{deeds}, {limits}, {}", report.starts.len())
    });
    text + &report.reconciliation.to_string()
}

fn summary(page: &mut Page, report: &DayReport) {
    let journal = &report.journal;
    if let Some(damage) = &journal.damage {
        page.alarm(&format!("The journal is damaged; this is of what comes before. {damage}"));
    }
    if !report.reconciliation.is_reconciled() {
        page.alarm("What was sent and what the venue knows differ: see Reconciliation.");
    }
    if journal.records == 0 {
        page.note("The journal has no record of this day.");
        return;
    }
    let total = &report.total;
    let figures = &total.figures;
    let profit = report.profit.last().map_or(0, |point| point.value_e4);
    page.tiles(&[
        ("profit before fees", dollars_short(profit)),
        ("executions", count(figures.executions)),
        ("shares", count(figures.bought_qty.saturating_add(figures.sold_qty).unsigned_abs())),
        ("orders sent", count(total.orders.sent)),
        ("fill rate", percent(total.orders.fill_rate())),
        ("time in market", percent(total.in_market.any())),
        ("refused by risk", count(report.refused.values().sum())),
        ("refused by the venue", count(total.orders.rejected)),
    ]);
    page.note(&format!(
        "Records {} to {}, {} to {}, UTC.",
        journal.sequences.0,
        journal.sequences.1,
        second(journal.from_ns),
        second(journal.to_ns)
    ));
    if report.profit.len() > 1 {
        page.figure(
            "Profit in dollars, realised and unrealised, before fees",
            &chart::curve(report),
        );
    }
}

fn execution(page: &mut Page, report: &DayReport) {
    page.section("Execution");
    if report.symbols.is_empty() {
        page.note("No orders.");
        return;
    }
    let all = || std::iter::once(&report.total).chain(&report.symbols);
    page.rows(
        &[
            "",
            "orders",
            "fill rate",
            "any side",
            "both sides",
            "bought",
            "sold",
            "paid $",
            "received $",
            "added",
            "removed",
            "held",
        ],
        all().map(volume),
    );
    page.note("Any side, both sides: share of the trading time with open orders.");
    page.rows(
        &[
            "",
            "arrival slippage",
            "touch slippage",
            "effective spread",
            "realised 10 s",
            "markout 100 ms",
            "markout 1 s",
            "markout 10 s",
        ],
        all().map(|it| costs(&it.symbol, &it.figures)),
    );
    page.note("Cents a share, and in brackets 1/100 % of the money traded.");
    let bars = HORIZON_NAMES.iter().zip(report.total.figures.markouts);
    let bars: Vec<(String, f64)> =
        bars.filter_map(|(name, cost)| Some((name.to_string(), cost.cents_a_share()?))).collect();
    if !bars.is_empty() {
        page.figure(
            "Markout in cents a share, all symbols; above zero is a gain",
            &chart::bars(&bars),
        );
    }
}

fn volume(it: &SymbolFigures) -> Vec<Cell> {
    let SymbolFigures { symbol, figures, orders, in_market, position } = it;
    vec![
        left(symbol),
        cell(count(orders.sent)),
        cell(percent(orders.fill_rate())),
        cell(percent(in_market.any())),
        cell(percent(in_market.both())),
        cell(signed(figures.bought_qty)),
        cell(signed(figures.sold_qty)),
        cell(dollars_short(figures.bought_e4)),
        cell(dollars_short(figures.sold_e4)),
        cell(signed(figures.added_qty)),
        cell(signed(figures.removed_qty)),
        if symbol == "all" { cell(String::new()) } else { cell(signed(*position)) },
    ]
}

fn costs(symbol: &str, figures: &Figures) -> Vec<Cell> {
    let Figures { arrival, touch, effective, realised, markouts, .. } = figures;
    let mut cells = vec![left(symbol)];
    let costs = [arrival, touch, effective, realised].into_iter().chain(markouts);
    cells.extend(costs.map(|cost| cell(cost_text(cost))));
    cells
}

fn cost_text(cost: &Cost) -> String {
    match (cost.cents_a_share(), cost.bps()) {
        (Some(cents), Some(bps)) => format!("{cents:.3} ({bps:.2})"),
        _ => "–".into(),
    }
}

fn latencies(page: &mut Page, report: &DayReport) {
    page.section("Latency");
    page.rows(
        &["from … to", "values", "half", "90 %", "99 %", "largest"],
        report.latencies.iter().map(|it| {
            let Quantiles { name, count: n, p50_ns, p90_ns, p99_ns, max_ns, .. } = it;
            let mut cells = vec![left(name), cell(count(*n))];
            let shown = |ns: &u64| cell(if *n == 0 { "–".into() } else { length(*ns) });
            cells.extend([p50_ns, p90_ns, p99_ns, max_ns].map(shown));
            cells
        }),
    );
    page.note("Intent, verdict of risk and handing to the port are one record with one stamp.");
    for it in report.latencies.iter().filter(|it| it.count > 1) {
        let bars = it.buckets.iter().map(|(end, n)| {
            let end =
                if *end == u64::MAX { "more".into() } else { format!("≤ {}", length(*end)) };
            (end, *n as f64)
        });
        page.figure(&format!("{}: how many", it.name), &chart::bars(&bars.collect::<Vec<_>>()));
    }
}

fn rejects(page: &mut Page, report: &DayReport) {
    page.section("Refused");
    let list = |of: &std::collections::BTreeMap<String, u64>| {
        let mut list: Vec<(String, u64)> = of.iter().map(|(k, n)| (k.clone(), *n)).collect();
        list.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        list.into_iter().map(|(name, n)| vec![left(&name), cell(count(n))]).collect::<Vec<_>>()
    };
    page.rows(&["by risk or on the way out", "intents"], list(&report.refused));
    page.rows(&["by the venue (its reason)", "orders"], list(&report.rejected));
}

fn operators(page: &mut Page, report: &DayReport) {
    page.section("Operators");
    page.rows(
        &["time", "who", "role", "from", "what", "about", "why", "outcome"],
        report.deeds.iter().take(ROWS).map(|it| {
            let mut cells = vec![left(&second(it.time_ns))];
            let texts = [&it.who, &it.role, &it.from, &it.what, &it.about, &it.reason, &it.outcome];
            cells.extend(texts.map(|text| left(text)));
            cells
        }),
    );
    page.section("Limits that changed");
    page.rows(
        &["time", "of", "limit", "old", "new", "who", "why"],
        report.limit_changes.iter().take(ROWS).map(|it| {
            let is_money = it.limit.ends_with("_e4");
            let value = |value| cell(if is_money { dollars(value) } else { signed(value) });
            let limit = it.limit.strip_suffix("_e4").map(|name| format!("{name} ($)"));
            let limit = limit.unwrap_or_else(|| it.limit.clone());
            let mut cells = vec![left(&second(it.time_ns)), left(&it.of), left(&limit)];
            cells.extend([value(it.old), value(it.new), left(&it.who), left(&it.why)]);
            cells
        }),
    );
    page.section("Starts");
    page.rows(
        &["time", "version", "SHA-256 of the configuration", "artifacts"],
        report.starts.iter().take(ROWS).map(|it| {
            let artifact =
                |(role, name, hash): &(String, String, String)| format!("{role} {name} {hash}");
            let artifacts = it.artifacts.iter().map(artifact).collect::<Vec<_>>().join("; ");
            let hashes = format!("file {}; in force {}", it.config_sha256, it.effective_sha256);
            vec![left(&second(it.time_ns)), left(&it.version), left(&hashes), left(&artifacts)]
        }),
    );
}

fn evidence(page: &mut Page, report: &DayReport) {
    let clock = &report.clock;
    page.section("Clock");
    let share = |part: u64, whole: u64| percent((whole > 0).then(|| part as f64 / whole as f64));
    page.pairs(&[
        ("states written down", count(clock.samples)),
        ("synchronised", share(clock.synchronised, clock.samples)),
        ("synchronised and within 100 µs of UTC", share(clock.within_100us, clock.samples)),
        ("records stamped within 100 µs of UTC", share(clock.records_within_100us, clock.records)),
        ("largest error", clock.error_max_ns.map_or("not known".into(), length)),
        ("host ahead of the system at most", length(clock.ahead_max_ns)),
        ("kept by", clock.disciplines.join(", ")),
    ]);
    page.note(
        "MiFID II, RTS 25 (EU 2017/574) allows high-frequency trading 100 µs from UTC. The error \
         is the keeper's own bound plus how far the host's clock is off the system's. A record \
         counts by the last state before it.",
    );
    let it = &report.reconciliation;
    page.section("Reconciliation");
    page.note("Of the whole journal, not of the day alone.");
    page.pairs(&[
        ("orders sent", count(it.sent)),
        ("answered by the venue", count(it.answered)),
        ("never orders at the venue", count(it.not_received)),
        ("unanswered", count(it.unanswered)),
        ("known to the venue, no intent", count(it.not_journaled)),
        ("records that cannot be read", count(it.unreadable)),
        ("entries that were lost", count(it.lost)),
    ]);
    let unknown = report.journal.unknown.iter();
    let unknown: Vec<String> = unknown.map(|(kind, n)| format!("{kind:#x}: {n}")).collect();
    if !unknown.is_empty() {
        page.note(&format!("Records of kinds that are not known here: {}.", unknown.join(", ")));
    }
    if report.journal.left_out > 0 {
        let left_out = count(report.journal.left_out);
        page.note(&format!("{left_out} orders, executions or deeds are left out of the report."));
    }
}

fn orders(page: &mut Page, report: &DayReport) {
    page.section("Orders");
    let OrderCounts { answered, filled, canceled, replaced, left: open, .. } = report.total.orders;
    page.note(&format!(
        "{} answered, {} filled, {} canceled, {} replaced, {} open or unanswered at the end.",
        count(answered),
        count(filled),
        count(canceled),
        count(replaced),
        count(open)
    ));
    cut(page, report.orders.len());
    page.rows(
        &[
            "order",
            "symbol",
            "side",
            "price $",
            "shares",
            "sent",
            "tick to order",
            "to answer",
            "to execution",
            "executed",
            "to end",
            "end",
        ],
        report.orders.iter().take(ROWS).map(order),
    );
    page.section("Executions");
    cut(page, report.fills.len());
    page.rows(
        &[
            "time",
            "order",
            "symbol",
            "side",
            "shares",
            "price $",
            "mid $",
            "arrival $",
            "touch $",
            "flag",
            "held",
        ],
        report.fills.iter().take(ROWS).map(|it| {
            let mid = |x2: Option<i64>| cell(x2.map_or("–".into(), half));
            let side = if it.broken { format!("{}, taken back", it.side) } else { it.side.into() };
            vec![
                left(&time(it.time_ns)),
                cell(it.user_ref.to_string()),
                left(&it.symbol),
                left(&side),
                cell(it.qty.to_string()),
                cell(dollars(it.price_e4)),
                mid(it.mid_x2_e4),
                mid(it.arrival_mid_x2_e4),
                cell(it.touch_e4.map_or("–".into(), dollars)),
                left(&it.liquidity),
                cell(signed(it.position)),
            ]
        }),
    );
}

fn cut(page: &mut Page, len: usize) {
    if len > ROWS {
        page.note(&format!("The first {ROWS} of {}; --json has all.", count(len as u64)));
    }
}

fn order(life: &Life) -> Vec<Cell> {
    let way = |from: u64, to: u64| {
        let way = (from > 0 && to > 0).then(|| to.checked_sub(from)).flatten();
        cell(way.map_or("–".into(), length))
    };
    let number = match life.original {
        0 => life.user_ref.to_string(),
        original => format!("{} (for {original})", life.user_ref),
    };
    let end = format!("{} {}", life.state.replace('_', " "), life.reason);
    vec![
        cell(number),
        left(&life.symbol),
        left(life.side),
        cell(dollars(life.price_e4)),
        cell(life.qty.to_string()),
        left(&if life.sent_ns > 0 { time(life.sent_ns) } else { "no intent".into() }),
        way(life.cause_ns, life.sent_ns),
        way(life.sent_ns, life.answered_ns),
        way(life.sent_ns, life.first_fill_ns),
        cell(life.filled_qty.to_string()),
        way(life.sent_ns, life.ended_ns),
        left(end.trim()),
    ]
}

fn second(ns: u64) -> String {
    utc(Nanos(ns)).chars().take(19).collect()
}

fn time(ns: u64) -> String {
    utc(Nanos(ns)).chars().skip(11).collect()
}

/// A length of time in three or four digits.
fn length(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}

fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A narrow space that does not break (U+202F).
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn signed(value: i64) -> String {
    let sign = if value < 0 { "−" } else { "" };
    format!("{sign}{}", count(value.unsigned_abs()))
}

fn dollars_short(e4: i64) -> String {
    let cents = (i128::from(e4.unsigned_abs()) + 50) / 100;
    let whole = u64::try_from(cents / 100).unwrap_or(u64::MAX);
    let sign = if e4 < 0 && cents > 0 { "−" } else { "" };
    format!("{sign}{}.{:02}", count(whole), cents % 100)
}

fn half(x2: i64) -> String {
    let five = if x2 % 2 == 0 { "" } else { "5" };
    format!("{}{five}", dollars(x2 / 2))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |share| format!("{:.1} %", share * 100.0))
}
