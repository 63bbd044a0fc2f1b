//! Empties the caches of what was in them, by reading and writing through more memory than they
//! hold.

use std::hint::black_box;
use std::path::Path;

/// Where Linux describes the caches of the first core.
const CACHES: &str = "/sys/devices/system/cpu/cpu0/cache";

/// Bytes, where the system does not say how large its caches are.
const UNKNOWN: usize = 64 << 20;

/// Memory that is larger than every cache.
#[derive(Debug)]
pub struct Evictor {
    words: Vec<u64>,
}

impl Evictor {
    /// Twice the largest cache of this machine: with a replacement that is not quite "least
    /// recently used" once would leave something.
    pub fn new() -> Evictor {
        Evictor::of(largest_cache(Path::new(CACHES)).map_or(UNKNOWN, |bytes| 2 * bytes))
    }

    /// As much memory as is asked for: the smaller caches are emptied.
    pub fn of(bytes: usize) -> Evictor {
        Evictor { words: vec![1; bytes / 8] }
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Changes a word of every line: what was cached, code included, is gone from all caches that
    /// are not larger, and so is what was cached of the page tables.
    pub fn evict(&mut self) {
        for word in self.words.iter_mut().step_by(8) {
            *word = word.wrapping_add(1);
        }
        black_box(&self.words);
    }
}

impl Default for Evictor {
    fn default() -> Evictor {
        Evictor::new()
    }
}

/// Reads the sizes below a folder like [`CACHES`], bytes.
fn largest_cache(folder: &Path) -> Option<usize> {
    let sizes = (0..16).map_while(|index| {
        let text = std::fs::read_to_string(folder.join(format!("index{index}/size"))).ok()?;
        parse(text.trim())
    });
    sizes.max()
}

/// `32768K`, `64M`, `512`.
fn parse(text: &str) -> Option<usize> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_linux_writes_them() {
        assert_eq!(parse("32768K"), Some(32 << 20));
        assert_eq!(parse("64M"), Some(64 << 20));
        assert_eq!((parse("512"), parse("x"), parse("")), (Some(512), None, None));
    }

    #[test]
    fn every_line_is_changed() {
        let mut evictor = Evictor { words: vec![0; 64] };
        evictor.evict();
        assert!(evictor.words.iter().enumerate().all(|(at, word)| *word == u64::from(at % 8 == 0)));
        assert!(Evictor::new().bytes() >= 1 << 20);
    }
}
