//! DataFusion over folders of Parquet files.

use super::output::Output;
use super::records;
use crate::cli::QueryArgs;
use crate::command::journal::check_folder;
use crate::signals::Signals;
use anyhow::{Context, Result, anyhow, ensure};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::datasource::file_format::options::ReadOptions;
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The table of what `capture convert` has written.
const EVENTS: &str = "events";
/// How long a signal waits while nothing comes.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes of a query. Planning recurses over it: a chain of 4,000 additions fits 8 MiB of stack in a
/// build that is not optimised, and the longest chain that fits here has 8,000.
const SQL_BYTES_MAX: usize = 16 << 10;
const STACK_BYTES: usize = 64 << 20;

/// Asks, and prints what comes.
pub(super) fn run(args: &QueryArgs, signals: &Signals) -> Result<()> {
    let bytes = args.sql.len();
    ensure!(bytes <= SQL_BYTES_MAX, "a query of {bytes} bytes; at most {SQL_BYTES_MAX} are read");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("query".into()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| {
        let asked = thread.spawn_scoped(scope, || runtime.block_on(ask(args, signals)))?;
        asked.join().map_err(|_| anyhow!("the query has broken; the line above says where"))?
    })
}

async fn ask(args: &QueryArgs, signals: &Signals) -> Result<()> {
    // One partition: a machine on which a host trades has one core to spare, not all of them.
    let config = SessionConfig::new().with_target_partitions(1);
    let memory = usize::try_from(u64::from(args.memory_mib) << 20).context("--memory-mib")?;
    let environment = RuntimeEnvBuilder::new().with_memory_limit(memory, 1.0).build()?;
    let context = SessionContext::new_with_config_rt(config, Arc::new(environment));
    let said = |error| said(error, args);
    let names = names(&context, &args.sql).map_err(said)?;
    let _records = register(&context, args, &names, signals).await?;
    let reading =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(&args.sql, reading).await;
    let frame = frame.map_err(|error| match names.iter().all(|name| is_table(name)) {
        true => said(error),
        false => anyhow!("{}; there are {}", said(error), tables(args).join(", ")),
    })?;
    let mut rows = frame.execute_stream().await.map_err(said)?;
    let mut output = Output::new(args, rows.schema())?;
    while let Some(batch) = next(&mut rows, signals).await? {
        if !output.add(batch.map_err(said)?)? {
            return Ok(());
        }
    }
    output.finish()
}

/// The tables that a query names.
fn names(context: &SessionContext, sql: &str) -> Result<BTreeSet<String>, DataFusionError> {
    let state = context.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect)?;
    let names = state.resolve_table_references(&statement)?;
    Ok(names.iter().map(|name| name.table().to_string()).collect())
}

fn is_table(name: &str) -> bool {
    name == EVENTS || records::tables().any(|table| table == name)
}

/// The tables of the folders that were given.
fn tables(args: &QueryArgs) -> Vec<&'static str> {
    let events = args.data.iter().map(|_| EVENTS);
    let records = args.journal.iter().flat_map(|_| records::tables());
    events.chain(records).collect()
}

/// Registers the tables that are named; the journal's are there as long as what is returned.
async fn register(
    context: &SessionContext,
    args: &QueryArgs,
    names: &BTreeSet<String>,
    signals: &Signals,
) -> Result<Option<TempDir>> {
    let records: Vec<&str> = records::tables().filter(|table| names.contains(*table)).collect();
    if let Some(folder) = &args.data {
        ensure!(
            folder.is_dir(),
            "--data {}: no such folder; `capture convert` writes one",
            folder.display()
        );
        if names.contains(EVENTS) {
            register_events(context, folder).await?;
        }
    } else {
        ensure!(!names.contains(EVENTS), "the table {EVENTS} takes --data FOLDER");
    }
    let Some(journal) = &args.journal else {
        ensure!(records.is_empty(), "the table {} takes --journal FOLDER", records[0]);
        return Ok(None);
    };
    check_folder(journal)?;
    if records.is_empty() {
        return Ok(None);
    }
    let folder = records::write(journal, &records, signals)?;
    for name in records {
        let file = folder.path().join(format!("{name}.parquet"));
        table(context, name, &file, Vec::new()).await?;
    }
    Ok(Some(folder))
}

/// `events`: what `capture convert` has written.
async fn register_events(context: &SessionContext, folder: &Path) -> Result<()> {
    let partition = |name: &str| (name.to_string(), DataType::Utf8);
    let none = || format!("--data {}: no events; `capture convert` writes them", folder.display());
    let schema = table(context, EVENTS, folder, vec![partition("date"), partition("symbol")]);
    let schema = schema.await.with_context(none)?;
    ensure!(schema.field_with_name("seq").is_ok(), none());
    Ok(())
}

/// Registers a file, or what lies in a folder.
async fn table(
    context: &SessionContext,
    name: &str,
    path: &Path,
    partitions: Vec<(String, DataType)>,
) -> Result<SchemaRef> {
    let path = text(path)?;
    let options = ParquetReadOptions::default().table_partition_cols(partitions);
    let options =
        options.to_listing_options(&context.copied_config(), context.copied_table_options());
    let schema = options.infer_schema(&context.state(), &ListingTableUrl::parse(path)?).await?;
    let schema = signed(&schema);
    context.register_listing_table(name, path, options, Some(schema.clone()), None).await?;
    Ok(schema)
}

/// Whole numbers with a sign: a difference of two without one that is below zero would come out as
/// a large number. A number that does not fit then is an error.
fn signed(schema: &Schema) -> SchemaRef {
    let sign = |field: &FieldRef| match field.data_type() {
        DataType::UInt64 => Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)),
        _ => field.clone(),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(sign).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// A path as DataFusion takes it.
fn text(path: &Path) -> Result<&str> {
    let text = path.to_str().with_context(|| format!("{}: no text", path.display()))?;
    // It would look for what the pattern fits.
    ensure!(!text.contains(['*', '?', '[']), "{text}: a path without *, ? and [ is wanted");
    Ok(text)
}

/// The next rows, while nobody wants it to stop.
async fn next(
    rows: &mut SendableRecordBatchStream,
    signals: &Signals,
) -> Result<Option<Result<RecordBatch, DataFusionError>>> {
    loop {
        ensure!(signals.count() == 0, "stopped");
        let batch = poll_fn(|cx| rows.as_mut().poll_next(cx));
        if let Ok(batch) = tokio::time::timeout(LOOK, batch).await {
            return Ok(batch);
        }
    }
}

/// What DataFusion says, on one line, and what to do about it.
fn said(error: DataFusionError, args: &QueryArgs) -> anyhow::Error {
    let line = error.strip_backtrace().split_whitespace().collect::<Vec<_>>().join(" ");
    if let DataFusionError::ResourcesExhausted(_) = error.find_root() {
        return anyhow!("--memory-mib {} is too little for this query: {line}", args.memory_mib);
    }
    anyhow!(line)
}
