//! Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
//! (SC 2011). A block of numbers is a function of a key and a counter, so no number depends on how
//! many were drawn before it or by whom. Integers only; the loop over lanes is made of 32 × 32 bit
//! products, which compilers vectorise, at about 4 ns a block of 128 bits on one core.

/// Lanes that are computed together.
pub(crate) const BLOCK: usize = 64;

const ROUNDS: usize = 10;
const M0: u32 = 0xd251_1f53;
const M1: u32 = 0xcd9e_8d57;
const W0: u32 = 0x9e37_79b9;
const W1: u32 = 0xbb67_ae85;

/// The numbers at a counter.
#[inline(always)]
pub(crate) fn philox(mut key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let mut c = counter;
    for _ in 0..ROUNDS {
        c = round(key, c);
        key = next(key);
    }
    c
}

/// The same for a block of lanes that lie one behind the other: word 2 of the counter counts up.
#[inline]
pub(crate) fn philox_block(key: [u32; 2], counter: [u32; 4], out: &mut [[u32; BLOCK]; 4]) {
    let [zero, one, two, three] = out;
    for at in 0..BLOCK {
        let lane = counter[2].wrapping_add(at as u32);
        let words = philox(key, [counter[0], counter[1], lane, counter[3]]);
        zero[at] = words[0];
        one[at] = words[1];
        two[at] = words[2];
        three[at] = words[3];
    }
}

#[inline(always)]
fn round(key: [u32; 2], c: [u32; 4]) -> [u32; 4] {
    let p0 = u64::from(M0) * u64::from(c[0]);
    let p1 = u64::from(M1) * u64::from(c[2]);
    let high = |product: u64| (product >> 32) as u32;
    [high(p1) ^ c[1] ^ key[0], p1 as u32, high(p0) ^ c[3] ^ key[1], p0 as u32]
}

#[inline(always)]
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(W0), key[1].wrapping_add(W1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kat_vectors` of the authors' Random123.
    #[test]
    fn known_answers() {
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            ([0; 2], [0; 4], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 2], [u32::MAX; 4], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            ([0xa409_3822, 0x299f_31d0], pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ];
        for (key, counter, answer) in cases {
            assert_eq!(philox(key, counter), answer);
        }
    }

    #[test]
    fn a_block_is_its_lanes() {
        let (key, counter) = ([7, 8], [1, 2, u32::MAX - 5, 4]);
        let mut block = [[0; BLOCK]; 4];
        philox_block(key, counter, &mut block);
        let [zero, one, two, three] = block;
        let lanes = zero.iter().zip(one).zip(two).zip(three);
        for (at, (((zero, one), two), three)) in lanes.enumerate() {
            let lane = counter[2].wrapping_add(at as u32);
            let alone = philox(key, [counter[0], counter[1], lane, counter[3]]);
            assert_eq!([*zero, one, two, three], alone);
        }
    }
}
