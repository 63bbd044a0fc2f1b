//! Trees of machines that are not this one, unpacked from text.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;
use tercel_doctor::{
    Channels, Coalescing, CoreSet, Finding, KernelClock, Machine, Nic, Offloads, Probes, Rings,
    Stamping, Subject, Tree, Verdict, examine,
};

pub const COLOCATED: &str = include_str!("../machines/colocated.txt");
pub const LAPTOP: &str = include_str!("../machines/laptop.txt");
pub const GUEST: &str = include_str!("../machines/guest.txt");

/// The files of a machine: `== /path` and what is in it.
pub fn files(text: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut path = None;
    for line in text.lines() {
        if let Some(next) = line.strip_prefix("== ") {
            path = Some(next.to_string());
            files.insert(next.to_string(), String::new());
        } else if let Some(path) = &path {
            let content: &mut String = files.get_mut(path).expect("inserted above");
            content.push_str(line);
            content.push('\n');
        }
    }
    files
}

/// The files in a folder of their own. A path that ends in `/` is an empty folder.
pub fn unpacked(files: &BTreeMap<String, String>) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        put(folder.path(), path, text.as_bytes());
    }
    folder
}

pub fn put(root: &Path, path: &str, bytes: &[u8]) {
    let file = root.join(path.trim_start_matches('/'));
    if path.ends_with('/') {
        return std::fs::create_dir_all(file).expect("a folder");
    }
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
    std::fs::write(file, bytes).expect("a file");
}

/// Takes a file away with the folders that hold nothing else.
pub fn remove(root: &Path, path: &str) {
    let file = root.join(path.trim_start_matches('/'));
    std::fs::remove_file(&file).expect("it is there");
    for folder in file.ancestors().skip(1).take_while(|folder| *folder != root) {
        // One that holds something else stays.
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

pub fn cores(list: &str) -> Subject {
    Subject { cores: CoreSet::from_list(list).expect("cores"), ..Subject::default() }
}

/// A card as a server for trading has it set.
pub fn tuned(driver: &str) -> Nic {
    Nic {
        driver: Ok(driver.into()),
        channels: Ok(Channels { receive: 1, receive_max: 64, transmit: 1 }),
        offloads: Ok(Offloads { gro: false, lro: false, tso: false, ntuple: true }),
        coalescing: Ok(Coalescing { receive_us: 0, receive_frames: 1, adaptive: false }),
        rings: Ok(Rings { receive: 4096, receive_max: 8192, transmit: 1024, transmit_max: 8192 }),
        stamping: Ok(Stamping { clock: Some(0), receive: true }),
    }
}

/// A card as it comes.
pub fn untuned(driver: &str) -> Nic {
    Nic {
        driver: Ok(driver.into()),
        channels: Ok(Channels { receive: 8, receive_max: 8, transmit: 8 }),
        offloads: Ok(Offloads { gro: true, lro: true, tso: true, ntuple: false }),
        coalescing: Ok(Coalescing { receive_us: 50, receive_frames: 0, adaptive: true }),
        rings: Ok(Rings { receive: 256, receive_max: 4096, transmit: 256, transmit_max: 4096 }),
        stamping: Ok(Stamping { clock: None, receive: false }),
    }
}

pub fn probes(interface: &str, nic: Nic) -> Probes {
    Probes {
        nics: BTreeMap::from([(interface.to_string(), nic)]),
        xdp_socket: Ok(()),
        xdp_program: Ok(()),
        clock: Ok(KernelClock { synchronised: true, error_max_us: 20 }),
        hypervisor: None,
    }
}

pub fn found(root: &Path, subject: &Subject, probes: &Probes) -> Vec<Finding> {
    examine(&Machine::new(Tree::new(root), subject, probes), &[])
}

/// The verdicts of a check.
pub fn verdicts(findings: &[Finding], check: &str) -> Vec<Verdict> {
    let of_check = findings.iter().filter(|finding| finding.check == check);
    of_check.map(|finding| finding.verdict).collect()
}
