//! What control groups leave this process: cores, and time on them.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const CPUSET: Check = Check {
    name: "cpuset",
    area: Area::Cores,
    why: "A container or a service may be given some of the machine's cores only; pinning to \
          another one fails at the start. Linux: admin-guide/cgroup-v2, cpuset.",
    run: cpuset,
};

fn cpuset(machine: &Machine<'_>) -> Outcomes {
    let allowed = machine.allowed.as_ref().map_err(Clone::clone)?;
    let online = machine.online.as_ref().map_err(Clone::clone)?;
    let offline = machine.hot.without(online);
    if !offline.is_empty() {
        let found = format!("core {offline} is not online; online are {online}");
        return Ok(vec![Outcome::wrong(found).fix(Remedy::advice("name another core"))]);
    }
    let forbidden = machine.hot.without(allowed);
    if forbidden.is_empty() {
        let found = format!("this process may use cores {allowed} of {online}");
        return Ok(vec![Outcome::good(found)]);
    }
    // Isolated cores are left out of what a process starts with; pinning to them still works.
    if machine.isolated.as_ref().is_ok_and(|isolated| forbidden.without(isolated).is_empty()) {
        let found = format!(
            "this process starts on cores {allowed}; core {forbidden} is isolated, and a thread \
             goes there only when it is pinned"
        );
        return Ok(vec![Outcome::good(found)]);
    }
    let found = format!("core {forbidden} is not among those this process may use ({allowed})");
    let advice = "give it the core: AllowedCPUs= and CPUAffinity= of its systemd unit, \
                  --cpuset-cpus of its container, or taskset -c";
    Ok(vec![Outcome::wrong(found).fix(Remedy::advice(advice))])
}

pub(super) const QUOTA: Check = Check {
    name: "cpu-quota",
    area: Area::Cores,
    why: "A control group with a quota of processor time stops a thread that spins for the rest of \
          each period, tens of milliseconds. Linux: scheduler/sched-bwc.",
    run: quota,
};

fn quota(machine: &Machine<'_>) -> Outcomes {
    let path = "/proc/self/cgroup";
    let groups = machine.tree.text(path)?;
    let mut seen = false;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        if group.split('/').any(|part| part == "..") {
            continue;
        }
        let folder = match controllers {
            "" => "/sys/fs/cgroup".to_string(),
            _ if controllers.split(',').any(|name| name == "cpu") => {
                format!("/sys/fs/cgroup/{controllers}")
            }
            _ => continue,
        };
        // The limits of all groups above hold too.
        let mut group = group.trim_end_matches('/');
        loop {
            match of_group(machine, &format!("{folder}{group}")) {
                Some(Some(limit)) => {
                    let found = format!("{limit} (group {group}/)");
                    let advice = "take the quota off: CPUQuota= of its systemd unit, or --cpus of \
                                  its container";
                    return Ok(vec![Outcome::wrong(found).fix(Remedy::advice(advice))]);
                }
                Some(None) => seen = true,
                None => {}
            }
            match group.rsplit_once('/') {
                Some((above, _)) => group = above,
                None => break,
            }
        }
    }
    // The root group has no file and no limit.
    let found = match seen {
        true => "no quota of processor time",
        false => "no control group of this process has a quota of processor time",
    };
    Ok(vec![Outcome::good(found)])
}

/// None if the group has no such file, else its limit if there is one.
fn of_group(machine: &Machine<'_>, folder: &str) -> Option<Option<String>> {
    if let Ok(text) = machine.tree.text(&format!("{folder}/cpu.max")) {
        return Some((!text.starts_with("max")).then(|| format!("cpu.max is {text}")));
    }
    let quota = machine.tree.number(&format!("{folder}/cpu.cfs_quota_us")).ok()?;
    Some((quota >= 0).then(|| format!("cpu.cfs_quota_us is {quota}")))
}
