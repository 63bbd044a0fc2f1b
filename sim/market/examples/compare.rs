//! The trained policy of the demo against the tuned baselines, on days that neither has seen:
//! `cargo run --release -p tercel-market --example compare -- [days] [seconds] [artifact]`.
//!
//! The baselines are those of `host/app/default.toml`, whose numbers `--example tune` found; the
//! policy is `models/artifacts/demo`, or another by its path without ending. Every strategy goes
//! through the production policy and risk, sees the same days, and is paired with the policy day by
//! day; intervals are 95 % by bootstrap over days.

use std::path::{Path, PathBuf};
use tercel_market::l2::{Day, Scenario, evaluate};
use tercel_policy::{
    Allow, Artifact, AvellanedaStoikov, FixedSpread, Glft, Learned, StrategyConfig, Volatility,
};
use tercel_types::Nanos;
use tercel_validation::{Bootstrap, Interval};

type Failure = Box<dyn std::error::Error>;

/// First held-out day: `tune` uses days from 0 on, the training has seeds of its own.
const HELD_OUT: u64 = 1_000_000;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The strategies of a host's configuration.
fn baselines() -> Result<Vec<(&'static str, StrategyConfig)>, Failure> {
    let text = std::fs::read_to_string(root().join("host/app/default.toml"))?;
    let values: toml::Table = text.parse()?;
    let number = |table: &str, key: &str| {
        let value = &values["strategy"][table][key];
        value.as_float().ok_or_else(|| format!("strategy.{table}.{key} is no number"))
    };
    let volatility = |table: &str| -> Result<Volatility, String> {
        let (min, max) = (number(table, "volatility_min")?, number(table, "volatility_max")?);
        Ok(Volatility::Realised { min, max })
    };
    let (fixed, model, glft) = ("fixed-spread", "avellaneda-stoikov", "glft");
    Ok(vec![
        (
            "Avellaneda-Stoikov",
            StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
                gamma: number(model, "gamma")?,
                k: number(model, "k")?,
                horizon_s: number(model, "horizon_s")?,
                volatility: volatility(model)?,
            }),
        ),
        (
            "GLFT",
            StrategyConfig::Glft(Glft {
                gamma: number(glft, "gamma")?,
                k: number(glft, "k")?,
                a: number(glft, "a")?,
                volatility: volatility(glft)?,
            }),
        ),
        (
            "fixed spread",
            StrategyConfig::FixedSpread(FixedSpread {
                half_spread_ticks: number(fixed, "half_spread_ticks")?,
                skew_ticks: number(fixed, "skew_ticks")?,
            }),
        ),
    ])
}

/// The trained policy, with the range that it was trained with.
fn trained(path: &Path) -> Result<StrategyConfig, Failure> {
    let weights = std::fs::read(path.with_extension("safetensors"))?;
    let manifest = std::fs::read(path.with_extension("json"))?;
    let artifact = Artifact::parse(&weights, &manifest, Allow::Trained)?;
    let values: toml::Table = artifact.manifest().provenance.configuration.parse()?;
    let settings = &values["environment"]["settings"];
    let number = |key: &str| settings[key].as_float().ok_or(format!("{key} is no number"));
    let (least, most) = (number("offset_least")?, number("offset_most")?);
    Ok(StrategyConfig::Mlp(Box::new(Learned {
        artifact,
        offset_min_ticks: least,
        offset_max_ticks: most,
    })))
}

fn show(interval: &Interval) -> String {
    format!("{:8.2} [{:7.2}, {:7.2}]", interval.value, interval.low, interval.high)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse::<u64>());
    let (days, seconds) = (number(0, 100)?, number(1, 60)?);
    let default = || root().join("models/artifacts/demo");
    let path = arguments.get(2).map_or_else(default, PathBuf::from);
    let scenario = Scenario::demo();
    let bootstrap = Bootstrap::default();
    let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
    let mut strategies = vec![("trained policy", trained(&path)?)];
    strategies.extend(baselines()?);
    println!(
        "{days} held-out days of {seconds} s, {} instruments, risk aversion {}/$; $ a day",
        scenario.instruments.len(),
        scenario.objective.risk_aversion
    );
    println!(
        "{:20} {:>28} {:>28} {:>28} {:>6} {:>5} {:>7}",
        "", "net profit", "score", "score, steady", "fills", "|q|", "orders"
    );
    let mut champion: Option<Vec<Day>> = None;
    for (name, strategy) in &strategies {
        let seeds = HELD_OUT..HELD_OUT + days;
        let played = evaluate(&scenario, strategy, seeds, Nanos::from_secs(seconds))?;
        let of = |figure: fn(&Day) -> f64| played.iter().map(figure).collect::<Vec<f64>>();
        let figures: [fn(&Day) -> f64; 3] = [|day| day.profit, |day| day.score, |day| day.steady];
        print!("{name:20}");
        for figure in figures {
            print!(" {}", show(&bootstrap.of(&of(figure), mean)?));
        }
        let counts: [fn(&Day) -> f64; 3] =
            [|day| day.fills as f64, |day| day.inventory, |day| day.sent as f64];
        let [fills, inventory, orders] = counts.map(|figure| mean(&of(figure)));
        println!(" {fills:6.0} {inventory:5.0} {orders:7.0}");
        let Some(best) = &champion else {
            champion = Some(played);
            continue;
        };
        print!("{:20}", "  policy ahead by");
        let mut wins = Vec::new();
        for figure in figures {
            let own: Vec<f64> = best.iter().map(figure).collect();
            let paired = bootstrap.paired(&own, &of(figure))?;
            print!(" {}", show(&paired.difference));
            wins.push(format!("{:.0} % (p {:.4})", paired.wins * 100.0, paired.p));
        }
        println!("  wins {}", wins.join(", "));
    }
    Ok(())
}
