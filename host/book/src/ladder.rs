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
//! Memory: 64 bytes a side, and 4.1 KiB for a window; 16,384 instruments with both windows 140 MB,
//! 8,000 busy ones 66.

use crate::level::{Levels, rank};
use crate::memory::{Array, Reserve};
use crate::tree::Trees;
use crate::window::{Summary, TICKS, Window};
use tercel_types::InstrumentId;

/// Orders that have to miss a window before it is moved.
pub(crate) const MISSES: u32 = 256;

/// Levels of the tree looked at for one move.
const VISITS_MAX: usize = 2 * TICKS;

/// Place of the best in a window that was just moved: room above for a better one, and more below,
/// where depth is.
const BEST_AT: i64 = TICKS as i64 * 3 / 4;

/// Price increment at a dollar and above (Reg NMS rule 612).
const CENT: u32 = 100;

/// One side of one instrument.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct SideLadder {
    /// The best level, zero if there is none.
    pub best: u32,
    /// Its window, zero before the first order.
    window: u32,
    summary: Summary,
    /// Price units in a tick of the window, 1 or [`CENT`].
    tick: u32,
    /// Ticks are counted from here: the price over the tick, with its sign turned on the sell side.
    first: i64,
    /// The tree of the other levels.
    root: u32,
    /// The best of them, zero if there is none, and its rank.
    far_best: u32,
    far_rank: u32,
    /// Orders that went to the tree since the window was last looked at.
    misses: u32,
}

impl SideLadder {
    /// The tick of a price on the side's scale, if it is on the grid.
    #[inline]
    fn tick_of(&self, side: usize, price: u32) -> Option<i64> {
        let ticks = if self.tick == CENT {
            if !price.is_multiple_of(CENT) {
                return None;
            }
            price / CENT
        } else {
            price
        };
        Some(signed(side, ticks))
    }

    /// The cell of a price in the window, if it has one.
    #[inline]
    fn cell_of(&self, side: usize, price: u32) -> Option<usize> {
        if self.window == 0 {
            return None;
        }
        let cell = self.tick_of(side, price)?.wrapping_sub(self.first);
        (0..TICKS as i64).contains(&cell).then_some(cell as usize)
    }

    /// The rank of the price of a cell.
    #[inline]
    fn rank_of(&self, side: usize, cell: usize) -> u32 {
        let tick = self.first + cell as i64;
        rank(side, tick.unsigned_abs() as u32 * self.tick)
    }

    /// How many cells are worse than a price, which need not be on the grid.
    fn cells_worse(&self, side: usize, price: u32) -> usize {
        let tick = self.tick.max(1);
        let bound =
            if side == 0 { i64::from(price.div_ceil(tick)) } else { -i64::from(price / tick) };
        (bound - self.first).clamp(0, TICKS as i64) as usize
    }

    /// The rank of the lowest cell, or the lowest rank that there can be.
    fn lowest_rank(&self, side: usize) -> u32 {
        let price = self.first.abs() * i64::from(self.tick);
        match side {
            0 if self.first < 0 => 0,
            _ => rank(side, u32::try_from(price).unwrap_or(u32::MAX)),
        }
    }

