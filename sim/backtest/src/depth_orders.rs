//! Levels told as orders, so that the production book and its features work on data by price.
//!
//! A level is one order, or two while an order of ours stands at its price: what is in front of
//! ours and what is behind. The host's book then answers where ours stands as it does on a feed by
//! order. The host estimates with the same queue model as the venue's side, from what it has seen.

use crate::event::Event;
use crate::queue::QueueModel;
use crate::store::Store;
use tercel_abi::{EventRecord, Kind};
use tercel_types::{Nanos, Side};

/// Numbers of the orders that stand for levels: above those of a recording, below ours.
const FIRST_ORDER_REF: u64 = 1 << 40;

#[derive(Clone, Copy, Default, Debug)]
struct Part {
    order_ref: u64,
    qty: u64,
}

#[derive(Clone, Copy, Default, Debug)]
struct Level {
    front: Part,
    back: Part,
    /// Traded since the last change, which it will contain.
    traded: u64,
    /// When it last changed, the venue's time.
    changed: Nanos,
}

/// The orders of every level of every instrument.
#[derive(Debug)]
pub(crate) struct DepthOrders {
    levels: Vec<[Vec<Level>; 2]>,
    model: QueueModel,
    next_ref: u64,
    /// Records that bring a book to what a level now is; they do not show one by one.
    pub(crate) records: Vec<EventRecord>,
}

impl DepthOrders {
    pub(crate) fn new(store: &Store, model: QueueModel) -> DepthOrders {
        let sides = |count: usize| [vec![Level::default(); count], vec![Level::default(); count]];
        DepthOrders {
            levels: store.instruments.iter().map(|one| sides(one.prices.len())).collect(),
            model,
            next_ref: FIRST_ORDER_REF,
            records: Vec::with_capacity(4),
        }
    }

    fn level(&mut self, event: &Event) -> Option<&mut Level> {
        let sides = self.levels.get_mut(usize::from(event.instrument))?;
        sides[event.side().index()].get_mut(event.level as usize)
    }

    /// A trade at a level, which its next change will contain, unless it is heard after one that
    /// was not before it and has it already.
    pub(crate) fn trade(&mut self, event: &Event) {
        if let Some(level) = self.level(event)
            && level.changed < event.time
        {
            level.traded += u64::from(event.qty);
        }
    }

    /// The records that a change of level makes; `ours` stands at it. What it amounts to is the
    /// answer: an order came, or one was cut.
    pub(crate) fn change(&mut self, event: &Event, id: u16, ours: bool) -> Option<Kind> {
        self.records.clear();
        let after = u64::from(event.qty);
        let model = self.model;
        let fresh = self.next_ref;
        let place = self.level(event)?;
        let before = *place;
        let total = before.front.qty + before.back.qty;
        (place.traded, place.changed) = (0, event.time);
        if after == total {
            return None;
        }
        let grows = after > total;
        let (mut front, mut back) = (before.front.qty, before.back.qty);
        if grows && ours {
            back += after - total;
        } else if grows {
            (front, back) = (after, 0);
        } else {
            let mut left = total - after;
            let traded = before.traded.min(left).min(front);
            front -= traded;
            left -= traded;
            let behind = if ours { model.behind(front as f64, back as f64) } else { 1.0 };
            let from_back = ((left as f64 * behind).round() as u64).min(back);
            let from_front = (left - from_back).min(front);
            front -= from_front;
            back -= left - from_front;
        }
        let mut used = 0;
        let records = &mut self.records;
        let mut part = |part: Part, qty: u64| {
            let of = |kind| EventRecord {
                instrument: id,
                order_ref: part.order_ref,
                exchange_time: event.time.0,
                ..EventRecord::new(kind)
            };
            if qty == part.qty {
                return part;
            }
            if qty == 0 {
                records.push(of(Kind::Deleted));
                return Part::default();
            }
            if qty < part.qty {
                records.push(EventRecord { quantity: part.qty - qty, ..of(Kind::Canceled) });
                return Part { qty, ..part };
            }
            let order_ref = fresh + used;
            used += 1;
            let added = EventRecord { price: event.price().0, quantity: qty, ..of(Kind::Add) };
            records.push(if part.qty == 0 {
                EventRecord { order_ref, side: event.side() as u8, ..added }
            } else {
                EventRecord {
                    order_ref: part.order_ref,
                    second_ref: order_ref,
                    kind: Kind::Replaced as u8,
                    ..added
                }
            });
            Part { order_ref, qty }
        };
        // What goes goes first, so that the level is never more than it was or will be.
        let (front, back) = if grows && !ours {
            let back = part(before.back, back);
            (part(before.front, front), back)
        } else {
            (part(before.front, front), part(before.back, back))
        };
        self.next_ref += used;
        if let Some(place) = self.level(event) {
            (place.front, place.back) = (front, back);
        }
        Some(if grows { Kind::Add } else { Kind::Canceled })
    }

    /// An order of ours is about to join a level: what was behind an earlier one is in front of it.
    pub(crate) fn join(&mut self, store: &Store, place: u16, side: Side, price: u32) -> bool {
        self.records.clear();
        let Some(one) = store.instruments.get(usize::from(place)) else { return false };
        let Ok(at) = one.prices.binary_search(&price) else { return false };
        let order_ref = self.next_ref;
        let level = &mut self.levels[usize::from(place)][side.index()][at];
        if level.back.qty == 0 {
            return false;
        }
        let id = one.contract.instrument.0;
        let of = |kind, part: Part| EventRecord {
            instrument: id,
            order_ref: part.order_ref,
            ..EventRecord::new(kind)
        };
        let qty = level.front.qty + level.back.qty;
        self.records.push(of(Kind::Deleted, level.back));
        let added =
            EventRecord { price: i64::from(price), quantity: qty, ..of(Kind::Add, level.front) };
        self.records.push(if level.front.qty == 0 {
            EventRecord { order_ref, side: side as u8, ..added }
        } else {
            EventRecord { second_ref: order_ref, kind: Kind::Replaced as u8, ..added }
        });
        level.front = Part { order_ref, qty };
        level.back = Part::default();
        self.next_ref += 1;
        true
    }

    /// Everything of an instrument is forgotten; the book is told by somebody else.
    pub(crate) fn clear(&mut self, place: u16) {
        if let Some(sides) = self.levels.get_mut(usize::from(place)) {
            for side in sides {
                side.fill(Level::default());
            }
        }
    }
}
