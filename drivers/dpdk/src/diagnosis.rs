//! What keeps DPDK or a device from starting. DPDK answers most of it with one number, so each
//! thing that is known to be in the way is looked at.

use crate::DpdkError;
use crate::config::Name;
use crate::sys;
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

/// Drivers of the kernel that hand a device to a process.
const HANDING: &[&str] = &["vfio-pci", "uio_pci_generic", "igb_uio"];

/// Drivers of the kernel that share their device with DPDK.
const SHARING: &[&str] = &["mlx5_core", "mlx4_core", "mana"];

/// Bits of capability sets (linux/capability.h).
const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;
const IPC_LOCK: u32 = 14;
const SYS_ADMIN: u32 = 21;

/// Huge pages that are free, of any size.
pub(crate) fn huge_pages_free(kernel: &Path) -> u64 {
    let folders = fs::read_dir(kernel).into_iter().flatten().flatten();
    let free = folders.filter_map(|entry| {
        fs::read_to_string(entry.path().join("free_hugepages")).ok()?.trim().parse::<u64>().ok()
    });
    free.sum()
}

/// Where the kernel says how many huge pages there are.
pub(crate) fn huge_pages() -> PathBuf {
    PathBuf::from("/sys/kernel/mm/hugepages")
}

/// A plugin that DPDK has not loaded.
pub(crate) fn plugin(library: &str) -> DpdkError {
    DpdkError::Plugin {
        plugin: format!("lib{library}.so"),
        package: format!("lib{}", library.replace('_', "-")),
        folder: sys::plugins().into(),
    }
}

/// What is wrong with a PCI device, if that can be seen.
pub(crate) fn pci(devices: &Path, address: &str) -> Option<DpdkError> {
    let device = devices.join(address);
    if !device.exists() {
        return Some(DpdkError::NoDevice(address.to_string()));
    }
    let driver = fs::read_link(device.join("driver")).ok();
    let driver = driver.and_then(|link| Some(link.file_name()?.to_string_lossy().into_owned()));
    match &driver {
        Some(name) if SHARING.contains(&name.as_str()) => return None,
        Some(name) if HANDING.contains(&name.as_str()) => {}
        _ => return Some(DpdkError::NotBound { address: address.to_string(), driver }),
    }
    // vfio hands out whole groups, each by a file.
    let group = fs::read_link(device.join("iommu_group")).ok()?;
    let file = Path::new("/dev/vfio").join(group.file_name()?);
    let denied = fs::OpenOptions::new().read(true).write(true).open(&file).err()?;
    (denied.kind() == std::io::ErrorKind::PermissionDenied).then(|| DpdkError::Permission {
        device: address.to_string(),
        needs: format!("{} (chown \"$USER\" {})", file.display(), file.display()),
    })
}

/// Where the kernel lists PCI devices.
pub(crate) fn pci_devices() -> PathBuf {
    PathBuf::from("/sys/bus/pci/devices")
}

/// Why a device could not be brought in.
pub(crate) fn probe(name: &Name, errno: i32) -> DpdkError {
    let (device, driver, interface) = match name {
        Name::Pci(address) => {
            return pci(&pci_devices(), address).unwrap_or_else(|| failed(address, errno));
        }
        Name::Virtual { name, driver, interface } => (name, driver, interface),
    };
    let library = format!("librte_{driver}.so");
    let loaded = fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains(&library));
    if !loaded {
        return plugin(&format!("rte_{driver}"));
    }
    if let Some(interface) = interface {
        let there = CString::new(interface.as_str()).ok().and_then(|name| sys::interface(&name));
        if there.is_none() {
            let (device, interface) = (device.clone(), interface.clone());
            return DpdkError::NoInterface { device, interface };
        }
    }
    let needs: &[(u32, &str)] = match driver.as_str() {
        "net_af_packet" => &[(NET_RAW, "CAP_NET_RAW"), (NET_ADMIN, "CAP_NET_ADMIN")],
        "net_af_xdp" => &[
            (NET_RAW, "CAP_NET_RAW"),
            (NET_ADMIN, "CAP_NET_ADMIN"),
            (SYS_ADMIN, "CAP_SYS_ADMIN"),
            (IPC_LOCK, "CAP_IPC_LOCK"),
        ],
        "net_tap" => &[(NET_ADMIN, "CAP_NET_ADMIN")],
        _ => &[],
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let has = capabilities(&status).unwrap_or(u64::MAX);
    let missing = needs.iter().filter(|(bit, _)| has >> bit & 1 == 0);
    let missing: Vec<&str> = missing.map(|(_, name)| *name).collect();
    if missing.is_empty() {
        failed(device, errno)
    } else {
        DpdkError::Permission { device: device.clone(), needs: missing.join(", ") }
    }
}

fn failed(device: &str, errno: i32) -> DpdkError {
    DpdkError::Device { what: "bring in", device: device.to_string(), errno }
}

/// The effective capabilities in `/proc/self/status`.
fn capabilities(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_device_that_is_not_bound_is_named_with_its_driver() {
        let root = std::env::temp_dir().join(format!("tercel-dpdk-{}", std::process::id()));
        let device = root.join("0000:65:00.0");
        fs::create_dir_all(&device).unwrap();
        let not_bound = |driver: Option<&str>| match pci(&root, "0000:65:00.0") {
            Some(DpdkError::NotBound { driver: found, .. }) => found.as_deref() == driver,
            _ => false,
        };
        assert!(not_bound(None));
        symlink("../drivers/ice", device.join("driver")).unwrap();
        assert!(not_bound(Some("ice")));
        let text = pci(&root, "0000:65:00.0").unwrap().to_string();
        assert!(text.contains("echo 0000:65:00.0 > /sys/bus/pci/drivers/ice/unbind"), "{text}");
        fs::remove_file(device.join("driver")).unwrap();
        symlink("../drivers/mlx5_core", device.join("driver")).unwrap();
        assert!(pci(&root, "0000:65:00.0").is_none());
        assert!(matches!(pci(&root, "0000:65:00.1"), Some(DpdkError::NoDevice(_))));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn capabilities_and_huge_pages_are_read() {
        assert_eq!(capabilities("Name:\tx\nCapEff:\t00000000a80425fb\n"), Some(0xa804_25fb));
        assert_eq!(capabilities("Name:\tx\n"), None);
        assert_eq!(huge_pages_free(Path::new("/no/such/folder")), 0);
    }

    #[test]
    fn a_missing_plugin_is_named_with_its_package() {
        let text = plugin("rte_net_af_xdp").to_string();
        assert!(text.contains("librte_net_af_xdp.so"), "{text}");
        assert!(text.contains("librte-net-af-xdp"), "{text}");
    }
}
