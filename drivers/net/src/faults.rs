//! A source spoiled on purpose, and a source recorded as it passes.
//!
//! What happens to a frame depends on the seed and on its place in the stream only: for every frame
//! the same number of random numbers is drawn, so that changing one rate does not move the faults
//! of another kind, and the frames come out the same whatever batch sizes they are polled in.

use crate::pcap::{PcapError, PcapWriter};
use std::collections::VecDeque;
use std::io::Write;
use tercel_types::{Frame, FrameSource, Nanos, PortError};

/// Frames that wait at most, to be repeated or to come late; beyond that none is held back.
const HELD_MAX: usize = 64;

/// A frame that is to come late does so after one to this many later ones.
const LATE_MAX: u64 = 8;

/// How often a frame suffers what: probabilities from 0 to 1, each independent of the others.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Faults {
    /// It is lost.
    pub loss: f64,
    /// It comes twice.
    pub duplicate: f64,
    /// It comes after up to eight later ones, or when no other comes.
    pub reorder: f64,
    /// Its end is missing.
    pub truncate: f64,
    /// One of its bits is wrong.
    pub corrupt: f64,
    /// The same seed does the same to the same frames.
    pub seed: u64,
}

/// How many frames suffered what.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FaultReport {
    /// Frames that came from the source.
    pub frames: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Repeated.
    pub duplicated: u64,
    /// Held back behind later ones.
    pub reordered: u64,
    /// Cut short.
    pub truncated: u64,
    /// Changed in one bit.
    pub corrupted: u64,
}

/// A source whose frames suffer [`Faults`].
#[derive(Debug)]
pub struct Faulty<S> {
    source: S,
    mill: Mill,
}

/// Everything but the source, so that the source's callback can borrow it.
#[derive(Debug)]
struct Mill {
    thresholds: Thresholds,
    random: SplitMix,
    /// Ready to be handed out, in this order, before anything else.
    ready: VecDeque<Held>,
    /// Held back until `after` more frames have come.
    late: VecDeque<Held>,
    /// Frames not in use, kept for their buffers.
    spare: Vec<Held>,
    scratch: Vec<u8>,
    report: FaultReport,
}

#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    received: Nanos,
    after: u64,
}

/// Probabilities as parts of 2^64, with 1 as everything.
#[derive(Debug)]
struct Thresholds {
    loss: u64,
    duplicate: u64,
    reorder: u64,
    truncate: u64,
    corrupt: u64,
}

impl<S: FrameSource> Faulty<S> {
    /// Spoils what `source` hands out.
    pub fn new(source: S, faults: Faults) -> Faulty<S> {
        let mill = Mill {
            thresholds: Thresholds {
                loss: threshold(faults.loss),
                duplicate: threshold(faults.duplicate),
                reorder: threshold(faults.reorder),
                truncate: threshold(faults.truncate),
                corrupt: threshold(faults.corrupt),
            },
            random: SplitMix(faults.seed),
            ready: VecDeque::with_capacity(2 * HELD_MAX),
            late: VecDeque::with_capacity(HELD_MAX),
            spare: Vec::with_capacity(2 * HELD_MAX),
            scratch: Vec::new(),
            report: FaultReport::default(),
        };
        Faulty { source, mill }
    }

    /// How many frames suffered what.
    pub fn report(&self) -> FaultReport {
        self.mill.report
    }

    /// The source itself.
    pub fn source(&self) -> &S {
        &self.source
    }
}

