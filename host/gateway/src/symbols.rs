//! Symbols by instrument and instruments by symbol.

use tercel_types::{InstrumentId, Symbol};

/// Both directions: an array by stock locate, and an open-addressing index of at most half load.
pub(crate) struct Symbols {
    by_id: Box<[Option<Symbol>]>,
    /// Instrument number plus one, zero for free. An entry whose instrument has got another symbol
    /// since stays as a marker that the search goes on.
    index: Box<[u32]>,
}

impl Symbols {
    pub(crate) fn new(instruments_max: usize) -> Symbols {
        Symbols {
            by_id: vec![None; instruments_max].into(),
            index: vec![0; (2 * instruments_max).next_power_of_two()].into(),
        }
    }

    /// Binds both; `false` when the instrument is beyond the limit. The latest binding of a symbol
    /// counts.
    pub(crate) fn set(&mut self, id: InstrumentId, symbol: Symbol) -> bool {
        let Some(&previous) = self.by_id.get(id.index()) else { return false };
        if previous == Some(symbol) {
            return true;
        }
        // Renaming is rare (a new day on a running gateway): the index is built anew.
        let moved = self.find(symbol);
        self.by_id[id.index()] = Some(symbol);
        if let Some(old) = moved {
            self.by_id[old.index()] = None;
        }
        if previous.is_some() || moved.is_some() {
            self.rebuild();
        } else {
            self.link(id, symbol);
        }
        true
    }

    #[inline]
    pub(crate) fn symbol(&self, id: InstrumentId) -> Option<Symbol> {
        self.by_id.get(id.index()).copied().flatten()
    }

    pub(crate) fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        let mut at = self.home(symbol);
        for _ in 0..self.index.len() {
            let number = self.index[at].checked_sub(1)?;
            let id = InstrumentId(number as u16);
            if self.symbol(id) == Some(symbol) {
                return Some(id);
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        None
    }

    #[cold]
    fn rebuild(&mut self) {
        self.index.fill(0);
        for number in 0..self.by_id.len() {
            if let Some(symbol) = self.by_id[number] {
                self.link(InstrumentId(number as u16), symbol);
            }
        }
    }

    fn link(&mut self, id: InstrumentId, symbol: Symbol) {
        let mut at = self.home(symbol);
        // At most half of the places are taken, so a free one comes.
        while self.index[at] != 0 {
            at = (at + 1) & (self.index.len() - 1);
        }
        self.index[at] = u32::from(id.0) + 1;
    }

    fn home(&self, symbol: Symbol) -> usize {
        // Fibonacci hashing: the high bits of the product depend on all eight letters.
        let product = u64::from_le_bytes(symbol.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (product >> 40) as usize & (self.index.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_found_both_ways_and_move() {
        let mut symbols = Symbols::new(4);
        let name = |text| Symbol::new(text).unwrap();
        assert!(symbols.set(InstrumentId(1), name("A")));
        assert!(symbols.set(InstrumentId(3), name("B")));
        assert!(!symbols.set(InstrumentId(4), name("C")));
        assert_eq!(symbols.find(name("B")), Some(InstrumentId(3)));
        assert!(symbols.set(InstrumentId(2), name("B")));
        assert_eq!(symbols.find(name("B")), Some(InstrumentId(2)));
        assert_eq!(symbols.symbol(InstrumentId(3)), None);
        assert!(symbols.set(InstrumentId(1), name("C")));
        assert_eq!(
            (symbols.find(name("A")), symbols.find(name("C"))),
            (None, Some(InstrumentId(1)))
        );
    }
}
