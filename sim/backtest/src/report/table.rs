//! A report as text for a terminal.

use crate::metrics::inventory::Inventory;
use crate::metrics::queue::Quantiles;
use crate::report::{Report, Run};
use std::fmt::Write as _;

/// What is printed for a figure that is not defined.
const NOT_DEFINED: &str = "n/a";

/// Widest column of a strategy.
const COLUMN_MAX: usize = 28;

/// Strategies beyond which a table has a line a strategy instead of a column.
const COLUMNS: usize = 4;

/// The whole report: figures with a strategy a column, what comparing them says, a line for each
/// file.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let totals: Vec<&Run> = report.totals().collect();
    for these in totals.chunks(COLUMNS) {
        columns(&mut out, these);
        out.push('\n');
    }
    if totals.len() > COLUMNS {
        lines(&mut out, "data", totals.iter().copied());
        out.push('\n');
    }
    if totals.len() < report.runs.len() {
        lines(&mut out, "data", report.runs.iter());
        out.push('\n');
    }
    if !report.sensitivity.is_empty() {
        lines(&mut out, "sensitivity", report.sensitivity.iter());
        out.push('\n');
    }
    if let Some(selection) = report.selection.as_ref().filter(|one| one.trials > 1) {
        let _ = writeln!(
            out,
            "best of {} by Sharpe ratio: {}; deflated Sharpe ratio {}, probability of backtest \
             overfitting {}",
            selection.trials,
            selection.best,
            share(selection.deflated_sharpe),
            share(selection.overfitting),
        );
    }
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// A figure's name and its text; an empty text makes it a heading.
type Figure = (String, String);

