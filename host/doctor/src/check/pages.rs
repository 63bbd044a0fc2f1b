//! Huge pages that the kernel makes of itself.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::tree::Unread;

pub(super) const TRANSPARENT: Check = Check {
    name: "transparent-hugepages",
    area: Area::Memory,
    why: "The books ask for huge pages by madvise, which takes `madvise` or `always`. With \
          `always` the kernel makes them for every process, and compaction and khugepaged move \
          pages and interrupt all cores that use them. `defrag` set to `always` makes a page \
          fault wait for compaction, up to milliseconds. Linux: admin-guide/mm/transhuge.",
    run: transparent,
};

fn transparent(machine: &Machine<'_>) -> Outcomes {
    let folder = "/sys/kernel/mm/transparent_hugepage";
    let choice = |name: &str| -> Result<(String, String), Unread> {
        let path = format!("{folder}/{name}");
        let text = machine.tree.text(&path)?;
        let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let chosen = chosen.map(|(chosen, _)| chosen.to_string());
        Ok((chosen.ok_or_else(|| Unread::strange(&path, &text))?, path))
    };
    let (enabled, path) = match choice("enabled") {
        Err(unread) if unread.is_missing() && machine.tree.exists("/sys/kernel/mm") => {
            let found = "this kernel has no transparent huge pages: books have pages of 4 KiB";
            return Ok(vec![Outcome::better(found)]);
        }
        other => other?,
    };
    let write =
        |what: &str, path: &str, value: &str, old: &str| Remedy::write(what, path, value, old);
    let only = "makes huge pages for those that ask";
    let mut outcome = match enabled.as_str() {
        "madvise" => Outcome::good("enabled is madvise: for those that ask"),
        "always" => Outcome::better("enabled is always: for every process")
            .fix(write(only, &path, "madvise", "always")),
        "never" => Outcome::better("enabled is never: books have pages of 4 KiB")
            .fix(write(only, &path, "madvise", "never")),
        other => return Err(Unread::strange(&path, other)),
    };
    if let Ok((defrag, path)) = choice("defrag")
        && defrag == "always"
    {
        let found = format!("{}; defrag is always: page faults wait for it", outcome.found);
        let fix = write("lets only those that ask wait", &path, "madvise", "always");
        outcome = Outcome::better(found).fixes(outcome.remedies).fix(fix);
    }
    Ok(vec![outcome])
}
