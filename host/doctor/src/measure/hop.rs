//! How long a cache line takes from one core to another: two threads hand a number to and fro.

use super::{Times, histogram};
use crate::finding::{Outcome, Remedy};
use crate::sys;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const WHY: &str = "A record that goes from one core to another, as through the ring, \
    pays this at least. Cores that share a cache are 20 to 60 ns apart one way, cores of one \
    socket up to 150 ns, of two sockets more.";

/// Longest time it takes.
pub(super) const SPAN: Duration = Duration::from_millis(500);

/// Round trips; they take some 40 ms.
const ROUNDS: u64 = 200_000;

/// Two cores of one socket are within.
const GOOD_NS: f64 = 150.0;

/// The last number: the other thread ends.
const END: u64 = u64::MAX;

/// From one core to another.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Hop {
    /// The core that measures.
    pub from: usize,
    /// The core that answers.
    pub to: usize,
    /// Half of each round trip.
    pub one_way: Times,
}

/// Two lines, so that each is written by one thread only; 128 bytes because processors fetch lines
/// in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

#[derive(Default)]
struct Shared {
    there: Line,
    back: Line,
}

/// Ends the other thread, whatever becomes of this one.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of `answer`.
        self.0.there.0.store(END, Ordering::Release);
    }
}

pub(super) fn between(from: usize, to: usize) -> Result<Hop, String> {
    let pin = |core| {
        sys::pin(core).map_err(|error| format!("cannot pin a thread to core {core}: {error}"))
    };
    pin(from)?;
    let shared = Arc::new(Shared::default());
    let ends = Ends(shared.clone());
    let other = shared.clone();
    let answering = std::thread::Builder::new()
        .spawn(move || -> Result<(), String> {
            pin(to)?;
            answer(&other);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    let started = Instant::now();
    let first = sys::counter();
    let mut trips = histogram();
    for round in 1..=ROUNDS {
        let begin = sys::counter();
        // Release: pairs with the Acquire of `answer`, as a record's publication does.
        shared.there.0.store(round, Ordering::Release);
        let mut turns = 0u32;
        // Acquire: pairs with the Release of `answer`.
        while shared.back.0.load(Ordering::Acquire) != round {
            std::hint::spin_loop();
            turns += 1;
            // The other thread may have been refused its core, or not be running now.
            if turns.is_multiple_of(1 << 16)
                && (answering.is_finished() || started.elapsed() > SPAN)
            {
                break;
            }
        }
        if answering.is_finished() || (round % 1024 == 0 && started.elapsed() > SPAN) {
            break;
        }
        trips.saturating_record(sys::counter().saturating_sub(begin));
    }
    let ticks = sys::counter().saturating_sub(first) as f64;
    let ticks_per_ns = (ticks / (started.elapsed().as_nanos() as f64)).max(1e-9);
    drop(ends);
    answering.join().map_err(|_| "the thread that answers panicked".to_string())??;
    if trips.is_empty() {
        return Err(format!("core {to} did not answer within {} ms", SPAN.as_millis()));
    }
    Ok(Hop { from, to, one_way: Times::of(&trips, ticks_per_ns * 2.0) })
}

fn answer(shared: &Shared) {
    let mut last = 0;
    loop {
        // Acquire: pairs with the Release of `between` and of `Ends`.
        let now = shared.there.0.load(Ordering::Acquire);
        if now == END {
            return;
        }
        if now != last {
            // Release: pairs with the Acquire of `between`.
            shared.back.0.store(now, Ordering::Release);
            last = now;
        } else {
            std::hint::spin_loop();
        }
    }
}

impl Hop {
    pub(super) fn judge(&self) -> Outcome {
        let found = format!(
            "{:.0} ns one way (half of {} round trips), 99 % within {:.0} ns",
            self.one_way.p50_ns, self.one_way.count, self.one_way.p99_ns
        );
        let outcome = match self.one_way.p50_ns {
            p50 if p50 <= GOOD_NS => Outcome::good(found),
            _ => Outcome::better(found).fix(Remedy::advice(
                "take two cores that share a cache: \
                 /sys/devices/system/cpu/cpu*/cache/index3/shared_cpu_list",
            )),
        };
        outcome.of(format!("{} to {}", self.from, self.to))
    }
}
