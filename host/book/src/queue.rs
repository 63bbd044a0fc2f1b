//! Who stands in line at a level.
//!
//! The first eight places of a line are in the level's own cache line, so that joining and leaving
//! a short line touches nothing else; links from order to order touch two others, which lie
//! anywhere in memory. Who stands further back is in a list through the orders. When somebody in
//! front leaves, the first of the list moves up, so that the list is only used while all eight
//! places are taken.
//!
//! Before that, with links only, a message of `tercel-bench book` cost a third more.

use crate::level::{LevelNode, Levels};
use crate::order::Order;

/// Places in a level itself.
pub(crate) const NEAR: usize = 8;

/// What is at both ends of the list of a level, and between two orders of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Links {
    /// The order ahead in the list; meaningless for the first of it and in front of it.
    pub prev: u32,
    /// The order behind, zero for the last.
    pub next: u32,
}

impl Levels {
    /// Puts an order at the end of the line of a level. Returns its links.
    #[inline(always)]
    pub(crate) fn join(&mut self, level: u32, slot: u32, orders: &mut [Order]) -> Links {
        let node = &mut self.nodes[level as usize];
        let end = usize::from(node.near_len);
        if let Some(place) = node.near.get_mut(end) {
            *place = slot;
            node.near_len += 1;
            return Links::default();
        }
        node.join_list(slot, orders)
    }

    /// Takes an order out of the line of a level.
    #[inline(always)]
    pub(crate) fn leave(&mut self, level: u32, slot: u32, links: Links, orders: &mut [Order]) {
        let node = &mut self.nodes[level as usize];
        let Some(place) = node.place_of(slot) else {
            return node.leave_list(slot, links, orders);
        };
        close_gap(&mut node.near, place);
        if node.list.next == 0 {
            node.near_len -= 1;
        } else {
            node.move_up(orders);
        }
    }

    /// The orders of a level, first in line first.
    pub(crate) fn line<'a>(
        &'a self,
        level: u32,
        orders: &'a [Order],
    ) -> impl Iterator<Item = u32> + 'a {
        let node = &self.nodes[level as usize];
        let present = |slot: u32| (slot != 0).then_some(slot);
        let list = core::iter::successors(present(node.list.next), move |slot| {
            present(orders[*slot as usize].links.next)
        });
        node.near[..usize::from(node.near_len)].iter().copied().chain(list)
    }

    /// The last in line at a level, zero if there is none.
    pub(crate) fn last(&self, level: u32) -> u32 {
        let node = &self.nodes[level as usize];
        match node.list.prev {
            0 => node.near[..usize::from(node.near_len)].last().copied().unwrap_or(0),
            last => last,
        }
    }
}

impl LevelNode {
    /// Which of the places in front an order has. Without branches on where it is.
    #[inline(always)]
    fn place_of(&self, slot: u32) -> Option<u32> {
        let mut found = 0u32;
        for (place, other) in self.near.iter().enumerate() {
            found |= u32::from(*other == slot) << place;
        }
        // Behind those that are taken something old may stand.
        found &= (1 << self.near_len) - 1;
        (found != 0).then(|| found.trailing_zeros())
    }

    #[inline(never)]
    fn join_list(&mut self, slot: u32, orders: &mut [Order]) -> Links {
        let prev = self.list.prev;
        match prev {
            0 => self.list.next = slot,
            _ => orders[prev as usize].links.next = slot,
        }
        self.list.prev = slot;
        Links { prev, next: 0 }
    }

    #[inline(never)]
    fn leave_list(&mut self, slot: u32, links: Links, orders: &mut [Order]) {
        let Links { prev, next } = links;
        let first = self.list.next == slot;
        if first {
            self.list.next = next;
        } else {
            orders[prev as usize].links.next = next;
        }
        match next {
            0 => self.list.prev = if first { 0 } else { prev },
            _ => orders[next as usize].links.prev = prev,
        }
    }

    /// The first of the list gets the last of the places in front.
    #[inline(never)]
    fn move_up(&mut self, orders: &mut [Order]) {
        let first = self.list.next;
        self.near[NEAR - 1] = first;
        self.list.next = orders[first as usize].links.next;
        if self.list.next == 0 {
            self.list.prev = 0;
        }
    }
}

/// Moves those behind a place one up, without branches on where it is.
#[inline(always)]
fn close_gap(near: &mut [u32; NEAR], gap: u32) {
    let before = *near;
    for place in 0..NEAR - 1 {
        // All ones in front of the gap.
        let stays = ((place as i32 - gap as i32) >> 31) as u32;
        near[place] = (before[place] & stays) | (before[place + 1] & !stays);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Reserve;

    #[test]
    fn agrees_with_a_vector() {
        let mut levels = Levels::new(4, &mut Reserve::new(false, false)).unwrap();
        let level = levels.insert(tercel_types::InstrumentId(0), 0, 100);
        let mut orders = vec![Order::default(); 64];
        let (mut naive, mut seed) = (Vec::<u32>::new(), 3u64);
        for step in 0..200_000u32 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let slot = 1 + (seed >> 58) as u32 % 63;
            // Long lines and short ones by turns.
            let grows = seed >> 40 & 7 < if step / 1_000 % 2 == 0 { 6 } else { 2 };
            if let Some(at) = naive.iter().position(|other| *other == slot) {
                if !grows {
                    naive.remove(at);
                    let links = orders[slot as usize].links;
                    levels.leave(level, slot, links, &mut orders);
                }
            } else if grows {
                naive.push(slot);
                orders[slot as usize].links = levels.join(level, slot, &mut orders);
            }
            assert!(levels.line(level, &orders).eq(naive.iter().copied()));
            assert_eq!(levels.last(level), naive.last().copied().unwrap_or(0));
        }
    }
}
