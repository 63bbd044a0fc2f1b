//! Price ladders: for each side of each instrument, its levels by price.
//!
//! Around the touch a level is found in a flat window of ticks ([`crate::window`]); all others are
//! in a sorted tree ([`crate::tree`]). Which of the two holds a level is a function of its price
//! alone: a price on the window's grid and within its range is in the window, any other in the
//! tree, so no price is special, only slower. The best level is cached; it is searched anew, with
//! two scans of a word and one comparison with the tree's best, only when it dies.
//!
//! A window is taken from a pool when the first order of a side arrives, so that an instrument that
//! never trades costs two cache lines. It begins around that first price. When the touch has moved
//! off, orders go to the tree and are counted; after [`MISSES`] of them, if the best is outside the
//! upper three quarters of the window, the window moves so that the best is at three quarters.
//! Moving costs at most one tree operation for each tick of the window and [`VISITS_MAX`] visits in
//! the tree, some 0.2 ms in a book that is built for it and 10 µs in one as they are; spread over
//! the misses that led to it, 12 tree operations each. If more than [`VISITS_MAX`] levels of the
//! tree lie in the new range, which takes thousands of prices off the grid, the window stays, and
//! the ladder is a tree there.
//!
//! Memory: 32 bytes a side, and 4 KiB for a window; 16,384 instruments with both windows 140 MB,
//! 8,000 busy ones 66.

use crate::level::{Levels, rank};
use crate::memory::{Array, Reserve};
use crate::tree::Trees;
use crate::window::{Summary, TICKS, Windows, cell};
use core::hint::select_unpredictable;
use tercel_types::InstrumentId;

/// Orders that have to miss a window before it is moved.
pub(crate) const MISSES: u16 = 256;

/// Levels of the tree looked at for one move.
const VISITS_MAX: usize = 2 * TICKS;

/// Place of the best in a window that was just moved: room above for a better one, and more below,
/// where depth is.
const BEST_AT: i64 = TICKS as i64 * 3 / 4;

/// Price increment at a dollar and above (Reg NMS rule 612).
const CENT: u32 = 100;

/// The highest price around which the ticks of a window are single units: [`SideLadder::first`] has
/// 32 bits. It is $214,000.
const FINE_MAX: u32 = i32::MAX as u32 - 2 * TICKS as u32;

/// One side of one instrument; both of them are one cache line.
#[derive(Clone, Copy, Default)]
#[repr(C, align(32))]
pub(crate) struct SideLadder {
    /// Which lines of its window have a level.
    summary: Summary,
    /// Ticks are counted from here: the price over the tick, with its sign turned on the sell side.
    first: i32,
    /// The best level, zero if there is none.
    pub best: u32,
    /// Its window, zero before the first order.
    window: u32,
    /// The tree of the other levels, zero if there is none.
    root: u32,
    /// The rank of the best of them.
    far_rank: u32,
    /// Orders that went to the tree since the window was last looked at.
    misses: u16,
    /// Price units in a tick of the window, 1 or [`CENT`].
    tick: u8,
    zero: u8,
}

const _: () = assert!(size_of::<SideLadder>() == 32);

impl SideLadder {
    /// The tick of a price on the side's scale, if it is on the grid.
    #[inline]
    fn tick_of(&self, side: usize, price: u32) -> Option<i64> {
        let ticks = if u32::from(self.tick) == CENT {
            if !price.is_multiple_of(CENT) {
                return None;
            }
            price / CENT
        } else {
            price
        };
        Some(signed(side, ticks))
    }

    /// The tick of the window at a price, if it has one. A side without a window has one of its
    /// own that is always empty.
    #[inline(always)]
    fn tick_at(&self, side: usize, price: u32) -> Option<usize> {
        let tick = self.tick_of(side, price)?.wrapping_sub(self.first.into()) as u64;
        (tick < TICKS as u64).then_some(tick as usize)
    }

    /// The rank of the price of a tick of the window.
    #[inline]
    fn rank_of(&self, side: usize, tick: usize) -> u32 {
        let tick = i64::from(self.first) + tick as i64;
        rank(side, tick.unsigned_abs() as u32 * u32::from(self.tick))
    }

