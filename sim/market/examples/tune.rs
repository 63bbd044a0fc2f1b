//! Tunes the baselines for the demo's market on training seeds:
//! `cargo run --release -p tercel-market --example tune -- [seeds] [seconds]`.

use tercel_market::l2::{Family, Scenario, tune};
use tercel_types::Nanos;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default: u64| numbers.next().unwrap_or(Ok(default));
    let (seeds, seconds) = (next(40)?, next(60)?);
    let scenario = Scenario::demo();
    for family in [Family::AvellanedaStoikov, Family::Glft, Family::FixedSpread] {
        println!("{family:?}: score and profit of {seconds} s, $, mean of {seeds} seeds");
        for point in tune(&scenario, family, 0..seeds, Nanos::from_secs(seconds))?.iter().take(8) {
            println!("  {:9.2} {:9.2}  {:?}", point.score, point.profit, point.strategy);
        }
    }
    Ok(())
}
