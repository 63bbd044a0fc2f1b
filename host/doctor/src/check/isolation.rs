//! Cores that are left alone: by the scheduler, by its tick, by the callbacks of RCU.

use super::{Area, Check, Outcomes};
use crate::cores::CoreSet;
use crate::finding::{Outcome, Remedy};
use crate::kernel_config::Setting;
use crate::machine::Machine;

pub(super) const ISOLATED: Check = Check {
    name: "isolated",
    area: Area::Cores,
    why: "On a core that the scheduler shares out, any thread may run for a time slice while a \
          packet waits: milliseconds in the tail. Linux: admin-guide/kernel-parameters, isolcpus; \
          admin-guide/cgroup-v2, cpuset.cpus.partition.",
    run: isolated,
};

fn isolated(machine: &Machine<'_>) -> Outcomes {
    let isolated = machine.isolated.as_ref().map_err(Clone::clone)?;
    let online = machine.online.as_ref().map_err(Clone::clone)?;
    if machine.hot.is_empty() {
        return Ok(vec![Outcome::cannot_tell("which cores trade is not known: use --core")]);
    }
    let shared = machine.hot.without(isolated);
    if shared.is_empty() {
        return Ok(vec![Outcome::good(format!("cores {isolated} are isolated"))]);
    }
    if online.len() < 2 {
        let found = "the only core cannot be isolated: something has to run the system";
        return Ok(vec![
            Outcome::wrong(found).fix(Remedy::advice("use a machine with more cores")),
        ]);
    }
    let found = match isolated.is_empty() {
        true => format!("no core is isolated; core {shared} trades and is shared"),
        false => format!("core {shared} trades and is shared; isolated are {isolated}"),
    };
    let outcome = Outcome::wrong(found);
    if machine.housekeeping().is_empty() {
        let advice = "name fewer cores with --core: all of this machine's cannot be isolated";
        return Ok(vec![outcome.fix(Remedy::advice(advice))]);
    }
    let all = isolated.with(&machine.hot);
    Ok(vec![outcome.fix(Remedy::boot(
        "keeps the scheduler, and interrupts that the kernel places itself, off the cores",
        format!("isolcpus=managed_irq,domain,{all}"),
    ))])
}

pub(super) const NOHZ_FULL: Check = Check {
    name: "nohz-full",
    area: Area::Cores,
    why: "The timer tick interrupts a busy core CONFIG_HZ times a second, some microseconds each \
          with the cache lines it takes. A core of nohz_full with one runnable thread has one tick \
          a second or none. Linux: timers/no_hz.",
    run: nohz_full,
};

fn nohz_full(machine: &Machine<'_>) -> Outcomes {
    let listed = match &machine.nohz_full {
        Ok(listed) => listed.clone(),
        // The file is there exactly if the kernel can.
        Err(unread) if unread.is_missing() => {
            if machine.kernel.setting("NO_HZ_FULL") != Setting::NotSet {
                return Err(unread.clone());
            }
            let found = "this kernel is built without CONFIG_NO_HZ_FULL";
            let advice = "use a kernel that is built with it, as most distributions' are; \
                          then boot with nohz_full";
            return Ok(vec![Outcome::better(found).fix(Remedy::advice(advice))]);
        }
        Err(unread) => return Err(unread.clone()),
    };
    let ticking = machine.hot.without(&listed);
    if machine.hot.is_empty() || ticking.is_empty() {
        return Ok(vec![none_known(machine, format!("cores {listed} run without a tick"))]);
    }
    let all = listed.with(&machine.hot);
    let outcome = Outcome::better(format!("core {ticking} has the tick"));
    Ok(vec![outcome.fixes(boot(machine, "stops the tick on the cores", "nohz_full", &all))])
}

pub(super) const RCU_NOCBS: Check = Check {
    name: "rcu-nocbs",
    area: Area::Cores,
    why: "RCU frees memory in callbacks on the core that asked for it, in its softirq: up to some \
          hundred microseconds after a burst. With rcu_nocbs threads on other cores do it; \
          nohz_full implies it. Linux: admin-guide/kernel-parameters, rcu_nocbs.",
    run: rcu_nocbs,
};

fn rcu_nocbs(machine: &Machine<'_>) -> Outcomes {
    if machine.kernel.setting("RCU_NOCB_CPU") == Setting::NotSet {
        let found = "this kernel is built without CONFIG_RCU_NOCB_CPU";
        let advice = Remedy::advice("use a kernel that is built with it");
        return Ok(vec![Outcome::better(found).fix(advice)]);
    }
    let all = machine.kernel.setting("RCU_NOCB_CPU_DEFAULT_ALL") == Setting::Is("y".into());
    let mut offloaded = match machine.boot("rcu_nocbs")? {
        Some("all") => machine.online.clone()?,
        // Without a value it only makes the cores able to be offloaded later.
        Some("") | None if !all => CoreSet::default(),
        Some("") | None => machine.online.clone()?,
        Some(list) => match CoreSet::from_list(list) {
            Some(cores) => cores,
            None => {
                let found = format!("rcu_nocbs={list} on the command line is not understood");
                return Ok(vec![Outcome::cannot_tell(found)]);
            }
        },
    };
    offloaded = offloaded.with(machine.nohz_full.as_ref().unwrap_or(&CoreSet::default()));
    let own = machine.hot.without(&offloaded);
    if machine.hot.is_empty() || own.is_empty() {
        let found = format!("callbacks of cores {offloaded} run elsewhere");
        return Ok(vec![none_known(machine, found)]);
    }
    let outcome = Outcome::better(format!("core {own} runs its RCU callbacks itself"));
    let all = offloaded.with(&machine.hot);
    Ok(vec![outcome.fixes(boot(machine, "moves RCU callbacks away", "rcu_nocbs", &all))])
}

fn none_known(machine: &Machine<'_>, good: String) -> Outcome {
    match machine.hot.is_empty() {
        true => Outcome::cannot_tell("which cores trade is not known: name them with --core"),
        false => Outcome::good(good),
    }
}

fn boot(machine: &Machine<'_>, what: &str, name: &str, cores: &CoreSet) -> Vec<Remedy> {
    match machine.housekeeping().is_empty() {
        true => vec![Remedy::advice("needs a core that does not trade")],
        false => vec![Remedy::boot(what, format!("{name}={cores}"))],
    }
}
