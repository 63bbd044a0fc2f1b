//! Shadow books: what a strategy would have done in the market that the host sees.
//!
//! A strategy's wanted quotes become orders that are never sent. Each takes effect after a fixed
//! latency, stands in the queue where [`QueueModel`] puts it, and fills
//!
//! - by a trade with a displayed order of its side at its price, once what is ahead is used up;
//! - by any share that trades with a displayed order at a worse price of its side;
//! - by an order of the other side that comes to rest at its price or beyond.
//!
//! Trades against hidden orders and auctions fill nothing. Positions are valued at the mid, fees
//! are by the share. All books of one host are fed the same events and asked at the same moments,
//! so that the difference of two of them is a paired observation; the strategy that trades has a
//! shadow book as well, because its real fills differ from every model's.
//!
//! An event costs a book nothing but the two tests of its orders and one multiplication for the
//! mark; where an order rests on the side that changed, what the queue model says.

mod order;
mod queue;

pub use queue::{QueueModel, QueuePlace, Spot};

use crate::quoter::Quoter;
use order::ShadowOrder;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect, Trade, TradeKind};
use tercel_types::{InstrumentId, Intent, Intents, Nanos, Own, Price, Qty, Side, WorkingState};

/// How shadow orders fare, for all books of a host alike.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ShadowRules {
    /// How places in queues are followed.
    pub queue: QueueModel,
    /// From a decision until it takes effect at the venue, nanoseconds.
    pub latency: Nanos,
    /// Fee of a share that traded, 1/1,000,000 dollar; below zero it is a rebate.
    pub fee_e6: i64,
}

/// What a shadow book has seen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ShadowCounters {
    /// Orders entered.
    pub enters: u64,
    /// Orders replaced.
    pub replaces: u64,
    /// Cancels.
    pub cancels: u64,
    /// Orders that took effect on the other side's quote, which post-only refuses.
    pub refused: u64,
    /// Fills.
    pub fills: u64,
    /// Shares filled.
    pub shares: u64,
}

/// One event as the books have applied it.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The record.
    pub record: &'a EventRecord,
    /// What it changed.
    pub change: &'a Change,
    /// The account's own orders in its instrument.
    pub real: &'a Own,
}

/// The orders, positions and profit of one strategy in shadow.
#[derive(Clone, Debug)]
pub struct ShadowBook {
    slots: Vec<ShadowSlot>,
    /// Twice the cash and the positions at the mid, units of 1/10,000 dollar: whole numbers.
    equity_x2: i64,
    /// Fees paid, 1/1,000,000 dollar.
    fees_e6: i64,
    counters: ShadowCounters,
}

/// One instrument of a shadow book.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ShadowSlot {
    pub(crate) quoter: Quoter,
    orders: [Option<ShadowOrder>; 2],
    position: i64,
    /// Twice the mid at the last mark, zero before the first.
    mid_x2: i64,
}

impl ShadowBook {
    /// A book with room for `slots` instruments; it allocates nothing after this.
    pub fn new(slots: usize) -> ShadowBook {
        ShadowBook {
            slots: vec![ShadowSlot::default(); slots],
            equity_x2: 0,
            fees_e6: 0,
            counters: ShadowCounters::default(),
        }
    }

    /// What it has seen.
    pub fn counters(&self) -> &ShadowCounters {
        &self.counters
    }

    /// Profit at the last marks, after fees, dollars.
    pub fn profit(&self) -> f64 {
        self.equity_x2 as f64 / 20_000.0 - self.fees_e6 as f64 / 1e6
    }

    /// Orders and position in one slot.
    pub fn own(&self, slot: usize) -> Own {
        let Some(slot) = self.slots.get(slot) else { return Own::default() };
        let order = |side: Side| slot.orders[side.index()].as_ref().map(ShadowOrder::working);
        Own { position: slot.position, bid: order(Side::Buy), ask: order(Side::Sell) }
    }

    /// Shares ahead of the bid and the ask of one slot, where they rest.
    pub fn ahead(&self, slot: usize) -> [Option<u64>; 2] {
        let Some(slot) = self.slots.get(slot) else { return [None; 2] };
        slot.orders.map(|order| order.and_then(|order| order.ahead()))
    }

    pub(crate) fn slot_mut(&mut self, slot: usize) -> Option<&mut ShadowSlot> {
        self.slots.get_mut(slot)
    }

    /// Takes in one event of the instrument in `at`.
    #[inline]
    pub fn on_event(
        &mut self,
        at: usize,
        rules: &ShadowRules,
        event: &Event<'_>,
        books: &Books,
        now: Nanos,
    ) {
        let Effect::Book { side: changed, .. } = event.change.effect else { return };
        let id = event.change.instrument;
        for side in [Side::Buy, Side::Sell] {
            let Some(slot) = self.slots.get_mut(at) else { return };
            let Some(order) = slot.step(side, now) else { continue };
            let filled = if side == changed {
                order.follow(rules.queue, &Spot { id, side, price: order.price }, event, books)
            } else {
                order.met(event)
            };
            if filled > 0 {
                self.fill(at, side, filled, rules);
            }
        }
        self.arrive(at, id, event.real, books, now);
        self.mark(at, id, books);
    }

