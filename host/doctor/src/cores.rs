//! Sets of cores, as the kernel writes them: lists (`0-3,8`) and masks (`ff,00000003`).

use std::collections::BTreeSet;
use std::fmt;

/// More than any kernel is built for (`CONFIG_NR_CPUS` is at most 8192).
const CORES_MAX: usize = 8192;

/// Cores by number.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CoreSet(BTreeSet<usize>);

impl CoreSet {
    /// Reads `0-3,8`; nothing and `(null)` are no core.
    pub fn from_list(text: &str) -> Option<CoreSet> {
        let mut cores = BTreeSet::new();
        let text = text.trim();
        if text.is_empty() || text == "(null)" {
            return Some(CoreSet(cores));
        }
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse::<usize>().ok()?);
            if first > last || last >= CORES_MAX {
                return None;
            }
            cores.extend(first..=last);
        }
        Some(CoreSet(cores))
    }

    /// Reads `ff,00000003`: hexadecimal words of 32 bits, the last one with the lowest cores.
    pub fn from_mask(text: &str) -> Option<CoreSet> {
        let mut cores = BTreeSet::new();
        for (index, word) in text.trim().rsplit(',').enumerate() {
            let word = u32::from_str_radix(word, 16).ok()?;
            if (index + 1) * 32 > CORES_MAX {
                return None;
            }
            cores.extend((0..32).filter(|bit| word >> bit & 1 == 1).map(|bit| index * 32 + bit));
        }
        Some(CoreSet(cores))
    }

    /// The set as a mask of the kernel's form.
    pub fn mask(&self) -> String {
        let words = self.0.last().map_or(1, |last| last / 32 + 1);
        let word = |index: usize| {
            let bits = self.0.range(index * 32..(index + 1) * 32);
            bits.fold(0u32, |word, core| word | 1 << (core % 32))
        };
        let words: Vec<String> =
            (0..words).rev().map(|index| format!("{:08x}", word(index))).collect();
        words.join(",")
    }

    /// No core.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// It is one of them.
    pub fn has(&self, core: usize) -> bool {
        self.0.contains(&core)
    }

    /// Ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.0.iter().copied()
    }

    /// Those that are not in `other`.
    pub fn without(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.difference(&other.0).copied().collect())
    }

    /// Those in either.
    pub fn with(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.union(&other.0).copied().collect())
    }

    /// Those in both.
    pub fn both(&self, other: &CoreSet) -> CoreSet {
        CoreSet(self.0.intersection(&other.0).copied().collect())
    }
}

impl FromIterator<usize> for CoreSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cores: I) -> CoreSet {
        CoreSet(cores.into_iter().filter(|core| *core < CORES_MAX).collect())
    }
}

impl fmt::Display for CoreSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for core in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == core => *last = core,
                _ => ranges.push((core, core)),
            }
        }
        let one = |(first, last): &(usize, usize)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        f.write_str(&ranges.iter().map(one).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were() {
        for list in ["", "0", "1-3", "0-1,4,6-7"] {
            assert_eq!(CoreSet::from_list(list).unwrap().to_string(), list);
        }
        assert!(CoreSet::from_list("(null)\n").unwrap().is_empty());
        for wrong in ["x", "3-1", "1-", "-1", "0-99999999999", "8192", "1,,2", "1-2-3"] {
            assert_eq!(CoreSet::from_list(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn masks_are_words_with_the_lowest_cores_last() {
        let cores = |mask: &str| CoreSet::from_mask(mask).map(|cores| cores.to_string());
        assert_eq!(cores("3").as_deref(), Some("0-1"));
        assert_eq!(cores("00000001,80000000").as_deref(), Some("31-32"));
        assert_eq!(cores("0").as_deref(), Some(""));
        assert_eq!((cores(""), cores("g"), cores("1ffffffff")), (None, None, None));
        let set = CoreSet::from_list("0,33").unwrap();
        assert_eq!(set.mask(), "00000002,00000001");
        assert_eq!(CoreSet::from_mask(&set.mask()), Some(set));
        assert_eq!(CoreSet::default().mask(), "00000000");
    }
}
