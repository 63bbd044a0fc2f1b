//! The floor: what it costs to touch the order slots that a day's messages name, and nothing else.
//!
//! An array of 32-byte slots on huge pages, as long as the books' window by reference, and for each
//! message a read and a write of one word of the slot that its reference has in the books: of both
//! slots for a replace. Slots do not depend on each other, so the processor may have several loads
//! under way; a book whose next step depends on what it loaded cannot, unless it prefetches.

use super::super::prepare::timed;
use super::CHUNK;
use crate::Samples;
use crate::day::MarketDay;
use anyhow::Result;
use memmap2::{Advice, MmapMut};
use std::hint::black_box;
use tercel_book::Limits;
use tercel_proto::itch::{self, Message};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// As large as an order of the books.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C, align(32))]
struct Slot([u64; 4]);

/// As the books size their window (`host/book/src/order.rs`).
const SLOTS_PER_ORDER: usize = 16;
const WINDOW_MAX: usize = 1 << 25;

/// Nanoseconds a message.
pub(super) fn measure(day: &MarketDay, limits: &Limits) -> Result<Samples> {
    let window = (limits.orders_max * SLOTS_PER_ORDER).next_power_of_two().min(WINDOW_MAX);
    let mut map = MmapMut::map_anon(window * size_of::<Slot>())?;
    // Where the system has no huge pages the books have none either.
    #[cfg(target_os = "linux")]
    let _ = map.advise(Advice::HugePage).and_then(|()| map.advise(Advice::PopulateWrite));
    let slots = <[Slot]>::mut_from_bytes(&mut map).expect("whole slots, page-aligned");

    let frames = &day.frames;
    let (mut indices, mut ends) = (Vec::new(), Vec::new());
    for at in 0..frames.len() {
        for message in frames.messages_of(at) {
            let [first, second] = references(message);
            indices.extend(
                first.into_iter().chain(second).map(|r| (r as usize & (window - 1)) as u32),
            );
        }
        ends.push(indices.len());
    }
    let (mut samples, mut from) = (Samples::new(), 0);
    for start in (0..frames.len()).step_by(CHUNK) {
        let range = start..(start + CHUNK).min(frames.len());
        let count = range.clone().map(|at| usize::from(frames.count(at))).sum();
        let chunk = &indices[from..ends[range.end - 1]];
        from = ends[range.end - 1];
        timed(&mut samples, count, || {
            for index in chunk {
                let word = &mut slots[*index as usize].0[1];
                *word = word.wrapping_add(1);
            }
        });
    }
    black_box(&slots[0].0);
    Ok(samples)
}

/// The orders that a message names.
fn references(message: &[u8]) -> [Option<u64>; 2] {
    match itch::parse(message) {
        Ok(Message::AddOrder(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::AddOrderMpid(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::OrderExecuted(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::OrderExecutedPrice(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::OrderCancel(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::OrderDelete(m)) => [Some(m.order_ref.get()), None],
        Ok(Message::OrderReplace(m)) => [Some(m.original_ref.get()), Some(m.new_ref.get())],
        _ => [None, None],
    }
}
