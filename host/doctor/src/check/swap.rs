//! Pages that may leave memory.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const SWAP: Check = Check {
    name: "swap",
    area: Area::Memory,
    why: "A page of the host that was swapped out is read back when it is touched: 0.1 ms from \
          flash, 10 ms from a disk. Locked memory (`lock_memory`) stays, that of the programs \
          beside it does not. Linux: admin-guide/sysctl/vm, swappiness.",
    run: swap,
};

fn swap(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/swaps";
    let text = machine.tree.text(path)?;
    let mut lines = text.lines();
    if !lines.next().is_some_and(|line| line.starts_with("Filename")) {
        return Err(Unread::strange(path, &text));
    }
    let areas: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    if areas.is_empty() {
        return Ok(vec![Outcome::good("there is none")]);
    }
    let path = "/proc/sys/vm/swappiness";
    let swappiness = machine.tree.number(path)?;
    let outcome =
        Outcome::better(format!("{} in use, vm.swappiness is {swappiness}", areas.join(", "))).fix(
            Remedy::command(
                "swaps everything back in and stops; needs as much free memory",
                "swapoff -a".into(),
                Some("swapon -a".into()),
            ),
        );
    Ok(vec![match swappiness > 10 {
        true => outcome.fix(Remedy::write(
            "swaps only when memory is nearly used up",
            path,
            "1",
            &swappiness.to_string(),
        )),
        false => outcome,
    }])
}
