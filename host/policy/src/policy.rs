//! The policy: slots, features, strategy and quoter together.

mod stand_in;

pub(crate) use stand_in::StandIn;

use crate::config::{InstrumentPolicy, PolicyConfig, PolicyError, QuoteRules};
use crate::features::{self, Depth, FEATURE_COUNT, Features, Flow, Seen, Snapshot, Touch};
use crate::quoter::{Bounds, Outlook, Quoter, target};
use crate::strategy::{Desired, Inputs, Network, Strategy, UNITS};
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect};
use tercel_types::{
    InstrumentId, Intent, Intents, MarketView, Nanos, Own, Side, Symbol, TradingState,
    WorkingOrder, WorkingState,
};

/// What we would like to have in the market, instrument by instrument.
pub struct Policy {
    slots: Vec<Slot>,
    /// Slot of each instrument, [`NONE`] for those that are not quoted: 128 KiB, of which a day
    /// touches 2 bytes an instrument.
    index: Box<[u16]>,
    slots_max: usize,
    instruments: Vec<InstrumentPolicy>,
    common: QuoteRules,
    strategy: Strategy,
    stopped: bool,
    counters: PolicyCounters,
    /// Asks the strategy at every decision, to compare with.
    #[cfg(test)]
    asks_always: bool,
}

/// What a policy has done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PolicyCounters {
    /// Decisions asked for.
    pub decisions: u64,
    /// Decisions that wanted no quotes: stopped, stale, not trading, or a book without two sides.
    pub withdrawn: u64,
    /// Decisions for which the network was not asked, because no answer of it could have led to an
    /// intent.
    pub unasked: u64,
    /// Sides that only the least interval kept from being entered or replaced, whether or not the
    /// price would have asked for it.
    pub put_off: u64,
    /// Intents to enter.
    pub enters: u64,
    /// Intents to replace.
    pub replaces: u64,
    /// Intents to cancel.
    pub cancels: u64,
    /// Instruments that a directory record took away from the policy: the locate now is another
    /// symbol.
    pub disabled: u64,
}

/// One quoted instrument.
#[derive(Clone, Copy, Debug)]
struct Slot {
    id: InstrumentId,
    flow: Flow,
    rules: QuoteRules,
    quoter: Quoter,
    /// Both sides of the book as last read.
    depths: [Depth; 2],
    /// The side has changed since. An event changes one side, so that a decision reads five levels
    /// and not ten; and strategies without features read none.
    unread: [bool; 2],
    /// The directory calls this locate by a symbol of the configuration, or has not spoken yet.
    enabled: bool,
}

/// No slot.
const NONE: u16 = u16::MAX;

impl Policy {
    /// A policy with a slot for each instrument of the configuration, none of them in use.
    ///
    /// # Errors
    /// [`PolicyError`] if something in the configuration is not allowed.
    pub fn new(config: PolicyConfig) -> Result<Policy, PolicyError> {
        config.validate()?;
        let PolicyConfig { instruments, strategy, quote } = config;
        Ok(Policy {
            slots: Vec::with_capacity(instruments.len()),
            index: vec![NONE; usize::from(u16::MAX) + 1].into_boxed_slice(),
            slots_max: instruments.len(),
            instruments,
            common: quote,
            strategy: Strategy::new(strategy),
            stopped: false,
            counters: PolicyCounters::default(),
            #[cfg(test)]
            asks_always: false,
        })
    }

    /// Begins to follow an instrument, by the common rules; the directory record that goes through
    /// [`Policy::on_event`] after this gives it the rules of its symbol. Once more for the same
    /// instrument starts it afresh. Returns false when every slot is taken.
    pub fn add_instrument(&mut self, id: InstrumentId) -> bool {
        let room = self.has_room(id);
        if let (Strategy::Mlp(network), true) = (&mut self.strategy, room) {
            network.begin(id);
        }
        let fresh = Slot {
            id,
            flow: Flow::default(),
            rules: self.common,
            quoter: Quoter::default(),
            depths: [Depth::default(); 2],
            unread: [true; 2],
            enabled: true,
        };
        if let Some(slot) = self.slots.get_mut(usize::from(self.index[id.index()])) {
            *slot = fresh;
            return true;
        }
        if self.slots.len() >= self.slots_max {
            return false;
        }
        self.index[id.index()] = self.slots.len() as u16; // at most INSTRUMENTS_MAX
        self.slots.push(fresh);
        true
    }

    /// The instrument has a slot or may have one.
    fn has_room(&self, id: InstrumentId) -> bool {
        self.quotes(id) || self.slots.len() < self.slots_max
    }

    /// Computes what a network that carries a state needs of its last decision for its next one;
    /// nothing for others. To be called once the decision's orders have left; without it, the next
    /// decision on that instrument takes longer and is the same.
    #[inline]
    pub fn prepare(&mut self) {
        if let Strategy::Mlp(network) = &mut self.strategy {
            network.prepare();
        }
    }

