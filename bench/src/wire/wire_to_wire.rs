//! A round wire to wire: a packet of market data out, the order that it leads to back in.

use super::cables::{Cables, HOST};
use super::dpdk::Dpdk;
use super::host::Host;
use super::line::{OrderLine, Orders};
use super::market::{self, ORDERS_OF_A_MOVE};
use super::one_way::Round;
use super::path::Path;
use super::sender::Sender;
use super::tally::Tally;
use super::together::{Ends, together};
use super::venue_end::VenueEnd;
use crate::frames::LINES;
use crate::{Progress, Ticks, clock};
use anyhow::{Context as _, Result, bail, ensure};
use std::time::{Duration, Instant};
use tercel_net::flows::Flows;

/// How long market data, two logins and the first quotes may take.
const START: Duration = Duration::from_secs(15);

/// Between two openings of the market, until the host quotes.
const OPENINGS: Duration = Duration::from_millis(5);

/// How long an order may take: longer than a busy machine keeps a thread waiting. A packet without
/// one is counted as lost and sent again.
const PATIENCE: Duration = Duration::from_millis(500);

/// Packets in a row without an order after which the path is given up.
const LOST_MAX: u32 = 5;

/// Runs a round over a path, with the order session over either TCP.
///
/// # Errors
/// Why it cannot run here.
pub(crate) fn run(
    (path, orders): (Path, Orders),
    (cables, dpdk): (&Cables, &Dpdk),
    round: &Round,
    progress: &Progress,
) -> Result<Tally> {
    let ends = Ends::default();
    let host = || {
        let _member = path.join(*LINES[0].ip(), &cables.host_interface)?;
        let flows = Flows { udp: vec![LINES[0]], session: None };
        let port = path.open(dpdk, (&cables.host_interface, HOST), flows)?;
        let line = OrderLine::open(orders, path, cables, dpdk);
        Host::new(port, line.context("the order session's port")?)?.run(&ends)
    };
    let send = || {
        let mut exchange = Exchange::open(cables)?;
        let started = exchange.start(&ends)?;
        let tally = if started { exchange.run(round, &ends, progress)? } else { Tally::new(0) };
        ends.finish();
        Ok(tally)
    };
    let ((), tally) = together(cables, round.cores, &ends, host, send)?;
    Ok(tally)
}

/// The sender's end: market data out, orders in.
struct Exchange {
    sender: Sender,
    venue: VenueEnd,
    /// Orders that have arrived and been answered.
    answered: u64,
}

impl Exchange {
    fn open(cables: &Cables) -> Result<Exchange> {
        let sender = Sender::open(&cables.sender_interface)?;
        Ok(Exchange { sender, venue: VenueEnd::listen(cables.venue)?, answered: 0 })
    }

    /// Opens the market until the host quotes; false when there will be no host.
    fn start(&mut self, ends: &Ends) -> Result<bool> {
        let begin = Instant::now();
        if !ends.wait_until_ready() {
            return Ok(false);
        }
        let opening = market::opening();
        let mut last: Option<Instant> = None;
        while !ends.have_met() {
            if ends.is_over() {
                return Ok(false);
            }
            let seconds = START.as_secs();
            ensure!(begin.elapsed() < START, "the host did not quote within {seconds} s");
            if last.is_none_or(|last| last.elapsed() > OPENINGS) {
                self.sender.send(&opening, |_, _| {})?;
                last = Some(Instant::now());
            }
            self.venue.accept()?;
            self.take()?;
        }
        Ok(true)
    }

    /// Orders that have arrived, answered, and when.
    #[inline]
    fn take(&mut self) -> Result<Option<Ticks>> {
        let Some(arrival) = self.venue.read()? else { return Ok(None) };
        self.venue.answer()?;
        self.answered += arrival.orders;
        Ok((arrival.orders > 0).then_some(arrival.at))
    }

    fn run(&mut self, round: &Round, ends: &Ends, progress: &Progress) -> Result<Tally> {
        let mut tally = Tally::new(round.count);
        let period = clock::ticks(1e9 / f64::from(round.rate));
        let every = u64::from(round.rate / 10).max(1);
        let mut due = Ticks::now();
        for number in 0..round.count {
            self.settle(ends)?;
            while Ticks::now() < due {
                std::hint::spin_loop();
            }
            due = Ticks(due.0.max(Ticks::now().0) + period);
            if let Some(ticks) = self.movement(number, ends)? {
                tally.arrive(number, ticks);
            }
            if number % every == every - 1 {
                progress.tick(every);
            }
        }
        progress.tick(round.count % every);
        Ok(tally)
    }

    /// Waits until the host has heard of every order that was answered.
    fn settle(&mut self, ends: &Ends) -> Result<()> {
        let begin = Instant::now();
        while ends.settled() < self.answered && begin.elapsed() < PATIENCE {
            self.take()?;
            std::hint::spin_loop();
        }
        Ok(())
    }

    /// One move of the market: the ticks until its first order arrived, or `None` when none came
    /// before the packet had to be sent again.
    fn movement(&mut self, number: u64, ends: &Ends) -> Result<Option<u64>> {
        let frame = market::movement(number);
        for attempt in 0..LOST_MAX {
            let before = self.answered;
            let sent = self.sender.send(&frame, |_, _| {})?;
            let begin = Instant::now();
            let mut first = None;
            while self.answered < before + ORDERS_OF_A_MOVE {
                if let Some(at) = self.take()? {
                    first.get_or_insert(at);
                } else if begin.elapsed() > PATIENCE {
                    break;
                }
                if ends.is_over() {
                    bail!("the host ended");
                }
            }
            if let Some(at) = first {
                return Ok((attempt == 0).then(|| at.since(sent)));
            }
        }
        bail!("{LOST_MAX} packets in a row led to no order");
    }
}
