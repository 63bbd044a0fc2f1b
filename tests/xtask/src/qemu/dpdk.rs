//! A feed through DPDK, over network cards that QEMU emulates behind an IOMMU.
//!
//! The program `dpdk-lab` of `tests/qemu/dpdk` has both sides: a venue here, whose frames QEMU
//! takes from a socket for each card, and books in the guest, which have to be those that the venue
//! makes without a wire. DPDK is nothing but shared libraries, so the guest gets those too.

use super::archive::Archive;
use super::machine::{self, Outcome};
use super::tools::Tools;
use crate::process::{cargo, succeeds};
use crate::report::{Counts, Report, Suite};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "dpdk-lab";

/// The cards as QEMU calls them. A virtio device goes past the IOMMU unless it is told not to.
const CARDS: [&str; 3] =
    ["e1000", "virtio-net-pci,disable-legacy=on,iommu_platform=on,ats=off", "vmxnet3"];

/// Plugins of DPDK that they need.
const PLUGINS: [&str; 6] =
    ["bus_pci", "bus_vdev", "mempool_ring", "net_e1000", "net_virtio", "net_vmxnet3"];

/// Memory of the guest in MiB, and how many pages of 2 MiB of it are kept for buffers.
const MEMORY: u32 = 768;
const HUGE_PAGES: u32 = 96;

/// The suite, with one result for each card.
pub(super) fn suite(root: &Path, tools: &Tools, report: &mut Report) -> Result<()> {
    let name = "DPDK on emulated network cards";
    report.begin(name);
    if let Err(error) = crate::dpdk::get() {
        println!("skipped: {error:#}");
        report.cannot_run(name, &format!("{error:#}"));
        return Ok(());
    }
    let (counts, notes) = match run(root, tools) {
        Ok(outcome) => {
            let (passed, failed) = (outcome.passed.len() as u64, outcome.failed.len() as u64);
            (Counts { passed, failed, skipped: 0 }, outcome.failed)
        }
        Err(error) => (Counts { failed: 1, ..Counts::default() }, vec![format!("{error:#}")]),
    };
    report.add(Suite { name: name.to_string(), counts, notes });
    Ok(())
}

fn run(root: &Path, tools: &Tools) -> Result<Outcome> {
    let folder = machine::folder(root);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let program = build(root, &folder)?;
    let start = folder.join("initramfs-dpdk");
    fs::write(&start, initramfs(tools, &program)?).with_context(|| start.display().to_string())?;
    let mut venue = Command::new(&program);
    venue.args(["venue", &CARDS.len().to_string()]);
    let (_venue, ready) = machine::other_side(venue)?;
    let mut words = ready.split(' ');
    let digest = words.next().context("the digest of the venue's books")?;
    let mut command = machine::with_iommu(tools, &start, MEMORY, HUGE_PAGES);
    for (number, (card, port)) in CARDS.iter().zip(words).enumerate() {
        command.args(["-netdev", &format!("socket,id=net{number},connect=127.0.0.1:{port}")]);
        // Without the program that would look for a machine to boot from.
        command.args(["-device", &format!("{card},netdev=net{number},romfile=")]);
    }
    let mut outcome = machine::to_the_end(&mut command, &folder.join("guest-dpdk.log"))?;
    compare(&mut outcome, digest);
    ensure!(
        outcome.passed.len() + outcome.failed.len() == CARDS.len(),
        "the guest has not tried every card; see {}",
        folder.join("guest-dpdk.log").display()
    );
    Ok(outcome)
}

/// A test has passed if the guest's books are the venue's.
fn compare(outcome: &mut Outcome, digest: &str) {
    let book = format!("(book {digest},");
    let (same, others) = outcome.passed.drain(..).partition(|line| line.contains(&book));
    outcome.passed = same;
    let others: Vec<String> = others;
    outcome.failed.extend(others.iter().map(|line| format!("not the book {digest}: {line}")));
}

