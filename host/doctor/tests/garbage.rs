//! Whatever the files say, every check says something and none panics.

mod harness;

use harness::{COLOCATED, GUEST, LAPTOP, files, probes, put, untuned};
use proptest::prelude::*;
use tercel_doctor::{CHECKS, Finding, Machine, Report, Style, Tree, Verdict, write_report};

/// What a file may say instead.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..64),
        "[0-9,\\-]{0,12}".prop_map(String::into_bytes),
        "-?[0-9]{1,30}".prop_map(String::into_bytes),
        "[a-zA-Z:=\\[\\] \t\n,./-]{0,40}".prop_map(String::into_bytes),
        Just(b"(null)".to_vec()),
        Just(b"18446744073709551615".to_vec()),
        Just(b"-9223372036854775808".to_vec()),
        Just(b"0-99999999999".to_vec()),
        Just(b"ffffffff,ffffffff,ffffffff".to_vec()),
        Just("é\u{0}\u{1b}[31m".as_bytes().to_vec()),
    ]
}

/// A verdict with something to read, and no command that a shell would take for more than one.
fn sane(finding: &Finding) {
    assert!(!finding.found.is_empty() && !finding.why.is_empty(), "{finding:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn garbage_never_panics(
        which in 0usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), text()), 1..40),
    ) {
        let mut machine = files([COLOCATED, LAPTOP, GUEST][which]);
        machine.retain(|path, _| !path.ends_with('/'));
        let paths: Vec<String> = machine.keys().cloned().collect();
        let folder = harness::unpacked(&machine);
        for (index, bytes) in &changes {
            let path: &String = index.get(&paths);
            put(folder.path(), path, bytes);
        }
        let interface = ["eth1", "enp0s31f6", "eth0"][which];
        let probes = probes(interface, untuned("ice"));
        for subject in [tercel_doctor::Subject::default(), harness::cores("1,7")] {
            let machine = Machine::new(Tree::new(folder.path()), &subject, &probes);
            let findings = tercel_doctor::examine(&machine, &[]);
            findings.iter().for_each(sane);
            let said = |name: &str| findings.iter().any(|finding| finding.check == name);
            prop_assert!(CHECKS.iter().all(|check| said(check.name)));
            let report = Report::new(&machine, findings, None);
            serde_json::to_string(&report).unwrap();
            write_report(&mut String::new(), &report, Style::default()).unwrap();
            // What is written back is plain, whatever was read.
            for line in tercel_doctor::fix::script(&report.findings).lines() {
                prop_assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            }
        }
    }
}

#[test]
fn a_file_that_says_nothing_known_is_not_guessed() {
    let machine = files(COLOCATED);
    let folder = harness::unpacked(&machine);
    let subject = tercel_doctor::Subject::default();
    let probes = probes("eth1", untuned("ice"));
    for (check, path) in NUMBERS {
        for noise in ["noise", "?!", "x1"] {
            put(folder.path(), path, noise.as_bytes());
            let findings = harness::found(folder.path(), &subject, &probes);
            let mut of_check = findings.iter().filter(|finding| finding.check == *check);
            let finding = of_check
                .find(|finding| finding.verdict == Verdict::CannotTell)
                .unwrap_or_else(|| panic!("{check} does not mind {noise} in {path}"));
            assert!(finding.found.contains(path), "{}", finding.found);
            assert!(finding.remedies.is_empty());
        }
        put(folder.path(), path, machine[*path].as_bytes());
    }
}

/// Files of which each makes one check speechless.
const NUMBERS: &[(&str, &str)] = &[
    ("isolated", "/sys/devices/system/cpu/isolated"),
    ("nohz-full", "/sys/devices/system/cpu/nohz_full"),
    ("cpuset", "/sys/devices/system/cpu/online"),
    ("governor", "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"),
    ("turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo"),
    ("idle-states", "/sys/devices/system/cpu/cpu3/cpuidle/state1/latency"),
    ("idle-states", "/sys/devices/system/cpu/cpu3/cpuidle/state2/disable"),
    ("smt", "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list"),
    ("rt-throttling", "/proc/sys/kernel/sched_rt_runtime_us"),
    ("hugepages", "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"),
    ("transparent-hugepages", "/sys/kernel/mm/transparent_hugepage/enabled"),
    ("memlock", "/proc/self/limits"),
    ("swap", "/proc/swaps"),
    ("numa", "/sys/class/net/eth1/device/numa_node"),
    ("numa", "/sys/devices/system/node/node1/cpulist"),
    ("numa-balancing", "/proc/sys/kernel/numa_balancing"),
    ("irq-affinity", "/proc/irq/120/smp_affinity_list"),
    ("rps", "/sys/class/net/eth1/queues/rx-0/rps_cpus"),
    ("watchdog", "/proc/sys/kernel/watchdog"),
    ("workqueues", "/sys/devices/virtual/workqueue/cpumask"),
    ("vm-statistics", "/proc/sys/vm/stat_interval"),
    ("link", "/sys/class/net/eth1/operstate"),
    ("socket-buffers", "/proc/sys/net/core/rmem_max"),
    ("busy-poll", "/proc/sys/net/core/busy_read"),
    ("tsc", "/proc/cpuinfo"),
    ("capabilities", "/proc/self/status"),
];
