//! Who shares the execution units of a hot core.

use super::{Area, Check, Outcomes, each_core};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const SMT: Check = Check {
    name: "smt",
    area: Area::Cores,
    why: "Two threads of one core share its caches, buffers and execution units: what runs on the \
          sibling slows the hot thread by a quarter to a half whenever it is busy. Intel, \
          Optimization Reference Manual, Hyper-Threading.",
    run: smt,
};

fn smt(machine: &Machine<'_>) -> Outcomes {
    let online = machine.online.clone().unwrap_or_default();
    Ok(each_core(machine, |core| {
        let topology = format!("/sys/devices/system/cpu/cpu{core}/topology");
        let path = format!("{topology}/thread_siblings_list");
        let siblings = machine.cores(&path)?.both(&online);
        let others: crate::CoreSet = siblings.iter().filter(|other| *other != core).collect();
        if others.is_empty() {
            return Ok(match machine.is_virtual() {
                true => Outcome::cannot_tell(
                    "no sibling is shown; what runs on the other thread of the real core only the \
                     host knows",
                )
                .fix(Remedy::host("give the guest whole cores, or turn SMT off on the host")),
                false => Outcome::good("no other thread shares the core"),
            });
        }
        let both_hot = others.both(&machine.hot);
        let fix = others.iter().filter(|other| !machine.hot.has(*other)).filter_map(|other| {
            // Core 0 of x86 cannot be taken offline.
            let path = format!("/sys/devices/system/cpu/cpu{other}/online");
            let what = format!("takes core {other}, the sibling of core {core}, offline");
            let online = machine.tree.text(&path).ok()?;
            (online == "1").then(|| Remedy::write(&what, &path, "0", "1"))
        });
        let fix: Vec<Remedy> = fix.collect();
        if !both_hot.is_empty() {
            let found = format!("shares its core with core {both_hot}, which trades too");
            let advice = Remedy::advice("name one core of each pair only");
            return Ok(Outcome::wrong(found).fix(advice));
        }
        let isolated = machine.isolated.clone().unwrap_or_default();
        let shared = others.without(&isolated);
        let found = format!("shares its core with core {others}");
        Ok(match shared.is_empty() {
            true => {
                Outcome::better(format!("{found}, which is isolated: leave it idle")).fixes(fix)
            }
            false => Outcome::wrong(format!("{found}, which anything may run on")).fixes(fix),
        })
    }))
}
