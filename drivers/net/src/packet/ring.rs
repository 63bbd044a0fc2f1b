//! The receive ring that a packet socket shares with the kernel (packet_mmap in the kernel's
//! documentation, version 2): slots of one size, each with a header whose status word says who
//! owns it.
//!
//! The safe interface of this file keeps to the one rule: a slot's bytes are touched only between
//! an Acquire load that shows it ours and the Release store that gives it away.

use crate::sys;
use libc::tpacket2_hdr;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::mem::offset_of;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes of a slot in front of a received frame at most: header, address, and the kernel's own
/// alignment of the network header, with room for one VLAN tag.
const RECEIVE_AT_MAX: usize = 96;

/// `linux/if_packet.h`.
const TP_STATUS_AVAILABLE: u32 = 0;
const TP_STATUS_USER: u32 = 1;
const TP_STATUS_CSUM_NOT_READY: u32 = 1 << 3;
const TP_STATUS_VLAN_VALID: u32 = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID: u32 = 1 << 6;

/// A frame in the receive ring.
pub(super) struct Arrived<'a> {
    pub(super) bytes: &'a mut [u8],
    /// The length on the wire, where it was too long for a slot.
    pub(super) truncated: bool,
    /// The sender is on this machine and left the checksum to a device that never was.
    pub(super) unsummed: bool,
    pub(super) seconds: u32,
    pub(super) nanoseconds: u32,
}

/// The ring of a socket.
pub(super) struct Ring {
    map: MmapRaw,
    slot: usize,
    slots: usize,
    next: usize,
}

impl Ring {
    /// Asks the kernel for `slots` slots for frames of up to `frame_max` bytes.
    pub(super) fn new(socket: &OwnedFd, slots: usize, frame_max: usize) -> io::Result<Ring> {
        let slot = (RECEIVE_AT_MAX + frame_max).next_power_of_two();
        // Blocks are multiples of a page and of a slot; a block of 64 KiB asks for few large
        // allocations.
        let block = slot.max(1 << 16);
        let slots = slots.next_multiple_of(block / slot);
        let request = libc::tpacket_req {
            tp_block_size: block as u32,
            tp_block_nr: (slots * slot / block) as u32,
            tp_frame_size: slot as u32,
            tp_frame_nr: slots as u32,
        };
        sys::set_raw(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let map = MmapOptions::new().len(slots * slot).populate().map_raw(socket)?;
        Ok(Ring { map, slot, slots, next: 0 })
    }

    /// Slots that were granted.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    fn slot(&self, index: usize) -> *mut u8 {
        debug_assert!(index < self.slots);
        // SAFETY: the mapping holds `slots` slots, and `next` is kept below that by wrapping.
        unsafe { self.map.as_mut_ptr().add(index * self.slot) }
    }

    fn status(&self, index: usize) -> &AtomicU32 {
        let header = self.slot(index).cast::<tpacket2_hdr>();
        // SAFETY: every slot begins with a header, aligned as slots are powers of two of more than
        // its size; the kernel and we use the status word as an atomic only.
        unsafe { AtomicU32::from_ptr(&raw mut (*header).tp_status) }
    }

    /// Hands at most `max` frames to `each` and gives their slots back.
    #[inline]
    pub(super) fn receive(&mut self, max: usize, mut each: impl FnMut(Arrived<'_>)) -> usize {
        let mut count = 0;
        while count < max {
            // Acquire pairs with the kernel's barrier between filling a slot and its status.
            let status = self.status(self.next).load(Ordering::Acquire);
            if status & TP_STATUS_USER == 0 {
                break;
            }
            let slot = self.slot(self.next);
            // SAFETY: the status says that the slot is ours until the store below, and `slot`
            // points to `self.slot` bytes of the mapping; `self` is borrowed for as long.
            let bytes = unsafe { std::slice::from_raw_parts_mut(slot, self.slot) };
            each(arrived(bytes, status));
            // Release pairs with the kernel's load of the status before it fills the slot again.
            self.status(self.next).store(TP_STATUS_AVAILABLE, Ordering::Release);
            self.next = (self.next + 1) % self.slots;
            count += 1;
        }
        count
    }
}

/// What stands in a slot that is ours. The header comes from the kernel, and is still held to the
/// slot's bounds.
fn arrived(slot: &mut [u8], status: u32) -> Arrived<'_> {
    let word = |at: usize| u32::from_ne_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]);
    let half = |at: usize| u16::from_ne_bytes([slot[at], slot[at + 1]]);
    let len = word(offset_of!(tpacket2_hdr, tp_len)) as usize;
    let snap = word(offset_of!(tpacket2_hdr, tp_snaplen)) as usize;
    let mac = usize::from(half(offset_of!(tpacket2_hdr, tp_mac)));
    let seconds = word(offset_of!(tpacket2_hdr, tp_sec));
    let nanoseconds = word(offset_of!(tpacket2_hdr, tp_nsec));
    let tag = half(offset_of!(tpacket2_hdr, tp_vlan_tci));
    let tpid = match status & TP_STATUS_VLAN_TPID_VALID {
        0 => 0x8100,
        _ => half(offset_of!(tpacket2_hdr, tp_vlan_tpid)),
    };
    let tagged =
        status & TP_STATUS_VLAN_VALID != 0 && snap >= 12 && mac >= size_of::<tpacket2_hdr>() + 4;
    let start = if tagged { mac - 4 } else { mac };
    let end = (mac + snap).min(slot.len());
    let bytes = slot.get_mut(start..end).unwrap_or_default();
    if tagged && bytes.len() >= 16 {
        // The kernel keeps the tag beside the frame: the addresses move up and it goes back.
        bytes.copy_within(4..16, 0);
        bytes[12..14].copy_from_slice(&tpid.to_be_bytes());
        bytes[14..16].copy_from_slice(&tag.to_be_bytes());
    }
    let truncated = snap < len || mac + snap > end;
    let unsummed = status & TP_STATUS_CSUM_NOT_READY != 0;
    Arrived { bytes, truncated, unsummed, seconds, nanoseconds }
}
