//! The calls into DPDK and the kernel. The only unsafe file of this crate.
//!
//! A [`Device`] is open from its construction until it is dropped, a [`Pool`] likewise, and whoever
//! has a device keeps its pool longer. The functions of a device that move frames take `&mut self`:
//! DPDK's queues are for one thread at a time.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::{self, NonNull};
use std::ffi::CString;
use std::io;
use tercel_dpdk_sys::raw;

/// Frames that one call receives at most. Vector drivers take no fewer than 4 or 8 at a time, so a
/// poll that asks for fewer keeps the rest for the next one.
pub(crate) const BURST: usize = 32;

/// What DPDK answers, as an `errno`.
fn check(result: c_int) -> Result<c_int, i32> {
    if result < 0 { Err(-result) } else { Ok(result) }
}

/// Starts DPDK with these arguments, the program's name first. It keeps pointers to them, so they
/// are never freed.
pub(crate) fn start(arguments: Vec<CString>) -> Result<(), i32> {
    let mut pointers: Vec<*mut c_char> = arguments.into_iter().map(CString::into_raw).collect();
    let count = pointers.len() as c_int;
    pointers.push(ptr::null_mut());
    let pointers: &'static mut [*mut c_char] = Box::leak(pointers.into_boxed_slice());
    // SAFETY: `count` strings that end with zero, and a null behind them, all of which stay.
    check(unsafe { raw::tercel_eal_init(count, pointers.as_mut_ptr()) }).map(drop)
}

/// Ends DPDK. The caller has seen to it that it was started and that no port is left.
pub(crate) fn end() {
    // SAFETY: takes no pointer.
    unsafe { raw::tercel_eal_cleanup() };
}