    /// How many ticks are worse than a price, which need not be on the grid.
    fn ticks_worse(&self, side: usize, price: u32) -> usize {
        let tick = u32::from(self.tick.max(1));
        let bound =
            if side == 0 { i64::from(price.div_ceil(tick)) } else { -i64::from(price / tick) };
        (bound - i64::from(self.first)).clamp(0, TICKS as i64) as usize
    }

    /// The rank of the lowest tick, or the lowest rank that there can be.
    fn lowest_rank(&self, side: usize) -> u32 {
        let price = i64::from(self.first).abs() * i64::from(self.tick);
        match side {
            0 if self.first < 0 => 0,
            _ => rank(side, u32::try_from(price).unwrap_or(u32::MAX)),
        }
    }

    /// The same ladder with its window, now empty, around `price`.
    fn around(&self, side: usize, price: u32) -> SideLadder {
        let cents = price >= 100 * CENT && price.is_multiple_of(CENT) || price > FINE_MAX;
        let tick = if cents { CENT } else { 1 };
        // At most 31 bits, by the choice of the tick.
        let first = (signed(side, price / tick) - BEST_AT) as i32;
        SideLadder { tick: tick as u8, first, summary: 0, misses: 0, ..*self }
    }
}

/// Turns the sign on the sell side, without a branch that would be guessed wrong every other time.
#[inline(always)]
fn signed(side: usize, ticks: u32) -> i64 {
    let turn = -(side as i64 & 1);
    (i64::from(ticks) ^ turn) - turn
}

/// The ladders of every instrument.
pub(crate) struct Ladders {
    pub sides: Array<SideLadder>,
    windows: Windows,
    trees: Trees,
    /// Windows from this on are free.
    fresh: u32,
    /// An empty window, for moves.
    spare: u32,
}

/// Index of a side of an instrument.
#[inline]
pub(crate) fn index(id: InstrumentId, side: usize) -> usize {
    id.index() * 2 + side
}

impl Ladders {
    pub(crate) fn new(
        instruments_max: usize,
        levels_max: usize,
        reserve: &mut Reserve,
    ) -> Result<Ladders, i32> {
        Ok(Ladders {
            sides: reserve.array(instruments_max * 2)?,
            // Number 0 is none, and one is the spare.
            windows: Windows::new(instruments_max * 2 + 2, reserve)?,
            trees: Trees::new(levels_max, reserve)?,
            fresh: 2,
            spare: 1,
        })
    }

    /// The cell of a price of a side; an empty one where there is none, or if it is not `wanted`.
    /// Without branches: which of these it is cannot be guessed.
    #[inline(always)]
    pub(crate) fn guess(&self, at: usize, price: u32, wanted: bool) -> usize {
        let Some(ladder) = self.sides.get(at) else { return 0 };
        let ticks = if u32::from(ladder.tick) == CENT { price / CENT } else { price };
        let tick = signed(at, ticks).wrapping_sub(ladder.first.into()) as usize;
        select_unpredictable(wanted & (tick < TICKS), cell(ladder.window, tick % TICKS), 0)
    }

    /// Begins to load a cell.
    #[inline(always)]
    pub(crate) fn fetch(&self, cell: usize) {
        self.windows.fetch(cell);
    }

    /// The level in a cell, zero if there is none.
    #[inline(always)]
    pub(crate) fn level_in(&self, cell: usize) -> u32 {
        self.windows.get(cell)
    }

    /// The level of a price, zero if there is none.
    #[inline]
    pub(crate) fn find(&self, at: usize, price: u32, levels: &Levels) -> u32 {
        let ladder = &self.sides[at];
        match ladder.tick_at(at & 1, price) {
            Some(tick) => self.windows.get(cell(ladder.window, tick)),
            None => self.trees.find(ladder.root, rank(at & 1, price), levels),
        }
    }

