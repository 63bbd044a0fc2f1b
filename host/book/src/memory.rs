//! Large arrays straight from the system, and what the system gave for them.
//!
//! An array is one anonymous private mapping: zeroed, page-aligned, never moved, and backed by
//! memory page by page as it is first touched, so that reserving for the busiest day costs nothing
//! on a quiet one. That first touch costs about 0.5 µs for 4 KiB and 100 µs for a huge page that
//! must be zeroed; `prefault` moves it to the start. This is the only file of the crate with unsafe
//! code.
#![allow(unsafe_code)]

use crate::ladder::SideLadder;
use crate::level::LevelNode;
use crate::order::Order;
use crate::table::Entry;
use crate::tree::Node;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut, Range};
use memmap2::{MmapMut, MmapOptions};
use std::fs;

/// What was asked of the system for the memory of the books, and what it gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryReport {
    /// Bytes of address space reserved.
    pub reserved: usize,
    /// Huge pages.
    pub huge_pages: HugePages,
    /// Memory taken at the start.
    pub prefault: Prefault,
}

/// Whether the memory is in huge pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HugePages {
    /// Not asked for.
    NotAsked,
    /// The system has taken the advice and gives them, if it has any free, as the memory is first
    /// touched.
    Advised,
    /// This many bytes lie in huge pages; the rest does not.
    Got {
        /// Bytes in huge pages.
        bytes: usize,
    },
    /// None.
    Refused(Reason),
}

/// Whether all the memory was taken at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefault {
    /// Not asked for: the first touch of a page waits for the system.
    NotAsked,
    /// All of it.
    Got,
    /// Not all of it.
    Refused(Reason),
}

/// Why the system has not given what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The system call failed with this `errno`.
    System(i32),
    /// Huge pages are switched off in `/sys/kernel/mm/transparent_hugepage/enabled`.
    SwitchedOff,
    /// The system had no huge page free, or none of the arrays is as large as one.
    NoneFree,
    /// This system has no such call.
    Unsupported,
}

/// A type of which all zero bytes are a value, and which needs no drop.
///
/// # Safety
/// Every field must be an integer or an array of integers, and the alignment at most
/// 4,096, that of a page.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: integers only, aligned to 32.
unsafe impl Plain for Order {}
// SAFETY: integers only, aligned to 16.
unsafe impl Plain for Entry {}
// SAFETY: integers only, aligned to 32.
unsafe impl Plain for LevelNode {}
// SAFETY: integers only, aligned to 16.
unsafe impl Plain for Node {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}
// SAFETY: integers only, aligned to 32.
unsafe impl Plain for SideLadder {}