    /// The same ladder with its window, now empty, around `price`.
    fn around(&self, side: usize, price: u32) -> SideLadder {
        let tick = if price >= 100 * CENT && price.is_multiple_of(CENT) { CENT } else { 1 };
        let mut moved = SideLadder { tick, summary: 0, misses: 0, ..*self };
        moved.first = moved.tick_of(side, price).unwrap_or(0) - BEST_AT;
        moved
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
    windows: Array<Window>,
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
            windows: reserve.array(instruments_max * 2 + 2)?,
            trees: Trees::new(levels_max, reserve)?,
            fresh: 2,
            spare: 1,
        })
    }

    /// The cell of a price in the window of a side, by their indices; any other cell for a price
    /// that is not in the window.
    #[inline]
    fn guess(&self, at: usize, price: i64) -> (usize, usize) {
        let Some(ladder) = self.sides.get(at) else { return (0, 0) };
        let price = price as u32;
        let ticks = if ladder.tick == CENT { price / CENT } else { price };
        let cell = signed(at, ticks).wrapping_sub(ladder.first) as usize % TICKS;
        (ladder.window as usize, cell)
    }

    /// Begins to load the cell of a price.
    #[inline]
    pub(crate) fn fetch_cell(&self, at: usize, price: i64) {
        let (window, cell) = self.guess(at, price);
        self.windows.fetch_within(window, Window::offset(cell));
    }

    /// What is in the cell of a price, or in some other where it has none.
    #[inline]
    pub(crate) fn peek(&self, at: usize, price: i64) -> u32 {
        let (window, cell) = self.guess(at, price);
        self.windows[window].get(cell)
    }

    /// The level of a price, zero if there is none.
    #[inline]
    pub(crate) fn find(&self, at: usize, price: u32, levels: &Levels) -> u32 {
        let ladder = &self.sides[at];
        match ladder.cell_of(at & 1, price) {
            Some(cell) => self.windows[ladder.window as usize].get(cell),
            None => self.trees.find(ladder.root, rank(at & 1, price), levels),
        }
    }

    /// The level of a price, made if there is none; zero if there is no space for it. Counts a move
    /// of the window.
    #[inline]
    pub(crate) fn find_or_insert(
        &mut self,
        at: usize,
        price: u32,
        levels: &mut Levels,
        moves: &mut u64,
    ) -> u32 {
        let ladder = &mut self.sides[at];
        let Some(cell) = ladder.cell_of(at & 1, price) else {
            return self.find_or_insert_far(at, price, levels, moves);
        };
        let window = &mut self.windows[ladder.window as usize];
        let found = window.get(cell);
        if found != 0 {
            return found;
        }
        let level = levels.insert(InstrumentId((at / 2) as u16), at & 1, price);
        if level != 0 {
            window.set(&mut ladder.summary, cell, level);
            self.better(at, level, rank(at & 1, price), levels);
        }
        level
    }

    /// Takes note of a new level.
    #[inline]
    fn better(&mut self, at: usize, level: u32, rank: u32, levels: &Levels) {
        let best = self.sides[at].best;
        if best == 0 || rank > levels.nodes[best as usize].rank() {
            self.sides[at].best = level;
        }
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
            self.windows[self.fresh as usize] = Window::EMPTY;
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
            self.insert_far(at, level, levels);
            self.better(at, level, rank(at & 1, price), levels);
        }
        level
    }

    fn insert_far(&mut self, at: usize, level: u32, levels: &Levels) {
        let ladder = &mut self.sides[at];
        self.trees.insert(&mut ladder.root, level, levels);
        let rank = levels.nodes[level as usize].rank();
        if ladder.far_best == 0 || rank > ladder.far_rank {
            ladder.far_best = level;
            ladder.far_rank = rank;
        }
    }

    #[cold]
    #[inline(never)]
    fn remove_far(&mut self, at: usize, level: u32, levels: &Levels) {
        let ladder = &mut self.sides[at];
        self.trees.remove(&mut ladder.root, level, levels);
        if ladder.far_best == level {
            ladder.far_best = self.trees.highest(ladder.root);
            ladder.far_rank = levels.nodes[ladder.far_best as usize].rank();
        }
    }

    /// Takes an empty level out of its ladder; its node is for the caller to free.
    #[inline]
    pub(crate) fn remove(&mut self, at: usize, level: u32, levels: &Levels) {
        let price = levels.nodes[level as usize].price;
        let ladder = &mut self.sides[at];
        match ladder.cell_of(at & 1, price) {
            Some(cell) => {
                self.windows[ladder.window as usize].unset(&mut ladder.summary, cell);
            }
            None => self.remove_far(at, level, levels),
        }
        if self.sides[at].best == level {
            let ladder = &self.sides[at];
            let near = self.windows[ladder.window as usize].highest(ladder.summary);
            self.sides[at].best = self.choose(at, near, ladder.far_best, ladder.far_rank);
        }
    }

    /// The better of a cell of the window and a level of the tree, zero if there is neither.
    #[inline]
    fn choose(&self, at: usize, near: Option<usize>, far: u32, far_rank: u32) -> u32 {
        let ladder = &self.sides[at];
        match near {
            Some(cell) if far == 0 || ladder.rank_of(at & 1, cell) > far_rank => {
                self.windows[ladder.window as usize].get(cell)
            }
            _ => far,
        }
    }

    /// The next level after that of `price`, zero after the last.
    pub(crate) fn after(&self, at: usize, price: u32, levels: &Levels) -> u32 {
        let ladder = &self.sides[at];
        let far = self.trees.below(ladder.root, rank(at & 1, price), levels);
        let worse = ladder.cells_worse(at & 1, price);
        let near = self.windows[ladder.window as usize].below(ladder.summary, worse);
        self.choose(at, near, far, levels.nodes[far as usize].rank())
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
        let good = |cell| cell >= TICKS / 4;
        if moved.tick == ladder.tick && ladder.cell_of(side, centre).is_some_and(good) {
            return false;
        }
        let lowest = moved.lowest_rank(side);
        if self.count_far(&ladder, lowest, levels) > VISITS_MAX {
            return false;
        }
        moved.window = self.spare;
        self.fetch_far(side, &mut moved, lowest, levels);
        self.move_near(side, &ladder, &mut moved, levels);
        moved.far_best = self.trees.highest(moved.root);
        moved.far_rank = levels.nodes[moved.far_best as usize].rank();
        self.windows[ladder.window as usize] = Window::EMPTY;
        self.spare = ladder.window;
        self.sides[at] = moved;
        true
    }

    /// How many levels of the tree have `lowest` or a better rank, as far as it matters.
    fn count_far(&self, ladder: &SideLadder, lowest: u32, levels: &Levels) -> usize {
        let (mut count, mut level) = (0, ladder.far_best);
        while level != 0 && levels.nodes[level as usize].rank() >= lowest && count <= VISITS_MAX {
            count += 1;
            level = self.trees.below(ladder.root, levels.nodes[level as usize].rank(), levels);
        }
        count
    }

    /// Takes the levels that have a cell in the window of `moved` out of its tree.
    fn fetch_far(&mut self, side: usize, moved: &mut SideLadder, lowest: u32, levels: &Levels) {
        let mut level = moved.far_best;
        while level != 0 && levels.nodes[level as usize].rank() >= lowest {
            let node = &levels.nodes[level as usize];
            let next = self.trees.below(moved.root, node.rank(), levels);
            if let Some(cell) = moved.cell_of(side, node.price) {
                self.trees.remove(&mut moved.root, level, levels);
                self.windows[moved.window as usize].set(&mut moved.summary, cell, level);
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
        let mut next = self.windows[old.window as usize].highest(old.summary);
        while let Some(cell) = next {
            let level = self.windows[old.window as usize].get(cell);
            match moved.cell_of(side, levels.nodes[level as usize].price) {
                Some(to) => self.windows[moved.window as usize].set(&mut moved.summary, to, level),
                None => self.trees.insert(&mut moved.root, level, levels),
            }
            next = self.windows[old.window as usize].below(old.summary, cell);
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
        self.windows[1] = Window::EMPTY;
        self.spare = 1;
        self.fresh = 2;
    }
}
