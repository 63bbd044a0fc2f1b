use super::*;
use crate::Samples;
use crate::machine::Machine;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A run whose values lie around `middle`, with a tail.
fn run_around(seed: u64, middle: f64) -> Report {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut samples = Samples::new();
    for _ in 0..40_000 {
        let u: f64 = rng.random();
        samples.record(middle * (0.9 + 0.2 * u) + 5.0 / (1.0 - u + 1e-3));
    }
    let mut report = Report::new("book", Machine::default());
    report.latency("book/apply", &samples);
    report.value("book/rate", "messages/s", 1e9 / middle);
    report
}

fn compared(a: Report, b: Report, threshold: f64) -> Comparison {
    Comparison::of(&[("a".to_string(), a), ("b".to_string(), b)], threshold)
}

fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    comparison.pairs[0].changes.iter().map(|change| change.verdict).collect()
}

#[test]
fn a_shifted_distribution_is_found() {
    let comparison = compared(run_around(1, 200.0), run_around(2, 220.0), 3.0);
    assert!(comparison.is_worse(), "{comparison:?}");
    let change = &comparison.pairs[0].changes[0];
    assert_eq!((change.of, change.verdict), ("p50", Verdict::Worse));
    let [low, high] = change.interval.unwrap();
    assert!(low > 5.0 && high < 15.0 && low < high);
    let other_way = compared(run_around(2, 220.0), run_around(1, 200.0), 3.0);
    assert!(!other_way.is_worse());
    assert_eq!(verdicts(&other_way)[0], Verdict::Better);
}

#[test]
fn noise_is_not() {
    for seed in 0..20 {
        let comparison =
            compared(run_around(2 * seed, 200.0), run_around(2 * seed + 1, 200.0), 3.0);
        assert!(!comparison.is_worse(), "{comparison:?}");
    }
}

#[test]
fn a_change_within_the_threshold_is_the_same() {
    let comparison = compared(run_around(1, 200.0), run_around(2, 220.0), 50.0);
    assert!(!comparison.is_worse());
    assert_eq!(verdicts(&comparison), [Verdict::Same, Verdict::Same, Verdict::Shown]);
}

#[test]
fn without_an_interval_nothing_is_certain() {
    let few = |ns: f64| {
        let mut samples = Samples::new();
        (0..3).for_each(|_| samples.record(ns));
        let mut report = Report::new("book", Machine::default());
        report.latency("book/start", &samples);
        report
    };
    assert_eq!(verdicts(&compared(few(1.0), few(2.0), 3.0)), [Verdict::Unsure, Verdict::Unsure]);
}

#[test]
fn runs_that_differ_in_more_than_time_are_told() {
    let mut a = run_around(1, 200.0);
    let mut b = run_around(2, 200.0);
    a.machine.cpu = Some("one".to_string());
    b.machine.cpu = Some("two".to_string());
    a.value("book/only_a", "x", 1.0);
    b.value("book/only_b", "x", 1.0);
    a.value("book/other", "x", 1.0);
    b.value("book/other", "ns", 1.0);
    b.suite = "all".to_string();
    a.arguments = ["book", "--json", "a.json", "--seed=1"].map(String::from).to_vec();
    b.arguments = ["book", "--html=x.html", "--seed=2"].map(String::from).to_vec();
    b.note("--quick: small and few; not figures to quote");
    let comparison = compared(a, b, 3.0);
    let pair = &comparison.pairs[0];
    assert_eq!(pair.machine, ["CPU: one against two"]);
    let wanted = [
        "the suites differ: book against all",
        "the arguments differ: `book --seed=1` against `book --seed=2`",
        "only in the first run: book/only_a",
        "only in the later run: book/only_b",
        "book/other is not the same kind of metric in both",
        "the later run says: --quick: small and few; not figures to quote",
    ];
    assert_eq!(pair.warnings, wanted);
    let text = text::of(&comparison);
    assert!(text.contains("WARNING another machine: CPU: one against two"));
}

#[test]
fn the_exit_status_says_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, report: &Report| {
        let path = folder.path().join(name);
        std::fs::write(&path, report.to_json()).unwrap();
        path
    };
    let mut elsewhere = run_around(3, 200.0);
    let mut here = run_around(1, 200.0);
    here.machine.cpu = Some("one".to_string());
    elsewhere.machine.cpu = Some("two".to_string());
    let a = file("a.json", &here);
    let same = file("same.json", &run_around(2, 200.0));
    let slow = file("slow.json", &run_around(2, 240.0));
    let other = file("other.json", &elsewhere);
    let nothing = file("nothing.json", &Report::new("ring", Machine::default()));
    let code = |files: &[&PathBuf], any_machine: bool| {
        let files = files.iter().map(|file| file.to_path_buf()).collect();
        let (html, json) = (folder.path().join("c.html"), folder.path().join("c.json"));
        let arguments =
            Arguments { files, threshold: 5.0, html: Some(html), json: Some(json), any_machine };
        run(&arguments).unwrap()
    };
    assert_eq!(code(&[&a, &same], false), ExitCode::SUCCESS);
    let json = std::fs::read_to_string(folder.path().join("c.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pairs"][0]["changes"][0]["verdict"], "same");
    assert!(folder.path().join("c.html").is_file());
    assert_eq!(code(&[&a, &slow], false), ExitCode::FAILURE);
    assert_eq!(code(&[&a, &same, &slow], false), ExitCode::FAILURE);
    assert_eq!(code(&[&a, &other], false), ExitCode::from(2));
    assert_eq!(code(&[&a, &other], true), ExitCode::SUCCESS);
    assert_eq!(code(&[&a, &nothing], false), ExitCode::from(2));
    assert_eq!(code(&[&a, &folder.path().join("gone.json")], false), ExitCode::from(2));
    std::fs::write(&other, "not json").unwrap();
    assert_eq!(code(&[&a, &other], false), ExitCode::from(2));
}
