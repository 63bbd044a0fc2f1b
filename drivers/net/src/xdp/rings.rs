//! An AF_XDP socket's four rings and the memory of its frames, all of it shared with the kernel
//! (`Documentation/networking/af_xdp.rst`).
//!
//! Every frame is a chunk of that memory, and at any time belongs to one side: to the kernel from
//! the fill ring to the receive ring and from the transmit ring to the completion ring, else to us.
//! The safe interface of this file keeps to that: the first half of the chunks goes round between
//! fill and receive ring, the second between the free list, the transmit and the completion ring.

use crate::sys;
use libc::xdp_desc;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// One ring: indices that only grow, modulo 2^32, and entries at the index modulo its size.
struct Ring<T> {
    map: MmapRaw,
    producer: usize,
    consumer: usize,
    flags: usize,
    entries: usize,
    mask: u32,
    /// Our own index, and the kernel's as last seen.
    own: u32,
    seen: u32,
    of: PhantomData<T>,
}

impl<T: Copy> Ring<T> {
    /// Maps a ring of `size` entries, a power of two, that the kernel has at `page`; `offsets` are
    /// the kernel's own, of the producer, the consumer, the entries and the flags.
    fn map(socket: &OwnedFd, page: u64, offsets: &[u64], size: u32) -> io::Result<Ring<T>> {
        let at = |i: usize| usize::try_from(offsets[i]).unwrap_or(usize::MAX);
        let (producer, consumer, entries, flags) = (at(0), at(1), at(2), at(3));
        let len = entries.saturating_add(size as usize * size_of::<T>());
        let whole = producer.max(consumer).max(flags).saturating_add(4) <= len;
        let aligned = producer | consumer | flags;
        if !whole || !aligned.is_multiple_of(4) || !entries.is_multiple_of(align_of::<T>()) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let map = MmapOptions::new().offset(page).len(len).populate().map_raw(socket)?;
        let mask = size - 1;
        let (own, seen) = (0, 0);
        Ok(Ring { map, producer, consumer, flags, entries, mask, own, seen, of: PhantomData })
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: `map` has checked that the three offsets lie within the mapping and are aligned;
        // the kernel and we use these words as atomics only.
        unsafe { AtomicU32::from_ptr(self.map.as_mut_ptr().add(offset).cast::<u32>()) }
    }

    fn entry(&self, index: u32) -> *mut T {
        let at = (index & self.mask) as usize;
        // SAFETY: `at` is below the number of entries, which `map` has found to lie within the
        // mapping, aligned for `T`.
        unsafe { self.map.as_mut_ptr().add(self.entries).cast::<T>().add(at) }
    }

    /// The kernel asks to be told when there is something to do.
    fn needs_wakeup(&self) -> bool {
        self.word(self.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }

    /// Entries that the kernel has produced and we have not consumed.
    #[inline]
    fn waiting(&mut self) -> u32 {
        if self.seen == self.own {
            // Acquire pairs with the kernel's release of its index behind the entries.
            self.seen = self.word(self.producer).load(Ordering::Acquire);
        }
        self.seen.wrapping_sub(self.own)
    }

    /// Consumes the next entry; `waiting` has said that there is one.
    #[inline]
    fn take(&mut self) -> T {
        // SAFETY: below the producer's index, so the kernel has written it and leaves it alone
        // until `release`; any bytes are a value of the two types that rings hold.
        let entry = unsafe { self.entry(self.own).read() };
        self.own = self.own.wrapping_add(1);
        entry
    }

    /// Gives the entries taken back to the kernel.
    #[inline]
    fn release(&mut self) {
        // Release pairs with the kernel's load of the index before it writes the entries again.
        self.word(self.consumer).store(self.own, Ordering::Release);
    }

    /// Produces an entry. The caller knows that there is room: no ring is given more entries than
    /// it has slots, since there are no more chunks in its half.
    #[inline]
    fn put(&mut self, entry: T) {
        // SAFETY: by the above the kernel has consumed what stood here.
        unsafe { self.entry(self.own).write(entry) };
        self.own = self.own.wrapping_add(1);
    }

    /// Shows the kernel the entries put.
    #[inline]
    fn publish(&mut self) {
        // Release pairs with the kernel's load of the index before it reads the entries.
        self.word(self.producer).store(self.own, Ordering::Release);
    }
}

/// A socket that is not bound yet, or is, with its memory.
pub(super) struct Rings {
    receive: Ring<xdp_desc>,
    fill: Ring<u64>,
    transmit: Ring<xdp_desc>,
    completion: Ring<u64>,
    memory: MmapRaw,
    chunk: usize,
    /// Transmit chunks that are ours.
    free: Vec<u64>,
    reserved: Option<(u64, usize)>,
    kick_due: bool,
    busy_poll: bool,
    pub(super) socket: OwnedFd,
}

/// Sizes of a socket.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Chunks each way, a power of two.
    pub(super) frames: u32,
    /// Bytes of a chunk: 2,048 or 4,096.
    pub(super) chunk: usize,
    pub(super) huge_pages: bool,
}

impl Sizes {
    /// Bytes of both halves.
    pub(super) fn bytes(&self) -> usize {
        2 * self.frames as usize * self.chunk
    }
}

/// What failed before a socket was bound.
pub(super) enum Refused {
    Memory(io::Error),
    Register(io::Error),
    Rings(io::Error),
}

