//! How true the stamps are.

use serde::Serialize;
use serde_json::Value as Json;

/// Largest divergence from UTC that MiFID II allows for high-frequency trading (Commission
/// Delegated Regulation (EU) 2017/574, "RTS 25", table 2), ns.
pub const RTS_25_NS: u64 = 100_000;

/// What the journal says of the clock.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClockEvidence {
    /// States of the clock that were written down: one a minute, and one at each start.
    pub samples: u64,
    /// Of those, with the kernel's word that it is synchronised.
    pub synchronised: u64,
    /// Of those, synchronised and with a largest error of at most 100 µs.
    pub within_100us: u64,
    /// Of those, without any estimate of the error.
    pub without_error: u64,
    /// The largest of the largest errors; `None` if none has one.
    pub error_max_ns: Option<u64>,
    /// How far the host's clock was ahead of the system's at most, either way.
    pub ahead_max_ns: u64,
    /// Records of the day.
    pub records: u64,
    /// Of those, written while the last state was synchronised and within 100 µs.
    pub records_within_100us: u64,
    /// What kept the clock, each once.
    pub disciplines: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Clocks {
    evidence: ClockEvidence,
    is_within: bool,
}

impl Clocks {
    pub(super) fn record(&mut self) {
        self.evidence.records += 1;
        self.evidence.records_within_100us += u64::from(self.is_within);
    }

    pub(super) fn sample(&mut self, clock: &Json) {
        let evidence = &mut self.evidence;
        let ahead = clock["ahead_ns"].as_i64().unwrap_or(0).unsigned_abs();
        let error = clock["error_max_ns"].as_u64();
        let synchronised = clock["synchronised"].as_bool().unwrap_or(false);
        // The stamps are the host's clock: what it is off the system's adds to the system's error.
        let both = error.map(|error| error.saturating_add(ahead));
        self.is_within = synchronised && both.is_some_and(|both| both <= RTS_25_NS);
        evidence.samples += 1;
        evidence.synchronised += u64::from(synchronised);
        evidence.within_100us += u64::from(self.is_within);
        evidence.without_error += u64::from(error.is_none());
        evidence.error_max_ns = evidence.error_max_ns.max(both);
        evidence.ahead_max_ns = evidence.ahead_max_ns.max(ahead);
        if let Some(by) = clock["discipline"].as_str() {
            let is_new = evidence.disciplines.iter().all(|known| known != by);
            if is_new && evidence.disciplines.len() < 16 {
                evidence.disciplines.push(by.into());
            }
        }
    }

    pub(super) fn evidence(self) -> ClockEvidence {
        self.evidence
    }
}
