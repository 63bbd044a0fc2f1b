//! How fast days are made, and of what: `cargo run --release -p tercel-market --example rate`.
//! Arguments: messages, instruments, orders resting at most, seed.

use std::io;
use std::time::Instant;
use tercel_market::{Day, DayConfig, write_itch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default: u64| numbers.next().unwrap_or(Ok(default));
    let default = DayConfig::default();
    let config = DayConfig {
        messages: next(default.messages)?,
        instruments: u16::try_from(next(default.instruments.into())?)?,
        resting_max: u32::try_from(next(default.resting_max.into())?)?,
        seed: next(default.seed)?,
    };
    let start = Instant::now();
    let mut day = Day::new(&config)?;
    println!("made ready in {:?}", start.elapsed());
    let start = Instant::now();
    let mut sum = 0_u64;
    while let Some(message) = day.next_message() {
        sum += message.len() as u64;
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{sum} bytes, {:.2} million messages/s", config.messages as f64 / seconds / 1e6);
    let start = Instant::now();
    let summary = write_itch(&config, &mut io::sink(), |_| {})?;
    println!("as a file in {:?}: {summary:#?}", start.elapsed());
    for (kind, n) in &summary.by_kind {
        println!("{kind} {:>7.3} %", *n as f64 * 100.0 / summary.messages as f64);
    }
    Ok(())
}
