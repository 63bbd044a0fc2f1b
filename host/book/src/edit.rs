//! Records that add, change, execute and remove orders, and trades.

use crate::ladder::index;
use crate::level::LevelNode;
use crate::order::Stored;
use crate::{Books, Change, Effect, Trade, TradeKind};
use tercel_abi::{EventRecord, flag};
use tercel_types::{InstrumentId, OrderRef, Price, Side};

/// Why an order is not taken in.
#[derive(Clone, Copy)]
enum Refusal {
    Instrument,
    Side,
    ZeroQuantity,
    Quantity,
    Price,
    Duplicate,
    Orders,
    Levels,
}

/// An order that its record describes in full.
struct Newcomer {
    order_ref: u64,
    side: Side,
    price: u32,
    qty: u32,
}

/// An order on the book that a record names.
struct Found {
    slot: u32,
    level: u32,
    id: InstrumentId,
    side: Side,
    price: Price,
}

/// The best level of a side, as far as a change of it is told.
#[derive(PartialEq, Eq)]
struct Best {
    price: u32,
    qty: u64,
}

/// A price that the wire can carry; none is zero.
pub(crate) fn wire_price(price: i64) -> Option<u32> {
    u32::try_from(price).ok().filter(|price| *price != 0)
}

impl Books {
    #[inline]
    pub(crate) fn add(&mut self, record: &EventRecord) -> Change {
        let id = record.instrument();
        let added = self
            .newcomer(record, record.side(), record.order_ref)
            .and_then(|newcomer| self.place(id, &newcomer));
        match added {
            Ok(effect) => Change::of(id, effect),
            Err(refusal) => self.refuse(id, refusal),
        }
    }

    /// Reads an order off its record.
    #[inline]
    fn newcomer(
        &self,
        record: &EventRecord,
        side: Option<Side>,
        order_ref: u64,
    ) -> Result<Newcomer, Refusal> {
        if record.instrument as usize >= self.instruments.len() {
            return Err(Refusal::Instrument);
        }
        let side = side.ok_or(Refusal::Side)?;
        if record.quantity == 0 {
            return Err(Refusal::ZeroQuantity);
        }
        let qty = u32::try_from(record.quantity).map_err(|_| Refusal::Quantity)?;
        let price = wire_price(record.price).ok_or(Refusal::Price)?;
        Ok(Newcomer { order_ref, side, price, qty })
    }

    /// Puts an order at the end of its level.
    #[inline]
    fn place(&mut self, id: InstrumentId, order: &Newcomer) -> Result<Effect, Refusal> {
        let Newcomer { order_ref, side, price, qty } = *order;
        if self.orders.find(order_ref) != 0 {
            return Err(Refusal::Duplicate);
        }
        let slot = match self.orders.insert(order_ref, qty) {
            Stored::Direct(slot) => slot,
            Stored::Sparse(slot) => {
                self.counters.sparse_orders += 1;
                slot
            }
            Stored::Full => return Err(Refusal::Orders),
        };
        let at = index(id, side.index());
        let moves = &mut self.counters.recentres;
        let level = self.ladders.find_or_insert(at, price, &mut self.levels, moves);
        if level == 0 {
            self.orders.remove(slot);
            return Err(Refusal::Levels);
        }
        let node = &mut self.levels.nodes[level as usize];
        let last = node.tail;
        node.tail = slot;
        if last == 0 {
            node.head = slot;
        } else {
            self.orders.slots[last as usize].next = slot;
        }
        node.qty += u64::from(qty);
        node.orders += 1;
        self.orders.join(slot, level, last);
        if self.watches.awaits() {
            self.welcome(order_ref, slot);
        }
        Ok(Effect::Book { side, top: self.ladders.sides[at].best == level })
    }

