//! How often the timer interrupts a busy core.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::kernel_config::Setting;
use crate::machine::Machine;

pub(super) const TICK: Check = Check {
    name: "timer-tick",
    area: Area::Cores,
    why: "CONFIG_HZ is how often the tick interrupts a core that has work and is not under \
          nohz_full. For trading fewer are better: 100 or 250 rather than 1000. Linux: \
          timers/no_hz.",
    run: tick,
};

fn tick(machine: &Machine<'_>) -> Outcomes {
    let hz = match machine.kernel.setting("HZ") {
        Setting::Is(text) => text.parse::<u32>().ok().filter(|hz| (1..=10_000).contains(hz)),
        Setting::NotSet | Setting::Unknown => None,
    };
    let covered = machine
        .nohz_full
        .as_ref()
        .is_ok_and(|cores| !machine.hot.is_empty() && machine.hot.without(cores).is_empty());
    let Some(hz) = hz else {
        return Ok(vec![match covered {
            true => Outcome::good("the hot cores have no tick, whatever CONFIG_HZ is"),
            false => Outcome::cannot_tell(
                "neither /proc/config.gz nor /boot/config-<release> says CONFIG_HZ",
            ),
        }]);
    };
    Ok(vec![match (covered, hz) {
        (true, _) => Outcome::good(format!("{hz} Hz, and none on the hot cores")),
        (false, ..=250) => Outcome::good(format!("{hz} Hz on every busy core")),
        (false, _) => Outcome::better(format!("{hz} Hz on every busy core"))
            .fix(Remedy::advice("boot with nohz_full for the hot cores, or a kernel of 250 Hz")),
    }])
}
