//! Two cards, one script.

use super::bed::{Bed, Line};
use super::script::{Profile, Step, script};
use core::ops::AddAssign;
use tercel_abi::FeedDevice;

/// How often a script that fails is tried with less in it.
const SHRINKS_MAX: usize = 300;

/// What was compared.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Frames.
    pub frames: u64,
    /// Lines in the ring.
    pub records: u64,
    /// Counters read.
    pub checks: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.frames += other.frames;
        self.records += other.records;
        self.checks += other.checks;
    }
}

impl core::fmt::Display for Tally {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "compared: {} frames, {} records", self.frames, self.records)
    }
}

/// Plays a script on two cards: every line and every counter is the same.
///
/// # Errors
/// The first difference.
pub fn compare<A: FeedDevice, B: FeedDevice>(
    first: A,
    second: B,
    steps: &[Step],
) -> Result<Tally, String> {
    let (mut first, mut second) = (Bed::new(first), Bed::new(second));
    let mut tally = Tally::default();
    for (at, step) in steps.iter().enumerate() {
        first.play(step);
        second.play(step);
        if let Step::Frame { .. } = step {
            tally.frames += 1;
            continue;
        }
        let (ours, theirs) = (first.lines(), second.lines());
        tally.records += ours.len() as u64;
        same(&ours, &theirs).map_err(|error| format!("step {at}: {error}"))?;
        if let Step::Check = step {
            tally.checks += 1;
            let found = first.counters().differences(&second.counters());
            if !found.is_empty() {
                return Err(format!("step {at}: {}", found.join(", ")));
            }
        }
        let faults = [first.faults(), second.faults()].concat();
        if let Some(fault) = faults.first() {
            return Err(format!("step {at}: {fault}"));
        }
    }
    Ok(tally)
}

fn same(ours: &[Line], theirs: &[Line]) -> Result<(), String> {
    for (at, (one, two)) in ours.iter().zip(theirs).enumerate() {
        if one != two {
            let (one, two) = (one.slot(), two.slot());
            return Err(format!("line {at} differs:\n  {one:x?}\n  {two:x?}"));
        }
    }
    if ours.len() == theirs.len() {
        return Ok(());
    }
    let more = ours.get(theirs.len()).or(theirs.get(ours.len())).map(Line::slot);
    Err(format!("{} and {} lines; too many: {more:x?}", ours.len(), theirs.len()))
}

/// Scripts of a profile until `frames` frames were compared. Seeds count up from `seed`.
///
/// # Panics
/// On a difference, with the seed and the shortest script that was found to show it.
pub fn compare_many<A: FeedDevice, B: FeedDevice>(
    profile: &Profile,
    seed: u64,
    frames: u64,
    make: &dyn Fn(u64) -> (A, B),
) -> Tally {
    let mut tally = Tally::default();
    let mut seed = seed;
    while tally.frames < frames {
        let steps = script(profile, seed, 1500.min(frames as usize));
        let (first, second) = make(seed);
        match compare(first, second, &steps) {
            Ok(one) => tally += one,
            Err(error) => {
                let fails = |steps: &[Step]| {
                    let (first, second) = make(seed);
                    compare(first, second, steps).err()
                };
                let short = shrink(&steps, &|steps| fails(steps).is_some());
                let last = fails(&short).unwrap_or_default();
                let steps: Vec<String> = short.iter().map(|step| format!("{step:?}")).collect();
                panic!(
                    "profile `{}`, seed {seed}: {error}\nshortest of {} steps: {last}\n{}",
                    profile.name,
                    short.len(),
                    steps.join("\n")
                );
            }
        }
        seed += 1;
    }
    tally
}

/// Leaves out what a failure does not need: halves, then quarters, down to single steps. The first
/// step stays, since nothing works before the card is started.
pub fn shrink(steps: &[Step], fails: &dyn Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut steps = steps.to_vec();
    let mut size = steps.len().div_ceil(2);
    let mut tries = 0;
    while size > 0 {
        let mut at = 1;
        while at < steps.len() && tries < SHRINKS_MAX {
            tries += 1;
            let mut less = steps.clone();
            less.drain(at..(at + size).min(steps.len()));
            if fails(&less) {
                steps = less;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_leaves_what_is_needed() {
        let steps: Vec<Step> = (0..100).map(Step::Take).collect();
        let fails = |steps: &[Step]| steps.contains(&Step::Take(7)) && steps.len() > 1;
        let short = shrink(&steps, &fails);
        assert!(short == [Step::Take(0), Step::Take(7)], "{short:?}");
    }
}
