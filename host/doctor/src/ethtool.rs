//! What a driver says about its card, by the requests of `linux/ethtool.h`.

use crate::sys;
use std::io;

/// An answer, or why there is none.
pub type Answer<T> = Result<T, String>;

/// Queues.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Channels {
    /// Queues that receive, now.
    pub receive: u32,
    /// Most of them.
    pub receive_max: u32,
    /// Queues that send, now.
    pub transmit: u32,
}

/// Work that card and kernel do on several packets at once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Offloads {
    /// Generic receive offload: the kernel merges.
    pub gro: bool,
    /// Large receive offload: the card merges.
    pub lro: bool,
    /// TCP segmentation offload.
    pub tso: bool,
    /// Receive flow steering by rules (`ethtool -N`).
    pub ntuple: bool,
}

/// How long a card waits before it interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Coalescing {
    /// Microseconds after a received frame.
    pub receive_us: u32,
    /// Received frames; zero leaves it to the time.
    pub receive_frames: u32,
    /// The driver chooses by load.
    pub adaptive: bool,
}

/// Descriptors of one queue.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rings {
    /// To receive, now.
    pub receive: u32,
    /// Most of them.
    pub receive_max: u32,
    /// To send, now.
    pub transmit: u32,
    /// Most of them.
    pub transmit_max: u32,
}

/// Time stamps.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stamping {
    /// The number of the card's clock, as in `/dev/ptp0`.
    pub clock: Option<u32>,
    /// The card stamps what it receives.
    pub receive: bool,
}

/// What a driver says about one card.
#[derive(Clone, Debug)]
pub struct Nic {
    /// Its name, as `ice`.
    pub driver: Answer<String>,
    /// Queues.
    pub channels: Answer<Channels>,
    /// Offloads.
    pub offloads: Answer<Offloads>,
    /// Interrupt coalescing.
    pub coalescing: Answer<Coalescing>,
    /// Rings.
    pub rings: Answer<Rings>,
    /// Time stamps.
    pub stamping: Answer<Stamping>,
}

impl Nic {
    /// Nothing is known, for one reason.
    pub fn unknown(reason: &str) -> Nic {
        let why = || reason.to_string();
        Nic {
            driver: Err(why()),
            channels: Err(why()),
            offloads: Err(why()),
            coalescing: Err(why()),
            rings: Err(why()),
            stamping: Err(why()),
        }
    }

    /// Asks the driver of an interface of this machine.
    pub fn ask(interface: &str) -> Nic {
        Nic {
            driver: driver(interface),
            channels: channels(interface),
            offloads: offloads(interface),
            coalescing: coalescing(interface),
            rings: rings(interface),
            stamping: stamping(interface),
        }
    }
}

/// Sends a request whose structure has `WORDS` words and returns the structure.
fn ask<const WORDS: usize>(interface: &str, command: u32) -> Answer<[u32; WORDS]> {
    let mut words = [0; WORDS];
    words[0] = command;
    sys::ethtool(interface, &mut words).map_err(|error| reason(&error))?;
    Ok(words)
}

fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP) => "the driver does not say".into(),
        Some(libc::ENODEV) => "there is no such interface".into(),
        Some(libc::EPERM) => "asking takes CAP_NET_ADMIN".into(),
        _ => error.to_string(),
    }
}

/// ETHTOOL_GDRVINFO: 196 bytes, the name in the 32 after the command.
fn driver(interface: &str) -> Answer<String> {
    let words: [u32; 49] = ask(interface, 0x03)?;
    let bytes = words[1..9].iter().flat_map(|word| word.to_ne_bytes());
    let name: String = bytes.take_while(|byte| *byte != 0).map(char::from).collect();
    if name.is_empty() { Err("the driver does not say".into()) } else { Ok(name) }
}

/// ETHTOOL_GCHANNELS: the command, then most and now of receive, transmit, other and combined.
fn channels(interface: &str) -> Answer<Channels> {
    let [_, receive_max, _, _, combined_max, receive, transmit, _, combined] =
        ask(interface, 0x3c)?;
    Ok(Channels {
        receive: receive.saturating_add(combined),
        receive_max: receive_max.max(combined_max),
        transmit: transmit.saturating_add(combined),
    })
}

fn offloads(interface: &str) -> Answer<Offloads> {
    let [_, tso] = ask(interface, 0x1e)?;
    let [_, gro] = ask(interface, 0x2b)?;
    // ETHTOOL_GFLAGS: ETH_FLAG_LRO and ETH_FLAG_NTUPLE.
    let [_, flags] = ask(interface, 0x25)?;
    Ok(Offloads {
        gro: gro != 0,
        lro: flags & 1 << 15 != 0,
        tso: tso != 0,
        ntuple: flags & 1 << 27 != 0,
    })
}

/// ETHTOOL_GCOALESCE: 23 words, the receiving side's time and frames first, `use_adaptive_rx` the
/// eleventh.
fn coalescing(interface: &str) -> Answer<Coalescing> {
    let words: [u32; 23] = ask(interface, 0x0e)?;
    Ok(Coalescing { receive_us: words[1], receive_frames: words[2], adaptive: words[10] != 0 })
}

/// ETHTOOL_GRINGPARAM: the command, then most and now of receive, mini, jumbo and transmit.
fn rings(interface: &str) -> Answer<Rings> {
    let [_, receive_max, _, _, transmit_max, receive, _, _, transmit] = ask(interface, 0x10)?;
    Ok(Rings { receive, receive_max, transmit, transmit_max })
}

/// ETHTOOL_GET_TS_INFO: 11 words; the second is what SO_TIMESTAMPING may ask for, the third the
/// clock's number or -1.
fn stamping(interface: &str) -> Answer<Stamping> {
    const RX_HARDWARE: u32 = 1 << 2;
    let words: [u32; 11] = ask(interface, 0x41)?;
    let clock = words[2].cast_signed();
    Ok(Stamping { clock: u32::try_from(clock).ok(), receive: words[1] & RX_HARDWARE != 0 })
}
