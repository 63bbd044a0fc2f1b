//! Many runs at once: days, instruments, parameters.
//!
//! Runs share nothing but the recordings they read, so that what each leaves behind does not depend
//! on how many threads there are.

use crate::ledger::Ledger;
use crate::run::run;
use crate::settings::{BacktestError, Settings, Trading};
use crate::store::Store;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One run.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The recording.
    pub store: &'a Store,
    /// What trades.
    pub trading: Trading,
    /// The market's rules.
    pub settings: Settings,
}

/// Runs all of them on at most `threads` threads; what each has left behind, in their order.
pub fn run_many(jobs: &[Job<'_>], threads: usize) -> Vec<Result<Ledger, BacktestError>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { return };
                    let result = run(job.store, &job.trading, &job.settings);
                    // A panic elsewhere leaves the list as it was.
                    let mut done = done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    done.push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
