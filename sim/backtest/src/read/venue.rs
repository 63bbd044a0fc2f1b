//! The venue of this project, in process: its matching engine with its background flow, and what
//! happens there as a recording.
//!
//! The same as reading a tape of the venue's ITCH, without the tape.

use crate::ledger::Contract;
use crate::store::{Builder, Grain, Store, When};
use tercel_exchange::flow::{Flow, FlowConfig, FlowError};
use tercel_exchange::matching::{Event, Listing, Matching};
use tercel_types::{Nanos, Price, Qty, Symbol, TradingState};

/// Open orders that the engine holds at most.
const ORDERS_MAX: usize = 1 << 20;

/// Runs the flow from its start for `length` and records it. Symbols are those of the flow, named
/// by their numbers, and trade from the start.
///
/// # Errors
/// A flow that cannot be.
pub fn venue(flow: &FlowConfig, length: Nanos) -> Result<Store, FlowError> {
    let mut market = Matching::new(ORDERS_MAX);
    let mut builder = Builder::new(Grain::Orders);
    for (at, one) in flow.symbols.iter().enumerate() {
        let symbol = Symbol::new(&format!("V{at:02}")).unwrap_or_default();
        let (instrument, reference) = (one.instrument, one.initial_price);
        let (increment, state) = (one.increment, TradingState::Trading);
        market.list(&Listing { instrument, symbol, increment, reference, state });
        if let Some(place) = builder.instrument(Contract::stock(instrument, symbol)) {
            builder.open(When::at(flow.start), place);
        }
    }
    let mut source = Flow::new(flow.clone())?;
    let mut events = Vec::new();
    let end = Nanos(flow.start.0.saturating_add(length.0));
    while let Some((time, command)) = source.next(end, &market) {
        events.clear();
        market.apply(&command, &mut events);
        for event in &events {
            record(&mut builder, event, When::at(time));
        }
    }
    Ok(builder.finish())
}

/// What everybody is told of one event (`sim/exchange/src/market_data.rs`).
pub fn record(builder: &mut Builder, event: &Event, when: When) {
    builder.quality.read += 1;
    match event {
        Event::Rested { order } if order.is_displayed() => {
            let Some(place) = builder.place(order.instrument) else { return };
            let qty = order.open.0.into();
            builder.add(when, place, order.order_ref.0, order.side, order.price(), qty);
        }
        Event::Executed(execution) if execution.maker.is_displayed() => {
            builder.execute(when, execution.maker.order_ref.0, execution.qty.0.into(), true);
        }
        Event::Executed(execution) => {
            let Some(place) = builder.place(execution.maker.instrument) else { return };
            builder.trade(when, place, None, execution.price, execution.qty.0.into());
        }
        Event::Canceled { order, qty, from_book: true, .. } if order.is_displayed() => {
            let qty = (order.open > Qty::ZERO).then_some(u64::from(qty.0));
            builder.reduce(when, order.order_ref.0, qty);
        }
        Event::Replaced { old, new, rests: true, .. }
            if old.is_displayed() && new.is_displayed() =>
        {
            let (price, qty): (Price, u64) = (new.price(), new.open.0.into());
            builder.replace(when, old.order_ref.0, new.order_ref.0, price, qty);
        }
        Event::Replaced { old, .. } if old.is_displayed() => {
            builder.reduce(when, old.order_ref.0, None);
        }
        _ => builder.quality.ignored += 1,
    }
}