    /// Counts an order that is not taken in. Where the book lacks it from now on, its instrument is
    /// incomplete.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, id: InstrumentId, refusal: Refusal) -> Change {
        let counters = &mut self.counters;
        let (counter, lacks) = match refusal {
            Refusal::Instrument => (&mut counters.instruments_refused, false),
            Refusal::Side => (&mut counters.bad_sides, true),
            Refusal::ZeroQuantity => (&mut counters.zero_quantities, false),
            Refusal::Quantity => (&mut counters.bad_quantities, true),
            Refusal::Price => (&mut counters.bad_prices, true),
            Refusal::Duplicate => (&mut counters.duplicate_orders, false),
            Refusal::Orders => (&mut counters.orders_refused, true),
            Refusal::Levels => (&mut counters.levels_refused, true),
        };
        *counter += 1;
        if lacks { self.lack(id) } else { Change::none(id) }
    }

    /// An order that the venue shows is not on our book.
    fn lack(&mut self, id: InstrumentId) -> Change {
        let Some(instrument) = self.instruments.get_mut(id.index()) else {
            return Change::none(id);
        };
        let news = !instrument.incomplete;
        instrument.seen = true;
        instrument.incomplete = true;
        Change::of(id, if news { Effect::State } else { Effect::None })
    }

    /// Begins to load both sides of an instrument, which will be looked at once the order and then
    /// its level have come: -10 to -20 % in `examples/measure_books.rs` with prefault.
    #[inline]
    fn touch_sides(&self, id: InstrumentId) {
        let at = index(id, 0);
        for ladder in self.ladders.sides.get(at..at + 2).unwrap_or_default() {
            core::hint::black_box(ladder.best);
        }
    }

    /// The order that a record names, with what it says besides compared to what the book has.
    #[inline]
    fn named(&mut self, record: &EventRecord) -> Option<Found> {
        self.touch_sides(record.instrument());
        let slot = self.orders.find(record.order_ref);
        if slot == 0 {
            return None;
        }
        let level = self.orders.slots[slot as usize].level();
        let node = &self.levels.nodes[level as usize];
        let (id, side) = (node.id(), node.side());
        self.counters.instrument_mismatches += u64::from(record.instrument != id.0);
        let other_side = record.side != 0 && record.side != side as u8;
        self.counters.side_mismatches += u64::from(other_side);
        Some(Found { slot, level, id, side, price: node.price() })
    }

    #[cold]
    #[inline(never)]
    fn unknown_order(&mut self, record: &EventRecord) -> Change {
        self.counters.unknown_orders += 1;
        Change::none(record.instrument())
    }

    #[cold]
    #[inline(never)]
    fn zero_quantity(&mut self, record: &EventRecord) -> Change {
        self.counters.zero_quantities += 1;
        Change::none(record.instrument())
    }

    /// Takes shares off an order, and the order off the book if none are left. Returns how many it
    /// had, or `qty`.
    #[inline]
    fn reduce(&mut self, found: &Found, qty: u64) -> u32 {
        let order = &mut self.orders.slots[found.slot as usize];
        if qty >= u64::from(order.qty) {
            let qty = order.qty;
            self.remove(found);
            return qty;
        }
        let qty = qty as u32;
        order.qty -= qty;
        let node = &mut self.levels.nodes[found.level as usize];
        node.qty -= u64::from(qty);
        if node.watch != 0 {
            self.watches.reduce(node, found.slot, order, qty, false);
        }
        qty
    }

    /// Takes an order off the book, and its level if no other order is there.
    #[inline]
    fn remove(&mut self, found: &Found) {
        let order = self.orders.slots[found.slot as usize];
        let node = &mut self.levels.nodes[found.level as usize];
        node.qty -= u64::from(order.qty);
        node.orders -= 1;
        if node.watch != 0 {
            self.watches.reduce(node, found.slot, &order, order.qty, true);
        }
        if node.orders == 0 {
            let at = index(found.id, found.side.index());
            self.ladders.remove(at, found.level, &self.levels);
            self.levels.remove(found.level);
        } else {
            Self::unlink(&mut self.orders.slots, node, order.prev, order.next);
        }
        self.orders.remove(found.slot);
    }

    #[inline]
    fn unlink(slots: &mut [crate::order::Order], node: &mut LevelNode, prev: u32, next: u32) {
        if prev == 0 {
            node.head = next;
        } else {
            slots[prev as usize].next = next;
        }
        if next == 0 {
            node.tail = prev;
        } else {
            slots[next as usize].prev = prev;
        }
    }

    /// The change of a book where shares were taken off `found`. A level that was the best before
    /// has changed.
    #[inline]
    fn reduced(&self, found: &Found, was_best: u32) -> Change {
        Change::of(found.id, Effect::Book { side: found.side, top: was_best == found.level })
    }

    #[inline]
    fn best_of(&self, found: &Found) -> u32 {
        self.ladders.sides[index(found.id, found.side.index())].best
    }

    #[inline]
    pub(crate) fn execute(&mut self, record: &EventRecord) -> Change {
        let Some(found) = self.named(record) else { return self.unknown_order(record) };
        if record.quantity == 0 {
            return self.zero_quantity(record);
        }
        let price = found.price;
        self.fill(record, &found, price, true)
    }

    #[inline]
    pub(crate) fn execute_at_price(&mut self, record: &EventRecord) -> Change {
        let Some(found) = self.named(record) else { return self.unknown_order(record) };
        if record.quantity == 0 {
            return self.zero_quantity(record);
        }
        let mut change = self.fill(record, &found, record.price(), record.has(flag::PRINTABLE));
        if wire_price(record.price).is_none() {
            change.trade = None;
        }
        change
    }

    #[inline]
    fn fill(&mut self, record: &EventRecord, found: &Found, price: Price, printed: bool) -> Change {
        let was_best = self.best_of(found);
        let qty = self.reduce(found, record.quantity);
        self.counters.over_executions += u64::from(u64::from(qty) < record.quantity);
        self.print(found.id, price, u64::from(qty), printed);
        let trade = Trade {
            price,
            qty: u64::from(qty),
            aggressor: Some(found.side.opposite()),
            order_ref: OrderRef(record.order_ref),
            kind: TradeKind::Displayed,
            printable: printed,
        };
        Change { trade: Some(trade), ..self.reduced(found, was_best) }
    }

    /// Takes note of a trade that counts for the tape.
    #[inline]
    fn print(&mut self, id: InstrumentId, price: Price, qty: u64, printed: bool) {
        if wire_price(price.0).is_none() {
            self.counters.bad_prices += 1;
        } else if printed {
            let instrument = &mut self.instruments[id.index()];
            instrument.seen = true;
            instrument.last_trade = price;
            instrument.volume = instrument.volume.saturating_add(qty);
        }
    }

    #[inline]
    pub(crate) fn cancel(&mut self, record: &EventRecord) -> Change {
        let Some(found) = self.named(record) else { return self.unknown_order(record) };
        if record.quantity == 0 {
            return self.zero_quantity(record);
        }
        let was_best = self.best_of(&found);
        let qty = self.reduce(&found, record.quantity);
        self.counters.over_cancels += u64::from(u64::from(qty) < record.quantity);
        self.reduced(&found, was_best)
    }

    #[inline]
    pub(crate) fn delete(&mut self, record: &EventRecord) -> Change {
        let Some(found) = self.named(record) else { return self.unknown_order(record) };
        let was_best = self.best_of(&found);
        self.remove(&found);
        self.reduced(&found, was_best)
    }

    /// The order goes whether or not the one that comes can be taken in.
    #[inline]
    pub(crate) fn replace(&mut self, record: &EventRecord) -> Change {
        let Some(found) = self.named(record) else { return self.unknown_replaced(record) };
        let (id, side) = (found.id, found.side);
        let at = index(id, side.index());
        let before = self.best(at);
        self.remove(&found);
        // The order's own instrument is within the limits, whatever the record says.
        let record = EventRecord { instrument: id.0, ..*record };
        let placed = self
            .newcomer(&record, Some(side), record.second_ref)
            .and_then(|newcomer| self.place(id, &newcomer));
        if let Err(refusal) = placed {
            self.refuse(id, refusal);
        }
        Change::of(id, Effect::Book { side, top: self.best(at) != before })
    }

    #[cold]
    #[inline(never)]
    fn unknown_replaced(&mut self, record: &EventRecord) -> Change {
        self.counters.unknown_orders += 1;
        self.lack(record.instrument())
    }

    #[inline]
    fn best(&self, at: usize) -> Best {
        let node = &self.levels.nodes[self.ladders.sides[at].best as usize];
        Best { price: node.price, qty: node.qty }
    }

    /// A trade against an order that was not displayed.
    pub(crate) fn trade(&mut self, record: &EventRecord) -> Change {
        if record.quantity == 0 {
            return self.zero_quantity(record);
        }
        self.off_book(record, TradeKind::Hidden, OrderRef(record.order_ref))
    }

    /// A cross of no shares says that there was none.
    pub(crate) fn cross(&mut self, record: &EventRecord) -> Change {
        if record.quantity == 0 {
            return Change::none(record.instrument());
        }
        self.off_book(record, TradeKind::Cross, OrderRef(0))
    }

    fn off_book(&mut self, record: &EventRecord, kind: TradeKind, order_ref: OrderRef) -> Change {
        let (id, price, qty) = (record.instrument(), record.price(), record.quantity);
        let Some(instrument) = self.instruments.get_mut(id.index()) else {
            return self.refuse(id, Refusal::Instrument);
        };
        instrument.seen = true;
        self.print(id, price, qty, true);
        let good = wire_price(price.0).is_some();
        let trade = Trade { price, qty, aggressor: None, order_ref, kind, printable: true };
        Change { trade: good.then_some(trade), ..Change::none(id) }
    }

    /// The shares were executed and stay off the book; only the trade's print is void.
    pub(crate) fn broken(&mut self, record: &EventRecord) -> Change {
        self.counters.trades_broken += 1;
        Change::none(record.instrument())
    }
}