impl<S: FrameSource> FrameSource for Faulty<S> {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let mut given = self.mill.hand_out(max, &mut each);
        for _ in 0..max {
            if given == max {
                break;
            }
            let mill = &mut self.mill;
            // One at a time, because each may leave more than one to hand out.
            let polled = self.source.poll(1, |frame| {
                given += mill.pass(frame, &mut each);
            });
            match polled {
                Ok(1..) => given += mill.hand_out(max - given, &mut each),
                Ok(0) | Err(_) if mill.holds() => {
                    mill.release_all();
                    given += mill.hand_out(max - given, &mut each);
                    break;
                }
                Ok(0) => break,
                Err(error) if given == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(given)
    }
}

impl Mill {
    /// Draws the fate of one frame; hands out one frame at most and puts others into `ready`.
    fn pass(&mut self, frame: Frame<'_>, each: &mut impl FnMut(Frame<'_>)) -> usize {
        let draw: [u64; 8] = std::array::from_fn(|_| self.random.next());
        let t = &self.thresholds;
        self.report.frames += 1;
        let mut given = 0;
        if hit(draw[0], t.loss) {
            self.report.lost += 1;
        } else {
            let truncate = hit(draw[1], t.truncate) && !frame.bytes.is_empty();
            let corrupt = hit(draw[2], t.corrupt) && !frame.bytes.is_empty();
            let duplicate = hit(draw[3], t.duplicate) && self.ready.len() < HELD_MAX;
            let reorder = hit(draw[4], t.reorder) && self.late.len() < HELD_MAX;
            self.scratch.clear();
            self.scratch.extend_from_slice(frame.bytes);
            if corrupt {
                let bit = draw[6] % (8 * frame.bytes.len() as u64);
                self.scratch[(bit / 8) as usize] ^= 1 << (bit % 8);
                self.report.corrupted += 1;
            }
            if truncate {
                self.scratch.truncate((draw[5] % frame.bytes.len() as u64) as usize);
                self.report.truncated += 1;
            }
            if duplicate {
                let held = self.hold(frame.received, 0);
                self.ready.push_back(held);
                self.report.duplicated += 1;
            }
            if reorder {
                let held = self.hold(frame.received, 1 + draw[7] % LATE_MAX);
                self.late.push_back(held);
                self.report.reordered += 1;
            } else {
                each(Frame { bytes: &self.scratch, received: frame.received });
                given = 1;
            }
        }
        self.age(frame.received);
        given
    }

    fn hold(&mut self, received: Nanos, after: u64) -> Held {
        let mut held = self.spare.pop().unwrap_or_default();
        held.bytes.clear();
        held.bytes.extend_from_slice(&self.scratch);
        (held.received, held.after) = (received, after);
        held
    }

    /// Counts one frame for those that come late; what is due comes at the time of that frame.
    fn age(&mut self, now: Nanos) {
        for _ in 0..self.late.len() {
            let Some(mut held) = self.late.pop_front() else { return };
            if held.after == 0 {
                held.received = now;
                self.ready.push_back(held);
            } else {
                held.after -= 1;
                self.late.push_back(held);
            }
        }
    }

    fn holds(&self) -> bool {
        !self.late.is_empty()
    }

    fn release_all(&mut self) {
        self.ready.append(&mut self.late);
    }

    fn hand_out(&mut self, max: usize, each: &mut impl FnMut(Frame<'_>)) -> usize {
        let count = max.min(self.ready.len());
        for held in self.ready.drain(..count) {
            each(Frame { bytes: &held.bytes, received: held.received });
            self.spare.push(held);
        }
        count
    }
}

/// A source whose frames are written to a capture file as they pass.
///
/// Writing to the file happens within the poll, every few hundred kilobytes as a system call: this
/// is for capturing on a machine's own, not for the path from tick to trade.
#[derive(Debug)]
pub struct Recorder<S, W: Write> {
    source: S,
    writer: PcapWriter<W>,
    error: Option<PcapError>,
}

impl<S: FrameSource, W: Write> Recorder<S, W> {
    /// Records what `source` hands out.
    pub fn new(source: S, writer: PcapWriter<W>) -> Recorder<S, W> {
        Recorder { source, writer, error: None }
    }

    /// Why recording has stopped, if it has; frames pass on regardless.
    pub fn error(&self) -> Option<&PcapError> {
        self.error.as_ref()
    }

    /// The source itself.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Hands everything recorded so far to the system.
    pub fn flush(&mut self) -> Result<(), PcapError> {
        self.writer.flush()
    }

    /// The source and the writer, to finish the file.
    pub fn into_parts(self) -> (S, PcapWriter<W>) {
        (self.source, self.writer)
    }
}

impl<S: FrameSource, W: Write> FrameSource for Recorder<S, W> {
    fn poll(&mut self, max: usize, mut each: impl FnMut(Frame<'_>)) -> Result<usize, PortError> {
        let (writer, error) = (&mut self.writer, &mut self.error);
        self.source.poll(max, |frame| {
            if error.is_none() {
                *error = writer.write(frame).err();
            }
            each(frame);
        })
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and every seed is a good one.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Conversion to an integer saturates, so 1 is `u64::MAX`, and anything below 0 or no number is 0.
fn threshold(probability: f64) -> u64 {
    (probability * 18_446_744_073_709_551_616.0) as u64
}

fn hit(draw: u64, threshold: u64) -> bool {
    draw < threshold || threshold == u64::MAX
}