    /// The level of a price, made if there is none; zero if there is no space for it. Counts a move
    /// of the window.
    #[inline(always)]
    pub(crate) fn find_or_insert(
        &mut self,
        at: usize,
        price: u32,
        levels: &mut Levels,
        moves: &mut u64,
    ) -> u32 {
        let ladder = &self.sides[at];
        let Some(tick) = ladder.tick_at(at & 1, price) else {
            return self.find_or_insert_far(at, price, levels, moves);
        };
        let found = self.windows.get(cell(ladder.window, tick));
        if found != 0 {
            return found;
        }
        self.insert_near(at, price, tick, levels, moves)
    }

    /// Makes the level of a tick.
    #[inline(never)]
    fn insert_near(
        &mut self,
        at: usize,
        price: u32,
        tick: usize,
        levels: &mut Levels,
        moves: &mut u64,
    ) -> u32 {
        let ladder = &mut self.sides[at];
        if ladder.window == 0 {
            return self.find_or_insert_far(at, price, levels, moves);
        }
        let level = levels.insert(InstrumentId((at / 2) as u16), at & 1, price);
        if level != 0 {
            self.windows.set(ladder.window, &mut ladder.summary, tick, level);
            if self.windows.is_highest(ladder.window, ladder.summary, tick)
                && (ladder.root == 0 || rank(at & 1, price) > ladder.far_rank)
            {
                ladder.best = level;
            }
        }
        level
    }

    #[cold]
    #[inline(never)]
    fn find_or_insert_far(
        &mut self,
        at: usize,
        price: u32,
        levels: &mut Levels,
        moves: &mut u64,
    ) -> u32 {
        let ladder = &mut self.sides[at];
        if ladder.window == 0 {
            ladder.window = self.fresh;
            self.windows.empty(self.fresh);
            self.fresh += 1;
            *ladder = ladder.around(at & 1, price);
            return self.find_or_insert(at, price, levels, moves);
        }
        ladder.misses += 1;
        if ladder.misses >= MISSES && self.recentre(at, price, levels) {
            *moves += 1;
            return self.find_or_insert(at, price, levels, moves);
        }
        let found = self.find(at, price, levels);
        if found != 0 {
            return found;
        }
        let level = levels.insert(InstrumentId((at / 2) as u16), at & 1, price);
        if level != 0 {
            let ladder = &mut self.sides[at];
            let best = &levels.nodes[ladder.best as usize];
            if ladder.best == 0 || rank(at & 1, price) > best.rank() {
                ladder.best = level;
            }
            self.insert_far(at, level, levels);
        }
        level
    }

    fn insert_far(&mut self, at: usize, level: u32, levels: &Levels) {
        let ladder = &mut self.sides[at];
        let rank = levels.nodes[level as usize].rank();
        if ladder.root == 0 || rank > ladder.far_rank {
            ladder.far_rank = rank;
        }
        self.trees.insert(&mut ladder.root, level, levels);
    }

    #[cold]
    #[inline(never)]
    fn remove_far(&mut self, at: usize, level: u32, levels: &Levels) {
        let ladder = &mut self.sides[at];
        self.trees.remove(&mut ladder.root, level, levels);
        if levels.nodes[level as usize].rank() == ladder.far_rank {
            let root = ladder.root;
            self.sides[at].far_rank = self.far_rank(root, levels);
        }
    }

    /// Takes an empty level out of its ladder; its node is for the caller to free.
    #[inline]
    pub(crate) fn remove(&mut self, at: usize, level: u32, levels: &Levels) {
        let price = levels.nodes[level as usize].price;
        let ladder = &mut self.sides[at];
        match ladder.tick_at(at & 1, price) {
            Some(tick) => self.windows.unset(ladder.window, &mut ladder.summary, tick),
            None => self.remove_far(at, level, levels),
        }
        if self.sides[at].best == level {
            let ladder = &self.sides[at];
            self.sides[at].best = match self.windows.highest(ladder.window, ladder.summary) {
                Some(tick)
                    if ladder.root == 0 || ladder.rank_of(at & 1, tick) > ladder.far_rank =>
                {
                    self.windows.get(cell(ladder.window, tick))
                }
                _ => self.trees.highest(ladder.root),
            };
        }
    }

    /// The rank of the best level of a tree.
    fn far_rank(&self, root: u32, levels: &Levels) -> u32 {
        levels.nodes[self.trees.highest(root) as usize].rank()
    }