    /// The instrument has a slot.
    #[inline]
    pub fn quotes(&self, id: InstrumentId) -> bool {
        self.index[id.index()] != NONE
    }

    /// Takes in one record, after the books have applied it. Every record that changed an
    /// instrument with a slot or told of a trade in it must come here, and every record of the feed
    /// itself, whatever its instrument: features must not measure a move across a gap.
    #[inline]
    pub fn on_event(&mut self, record: &EventRecord, change: &Change, books: &Books, now: Nanos) {
        if record.kind < FEED_KINDS {
            return self.on_feed(books, now);
        }
        let Some(slot) = self.slots.get_mut(usize::from(self.index[change.instrument.index()]))
        else {
            return;
        };
        let seen = Seen::new(books, slot.id);
        slot.flow.observe(record.kind(), change, &seen, now);
        if let Effect::Book { side, .. } = change.effect {
            slot.unread[side.index()] = true;
        }
        if record.kind == Kind::Directory as u8 {
            self.on_directory(change.instrument, record.symbol());
        }
    }

    /// The feed itself has spoken: a gap, a snapshot, silence.
    #[cold]
    #[inline(never)]
    fn on_feed(&mut self, books: &Books, now: Nanos) {
        for slot in &mut self.slots {
            slot.flow.interrupt(&Seen::new(books, slot.id), now);
            slot.unread = [true; 2]; // a snapshot begins with empty books
        }
    }

    /// The directory names an instrument with a slot. A symbol that is not configured must not be
    /// quoted by the leave of the one that had its locate before.
    #[cold]
    #[inline(never)]
    fn on_directory(&mut self, id: InstrumentId, symbol: Symbol) {
        let Some(slot) = self.slots.get_mut(usize::from(self.index[id.index()])) else { return };
        let configured = self.instruments.iter().find(|instrument| instrument.symbol == symbol);
        if let Some(instrument) = configured {
            slot.rules = instrument.rules(&self.common);
        } else if slot.enabled {
            self.counters.disabled += 1;
        }
        slot.enabled = configured.is_some();
    }

    /// What should be done in one instrument. Nothing is wanted, and what is live is cancelled,
    /// while the policy is stopped, the instrument has no slot or does not trade, or its book is
    /// stale, one-sided, locked or crossed.
    ///
    /// Decisions are only made when this is called: an entry put off by
    /// [`QuoteRules::requote_interval`] waits for the next call.
    #[inline]
    pub fn decide(&mut self, id: InstrumentId, books: &Books, own: &Own, now: Nanos) -> Intents {
        self.counters.decisions += 1;
        let asks_always = self.asks_always();
        let view = books.market_view(id);
        let slot = self.slots.get_mut(usize::from(self.index[id.index()]));
        let (Some(slot), Some(touch), false) = (slot, quotable(&view), self.stopped) else {
            return self.withdraw(own);
        };
        if !slot.enabled {
            return self.withdraw(own);
        }
        let bounds = Bounds { top: view.top, bands: view.bands };
        let mut intents = Intents::default();
        // The other strategies cost less than the question.
        if let (Strategy::Mlp(network), false) = (&self.strategy, asks_always)
            && !network.is_streaming()
            && let Some(put_off) = slot.foregone(network, &touch, &bounds, own, now)
        {
            self.counters.unasked += 1;
            self.counters.put_off += put_off;
            return intents;
        }
        let ahead = |order: &WorkingOrder| shares_ahead(books, order);
        let desired = slot.desired(&mut self.strategy, &touch, books, own, ahead, now);
        let put_off = [
            slot.quote(Side::Buy, &desired, &bounds, own, now, &mut intents),
            slot.quote(Side::Sell, &desired, &bounds, own, now, &mut intents),
        ];
        self.counters.put_off += u64::from(put_off[0]) + u64::from(put_off[1]);
        self.counters.count(&intents);
        intents
    }

    #[inline]
    fn asks_always(&self) -> bool {
        #[cfg(test)]
        return self.asks_always;
        #[cfg(not(test))]
        false
    }

    /// Cancels what is live.
    #[cold]
    #[inline(never)]
    fn withdraw(&mut self, own: &Own) -> Intents {
        self.counters.withdrawn += 1;
        let mut intents = Intents::default();
        for order in [own.bid, own.ask].into_iter().flatten() {
            if order.state == WorkingState::Live {
                intents.push(Intent::Cancel { original: order.user_ref });
            }
        }
        self.counters.count(&intents);
        intents
    }

    /// The features of one instrument as of `now`; zeros for an instrument without a slot.
    pub fn features(&self, id: InstrumentId, books: &Books, own: &Own, now: Nanos) -> Features {
        match self.slots.get(usize::from(self.index[id.index()])) {
            Some(slot) => {
                let mut slot = *slot;
                slot.read(books);
                let ahead = |order: &WorkingOrder| shares_ahead(books, order);
                slot.features(Seen::new(books, id).touch, own, ahead, now)
            }
            None => [0.0; FEATURE_COUNT],
        }
    }

