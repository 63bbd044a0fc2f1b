//! DPDK's ports, in builds that have it.

#[cfg(not(feature = "dpdk"))]
pub(crate) use without::Dpdk;

#[cfg(feature = "dpdk")]
pub(crate) use with::{Dpdk, DpdkPort};

#[cfg(not(feature = "dpdk"))]
mod without {
    use crate::wire::Path;
    use crate::wire::port::PathPort;
    use anyhow::{Result, bail};
    use tercel_net::flows::Flows;

    /// No DPDK.
    #[derive(Debug)]
    pub(crate) struct Dpdk;

    impl Dpdk {
        /// Nothing is to be started.
        pub(crate) fn start(_paths: &[Path]) -> Dpdk {
            Dpdk
        }

        /// There is none.
        pub(crate) fn open(&self, _: Path, _: &str, _: &Flows) -> Result<PathPort> {
            bail!("this build has no DPDK; `--features dpdk` builds one that has (needs libdpdk)")
        }
    }
}

#[cfg(feature = "dpdk")]
mod with {
    use crate::wire::Path;
    use crate::wire::port::PathPort;
    use anyhow::{Result, anyhow};
    pub(crate) use tercel_dpdk::DpdkPort;
    use tercel_dpdk::{Eal, Memory, PortConfig, arguments};
    use tercel_net::flows::Flows;

    /// MiB of ordinary pages: two ports' buffers, and those that `net_af_xdp` has beside them.
    const MEMORY: u32 = 256;

    /// DPDK, or why it did not start.
    #[derive(Debug)]
    pub(crate) struct Dpdk(Option<Result<Eal, String>>);

    impl Dpdk {
        /// Starts it, once for all rounds, if a path needs it.
        pub(crate) fn start(paths: &[Path]) -> Dpdk {
            let needed = paths.iter().any(|path| driver(*path).is_some());
            let start = || {
                let arguments = arguments(Memory::Small(MEMORY), &["net_af_packet0"]);
                Eal::init(&arguments).map_err(|error| error.to_string())
            };
            Dpdk(needed.then(start))
        }

        /// A port over an interface, in the network namespace of the calling thread.
        pub(crate) fn open(&self, path: Path, interface: &str, flows: &Flows) -> Result<PathPort> {
            let eal = match &self.0 {
                Some(Ok(eal)) => eal,
                Some(Err(why)) => return Err(anyhow!("DPDK did not start: {why}")),
                None => return Err(anyhow!("DPDK was not started")),
            };
            let driver = driver(path).unwrap_or_default();
            // The two ports of a round are two devices.
            let number = u8::from(flows.session.is_some());
            let device = format!("{driver}{number},iface={interface}");
            let config = PortConfig { groups: flows.udp.clone(), ..PortConfig::new(device) };
            Ok(PathPort::Dpdk(Box::new(DpdkPort::open(eal, &config)?)))
        }
    }

    fn driver(path: Path) -> Option<&'static str> {
        match path {
            Path::DpdkPacket => Some("net_af_packet"),
            Path::DpdkXdp => Some("net_af_xdp"),
            _ => None,
        }
    }
}
