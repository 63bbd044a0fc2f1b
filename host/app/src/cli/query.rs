//! The arguments of `query`.

use clap::{ArgGroup, Args};
use std::path::PathBuf;
use tercel_report::item;
use tercel_report::tables::UNREADABLE;

#[derive(Args)]
#[command(
    after_help = help(),
    group = ArgGroup::new("folders").args(["journal", "data"]).required(true).multiple(true),
)]
pub(crate) struct QueryArgs {
    /// A query that reads; statements that change something are refused.
    pub(crate) sql: String,
    /// Folder of a journal, whose records are tables; a host may be writing it.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) journal: Option<PathBuf>,
    /// Folder of what `capture convert` has written: the table `events`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Memory that sorting, grouping and joining may take, MiB; sorts and groups go to disk beyond.
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(16..=1 << 20)
    )]
    pub(crate) memory_mib: u32,
    /// Print one JSON object a row.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print comma-separated values under a line of names.
    #[arg(long)]
    pub(crate) csv: bool,
}

fn help() -> String {
    let mut kinds = String::new();
    let mut column = 0;
    for name in item::kinds().map(|kind| kind.name).chain([UNREADABLE]) {
        let fits = column + name.len() < 82;
        kinds += if kinds.is_empty() {
            ""
        } else if fits {
            ", "
        } else {
            ",\n           "
        };
        column = if fits { column } else { 0 } + name.len() + 2;
        kinds += name;
    }
    format!(
        "Tables of --journal, each with `sequence` and `time_ns`, and `symbol` where there is \
        an instrument:\n           {kinds}\n{HELP}"
    )
}

const HELP: &str = "\
Table of --data:
           events
Columns:   `tercel query \"DESCRIBE intended\" --journal journal` names them; what they say is in
           `tercel journal schema` and `tercel capture schema`. Deeds, clocks and starts are whole
           in `json`, bytes in `content`.

Names in _e4 are in 1/10,000 dollar, those in _ns in nanoseconds, times of day UTC:
to_timestamp_nanos(time_ns) is one to read. After a start the venue tells again what it had told:
SELECT DISTINCT counts an execution once. The venue numbers instruments, orders and matches anew
each day: where there are several days, a join wants a condition on time_ns or date. Records that a
query asks for wait in a temporary folder (TMPDIR), which goes with the command. One core works.

Examples:
  tercel query \"SELECT symbol, side, count(*) AS fills, sum(qty) AS shares,
      sum(qty * execution_price_e4) / 1e4 / sum(qty) AS price
    FROM (SELECT DISTINCT symbol, side, user_ref, match_number, qty, execution_price_e4
      FROM answered WHERE what = 'executed')
    GROUP BY symbol, side ORDER BY symbol, side\" --journal journal

  what risk has refused, and why:
  tercel query \"SELECT why, symbol, count(*) AS n FROM intended WHERE fate = 'refused'
    GROUP BY why, symbol ORDER BY n DESC\" --journal journal

  what the venue has refused:
  tercel query \"SELECT reason, count(*) AS n FROM answered WHERE what = 'rejected'
    GROUP BY reason\" --journal journal --csv

  mean slippage of fills against the mid that the decision saw, 1/10,000 dollar a share:
  tercel query \"SELECT i.symbol, avg(CASE i.side WHEN 'buy' THEN 1 ELSE -1 END
      * (a.execution_price_e4 - (i.bid_e4 + i.ask_e4) / 2.0)) AS slippage_e4
    FROM answered a JOIN intended i ON i.user_ref = a.user_ref AND i.fate = 'sent'
    WHERE a.what = 'executed' GROUP BY i.symbol ORDER BY i.symbol\" --journal journal

  likewise against the mean price at which the market traded, with the feed of that time:
  tercel query \"WITH market AS (
      SELECT e.instrument, sum(o.price_e4 * e.quantity) / sum(e.quantity) AS mean_e4
      FROM events e JOIN events o ON o.kind IN ('ADD', 'ADD_ATTRIBUTED', 'REPLACED')
        AND e.order_ref = CASE o.kind WHEN 'REPLACED' THEN o.second_ref ELSE o.order_ref END
      WHERE e.kind = 'EXECUTED' GROUP BY e.instrument)
    SELECT a.symbol, a.side, sum(a.qty) AS shares,
      sum((a.execution_price_e4 - m.mean_e4) * a.qty * CASE a.side WHEN 'buy' THEN 1.0 ELSE -1 END)
        / sum(a.qty) AS slippage_e4
    FROM answered a JOIN market m ON m.instrument = a.instrument
    WHERE a.what = 'executed' GROUP BY a.symbol, a.side\" --journal journal --data events

  how long after the feed had shown it the venue's word of a fill came:
  tercel query \"SELECT a.symbol, count(*) AS fills,
      avg(a.time_ns - CAST(e.received AS BIGINT)) AS behind_feed_ns
    FROM answered a JOIN events e ON e.instrument = a.instrument AND e.second_ref = a.match_number
    WHERE a.what = 'executed' AND e.kind = 'EXECUTED'
    GROUP BY a.symbol ORDER BY a.symbol\" --journal journal --data events

  events a second of a minute, as they came:
  tercel query \"SELECT date_trunc('second', received) AS second, count(*) AS n FROM events
    WHERE symbol = 'AAPL' GROUP BY second ORDER BY second LIMIT 60\" --data events --json";
