//! What the driver needs of the machine: a register window, memory that the card can write, and,
//! where there is one, an interrupt.
//!
//! Everything above is generic over [`Backend`], so that the hot path is compiled for each backend
//! and calls nothing through a table. A backend does not know what the registers mean.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tercel_abi::device;

/// A window of 32-bit registers.
///
/// Accesses happen in program order. A read orders what follows it behind itself, and a write is
/// ordered behind everything that this thread has written before, memory of the card included.
pub trait Bar: fmt::Debug {
    /// Bytes of the window, [`device::SIZE`] at least.
    fn bytes(&self) -> usize;

    /// Reads the word at `offset`, a multiple of 4. All ones if nobody answers.
    fn read32(&self, offset: u32) -> u32;

    /// Writes the word at `offset`, a multiple of 4.
    fn write32(&self, offset: u32, value: u32);

    /// Reads a value whose lower half is at `offset` and whose upper half is behind it, so that the
    /// two belong together even if the value moves. Bounded: a card that changes the upper half at
    /// every read gets what was read last.
    fn read64(&self, offset: u32) -> u64 {
        let mut high = self.read32(offset + 4);
        let mut low = 0;
        for _ in 0..4 {
            low = self.read32(offset);
            let again = self.read32(offset + 4);
            if again == high {
                break;
            }
            high = again;
        }
        u64::from(high) << 32 | u64::from(low)
    }

    /// Writes a value, lower half first.
    fn write64(&self, offset: u32, value: u64) {
        self.write32(offset, value as u32);
        self.write32(offset + 4, (value >> 32) as u32);
    }
}

/// Memory that host and card both reach, and that stays where it is for as long as this value.
pub trait DmaMemory: fmt::Debug {
    /// Where the card sees the first word.
    fn bus_address(&self) -> u64;

    /// The words: atomics, because the card may write any of them at any time.
    fn words(&self) -> &[AtomicU64];
}

/// An interrupt of the card.
pub trait Interrupt: fmt::Debug {
    /// Waits until the card has interrupted or `timeout` is over. How often it has since the last
    /// call; zero after the timeout.
    fn wait(&self, timeout: Duration) -> Result<u64, BackendError>;
}

/// What a card calls itself in its configuration space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PciIdentity {
    /// Vendor number.
    pub vendor: u16,
    /// Device number.
    pub device: u16,
}

/// A way to a card.
pub trait Backend: fmt::Debug {
    /// Its register window.
    type Bar: Bar;
    /// Memory for its ring.
    type Memory: DmaMemory;
    /// Its interrupt.
    type Interrupt: Interrupt;

    /// The register window.
    fn bar(&self) -> &Self::Bar;

    /// Memory for a ring of `bytes` bytes, a multiple of 64. `window` is what the card's register
    /// DMA_WINDOW reads: zero asks for memory of the host; else the memory lies in the card, so
    /// many bytes behind the first register, and its bus address is zero. Memory handed out before
    /// is free again once it is dropped.
    fn memory(&self, window: u32, bytes: usize) -> Result<Self::Memory, BackendError>;

    /// Turns the card's interrupt on. The driver polls and does not need it.
    fn interrupt(&self) -> Result<Self::Interrupt, BackendError>;

    /// What the configuration space says, where there is one.
    fn identity(&self) -> Result<PciIdentity, BackendError>;
}

/// Why a backend cannot do what it is asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendError {
    /// This backend does not have it.
    Unsupported(&'static str),
    /// The file cannot be used.
    System {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is too short for a card.
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The ring does not fit into the memory of the card.
    NoRoom {
        /// Bytes that the ring needs.
        wanted: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// DMA_WINDOW names no place for ring memory.
    Window(u32),
    /// What VFIO says.
    #[cfg(all(feature = "vfio", target_os = "linux"))]
    Vfio(crate::vfio::VfioError),
    /// This build has no VFIO.
    NoVfio,
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendError::Unsupported(what) => write!(f, "this way to a card has no {what}"),
            BackendError::System { path, what, source } => {
                write!(f, "cannot {what} {}: {source}", path.display())?;
                match source.kind() {
                    io::ErrorKind::NotFound => {
                        write!(f, "; start the card with `tercel emulate --card`, or name the ")?;
                        write!(f, "address of a card such as 0000:65:00.0 (lspci -D)")
                    }
                    io::ErrorKind::PermissionDenied => {
                        write!(f, "; the emulator must run as this user, or share the file")
                    }
                    _ => Ok(()),
                }
            }
            BackendError::TooShort { path, bytes } => write!(
                f,
                "{}: {bytes} bytes are no card, which has {} and ring memory behind them; is the \
                 emulator running?",
                path.display(),
                device::SIZE
            ),
            BackendError::NoRoom { wanted, available } => write!(
                f,
                "the ring needs {wanted} bytes, and the card has {available}; make the ring \
                 smaller, or give the emulator more memory (--memory-mib)"
            ),
            BackendError::Window(window) => {
                write!(f, "the card says that its ring memory begins at {window:#x}, which it ")?;
                f.write_str("cannot; load the bitstream that belongs to this build")
            }
            #[cfg(all(feature = "vfio", target_os = "linux"))]
            BackendError::Vfio(error) => error.fmt(f),
            BackendError::NoVfio => {
                f.write_str("this build reaches no PCI card; build it on Linux with feature `vfio`")
            }
        }
    }
}

impl std::error::Error for BackendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BackendError::System { source, .. } => Some(source),
            #[cfg(all(feature = "vfio", target_os = "linux"))]
            BackendError::Vfio(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

#[cfg(all(feature = "vfio", target_os = "linux"))]
impl From<crate::vfio::VfioError> for BackendError {
    fn from(error: crate::vfio::VfioError) -> BackendError {
        BackendError::Vfio(error)
    }
}
