//! Large pages that are reserved for whoever asks for them.

use super::{Area, Check, Outcomes};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::subject::Port;
use crate::tree::Unread;

const FOLDER: &str = "/sys/kernel/mm/hugepages";

/// 1 GiB in pages of 2 MiB: DPDK's buffers of a few ports, or an AF_XDP socket's, with room.
const PAGES: i64 = 512;

pub(super) const HUGEPAGES: Check = Check {
    name: "hugepages",
    area: Area::Memory,
    why: "DPDK takes its buffers from reserved huge pages and does not start without. A TLB of \
          1,500 entries covers 6 MiB of 4 KiB pages and 3 GiB of 2 MiB ones; a miss walks the page \
          table, 10 to 100 ns. Memory breaks up while a machine runs, so reserve early, 1 GiB \
          pages at boot. Linux: admin-guide/mm/hugetlbpage.",
    run: hugepages,
};

fn hugepages(machine: &Machine<'_>) -> Outcomes {
    let sizes = match machine.tree.names(FOLDER) {
        Ok(sizes) => sizes,
        Err(unread) if unread.is_missing() => {
            let found = "this kernel has no huge pages, or /sys is not all here";
            return Ok(vec![Outcome::cannot_tell(found)]);
        }
        Err(unread) => return Err(unread),
    };
    let mut found = Vec::new();
    let (mut reserved, mut free) = (0i64, 0i64);
    for size in sizes.iter().filter(|name| name.starts_with("hugepages-")) {
        let number = |name: &str| count(machine, &format!("{FOLDER}/{size}/{name}"));
        let (pages, unused) = (number("nr_hugepages")?, number("free_hugepages")?);
        reserved = reserved.saturating_add(pages);
        free = free.saturating_add(unused);
        let nodes = match pages {
            0 => String::new(),
            _ => by_node(machine, size),
        };
        found.push(format!("{}: {pages} reserved, {unused} free{nodes}", in_words(size)));
    }
    let found = found.join("; ");
    if reserved > 0 && free > 0 {
        return Ok(vec![Outcome::good(found)]);
    }
    let path = format!("{FOLDER}/hugepages-2048kB/nr_hugepages");
    let fixes: Vec<Remedy> = match machine.tree.number(&path) {
        Ok(pages) => vec![Remedy::write(
            "reserves 1 GiB more in pages of 2 MiB, as far as memory is not broken up",
            &path,
            &pages.saturating_add(PAGES).to_string(),
            &pages.to_string(),
        )],
        Err(_) => Vec::new(),
    };
    if reserved > 0 {
        let found = format!("{found}: all are taken, by a running process or one that died");
        return Ok(vec![Outcome::better(found).fixes(fixes)]);
    }
    // Books take transparent huge pages, so only bypass cannot do without.
    let needed = !matches!(machine.port, Some(Port::Kernel | Port::Packet));
    let boot =
        Remedy::boot("reserves them before memory breaks up", "hugepagesz=2M hugepages=512".into());
    Ok(vec![Outcome::bad(needed, found).fixes(fixes).fix(boot)])
}

fn count(machine: &Machine<'_>, path: &str) -> Result<i64, Unread> {
    let number = machine.tree.number(path)?;
    if number < 0 { Err(Unread::strange(path, &number.to_string())) } else { Ok(number) }
}

/// `hugepages-2048kB` in words.
fn in_words(size: &str) -> String {
    match size {
        "hugepages-2048kB" => "2 MiB".into(),
        "hugepages-1048576kB" => "1 GiB".into(),
        other => other.trim_start_matches("hugepages-").into(),
    }
}

fn by_node(machine: &Machine<'_>, size: &str) -> String {
    let nodes = machine.tree.names("/sys/devices/system/node").unwrap_or_default();
    let nodes: Vec<String> = nodes
        .iter()
        .filter_map(|node| {
            let number: u32 = node.strip_prefix("node")?.parse().ok()?;
            let path = format!("/sys/devices/system/node/{node}/hugepages/{size}/nr_hugepages");
            Some(format!("node {number}: {}", count(machine, &path).ok()?))
        })
        .collect();
    match nodes.len() {
        0 | 1 => String::new(),
        _ => format!(" ({})", nodes.join(", ")),
    }
}

pub(super) const HUGETLBFS: Check = Check {
    name: "hugetlbfs",
    area: Area::Memory,
    why: "DPDK maps huge pages as files of a mounted hugetlbfs, unless started with \
          --in-memory. Linux: admin-guide/mm/hugetlbpage.",
    run: hugetlbfs,
};

fn hugetlbfs(machine: &Machine<'_>) -> Outcomes {
    let mounts = machine.tree.text("/proc/self/mountinfo")?;
    let place = mounts.lines().find_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        source.starts_with("hugetlbfs ").then(|| mount.split(' ').nth(4))?
    });
    if let Some(place) = place {
        return Ok(vec![Outcome::good(format!("mounted on {place}"))]);
    }
    if !matches!(machine.port, None | Some(Port::Dpdk)) {
        return Ok(vec![Outcome::not_applicable("not mounted; only DPDK asks for it")]);
    }
    let mount = Remedy::command(
        "mounts it where DPDK looks",
        "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages".into(),
        Some("umount /dev/hugepages".into()),
    );
    let wrong = machine.port == Some(Port::Dpdk);
    Ok(vec![Outcome::bad(wrong, "not mounted").fix(mount)])
}
