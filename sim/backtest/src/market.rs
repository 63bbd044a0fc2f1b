//! The market as its levels: what a replay keeps up to date at every event.
//!
//! A level is found by its place among all prices that the recording ever names, so that a side is
//! one flat array without holes between 1 dollar and 100,000, and the best level is found by a
//! bitmap: 64 prices a word. An event costs one addition at one place and two comparisons.

use crate::event::{Event, EventKind, bit};
use crate::store::Store;
use tercel_types::{Price, Side};

/// No level.
pub const NONE: u32 = u32::MAX;

/// One side of one instrument.
#[derive(Clone, Debug)]
struct Half {
    /// Quantity at each price.
    qty: Vec<u64>,
    /// Which are above zero.
    some: Vec<u64>,
    /// Place xor this is the rank of a price: the larger, the better.
    mask: u32,
    /// Rank of the best, [`EMPTY`] if there is none.
    best: i64,
}

const EMPTY: i64 = -1;

const _: () = assert!(EventKind::Add as usize == 0 && EventKind::Level as usize == 3);

/// Of [`EventKind::Add`], `Reduce`, `Execute` and `Level`: what is kept of a level's quantity, and
/// whether the event's comes on top.
const KEEPS: [u64; 4] = [u64::MAX, u64::MAX, u64::MAX, 0];
const ADDS: [u64; 4] = [u64::MAX, 0, 0, u64::MAX];

/// The levels of one instrument.
#[derive(Clone, Debug)]
pub struct Levels {
    halves: [Half; 2],
    /// The latest number in line that an order of the recording has got.
    pub(crate) stamp: u32,
}

/// The levels of every instrument of a store.
#[derive(Clone, Debug)]
pub struct Market {
    levels: Vec<Levels>,
}

impl Half {
    fn new(prices: usize, mask: u32) -> Half {
        Half { qty: vec![0; prices], some: vec![0; prices.div_ceil(64)], mask, best: EMPTY }
    }

    /// Changes one level by the masks of a kind, and the best with it; what it was before.
    #[inline]
    fn change(&mut self, level: u32, qty: u64, kind: usize) -> u64 {
        let Some(there) = self.qty.get_mut(level as usize) else { return 0 };
        let before = *there;
        let added = qty & ADDS[kind];
        // What is added is not taken off.
        let after = ((before & KEEPS[kind]) + added).saturating_sub(qty - added);
        *there = after;
        if (before == 0) != (after == 0) {
            self.some[(level / 64) as usize] ^= 1 << (level % 64);
            let rank = i64::from(level ^ self.mask);
            if after > 0 {
                self.best = self.best.max(rank);
            } else if rank == self.best {
                self.best = self.next(level);
            }
        }
        before
    }

    /// Rank of the best that is worse than a level.
    fn next(&self, level: u32) -> i64 {
        let next = if self.mask == 0 { self.below(level) } else { self.above(level) };
        if next == NONE { EMPTY } else { i64::from(next ^ self.mask) }
    }

    /// Place of the best.
    #[inline]
    fn place(&self) -> u32 {
        if self.best == EMPTY { NONE } else { self.best as u32 ^ self.mask }
    }

    /// The next level with something below this one.
    fn below(&self, level: u32) -> u32 {
        let mut word = (level / 64) as usize;
        let mut bits = self.some[word] & ((1u64 << (level % 64)) - 1);
        while bits == 0 {
            let Some(next) = word.checked_sub(1) else { return NONE };
            word = next;
            bits = self.some[word];
        }
        word as u32 * 64 + bits.ilog2()
    }

    /// The next level with something above this one.
    fn above(&self, level: u32) -> u32 {
        let mut word = (level / 64) as usize;
        let mut bits = self.some[word] & (u64::MAX << (level % 64)) & !(1 << (level % 64));
        while bits == 0 {
            word += 1;
            let Some(next) = self.some.get(word) else { return NONE };
            bits = *next;
        }
        word as u32 * 64 + bits.trailing_zeros()
    }

    fn clear(&mut self) {
        self.qty.fill(0);
        self.some.fill(0);
        self.best = EMPTY;
    }
}

impl Levels {
    fn new(prices: usize) -> Levels {
        Levels { halves: [Half::new(prices, 0), Half::new(prices, u32::MAX)], stamp: 0 }
    }

    /// Applies one event; what its level held before.
    #[inline]
    pub fn apply(&mut self, event: &Event) -> u64 {
        let kind = event.kind as usize;
        if kind >= KEEPS.len() {
            return self.apply_rare(event);
        }
        // Numbers in line only grow, and are zero in data by level.
        self.stamp = self.stamp.max(event.stamp);
        let half = &mut self.halves[usize::from(event.bits & bit::SELL)];
        half.change(event.level, u64::from(event.qty), kind)
    }

    fn apply_rare(&mut self, event: &Event) -> u64 {
        if event.kind == EventKind::Clear {
            self.halves.iter_mut().for_each(Half::clear);
        }
        0
    }

    /// Place of the best price of a side, [`NONE`] if it is empty.
    #[inline]
    pub fn best(&self, side: Side) -> u32 {
        self.halves[side.index()].place()
    }

    /// Quantity at a place.
    #[inline]
    pub fn qty(&self, side: Side, level: u32) -> u64 {
        self.halves[side.index()].qty.get(level as usize).copied().unwrap_or(0)
    }

    /// The next worse place with something.
    pub fn worse(&self, side: Side, level: u32) -> u32 {
        match side {
            Side::Buy => self.halves[0].below(level),
            Side::Sell => self.halves[1].above(level),
        }
    }

    /// The bid is not below the ask.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        let [bid, ask] = [self.halves[0].place(), self.halves[1].place()];
        bid != NONE && ask != NONE && bid >= ask
    }
}

impl Market {
    /// Empty books of a store's instruments.
    pub fn new(store: &Store) -> Market {
        let levels = store.instruments.iter().map(|one| Levels::new(one.prices.len())).collect();
        Market { levels }
    }

    /// Applies one event; what its level held before.
    #[inline]
    pub fn apply(&mut self, event: &Event) -> u64 {
        match self.levels.get_mut(usize::from(event.instrument)) {
            Some(levels) => levels.apply(event),
            None => 0,
        }
    }

    /// The levels of an instrument by its place.
    #[inline]
    pub fn levels(&self, instrument: u16) -> &Levels {
        &self.levels[usize::from(instrument)]
    }

    /// Best price and quantity of a side.
    pub fn best(&self, store: &Store, instrument: u16, side: Side) -> Option<(Price, u64)> {
        let levels = self.levels(instrument);
        let best = levels.best(side);
        let price = *store.instruments[usize::from(instrument)].prices.get(best as usize)?;
        Some((Price(i64::from(price)), levels.qty(side, best)))
    }
}
