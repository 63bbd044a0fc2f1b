//! bpf(2), as far as an XDP program and its map of sockets need it.
//!
//! Each command's attributes are written by offset into one block as large as `union bpf_attr`; the
//! offsets are those of the kernel's `linux/bpf.h`, which are fixed.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE: libc::c_int = 2;
const PROG_LOAD: libc::c_int = 5;
#[cfg(test)]
const PROG_TEST_RUN: libc::c_int = 10;
const LINK_CREATE: libc::c_int = 28;

const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;

/// The one helper that the program calls asks for no GPL-compatible licence.
const LICENSE: &[u8] = b"MIT OR Apache-2.0\0";

/// Room for what the verifier has to say.
const LOG_LEN: usize = 1 << 16;

/// `union bpf_attr`, which every command reads a part of.
#[repr(C, align(8))]
struct Attributes([u8; 144]);

impl Attributes {
    fn new() -> Attributes {
        Attributes([0; 144])
    }

    fn u32(mut self, at: usize, value: u32) -> Attributes {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn pointer<T: ?Sized>(mut self, at: usize, value: *const T) -> Attributes {
        let address = value.cast::<u8>() as u64;
        self.0[at..at + 8].copy_from_slice(&address.to_ne_bytes());
        self
    }

    fn descriptor(self, at: usize, value: &impl AsRawFd) -> Attributes {
        self.u32(at, value.as_raw_fd() as u32)
    }
}

fn call(command: libc::c_int, attributes: &mut Attributes) -> io::Result<libc::c_int> {
    // SAFETY: `attributes` is as large as the union the kernel knows and outlives the call; every
    // pointer in it was made by a caller of this file from a reference that outlives the call too,
    // with the length that the attributes state.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<Attributes>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as libc::c_int) }
}

fn descriptor(command: libc::c_int, attributes: &mut Attributes) -> io::Result<OwnedFd> {
    let descriptor = call(command, attributes)?;
    // SAFETY: these commands return a new descriptor, which nobody else knows yet.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A map from receive queues to AF_XDP sockets.
pub(super) fn socket_map(queues: u32) -> io::Result<OwnedFd> {
    let key_size = size_of::<u32>() as u32;
    let mut attributes = Attributes::new()
        .u32(0, MAP_TYPE_XSKMAP)
        .u32(4, key_size)
        .u32(8, size_of::<u32>() as u32)
        .u32(12, queues);
    descriptor(MAP_CREATE, &mut attributes)
}

/// Puts a socket into the map.
pub(super) fn set_socket(map: &OwnedFd, queue: u32, socket: &OwnedFd) -> io::Result<()> {
    let value = socket.as_raw_fd() as u32;
    let mut attributes = Attributes::new()
        .descriptor(0, map)
        .pointer(8, &raw const queue)
        .pointer(16, &raw const value);
    call(MAP_UPDATE, &mut attributes).map(drop)
}

/// Loads an XDP program; the error comes with what the verifier said.
pub(super) fn load_xdp(code: &[u64]) -> Result<OwnedFd, (io::Error, String)> {
    let mut log = vec![0_u8; LOG_LEN];
    let mut attributes = Attributes::new()
        .u32(0, PROG_TYPE_XDP)
        .u32(4, code.len() as u32)
        .pointer(8, code.as_ptr())
        .pointer(16, LICENSE.as_ptr())
        .u32(24, 1)
        .u32(28, LOG_LEN as u32)
        .pointer(32, log.as_mut_ptr().cast_const());
    attributes.0[48..54].copy_from_slice(b"tercel");
    descriptor(PROG_LOAD, &mut attributes).map_err(|error| {
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        (error, String::from_utf8_lossy(&log[..end]).into_owned())
    })
}

/// Attaches a program to an interface as long as the descriptor it returns is open; the kernel
/// closes that when the process ends, however it ends. `mode` is one of the `XDP_FLAGS_` modes.
pub(super) fn attach(program: &OwnedFd, interface: u32, mode: u32) -> io::Result<OwnedFd> {
    let mut attributes =
        Attributes::new().descriptor(0, program).u32(4, interface).u32(8, ATTACH_XDP).u32(12, mode);
    descriptor(LINK_CREATE, &mut attributes)
}

/// Runs a program on a frame of at least 14 bytes and returns its action.
#[cfg(test)]
pub(super) fn run(program: &OwnedFd, frame: &[u8]) -> io::Result<i32> {
    let mut attributes = Attributes::new()
        .descriptor(0, program)
        .u32(8, frame.len() as u32)
        .pointer(16, frame.as_ptr())
        .u32(32, 1);
    call(PROG_TEST_RUN, &mut attributes)?;
    let action = [attributes.0[4], attributes.0[5], attributes.0[6], attributes.0[7]];
    Ok(i32::from_ne_bytes(action))
}
