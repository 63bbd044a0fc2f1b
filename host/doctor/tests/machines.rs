//! What every check says of three whole machines.

mod harness;

use harness::{COLOCATED, GUEST, LAPTOP, files, found, probes, tuned, unpacked, untuned, verdicts};
use std::collections::BTreeMap;
use tercel_doctor::Verdict::{CannotTell, CouldBeBetter, Good, NotApplicable, Wrong};
use tercel_doctor::{
    Boot, CHECKS, Machine, Port, Probes, Remedy, Report, Style, Subject, Tree, Verdict,
    write_report,
};

/// Compares the worst verdict of every check with what is expected of it; `usual` is that of those
/// that are not named.
fn expect(
    machine: &str,
    subject: &Subject,
    probes: &Probes,
    usual: Verdict,
    others: &[(&str, Verdict)],
) {
    let folder = unpacked(&files(machine));
    let findings = found(folder.path(), subject, probes);
    let others: BTreeMap<&str, Verdict> = others.iter().copied().collect();
    for check in CHECKS {
        let expected = others.get(check.name).copied().unwrap_or(usual);
        let of_check = verdicts(&findings, check.name);
        let said: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.check == check.name)
            .map(|finding| finding.found.as_str())
            .collect();
        assert!(of_check.contains(&expected), "{}: {of_check:?} {said:?}", check.name);
        let worse = expected != Wrong && of_check.contains(&Wrong);
        assert!(!worse, "{}: {of_check:?} {said:?}", check.name);
    }
}

#[test]
fn a_tuned_server_is_good() {
    let probes = probes("eth1", tuned("ice"));
    expect(
        COLOCATED,
        &Subject::default(),
        &probes,
        Good,
        &[("xps", NotApplicable), ("steal-time", NotApplicable)],
    );
    // And nothing but that.
    let folder = unpacked(&files(COLOCATED));
    let findings = found(folder.path(), &Subject::default(), &probes);
    let bad = findings.iter().find(|finding| ![Good, NotApplicable].contains(&finding.verdict));
    assert!(bad.is_none(), "{bad:?}");
    assert!(findings.iter().all(|finding| finding.remedies.is_empty()));
}

#[test]
fn a_laptop_is_not() {
    let mut probes = probes("enp0s31f6", untuned("e1000e"));
    probes.xdp_socket = Err("no permission (CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN)".into());
    probes.clock = Ok(tercel_doctor::KernelClock { synchronised: false, error_max_us: 16_000_000 });
    expect(
        LAPTOP,
        &harness::cores("7"),
        &probes,
        CouldBeBetter,
        &[
            ("isolated", Wrong),
            ("cpuset", Good),
            ("cpu-quota", Wrong),
            ("governor", Wrong),
            ("smt", Wrong),
            ("hugepages", Wrong),
            ("memlock", Wrong),
            ("numa", Good),
            ("irq-affinity", Wrong),
            ("irqbalance", Wrong),
            ("rps", Wrong),
            ("link", Wrong),
            ("nic-queues", Good),
            ("offloads", Wrong),
            ("coalescing", Wrong),
            ("socket-buffers", Wrong),
            ("xdp-driver", CannotTell),
            ("clocksource", Wrong),
            ("tsc", Good),
            ("virtual-machine", Good),
            ("steal-time", NotApplicable),
        ],
    );
}

#[test]
fn a_guest_cannot_do_everything_itself() {
    let mut nic = tuned("virtio_net");
    nic.stamping = Ok(tercel_doctor::Stamping { clock: None, receive: false });
    let mut probes = probes("eth0", nic);
    probes.hypervisor = Some("KVMKVMKVM".into());
    expect(
        GUEST,
        &Subject::default(),
        &probes,
        Good,
        &[
            ("isolated", Wrong),
            ("nohz-full", CannotTell),
            ("rcu-nocbs", CouldBeBetter),
            ("governor", NotApplicable),
            ("turbo", NotApplicable),
            ("idle-states", NotApplicable),
            ("smt", CannotTell),
            ("timer-tick", CannotTell),
            ("rt-throttling", CouldBeBetter),
            ("hugepages", Wrong),
            ("hugetlbfs", CouldBeBetter),
            ("transparent-hugepages", CouldBeBetter),
            ("irq-affinity", Wrong),
            ("xps", NotApplicable),
            ("watchdog", CouldBeBetter),
            ("workqueues", CouldBeBetter),
            ("vm-statistics", CouldBeBetter),
            ("busy-poll", CouldBeBetter),
            ("iommu", CouldBeBetter),
            ("clocksource", CouldBeBetter),
            ("ptp", CouldBeBetter),
            ("virtual-machine", CouldBeBetter),
            ("steal-time", Wrong),
            ("mitigations", CouldBeBetter),
        ],
    );
    let folder = unpacked(&files(GUEST));
    let findings = found(folder.path(), &Subject::default(), &probes);
    let of_host = |name: &str| {
        let finding = findings.iter().find(|finding| finding.check == name).unwrap();
        finding.remedies.iter().any(|remedy| matches!(remedy, Remedy::Host { .. }))
    };
    for check in ["virtual-machine", "steal-time", "smt", "governor", "iommu", "ptp"] {
        assert!(of_host(check), "{check}");
    }
    assert!(!of_host("isolated") && !of_host("hugepages"));
}

