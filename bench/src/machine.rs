//! What a run ran on: what the system says about itself, and how quiet the cores were.
//!
//! Everything is read from `/proc` and `/sys` and may be missing, as in a container or a virtual
//! machine: then it is null. Only [`Jitter`] and the clock are measured.

mod facts;
mod jitter;

pub use facts::{Hugepages, Tsc};
pub use jitter::Jitter;

use crate::clock;
use serde::{Deserialize, Serialize};

/// What a run ran on.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's name, as it gives it.
    pub cpu: Option<String>,
    /// Family, model, stepping and microcode: the name alone may be shared by many.
    pub cpu_identity: Option<String>,
    /// Processors the system sees.
    pub cores: Option<u64>,
    /// More than one of them share a core.
    pub smt: Option<bool>,
    /// The core under test now, MHz; a virtual machine often gives a nominal number.
    pub frequency_mhz: Option<f64>,
    /// Lowest and highest frequency, MHz.
    pub frequency_range_mhz: Option<[f64; 2]>,
    /// The frequency governor of the core under test.
    pub governor: Option<String>,
    /// Frequencies above the nominal one are allowed.
    pub turbo: Option<bool>,
    /// Data and unified caches, as `L1d 32K`.
    pub caches: Vec<String>,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Kernel and its version.
    pub kernel: Option<String>,
    /// Who virtualises the machine; `none` if the processor says that nobody does.
    pub hypervisor: Option<String>,
    /// Maker and product of the machine, from its firmware.
    pub product: Option<String>,
    /// Large pages.
    pub hugepages: Hugepages,
    /// Cores the scheduler leaves alone (`isolcpus`).
    pub isolated: Option<String>,
    /// Cores without a timer tick (`nohz_full`).
    pub nohz_full: Option<String>,
    /// What the kernel does about each known weakness of the processor, without those that do not
    /// affect it.
    pub mitigations: Option<Vec<String>>,
    /// The time stamp counter.
    pub tsc: Tsc,
    /// Average number of runnable threads in the last 1, 5 and 15 minutes, before the run.
    pub load: Option<[f64; 3]>,
    /// The counter's rate and the cost of a pair of stamps.
    pub clock: Option<Stamp>,
    /// How much the cores under test were interrupted before the run.
    pub jitter: Vec<Jitter>,
}

/// The counter's rate and the cost of a pair of stamps.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Stamp {
    /// `tsc`, or `clock_monotonic` where there is no counter.
    pub source: String,
    /// Ticks of one nanosecond.
    pub ticks_per_ns: f64,
    /// An interval with nothing in it, nanoseconds: part of every stamped interval.
    pub stamp_cost_p50_ns: f64,
    /// Likewise, 99 %.
    pub stamp_cost_p99_ns: f64,
}

impl Machine {
    /// Reads what there is to read, calibrates the counter and measures the jitter of `cores`:
    /// 0.2 s a core and 0.2 s more.
    pub fn measure(cores: &[usize]) -> Machine {
        let core = cores.first().copied().unwrap_or(0);
        let mut machine = facts::read(&facts::from_system, core);
        machine.hypervisor = facts::hypervisor(machine.hypervisor, facts::vendor());
        let calibration = clock::calibration();
        machine.clock = Some(Stamp {
            source: clock::source().to_string(),
            ticks_per_ns: calibration.ticks_per_ns,
            stamp_cost_p50_ns: calibration.stamp_p50_ns,
            stamp_cost_p99_ns: calibration.stamp_p99_ns,
        });
        machine.jitter = jitter::measure(cores);
        machine
    }

    /// What makes the times of two machines different, and does; each in words. What one of them
    /// does not know is not compared.
    pub fn differences(&self, other: &Machine) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, a: Option<String>, b: Option<String>| {
            if let (Some(a), Some(b)) = (a, b)
                && a != b
            {
                found.push(format!("{what}: {a} against {b}"));
            }
        };
        let text = |value: &Option<String>| value.clone();
        compare("CPU", text(&self.cpu), text(&other.cpu));
        compare("CPU identity", text(&self.cpu_identity), text(&other.cpu_identity));
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        compare("cores", number(self.cores), number(other.cores));
        compare("kernel", text(&self.kernel), text(&other.kernel));
        compare("hypervisor", text(&self.hypervisor), text(&other.hypervisor));
        compare("governor", text(&self.governor), text(&other.governor));
        let flag = |value: Option<bool>| value.map(|on| (if on { "on" } else { "off" }).into());
        compare("SMT", flag(self.smt), flag(other.smt));
        compare("turbo", flag(self.turbo), flag(other.turbo));
        compare("isolated cores", text(&self.isolated), text(&other.isolated));
        compare("nohz_full", text(&self.nohz_full), text(&other.nohz_full));
        let thp = |machine: &Machine| machine.hugepages.transparent.clone();
        compare("transparent huge pages", thp(self), thp(other));
        found
    }
}
