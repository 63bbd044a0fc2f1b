//! The kernel's command line: what is on it, and what is to be added.

use crate::finding::{Finding, Remedy};
use crate::machine::Machine;
use serde::Serialize;

/// What to put on the kernel's command line, in one line, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Boot {
    /// Every parameter that a finding asks for, as one line.
    pub add: String,
    /// Parameters of the present line that the new ones take the place of.
    pub replace: Vec<String>,
    /// How to get it there on this machine.
    pub how: Vec<String>,
}

impl Boot {
    /// The parameters that `findings` ask for; none if they ask for none.
    pub fn of(machine: &Machine<'_>, findings: &[Finding]) -> Option<Boot> {
        let mut add: Vec<String> = Vec::new();
        for remedy in findings.iter().flat_map(|finding| &finding.remedies) {
            if let Remedy::Boot { parameter, .. } = remedy
                && !add.contains(parameter)
            {
                add.push(parameter.clone());
            }
        }
        if add.is_empty() {
            return None;
        }
        let key = |parameter: &str| parameter.split('=').next().unwrap_or_default().to_string();
        let keys: Vec<String> = add.iter().flat_map(|all| all.split(' ')).map(key).collect();
        let present = machine.cmdline.as_deref().unwrap_or_default();
        let replaced = present.split_whitespace().filter(|old| keys.contains(&key(old)));
        let replace = replaced.map(str::to_string).collect();
        Some(Boot { add: add.join(" "), replace, how: how(machine) })
    }
}

fn how(machine: &Machine<'_>) -> Vec<String> {
    let tree = &machine.tree;
    let mut how = Vec::new();
    if tree.exists("/etc/default/grub") {
        how.push("add them to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub".into());
        how.push(match tree.exists("/boot/grub2") {
            true => "run: grub2-mkconfig -o /boot/grub2/grub.cfg".into(),
            false => "run: update-grub".into(),
        });
        how.push("reboot, then run `tercel doctor` again".into());
    } else if machine.is_virtual() {
        how.push(
            "this machine has no /etc/default/grub: a virtual machine whose kernel is given from \
             outside gets its command line from there too, from whoever starts it"
                .into(),
        );
    } else {
        how.push(
            "this machine has no /etc/default/grub: give them to the boot loader it has \
             (kernelstub, grubby --update-kernel=ALL --args=..., or /etc/kernel/cmdline)"
                .into(),
        );
    }
    how
}
