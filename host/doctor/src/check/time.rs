//! Clocks in cards, and who keeps the clock right.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;

pub(super) const PTP: Check = Check {
    name: "ptp",
    area: Area::Time,
    why: "A card with a clock of its own (PTP hardware clock) stamps frames as they arrive, to \
          some 10 ns; stamps of the kernel are microseconds late, and by different amounts. Linux: \
          driver-api/ptp, networking/timestamping.",
    run: ptp,
};

fn ptp(machine: &Machine<'_>) -> Outcomes {
    let clocks = machine.tree.names("/sys/class/ptp").unwrap_or_default();
    let name_of = |clock: &str| {
        let name = machine.tree.text(&format!("/sys/class/ptp/{clock}/clock_name"));
        format!("{clock} ({})", name.unwrap_or_else(|_| "name not known".into()))
    };
    each_card(machine, |name| {
        // The device's folder has a folder ptp with the clock in it.
        let own = machine.tree.names(&format!("/sys/class/net/{name}/device/ptp"));
        let stamping = machine.probes.nic(name).stamping;
        let clock = own.ok().and_then(|clocks| clocks.first().cloned()).or_else(|| {
            let number = stamping.as_ref().ok()?.clock?;
            Some(format!("ptp{number}"))
        });
        Ok(match (clock, stamping) {
            (Some(clock), Ok(stamping)) if stamping.receive => {
                Outcome::good(format!("{}, stamps what it receives", name_of(&clock)))
            }
            (Some(clock), Ok(_)) => {
                Outcome::better(format!("{}, does not stamp what it receives", name_of(&clock)))
            }
            (Some(clock), Err(why)) => Outcome::cannot_tell(format!(
                "{}; whether it stamps what it receives: {why}",
                name_of(&clock)
            )),
            (None, Ok(_)) => {
                let others: Vec<String> = clocks.iter().map(|clock| name_of(clock)).collect();
                let others = match others.is_empty() {
                    true => "no other clock is here".to_string(),
                    false => format!("here are {}", others.join(", ")),
                };
                let outcome = Outcome::better(format!("has no clock; {others}"));
                match machine.is_virtual() {
                    true => outcome.fix(Remedy::host(
                        "pass a card through; for the time alone the module ptp_kvm reads the \
                         host's clock",
                    )),
                    false => outcome.fix(Remedy::advice("a card for trading has one")),
                }
            }
            (None, Err(why)) => Outcome::cannot_tell(format!("no clock is shown; {why}")),
        })
    })
}

/// Daemons that set the clock. `comm` has 15 characters at most.
const DAEMONS: &[&str] =
    &["chronyd", "ptp4l", "phc2sys", "timemaster", "ntpd", "openntpd", "systemd-timesyn", "ts2phc"];

pub(super) const TIME_SYNC: Check = Check {
    name: "time-sync",
    area: Area::Time,
    why: "Records and orders carry the time of day. Regulators ask for 50 ms (FINRA 4590), and \
          100 us of whoever trades at high frequency in Europe (MiFID II, RTS 25); a clock of its \
          own drifts by 10 to 50 us a second.",
    run: time_sync,
};

fn time_sync(machine: &Machine<'_>) -> Outcomes {
    let processes = machine.processes()?;
    let running: Vec<&str> = DAEMONS
        .iter()
        .copied()
        .filter(|name| processes.iter().any(|found| found == name))
        .collect();
    let who = match running.is_empty() {
        true => "no time daemon is seen".to_string(),
        false => format!("{} runs", running.join(", ")),
    };
    let install = || {
        Remedy::command(
            "keeps the clock in step; ptp4l and phc2sys where the network has PTP",
            "apt-get install chrony && systemctl enable --now chrony".into(),
            Some("systemctl disable --now chrony".into()),
        )
    };
    Ok(vec![match &machine.probes.clock {
        Ok(clock) if clock.synchronised => {
            let error = clock.error_max_us;
            let found = format!("{who}; the kernel's clock is in step, to {error} us at worst");
            Outcome::good(found)
        }
        Ok(_) => {
            let found = format!("{who}; the kernel says that its clock is not in step");
            match running.is_empty() {
                true => Outcome::better(found).fix(install()),
                false => Outcome::better(found).fix(Remedy::advice(
                    "ask the daemon: chronyc tracking, or pmc -u -b 0 'GET \
                                         TIME_STATUS_NP'",
                )),
            }
        }
        Err(why) if running.is_empty() => {
            Outcome::cannot_tell(format!("{who}; the kernel's clock: {why}"))
        }
        Err(why) => Outcome::good(format!("{who}; whether it is in step: {why}")),
    }])
}