    /// The next level after that of `price`, zero after the last.
    pub(crate) fn after(&self, at: usize, price: u32, levels: &Levels) -> u32 {
        let ladder = &self.sides[at];
        let far = self.trees.below(ladder.root, rank(at & 1, price), levels);
        let far_rank = levels.nodes[far as usize].rank();
        let worse = ladder.ticks_worse(at & 1, price);
        match self.windows.below(ladder.window, ladder.summary, worse) {
            Some(tick) if far == 0 || ladder.rank_of(at & 1, tick) > far_rank => {
                self.windows.get(cell(ladder.window, tick))
            }
            _ => far,
        }
    }

    /// Moves the window of a side to where its best level is, or to `price` if it has none; `false`
    /// if it is there already or cannot move.
    #[cold]
    #[inline(never)]
    fn recentre(&mut self, at: usize, price: u32, levels: &Levels) -> bool {
        let side = at & 1;
        self.sides[at].misses = 0;
        let ladder = self.sides[at];
        let best = &levels.nodes[ladder.best as usize];
        let centre = if ladder.best == 0 { price } else { best.price };
        let mut moved = ladder.around(side, centre);
        let good = |tick| tick >= TICKS / 4;
        if moved.tick == ladder.tick && ladder.tick_at(side, centre).is_some_and(good) {
            return false;
        }
        let lowest = moved.lowest_rank(side);
        if self.count_far(&ladder, lowest, levels) > VISITS_MAX {
            return false;
        }
        moved.window = self.spare;
        self.fetch_far(side, &mut moved, lowest, levels);
        self.move_near(side, &ladder, &mut moved, levels);
        moved.far_rank = self.far_rank(moved.root, levels);
        self.windows.empty(ladder.window);
        self.spare = ladder.window;
        self.sides[at] = moved;
        true
    }

    /// How many levels of the tree have `lowest` or a better rank, as far as it matters.
    fn count_far(&self, ladder: &SideLadder, lowest: u32, levels: &Levels) -> usize {
        let (mut count, mut level) = (0, self.trees.highest(ladder.root));
        while level != 0 && levels.nodes[level as usize].rank() >= lowest && count <= VISITS_MAX {
            count += 1;
            level = self.trees.below(ladder.root, levels.nodes[level as usize].rank(), levels);
        }
        count
    }

    /// Takes the levels that have a tick in the window of `moved` out of its tree.
    fn fetch_far(&mut self, side: usize, moved: &mut SideLadder, lowest: u32, levels: &Levels) {
        let mut level = self.trees.highest(moved.root);
        while level != 0 && levels.nodes[level as usize].rank() >= lowest {
            let node = &levels.nodes[level as usize];
            let next = self.trees.below(moved.root, node.rank(), levels);
            if let Some(tick) = moved.tick_at(side, node.price) {
                self.trees.remove(&mut moved.root, level, levels);
                self.windows.set(moved.window, &mut moved.summary, tick, level);
            }
            level = next;
        }
    }

    /// Puts the levels of the window of `old` to where they belong in `moved`.
    fn move_near(
        &mut self,
        side: usize,
        old: &SideLadder,
        moved: &mut SideLadder,
        levels: &Levels,
    ) {
        let mut next = self.windows.highest(old.window, old.summary);
        while let Some(tick) = next {
            let level = self.windows.get(cell(old.window, tick));
            match moved.tick_at(side, levels.nodes[level as usize].price) {
                Some(to) => self.windows.set(moved.window, &mut moved.summary, to, level),
                None => self.trees.insert(&mut moved.root, level, levels),
            }
            next = self.windows.below(old.window, old.summary, tick);
        }
    }

    /// Forgets every level.
    #[cold]
    pub(crate) fn clear(&mut self) {
        for side in self.sides.iter_mut() {
            // Only what was used: writing to the others would take memory for them.
            if side.window != 0 {
                *side = SideLadder::default();
            }
        }
        self.trees.clear();
        self.windows.empty(1);
        self.spare = 1;
        self.fresh = 2;
    }
}
