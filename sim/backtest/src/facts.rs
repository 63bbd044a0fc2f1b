//! A recording as ticks, on which the stylised facts of a market are measured
//! (`tercel_validation::Facts`).

use crate::event::{Event, EventKind, bit};
use crate::market::Market;
use crate::store::Store;
use tercel_types::{Nanos, Side};
use tercel_validation::Tick;

/// The touch and the trades of the instrument in `place` from a time on: a tick for each instant
/// after which the touch or its sizes are different, or at which somebody traded. What one order
/// trades with several others is one trade. Prices are in dollars, sizes in shares or coins.
///
/// Trades whose side is not known are left out, and so is a market without one of the sides, or
/// crossed.
pub fn ticks(store: &Store, place: u16, from: Nanos) -> Vec<Tick> {
    let Some(one) = store.instruments.get(usize::from(place)) else { return Vec::new() };
    let lots = f64::from(one.contract.lots.max(1));
    let mut market = Market::new(store);
    let (mut ticks, mut told, mut traded) = (Vec::new(), None, 0.0);
    let mut events = store.events.iter().filter(|event| event.instrument == place).peekable();
    while let Some(event) = events.next() {
        traded += signed(event);
        market.apply(event);
        if events.peek().is_some_and(|next| next.time == event.time) {
            continue;
        }
        let best = |side| market.best(store, place, side);
        let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) else { continue };
        let same = told.replace((bid, ask)) == Some((bid, ask));
        if event.time < from {
            traded = 0.0;
        } else if (!same || traded != 0.0) && bid.0 < ask.0 {
            let [bid_price, ask_price] = [bid.0, ask.0].map(|price| one.contract.price(price));
            ticks.push(Tick {
                time: event.time.0,
                mid: 0.5 * (bid_price + ask_price),
                spread: ask_price - bid_price,
                depth: 0.5 * (bid.1 as f64 + ask.1 as f64) / lots,
                traded: core::mem::take(&mut traded) / lots,
            });
        }
    }
    ticks
}

/// Lots traded, positive where the buyer came to the seller.
fn signed(event: &Event) -> f64 {
    let counts = match event.kind {
        EventKind::Execute => !event.has(bit::NOT_PRINTED),
        EventKind::Trade => !event.has(bit::NO_SIDE),
        _ => false,
    };
    if counts { event.side().opposite().sign() as f64 * f64::from(event.qty) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Contract;
    use crate::store::{Builder, Grain, When};
    use tercel_types::{InstrumentId, Price, Symbol};

    #[test]
    fn an_instant_is_one_tick_and_what_changes_nothing_is_none() {
        let mut builder = Builder::new(Grain::Orders);
        let contract = Contract { lots: 10, ..Contract::stock(InstrumentId(1), Symbol::default()) };
        builder.instrument(contract);
        let at = |time| When::at(Nanos(time));
        builder.add(at(1), 0, 1, Side::Buy, Price(10_000), 50);
        builder.add(at(2), 0, 2, Side::Sell, Price(10_200), 20);
        builder.add(at(3), 0, 3, Side::Sell, Price(10_300), 40);
        builder.add(at(4), 0, 4, Side::Buy, Price(9_900), 10); // behind the touch
        builder.execute(at(5), 2, 20, true); // one order takes two
        builder.execute(at(5), 3, 10, true);
        builder.execute(at(6), 1, 5, true);
        let store = builder.finish();
        let ticks = ticks(&store, 0, Nanos(0));
        let expected = [
            Tick { time: 2, mid: 1.01, spread: 0.02, depth: 3.5, traded: 0.0 },
            Tick { time: 5, mid: 1.015, spread: 0.03, depth: 4.0, traded: 3.0 },
            Tick { time: 6, mid: 1.015, spread: 0.03, depth: 3.75, traded: -0.5 },
        ];
        assert_eq!(ticks.len(), expected.len(), "{ticks:?}");
        for (tick, expected) in ticks.iter().zip(expected) {
            assert_eq!(
                (tick.time, tick.traded, tick.depth),
                (expected.time, expected.traded, expected.depth)
            );
            assert!((tick.mid - expected.mid).abs() < 1e-12);
            assert!((tick.spread - expected.spread).abs() < 1e-12);
        }
        assert_eq!(super::ticks(&store, 0, Nanos(6)).len(), 1);
        assert!(super::ticks(&store, 1, Nanos(0)).is_empty());
    }
}