/// A string that DPDK has built in.
///
/// # Safety
/// `text` must point to a string that ends with zero and is never freed or changed.
unsafe fn constant(text: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Name and version of DPDK.
pub(crate) fn version() -> String {
    // SAFETY: a constant of the library.
    unsafe { constant(raw::tercel_dpdk_version()) }
}

/// The folder of the plugins.
pub(crate) fn plugins() -> String {
    // SAFETY: a constant of the shim.
    unsafe { constant(raw::tercel_dpdk_plugins()) }
}

/// Whether the plugin of a bus was loaded.
pub(crate) fn has_bus(name: &CStr) -> bool {
    // SAFETY: a string that ends with zero; it is only compared.
    unsafe { raw::tercel_has_bus(name.as_ptr()) != 0 }
}

/// Whether the plugin with a kind of pool was loaded.
pub(crate) fn has_pool(name: &CStr) -> bool {
    // SAFETY: as in `has_bus`.
    unsafe { raw::tercel_has_pool(name.as_ptr()) != 0 }
}

/// Buffers.
pub(crate) struct Pool(NonNull<c_void>);

// SAFETY: DPDK's pools may be used from any thread, and from several.
unsafe impl Send for Pool {}

impl Pool {
    /// `buffers` of them, with room for `bytes` each, on a memory node if it is known; packed,
    /// across the ends of pages, as no device that masters a bus could take them.
    pub(crate) fn new(
        name: &CStr,
        buffers: u32,
        bytes: u16,
        numa_node: Option<u32>,
        packed: bool,
    ) -> Result<Pool, i32> {
        let node = numa_node.map_or(-1, |node| node as c_int);
        let mut error = 0;
        // SAFETY: `name` ends with zero and is copied; `error` is a live local.
        let pool = unsafe {
            let (name, packed) = (name.as_ptr(), c_int::from(packed));
            raw::tercel_pool_new(name, buffers, bytes, node, packed, &raw mut error)
        };
        NonNull::new(pool).map(Pool).ok_or(error)
    }

    /// Pieces of memory that it lies in.
    pub(crate) fn chunks(&self) -> u32 {
        // SAFETY: the pool is there until `self` is dropped.
        unsafe { raw::tercel_pool_chunks(self.0.as_ptr()) }
    }

    /// Buffers that are not in use.
    pub(crate) fn available(&self) -> u32 {
        // SAFETY: the pool is there until `self` is dropped.
        unsafe { raw::tercel_pool_available(self.0.as_ptr()) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the pool came from DPDK; its owner drops it behind the device and all buffers.
        unsafe { raw::tercel_pool_free(self.0.as_ptr()) };
    }
}

/// Where frames carry the device's time, and how a frame that does is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StampField {
    offset: c_int,
    flag: u64,
}

impl StampField {
    /// Has a place in every buffer's description, the same for all ports of the process.
    pub(crate) fn new() -> Result<StampField, i32> {
        let mut field = StampField { offset: 0, flag: 0 };
        // SAFETY: both are live locals.
        check(unsafe { raw::tercel_stamp_field(&raw mut field.offset, &raw mut field.flag) })?;
        Ok(field)
    }
}

/// Has a device brought in by its bus.
pub(crate) fn probe(arguments: &CStr) -> Result<(), i32> {
    // SAFETY: a string that ends with zero; DPDK copies it.
    check(unsafe { raw::tercel_device_probe(arguments.as_ptr()) }).map(drop)
}

/// A device that was brought in. It is stopped, closed and taken away when dropped.
#[derive(Debug)]
pub(crate) struct Device(u16);

impl Device {
    /// The device of that name.
    pub(crate) fn named(name: &CStr) -> Result<Device, i32> {
        let mut port = 0;
        // SAFETY: a string that ends with zero, and a live local.
        check(unsafe { raw::tercel_port_named(name.as_ptr(), &raw mut port) })?;
        Ok(Device(port))
    }

    pub(crate) fn info(&self) -> Result<raw::Info, i32> {
        let mut info = raw::Info {
            driver: [0; 64],
            numa_node: 0,
            max_frame: 0,
            min_mtu: 0,
            max_mtu: 0,
            scatter: 0,
            stamps: 0,
            multi_tx: 0,
            mac: [0; 6],
        };
        // SAFETY: a live local of the type that the shim writes.
        check(unsafe { raw::tercel_port_info(self.0, &raw mut info) })?;
        Ok(info)
    }

    /// Sets both queues up. `setup` then says what was granted.
    pub(crate) fn configure(&mut self, pool: &Pool, setup: &mut raw::Setup) -> Result<(), i32> {
        setup.pool = pool.0.as_ptr();
        // SAFETY: `setup` is a live reference, and the pool outlives the device.
        check(unsafe { raw::tercel_port_configure(self.0, setup) }).map(drop)
    }

    pub(crate) fn isolate(&mut self) -> Result<(), i32> {
        // SAFETY: takes no pointer.
        check(unsafe { raw::tercel_port_isolate(self.0) }).map(drop)
    }

    pub(crate) fn start(&mut self) -> Result<(), i32> {
        // SAFETY: takes no pointer.
        check(unsafe { raw::tercel_port_start(self.0) }).map(drop)
    }

    /// Asks for frames to any address. Whether it is so now.
    pub(crate) fn promiscuous(&mut self) -> bool {
        // SAFETY: takes no pointer.
        unsafe {
            raw::tercel_port_promiscuous(self.0);
            raw::tercel_port_is_promiscuous(self.0) == 1
        }
    }

    /// Asks for frames to any group. Whether it is so now.
    pub(crate) fn all_multicast(&mut self) -> bool {
        // SAFETY: takes no pointer.
        unsafe {
            raw::tercel_port_all_multicast(self.0);
            raw::tercel_port_is_all_multicast(self.0) == 1
        }
    }

    /// Asks for frames to these hardware addresses.
    pub(crate) fn groups(&mut self, macs: &[[u8; 6]]) -> Result<(), i32> {
        // In a buffer of words: DPDK's type of an address is aligned to two bytes.
        let mut words = vec![0_u16; macs.len() * 3];
        for (words, mac) in words.chunks_exact_mut(3).zip(macs) {
            for (word, bytes) in words.iter_mut().zip(mac.chunks_exact(2)) {
                *word = u16::from_ne_bytes([bytes[0], bytes[1]]);
            }
        }
        let count = macs.len() as u32;
        // SAFETY: `count` addresses of six bytes, which DPDK copies.
        check(unsafe { raw::tercel_port_groups(self.0, words.as_ptr().cast(), count) }).map(drop)
    }

    /// Asks for a rule that steers datagrams to this address here; why not, if the device refuses.
    pub(crate) fn flow(&mut self, address: u32, port: u16) -> Result<(), String> {
        let mut why: [c_char; 128] = [0; 128];
        // SAFETY: `why` is a live local of the size given, which the shim ends with zero.
        unsafe {
            match raw::tercel_port_flow(self.0, address, port, why.as_mut_ptr(), why.len()) {
                0 => Ok(()),
                _ => Err(constant(why.as_ptr())),
            }
        }
    }

    pub(crate) fn link(&self) -> Result<raw::Link, i32> {
        let mut link = raw::Link::default();
        // SAFETY: a live local of the type that the shim writes.
        check(unsafe { raw::tercel_port_link(self.0, &raw mut link) })?;
        Ok(link)
    }

    pub(crate) fn statistics(&self) -> Result<raw::Statistics, i32> {
        let mut statistics = raw::Statistics::default();
        // SAFETY: a live local of the type that the shim writes.
        check(unsafe { raw::tercel_port_statistics(self.0, &raw mut statistics) })?;
        Ok(statistics)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: takes no pointer. What a device that is gone answers changes nothing.
        unsafe { raw::tercel_port_close(self.0) };
    }
}

/// Frames that were received and are not handed out yet.
pub(crate) struct Inbox {
    frames: [raw::Frame; BURST],
    next: usize,
    count: usize,
}

// SAFETY: the buffers behind the pointers belong to this value alone, and may be freed by any
// thread.
unsafe impl Send for Inbox {}

/// A frame in an [`Inbox`].
pub(crate) struct Arrived<'a> {
    /// Its bytes, or nothing if it was longer than the scratch space or is damaged.
    pub(crate) bytes: Option<&'a [u8]>,
    /// The device's time, or 0.
    pub(crate) stamp: u64,
    /// It came in several buffers.
    pub(crate) gathered: bool,
}

