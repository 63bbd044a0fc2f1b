//! SIGINT and SIGTERM: the first asks for an orderly stop, the second ends at once.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many of the two signals have come.
#[derive(Clone)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// From now on the signals are counted, by a thread of their own, instead of ending the
    /// process.
    pub(crate) fn install() -> Result<Signals> {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&count);
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])
            .context("cannot listen for SIGINT and SIGTERM")?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for _ in signals.forever() {
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            })
            .context("cannot start the thread that waits for signals")?;
        Ok(Signals(count))
    }

    /// The end of standard input counts as a signal too: a parent that dies takes its children
    /// along.
    pub(crate) fn also_end_of_input(&self) -> Result<()> {
        let signals = self.clone();
        std::thread::Builder::new()
            .name("stdin".into())
            .spawn(move || {
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                signals.raise();
            })
            .context("cannot start the thread that watches standard input")?;
        Ok(())
    }

    /// Counts as if a signal had come.
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// None, one, or more.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}
