//! Records from one core to another, beside the floor that the two cores set.
//!
//! A hop is half of a way there and back: two clocks need not agree. The floor is the same with one
//! word on a cache line of its own in each direction and nothing else.

mod peers;

use super::prepare::{on_core, timed};
use crate::report::Metric;
use crate::{Context, Report, Samples, Ticks};
use anyhow::{Context as _, Result};
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tercel_abi::{EventRecord, EventSource, Kind};
use tercel_engine::ring::{RingReader, RingWriter, Start};
use tercel_net::pin;

/// Ways there and back that are timed together; a sample is the mean of them.
const TURNS: u64 = 32;

/// Samples of each kind in each of [`ROUNDS`].
const SAMPLES: u64 = 2_000;
const SAMPLES_QUICK: u64 = 50;

/// Kinds take turns, so that a busy machine is as busy for each of them.
const ROUNDS: usize = 5;

/// Longest time for the samples of one kind in one round: where the other core is taken away again
/// and again there are fewer.
const ROUND_MAX: Duration = Duration::from_secs(2);

/// Slots of a ring.
const SLOTS: usize = 1 << 16;

/// One end of a line of each kind.
trait End {
    /// Sends a number.
    fn send(&mut self, number: u64);
    /// A number that has come.
    fn receive(&mut self) -> Option<u64>;
}

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    on_core(context, || same_thread(context, report))?;
    let own = pin::cores().unwrap_or_default();
    let cores = match (context.cores, own.as_slice()) {
        (Some(cores), _) => cores,
        (None, [.., second, first]) => [*first, *second],
        (None, _) => {
            report.note("ring: between cores skipped, this process has fewer than two");
            return Ok(());
        }
    };
    let wanted = if context.quick { SAMPLES_QUICK } else { SAMPLES };
    let rounds = if context.quick { 1 } else { ROUNDS };
    context.progress.start("hops", rounds as u64);
    let (mut floor, mut hop) = (Samples::new(), Samples::new());
    let mut others = peers::Peers::default();
    for _ in 0..rounds {
        let (here, there) = lines();
        ping_pong(cores, wanted, &mut floor, here, there)?;
        let (here, there) = rings()?;
        ping_pong(cores, wanted, &mut hop, here, there)?;
        others.measure(cores, wanted)?;
        context.progress.tick(1);
    }
    context.progress.done();
    report.latency("ring/ping_pong_floor", &floor);
    report.latency("ring/hop", &hop);
    report.ratio("ring/hop_to_floor", "ring/hop", "ring/ping_pong_floor");
    let ratio = report.metrics.get("ring/hop_to_floor").and_then(Metric::middle);
    let text = "a hop through the ring at most 1.25 x the floor, medians";
    report.target("ring/hop_to_floor", text, 1.25, ratio.unwrap_or(f64::NAN));
    others.report(report);
    Ok(())
}

/// Where the two threads of a measurement are.
const SETTING_UP: u32 = 0;
const READY: u32 = 1;
const OVER: u32 = 2;

