//! Spoiled sources: what they may do, that a seed repeats it, and that recording sees everything.

use proptest::prelude::*;
use tercel_net::faults::{FaultReport, Faults, Faulty, Recorder};
use tercel_net::pcap::{PcapSource, PcapWriter};
use tercel_types::{Frame, FrameSource, Nanos, PortError};

/// Frames 0, 1, 2, ... with their number in the first eight bytes; silent at some numbers, closed
/// in the end.
struct Numbers {
    next: u64,
    end: u64,
    /// A poll that comes to such a multiple finds nothing once.
    pause: u64,
    paused: bool,
}

fn numbers(end: u64) -> Numbers {
    Numbers { next: 0, end, pause: u64::MAX, paused: false }
}

impl FrameSource for Numbers {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        if self.next == self.end {
            return Err(PortError::Closed);
        }
        let mut given = 0;
        while given < max && self.next < self.end {
            if self.next % self.pause == self.pause - 1 && !self.paused {
                self.paused = true;
                break;
            }
            self.paused = false;
            let mut bytes = [0xaa; 60];
            bytes[..8].copy_from_slice(&self.next.to_be_bytes());
            each(Frame { bytes: &bytes, received: Nanos(self.next) });
            self.next += 1;
            given += 1;
        }
        Ok(given)
    }
}

fn drain(source: &mut impl FrameSource, max: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    loop {
        let before = frames.len();
        match source.poll(max, |frame| frames.push(frame.bytes.to_vec())) {
            Ok(count) => assert!(count <= max && frames.len() == before + count),
            Err(error) => {
                assert_eq!((error, frames.len()), (PortError::Closed, before));
                return frames;
            }
        }
    }
}

fn number(frame: &[u8]) -> u64 {
    u64::from_be_bytes(*frame.first_chunk().unwrap())
}

#[test]
fn without_faults_nothing_changes() {
    let mut source = Faulty::new(numbers(500), Faults::default());
    assert_eq!(drain(&mut source, 7), drain(&mut numbers(500), 9));
    assert_eq!(source.report(), FaultReport { frames: 500, ..FaultReport::default() });
}

#[test]
fn certain_faults_happen_to_every_frame() {
    let all = |faults| drain(&mut Faulty::new(numbers(100), faults), 8);
    assert!(all(Faults { loss: 1.0, ..Faults::default() }).is_empty());
    let doubled = all(Faults { duplicate: 1.0, ..Faults::default() });
    assert!(
        doubled.chunks(2).enumerate().all(|(i, two)| {
            two.len() == 2 && two.iter().all(|frame| number(frame) == i as u64)
        })
    );
    let short = all(Faults { truncate: 1.0, ..Faults::default() });
    assert!(short.len() == 100 && short.iter().all(|frame| frame.len() < 60));
    let wrong = all(Faults { corrupt: 1.0, ..Faults::default() });
    let right = drain(&mut numbers(100), 8);
    for (wrong, right) in wrong.iter().zip(right) {
        let bits: u32 = wrong.iter().zip(&right).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!(bits, 1);
    }
}

#[test]
fn late_frames_are_late_by_a_little_and_none_is_kept() {
    let mut source = Faulty::new(numbers(2_000), Faults { reorder: 0.2, ..Faults::default() });
    let frames = drain(&mut source, 16);
    let mut sorted: Vec<u64> = frames.iter().map(|frame| number(frame)).collect();
    let moved = sorted.iter().enumerate().filter(|(i, n)| *i as u64 != **n).count();
    assert!(moved > 400);
    for (i, n) in sorted.iter().enumerate() {
        assert!(n.abs_diff(i as u64) <= 16, "{n} at {i}");
    }
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..2_000));
    let reordered = source.report().reordered;
    assert!((300..500).contains(&reordered), "{reordered}");
    // With everything late, what is held is let go when nothing else comes.
    let every = Faults { reorder: 1.0, ..Faults::default() };
    let mut quiet = Faulty::new(Numbers { pause: 10, ..numbers(100) }, every);
    assert_eq!(drain(&mut quiet, 16).len(), 100);
}

#[test]
fn rates_are_kept() {
    let faults = Faults { loss: 0.1, duplicate: 0.02, corrupt: 0.05, seed: 9, ..Faults::default() };
    let mut source = Faulty::new(numbers(20_000), faults);
    drain(&mut source, 64);
    let report = source.report();
    assert!((1_800..2_200).contains(&report.lost), "{report:?}");
    assert!((300..420).contains(&report.duplicated), "{report:?}");
    assert!((800..1_000).contains(&report.corrupted), "{report:?}");
}

#[test]
fn a_recorder_writes_what_passes() {
    let faults = Faults { loss: 0.3, duplicate: 0.3, seed: 3, ..Faults::default() };
    let source = Faulty::new(numbers(300), faults);
    let mut recorder = Recorder::new(source, PcapWriter::new(Vec::new()).unwrap());
    let frames = drain(&mut recorder, 5);
    assert!(recorder.error().is_none());
    let (_, writer) = recorder.into_parts();
    let file = writer.into_inner().unwrap();
    assert_eq!(drain(&mut PcapSource::new(&file[..]).unwrap(), 64), frames);
}

#[test]
fn a_recorder_that_cannot_write_still_passes_frames() {
    // Room for the header and one frame.
    let mut space = [0; 24 + 16 + 60];
    let writer = PcapWriter::new(&mut space[..]).unwrap();
    let mut recorder = Recorder::new(numbers(10), writer);
    assert_eq!(drain(&mut recorder, 4).len(), 10);
    assert!(recorder.error().is_some());
}

fn faults() -> impl Strategy<Value = Faults> {
    let rate = || prop_oneof![Just(0.0), Just(1.0), 0.0..0.6, Just(f64::NAN), Just(-1.0)];
    (rate(), rate(), rate(), rate(), rate(), any::<u64>()).prop_map(
        |(loss, duplicate, reorder, truncate, corrupt, seed)| Faults {
            loss,
            duplicate,
            reorder,
            truncate,
            corrupt,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_seed_repeats_itself_whatever_the_batches(
        faults in faults(), end in 0..400_u64, one in 1..70_usize, other in 1..70_usize,
    ) {
        let mut first = Faulty::new(numbers(end), faults);
        let mut second = Faulty::new(numbers(end), faults);
        let frames = drain(&mut first, one);
        prop_assert_eq!(&frames, &drain(&mut second, other));
        let report = first.report();
        prop_assert_eq!(report, second.report());
        prop_assert_eq!(report.frames, end);
        prop_assert_eq!(frames.len() as u64, end - report.lost + report.duplicated);
    }

    /// The frames that survive one kind of fault do not depend on the rate of another.
    #[test]
    fn kinds_of_faults_are_independent(loss in 0.0..0.5, seed in any::<u64>()) {
        let alone = Faults { loss, seed, ..Faults::default() };
        let doubled = Faults { duplicate: 0.5, ..alone };
        let mut frames = drain(&mut Faulty::new(numbers(200), doubled), 8);
        frames.dedup();
        prop_assert_eq!(drain(&mut Faulty::new(numbers(200), alone), 8), frames);
    }
}
