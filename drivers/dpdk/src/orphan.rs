//! What a killed process leaves on an interface: the XDP program of a `net_af_xdp` device.
//!
//! libxdp attaches its default program by netlink, and the kernel keeps it when the process is
//! gone. `net_af_xdp` itself takes over whatever program it finds, and takes it off in the end,
//! also when its start fails; whoever else wants to attach one meanwhile is refused. The default
//! program does nothing but hand frames to AF_XDP sockets, so where there is none it is an orphan.

mod sys;

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;

/// The name that libxdp gives its default program.
const DEFAULT: &CStr = c"xsk_def_prog";

/// Messages and attributes of rtnetlink(7), linux/rtnetlink.h and linux/if_link.h.
const RTM_GETLINK: u16 = 18;
const RTM_SETLINK: u16 = 19;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLMSG_ERROR: u16 = 2;
const NLA_F_NESTED: u16 = 1 << 15;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_EXPECTED_FD: u16 = 8;
const XDP_FLAGS_REPLACE: u32 = 1 << 4;
/// Bytes of a message's header, and of what follows it in messages about links.
const HEADER: usize = 16;
const LINK: usize = 16;

/// A program on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Attached {
    id: u32,
    /// 1 in the driver, 2 generic, 3 in the hardware.
    mode: u8,
}

/// What was on an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    Nothing,
    /// An orphan with this number; it is gone.
    Orphan(u32),
    /// A program that somebody uses, or may use.
    InUse(u32),
}

/// Takes an orphan off the interface with this index, in the network namespace of the calling
/// thread, in which this process has `own` AF_XDP sockets, none of them for this interface.
pub(crate) fn remove(interface: u32, own: u64) -> io::Result<Found> {
    let Some(attached) = attached(interface)? else { return Ok(Found::Nothing) };
    let program = sys::program(attached.id)?;
    if sys::name(&program)?.as_c_str() != DEFAULT || has_other_sockets(own)? {
        return Ok(Found::InUse(attached.id));
    }
    detach(interface, attached, program.as_raw_fd())?;
    Ok(Found::Orphan(attached.id))
}

/// Whether others have AF_XDP sockets in this network namespace. A socket receives from interfaces
/// of its own namespace only.
fn has_other_sockets(own: u64) -> io::Result<bool> {
    let text = fs::read_to_string("/proc/thread-self/net/protocols")?;
    Ok(sockets(&text).is_none_or(|all| all > own))
}

/// The number of AF_XDP sockets: the third column of the protocol's line.
fn sockets(protocols: &str) -> Option<u64> {
    let line = protocols.lines().find(|line| line.split_whitespace().next() == Some("XDP"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

fn attached(interface: u32) -> io::Result<Option<Attached>> {
    let mut request = message(RTM_GETLINK, NLM_F_REQUEST, interface);
    finish(&mut request);
    let answer = exchange(&request)?;
    let Some(xdp) = attribute(answer.get(HEADER + LINK..).unwrap_or_default(), IFLA_XDP) else {
        return Ok(None);
    };
    let mode = attribute(xdp, IFLA_XDP_ATTACHED).and_then(|value| value.first().copied());
    let id = attribute(xdp, IFLA_XDP_PROG_ID).and_then(word);
    Ok(id.zip(mode).map(|(id, mode)| Attached { id, mode }))
}

/// Takes it off, unless another one has taken its place.
fn detach(interface: u32, attached: Attached, program: i32) -> io::Result<()> {
    // XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE, XDP_FLAGS_HW_MODE.
    let mode = [1 << 2, 1 << 1, 1 << 3][usize::from(attached.mode.clamp(1, 3) - 1)];
    let mut request = message(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, interface);
    let mut nested = Vec::new();
    for (kind, value) in [
        (IFLA_XDP_FD, (-1_i32).to_ne_bytes()),
        (IFLA_XDP_FLAGS, (mode | XDP_FLAGS_REPLACE).to_ne_bytes()),
        (IFLA_XDP_EXPECTED_FD, program.to_ne_bytes()),
    ] {
        put(&mut nested, kind, &value);
    }
    put(&mut request, IFLA_XDP | NLA_F_NESTED, &nested);
    finish(&mut request);
    exchange(&request).map(drop)
}

/// A message's header and that of a link, without a length yet.
fn message(kind: u16, flags: u16, interface: u32) -> Vec<u8> {
    let mut bytes = vec![0; HEADER + LINK];
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&interface.to_ne_bytes());
    bytes
}

fn put(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = 4 + value.len() as u16;
    bytes.extend_from_slice(&len.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn finish(bytes: &mut [u8]) {
    let len = bytes.len() as u32;
    bytes[..4].copy_from_slice(&len.to_ne_bytes());
}

/// Sends a request and returns the answer, an acknowledgement or what was asked for.
fn exchange(request: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = File::from(sys::netlink()?);
    socket.write_all(request)?;
    // The kernel's answer about one link has some two kilobytes.
    let mut answer = vec![0; 1 << 16];
    let len = socket.read(&mut answer)?;
    answer.truncate(len);
    let kind = answer.get(4..6).map(|kind| u16::from_ne_bytes([kind[0], kind[1]]));
    if kind == Some(NLMSG_ERROR) {
        let error = answer.get(HEADER..HEADER + 4).and_then(word).unwrap_or(0) as i32;
        if error != 0 {
            return Err(io::Error::from_raw_os_error(-error));
        }
    }
    Ok(answer)
}

/// The value of the first attribute of a kind.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [a, b, c, d, ..] = *bytes {
        let len = usize::from(u16::from_ne_bytes([a, b]));
        let kind = u16::from_ne_bytes([c, d]) & !NLA_F_NESTED;
        let value = bytes.get(4..len)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(len.next_multiple_of(4)..)?;
    }
    None
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_and_damaged_ones_are_not() {
        let mut bytes = Vec::new();
        put(&mut bytes, 7, b"abcde");
        put(&mut bytes, IFLA_XDP | NLA_F_NESTED, &[1, 2, 3, 4]);
        assert_eq!(attribute(&bytes, 7), Some(&b"abcde"[..]));
        assert_eq!(attribute(&bytes, IFLA_XDP), Some(&[1, 2, 3, 4][..]));
        assert_eq!(attribute(&bytes, 9), None);
        for len in 0..bytes.len() {
            assert_eq!(attribute(&bytes[..len], IFLA_XDP), None);
        }
        // A length below its own header must not be gone round for ever.
        assert_eq!(attribute(&[0, 0, 1, 0, 0, 0, 0, 0], 7), None);
    }

    #[test]
    fn sockets_are_counted() {
        let text = "protocol  size sockets  memory press maxhdr\nXDP       1024      3      -1\n";
        assert_eq!(sockets(text), Some(3));
        assert_eq!(sockets("protocol  size sockets\n"), None);
        assert!(has_other_sockets(0).is_ok());
    }

    #[test]
    fn the_loopback_interface_has_no_program() {
        assert_eq!(remove(1, 0).unwrap(), Found::Nothing);
    }
}
