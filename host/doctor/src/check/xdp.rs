//! Whether AF_XDP can be used, and what is known of each driver.

use super::{Area, Check, Outcomes, each_card};
use crate::finding::{Outcome, Remedy};
use crate::machine::Machine;
use crate::probe::{ABSENT, FORBIDDEN};
use crate::subject::Port;

pub(super) const XDP: Check = Check {
    name: "xdp",
    area: Area::Network,
    why: "AF_XDP hands frames to the process before the kernel's stack sees them. It needs a \
          kernel with CONFIG_XDP_SOCKETS, and leave to load a program and open the socket. Tried \
          here by opening such a socket and loading a program that is attached to nothing. Linux: \
          networking/af_xdp.",
    run: xdp,
};

fn xdp(machine: &Machine<'_>) -> Outcomes {
    if let Some(port) = machine.port
        && port != Port::Xdp
    {
        let found = format!("the port is {}", port.name());
        return Ok(vec![Outcome::not_applicable(found)]);
    }
    let wanted = machine.port == Some(Port::Xdp);
    let probes = machine.probes;
    let both = [("AF_XDP socket", &probes.xdp_socket), ("XDP program", &probes.xdp_program)];
    let mut failed =
        both.into_iter().filter_map(|(what, answer)| Some((what, answer.as_ref().err()?)));
    Ok(vec![match failed.next() {
        None => Outcome::good("an AF_XDP socket opens and an XDP program loads"),
        Some((what, why)) if why == ABSENT => {
            let advice = "use a kernel with CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL";
            Outcome::bad(wanted, format!("{what}: {why}")).fix(Remedy::advice(advice))
        }
        Some((what, why)) if why == FORBIDDEN => {
            let advice = "run as root, or grant the binary the capabilities: \
                          setcap cap_net_raw,cap_net_admin,cap_bpf,cap_sys_nice,cap_ipc_lock=ep \
                          <binary>";
            Outcome::bad(wanted, format!("{what}: {why}")).fix(Remedy::advice(advice))
        }
        Some((what, why)) => Outcome::cannot_tell(format!("{what}: {why}")),
    }])
}

/// Drivers of the kernel tree that have run XDP programs themselves for years (`ndo_bpf` with
/// XDP_SETUP_PROG), with the first version; vendors' own drivers of the same name may differ.
const NATIVE: &[(&str, &str)] = &[
    ("mlx4_en", "4.8"),
    ("mlx5_core", "4.9"),
    ("nfp", "4.10"),
    ("qede", "4.10"),
    ("virtio_net", "4.10"),
    ("bnxt_en", "4.11"),
    ("ixgbe", "4.12"),
    ("i40e", "4.13"),
    ("tun", "4.14"),
    ("veth", "4.19"),
    ("ice", "5.5"),
    ("ena", "5.6"),
    ("hv_netvsc", "5.6"),
    ("igb", "5.10"),
    ("igc", "5.13"),
    ("gve", "6.4"),
    ("vmxnet3", "6.6"),
];

pub(super) const XDP_DRIVER: Check = Check {
    name: "xdp-driver",
    area: Area::Network,
    why: "In native mode the driver runs the program on its own receive ring; in generic mode the \
          kernel does, after it has built its packet, which works with every driver and saves \
          little. Whether frames reach the socket without a copy is only known by binding one with \
          XDP_ZEROCOPY: it takes driver, kernel version, queue and ring sizes. Linux: \
          networking/af_xdp.",
    run: driver,
};

fn driver(machine: &Machine<'_>) -> Outcomes {
    if let Some(port) = machine.port
        && port != Port::Xdp
    {
        let found = format!("the port is {}", port.name());
        return Ok(vec![Outcome::not_applicable(found)]);
    }
    each_card(machine, |name| {
        let driver = match of_device(machine, name).map_or(machine.probes.nic(name).driver, Ok) {
            Ok(driver) => driver,
            Err(why) => return Ok(Outcome::cannot_tell(format!("its driver is not known: {why}"))),
        };
        let known = NATIVE.iter().find(|(known, _)| *known == driver);
        let mtu = machine.tree.number(&format!("/sys/class/net/{name}/mtu")).unwrap_or(0);
        Ok(match known {
            // A frame has to fit a page with its headroom, unless driver and program take several.
            Some(_) if mtu > 3_000 => Outcome::better(format!(
                "{driver} has native XDP, but an MTU of {mtu} does not fit one buffer"
            ))
            .fix(Remedy::command(
                "makes frames fit",
                format!("ip link set dev {name} mtu 1500"),
                Some(format!("ip link set dev {name} mtu {mtu}")),
            )),
            Some((_, since)) => Outcome::good(format!(
                "{driver} has native XDP in Linux {since} and later; zero-copy is only known by \
                 binding a socket"
            )),
            None => Outcome::cannot_tell(format!(
                "whether {driver} has native XDP is not known here: \
                 `ip link set dev {name} xdpdrv obj <program>` tries it; generic mode works"
            )),
        })
    })
}

fn of_device(machine: &Machine<'_>, name: &str) -> Option<String> {
    let text = machine.tree.text(&format!("/sys/class/net/{name}/device/uevent")).ok()?;
    let driver = text.lines().find_map(|line| line.strip_prefix("DRIVER="))?;
    (!driver.is_empty()).then(|| driver.to_string())
}
