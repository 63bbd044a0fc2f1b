//! Records as Parquet: a folder with one file for each kind that occurs, named after it.
//!
//! Every file has `sequence`, `time_ns` and the fields of its kind as [`Entry::KINDS`] has them;
//! numbers without a sign are UINT_64. `symbol` is added where there is an instrument. What is no
//! entry of words keeps its bytes: `content` for `received` and for records that cannot be read
//! (file `unreadable`, with their kind), `json` for deeds, clocks and starts. The file's metadata
//! says the unit (`unit.NAME`) and the meaning (`about.NAME`) of each field.

use crate::item::{self, Decoder, Item, Kind, Symbols};
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tercel_control::recorder::KIND_MARK;
use tercel_engine::tape::{Entry, Value};
use tercel_journal::Record;

/// Rows of one row group at most: bounds what a table holds at a time.
const ROWS: usize = 1 << 16;
/// Bytes of text and contents of one row group, likewise.
const BYTES: usize = 16 << 20;
/// Kinds with bytes or levels besides their words.
const WITH_CONTENT: [&str; 2] = ["received", "depth"];

/// Tables being written.
#[derive(Debug)]
pub struct Tables {
    folder: PathBuf,
    decoder: Decoder,
    symbols: Symbols,
    kinds: Vec<u16>,
    tables: BTreeMap<&'static str, Table>,
}

/// The values of a column that wait.
#[derive(Debug)]
enum Values {
    Whole(Vec<i64>),
    Flag(Vec<bool>),
    Bytes(Vec<ByteArray>),
}

struct Table {
    file: SerializedFileWriter<File>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
    rows_all: u64,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("rows", &self.rows_all).finish_non_exhaustive()
    }
}

/// A column: its name, its type in Parquet's language, its unit and what it says.
struct Column {
    name: String,
    of: &'static str,
    unit: &'static str,
    about: String,
}

const UNSIGNED: &str = "int64 {} (UINT_64)";
const SIGNED: &str = "int64 {}";
const FLAG: &str = "boolean {}";
const TEXT: &str = "binary {} (UTF8)";
const CONTENT: &str = "binary {}";
const JSON: &str = "binary {} (JSON)";
/// The table of records that cannot be read.
pub const UNREADABLE: &str = "unreadable";

impl Tables {
    /// Tables in `folder`, which is made, of these kinds; of all if there is none.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, or holds Parquet files already.
    pub fn create(folder: &Path, kinds: Vec<u16>) -> Result<Tables> {
        let bad = |error: &dyn std::fmt::Display| {
            ParquetError::General(format!("{}: {error}", folder.display()))
        };
        fs::create_dir_all(folder).map_err(|error| bad(&error))?;
        for entry in fs::read_dir(folder).map_err(|error| bad(&error))? {
            let path = entry.map_err(|error| bad(&error))?.path();
            if path.extension().is_some_and(|extension| extension == "parquet") {
                return Err(bad(&"has Parquet files already: name another folder"));
            }
        }
        Ok(Tables {
            folder: folder.into(),
            decoder: Decoder::default(),
            symbols: Symbols::default(),
            kinds,
            tables: BTreeMap::new(),
        })
    }

    /// Begins the files of all wanted kinds now, so that those without a record are there too.
    ///
    /// # Errors
    ///
    /// As [`add`](Tables::add).
    pub fn begin_all(&mut self) -> Result<()> {
        let is_wanted = |kind: &Kind| self.kinds.is_empty() || self.kinds.contains(&kind.number);
        for kind in item::kinds().filter(is_wanted) {
            begun(&mut self.tables, &self.folder, kind.name, Some(kind))?;
        }
        begun(&mut self.tables, &self.folder, UNREADABLE, None)?;
        Ok(())
    }

