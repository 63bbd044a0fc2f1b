//! Levels that no window covers, sorted: a crit-bit tree for each side of each instrument.
//!
//! Such levels are far from the touch or off the window's grid, some percent of all. A crit-bit
//! tree has one node for each pair of neighbours, says at each node which bit of the rank decides,
//! and needs no balancing: its depth is at most the 32 bits of a rank, whatever the order of
//! insertion, which bounds the worst case (a balanced tree of 2,000 levels would be 11 deep; random
//! prices make this one about 13 deep). Nodes are 16 bytes and come from one pool as large as that
//! of the levels, which cannot run out: n levels need n - 1 nodes.
//!
//! A link is zero, or the index of a node, or [`LEAF`] and the index of a level.

use crate::level::Levels;
use crate::memory::{Array, Reserve};

/// Marks a link to a level.
pub(crate) const LEAF: u32 = 1 << 31;

/// A fork: ranks without the bit are under the first link, ranks with it under the second.
#[derive(Clone, Copy, Default)]
#[repr(C, align(16))]
pub(crate) struct Node {
    bit: u32,
    links: [u32; 2],
    zero: u32,
}

/// The nodes of all trees. A tree is the link to its root.
pub(crate) struct Trees {
    nodes: Array<Node>,
    free: u32,
    fresh: u32,
}

/// The links passed on the way down to a leaf: that of the leaf's fork, and of the fork above.
struct Descent {
    leaf: u32,
    fork: u32,
    above: u32,
}

impl Trees {
    pub(crate) fn new(levels_max: usize, reserve: &mut Reserve) -> Result<Trees, i32> {
        Ok(Trees { nodes: reserve.array(levels_max + 1)?, free: 0, fresh: 1 })
    }

    #[inline]
    fn node(&self, link: u32) -> &Node {
        &self.nodes[link as usize]
    }

    /// Which link of a fork leads towards a rank.
    #[inline]
    fn towards(&self, fork: u32, rank: u32) -> usize {
        usize::from(rank & self.node(fork).bit != 0)
    }

    #[inline]
    fn descend(&self, root: u32, rank: u32) -> Descent {
        let mut at = Descent { leaf: root, fork: 0, above: 0 };
        while at.leaf & LEAF == 0 {
            let next = self.node(at.leaf).links[self.towards(at.leaf, rank)];
            at = Descent { leaf: next, fork: at.leaf, above: at.fork };
        }
        at.leaf &= !LEAF;
        at
    }

    #[inline]
    fn rank_of(levels: &Levels, level: u32) -> u32 {
        levels.nodes[level as usize].rank()
    }

    /// The level of a rank, zero if there is none.
    pub(crate) fn find(&self, root: u32, rank: u32, levels: &Levels) -> u32 {
        if root == 0 {
            return 0;
        }
        let level = self.descend(root, rank).leaf;
        if Self::rank_of(levels, level) == rank { level } else { 0 }
    }

    /// Puts in a level whose rank is not there yet.
    pub(crate) fn insert(&mut self, root: &mut u32, level: u32, levels: &Levels) {
        let rank = Self::rank_of(levels, level);
        if *root == 0 {
            *root = LEAF | level;
            return;
        }
        let near = self.descend(*root, rank).leaf;
        let differs = rank ^ Self::rank_of(levels, near);
        let bit = 1 << (31 - differs.leading_zeros().min(31));
        let (mut at, mut above) = (*root, 0);
        while at & LEAF == 0 && self.node(at).bit > bit {
            above = at;
            at = self.node(at).links[self.towards(at, rank)];
        }
        let fork = self.take();
        let mut links = [at, at];
        links[usize::from(rank & bit != 0)] = LEAF | level;
        self.nodes[fork as usize] = Node { bit, links, zero: 0 };
        self.relink(root, above, rank, fork);
    }

    /// Takes out a level that is there.
    pub(crate) fn remove(&mut self, root: &mut u32, level: u32, levels: &Levels) {
        let rank = Self::rank_of(levels, level);
        let at = self.descend(*root, rank);
        if at.fork == 0 {
            *root = 0;
            return;
        }
        let sibling = self.node(at.fork).links[1 - self.towards(at.fork, rank)];
        self.relink(root, at.above, rank, sibling);
        self.nodes[at.fork as usize].bit = self.free;
        self.free = at.fork;
    }

    /// Makes the link of `above` that leads towards `rank`, or the root where `above` is zero, lead
    /// to `to`.
    #[inline]
    fn relink(&mut self, root: &mut u32, above: u32, rank: u32, to: u32) {
        if above == 0 {
            *root = to;
        } else {
            let way = self.towards(above, rank);
            self.nodes[above as usize].links[way] = to;
        }
    }

    /// The level of the highest rank under a link, zero if there is none.
    pub(crate) fn highest(&self, mut link: u32) -> u32 {
        if link == 0 {
            return 0;
        }
        while link & LEAF == 0 {
            link = self.node(link).links[1];
        }
        link & !LEAF
    }

    /// The level of the highest rank below `rank`, which need not be there; zero if there is none.
    pub(crate) fn below(&self, root: u32, rank: u32, levels: &Levels) -> u32 {
        if root == 0 {
            return 0;
        }
        let differs = rank ^ Self::rank_of(levels, self.descend(root, rank).leaf);
        let bit = if differs == 0 { 0 } else { 1 << (31 - differs.leading_zeros()) };
        // Down to the subtree whose ranks all share what is above `bit`, with the last way passed
        // that is lower.
        let (mut at, mut lower) = (root, 0);
        while at & LEAF == 0 && self.node(at).bit > bit {
            let links = self.node(at).links;
            if self.towards(at, rank) == 1 {
                lower = links[0];
            }
            at = links[self.towards(at, rank)];
        }
        self.highest(if rank & bit != 0 { at } else { lower })
    }

    fn take(&mut self) -> u32 {
        let at = if self.free != 0 { self.free } else { self.fresh };
        if self.free != 0 {
            self.free = self.nodes[at as usize].bit;
        } else {
            self.fresh += 1;
        }
        at
    }

    /// Forgets every tree.
    pub(crate) fn clear(&mut self) {
        self.free = 0;
        self.fresh = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tercel_types::InstrumentId;

    #[test]
    fn agrees_with_a_btree() {
        let reserve = &mut Reserve::new(false, false);
        let mut levels = Levels::new(500, reserve).unwrap();
        let mut trees = Trees::new(500, reserve).unwrap();
        let (mut root, mut naive, mut seed) = (0, BTreeMap::new(), 3u64);
        for step in 0..100_000u32 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let spread = if step & 1 == 0 { 0xff } else { 0x8000_007f };
            let rank = (seed >> 32) as u32 & spread;
            let naive_below = naive.range(..rank).next_back().map_or(0, |(_, level)| *level);
            assert_eq!(trees.below(root, rank, &levels), naive_below);
            assert_eq!(trees.find(root, rank, &levels), *naive.get(&rank).unwrap_or(&0));
            if let Some(level) = naive.remove(&rank) {
                trees.remove(&mut root, level, &levels);
                levels.remove(level);
            } else {
                let level = levels.insert(InstrumentId(0), 0, rank);
                trees.insert(&mut root, level, &levels);
                naive.insert(rank, level);
            }
            let naive_highest = naive.last_key_value().map_or(0, |(_, level)| *level);
            assert_eq!(trees.highest(root), naive_highest);
            assert_eq!(root == 0, naive.is_empty());
        }
        assert!(trees.fresh as usize <= 401);
    }
}
