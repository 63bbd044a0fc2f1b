//! The clock from which stamps are taken, and what keeps it.
//!
//! The kernel's opinion (adjtimex(2)) is handed in, because it takes a system call without a safe
//! wrapper. What disciplines the clock is asked of chrony, whose `tracking` also bounds the error
//! tighter than the kernel does; without chrony it is told from the kernel and `/dev/ptp*`.

use crate::view::Clock;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the kernel says of its clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernel {
    /// It holds it for synchronised: `STA_UNSYNC` is not set.
    pub synchronised: bool,
    /// Its estimate of the largest error against UTC, ns: `maxerror`.
    pub error_max_ns: u64,
}

/// Where the state of the clock is read.
pub struct ClockReader {
    source: String,
    /// `None` where the kernel cannot be asked.
    kernel: Box<dyn Fn() -> Option<Kernel> + Send>,
    /// How far the host's clock is ahead of the system's, ns.
    ahead: Box<dyn Fn() -> i64 + Send>,
}

/// Longest wait for chronyc.
const CHRONYC_MAX: Duration = Duration::from_millis(500);
/// Most of what chronyc prints that is read.
const TRACKING_MAX: u64 = 4_096;

impl ClockReader {
    /// A reader. `source` names where stamps come from; `ahead` says how far that is ahead of the
    /// system's clock.
    pub fn new(
        source: &str,
        kernel: impl Fn() -> Option<Kernel> + Send + 'static,
        ahead: impl Fn() -> i64 + Send + 'static,
    ) -> ClockReader {
        ClockReader { source: source.into(), kernel: Box::new(kernel), ahead: Box::new(ahead) }
    }

    /// The state now. May wait half a second for chrony.
    pub fn read(&self) -> Clock {
        let kernel = (self.kernel)();
        let tracking = tracking().and_then(|text| Tracking::parse(&text));
        let has_ptp = std::path::Path::new("/dev/ptp0").exists();
        Clock {
            source: self.source.clone(),
            ahead_ns: (self.ahead)(),
            ..state(kernel, tracking, has_ptp)
        }
    }
}

/// What chrony says of its clock.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Tracking {
    is_ptp: bool,
    has_source: bool,
    error_max_ns: u64,
}

impl Tracking {
    /// One line of `chronyc -c tracking`: reference, name, stratum, reference time, offset of the
    /// system's clock, last and RMS offset, frequency, residual, skew, root delay, root dispersion,
    /// update interval, leap status. The error is at most offset, dispersion and half the delay
    /// (chronyc(1), "tracking").
    fn parse(line: &str) -> Option<Tracking> {
        let fields: Vec<&str> = line.trim().split(',').collect();
        let number = |at: usize| {
            let value = fields.get(at)?.parse::<f64>().ok()?;
            value.is_finite().then(|| value.abs())
        };
        let error_s = number(4)? + number(11)? + number(10)? / 2.0;
        let name = fields.get(1)?;
        Some(Tracking {
            is_ptp: name.starts_with("PHC") || name.starts_with("PTP"),
            has_source: *fields.get(13)? != "Not synchronised",
            error_max_ns: (error_s * 1e9) as u64,
        })
    }
}

fn state(kernel: Option<Kernel>, tracking: Option<Tracking>, has_ptp: bool) -> Clock {
    let synchronised = kernel.is_some_and(|kernel| kernel.synchronised);
    let discipline = match (tracking, kernel) {
        (Some(tracking), _) if tracking.is_ptp && tracking.has_source => "ptp",
        (Some(tracking), _) if tracking.has_source => "chrony",
        (_, None) => "unknown",
        (_, Some(kernel)) if !kernel.synchronised => "none",
        (_, Some(_)) if has_ptp => "ptp",
        (_, Some(_)) => "ntp",
    };
    let chrony = tracking.filter(|tracking| tracking.has_source).map(|t| t.error_max_ns);
    let kernel = kernel.filter(|kernel| kernel.synchronised).map(|kernel| kernel.error_max_ns);
    Clock {
        discipline: discipline.into(),
        synchronised,
        error_max_ns: chrony.or(kernel),
        ..Clock::default()
    }
}

/// What chronyc prints, if it is there and answers in time.
fn tracking() -> Option<String> {
    let mut child = Command::new("chronyc")
        .args(["-c", "-n", "tracking"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + CHRONYC_MAX;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => break None,
        }
    };
    if status.is_none() {
        // It does not answer; both fail only where it has ended meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
    let mut text = String::new();
    child.stdout.take()?.take(TRACKING_MAX).read_to_string(&mut text).ok()?;
    status.filter(std::process::ExitStatus::success).map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "A9FEA97B,169.254.169.123,4,1700000000.1,0.000001500,-0.000000200,0.000002,\
                        -3.5,0.001,0.02,0.000400000,0.000100000,16.2,Normal\n";

    #[test]
    fn chrony_bounds_the_error_by_offset_dispersion_and_half_the_delay() {
        let tracking = Tracking::parse(LINE).unwrap();
        assert_eq!(tracking.error_max_ns, 301_500);
        let kernel = Some(Kernel { synchronised: true, error_max_ns: 9_000_000 });
        let clock = state(kernel, Some(tracking), false);
        assert_eq!((clock.discipline.as_str(), clock.error_max_ns), ("chrony", Some(301_500)));
        let phc = Tracking::parse(&LINE.replace("169.254.169.123", "PHC0")).unwrap();
        assert_eq!(state(kernel, Some(phc), true).discipline, "ptp");
    }

    #[test]
    fn without_chrony_the_kernel_is_believed() {
        let kernel = |synchronised| Some(Kernel { synchronised, error_max_ns: 5 });
        let told = |kernel, ptp| {
            let clock = state(kernel, None, ptp);
            (clock.discipline, clock.synchronised, clock.error_max_ns)
        };
        assert_eq!(told(kernel(true), false), ("ntp".into(), true, Some(5)));
        assert_eq!(told(kernel(true), true), ("ptp".into(), true, Some(5)));
        assert_eq!(told(kernel(false), true), ("none".into(), false, None));
        assert_eq!(told(None, true), ("unknown".into(), false, None));
    }

    #[test]
    fn what_chronyc_should_not_say_is_not_believed() {
        for text in ["", "506 Cannot talk to daemon", ",,,,,,,,,,,,,", &LINE[..60], "a,b,c,d,NaN"] {
            assert_eq!(Tracking::parse(text), None, "{text}");
        }
        let lost = Tracking::parse(&LINE.replace("Normal", "Not synchronised")).unwrap();
        assert_eq!(state(None, Some(lost), false).discipline, "unknown");
    }
}
