//! A simulated market as a recording: its participants at the venue's own matching engine, without
//! anybody who would want to trade with them.

use crate::cli::MarketName;
use anyhow::Result;
use tercel_backtest::Store;
use tercel_backtest::ledger::Contract;
use tercel_backtest::read::venue_event;
use tercel_backtest::store::{Builder, Grain, When};
use tercel_exchange::matching::{Event, Listing, Matching};
use tercel_market::l2::{INSTRUMENT, Scenario};
use tercel_types::{Nanos, Price, TradingState};

/// Open orders that the engine holds.
const ORDERS_MAX: usize = 1 << 16;

/// The market's numbers.
pub(super) fn scenario(market: MarketName) -> Scenario {
    match market {
        MarketName::Demo => Scenario::demo(),
        MarketName::Agents => Scenario::agents(),
        MarketName::ZeroIntelligence => Scenario::zero_intelligence(),
    }
}

/// Its first instrument from the empty book to `end`; `progress` is told the time now and then.
pub(super) fn record(
    scenario: &Scenario,
    seed: u64,
    end: Nanos,
    progress: &dyn Fn(Nanos),
) -> Result<Store> {
    let mut agents = scenario.participants(0, seed)?;
    let one = scenario.instruments[0];
    let (symbol, reference) = (one.symbol, one.flow.initial_price);
    let mut engine = Matching::new(ORDERS_MAX);
    let (increment, state) = (Price::CENT.0, TradingState::Trading);
    engine.list(&Listing { instrument: INSTRUMENT, symbol, increment, reference, state });
    let mut builder = Builder::new(Grain::Orders);
    if let Some(place) = builder.instrument(Contract::stock(INSTRUMENT, symbol)) {
        builder.open(When::at(Nanos(0)), place);
    }
    let mut events = Vec::new();
    let mut acts = 0_u32;
    // The earliest, of several the first, as in a session.
    while let Some(at) = (0..agents.len()).min_by_key(|at| agents[*at].next_time()) {
        let now = agents[at].next_time();
        if now >= end {
            break;
        }
        acts = acts.wrapping_add(1);
        if acts.is_multiple_of(1 << 14) {
            progress(now);
        }
        let Some(command) = agents[at].act(&engine) else { continue };
        events.clear();
        engine.apply(&command, &mut events);
        for event in &events {
            venue_event(&mut builder, event, When::at(now));
            let Event::Executed(trade) = event else { continue };
            for order in [&trade.maker, &trade.taker] {
                // The venue's own flow has account 0, the agents count from 1.
                let agent = usize::from(order.account().0).checked_sub(1);
                if let Some(agent) = agent.and_then(|at| agents.get_mut(at)) {
                    agent.on_fill(order.side, trade.price, trade.qty);
                }
            }
        }
    }
    Ok(builder.finish())
}
