//! Whether cards, cores and memory are close to each other.

use super::{Area, Check, Outcomes, each_card};
use crate::cores::CoreSet;
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const NUMA: Check = Check {
    name: "numa",
    area: Area::Memory,
    why: "A frame that a card writes to the other socket's memory crosses the link between them: \
          some 100 ns more a miss, on the way in and on the way out. Linux: \
          admin-guide/mm/numaperf.",
    run: numa,
};

/// The nodes with their cores.
fn nodes(machine: &Machine<'_>) -> Result<Vec<(i64, CoreSet)>, Unread> {
    let folder = "/sys/devices/system/node";
    let mut nodes = Vec::new();
    for name in machine.tree.names(folder)? {
        let number = name.strip_prefix("node").and_then(|number| number.parse::<u16>().ok());
        if let Some(number) = number {
            let cores = machine.cores(&format!("{folder}/{name}/cpulist"))?;
            nodes.push((i64::from(number), cores));
        }
    }
    if nodes.is_empty() { Err(Unread::because(folder, "lists no node")) } else { Ok(nodes) }
}

fn numa(machine: &Machine<'_>) -> Outcomes {
    let nodes = match nodes(machine) {
        Ok(nodes) => nodes,
        Err(unread) if unread.is_missing() && machine.tree.exists("/sys/devices/system/cpu") => {
            let found = "this kernel knows no nodes: all memory is as far";
            return Ok(vec![Outcome::not_applicable(found)]);
        }
        Err(unread) => return Err(unread),
    };
    if let [(node, _)] = nodes[..] {
        let found = format!("one node ({node}): all memory is as far, as this machine says");
        return Ok(vec![Outcome::good(found)]);
    }
    let of_cores: Vec<i64> = nodes
        .iter()
        .filter(|(_, cores)| !cores.both(&machine.hot).is_empty())
        .map(|(node, _)| *node)
        .collect();
    let mut outcomes = Vec::new();
    if of_cores.len() > 1 {
        let found = format!("the hot cores {} are on nodes {of_cores:?}", machine.hot);
        let advice = Remedy::advice("take cores of one node");
        outcomes.push(Outcome::better(found).fix(advice));
    }
    outcomes.extend(each_card(machine, |name| {
        let path = format!("/sys/class/net/{name}/device/numa_node");
        // A virtual card's device stands below the one of the bus, which knows.
        let bus = format!("/sys/class/net/{name}/device/../numa_node");
        let node =
            machine.tree.number(&path).or_else(|why| machine.tree.number(&bus).map_err(|_| why))?;
        let Some((_, near)) = nodes.iter().find(|(number, _)| *number == node) else {
            let found = format!("its node is {node}, which the firmware leaves open");
            return Ok(Outcome::cannot_tell(found));
        };
        let far = machine.hot.without(near);
        if far.is_empty() {
            return Ok(Outcome::good(format!("on node {node}, as the hot cores")));
        }
        let found = format!("on node {node} (cores {near}); core {far} is not");
        let advice = Remedy::advice(&format!("trade on cores of {near}, or move the card"));
        Ok(Outcome::wrong(found).fix(advice))
    })?);
    Ok(outcomes)
}

pub(super) const BALANCING: Check = Check {
    name: "numa-balancing",
    area: Area::Memory,
    why: "To see who uses which page the kernel takes mappings away and lets accesses fault, and \
          moves pages between nodes: microseconds each, on the hot thread too. Linux: \
          admin-guide/sysctl/kernel, numa_balancing.",
    run: balancing,
};

fn balancing(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/sys/kernel/numa_balancing";
    let on = match machine.tree.number(path) {
        Err(unread) if unread.is_missing() && machine.tree.exists("/proc/sys/kernel") => {
            return Ok(vec![Outcome::good("this kernel does not have it")]);
        }
        other => other?,
    };
    Ok(vec![match on {
        0 => Outcome::good("off"),
        _ => Outcome::better(format!("on ({on})")).fix(Remedy::write(
            "leaves pages where they are",
            path,
            "0",
            &on.to_string(),
        )),
    }])
}
