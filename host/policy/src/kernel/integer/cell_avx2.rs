//! The LSTM's cell with AVX2: sixteen units at a time. The lines of the tangent are looked up in
//! registers, four tables of sixteen bytes.

use super::{Checked, Kernel, LANE, Words};
use crate::lstm::{CellState, KNOTS};
use core::arch::x86_64::*;

/// The low or the high bytes of the points, or of the distances between them.
const fn table(distances: bool, high: bool) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut at = 0;
    while at < 16 {
        let number = if distances { KNOTS[at + 1] - KNOTS[at] } else { KNOTS[at] };
        bytes[at] = number.to_le_bytes()[if high { 1 } else { 0 }];
        at += 1;
    }
    bytes
}

const POINTS: [[u8; 16]; 2] = [table(false, false), table(false, true)];
const DISTANCES: [[u8; 16]; 2] = [table(true, false), table(true, true)];

/// The tables in registers, low and high bytes.
struct Lines {
    points: [__m256i; 2],
    distances: [__m256i; 2],
}

pub(super) fn cell(checked: Checked, units: usize, gates: &Words, state: &mut CellState) {
    assert!(checked.kernel() != Kernel::Portable);
    // SAFETY: a `Checked` of a kernel other than the portable one is only made where
    // `is_x86_feature_detected!` has found avx2, or avx512f, which includes it.
    unsafe { run(units, gates, state) }
}

#[target_feature(enable = "avx2")]
fn run(units: usize, gates: &Words, state: &mut CellState) {
    let lines =
        Lines { points: POINTS.map(|t| twice(&t)), distances: DISTANCES.map(|t| twice(&t)) };
    let CellState { codes, memory, gates: before } = state;
    let lanes = units / LANE;
    let (now, before) = (gates.0.as_chunks::<32>().0, before.0.as_chunks::<32>().0);
    let memory = memory.as_chunks_mut::<LANE>().0.iter_mut();
    let codes = codes.0.as_chunks_mut::<LANE>().0.iter_mut();
    for (at, (c, code)) in memory.zip(codes).take(lanes).enumerate() {
        let gate = |of: usize| {
            let at = of * lanes + at;
            _mm256_adds_epi16(load(&now[at]), load(&before[at]))
        };
        let new = _mm256_mulhrs_epi16(logistic(&lines, gate(0)), tangent(&lines, gate(2)));
        let new = _mm256_mulhrs_epi16(new, _mm256_set1_epi16(1 << 11));
        let kept = _mm256_mulhrs_epi16(logistic(&lines, gate(1)), load_words(c));
        let sum = _mm256_adds_epi16(kept, new);
        store_words(c, sum);
        let h = _mm256_mulhrs_epi16(logistic(&lines, gate(3)), tangent(&lines, sum));
        let half = _mm256_set1_epi16(128);
        let rounded = _mm256_srai_epi16::<8>(_mm256_adds_epi16(h, half));
        let words = _mm256_add_epi16(rounded, half);
        let packed = _mm256_packus_epi16(words, words);
        let packed = _mm256_permute4x64_epi64::<0b_11_01_10_00>(packed);
        store_bytes(code, _mm256_castsi256_si128(packed));
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn tangent(lines: &Lines, p: __m256i) -> __m256i {
    // The least number has no magnitude in sixteen bits.
    let y = _mm256_abs_epi16(_mm256_max_epi16(p, _mm256_set1_epi16(-i16::MAX)));
    let y = _mm256_min_epi16(y, _mm256_set1_epi16(8_191));
    let at = _mm256_srli_epi16::<9>(y);
    let rest = _mm256_slli_epi16::<6>(_mm256_and_si256(y, _mm256_set1_epi16(511)));
    // A byte of 128 selects nothing.
    let low = _mm256_or_si256(at, _mm256_set1_epi16(i16::MIN));
    let high = _mm256_or_si256(_mm256_slli_epi16::<8>(at), _mm256_set1_epi16(128));
    let look = |table: &[__m256i; 2]| {
        let [low_bytes, high_bytes] = *table;
        _mm256_or_si256(_mm256_shuffle_epi8(low_bytes, low), _mm256_shuffle_epi8(high_bytes, high))
    };
    let line = _mm256_mulhrs_epi16(rest, look(&lines.distances));
    _mm256_sign_epi16(_mm256_add_epi16(look(&lines.points), line), p)
}

#[inline]
#[target_feature(enable = "avx2")]
fn logistic(lines: &Lines, p: __m256i) -> __m256i {
    let half = _mm256_srai_epi16::<1>(tangent(lines, _mm256_srai_epi16::<1>(p)));
    _mm256_add_epi16(_mm256_set1_epi16(1 << 14), half)
}

#[inline]
#[target_feature(enable = "avx2")]
fn twice(table: &[u8; 16]) -> __m256i {
    // SAFETY: they are the 16 bytes of a register, and no alignment is asked for.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: they are the 32 bytes of a register, and no alignment is asked for.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_words(words: &[i16; LANE]) -> __m256i {
    // SAFETY: they are the 32 bytes of a register, and no alignment is asked for.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_words(words: &mut [i16; LANE], value: __m256i) {
    // SAFETY: they are the 32 bytes of a register, borrowed for writing, and no alignment is asked
    // for.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_bytes(bytes: &mut [u8; LANE], value: __m128i) {
    // SAFETY: they are the 16 bytes of a register, borrowed for writing, and no alignment is asked
    // for.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), value) }
}
