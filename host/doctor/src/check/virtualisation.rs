//! Whether somebody else has the machine.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const VIRTUAL: Check = Check {
    name: "virtual-machine",
    area: Area::System,
    why: "The host decides when a virtual processor runs: interrupts and timers leave the guest, \
          1 to 10 us each, and a thread of the host may take the core for milliseconds. A guest \
          can isolate its cores from itself, not from the host.",
    run: virtualisation,
};

fn virtualisation(machine: &Machine<'_>) -> Outcomes {
    let says = machine.tree.text("/sys/hypervisor/type").ok();
    let guest = match says {
        Some(_) => true,
        // ARM's processors do not say.
        None if !machine.flag("fpu").unwrap_or(false) && machine.flag("fp")? => {
            return Ok(vec![Outcome::cannot_tell("this processor does not say")]);
        }
        None => machine.flag("hypervisor")?,
    };
    if !guest {
        return Ok(vec![Outcome::good("the processor says that no hypervisor runs it")]);
    }
    let name = says.or_else(|| machine.probes.hypervisor.clone());
    let found = match name {
        Some(name) => format!("this is a guest of {name}"),
        None => "this is a guest; of what is not known".into(),
    };
    Ok(vec![
        Outcome::better(found)
            .fix(Remedy::host(
                "pin each virtual processor to a core of its own that the host has isolated, back \
                 the memory with huge pages, and pass the card through",
            ))
            .fix(Remedy::advice("trade on hardware of your own, in the exchange's data centre")),
    ])
}

/// Beyond it a packet in a thousand meets a core that is not there.
const STOLEN: f64 = 1e-3;

pub(super) const STEAL: Check = Check {
    name: "steal-time",
    area: Area::System,
    why: "Stolen time is time in which a virtual processor had work and the host ran something \
          else. Not every host says how much. Linux: filesystems/proc, /proc/stat.",
    run: steal,
};

fn steal(machine: &Machine<'_>) -> Outcomes {
    if !machine.is_virtual() {
        let known = machine.flag("hypervisor").is_ok();
        return Ok(vec![match known {
            true => Outcome::not_applicable("nobody takes time from a machine of one's own"),
            false => Outcome::cannot_tell("whether this is a guest is not known"),
        }]);
    }
    let path = "/proc/stat";
    let text = machine.tree.text(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let times: Option<Vec<u64>> = line.split_whitespace().map(|time| time.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; the rest is part of user and nice.
    let Some([user, nice, system, idle, iowait, irq, softirq, steal]) =
        times.and_then(|times| times.first_chunk::<8>().copied())
    else {
        return Err(Unread::because(path, "has no line with eight times of all processors"));
    };
    let ran = [user, nice, system, irq, softirq].into_iter().fold(steal, u64::saturating_add);
    let share = steal as f64 / ran.max(1) as f64;
    let total = ran.saturating_add(idle).saturating_add(iowait);
    if steal == 0 {
        let found = "none since the start, or this host does not say";
        return Ok(vec![Outcome::good(found)]);
    }
    let found = format!(
        "{:.2} % of the time in which there was work ({:.2} % of all), since the start",
        share * 100.0,
        steal as f64 / total.max(1) as f64 * 100.0
    );
    let host = Remedy::host("give each virtual processor a core of its own");
    Ok(vec![Outcome::bad(share > STOLEN, found).fix(host)])
}