/// Gives the buffers of `frames[from..next]` back, however the scope is left.
struct Release<'a> {
    inbox: &'a mut Inbox,
    from: usize,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        let done = &self.inbox.frames[self.from..self.inbox.next];
        // SAFETY: these frames were received and not given back, and `next` is behind them, so that
        // nobody will hand them out or give them back again.
        unsafe { raw::tercel_release(done.as_ptr(), done.len() as u16) };
    }
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        let none = raw::Frame {
            mbuf: ptr::null_mut(),
            data: ptr::null(),
            stamp: 0,
            len: 0,
            segments: 0,
            damaged: 0,
        };
        Inbox { frames: [none; BURST], next: 0, count: 0 }
    }

    /// Frames in it.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.count - self.next
    }

    /// Receives what waits, if the inbox is empty. Whether that was all there was.
    #[inline]
    pub(crate) fn fill(&mut self, device: &mut Device, stamps: Option<StampField>) -> bool {
        if self.len() == 0 {
            let StampField { offset, flag } = stamps.unwrap_or(StampField { offset: 0, flag: 0 });
            let (frames, max) = (self.frames.as_mut_ptr(), BURST as u16);
            // SAFETY: there is space for BURST frames, all of which were given back; a field's
            // offset is DPDK's own, and without a flag it is not used. `device` is borrowed
            // mutably, so no other thread receives from it.
            let count = unsafe { raw::tercel_receive(device.0, frames, max, offset, flag) };
            self.next = 0;
            self.count = usize::from(count);
            return self.count < BURST;
        }
        false
    }

    /// Hands out at most `max` frames and gives their buffers back. `scratch` is where frames of
    /// several buffers are put together.
    #[inline]
    pub(crate) fn hand_out(
        &mut self,
        max: usize,
        scratch: &mut [u8],
        mut each: impl FnMut(Arrived<'_>),
    ) {
        let end = self.next + max.min(self.len());
        let guard = Release { from: self.next, inbox: self };
        while guard.inbox.next < end {
            let frame = guard.inbox.frames[guard.inbox.next];
            // Before it is handed out: who panics over a frame does not get it again.
            guard.inbox.next += 1;
            let gathered = frame.segments != 1;
            let bytes = if frame.damaged != 0 {
                None
            } else if gathered {
                gather(&frame, scratch)
            } else {
                // SAFETY: the one segment of the frame has `len` bytes at `data`, and its buffer is
                // ours until the guard is dropped, behind the call.
                Some(unsafe { core::slice::from_raw_parts(frame.data, frame.len as usize) })
            };
            each(Arrived { bytes, stamp: frame.stamp, gathered });
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let from = self.next;
        self.next = self.count;
        drop(Release { inbox: self, from });
    }
}

#[cold]
fn gather<'a>(frame: &raw::Frame, scratch: &'a mut [u8]) -> Option<&'a [u8]> {
    let room = u32::try_from(scratch.len()).unwrap_or(u32::MAX);
    // SAFETY: the buffer is ours, and `scratch` has at least `room` bytes.
    let len = unsafe { raw::tercel_gather(frame.mbuf, scratch.as_mut_ptr(), room) };
    scratch.get(..usize::try_from(len).ok()?)
}

