//! The checks: one idea a file, each a function of a [`Machine`].

mod affinity;
mod busy_poll;
mod capabilities;
mod clock;
mod coalescing;
mod cpuset;
mod frequency;
mod hugepages;
mod idle;
mod iommu;
mod isolation;
mod link;
mod memlock;
mod mitigations;
mod numa;
mod offloads;
mod pages;
mod queues;
mod realtime;
mod rings;
mod siblings;
mod sockets;
mod steering;
mod swap;
mod tick;
mod time;
mod virtualisation;
mod watchdog;
mod work;
mod xdp;

use crate::finding::{Finding, Outcome};
use crate::machine::Machine;
use crate::tree::Unread;
use serde::Serialize;

/// A part of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// What else runs on the cores that trade, and how fast they are.
    Cores,
    /// Pages and what they cost.
    Memory,
    /// Who interrupts.
    Interrupts,
    /// Cards, drivers, ways around the kernel.
    Network,
    /// Clocks.
    Time,
    /// What this process may do, and on what kind of machine.
    System,
    /// What was measured.
    Measured,
}

impl Area {
    /// All of them, in the order of a report.
    pub const ALL: [Area; 7] = [
        Area::Cores,
        Area::Memory,
        Area::Interrupts,
        Area::Network,
        Area::Time,
        Area::System,
        Area::Measured,
    ];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Area::Cores => "Cores",
            Area::Memory => "Memory",
            Area::Interrupts => "Interrupts",
            Area::Network => "Network",
            Area::Time => "Time",
            Area::System => "System",
            Area::Measured => "Measured",
        }
    }
}

pub(crate) type Outcomes = Result<Vec<Outcome>, Unread>;

/// A check.
pub struct Check {
    /// Its name, for `--only` and in JSON; it never changes its meaning.
    pub name: &'static str,
    /// What part of the machine it belongs to.
    pub area: Area,
    /// Why it matters and what it costs.
    pub why: &'static str,
    /// What it finds; an error is a fact that could not be read.
    pub(crate) run: fn(&Machine<'_>) -> Outcomes,
}

/// All checks, in the order of a report.
pub const CHECKS: &[&Check] = &[
    &isolation::ISOLATED,
    &isolation::NOHZ_FULL,
    &isolation::RCU_NOCBS,
    &cpuset::CPUSET,
    &cpuset::QUOTA,
    &frequency::GOVERNOR,
    &frequency::TURBO,
    &idle::IDLE,
    &siblings::SMT,
    &tick::TICK,
    &realtime::RT_THROTTLING,
    &hugepages::HUGEPAGES,
    &hugepages::HUGETLBFS,
    &pages::TRANSPARENT,
    &memlock::MEMLOCK,
    &swap::SWAP,
    &numa::NUMA,
    &numa::BALANCING,
    &affinity::IRQ_AFFINITY,
    &affinity::IRQBALANCE,
    &steering::RPS,
    &steering::XPS,
    &watchdog::WATCHDOG,
    &work::WORKQUEUES,
    &work::STATISTICS,
    &link::LINK,
    &queues::QUEUES,
    &offloads::OFFLOADS,
    &coalescing::COALESCING,
    &rings::RINGS,
    &sockets::SOCKET_BUFFERS,
    &busy_poll::BUSY_POLL,
    &xdp::XDP,
    &xdp::XDP_DRIVER,
    &iommu::IOMMU,
    &clock::CLOCKSOURCE,
    &clock::TSC,
    &time::PTP,
    &time::TIME_SYNC,
    &virtualisation::VIRTUAL,
    &virtualisation::STEAL,
    &mitigations::MITIGATIONS,
    &capabilities::CAPABILITIES,
];

/// Runs the checks of these names, all of them if there is none.
pub fn examine(machine: &Machine<'_>, only: &[String]) -> Vec<Finding> {
    let wanted = |check: &&&Check| only.is_empty() || only.iter().any(|name| name == check.name);
    CHECKS.iter().filter(wanted).flat_map(|check| check.findings(machine)).collect()
}

impl Check {
    fn findings(&self, machine: &Machine<'_>) -> Vec<Finding> {
        let outcomes = (self.run)(machine)
            .unwrap_or_else(|unread| vec![Outcome::cannot_tell(unread.to_string())]);
        let finding = |outcome: Outcome| Finding {
            check: self.name,
            area: self.area,
            subject: outcome.subject,
            verdict: outcome.verdict,
            found: outcome.found,
            why: self.why,
            remedies: outcome.remedies,
        };
        outcomes.into_iter().map(finding).collect()
    }
}

/// One outcome a hot core, each of which may be unreadable by itself.
fn each_core(
    machine: &Machine<'_>,
    check: impl Fn(usize) -> Result<Outcome, Unread>,
) -> Vec<Outcome> {
    if machine.hot.is_empty() {
        return vec![Outcome::cannot_tell("which cores trade is not known: name them with --core")];
    }
    let one = |core| {
        let outcome = check(core).unwrap_or_else(|why| Outcome::cannot_tell(why.to_string()));
        outcome.of(format!("core {core}"))
    };
    machine.hot.iter().map(one).collect()
}

/// One outcome an interface that has a card behind it.
fn each_card(machine: &Machine<'_>, check: impl Fn(&str) -> Result<Outcome, Unread>) -> Outcomes {
    let names = machine.interfaces.as_ref().map_err(Clone::clone)?;
    if names.is_empty() {
        return Ok(vec![Outcome::not_applicable("no interface of a network card is here")]);
    }
    let one = |name: &String| {
        let folder = format!("/sys/class/net/{name}");
        // Names go into commands, and the kernel lets them have nearly any character.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@".contains(c);
        let outcome = if !name.chars().all(plain) {
            Outcome::cannot_tell("its name has characters that no command line takes as they are")
        } else if !machine.tree.exists(&folder) {
            let gone = "there is no such interface";
            match machine.port.is_some_and(crate::Port::takes_device) {
                // Its device belongs to VFIO.
                true => Outcome::not_applicable(gone),
                false => Outcome::wrong(gone),
            }
        } else if !machine.tree.exists(&format!("{folder}/device")) {
            Outcome::not_applicable("it is not a network card: nothing is behind it")
        } else {
            check(name).unwrap_or_else(|why| Outcome::cannot_tell(why.to_string()))
        };
        outcome.of(name)
    };
    Ok(names.iter().map(one).collect())
}
