//! The card behind VFIO: its BAR mapped, memory that it may write, its interrupt on an eventfd. The
//! crate `pci-driver` makes the calls; what it lacks is done here through libc. An unsafe file of
//! this crate.
//!
//! The kernel resets a device when it is opened and takes its bus mastering away when it is closed.
//! The IOMMU lets the card reach the memory that is mapped for it and no other.
#![allow(unsafe_code)]

mod diagnosis;

pub use diagnosis::VfioError;

use crate::backend::{Backend, BackendError, Bar, DmaMemory, Interrupt, PciIdentity};
use diagnosis::Places;
use pci_driver::backends::vfio::VfioPciDevice;
use pci_driver::device::PciDevice;
use pci_driver::interrupts::{PciInterruptMechanism, PciInterrupts};
use pci_driver::regions::{MappedOwningPciRegion, Permissions};
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tercel_abi::device;

/// Size of a huge page and of a small one, x86-64 and most of aarch64.
const HUGE: usize = 2 << 20;
const PAGE: usize = 4 << 10;

/// A device that is open. Everything made from it keeps it open.
#[derive(Clone, Debug)]
pub struct Vfio {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    address: String,
    device: VfioPciDevice,
    /// Where the next mapping begins in what the device sees. Addresses are not used again: a card
    /// that writes to one late must not hit other memory.
    next: Mutex<u64>,
}

impl Vfio {
    /// Opens the device with this address, such as `0000:65:00.0`, and lets it answer on the bus
    /// and write memory.
    ///
    /// # Errors
    /// [`VfioError`] says what is in the way, and what to do about it.
    pub fn open(address: &str) -> Result<Vfio, VfioError> {
        let places = Places::system();
        diagnosis::check(&places, address)?;
        let kernel = |what| move |error| VfioError::Kernel { what, error };
        let device = VfioPciDevice::open(places.device(address))
            .map_err(kernel("opening the device through VFIO"))?;
        let command = device.config().command();
        command.memory_space_enable().write(true).map_err(kernel("turning the BARs on"))?;
        command.bus_master_enable().write(true).map_err(kernel("turning bus mastering on"))?;
        let first = device.iommu().valid_iova_ranges().first().map_or(0, |range| range.start);
        let shared = Shared { address: address.to_string(), device, next: Mutex::new(first) };
        Ok(Vfio { shared: Arc::new(shared) })
    }

    /// Vendor and device number, from the configuration space.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn identity(&self) -> Result<(u16, u16), VfioError> {
        let error = |error| VfioError::Kernel { what: "reading the configuration space", error };
        let config = self.shared.device.config();
        Ok((config.vendor_id().read().map_err(error)?, config.device_id().read().map_err(error)?))
    }

    /// Maps a BAR.
    ///
    /// # Errors
    /// When the device does not have it, or it cannot be mapped.
    pub fn bar(&self, index: usize) -> Result<VfioBar, VfioError> {
        let lacks = |what: String| {
            let address = self.shared.address.clone();
            VfioError::Device { address, what }
        };
        let Some(bar) = self.shared.device.bar(index) else {
            return Err(lacks(format!("has no BAR {index}")));
        };
        if !bar.is_mappable() {
            return Err(lacks(format!("has a BAR {index} that cannot be mapped")));
        }
        let error = |error| VfioError::Kernel { what: "mapping the BAR", error };
        let region = bar.map(.., Permissions::ReadWrite).map_err(error)?;
        Ok(VfioBar { region: Arc::new(region) })
    }

    /// Memory that the device can write, of `bytes` bytes or more, zeroed: of huge pages where the
    /// system has some to spare, else of small ones.
    ///
    /// # Errors
    /// When there is no memory, or the device cannot be given it.
    pub fn memory(&self, bytes: usize) -> Result<VfioMemory, VfioError> {
        let iommu = self.shared.device.iommu();
        let small = iommu.alignment().max(PAGE);
        let pages = Pages::new(bytes, small).map_err(|error| VfioError::Memory { bytes, error })?;
        let align = if pages.huge { small.max(HUGE) } else { small } as u64;
        // A poisoned lock guards a number that is right at any time.
        let mut next = self.shared.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = place(iommu.valid_iova_ranges(), *next, pages.len() as u64, align)
            .ok_or_else(|| VfioError::Memory { bytes, error: io::ErrorKind::StorageFull.into() })?;
        // SAFETY: the pages stay mapped in this process until VfioMemory's drop has unmapped them
        // from the device, and are seen as atomics only, so that the device may write at any time.
        unsafe { iommu.map(at, pages.len(), pages.first.as_ptr(), Permissions::ReadWrite) }
            .map_err(|error| VfioError::Memory { bytes, error })?;
        *next = at + pages.len() as u64;
        drop(next);
        Ok(VfioMemory { pages, address: at, shared: Arc::clone(&self.shared) })
    }

    /// Turns one interrupt of the device on: MSI-X where it has that, else MSI.
    ///
    /// # Errors
    /// When the device has neither, or the kernel refuses.
    pub fn interrupt(&self) -> Result<VfioInterrupt, VfioError> {
        let kernel = |what| move |error| VfioError::Kernel { what, error };
        // SAFETY: eventfd(2) takes no pointer.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(kernel("making an eventfd")(io::Error::last_os_error()));
        }
        // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
        let event = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        let interrupt = VfioInterrupt { event, shared: Arc::clone(&self.shared) };
        let interrupts = self.shared.device.interrupts();
        let Some(mechanism) = mechanism(&interrupts) else {
            let address = self.shared.address.clone();
            return Err(VfioError::Device { address, what: "has neither MSI-X nor MSI".into() });
        };
        mechanism
            .enable(&[interrupt.event.as_raw_fd()])
            .map_err(kernel("turning the interrupt on"))?;
        Ok(interrupt)
    }
}

