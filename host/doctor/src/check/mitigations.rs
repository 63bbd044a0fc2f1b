//! What the kernel does about weaknesses of the processor.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const MITIGATIONS: Check = Check {
    name: "mitigations",
    area: Area::System,
    why: "Mitigations make system calls, interrupts and indirect calls slower: 100 ns to 1 us a \
          system call by the processor. A hot path without system calls hardly pays. Turning them \
          off lets any program on the machine read any other's memory: a decision for whoever \
          answers for the machine, not made here. Linux: admin-guide/hw-vuln.",
    run: mitigations,
};

fn mitigations(machine: &Machine<'_>) -> Outcomes {
    let folder = "/sys/devices/system/cpu/vulnerabilities";
    let mut active = Vec::new();
    let mut open = Vec::new();
    let names = machine.tree.names(folder)?;
    for name in &names {
        let state = machine.tree.text(&format!("{folder}/{name}"))?;
        if state.starts_with("Mitigation") {
            active.push(name.as_str());
        } else if state.starts_with("Vulnerable") {
            open.push(name.as_str());
        }
    }
    let open = match open.is_empty() {
        true => String::new(),
        false => format!("; open: {}", open.join(", ")),
    };
    let line = machine.boot("mitigations")?.map(|value| format!("mitigations={value}; "));
    let line = line.unwrap_or_default();
    Ok(vec![match active.is_empty() {
        true => Outcome::good(format!("{line}none costs anything{open}")),
        false => Outcome::better(format!("{line}active: {}{open}", active.join(", "))).fix(
            Remedy::advice(
                "measure with `perf trace` whether the hot thread makes system calls at all, and \
                 bypass the kernel first; mitigations=off is for a machine on which nothing runs \
                 that is not trusted",
            ),
        ),
    }])
}
