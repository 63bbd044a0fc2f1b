//! From what the matching engine did to the ITCH messages that tell everybody.
//!
//! Only what is displayed shows: a hidden order's trade is a `P`, its coming and going nothing.
//! Every message here is a pure function of an event and a time.

use std::collections::BTreeMap;

use tercel_proto::itch::{
    AddOrder, AddOrderMpid, CrossTrade, Header, Noii, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedPrice, OrderReplace, Trade, TradingAction,
};
use tercel_types::{InstrumentId, Nanos, Price, Side, Symbol, TradingState};
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

use crate::matching::{CrossFill, CrossKind, Event, Execution, Indicative, Order, Owner};

/// Symbols by instrument: all that is needed beside the events.
#[derive(Debug, Default)]
pub(crate) struct MarketData {
    symbols: BTreeMap<InstrumentId, Symbol>,
}

/// What one translation needs besides the event.
pub(crate) struct Context<'a> {
    /// Nanoseconds since midnight.
    pub(crate) time: Nanos,
    /// Firm shown with an order, where its owner wants that.
    pub(crate) attribution: &'a dyn Fn(Owner) -> Option<[u8; 4]>,
}

impl MarketData {
    pub(crate) fn list(&mut self, instrument: InstrumentId, symbol: Symbol) {
        self.symbols.insert(instrument, symbol);
    }

    pub(crate) fn symbol(&self, instrument: InstrumentId) -> Symbol {
        self.symbols.get(&instrument).copied().unwrap_or_default()
    }

    /// Hands over the messages that an event is told with, none for most events about hidden
    /// orders.
    pub(crate) fn tell(&self, event: &Event, context: &Context<'_>, each: &mut dyn FnMut(&[u8])) {
        match event {
            Event::Rejected { .. } | Event::Accepted { .. } => {}
            Event::Replaced { old, new, rests, .. } => {
                self.replaced(old, new, *rests, context, each);
            }
            Event::Rested { order } => self.added(order, context, each),
            Event::Executed(execution) => self.executed(execution, context.time, each),
            Event::Canceled { order, qty, from_book, .. } => {
                if *from_book && order.is_displayed() {
                    canceled(order, qty.0, context.time, each);
                }
            }
            Event::CrossFilled(fill) => {
                if fill.order.is_displayed() {
                    cross_filled(fill, context.time, each);
                }
            }
            Event::Crossed { instrument, kind, price, qty, match_number } => {
                let cross = CrossTrade {
                    header: header(CrossTrade::KIND, *instrument, context.time),
                    shares: U64::new(*qty),
                    stock: self.symbol(*instrument).0,
                    price: wire_price(*price),
                    match_number: U64::new(match_number.0),
                    cross_type: kind.wire(),
                };
                each(cross.as_bytes());
            }
            Event::StateChanged { instrument, state, reason } => {
                each(self.action(*instrument, *state, *reason, context.time).as_bytes());
            }
        }
    }

    /// The trading action that announces a state.
    pub(crate) fn action(
        &self,
        instrument: InstrumentId,
        state: TradingState,
        reason: [u8; 4],
        time: Nanos,
    ) -> TradingAction {
        TradingAction {
            header: header(TradingAction::KIND, instrument, time),
            stock: self.symbol(instrument).0,
            state: match state {
                // An instrument without a state does not trade.
                TradingState::Halted | TradingState::Unknown => b'H',
                TradingState::Paused => b'P',
                TradingState::QuotationOnly => b'Q',
                TradingState::Trading => b'T',
            },
            reserved: b' ',
            reason,
        }
    }

    /// The imbalance message before a cross.
    pub(crate) fn noii(
        &self,
        instrument: InstrumentId,
        kind: CrossKind,
        indicative: &Indicative,
        time: Nanos,
    ) -> Noii {
        Noii {
            header: header(Noii::KIND, instrument, time),
            paired: U64::new(indicative.paired),
            imbalance: U64::new(indicative.imbalance),
            direction: match indicative.side {
                Some(Side::Buy) => b'B',
                Some(Side::Sell) => b'S',
                None if indicative.paired == 0 => b'O',
                None => b'N',
            },
            stock: self.symbol(instrument).0,
            far: wire_price(indicative.far),
            near: wire_price(indicative.near),
            reference: wire_price(indicative.reference),
            cross_type: kind.wire(),
            variation: variation(indicative.near, indicative.reference),
        }
    }

    fn executed(&self, execution: &Execution, time: Nanos, each: &mut dyn FnMut(&[u8])) {
        let maker = &execution.maker;
        let shares = U32::new(execution.qty.0);
        let match_number = U64::new(execution.match_number.0);
        if maker.is_displayed() {
            let header = header(OrderExecuted::KIND, maker.instrument, time);
            let order_ref = U64::new(maker.order_ref.0);
            each(OrderExecuted { header, order_ref, shares, match_number }.as_bytes());
            return;
        }
        let trade = Trade {
            header: header(Trade::KIND, maker.instrument, time),
            // As Nasdaq sends both since 2010 and 2014 (ITCH 5.0 §4.5.1).
            order_ref: U64::new(0),
            side: b'B',
            shares,
            stock: self.symbol(maker.instrument).0,
            price: wire_price(execution.price),
            match_number,
        };
        each(trade.as_bytes());
    }