#[test]
fn a_tree_without_files_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let findings = found(folder.path(), &Subject::default(), &Probes::none("nobody was asked"));
    for finding in &findings {
        assert_eq!(finding.verdict, CannotTell, "{finding:?}");
        assert!(!finding.found.is_empty());
    }
    assert!(CHECKS.iter().all(|check| !verdicts(&findings, check.name).is_empty()));
}

#[test]
fn boot_parameters_are_one_line_with_what_they_replace() {
    let mut machine = files(LAPTOP);
    let line = "quiet isolcpus=1 rcu_nocbs=1";
    machine.insert("/proc/cmdline".into(), line.into());
    machine.insert("/sys/devices/system/cpu/isolated".into(), "1".into());
    machine.insert("/sys/devices/system/cpu/nohz_full".into(), "1".into());
    machine.insert("/boot/config-6.8.0-generic".into(), "CONFIG_RCU_NOCB_CPU=y\n".into());
    let folder = unpacked(&machine);
    let probes = probes("enp0s31f6", tuned("igc"));
    let subject = harness::cores("3");
    let findings = found(folder.path(), &subject, &probes);
    let machine = Machine::new(Tree::new(folder.path()), &subject, &probes);
    let boot = Boot::of(&machine, &findings).unwrap();
    assert!(boot.add.starts_with(
        "isolcpus=managed_irq,domain,1,3 nohz_full=1,3 rcu_nocbs=1,3 hugepagesz=2M hugepages=512"
    ));
    assert_eq!(boot.replace, ["isolcpus=1", "rcu_nocbs=1"]);
    assert!(boot.how.iter().any(|step| step == "run: update-grub"));
    assert_eq!(Boot::of(&machine, &[]), None);
}

#[test]
fn all_cores_cannot_be_isolated() {
    let folder = unpacked(&files(GUEST));
    let probes = Probes::none("nobody was asked");
    let findings = found(folder.path(), &harness::cores("0-1"), &probes);
    let boot = |finding: &tercel_doctor::Finding| {
        finding.remedies.iter().any(|remedy| {
            let isolates = |parameter: &str| parameter.ends_with("0-1");
            matches!(remedy, Remedy::Boot { parameter, .. } if isolates(parameter))
        })
    };
    assert!(!findings.iter().any(boot));
}

#[test]
fn the_port_decides_what_matters() {
    let folder = unpacked(&files(LAPTOP));
    let probes = probes("enp0s31f6", untuned("e1000e"));
    let with = |port| {
        let subject = Subject { port: Some(port), ..harness::cores("7") };
        let findings = found(folder.path(), &subject, &probes);
        move |check: &str| verdicts(&findings, check)[0]
    };
    let (kernel, xdp, dpdk) = (with(Port::Kernel), with(Port::Xdp), with(Port::Dpdk));
    let names = ["hugepages", "iommu", "coalescing", "socket-buffers", "xdp-driver", "nic-queues"];
    let of = |verdict: &dyn Fn(&str) -> Verdict| names.map(verdict);
    use {CouldBeBetter as Better, NotApplicable as Not};
    assert_eq!(of(&kernel), [Better, Not, Wrong, Wrong, Not, Good]);
    assert_eq!(of(&xdp), [Wrong, Not, Wrong, Not, CannotTell, Better]);
    assert_eq!(of(&dpdk), [Wrong, Wrong, Not, Not, Not, Good]);
}

#[test]
fn a_report_for_people_names_every_check_and_colours_only_when_asked() {
    let folder = unpacked(&files(LAPTOP));
    let probes = probes("enp0s31f6", untuned("e1000e"));
    let subject = harness::cores("7");
    let machine = Machine::new(Tree::new(folder.path()), &subject, &probes);
    let findings = found(folder.path(), &subject, &probes);
    let report = Report::new(&machine, findings, None);
    assert!(report.is_bad(false));
    let text = |colour: bool, explain: bool| {
        let mut text = String::new();
        write_report(&mut text, &report, Style { colour, explain, width: 100 }).unwrap();
        text
    };
    let plain = text(false, false);
    assert!(CHECKS.iter().all(|check| plain.contains(check.name)));
    assert!(!plain.contains('\x1b') && text(true, false).contains("\x1b[31m"));
    assert!(plain.contains("echo performance > "));
    assert!(text(false, true).len() > plain.len());
}