/// A fixed number of `T`, zeroed at the start.
pub(crate) struct Array<T: Plain> {
    map: MmapMut,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Deref for Array<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the mapping has `len * size_of::<T>()` bytes at least and lives as long as
        // `self`; a page is aligned for any `Plain`; its bytes are zero or were written as `T`, and
        // either is a `T` by the contract of `Plain`.
        unsafe { core::slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Array<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Plain> Array<T> {
    /// Begins to load an element into the first-level cache; nothing happens for one that is not
    /// there.
    #[inline(always)]
    pub(crate) fn fetch(&self, at: usize) {
        let address = self.map.as_ptr().cast::<T>().wrapping_add(at);
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing and faults on no address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        core::hint::black_box(address);
    }
}

/// Hands out arrays and keeps the account of what the system gave.
pub(crate) struct Reserve {
    huge_pages: bool,
    prefault: bool,
    reserved: usize,
    ranges: Vec<Range<usize>>,
    huge_refused: Option<Reason>,
    prefault_refused: Option<Reason>,
}

impl Reserve {
    pub(crate) fn new(huge_pages: bool, prefault: bool) -> Reserve {
        let huge_refused = (huge_pages && huge_pages_off()).then_some(Reason::SwitchedOff);
        let ranges = Vec::new();
        Reserve { huge_pages, prefault, reserved: 0, ranges, huge_refused, prefault_refused: None }
    }

    /// An array of `len` zeroed elements, or the `errno` of the refusal.
    pub(crate) fn array<T: Plain>(&mut self, len: usize) -> Result<Array<T>, i32> {
        const { assert!(align_of::<T>() <= 4096) };
        let bytes = len.checked_mul(size_of::<T>()).ok_or(0)?.max(1);
        let errno = |error: std::io::Error| error.raw_os_error().unwrap_or(0);
        let mut map = MmapOptions::new().len(bytes).map_anon().map_err(errno)?;
        self.reserved += bytes;
        let start = map.as_ptr() as usize;
        self.ranges.push(start..start + bytes);
        if self.huge_pages
            && let Err(reason) = advise_huge(&map)
        {
            self.huge_refused.get_or_insert(reason);
        }
        if self.prefault
            && let Err(reason) = populate(&mut map)
        {
            self.prefault_refused.get_or_insert(reason);
        }
        Ok(Array { map, len, of: PhantomData })
    }

    /// What became of it all.
    pub(crate) fn report(&self) -> MemoryReport {
        let huge_pages = match (self.huge_pages, self.huge_refused, self.prefault) {
            (false, ..) => HugePages::NotAsked,
            (true, Some(reason), _) => HugePages::Refused(reason),
            (true, None, false) => HugePages::Advised,
            (true, None, true) => match huge_bytes(&self.ranges).min(self.reserved) {
                0 => HugePages::Refused(Reason::NoneFree),
                bytes => HugePages::Got { bytes },
            },
        };
        let prefault = match (self.prefault, self.prefault_refused) {
            (false, _) => Prefault::NotAsked,
            (true, None) => Prefault::Got,
            (true, Some(reason)) => Prefault::Refused(reason),
        };
        MemoryReport { reserved: self.reserved, huge_pages, prefault }
    }
}

#[cfg(target_os = "linux")]
fn advise_huge(map: &MmapMut) -> Result<(), Reason> {
    let errno = |error: std::io::Error| Reason::System(error.raw_os_error().unwrap_or(0));
    map.advise(memmap2::Advice::HugePage).map_err(errno)
}

#[cfg(target_os = "linux")]
fn populate(map: &mut MmapMut) -> Result<(), Reason> {
    match map.advise(memmap2::Advice::PopulateWrite) {
        Ok(()) => Ok(()),
        // Before Linux 5.14 the call does not know the advice; writing to every page does the same.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            for byte in map.iter_mut().step_by(4096) {
                *core::hint::black_box(byte) = 0;
            }
            Ok(())
        }
        Err(error) => Err(Reason::System(error.raw_os_error().unwrap_or(0))),
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_: &MmapMut) -> Result<(), Reason> {
    Err(Reason::Unsupported)
}

#[cfg(not(target_os = "linux"))]
fn populate(_: &mut MmapMut) -> Result<(), Reason> {
    Err(Reason::Unsupported)
}

/// The advice succeeds even where the administrator has switched huge pages off, so that file has
/// to be asked.
fn huge_pages_off() -> bool {
    let path = "/sys/kernel/mm/transparent_hugepage/enabled";
    fs::read_to_string(path).is_ok_and(|text| text.contains("[never]"))
}

/// Bytes in huge pages of the mappings that touch any of `ranges`, as the system counts them.
fn huge_bytes(ranges: &[Range<usize>]) -> usize {
    let text = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mut ours = false;
    let mut sum = 0;
    for line in text.lines() {
        if let Some(range) = address_range(line) {
            ours = ranges.iter().any(|r| r.start < range.end && range.start < r.end);
        } else if let Some(rest) = line.strip_prefix("AnonHugePages:")
            && ours
        {
            let kib: usize = rest.trim().trim_end_matches(" kB").parse().unwrap_or(0);
            sum += kib << 10;
        }
    }
    sum
}

/// The addresses of a line that begins a mapping, as in `7f00-7fff rw-p ...`.
fn address_range(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_begin_at_zero_and_keep_what_is_written() {
        let mut reserve = Reserve::new(false, false);
        let mut array = reserve.array::<u32>(10_000).unwrap();
        assert!(array.iter().all(|&x| x == 0));
        array[9_999] = 7;
        assert_eq!((array.len(), array[9_999]), (10_000, 7));
        let report = reserve.report();
        assert_eq!(report.reserved, 40_000);
        assert_eq!(report.huge_pages, HugePages::NotAsked);
        assert_eq!(report.prefault, Prefault::NotAsked);
    }

    #[test]
    fn what_was_asked_is_answered_plainly() {
        let mut reserve = Reserve::new(true, true);
        let array = reserve.array::<u32>(4 << 20).unwrap();
        assert_eq!(array[4_000_000], 0);
        let report = reserve.report();
        assert_ne!(report.huge_pages, HugePages::NotAsked);
        assert_ne!(report.huge_pages, HugePages::Advised);
        assert_ne!(report.prefault, Prefault::NotAsked);
    }

    #[test]
    fn address_space_that_cannot_be_had_is_an_error() {
        assert!(Reserve::new(false, false).array::<u32>(1 << 60).is_err());
        assert!(Reserve::new(false, false).array::<u32>(usize::MAX).is_err());
    }

    #[test]
    fn lines_of_smaps() {
        assert_eq!(address_range("1000-2000 rw-p 00000000 00:00 0"), Some(0x1000..0x2000));
        assert_eq!(address_range("AnonHugePages:      2048 kB"), None);
    }
}
