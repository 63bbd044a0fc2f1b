//! `tercel backtest` from files to reports, with the real binary.

mod harness;

use harness::{recorded, tercel, tercel_err, tercel_ok};
use serde_json::Value;
use std::path::Path;

/// A generated day with few instruments, which every test reads.
fn day(folder: &Path, seed: u64) -> String {
    let path = folder.join(format!("day-{seed}.itch")).display().to_string();
    let seed = seed.to_string();
    let size = ["--messages", "60k", "--instruments", "4", "--resting", "2k"];
    let mut arguments = vec!["generate", &path, "--seed", &seed];
    arguments.extend(size);
    tercel_ok(&arguments);
    path
}

fn report(arguments: &[&str]) -> Value {
    // A day is long, and few things happen in these: it need not be looked at every millisecond.
    let mut all = vec!["backtest", "--json", "--timer", "1s"];
    all.extend(arguments);
    serde_json::from_str(&tercel_ok(&all)).expect("JSON")
}

fn runs(report: &Value) -> &Vec<Value> {
    report["runs"].as_array().expect("runs")
}

/// The parts of the profit are the profit, to the cent, and it is what the fills say.
fn adds_up(run: &Value) {
    let cents = &run["metrics"]["attribution_cents"];
    let part = |name: &str| cents[name].as_i64().unwrap_or_else(|| panic!("{name} in {cents}"));
    let parts = ["spread", "inventory", "adverse_selection", "fees", "impact"];
    assert_eq!(parts.map(part).iter().sum::<i64>(), part("net"), "{cents}");
    let net = run["metrics"]["net_dollars"].as_f64().expect("a number");
    assert!((part("net") as f64 - 100.0 * net).abs() <= 0.51, "{net} {cents}");
}

fn fills(run: &Value) -> u64 {
    run["metrics"]["orders"]["fills"].as_u64().expect("a count")
}

#[test]
fn days_and_strategies_are_measured_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let days = [day(folder.path(), 1), day(folder.path(), 2)];
    let [html, parquet] =
        ["report.html", "fills.parquet"].map(|name| folder.path().join(name).display().to_string());
    let arguments = [
        "--data",
        &days[0],
        &days[1],
        "--strategy",
        "glft",
        "--strategy",
        "fixed-spread:skew_ticks=1",
        "--sweep",
        "half_spread_ticks=1,2",
        "--fees",
        "maker=-0.002,taker=0.003",
        "--html",
        &html,
        "--parquet",
        &parquet,
    ];
    let report = report(&arguments);
    // Three trials, each on two days and on both.
    let runs = runs(&report);
    assert_eq!(runs.len(), 9);
    runs.iter().for_each(adds_up);
    assert_eq!(report["selection"]["trials"], 3);
    assert!(runs.iter().any(|run| fills(run) > 0), "nothing traded at all");
    let of = |strategy: &str, data: &str| {
        let found = runs.iter().find(|run| run["strategy"] == strategy && run["data"] == data);
        found.unwrap_or_else(|| panic!("no {strategy} on {data}"))
    };
    let name = "fixed-spread skew_ticks=1 half_spread_ticks=2";
    let parts = [of(name, "day-1.itch"), of(name, "day-2.itch")];
    assert_eq!(parts.map(fills).iter().sum::<u64>(), fills(of(name, "all")));

    // The page has the runs and loads nothing; the file of fills begins and ends as Parquet does.
    let page = std::fs::read_to_string(&html).expect("a page");
    assert!(page.contains("default-src 'none'") && page.contains(name));
    let bytes = std::fs::read(&parquet).expect("a file");
    assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| name.to_string_lossy().contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let days = [day(folder.path(), 3), day(folder.path(), 4)];
    let with = |threads| {
        let arguments = ["backtest", "--json", "--data", &days[0], &days[1], "--strategy", "glft"];
        let more = [
            "--timer",
            "1s",
            "--latency-order",
            "lognormal:200us,0.5",
            "--seed",
            "9",
            "--threads",
            threads,
        ];
        tercel_ok(&[&arguments[..], &more].concat())
    };
    assert_eq!(with("1"), with("2"));
}

