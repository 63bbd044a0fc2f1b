//! Printing that outlives its reader.
//!
//! The macros of the standard library panic when nobody reads any more, as with `| head`. A venue
//! would go down with its console, and a host would not say which orders may be open.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Something but a reader that went away has kept a line from standard output.
static FAILED: AtomicBool = AtomicBool::new(false);

/// As in the standard library, but never a panic.
macro_rules! print {
    ($($text:tt)*) => { crate::output::write(format_args!($($text)*), "") };
}

/// As in the standard library, but never a panic.
macro_rules! println {
    () => { crate::output::write(format_args!(""), "\n") };
    ($($text:tt)*) => { crate::output::write(format_args!($($text)*), "\n") };
}

/// Writes a text and its end; the first failure is told.
pub(crate) fn write(text: Arguments<'_>, end: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.write_all(end.as_bytes()));
    if let Err(error) = written.and_then(|()| out.flush())
        && error.kind() != ErrorKind::BrokenPipe
        // Relaxed: nothing else is published by it.
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        eprintln!("tercel: writing to standard output: {error}");
    }
}

/// Whether something is missing from standard output that somebody may have wanted to read.
pub(crate) fn failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}
