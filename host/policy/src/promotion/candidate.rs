//! A policy that may be put in the seat of the one that trades.

use super::Wager;
use crate::config::PolicyError;
use crate::drift::Drift;
use crate::features::{FNV_OFFSET, fnv1a};
use crate::shadow::ShadowBook;
use crate::strategy::{Strategy, StrategyConfig};
use core::fmt;

/// A short name, of a candidate or of a file: 1 to 48 printable ASCII characters without spaces.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name {
    bytes: [u8; Name::MAX],
    len: u8,
}

impl Name {
    /// Most characters.
    pub const MAX: usize = 48;

    /// `None` for what is no name.
    pub fn new(text: &str) -> Option<Name> {
        let fits = (1..=Name::MAX).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut bytes = [0; Name::MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Name { bytes, len: text.len() as u8 })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A strategy with everything that it takes to try it out and to trade with it, made away from the
/// thread that trades and handed over whole.
#[derive(Debug)]
pub struct Candidate {
    pub(super) name: Name,
    pub(super) identity: u64,
    /// What trades once it is promoted; away while it sits in the policy.
    pub(super) live: Option<Strategy>,
    /// Its twin, asked in shadow: a strategy may remember what it has seen.
    pub(super) shadow: Strategy,
    pub(super) book: ShadowBook,
    pub(super) drift: Drift,
    pub(super) wager: Wager,
    /// Number of its test in the life of the host, from 1.
    pub(super) test: u64,
    /// Its shadow profit at the last end of an interval.
    pub(super) profit: Option<f64>,
    /// The test has been passed, and that has been said.
    pub(super) announced: bool,
}

impl Candidate {
    /// Checks the strategy and gets the memory: room for `slots` instruments (see
    /// [`crate::Policy::slots_max`]), and a window of drift.
    ///
    /// # Errors
    /// [`PolicyError`] if a parameter of the strategy is not allowed.
    pub fn new(
        name: Name,
        config: &StrategyConfig,
        slots: usize,
        psi_window: u32,
    ) -> Result<Candidate, PolicyError> {
        config.validate()?;
        let normalisation = match config {
            StrategyConfig::Mlp(learned) => Some(&learned.artifact.manifest().normalisation),
            _ => None,
        };
        Ok(Candidate {
            name,
            identity: identity(config),
            live: Some(strategy(config, slots)),
            shadow: strategy(config, slots),
            book: ShadowBook::new(slots),
            drift: Drift::new(normalisation, psi_window),
            wager: Wager::new(),
            test: 0,
            profit: None,
            announced: false,
        })
    }

    /// Its name.
    pub fn name(&self) -> Name {
        self.name
    }

    /// A hash of the strategy and its parameters, weights included: the same under any name.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Its test against the champion of now.
    pub fn wager(&self) -> &Wager {
        &self.wager
    }

    /// Number of that test in the life of the host.
    pub fn test(&self) -> u64 {
        self.test
    }

    /// What it did in shadow.
    pub fn book(&self) -> &ShadowBook {
        &self.book
    }

    /// The drift of the features since it was first seen.
    pub fn drift(&self) -> &Drift {
        &self.drift
    }

    /// A new test begins.
    pub(super) fn begin(&mut self, test: u64) {
        self.test = test;
        self.wager = Wager::new();
        self.announced = false;
    }
}

/// A strategy that takes no memory for the first `slots` instruments that it is asked about.
fn strategy(config: &StrategyConfig, slots: usize) -> Strategy {
    let mut strategy = Strategy::new(config.clone());
    if let Strategy::Mlp(network) = &mut strategy {
        network.reserve(slots);
    }
    strategy
}

fn identity(config: &StrategyConfig) -> u64 {
    match config {
        StrategyConfig::Mlp(learned) => {
            let manifest = learned.artifact.manifest();
            let mut hash = fnv1a(FNV_OFFSET, &manifest.weights_hash.to_le_bytes());
            for end in [learned.offset_min_ticks, learned.offset_max_ticks] {
                hash = fnv1a(hash, &end.to_bits().to_le_bytes());
            }
            fnv1a(hash, format!("{:?}", manifest.normalisation).as_bytes())
        }
        other => fnv1a(FNV_OFFSET, format!("{other:?}").as_bytes()),
    }
}
