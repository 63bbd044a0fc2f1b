//! Frames to records.

use super::prepare::{feed, on_core, timed};
use crate::day::MarketDay;
use crate::frames::{Frames, Packer, Packing};
use crate::{Context, Report, Samples};
use anyhow::Result;
use std::hint::black_box;
use tercel_proto::mold::Packet;
use tercel_proto::{frame, itch, itch_record};
use tercel_types::{Frame, Nanos, VenueId};

/// Messages measured, the first of them only to warm up.
const MESSAGES: u64 = 1 << 20;
const MESSAGES_QUICK: u64 = 1 << 15;

/// Messages timed together.
const CHUNK: u64 = 960;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let day = MarketDay::of(context)?;
    let wanted = if context.quick { MESSAGES_QUICK } else { MESSAGES };
    // From the busiest minute on: a day begins with its directory.
    let frames = &day.frames;
    let start = frames.busiest_minute().frames.start;
    let messages: Vec<(&[u8], Nanos)> = (start..frames.len())
        .flat_map(|at| frames.messages_of(at).map(move |message| (message, frames.time(at))))
        .take(wanted as usize)
        .collect();
    on_core(context, || {
        for (count, name) in [(1, "1-message"), (3, "3-messages"), (30, "30-messages")] {
            let mut packer = Packer::new(Packing::Count(count), 0, wanted);
            messages.iter().for_each(|(message, time)| packer.push(message, *time));
            let frames = packer.finish();
            context.progress.start(name, 0);
            let samples = decode(&frames);
            report.latency(&format!("decode/{name}"), &samples);
            if count == 1 {
                report.latency("decode/frame_parse", &headers(&frames));
            }
        }
        report.latency("decode/message", &alone(&messages));
        peer(&messages, report)?;
        context.progress.done();
        Ok(())
    })
}

/// The feed over frames in sequence, as the host runs it, nanoseconds a message.
fn decode(frames: &Frames) -> Samples {
    let mut samples = Samples::new();
    for pass in 0..3 {
        // The first pass warms up.
        if pass == 1 {
            samples = Samples::new();
        }
        let mut feed = feed();
        each_chunk(frames, |range, count| {
            timed(&mut samples, count, || {
                for at in range {
                    let time = frames.time(at);
                    let frame = Frame { bytes: frames.bytes(at), received: time };
                    feed.on_frame(frame, time, &mut |record| {
                        black_box(record);
                    });
                }
            });
        });
    }
    samples
}

/// The headers alone: Ethernet to UDP with both checksums, and the blocks of the packet.
fn headers(frames: &Frames) -> Samples {
    let mut samples = Samples::new();
    each_chunk(frames, |range, _| {
        let count = range.len();
        timed(&mut samples, count, || {
            for at in range {
                let datagram = frame::parse_udp(black_box(frames.bytes(at)));
                let _ = black_box(datagram.map(|udp| Packet::new_checked(udp.payload)));
            }
        });
    });
    samples
}

/// Calls `each` with frames that together have [`CHUNK`] messages or a few more, and how many.
fn each_chunk(frames: &Frames, mut each: impl FnMut(std::ops::Range<usize>, usize)) {
    let mut at = 0;
    while at < frames.len() {
        let (from, mut count) = (at, 0);
        while at < frames.len() && count < CHUNK {
            count += u64::from(frames.count(at));
            at += 1;
        }
        each(from..at, count as usize);
    }
}

/// Messages to records without anything around them.
fn alone(messages: &[(&[u8], Nanos)]) -> Samples {
    let mut samples = Samples::new();
    for chunk in messages.chunks(CHUNK as usize) {
        timed(&mut samples, chunk.len(), || {
            for (message, time) in chunk {
                if let Ok(message) = itch::parse(black_box(message)) {
                    black_box(&itch_record::to_record(&message, VenueId(0), *time));
                }
            }
        });
    }
    samples
}

/// The crate `itchy` over the same messages behind their lengths, through the stream that it reads
/// from: it has no other entry.
#[cfg(feature = "peers")]
fn peer(messages: &[(&[u8], Nanos)], report: &mut Report) -> Result<()> {
    let mut bytes = Vec::new();
    for (message, _) in messages {
        tercel_proto::binary_file::write(&mut bytes, message);
    }
    let mut samples = Samples::new();
    let mut stream = itchy::MessageStream::from_reader(&bytes[..]);
    for chunk in messages.chunks(CHUNK as usize) {
        let mut failed = None;
        timed(&mut samples, chunk.len(), || {
            for _ in chunk {
                match stream.next() {
                    Some(Ok(message)) => drop(black_box(message)),
                    Some(Err(error)) => failed = Some(error.to_string()),
                    None => failed = Some("it ended early".into()),
                }
            }
        });
        anyhow::ensure!(failed.is_none(), "itchy: {failed:?}");
    }
    report.latency("decode/peer/itchy", &samples);
    report.ratio("decode/itchy_to_ours", "decode/peer/itchy", "decode/message");
    Ok(())
}

#[cfg(not(feature = "peers"))]
fn peer(_: &[(&[u8], Nanos)], report: &mut Report) -> Result<()> {
    report.note("decode: built without peers");
    Ok(())
}
