//! What can be read from the books.

use crate::ladder::index;
use crate::{BookCounters, Books, Instrument, Market, MemoryReport, Usage};
use tercel_types::{
    InstrumentId, Level, MarketView, OrderRef, Price, Qty, Side, Symbol, Top, TradingState,
};

/// One resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderView {
    /// The venue's number of it.
    pub order_ref: OrderRef,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// Shares left.
    pub qty: Qty,
}

/// What stands before an order at its price.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct QueuePosition {
    /// Shares ahead of it.
    pub shares_ahead: u64,
    /// Orders ahead of it.
    pub orders_ahead: u32,
}

impl Books {
    /// Best bid and best ask; empty for an instrument without orders or beyond the limits.
    #[inline]
    pub fn top(&self, id: InstrumentId) -> Top {
        Top { bid: self.best_level(id, Side::Buy), ask: self.best_level(id, Side::Sell) }
    }

    #[inline]
    fn best_level(&self, id: InstrumentId, side: Side) -> Level {
        self.levels.nodes[self.best_node(id, side) as usize].view()
    }

    /// Index of the best level of a side, zero if there is none.
    #[inline]
    fn best_node(&self, id: InstrumentId, side: Side) -> u32 {
        self.ladders.sides.get(index(id, side.index())).map_or(0, |ladder| ladder.best)
    }

    /// What risk and strategies need to know of an instrument at every decision. An operational
    /// halt shows as the state of a halt; an instrument beyond the limits is stale.
    #[inline]
    pub fn market_view(&self, id: InstrumentId) -> MarketView {
        let Some(instrument) = self.instruments.get(id.index()) else {
            return MarketView { stale: true, ..MarketView::default() };
        };
        let halted = instrument.operational_halt;
        MarketView {
            top: self.top(id),
            last_trade: instrument.last_trade,
            state: if halted { TradingState::Halted } else { instrument.state },
            bands: instrument.bands,
            short_restricted: instrument.short_restricted,
            stale: self.is_stale() || instrument.incomplete,
        }
    }

    /// Every book of the venue may be wrong: a gap is open, the feed is silent or has ended,
    /// records were lost, or a snapshot is under way.
    #[inline]
    pub fn is_stale(&self) -> bool {
        self.stale.any()
    }

    /// Levels of a side, best first.
    pub fn depth(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.level_nodes(id, side).map(|level| self.levels.nodes[level as usize].view())
    }

    /// Indices of the levels of a side, best first.
    fn level_nodes(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = u32> + '_ {
        let at = index(id, side.index());
        let present = |level: u32| (level != 0).then_some(level);
        core::iter::successors(present(self.best_node(id, side)), move |level| {
            let price = self.levels.nodes[*level as usize].price;
            present(self.ladders.after(at, price, &self.levels))
        })
    }

