use super::*;

pub(crate) fn sample() -> Report {
    let mut report = Report::new("risk", Machine::default());
    let mut samples = Samples::new();
    (0..5_000).for_each(|at| samples.record(20.0 + f64::from(at % 7)));
    report.latency("risk/check", &samples);
    report.value("risk/rate", "orders/s", 5e7);
    let mut floor = Samples::new();
    floor.record_n(10.0, 100);
    report.latency("risk/floor", &floor);
    report.ratio("risk/over_floor", "risk/check", "risk/floor");
    report.target("risk/check", "a check takes at most 20 ns", 20.0, samples.quantile(0.5));
    report.series("risk/open/p50", "ns", vec![[0.0, 20.0], [1.0, f64::NAN], [2.0, 21.0]]);
    report.note("a note with \"quotes\" and <tags>");
    report.finish();
    report
}

#[test]
fn a_report_survives_its_json() {
    let report = sample();
    let mut back = Report::from_json(&report.to_json()).unwrap();
    assert!(back.histograms.is_empty());
    back.histograms.clone_from(&report.histograms);
    assert_eq!(back, report);
}

#[test]
fn the_json_has_the_keys_of_the_design() {
    let json: serde_json::Value = serde_json::from_str(&sample().to_json()).unwrap();
    assert_eq!(json["suite"], "risk");
    assert!(json["commit"].is_string() && json["machine"].is_object());
    let names: Vec<&String> = json["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["risk/check", "risk/rate", "risk/floor", "risk/over_floor"]);
    let check = &json["metrics"]["risk/check"];
    for key in ["p50", "p90", "p99", "p999", "p9999", "max"] {
        assert!(check[key].is_f64(), "{key}");
    }
    assert_eq!((&check["unit"], &check["n"]), (&"ns".into(), &5_000.into()));
    let rate = &json["metrics"]["risk/rate"];
    assert_eq!(rate, &serde_json::json!({"unit": "orders/s", "value": 5e7}));
    assert_eq!(json["series"][0]["points"], serde_json::json!([[0.0, 20.0], [2.0, 21.0]]));
    assert!(json.get("histograms").is_none());
}

#[test]
fn a_distribution_rises_to_the_largest_value() {
    let report = sample();
    let Some(Metric::Latency(check)) = report.metrics.get("risk/check") else { panic!() };
    assert!(check.distribution.is_sorted_by(|a, b| a[0] < b[0] && a[1] <= b[1]));
    assert_eq!(check.distribution.last(), Some(&[1.0, check.max]));
    assert_eq!(check.distribution[0], [0.0, 20.0]);
}

#[test]
fn what_could_not_be_had_is_null_and_not_met() {
    let mut report = Report::new("x", Machine::default());
    report.latency("x/none", &Samples::new());
    report.value("x/nan", "x", f64::NAN);
    report.ratio("x/ratio", "x/none", "x/nan");
    report.target("x/none", "at most 1", 1.0, f64::NAN);
    assert_eq!(report.metrics.get("x/none"), None);
    assert_eq!(report.metrics.get("x/ratio").and_then(Metric::middle), None);
    assert_eq!((report.targets[0].actual, report.targets[0].met), (None, false));
    assert_eq!(report.notes, ["x/none: nothing was measured"]);
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
}

#[test]
fn a_target_is_met_at_its_bound() {
    let mut report = Report::new("x", Machine::default());
    report.target("x", "", 20.0, 20.0);
    report.target("x", "", 20.0, 20.1);
    assert_eq!([report.targets[0].met, report.targets[1].met], [true, false]);
}

#[test]
fn a_metric_reported_twice_is_the_later_one() {
    let mut report = sample();
    let count = report.metrics.len();
    let mut samples = Samples::new();
    samples.record(7.0);
    report.latency("risk/check", &samples);
    assert_eq!((report.metrics.len(), report.histograms.len()), (count, 2));
    assert_eq!(report.metrics.get("risk/check").and_then(Metric::middle), Some(samples.max()));
}

#[test]
fn without_a_repository_the_commit_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let revision = Revision::of(folder.path());
    assert_eq!(revision, Revision { commit: "unknown".to_string(), dirty: None });
}

#[test]
fn changes_mark_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        let mut command = std::process::Command::new("git");
        let output = command.arg("-C").arg(folder.path()).args(who).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "one").unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "file"]);
    git(&["commit", "--quiet", "--message", "one"]);
    let clean = Revision::of(folder.path());
    assert_eq!((clean.commit.len(), clean.dirty), (40, Some(false)));
    std::fs::write(&file, "two").unwrap();
    let dirty = Revision::of(folder.path());
    assert_eq!((dirty.commit, dirty.dirty), (format!("{}-dirty", clean.commit), Some(true)));
}
