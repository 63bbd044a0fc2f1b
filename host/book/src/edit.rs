//! Records that add, change, execute and remove orders, and trades.

use crate::ladder::index;
use crate::order::{Held, Vacancy};
use crate::{Books, Change, Effect, Trade, TradeKind};
use core::hint::select_unpredictable;
use tercel_abi::{EventRecord, Kind, flag};
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

/// The best level of a side, as far as a change of it is told.
#[derive(PartialEq, Eq, Default)]
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
    #[inline(always)]
    fn place(&mut self, id: InstrumentId, order: &Newcomer) -> Result<Effect, Refusal> {
        let Newcomer { order_ref, side, price, qty } = *order;
        let vacancy = self.orders.vacancy(order_ref);
        let slot = match vacancy {
            Vacancy::Direct(slot) => slot,
            Vacancy::Sparse(slot) => {
                self.counters.sparse_orders += 1;
                slot
            }
            Vacancy::Duplicate => return Err(Refusal::Duplicate),
            Vacancy::Full => return Err(Refusal::Orders),
        };
        let at = index(id, side.index());
        let moves = &mut self.counters.recentres;
        let level = self.ladders.find_or_insert(at, price, &mut self.levels, moves);
        if level == 0 {
            self.orders.decline(vacancy);
            return Err(Refusal::Levels);
        }
        let node = &mut self.levels.nodes[level as usize];
        let last = node.tail;
        node.tail = slot;
        node.head = select_unpredictable(last == 0, slot, node.head);
        node.qty += u64::from(qty);
        node.orders += 1;
        let side_index = side.index();
        self.orders
            .put(order_ref, Held { slot, level, side: side_index, qty, prev: last, next: 0 });
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

    /// A record that takes shares off an order: it is executed, canceled, deleted or replaced.
    ///
    /// One path for all of them, because which of them comes next cannot be guessed, and a wrong
    /// guess costs more than what they differ in.
    #[inline(always)]
    pub(crate) fn reduce(&mut self, record: &EventRecord) -> Change {
        let Some(order) = self.orders.hold(record.order_ref) else {
            return self.unknown_order(record);
        };
        let Held { slot, level, side, qty, prev, next } = order;
        let side = if side == 0 { Side::Buy } else { Side::Sell };
        let node = &self.levels.nodes[level as usize];
        let (id, price) = (node.id(), node.price);
        if record.instrument != id.0 || record.side != 0 && record.side != side as u8 {
            self.mismatch(record, id, side);
        }
        let whole = (record.kind == Kind::Deleted as u8) | (record.kind == Kind::Replaced as u8);
        let asked = select_unpredictable(whole, u64::MAX, record.quantity);
        if asked == 0 {
            return self.zero_quantity(record);
        }
        let taken = u64::from(qty).min(asked) as u32;
        let gone = taken == qty;

        let at = index(id, side.index());
        let was_best = self.ladders.sides[at].best;
        let node = &mut self.levels.nodes[level as usize];
        let before = Best { price, qty: node.qty };
        node.qty -= u64::from(taken);
        node.orders -= u32::from(gone);
        if node.watch != 0 {
            let order = &self.orders.slots[slot as usize];
            self.watches.reduce(node, slot, order, taken, gone);
        }
        if gone {
            node.head = select_unpredictable(prev == 0, next, node.head);
            node.tail = select_unpredictable(next == 0, prev, node.tail);
            let empty = node.orders == 0;
            self.orders.remove(slot, prev, next);
            if empty {
                self.ladders.remove(at, level, &self.levels);
                self.levels.remove(level);
            }
        } else {
            self.orders.slots[slot as usize].qty = qty - taken;
        }
        // A level that was the best before has changed.
        let was_top = was_best == level;
        let change = Change::of(id, Effect::Book { side, top: was_top });
        const CANCELED: u8 = Kind::Canceled as u8;
        const DELETED: u8 = Kind::Deleted as u8;
        const REPLACED: u8 = Kind::Replaced as u8;
        const EXECUTED: u8 = Kind::Executed as u8;
        match record.kind {
            DELETED => change,
            CANCELED => {
                self.counters.over_cancels += u64::from(u64::from(taken) < record.quantity);
                change
            }
            REPLACED => {
                // Another best level is as it was until the replacement comes.
                let before = if was_top { before } else { self.best(was_best) };
                self.replace(record, id, side, before)
            }
            EXECUTED => self.executed(record, change, side, Price(i64::from(price)), taken, true),
            _ => {
                let printable = record.has(flag::PRINTABLE);
                self.executed(record, change, side, record.price(), taken, printable)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn unknown_order(&mut self, record: &EventRecord) -> Change {
        self.counters.unknown_orders += 1;
        let id = record.instrument();
        // What replaces it is on the venue's book and not on ours.
        if record.kind == Kind::Replaced as u8 { self.lack(id) } else { Change::none(id) }
    }

    /// A record says other than the order that it names; the order is believed.
    #[cold]
    #[inline(never)]
    fn mismatch(&mut self, record: &EventRecord, id: InstrumentId, side: Side) {
        let other_side = record.side != 0 && record.side != side as u8;
        self.counters.instrument_mismatches += u64::from(record.instrument != id.0);
        self.counters.side_mismatches += u64::from(other_side);
    }

    #[cold]
    #[inline(never)]
    fn zero_quantity(&mut self, record: &EventRecord) -> Change {
        self.counters.zero_quantities += 1;
        Change::none(record.instrument())
    }

    /// The trade of an execution that has taken `taken` shares off an order of `side`.
    #[inline]
    fn executed(
        &mut self,
        record: &EventRecord,
        change: Change,
        side: Side,
        price: Price,
        taken: u32,
        printable: bool,
    ) -> Change {
        let qty = u64::from(taken);
        self.counters.over_executions += u64::from(qty < record.quantity);
        self.print(change.instrument, price, qty, printable);
        let trade = Trade {
            price,
            qty,
            aggressor: Some(side.opposite()),
            order_ref: OrderRef(record.order_ref),
            kind: TradeKind::Displayed,
            printable,
        };
        Change { trade: wire_price(price.0).map(|_| trade), ..change }
    }

    /// Puts the replacement in, the order itself being gone whether or not that succeeds.
    #[inline]
    fn replace(
        &mut self,
        record: &EventRecord,
        id: InstrumentId,
        side: Side,
        before: Best,
    ) -> Change {
        // The order's own instrument is within the limits, whatever the record says.
        let record = EventRecord { instrument: id.0, ..*record };
        let placed = self
            .newcomer(&record, Some(side), record.second_ref)
            .and_then(|newcomer| self.place(id, &newcomer));
        if let Err(refusal) = placed {
            self.refuse(id, refusal);
        }
        let best = self.ladders.sides[index(id, side.index())].best;
        let top = self.best(best) != before;
        Change::of(id, Effect::Book { side, top })
    }

    #[inline]
    fn best(&self, level: u32) -> Best {
        let node = &self.levels.nodes[level as usize];
        Best { price: node.price, qty: node.qty }
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
