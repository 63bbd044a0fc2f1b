//! The two rings that a packet socket shares with the kernel (packet_mmap in the kernel's
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

/// Where the kernel looks for the frame in a slot to be sent: behind the header, which is aligned
/// to 16 bytes (`tpacket_snd`; the address that TPACKET2_HDRLEN counts in is not there).
const SEND_AT: usize = 32;

/// Bytes of a slot in front of a received frame at most: header, address, and the kernel's own
/// alignment of the network header, with room for one VLAN tag.
const RECEIVE_AT_MAX: usize = 96;

/// `linux/if_packet.h`.
const TP_STATUS_AVAILABLE: u32 = 0;
const TP_STATUS_USER: u32 = 1;
const TP_STATUS_CSUM_NOT_READY: u32 = 1 << 3;
const TP_STATUS_VLAN_VALID: u32 = 1 << 4;
const TP_STATUS_VLAN_TPID_VALID: u32 = 1 << 6;
const TP_STATUS_SEND_REQUEST: u32 = 1;
const TP_STATUS_SENDING: u32 = 2;

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

/// Both rings of a socket, in one mapping: first the receive slots, then the transmit slots.
pub(super) struct Rings {
    map: MmapRaw,
    slot: usize,
    receive: usize,
    transmit: usize,
    next_receive: usize,
    next_transmit: usize,
}

impl Rings {
    /// Asks the kernel for `slots` slots each way for frames of up to `frame_max` bytes.
    pub(super) fn new(socket: &OwnedFd, slots: usize, frame_max: usize) -> io::Result<Rings> {
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
        sys::set_raw(socket, libc::SOL_PACKET, libc::PACKET_TX_RING, &request)?;
        let len = 2 * slots * slot;
        let map = MmapOptions::new().len(len).populate().map_raw(socket)?;
        Ok(Rings { map, slot, receive: slots, transmit: slots, next_receive: 0, next_transmit: 0 })
    }

    /// Slots each way.
    pub(super) fn slots(&self) -> usize {
        self.receive
    }

    /// Longest frame that a slot takes to be sent.
    pub(super) fn send_max(&self) -> usize {
        self.slot - SEND_AT
    }

    fn slot(&self, index: usize) -> *mut u8 {
        debug_assert!(index < self.receive + self.transmit);
        // SAFETY: the mapping holds `receive + transmit` slots, and both callers' indices are kept
        // below that by wrapping at the number of slots.
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
            let status = self.status(self.next_receive).load(Ordering::Acquire);
            if status & TP_STATUS_USER == 0 {
                break;
            }
            let slot = self.slot(self.next_receive);
            // SAFETY: the status says that the slot is ours until the store below, and `slot`
            // points to `self.slot` bytes of the mapping; `self` is borrowed for as long.
            let bytes = unsafe { std::slice::from_raw_parts_mut(slot, self.slot) };
            each(arrived(bytes, status));
            // Release pairs with the kernel's load of the status before it fills the slot again.
            self.status(self.next_receive).store(TP_STATUS_AVAILABLE, Ordering::Release);
            self.next_receive = (self.next_receive + 1) % self.receive;
            count += 1;
        }
        count
    }

    /// Space for a frame of `len` bytes, if the next slot is free.
    #[inline]
    pub(super) fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        let index = self.receive + self.next_transmit;
        // Acquire pairs with the kernel's barrier between sending a slot and its status.
        let status = self.status(index).load(Ordering::Acquire);
        if len > self.send_max() || matches!(status, TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING) {
            return None;
        }
        let slot = self.slot(index);
        // SAFETY: the status says that the slot is ours until `submit`, it has `self.slot` bytes,
        // of which `SEND_AT + len` are not more, and `self` is borrowed for as long.
        Some(unsafe { std::slice::from_raw_parts_mut(slot.add(SEND_AT), len) })
    }

    /// Marks the reserved slot as to be sent. The caller has filled it.
    #[inline]
    pub(super) fn submit(&mut self, len: usize) {
        let index = self.receive + self.next_transmit;
        let header = self.slot(index).cast::<tpacket2_hdr>();
        // SAFETY: `reserve` found the slot ours, and nobody has given it away since.
        unsafe { (*header).tp_len = len as u32 };
        // Release pairs with the kernel's load of the status before it reads the slot.
        self.status(index).store(TP_STATUS_SEND_REQUEST, Ordering::Release);
        self.next_transmit = (self.next_transmit + 1) % self.transmit;
    }

    /// Takes the slot submitted last back, if the kernel has not taken it. Only right after a kick
    /// that failed: sending happens during that call and at no other time.
    pub(super) fn withdraw(&mut self) -> bool {
        let last = (self.next_transmit + self.transmit - 1) % self.transmit;
        let (from, to) = (TP_STATUS_SEND_REQUEST, TP_STATUS_AVAILABLE);
        let status = self.status(self.receive + last);
        // Pairs with the kernel's accesses to the status, as in `reserve` and `submit`: AcqRel
        // pairs with both.
        let taken = status.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_ok() {
            self.next_transmit = last;
        }
        taken.is_ok()
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
    let tagged = status & TP_STATUS_VLAN_VALID != 0 && snap >= 12 && mac >= SEND_AT + 4;
    let start = if tagged { mac - 4 } else { mac };
    let end = (mac + snap).min(slot.len());
    let bytes = slot.get_mut(start..end).unwrap_or_default();
    if tagged {
        // The kernel keeps the tag beside the frame: the addresses move up and it goes back.
        bytes.copy_within(4..16, 0);
        bytes[12..14].copy_from_slice(&tpid.to_be_bytes());
        bytes[14..16].copy_from_slice(&tag.to_be_bytes());
    }
    let truncated = snap < len || mac + snap > end;
    let unsummed = status & TP_STATUS_CSUM_NOT_READY != 0;
    Arrived { bytes, truncated, unsummed, seconds, nanoseconds }
}
