//! What a stack is told when it is made.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};
use tercel_types::Nanos;

/// The smallest packet every host takes (RFC 791 §3.1): no smaller MTU makes sense.
const MTU_MIN: usize = 576;

/// The largest MTU that frames are kept for: jumbo frames as most cards carry them.
const MTU_MAX: usize = 9_000;

/// Who we are and whom we talk to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpConfig {
    /// The port's own MAC address.
    pub mac: [u8; 6],
    /// Our address. It is the stack's alone: the kernel does not have it, and does not answer ARP
    /// for it.
    pub address: Ipv4Addr,
    /// Bits of the network's part of `address`.
    pub prefix: u8,
    /// Where packets go when the peer is on another network.
    pub gateway: Option<Ipv4Addr>,
    /// The venue.
    pub peer: SocketAddrV4,
    /// Bytes of an IP packet at most, 1500 on most networks.
    pub mtu: usize,
    /// A dial that is not answered for this long has failed.
    pub connect_timeout: Nanos,
    /// After this long without a segment from the peer it is asked for one (RFC 9293 §3.8.4); a
    /// peer that is silent for a minute, or for four such times if that is longer, is lost. Without
    /// it nothing but the peer ends an idle connection, and the session's own heartbeats must tell.
    pub keep_alive: Option<Nanos>,
    /// Decides local ports and initial sequence numbers: another one for each start of a process,
    /// or a restart may meet its own old connections.
    pub seed: u64,
}

/// What is wrong with a [`TcpConfig`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// `mac` is a group's or all zeros.
    Mac,
    /// `address` is no host's on a network of `prefix` bits.
    Address,
    /// `peer` is no host's, is our own address, or has no port.
    Peer,
    /// `peer` is on another network and there is no gateway.
    NoGateway,
    /// `gateway` is not on our network, or is ourselves.
    Gateway,
    /// `mtu` is below 576 or above 9000.
    Mtu,
    /// `connect_timeout` or `keep_alive` is below a millisecond.
    Time,
}

impl TcpConfig {
    /// Where frames to the peer go: the peer itself, or the gateway.
    pub(crate) fn next_hop(&self) -> Ipv4Addr {
        let on_link = self.is_on_link(*self.peer.ip());
        self.gateway.filter(|_| !on_link).unwrap_or(*self.peer.ip())
    }

    fn is_on_link(&self, other: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
        (self.address.to_bits() ^ other.to_bits()) & mask == 0
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let host = |address: Ipv4Addr| {
            !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
        };
        let least = Nanos(1_000_000);
        if self.mac[0] & 1 != 0 || self.mac == [0; 6] {
            Err(ConfigError::Mac)
        } else if !host(self.address) || !(1..=32).contains(&self.prefix) {
            Err(ConfigError::Address)
        } else if !host(*self.peer.ip()) || self.peer.port() == 0 || *self.peer.ip() == self.address
        {
            Err(ConfigError::Peer)
        } else if !self.is_on_link(*self.peer.ip()) && self.gateway.is_none() {
            Err(ConfigError::NoGateway)
        } else if self.gateway.is_some_and(|at| !self.is_on_link(at) || at == self.address) {
            Err(ConfigError::Gateway)
        } else if !(MTU_MIN..=MTU_MAX).contains(&self.mtu) {
            Err(ConfigError::Mtu)
        } else if self.connect_timeout < least || self.keep_alive.is_some_and(|at| at < least) {
            Err(ConfigError::Time)
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConfigError::Mac => "the MAC address is not a host's",
            ConfigError::Address => "the address is not a host's on a network of that prefix",
            ConfigError::Peer => "the peer is not another host and a port",
            ConfigError::NoGateway => "the peer is on another network and there is no gateway",
            ConfigError::Gateway => "the gateway is not another host on our network",
            ConfigError::Mtu => "the MTU is not between 576 and 9000 bytes",
            ConfigError::Time => "a time is shorter than a millisecond",
        })
    }
}

impl core::error::Error for ConfigError {}
