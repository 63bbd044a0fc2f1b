//! A small engine on a thread of its own behind a real mailbox, a journal in memory, a server on a
//! real socket, and a client.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each suite needs some of it")]

mod client;
mod engine;

pub use client::Client;
pub use engine::{LIMITS, World};

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tercel_control::access::{Role, issue};
use tercel_control::api::Parts;
use tercel_control::operator::Operator;
use tercel_control::server::{Server, Settings, Tls};
use tercel_control::sight::{
    Deeds, Level, Log, Policies, PoliciesError, Policy, PolicySource, Unwritten, Writing,
};

/// A journal in memory, which can be full, or stuck.
#[derive(Default)]
pub struct Journal {
    pub written: Mutex<Vec<String>>,
    pub full: AtomicBool,
    pub stuck: AtomicBool,
}

impl Deeds for Journal {
    fn record(&self, json: String) -> Writing {
        if self.stuck.load(Relaxed) {
            return Box::pin(std::future::pending());
        }
        if self.full.load(Relaxed) {
            return Box::pin(async { Err(Unwritten("no space left on device".into())) });
        }
        self.written.lock().unwrap().push(json);
        Box::pin(async { Ok(()) })
    }
}

impl Journal {
    pub fn deeds(&self) -> Vec<serde_json::Value> {
        let written = self.written.lock().unwrap();
        written.iter().map(|json| serde_json::from_str(json).unwrap()).collect()
    }
}

/// A contest with one challenger.
pub struct Contest(Mutex<Vec<Policy>>);

impl Contest {
    fn new() -> Contest {
        let policy = |name: &str, role: &str| Policy {
            name: name.into(),
            role: role.into(),
            ..Policy::default()
        };
        Contest(Mutex::new(vec![policy("first", "champion"), policy("second", "challenger")]))
    }
}

impl Policies for Contest {
    fn list(&self) -> Result<Vec<Policy>, PoliciesError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn load(&self, source: &PolicySource, name: Option<&str>) -> Result<String, PoliciesError> {
        let PolicySource::Kind(kind) = source else {
            return Err(PoliciesError::Refused("no such artifact".into()));
        };
        let name = name.unwrap_or(kind).to_owned();
        let role = "challenger".into();
        let policy = Policy { name: name.clone(), role, ..Policy::default() };
        self.0.lock().unwrap().push(policy);
        Ok(name)
    }

    fn remove(&self, name: &str) -> Result<(), PoliciesError> {
        let mut all = self.0.lock().unwrap();
        let before = all.len();
        all.retain(|policy| policy.name != name);
        if all.len() < before { Ok(()) } else { Err(PoliciesError::Unknown(name.into())) }
    }

    fn promote(&self, name: &str, force: bool) -> Result<(), PoliciesError> {
        if !force {
            return Err(PoliciesError::Refused(format!("{name} has not passed its test")));
        }
        for policy in self.0.lock().unwrap().iter_mut() {
            policy.role = if policy.name == name { "champion" } else { "challenger" }.into();
        }
        Ok(())
    }

    fn roll_back(&self) -> Result<String, PoliciesError> {
        Ok("first".into())
    }
}

/// A log of which only the level is there.
pub struct Loudness(Mutex<Level>);

impl Log for Loudness {
    fn level(&self) -> Level {
        *self.0.lock().unwrap()
    }

    fn set_level(&self, level: Level) {
        *self.0.lock().unwrap() = level;
    }
}

/// Everything around a server.
pub struct Stand {
    pub server: Server,
    pub world: Arc<World>,
    pub journal: Arc<Journal>,
    pub folder: tempfile::TempDir,
    pub viewer: String,
    pub operator: String,
    pub risk: String,
}

/// How it is set up.
pub struct Setup {
    pub streams_max: usize,
    pub without_token: Option<Role>,
    pub tls: Option<Tls>,
    pub contest: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup { streams_max: 4, without_token: None, tls: None, contest: true }
    }
}

impl Stand {
    pub fn new(setup: Setup) -> Stand {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("tokens.toml");
        let [viewer, operator, risk] = [Role::Viewer, Role::Operator, Role::Risk]
            .map(|role| issue(&path, role.name(), role).unwrap());
        let (world, mailbox) = World::start();
        let journal = Arc::new(Journal::default());
        let parts = Parts {
            sight: world.clone(),
            operator: Arc::new(Operator::new(world.clone(), mailbox)),
            deeds: journal.clone(),
            policies: setup.contest.then(|| Arc::new(Contest::new()) as Arc<dyn Policies>),
            log: Arc::new(Loudness(Mutex::new(Level::Info))),
        };
        let settings = Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            tokens: Some(path),
            without_token: setup.without_token,
            tls: setup.tls,
            streams_max: setup.streams_max,
        };
        let server = Server::start(settings, parts).unwrap();
        Stand { server, world, journal, folder, viewer, operator, risk }
    }

    pub fn with(&self, token: &str) -> Client {
        Client { address: self.server.local_addr(), token: Some(token.into()) }
    }

    pub fn stranger(&self) -> Client {
        Client { address: self.server.local_addr(), token: None }
    }
}
