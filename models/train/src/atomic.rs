//! Files that are whole or not there.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path`, as [`write_all`] does.
///
/// # Errors
/// What the file system says; then what was at `path` before is untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_all(&[(path, bytes)])
}

/// Writes files that belong together: each to a file beside its place first, which is flushed to
/// the disk; once all of them are there, each takes its name, in order. A full disk is met before
/// any of them has its name: what was at the places before is then untouched, and nothing is left
/// beside them.
///
/// # Errors
/// What the file system says, with the file it was about.
pub fn write_all(files: &[(&Path, &[u8])]) -> Result<()> {
    let mut parts = Vec::with_capacity(files.len());
    let done = put_and_name(files, &mut parts);
    if done.is_err() {
        parts.iter().for_each(|part| drop(fs::remove_file(part)));
    }
    done
}

fn put_and_name(files: &[(&Path, &[u8])], parts: &mut Vec<PathBuf>) -> Result<()> {
    for (path, bytes) in files {
        let name = path.file_name().with_context(|| format!("{}: no file name", path.display()))?;
        let mut beside = name.to_os_string();
        beside.push(format!(".{}.part", std::process::id()));
        let beside = folder(path).join(beside);
        parts.push(beside.clone());
        put(&beside, bytes).with_context(|| refusal(path, bytes))?;
    }
    for ((path, bytes), part) in files.iter().zip(parts) {
        fs::rename(part, path).with_context(|| refusal(path, bytes))?;
        // The name is on the disk only when the folder is; some file systems refuse to be asked.
        if let Ok(folder) = File::open(folder(path)) {
            let _ = folder.sync_all();
        }
    }
    Ok(())
}

fn refusal(path: &Path, bytes: &[u8]) -> String {
    format!("{}: nothing was written; {} bytes are needed", path.display(), bytes.len())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
