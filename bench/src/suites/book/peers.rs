//! The book as it is usually written: orders in a hash map by reference, levels of a side in a
//! B-tree by price. It keeps shares and orders of each level and no queue, which is less than the
//! books here keep.

use super::through;
use crate::day::MarketDay;
use crate::{Context, Report};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::hint::black_box;
use tercel_abi::{EventRecord, Kind};

#[derive(Clone, Copy)]
struct Order {
    instrument: u16,
    side: u8,
    price: i64,
    quantity: u64,
}

#[derive(Clone, Copy, Default)]
struct Level {
    quantity: u64,
    orders: u32,
}

type Sides = [BTreeMap<i64, Level>; 2];

/// Books of every instrument.
struct HashBooks<S> {
    orders: HashMap<u64, Order, S>,
    sides: Vec<Sides>,
}

impl<S: BuildHasher + Default> HashBooks<S> {
    fn new(orders: usize, instruments: usize) -> HashBooks<S> {
        let orders = HashMap::with_capacity_and_hasher(orders, S::default());
        HashBooks { orders, sides: (0..instruments).map(|_| Sides::default()).collect() }
    }

    fn apply(&mut self, record: &EventRecord) {
        match record.kind() {
            Some(Kind::Add | Kind::AddAttributed) => {
                let EventRecord { instrument, side, price, quantity, .. } = *record;
                self.add(record.order_ref, Order { instrument, side, price, quantity });
            }
            Some(Kind::Executed | Kind::ExecutedPrice | Kind::Canceled) => {
                self.reduce(record.order_ref, record.quantity);
            }
            Some(Kind::Deleted) => {
                self.remove(record.order_ref);
            }
            Some(Kind::Replaced) => {
                if let Some(order) = self.remove(record.order_ref) {
                    let EventRecord { price, quantity, .. } = *record;
                    self.add(record.second_ref, Order { price, quantity, ..order });
                }
            }
            _ => {}
        }
    }

    fn levels(&mut self, order: &Order) -> &mut BTreeMap<i64, Level> {
        &mut self.sides[usize::from(order.instrument)][usize::from(order.side == b'S')]
    }

    fn add(&mut self, order_ref: u64, order: Order) {
        let level = self.levels(&order).entry(order.price).or_default();
        level.quantity += order.quantity;
        level.orders += 1;
        self.orders.insert(order_ref, order);
    }

    fn reduce(&mut self, order_ref: u64, quantity: u64) {
        let Some(order) = self.orders.get_mut(&order_ref) else { return };
        if quantity >= order.quantity {
            self.remove(order_ref);
            return;
        }
        order.quantity -= quantity;
        let order = *order;
        if let Some(level) = self.levels(&order).get_mut(&order.price) {
            level.quantity -= quantity;
        }
    }

    fn remove(&mut self, order_ref: u64) -> Option<Order> {
        let order = self.orders.remove(&order_ref)?;
        let levels = self.levels(&order);
        let level = levels.get_mut(&order.price)?;
        level.quantity -= order.quantity;
        level.orders -= 1;
        if level.orders == 0 {
            levels.remove(&order.price);
        }
        Some(order)
    }

    /// The best bid and ask: what a book is for.
    fn touch(&self, instrument: u16) -> [Option<i64>; 2] {
        let [bids, asks] = &self.sides[usize::from(instrument)];
        let price = |entry: Option<(&i64, &Level)>| entry.map(|(price, _)| *price);
        [price(bids.last_key_value()), price(asks.first_key_value())]
    }
}

/// Measures each of them over the whole day, decoder included.
pub(super) fn measure(context: &Context, day: &MarketDay, report: &mut Report) {
    one::<std::hash::RandomState>(context, day, report, "std_hash_btree");
    #[cfg(feature = "peers")]
    one::<rustc_hash::FxBuildHasher>(context, day, report, "fx_hash_btree");
    #[cfg(not(feature = "peers"))]
    report.note("book: built without peers");
}

fn one<S: BuildHasher + Default>(
    context: &Context,
    day: &MarketDay,
    report: &mut Report,
    name: &str,
) {
    context.progress.start(name, 0);
    let orders = day.resting_max.map_or(1 << 21, |most| most as usize);
    let mut books = HashBooks::<S>::new(orders, usize::from(day.locate_max) + 1);
    let samples = through(&day.frames, |records| {
        records.iter().for_each(|record| books.apply(record));
    });
    black_box(books.touch(1));
    let name = format!("book/peer/{name}");
    report.latency(&name, &samples);
    report.ratio(&format!("{name}_to_ours"), &name, "book/decode_and_apply");
}

#[cfg(test)]
mod tests {
    use super::super::super::prepare::records;
    use super::*;
    use crate::day::tests::context;
    use crate::rig::book_limits;
    use tercel_book::Books;
    use tercel_types::{InstrumentId, Side};

    #[test]
    fn the_peer_has_the_same_touch_as_the_books() {
        let context = context(40, 60_000);
        let day = MarketDay::of(&context).unwrap();
        let mut ours = Books::new(&book_limits(&day)).unwrap();
        let mut peer = HashBooks::<std::hash::RandomState>::new(1 << 12, 41);
        for (at, record) in records(&day.frames, 0..day.frames.len()).iter().enumerate() {
            ours.apply(record);
            peer.apply(record);
            if at % 97 == 0 {
                for id in 1..=40 {
                    let top = ours.top(InstrumentId(id));
                    let price =
                        |side| Some(top.side(side)).filter(|l| !l.is_empty()).map(|l| l.price.0);
                    assert_eq!(peer.touch(id), [price(Side::Buy), price(Side::Sell)], "{at} {id}");
                }
            }
        }
    }
}
