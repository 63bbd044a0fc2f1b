//! A short run of `wire`, end to end, as the program: structure and bookkeeping, no times.

use std::path::Path;
use std::process::{Command, Output};
use tercel_bench::Report;
use tercel_bench::report::Metric;
use tercel_netns::Namespace;

const COUNT: u64 = 300;

/// Prints why and returns true where no namespaces can be made.
fn skipped() -> bool {
    match tercel_netns::available() {
        Ok(()) => false,
        Err(why) => {
            println!("skipped: {why}");
            true
        }
    }
}

fn run(mut command: Command, folder: &Path, more: &[&str]) -> Output {
    let count = COUNT.to_string();
    command.args(["wire", "--rounds", "2", "--rate", "5000", "--count", &count]);
    command.args(more).arg("--folder").arg(folder);
    command.output().expect("the program starts")
}

fn bench() -> &'static str {
    env!("CARGO_BIN_EXE_tercel-bench")
}

fn report(output: &Output, folder: &Path) -> Report {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let json = std::fs::read_to_string(folder.join("wire.json")).unwrap();
    Report::from_json(&json).unwrap()
}

fn value(report: &Report, name: &str) -> u64 {
    let metric = report.metrics.get(name).unwrap_or_else(|| panic!("no {name}"));
    metric.middle().unwrap_or_else(|| panic!("{name} has no value")) as u64
}

/// A row that ran: what was sent has arrived or is lost, and is in the percentiles but for the
/// warm-up, a tenth of each round.
fn check(report: &Report, name: &str) {
    let count = |what: &str| value(report, &format!("{name}/{what}"));
    assert_eq!(count("sent"), COUNT, "{name}");
    assert_eq!(count("arrived") + count("lost"), COUNT, "{name}");
    assert_eq!((count("reordered"), count("superfluous")), (0, 0), "{name}");
    let Some(Metric::Latency(found)) = report.metrics.get(name) else { panic!("no {name}") };
    assert!(found.n <= count("arrived") && found.n + COUNT / 10 >= count("arrived"), "{name}");
    assert!(found.p50 > 0.0 && found.p50 <= found.p99 && found.p99 <= found.max, "{name}");
}

#[test]
fn every_path_has_a_row_or_a_reason() {
    if skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(Command::new(bench()), folder.path(), &[]);
    let report = report(&output, folder.path());
    for name in [
        "one-way/udp-block",
        "one-way/udp",
        "one-way/packet",
        "wire-to-wire/udp-block/kernel-tcp",
        "wire-to-wire/udp/kernel-tcp",
        "wire-to-wire/packet/kernel-tcp",
        "wire-to-wire/packet/path-tcp",
    ] {
        check(&report, &format!("wire/{name}"));
    }
    // What else runs depends on kernel and build; nothing is left out without a word.
    for path in ["xdp-generic", "xdp-copy", "xdp-zero", "dpdk-packet", "dpdk-xdp"] {
        for row in ["one-way/P", "wire-to-wire/P/kernel-tcp", "wire-to-wire/P/path-tcp"] {
            let name = format!("wire/{}", row.replace('P', path));
            let reason = |note: &&String| note.starts_with(&format!("{name} did not run: "));
            match report.notes.iter().find(reason) {
                Some(reason) => println!("{reason}"),
                None => check(&report, &name),
            }
        }
    }
    assert!(report.targets.iter().any(|target| target.name == "wire/one-way/packet"));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["one-way, ns", "wire-to-wire, ns", "Expected: p50", "packet (TPACKET_V2)"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    for file in ["wire.txt", "wire.html", "wire.one-way.packet.hlog", "wire.one-way.packet.hgrm"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn ports_are_taken_for_the_run_and_given_back() {
    if skipped() {
        return;
    }
    let machine = Namespace::new().unwrap();
    machine.ip(&["link", "add", "port_a", "type", "veth", "peer", "name", "port_b"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ports = ["--sender-interface", "port_a", "--host-interface", "port_b"];
    let more = [&ports[..], &["--paths", "udp,packet"]].concat();
    let output = run(machine.command(bench()), folder.path(), &more);
    let first = report(&output, folder.path());
    for name in ["one-way/udp", "one-way/packet", "wire-to-wire/packet/kernel-tcp"] {
        check(&first, &format!("wire/{name}"));
    }
    let without = "wire/wire-to-wire/packet/path-tcp did not run: ";
    let reason = first.notes.iter().find(|note| note.starts_with(without)).unwrap();
    assert!(reason.contains("--order-interfaces"), "{reason}");
    for port in ["port_a", "port_b"] {
        machine.ip(&["link", "show", "dev", port]).unwrap();
    }

    // A port that has an address is in use.
    machine.ip(&["addr", "add", "10.99.0.1/24", "dev", "port_b"]).unwrap();
    let output = run(machine.command(bench()), folder.path(), &more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("port_b has an address"), "{said}");
    machine.ip(&["link", "show", "dev", "port_a"]).unwrap();
}