/// The better mechanism that the device has.
fn mechanism<'a>(interrupts: &'a PciInterrupts<'_>) -> Option<PciInterruptMechanism<'a>> {
    [interrupts.msi_x(), interrupts.msi()].into_iter().find(|mechanism| mechanism.max() > 0)
}

/// Where `len` bytes fit into the ranges that the IOMMU translates, from `next` on.
fn place(ranges: &[std::ops::Range<u64>], next: u64, len: u64, align: u64) -> Option<u64> {
    ranges.iter().find_map(|range| {
        let at = range.start.max(next).checked_next_multiple_of(align)?;
        (at.checked_add(len)? <= range.end).then_some(at)
    })
}

/// The numbers of QEMU's `ivshmem`, which an emulated card hides behind: its registers are in
/// BAR 2, where a card has them in BAR 0.
const IVSHMEM: PciIdentity = PciIdentity { vendor: 0x1af4, device: 0x1110 };

/// A card behind VFIO.
#[derive(Debug)]
pub struct VfioCard {
    device: Vfio,
    identity: PciIdentity,
    bar: VfioBar,
}

impl VfioCard {
    /// Opens the card with this address and maps its registers.
    ///
    /// # Errors
    /// [`VfioError`] says what is in the way, and what to do about it.
    pub fn open(address: &str) -> Result<VfioCard, VfioError> {
        let device = Vfio::open(address)?;
        let (vendor, number) = device.identity()?;
        let identity = PciIdentity { vendor, device: number };
        let bar = device.bar(if identity == IVSHMEM { 2 } else { 0 })?;
        if bar.bytes() < device::SIZE {
            let what =
                format!("has {} bytes of registers, and a card {}", bar.bytes(), device::SIZE);
            return Err(VfioError::Device { address: address.to_string(), what });
        }
        Ok(VfioCard { device, identity, bar })
    }
}

impl Backend for VfioCard {
    type Bar = VfioBar;
    type Memory = VfioRing;
    type Interrupt = VfioInterrupt;

    fn bar(&self) -> &VfioBar {
        &self.bar
    }

    fn memory(&self, window: u32, bytes: usize) -> Result<VfioRing, BackendError> {
        if window == 0 {
            let memory = self.device.memory(bytes)?;
            if !memory.is_huge() {
                // Once a start, and no other way leads from here to whoever can change it.
                eprintln!(
                    "note: no huge page is free for the card's ring, which lies in small ones; as \
                     root: echo {} > /proc/sys/vm/nr_hugepages",
                    bytes.div_ceil(HUGE)
                );
            }
            return Ok(VfioRing::of_host(memory));
        }
        VfioRing::of_card(&self.bar, window, bytes)
    }

    fn interrupt(&self) -> Result<VfioInterrupt, BackendError> {
        Ok(self.device.interrupt()?)
    }

    fn identity(&self) -> Result<PciIdentity, BackendError> {
        Ok(self.identity)
    }
}

