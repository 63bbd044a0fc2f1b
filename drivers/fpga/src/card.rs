//! A card: found, started, polled, looked after, stopped.

use crate::backend::{Backend, BackendError, Bar, DmaMemory};
use crate::config::{CardConfig, session_of};
use crate::counters::{Accumulator, CardCounters, Latched};
use crate::error::CardError;
use crate::fault::CardFault;
use crate::info::{CardIdentity, CardStatus};
use crate::liveness::Liveness;
use crate::record_ring::{RECORD, RecordRing};
use crate::stamp::{RATE_MIN, Stamps};
use std::time::{Duration, Instant};
use tercel_abi::device::line_register as of_line;
use tercel_abi::device::{self, LINES, register};
use tercel_abi::{EventRecord, LAYOUT_HASH, VERSION, line_register};
use tercel_types::Nanos;

/// Longest wait for a card that is being dropped to stop writing.
const LAST_WORDS: Nanos = Nanos::from_millis(10);

/// Times that counters are read before another program that reads them too is blamed.
const LATCHES_MAX: u32 = 4;

/// A card over a backend.
///
/// Dropping one that was started here stops it.
#[derive(Debug)]
pub struct Card<B: Backend> {
    /// Before the backend, because its memory is dropped first.
    run: Option<Run<B>>,
    fault: Option<CardFault>,
    /// The last one that was used here.
    generation: u32,
    /// The filter as the card has it, while running.
    filter: Box<[u32]>,
    backend: B,
}

/// What a start makes.
#[derive(Debug)]
struct Run<B: Backend> {
    ring: RecordRing<B::Memory>,
    stamps: Stamps,
    liveness: Liveness,
    counters: Accumulator,
    patience: Nanos,
}

impl<B: Backend> Card<B> {
    /// Looks whether a card of this build's layouts answers. Changes nothing: a card that another
    /// program runs goes on.
    ///
    /// # Errors
    /// When none answers, or one of another build.
    pub fn probe(backend: B) -> Result<Card<B>, CardError> {
        let filter = vec![0; device::FILTER_WORDS as usize].into_boxed_slice();
        let card = Card { run: None, fault: None, generation: 0, filter, backend };
        card.identify()?;
        Ok(card)
    }

    /// Starts the card anew, in the place of what ran before. Every instrument passes, and counters
    /// begin at zero. `now` is the host's clock.
    ///
    /// # Errors
    /// When the configuration cannot be meant, the ring does not fit, or the card does not answer;
    /// the card is stopped then, as far as it answers.
    pub fn start(&mut self, config: &CardConfig, now: Nanos) -> Result<(), CardError> {
        config.check()?;
        self.identify()?;
        let before = self.run.take().map(|run| run.ring);
        self.fault = None;
        self.control(0, config.patience)?;
        let bar = self.backend.bar();
        let bytes = (RECORD * 8) << config.ring_log2;
        let memory = match before {
            Some(ring) if ring.slots_log2() == config.ring_log2 => ring.into_memory(),
            // Dropped before the next is asked for, which may need its place.
            before => {
                drop(before);
                self.backend.memory(bar.read32(register::DMA_WINDOW), bytes)?
            }
        };
        let (wanted, available) = (bytes, memory.words().len() * 8);
        if available < wanted {
            return Err(BackendError::NoRoom { wanted, available }.into());
        }
        let ring = RecordRing::new(memory, config.ring_log2);
        self.configure(config, ring.bus_address());
        let generation = self.next_generation(now);
        self.generation = generation;
        if let Err(error) = self.control(generation, config.patience) {
            self.backend.bar().write32(register::CONTROL, 0);
            return Err(error);
        }
        let bar = self.backend.bar();
        let ticks = bar.read64(register::TIME_LO);
        let rate = bar.read32(register::TICKS_PER_SECOND);
        let stamps = Stamps::new(rate, bar.read64(register::TIME_BASE_LO), ticks, now);
        let (liveness, patience) = (Liveness::new(ticks, now), config.patience);
        let counters = Accumulator::new();
        self.run = Some(Run { ring, stamps, liveness, counters, patience });
        Ok(())
    }