    /// Takes the next record. It has to be given every record, since symbols are named in some.
    ///
    /// # Errors
    ///
    /// What the writer could not do, as on a full disk.
    pub fn add(&mut self, record: &Record) -> Result<()> {
        let item = self.decoder.decode(record.kind, &record.payload);
        if let Item::Entry(entry) = &item {
            self.symbols.apply(entry);
        }
        if !self.kinds.is_empty() && !self.kinds.contains(&record.kind) {
            return Ok(());
        }
        let known = item::kind(record.kind);
        let kind = known.filter(|_| !matches!(item, Item::Unreadable | Item::Unknown));
        let name = kind.map_or(UNREADABLE, |kind| kind.name);
        let table = begun(&mut self.tables, &self.folder, name, kind)?;
        let mut row = Row { table, at: 0 };
        row.whole(record.sequence)?;
        row.whole(record.stamp.0)?;
        match &item {
            Item::Entry(entry) => {
                if let Some(id) = about_instrument(record.kind).then(|| item::instrument(entry)) {
                    let symbol = id.map(|id| self.symbols.name(id)).unwrap_or_default();
                    row.bytes(symbol.into_bytes())?;
                }
                let mut result = Ok(());
                let is_named = matches!(entry, Entry::Named(_));
                entry.each(|name, _, value| {
                    if result.is_ok() && !(is_named && name == "symbol") {
                        result = row.value(value);
                    }
                });
                result?;
                if WITH_CONTENT.contains(&name) {
                    row.bytes(record.payload.clone())?;
                }
            }
            Item::Json(_) => row.bytes(record.payload.clone())?,
            Item::Mark { generation, place } => {
                row.whole(*generation)?;
                row.whole(*place)?;
            }
            Item::Unreadable | Item::Unknown => {
                row.whole(record.kind.into())?;
                row.bytes(record.payload.clone())?;
            }
        }
        if row.at != row.table.columns.len() {
            return Err(mismatch("too few values in a row"));
        }
        table.rows += 1;
        table.rows_all += 1;
        if table.rows >= ROWS || table.bytes >= BYTES { table.flush() } else { Ok(()) }
    }

    /// Ends the files; says how many rows each has, by kind.
    ///
    /// # Errors
    ///
    /// What the writer could not do.
    pub fn finish(self) -> Result<BTreeMap<&'static str, u64>> {
        let mut rows = BTreeMap::new();
        for (name, mut table) in self.tables {
            table.flush()?;
            table.file.close()?;
            rows.insert(name, table.rows_all);
        }
        Ok(rows)
    }
}

/// The table of this name, begun if it is not there; one of no kind holds what cannot be read.
fn begun<'a>(
    tables: &'a mut BTreeMap<&'static str, Table>,
    folder: &Path,
    name: &'static str,
    kind: Option<Kind>,
) -> Result<&'a mut Table> {
    match tables.entry(name) {
        std::collections::btree_map::Entry::Occupied(there) => Ok(there.into_mut()),
        std::collections::btree_map::Entry::Vacant(place) => {
            let path = folder.join(format!("{name}.parquet"));
            Ok(place.insert(Table::create(&path, name, &columns(kind))?))
        }
    }
}

/// A row on its way into a table.
struct Row<'a> {
    table: &'a mut Table,
    at: usize,
}

impl Row<'_> {
    fn next(&mut self) -> Result<&mut Values> {
        let values = self.table.columns.get_mut(self.at);
        self.at += 1;
        values.ok_or_else(|| mismatch("too many values in a row"))
    }

    fn whole(&mut self, value: u64) -> Result<()> {
        self.value(Value::Unsigned(value))
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.table.bytes += bytes.len();
        match self.next()? {
            Values::Bytes(values) => values.push(bytes.into()),
            _ => return Err(mismatch("bytes in a column of another type")),
        }
        Ok(())
    }

    fn value(&mut self, value: Value) -> Result<()> {
        match value {
            Value::Name(name) => return self.bytes(name.into()),
            Value::Symbol(symbol) => return self.bytes(symbol.0.to_vec()),
            _ => {}
        }
        match (self.next()?, value) {
            (Values::Whole(values), Value::Unsigned(value)) => values.push(value.cast_signed()),
            (Values::Whole(values), Value::Signed(value)) => values.push(value),
            (Values::Flag(values), Value::Flag(value)) => values.push(value),
            _ => return Err(mismatch("a value in a column of another type")),
        }
        Ok(())
    }
}

