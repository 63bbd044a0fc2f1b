//! All of it in one value, which JSON is made from.

use crate::boot::Boot;
use crate::finding::{Finding, Verdict};
use crate::machine::Machine;
use crate::measure::Measurements;
use crate::subject::{Chosen, Port};
use serde::Serialize;

/// What an examination came to.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of this layout; a field that changes its meaning or goes away makes it another.
    pub version: u32,
    /// The machine in words, as far as it says.
    pub machine: Description,
    /// How many findings came to which verdict.
    pub counts: Counts,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
    /// None where they were skipped.
    pub measurements: Option<Measurements>,
    /// What to put on the kernel's command line; none if nothing is.
    pub boot: Option<Boot>,
}

/// A machine in words.
#[derive(Debug, Serialize)]
pub struct Description {
    /// The processor's name.
    pub cpu: Option<String>,
    /// Cores that are online.
    pub cores: Option<usize>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// Maker and product.
    pub product: Option<String>,
    /// A hypervisor runs it.
    pub virtual_machine: bool,
    /// Cores that trade.
    pub hot_cores: String,
    /// Where they are known from.
    pub hot_cores_from: Chosen,
    /// Interfaces that were looked at.
    pub interfaces: Vec<String>,
    /// What takes the frames; none if not said.
    pub port: Option<Port>,
    /// Average number of runnable threads in the last minute.
    pub load: Option<f64>,
}

/// Findings by verdict.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Counts {
    /// As they should be.
    pub good: usize,
    /// Could be better.
    pub could_be_better: usize,
    /// Wrong.
    pub wrong: usize,
    /// Mean nothing here.
    pub not_applicable: usize,
    /// Could not be read.
    pub cannot_tell: usize,
}

impl Counts {
    /// Counts verdicts.
    pub fn of(findings: &[Finding]) -> Counts {
        let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
        Counts {
            good: count(Verdict::Good),
            could_be_better: count(Verdict::CouldBeBetter),
            wrong: count(Verdict::Wrong),
            not_applicable: count(Verdict::NotApplicable),
            cannot_tell: count(Verdict::CannotTell),
        }
    }
}

impl Report {
    /// Puts findings and measurements together.
    pub fn new(
        machine: &Machine<'_>,
        mut findings: Vec<Finding>,
        measurements: Option<Measurements>,
    ) -> Report {
        findings.extend(measurements.iter().flat_map(|all| all.findings(machine)));
        Report {
            version: 1,
            machine: describe(machine),
            counts: Counts::of(&findings),
            boot: Boot::of(machine, &findings),
            findings,
            measurements,
        }
    }

    /// Something is wrong, or could be better where that counts too.
    pub fn is_bad(&self, strict: bool) -> bool {
        self.counts.wrong > 0 || (strict && self.counts.could_be_better > 0)
    }
}

fn describe(machine: &Machine<'_>) -> Description {
    let text = |path: &str| machine.tree.text(path).ok().filter(|text| !text.is_empty());
    let cpuinfo = text("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_string())
    });
    let product: Vec<String> = ["sys_vendor", "product_name"]
        .iter()
        .filter_map(|name| text(&format!("/sys/class/dmi/id/{name}")))
        .collect();
    let load = text("/proc/loadavg");
    Description {
        cpu: model,
        cores: machine.online.as_ref().ok().map(crate::CoreSet::len),
        kernel: text("/proc/sys/kernel/osrelease"),
        product: (!product.is_empty()).then(|| product.join(" ")),
        virtual_machine: machine.is_virtual(),
        hot_cores: machine.hot.to_string(),
        hot_cores_from: machine.chosen,
        interfaces: machine.interface_names().to_vec(),
        port: machine.port,
        load: load
            .and_then(|text| text.split(' ').next()?.parse().ok())
            .filter(|load: &f64| load.is_finite()),
    }
}
