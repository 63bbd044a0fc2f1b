//! The trained policy of the demo against the tuned baselines, on days that neither has seen:
//! `cargo run --release -p tercel-market --example compare -- [--sensitivity] [days] [seconds]
//! [artifact [artifact]...]`.
//!
//! The baselines are those of `host/app/default.toml`, whose numbers `--example tune` found; the
//! policy is `models/artifacts/demo`, or another by its path without ending, and what follows are
//! artifacts to measure it against too. Every strategy goes through the production policy and risk,
//! sees the same days, and is paired with the policy day by day; intervals are 95 % by bootstrap
//! over days.
//!
//! With `--sensitivity`: net profit when quotes, positions and their limits are twice and five
//! times as large, latencies as long, and fees once, twice and five times a tenth of a cent a
//! share. Each is paired with the same strategy in the market as it is, and the policy with each
//! baseline.

use std::path::{Path, PathBuf};
use tercel_exchange::Fees;
use tercel_market::l2::{Day, Scenario, evaluate};
use tercel_policy::{
    Allow, Artifact, AvellanedaStoikov, FixedSpread, Glft, Learned, StrategyConfig, Volatility,
};
use tercel_types::{Money, Nanos, Price};
use tercel_validation::{Bootstrap, Interval};

type Failure = Box<dyn std::error::Error>;

/// First held-out day: `tune` uses days from 0 on, the training has seeds of its own.
const HELD_OUT: u64 = 1_000_000;

/// The flag that asks for other sizes, latencies and fees.
const SENSITIVITY: &str = "--sensitivity";

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

/// What is reported of a day.
const FIGURES: [fn(&Day) -> f64; 3] = [|day| day.profit, |day| day.score, |day| day.steady];

/// What a share costs that rested, "once" of the fees: the demo's market itself asks for nothing.
const FEE: Money = Money(Price::PER_DOLLAR / 1_000);

fn show(interval: &Interval) -> String {
    format!("{:8.2} [{:7.2}, {:7.2}]", interval.value, interval.low, interval.high)
}

fn of(days: &[Day], figure: fn(&Day) -> f64) -> Vec<f64> {
    days.iter().map(figure).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Every strategy on the same days, and the first of them against each of the others.
fn compare(
    scenario: &Scenario,
    strategies: &[(String, StrategyConfig)],
    (days, length): (u64, Nanos),
) -> Result<(), Failure> {
    let bootstrap = Bootstrap::default();
    println!(
        "{:20} {:>28} {:>28} {:>28} {:>6} {:>5} {:>7}",
        "", "net profit", "score", "score, steady", "fills", "|q|", "orders"
    );
    let mut champion: Option<Vec<Day>> = None;
    for (name, strategy) in strategies {
        let played = evaluate(scenario, strategy, HELD_OUT..HELD_OUT + days, length)?;
        print!("{name:20}");
        for figure in FIGURES {
            print!(" {}", show(&bootstrap.of(&of(&played, figure), mean)?));
        }
        let counts: [fn(&Day) -> f64; 3] =
            [|day| day.fills as f64, |day| day.inventory, |day| day.sent as f64];
        let [fills, inventory, orders] = counts.map(|figure| mean(&of(&played, figure)));
        println!(" {fills:6.0} {inventory:5.0} {orders:7.0}");
        let Some(best) = &champion else {
            champion = Some(played);
            continue;
        };
        print!("{:20}", "  policy ahead by");
        let mut wins = Vec::new();
        for figure in FIGURES {
            let paired = bootstrap.paired(&of(best, figure), &of(&played, figure))?;
            print!(" {}", show(&paired.difference));
            wins.push(format!("{:.0} % (p {:.4})", paired.wins * 100.0, paired.p));
        }
        println!("  wins {}", wins.join(", "));
    }
    Ok(())
}

/// What becomes of everybody's profit when size, latency or fees are once, twice and five times
/// what they are. Nothing is trained or tuned again.
fn sensitivity(
    scenario: &Scenario,
    strategies: &[(String, StrategyConfig)],
    (days, length): (u64, Nanos),
) -> Result<(), Failure> {
    let bootstrap = Bootstrap::default();
    let fees = |times: i64| Fees {
        added: Money(FEE.0 * times),
        removed: Money(FEE.0 * times),
        ..scenario.fees
    };
    let mut rows = vec![("as it is".to_owned(), scenario.clone())];
    for times in [2, 5] {
        rows.push((format!("size x{times}"), scenario.clone().with_size(times)));
    }
    for times in [2, 5] {
        rows.push((format!("latency x{times}"), scenario.clone().with_latency(times)));
    }
    for times in [1, 2, 5] {
        rows.push((format!("fees x{times}"), Scenario { fees: fees(times), ..scenario.clone() }));
    }
    println!(
        "size once: {} shares a quote; latency once: {} us each way; fees once: {} mil a share",
        scenario.quote.order_qty.0,
        scenario.latencies.feed.0 / 1_000,
        FEE.0 as f64 * 1_000.0 / Price::PER_DOLLAR as f64,
    );
    println!(
        "{:11} {:20} {:>28} {:>28} {:>28} {:>28} {:>7}",
        "", "", "net profit", "against as it is", "score", "policy ahead: net profit", "refused"
    );
    let mut plain: Vec<Vec<Day>> = Vec::new();
    for (what, scenario) in &rows {
        let mut champion: Option<Vec<Day>> = None;
        for (at, (name, strategy)) in strategies.iter().enumerate() {
            let played = evaluate(scenario, strategy, HELD_OUT..HELD_OUT + days, length)?;
            let profit = of(&played, FIGURES[0]);
            if plain.len() == at {
                plain.push(played.clone());
            }
            let own = bootstrap.of(&profit, mean)?;
            let change = bootstrap.paired(&profit, &of(&plain[at], FIGURES[0]))?.difference;
            let score = bootstrap.of(&of(&played, FIGURES[1]), mean)?;
            let ahead = match &champion {
                Some(best) => show(&bootstrap.paired(&of(best, FIGURES[0]), &profit)?.difference),
                None => String::new(),
            };
            println!(
                "{what:11} {name:20} {} {} {} {ahead:>28} {:7.0}",
                show(&own),
                show(&change),
                show(&score),
                mean(&of(&played, |day| day.refused as f64)),
            );
            champion.get_or_insert(played);
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    if let Some(flag) = flags.iter().find(|flag| *flag != SENSITIVITY) {
        return Err(format!("no flag `{flag}`; there is {SENSITIVITY}").into());
    }
    let number =
        |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse::<u64>());
    let (days, seconds) = (number(0, 100)?, number(1, 60)?);
    let default = || root().join("models/artifacts/demo");
    let path = arguments.get(2).map_or_else(default, PathBuf::from);
    let scenario = Scenario::demo();
    let mut strategies = vec![("trained policy".to_owned(), trained(&path)?)];
    for other in arguments.iter().skip(3) {
        strategies.push((other.clone(), trained(Path::new(other))?));
    }
    strategies.extend(baselines()?.into_iter().map(|(name, one)| (name.to_owned(), one)));
    println!(
        "{days} held-out days of {seconds} s, {} instruments, risk aversion {}/$; $ a day",
        scenario.instruments.len(),
        scenario.objective.risk_aversion
    );
    let length = (days, Nanos::from_secs(seconds));
    if flags.is_empty() {
        compare(&scenario, &strategies, length)
    } else {
        sensitivity(&scenario, &strategies, length)
    }
}