    /// Hands at most `max` waiting records to `each`, oldest first, and returns how many; never
    /// waits, and makes no system call. A record's `seq` is its number in the feed, zero for
    /// records of the feed itself, and its `receive_time` nanoseconds since the Unix epoch. Codes
    /// of kinds are passed on as they are.
    ///
    /// # Errors
    /// When a slot holds what cannot be; the same again until the card is started again.
    #[inline]
    pub fn poll(&mut self, max: usize, each: impl FnMut(&EventRecord)) -> Result<usize, CardFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Some(run) = &mut self.run else { return Err(CardFault::Stopped) };
        let given = run.ring.poll(self.backend.bar(), &run.stamps, max, each);
        if let Err(fault) = given {
            self.fault = Some(fault);
        }
        given
    }

    /// Looks whether the card lives: it still runs this start's generation, its clock has moved
    /// within the configured patience, and HEAD can be right. Five reads over the bus, about 5 µs;
    /// every few milliseconds is often enough.
    ///
    /// # Errors
    /// When it does not; the same again until the card is started again.
    pub fn check(&mut self, now: Nanos) -> Result<(), CardFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Some(run) = &mut self.run else { return Err(CardFault::Stopped) };
        let looked = look(self.backend.bar(), run, self.generation, now);
        if let Err(fault) = looked {
            self.fault = Some(fault);
        }
        looked
    }

    /// Latches the counters and reads them: about 60 reads over the bus and, with an emulator, a
    /// wait until it has answered. Those of the run, or of what another program runs.
    ///
    /// # Errors
    /// When the card does not latch them within the configured patience, 100 ms if it was not
    /// started here.
    pub fn counters(&mut self) -> Result<CardCounters, CardFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let patience = self.run.as_ref().map_or(Nanos::from_millis(100), |run| run.patience);
        let latched = latch(self.backend.bar(), patience)?;
        Ok(match &mut self.run {
            Some(run) => run.counters.add(latched),
            None => Accumulator::new().add(latched),
        })
    }

    /// Lets the instruments with these stock locates pass, and those messages that concern the
    /// whole market, and no other. Takes effect word by word, each instrument at one moment.
    pub fn set_filter(&mut self, locates: impl Iterator<Item = u16>) {
        let mut wanted = vec![0; self.filter.len()];
        for locate in locates {
            if let Some(word) = wanted.get_mut(usize::from(locate / 32)) {
                *word |= 1_u32 << (locate % 32);
            }
        }
        let bar = self.backend.bar();
        for (at, (has, wanted)) in self.filter.iter_mut().zip(wanted).enumerate() {
            if *has != wanted {
                bar.write32(device::FILTER_OFFSET + 4 * at as u32, wanted);
                *has = wanted;
            }
        }
        bar.write32(register::PASS_ALL, 0);
    }

    /// Lets every instrument pass, or those of the filter again.
    pub fn pass_all(&mut self, all: bool) {
        self.backend.bar().write32(register::PASS_ALL, u32::from(all));
    }

    /// The last session other than the configured one that a line has heard since the start.
    pub fn seen_session(&self, line: usize) -> Option<[u8; 10]> {
        if line >= LINES {
            return None;
        }
        let bar = self.backend.bar();
        let read = || {
            [of_line::SEEN_0, of_line::SEEN_1, of_line::SEEN_2]
                .map(|of| bar.read32(line_register(line, of)))
        };
        // The words are not latched: a name that is being replaced differs at the next reading.
        let words = read();
        session_of(words).filter(|_| words == read() && words != [u32::MAX; 3])
    }

    /// What the card is.
    pub fn identity(&self) -> CardIdentity {
        CardIdentity::read(self.backend.bar())
    }

    /// The card's state and configuration.
    pub fn status(&self) -> CardStatus {
        CardStatus::read(self.backend.bar())
    }

    /// The counters as whoever runs the card has latched them last, with their names as in
    /// [`CardCounters::report`]; modulo 2^32. Changes nothing.
    pub fn latched(&self, each: impl FnMut(&str, u64)) {
        Accumulator::new().add(Latched::read(self.backend.bar())).report(each);
    }

    /// Stops the card.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn stop(&mut self) -> Result<(), CardError> {
        let patience = self.run.take().map_or(LAST_WORDS, |run| run.patience);
        self.fault = None;
        self.control(0, patience)
    }

    /// It was started, and no fault was found since.
    pub fn is_running(&self) -> bool {
        self.run.is_some() && self.fault.is_none()
    }

    /// The fault that was found, until the next start.
    pub fn fault(&self) -> Option<CardFault> {
        self.fault
    }

    /// Records taken since the start.
    pub fn taken(&self) -> u64 {
        self.run.as_ref().map_or(0, |run| run.ring.taken())
    }

    /// The way to the card.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    fn identify(&self) -> Result<(), CardError> {
        let bar = self.backend.bar();
        let found = bar.read32(register::MAGIC);
        if found != device::MAGIC {
            return Err(CardError::NotACard { found });
        }
        let found = bar.read32(register::VERSION);
        if u64::from(found) != VERSION {
            return Err(CardError::Version { found });
        }
        let found = bar.read64(register::LAYOUT_HASH_LO);
        if found != LAYOUT_HASH {
            return Err(CardError::Layout { found });
        }
        let found = bar.read32(register::TICKS_PER_SECOND);
        if !(RATE_MIN..u32::MAX).contains(&found) {
            return Err(CardError::Rate { found });
        }
        Ok(())
    }

    fn configure(&mut self, config: &CardConfig, ring: u64) {
        let bar = self.backend.bar();
        for (line, address) in config.lines.iter().enumerate() {
            let session = config.session_words();
            let values = [
                (of_line::ADDRESS, address.ip().to_bits()),
                (of_line::PORT, address.port().into()),
                (of_line::SESSION_0, session[0]),
                (of_line::SESSION_1, session[1]),
                (of_line::SESSION_2, session[2]),
            ];
            for (of, value) in values {
                bar.write32(line_register(line, of), value);
            }
        }
        bar.write64(register::NEXT_SEQ_LO, config.next_seq);
        bar.write32(register::VENUE, config.venue.0.into());
        bar.write64(register::RING_BASE_LO, ring);
        bar.write32(register::RING_LOG2, config.ring_log2);
        bar.write32(register::TAIL, 0);
        bar.write32(register::PASS_ALL, 1);
        // All of them: what the card has is not known.
        for (at, word) in self.filter.iter_mut().enumerate() {
            *word = 0;
            bar.write32(device::FILTER_OFFSET + 4 * at as u32, 0);
        }
    }

    /// Writes CONTROL, which publishes everything written before, and waits for STATUS.
    fn control(&self, control: u32, patience: Nanos) -> Result<(), CardError> {
        let bar = self.backend.bar();
        bar.write32(register::CONTROL, control);
        let begin = Instant::now();
        loop {
            let status = bar.read32(register::STATUS);
            if status == control {
                return Ok(());
            }
            if status == u32::MAX {
                return Err(CardFault::Gone.into());
            }
            if begin.elapsed() > Duration::from_nanos(patience.0) {
                return Err(CardError::NoAnswer { control, status, waited: patience });
            }
            std::thread::yield_now();
        }
    }

    /// One that was not used before, by the host's clock in units of a millisecond: not by this
    /// program, and not by one that ran before in the last 50 days. Never zero or all ones.
    fn next_generation(&self, now: Nanos) -> u32 {
        let by_clock = (now.0 >> 20) as u32;
        let later = by_clock.wrapping_sub(self.generation).cast_signed() > 0;
        let fresh = if later { by_clock } else { self.generation.wrapping_add(1) };
        if fresh == 0 || fresh == u32::MAX { 1 } else { fresh }
    }
}

