//! A network interface as the kernel describes it.

use crate::{NetError, sys};
use std::net::UdpSocket;

/// Longest name of an interface, without the zero behind it (IFNAMSIZ).
const NAME_MAX: usize = 15;

/// `ethtool` commands and flags of `linux/ethtool.h`.
const ETHTOOL_STXCSUM: u32 = 0x17;
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// An interface that was there when it was opened.
#[derive(Debug)]
pub struct Interface {
    name: String,
    index: u32,
    /// Any socket does: it names the network namespace that is asked.
    socket: UdpSocket,
}

impl Interface {
    /// Finds it by name in the network namespace of the calling thread.
    pub fn open(name: &str) -> Result<Interface, NetError> {
        let none = || NetError::NoInterface(name.to_string());
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(none());
        }
        let socket = sys::any_socket().map_err(NetError::system("open a socket"))?;
        let mut interface = Interface { name: name.to_string(), index: 0, socket };
        interface.index = interface.current_index().ok_or_else(none)?;
        Ok(interface)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number when it was opened.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The number that the name has now: another one, or none, when the interface was taken away.
    pub fn current_index(&self) -> Option<u32> {
        let words = self.request(libc::SIOCGIFINDEX).ok()?;
        u32::try_from(i32::from_ne_bytes(*words.first_chunk()?)).ok()
    }

    /// Whether it is there and up, its link too.
    pub fn is_running(&self) -> bool {
        let wanted = (libc::IFF_UP | libc::IFF_RUNNING) as u16;
        let flags = self.request(libc::SIOCGIFFLAGS).ok();
        let flags = flags.and_then(|words| Some(u16::from_ne_bytes(*words.first_chunk()?)));
        flags.is_some_and(|flags| flags & wanted == wanted)
            && self.current_index() == Some(self.index)
    }

    /// Its hardware address.
    pub fn mac(&self) -> Result<[u8; 6], NetError> {
        let words = self
            .request(libc::SIOCGIFHWADDR)
            .map_err(NetError::system("read an interface's hardware address"))?;
        // struct sockaddr: two bytes of family, then the address.
        let mut mac = [0; 6];
        mac.copy_from_slice(&words[2..8]);
        Ok(mac)
    }

    /// Longest payload of a frame, bytes.
    pub fn mtu(&self) -> Result<usize, NetError> {
        let words =
            self.request(libc::SIOCGIFMTU).map_err(NetError::system("read an interface's MTU"))?;
        let mtu = words.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
        Ok(usize::try_from(mtu).unwrap_or(0))
    }

    /// Receive queues: 1 where the driver does not say.
    pub fn receive_queues(&self) -> u32 {
        // struct ethtool_channels: command, four maxima, then receive, transmit, other, combined.
        let mut channels = [0_u32; 9];
        channels[0] = ETHTOOL_GCHANNELS;
        match sys::ethtool(&self.socket, &self.name, &mut channels) {
            Ok(()) => (channels[5] + channels[8]).max(1),
            Err(_) => 1,
        }
    }

    /// Whether the interface computes the checksums of what the kernel's stack sends.
    pub fn set_checksum_offload(&self, on: bool) -> Result<(), NetError> {
        let mut value = [ETHTOOL_STXCSUM, u32::from(on)];
        sys::ethtool(&self.socket, &self.name, &mut value)
            .map_err(NetError::system("set an interface's checksum offload"))
    }

    fn request(&self, what: libc::c_ulong) -> std::io::Result<[u8; 24]> {
        sys::interface_request(&self.socket, what, &self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_what_it_is_everywhere() {
        let lo = Interface::open("lo").unwrap();
        assert_eq!((lo.name(), lo.current_index()), ("lo", Some(lo.index())));
        assert_eq!(lo.mac().unwrap(), [0; 6]);
        assert!(lo.mtu().unwrap() >= 1_500);
        assert_eq!(lo.receive_queues(), 1);
    }

    #[test]
    fn what_is_not_there_is_named() {
        for name in ["", "no-such-thing", "a-name-that-is-too-long-for-any"] {
            let error = Interface::open(name).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
}
