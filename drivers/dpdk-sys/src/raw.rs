//! What `csrc/shim.h` declares. Results below zero are `-errno`.

use core::ffi::{c_char, c_int, c_void};

/// A received frame.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// Its buffer, to be given back.
    pub mbuf: *mut c_void,
    /// The first byte of its first segment.
    pub data: *const u8,
    /// The device's time, or 0.
    pub stamp: u64,
    /// Bytes of all segments.
    pub len: u32,
    /// Number of segments.
    pub segments: u16,
    /// Not 0: its VLAN tag could not be put back.
    pub damaged: u16,
}

/// What a device is and offers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Info {
    /// Name of its driver, ended by zero.
    pub driver: [c_char; 64],
    /// Memory node, `u32::MAX` if unknown.
    pub numa_node: u32,
    /// Longest frame, 0 if unknown.
    pub max_frame: u32,
    /// Smallest MTU.
    pub min_mtu: u16,
    /// Largest MTU.
    pub max_mtu: u16,
    /// Not 0: receives frames of several buffers.
    pub scatter: u8,
    /// Not 0: stamps what arrives.
    pub stamps: u8,
    /// Not 0: sends frames of several buffers.
    pub multi_tx: u8,
    /// Hardware address.
    pub mac: [u8; 6],
}

/// How a port is to be set up.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Setup {
    /// The pool that buffers come from.
    pub pool: *mut c_void,
    /// MTU, or 0 for the device's own.
    pub mtu: u16,
    /// Slots of the receive ring: asked for, then granted.
    pub receive_slots: u16,
    /// Slots of the transmit ring: asked for, then granted.
    pub transmit_slots: u16,
    /// Not 0: frames of several buffers are wanted.
    pub scatter: u8,
    /// Not 0: stamps are wanted.
    pub stamps: u8,
}

/// Counters of a device.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Statistics {
    /// Frames received.
    pub received: u64,
    /// Frames sent.
    pub sent: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Frames lost for want of a free slot.
    pub missed: u64,
    /// Frames lost for want of a free buffer.
    pub no_buffer: u64,
    /// Frames received in error.
    pub receive_errors: u64,
    /// Frames that could not be sent.
    pub transmit_errors: u64,
}

/// State of the link.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Link {
    /// Speed, `u32::MAX` if unknown.
    pub megabits: u32,
    /// Not 0: up.
    pub up: u8,
    /// Not 0: full duplex.
    pub full_duplex: u8,
}

// SAFETY: the declarations are those of csrc/shim.h, which is compiled with this crate.
unsafe extern "C" {
    /// Starts DPDK, once a process. It keeps pointers into `argv`.
    pub fn tercel_eal_init(argc: c_int, argv: *mut *mut c_char) -> c_int;
    /// Ends DPDK; no call may follow.
    pub fn tercel_eal_cleanup() -> c_int;
    /// Name and version.
    pub fn tercel_dpdk_version() -> *const c_char;
    /// The folder that plugins are loaded from.
    pub fn tercel_dpdk_plugins() -> *const c_char;
    /// The folder of this process's files, once DPDK is started.
    pub fn tercel_dpdk_runtime_folder() -> *const c_char;
    /// Whether the bus's plugin is there.
    pub fn tercel_has_bus(name: *const c_char) -> c_int;
    /// Whether the plugin with this kind of pool is there.
    pub fn tercel_has_pool(name: *const c_char) -> c_int;

    /// Brings a device in.
    pub fn tercel_device_probe(arguments: *const c_char) -> c_int;
    /// The port of a device.
    pub fn tercel_port_named(name: *const c_char, port: *mut u16) -> c_int;
    /// What a device is and offers.
    pub fn tercel_port_info(port: u16, info: *mut Info) -> c_int;
    /// Where stamps are found, and the flag of frames that have one.
    pub fn tercel_stamp_field(offset: *mut c_int, flag: *mut u64) -> c_int;
    /// Sets one receive and one transmit queue up.
    pub fn tercel_port_configure(port: u16, setup: *mut Setup) -> c_int;
    /// Takes what flow rules name, and nothing else.
    pub fn tercel_port_isolate(port: u16) -> c_int;
    /// Starts a configured port.
    pub fn tercel_port_start(port: u16) -> c_int;
    /// Receives frames to any address.
    pub fn tercel_port_promiscuous(port: u16) -> c_int;
    /// Receives frames to any group.
    pub fn tercel_port_all_multicast(port: u16) -> c_int;
    /// 1 if frames to any address are received.
    pub fn tercel_port_is_promiscuous(port: u16) -> c_int;
    /// 1 if frames to any group are received.
    pub fn tercel_port_is_all_multicast(port: u16) -> c_int;
    /// Receives frames to these hardware addresses, six bytes each.
    pub fn tercel_port_groups(port: u16, macs: *const u8, count: u32) -> c_int;
    /// Has the device steer UDP datagrams to `address` and `udp_port` here; else `why` tells.
    pub fn tercel_port_flow(
        port: u16,
        address: u32,
        udp_port: u16,
        why: *mut c_char,
        room: usize,
    ) -> c_int;
    /// State of the link.
    pub fn tercel_port_link(port: u16, link: *mut Link) -> c_int;
    /// Counters.
    pub fn tercel_port_statistics(port: u16, statistics: *mut Statistics) -> c_int;
    /// Stops and closes the port and takes its device away.
    pub fn tercel_port_close(port: u16) -> c_int;

    /// A pool of buffers with room for `bytes` each; packed, without gaps between them.
    pub fn tercel_pool_new(
        name: *const c_char,
        buffers: u32,
        bytes: u16,
        numa_node: c_int,
        packed: c_int,
        error: *mut c_int,
    ) -> *mut c_void;
    /// Frees a pool that no one uses any more.
    pub fn tercel_pool_free(pool: *mut c_void);
    /// Pieces of memory that the pool lies in.
    pub fn tercel_pool_chunks(pool: *const c_void) -> u32;
    /// Buffers that are not in use.
    pub fn tercel_pool_available(pool: *const c_void) -> u32;

    /// Receives up to `max` frames, at most 64.
    pub fn tercel_receive(port: u16, frames: *mut Frame, max: u16, offset: c_int, flag: u64)
    -> u16;
    /// Gives the buffers of frames back.
    pub fn tercel_release(frames: *const Frame, count: u16);
    /// Writes all segments behind each other; the frame's length, or -1 without room for it.
    pub fn tercel_gather(mbuf: *const c_void, to: *mut u8, room: u32) -> i64;

    /// A buffer to send, where its bytes go and how many fit; null if none is free.
    pub fn tercel_buffer(
        port: u16,
        pool: *mut c_void,
        data: *mut *mut u8,
        room: *mut u32,
    ) -> *mut c_void;
    /// Gives a buffer back that was not sent.
    pub fn tercel_buffer_free(mbuf: *mut c_void);
    /// 1 if the device took the buffer; if not, it is still the caller's.
    pub fn tercel_send(port: u16, mbuf: *mut c_void, len: u32) -> c_int;
}