    /// Orders whose latency is over take effect.
    pub fn arrive(&mut self, at: usize, id: InstrumentId, real: &Own, books: &Books, now: Nanos) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        for side in [Side::Buy, Side::Sell] {
            let Some(order) = slot.step(side, now).filter(|order| order.is_due(now)) else {
                continue;
            };
            let opposite = *books.top(id).side(side.opposite());
            let takes =
                !opposite.is_empty() && !side.opposite().better(order.price, opposite.price);
            if takes {
                self.counters.refused += 1;
                slot.orders[side.index()] = None;
            } else {
                let spot = Spot { id, side, price: order.price };
                order.rest(QueuePlace::join(&spot, books, real));
            }
        }
    }

    /// Values the position at the mid, where there is one.
    #[inline]
    fn mark(&mut self, at: usize, id: InstrumentId, books: &Books) {
        let top = books.top(id);
        if !top.is_two_sided() || books.is_stale() {
            return;
        }
        let (Some(slot), Some(mid_x2)) = (self.slots.get_mut(at), top.mid_x2()) else { return };
        let moved = slot.position.wrapping_mul(mid_x2.wrapping_sub(slot.mid_x2));
        self.equity_x2 = self.equity_x2.wrapping_add(moved);
        slot.mid_x2 = mid_x2;
    }

    /// Does what the strategy wants; it takes effect when the latency is over.
    pub fn obey(&mut self, at: usize, intents: &Intents, rules: &ShadowRules, now: Nanos) {
        let due = now + rules.latency;
        for intent in intents.iter() {
            let Some(slot) = self.slots.get_mut(at) else { return };
            match *intent {
                Intent::Enter(order) => {
                    self.counters.enters += 1;
                    let fresh = ShadowOrder::new(order.side, order.price, order.qty, now, due);
                    slot.orders[order.side.index()] = Some(fresh);
                }
                Intent::Replace { original, price, qty } => {
                    self.counters.replaces += 1;
                    if let Some(order) = find(slot, original.0) {
                        order.replace(price, qty, due);
                    }
                }
                Intent::Cancel { original } => {
                    self.counters.cancels += 1;
                    if let Some(order) = find(slot, original.0) {
                        order.cancel(due);
                    }
                }
            }
        }
    }

    /// Forgets everything.
    pub(crate) fn restart(&mut self) {
        self.slots.fill(ShadowSlot::default());
        (self.equity_x2, self.fees_e6) = (0, 0);
        self.counters = ShadowCounters::default();
    }

    /// The feed was interrupted: what happened to the orders is not known, and all are taken out.
    pub fn interrupt(&mut self) {
        for slot in &mut self.slots {
            slot.orders = [None; 2];
        }
    }

    fn fill(&mut self, at: usize, side: Side, shares: u32, rules: &ShadowRules) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let Some(order) = &mut slot.orders[side.index()] else { return };
        let price = order.price;
        order.fill(shares);
        if order.is_filled() {
            slot.orders[side.index()] = None;
        }
        let signed = side.sign() * i64::from(shares);
        let paid_x2 = price.0.wrapping_mul(2);
        // Before the first mid it is worth what it cost; the first mark then tells.
        if slot.mid_x2 == 0 {
            slot.mid_x2 = paid_x2;
        }
        let gained = signed.wrapping_mul(slot.mid_x2.wrapping_sub(paid_x2));
        self.equity_x2 = self.equity_x2.wrapping_add(gained);
        slot.position = slot.position.saturating_add(signed);
        self.fees_e6 = self.fees_e6.wrapping_add(rules.fee_e6.wrapping_mul(i64::from(shares)));
        self.counters.fills += 1;
        self.counters.shares += u64::from(shares);
    }
}

impl ShadowSlot {
    /// The order of a side after what was under way has left its place; `None` if that was all.
    #[inline]
    fn step(&mut self, side: Side, now: Nanos) -> Option<&mut ShadowOrder> {
        let place = &mut self.orders[side.index()];
        if place.as_ref()?.is_over(now) {
            *place = None;
        }
        let order = place.as_mut()?;
        order.leave(now);
        Some(order)
    }
}

/// The order with our number.
fn find(slot: &mut ShadowSlot, number: u32) -> Option<&mut ShadowOrder> {
    slot.orders.iter_mut().flatten().find(|order| order.number().0 == number)
}

/// The trade of an event with a displayed order of `side`.
fn displayed(change: &Change, side: Side) -> Option<&Trade> {
    let trade = change.trade.as_ref()?;
    let with = trade.kind == TradeKind::Displayed && trade.aggressor == Some(side.opposite());
    with.then_some(trade)
}
