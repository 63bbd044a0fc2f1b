//! Frames that are wrong somewhere.

use super::packets::{MESSAGE_MIN, at, seal};
use super::random::Random;

/// Makes an untagged frame wrong, or at least unusual. Half of the time the checksums are put right
/// again, so that what lies behind them is reached.
pub fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let changes = if random.chance(150) { 2 } else { 1 };
    for _ in 0..changes {
        if bytes.len() > at::BLOCKS {
            change(bytes, random);
        }
    }
    let (ip, udp) = (random.chance(600), random.chance(600));
    seal(bytes, ip, udp);
    if random.chance(120) {
        bytes.truncate(random.range(1..bytes.len() as u64 + 1) as usize);
    }
    if random.chance(60) {
        let more = random.range(1..40) as usize;
        bytes.resize(bytes.len() + more, random.next() as u8);
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    match random.below(16) {
        0 => {
            let at = random.below(at::BLOCKS as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        1 => link(bytes, random),
        2 | 3 => internet(bytes, random),
        4 | 5 => lengths(bytes, random),
        6 => sequence(bytes, random),
        7 => {
            let at = at::MOLD + random.below(10) as usize;
            bytes[at] = random.next() as u8;
        }
        8 | 9 => count(bytes, random),
        10 | 11 => block(bytes, random),
        12 => {
            let at = random.range(at::BLOCKS as u64..bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        }
        13 => {
            let sum = *random.pick(&[0, 0xffff, 1, random.clone().next() as u16]);
            put(bytes, at::UDP + 6, sum);
        }
        14 => bytes.truncate(random.range(at::BLOCKS as u64..bytes.len() as u64 + 1) as usize),
        // Bytes that only the IP length or both lengths cover.
        _ => {
            let more = random.range(1..30) as usize;
            bytes.resize(bytes.len() + more, 0);
            add(bytes, at::IP + 2, more as i32);
            if random.chance(500) {
                add(bytes, at::UDP + 4, more as i32);
            }
        }
    }
}

fn link(bytes: &mut Vec<u8>, random: &mut Random) {
    match random.below(3) {
        0 => put(bytes, at::TYPE, random.next() as u16),
        1 => put(bytes, at::TYPE, *random.pick(&[0x8100, 0x88a8, 0x86dd, 0x0806])),
        // More tags than are skipped.
        _ => {
            for _ in 0..3 {
                bytes.splice(at::TYPE..at::TYPE, [0x81, 0, 0, random.next() as u8]);
            }
        }
    }
}

fn internet(bytes: &mut [u8], random: &mut Random) {
    match random.below(7) {
        0 => bytes[at::IP] = *random.pick(&[0x44, 0x46, 0x55, 0x60, 0x05]),
        1 => put(bytes, at::IP + 6, *random.pick(&[0x2000, 1, 0x1fff, 0x4000, 0x8000, 0xc000])),
        2 => bytes[at::IP + 9] = *random.pick(&[6, 1, 16, 18, 0]),
        3 => put(bytes, at::IP + 10, random.next() as u16),
        4 => {
            let byte = random.below(4) as usize;
            bytes[at::IP + 16 + byte] ^= 1 << random.below(8);
        }
        5 => {
            let byte = random.below(2) as usize;
            bytes[at::UDP + 2 + byte] ^= 1 << random.below(8);
        }
        _ => put(bytes, at::UDP + 6, 0),
    }
}

/// The lengths of IP and UDP, apart or together.
fn lengths(bytes: &mut [u8], random: &mut Random) {
    let which = random.range(1..4);
    let by = *random.pick(&[-20, -8, -3, -2, -1, 1, 2, 3, 8, 20, 1000]);
    let absolute =
        *random.pick(&[0u16, 1, 7, 8, 19, 20, 27, 28, 29, 47, 48, 49, 0x7fff, 0x8000, 0xffff]);
    let relative = random.chance(700);
    for (bit, at) in [(1, at::IP + 2), (2, at::UDP + 4)] {
        if which & bit == 0 {
            continue;
        }
        if relative {
            add(bytes, at, by);
        } else {
            put(bytes, at, absolute);
        }
    }
}

fn sequence(bytes: &mut [u8], random: &mut Random) {
    let limit = (1_u64 << 48) - 65_536;
    let near = random.below(5).wrapping_sub(2);
    let seq = match random.below(4) {
        0 => limit.wrapping_add(near),
        1 => random.next(),
        2 => u64::MAX - random.below(70_000),
        _ => random.next() >> 16,
    };
    bytes[at::MOLD + 10..at::MOLD + 18].copy_from_slice(&seq.to_be_bytes());
}

fn count(bytes: &mut [u8], random: &mut Random) {
    if random.chance(700) {
        add(bytes, at::MOLD + 18, *random.pick(&[-2, -1, 1, 2, 5]));
    } else {
        put(bytes, at::MOLD + 18, *random.pick(&[0, 1, 0xffff, 0xfffe, 0x8000]));
    }
}

/// The length in front of one of the messages.
fn block(bytes: &mut [u8], random: &mut Random) {
    let mut at = at::BLOCKS;
    let mut blocks = Vec::new();
    while at + 2 <= bytes.len() {
        blocks.push(at);
        at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    }
    if blocks.is_empty() {
        return;
    }
    let at = *random.pick(&blocks);
    match random.below(5) {
        0 => put(bytes, at, random.below(MESSAGE_MIN) as u16),
        1 => put(bytes, at, random.range(MESSAGE_MIN..60) as u16),
        2 => put(bytes, at, *random.pick(&[0xffff, 0x8000, 1500])),
        _ => add(bytes, at, *random.pick(&[-2, -1, 1, 2])),
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn add(bytes: &mut [u8], at: usize, by: i32) {
    let value = i32::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    put(bytes, at, (value + by) as u16);
}
