//! DataFusion over the folders of events.

use crate::cli::QueryArgs;
use anyhow::{Context, Result, ensure};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::arrow::{csv, json};
use datafusion::execution::context::SQLOptions;
use datafusion::prelude::{ParquetReadOptions, SessionContext};

/// Asks, and prints what comes.
pub(super) fn run(args: &QueryArgs) -> Result<()> {
    let folder = args.data.to_str().context("--data: a path that is text is wanted")?;
    ensure!(args.data.is_dir(), "--data {folder}: no such folder; `capture convert` writes one");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let batches = runtime.block_on(ask(&args.sql, folder))?;
    show(args, &batches)
}

async fn ask(sql: &str, folder: &str) -> Result<Vec<RecordBatch>> {
    let context = SessionContext::new();
    // One table a kind of data: the journal's would be registered beside this one.
    register_events(&context, folder).await?;
    let reading =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(sql, reading).await?;
    Ok(frame.collect().await?)
}

/// `events`: what `capture convert` has written.
async fn register_events(context: &SessionContext, folder: &str) -> Result<()> {
    let text = |name: &str| (name.to_string(), DataType::Utf8);
    let options =
        ParquetReadOptions::default().table_partition_cols(vec![text("date"), text("symbol")]);
    context.register_parquet("events", folder, options).await.context("--data")
}

fn show(args: &QueryArgs, batches: &[RecordBatch]) -> Result<()> {
    let mut text = Vec::new();
    if args.json {
        let mut writer = json::LineDelimitedWriter::new(&mut text);
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
    } else if args.csv {
        let mut writer = csv::Writer::new(&mut text);
        batches.iter().try_for_each(|batch| writer.write(batch))?;
    } else {
        text = format!("{}\n", pretty_format_batches(batches)?).into_bytes();
    }
    print!("{}", String::from_utf8_lossy(&text));
    Ok(())
}