/// Sends numbers there and waits for each to come back. Each end is made on its own thread.
fn ping_pong<H: End, T: End>(
    [under_test, other]: [usize; 2],
    wanted: u64,
    samples: &mut Samples,
    here: impl FnOnce() -> Result<H> + Send,
    there: impl FnOnce() -> Result<T> + Send,
) -> Result<()> {
    // Relaxed throughout: what the ends share they publish themselves.
    let state = &AtomicU32::new(SETTING_UP);
    let or_over = |failed: bool, state: &AtomicU32| {
        if failed {
            state.store(OVER, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let echo = scope.spawn(move || -> Result<()> {
            let end = on(other, there);
            or_over(end.is_err(), state);
            let mut end = end?;
            let _ = state.compare_exchange(SETTING_UP, READY, Ordering::Relaxed, Ordering::Relaxed);
            loop {
                match end.receive() {
                    Some(number) => end.send(number),
                    None if state.load(Ordering::Relaxed) == OVER => return Ok(()),
                    None => {}
                }
            }
        });
        let ping = scope.spawn(move || -> Result<()> {
            let end = on(under_test, here);
            or_over(end.is_err(), state);
            let mut end = end?;
            while state.load(Ordering::Relaxed) == SETTING_UP {
                std::hint::spin_loop();
            }
            if state.load(Ordering::Relaxed) == READY {
                turns(&mut end, wanted, samples);
            }
            state.store(OVER, Ordering::Relaxed);
            Ok(())
        });
        let joined = [ping.join(), echo.join()];
        joined.into_iter().try_for_each(|result| result.expect("neither thread panics"))
    })
}

fn on<E>(core: usize, make: impl FnOnce() -> Result<E>) -> Result<E> {
    pin::pin_thread(core)?;
    make()
}

/// The first tenth warms up.
fn turns(end: &mut impl End, wanted: u64, samples: &mut Samples) {
    let begin = Instant::now();
    let mut number = 0;
    for sample in 0..wanted {
        let from = Ticks::begin();
        for _ in 0..TURNS {
            number += 1;
            end.send(number);
            while end.receive() != Some(number) {}
        }
        let to = Ticks::end();
        if sample >= wanted / 10 {
            samples.record(to.ns_since(from) / (2 * TURNS) as f64);
        }
        if begin.elapsed() > ROUND_MAX {
            break;
        }
    }
}

/// One word on a cache line of its own, and on the next ones nothing: processors fetch lines in
/// pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

struct LineEnd {
    out: Arc<[Line; 2]>,
    side: usize,
    last: u64,
}

impl End for LineEnd {
    #[inline(always)]
    fn send(&mut self, number: u64) {
        // pairs with the load of the other end's `receive`
        self.out[self.side].0.store(number, Ordering::Release);
    }

    #[inline(always)]
    fn receive(&mut self) -> Option<u64> {
        // pairs with the store of the other end's `send`
        let number = self.out[1 - self.side].0.load(Ordering::Acquire);
        if number == self.last {
            return None;
        }
        self.last = number;
        Some(number)
    }
}

type Ends<E> = (Box<dyn FnOnce() -> Result<E> + Send>, Box<dyn FnOnce() -> Result<E> + Send>);

fn lines() -> Ends<LineEnd> {
    let lines = Arc::new([Line::default(), Line::default()]);
    let end = |side| LineEnd { out: lines.clone(), side, last: 0 };
    let (here, there) = (end(0), end(1));
    (Box::new(move || Ok(here)), Box::new(move || Ok(there)))
}

/// The ring that ships, one in each direction.
struct RingEnd {
    writer: RingWriter,
    reader: RingReader,
    record: EventRecord,
    _places: [Place; 2],
}

impl End for RingEnd {
    #[inline(always)]
    fn send(&mut self, number: u64) {
        self.record.order_ref = number;
        self.writer.publish(&self.record);
    }

    #[inline(always)]
    fn receive(&mut self) -> Option<u64> {
        let mut number = None;
        self.reader.poll(1, |record| number = Some(record.order_ref));
        number
    }
}

fn rings() -> Result<Ends<RingEnd>> {
    let places = [Place::new(), Place::new()];
    let [one, two] = &places;
    let create = |place: &Place| RingWriter::create(&place.0, SLOTS, 1_000_000_000);
    let open = |place: &Place| RingReader::open(&place.0, Start::Oldest);
    let (first, second) = (create(one)?, create(two)?);
    let (from_first, from_second) = (open(one)?, open(two)?);
    let record = EventRecord::new(Kind::Add);
    let [one, two] = places;
    let held = [Place(one.0.clone()), Place(two.0.clone())];
    let here = RingEnd { writer: first, reader: from_second, record, _places: [one, two] };
    let there = RingEnd { writer: second, reader: from_first, record, _places: held };
    Ok((Box::new(move || Ok(here)), Box::new(move || Ok(there))))
}

/// A file in memory that nothing else uses, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let shared = PathBuf::from("/dev/shm");
        let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
        Place(folder.join(format!("tercel-bench-{}-{number}", std::process::id())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The other end may have removed it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What publishing and polling cost when no other core wants the line.
fn same_thread(context: &Context, report: &mut Report) -> Result<()> {
    context.progress.start("one thread", 0);
    let place = Place::new();
    let mut writer = RingWriter::create(&place.0, SLOTS, 1_000_000_000).context("a ring")?;
    let mut reader = RingReader::open(&place.0, Start::Oldest).context("a reader")?;
    let record = EventRecord::new(Kind::Add);
    let (mut publish, mut poll, mut both) = (Samples::new(), Samples::new(), Samples::new());
    let batches = if context.quick { 1_000 } else { 20_000 };
    for batch in 0..batches {
        timed(&mut publish, 64, || {
            for _ in 0..64 {
                writer.publish(black_box(&record));
            }
        });
        timed(&mut poll, 64, || {
            reader.poll(64, |record| {
                black_box(record);
            });
        });
        timed(&mut both, 64, || {
            for _ in 0..64 {
                writer.publish(black_box(&record));
                reader.poll(1, |record| {
                    black_box(record);
                });
            }
        });
        // The first times round the ring take pages from the system.
        if batch < batches / 4 {
            (publish, poll, both) = (Samples::new(), Samples::new(), Samples::new());
        }
    }
    context.progress.done();
    report.latency("ring/publish", &publish);
    report.latency("ring/poll", &poll);
    report.latency("ring/publish_and_poll", &both);
    Ok(())
}
