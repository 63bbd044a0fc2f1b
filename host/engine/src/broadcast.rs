//! The publication rule of the ring, apart from where its words lie.
//!
//! `abi.toml` states the rule; this is its only implementation on the host. It is generic over
//! [`Words`], so that what runs on shared memory is, line for line, what loom checks in every
//! interleaving (`tests/loom_ring.rs`), there with two slots of three words.
//!
//! A sequence lock for each slot: the writer never waits and never looks at a reader, a reader
//! never writes, and what a reader copies is checked after the copy. On x86 every ordering here is
//! a plain load or store, and the fences only hold the compiler.

use core::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};

/// An array of 64-bit words that threads or processes share.
pub trait Words {
    /// Loads one word.
    fn load(&self, index: usize, order: Ordering) -> u64;
    /// Stores one word.
    fn store(&self, index: usize, value: u64, order: Ordering);
    /// Adds one to a word.
    fn increment(&self, index: usize, order: Ordering);
    /// A fence of the same memory model.
    fn fence(order: Ordering);
}

/// Where the words of a ring lie, as indices of words.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of the newest record.
    pub head: usize,
    /// Not zero once the writer has ended.
    pub closed: usize,
    /// Raised by readers that need a snapshot.
    pub snapshots_wanted: usize,
    /// First word of the first slot.
    pub slots_at: usize,
    /// Number of slots: a power of two, at least two.
    pub slots: u64,
}

impl Shape {
    /// First word of the slot of record `number`.
    #[inline]
    fn slot(&self, number: u64, words: usize) -> usize {
        self.slots_at + (number.wrapping_sub(1) & (self.slots - 1)) as usize * words
    }
}

/// The one writer of a ring whose slots have `N` words, the sequence word among them.
#[derive(Debug)]
pub struct Publisher<W, const N: usize> {
    words: W,
    shape: Shape,
    head: u64,
    answered: u64,
}

impl<W: Words, const N: usize> Publisher<W, N> {
    /// A writer of a ring whose words are all zero.
    pub fn new(words: W, shape: Shape) -> Publisher<W, N> {
        Publisher { words, shape, head: 0, answered: 0 }
    }

    /// The words of the ring.
    pub fn words(&self) -> &W {
        &self.words
    }

    /// Number of the newest record.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Publishes a record and returns its number; `record[0]` is ignored.
    #[inline]
    pub fn publish(&mut self, record: &[u64; N]) -> u64 {
        let number = self.head + 1;
        let at = self.shape.slot(number, N);
        self.words.store(at, 0, Relaxed);
        // Pairs with the acquire fence of `Follower::read`: who has seen one of the words below
        // sees the zero above, or something newer, when looking at the sequence word again.
        W::fence(Release);
        for (i, &word) in record.iter().enumerate().skip(1) {
            self.words.store(at + i, word, Relaxed);
        }
        // Pairs with the first load of `Follower::read`: the number makes the words visible.
        self.words.store(at, number, Release);
        // Pairs with the loads of `head` in `Follower`: what `head` counts is visible.
        self.words.store(self.shape.head, number, Release);
        self.head = number;
        number
    }

    /// Says that nothing will follow.
    pub fn close(&mut self) {
        // Pairs with `Follower::is_closed`: who sees it sees the last `head` too.
        self.words.store(self.shape.closed, 1, Release);
    }

    /// How many snapshots readers have asked for, ever.
    #[inline]
    pub fn snapshots_wanted(&self) -> u64 {
        // Pairs with `Follower::want_snapshot`: the reader had chosen its position by then, so that
        // a snapshot published from now on comes after it.
        self.words.load(self.shape.snapshots_wanted, Acquire)
    }

    /// Whether a reader has asked since the last time this said so. The caller publishes one whole
    /// snapshot after a yes.
    #[inline]
    pub fn take_snapshot_request(&mut self) -> bool {
        let wanted = self.snapshots_wanted();
        std::mem::replace(&mut self.answered, wanted) != wanted
    }
}

/// What a reader got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<const N: usize> {
    /// The record it waits for has not been written yet.
    Waiting,
    /// The next record; its first word is its number.
    Record([u64; N]),
    /// The writer has overtaken the reader: so many records are lost at most, and the reader waits
    /// for the first one that is published next.
    Lost(u64),
}

/// One of any number of readers.
#[derive(Debug)]
pub struct Follower<W, const N: usize> {
    words: W,
    shape: Shape,
    next: u64,
}

impl<W: Words, const N: usize> Follower<W, N> {
    /// A reader that waits for record `next`, the first being 1.
    pub fn new(words: W, shape: Shape, next: u64) -> Follower<W, N> {
        Follower { words, shape, next: next.max(1) }
    }

    /// The words of the ring.
    pub fn words(&self) -> &W {
        &self.words
    }

    /// Number of the record waited for.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Number of the newest record, by the writer's hint.
    pub fn head(&self) -> u64 {
        // Pairs with the last store of `Publisher::publish`.
        self.words.load(self.shape.head, Acquire)
    }

    /// Waits for `next` instead.
    pub fn seek(&mut self, next: u64) {
        self.next = next.max(1);
    }

    /// Looks at the slot of the record waited for, once.
    #[inline]
    pub fn step(&mut self) -> Step<N> {
        let number = self.next;
        let at = self.shape.slot(number, N);
        // Pairs with the release store of the number in `Publisher::publish`.
        let sequence = self.words.load(at, Acquire);
        if sequence < number {
            return Step::Waiting;
        }
        if sequence > number {
            return self.overtaken();
        }
        let mut record = [number; N];
        for (i, word) in record.iter_mut().enumerate().skip(1) {
            *word = self.words.load(at + i, Relaxed);
        }
        // Pairs with the release fence of `Publisher::publish`.
        W::fence(Acquire);
        if self.words.load(at, Relaxed) != number {
            return self.overtaken();
        }
        self.next = number.saturating_add(1);
        Step::Record(record)
    }

    /// What is still in the ring is of no use to a reader that has lost what came before it and
    /// will have a snapshot: the newest position is the one farthest from being overtaken again.
    #[cold]
    fn overtaken(&mut self) -> Step<N> {
        let next = self.head().max(self.next).saturating_add(1);
        let lost = next - self.next;
        self.next = next;
        Step::Lost(lost)
    }

    /// Asks the writer for a snapshot that will come after the position of now.
    pub fn want_snapshot(&self) {
        // Release pairs with `Publisher::snapshots_wanted`; readers among themselves need nothing.
        self.words.increment(self.shape.snapshots_wanted, AcqRel);
    }

    /// The writer has ended, and everything it wrote has been read.
    pub fn is_closed(&self) -> bool {
        // Pairs with `Publisher::close`.
        self.words.load(self.shape.closed, Acquire) != 0 && self.head() < self.next
    }
}
