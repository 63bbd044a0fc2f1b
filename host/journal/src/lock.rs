//! One writer at a time.

use crate::error::JournalError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

/// Name of the lock file in the journal's folder.
const NAME: &str = "journal.lock";

/// The right to write a folder, given back when dropped or with the process.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread is just starting holds a copy of the
        // descriptor until its exec. What fails here is given back with that.
        let _ = self.0.unlock();
    }
}

/// Takes the folder for this process (flock), and writes its number into the lock file for the next
/// who asks.
pub(crate) fn lock(folder: &Path) -> Result<Lock, JournalError> {
    let path = folder.join(NAME);
    let failed = |doing| {
        let path = path.clone();
        move |source| JournalError::io(doing, &path, source)
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("open"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Who holds it is a courtesy; that it is held is certain.
            let read = (&file).take(16).read_to_string(&mut text);
            let pid = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(JournalError::Locked { folder: folder.to_path_buf(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
    }
    // A full disk must not keep a journal from being opened: then the number is missing.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Lock(file))
}
