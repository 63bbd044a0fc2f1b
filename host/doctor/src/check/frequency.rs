//! How fast the hot cores run.

use super::{Area, Check, Outcomes, each_core};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const GOVERNOR: Check = Check {
    name: "governor",
    area: Area::Cores,
    why: "A governor that follows the load runs the first packet after a quiet spell at a low \
          clock, and a change of clock stops the core for tens of microseconds. Linux: \
          admin-guide/pm/cpufreq.",
    run: governor,
};

fn governor(machine: &Machine<'_>) -> Outcomes {
    if !machine.tree.exists("/sys/devices/system/cpu/cpu0/cpufreq") {
        return Ok(vec![match machine.is_virtual() {
            true => Outcome::not_applicable("a virtual machine has no say in the clock")
                .fix(Remedy::host("set the governor to performance on the host")),
            false => Outcome::cannot_tell(
                "no cpufreq driver: the clock is the firmware's, look at its power profile",
            ),
        }]);
    }
    Ok(each_core(machine, |core| {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpufreq");
        let path = format!("{folder}/scaling_governor");
        let governor = machine.tree.text(&path)?;
        if governor == "performance" {
            return Ok(Outcome::good("performance"));
        }
        let known = ["powersave", "ondemand", "conservative", "schedutil", "userspace"];
        if !known.contains(&governor.as_str()) {
            return Err(Unread::strange(&path, &governor));
        }
        if governor == "userspace" {
            return Ok(Outcome::good("userspace: somebody has set a clock, which stays"));
        }
        let what = "runs the core at its highest clock";
        Ok(Outcome::wrong(&governor).fix(Remedy::write(what, &path, "performance", &governor)))
    }))
}

pub(super) const TURBO: Check = Check {
    name: "turbo",
    area: Area::Cores,
    why: "Turbo is 10 to 50 % more clock for cores that compute; how much depends on what the \
          other cores do, so times spread more. Whoever needs the same time every time fixes a \
          clock all cores hold together. Linux: admin-guide/pm/intel_pstate, no_turbo.",
    run: turbo,
};

fn turbo(machine: &Machine<'_>) -> Outcomes {
    let intel = "/sys/devices/system/cpu/intel_pstate/no_turbo";
    let other = "/sys/devices/system/cpu/cpufreq/boost";
    let (path, on, off) = match (machine.tree.exists(intel), machine.tree.exists(other)) {
        (true, _) => (intel, "0", "1"),
        (_, true) => (other, "1", "0"),
        _ if machine.is_virtual() => {
            let found = "a virtual machine has no say in the clock";
            return Ok(vec![Outcome::not_applicable(found)]);
        }
        _ => {
            let found = "neither intel_pstate/no_turbo nor cpufreq/boost is there";
            return Ok(vec![Outcome::cannot_tell(found)]);
        }
    };
    let now = machine.tree.text(path)?;
    Ok(vec![if now == on {
        Outcome::good("allowed")
    } else if now == off {
        let write = Remedy::write("allows clocks above the nominal one", path, on, off);
        Outcome::better("not allowed: steady, and slower than it could be").fix(write)
    } else {
        return Err(Unread::strange(path, &now));
    }])
}
