//! Which cores take interrupts.

use super::{Area, Check, Outcomes};
use crate::cores::CoreSet;
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const IRQ_AFFINITY: Check = Check {
    name: "irq-affinity",
    area: Area::Interrupts,
    why: "An interrupt takes 1 to 5 us from the core that it comes to, with the softirq that \
          follows a network card's up to 100 us and more under load. Linux: \
          core-api/irq/irq-affinity.",
    run: irq_affinity,
};

/// An interrupt that may come to a hot core.
struct Line {
    number: u32,
    /// Who asked for it, as `eth1-rx-0`.
    action: String,
    /// Cores that it may go to.
    allowed: CoreSet,
    /// It goes to a hot core now; otherwise it only may.
    now: bool,
}

fn irq_affinity(machine: &Machine<'_>) -> Outcomes {
    if machine.hot.is_empty() {
        return Ok(vec![Outcome::cannot_tell("which cores trade is not known: use --core")]);
    }
    let cards = card_lines(machine);
    let mut lines = Vec::new();
    for name in machine.tree.names("/proc/irq")? {
        if let Ok(number) = name.parse()
            && let Some(line) = on_hot(machine, number)?
        {
            lines.push(line);
        }
    }
    let is_card = |line: &Line| {
        cards.contains(&line.number)
            || machine.interface_names().iter().any(|name| line.action.contains(name.as_str()))
    };
    // A line without an action is set up and never fires.
    lines.retain(|line| !line.action.is_empty() || is_card(line));
    let hot = &machine.hot;
    let mut outcomes = Vec::new();
    // Those that come now, the cards' first; then those that somebody may still move there.
    let groups = [(Some(true), true), (Some(false), true), (None, false)];
    for (card, now) in groups {
        let of_who = |line: &&Line| card.is_none_or(|card| is_card(line) == card);
        let group = || lines.iter().filter(of_who).filter(|line| line.now == now);
        if group().next().is_none() {
            continue;
        }
        let names: Vec<String> = group().map(name).collect();
        let what = match (card, now) {
            (_, false) => "interrupts that go elsewhere may be moved",
            (Some(true), _) => "interrupts of the network card come",
            _ => "interrupts of other devices come",
        };
        let found = format!("{what} to core {hot}: {}", shorten(&names));
        // DPDK and a feed card take the interrupts of theirs away; those of others remain.
        let interrupted = machine.port.is_none_or(crate::Port::interrupted);
        let wrong = card == Some(true) && interrupted;
        outcomes.push(Outcome::bad(wrong, found).fixes(group().filter_map(|l| moved(machine, l))));
    }
    if outcomes.is_empty() {
        outcomes.push(Outcome::good(format!("no device interrupts core {hot}")));
    }
    Ok(outcomes)
}

fn name(line: &Line) -> String {
    match line.action.as_str() {
        "" => line.number.to_string(),
        action => format!("{} ({action})", line.number),
    }
}

fn shorten(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names[..SHOWN].join(", ")),
    }
}

/// The interrupt, if a hot core takes it or may.
fn on_hot(machine: &Machine<'_>, number: u32) -> Result<Option<Line>, Unread> {
    let folder = format!("/proc/irq/{number}");
    let allowed = match machine.cores(&format!("{folder}/smp_affinity_list")) {
        Ok(cores) => cores,
        // Interrupts go while a driver is unloaded.
        Err(unread) if unread.is_missing() => return Ok(None),
        Err(unread) => return Err(unread),
    };
    // Of those allowed, the interrupt controller takes one or a few.
    let effective = machine.cores(&format!("{folder}/effective_affinity_list"));
    let effective = effective.ok().filter(|cores| !cores.is_empty());
    let now = !effective.unwrap_or_else(|| allowed.clone()).both(&machine.hot).is_empty();
    if allowed.both(&machine.hot).is_empty() && !now {
        return Ok(None);
    }
    // The folders here are named after the actions.
    let names = machine.tree.names(&folder)?;
    let is_folder = |name: &&String| machine.tree.names(&format!("{folder}/{name}")).is_ok();
    let actions: Vec<String> = names.iter().filter(is_folder).cloned().collect();
    Ok(Some(Line { number, action: actions.join(","), allowed, now }))
}

/// Interrupts of the interfaces' cards, by the message-signalled interrupts of their devices; a
/// virtio device's are those of the device of the bus above.
fn card_lines(machine: &Machine<'_>) -> Vec<u32> {
    let numbers = machine.interface_names().iter().flat_map(|name| {
        let folder = format!("/sys/class/net/{name}/device");
        let own = machine.tree.names(&format!("{folder}/msi_irqs"));
        own.or_else(|_| machine.tree.names(&format!("{folder}/../msi_irqs"))).unwrap_or_default()
    });
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn moved(machine: &Machine<'_>, line: &Line) -> Option<Remedy> {
    let mut rest = line.allowed.without(&machine.hot);
    if rest.is_empty() {
        rest = machine.housekeeping();
    }
    if rest.is_empty() {
        return None;
    }
    let what = format!("moves interrupt {} off the hot cores; a managed one refuses", name(line));
    let path = format!("/proc/irq/{}/smp_affinity_list", line.number);
    Some(Remedy::write(&what, &path, &rest.to_string(), &line.allowed.to_string()))
}

pub(super) const IRQBALANCE: Check = Check {
    name: "irqbalance",
    area: Area::Interrupts,
    why: "irqbalance moves interrupts every ten seconds and undoes what was set by hand. It leaves \
          isolated and nohz_full cores alone unless told otherwise. irqbalance(1).",
    run: irqbalance,
};

fn irqbalance(machine: &Machine<'_>) -> Outcomes {
    if !machine.processes()?.iter().any(|name| name == "irqbalance") {
        return Ok(vec![Outcome::good("does not run")]);
    }
    let left_alone = machine
        .isolated
        .as_ref()
        .is_ok_and(|isolated| machine.hot.without(isolated).is_empty() && !machine.hot.is_empty());
    Ok(vec![match left_alone {
        true => Outcome::good("runs, and leaves the isolated cores alone unless told otherwise"),
        false => {
            Outcome::wrong("runs, and may move interrupts to the hot cores").fix(Remedy::command(
                "ends it now and at the next boot; or give it IRQBALANCE_BANNED_CPULIST",
                "systemctl disable --now irqbalance".into(),
                Some("systemctl enable --now irqbalance".into()),
            ))
        }
    }])
}
