//! A cable between two namespaces.

use crate::Namespace;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tercel_net::interface::Interface;

/// Bits of the network that both ends of a cable are in.
pub const PREFIX: u8 = 24;

/// Time between two looks for a carrier, and how many: a minute, for on a busy machine more than
/// five seconds were seen.
const CARRIER_LOOK: Duration = Duration::from_millis(2);
const CARRIER_LOOKS: usize = 30_000;

/// One end of a cable.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Where it is.
    pub namespace: &'a Namespace,
    /// The interface's name there, at most 15 characters.
    pub interface: &'a str,
    /// Its address, in a network of [`PREFIX`] bits.
    pub address: Ipv4Addr,
}

/// Joins two namespaces by a veth pair, with addresses, both ends up.
///
/// Checksums are computed in software, as a veth pair would otherwise hand over frames without: who
/// reads them before the kernel's stack has to see what a wire would carry. IPv6 is off, so that no
/// frame is there that nobody sent.
pub fn join(a: End<'_>, b: End<'_>) -> io::Result<()> {
    let other = b.namespace.path().display().to_string();
    a.namespace.ip(&[
        "link",
        "add",
        "name",
        a.interface,
        "type",
        "veth",
        "peer",
        "name",
        b.interface,
        "netns",
        &other,
    ])?;
    for end in [a, b] {
        set_up(end)?;
    }
    for end in [a, b] {
        wait_for_carrier(end)?;
    }
    Ok(())
}

/// The kernel notices a carrier in the background, and until then drops what is sent.
fn wait_for_carrier(end: End<'_>) -> io::Result<()> {
    let name = end.interface;
    end.namespace.run(|| {
        let interface = Interface::open(name).map_err(io::Error::other)?;
        for _ in 0..CARRIER_LOOKS {
            if interface.is_running() {
                return Ok(());
            }
            std::thread::sleep(CARRIER_LOOK);
        }
        Err(io::Error::other(format!("{name} has no carrier")))
    })?
}

fn set_up(end: End<'_>) -> io::Result<()> {
    let End { namespace, interface, address } = end;
    let [a, b, c, d] = address.octets();
    let mac = format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
    let name = interface.to_string();
    namespace.run(|| {
        // Of the namespace of the thread that opens it.
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1").or_else(
            |error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            },
        )?;
        let interface = Interface::open(&name).map_err(io::Error::other)?;
        interface.set_checksum_offload(false).map_err(io::Error::other)
    })??;
    namespace.ip(&["link", "set", interface, "address", &mac])?;
    let cidr = format!("{address}/{PREFIX}");
    namespace.ip(&["address", "add", &cidr, "dev", interface])?;
    namespace.ip(&["link", "set", interface, "up"])
}
