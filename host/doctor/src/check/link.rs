//! Whether a card is connected.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const LINK: Check = Check {
    name: "link",
    area: Area::Network,
    why: "A line without a link brings nothing, and with two lines nobody notices until the other \
          one fails.",
    run: link,
};

fn link(machine: &Machine<'_>) -> Outcomes {
    each_card(machine, |name| {
        let folder = format!("/sys/class/net/{name}");
        let path = format!("{folder}/operstate");
        let state = machine.tree.text(&path)?;
        // Virtual cards and links that are down have no speed: -1 or an error.
        let speed = machine.tree.number(&format!("{folder}/speed")).ok().filter(|mbit| *mbit > 0);
        let speed = speed.map(|mbit| format!(", {mbit} Mbit/s")).unwrap_or_default();
        Ok(match state.as_str() {
            "up" => Outcome::good(format!("up{speed}")),
            "unknown" => Outcome::cannot_tell("its driver does not say whether it is up"),
            "down" | "lowerlayerdown" | "dormant" | "notpresent" | "testing" => {
                let command = format!("ip link set dev {name} up");
                let revert = Some(format!("ip link set dev {name} down"));
                Outcome::wrong(format!("{state}{speed}")).fix(Remedy::command(
                    "brings it up, if a cable is in it",
                    command,
                    revert,
                ))
            }
            _ => return Err(Unread::strange(&path, &state)),
        })
    })
}