#[test]
fn a_section_of_the_configuration_says_the_same_as_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = day(folder.path(), 5);
    let text = tercel_ok(&["run", "--print-config"]);
    let (config, wrong) = (folder.path().join("host.toml"), folder.path().join("wrong.toml"));
    // Another section has keys of the same names.
    let (others, section) = text.split_once("[backtest]").expect("a section");
    let set = |from: &str, to: &str| {
        assert!(section.contains(from), "{from} is in the template");
        format!("{others}[backtest]{}", section.replace(from, to))
    };
    let slower = "latency_order = \"2ms\"\nqueue = \"power:2\"";
    std::fs::write(&config, set("# latency_order = \"100us\"", slower)).expect("written");
    let config = config.display().to_string();
    let one = report(&["--data", &day, "--config", &config]);
    let flags = ["--latency-order", "2ms", "--queue", "power:2"];
    std::fs::write(&wrong, &text).expect("written");
    let plain = wrong.display().to_string();
    let two = report(&[&["--data", &day, "--config", &plain][..], &flags].concat());
    assert_eq!(one["runs"], two["runs"]);
    assert_eq!(one["settings"]["latency_order"], "2ms");

    // File, line, key, value and what is allowed.
    let fees = "# fees = \"maker=0,taker=0\"";
    std::fs::write(&wrong, set(fees, "fees = \"cheap\"")).expect("written");
    let error = tercel_err(&["backtest", "--data", &day, "--config", &plain]);
    for part in ["wrong.toml:", "`backtest.fees`", "\"cheap\"", "maker="] {
        assert!(error.contains(part), "{part} in {error}");
    }
    std::fs::write(&wrong, set(fees, "fee = 1")).expect("written");
    let error = tercel_err(&["backtest", "--data", &day, "--config", &plain]);
    assert!(error.contains("wrong.toml:") && error.contains("`backtest.fee`"), "{error}");
}

#[test]
fn what_cannot_be_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = day(folder.path(), 6);
    let junk = folder.path().join("junk.itch").display().to_string();
    std::fs::write(&junk, [7_u8; 4096]).expect("written");
    let nameless = folder.path().join("what").display().to_string();
    std::fs::write(&nameless, b"?").expect("written");
    let cases: &[(&[&str], &str)] = &[
        (&["--data", &junk], "no ITCH"),
        (&["--data", "/none/day.itch"], "/none/day.itch"),
        (&["--data", &nameless], "--format"),
        (&["--data", &day, "--strategy", "martingale"], "martingale"),
        (&["--data", &day, "--strategy", "glft:gama=1"], "gama"),
        (&["--data", &day, "--strategy", "glft:gamma=-1"], "gamma"),
        (&["--data", &day, "--strategy", "glft:gamma"], "KEY=VALUE"),
        (
            &["--data", &day, "--strategy", "glft", "--sweep", "half_spread_ticks=1,2"],
            "no strategy",
        ),
        (&["--data", &day, "--strategy", "glft", "--sweep", "gamma"], "KEY=A,B"),
        (&["--data", &day, "--strategy", "glft", "--strategy", "glft"], "twice"),
        (&["--data", &day, "--symbol", "NOSUCH"], "NOSUCH"),
        (&["--data", &day, "--latency-order", "soon"], "--latency-order"),
        (&["--data", &day, "--fees", "maker=x"], "--fees"),
        (&["--data", &day, "--queue", "lucky"], "risk-averse"),
        (&["--data", &day, "--sample", "1us"], "--sample"),
        (&["--data", &day, "--artifact", "/none"], "/none"),
        (&["--data", &day, "--html", "/none/report.html"], "/none/report.html"),
        (&["--data", &day, "--size", "9999999"], "9999999"),
    ];
    for (arguments, part) in cases {
        let error = tercel_err(&[&["backtest"], *arguments].concat());
        assert!(error.contains(part), "{arguments:?}: {part} in {error}");
    }

    // One bad file of two: the other is run, and the exit status says so.
    let output = tercel(&["backtest", "--json", "--timer", "1s", "--data", &junk, &day]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(runs(&report).len(), 1);
    assert!(report["notes"][0].as_str().expect("a note").contains("junk.itch"));
}

