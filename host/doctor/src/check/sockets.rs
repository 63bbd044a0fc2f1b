//! How much a socket may hold for a program that is late.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

/// Half of it is what a program that asks for 4 MiB, as `feed.receive_buffer_mib` does by default,
/// gets; the kernel counts its own overhead too.
const WANTED: i64 = 4 << 20;

/// Less than 1 MiB holds a few hundred packets.
const WRONG: i64 = 1 << 20;

pub(super) const SOCKET_BUFFERS: Check = Check {
    name: "socket-buffers",
    area: Area::Network,
    why: "A UDP socket drops what does not fit its buffer, and a program may not ask for more than \
          net.core.rmem_max; the default of 208 KiB holds a few hundred packets, less than a burst \
          at the open. Linux: admin-guide/sysctl/net.",
    run: buffers,
};

fn buffers(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/sys/net/core/rmem_max";
    let bytes = machine.tree.number(path)?;
    let found = format!("net.core.rmem_max is {bytes} bytes");
    if bytes >= WANTED {
        return Ok(vec![Outcome::good(found)]);
    }
    if matches!(machine.port, Some(Port::Dpdk | Port::Xdp | Port::Packet | Port::Fpga)) {
        let found = format!("{found}; the feed does not come by sockets");
        return Ok(vec![Outcome::not_applicable(found)]);
    }
    let what = "lets sockets hold 16 MiB";
    let write = Remedy::write(what, path, "16777216", &bytes.to_string());
    Ok(vec![Outcome::bad(bytes < WRONG, found).fix(write)])
}