impl<B: Backend> Drop for Card<B> {
    fn drop(&mut self) {
        if self.run.is_some() {
            // Best effort: a card that does not answer does not write either, or is kept from it by
            // the IOMMU.
            let _ = self.control(0, LAST_WORDS);
        }
    }
}

fn look<B: Backend>(
    bar: &B::Bar,
    run: &mut Run<B>,
    generation: u32,
    now: Nanos,
) -> Result<(), CardFault> {
    match bar.read32(register::STATUS) {
        found if found == generation => {}
        u32::MAX => return Err(CardFault::Gone),
        found => return Err(CardFault::Reset { expected: generation, found }),
    }
    let ticks = bar.read64(register::TIME_LO);
    run.liveness.look(ticks, now, run.patience)?;
    run.stamps.look(ticks, now);
    run.ring.check_head(bar.read32(register::HEAD))
}

/// Another program may read the counters at the same time, so any new value of SNAPSHOT_DONE will
/// do, if it stays the same until all of them are read.
fn latch(bar: &impl Bar, patience: Nanos) -> Result<Latched, CardFault> {
    let begin = Instant::now();
    for _ in 0..LATCHES_MAX {
        let before = bar.read32(register::SNAPSHOT_DONE);
        let next = bar.read32(register::SNAPSHOT).wrapping_add(1);
        bar.write32(register::SNAPSHOT, if next == before { next.wrapping_add(1) } else { next });
        let done = loop {
            let done = bar.read32(register::SNAPSHOT_DONE);
            if done != before {
                break done;
            }
            if bar.read32(register::STATUS) == u32::MAX {
                return Err(CardFault::Gone);
            }
            if begin.elapsed() > Duration::from_nanos(patience.0) {
                return Err(CardFault::NoCounters { waited: patience });
            }
            std::thread::yield_now();
        };
        let latched = Latched::read(bar);
        if bar.read32(register::MAGIC) != device::MAGIC {
            return Err(CardFault::Gone);
        }
        if bar.read32(register::SNAPSHOT_DONE) == done {
            return Ok(latched);
        }
    }
    Err(CardFault::NoCounters { waited: patience })
}
