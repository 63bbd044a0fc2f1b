//! Files that are whole or not there.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path`: to a file beside it first, which is flushed to the disk and then takes
/// the name. On any error, a full disk among them, what was at `path` before is untouched and the
/// file beside it is gone.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().with_context(|| format!("{}: no file name", path.display()))?;
    let mut beside = name.to_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = folder.join(beside);
    let done = put(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done.with_context(|| {
        format!("{}: nothing was written; {} bytes are needed", path.display(), bytes.len())
    })?;
    // The name is on the disk only when the folder is; some file systems refuse to be asked.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
