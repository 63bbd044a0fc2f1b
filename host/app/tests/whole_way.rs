//! From training to a rollback: a policy is trained, exported, loaded into a host that trades,
//! promoted by its test over shadow fills, trades, and is taken back when a stranger's orders drive
//! the market against it.
//!
//! It needs the trainer beside the binary under test, which links libtorch: `cargo x test` builds
//! it and runs this after the trainer's own tests. By hand: `cargo build -p tercel-train`, then
//! `cargo test -p tercel-app --test whole_way`.

#[path = "harness/contest.rs"]
mod contest;
mod harness;
#[path = "harness/stranger.rs"]
mod stranger;

use contest::{SYMBOLS, champion, command, fills};
use harness::{PATIENCE, Place, TERCEL, count, holdings_of_host, holdings_of_venue};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use stranger::Stranger;
use tercel_policy::promotion::{Candidate, ContestRules, Name};
use tercel_policy::{Allow, Artifact, Learned, StrategyConfig};

const CONFIGURATION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/configs/demo-brief.toml");

/// Runs the trainer, which must succeed, and returns what it printed.
fn trainer(arguments: &[&str]) -> Value {
    let path = Path::new(TERCEL).with_file_name("tercel-train");
    assert!(path.exists(), "{} is not there: cargo build -p tercel-train", path.display());
    let output = Command::new(path).args(arguments).output().expect("the trainer starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} failed: {errors}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The artifact of a manifest, read as a host does that trades nothing untrained.
fn artifact(manifest: &str) -> Artifact {
    let weights = Path::new(manifest).with_extension("safetensors");
    let weights = std::fs::read(weights).expect("weights");
    let manifest = std::fs::read(manifest).expect("a manifest");
    Artifact::parse(&weights, &manifest, Allow::Trained).expect("an artifact")
}

/// What a host's report calls the policy of an artifact: a hash of its weights, its normalisation
/// and the range that a host without a table `[strategy.mlp]` holds it in.
fn identity(artifact: Artifact) -> String {
    let learned = Learned { artifact, offset_min_ticks: 0.0, offset_max_ticks: 20.0 };
    let strategy = StrategyConfig::Mlp(Box::new(learned));
    let (name, rules) = (Name::new("any").expect("a name"), ContestRules::default());
    let one = Candidate::new(name, &strategy, SYMBOLS.len(), rules.rollback.psi_window);
    format!("{:016x}", one.expect("a candidate").identity())
}

#[test]
fn the_whole_way_from_training_to_a_rollback() {
    let place = Place::new();
    // Trained.
    let runs = place.file("runs");
    let trained = trainer(&["train", CONFIGURATION, "--out", &runs, "--json"]);
    let run = &trained["runs"][0];
    assert_eq!(run["rounds"], 4, "{trained}");
    // Exported: what was printed is what lies there, and where it comes from is in it.
    let folder = run["folder"].as_str().expect("a folder");
    let out = place.file("artifacts");
    let exported = trainer(&["export", folder, "--out", &out, "--name", "learned", "--json"]);
    let manifest = exported["manifest"].as_str().expect("a manifest");
    let policy = artifact(manifest);
    let said = format!("{:#018x}", policy.manifest().weights_hash);
    assert_eq!(exported["weights_hash"], said.as_str());
    let provenance = &policy.manifest().provenance;
    let text = std::fs::read_to_string(CONFIGURATION).expect("the configuration");
    assert!(provenance.trained && provenance.configuration == text);
    assert!(!provenance.commit.is_empty(), "the code has a version");
    assert!(provenance.scores.iter().any(|(name, _)| name == "episode_reward"), "{provenance:?}");
    let identity = identity(policy);

    // Loaded into a host that trades: nothing but a loss of 200 dollars takes a promotion back.
    let limits = [
        ("position_max", "200"),
        ("rollback_drawdown_max", "200"),
        ("psi_max", "100.0"),
        ("actions_per_second_max", "1000000"),
    ];
    let (mut venue, addresses, mut host) = contest::start(&place, &limits);
    assert_eq!(champion(&host.last), "fixed-spread");
    command(&mut host, &format!("challenger load {manifest}"), "challenger learned: test 1 begins");
    let shadow = host.until("shadow fills", |report| {
        let one = &report["promotion"]["challengers"][0];
        one["name"] == "learned" && one["fills"].as_u64() > Some(0)
    });
    assert_eq!(shadow["promotion"]["challengers"][0]["identity"], identity.as_str());
    assert_eq!(champion(&shadow), "fixed-spread");

    // Promoted by the test, and trading.
    let promoted = host.until("a promotion", |report| champion(report) == "learned");
    contest::hear(&mut host, "learned is champion by the test");
    let seats = &promoted["promotion"];
    assert_eq!(seats["champion"]["identity"], identity.as_str());
    assert_eq!((&seats["former"], &seats["promotions"]), (&"fixed-spread".into(), &1.into()));
    let trading =
        host.until("fills of the new champion", |report| fills(report) > fills(&promoted) + 4);
    assert_eq!(champion(&trading), "learned", "{}", host.said());
    assert_eq!(trading["promotion"]["rollbacks"]["drawdown"], 0, "{}", host.said());

    // The fault: prices are driven 2 % up, down and up again, each time through the policy's
    // quotes.
    let mut stranger = Stranger::join(addresses["ouch"].as_str().expect("an address"));
    let end = Instant::now() + PATIENCE;
    let mut report = trading;
    for look in 0.. {
        if report["promotion"]["rollbacks"]["drawdown"].as_u64() > Some(0) {
            break;
        }
        assert!(Instant::now() < end, "never came: a rollback; {}", host.said());
        if look % 5 == 0 {
            stranger.sweep(&report["instruments"], 0.02);
        }
        report = host.line();
    }
    let barred = "fixed-spread is champion again, learned is barred: drawdown";
    println!("{}", contest::hear(&mut host, barred));
    assert_eq!(champion(&report), "fixed-spread");
    assert_ne!(report["promotion"]["champion"]["identity"], identity.as_str());
    assert_eq!(report["promotion"]["former"], Value::Null);

    // Barred, under any name; the host goes on, and ends with what the venue says it holds.
    command(&mut host, &format!("challenger load {manifest} again"), "again: refused: it was");
    host.until("orders after the rollback", |now| count(now, "sent") > count(&report, "sent"));
    drop(stranger);
    let report = host.stop_ok();
    assert_eq!(report["open_orders"].as_array().map(Vec::len), Some(0), "{report}");
    let venue = venue.ask("report");
    assert_eq!(holdings_of_host(&report), holdings_of_venue(&venue));
}
