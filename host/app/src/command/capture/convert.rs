//! `tercel capture convert`: recordings as Parquet.

use super::{inputs, open};
use crate::cli::ConvertCaptureArgs;
use crate::report::grouped;
use anyhow::{Context, Result};
use serde::Serialize;
use tercel_capture::convert::{ConvertConfig, ConvertError, Converted, Converter};
use tercel_capture::decode::{self, Decoder};

/// What a conversion has read and written.
#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    converted: Converted,
    frames: u64,
    messages: u64,
    gaps: u64,
    lost: u64,
    malformed: u64,
}

/// Runs it.
pub(super) fn run(args: &ConvertCaptureArgs) -> Result<()> {
    let (paths, bar) = inputs(&args.captures, "converting")?;
    let first = paths.first().context("no captures")?;
    let mut decoder = Decoder::new(decode::lines(first)?);
    let mut converter = Converter::new(ConvertConfig::new(args.out.clone()));
    let mut failed: Option<ConvertError> = None;
    let mut add = |event: decode::Event<'_>| {
        if failed.is_none() {
            failed = converter.add(event).err();
        }
        failed.is_some()
    };
    let mut stop = false;
    for path in &paths {
        let mut source = open(path, &bar)?;
        while let Some(frame) = source.next_frame().with_context(|| path.display().to_string())? {
            decoder.on_frame(frame, &mut |event| stop |= add(event));
            if stop {
                break;
            }
        }
    }
    if !stop {
        decoder.finish(&mut |event| stop |= add(event));
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    let converted = converter.finish()?;
    bar.finish_and_clear();
    let counters = decoder.counters();
    let summary = Summary {
        converted,
        frames: counters.frames,
        messages: counters.messages,
        // The first is the beginning of the recording.
        gaps: counters.gaps.saturating_sub(1),
        lost: decoder.lost(),
        malformed: counters.malformed_empty + counters.malformed_kind + counters.malformed_length,
    };
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
        return Ok(());
    }
    let rows = [
        ("frames", summary.frames),
        ("messages", summary.messages),
        ("gaps", summary.gaps),
        ("messages lost", summary.lost),
        ("messages malformed", summary.malformed),
        ("events written", converted.events),
        ("files", converted.files),
        ("bytes", converted.bytes),
    ];
    for (name, value) in rows {
        println!("{name:<20} {:>14}", grouped(value));
    }
    Ok(())
}
