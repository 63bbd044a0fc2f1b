//! What this process may do.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;

/// A capability by its number in `linux/capability.h`, what for, and which ports need it.
struct Wanted {
    name: &'static str,
    number: u32,
    what: &'static str,
    ports: &'static [Port],
}

const WANTED: &[Wanted] = &[
    Wanted { name: "CAP_NET_ADMIN", number: 12, what: "attach XDP programs", ports: &[Port::Xdp] },
    Wanted {
        name: "CAP_NET_RAW",
        number: 13,
        what: "packet and AF_XDP sockets",
        ports: &[Port::Packet, Port::Xdp],
    },
    Wanted { name: "CAP_IPC_LOCK", number: 14, what: "lock memory beyond the limit", ports: &[] },
    Wanted { name: "CAP_SYS_NICE", number: 23, what: "raise priority", ports: &[] },
    Wanted { name: "CAP_BPF", number: 39, what: "load XDP programs", ports: &[Port::Xdp] },
];

pub(super) const CAPABILITIES: Check = Check {
    name: "capabilities",
    area: Area::System,
    why: "Ways around the kernel, locked memory and real-time priority each take a capability of \
          the process. This is what `tercel doctor` itself has; run it as whoever runs the host. \
          capabilities(7).",
    run: capabilities,
};

fn capabilities(machine: &Machine<'_>) -> Outcomes {
    let mut has = Vec::new();
    let mut lacks = Vec::new();
    for wanted in WANTED {
        // CAP_SYS_ADMIN (21) is what CAP_BPF was split off.
        let capable =
            machine.capable(wanted.number)? || (wanted.number == 39 && machine.capable(21)?);
        if capable { has.push(wanted) } else { lacks.push(wanted) }
    }
    let names = |list: &[&Wanted]| list.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
    if lacks.is_empty() {
        return Ok(vec![Outcome::good(names(&has))]);
    }
    let needed = |one: &&Wanted| machine.port.is_some_and(|port| one.ports.contains(&port));
    let wrong = lacks.iter().any(needed);
    let missing: Vec<String> =
        lacks.iter().map(|one| format!("{} ({})", one.name, one.what)).collect();
    let setcap = lacks.iter().map(|one| one.name.to_lowercase()).collect::<Vec<_>>().join(",");
    let advice =
        format!("setcap {setcap}+ep <the tercel binary>; or AmbientCapabilities= of its unit");
    let outcome = Outcome::bad(wrong, format!("lacks {}", missing.join(", ")));
    Ok(vec![outcome.fix(Remedy::advice(&advice))])
}
