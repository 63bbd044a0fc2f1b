//! How much memory may be kept from being paged out.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

/// CAP_IPC_LOCK of `linux/capability.h`, which lifts the limit.
const IPC_LOCK: u32 = 14;

/// The books of the default configuration reserve 1.4 GB; mlockall counts all that is mapped.
const WANTED: u64 = 2 << 30;

pub(super) const MEMLOCK: Check = Check {
    name: "memlock",
    area: Area::Memory,
    why: "`lock_memory` keeps every page in memory, so that none is read back from disk on the way \
          of an order: a major fault takes 0.1 to 10 ms. It fails beyond RLIMIT_MEMLOCK, as do the \
          rings of AF_XDP on kernels before 5.11 and the memory of VFIO. setrlimit(2), mlock(2).",
    run: memlock,
};

fn memlock(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/self/limits";
    let text = machine.tree.text(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max locked memory"));
    let line = line.ok_or_else(|| Unread::because(path, "has no line for locked memory"))?;
    let soft = line.split_whitespace().next().unwrap_or_default();
    let limit = match soft {
        "unlimited" => None,
        _ => Some(soft.parse::<u64>().map_err(|_| Unread::strange(path, line))?),
    };
    let Some(limit) = limit else { return Ok(vec![Outcome::good("unlimited")]) };
    let words = match limit >> 20 {
        0 => format!("{limit} bytes"),
        mib => format!("{mib} MiB"),
    };
    if machine.capable(IPC_LOCK).unwrap_or(false) {
        let found = format!("{words}, which CAP_IPC_LOCK lifts for this process");
        return Ok(vec![Outcome::good(found)]);
    }
    let advice = Remedy::advice(
        "raise it for whoever runs the host: LimitMEMLOCK=infinity in its systemd unit, or the \
         lines `user - memlock unlimited` in /etc/security/limits.d, or ulimit -l unlimited",
    );
    Ok(vec![Outcome::bad(limit < WANTED, words).fix(advice)])
}
