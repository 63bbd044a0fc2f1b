//! Whether a socket asks the card itself instead of waiting for the interrupt.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

pub(super) const BUSY_POLL: Check = Check {
    name: "busy-poll",
    area: Area::Network,
    why: "With net.core.busy_read a read of an empty socket polls the card's queue at once, \
          instead of waiting for interrupt and softirq, which are several microseconds; busy_poll \
          is the same for poll(2) and select(2). It costs processor time on every empty read. The \
          kernel's documentation recommends 50. Linux: admin-guide/sysctl/net.",
    run: busy_poll,
};

fn busy_poll(machine: &Machine<'_>) -> Outcomes {
    if matches!(machine.port, Some(Port::Dpdk | Port::Fpga | Port::Packet)) {
        return Ok(vec![Outcome::not_applicable("the feed does not come by a socket that polls")]);
    }
    let path = |name: &str| format!("/proc/sys/net/core/{name}");
    let read = match machine.tree.number(&path("busy_read")) {
        Err(unread) if unread.is_missing() && machine.tree.exists("/proc/sys/net/core") => {
            let found = "this kernel is built without CONFIG_NET_RX_BUSY_POLL, or this is a \
                         network namespace of its own, where the setting is not shown";
            return Ok(vec![Outcome::cannot_tell(found)]);
        }
        other => other?,
    };
    let poll = machine.tree.number(&path("busy_poll"))?;
    let found = format!("busy_read is {read} us, busy_poll is {poll} us");
    if read > 0 || machine.port == Some(Port::Xdp) {
        // An AF_XDP socket sets it for itself.
        return Ok(vec![Outcome::good(found)]);
    }
    let what = "polls the card for 50 us when a socket is empty; holds for sockets opened later";
    let write = |name: &str, old: i64| Remedy::write(what, &path(name), "50", &old.to_string());
    let outcome = Outcome::better(found).fix(write("busy_read", read));
    Ok(vec![match poll {
        0 => outcome.fix(write("busy_poll", poll)),
        _ => outcome,
    }])
}
