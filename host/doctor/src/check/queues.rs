//! Among how many queues a card spreads what it receives.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

pub(super) const QUEUES: Check = Check {
    name: "nic-queues",
    area: Area::Network,
    why: "A card spreads flows over its receive queues by a hash of their addresses. An AF_XDP \
          socket sees one queue only, so the feed's flows have to be steered to it, or there be \
          one queue. Linux: networking/af_xdp; ethtool(8), -L and -N.",
    run: queues,
};

fn queues(machine: &Machine<'_>) -> Outcomes {
    each_card(machine, |name| {
        let nic = machine.probes.nic(name);
        let channels = match nic.channels {
            Ok(channels) => channels,
            Err(why) => return Ok(Outcome::cannot_tell(why)),
        };
        let (now, most) = (channels.receive, channels.receive_max);
        let found = format!("{now} receive queues of at most {most}, {} send", channels.transmit);
        let ntuple = nic.offloads.is_ok_and(|offloads| offloads.ntuple);
        if now <= 1 || machine.port.is_some_and(|port| port != Port::Xdp) {
            return Ok(Outcome::good(found));
        }
        let steer = match ntuple {
            true => "ethtool -N <interface> flow-type udp4 dst-ip <group> action <queue>",
            false => "turn steering on with ethtool -K <interface> ntuple on, if the card can",
        };
        let outcome = match machine.port {
            Some(_) => Outcome::better(found),
            // Right for sockets.
            None => Outcome::good(format!("{found}; AF_XDP needs the feed on one of them")),
        };
        Ok(match machine.port {
            None => outcome,
            Some(_) => outcome
                .fix(Remedy::command(
                    "leaves one queue, which gets everything",
                    format!("ethtool -L {name} combined 1"),
                    Some(format!("ethtool -L {name} combined {now}")),
                ))
                .fix(Remedy::advice(&format!("or steer: {steer}"))),
        })
    })
}
