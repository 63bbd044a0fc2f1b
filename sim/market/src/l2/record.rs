//! What the matching engine did, as the records that the feed's decoder would hand on.
//!
//! The venue tells of events in ITCH and the host decodes them into records; both directions have
//! their own tests. Here the two are taken together, without the bytes between them:
//! `tests/l2_venue.rs` holds the result against a real venue's messages.

use tercel_abi::{EventRecord, Kind};
use tercel_exchange::matching::{CrossFill, Event, Execution, Order};
use tercel_types::{InstrumentId, Nanos, Price, Symbol, TradingState};

/// The record of one event of `time`; none for what the feed does not tell of, such as most events
/// about hidden orders.
#[inline]
pub(super) fn tell(event: &Event, time: Nanos) -> Option<EventRecord> {
    Some(match event {
        Event::Rested { order } if order.is_displayed() => added(order, time),
        Event::Executed(execution) => executed(execution, time),
        Event::Canceled { order, qty, from_book: true, .. } if order.is_displayed() => {
            canceled(order, qty.0, time)
        }
        Event::Replaced { old, new, rests, .. } => {
            let shown = *rests && new.is_displayed();
            match (old.is_displayed(), shown) {
                (true, true) => EventRecord {
                    price: new.price().0,
                    quantity: u64::from(new.open.0),
                    order_ref: old.order_ref.0,
                    second_ref: new.order_ref.0,
                    ..of(Kind::Replaced, new.instrument, time)
                },
                (true, false) => deleted(old, time),
                (false, true) => added(new, time),
                (false, false) => return None,
            }
        }
        Event::CrossFilled(fill) if fill.order.is_displayed() => cross_filled(fill, time),
        // No symbol: the books know the instrument from its directory record.
        Event::Crossed { instrument, kind, price, qty, match_number } => EventRecord {
            tag: u16::from(kind.wire()),
            price: price.0,
            quantity: *qty,
            second_ref: match_number.0,
            ..of(Kind::Cross, *instrument, time)
        },
        Event::StateChanged { instrument, state, .. } => action(*instrument, *state, time),
        Event::Rejected { .. }
        | Event::Accepted { .. }
        | Event::Rested { .. }
        | Event::Canceled { .. }
        | Event::CrossFilled(_) => return None,
    })
}

/// The directory's record of an instrument.
pub(super) fn directory(instrument: InstrumentId, symbol: Symbol, time: Nanos) -> EventRecord {
    EventRecord {
        quantity: 100,
        order_ref: u64::from_le_bytes(symbol.0),
        ..of(Kind::Directory, instrument, time)
    }
}

/// The trading action that announces a state.
pub(super) fn action(instrument: InstrumentId, state: TradingState, time: Nanos) -> EventRecord {
    let letter = match state {
        TradingState::Halted | TradingState::Unknown => b'H',
        TradingState::Paused => b'P',
        TradingState::QuotationOnly => b'Q',
        TradingState::Trading => b'T',
    };
    EventRecord { tag: u16::from(letter), ..of(Kind::TradingAction, instrument, time) }
}

#[inline]
fn of(kind: Kind, instrument: InstrumentId, time: Nanos) -> EventRecord {
    EventRecord {
        instrument: instrument.0,
        exchange_time: time.0,
        receive_time: time.0,
        ..EventRecord::new(kind)
    }
}

#[inline]
fn added(order: &Order, time: Nanos) -> EventRecord {
    EventRecord {
        side: order.side as u8,
        price: order.price().0,
        quantity: u64::from(order.open.0),
        order_ref: order.order_ref.0,
        ..of(Kind::Add, order.instrument, time)
    }
}

#[inline]
fn executed(execution: &Execution, time: Nanos) -> EventRecord {
    let maker = &execution.maker;
    let base = EventRecord {
        quantity: u64::from(execution.qty.0),
        second_ref: execution.match_number.0,
        ..of(Kind::Executed, maker.instrument, time)
    };
    if maker.is_displayed() {
        return EventRecord { order_ref: maker.order_ref.0, ..base };
    }
    // As Nasdaq sends both since 2010 and 2014 (ITCH 5.0 §4.5.1).
    let Price(price) = execution.price;
    EventRecord { kind: Kind::Trade as u8, side: b'B', price, ..base }
}

#[inline]
fn canceled(order: &Order, shares: u32, time: Nanos) -> EventRecord {
    if order.open.0 == 0 {
        return deleted(order, time);
    }
    EventRecord {
        quantity: u64::from(shares),
        order_ref: order.order_ref.0,
        ..of(Kind::Canceled, order.instrument, time)
    }
}

#[inline]
fn deleted(order: &Order, time: Nanos) -> EventRecord {
    EventRecord { order_ref: order.order_ref.0, ..of(Kind::Deleted, order.instrument, time) }
}

fn cross_filled(fill: &CrossFill, time: Nanos) -> EventRecord {
    EventRecord {
        price: fill.price.0,
        quantity: u64::from(fill.qty.0),
        order_ref: fill.order.order_ref.0,
        second_ref: fill.match_number.0,
        ..of(Kind::ExecutedPrice, fill.order.instrument, time)
    }
}
