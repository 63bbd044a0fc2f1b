//! The share of time that real-time threads may take.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const RT_THROTTLING: Check = Check {
    name: "rt-throttling",
    area: Area::Cores,
    why: "A thread under SCHED_FIFO or SCHED_RR that spins is stopped for the rest of each period \
          once its share is used: 50 ms of every second by default, on kernels before 6.12; newer \
          ones give that share to other threads only while they starve. Threads of the normal \
          policy, as Tercel's are, are not concerned. Linux: scheduler/sched-rt-group.",
    run: throttling,
};

fn throttling(machine: &Machine<'_>) -> Outcomes {
    let folder = "/proc/sys/kernel";
    let path = format!("{folder}/sched_rt_runtime_us");
    let runtime = machine.tree.number(&path)?;
    let period = machine.tree.number(&format!("{folder}/sched_rt_period_us"))?;
    if runtime < 0 || runtime >= period {
        return Ok(vec![Outcome::good("real-time threads are not stopped")]);
    }
    let found = format!("real-time threads have {runtime} of every {period} us");
    let write = Remedy::write(
        "lets real-time threads run on; one that spins on a shared core then starves it",
        &path,
        "-1",
        &runtime.to_string(),
    );
    Ok(vec![Outcome::better(found).fix(write)])
}