impl Rings {
    /// Memory and rings for a socket.
    pub(super) fn new(socket: OwnedFd, sizes: Sizes) -> Result<Rings, Refused> {
        let Sizes { frames, chunk, huge_pages } = sizes;
        let mut options = MmapOptions::new();
        options.len(sizes.bytes()).populate();
        if huge_pages {
            options.len(sizes.bytes().next_multiple_of(1 << 21)).huge(Some(21));
        }
        let memory = MmapRaw::from(options.map_anon().map_err(Refused::Memory)?);
        // SAFETY: a structure of integers, of which zero is a value.
        let mut register: libc::xdp_umem_reg = unsafe { std::mem::zeroed() };
        register.addr = memory.as_mut_ptr() as u64;
        register.len = sizes.bytes() as u64;
        register.chunk_size = chunk as u32;
        let level = libc::SOL_XDP;
        sys::set_raw(&socket, level, libc::XDP_UMEM_REG, &register).map_err(Refused::Register)?;
        let rings = || -> io::Result<_> {
            for ring in [
                libc::XDP_RX_RING,
                libc::XDP_TX_RING,
                libc::XDP_UMEM_FILL_RING,
                libc::XDP_UMEM_COMPLETION_RING,
            ] {
                sys::set_raw(&socket, level, ring, &frames)?;
            }
            let offsets = sys::option_words::<16>(&socket, level, libc::XDP_MMAP_OFFSETS)?;
            let page = |page: libc::off_t| page as u64;
            Ok((
                Ring::map(&socket, page(libc::XDP_PGOFF_RX_RING), &offsets[..4], frames)?,
                Ring::map(&socket, page(libc::XDP_PGOFF_TX_RING), &offsets[4..8], frames)?,
                Ring::map(&socket, libc::XDP_UMEM_PGOFF_FILL_RING, &offsets[8..12], frames)?,
                Ring::map(&socket, libc::XDP_UMEM_PGOFF_COMPLETION_RING, &offsets[12..], frames)?,
            ))
        };
        let (receive, transmit, mut fill, completion) = rings().map_err(Refused::Rings)?;
        let chunks = |from: u32| (from..from + frames).map(|at| u64::from(at) * chunk as u64);
        chunks(0).for_each(|address| fill.put(address));
        fill.publish();
        Ok(Rings {
            receive,
            fill,
            transmit,
            completion,
            memory,
            chunk,
            free: chunks(frames).collect(),
            reserved: None,
            kick_due: false,
            busy_poll: false,
            socket,
        })
    }

    /// From now on every look at the receive ring drives the device.
    pub(super) fn busy_poll(&mut self) {
        self.busy_poll = true;
    }

    /// Hands at most `max` frames to `each` and gives their chunks back to be filled.
    #[inline]
    pub(super) fn receive(&mut self, max: usize, mut each: impl FnMut(&[u8])) -> usize {
        if self.busy_poll {
            sys::kick_receive(&self.socket);
        }
        let count = (self.receive.waiting() as usize).min(max);
        if count == 0 {
            self.idle();
            return 0;
        }
        for _ in 0..count {
            let descriptor = self.receive.take();
            let (start, len) = (descriptor.addr as usize, descriptor.len as usize);
            let within = start.checked_add(len).is_some_and(|end| end <= self.memory.len());
            if within {
                // SAFETY: within the memory, by the line above; the chunk is ours since the kernel
                // has put it into the receive ring, until `publish` below, and `self` is borrowed
                // for as long.
                each(unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(start), len) });
            }
            self.fill.put(descriptor.addr & !(self.chunk as u64 - 1));
        }
        self.receive.release();
        self.fill.publish();
        count
    }

    /// With nothing to receive: what the kernel waits to be told.
    fn idle(&mut self) {
        if self.fill.needs_wakeup() && !self.busy_poll {
            sys::kick_receive(&self.socket);
        }
        if self.kick_due {
            let _ = self.kick();
        }
    }

    /// Space for a frame of `len` bytes, if a chunk is free; the same one until it is submitted.
    #[inline]
    pub(super) fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.chunk {
            return None;
        }
        let address = match self.reserved.take() {
            Some((address, _)) => address,
            None => {
                if self.free.is_empty() {
                    self.reap();
                }
                self.free.pop()?
            }
        };
        self.reserved = Some((address, len));
        // SAFETY: a transmit chunk off the free list, so ours until `submit`, of `self.chunk` bytes
        // and within the memory; `self` is borrowed for as long.
        Some(unsafe {
            std::slice::from_raw_parts_mut(self.memory.as_mut_ptr().add(address as usize), len)
        })
    }

    /// Gives the reserved chunk to the kernel. `false` when nothing is reserved.
    #[inline]
    pub(super) fn submit(&mut self) -> bool {
        let Some((addr, len)) = self.reserved.take() else { return false };
        self.transmit.put(xdp_desc { addr, len: len as u32, options: 0 });
        self.transmit.publish();
        true
    }

    /// Tells the kernel that there is something to send, where it wants to be told. After an error
    /// of lacking room the next idle look tries again.
    #[inline]
    pub(super) fn kick(&mut self) -> io::Result<()> {
        self.kick_due = false;
        if !self.transmit.needs_wakeup() {
            return Ok(());
        }
        let told = sys::kick_transmit(&self.socket);
        self.kick_due = told.is_err();
        told
    }

    /// Takes back what has been sent.
    #[cold]
    fn reap(&mut self) {
        let room = self.free.capacity() - self.free.len();
        let count = (self.completion.waiting() as usize).min(room);
        for _ in 0..count {
            let address = self.completion.take();
            self.free.push(address);
        }
        if count > 0 {
            self.completion.release();
        } else {
            let _ = self.kick();
        }
    }
}
