//! `tercel doctor` on this machine, and on a copy of another one's files.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const TERCEL: &str = env!("CARGO_BIN_EXE_tercel");

fn doctor(arguments: &[&str]) -> Output {
    Command::new(TERCEL).arg("doctor").args(arguments).output().expect("the binary starts")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn put(root: &Path, path: &str, text: &str) {
    let file = root.join(path.trim_start_matches('/'));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

const KNOWN: [&str; 5] = ["good", "could_be_better", "wrong", "not_applicable", "cannot_tell"];

#[test]
fn this_machine_is_examined_and_measured() {
    let output = doctor(&["--json", "--duration=0.05"]);
    let said = text(&output);
    let report: Value = serde_json::from_str(&said).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let verdict = |finding: &Value| finding["verdict"].as_str().expect("a verdict").to_string();
    assert!(findings.iter().all(|finding| KNOWN.contains(&verdict(finding).as_str())));
    let wrong = findings.iter().filter(|finding| verdict(finding) == "wrong").count();
    assert_eq!(report["counts"]["wrong"], wrong);
    assert_eq!(output.status.code(), Some(i32::from(wrong > 0)), "{said}");
    for check in ["isolated", "hugepages", "clocksource", "irq-affinity", "jitter", "timer-cost"] {
        assert!(findings.iter().any(|finding| finding["check"] == check), "{check}");
    }
    let measured = &report["measurements"];
    assert_eq!(measured["failed"], Value::Array(Vec::new()));
    assert!(measured["clock"]["clock_gettime"]["p50_ns"].as_f64() > Some(0.0));
    for jitter in measured["jitter"].as_array().expect("jitter") {
        let gaps = &jitter["gaps"];
        assert!(gaps["p50_ns"].as_f64() <= gaps["p999_ns"].as_f64());
        assert!(gaps["p999_ns"].as_f64() <= gaps["max_ns"].as_f64());
    }
    // A machine with one core has no hop.
    if report["machine"]["cores"].as_u64() > Some(1) {
        assert!(measured["hop"]["one_way"]["count"].as_u64() > Some(0), "{measured}");
    }
}

#[test]
fn nothing_is_measured_or_coloured_unless_asked() {
    let output = doctor(&["--skip-measurements"]);
    let said = text(&output);
    assert!(!said.contains('\x1b') && !said.contains("p99.9"), "{said}");
    assert!(said.contains("isolated: ") && said.contains("cannot tell\n"), "{said}");
    assert!(matches!(output.status.code(), Some(0 | 1)));
    let one = text(&doctor(&["--only=tsc", "--explain"]));
    assert!(one.contains("tsc: ") && one.contains("why") && !one.contains("nohz-full"), "{one}");
}

#[test]
fn what_cannot_run_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let wrong: [&[&str]; 7] = [
        &["--root", empty],
        &["--config", "/does/not/exist.toml"],
        &["--core", "x"],
        &["--only", "no-such-check"],
        &["--duration", "0"],
        &["--apply"],
        &["--fix", "--json"],
    ];
    for arguments in wrong {
        let output = doctor(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_configuration_names_core_and_interface() {
    let folder = tempfile::tempdir().unwrap();
    let printed = Command::new(TERCEL).args(["run", "--print-config"]).output().unwrap();
    let config = text(&printed).replace("# core = 1 ", "core = 0 ");
    put(folder.path(), "host.toml", &config);
    let file = folder.path().join("host.toml");
    let arguments = ["--skip-measurements", "--json", "--config", file.to_str().unwrap()];
    let report: Value = serde_json::from_str(&text(&doctor(&arguments))).expect("JSON");
    assert_eq!(report["machine"]["hot_cores"], "0");
    assert_eq!(report["machine"]["hot_cores_from"], "named");
    // The default configuration's feed is on 127.0.0.1.
    assert_eq!(report["machine"]["interfaces"][0], "lo");
    assert_eq!(report["machine"]["port"], "kernel");
}

/// A machine with three settings that can be changed, and one that has to wait for a boot.
fn other_machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("/proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n"),
        ("/proc/cmdline", "quiet"),
        ("/proc/sys/vm/stat_interval", "1\n"),
        ("/proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
        ("/proc/sys/kernel/sched_rt_period_us", "1000000\n"),
        ("/sys/devices/system/cpu/online", "0-3"),
        ("/sys/devices/system/cpu/isolated", ""),
        ("/sys/devices/virtual/workqueue/cpumask", "f\n"),
    ] {
        put(folder.path(), path, text);
    }
    folder
}

#[test]
fn a_script_is_printed_and_changes_nothing() {
    let machine = other_machine();
    let root = machine.path().to_str().unwrap();
    let output = doctor(&["--root", root, "--core=3", "--fix"]);
    let script = text(&output);
    assert_eq!(output.status.code(), Some(1));
    for line in [
        "#!/bin/sh",
        "sysctl -w vm.stat_interval=120",
        "sysctl -w kernel.sched_rt_runtime_us=-1",
        "echo 00000007 > /sys/devices/virtual/workqueue/cpumask",
        "#   sysctl -w vm.stat_interval=1",
        "#   echo 0000000f > /sys/devices/virtual/workqueue/cpumask",
    ] {
        assert!(script.lines().any(|found| found == line), "{line} is not in\n{script}");
    }
    assert!(!script.contains("isolcpus"));
    let interval = std::fs::read_to_string(machine.path().join("proc/sys/vm/stat_interval"));
    assert_eq!(interval.unwrap(), "1\n");
}

#[test]
fn settings_are_applied_once_each_with_the_way_back() {
    let machine = other_machine();
    let root = machine.path().to_str().unwrap();
    let arguments = ["--root", root, "--core=3", "--fix", "--apply"];
    let output = doctor(&arguments);
    let said = text(&output);
    // What waits for a boot is wrong still.
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("3 settings changed, 0 failed"), "{said}");
    assert!(said.contains("to take it back: sysctl -w vm.stat_interval=1\n"), "{said}");
    assert!(said.contains("vm-statistics: was could be better, is good"), "{said}");
    assert!(said.contains("still wrong: isolated"), "{said}");
    let read = |path: &str| std::fs::read_to_string(machine.path().join(path)).unwrap();
    assert_eq!(read("proc/sys/vm/stat_interval"), "120\n");
    assert_eq!(read("proc/sys/kernel/sched_rt_runtime_us"), "-1\n");
    assert_eq!(read("sys/devices/virtual/workqueue/cpumask"), "00000007\n");
    assert!(text(&doctor(&arguments)).contains("0 settings changed, 0 failed"));
}

#[test]
fn strict_minds_what_could_be_better() {
    let machine = other_machine();
    let root = machine.path().to_str().unwrap();
    let status = |more: &[&str]| {
        let arguments = [&["--root", root, "--core=3", "--only=vm-statistics"], more].concat();
        doctor(&arguments).status.code()
    };
    assert_eq!(status(&[]), Some(0));
    assert_eq!(status(&["--strict"]), Some(1));
}

#[test]
fn the_list_names_every_check_with_its_reason() {
    let said = text(&doctor(&["--list"]));
    assert!(said.lines().count() > 80 && said.contains("isolated (Cores)"), "{said}");
}