impl Table {
    fn create(path: &Path, name: &str, columns: &[Column]) -> Result<Table> {
        let fields = columns
            .iter()
            .map(|column| format!("  required {};\n", column.of.replace("{}", &column.name)));
        let schema = format!("message {name} {{\n{}}}", fields.collect::<String>());
        let mut metadata = Vec::new();
        for Column { name, unit, about, .. } in columns {
            metadata.push(KeyValue::new(format!("about.{name}"), about.clone()));
            if !unit.is_empty() {
                metadata.push(KeyValue::new(format!("unit.{name}"), unit.to_string()));
            }
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("tercel ", env!("CARGO_PKG_VERSION")).into())
            .set_key_value_metadata(Some(metadata))
            .build();
        let file = File::create(path)
            .map_err(|error| ParquetError::General(format!("{}: {error}", path.display())))?;
        let schema = Arc::new(parse_message_type(&schema)?);
        let file = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        let empty = |column: &Column| match column.of {
            UNSIGNED | SIGNED => Values::Whole(Vec::new()),
            FLAG => Values::Flag(Vec::new()),
            _ => Values::Bytes(Vec::new()),
        };
        let columns = columns.iter().map(empty).collect();
        Ok(Table { file, columns, rows: 0, bytes: 0, rows_all: 0 })
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for values in &mut self.columns {
            let mut column = group.next_column()?.ok_or_else(|| mismatch("too few columns"))?;
            match (column.untyped(), values) {
                (ColumnWriter::Int64ColumnWriter(writer), Values::Whole(values)) => {
                    writer.write_batch(values, None, None)?;
                    values.clear();
                }
                (ColumnWriter::BoolColumnWriter(writer), Values::Flag(values)) => {
                    writer.write_batch(values, None, None)?;
                    values.clear();
                }
                (ColumnWriter::ByteArrayColumnWriter(writer), Values::Bytes(values)) => {
                    writer.write_batch(values, None, None)?;
                    values.clear();
                }
                _ => return Err(mismatch("a column of another type")),
            }
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

/// Whether the entries of a kind name an instrument.
fn about_instrument(kind: u16) -> bool {
    let info = Entry::KINDS.iter().find(|info| info.kind == kind);
    info.is_some_and(|info| info.fields.iter().any(|field| field.name == "instrument"))
}

/// The columns of a kind; `None` is what cannot be read.
fn columns(kind: Option<Kind>) -> Vec<Column> {
    let column = |name: &str, of, unit, about: &str| Column {
        name: name.into(),
        of,
        unit,
        about: about.into(),
    };
    let mut columns = vec![
        column("sequence", UNSIGNED, "", "Number of the record in the journal."),
        column("time_ns", UNSIGNED, "ns since the Unix epoch, UTC", "Stamp of the record."),
    ];
    let Some(kind) = kind else {
        columns.push(column("kind", UNSIGNED, "", "Number of the record's kind."));
        columns.push(column("content", CONTENT, "", "What could not be read."));
        return columns;
    };
    let Some(info) = Entry::KINDS.iter().find(|info| info.kind == kind.number) else {
        if kind.number == KIND_MARK {
            columns.push(column("generation", UNSIGNED, "", "Generation of the tape."));
            columns.push(column("place", UNSIGNED, "words", "How far it is written down."));
        } else {
            columns.push(column("json", JSON, "", kind.about));
        }
        return columns;
    };
    if about_instrument(kind.number) {
        columns.push(column("symbol", TEXT, "", "Symbol of the instrument."));
    }
    for (name, suffix, of) in types(kind.number) {
        if name == "symbol" {
            continue;
        }
        let unit = match suffix {
            "_e4" => "1/10,000 dollar",
            "_ns" => "ns; a time is since the Unix epoch, UTC",
            _ => "",
        };
        let about = info.fields.iter().find(|field| field.name == name);
        let about = about.map_or("", |field| field.about.trim());
        columns.push(column(&format!("{name}{suffix}"), of, unit, about));
    }
    if WITH_CONTENT.contains(&kind.name) {
        columns.push(column("content", CONTENT, "", "The content of the record."));
    }
    columns
}

/// Name, unit and type of the fields of a kind that are one word, from an entry of zeros, which
/// every kind can be.
pub(crate) fn types(kind: u16) -> Vec<(&'static str, &'static str, &'static str)> {
    let mut types = Vec::new();
    let zeros = [0; 64];
    let entry = (1..=zeros.len()).find_map(|words| Entry::read(kind, &zeros[..words]));
    if let Some(entry) = entry {
        entry.each(|name, suffix, value| {
            let of = match value {
                Value::Unsigned(_) => UNSIGNED,
                Value::Signed(_) => SIGNED,
                Value::Flag(_) => FLAG,
                Value::Name(_) | Value::Symbol(_) => TEXT,
            };
            types.push((name, suffix, of));
        });
    }
    types
}

fn mismatch(what: &str) -> ParquetError {
    ParquetError::General(format!("the schema and the rows differ: {what}"))
}
