//! The cold side of a running host: the journal, what the desk knows, the control plane.
//!
//! All of it is on threads of its own, which keep off the trading thread's core. It is reached by a
//! tape and a mailbox, and ends after the trading thread has.

mod log;
mod reload;

use crate::config::{Config, ControlSettings, JournalSettings, Overflow, Role, Sync};
use crate::operator::PolicyDesk;
use anyhow::{Context, Result, bail};
use log::HostLog;
use reload::Reloader;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tercel_control::access;
use tercel_control::api::Parts;
use tercel_control::clock::{ClockReader, Kernel};
use tercel_control::desk::Desk;
use tercel_control::operator::Operator;
use tercel_control::recorder::{self, Artifact, Handle, JournalWriter, Recorder, Start};
use tercel_control::server::{Server, Settings, Tls};
use tercel_control::sight::{Deeds, Policies, Sight};
use tercel_doctor::KernelClock;
use tercel_engine::counters::CountersReader;
use tercel_engine::tape::{self, TapeReader, TapeWriter};
use tercel_engine::{self as engine, Engine};
use tercel_journal::TornTail;
use tercel_types::Nanos;

/// Begins the line that says where the control plane is reached.
pub(crate) const SAYS: &str = "control: ";
/// Room between the trading thread and the desk where there is no journal.
const TAPE_WORDS: usize = 1 << 16;

/// Everything that runs beside the trading thread for whoever looks at it and operates it.
pub(crate) struct Cold {
    server: Option<Server>,
    reloader: Option<Reloader>,
    recorder: Handle,
}

impl Cold {
    /// What `[journal]` and `[control]` ask for; `None` without both. Comes before the first event,
    /// and before the calling thread is pinned. `ahead` is how far the clock of the stamps is ahead
    /// of the system's, ns; `flags` are those above the file.
    pub(crate) fn start(
        config: &Arc<Config>,
        engine: &mut Engine,
        counters: CountersReader,
        ahead: &Arc<AtomicI64>,
        policies: Option<PolicyDesk>,
        flags: &[String],
    ) -> Result<Option<Cold>> {
        let (journal, control) = (config.journal()?, config.control()?);
        if journal.is_none() && control.is_none() {
            return Ok(None);
        }
        let now = now();
        let (tape, reader, writer) = match &journal {
            Some(settings) => open_journal(settings, now).context("[journal]")?,
            None => {
                let (tape, reader) = tape::anonymous(TAPE_WORDS, now)?;
                (tape, reader, None)
            }
        };
        let overflow = match journal.map(|settings| settings.overflow) {
            Some(Overflow::Pause) => engine::Overflow::Pause,
            // Without a journal nothing is lost that is kept anywhere.
            Some(Overflow::Lose) | None => engine::Overflow::Lose,
        };
        let mailbox = engine.operate(tape, overflow, now);
        let recorder = Recorder::start(recorder::Parts {
            tape: reader,
            journal: writer,
            desk: Desk::new(env!("CARGO_PKG_VERSION"), now),
            start: beginning(config)?,
            counters: Some(Arc::new(counters)),
            clock: clock_reader(Arc::clone(ahead)),
            now: Arc::new(self::now),
        })
        .context("cannot start the recorder's thread")?;
        let sight: Arc<dyn Sight> = Arc::new(recorder.sight());
        let deeds: Arc<dyn Deeds> = Arc::new(recorder.recorder());
        let operator = Arc::new(Operator::new(Arc::clone(&sight), mailbox));
        let log = Arc::new(HostLog::default());
        let reloader = Reloader::start(config, flags, &operator, &sight, &deeds, &log)?;
        let server = match control {
            None => None,
            Some(settings) => {
                let policies = policies.map(|desk| Arc::new(desk) as Arc<dyn Policies>);
                let parts = Parts { sight, operator, deeds, policies, log };
                Some(serve(settings, parts).context("[control]")?)
            }
        };
        Ok(Some(Cold { server, reloader: Some(reloader), recorder }))
    }

