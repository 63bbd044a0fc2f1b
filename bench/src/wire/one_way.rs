//! A round of frames one way: the sender's stamp to the bytes in user space.

use super::cables::{Cables, HOST};
use super::dpdk::Dpdk;
use super::path::Path;
use super::port::PathPort;
use super::probe::{self, KNOCK};
use super::sender::{FROM, Sender};
use super::tally::Tally;
use super::together::{Ends, together};
use crate::clock;
use crate::frames::LINES;
use crate::{Progress, Ticks};
use anyhow::{Result, anyhow, ensure};
use std::time::{Duration, Instant};
use tercel_net::flows::Flows;
use tercel_types::FrameSource;

/// Frames taken at once.
const TURN: usize = 32;

/// How long the first frame may take to arrive: a driver that takes an XDP program in may let its
/// link go down for seconds.
const FIRST: Duration = Duration::from_secs(10);

/// How long the last frames may be under way.
const LAST: Duration = Duration::from_secs(1);

/// Between two knocks.
const KNOCKS: Duration = Duration::from_millis(5);

/// What a round is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Its number in the whole run.
    pub(crate) number: u64,
    /// Frames.
    pub(crate) count: u64,
    /// Frames a second.
    pub(crate) rate: u32,
    /// Bytes of a frame.
    pub(crate) size: usize,
    /// The host's core, and the sender's.
    pub(crate) cores: [usize; 2],
}

/// Sends a round over a path, and says what arrived.
///
/// # Errors
/// Why the path cannot run here.
pub(crate) fn run(
    path: Path,
    (cables, dpdk): (&Cables, &Dpdk),
    round: &Round,
    progress: &Progress,
) -> Result<Tally> {
    let ends = Ends::default();
    let receive = || {
        let _member = path.join(*LINES[0].ip(), &cables.host_interface)?;
        let flows = Flows { udp: vec![LINES[0]], session: None };
        let mut port = path.open(dpdk, (&cables.host_interface, HOST), flows)?;
        let mut tally = receive(&mut port, round, &ends)?;
        if !tally.is_complete() {
            tally.explain(port.report());
        }
        Ok(tally)
    };
    let send = || send(cables, round, &ends, progress);
    let (tally, ()) = together(cables, round.cores, &ends, receive, send)?;
    Ok(tally)
}

fn receive(port: &mut PathPort, round: &Round, ends: &Ends) -> Result<Tally> {
    let mut tally = Tally::new(round.count);
    let mut fault = None;
    let mut knocked = false;
    ends.ready();
    let mut sent_all: Option<Instant> = None;
    loop {
        let got = port.poll(TURN, |frame| {
            let now = Ticks::end();
            match probe::read(frame.bytes) {
                Some(probe) if probe.round != round.number => {}
                Some(probe) if probe.number == KNOCK => knocked = true,
                Some(probe) => tally.arrive(probe.number, now.since(probe.sent)),
                None => {}
            }
        });
        match got {
            Ok(0) => {}
            Ok(_) => {
                if knocked && tally.arrived() == 0 {
                    ends.met();
                }
                continue;
            }
            Err(error) => fault = Some(error),
        }
        if let Some(error) = fault {
            return Err(anyhow!("the port failed: {error}"));
        }
        if ends.is_over() {
            let since = *sent_all.get_or_insert_with(Instant::now);
            if tally.is_complete() || since.elapsed() > LAST {
                return Ok(tally);
            }
        }
        std::hint::spin_loop();
    }
}

fn send(cables: &Cables, round: &Round, ends: &Ends, progress: &Progress) -> Result<()> {
    let mut sender = Sender::open(&cables.sender_interface)?;
    let mut frame = probe::template(round.size, FROM, LINES[0], round.number);
    let begin = Instant::now();
    if !ends.wait_until_ready() {
        return Ok(());
    }
    probe::number(&mut frame, KNOCK);
    while !ends.have_met() {
        if ends.is_over() {
            return Ok(());
        }
        let seconds = FIRST.as_secs();
        ensure!(begin.elapsed() < FIRST, "no frame arrived within {seconds} s");
        sender.send(&frame, probe::stamp)?;
        std::thread::sleep(KNOCKS);
    }
    let period = clock::ticks(1e9) as f64 / f64::from(round.rate);
    let start = Ticks::now();
    let every = u64::from(round.rate / 10).max(1);
    for number in 0..round.count {
        let due = Ticks(start.0 + (number as f64 * period) as u64);
        while Ticks::now() < due {
            std::hint::spin_loop();
        }
        probe::number(&mut frame, number);
        sender.send(&frame, probe::stamp)?;
        if number % every == every - 1 {
            progress.tick(every);
        }
    }
    progress.tick(round.count % every);
    Ok(())
}
