//! One file of Parquet: the events of one day and instrument.

use super::ConvertError;
use super::columns::Rows;
use crate::schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Columns of a few names; all others are numbers that grow or repeat, and written as differences.
const NAMES: [&str; 2] = ["kind", "side"];
const FLAGS: [&str; 2] = ["printable", "recovered"];

/// The rows that wait, and the file that the others are in.
pub(super) struct Part {
    pub(super) rows: Rows,
    path: PathBuf,
    writer: Option<ArrowWriter<Append>>,
    /// It lies under its final name, or never lay under another.
    done: bool,
}

/// What is in a file.
pub(super) struct Written {
    pub(super) row_groups: u64,
    pub(super) bytes: u64,
}

/// Opens its file for each write.
struct Append(PathBuf);

impl Write for Append {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        OpenOptions::new().append(true).open(&self.0)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Part {
    /// The file that will be called `path`.
    pub(super) fn new(path: PathBuf) -> Result<Part, ConvertError> {
        if path.exists() {
            return Err(ConvertError::Exists(path));
        }
        Ok(Part { rows: Rows::default(), path, writer: None, done: true })
    }

    /// Writes the rows that wait as a row group.
    pub(super) fn write(&mut self) -> Result<(), ConvertError> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        if self.writer.is_none() {
            self.begin()?;
        }
        let batch = self.rows.take();
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let written = writer.write(&batch).and_then(|()| writer.flush());
        written.map_err(|source| ConvertError::Parquet { path: self.path.clone(), source })
    }

    fn begin(&mut self) -> Result<(), ConvertError> {
        let part = part(&self.path);
        let io = |source| ConvertError::Io { path: part.clone(), source };
        if let Some(folder) = part.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        File::create(&part).map_err(io)?;
        self.done = false;
        let properties = Some(properties());
        let writer = ArrowWriter::try_new(Append(part.clone()), schema::schema(), properties);
        let writer =
            writer.map_err(|source| ConvertError::Parquet { path: part.clone(), source })?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes what waits and the file's end.
    pub(super) fn close(&mut self) -> Result<Written, ConvertError> {
        self.write()?;
        let path = part(&self.path);
        let Some(writer) = self.writer.take() else {
            return Ok(Written { row_groups: 0, bytes: 0 });
        };
        let metadata = writer.close();
        let metadata =
            metadata.map_err(|source| ConvertError::Parquet { path: path.clone(), source })?;
        let length = File::open(&path).and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = length.map_err(|source| ConvertError::Io { path, source })?.len();
        Ok(Written { row_groups: metadata.num_row_groups() as u64, bytes })
    }

    /// Gives the file its name.
    pub(super) fn publish(&mut self) -> Result<(), ConvertError> {
        if !self.done {
            let renamed = std::fs::rename(part(&self.path), &self.path);
            let path = self.path.clone();
            renamed.map_err(|source| ConvertError::Io { path, source })?;
            self.done = true;
        }
        Ok(())
    }
}

impl Drop for Part {
    /// Half a file is of no use to anybody.
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(part(&self.path));
        }
    }
}

fn part(path: &Path) -> PathBuf {
    path.with_extension("parquet.part")
}

fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(None)
        .set_created_by(concat!("tercel ", env!("CARGO_PKG_VERSION")).into());
    for column in schema::columns() {
        let path = ColumnPath::from(column.name);
        if NAMES.contains(&column.name) {
            builder = builder.set_column_dictionary_enabled(path, true);
        } else if !FLAGS.contains(&column.name) {
            builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    builder.build()
}