/// A file that ends inside a message is run up to there, and the report says so.
#[test]
fn a_file_that_was_cut_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = day(folder.path(), 7);
    let bytes = std::fs::read(&day).expect("a day");
    std::fs::write(&day, &bytes[..bytes.len() / 2 + 1]).expect("written");
    let report = report(&["--data", &day, "--strategy", "fixed-spread"]);
    adds_up(&runs(&report)[0]);
    let notes = report["notes"].to_string();
    assert!(notes.contains("truncated"), "{notes}");
}

#[test]
fn help_teaches() {
    let help = tercel_ok(&["backtest", "--help"]);
    for part in ["Examples:", "--sweep", "--sensitivity", "lognormal:MEDIAN,SIGMA", "Exit status"] {
        assert!(help.contains(part), "{part}");
    }
}

/// Recorded markets: figures are there, add up, and are no NaN.
#[test]
fn recorded_markets() {
    let binance = ["binance/usdm-btcusdt-20240808.gz", "binance/spot-btcusdt-20240808.gz"];
    let Some(files) = binance.map(recorded).into_iter().collect::<Option<Vec<_>>>() else { return };
    let arguments =
        ["--data", &files[0], &files[1], "--strategy", "fixed-spread:half_spread_ticks=5"];
    let more = ["--fees", "maker=0.2bps,taker=4bps", "--latency-order", "2ms"];
    let report = report(&[&arguments[..], &more].concat());
    assert_eq!(runs(&report).len(), 3);
    for run in runs(&report) {
        adds_up(run);
        assert!(run["metrics"]["decisions"].as_u64().expect("a count") > 100, "{run}");
    }
    assert!(runs(&report).iter().any(|run| fills(run) > 0), "nothing traded");
}

#[test]
fn the_lobster_hour() {
    let Some(file) = recorded("lobster/AAPL_2012-06-21_message_50.csv.gz") else { return };
    let report = report(&["--data", &file, "--strategy", "glft"]);
    let run = &runs(&report)[0];
    adds_up(run);
    assert!(fills(run) > 10, "{run}");
    let markouts = run["metrics"]["markouts"].as_array().expect("markouts");
    assert_eq!(markouts.len(), 10);
    assert!(markouts.iter().all(|one| one["bps"].is_number()), "{markouts:?}");
}

/// The demo's policy over two days, by its weights or by their folder; the range of its quotes is
/// what its manifest says, as if a configuration had said it.
#[test]
fn a_learned_policy_is_one_more_strategy() {
    let folder = tempfile::tempdir().expect("a folder");
    let days = [day(folder.path(), 8), day(folder.path(), 9)];
    let artifacts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/artifacts");
    let weights = format!("{artifacts}/demo.safetensors");
    let by = |more: &[&str]| report(&[&["--data", &days[0], &days[1]], more].concat());
    let text = tercel_ok(&["run", "--print-config"]);
    let [plain, named] =
        ["plain.toml", "named.toml"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&plain, &text).expect("written");
    let mut values: toml::Table = text.parse().expect("TOML");
    let mlp = format!(
        "weights = {weights:?}\nmanifest = \"{artifacts}/demo.json\"\n\
         offset_min_ticks = -1.0\noffset_max_ticks = 2.5\n"
    );
    let strategy = values["strategy"].as_table_mut().expect("a table");
    strategy.insert("kind".into(), "mlp".into());
    strategy.insert("mlp".into(), toml::Value::Table(mlp.parse().expect("TOML")));
    std::fs::write(&named, toml::to_string(&values).expect("TOML")).expect("written");

    let one = by(&["--artifact", &weights, "--config", &plain]);
    let two = by(&["--artifact", artifacts, "--config", &plain]);
    let three = by(&["--config", &named]);
    let metrics = |report: &Value| -> Vec<Value> {
        runs(report).iter().map(|run| run["metrics"].clone()).collect()
    };
    assert_eq!(runs(&one)[0]["strategy"], "demo");
    runs(&one).iter().for_each(adds_up);
    assert!(fills(&runs(&one)[2]) > 0, "nothing traded");
    assert_eq!(metrics(&one), metrics(&two));
    assert_eq!(metrics(&one), metrics(&three));
}

