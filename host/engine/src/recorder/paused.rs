//! What operators have paused.

use tercel_types::InstrumentId;

/// Instruments that are not quoted, by command.
pub(crate) struct Paused {
    pub(crate) all: bool,
    /// A bit for each locate.
    one: Box<[u64; 1 << 10]>,
    count: u32,
}

impl Default for Paused {
    fn default() -> Paused {
        Paused { all: false, one: Box::new([0; 1 << 10]), count: 0 }
    }
}

impl Paused {
    #[inline]
    pub(crate) fn holds(&self, id: InstrumentId) -> bool {
        self.all || (self.count > 0 && self.one[id.index() / 64] >> (id.index() % 64) & 1 == 1)
    }

    /// Some instrument is paused.
    pub(crate) fn any(&self) -> bool {
        self.all || self.count > 0
    }

    /// Pauses an instrument or lets it go on; says whether that changed anything.
    pub(crate) fn set(&mut self, id: InstrumentId, paused: bool) -> bool {
        let (word, bit) = (&mut self.one[id.index() / 64], 1 << (id.index() % 64));
        let was = *word & bit != 0;
        *word = if paused { *word | bit } else { *word & !bit };
        self.count = self.count + u32::from(paused) - u32::from(was);
        was != paused
    }

    /// Pauses everything, or lets everything go on; says whether that changed anything.
    pub(crate) fn set_all(&mut self, paused: bool) -> bool {
        let changed = if paused { !self.all } else { self.any() };
        self.all = paused;
        if !paused {
            self.one.fill(0);
            self.count = 0;
        }
        changed
    }
}
