//! From the prices a strategy would like, and the orders that work, to what should be done.
//!
//! First [`target`]: bid down and ask up to the price grid, cut back so as not to reach the other
//! side's best quote or our own order there, sized by what the inventory limit leaves. Then
//! [`Quoter::side`]: nothing while an order of ours on that side waits for an answer; else enter,
//! replace or cancel, and only where the difference is worth the place in the queue that a replace
//! costs.

use crate::config::QuoteRules;
use crate::strategy::Desired;
use crate::tick::{self, PRICE_MAX};
use tercel_types::{
    Bands, InstrumentId, Intent, Intents, Nanos, NewOrder, Own, Price, Qty, Side, TimeInForce, Top,
    WorkingOrder, WorkingState,
};

/// One quote that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// On the price grid, short of the other side's best quote.
    pub price: Price,
    /// Within the inventory limit.
    pub qty: Qty,
}

/// What bounds the quotes of one decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Best quotes of the market, both there and not crossed.
    pub top: Top,
    /// Price bands, where there are any.
    pub bands: Option<Bands>,
}

/// When each side was last quoted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Quoter {
    quoted: [Option<Nanos>; 2],
}

/// A slack for the rounding of a computed price, units of 1/10,000 dollar: what is a millionth of a
/// unit below a grid price is that price.
const SLACK: f64 = 1e-6;

/// The quote wanted on one side, or `None` where there should be none: the inventory is full, the
/// price is not a number, not positive, or outside the bands.
#[inline]
pub fn target(
    rules: &QuoteRules,
    desired: &Desired,
    bounds: &Bounds,
    own: &Own,
    side: Side,
) -> Option<Target> {
    let room = room(rules, own, side);
    let qty = i64::from(rules.order_qty.0).min(room);
    if qty <= 0 {
        return None;
    }
    let price = match side {
        Side::Buy => {
            let wanted = tick::floor(held(desired.bid + SLACK).map(floor)?);
            wanted.min(tick::below(nearest_ask(&bounds.top, own.ask.as_ref())))
        }
        Side::Sell => {
            let wanted = tick::ceil(held(desired.ask - SLACK).map(ceil)?);
            wanted.max(tick::above(nearest_bid(&bounds.top, own.bid.as_ref())))
        }
    };
    let inside = bounds.bands.is_none_or(|bands| price >= bands.lower && price <= bands.upper);
    let allowed = price.0 > 0 && price <= PRICE_MAX && inside;
    allowed.then_some(Target { price, qty: Qty(qty as u32) })
}

/// Shares that may still be added on `side` before the position limit; below zero when it is
/// passed.
#[inline]
fn room(rules: &QuoteRules, own: &Own, side: Side) -> i64 {
    rules.position_max.saturating_sub(own.position.saturating_mul(side.sign()))
}

/// The units of a price, held within what a comparison needs; `None` unless it is a number.
#[inline]
fn held(units: f64) -> Option<f64> {
    units.is_finite().then(|| units.clamp(0.0, 1e12))
}

/// Whole units not above `units`, which are not negative. `f64::floor` is a call into a library
/// where the compiler's target has no instruction for it.
#[inline]
fn floor(units: f64) -> Price {
    Price(units as i64)
}

/// Whole units not below `units`, which are not negative.
#[inline]
fn ceil(units: f64) -> Price {
    let floor = units as i64;
    Price(floor + i64::from((floor as f64) < units))
}

/// The lower of the best ask and our own: the latter may not be in the book yet.
#[inline]
fn nearest_ask(top: &Top, own: Option<&WorkingOrder>) -> Price {
    own.map_or(top.ask.price, |order| order.price.min(top.ask.price))
}

/// The higher of the best bid and our own.
#[inline]
fn nearest_bid(top: &Top, own: Option<&WorkingOrder>) -> Price {
    own.map_or(top.bid.price, |order| order.price.max(top.bid.price))
}

/// What may become of one side, before it is known what is wanted there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outlook {
    /// Nothing, whatever is wanted.
    Settled {
        /// An entry would have been possible but for the least interval.
        put_off: bool,
    },
    /// Nothing but a cancel, if no quote is wanted: the least interval is not over.
    Waits,
    /// It depends.
    Open,
}

impl Quoter {
    /// What may become of one side. Strategies that take long need not be asked where the answer
    /// cannot matter.
    #[inline]
    pub(crate) fn outlook(&self, rules: &QuoteRules, side: Side, own: &Own, now: Nanos) -> Outlook {
        let (order, room) = (own.side(side), room(rules, own, side));
        let open = match order {
            // Whatever is wanted, the answer that is under way comes first.
            Some(order) if order.state != WorkingState::Live => {
                return Outlook::Settled { put_off: false };
            }
            Some(order) => i64::from(order.open.0),
            None if room <= 0 => return Outlook::Settled { put_off: false },
            None => 0,
        };
        let last = self.quoted[side.index()];
        let waits = last.is_some_and(|last| now.since(last) < rules.requote_interval);
        match order {
            // Past the inventory limit: less or nothing is wanted, and that does not wait.
            _ if !waits || room <= 0 || open > room => Outlook::Open,
            None => Outlook::Settled { put_off: true },
            Some(_) => Outlook::Waits,
        }
    }

    /// Adds what should be done on one side to `intents`; returns whether it was put off: the side
    /// was quoted less than the least interval ago, which is all that keeps it from being entered
    /// or replaced.
    #[inline(always)] // with `Slot::quote`: 581 instead of 746 instructions a decision
    pub fn side(
        &mut self,
        rules: &QuoteRules,
        quote: (InstrumentId, Side),
        target: Option<Target>,
        own: &Own,
        now: Nanos,
        intents: &mut Intents,
    ) -> bool {
        let (instrument, side) = quote;
        let outlook = self.outlook(rules, side, own, now);
        if let Outlook::Settled { put_off } = outlook {
            return put_off;
        }
        let intent = match (own.side(side), target) {
            (None, None) => return false,
            (Some(order), None) => {
                intents.push(Intent::Cancel { original: order.user_ref });
                return false;
            }
            (Some(_), Some(_)) if outlook == Outlook::Waits => return true,
            (Some(order), Some(target)) => {
                let Target { price, qty } = target;
                let replace = Intent::Replace { original: order.user_ref, price, qty };
                if i64::from(order.open.0) > room(rules, own, side) {
                    // Past the inventory limit: like a cancel, it does not wait.
                    intents.push(replace);
                    return false;
                }
                if !differs(rules, order, &target) {
                    return false;
                }
                replace
            }
            (None, Some(target)) => Intent::Enter(NewOrder {
                instrument,
                side,
                price: target.price,
                qty: target.qty,
                time_in_force: TimeInForce::Day,
                post_only: rules.post_only,
            }),
        };
        self.quoted[side.index()] = Some(now);
        intents.push(intent);
        false
    }
}

/// The order is far enough from the target to give its place in the queue up.
#[inline]
fn differs(rules: &QuoteRules, order: &WorkingOrder, target: &Target) -> bool {
    let moved = order.price.0.abs_diff(target.price.0);
    let tick = tick::tick_at(target.price).unsigned_abs();
    if moved > u64::from(rules.requote_ticks).saturating_mul(tick) {
        return true;
    }
    let (open, wanted) = (u64::from(order.open.0), u64::from(target.qty.0));
    open.abs_diff(wanted) * 100 > wanted * u64::from(rules.requote_qty_percent)
}