    /// From now on nothing is wanted anywhere: the next decision on each instrument cancels its
    /// quotes.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Quotes again after [`Policy::stop`].
    pub fn resume(&mut self) {
        self.stopped = false;
    }

    /// Nothing is wanted anywhere.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What it has done.
    pub fn counters(&self) -> &PolicyCounters {
        &self.counters
    }
}

/// Codes below are the feed's own records; the others are ITCH message letters (`hw/abi/abi.toml`).
const FEED_KINDS: u8 = 0x20;

/// Shares ahead of an order of ours, once it is in the book.
#[inline]
fn shares_ahead(books: &Books, order: &WorkingOrder) -> Option<u64> {
    books.queue_position(order.order_ref).map(|position| position.shares_ahead)
}

/// The touch of a market that may be quoted.
#[inline]
fn quotable(view: &MarketView) -> Option<Touch> {
    if view.stale || view.state != TradingState::Trading { None } else { Touch::new(&view.top) }
}

impl Slot {
    /// The number of sides put off, if no answer of the network can lead to an intent.
    ///
    /// A side that waits for the least interval can only be cancelled, and only where no quote is
    /// wanted. That is ruled out when the network answers with numbers in a range and a quote is
    /// allowed at both ends of it: target prices rise with the desired ones, and what is allowed is
    /// an interval.
    #[inline(never)] // for networks only; inlined it makes the other strategies' decisions longer
    fn foregone(
        &self,
        network: &Network,
        touch: &Touch,
        bounds: &Bounds,
        own: &Own,
        now: Nanos,
    ) -> Option<u64> {
        let put_off = |side: Side| match self.quoter.outlook(&self.rules, side, own, now) {
            Outlook::Settled { put_off } => Some(u64::from(put_off)),
            Outlook::Waits => {
                let wanted = |end| target(&self.rules, end, bounds, own, side).is_some();
                let [near, far] = network.range(touch.mid(), touch.tick())?;
                (wanted(&near) && wanted(&far)).then_some(1)
            }
            Outlook::Open => None,
        };
        Some(put_off(Side::Buy)? + put_off(Side::Sell)?)
    }

    /// Adds what should be done on one side; returns whether it was put off.
    #[inline(always)] // each side has its own code: 581 instead of 746 instructions a decision
    fn quote(
        &mut self,
        side: Side,
        desired: &Desired,
        bounds: &Bounds,
        own: &Own,
        now: Nanos,
        intents: &mut Intents,
    ) -> bool {
        let target = target(&self.rules, desired, bounds, own, side);
        self.quoter.side(&self.rules, (self.id, side), target, own, now, intents)
    }

    #[inline]
    fn desired(
        &mut self,
        strategy: &mut Strategy,
        touch: &Touch,
        books: &Books,
        own: &Own,
        ahead: impl Fn(&WorkingOrder) -> Option<u64>,
        now: Nanos,
    ) -> Desired {
        let position = own.position as f64;
        let mut inputs = Inputs {
            mid: touch.mid(),
            tick: touch.tick(),
            inventory: position / self.rules.position_max as f64,
            lots: position / f64::from(self.rules.order_qty.0),
            volatility: 0.0,
        };
        match strategy {
            Strategy::FixedSpread(fixed) => fixed.desired(&inputs),
            Strategy::AvellanedaStoikov(model) => {
                inputs.volatility = self.volatility(now);
                model.desired(&inputs)
            }
            Strategy::Glft(model) => {
                inputs.volatility = self.volatility(now);
                model.desired(&inputs)
            }
            Strategy::Mlp(network) => {
                self.read(books);
                let features = self.features(Some(*touch), own, ahead, now);
                network.desired(self.id, &features, &inputs)
            }
        }
    }

    /// Slow realised volatility, dollars per square root of a second.
    #[inline]
    fn volatility(&self, now: Nanos) -> f64 {
        self.flow.volatility_slow_as_of(now) / UNITS
    }

    /// Reads the sides of the book that have changed.
    #[inline]
    fn read(&mut self, books: &Books) {
        for side in [Side::Buy, Side::Sell] {
            if core::mem::take(&mut self.unread[side.index()]) {
                self.depths[side.index()] = Depth::read(books.depth(self.id, side));
            }
        }
    }

    #[inline]
    fn features(
        &self,
        touch: Option<Touch>,
        own: &Own,
        ahead: impl Fn(&WorkingOrder) -> Option<u64>,
        now: Nanos,
    ) -> Features {
        let ahead = [own.bid.as_ref().and_then(&ahead), own.ask.as_ref().and_then(&ahead)];
        let (depths, position_max) = (&self.depths, self.rules.position_max);
        let snapshot = Snapshot { touch, depths, own, ahead, position_max };
        features::compute(&self.flow, &snapshot, now)
    }
}

impl PolicyCounters {
    #[inline]
    fn count(&mut self, intents: &Intents) {
        for intent in intents.iter() {
            match intent {
                Intent::Enter(_) => self.enters += 1,
                Intent::Replace { .. } => self.replaces += 1,
                Intent::Cancel { .. } => self.cancels += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests;
