//! `tercel decode`: every message of a recording as one JSON object a line.

use crate::cli::DecodeArgs;
use crate::json;
use crate::recording::{Item, walk};
use anyhow::{Context, Result};
use serde_json::{Map, Value};
use std::io::{BufWriter, ErrorKind, Write};
use tercel_proto::{itch, ouch};

/// Runs it.
pub(crate) fn run(args: &DecodeArgs) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut failed = None;
    walk(&args.file, |received, item| {
        if left == 0 {
            return false;
        }
        left -= 1;
        let mut object = describe(&item);
        if let Some(received) = received {
            object.insert("received_ns".into(), received.0.into());
        }
        let line = Value::Object(object).to_string();
        failed = writeln!(out, "{line}").err();
        failed.is_none()
    })?;
    let ended = failed.map_or_else(|| out.flush(), Err);
    match ended {
        // The reader has seen enough, as with `| head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing to standard output"),
    }
}

fn describe(item: &Item<'_>) -> Map<String, Value> {
    match item {
        Item::Itch { seq, bytes } => match itch::parse(bytes) {
            Ok(message) => {
                let mut object = json::of_itch(&message);
                if let Some(seq) = seq {
                    object.insert("seq".into(), (*seq).into());
                }
                object
            }
            Err(error) => broken("itch", &error.to_string()),
        },
        Item::OuchIn(bytes) => match ouch::Inbound::parse(bytes) {
            Ok(message) => json::of_ouch_in(&message),
            Err(error) => broken("ouch-in", &error.to_string()),
        },
        Item::OuchOut(bytes) => match ouch::Outbound::parse(bytes) {
            Ok(message) => json::of_ouch_out(&message),
            Err(error) => broken("ouch-out", &error.to_string()),
        },
        Item::Session(name) => {
            let mut object = Map::new();
            object.insert("protocol".into(), "session".into());
            object.insert("packet".into(), (*name).into());
            object
        }
        Item::Other(why) => broken("frame", why),
    }
}

fn broken(protocol: &str, error: &str) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("protocol".into(), protocol.into());
    object.insert("error".into(), error.into());
    object
}
