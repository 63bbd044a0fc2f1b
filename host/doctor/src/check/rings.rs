//! How many frames wait in a card for the program.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

/// A burst of 1,024 frames at 10 Gbit/s and 100 bytes lasts 100 us.
const WANTED: u32 = 1024;

pub(super) const RINGS: Check = Check {
    name: "nic-rings",
    area: Area::Network,
    why: "What comes while every descriptor of the receive ring is taken is lost, and has to be \
          asked for again. Bursts at the open are thousands of frames long; a ring far larger than \
          that falls out of the cache. ethtool(8), -g.",
    run: rings,
};

fn rings(machine: &Machine<'_>) -> Outcomes {
    if machine.port.is_some_and(Port::takes_device) {
        return Ok(vec![Outcome::not_applicable("the port makes rings of its own")]);
    }
    each_card(machine, |name| {
        let rings = match machine.probes.nic(name).rings {
            Ok(rings) => rings,
            Err(why) => return Ok(Outcome::cannot_tell(why)),
        };
        let (now, most) = (rings.receive, rings.receive_max);
        let found = format!("{now} of at most {most} receive, {} send", rings.transmit);
        Ok(if now >= WANTED {
            Outcome::good(found)
        } else if now >= most {
            Outcome::good(format!("{found}: the card has no more"))
        } else {
            Outcome::better(found).fix(Remedy::command(
                "gives bursts more room; the link goes down for a moment",
                format!("ethtool -G {name} rx {}", WANTED.min(most)),
                Some(format!("ethtool -G {name} rx {now}")),
            ))
        })
    })
}
