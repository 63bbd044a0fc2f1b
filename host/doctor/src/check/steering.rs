//! Where the kernel processes what a card has received, and which queue a core sends by.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const RPS: Check = Check {
    name: "rps",
    area: Area::Interrupts,
    why: "Receive packet steering hands frames to other cores by interrupts between cores, some \
          microseconds each; a hot core in its mask processes what is not for it. Linux: \
          networking/scaling.",
    run: rps,
};

fn rps(machine: &Machine<'_>) -> Outcomes {
    each_card(machine, |name| {
        let mut fixes = Vec::new();
        let queues = queues(machine, name, "rx-")?;
        let mut used = 0;
        for queue in &queues {
            let path = format!("/sys/class/net/{name}/queues/{queue}/rps_cpus");
            let cores = machine.mask(&path)?;
            used += usize::from(!cores.is_empty());
            if !cores.both(&machine.hot).is_empty() {
                let what = format!("keeps what {queue} receives off the hot cores");
                let rest = cores.without(&machine.hot);
                fixes.push(Remedy::write(&what, &path, &rest.mask(), &cores.mask()));
            }
        }
        Ok(match (fixes.len(), used) {
            (0, 0) => Outcome::good("off: a frame is processed where its interrupt comes"),
            (0, used) => Outcome::good(format!("{used} queues steer, to no hot core")),
            (to_hot, _) => {
                let found = format!("{to_hot} of {} queues steer to hot cores", queues.len());
                Outcome::wrong(found).fixes(fixes)
            }
        })
    })
}

pub(super) const XPS: Check = Check {
    name: "xps",
    area: Area::Interrupts,
    why: "Transmit packet steering gives each core its queue; without it a core that sends may \
          wait for the lock of a queue that another one uses. Linux: networking/scaling.",
    run: xps,
};

fn xps(machine: &Machine<'_>) -> Outcomes {
    each_card(machine, |name| {
        let queues = queues(machine, name, "tx-")?;
        if queues.len() < 2 {
            return Ok(Outcome::not_applicable("one queue sends for every core"));
        }
        let mut set = 0;
        for queue in &queues {
            let path = format!("/sys/class/net/{name}/queues/{queue}/xps_cpus");
            set += usize::from(!machine.mask(&path)?.is_empty());
        }
        Ok(match set {
            0 => Outcome::better(format!("none of {} queues belongs to a core", queues.len())).fix(
                Remedy::advice(
                    "write the mask of each core into queues/tx-N/xps_cpus of its own queue, as \
                     the driver's set_irq_affinity script does",
                ),
            ),
            set => Outcome::good(format!("{set} of {} queues belong to cores", queues.len())),
        })
    })
}

fn queues(machine: &Machine<'_>, name: &str, kind: &str) -> Result<Vec<String>, Unread> {
    let folder = format!("/sys/class/net/{name}/queues");
    let mut queues = machine.tree.names(&folder)?;
    queues.retain(|queue| queue.starts_with(kind));
    if queues.is_empty() {
        return Err(Unread::because(&folder, "lists no queue"));
    }
    Ok(queues)
}
