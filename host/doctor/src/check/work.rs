//! Work that the kernel does for itself on whichever core.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const WORKQUEUES: Check = Check {
    name: "workqueues",
    area: Area::Interrupts,
    why: "The kernel's unbound work (writing back pages, drivers' housekeeping) runs on every core \
          of its mask. Linux: core-api/workqueue.",
    run: workqueues,
};

fn workqueues(machine: &Machine<'_>) -> Outcomes {
    let path = "/sys/devices/virtual/workqueue/cpumask";
    let cores = machine.mask(path)?;
    let hot = cores.both(&machine.hot);
    if hot.is_empty() {
        return Ok(vec![Outcome::good(format!("on cores {cores}, none of them hot"))]);
    }
    let rest = cores.without(&machine.hot);
    let outcome = Outcome::better(format!("may run on core {hot}"));
    Ok(vec![match rest.is_empty() {
        true => outcome.fix(Remedy::advice("needs a core that does not trade")),
        false => outcome.fix(Remedy::write(
            "keeps the kernel's unbound work off the hot cores",
            path,
            &rest.mask(),
            &cores.mask(),
        )),
    }])
}

pub(super) const STATISTICS: Check = Check {
    name: "vm-statistics",
    area: Area::Interrupts,
    why: "Every core that has touched pages adds up its counts once an interval, in a kernel \
          thread of its own: a context switch of a few microseconds a second. Linux: \
          admin-guide/sysctl/vm, stat_interval.",
    run: statistics,
};

fn statistics(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/sys/vm/stat_interval";
    let seconds = machine.tree.number(path)?;
    let found = format!("every {seconds} s");
    Ok(vec![match seconds {
        10.. => Outcome::good(found),
        _ => Outcome::better(found).fix(Remedy::write(
            "adds up every two minutes; vmstat and free then show older numbers",
            path,
            "120",
            &seconds.to_string(),
        )),
    }])
}
