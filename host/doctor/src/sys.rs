//! The system calls that std does not wrap. The only unsafe file of this crate.
//!
//! Every function is safe to call: pointers given to the kernel live for the call only.

use libc::c_int;
use std::io;
use std::mem::size_of;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn socket(family: c_int, kind: c_int) -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointer.
    let fd = check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// One ethtool request (`linux/ethtool.h`) to an interface. The first word of `words` is the
/// command, and all of its structure, which every request used here has, are 32-bit words.
pub(crate) fn ethtool<const WORDS: usize>(
    interface: &str,
    words: &mut [u32; WORDS],
) -> io::Result<()> {
    const SIOCETHTOOL: libc::c_ulong = 0x8946;
    let control = socket(libc::AF_INET, libc::SOCK_DGRAM)?;
    // SAFETY: an ifreq of zero bytes is a valid value: an empty name and a null pointer.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One byte stays zero: the name's end.
    if interface.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_data = words.as_mut_ptr().cast::<libc::c_char>();
    // SAFETY: `request` is a live ifreq whose name ends in zero and whose data points to `words`,
    // which outlives the call. The kernel reads the command from the first word and writes at most
    // the structure of that command, which is what `words` has room for (`probe.rs` gives each
    // command an array of its structure's length).
    check(unsafe { libc::ioctl(control.as_raw_fd(), SIOCETHTOOL as _, &raw mut request) })?;
    Ok(())
}

/// Opens an AF_XDP socket and closes it again.
pub(crate) fn xdp_socket() -> io::Result<()> {
    socket(libc::AF_XDP, libc::SOCK_RAW).map(drop)
}

/// Loads an XDP program that lets every packet pass, attaches it to nothing, and drops it.
pub(crate) fn xdp_program() -> io::Result<()> {
    const BPF_PROG_LOAD: c_int = 5;
    const BPF_PROG_TYPE_XDP: u32 = 6;
    /// The start of `union bpf_attr` for BPF_PROG_LOAD, as of Linux 4.8; newer kernels take what is
    /// missing for zero.
    #[repr(C)]
    struct Attributes {
        program_type: u32,
        instructions: u32,
        code: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log: u64,
        kernel_version: u32,
        flags: u32,
    }
    // r0 = XDP_PASS; exit
    let code: [u64; 2] = [0x0000_0002_0000_00b7, 0x95];
    let license = c"GPL";
    let attributes = Attributes {
        program_type: BPF_PROG_TYPE_XDP,
        instructions: code.len() as u32,
        code: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    // SAFETY: `attributes` and what it points to, two instructions and a text that ends in zero,
    // are alive during the call, and the size given is its size.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_LOAD,
            &raw const attributes,
            size_of::<Attributes>() as libc::c_uint,
        )
    };
    let fd = check(fd as c_int)?;
    // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// What the kernel knows about its clock: it is synchronised, and its largest error in
/// microseconds. Changes nothing.
pub(crate) fn clock_state() -> io::Result<(bool, i64)> {
    // SAFETY: a timex of zero bytes is a valid value; modes 0 changes nothing.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is a live local, which the kernel fills.
    check(unsafe { libc::adjtimex(&raw mut state) })?;
    Ok((state.status & libc::STA_UNSYNC == 0, state.maxerror as i64))
}

/// The interface that has an address.
pub(crate) fn interface_with(address: Ipv4Addr) -> io::Result<Option<String>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `list` is a live local that receives the list's head.
    check(unsafe { libc::getifaddrs(&raw mut list) })?;
    let mut found = None;
    let mut next = list;
    // SAFETY: the list is as getifaddrs made it until freeifaddrs: every entry points to the next
    // or is the last, its name ends in zero, and an address of the family AF_INET is a sockaddr_in.
    unsafe {
        while let Some(entry) = next.as_ref() {
            next = entry.ifa_next;
            let is_ip = entry
                .ifa_addr
                .as_ref()
                .is_some_and(|name| libc::c_int::from(name.sa_family) == libc::AF_INET);
            if is_ip {
                let name = entry.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned();
                if name.sin_addr.s_addr == u32::from_ne_bytes(address.octets()) {
                    let name = std::ffi::CStr::from_ptr(entry.ifa_name);
                    found = Some(name.to_string_lossy().into_owned());
                    break;
                }
            }
        }
        libc::freeifaddrs(list);
    }
    Ok(found)
}

/// Lets the calling thread run on `core` only.
pub(crate) fn pin(core: usize) -> io::Result<()> {
    if core >= 8 * size_of::<libc::cpu_set_t>() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: a cpu_set_t is an array of integers, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `core` is below the number of bits of `set`, which was checked above.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: `set` is a live local of the size given; thread 0 is the caller.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) })
        .map(drop)
}

/// CLOCK_MONOTONIC, nanoseconds.
#[inline]
pub(crate) fn monotonic() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live local. The clock is there on every Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// What clock_getres(2) says of CLOCK_MONOTONIC, nanoseconds.
pub(crate) fn monotonic_resolution() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as above.
    unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// What [`counter`] reads.
pub(crate) const COUNTER: &str =
    if cfg!(target_arch = "x86_64") { "rdtsc" } else { "clock_gettime" };

/// The time stamp counter, or nanoseconds of CLOCK_MONOTONIC where there is none. Without a fence:
/// the processor may read it early or late by what it has in flight.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction, and it touches no memory.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        monotonic()
    }
}

/// The hypervisor's signature in CPUID leaf 0x40000000, as `KVMKVMKVM`.
pub(crate) fn hypervisor() -> Option<String> {
    #[cfg(target_arch = "x86_64")]
    {
        let leaf = std::arch::x86_64::__cpuid(0x4000_0000);
        let bytes = [leaf.ebx, leaf.ecx, leaf.edx].map(u32::to_le_bytes).concat();
        let text: String = bytes.iter().take_while(|b| **b != 0).map(|b| *b as char).collect();
        (!text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')).then_some(text)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        None
    }
}
