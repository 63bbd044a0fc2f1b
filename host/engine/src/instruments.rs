//! The instruments that the configuration names, and their locates once the directory has told
//! them.

use tercel_risk::InstrumentLimits;
use tercel_types::{InstrumentId, Symbol};

/// An instrument to trade.
#[derive(Clone, Debug)]
pub struct InstrumentConfig {
    /// Its symbol.
    pub symbol: Symbol,
    /// What risk allows in it.
    pub limits: InstrumentLimits,
}

/// Configured instruments; each is bound to its locate by the day's directory.
pub(crate) struct Instruments {
    configured: Vec<InstrumentConfig>,
    ids: Vec<Option<InstrumentId>>,
    bound: usize,
}

impl Instruments {
    pub(crate) fn new(configured: Vec<InstrumentConfig>) -> Instruments {
        Instruments { ids: vec![None; configured.len()], configured, bound: 0 }
    }

    /// Notes that the directory calls `symbol` by `id`; returns what is configured for it the first
    /// time.
    pub(crate) fn bind(&mut self, symbol: Symbol, id: InstrumentId) -> Option<&InstrumentConfig> {
        let at = self.configured.iter().position(|one| one.symbol == symbol)?;
        if self.ids[at].is_some() {
            return None;
        }
        self.ids[at] = Some(id);
        self.bound += 1;
        Some(&self.configured[at])
    }

    /// How many are configured.
    pub(crate) fn len(&self) -> usize {
        self.configured.len()
    }

    /// Every one has its locate.
    pub(crate) fn all_bound(&self) -> bool {
        self.bound == self.configured.len()
    }

    /// The locate of the one at `at`, once bound.
    pub(crate) fn id(&self, at: usize) -> Option<InstrumentId> {
        self.ids.get(at).copied().flatten()
    }

    /// Symbols that the directory has not named yet.
    pub(crate) fn missing(&self) -> impl Iterator<Item = Symbol> {
        self.configured.iter().zip(&self.ids).filter(|(_, id)| id.is_none()).map(|(c, _)| c.symbol)
    }

    /// Symbol and locate of every bound one.
    pub(crate) fn bound(&self) -> impl Iterator<Item = (Symbol, InstrumentId)> {
        self.configured.iter().zip(&self.ids).filter_map(|(c, id)| id.map(|id| (c.symbol, id)))
    }
}