/// Fees that are twice as high cost twice as much; nothing else of a run changes with them.
#[test]
fn sensitivity_is_a_table_of_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = day(folder.path(), 10);
    let html = folder.path().join("report.html").display().to_string();
    let arguments = ["--data", &day, "--strategy", "glft", "--fees", "maker=0.002,taker=0.003"];
    let report = report(&[&arguments[..], &["--sensitivity=1,2,5", "--html", &html]].concat());
    let all = report["sensitivity"].as_array().expect("runs");
    let names: Vec<_> = all.iter().map(|run| run["data"].as_str().expect("a name")).collect();
    let changed = ["size x 2", "size x 5", "latency x 2", "latency x 5", "fees x 2", "fees x 5"];
    assert_eq!(names, [&["as it is"][..], &changed].concat());
    all.iter().for_each(adds_up);
    assert_eq!(runs(&report).len(), 1);
    assert_eq!(report["selection"]["trials"], 1);
    assert_eq!(all[0]["metrics"]["net_dollars"], runs(&report)[0]["metrics"]["net_dollars"]);
    let cents = |at: usize, part: &str| {
        all[at]["metrics"]["attribution_cents"][part].as_i64().expect("cents")
    };
    for (at, times) in [(5, 2), (6, 5)] {
        assert!((cents(at, "fees") - times * cents(0, "fees")).abs() <= times, "{}", all[at]);
        assert_eq!(fills(&all[at]), fills(&all[0]));
    }
    assert!(cents(0, "fees") < 0);
    let bought = |at: usize| all[at]["metrics"]["traded"]["dollars"].as_f64().expect("dollars");
    assert!(bought(1) > bought(0));
    assert!(std::fs::read_to_string(&html).expect("a page").contains("size x 5"));
    let text =
        tercel_ok(&[&["backtest", "--timer", "1s", "--sensitivity"], &arguments[..]].concat());
    assert!(text.contains("sensitivity") && text.contains("latency x 5"), "{text}");
    let wrong = tercel(&[&["backtest", "--sensitivity=0"], &arguments[..]].concat());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("0.001"), "{wrong:?}");
}

/// The demo's policy was trained for another market; here it is only seen to trade in several at
/// once, and every figure to be there.
#[test]
fn a_learned_policy_on_recorded_markets() {
    let names = ["binance/spot-btcusdt-20240808.gz", "lobster/AAPL_2012-06-21_message_50.csv.gz"];
    let Some(files) = names.map(recorded).into_iter().collect::<Option<Vec<_>>>() else { return };
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/artifacts/demo.safetensors");
    let report = report(&["--data", &files[0], &files[1], "--artifact", weights]);
    assert_eq!(runs(&report).len(), 3);
    for run in runs(&report) {
        adds_up(run);
        let metrics = &run["metrics"];
        assert!(fills(run) > 100, "{run}");
        for name in ["net_bps", "sharpe", "sortino", "calmar"] {
            assert!(metrics[name].is_number(), "{name} in {run}");
        }
        assert!(metrics["orders"]["fill_rate"].is_number(), "{run}");
        assert!(metrics["traded"]["spread_bps"].is_number(), "{run}");
        assert!(metrics["queue"]["wait_ms"]["p50"].is_number(), "{run}");
    }
    assert!(runs(&report)[2]["metrics"]["deflated_sharpe"].is_number(), "{report}");
}
