//! Whether received packets are merged.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

pub(super) const OFFLOADS: Check = Check {
    name: "offloads",
    area: Area::Network,
    why: "LRO merges TCP segments in the card, and several drivers refuse XDP while it is on. GRO \
          merges them in the kernel: a segment of the order session may wait for the end of the \
          poll, and every UDP packet passes its lookup. TSO only concerns sends larger than a \
          segment, which orders are not. Linux: networking/segmentation-offloads.",
    run: offloads,
};

fn offloads(machine: &Machine<'_>) -> Outcomes {
    if machine.port.is_some_and(Port::takes_device) {
        return Ok(vec![Outcome::not_applicable("the kernel has no part in the card's frames")]);
    }
    each_card(machine, |name| {
        let offloads = match machine.probes.nic(name).offloads {
            Ok(offloads) => offloads,
            Err(why) => return Ok(Outcome::cannot_tell(why)),
        };
        let word = |on: bool| if on { "on" } else { "off" };
        let (gro, lro, tso) = (word(offloads.gro), word(offloads.lro), word(offloads.tso));
        let found = format!("LRO {lro}, GRO {gro}, TSO {tso}");
        let off = |what: &str, option: &str| {
            let command = |state: &str| format!("ethtool -K {name} {option} {state}");
            Remedy::command(what, command("off"), Some(command("on")))
        };
        Ok(match (offloads.lro, offloads.gro) {
            (false, false) => Outcome::good(found),
            (false, true) => Outcome::better(found).fix(off("stops merging in the kernel", "gro")),
            (true, false) => Outcome::wrong(found).fix(off("stops merging in the card", "lro")),
            (true, true) => Outcome::wrong(found)
                .fix(off("stops merging in the card", "lro"))
                .fix(off("stops merging in the kernel", "gro")),
        })
    })
}
