//! How deep the hot cores sleep.

use super::{Area, Check, Outcomes, each_core};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

/// C1 wakes within 2 µs on every processor that lists it; deeper states take 10 to 200.
const LATENCY_US: i64 = 2;

pub(super) const IDLE: Check = Check {
    name: "idle-states",
    area: Area::Cores,
    why: "A core that sleeps deep wakes late: 2 us from C1, some 100 us from C6, with cold caches. \
          A thread that spins never sleeps; one that backs off or waits for an interrupt does. \
          Linux: admin-guide/pm/cpuidle.",
    run: idle,
};

fn idle(machine: &Machine<'_>) -> Outcomes {
    if let Ok(Some(how)) = machine.boot("idle")
        && how == "poll"
    {
        return Ok(vec![Outcome::good("idle=poll: no core ever sleeps")]);
    }
    if let Some(limit) = latency_limit(machine)
        && limit <= LATENCY_US
    {
        let found = format!("/dev/cpu_dma_latency holds every core to states of {limit} us");
        return Ok(vec![Outcome::good(found)]);
    }
    Ok(each_core(machine, |core| {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpuidle");
        let states = match machine.tree.names(&folder) {
            Ok(states) => states,
            Err(unread) if unread.is_missing() => return Ok(no_driver(machine)),
            Err(unread) => return Err(unread),
        };
        let mut deep = Vec::new();
        let mut deepest = String::from("none");
        for state in states.iter().filter(|name| name.starts_with("state")) {
            let file = |name: &str| format!("{folder}/{state}/{name}");
            let name = machine.tree.text(&file("name"))?;
            let latency = machine.tree.number(&file("latency"))?;
            let disabled = match machine.tree.text(&file("disable"))?.as_str() {
                "0" => false,
                "1" => true,
                text => return Err(Unread::strange(&file("disable"), text)),
            };
            if !disabled {
                deepest = format!("{name} ({latency} us)");
                if latency > LATENCY_US {
                    let what = format!("keeps the core out of {name}");
                    deep.push(Remedy::write(&what, &file("disable"), "1", "0"));
                }
            }
        }
        if deep.is_empty() {
            return Ok(Outcome::good(format!("deepest state in use: {deepest}")));
        }
        let outcome = Outcome::better(format!("may sleep as deep as {deepest}"));
        Ok(outcome.fixes(deep).fix(Remedy::advice(
            "or for all cores at boot: intel_idle.max_cstate=1 processor.max_cstate=1",
        )))
    }))
}

fn no_driver(machine: &Machine<'_>) -> Outcome {
    match machine.is_virtual() {
        true => Outcome::not_applicable("the hypervisor decides how the core sleeps"),
        false => Outcome::cannot_tell("the kernel has no cpuidle driver here"),
    }
}

/// What the strictest holder of `/dev/cpu_dma_latency` asks for: a native 32-bit number.
fn latency_limit(machine: &Machine<'_>) -> Option<i64> {
    let bytes = machine.tree.bytes("/dev/cpu_dma_latency").ok()?;
    let limit = i32::from_ne_bytes(bytes.try_into().ok()?);
    (limit >= 0).then_some(i64::from(limit))
}