/// Memory for a ring: of the host, or behind the card's registers.
#[derive(Debug)]
pub struct VfioRing {
    first: NonNull<AtomicU64>,
    words: usize,
    address: u64,
    /// Keeps the words where they are.
    keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Host(VfioMemory),
    Card(#[expect(dead_code, reason = "it is held")] VfioBar),
}

// SAFETY: the words are atomics, which any thread may use, and what keeps them is Send and Sync.
unsafe impl Send for VfioRing {}
// SAFETY: as above.
unsafe impl Sync for VfioRing {}

impl VfioRing {
    fn of_host(memory: VfioMemory) -> VfioRing {
        let words = memory.words();
        let (first, words) = (NonNull::from(words).cast(), words.len());
        let address = memory.address();
        VfioRing { first, words, address, keeper: Keeper::Host(memory) }
    }

    fn of_card(bar: &VfioBar, window: u32, bytes: usize) -> Result<VfioRing, BackendError> {
        let at = window as usize;
        // It lies behind the registers and begins with a record.
        if at < device::SIZE || at >= bar.bytes() || !at.is_multiple_of(64) {
            return Err(BackendError::Window(window));
        }
        let available = bar.bytes() - at;
        if bytes > available {
            return Err(BackendError::NoRoom { wanted: bytes, available });
        }
        let first = bar.word(window).cast();
        let bar = bar.clone();
        Ok(VfioRing { first, words: bytes / 8, address: 0, keeper: Keeper::Card(bar) })
    }

    /// Whether the memory is of huge pages; memory of the card is of none.
    pub fn is_huge(&self) -> bool {
        match &self.keeper {
            Keeper::Host(memory) => memory.is_huge(),
            Keeper::Card(_) => false,
        }
    }
}

impl DmaMemory for VfioRing {
    fn bus_address(&self) -> u64 {
        self.address
    }

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: `of_host` and `of_card` took so many words from a mapping that the keeper holds,
        // aligned to 64 bytes; every bit pattern is valid, and nothing sees them but as atomics.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.words) }
    }
}

/// A BAR, mapped. If the device is pulled out or loses its power, the bus answers reads with ones.
#[derive(Clone, Debug)]
pub struct VfioBar {
    region: Arc<MappedOwningPciRegion>,
}

impl VfioBar {
    fn word(&self, offset: u32) -> NonNull<u32> {
        let at = offset as usize;
        assert!(at.is_multiple_of(4) && at + 4 <= self.region.len(), "offset {offset:#x} in a BAR");
        // SAFETY: the offset lies inside of the mapping, as checked above, which lives as long as
        // `self`; a mapping never begins at address zero.
        unsafe { NonNull::new_unchecked(self.region.as_mut_ptr().add(at).cast::<u32>()) }
    }
}

impl Bar for VfioBar {
    fn bytes(&self) -> usize {
        self.region.len()
    }

    #[inline]
    fn read32(&self, offset: u32) -> u32 {
        // SAFETY: `word` gives a mapped and aligned address; a mapping begins with a page.
        let value = u32::from_le(unsafe { self.word(offset).read_volatile() });
        fence(Ordering::Acquire); // pairs with the order in which the card writes
        value
    }

    #[inline]
    fn write32(&self, offset: u32, value: u32) {
        fence(Ordering::Release); // pairs with the order in which the card reads
        // SAFETY: as in `read32`.
        unsafe { self.word(offset).write_volatile(value.to_le()) };
    }
}

/// Pages of this process, zeroed, that stay where they are.
#[derive(Debug)]
struct Pages {
    first: NonNull<u8>,
    bytes: NonZeroUsize,
    huge: bool,
}

// SAFETY: the pages belong to this value alone, which hands them out as atomics only.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// Huge ones, or small ones of this size.
    fn new(bytes: usize, small: usize) -> io::Result<Pages> {
        let huge = libc::MAP_HUGETLB | libc::MAP_HUGE_2MB;
        Pages::map(bytes, HUGE, huge).or_else(|_| Pages::map(bytes, small, 0))
    }

    fn map(bytes: usize, page: usize, flags: libc::c_int) -> io::Result<Pages> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        let bytes = bytes.checked_next_multiple_of(page).and_then(NonZeroUsize::new);
        let bytes = bytes.ok_or_else(invalid)?;
        // Shared, so that a fork does not give this process copies of what the card writes.
        let flags = flags | libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses touches no other memory.
        let first = unsafe { libc::mmap(std::ptr::null_mut(), bytes.get(), access, flags, -1, 0) };
        if first == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let first = NonNull::new(first.cast::<u8>()).ok_or_else(invalid)?;
        Ok(Pages { first, bytes, huge: flags & libc::MAP_HUGETLB != 0 })
    }

    fn len(&self) -> usize {
        self.bytes.get()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `map` has made, and nothing borrows from it any more.
        // It cannot fail with these arguments, and there would be nothing to do about it.
        unsafe { libc::munmap(self.first.as_ptr().cast(), self.len()) };
    }
}

