//! What the guest is made of: QEMU from the system, a kernel and busybox below target/tools.

use crate::process::is_there;
use crate::setup;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program that emulates the machine.
pub(super) const QEMU: &str = "qemu-system-x86_64";

/// Names the newest kernel for virtual machines; some 26 MB instead of 70 MB.
const KERNEL: &str = "linux-image-cloud-amd64";

/// Modules in the order in which they are loaded, below `kernel/` of the modules' folder. Not every
/// kernel has all: `vfio_virqfd` became part of `vfio`, `iommufd` came later.
const MODULES: &[&str] = &[
    "virt/lib/irqbypass",
    "drivers/iommu/iommufd/iommufd",
    "drivers/vfio/vfio",
    "drivers/vfio/vfio_virqfd",
    "drivers/vfio/vfio_iommu_type1",
    "drivers/vfio/pci/vfio-pci-core",
    "drivers/vfio/pci/vfio-pci",
];

/// All that a guest needs.
pub(super) struct Tools {
    /// The kernel's image.
    pub(super) kernel: PathBuf,
    /// Names and contents of its modules, in the order in which they are loaded.
    pub(super) modules: Vec<(String, Vec<u8>)>,
    /// A shell and what goes with it in one static program.
    pub(super) busybox: Vec<u8>,
    /// What is used, for the reader.
    pub(super) versions: String,
}

/// Finds or fetches everything. An error is a reason for which the tests cannot run here.
pub(super) fn get(root: &Path) -> Result<Tools> {
    ensure!(cfg!(target_arch = "x86_64"), "the guest needs an x86-64 machine to be built on");
    let there = || is_there(QEMU, &["--version"]);
    if !there() {
        println!("installing qemu-system-x86");
        let install =
            || Ok::<_, anyhow::Error>(setup::apt(&["install", "qemu-system-x86"])? && there());
        // A fresh machine has no list of packages yet.
        if !(install()? || setup::apt(&["update"])? && install()?) {
            bail!("{QEMU} is missing; install it with: apt-get install qemu-system-x86");
        }
    }
    let folder = root.join("target/tools/qemu");
    let kernel = unpacked(&folder, "kernel", newest_kernel, |folder| image(folder).is_ok())?;
    let busybox_at = |folder: &Path| {
        let places = ["bin/busybox", "usr/bin/busybox"].map(|place| folder.join(place));
        places.into_iter().find(|place| place.exists())
    };
    let busybox = match fs::read("/bin/busybox") {
        // One that is not static asks for its loader by name and would not start in the guest.
        Ok(bytes) if !holds(&bytes, b"/ld-linux-x86-64.so") => bytes,
        _ => {
            let name = || Ok("busybox-static".to_string());
            let folder = unpacked(&folder, "busybox", name, |at| busybox_at(at).is_some())?;
            let at = busybox_at(&folder).context("no busybox in its package")?;
            fs::read(&at).with_context(|| at.display().to_string())?
        }
    };
    let (kernel_image, version) = image(&kernel)?;
    let modules = modules(&kernel.join("lib/modules").join(&version).join("kernel"))
        .or_else(|_| modules(&kernel.join("usr/lib/modules").join(&version).join("kernel")))?;
    let qemu = text(&run(Command::new(QEMU).arg("--version"))?);
    let qemu = qemu.lines().next().unwrap_or_default().to_string();
    let versions = format!("{qemu}; Linux {version}");
    Ok(Tools { kernel: kernel_image, modules, busybox, versions })
}

/// The folder `name` below `tools`, with the package that `package` names in it: downloaded and
/// unpacked there unless `is_done` finds it whole. Nothing is installed into the system.
fn unpacked(
    tools: &Path,
    name: &str,
    package: impl Fn() -> Result<String>,
    is_done: impl Fn(&Path) -> bool,
) -> Result<PathBuf> {
    let folder = tools.join(name);
    if is_done(&folder) {
        return Ok(folder);
    }
    let package = match package() {
        Ok(package) => package,
        Err(_) => {
            setup::apt(&["update"])?;
            package()?
        }
    };
    println!("fetching {package}");
    let fetched = tools.join(format!("{name}.fetched"));
    let partial = tools.join(format!("{name}.partial"));
    for place in [&fetched, &partial, &folder] {
        if place.exists() {
            fs::remove_dir_all(place).with_context(|| place.display().to_string())?;
        }
    }
    fs::create_dir_all(&fetched).with_context(|| fetched.display().to_string())?;
    let download =
        || run(Command::new("apt-get").arg("download").arg(&package).current_dir(&fetched));
    if download().is_err() {
        setup::apt(&["update"])?;
        download()?;
    }
    let mut files = fs::read_dir(&fetched)?;
    let file = files.next().with_context(|| format!("apt-get has not left {package}"))??.path();
    run(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&partial))?;
    // Renamed last, so that what has its name is whole.
    fs::rename(&partial, &folder).with_context(|| folder.display().to_string())?;
    fs::remove_dir_all(&fetched).with_context(|| fetched.display().to_string())?;
    ensure!(is_done(&folder), "{package} has not what is needed of it");
    Ok(folder)
}

/// The package of the newest kernel.
fn newest_kernel() -> Result<String> {
    let output = text(&run(Command::new("apt-cache").args(["depends", KERNEL]))?);
    kernel_package(&output).with_context(|| format!("this system has no package {KERNEL}"))
}

fn kernel_package(depends: &str) -> Option<String> {
    let mut lines = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    lines.find(|name| name.starts_with("linux-image-")).map(str::to_string)
}

/// The image of an unpacked kernel, and its version.
fn image(folder: &Path) -> Result<(PathBuf, String)> {
    for entry in fs::read_dir(folder.join("boot"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(version) = name.strip_prefix("vmlinuz-") {
            return Ok((path, version.to_string()));
        }
    }
    bail!("no kernel in {}", folder.display())
}

fn modules(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for module in MODULES {
        let name = format!("{}.ko", module.rsplit('/').next().unwrap_or(module));
        let plain = folder.join(format!("{module}.ko"));
        let packed = folder.join(format!("{module}.ko.xz"));
        if plain.exists() {
            found.push((name, fs::read(&plain).with_context(|| plain.display().to_string())?));
        } else if packed.exists() {
            found.push((name, run(Command::new("xz").arg("-dc").arg(&packed))?.stdout));
        }
    }
    ensure!(
        found.last().is_some_and(|(name, _)| name == "vfio-pci.ko"),
        "no module vfio-pci in {}",
        folder.display()
    );
    Ok(found)
}

/// Runs it to its end; what it printed is part of the error if it failed.
fn run(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_string();
        bail!("{name} ended with {}: {error}", output.status);
    }
    Ok(output)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_the_first_image_named() {
        let depends = "linux-image-cloud-amd64\n  Depends: linux-base\n  \
                       Depends: linux-image-6.1.0-48-cloud-amd64\n  Conflicts: <none>\n";
        assert_eq!(kernel_package(depends).unwrap(), "linux-image-6.1.0-48-cloud-amd64");
        assert_eq!(kernel_package("linux-image-cloud-amd64\n"), None);
    }
}
