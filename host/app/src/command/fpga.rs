//! `tercel fpga`: a look at a feed card, or at its emulator. It changes nothing: the counters are
//! those that the card's host has latched last.

use crate::cli::{CardArgs, FpgaArgs, FpgaCommand};
use crate::report::grouped;
use crate::signals::Signals;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;
use tercel_fpga::AnyCard;

/// Runs it.
pub(crate) fn run(args: &FpgaArgs, signals: impl FnOnce() -> Result<Signals>) -> Result<()> {
    match &args.what {
        FpgaCommand::Probe(card) => probe(card),
        FpgaCommand::Status(card) => status(card),
        FpgaCommand::Watch(card) => watch(card, &signals()?),
    }
}

/// A card that answers.
#[derive(Serialize)]
struct Found {
    card: String,
    version: u32,
    layout_hash: String,
    ticks_per_second: u32,
    ring_memory: &'static str,
    running: bool,
}

fn probe(args: &CardArgs) -> Result<()> {
    let card = AnyCard::open(&args.card)?;
    let identity = card.identity();
    let found = Found {
        card: args.card.to_string(),
        version: identity.version,
        layout_hash: format!("{:016x}", identity.layout_hash),
        ticks_per_second: identity.ticks_per_second,
        ring_memory: if identity.dma_window == 0 { "the host's" } else { "the card's own" },
        running: card.status().generation != 0,
    };
    if args.json {
        println!("{}", serde_json::to_string(&found)?);
        return Ok(());
    }
    println!("card          {}", found.card);
    println!("layout        version {}, {}, as this build", found.version, found.layout_hash);
    println!("clock         {} ticks a second", grouped(found.ticks_per_second.into()));
    println!("ring memory   {}", found.ring_memory);
    println!("state         {}", if found.running { "running" } else { "stopped" });
    Ok(())
}

/// How a card is set up and what it counts.
#[derive(Serialize)]
struct Status {
    running: bool,
    generation: u32,
    lines: [SocketAddrV4; 2],
    sessions: [String; 2],
    slots: u64,
    head: u32,
    tail: u32,
    /// As latched last by the card's host.
    counters: BTreeMap<String, u64>,
}

fn read(card: &AnyCard) -> Status {
    let status = card.status();
    let mut counters = BTreeMap::new();
    card.latched(|name, value| {
        counters.insert(name.to_string(), value);
    });
    let text = |session: [u8; 10]| String::from_utf8_lossy(&session).replace('\0', "");
    Status {
        running: status.generation != 0,
        generation: status.generation,
        lines: status.lines,
        sessions: status.sessions.map(text),
        slots: 1 << status.ring_log2.min(20),
        head: status.head,
        tail: status.tail,
        counters,
    }
}

fn status(args: &CardArgs) -> Result<()> {
    let status = read(&AnyCard::open(&args.card)?);
    if args.json {
        println!("{}", serde_json::to_string(&status)?);
        return Ok(());
    }
    println!("{:<26} {:>14}", "state", if status.running { "running" } else { "stopped" });
    for (at, name) in ["line A", "line B"].iter().enumerate() {
        println!("{name:<26} {} session {:?}", status.lines[at], status.sessions[at]);
    }
    let unread = status.head.wrapping_sub(status.tail);
    let numbers = [
        ("ring slots", status.slots),
        ("ring records written", status.head.into()),
        ("ring records not taken", unread.into()),
    ];
    for (name, value) in numbers {
        println!("{name:<26} {:>14}", grouped(value));
    }
    for (name, value) in status.counters.iter().filter(|(_, value)| **value > 0) {
        println!("{name:<26} {:>14}", grouped(*value));
    }
    Ok(())
}

/// What has moved since the last look, once a second.
fn watch(args: &CardArgs, signals: &Signals) -> Result<()> {
    let card = AnyCard::open(&args.card)?;
    let mut before = read(&card);
    let mut row = 0u32;
    while signals.count() == 0 {
        std::thread::sleep(Duration::from_secs(1));
        let now = read(&card);
        if args.json {
            println!("{}", serde_json::to_string(&now)?);
            continue;
        }
        if row.is_multiple_of(20) {
            println!(
                "{:>10} {:>10} {:>12} {:>10} {:>8} {:>10} {:>8}",
                "A packets", "B packets", "records", "not taken", "gaps", "duplicates", "drops"
            );
        }
        row += 1;
        let moved = |name: &str| {
            let value = |of: &Status| of.counters.get(name).copied().unwrap_or(0);
            grouped(value(&now).wrapping_sub(value(&before)) & u64::from(u32::MAX))
        };
        println!(
            "{:>10} {:>10} {:>12} {:>10} {:>8} {:>10} {:>8}",
            moved("line_a_packets"),
            moved("line_b_packets"),
            grouped(now.head.wrapping_sub(before.head).into()),
            grouped(now.head.wrapping_sub(now.tail).into()),
            moved("gaps"),
            moved("line_b_duplicates"),
            moved("drops"),
        );
        before = now;
    }
    Ok(())
}
