//! How a port is to be opened.

use crate::DpdkError;
use crate::sys::BURST;
use std::net::SocketAddrV4;

/// Shortest frame that is sent: the hardware of ixgbe and i40e takes a shorter one for an attack
/// and stops the queue.
pub const FRAME_MIN: usize = 17;

/// Settings of a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortConfig {
    /// A PCI address, or a virtual device with its arguments: `0000:65:00.0`,
    /// `net_af_xdp0,iface=eth1`.
    pub device: String,
    /// Slots of the receive ring; devices round it to what they have.
    pub receive_slots: u16,
    /// Slots of the transmit ring.
    pub transmit_slots: u16,
    /// Buffers. A device keeps as many as its rings have slots; `net_af_xdp` 4,096 beside those.
    pub buffers: u32,
    /// Bytes of a buffer, and so the longest frame that is sent.
    pub buffer_bytes: u16,
    /// Longest frame that is handed out, without its check sequence.
    pub frame_max: usize,
    /// Receives frames to any hardware address.
    pub promiscuous: bool,
    /// Receives frames to any group.
    pub all_multicast: bool,
    /// Addresses of the feed: the device is asked to receive these groups, and for a rule for each.
    pub groups: Vec<SocketAddrV4>,
    /// Asks the device to leave to the kernel what no rule names, where it can share itself.
    pub isolate: bool,
}

impl PortConfig {
    /// Settings for frames of an ordinary network.
    pub fn new(device: impl Into<String>) -> PortConfig {
        PortConfig {
            device: device.into(),
            receive_slots: 1_024,
            transmit_slots: 512,
            buffers: 8_191,
            buffer_bytes: 2_048,
            // 1,500 bytes behind a header with two tags.
            frame_max: 1_522,
            promiscuous: false,
            all_multicast: false,
            groups: Vec::new(),
            isolate: false,
        }
    }

    /// What does not go together.
    pub(crate) fn check(&self) -> Result<(), DpdkError> {
        let refuse = |what: String| Err(DpdkError::Config { device: self.device.clone(), what });
        let least = u32::from(self.receive_slots) + u32::from(self.transmit_slots);
        let least = least + 2 * BURST as u32;
        if self.buffers < least {
            return refuse(format!(
                "{} buffers are too few for rings of {} and {} slots: at least {least}",
                self.buffers, self.receive_slots, self.transmit_slots
            ));
        }
        if self.buffer_bytes < 256 {
            return refuse(format!("buffers of {} bytes are too small", self.buffer_bytes));
        }
        if !(64..=1 << 16).contains(&self.frame_max) {
            return refuse(format!("frames of up to {} bytes: 64 to 65536", self.frame_max));
        }
        Ok(())
    }
}

/// A device's name, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    /// The address of a PCI device, with its domain.
    Pci(String),
    /// A virtual device: its name without arguments, its driver, the interface below it.
    Virtual { name: String, driver: String, interface: Option<String> },
}

impl Name {
    pub(crate) fn parse(text: &str) -> Result<Name, DpdkError> {
        let refused = || DpdkError::Name(text.to_string());
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default();
        if name.contains(':') {
            return pci(name).map(Name::Pci).ok_or_else(refused);
        }
        let driver = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !driver.starts_with("net_") || !name.chars().all(plain) || text.contains('\0') {
            return Err(refused());
        }
        let interface = parts.find_map(|part| part.strip_prefix("iface=")).map(str::to_string);
        Ok(Name::Virtual { name: name.to_string(), driver: driver.to_string(), interface })
    }

    /// The driver of a virtual device.
    pub(crate) fn driver(&self) -> Option<&str> {
        match self {
            Name::Pci(_) => None,
            Name::Virtual { driver, .. } => Some(driver),
        }
    }

    /// What the device is found by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Name::Pci(name) | Name::Virtual { name, .. } => name,
        }
    }
}

/// `65:00.0` and `0000:65:00.0` as the latter.
fn pci(text: &str) -> Option<String> {
    let (rest, function) = text.split_once('.')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (domain, bus, device) = match parts[..] {
        [bus, device] => ("0000", bus, device),
        [domain, bus, device] => (domain, bus, device),
        _ => return None,
    };
    let hex = |text: &str, max: usize| {
        let fits = !text.is_empty() && text.len() <= max;
        fits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
    };
    let (domain, bus) = (hex(domain, 8)?, hex(bus, 2)?);
    let (device, function) = (hex(device, 2)?, hex(function, 1)?);
    (device < 32 && function < 8).then(|| format!("{domain:04x}:{bus:02x}:{device:02x}.{function}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let pci = |text: &str| Name::Pci(text.to_string());
        assert_eq!(Name::parse("0000:65:00.1").unwrap(), pci("0000:65:00.1"));
        assert_eq!(Name::parse("3B:1f.0,mprq_en=1").unwrap(), pci("0000:3b:1f.0"));
        let expected = Name::Virtual {
            name: "net_af_packet7".to_string(),
            driver: "net_af_packet".to_string(),
            interface: Some("eth1".to_string()),
        };
        assert_eq!(Name::parse("net_af_packet7,framesz=4096,iface=eth1").unwrap(), expected);
        assert_eq!(Name::parse("net_ring0").unwrap().name(), "net_ring0");
        for bad in ["", "eth1", "65:20.0", "65:00.8", "1:2:3:4.5", "net_ring\0", "net ring", ":."] {
            assert!(matches!(Name::parse(bad), Err(DpdkError::Name(_))), "{bad:?}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let good = PortConfig::new("net_ring0");
        good.check().unwrap();
        for bad in [
            PortConfig { buffers: 1_000, ..good.clone() },
            PortConfig { buffer_bytes: 128, ..good.clone() },
            PortConfig { frame_max: 60, ..good.clone() },
            PortConfig { frame_max: 1 << 20, ..good.clone() },
        ] {
            assert!(matches!(bad.check(), Err(DpdkError::Config { .. })), "{bad:?}");
        }
    }
}
