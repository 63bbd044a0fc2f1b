//! Timers that watch for cores that hang.

use super::{Area, Check, Outcomes};
use crate::cores::CoreSet;
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const WATCHDOG: Check = Check {
    name: "watchdog",
    area: Area::Interrupts,
    why: "The lockup detectors interrupt every core: one with a non-maskable interrupt and a \
          performance counter it keeps for itself, the other with a timer and a thread every 4 s \
          that runs above every policy. Cores of nohz_full are left out unless told otherwise. \
          Linux: admin-guide/lockup-watchdogs.",
    run: watchdog,
};

fn watchdog(machine: &Machine<'_>) -> Outcomes {
    let folder = "/proc/sys/kernel";
    let path = |name: &str| format!("{folder}/{name}");
    let on = match machine.tree.number(&path("watchdog")) {
        Err(unread) if unread.is_missing() && machine.tree.exists(folder) => {
            return Ok(vec![Outcome::good("this kernel has none")]);
        }
        other => other?,
    };
    // Not every processor has the counters that the other one needs.
    let nmi = machine.tree.number(&path("nmi_watchdog")).unwrap_or(0);
    let soft = machine.tree.number(&path("soft_watchdog")).unwrap_or(on);
    if on == 0 || (nmi == 0 && soft == 0) {
        return Ok(vec![Outcome::good("off")]);
    }
    let watched = machine.cores(&path("watchdog_cpumask"))?;
    let hot: CoreSet = watched.both(&machine.hot);
    if hot.is_empty() {
        return Ok(vec![Outcome::good(format!("watches cores {watched}, none of them hot"))]);
    }
    let rest = watched.without(&machine.hot);
    let names = match nmi {
        0 => "the soft lockup detector watches",
        _ => "both lockup detectors watch",
    };
    let mut outcome = Outcome::better(format!("{names} core {hot}"));
    if nmi != 0 {
        let what = "takes the detector with the non-maskable interrupt away";
        let write = Remedy::write(what, &path("nmi_watchdog"), "0", &nmi.to_string());
        outcome = outcome.fix(write);
    }
    let what = "leaves the hot cores out";
    Ok(vec![match rest.is_empty() {
        true => outcome,
        false => outcome.fix(Remedy::write(
            what,
            &path("watchdog_cpumask"),
            &rest.to_string(),
            &watched.to_string(),
        )),
    }])
}