/// A buffer with a frame to send.
pub(crate) struct Outgoing {
    mbuf: NonNull<c_void>,
    data: NonNull<u8>,
    room: usize,
}

// SAFETY: the buffer belongs to this value alone, and may be freed by any thread.
unsafe impl Send for Outgoing {}

impl Outgoing {
    /// A buffer, if one is free.
    #[inline]
    pub(crate) fn new(device: &mut Device, pool: &Pool) -> Option<Outgoing> {
        let (mut data, mut room) = (ptr::null_mut(), 0);
        // SAFETY: device and pool are there, and both locals live. `device` is borrowed mutably, so
        // no other thread sends through it.
        let mbuf =
            unsafe { raw::tercel_buffer(device.0, pool.0.as_ptr(), &raw mut data, &raw mut room) };
        Some(Outgoing { mbuf: NonNull::new(mbuf)?, data: NonNull::new(data)?, room: room as usize })
    }

    /// Space for `len` bytes, if so many fit.
    #[inline]
    pub(crate) fn space(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.room {
            return None;
        }
        // SAFETY: `room` bytes from `data` on are in the buffer, which is ours. They were zeroed
        // when the pool's memory was mapped, so they have a value.
        Some(unsafe { core::slice::from_raw_parts_mut(self.data.as_ptr(), len) })
    }

    /// Sends its first `len` bytes, or gives it back when the device has no slot free.
    #[inline]
    pub(crate) fn send(self, device: &mut Device, len: usize) -> Result<(), Outgoing> {
        let len = len.min(self.room) as u32;
        // SAFETY: the buffer is ours and has room for `len` bytes. `device` is borrowed mutably.
        if unsafe { raw::tercel_send(device.0, self.mbuf.as_ptr(), len) } == 1 {
            // It is the device's now.
            core::mem::forget(self);
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // SAFETY: the buffer is ours and was not sent.
        unsafe { raw::tercel_buffer_free(self.mbuf.as_ptr()) };
    }
}

/// Cores that a thread may run on.
pub(crate) struct Cores(libc::cpu_set_t);

impl Cores {
    /// Those of the calling thread.
    pub(crate) fn get() -> io::Result<Cores> {
        // SAFETY: a cpu_set_t is an array of integers, for which zero is a value.
        let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
        let bytes = size_of::<libc::cpu_set_t>();
        // SAFETY: `set` is a live local of the size given; thread 0 is the caller.
        match unsafe { libc::sched_getaffinity(0, bytes, &raw mut set) } {
            0 => Ok(Cores(set)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Their numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let all = 0..8 * size_of::<libc::cpu_set_t>();
        // SAFETY: only reads a bit, and each number is below how many there are.
        all.filter(|&core| unsafe { libc::CPU_ISSET(core, &self.0) })
    }

    /// Lets the calling thread run on them.
    pub(crate) fn set(&self) -> io::Result<()> {
        // SAFETY: as in `get`.
        match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const self.0) }
        {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Whether the calling thread is scheduled before all ordinary ones.
pub(crate) fn is_realtime() -> bool {
    // SAFETY: takes no pointer; thread 0 is the caller.
    let policy = unsafe { libc::sched_getscheduler(0) };
    let policy = policy & !libc::SCHED_RESET_ON_FORK;
    policy == libc::SCHED_FIFO || policy == libc::SCHED_RR
}

/// Whether this network namespace has an interface of that name.
pub(crate) fn interface(name: &CStr) -> Option<u32> {
    // SAFETY: a string that ends with zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => Some(index),
    }
}
