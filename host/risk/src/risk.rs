//! The state of risk, and everything about it that is not a check or an ack.

use crate::ack::is_plausible;
use crate::breaker::{Breaker, Trip};
use crate::bucket::Bucket;
use crate::exposure::{AccountView, Exposure, ExposureView, Share};
use crate::limits::{AccountLimits, InstrumentLimits, RiskConfig, RiskConfigError, VenueLimits};
use crate::recent::Recent;
use crate::reject::RiskCounters;
use crate::table::{OpenOrder, OrderTable};
use alloc::boxed::Box;
use alloc::vec::Vec;
use tercel_types::{InstrumentId, MarketView, Money, Nanos, Price, Qty, Side, UserRef};

/// No instrument in `Risk::slots`.
const NO_SLOT: u16 = u16::MAX;

/// What is kept of one instrument: two cache lines that every message changes, then what only
/// checks read.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    pub(crate) exposure: Exposure,
    /// `None` refuses everything: an instrument known from acks alone.
    pub(crate) limits: Option<InstrumentLimits>,
    pub(crate) recent: Recent,
}

/// The numbers given to orders of this run.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Used {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// Checks orders and knows what they expose the account to. See the crate's documentation.
#[derive(Debug)]
pub struct Risk {
    /// Place in `instruments` of each locate.
    slots: Box<[u16; 1 << 16]>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) orders: OrderTable,
    pub(crate) sums: Share,
    pub(crate) cash: i64,
    pub(crate) account: AccountLimits,
    pub(crate) venue: VenueLimits,
    pub(crate) venue_rate: Bucket,
    pub(crate) venue_ratio: Bucket,
    pub(crate) breaker: Breaker,
    pub(crate) used: Used,
    pub(crate) counters: RiskCounters,
}

impl Risk {
    /// Allocates everything that will be needed.
    pub fn new(config: RiskConfig) -> Result<Risk, RiskConfigError> {
        config.validate()?;
        let RiskConfig { instruments_max, orders_max, account, venue } = config;
        Ok(Risk {
            slots: Box::new([NO_SLOT; 1 << 16]),
            instruments: Vec::with_capacity(instruments_max as usize),
            orders: OrderTable::new(orders_max),
            sums: Share::default(),
            cash: 0,
            account,
            venue,
            venue_rate: Bucket::new(venue.rate.burst),
            venue_ratio: Bucket::new(venue.ratio.burst),
            breaker: Breaker::default(),
            used: Used::default(),
            counters: RiskCounters::default(),
        })
    }

    /// Gives an instrument its limits, or new ones; position, open orders and tokens stay.
    pub fn bind(
        &mut self,
        id: InstrumentId,
        limits: InstrumentLimits,
    ) -> Result<(), RiskConfigError> {
        limits.validate()?;
        let Some(slot) = self.slot_or_new(id) else {
            let value = i64::try_from(self.instruments.capacity()).unwrap_or(i64::MAX);
            let allowed = "at least the number of instruments bound or traded";
            return Err(RiskConfigError { field: "instruments_max", value, allowed });
        };
        let instrument = &mut self.instruments[slot];
        let exposure = &mut instrument.exposure;
        if instrument.limits.is_some() {
            exposure.rate.give(0, limits.rate.burst);
            exposure.ratio.give(0, limits.ratio.burst);
        } else {
            exposure.rate = Bucket::new(limits.rate.burst);
            exposure.ratio = Bucket::new(limits.ratio.burst);
        }
        instrument.limits = Some(limits);
        Ok(())
    }

    /// Takes an instrument's limits away: from now on it is refused.
    pub fn unbind(&mut self, id: InstrumentId) {
        if let Some(slot) = self.slot(id) {
            self.instruments[slot].limits = None;
        }
    }

    /// The limits of an instrument, to change and bind again.
    pub fn limits(&self, id: InstrumentId) -> Option<&InstrumentLimits> {
        self.instruments[self.slot(id)?].limits.as_ref()
    }

