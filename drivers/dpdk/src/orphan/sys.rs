//! The calls of bpf(2) and netlink(7) that std does not wrap.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Commands of bpf(2), linux/bpf.h.
const BPF_PROG_GET_FD_BY_ID: libc::c_int = 13;
const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;

/// Where the name begins in what the kernel says of a program (`struct bpf_prog_info`), and how
/// long it is.
const NAME: usize = 64;
const NAME_BYTES: usize = 16;

/// The beginning of bpf(2)'s argument, as both commands have it.
#[repr(C)]
struct Attributes {
    first: u32,
    second: u32,
    third: u64,
}

fn bpf(command: libc::c_int, attributes: &mut Attributes) -> io::Result<libc::c_int> {
    let bytes = size_of::<Attributes>();
    // SAFETY: `attributes` is a live reference of the size given. Of the two commands one writes
    // through a pointer in it, which the caller has set to a live buffer.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), bytes) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as libc::c_int) }
}

/// The program with this number.
pub(super) fn program(id: u32) -> io::Result<OwnedFd> {
    let mut attributes = Attributes { first: id, second: 0, third: 0 };
    let fd = bpf(BPF_PROG_GET_FD_BY_ID, &mut attributes)?;
    // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A program's name.
pub(super) fn name(program: &OwnedFd) -> io::Result<CString> {
    let mut info = [0_u8; NAME + NAME_BYTES];
    let mut attributes = Attributes {
        first: program.as_raw_fd() as u32,
        second: info.len() as u32,
        third: info.as_mut_ptr() as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes)?;
    let name = info[NAME..].iter().copied().take_while(|&byte| byte != 0);
    Ok(CString::new(name.collect::<Vec<u8>>()).unwrap_or_default())
}

/// A socket to ask the kernel about links.
pub(super) fn netlink() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes no pointer.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
