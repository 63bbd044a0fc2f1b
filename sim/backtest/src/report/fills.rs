//! Every fill as a row of a Parquet file.
//!
//! `price`, `mid` (best bid and ask before the fill / 2), `touch` and `markout_*`, which is s (mid
//! later − price) and null where the data ends before, are in the quote currency; `quantity` is in
//! shares, coins or futures, each of them worth `multiplier` times its price. The whole numbers
//! behind them are there too, for sums without rounding: `price_raw` / `price_units` is the price,
//! `mid_x2_raw` twice the mid in the same units, `quantity_raw` / `lots` the quantity. `fee_e6` is
//! in 1/1,000,000 of the quote currency, `_ns` in nanoseconds of exchange time.

use crate::ledger::{Contract, Fill, Ledger};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::Write;
use std::sync::Arc;
use tercel_types::{Nanos, Side};

/// The fills of one run.
#[derive(Clone, Copy, Debug)]
pub struct RunFills<'a> {
    /// Name of the strategy.
    pub strategy: &'a str,
    /// Name of the data.
    pub data: &'a str,
    /// What happened.
    pub ledger: &'a Ledger,
}

/// Rows of one row group at most: bounds what a writer holds at a time.
const ROWS: usize = 1 << 17;

/// A fill with what surrounds it.
struct Row<'a> {
    run: &'a RunFills<'a>,
    contract: &'a Contract,
    place: usize,
    fill: &'a Fill,
}

/// A column's values from the rows.
enum Column {
    Text(fn(&Row<'_>) -> String),
    Whole(fn(&Row<'_>) -> i64),
    Flag(fn(&Row<'_>) -> bool),
    Real(fn(&Row<'_>) -> f64),
    /// Of the markout after this many milliseconds.
    Markout(u64),
}

const COLUMNS: [(&str, Column); 24] = [
    ("strategy", Column::Text(|row| row.run.strategy.into())),
    ("data", Column::Text(|row| row.run.data.into())),
    ("symbol", Column::Text(|row| row.contract.symbol.as_str().into())),
    ("time_ns", Column::Whole(|row| whole(row.fill.time.0))),
    ("side", Column::Text(|row| side(row.fill.side).into())),
    ("price", Column::Real(|row| row.contract.price(row.fill.price))),
    ("quantity", Column::Real(quantity)),
    ("mid", Column::Real(|row| row.fill.mid_x2 as f64 / 2.0 / row.contract.price_units as f64)),
    ("touch", Column::Real(|row| row.contract.price(row.fill.touch))),
    ("fee_e6", Column::Whole(|row| row.fill.fee)),
    ("price_raw", Column::Whole(|row| row.fill.price.0)),
    ("price_units", Column::Whole(|row| row.contract.price_units)),
    ("mid_x2_raw", Column::Whole(|row| row.fill.mid_x2)),
    ("quantity_raw", Column::Whole(|row| row.fill.qty.0.into())),
    ("lots", Column::Whole(|row| row.contract.lots.into())),
    ("multiplier", Column::Whole(|row| row.contract.multiplier.into())),
    ("maker", Column::Flag(|row| row.fill.maker)),
    ("queue_ahead_raw", Column::Whole(|row| whole(row.fill.queue_ahead))),
    ("entered_ns", Column::Whole(|row| whole(row.fill.entered.0))),
    ("user_ref", Column::Whole(|row| row.fill.user_ref.0.into())),
    ("markout_10ms", Column::Markout(10)),
    ("markout_100ms", Column::Markout(100)),
    ("markout_1s", Column::Markout(1_000)),
    ("markout_10s", Column::Markout(10_000)),
];

/// Writes the fills of these runs, in their order.
///
/// # Errors
/// [`ParquetError`] with what the writer could not do, as a full disk.
pub fn write(out: impl Write + Send, runs: &[RunFills<'_>]) -> Result<()> {
    let schema = Arc::new(parse_message_type(&schema())?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("tercel ", env!("CARGO_PKG_VERSION")).into())
        .build();
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for run in runs {
        let rows: Vec<Row<'_>> =
            run.ledger.fills.iter().filter_map(|fill| row(run, fill)).collect();
        for rows in rows.chunks(ROWS) {
            let mut group = file.next_row_group()?;
            for (_, column) in &COLUMNS {
                let mut next = group.next_column()?.ok_or_else(|| mismatch("too few columns"))?;
                put(next.untyped(), column, rows)?;
                next.close()?;
            }
            group.close()?;
        }
    }
    file.close()?;
    Ok(())
}

/// A fill of an instrument that the ledger does not list has no units and is left out; no ledger of
/// this crate has one.
fn row<'a>(run: &'a RunFills<'a>, fill: &'a Fill) -> Option<Row<'a>> {
    let place = run.ledger.place(fill.instrument)?;
    Some(Row { run, contract: &run.ledger.contracts[place], place, fill })
}

fn schema() -> String {
    let column = |(name, column): &(&str, Column)| match column {
        Column::Text(_) => format!("  required binary {name} (UTF8);\n"),
        Column::Whole(_) => format!("  required int64 {name};\n"),
        Column::Flag(_) => format!("  required boolean {name};\n"),
        Column::Real(_) => format!("  required double {name};\n"),
        Column::Markout(_) => format!("  optional double {name};\n"),
    };
    format!("message fill {{\n{}}}", COLUMNS.iter().map(column).collect::<String>())
}

fn put(writer: &mut ColumnWriter<'_>, column: &Column, rows: &[Row<'_>]) -> Result<()> {
    match (writer, column) {
        (ColumnWriter::ByteArrayColumnWriter(writer), Column::Text(of)) => {
            let values: Vec<ByteArray> =
                rows.iter().map(|row| ByteArray::from(of(row).into_bytes())).collect();
            writer.write_batch(&values, None, None)
        }
        (ColumnWriter::Int64ColumnWriter(writer), Column::Whole(of)) => {
            writer.write_batch(&rows.iter().map(of).collect::<Vec<i64>>(), None, None)
        }
        (ColumnWriter::BoolColumnWriter(writer), Column::Flag(of)) => {
            writer.write_batch(&rows.iter().map(of).collect::<Vec<bool>>(), None, None)
        }
        (ColumnWriter::DoubleColumnWriter(writer), Column::Real(of)) => {
            writer.write_batch(&rows.iter().map(of).collect::<Vec<f64>>(), None, None)
        }
        (ColumnWriter::DoubleColumnWriter(writer), Column::Markout(ms)) => {
            let values: Vec<Option<f64>> = rows.iter().map(|row| markout(row, *ms)).collect();
            let there: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
            let values: Vec<f64> = values.into_iter().flatten().collect();
            writer.write_batch(&values, Some(&there), None)
        }
        _ => return Err(mismatch("a column of another type")),
    }?;
    Ok(())
}

fn mismatch(what: &str) -> ParquetError {
    ParquetError::General(format!("the schema and the columns differ: {what}"))
}

fn quantity(row: &Row<'_>) -> f64 {
    f64::from(row.fill.qty.0) / f64::from(row.contract.lots.max(1))
}

fn markout(row: &Row<'_>, ms: u64) -> Option<f64> {
    let later = row.fill.time + Nanos::from_millis(ms);
    let known = later <= row.run.ledger.span.1;
    let mid_x2 = row.run.ledger.mid_x2_at(row.place, later).filter(|_| known)?;
    let moved_x2 = row.fill.side.sign() * (mid_x2 - 2 * row.fill.price.0);
    Some(moved_x2 as f64 / 2.0 / row.contract.price_units as f64)
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "B",
        Side::Sell => "S",
    }
}