    /// The limits of the account.
    pub const fn account_limits(&self) -> &AccountLimits {
        &self.account
    }

    /// New limits of the account, looked at from the next change on.
    pub fn set_account_limits(&mut self, limits: AccountLimits) -> Result<(), RiskConfigError> {
        limits.validate()?;
        self.account = limits;
        Ok(())
    }

    /// Takes over a position of before the day as if it had been traded at `price` a share, so that
    /// it has made no profit yet. `false`, and the breaker trips, when there is no room for the
    /// instrument.
    pub fn carry(&mut self, id: InstrumentId, position: i32, price: Price) -> bool {
        let Some(slot) = self.slot_or_new(id) else { return self.unaccounted() };
        let side = if position < 0 { Side::Sell } else { Side::Buy };
        self.trade(slot, side, Qty(position.unsigned_abs()), price);
        true
    }

    /// Values the position at the mid or, without one, the last trade, and looks at the loss
    /// limits. A stale book or one without a price changes nothing. Returns the trip, also an
    /// earlier one.
    pub fn mark(&mut self, id: InstrumentId, view: &MarketView, _now: Nanos) -> Option<Trip> {
        if let (Some(slot), Some(price), false) = (self.slot(id), view.reference(), view.stale)
            && self.instruments[slot].exposure.mark != price
        {
            self.expose(slot, |exposure| exposure.mark = price);
            self.watch_profit();
        }
        self.tripped()
    }

    /// Pulls the kill switch: only cancels pass until [`Risk::reset`].
    pub fn kill(&mut self) {
        if !self.breaker.killed {
            self.breaker.killed = true;
            self.counters.trips += 1;
        }
    }

    /// Why only cancels pass, if so. Whoever sees it first cancels every open order.
    #[inline]
    pub const fn tripped(&self) -> Option<Trip> {
        if self.breaker.killed { Some(Trip::Killed) } else { self.breaker.trip }
    }

    /// Lets orders pass again. The drawdown is measured from here; realised and unrealised loss are
    /// still those of the day, so that a breaker which they tripped trips again unless
    /// [`Risk::set_account_limits`] raised the limit.
    pub fn reset(&mut self) {
        self.breaker = Breaker { peak: self.total(), ..Breaker::default() };
    }

    /// Shares held; negative is short. Zero for an instrument never seen.
    #[inline]
    pub fn position(&self, id: InstrumentId) -> i64 {
        self.slot(id).map_or(0, |slot| self.instruments[slot].exposure.holding.position)
    }

    /// One instrument; all zero if never seen.
    pub fn exposure(&self, id: InstrumentId) -> ExposureView {
        self.slot(id)
            .map_or_else(ExposureView::default, |slot| self.instruments[slot].exposure.view())
    }

    /// The account.
    pub fn account(&self) -> AccountView {
        AccountView {
            cash: Money(self.cash),
            realised: Money(self.realised()),
            unrealised: Money(self.unrealised()),
            peak: Money(self.breaker.peak),
            drawdown: Money(self.breaker.peak.saturating_sub(self.total()).max(0)),
            value: Money(self.sums.value),
            gross: Money(self.sums.gross),
            net: Money(self.sums.net()),
            open_buys: Money(self.sums.buys),
            open_sells: Money(self.sums.sells),
            credit_used: Money(self.sums.reserved.saturating_sub(self.cash)),
            open_orders: self.orders.len(),
        }
    }

    /// What was refused and what happened.
    pub const fn counters(&self) -> &RiskCounters {
        &self.counters
    }

    #[inline]
    pub(crate) fn slot(&self, id: InstrumentId) -> Option<usize> {
        let slot = self.slots[id.index()];
        (slot != NO_SLOT).then_some(usize::from(slot))
    }

