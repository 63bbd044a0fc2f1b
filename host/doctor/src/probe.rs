//! What only a system call tells. Gathered first, so that the checks are functions of data.

use crate::ethtool::{Answer, Nic};
use crate::sys;
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

/// What the kernel says of its own clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelClock {
    /// A daemon keeps it in step.
    pub synchronised: bool,
    /// The largest error it may have by the kernel's own account, microseconds.
    pub error_max_us: i64,
}

impl KernelClock {
    /// Asks the kernel; changes nothing.
    pub fn of_system() -> Answer<KernelClock> {
        sys::clock_state()
            .map(|(synchronised, error_max_us)| KernelClock { synchronised, error_max_us })
            .map_err(|error| error.to_string())
    }
}

/// Answers of the system.
#[derive(Clone, Debug)]
pub struct Probes {
    /// What the drivers say, by interface.
    pub nics: BTreeMap<String, Nic>,
    /// An AF_XDP socket can be opened.
    pub xdp_socket: Answer<()>,
    /// An XDP program can be loaded.
    pub xdp_program: Answer<()>,
    /// The kernel's clock.
    pub clock: Answer<KernelClock>,
    /// The hypervisor's signature.
    pub hypervisor: Option<String>,
}

impl Probes {
    /// Asks this machine. Loads an XDP program that is attached to nothing and dropped at once, and
    /// changes nothing else.
    pub fn of_system(interfaces: &[String]) -> Probes {
        Probes {
            nics: interfaces.iter().map(|name| (name.clone(), Nic::ask(name))).collect(),
            xdp_socket: sys::xdp_socket().map_err(|error| reason(&error)),
            xdp_program: sys::xdp_program().map_err(|error| reason(&error)),
            clock: KernelClock::of_system(),
            hypervisor: sys::hypervisor(),
        }
    }

    /// Nothing can be asked, for one reason, as with the files of another machine.
    pub fn none(reason: &str) -> Probes {
        Probes {
            nics: BTreeMap::new(),
            xdp_socket: Err(reason.into()),
            xdp_program: Err(reason.into()),
            clock: Err(reason.into()),
            hypervisor: None,
        }
    }

    /// What a driver says of its interface.
    pub(crate) fn nic(&self, interface: &str) -> Nic {
        let missing = || match &self.xdp_socket {
            // Nobody asked, for a reason that is told once.
            Err(reason) if self.nics.is_empty() => Nic::unknown(reason),
            _ => Nic::unknown("the driver was not asked"),
        };
        self.nics.get(interface).cloned().unwrap_or_else(missing)
    }
}

/// The texts the checks look for: a kernel without the feature, and no permission.
pub(crate) const ABSENT: &str = "this kernel does not have it";
pub(crate) const FORBIDDEN: &str = "no permission (CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN)";

fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT | libc::ENOSYS) => ABSENT.into(),
        Some(libc::EPERM | libc::EACCES) => FORBIDDEN.into(),
        _ => error.to_string(),
    }
}

/// The interface of this machine that has an address.
pub fn interface_with(address: Ipv4Addr) -> io::Result<Option<String>> {
    sys::interface_with(address)
}