    /// Ends it, once everything that the trading thread has told is written down.
    pub(crate) fn stop(self) -> Result<()> {
        let Cold { server, reloader, recorder } = self;
        drop(reloader);
        if let Some(server) = server {
            server.stop();
        }
        let summary = recorder.stop();
        if let Some(journal) = summary.journal.filter(|journal| !journal.trouble.is_empty()) {
            bail!("the journal lacks {} records: {}", summary.unwritten, journal.trouble);
        }
        Ok(())
    }
}

/// The journal, with what a run before left on its tape, and a new tape.
fn open_journal(
    settings: &JournalSettings,
    now: Nanos,
) -> Result<(TapeWriter, TapeReader, Option<JournalWriter>)> {
    let config = tercel_journal::Config {
        folder: settings.folder.clone(),
        segment_bytes: settings.segment_bytes,
        sync: match settings.sync {
            Sync::Never => tercel_journal::Sync::Never,
            Sync::Interval(every) => {
                tercel_journal::Sync::Every(std::time::Duration::from_nanos(every.0))
            }
            Sync::Commit => tercel_journal::Sync::EachCommit,
        },
    };
    let (mut journal, recovery) = JournalWriter::open(config, now)?;
    if let Some(cut) = &recovery {
        let TornTail { file, offset, records, bytes, .. } = cut;
        let file = file.display();
        eprintln!(
            "journal: the last write was torn; cut {records} records, {bytes} bytes, from byte \
             {offset} of {file} on"
        );
    }
    let path = beside(&settings.folder);
    let recovered = journal.recover(&path, now)?;
    if recovered.entries > 0 {
        eprintln!("journal: {} entries that a run before left on its tape", recovered.entries);
    }
    let (tape, reader) = tape::create(&path, settings.tape_bytes / 8, now)?;
    Ok((tape, reader, Some(journal)))
}

/// The tape of a journal: the name of its folder and `.tape`.
fn beside(folder: &Path) -> PathBuf {
    let mut name = OsString::from(folder);
    name.push(".tape");
    PathBuf::from(name)
}

/// What the journal says of the start.
fn beginning(config: &Config) -> Result<Start> {
    let effective = config.effective();
    let values = effective.into_iter().filter(|entry| entry.is_set());
    let effective = values.map(|entry| (entry.key, entry.value.unwrap_or_default())).collect();
    let mut artifacts = vec![Artifact::of_file("binary", &std::env::current_exe()?)?];
    for (role, path) in config.artifacts() {
        artifacts.push(Artifact::of_file(role, &path)?);
    }
    Ok(Start {
        version: env!("CARGO_PKG_VERSION").into(),
        config_text: Config::read(config.file())?,
        effective: serde_json::Value::Object(effective),
        artifacts,
    })
}

fn clock_reader(ahead: Arc<AtomicI64>) -> ClockReader {
    let kernel = || {
        let clock = KernelClock::of_system().ok()?;
        let error_max_ns = u64::try_from(clock.error_max_us).ok()?.checked_mul(1_000)?;
        Some(Kernel { synchronised: clock.synchronised, error_max_ns })
    };
    // Relaxed: it stands for itself.
    ClockReader::new("host", kernel, move || ahead.load(Ordering::Relaxed))
}

/// The system's time, to which the clock of the stamps is steered.
fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn serve(settings: ControlSettings, parts: Parts) -> Result<Server> {
    let tls = settings.tls.is_some();
    let server = Server::start(
        Settings {
            listen: settings.listen,
            tokens: settings.tokens,
            without_token: match settings.without_token {
                Role::None => None,
                Role::Viewer => Some(access::Role::Viewer),
                Role::Operator => Some(access::Role::Operator),
                Role::Risk => Some(access::Role::Risk),
            },
            tls: settings.tls.map(|files| Tls {
                certificate: files.certificate,
                key: files.key,
                client_ca: files.client_ca,
            }),
            streams_max: settings.streams_max,
        },
        parts,
    )?;
    let scheme = if tls { "https" } else { "http" };
    eprintln!("{SAYS}{scheme}://{}/", server.local_addr());
    Ok(server)
}
