//! Runs over threads: each file is read once, by whoever needs it first, and kept until every trial
//! has been run over it.
//!
//! Trials share nothing but the recording, so that what comes out does not depend on the number of
//! threads.

use super::File;
use super::data::{self, Facts, Recording};
use super::trials::Trial;
use anyhow::{Context as _, Result, anyhow};
use indicatif::ProgressBar;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tercel_backtest::Store;
use tercel_backtest::ledger::Ledger;

/// A file while it is worked on.
#[derive(Default)]
struct Shared {
    store: Option<Arc<Store>>,
    facts: Option<Facts>,
    /// What went wrong; the trials that are left are not run.
    failed: Option<anyhow::Error>,
    ledgers: Vec<Option<Ledger>>,
    left: usize,
}

/// Runs every trial over every recording; a result for each recording, in their order.
pub(super) fn run(
    recordings: &[Recording],
    trials: &[Trial],
    threads: usize,
    bar: &ProgressBar,
) -> Vec<Result<File>> {
    let shared: Vec<Mutex<Shared>> = recordings
        .iter()
        .map(|_| {
            let ledgers = trials.iter().map(|_| None).collect();
            Mutex::new(Shared { left: trials.len(), ledgers, ..Shared::default() })
        })
        .collect();
    let next = AtomicUsize::new(0);
    let jobs = recordings.len() * trials.len();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= jobs {
                        return;
                    }
                    let (file, trial) = (at / trials.len(), at % trials.len());
                    one(&recordings[file], &shared[file], trials, trial);
                    bar.inc(1);
                    bar.set_message(recordings[file].name.clone());
                }
            });
        }
    });
    recordings.iter().zip(shared).map(|(recording, shared)| finished(recording, shared)).collect()
}

fn one(recording: &Recording, shared: &Mutex<Shared>, trials: &[Trial], at: usize) {
    let Some(store) = store(recording, shared) else {
        lock(shared).left -= 1;
        return;
    };
    let trial = &trials[at];
    let result = trial
        .trading(&store)
        .and_then(|trading| Ok(tercel_backtest::run(&store, &trading, &trial.rules.settings)?))
        .with_context(|| format!("{}: {}", recording.name, trial.name));
    drop(store);
    let mut shared = lock(shared);
    match result {
        Ok(ledger) => shared.ledgers[at] = Some(ledger),
        Err(error) => shared.failed = Some(error),
    }
    shared.left -= 1;
    if shared.left == 0 {
        shared.store = None;
    }
}

/// The recording, read now if nobody has. Others that need it wait.
fn store(recording: &Recording, shared: &Mutex<Shared>) -> Option<Arc<Store>> {
    let mut shared = lock(shared);
    if shared.failed.is_some() {
        return None;
    }
    if shared.store.is_none() {
        match data::read(recording) {
            Ok((store, facts)) => {
                shared.store = Some(Arc::new(store));
                shared.facts = Some(facts);
            }
            Err(error) => shared.failed = Some(error),
        }
    }
    shared.store.clone()
}

fn finished(recording: &Recording, shared: Mutex<Shared>) -> Result<File> {
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = shared.failed {
        return Err(error);
    }
    let ledgers: Option<Vec<Ledger>> = shared.ledgers.into_iter().collect();
    let unfinished = || anyhow!("{}: a run did not end", recording.name);
    Ok(File {
        recording: recording.clone(),
        facts: shared.facts.ok_or_else(unfinished)?,
        ledgers: ledgers.ok_or_else(unfinished)?,
    })
}

/// A panic of another thread leaves nothing half written: each field is set at once.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