fn columns(out: &mut String, runs: &[&Run]) {
    let figures: Vec<Vec<Figure>> = runs.iter().map(|run| figures(run)).collect();
    let Some(first) = figures.first() else { return };
    let heads: Vec<String> = runs.iter().map(|run| cut(&run.strategy)).collect();
    let names = first.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let width = |at: usize| {
        let texts = figures[at].iter().map(|(_, text)| text.chars().count());
        texts.chain([heads[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..runs.len()).map(width).collect();
    let mut line = |name: &str, texts: &mut dyn Iterator<Item = &str>| {
        let _ = write!(out, "{name:<names$}");
        for (text, width) in texts.zip(&widths) {
            let _ = write!(out, "  {text:>width$}");
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    };
    line("", &mut heads.iter().map(String::as_str));
    for (at, (name, text)) in first.iter().enumerate() {
        if text.is_empty() {
            line(name, &mut std::iter::empty());
        } else {
            let of = |list: &'_ Vec<Figure>| {
                list.get(at).map_or(NOT_DEFINED.into(), |one| one.1.clone())
            };
            let texts: Vec<String> = figures.iter().map(of).collect();
            line(name, &mut texts.iter().map(String::as_str));
        }
    }
}

fn figures(run: &Run) -> Vec<Figure> {
    let metrics = &run.metrics;
    let mut rows = Rows(Vec::new());
    rows.head("profit");
    rows.add("net", dollars(Some(metrics.net_dollars)));
    rows.add("net, of volume", bps(metrics.net_bps));
    rows.add("Sharpe, a year", decimal(metrics.sharpe));
    rows.add("Sharpe, an interval", decimal(metrics.sharpe_interval));
    rows.add("Sharpe, deflated", share(metrics.deflated_sharpe));
    rows.add("Sortino, a year", decimal(metrics.sortino));
    rows.add("Calmar", decimal(metrics.calmar));
    rows.add("drawdown, worst", dollars(Some(metrics.drawdown.dollars)));
    rows.add("drawdown, longest", format!("{:.1} s", metrics.drawdown.longest_s));
    rows.head("attribution");
    for (name, cents) in metrics.attribution_cents.named() {
        rows.add(name, exact(cents));
    }
    rows.add("= net", exact(metrics.attribution_cents.net));
    rows.head("trading");
    rows.add("volume", dollars(Some(metrics.traded.dollars)));
    rows.add("spread captured", bps(metrics.traded.spread_bps));
    rows.add("  resting, past the mid", share(metrics.traded.past_mid));
    rows.add("fills", count(metrics.orders.fills));
    rows.add("  of resting orders", count(metrics.orders.maker_fills));
    rows.add("fill rate", share(metrics.orders.fill_rate));
    rows.add("entered", count(metrics.orders.entered));
    rows.add("replaced", count(metrics.orders.replaced));
    rows.add("cancelled", count(metrics.orders.canceled));
    rows.add("refused by risk", count(metrics.orders.refused));
    rows.add("refused by the market", count(metrics.orders.rejected));
    rows.add("too late", count(metrics.orders.too_late));
    rows.add("messages for a fill", decimal(metrics.orders.messages_per_fill));
    rows.head("markout");
    for markout in &metrics.markouts {
        let error = markout.error_bps.map_or(String::new(), |error| format!(" ± {error:.3}"));
        let value = markout.bps.map_or(NOT_DEFINED.into(), |bps| format!("{bps:.3}{error} bps"));
        rows.add(&format!("after {}", horizon(markout.horizon_ms)), value);
    }
    rows.head("inventory");
    rows.inventory(&metrics.inventory);
    rows.add("gross, mean", dollars(metrics.gross_mean_dollars));
    rows.add("gross, most", dollars(Some(metrics.gross_max_dollars)));
    rows.head("queue");
    rows.add("ahead at entry, mean", decimal(metrics.queue.ahead_mean));
    rows.add("ahead, of those filled", quantiles(&metrics.queue.ahead_of_filled, ""));
    rows.add("wait to fill", quantiles(&metrics.queue.wait_ms, " ms"));
    let lifetime = metrics.queue.lifetime_mean_ms.map(|ms| format!("{ms:.1} ms"));
    rows.add("lifetime, mean", lifetime.unwrap_or(NOT_DEFINED.into()));
    rows.head("replay");
    rows.add("events", count(metrics.events));
    rows.add("decisions", count(metrics.decisions));
    rows.add("time of the data", format!("{:.1} s", metrics.seconds));
    rows.0
}

struct Rows(Vec<Figure>);

impl Rows {
    fn head(&mut self, name: &str) {
        self.0.push((name.into(), String::new()));
    }

    fn add(&mut self, name: &str, text: String) {
        self.0.push((format!("  {name}"), text));
    }

    /// In shares or coins where there is one instrument; several do not add up in them.
    fn inventory(&mut self, all: &[Inventory]) {
        let Some(first) = all.first().filter(|one| all.iter().all(|two| one.symbol == two.symbol))
        else {
            return;
        };
        let n = all.len() as f64;
        let mean = |of: fn(&Inventory) -> f64| all.iter().map(of).sum::<f64>() / n;
        let symbol = &first.symbol;
        let units = |value: f64| format!("{} {symbol}", plain(value));
        self.add("mean", units(mean(|one| one.mean)));
        self.add("mean size", units(mean(|one| one.mean_size)));
        self.add("most long", units(all.iter().map(|one| one.long_max).fold(0.0, f64::max)));
        self.add("most short", units(all.iter().map(|one| one.short_max).fold(0.0, f64::min)));
        self.add("at the end", units(all.iter().map(|one| one.end).sum()));
        self.add("flat", share(Some(mean(|one| one.flat))));
        self.add("round trips", count(all.iter().map(|one| one.round_trips).sum()));
    }
}

/// A line for each run.
fn lines<'a>(out: &mut String, head: &str, runs: impl Iterator<Item = &'a Run> + Clone) {
    let width = |of: fn(&Run) -> &str| {
        runs.clone().map(|run| of(run).chars().count()).max().unwrap_or(0).max(11)
    };
    let (data, strategy) = (width(|run| &run.data), width(|run| &run.strategy));
    let _ = writeln!(
        out,
        "{:<data$}  {:<strategy$}  {:>14}  {:>10}  {:>9}  {:>12}  {:>9}  {:>9}  {:>12}",
        head,
        "strategy",
        "net",
        "of volume",
        "Sharpe",
        "drawdown",
        "fills",
        "fill rate",
        "markout 1 s"
    );
    for run in runs {
        let metrics = &run.metrics;
        let second = metrics.markouts.iter().find(|one| one.horizon_ms == 1_000);
        let _ = writeln!(
            out,
            "{:<data$}  {:<strategy$}  {:>14}  {:>10}  {:>9}  {:>12}  {:>9}  {:>9}  {:>12}",
            run.data,
            run.strategy,
            exact(metrics.attribution_cents.net),
            bps(metrics.net_bps),
            decimal(metrics.sharpe),
            dollars(Some(metrics.drawdown.dollars)),
            count(metrics.orders.fills),
            share(metrics.orders.fill_rate),
            bps(second.and_then(|one| one.bps)),
        );
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= COLUMN_MAX {
        return name.into();
    }
    name.chars().take(COLUMN_MAX - 1).chain(['…']).collect()
}

/// Thousands apart.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Cents as dollars.
fn exact(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let size = cents.unsigned_abs();
    format!("{sign}{}.{:02}", grouped(&(size / 100).to_string()), size % 100)
}

fn dollars(value: Option<f64>) -> String {
    value.map_or(NOT_DEFINED.into(), |value| exact((value * 100.0).round() as i64))
}

fn bps(value: Option<f64>) -> String {
    value.map_or(NOT_DEFINED.into(), |value| format!("{value:.3} bps"))
}

fn share(value: Option<f64>) -> String {
    value.map_or(NOT_DEFINED.into(), |value| format!("{:.2} %", 100.0 * value))
}

fn decimal(value: Option<f64>) -> String {
    value.map_or(NOT_DEFINED.into(), plain)
}

/// Four digits that count.
fn plain(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 3,
        _ => 5,
    };
    format!("{value:.digits$}")
}

fn quantiles(of: &Option<Quantiles>, unit: &str) -> String {
    of.map_or(NOT_DEFINED.into(), |of| {
        let [p50, p90, p99] = [of.p50, of.p90, of.p99].map(plain);
        format!("p50 {p50}{unit}  p90 {p90}  p99 {p99}")
    })
}

fn horizon(ms: u64) -> String {
    if ms >= 1_000 { format!("{} s", ms / 1_000) } else { format!("{ms} ms") }
}