/// Builds the program, and takes out of it what only a debugger reads.
fn build(root: &Path, folder: &Path) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let mut command = cargo(root);
    command.args(["build", "--package", "tercel-tests", "--features", "tercel-tests/dpdk"]);
    command.args(["--bin", PROGRAM, "--target-dir"]).arg(&target);
    ensure!(succeeds(&mut command)?, "{PROGRAM} could not be built");
    let (built, stripped) = (target.join("debug").join(PROGRAM), folder.join(PROGRAM));
    let mut strip = Command::new("strip");
    let done = strip.arg("-o").arg(&stripped).arg(&built).status();
    if !done.is_ok_and(|status| status.success()) {
        fs::copy(&built, &stripped).with_context(|| built.display().to_string())?;
    }
    Ok(stripped)
}

/// The program, DPDK's plugins, and every library that they name, each where it is here.
fn initramfs(tools: &Tools, program: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    let mut folders = BTreeSet::new();
    let mut files = BTreeSet::new();
    let mut links = BTreeSet::new();
    let plugins = plugins()?;
    for binary in plugins.iter().map(PathBuf::as_path).chain([program]) {
        for library in libraries(binary)? {
            // A plugin that is a library of others lies in its own folder, behind links, and must
            // not be there twice: it would be loaded twice.
            let real = fs::canonicalize(&library).with_context(|| library.display().to_string())?;
            if real != library {
                links.insert((library.clone(), real.clone()));
            }
            files.insert(real);
        }
    }
    for plugin in plugins {
        files.insert(plugin);
    }
    for path in files.iter().chain(links.iter().map(|(path, _)| path)) {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        folders.extend(above.into_iter().map(Path::to_path_buf));
    }
    // In order, so that each comes behind the one it is in.
    for folder in folders.iter().filter_map(|folder| inside(folder)).filter(|path| !path.is_empty())
    {
        archive.folder(&folder);
    }
    for file in &files {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        archive.file(&inside(file).context("a path that is no text")?, &bytes);
    }
    for (link, to) in &links {
        let (link, to) = (inside(link), to.to_str());
        archive.link(&link.context("a path that is no text")?, to.context("no text")?);
    }
    let bytes = fs::read(program).with_context(|| program.display().to_string())?;
    archive.file(PROGRAM, &bytes);
    // DPDK loads no plugin from below a folder that everybody may write to.
    let command = format!("chmod 755 / && mkdir -p /var/run && /{PROGRAM} guest");
    machine::system(&mut archive, tools, &command)?;
    Ok(archive.finish())
}

/// A path in the archive: without the root.
fn inside(path: &Path) -> Option<String> {
    path.strip_prefix("/").ok()?.to_str().map(str::to_string)
}

/// The files of the plugins, from the folder that DPDK was built with.
fn plugins() -> Result<Vec<PathBuf>> {
    let output = Command::new("pkg-config").args(["--variable=libdir", "libdpdk"]).output()?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let folders = fs::read_dir(libraries.join("dpdk")).context("the folder of DPDK's plugins")?;
    let mut folders: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.to_string_lossy().contains("/pmds-"));
    let folder = folders.pop().context("DPDK has no folder of plugins")?;
    let plugin = |name: &&str| {
        let link = folder.join(format!("librte_{name}.so"));
        fs::canonicalize(&link).with_context(|| format!("{} is missing", link.display()))
    };
    PLUGINS.iter().map(plugin).collect()
}

/// The libraries that the loader would load, and the loader, by `ldd`.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(binary).output().context("starting ldd")?;
    ensure!(output.status.success(), "ldd of {} failed", binary.display());
    Ok(named(&String::from_utf8_lossy(&output.stdout)))
}

fn named(listing: &str) -> Vec<PathBuf> {
    let word =
        |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    listing.lines().filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_a_listing() {
        let listing = "\tlinux-vdso.so.1 (0x00007fff)\n\
                       \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f00)\n\
                       \t/lib64/ld-linux-x86-64.so.2 (0x00007f01)\n";
        let paths = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(named(listing), paths.map(PathBuf::from));
    }

    #[test]
    #[allow(clippy::field_reassign_with_default)] // the other fields are the machine's own
    fn another_book_is_a_failure() {
        let line =
            |book: &str| format!("test dpdk: a day over net_x ... ok (book {book}, 1 frames");
        let mut outcome = Outcome::default();
        outcome.passed = vec![line("00ab"), line("00ac")];
        compare(&mut outcome, "00ab");
        assert_eq!(outcome.passed, [line("00ab")]);
        assert_eq!(outcome.failed.len(), 1);
    }
}