/// Memory that the device may write. Dropping it takes it away from the device first.
#[derive(Debug)]
pub struct VfioMemory {
    pages: Pages,
    address: u64,
    shared: Arc<Shared>,
}

impl VfioMemory {
    /// Where the device sees it.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Its words.
    #[inline]
    pub fn words(&self) -> &[AtomicU64] {
        let first = self.pages.first.as_ptr().cast::<AtomicU64>();
        // SAFETY: the mapping has so many bytes, begins with a page, and lives as long as `self`;
        // zeroed memory is valid, and the device writes whole words.
        unsafe { std::slice::from_raw_parts(first, self.pages.len() / 8) }
    }

    /// Whether it is of huge pages. Of small ones the host needs an entry of its address cache for
    /// each 4 KiB of the ring, and the IOMMU too.
    pub fn is_huge(&self) -> bool {
        self.pages.huge
    }
}

impl Drop for VfioMemory {
    fn drop(&mut self) {
        // If the kernel refuses, it holds the pages itself until the device is closed, and the
        // address is not used again.
        let _ = self.shared.device.iommu().unmap(self.address, self.pages.len());
    }
}

/// An interrupt of the device. Dropping it turns it off.
#[derive(Debug)]
pub struct VfioInterrupt {
    event: File,
    shared: Arc<Shared>,
}

impl VfioInterrupt {
    fn poll(&self, timeout: Duration) -> io::Result<u64> {
        let fd = self.event.as_raw_fd();
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `poll` is one live pollfd, as the count says.
        if unsafe { libc::poll(&raw mut poll, 1, millis) } < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(0) } else { Err(error) };
        }
        let mut count = [0; 8];
        match (&self.event).read(&mut count) {
            Ok(_) => Ok(u64::from_ne_bytes(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}

impl Interrupt for VfioInterrupt {
    fn wait(&self, timeout: Duration) -> Result<u64, BackendError> {
        let what = "waiting for the interrupt";
        Ok(self.poll(timeout).map_err(|error| VfioError::Kernel { what, error })?)
    }
}

impl Drop for VfioInterrupt {
    fn drop(&mut self) {
        // The kernel turns it off when the device is closed, if not now.
        let interrupts = self.shared.device.interrupts();
        let _ = mechanism(&interrupts).map(|mechanism| mechanism.disable());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_aligned_and_inside_of_one_range() {
        let ranges = [0x1000..0xfee0_0000, 0xfef0_0000..0x1_0000_0000_0000];
        assert_eq!(place(&ranges, 0x1000, 0x1000, 0x1000), Some(0x1000));
        assert_eq!(place(&ranges, 0x1001, HUGE as u64, HUGE as u64), Some(HUGE as u64));
        // It does not fit before the hole, which is where interrupts are written to.
        let huge = HUGE as u64;
        assert_eq!(place(&ranges, 0xfed0_0000, huge, huge), Some(0xff00_0000));
        assert_eq!(place(&ranges, 0x1_0000_0000_0000, huge, huge), None);
        assert_eq!(place(&ranges, u64::MAX - 1, huge, huge), None);
        assert_eq!(place(&[], 0, huge, huge), None);
    }

    #[test]
    fn pages_are_whole_zeroed_and_writable() {
        let pages = Pages::map(PAGE + 1, PAGE, 0).unwrap();
        assert_eq!((pages.len(), pages.huge), (2 * PAGE, false));
        assert!(Pages::map(0, PAGE, 0).is_err());
        assert!(Pages::map(usize::MAX, PAGE, 0).is_err());
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        let error = Vfio::open("ffff:ff:1f.7").unwrap_err();
        assert!(matches!(error, VfioError::NoDevice(_)), "{error}");
    }
}
