//! Order events a second through the L2 environment in one scenario, for a profiler:
//! `cargo run --release -p tercel-market --example events -- [scenario] [lanes] [steps]`.
//!
//! The fingerprint is FNV-1a over every observation, reward and end of an episode: what makes the
//! environment faster must not change it.

use std::time::Instant;
use tercel_environments::{Actions, Environment, Outcome, Settings};
use tercel_market::l2::{L2, config};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let name = arguments.first().map_or("agents", String::as_str);
    let (lanes, steps) = (number(1, 8)?, number(2, 1_000)?);
    let settings = Settings::new().with("step_ms", 1_000.0).with("steps", 1e6);
    let mut batch = L2::new("market", config(name, &settings)?, 0, lanes)?;
    let mut outcome = Outcome::new(&batch);
    batch.reset(1, &mut outcome);
    let actions = vec![1.0_f32; 2 * lanes];
    let before = batch.counters();
    let mut fingerprint = 0xcbf2_9ce4_8422_2325_u64;
    let begin = Instant::now();
    for _ in 0..steps {
        batch.step(Actions::Continuous(&actions), &mut outcome);
        let numbers = outcome.observation.iter().chain(&outcome.reward).map(|x| x.to_bits());
        let ends = outcome.truncated.iter().chain(&outcome.terminated).map(|over| u32::from(*over));
        for word in numbers.chain(ends) {
            fingerprint = (fingerprint ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let after = batch.counters();
    let rate = |before: u64, after: u64| (after - before) as f64 / seconds / 1e6;
    println!(
        "{name}, {lanes} lanes: {:.2} M commands/s, {:.2} M events/s, {:.2} M records/s",
        rate(before.commands, after.commands),
        rate(before.events, after.events),
        rate(before.records, after.records),
    );
    let open = (0..lanes).map(|lane| batch.session(lane).matching().orders_open()).max();
    println!(
        "{} events, fingerprint {fingerprint:016x}, {} orders open at most at the end",
        after.events - before.events,
        open.unwrap_or(0),
    );
    Ok(())
}
