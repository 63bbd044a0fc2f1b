//! What keeps a device from being opened, and what to do about it.
//!
//! The kernel answers most of it with `No such file or directory` or `Invalid argument`. Each step
//! on the way to the device is therefore looked at first, and named with its remedy.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The driver that hands a device to a process.
const DRIVER: &str = "vfio-pci";

/// Where the kernel shows devices.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// `/sys/bus/pci`
    pub(super) bus: PathBuf,
    /// `/dev/vfio`
    pub(super) vfio: PathBuf,
}

impl Places {
    pub(super) fn system() -> Places {
        Places { bus: "/sys/bus/pci".into(), vfio: "/dev/vfio".into() }
    }

    pub(super) fn device(&self, address: &str) -> PathBuf {
        self.bus.join("devices").join(address)
    }
}

/// Why a device cannot be opened through VFIO.
#[derive(Debug)]
#[non_exhaustive]
pub enum VfioError {
    /// No address of a PCI device.
    Address(String),
    /// No such device.
    NoDevice(String),
    /// The device is in no group of an IOMMU.
    NoIommu(String),
    /// The device has another driver than vfio-pci, or none.
    NotBound {
        /// Address of the device.
        address: String,
        /// The driver that has it.
        driver: Option<String>,
    },
    /// The kernel does not offer VFIO.
    NoVfio,
    /// This user may not open the file.
    Permission(PathBuf),
    /// Another process has the group open.
    Busy(PathBuf),
    /// Another device of the same group has a driver that is not VFIO's.
    Group {
        /// The group.
        group: u32,
        /// Address and driver of each such device.
        others: Vec<(String, String)>,
    },
    /// The device does not have what a card has.
    Device {
        /// Address of the device.
        address: String,
        /// What it lacks.
        what: String,
    },
    /// Memory cannot be had, or not be given to the device.
    Memory {
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel says.
        error: io::Error,
    },
    /// The kernel says so.
    Kernel {
        /// What was to be done.
        what: &'static str,
        /// What the kernel says.
        error: io::Error,
    },
}

impl fmt::Display for VfioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VfioError::Address(text) => write!(
                f,
                "`{text}` is not the address of a PCI device, which looks like 0000:65:00.0 \
                 (lspci -D)"
            ),
            VfioError::NoDevice(address) => {
                write!(f, "there is no PCI device {address}; lspci -D names those that are there")
            }
            VfioError::NoIommu(address) => write!(
                f,
                "no IOMMU stands before {address}: turn on VT-d or AMD-Vi in the firmware, put \
                 intel_iommu=on (Intel) on the kernel's command line, and boot"
            ),
            VfioError::NotBound { address, driver } => {
                let has = match driver {
                    Some(driver) => format!("has the driver {driver}"),
                    None => "has no driver".to_string(),
                };
                write!(f, "{address} {has} instead of {DRIVER}; as root: modprobe {DRIVER}; ")?;
                write!(f, "echo {DRIVER} > /sys/bus/pci/devices/{address}/driver_override; ")?;
                if let Some(driver) = driver {
                    write!(f, "echo {address} > /sys/bus/pci/drivers/{driver}/unbind; ")?;
                }
                write!(f, "echo {address} > /sys/bus/pci/drivers_probe")
            }
            VfioError::NoVfio => {
                write!(f, "the kernel does not offer VFIO; as root: modprobe {DRIVER}")
            }
            VfioError::Permission(path) => {
                let path = path.display();
                write!(f, "no permission for {path}; as root: chown \"$USER\" {path}")
            }
            VfioError::Busy(path) => write!(
                f,
                "another process has {path} open; fuser -v {path} names it",
                path = path.display()
            ),
            VfioError::Group { group, others } => {
                write!(f, "IOMMU group {group} has other devices that are not {DRIVER}'s:")?;
                for (address, driver) in others {
                    write!(f, " {address} ({driver})")?;
                }
                write!(f, "; bind them to {DRIVER} too, unbind them, or use another slot")
            }
            VfioError::Device { address, what } => write!(f, "{address} {what}"),
            VfioError::Memory { bytes, error } => write!(
                f,
                "{bytes} bytes of memory for the card: {error}; the limit on locked memory \
                 (ulimit -l) has to be above that"
            ),
            VfioError::Kernel { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for VfioError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            VfioError::Memory { error, .. } | VfioError::Kernel { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Looks at every step before the device is opened.
pub(super) fn check(places: &Places, address: &str) -> Result<(), VfioError> {
    if !is_address(address) {
        return Err(VfioError::Address(address.to_string()));
    }
    let device = places.device(address);
    if !device.exists() {
        return Err(VfioError::NoDevice(address.to_string()));
    }
    let group = link(&device.join("iommu_group")).and_then(|name| name.parse::<u32>().ok());
    let Some(group) = group else { return Err(VfioError::NoIommu(address.to_string())) };
    let driver = link(&device.join("driver"));
    if driver.as_deref() != Some(DRIVER) {
        return Err(VfioError::NotBound { address: address.to_string(), driver });
    }
    let container = places.vfio.join("vfio");
    if !container.exists() {
        return Err(VfioError::NoVfio);
    }
    for path in [container, places.vfio.join(group.to_string())] {
        openable(&path)?;
    }
    let others = others(&device.join("iommu_group/devices"), address);
    if others.is_empty() { Ok(()) } else { Err(VfioError::Group { group, others }) }
}

/// Whether the file can be opened, which for a group only one process can at a time.
fn openable(path: &Path) -> Result<(), VfioError> {
    match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::PermissionDenied => VfioError::Permission(path.to_path_buf()),
            io::ErrorKind::ResourceBusy => VfioError::Busy(path.to_path_buf()),
            io::ErrorKind::NotFound => VfioError::NoVfio,
            _ => VfioError::Kernel { what: "opening the IOMMU group", error },
        }),
    }
}

