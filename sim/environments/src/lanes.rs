//! Moving lanes between the caller's buffers and blocks of [`BLOCK`] lanes, which is what the
//! compiler vectorises. The last block may be part of one; its other lanes are computed and
//! dropped.

use crate::philox::BLOCK;
use crate::{ActionSpace, Actions, Outcome, Spec};

/// One number of each lane of a block.
pub(crate) type Lane = [f32; BLOCK];

/// Blocks that hold so many lanes.
pub(crate) fn blocks(lanes: usize) -> usize {
    lanes.div_ceil(BLOCK)
}

/// Lanes of a block that begin at `base`.
pub(crate) fn filled(lanes: usize, base: usize) -> usize {
    (lanes - base).min(BLOCK)
}

/// Cuts an action to its bounds; what is not a number counts as the middle of them.
#[inline(always)]
pub(crate) fn cut(value: f32, (least, most): (f32, f32)) -> f32 {
    let value = if value.is_nan() { 0.5 * (least + most) } else { value };
    let value = if value > least { value } else { least };
    if value < most { value } else { most }
}

/// Panics unless everything has the shape of the environment.
pub(crate) fn check(spec: &Spec, lanes: usize, actions: Option<Actions<'_>>, outcome: &Outcome) {
    match (actions, &spec.actions) {
        (None, _) => {}
        (Some(Actions::Discrete(given)), ActionSpace::Discrete(_)) => {
            assert_eq!(given.len(), lanes, "{}: one action a lane", spec.name);
        }
        (Some(Actions::Continuous(given)), ActionSpace::Continuous(bounds)) => {
            assert_eq!(given.len(), lanes * bounds.len(), "{}: actions of each lane", spec.name);
        }
        (Some(_), space) => panic!("{}: actions are {space:?}", spec.name),
    }
    let wide = lanes * spec.observation;
    let right = outcome.observation.len() == wide
        && outcome.last.len() == wide
        && outcome.reward.len() == lanes
        && outcome.terminated.len() == lanes
        && outcome.truncated.len() == lanes;
    assert!(right, "{}: buffers of another environment", spec.name);
}

/// Numbers of `WIDTH` a lane, interleaved, to one array each.
#[inline(always)]
pub(crate) fn take<const WIDTH: usize>(from: &[f32], base: usize) -> [Lane; WIDTH] {
    let mut out = [[0.0; BLOCK]; WIDTH];
    if let Some(whole) = from.get(base * WIDTH..(base + BLOCK) * WIDTH) {
        for at in 0..BLOCK {
            for (word, lane) in out.iter_mut().enumerate() {
                lane[at] = whole[at * WIDTH + word];
            }
        }
    } else {
        for (at, row) in from[base * WIDTH..].chunks_exact(WIDTH).enumerate() {
            for (word, lane) in out.iter_mut().enumerate() {
                lane[at] = row[word];
            }
        }
    }
    out
}

/// One array a number to `WIDTH` numbers a lane, interleaved.
#[inline(always)]
pub(crate) fn give<const WIDTH: usize>(to: &mut [f32], base: usize, lanes: &[Lane; WIDTH]) {
    if let Some(whole) = to.get_mut(base * WIDTH..(base + BLOCK) * WIDTH) {
        for at in 0..BLOCK {
            for (word, lane) in lanes.iter().enumerate() {
                whole[at * WIDTH + word] = lane[at];
            }
        }
    } else {
        for (at, row) in to[base * WIDTH..].chunks_exact_mut(WIDTH).enumerate() {
            for (word, lane) in lanes.iter().enumerate() {
                row[word] = lane[at];
            }
        }
    }
}
