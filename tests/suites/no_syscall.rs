//! Between a frame and the orders that it leads to the host makes no system call.
//!
//! A child of this test, the same program again, sets everything up and then forbids the engine's
//! thread every system call: seccomp kills the process at the first one. What the thread has done
//! comes back through memory that it shares with the child's main thread, which may still write.

#![cfg(target_os = "linux")]

use seccompiler::{SeccompAction, SeccompFilter, apply_filter};
use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tercel_engine::{Command as Order, Controls, OpenOrders};
use tercel_policy::promotion::{Contest, ContestRules, Name};
use tercel_policy::{Artifact, FixedSpread, Learned, StrategyConfig};
use tercel_tests::day;
use tercel_tests::desk::candidate;
use tercel_tests::frames::{self, Host};
use tercel_types::Nanos;

/// Tells the program that it is the child, and what to do.
const ROLE: &str = "TERCEL_NO_SYSCALL_ROLE";
/// How a child says that this system has no seccomp.
const UNSUPPORTED: &str = "no seccomp: ";

static MESSAGES: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);
static FILLS: AtomicU64 = AtomicU64::new(0);
static PROMOTIONS: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);

/// From here on the calling thread is killed, and the process with it, for any system call.
fn forbid_system_calls() -> Result<(), seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(
        BTreeMap::new(),
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        arch,
    )?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

/// Two policies in shadow of the host's, and the way to command them.
fn in_shadow(host: &mut Host) -> Controls {
    let rules = ContestRules { interval: Nanos::from_millis(10), ..ContestRules::default() };
    let artifact = Artifact::untrained(&[64, 64], 1).expect("an artifact");
    let network = Learned { artifact, offset_min_ticks: 0.0, offset_max_ticks: 20.0 };
    let near = FixedSpread { half_spread_ticks: 0.5, skew_ticks: 1.0 };
    let challengers = vec![
        candidate("network", &StrategyConfig::Mlp(Box::new(network)), &rules),
        candidate("near", &StrategyConfig::FixedSpread(near), &rules),
    ];
    host.desk.hold_contest(rules, OpenOrders::Adopt, challengers)
}

/// The engine's thread: a day without a single system call, or with one on purpose.
fn engine(one_call: bool) {
    let messages = day::messages(5, 4, 250);
    let frames = frames::two_lines(&messages);
    let mut host = Host::new(&day::symbols(4));
    let mut controls = in_shadow(&mut host);
    let mut now = Nanos(day::OPEN);
    let mut turns = frames.chunks(8);
    // Some of the day, to a place where no gap is open.
    let few = turns.len() / 20;
    for (at, waiting) in turns.by_ref().enumerate() {
        now = now + Nanos(100_000);
        host.take(waiting, now);
        if at > few && host.desk.engine.is_synced() {
            break;
        }
    }
    host.desk.start();
    let before = host.feed.counters().messages;
    if let Err(error) = forbid_system_calls() {
        println!("{UNSUPPORTED}{error}");
        std::process::exit(0);
    }
    if one_call {
        std::thread::yield_now();
    }
    for (at, waiting) in turns.enumerate() {
        now = now + Nanos(100_000);
        host.take(waiting, now);
        let command = match at {
            500 => Name::new("near").map(|name| Order::Promote { name, force: true }),
            1_000 => Some(Order::RollBack),
            _ => None,
        };
        if let Some(command) = command {
            let _ = controls.commands.send(command);
        }
        if at % 20 == 0 {
            host.desk.pass(Nanos(1_000));
        }
        if at % 8 == 0 && !host.desk.port.resting.is_empty() {
            let qty = host.desk.port.resting[0].qty;
            host.desk.port.trade(0, qty);
            host.desk.hear();
        }
    }
    let counters = host.desk.engine.counters();
    MESSAGES.store(host.feed.counters().messages - before, Ordering::Relaxed);
    SENT.store(counters.sent, Ordering::Relaxed);
    FILLS.store(counters.fills_bought + counters.fills_sold, Ordering::Relaxed);
    PROMOTIONS.store(host.desk.engine.contest().map_or(0, Contest::promotions), Ordering::Relaxed);
    DONE.store(1, Ordering::Release); // pairs with the load in `child`
    // To end would be a system call.
    loop {
        std::hint::spin_loop();
    }
}

#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let thread = std::thread::spawn(move || engine(role == "one call"));
    let begin = Instant::now();
    // Pairs with the store in `engine`.
    while DONE.load(Ordering::Acquire) == 0 {
        assert!(!thread.is_finished(), "the engine's thread has failed");
        assert!(begin.elapsed() < Duration::from_secs(300), "the engine does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
    let [messages, sent, fills, promotions] =
        [&MESSAGES, &SENT, &FILLS, &PROMOTIONS].map(|count| count.load(Ordering::Relaxed));
    println!("counts {messages} {sent} {fills} {promotions}");
    std::process::exit(0);
}

/// Runs this program as a child; `None` where the system has no seccomp, which is then said.
fn run(role: &str) -> Option<Output> {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["child", "--exact", "--nocapture", "--test-threads", "1"])
        .env(ROLE, role)
        .output()
        .expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().find_map(|line| line.split_once(UNSUPPORTED)) {
        Some((_, why)) => {
            println!("skipped: this system forbids no system calls: {why}");
            None
        }
        None => Some(output),
    }
}

#[test]
fn from_frame_to_order() {
    let Some(output) = run("engine") else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {text}", output.status);
    let counts = text.lines().find_map(|line| line.split_once("counts ")).expect("counts").1;
    let counts: Vec<u64> = counts.split(' ').map(|word| word.parse().expect("a number")).collect();
    assert!(counts[0] > 100_000, "only {} messages", counts[0]);
    assert!(counts[1] > 1_000, "only {} orders", counts[1]);
    assert!(counts[2] > 100, "only {} fills", counts[2]);
    assert_eq!(counts[3], 1, "one promotion");
}

#[test]
fn one_system_call_is_the_end() {
    use std::os::unix::process::ExitStatusExt;
    const SIGSYS: i32 = 31;
    let Some(output) = run("one call") else { return };
    assert_eq!(output.status.signal(), Some(SIGSYS), "{output:?}");
}
