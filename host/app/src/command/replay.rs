//! `tercel replay`: an ITCH file as a venue's feed, with everything a receiver needs to lose
//! nothing.

use crate::cli::{FaultArgs, ReplayArgs, VenueNetArgs};
use crate::recording::{ItchFile, Recording, progress};
use crate::report::grouped;
use crate::signals::Signals;
use crate::venue_report::VenueAddresses;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::time::Duration;
use tercel_exchange::publisher::{Publisher, PublisherAddresses, PublisherConfig};
use tercel_exchange::{Faults, LineConfig};
use tercel_net::clock::HostClock;
use tercel_proto::itch;
use tercel_types::{Clock, Nanos};

/// Messages published between two looks at the servers.
const BATCH: u64 = 64;

/// Runs it.
pub(crate) fn run(args: &ReplayArgs, signals: &Signals) -> Result<()> {
    let bar = progress("replaying");
    let Recording::Itch(mut file) = Recording::open(&args.file, &bar)? else {
        bail!("{} is not an ITCH file", args.file.display());
    };
    if !(args.speed.is_finite() && args.speed >= 0.0) {
        bail!("--speed {}: a number from 0 is wanted", args.speed);
    }
    let mut publisher = Publisher::bind(publisher_config(&args.net, &args.faults, args.seed))?;
    let clock = HostClock::new();
    announce(args.json, &addresses(&publisher.addresses(), None))?;
    serve(&mut publisher, &clock, signals, Duration::from_secs(args.wait));
    let mut pace = Pacer::new(args, clock.now());
    while signals.count() == 0 && pace.publish(&mut publisher, &clock, &mut file)? {}
    publisher.flush(clock.now());
    serve(&mut publisher, &clock, signals, Duration::from_secs(args.linger));
    publisher.end_of_session(clock.now());
    serve(&mut publisher, &clock, signals, Duration::from_secs(1));
    bar.finish_and_clear();
    report(args, &publisher)
}

/// The publisher of a venue's addresses and faults; the lines' seeds differ.
pub(crate) fn publisher_config(
    net: &VenueNetArgs,
    faults: &FaultArgs,
    seed: u64,
) -> PublisherConfig {
    let micros = |us: u64| Nanos(us * 1_000);
    let line = |group, at: usize| LineConfig {
        group,
        faults: Faults {
            loss: faults.loss.0[at],
            duplicate: faults.duplicate.0[at],
            reorder: faults.reorder.0[at],
            delay: micros(faults.delay_us.0[at]),
            jitter: micros(faults.jitter_us.0[at]),
        },
        seed: seed.wrapping_mul(2).wrapping_add(at as u64),
    };
    PublisherConfig {
        lines: [line(net.line_a, 0), line(net.line_b, 1)],
        interfaces: net.interface.0,
        retransmission: Some(net.recovery),
        glimpse: Some(net.glimpse),
        ..PublisherConfig::default()
    }
}

/// Addresses as they are told to whoever started the process.
pub(crate) fn addresses(
    publisher: &PublisherAddresses,
    ouch: Option<std::net::SocketAddrV4>,
) -> VenueAddresses {
    VenueAddresses {
        line_a: publisher.lines[0],
        line_b: publisher.lines[1],
        recovery: publisher.retransmission,
        glimpse: publisher.glimpse,
        ouch,
    }
}

/// Says where the venue is reached.
pub(crate) fn announce(json: bool, addresses: &VenueAddresses) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(addresses)?);
        return Ok(());
    }
    println!("line A          {}", addresses.line_a);
    println!("line B          {}", addresses.line_b);
    let others = [
        ("retransmission", addresses.recovery),
        ("Glimpse", addresses.glimpse),
        ("OUCH", addresses.ouch),
    ];
    for (name, address) in others {
        if let Some(address) = address {
            println!("{name:<15} {address}");
        }
    }
    Ok(())
}

/// Answers requests and sends heartbeats for a while.
fn serve(publisher: &mut Publisher, clock: &HostClock, signals: &Signals, length: Duration) {
    let end = clock.now() + Nanos(length.as_nanos() as u64);
    while clock.now() < end && signals.count() < 2 {
        if publisher.step(clock.now()) == 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

/// When which message is due.
struct Pacer {
    speed: f64,
    rate: u64,
    start: Nanos,
    first: Option<Nanos>,
    sent: u64,
}

impl Pacer {
    fn new(args: &ReplayArgs, start: Nanos) -> Pacer {
        Pacer { speed: args.speed, rate: args.rate.max(1), start, first: None, sent: 0 }
    }

    /// Publishes the next batch when it is due; `false` at the end of the file.
    fn publish(
        &mut self,
        publisher: &mut Publisher,
        clock: &HostClock,
        file: &mut ItchFile,
    ) -> Result<bool> {
        for _ in 0..BATCH {
            let Some(message) = file.next_message()? else { return Ok(false) };
            let due = self.due(message);
            while clock.now() < due {
                publisher.flush(clock.now());
                if publisher.step(clock.now()) == 0 {
                    let left = due.since(clock.now()).0.min(200_000);
                    std::thread::sleep(Duration::from_nanos(left));
                }
            }
            publisher
                .publish(message, clock.now())
                .with_context(|| format!("message {}", self.sent + 1))?;
            self.sent += 1;
        }
        publisher.flush(clock.now());
        publisher.step(clock.now());
        Ok(true)
    }

    /// By the recorded time over the speed, or evenly at the rate.
    fn due(&mut self, message: &[u8]) -> Nanos {
        if self.speed == 0.0 {
            return self.start + Nanos(self.sent * 1_000_000_000 / self.rate);
        }
        let time = itch::parse(message).map_or(Nanos(0), |message| message.header().time());
        let first = *self.first.get_or_insert(time);
        self.start + Nanos((time.since(first).0 as f64 / self.speed) as u64)
    }
}

fn report(args: &ReplayArgs, publisher: &Publisher) -> Result<()> {
    let counters = publisher.counters();
    let [a, b] = counters.lines;
    if args.json {
        let report = json!({
            "messages": counters.messages,
            "packets": counters.packets,
            "line_a_lost": a.lost,
            "line_b_lost": b.lost,
            "requests": counters.retransmission.answered,
            "snapshots": counters.glimpse.served,
        });
        println!("{report}");
    } else {
        println!(
            "{} messages in {} packets; line A lost {}, line B lost {}; {} requests answered",
            grouped(counters.messages),
            grouped(counters.packets),
            grouped(a.lost),
            grouped(b.lost),
            grouped(counters.retransmission.answered)
        );
    }
    Ok(())
}
