//! SIGHUP: the configuration is read again, and what a running host can take is taken.

use super::log::HostLog;
use crate::config::{Change, Config, Reload};
use anyhow::{Context, Result, anyhow};
use serde_json::json;
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::{Handle, Signals};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use tercel_control::operator::Operator;
use tercel_control::sight::{Deeds, Level, Sight};
use tercel_engine::tape::Outcome;
use tercel_engine::{Ask, Ticket};
use tokio::runtime::Runtime;

/// The thread that waits for the signal; it ends when this is dropped.
pub(crate) struct Reloader {
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

struct Work {
    /// As it was read last.
    config: Arc<Config>,
    flags: Vec<String>,
    operator: Arc<Operator>,
    sight: Arc<dyn Sight>,
    deeds: Arc<dyn Deeds>,
    log: Arc<HostLog>,
    runtime: Runtime,
}

impl Reloader {
    pub(crate) fn start(
        config: &Arc<Config>,
        flags: &[String],
        operator: &Arc<Operator>,
        sight: &Arc<dyn Sight>,
        deeds: &Arc<dyn Deeds>,
        log: &Arc<HostLog>,
    ) -> Result<Reloader> {
        let mut signals = Signals::new([SIGHUP]).context("cannot listen for SIGHUP")?;
        let handle = signals.handle();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let mut work = Work {
            config: Arc::clone(config),
            flags: flags.into(),
            operator: Arc::clone(operator),
            sight: Arc::clone(sight),
            deeds: Arc::clone(deeds),
            log: Arc::clone(log),
            runtime,
        };
        let thread = std::thread::Builder::new().name("reload".into()).spawn(move || {
            for _ in signals.forever() {
                if let Err(error) = work.reload() {
                    work.log.say(Level::Error, format_args!("reload: nothing changed: {error:#}"));
                }
            }
        });
        let thread = thread.context("cannot start the thread that waits for SIGHUP")?;
        Ok(Reloader { signals: handle, thread: Some(thread) })
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.signals.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Work {
    fn reload(&mut self) -> Result<()> {
        let new = Config::load_with(self.config.file(), &self.flags)?;
        let changes = Config::difference(&self.config, &new);
        // Everything is checked before anything is changed.
        let asks = self.asks(&new)?;
        self.note(&json!({ "what": "reload", "who": "SIGHUP", "changes": changes }))?;
        let mut told = Vec::new();
        for ask in asks {
            let ticket = Ticket { number: self.operator.number(), ask };
            let outcome = match self.runtime.block_on(self.operator.carry_out(ticket)) {
                Ok(applied) if applied.outcome == Outcome::Done => "done".to_owned(),
                Ok(applied) => format!("{:?}", applied.outcome),
                Err(error) => error.to_string(),
            };
            told.push(json!({ "ticket": ticket.number, "outcome": outcome }));
        }
        for change in &changes {
            let Change { key, takes, .. } = change;
            let when = match takes {
                Reload::Now => "taken",
                Reload::Restart => "takes a restart",
            };
            self.log.say(Level::Info, format_args!("reload: {key}: {when}"));
        }
        if changes.is_empty() {
            self.log.say(Level::Info, "reload: no difference");
        }
        self.config = Arc::new(new);
        self.note(&json!({ "what": "reloaded", "who": "SIGHUP", "commands": told }))
    }

    /// The commands that bring the running host to the new limits.
    fn asks(&self, new: &Config) -> Result<Vec<Ask>> {
        let mut asks = Vec::new();
        let (before, after) = (self.config.risk()?.account, new.risk()?.account);
        if before != after {
            asks.push(Ask::AccountLimits(after));
        }
        let before = self.config.instruments()?;
        let before: BTreeMap<&str, _> =
            before.iter().map(|one| (one.symbol.as_str(), one.limits)).collect();
        for one in new.instruments()? {
            let symbol = one.symbol.as_str();
            if before.get(symbol).is_some_and(|limits| *limits != one.limits) {
                let id = self.sight.locate(symbol);
                let id = id.ok_or_else(|| anyhow!("{symbol} has no stock locate yet"))?;
                asks.push(Ask::Limits(id, one.limits));
            }
        }
        Ok(asks)
    }

    fn note(&self, deed: &serde_json::Value) -> Result<()> {
        self.runtime.block_on(self.deeds.record(deed.to_string())).map_err(|error| anyhow!(error))
    }
}