/// The other devices of a group that the kernel itself drives, and by which driver. Bridges between
/// ports do not count: they do not begin transfers of their own.
fn others(devices: &Path, address: &str) -> Vec<(String, String)> {
    let names = fs::read_dir(devices).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for entry in names {
        let name = entry.file_name().to_string_lossy().into_owned();
        let driver = link(&entry.path().join("driver"));
        match driver {
            Some(driver) if name != address && driver != "pcieport" && driver != DRIVER => {
                found.push((name, driver));
            }
            _ => {}
        }
    }
    found.sort();
    found
}

/// The name of what a link points to.
fn link(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// Domain, bus, device and function: `0000:65:00.0`. Anything else would name another file.
fn is_address(text: &str) -> bool {
    let hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let lengths = [4, 2, 2, 1];
    text.len() == 12
        && parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, len)| hex(part, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const ADDRESS: &str = "0000:65:00.0";

    /// A made-up system, which is removed at the end.
    struct System(Places);

    impl std::ops::Deref for System {
        type Target = Places;

        fn deref(&self) -> &Places {
            &self.0
        }
    }

    impl Drop for System {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.bus.parent().unwrap());
        }
    }

    /// With one device in group 7, bound to vfio-pci.
    fn system(name: &str) -> System {
        let root = std::env::temp_dir().join(format!("tercel-vfio-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let places = Places { bus: root.join("bus"), vfio: root.join("vfio") };
        for driver in [DRIVER, "ixgbe"] {
            fs::create_dir_all(places.bus.join("drivers").join(driver)).unwrap();
        }
        let group = root.join("groups/7");
        fs::create_dir_all(group.join("devices")).unwrap();
        fs::create_dir_all(&places.vfio).unwrap();
        fs::write(places.vfio.join("vfio"), "").unwrap();
        fs::write(places.vfio.join("7"), "").unwrap();
        add(&places, &group, ADDRESS, Some(DRIVER));
        System(places)
    }

    fn add(places: &Places, group: &Path, address: &str, driver: Option<&str>) {
        let device = places.device(address);
        fs::create_dir_all(&device).unwrap();
        symlink(group, device.join("iommu_group")).unwrap();
        symlink(&device, group.join("devices").join(address)).unwrap();
        if let Some(driver) = driver {
            symlink(places.bus.join("drivers").join(driver), device.join("driver")).unwrap();
        }
    }

    fn says(places: &Places, part: &str) {
        let error = check(places, ADDRESS).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn a_device_that_is_ready_passes() {
        assert!(check(&system("ready"), ADDRESS).is_ok());
    }

    #[test]
    fn each_obstacle_is_named_with_its_remedy() {
        let places = system("obstacles");
        let device = places.device(ADDRESS);
        fs::remove_file(places.vfio.join("7")).unwrap();
        says(&places, "modprobe vfio-pci");
        fs::remove_file(places.vfio.join("vfio")).unwrap();
        says(&places, "modprobe vfio-pci");
        fs::remove_file(device.join("driver")).unwrap();
        says(&places, "has no driver instead of vfio-pci; as root: modprobe");
        symlink(places.bus.join("drivers/ixgbe"), device.join("driver")).unwrap();
        says(&places, "/drivers/ixgbe/unbind");
        fs::remove_file(device.join("iommu_group")).unwrap();
        says(&places, "intel_iommu=on");
        fs::remove_dir_all(&device).unwrap();
        says(&places, "there is no PCI device");
    }

    #[test]
    fn a_group_is_shared_with_no_driver_of_the_kernel() {
        let places = system("group");
        let group = places.bus.parent().unwrap().join("groups/7");
        add(&places, &group, "0000:65:00.1", None);
        add(&places, &group, "0000:65:00.2", Some(DRIVER));
        assert!(check(&places, ADDRESS).is_ok());
        add(&places, &group, "0000:65:00.3", Some("ixgbe"));
        says(&places, "group 7 has other devices that are not vfio-pci's: 0000:65:00.3 (ixgbe);");
    }

    #[test]
    fn an_address_is_no_path() {
        for bad in ["", "65:00.0", "../../../../etc", "0000:65:00", "0000:65:00.0/", "0000.65.0"] {
            assert!(!is_address(bad), "{bad}");
        }
        assert!(is_address("0000:65:00.0") && is_address("00a0:ff:1f.7"));
    }
}
