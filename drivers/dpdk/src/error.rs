//! Why DPDK could not be started or a port not be opened, said so that the reader knows what to do.

use std::path::PathBuf;

/// DPDK could not be started, or a port could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DpdkError {
    /// EAL starts threads and waits for them: they inherit the policy and never run beside it.
    #[error(
        "DPDK cannot be started from a thread that is scheduled as SCHED_FIFO or SCHED_RR, it \
         would wait for ever: start it before the thread's priority is raised"
    )]
    RealTime,
    /// The two do not go together: DPDK 22.11 then crashes in its first allocation.
    #[error(
        "`--no-huge` and `--in-memory` exclude each other: huge pages without files is \
         `--in-memory` alone, ordinary memory is `--no-huge --no-shconf`"
    )]
    NoHugeInMemory,
    /// An argument that C cannot be given.
    #[error("the argument {0:?} has a zero byte in it")]
    Argument(String),
    /// The kernel keeps no huge pages.
    #[error(
        "no huge page is free: as root `echo 256 > /proc/sys/vm/nr_hugepages`, or give EAL \
         `--no-huge --no-shconf -m 256` to do without (the PCI devices need huge pages)"
    )]
    NoHugePages,
    /// DPDK did not start; its own lines on standard error say more.
    #[error(
        "DPDK did not start (error {errno}: {}); its lines on standard error say more. {hint}",
        std::io::Error::from_raw_os_error(*.errno)
    )]
    Start {
        /// What DPDK says.
        errno: i32,
        /// What is most likely to be done about it.
        hint: &'static str,
    },
    /// It was started with other arguments before.
    #[error("DPDK runs already, started with `{0}`: it can be started once a process")]
    Running(String),
    /// It was started before and has ended or failed.
    #[error("DPDK was started in this process before and cannot be a second time: restart it")]
    Over,
    /// A plugin is not in its folder.
    #[error(
        "DPDK has not loaded {plugin} from {}: install {package} (`apt-get install {package}`)",
        .folder.display()
    )]
    Plugin {
        /// Its file, without what follows `.so`.
        plugin: String,
        /// Debian's package, without the number at its end.
        package: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Neither an address nor the name of a virtual device.
    #[error(
        "`{0}` names no device: write a PCI address such as 0000:65:00.0, or a virtual device such \
         as net_af_xdp0,iface=eth1 or net_ring0"
    )]
    Name(String),
    /// No such PCI device.
    #[error("there is no PCI device {0}; lspci -D names those that are there")]
    NoDevice(String),
    /// The kernel's driver has the device.
    #[error(
        "{address} {} instead of vfio-pci; as root: modprobe vfio-pci; \
         echo vfio-pci > /sys/bus/pci/devices/{address}/driver_override; {}\
         echo {address} > /sys/bus/pci/drivers_probe",
        .driver.as_ref().map_or("has no driver".to_string(), |driver| format!("has {driver}")),
        .driver.as_ref().map_or(String::new(), |driver| format!(
            "echo {address} > /sys/bus/pci/drivers/{driver}/unbind; ",
            address = .address
        ))
    )]
    NotBound {
        /// Its address.
        address: String,
        /// The driver that it has.
        driver: Option<String>,
    },
    /// The interface below a virtual device is not there.
    #[error("{device} has no interface {interface} below it: `ip link` lists those there are")]
    NoInterface {
        /// The device.
        device: String,
        /// The interface.
        interface: String,
    },
    /// The interface has an XDP program that is not ours. The driver would use it, or share it with
    /// its owner, and take it off in the end: its owner would receive nothing any more.
    #[error(
        "{device}: another process has the XDP program {program} on {interface}: stop that \
         process, or take the program off with `ip link set dev {interface} xdp off`"
    )]
    ForeignProgram {
        /// The device.
        device: String,
        /// The interface.
        interface: String,
        /// The program's number.
        program: u32,
    },
    /// The kernel allows this only to privileged processes.
    #[error("no permission for {device}: it takes {needs}; run as root or give the program those")]
    Permission {
        /// The device.
        device: String,
        /// Capabilities or a file.
        needs: String,
    },
    /// A port of this process has the device.
    #[error("{0} is open in this process already: choose another name or drop the other port")]
    InUse(String),
    /// Settings that do not go together.
    #[error("{device}: {what}")]
    Config {
        /// The device.
        device: String,
        /// What is wrong.
        what: String,
    },
    /// No memory for buffers.
    #[error(
        "no memory for {buffers} buffers of {bytes} bytes: give EAL more (`-m` in MiB, or more \
         huge pages in /proc/sys/vm/nr_hugepages) or ask for fewer"
    )]
    Memory {
        /// How many.
        buffers: u32,
        /// How large each.
        bytes: u16,
    },
    /// The device refused.
    #[error(
        "cannot {what} {device} (error {errno}: {}); DPDK's lines on standard error say more",
        std::io::Error::from_raw_os_error(*.errno)
    )]
    Device {
        /// What was tried.
        what: &'static str,
        /// The device.
        device: String,
        /// What DPDK says.
        errno: i32,
    },
}