    fn added(&self, order: &Order, context: &Context<'_>, each: &mut dyn FnMut(&[u8])) {
        if !order.is_displayed() {
            return;
        }
        let add = AddOrder {
            header: header(AddOrder::KIND, order.instrument, context.time),
            order_ref: U64::new(order.order_ref.0),
            side: order.side as u8,
            shares: U32::new(order.open.0),
            stock: self.symbol(order.instrument).0,
            price: wire_price(order.price()),
        };
        let Some(attribution) = (context.attribution)(order.owner) else {
            each(add.as_bytes());
            return;
        };
        let AddOrder { order_ref, side, shares, stock, price, .. } = add;
        let header = header(AddOrderMpid::KIND, order.instrument, context.time);
        let add = AddOrderMpid { header, order_ref, side, shares, stock, price, attribution };
        each(add.as_bytes());
    }

    fn replaced(
        &self,
        old: &Order,
        new: &Order,
        rests: bool,
        context: &Context<'_>,
        each: &mut dyn FnMut(&[u8]),
    ) {
        let shown = rests && new.is_displayed();
        // A replace message cannot change the attribution (§4.4.5).
        let same = (context.attribution)(old.owner) == (context.attribution)(new.owner);
        if shown && same && old.is_displayed() {
            let replace = OrderReplace {
                header: header(OrderReplace::KIND, new.instrument, context.time),
                original_ref: U64::new(old.order_ref.0),
                new_ref: U64::new(new.order_ref.0),
                shares: U32::new(new.open.0),
                price: wire_price(new.price()),
            };
            each(replace.as_bytes());
            return;
        }
        if old.is_displayed() {
            deleted(old, context.time, each);
        }
        if shown {
            self.added(new, context, each);
        }
    }
}

/// The common prefix of a message of now.
pub(crate) fn header(kind: u8, instrument: InstrumentId, time: Nanos) -> Header {
    Header::new(kind, instrument, 0, time)
}

fn cross_filled(fill: &CrossFill, time: Nanos, each: &mut dyn FnMut(&[u8])) {
    let executed = OrderExecutedPrice {
        header: header(OrderExecutedPrice::KIND, fill.order.instrument, time),
        order_ref: U64::new(fill.order.order_ref.0),
        shares: U32::new(fill.qty.0),
        match_number: U64::new(fill.match_number.0),
        // The cross message carries the volume.
        printable: b'N',
        price: wire_price(fill.price),
    };
    each(executed.as_bytes());
}

fn canceled(order: &Order, shares: u32, time: Nanos, each: &mut dyn FnMut(&[u8])) {
    if order.open.0 == 0 {
        deleted(order, time, each);
        return;
    }
    let header = header(OrderCancel::KIND, order.instrument, time);
    let order_ref = U64::new(order.order_ref.0);
    each(OrderCancel { header, order_ref, shares: U32::new(shares) }.as_bytes());
}

fn deleted(order: &Order, time: Nanos, each: &mut dyn FnMut(&[u8])) {
    let header = header(OrderDelete::KIND, order.instrument, time);
    each(OrderDelete { header, order_ref: U64::new(order.order_ref.0) }.as_bytes());
}

/// The engine's prices are within 32 bits; one that is not shows as the largest.
fn wire_price(price: Price) -> U32 {
    U32::new(u32::try_from(price.0.max(0)).unwrap_or(u32::MAX))
}

/// Price variation indicator: how far the near price is from the reference, in per cent (§4.6).
fn variation(near: Price, reference: Price) -> u8 {
    if near.0 <= 0 || reference.0 <= 0 {
        return b' ';
    }
    match near.0.abs_diff(reference.0).saturating_mul(100) / reference.0.unsigned_abs() {
        0 => b'L',
        // One digit.
        percent @ 1..=9 => b'0' + percent as u8,
        10..=19 => b'A',
        20..=29 => b'B',
        _ => b'C',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_is_in_steps_of_a_per_cent() {
        assert_eq!(variation(Price(0), Price(100)), b' ');
        assert_eq!(variation(Price(10_099), Price(10_000)), b'L');
        assert_eq!(variation(Price(9_900), Price(10_000)), b'1');
        assert_eq!(variation(Price(10_999), Price(10_000)), b'9');
        assert_eq!(variation(Price(11_000), Price(10_000)), b'A');
        assert_eq!(variation(Price(8_000), Price(10_000)), b'B');
        assert_eq!(variation(Price(30_000), Price(10_000)), b'C');
    }
}
