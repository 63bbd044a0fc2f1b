//! How long a card waits before it says that something has come.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

/// Beyond it the wait is more than all that a host does with a packet.
const WRONG_US: u32 = 5;

pub(super) const COALESCING: Check = Check {
    name: "coalescing",
    area: Area::Network,
    why: "With interrupt coalescing a card waits for more frames before it interrupts: its \
          receive time is added to a frame that comes alone. Sockets wait for the interrupt; \
          DPDK and busy polling do not. Linux: networking/ethtool-netlink, COALESCE_GET.",
    run: coalescing,
};

fn coalescing(machine: &Machine<'_>) -> Outcomes {
    if machine.port.is_some_and(Port::takes_device) {
        return Ok(vec![Outcome::not_applicable("nobody waits for the card's interrupts")]);
    }
    each_card(machine, |name| {
        let set = match machine.probes.nic(name).coalescing {
            Ok(set) => set,
            Err(why) => return Ok(Outcome::cannot_tell(why)),
        };
        let (us, frames) = (set.receive_us, set.receive_frames);
        let adaptive = if set.adaptive { ", adaptive" } else { "" };
        let found = format!("interrupts {us} us or {frames} frames after the first{adaptive}");
        if us == 0 && !set.adaptive {
            // Frames without a time would wait for ever; drivers then interrupt at once.
            return Ok(Outcome::good(format!(
                "interrupts at once (rx-usecs 0, rx-frames {frames})"
            )));
        }
        let adaptive =
            |on: &str| if set.adaptive { format!("adaptive-rx {on} ") } else { String::new() };
        let fix = Remedy::command(
            "interrupts at once; more interrupts under load",
            format!("ethtool -C {name} {}rx-usecs 0", adaptive("off")),
            Some(format!("ethtool -C {name} {}rx-usecs {us}", adaptive("on"))),
        );
        Ok(Outcome::bad(set.adaptive || us >= WRONG_US, found).fix(fix))
    })
}
