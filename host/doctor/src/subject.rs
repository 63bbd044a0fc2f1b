//! What is looked at: which cores trade, which interfaces, and what takes the frames.

use crate::cores::CoreSet;
use serde::Serialize;

/// What takes frames from the interfaces. It decides which findings matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// The kernel's UDP and TCP sockets.
    Kernel,
    /// A packet socket's ring (TPACKET).
    Packet,
    /// AF_XDP.
    Xdp,
    /// DPDK.
    Dpdk,
    /// A feed card over VFIO.
    Fpga,
}

impl Port {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Port::Kernel => "kernel",
            Port::Packet => "packet",
            Port::Xdp => "xdp",
            Port::Dpdk => "dpdk",
            Port::Fpga => "fpga",
        }
    }

    /// Frames reach the program by way of an interrupt of the card.
    pub(crate) fn interrupted(self) -> bool {
        matches!(self, Port::Kernel | Port::Packet | Port::Xdp)
    }

    /// The card is taken from the kernel and given to the process.
    pub(crate) fn takes_device(self) -> bool {
        matches!(self, Port::Dpdk | Port::Fpga)
    }
}

/// What to look at. What is empty is chosen from what the machine says.
#[derive(Clone, Default, Debug)]
pub struct Subject {
    /// Cores that trade.
    pub cores: CoreSet,
    /// Interfaces that frames come from or go to.
    pub interfaces: Vec<String>,
    /// What takes the frames; none if not said: then every way is looked at.
    pub port: Option<Port>,
}

/// Where the hot cores are known from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chosen {
    /// They were named.
    Named,
    /// They are those that the scheduler leaves alone.
    Isolated,
    /// Nobody said: the last core that this process may use.
    Assumed,
    /// Not even the machine's cores could be read.
    Unknown,
}
