//! One file of a tuned server is changed, or of a card, and one check says so.

mod harness;

use harness::{COLOCATED, files, found, probes, put, tuned, verdicts};
use tercel_doctor::Verdict::{self, CannotTell, CouldBeBetter, Good, NotApplicable, Wrong};
use tercel_doctor::{Answer, Finding, Nic, Port, Probes, Remedy, Subject};

/// The check, the file, what it says, the verdict.
const FILES: &[(&str, &str, &str, Verdict)] = &[
    ("isolated", "/sys/devices/system/cpu/isolated", "", Wrong),
    ("nohz-full", "/sys/devices/system/cpu/nohz_full", "3", CouldBeBetter),
    ("cpu-quota", "/sys/fs/cgroup/trading.slice/cpu.max", "50000 100000", Wrong),
    ("governor", "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "schedutil", Wrong),
    ("governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave", Good),
    ("turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", "1", CouldBeBetter),
    ("idle-states", "/sys/devices/system/cpu/cpu3/cpuidle/state2/disable", "0", CouldBeBetter),
    ("idle-states", "/dev/cpu_dma_latency", "\0\0\0", Good),
    ("smt", "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2,6", Wrong),
    ("smt", "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2-3", Wrong),
    ("timer-tick", "/boot/config-6.1.0-18-amd64", "CONFIG_HZ=x", Good),
    ("rt-throttling", "/proc/sys/kernel/sched_rt_runtime_us", "950000", CouldBeBetter),
    ("rt-throttling", "/proc/sys/kernel/sched_rt_runtime_us", "1000000", Good),
    ("hugepages", "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0", Wrong),
    ("hugepages", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0", CouldBeBetter),
    ("hugetlbfs", "/proc/self/mountinfo", "22 27 0:21 / /proc rw - proc proc rw", CouldBeBetter),
    (
        "transparent-hugepages",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "[always] madvise never",
        CouldBeBetter,
    ),
    (
        "transparent-hugepages",
        "/sys/kernel/mm/transparent_hugepage/defrag",
        "[always] defer madvise never",
        CouldBeBetter,
    ),
    ("swap", "/proc/swaps", "Filename Type\n/swap file 1 0 -2", CouldBeBetter),
    ("numa", "/sys/class/net/eth1/device/numa_node", "1", Wrong),
    ("numa", "/sys/class/net/eth1/device/numa_node", "-1", CannotTell),
    ("numa-balancing", "/proc/sys/kernel/numa_balancing", "1", CouldBeBetter),
    ("irq-affinity", "/proc/irq/120/effective_affinity_list", "2", Wrong),
    ("irq-affinity", "/proc/irq/121/effective_affinity_list", "3", CouldBeBetter),
    ("irq-affinity", "/proc/irq/120/smp_affinity_list", "0-3", CouldBeBetter),
    ("irqbalance", "/proc/900/comm", "irqbalance", Good),
    ("rps", "/sys/class/net/eth1/queues/rx-0/rps_cpus", "c", Wrong),
    ("rps", "/sys/class/net/eth1/queues/rx-0/rps_cpus", "3", Good),
    ("xps", "/sys/class/net/eth1/queues/tx-1/xps_cpus", "0", CouldBeBetter),
    ("xps", "/sys/class/net/eth1/queues/tx-1/xps_cpus", "4", Good),
    ("workqueues", "/sys/devices/virtual/workqueue/cpumask", "ff", CouldBeBetter),
    ("vm-statistics", "/proc/sys/vm/stat_interval", "1", CouldBeBetter),
    ("link", "/sys/class/net/eth1/operstate", "down", Wrong),
    ("link", "/sys/class/net/eth1/operstate", "unknown", CannotTell),
    ("socket-buffers", "/proc/sys/net/core/rmem_max", "212992", Wrong),
    ("socket-buffers", "/proc/sys/net/core/rmem_max", "2097152", CouldBeBetter),
    ("busy-poll", "/proc/sys/net/core/busy_read", "0", CouldBeBetter),
    ("xdp-driver", "/sys/class/net/eth1/mtu", "9000", CouldBeBetter),
    ("xdp-driver", "/sys/class/net/eth1/device/uevent", "DRIVER=e1000e", CannotTell),
    (
        "clocksource",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        "hpet",
        Wrong,
    ),
    ("tsc", "/proc/cpuinfo", "flags : tsc constant_tsc", Wrong),
    ("tsc", "/proc/cpuinfo", "Features : fp asimd", NotApplicable),
    ("virtual-machine", "/proc/cpuinfo", "Features : fp asimd", CannotTell),
    ("virtual-machine", "/sys/hypervisor/type", "xen", CouldBeBetter),
    ("steal-time", "/sys/hypervisor/type", "xen", Good),
    (
        "mitigations",
        "/sys/devices/system/cpu/vulnerabilities/spectre_v2",
        "Mitigation: Retpolines",
        CouldBeBetter,
    ),
];

#[test]
fn each_file_is_looked_at() {
    let machine = files(COLOCATED);
    let probes = probes("eth1", tuned("ice"));
    let folder = harness::unpacked(&machine);
    for (check, path, text, verdict) in FILES {
        put(folder.path(), path, text.as_bytes());
        let findings = found(folder.path(), &Subject::default(), &probes);
        let said = verdicts(&findings, check);
        assert!(said.contains(verdict), "{check} with {path} = {text:?}: {said:?}");
        match machine.get(*path) {
            Some(text) => put(folder.path(), path, text.as_bytes()),
            None => harness::remove(folder.path(), path),
        }
    }
}

#[test]
fn a_missing_file_cannot_tell_or_means_that_there_is_none() {
    for (check, path, verdict) in [
        ("isolated", "/sys/devices/system/cpu/isolated", CannotTell),
        ("nohz-full", "/sys/devices/system/cpu/nohz_full", CannotTell),
        ("cpuset", "/proc/self/status", CannotTell),
        ("memlock", "/proc/self/limits", CannotTell),
        ("swap", "/proc/swaps", CannotTell),
        ("numa-balancing", "/proc/sys/kernel/numa_balancing", Good),
        ("watchdog", "/proc/sys/kernel/watchdog", Good),
        ("busy-poll", "/proc/sys/net/core/busy_read", CannotTell),
        ("turbo", "/sys/devices/system/cpu/intel_pstate/no_turbo", CannotTell),
        ("clocksource", "/proc/version", Good),
    ] {
        let mut machine = files(COLOCATED);
        machine.remove(path);
        let folder = harness::unpacked(&machine);
        let findings = found(folder.path(), &Subject::default(), &probes("eth1", tuned("ice")));
        let said = verdicts(&findings, check);
        assert!(said.contains(&verdict), "{check} without {path}: {said:?}");
    }
}

fn of_card(change: impl Fn(&mut Nic), port: Option<Port>) -> Vec<Finding> {
    let folder = harness::unpacked(&files(COLOCATED));
    let mut nic = tuned("ice");
    change(&mut nic);
    found(folder.path(), &Subject { port, ..Subject::default() }, &probes("eth1", nic))
}

/// Changes a part of a card that is known.
fn set<T>(answer: &mut Answer<T>, change: impl Fn(&mut T)) {
    change(answer.as_mut().expect("it is known"));
}

#[test]
fn each_answer_of_a_driver_is_looked_at() {
    type Change = fn(&mut Nic);
    let cases: [(&str, Change, Option<Port>, Verdict); 12] = [
        ("nic-queues", |n| set(&mut n.channels, |c| c.receive = 8), Some(Port::Xdp), CouldBeBetter),
        ("nic-queues", |n| set(&mut n.channels, |c| c.receive = 8), None, Good),
        ("nic-queues", |n| n.channels = Err("no".into()), None, CannotTell),
        ("offloads", |n| set(&mut n.offloads, |o| o.lro = true), None, Wrong),
        ("offloads", |n| set(&mut n.offloads, |o| o.gro = true), None, CouldBeBetter),
        ("offloads", |n| n.offloads = Err("no".into()), Some(Port::Dpdk), NotApplicable),
        ("coalescing", |n| set(&mut n.coalescing, |c| c.receive_us = 3), None, CouldBeBetter),
        ("coalescing", |n| set(&mut n.coalescing, |c| c.adaptive = true), None, Wrong),
        ("coalescing", |n| n.coalescing = Err("no".into()), None, CannotTell),
        ("nic-rings", |n| set(&mut n.rings, |r| r.receive = 256), None, CouldBeBetter),
        ("nic-rings", |n| set(&mut n.rings, |r| (r.receive, r.receive_max) = (9, 9)), None, Good),
        ("ptp", |n| set(&mut n.stamping, |s| s.receive = false), None, CouldBeBetter),
    ];
    for (check, change, port, verdict) in cases {
        assert_eq!(verdicts(&of_card(change, port), check), [verdict], "{check}");
    }
}

#[test]
fn a_probe_that_is_refused_is_not_one_that_is_absent() {
    let folder = harness::unpacked(&files(COLOCATED));
    let with = |answer: &str, port| {
        let mut probes = probes("eth1", tuned("ice"));
        probes.xdp_program = Err(answer.into());
        let subject = Subject { port, ..Subject::default() };
        verdicts(&found(folder.path(), &subject, &probes), "xdp")[0]
    };
    assert_eq!(with("this kernel does not have it", Some(Port::Xdp)), Wrong);
    assert_eq!(with("this kernel does not have it", None), CouldBeBetter);
    assert_eq!(with("out of memory", Some(Port::Xdp)), CannotTell);
    let mut none = Probes::none("nobody was asked");
    none.hypervisor = None;
    let findings = found(folder.path(), &Subject::default(), &none);
    assert_eq!(verdicts(&findings, "xdp"), [CannotTell]);
    assert_eq!(verdicts(&findings, "offloads"), [CannotTell]);
}

#[test]
fn capabilities_count_by_port() {
    let with = |capabilities: &str, port| {
        let folder = harness::unpacked(&files(COLOCATED));
        let status = format!("CapEff:\t{capabilities}\nCpus_allowed_list:\t0-7\n");
        put(folder.path(), "/proc/self/status", status.as_bytes());
        let subject = Subject { port, ..Subject::default() };
        verdicts(&found(folder.path(), &subject, &probes("eth1", tuned("ice"))), "capabilities")[0]
    };
    assert_eq!(with("0", None), CouldBeBetter);
    assert_eq!(with("0", Some(Port::Kernel)), CouldBeBetter);
    assert_eq!(with("0", Some(Port::Packet)), Wrong);
    // CAP_NET_RAW, CAP_NET_ADMIN, CAP_IPC_LOCK, CAP_SYS_NICE, and CAP_SYS_ADMIN for CAP_BPF.
    assert_eq!(with("a07000", Some(Port::Xdp)), Good);
}

#[test]
fn an_interface_that_is_not_there_is_said_to_be() {
    let folder = harness::unpacked(&files(COLOCATED));
    let with = |name: &str, port| {
        let subject = Subject { interfaces: vec![name.into()], port, ..Subject::default() };
        verdicts(&found(folder.path(), &subject, &Probes::none("nobody was asked")), "link")[0]
    };
    assert_eq!(with("eth9", None), Wrong);
    assert_eq!(with("eth9", Some(Port::Dpdk)), NotApplicable);
    assert_eq!(with("x;reboot", None), CannotTell);
    assert_eq!(with("../eth1", None), CannotTell);
}

#[test]
fn interrupts_are_moved_to_cores_that_do_not_trade() {
    let folder = harness::unpacked(&files(COLOCATED));
    for (file, text) in [("smp_affinity_list", "0-3"), ("effective_affinity_list", "2")] {
        put(folder.path(), &format!("/proc/irq/120/{file}"), text.as_bytes());
    }
    let findings = found(folder.path(), &Subject::default(), &probes("eth1", tuned("ice")));
    let finding = findings.iter().find(|finding| finding.check == "irq-affinity").unwrap();
    assert!(finding.found.contains("120 (eth1-TxRx-0)"), "{}", finding.found);
    let [Remedy::Write { path, value, old, .. }] = &finding.remedies[..] else {
        panic!("{:?}", finding.remedies)
    };
    assert_eq!((value.as_str(), old.as_str()), ("0-1", "0-3"));
    assert_eq!(path, "/proc/irq/120/smp_affinity_list");
}

#[test]
fn names_of_checks_are_unique() {
    let mut names: Vec<&str> = tercel_doctor::CHECKS.iter().map(|check| check.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), tercel_doctor::CHECKS.len());
    assert!(tercel_doctor::CHECKS.iter().all(|check| check.why.len() > 40));
}
