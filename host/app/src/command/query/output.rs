//! Rows on standard output, batch by batch.

use crate::cli::QueryArgs;
use crate::command::journal::written;
use anyhow::{Result, bail};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::writer::{LineDelimited, WriterBuilder};
use datafusion::arrow::util::pretty::pretty_format_batches_with_schema;
use std::collections::BTreeSet;
use std::io::Write;

/// Rows of one table for people: its columns are as wide as the widest of them. Of more rows there
/// are several tables, so that an answer of any length takes no more memory.
const ROWS: usize = 8_192;

enum Form {
    Table,
    Csv,
    Json,
}

/// Prints rows.
pub(super) struct Output {
    form: Form,
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    rows: usize,
    is_begun: bool,
}

impl Output {
    /// Rows of these columns, printed as `args` have it.
    pub(super) fn new(args: &QueryArgs, schema: SchemaRef) -> Result<Output> {
        let form = match (args.json, args.csv) {
            (true, _) => Form::Json,
            (_, true) => Form::Csv,
            _ => Form::Table,
        };
        let mut names = BTreeSet::new();
        for field in schema.fields() {
            if args.json && !names.insert(field.name()) {
                bail!("two columns are called {0}: name one of them with AS", field.name());
            }
        }
        Ok(Output { form, schema, waiting: Vec::new(), rows: 0, is_begun: false })
    }

    /// Takes a batch; false when nobody reads any more.
    pub(super) fn add(&mut self, batch: RecordBatch) -> Result<bool> {
        let mut text = Vec::new();
        match self.form {
            Form::Table => {
                self.rows += batch.num_rows();
                self.waiting.push(batch);
                return if self.rows < ROWS { Ok(true) } else { self.table() };
            }
            Form::Csv => {
                let writer = csv::WriterBuilder::new().with_header(!self.is_begun);
                writer.build(&mut text).write(&batch)?;
            }
            Form::Json => {
                let writer = WriterBuilder::new().with_explicit_nulls(true);
                let mut writer = writer.build::<_, LineDelimited>(&mut text);
                writer.write(&batch)?;
                writer.finish()?;
            }
        }
        self.is_begun = true;
        print(&text)
    }

    /// Prints what waits, and the names of the columns where there is no row.
    pub(super) fn finish(mut self) -> Result<()> {
        match self.form {
            Form::Table if self.rows > 0 || !self.is_begun => self.table().map(drop),
            Form::Csv if !self.is_begun => {
                self.add(RecordBatch::new_empty(self.schema.clone())).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn table(&mut self) -> Result<bool> {
        let table = pretty_format_batches_with_schema(self.schema.clone(), &self.waiting)?;
        // Without what a terminal could take for a command.
        let plain = |c: char| if c.is_control() && c != '\n' { '?' } else { c };
        let mut text: String = table.to_string().chars().map(plain).collect();
        text.push('\n');
        self.waiting.clear();
        (self.rows, self.is_begun) = (0, true);
        print(text.as_bytes())
    }
}

fn print(text: &[u8]) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text).and_then(|()| out.flush()))
}
