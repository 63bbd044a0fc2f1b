//! The checks, in the order in which they are made; the first that fails is the answer.

use crate::bucket::Bucket;
use crate::exposure::{Exposure, Share, Worst};
use crate::limits::{InstrumentLimits, RateLimit};
use crate::order::{Approved, Order, SaleMark};
use crate::reject::Reject;
use crate::risk::{Instrument, Risk};
use crate::table::{OpenOrder, Pending, worst};
use tercel_types::{Intent, MarketView, Nanos, NewOrder, Price, Qty, Side, TradingState, UserRef};

/// What is asked for, of a new order or in the place of one.
#[derive(Clone, Copy)]
struct Wanted {
    slot: usize,
    side: Side,
    price: Price,
    qty: Qty,
    /// What the order counts for before and after.
    before: Worst,
    after: Worst,
}

impl Risk {
    /// The one way to an order. `user_ref` is the number that the gateway will give the new or
    /// replacing order, and is not looked at for a cancel; `view` is the market of the intent's
    /// instrument. What passes is reserved at its worst until acks say otherwise or
    /// [`Risk::withdraw`] gives it back. What fails changes nothing but its counter.
    ///
    /// A cancel only reduces risk: it passes a tripped breaker, every limit and every market state,
    /// unless the order is unknown or its cancel is under way. It takes no token of the order rates
    /// but one of the message ratios, also when none is left.
    pub fn check(
        &mut self,
        intent: &Intent,
        user_ref: UserRef,
        view: &MarketView,
        now: Nanos,
    ) -> Result<Approved<Order>, Reject> {
        let checked = match *intent {
            Intent::Enter(new) => self.check_enter(&new, user_ref, view, now),
            Intent::Replace { original, price, qty } => {
                self.check_replace(original, user_ref, (price, qty), view, now)
            }
            Intent::Cancel { original } => self.check_cancel(original),
        };
        match checked {
            Ok(order) => {
                self.counters.approved += 1;
                Ok(Approved::new(order))
            }
            Err(reject) => Err(self.refuse(reject)),
        }
    }

    fn check_enter(
        &mut self,
        new: &NewOrder,
        user_ref: UserRef,
        view: &MarketView,
        now: Nanos,
    ) -> Result<Order, Reject> {
        self.check_breaker()?;
        self.check_user_ref(user_ref)?;
        let NewOrder { instrument, side, price, qty, time_in_force, post_only } = *new;
        let slot = self.slot(instrument).ok_or(Reject::UnknownInstrument)?;
        let after = worst(price, qty);
        let wanted = Wanted { slot, side, price, qty, before: Worst::default(), after };
        let known = &self.instruments[slot];
        let limits = known.limits.as_ref().ok_or(Reject::UnknownInstrument)?;
        check_market(limits, view)?;
        check_size_and_price(&wanted, limits, view)?;
        if known.recent.holds(side, price, qty, now, limits.duplicate_window) {
            return Err(Reject::Duplicate);
        }
        self.check_self_match(&wanted)?;
        let mark = check_sale(&wanted, limits, &known.exposure, view)?;
        if known.exposure.orders >= limits.open_orders_max {
            return Err(Reject::InstrumentOrders);
        }
        self.check_exposure(&wanted, limits)?;
        let place = u16::try_from(slot).map_err(|_| Reject::UnknownInstrument)?;
        if self.orders.is_full() {
            return Err(Reject::AccountOrders);
        }
        self.pay(slot, now)?;

        self.open(OpenOrder::new(user_ref, place, instrument, side, price, qty));
        self.instruments[slot].recent.push(side, price, qty, now);
        self.used.push(user_ref);
        Ok(Order::Enter { user_ref, instrument, side, mark, price, qty, time_in_force, post_only })
    }

    fn check_replace(
        &mut self,
        original: UserRef,
        user_ref: UserRef,
        (price, qty): (Price, Qty),
        view: &MarketView,
        now: Nanos,
    ) -> Result<Order, Reject> {
        self.check_breaker()?;
        let at = self.orders.find(original).ok_or(Reject::UnknownOrder)?;
        let order = self.orders.get(at);
        if order.pending.is_some() {
            return Err(Reject::PendingReplace);
        }
        if order.cancel_of != UserRef(0) {
            return Err(Reject::PendingCancel);
        }
        self.check_user_ref(user_ref)?;
        let (instrument, side, slot) = (order.instrument, order.side, usize::from(order.slot));
        let before = order.worst();
        let after = before.or(worst(price, qty));
        let wanted = Wanted { slot, side, price, qty, before, after };
        let known = &self.instruments[slot];
        let limits = known.limits.as_ref().ok_or(Reject::UnknownInstrument)?;
        check_market(limits, view)?;
        check_size_and_price(&wanted, limits, view)?;
        self.check_self_match(&wanted)?;
        let mark = check_sale(&wanted, limits, &known.exposure, view)?;
        self.check_exposure(&wanted, limits)?;
        self.pay(slot, now)?;

        self.orders.link(user_ref, at);
        self.amend(at, |order| order.pending = Some(Pending { user_ref, price, qty }));
        self.used.push(user_ref);
        Ok(Order::Replace { user_ref, original, instrument, side, mark, price, qty })
    }

