//! Two lines with loss on each, and the gaps that both leave, filled by answers of a retransmission
//! server in memory.

use super::prepare::on_core;
use crate::day::MarketDay;
use crate::frames::{Frames, HOST, LINES, Packer, Packing, RECOVERY, emit};
use crate::{Context, Report, Samples, Ticks};
use anyhow::{Result, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use tercel_abi::EventRecord;
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::mold::Request;
use tercel_types::{Frame, Nanos, SeqNo, VenueId};

/// Messages of one pass.
const MESSAGES: u64 = 1 << 20;
const MESSAGES_QUICK: u64 = 1 << 15;

/// Frames of a line that are timed together.
const CHUNK: usize = 256;

/// Line B is behind line A by so many packets.
const BEHIND: usize = 3;

/// Time between two packets, which the feed is told.
const SPACING: Nanos = Nanos(1_000);

/// A server answers a request with so many messages at most: what fits a packet.
const ANSWER: u64 = 25;

/// One way of losing packets.
struct Case {
    name: &'static str,
    lines: usize,
    loss: f64,
}

const CASES: [Case; 5] = [
    Case { name: "one_line", lines: 1, loss: 0.0 },
    Case { name: "loss_0", lines: 2, loss: 0.0 },
    Case { name: "loss_0.1", lines: 2, loss: 0.001 },
    Case { name: "loss_1", lines: 2, loss: 0.01 },
    Case { name: "retransmitted_1", lines: 1, loss: 0.01 },
];

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    let wanted = if context.quick { MESSAGES_QUICK } else { MESSAGES } as usize;
    let start = day.frames.busiest_minute().frames.start;
    // The packets of the day from its busiest minute on, numbered anew, on each line.
    let [line_a, line_b] = [0, 1].map(|line| {
        let mut packer = Packer::new(Packing::Count(u16::MAX), line, wanted as u64);
        let mut count = 0;
        for at in start..day.frames.len() {
            for message in day.frames.messages_of(at) {
                packer.push(message, day.frames.time(at));
                count += 1;
            }
            packer.flush();
            if count >= wanted {
                break;
            }
        }
        packer.finish()
    });
    on_core(context, || {
        for case in &CASES {
            context.progress.start(case.name, 0);
            measure(context.seed, [&line_a, &line_b], case, report)?;
        }
        context.progress.done();
        Ok(())
    })
}

fn measure(seed: u64, lines: [&Frames; 2], case: &Case, report: &mut Report) -> Result<()> {
    let frames = lines[0];
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut lost = || -> Vec<bool> {
        (0..frames.len()).map(|at| at > 0 && random.random_bool(case.loss)).collect()
    };
    let lost = [lost(), lost()];
    let firsts = first_numbers(frames);
    let mut feed = Feed::new(FeedConfig {
        recovery: Some(RECOVERY),
        request_wait: Nanos(5 * SPACING.0),
        ..FeedConfig::new(VenueId(0), LINES)
    });
    let (mut samples, mut records, mut now) = (Samples::new(), 0_u64, Nanos(0));
    let mut buf = vec![0; 2_048];
    let mut at = 0;
    // Beyond the last packet time passes until nothing is missing any more.
    let end = frames.len() + BEHIND + 64;
    while at < end {
        let to = (at + CHUNK).min(end);
        let mut out = |record: &EventRecord| {
            // Records of the feed itself have codes below those of messages.
            records += u64::from(black_box(record).kind >= 0x20);
        };
        let (mut ticks, mut messages) = (0, 0);
        let mut begin = Ticks::begin();
        for at in at..to {
            for (line, behind) in (0..case.lines).zip([0, BEHIND]) {
                let Some(packet) = at.checked_sub(behind) else { continue };
                now = now + SPACING;
                if packet < frames.len() && !lost[line][packet] {
                    let bytes = lines[line].bytes(packet);
                    feed.on_frame(Frame { bytes, received: now }, now, &mut out);
                }
            }
            if at < frames.len() {
                messages += u64::from(frames.count(at));
            } else {
                now = now + SPACING;
            }
            if let Some(request) = feed.take_request(now) {
                // The server's work is not the feed's.
                ticks += Ticks::end().since(begin);
                let len = answer(frames, &firsts, &request, &mut buf);
                begin = Ticks::begin();
                feed.on_frame(Frame { bytes: &buf[..len], received: now }, now, &mut out);
            }
        }
        ticks += Ticks::end().since(begin);
        if messages > 0 {
            samples.record(crate::clock::ns(ticks) / messages as f64);
        }
        at = to;
    }
    let counters = feed.counters();
    let name = format!("feed/{}", case.name);
    // A packet that was lost at the very end is missed by nobody.
    let delivered = records + CHUNK as u64 >= frames.messages() && records <= frames.messages();
    ensure!(delivered, "{name}: {records} records of {} messages", frames.messages());
    report.latency(&name, &samples);
    report.note(format!(
        "{name}: {} gaps, {} closed, {} messages recovered, {} requests",
        counters.gaps, counters.gaps_closed, counters.messages_recovered, counters.requests
    ));
    Ok(())
}

/// Number of the first message of each frame.
fn first_numbers(frames: &Frames) -> Vec<u64> {
    let mut next = 1;
    let number = |at: usize| {
        let first = next;
        next += u64::from(frames.count(at));
        first
    };
    (0..frames.len()).map(number).collect()
}

/// The frame that a server answers a request with.
fn answer(frames: &Frames, firsts: &[u64], request: &Request, buf: &mut [u8]) -> usize {
    let first = request.seq.0;
    let count = u64::from(request.count).min(ANSWER);
    let at = firsts.partition_point(|number| *number <= first).saturating_sub(1);
    let messages = frames.messages_in(at..frames.len());
    let wanted = messages.skip((first - firsts[at]) as usize).take(count as usize);
    emit(buf, (RECOVERY, HOST), SeqNo(first), wanted)
}
