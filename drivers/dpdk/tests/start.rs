//! DPDK's start and end in a process of its own: one test, because it happens once.

use std::process::Command;
use tercel_dpdk::{DpdkError, DpdkPort, Eal, Memory, PortConfig, arguments};
use tercel_types::{FrameSink, FrameSource};

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn it_starts_once_and_ends_with_the_last_port() {
    // Refused before anything is started, so that there can be another try.
    let error = Eal::init(&own(&["--in-memory", "--no-huge"])).unwrap_err();
    assert!(matches!(error, DpdkError::NoHugeInMemory), "{error}");
    let error = Eal::init(&own(&["--file-prefix", "a\0b"])).unwrap_err();
    assert!(matches!(error, DpdkError::Argument(_)), "{error}");
    let free = std::fs::read_dir("/sys/kernel/mm/hugepages").into_iter().flatten().flatten();
    let free = free.filter_map(|entry| {
        let text = std::fs::read_to_string(entry.path().join("free_hugepages")).ok()?;
        text.trim().parse::<u64>().ok()
    });
    if free.sum::<u64>() == 0 {
        let error = Eal::init(&arguments(Memory::Huge, &[])).unwrap_err();
        assert!(matches!(error, DpdkError::NoHugePages), "{error}");
    }

    let cores = allowed();
    let small = arguments(Memory::Small(64), &["net_ring0"]);
    let eal = Eal::init(&small).unwrap();
    assert_eq!(allowed(), cores, "the caller stays where it may run");
    let again = Eal::init(&small).unwrap();
    assert_eq!(again.arguments(), small);
    let error = Eal::init(&arguments(Memory::Small(65), &[])).unwrap_err();
    assert!(matches!(error, DpdkError::Running(_)), "{error}");

    let config = PortConfig { buffers: 2_047, ..PortConfig::new("net_ring0") };
    let mut port = DpdkPort::open(&eal, &config).unwrap();
    drop((eal, again));
    // The port keeps DPDK up.
    let eal = Eal::init(&small).unwrap();
    drop(eal);
    port.reserve(64).unwrap().fill(7);
    port.commit().unwrap();
    // Another thread than the one that opened it.
    std::thread::spawn(move || {
        let mut frames = 0;
        assert_eq!(port.poll(8, |frame| frames += usize::from(frame.bytes == [7; 64])), Ok(1));
        assert_eq!(frames, 1);
    })
    .join()
    .unwrap();
    let error = Eal::init(&small).unwrap_err();
    assert!(matches!(error, DpdkError::Over), "{error}");
}

/// DPDK starts threads and waits for them; they would inherit the policy. A process of its own,
/// since this one is about to start.
#[test]
fn a_thread_of_real_time_is_refused() {
    const IN: &str = "TERCEL_DPDK_REAL_TIME";
    if std::env::var_os(IN).is_some() {
        let error = Eal::init(&arguments(Memory::Small(64), &[])).unwrap_err();
        assert!(matches!(error, DpdkError::RealTime), "{error}");
        assert!(error.to_string().contains("SCHED_FIFO"), "{error}");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let ask = Command::new("chrt").args(["-f", "1", "true"]).status();
    if !ask.is_ok_and(|status| status.success()) {
        println!("skipped: no chrt, or no permission for SCHED_FIFO");
        return;
    }
    for policy in ["-f", "-r"] {
        let mut command = Command::new("timeout");
        command.args(["20", "chrt", policy, "1"]).arg(&program).env(IN, "1");
        command.args(["--exact", "a_thread_of_real_time_is_refused", "--test-threads", "1"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// The cores that this thread may run on, as the kernel writes them.
fn allowed() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"));
    line.unwrap().to_string()
}
