//! What time is read from, and what it costs.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const CLOCKSOURCE: Check = Check {
    name: "clocksource",
    area: Area::Time,
    why: "Reading the clock takes 20 to 40 ns from the time stamp counter, in the process itself; \
          from hpet or acpi_pm it is a system call and a read over a bus, 1 us and more. Linux: \
          timers/timekeeping.",
    run: clocksource,
};

fn clocksource(machine: &Machine<'_>) -> Outcomes {
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let path = format!("{folder}/current_clocksource");
    let current = machine.tree.text(&path)?;
    if !current.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) || current.is_empty()
    {
        return Err(Unread::strange(&path, &current));
    }
    if current == "tsc" || current == "arch_sys_counter" {
        return Ok(vec![Outcome::good(current)]);
    }
    let available = machine.tree.text(&format!("{folder}/available_clocksource"))?;
    // A paravirtual clock is read in the process too, through a page the host keeps up.
    let in_process = ["kvm-clock", "hyperv_clocksource_tsc_page"].contains(&current.as_str());
    let found = format!("{current}; available are {available}");
    let outcome = Outcome::bad(!in_process, found);
    Ok(vec![if available.split(' ').any(|name| name == "tsc") {
        let what = "reads the time stamp counter";
        let write = Remedy::write(what, &path, "tsc", &current);
        outcome.fix(write).fix(Remedy::boot("and from the next boot on", "clocksource=tsc".into()))
    } else if machine.is_virtual() {
        outcome.fix(Remedy::host("give the guest an invariant TSC (QEMU: -cpu host,+invtsc)"))
    } else {
        outcome.fix(Remedy::advice(
            "the kernel has found the counter unsteady: `dmesg | grep -i tsc` says why",
        ))
    }])
}

pub(super) const TSC: Check = Check {
    name: "tsc",
    area: Area::Time,
    why: "Stamps are readings of the time stamp counter. They are only times if it runs at one \
          rate at every clock (constant_tsc) and while the core sleeps (nonstop_tsc). Intel, \
          Software Developer's Manual, 19.17.",
    run: tsc,
};

fn tsc(machine: &Machine<'_>) -> Outcomes {
    let is_x86 = machine.flag("tsc")?;
    if !is_x86 {
        let found = "the processor lists no time stamp counter; another counter is its clock";
        return Ok(vec![Outcome::not_applicable(found)]);
    }
    let missing: Vec<&str> = ["constant_tsc", "nonstop_tsc"]
        .into_iter()
        .filter(|flag| !machine.flag(flag).unwrap_or(false))
        .collect();
    if missing.is_empty() {
        return Ok(vec![Outcome::good("constant_tsc and nonstop_tsc")]);
    }
    let outcome = Outcome::wrong(format!("the processor does not say {}", missing.join(" and ")));
    Ok(vec![match machine.is_virtual() {
        true => outcome.fix(Remedy::host(
            "give the guest an invariant TSC (QEMU: -cpu host,+invtsc); a machine that is moved \
             between hosts cannot have it",
        )),
        false => outcome.fix(Remedy::advice("a processor of this age is not for trading")),
    }])
}