    fn check_cancel(&mut self, original: UserRef) -> Result<Order, Reject> {
        let at = self.orders.find(original).ok_or(Reject::UnknownOrder)?;
        let order = self.orders.get_mut(at);
        if order.cancel_of != UserRef(0) {
            return Err(Reject::PendingCancel);
        }
        order.cancel_of = original;
        let (instrument, slot) = (order.instrument, usize::from(order.slot));
        self.instruments[slot].exposure.ratio.take();
        self.venue_ratio.take();
        Ok(Order::Cancel { original, instrument })
    }

    /// Takes back what was approved and then not sent: its reservation, its tokens, its number and
    /// its trace among the recent orders. Once the venue has spoken of the order this does nothing.
    pub fn withdraw(&mut self, approved: &Approved<Order>) {
        let (number, cancel) = match *approved.get() {
            Order::Enter { user_ref, .. } | Order::Replace { user_ref, .. } => (user_ref, false),
            Order::Cancel { original, .. } => (original, true),
        };
        let Some(at) = self.orders.find(number) else { return };
        let order = *self.orders.get(at);
        let slot = usize::from(order.slot);
        if cancel {
            if order.cancel_of != number {
                return;
            }
            self.orders.get_mut(at).cancel_of = UserRef(0);
        } else if order.pending.is_some_and(|pending| pending.user_ref == number) {
            self.orders.unlink(number);
            self.amend(at, |order| order.pending = None);
        } else if !order.acked {
            self.close(at);
            self.instruments[slot].recent.forget(order.side, order.price, order.open);
        } else {
            return;
        }
        if !cancel {
            self.used.pop(number);
        }
        self.give_tokens_back(slot, cancel);
        self.counters.withdrawn += 1;
    }

    #[inline]
    const fn check_breaker(&self) -> Result<(), Reject> {
        match (self.breaker.killed, self.breaker.trip) {
            (true, _) => Err(Reject::Killed),
            (false, Some(_)) => Err(Reject::Tripped),
            (false, None) => Ok(()),
        }
    }

    /// OUCH 5.0 "UserRefNum": starts at 1 and only grows; the venue drops any other silently.
    #[inline]
    fn check_user_ref(&self, user_ref: UserRef) -> Result<(), Reject> {
        if user_ref.0 <= self.used.last || self.orders.find(user_ref).is_some() {
            return Err(Reject::UserRefUsed);
        }
        Ok(())
    }

    /// Walks the own orders of the other side, a few: they could be hit at their old price and,
    /// under replacement, at their new one.
    #[inline]
    fn check_self_match(&self, wanted: &Wanted) -> Result<(), Reject> {
        let opposite = wanted.side.opposite().index();
        let head = self.instruments[wanted.slot].exposure.heads[opposite];
        if self.orders.list(head).any(|own| own.would_meet(wanted.price)) {
            return Err(Reject::SelfMatch);
        }
        Ok(())
    }

    /// Compares what would be with what is.
    #[inline]
    fn check_exposure(&self, wanted: &Wanted, limits: &InstrumentLimits) -> Result<(), Reject> {
        let Wanted { side, before, after, .. } = *wanted;
        let exposure = &self.instruments[wanted.slot].exposure;
        let reach = exposure.reach(side);
        let reach_then = reach.wrapping_add_unsigned(after.qty).wrapping_sub_unsigned(before.qty);
        within(reach_then, reach, limits.position_max.into(), Reject::Position)?;

        let (now, then) = (exposure.share(), exposure.share_with(side, before, after));
        within(then.gross, now.gross, limits.gross_max.0, Reject::InstrumentGross)?;
        within(then.net(), now.net(), limits.net_max.0, Reject::InstrumentNet)?;

        let (account, sums) = (&self.account, self.sums.moved(&now, &then));
        within(sums.gross, self.sums.gross, account.gross_max.0, Reject::AccountGross)?;
        within(sums.net(), self.sums.net(), account.net_max.0, Reject::AccountNet)?;
        let used = |sums: &Share| sums.reserved.wrapping_sub(self.cash);
        within(used(&sums), used(&self.sums), account.credit_max.0, Reject::Credit)
    }

