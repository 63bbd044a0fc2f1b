//! Numbers by 64-bit key, for what no array can index: order keys that found their cell of the
//! index taken, and symbols. A hash table with open addressing.
//!
//! Linear probing, and deletion shifts back what follows, so that there are no tombstones and a
//! search ends at the first empty entry. Twice as many entries as keys keep it at most half full:
//! 1.5 probes for a hit on average, 4 entries to a cache line. An entry farther than [`PROBES_MAX`]
//! from its place is refused, which bounds a search even when keys are chosen to collide; with keys
//! that hash to random places the chance of a run of k entries at half load falls as e^-0.19k
//! (Knuth, volume 3, 6.4), which is 10^-42 for 512.

use crate::memory::{Array, Reserve};

/// One entry; a value of zero is an empty one.
#[derive(Clone, Copy, Default)]
#[repr(C, align(16))]
pub(crate) struct Entry {
    key: u64,
    value: u32,
    zero: u32,
}

/// Entries looked at for one key at most.
pub(crate) const PROBES_MAX: usize = 512;

/// The table.
pub(crate) struct Table {
    entries: Array<Entry>,
    shift: u32,
    len: usize,
}

impl Table {
    pub(crate) fn new(keys_max: usize, reserve: &mut Reserve) -> Result<Table, i32> {
        let entries = (keys_max * 2).next_power_of_two();
        let shift = 64 - entries.trailing_zeros();
        Ok(Table { entries: reserve.array(entries)?, shift, len: 0 })
    }

    /// Where a key belongs. The fold before the multiplication brings in keys that differ in their
    /// upper half only.
    #[inline]
    fn home(&self, key: u64) -> usize {
        let folded = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (folded >> self.shift) as usize
    }

    #[inline]
    fn after(&self, at: usize, steps: usize) -> usize {
        (at + steps) & (self.entries.len() - 1)
    }

    /// Index of the entry of a key.
    fn position(&self, key: u64) -> Option<usize> {
        let home = self.home(key);
        for step in 0..PROBES_MAX.min(self.entries.len()) {
            let at = self.after(home, step);
            let entry = &self.entries[at];
            if entry.value == 0 {
                return None;
            }
            if entry.key == key {
                return Some(at);
            }
        }
        None
    }

    /// Keys that are here.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of a key, zero if it is not here.
    pub(crate) fn find(&self, key: u64) -> u32 {
        self.position(key).map_or(0, |at| self.entries[at].value)
    }

    /// Takes in a key that is not here; `false` if no entry near its place is free.
    pub(crate) fn insert(&mut self, key: u64, value: u32) -> bool {
        let home = self.home(key);
        for step in 0..PROBES_MAX.min(self.entries.len()) {
            let at = self.after(home, step);
            if self.entries[at].value == 0 {
                self.entries[at] = Entry { key, value, zero: 0 };
                self.len += 1;
                return true;
            }
        }
        false
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: u64) {
        let Some(mut hole) = self.position(key) else { return };
        let mask = self.entries.len() - 1;
        let mut at = hole;
        for _ in 0..mask {
            at = self.after(at, 1);
            let entry = self.entries[at];
            if entry.value == 0 {
                break;
            }
            // It may move to the hole unless that lies before its own place.
            let from_home = at.wrapping_sub(self.home(entry.key)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_home >= from_hole {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole].value = 0;
        self.len -= 1;
    }

    /// Empties the table. Reads all of it and writes to what is in use only, so that no new memory
    /// is taken.
    pub(crate) fn clear(&mut self) {
        if self.len == 0 {
            return;
        }
        for entry in self.entries.iter_mut() {
            if entry.value != 0 {
                entry.value = 0;
            }
        }
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_hash_map() {
        let mut table = Table::new(64, &mut Reserve::new(false, false)).unwrap();
        let mut naive = std::collections::HashMap::new();
        let mut seed = 1u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let key = seed >> 57 << 32;
            let value = (seed >> 32) as u32 | 1;
            if naive.remove(&key).is_some() {
                table.remove(key);
            } else if naive.len() < 64 {
                assert!(table.insert(key, value));
                naive.insert(key, value);
            }
            assert_eq!(table.len, naive.len());
            assert_eq!(table.find(key), *naive.get(&key).unwrap_or(&0));
        }
        assert!(naive.iter().all(|(r, s)| table.find(*r) == *s));
        table.clear();
        assert!(naive.keys().all(|r| table.find(*r) == 0));
    }

    #[test]
    fn a_run_that_is_too_long_is_refused() {
        let mut table = Table::new(1 << 12, &mut Reserve::new(false, false)).unwrap();
        let home = table.home(1);
        let colliding = (1..u64::MAX).filter(|r| table.home(*r) == home);
        let refs: Vec<u64> = colliding.take(PROBES_MAX + 1).collect();
        for &r in &refs[..PROBES_MAX] {
            assert!(table.insert(r, 1));
        }
        assert!(!table.insert(refs[PROBES_MAX], 1));
        table.remove(refs[0]);
        assert!(table.insert(refs[PROBES_MAX], 2));
        assert_eq!(table.find(refs[PROBES_MAX]), 2);
    }
}
