//! Decoding and applying a whole day, beside the floor that memory sets and beside other books.

mod floor;
mod peers;

use super::prepare::{feed, first_frames, on_core, records, resident_bytes, timed};
use crate::day::MarketDay;
use crate::frames::Frames;
use crate::report::Metric;
use crate::rig::book_limits;
use crate::{Context, DaySource, Report, Samples};
use anyhow::Result;
use std::hint::black_box;
use std::time::Instant;
use tercel_abi::EventRecord;
use tercel_book::{Books, Limits};
use tercel_engine::Batch;
use tercel_types::Frame;

/// Frames timed together: some 2,000 messages, so that a stamp is 0.02 ns of one.
const CHUNK: usize = 1_024;

/// Messages of which records are kept, to measure the book without the decoder: 64 bytes each.
const RECORDS: u64 = 4_000_000;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    report.note(format!("book: {}", day.about()));
    on_core(context, || {
        whole_market(context, &day, report)?;
        if let DaySource::Generated { instruments, .. } = context.day
            && instruments > 100
        {
            let messages = if context.quick { 200_000 } else { 6_000_000 };
            let day = MarketDay::generated(context, 100, messages, 300_000)?;
            context.progress.start("100 instruments", 0);
            let mut books = Books::new(&book_limits(&day))?;
            let samples = through(&day.frames, |records| apply_all(&mut books, records));
            report.latency("book/100-instruments/decode_and_apply", &samples);
            drop(books);
            let floor = floor::measure(&day, &book_limits(&day))?;
            report.latency("book/100-instruments/floor", &floor);
        }
        context.progress.done();
        Ok(())
    })
}

fn whole_market(context: &Context, day: &MarketDay, report: &mut Report) -> Result<()> {
    let limits = limits(context, day);
    context.progress.start("floor", 0);
    report.latency("book/floor", &floor::measure(day, &limits)?);

    context.progress.start("decode and apply", 0);
    let before = resident_bytes();
    let begin = Instant::now();
    let mut books = Books::new(&limits)?;
    let ready = begin.elapsed().as_secs_f64();
    let samples = through(&day.frames, |records| apply_all(&mut books, records));
    let resident = resident_bytes().saturating_sub(before) as f64;
    let (counters, memory) = (*books.counters(), books.memory());
    drop(books);
    report.latency("book/decode_and_apply", &samples);
    report.value("book/decode_and_apply_mean", "ns", samples.mean());
    report.value("book/resident", "bytes", resident);
    report.value("book/start_to_ready", "s", ready);
    report.note(format!("book: {counters:?}"));
    report.note(format!("book: {memory:?}"));

    context.progress.start("apply", 0);
    let records = records(&day.frames, first_frames(&day.frames, RECORDS));
    report.latency("book/apply", &apply(&limits, &records)?);
    context.progress.start("apply alone", 0);
    report.latency("book/apply_alone", &apply_alone(&limits, &records)?);
    drop(records);
    peers::measure(context, day, report);

    report.ratio("book/decode_and_apply_to_floor", "book/decode_and_apply", "book/floor");
    targets(report, resident, ready);
    Ok(())
}

/// What ships by default, with huge pages and all memory taken at the start. In a quick run as much
/// as the day needs.
fn limits(context: &Context, day: &MarketDay) -> Limits {
    if context.quick {
        book_limits(day)
    } else {
        Limits { prefault: true, huge_pages: true, ..Limits::default() }
    }
}

fn targets(report: &mut Report, resident: f64, ready: f64) {
    let middle = |name: &str| report.metrics.get(name).and_then(Metric::middle);
    let name = "book/decode_and_apply";
    let ours = middle(name).unwrap_or(f64::NAN);
    let floor = middle("book/floor").unwrap_or(f64::NAN);
    let text = "decode and apply in 25 ns, or in 1.25 x the floor if that is more, medians";
    report.target(name, text, (1.25 * floor).max(25.0), ours);
    report.target("book/resident", "1.5 million orders resting in 1.5 GB", 1.5e9, resident);
    report.target("book/start_to_ready", "start to ready in 3 s", 3.0, ready);
}

/// Every frame through a feed, and its records to `each`, in batches as the host makes them of
/// frames that are waiting; nanoseconds a message.
fn through(frames: &Frames, mut each: impl FnMut(&[EventRecord])) -> Samples {
    let (mut samples, mut feed, mut batch) = (Samples::new(), feed(), Batch::default());
    let mut at = 0;
    while at < frames.len() {
        let range = at..(at + CHUNK).min(frames.len());
        at = range.end;
        let count = range.clone().map(|at| usize::from(frames.count(at))).sum();
        timed(&mut samples, count, || {
            for at in range {
                let time = frames.time(at);
                let frame = Frame { bytes: frames.bytes(at), received: time };
                feed.on_frame(frame, time, &mut |record| {
                    if batch.push(record) {
                        each(batch.take());
                    }
                });
            }
            each(batch.take());
        });
    }
    samples
}

/// Applies records that are at hand together.
#[inline]
fn apply_all(books: &mut Books, records: &[EventRecord]) {
    for (at, record) in records.iter().enumerate() {
        books.look_ahead(records, at);
        black_box(books.apply(record));
    }
}

/// Records that lie in memory one behind the other, in batches as the host makes them.
fn apply(limits: &Limits, records: &[EventRecord]) -> Result<Samples> {
    let mut books = Books::new(limits)?;
    let mut samples = Samples::new();
    for chunk in records.chunks(CHUNK) {
        timed(&mut samples, chunk.len(), || {
            chunk.chunks(Batch::MAX).for_each(|records| apply_all(&mut books, records));
        });
    }
    Ok(samples)
}

/// The same one by one, as when the market is quiet: nothing is loaded ahead.
fn apply_alone(limits: &Limits, records: &[EventRecord]) -> Result<Samples> {
    let mut books = Books::new(limits)?;
    let mut samples = Samples::new();
    for chunk in records.chunks(CHUNK) {
        timed(&mut samples, chunk.len(), || {
            chunk.chunks(1).for_each(|record| apply_all(&mut books, record));
        });
    }
    Ok(samples)
}