    /// The orders of a level, first in line first.
    fn queue(&self, level: u32) -> impl Iterator<Item = OrderView> + '_ {
        let present = |slot: u32| (slot != 0).then_some(slot);
        let head = self.levels.nodes[level as usize].head;
        // Node 0 has no orders; its head is never set.
        core::iter::successors(present(head), move |slot| {
            present(self.orders.slots[*slot as usize].next)
        })
        .map(|slot| self.order_view(slot))
    }

    fn order_view(&self, slot: u32) -> OrderView {
        let order = &self.orders.slots[slot as usize];
        let node = &self.levels.nodes[order.level() as usize];
        OrderView {
            order_ref: OrderRef(order.order_ref),
            instrument: node.id(),
            side: node.side(),
            price: node.price(),
            qty: Qty(order.qty),
        }
    }

    /// A resting order.
    pub fn order(&self, order_ref: OrderRef) -> Option<OrderView> {
        let slot = self.orders.find(order_ref.0);
        (slot != 0).then(|| self.order_view(slot))
    }

    /// The orders at a price, first in line first.
    pub fn orders_at(
        &self,
        id: InstrumentId,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = OrderView> + '_ {
        let known = id.index() < self.instruments.len();
        let level = match crate::edit::wire_price(price.0) {
            Some(price) if known => self.ladders.find(index(id, side.index()), price, &self.levels),
            _ => 0,
        };
        self.queue(level)
    }

    /// Every order of an instrument: bids, then asks, best level first, first in line first.
    pub fn orders(&self, id: InstrumentId) -> impl Iterator<Item = OrderView> + '_ {
        let levels = self.level_nodes(id, Side::Buy).chain(self.level_nodes(id, Side::Sell));
        levels.flat_map(|level| self.queue(level))
    }

    /// Begins to keep the queue position of an order at hand. An order that is not on the book is
    /// awaited and watched from its arrival on; one that never comes, because it is hidden or dead,
    /// keeps its place among the watched until [`Books::unwatch`]. A watch ends with its order; a
    /// snapshot that tells of the order again begins it anew, with the position that the snapshot
    /// gives. `false` if there is no space, which is counted.
    ///
    /// Costs one step for each order ahead, none if it is the last in line.
    pub fn watch(&mut self, order_ref: OrderRef) -> bool {
        let slot = self.orders.find(order_ref.0);
        let kept = if slot == 0 { self.watches.wait(order_ref.0) } else { self.attend(slot) };
        self.counters.watches_refused += u64::from(!kept);
        kept
    }

    fn attend(&mut self, slot: u32) -> bool {
        let level = self.orders.slots[slot as usize].level();
        if self.watches.get(&self.levels.nodes[level as usize], slot).is_some() {
            return true;
        }
        let ahead = self.count_ahead(slot);
        let stamp = self.orders.slots[slot as usize].stamp;
        self.watches.insert(&mut self.levels.nodes[level as usize], slot, stamp, ahead)
    }

    /// An order has come while some are awaited.
    #[cold]
    #[inline(never)]
    pub(crate) fn welcome(&mut self, order_ref: u64, slot: u32) {
        if self.watches.take_awaited(order_ref) {
            // There is space: the one that was awaited has left its place.
            self.attend(slot);
        }
    }

    /// Ends a watch; `false` if there was none.
    pub fn unwatch(&mut self, order_ref: OrderRef) -> bool {
        let slot = self.orders.find(order_ref.0);
        if slot == 0 {
            return self.watches.take_awaited(order_ref.0);
        }
        let level = self.orders.slots[slot as usize].level();
        self.watches.remove(&mut self.levels.nodes[level as usize], slot)
    }

    /// What stands before a resting order. At hand for one that is watched, else one step for each
    /// order ahead.
    pub fn queue_position(&self, order_ref: OrderRef) -> Option<QueuePosition> {
        let slot = self.orders.find(order_ref.0);
        if slot == 0 {
            return None;
        }
        let node = &self.levels.nodes[self.orders.slots[slot as usize].level() as usize];
        Some(self.watches.get(node, slot).unwrap_or_else(|| self.count_ahead(slot)))
    }

    fn count_ahead(&self, slot: u32) -> QueuePosition {
        let order = &self.orders.slots[slot as usize];
        let node = &self.levels.nodes[order.level() as usize];
        if order.next == 0 {
            let shares_ahead = node.qty - u64::from(order.qty);
            return QueuePosition { shares_ahead, orders_ahead: node.orders - 1 };
        }
        let mut ahead = QueuePosition::default();
        let mut before = order.prev;
        while before != 0 {
            let order = &self.orders.slots[before as usize];
            ahead.shares_ahead += u64::from(order.qty);
            ahead.orders_ahead += 1;
            before = order.prev;
        }
        ahead
    }

    /// What the venue has said of an instrument; `None` until a record has named it that was not
    /// only of a resting order.
    #[inline]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index()).filter(|instrument| instrument.seen)
    }

    /// The number of a symbol; of two numbers that a directory gave the same symbol, the later.
    pub fn find(&self, symbol: Symbol) -> Option<InstrumentId> {
        let named = self.symbols.find(u64::from_le_bytes(symbol.0));
        named.checked_sub(1).map(|id| InstrumentId(id as u16))
    }

    /// What holds for the whole market.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// What has happened so far.
    pub fn counters(&self) -> &BookCounters {
        &self.counters
    }

    /// What the system gave for memory.
    pub fn memory(&self) -> MemoryReport {
        self.memory
    }

    /// How much of the limits is in use.
    pub fn usage(&self) -> Usage {
        Usage { orders: self.orders.len, levels: self.levels.len, watched: self.watches.len() }
    }

    /// A hash of every order of every instrument with its place in line. Two books with the same
    /// orders in the same queues have the same digest, whatever led to them; it says nothing of
    /// states, trades or counters.
    pub fn digest(&self) -> u64 {
        let mut hash = 0u64;
        let mut mix = |word: u64| {
            hash = (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        };
        for at in 0..self.instruments.len() {
            for order in self.orders(InstrumentId(at as u16)) {
                mix((at as u64) << 1 | order.side.index() as u64);
                mix(order.price.0 as u64);
                mix(order.order_ref.0);
                mix(u64::from(order.qty.0));
            }
        }
        hash ^ (hash >> 29)
    }
}