    /// Takes one token of each bucket, or none.
    #[inline]
    fn pay(&mut self, slot: usize, now: Nanos) -> Result<(), Reject> {
        let Instrument { exposure, limits, .. } = &mut self.instruments[slot];
        let (own, venue) = (limits.as_ref().ok_or(Reject::UnknownInstrument)?, &self.venue);
        let ready = |bucket: &mut Bucket, limit: RateLimit, reject| {
            if bucket.ready(limit.burst, limit.per_second, now) { Ok(()) } else { Err(reject) }
        };
        ready(&mut exposure.rate, own.rate, Reject::InstrumentRate)?;
        ready(&mut self.venue_rate, venue.rate, Reject::VenueRate)?;
        ready(&mut exposure.ratio, own.ratio.over_time(), Reject::InstrumentRatio)?;
        ready(&mut self.venue_ratio, venue.ratio.over_time(), Reject::VenueRatio)?;
        exposure.rate.take();
        exposure.ratio.take();
        self.venue_rate.take();
        self.venue_ratio.take();
        Ok(())
    }

    #[cold]
    fn give_tokens_back(&mut self, slot: usize, cancel: bool) {
        let orders = u32::from(!cancel);
        let Instrument { exposure, limits, .. } = &mut self.instruments[slot];
        if let Some(limits) = limits {
            exposure.rate.give(orders, limits.rate.burst);
            exposure.ratio.give(1, limits.ratio.burst);
        }
        self.venue_rate.give(orders, self.venue.rate.burst);
        self.venue_ratio.give(1, self.venue.ratio.burst);
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, reject: Reject) -> Reject {
        self.counters.rejects[reject as usize] += 1;
        reject
    }
}

/// A limit refuses only what makes things worse: what reduces an exposure that is already too large
/// passes.
#[inline]
const fn within(then: i64, now: i64, max: i64, reject: Reject) -> Result<(), Reject> {
    if then > max && then > now { Err(reject) } else { Ok(()) }
}

/// A sale is long if the shares held and not offered by other open orders cover all of it (Reg SHO
/// rule 200). A short one needs located shares for the worst short position and, under a price
/// test, a price above the best bid; this venue's bid stands for the national one.
#[inline]
fn check_sale(
    wanted: &Wanted,
    limits: &InstrumentLimits,
    exposure: &Exposure,
    view: &MarketView,
) -> Result<SaleMark, Reject> {
    if wanted.side == Side::Buy {
        return Ok(SaleMark::None);
    }
    let short_before = exposure.reach(Side::Sell);
    let others = short_before.wrapping_sub_unsigned(wanted.before.qty);
    if others.wrapping_add(wanted.qty.0.into()) <= 0 {
        return Ok(SaleMark::Long);
    }
    let short_after = others.wrapping_add_unsigned(wanted.after.qty);
    within(short_after, short_before, limits.located.into(), Reject::NoLocate)?;
    let bid = &view.top.bid;
    if view.short_restricted && (bid.is_empty() || wanted.price <= bid.price) {
        return Err(Reject::ShortRestricted);
    }
    Ok(SaleMark::Short)
}

#[inline]
fn check_market(limits: &InstrumentLimits, view: &MarketView) -> Result<(), Reject> {
    if limits.restricted {
        return Err(Reject::Restricted);
    }
    match view.state {
        TradingState::Trading => {}
        TradingState::Unknown => return Err(Reject::StateUnknown),
        TradingState::Halted => return Err(Reject::Halted),
        TradingState::Paused => return Err(Reject::Paused),
        TradingState::QuotationOnly => return Err(Reject::QuotationOnly),
    }
    if view.stale {
        return Err(Reject::StaleBook);
    }
    if view.top.is_crossed() {
        return Err(Reject::CrossedBook);
    }
    Ok(())
}

#[inline]
fn check_size_and_price(
    wanted: &Wanted,
    limits: &InstrumentLimits,
    view: &MarketView,
) -> Result<(), Reject> {
    let (price, qty) = (wanted.price, wanted.qty);
    if qty == Qty::ZERO {
        return Err(Reject::ZeroQty);
    }
    if qty > limits.order_qty_max {
        return Err(Reject::OrderQty);
    }
    if price.0 <= 0 {
        return Err(Reject::PriceNotPositive);
    }
    // Below a dollar the tick is the unit itself.
    if price.0 >= Price::PER_DOLLAR && price.0 % Price::CENT.0 != 0 {
        return Err(Reject::PriceTick);
    }
    if price.notional(qty) > limits.order_notional_max {
        return Err(Reject::OrderNotional);
    }
    let reference = view.reference().ok_or(Reject::NoReference)?;
    let away = price.0.abs_diff(reference.0);
    if limits.collar_abs.is_some_and(|max| away > max.0.unsigned_abs()) {
        return Err(Reject::PriceCollar);
    }
    // Saturating on the left first: a product too large for 64 bits is outside.
    let reference = reference.0.unsigned_abs();
    let beyond = |bps: u32| away.saturating_mul(10_000) > reference.saturating_mul(bps.into());
    if limits.collar_bps.is_some_and(beyond) {
        return Err(Reject::PriceCollar);
    }
    if view.bands.is_some_and(|bands| price < bands.lower || price > bands.upper) {
        return Err(Reject::PriceBands);
    }
    Ok(())
}
