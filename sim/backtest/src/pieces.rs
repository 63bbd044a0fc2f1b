//! A recording cut into pieces that can be replayed on their own: each begins with what rested
//! then.

use crate::event::{Event, EventKind, bit};
use crate::store::{Quality, Store};
use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::Arc;
use tercel_types::Nanos;

/// Pieces of `length`, each with `warm` in front of it; what does not fill a piece at the end is
/// left out. Every piece has all of the recording's prices, records and instruments.
pub fn pieces(store: &Store, warm: Nanos, length: Nanos) -> Vec<Arc<Store>> {
    let (first, last) = store.span();
    let mut made = Vec::new();
    let mut state = State::default();
    let mut at = 0;
    let mut begin = first;
    while length.0 > 0 && begin.0.saturating_add(warm.0).saturating_add(length.0) <= last.0 {
        let end = Nanos(begin.0 + warm.0 + length.0);
        // A message is not cut, nor an order from the one that takes its place.
        while let Some(event) = store.events.get(at)
            && (event.time < begin || at.checked_sub(1).is_some_and(|at| more(store, at)))
        {
            state.apply(event);
            at += 1;
        }
        let mut events = state.snapshot(begin);
        let rest = &store.events[at..];
        let count = rest.partition_point(|event| event.time < end);
        let heard = heard(store, at..at + count, events.len());
        events.extend_from_slice(&rest[..count]);
        if count > 0 {
            made.push(Arc::new(Store {
                events,
                heard,
                records: store.records.clone(),
                instruments: store.instruments.clone(),
                grain: store.grain,
                quality: Quality::default(),
            }));
        }
        begin = Nanos(begin.0 + length.0);
    }
    made
}

/// The order in which a part of the events was heard, behind so many that came first.
fn heard(store: &Store, part: Range<usize>, first: usize) -> Vec<u32> {
    let of = store.heard.iter().map(|at| *at as usize).filter(|at| part.contains(at));
    let moved = of.map(|at| (at - part.start + first) as u32); // fewer than before
    let mut heard: Vec<u32> = (0..first as u32).chain(moved).collect();
    if heard.is_sorted() {
        heard.clear();
    }
    heard
}

fn more(store: &Store, at: usize) -> bool {
    store.events[at].has(bit::MORE)
}

/// What rests, and what was said of states.
#[derive(Default)]
struct State {
    records: Vec<Event>,
    orders: BTreeMap<u32, Event>,
    levels: BTreeMap<(u16, bool, u32), Event>,
}

impl State {
    fn apply(&mut self, event: &Event) {
        match event.kind {
            EventKind::Record => self.records.push(*event),
            EventKind::Add => {
                self.orders.insert(event.stamp, *event);
            }
            EventKind::Reduce | EventKind::Execute => {
                if let Some(order) = self.orders.get_mut(&event.stamp) {
                    order.qty = order.qty.saturating_sub(event.qty);
                    if order.qty == 0 {
                        self.orders.remove(&event.stamp);
                    }
                }
            }
            EventKind::Level => {
                let key = (event.instrument, event.has(bit::SELL), event.level);
                if event.qty == 0 {
                    self.levels.remove(&key);
                } else {
                    self.levels.insert(key, *event);
                }
            }
            EventKind::Clear => {
                self.orders.retain(|_, order| order.instrument != event.instrument);
                self.levels.retain(|key, _| key.0 != event.instrument);
            }
            EventKind::Trade => {}
        }
    }

    /// The state as events of one instant.
    fn snapshot(&self, time: Nanos) -> Vec<Event> {
        let resting = self.orders.values().chain(self.levels.values()).map(|event| {
            let bits = event.bits & bit::SELL;
            Event { time, delay: 0, bits: bits | bit::MORE, ..*event }
        });
        let records = self.records.iter().map(|event| Event { time, delay: 0, ..*event });
        let mut events: Vec<Event> = records.chain(resting).collect();
        if let Some(last) = events.last_mut() {
            last.bits &= !bit::MORE;
        }
        events
    }
}
