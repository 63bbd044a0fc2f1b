//! How much a core is interrupted: a loop that does nothing but read the counter, and the gaps
//! between its readings.
//!
//! A loop of reads takes some 10 ns. A gap above 1 µs is time that somebody else had: the timer,
//! an interrupt, another thread, the hypervisor, or firmware. No change to a program makes it go
//! away, and the tail of every metric of the run has it.

use crate::Ticks;
use crate::clock;
use serde::{Deserialize, Serialize};
use tercel_net::pin;

/// Nanoseconds watched.
const SPAN_NS: f64 = 200e6;

/// Shortest gap that counts, nanoseconds.
const GAP_NS: f64 = 1_000.0;

/// Most gaps kept: one for each two microseconds watched, more than can happen.
const GAPS_MAX: usize = 200_000;

/// How much one core was interrupted.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Jitter {
    /// The core.
    pub core: usize,
    /// The thread could be pinned to it; otherwise the gaps are those of wherever it ran.
    pub pinned: bool,
    /// Nanoseconds watched.
    pub span_ns: f64,
    /// Gaps above 1 µs.
    pub gaps: u64,
    /// 99 % of the gaps are at most this long, nanoseconds; null without a gap.
    pub gap_p99_ns: Option<f64>,
    /// The longest gap, nanoseconds; null without a gap.
    pub gap_max_ns: Option<f64>,
    /// The share of the time that was lost to gaps.
    pub lost: f64,
}

/// Watches one core after the other.
pub(super) fn measure(cores: &[usize]) -> Vec<Jitter> {
    cores.iter().filter_map(|core| on(*core)).collect()
}

/// On a thread of its own, so that the caller stays where it is. None if there is no thread.
fn on(core: usize) -> Option<Jitter> {
    std::thread::Builder::new()
        .spawn(move || {
            let pinned = pin::pin_thread(core).is_ok();
            let mut jitter = of(watch());
            (jitter.core, jitter.pinned) = (core, pinned);
            jitter
        })
        .ok()?
        .join()
        .ok()
}

struct Watched {
    /// Ticks from the first reading to the last.
    span: u64,
    /// Gaps above the least, in ticks.
    gaps: Vec<u64>,
}

fn watch() -> Watched {
    let (span, least) = (clock::ticks(SPAN_NS), clock::ticks(GAP_NS));
    let mut gaps = Vec::with_capacity(GAPS_MAX);
    let start = Ticks::now();
    let mut last = start;
    while last.since(start) < span {
        let now = Ticks::now();
        let gap = now.since(last);
        if gap > least && gaps.len() < GAPS_MAX {
            gaps.push(gap);
        }
        last = now;
    }
    Watched { span: last.since(start), gaps }
}

fn of(mut watched: Watched) -> Jitter {
    let gaps = &mut watched.gaps;
    gaps.sort_unstable();
    let rank = (gaps.len() * 99).div_ceil(100);
    Jitter {
        core: 0,
        pinned: false,
        span_ns: clock::ns(watched.span),
        gaps: gaps.len() as u64,
        gap_p99_ns: rank.checked_sub(1).map(|at| clock::ns(gaps[at])),
        gap_max_ns: gaps.last().map(|gap| clock::ns(*gap)),
        lost: gaps.iter().sum::<u64>() as f64 / watched.span.max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_and_added_up() {
        let jitter = of(Watched { span: 1_000, gaps: vec![10, 300, 20] });
        assert_eq!(jitter.gaps, 3);
        assert_eq!(jitter.gap_max_ns, Some(clock::ns(300)));
        assert_eq!(jitter.gap_p99_ns, Some(clock::ns(300)));
        assert_eq!(jitter.lost, 0.33);
        let quiet = of(Watched { span: 1_000, gaps: Vec::new() });
        assert_eq!((quiet.gaps, quiet.gap_max_ns, quiet.lost), (0, None, 0.0));
    }

    #[test]
    fn a_core_is_watched_for_its_time() {
        let jitter = on(pin::cores().unwrap()[0]).unwrap();
        assert!(jitter.pinned && jitter.span_ns >= SPAN_NS * 0.999);
        assert!((0.0..=1.0).contains(&jitter.lost));
        // A core that is not there is watched wherever the thread runs, and says so.
        assert!(!on(100_000).unwrap().pinned);
    }
}