    /// The place of an instrument, new if there is room.
    pub(crate) fn slot_or_new(&mut self, id: InstrumentId) -> Option<usize> {
        if let Some(slot) = self.slot(id) {
            return Some(slot);
        }
        let slot = self.instruments.len();
        if slot == self.instruments.capacity() {
            return None;
        }
        self.slots[id.index()] = u16::try_from(slot).ok().filter(|slot| *slot != NO_SLOT)?;
        self.instruments.push(Instrument {
            exposure: Exposure::new(),
            limits: None,
            recent: Recent::new(),
        });
        Some(slot)
    }

    /// Changes an instrument, and the sums with it.
    #[inline]
    pub(crate) fn expose(&mut self, slot: usize, change: impl FnOnce(&mut Exposure)) {
        let exposure = &mut self.instruments[slot].exposure;
        let before = exposure.share();
        change(exposure);
        self.sums = self.sums.moved(&before, &exposure.share());
    }

    /// Changes an order, and what it counts for with it.
    #[inline]
    pub(crate) fn amend(&mut self, at: u32, change: impl FnOnce(&mut OpenOrder)) {
        let order = self.orders.get_mut(at);
        let before = order.worst();
        change(order);
        let (slot, side, after) = (usize::from(order.slot), order.side, order.worst());
        self.expose(slot, |exposure| exposure.shift(side, before, after));
    }

    /// Puts a new order in; `None` when the table is full.
    pub(crate) fn open(&mut self, order: OpenOrder) -> Option<u32> {
        let slot = usize::from(order.slot);
        let exposure = &mut self.instruments[slot].exposure;
        let at = self.orders.insert(order, &mut exposure.heads[order.side.index()])?;
        self.expose(slot, |exposure| {
            exposure.orders += 1;
            exposure.shift(order.side, Default::default(), order.worst());
        });
        Some(at)
    }

    /// Takes a dead order out.
    pub(crate) fn close(&mut self, at: u32) {
        let order = *self.orders.get(at);
        let slot = usize::from(order.slot);
        self.orders.remove(at, &mut self.instruments[slot].exposure.heads[order.side.index()]);
        self.expose(slot, |exposure| {
            exposure.orders -= 1;
            exposure.shift(order.side, order.worst(), Default::default());
        });
    }

    /// Position and cash of an execution.
    pub(crate) fn trade(&mut self, slot: usize, side: Side, qty: Qty, price: Price) {
        if !is_plausible(price, qty) {
            self.unaccounted();
        }
        let mut cash = 0;
        self.expose(slot, |exposure| cash = exposure.holding.execute(side, qty, price));
        self.cash = self.cash.wrapping_add(cash);
        self.watch_profit();
    }

    #[inline]
    fn watch_profit(&mut self) {
        if self.breaker.watch(self.realised(), self.unrealised(), &self.account) {
            self.counters.trips += 1;
        }
    }

    const fn realised(&self) -> i64 {
        self.cash.wrapping_add(self.sums.cost)
    }

    const fn unrealised(&self) -> i64 {
        self.sums.value.wrapping_sub(self.sums.cost)
    }

    /// Profit, realised and not.
    const fn total(&self) -> i64 {
        self.cash.wrapping_add(self.sums.value)
    }

    /// The exposure is no longer known.
    #[cold]
    pub(crate) fn unaccounted(&mut self) -> bool {
        self.counters.unaccounted += 1;
        if self.breaker.trip(Trip::Unaccounted) {
            self.counters.trips += 1;
        }
        false
    }
}

impl Used {
    /// An order of this run that is not in the table is dead.
    #[inline]
    pub(crate) const fn contains(self, user_ref: UserRef) -> bool {
        self.first != 0 && self.first <= user_ref.0 && user_ref.0 <= self.last
    }

    #[inline]
    pub(crate) const fn push(&mut self, user_ref: UserRef) {
        if self.first == 0 {
            self.first = user_ref.0;
        }
        self.last = user_ref.0;
    }

    /// The number was not sent; if it was the last, the next order may have it.
    pub(crate) const fn pop(&mut self, user_ref: UserRef) {
        if user_ref.0 == self.last {
            self.last -= 1;
        }
    }
}
