//! A killed process leaves nothing that the next start trips over.

use crate::lab::{ENDS, cable, frame, number, open, packet, send, take};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tercel_netns::Namespace;

/// A process that has a device open.
struct Holder(Child);

impl Holder {
    fn new(mut command: Command, device: &str) -> Holder {
        command.args(["hold", device]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the holder");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        let holder = Holder(child);
        BufReader::new(out).read_line(&mut line).expect("its output");
        assert_eq!(line.trim(), "ready");
        holder
    }

    /// SIGKILL: it cannot be caught.
    fn kill(mut self) {
        self.0.kill().expect("a process to kill");
        self.0.wait().expect("its end");
    }

    /// Its devices are closed in order.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("its end").success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_dpdk-lab");

/// The number of the XDP program on an interface.
fn program(end: &Namespace, interface: &str) -> Option<u32> {
    let output = end.command("ip").args(["-d", "link", "show", interface]).output();
    let output = String::from_utf8_lossy(&output.expect("ip").stdout).into_owned();
    let (_, rest) = output.split_once("prog/xdp id ")?;
    rest.split(' ').next()?.parse().ok()
}

#[test]
fn a_program_without_a_process_is_taken_off() {
    let Some(ends) = cable() else { return };
    let device = format!("net_af_xdp{},iface={}", number(), ENDS[1]);
    let hold = || Holder::new(ends[1].command(PROGRAM), &device);
    hold().end();
    assert_eq!(program(&ends[1], ENDS[1]), None, "closed in order");
    hold().kill();
    let orphan = program(&ends[1], ENDS[1]).expect("what the kernel keeps");
    // Another process takes its place, not this one: a program of ours would hide the orphan's.
    let holder = hold();
    let now = program(&ends[1], ENDS[1]).expect("a program of its own");
    assert_ne!(now, orphan, "the orphan was taken off");
    holder.kill();
    // Frames pass, and nothing is left.
    let mut source = ends[1].run(|| open(device.clone())).expect("a thread");
    let mut sink = ends[0].run(|| open(packet(ENDS[0]))).expect("a thread");
    let bytes = frame(b"after the kill");
    send(&mut sink, &bytes);
    assert_eq!(take(&mut source, 1), [bytes]);
    ends[0].run(|| drop(sink)).expect("a thread");
    ends[1].run(|| drop(source)).expect("a thread");
    assert_eq!(program(&ends[1], ENDS[1]), None, "closed in order");
}

/// A program that sockets use belongs to somebody.
#[test]
fn a_program_in_use_is_left_alone() {
    let Some(ends) = cable() else { return };
    let device = |n| format!("net_af_xdp{n},iface={}", ENDS[1]);
    let holder = Holder::new(ends[1].command(PROGRAM), &device(number()));
    let before = program(&ends[1], ENDS[1]).expect("the holder's program");
    let mut second = ends[1].command(PROGRAM);
    let second = second.args(["hold", &device(number())]).stdin(Stdio::null());
    let output = second.output().expect("a second process");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("another process has the XDP"), "{said}");
    assert_eq!(program(&ends[1], ENDS[1]), Some(before));
    holder.end();
}

#[test]
fn a_killed_process_holds_up_nobody() {
    for round in 0..5 {
        // The same name and the same files each time.
        let holder = Holder::new(Command::new(PROGRAM), "net_ring0");
        let beside = Holder::new(Command::new(PROGRAM), "net_ring0");
        holder.kill();
        if round == 4 {
            beside.end();
        } else {
            beside.kill();
        }
    }
    // DPDK's folder of the process is there, with nothing in it.
    for folder in ["/run/dpdk/rte", "/tmp/dpdk/rte"] {
        let files = std::fs::read_dir(folder).into_iter().flatten().count();
        assert_eq!(files, 0, "in {folder}");
    }
}
