//! Nothing reaches the simulated venue past production risk.

use tercel_market::l2::{
    INSTRUMENT, Quotes, Scenario, Session, Trader, TraderConfig, limits, risk,
};
use tercel_policy::{FixedSpread, QuoteRules, StrategyConfig};
use tercel_risk::Reject;
use tercel_types::{Money, Nanos, Qty};

fn config() -> TraderConfig {
    let strategy = FixedSpread { half_spread_ticks: 0.5, skew_ticks: 1.0 };
    TraderConfig {
        strategy: StrategyConfig::FixedSpread(strategy),
        quote: QuoteRules::default(),
        risk: risk(),
        limits: limits(),
    }
}

/// Twenty seconds of the demo's market with one participant.
fn played(config: &TraderConfig, quotes: Quotes) -> Session {
    let scenario = Scenario::demo();
    let mut session = scenario.session(1, 4).unwrap();
    let symbol = scenario.instruments[1].symbol;
    let id = Session::account_of(session.traders());
    let trader = Trader::new(id, symbol, config, session.now()).unwrap();
    let at = session.add_trader(trader);
    session.trader_mut(at).set_quotes(quotes);
    session.advance(Nanos::from_secs(20));
    session
}

fn refusals(session: &Session, reject: Reject) -> u64 {
    session.trader(0).risk().counters().rejects[reject as usize]
}

#[test]
fn what_is_restricted_is_never_sent() {
    let mut config = config();
    config.limits.restricted = true;
    let session = played(&config, Quotes::Strategy);
    assert!(refusals(&session, Reject::Restricted) > 100);
    assert_eq!(session.trader(0).counters().sent, 0);
    assert_eq!(session.trader(0).account().fills, 0);
}

#[test]
fn orders_far_from_the_market_are_outside_the_collar() {
    let quotes = Quotes::Offsets { bid: 2_000.0, ask: 2_000.0 };
    let session = played(&config(), quotes);
    assert!(refusals(&session, Reject::PriceCollar) > 100);
    assert_eq!(session.trader(0).counters().sent, 0);
}

#[test]
fn orders_larger_than_allowed_are_refused() {
    let mut config = config();
    config.quote.order_qty = Qty(2_000);
    config.quote.position_max = 2_000;
    let session = played(&config, Quotes::Strategy);
    assert!(refusals(&session, Reject::OrderQty) > 100);
    assert_eq!(session.trader(0).counters().sent, 0);
}

#[test]
fn the_position_stays_within_the_limit_of_risk() {
    let mut config = config();
    // The quoter would go to a thousand shares.
    config.limits.position_max = 200;
    let session = played(&config, Quotes::Offsets { bid: 0.0, ask: 2.5 });
    assert!(refusals(&session, Reject::Position) > 0);
    let most = session.trader(0).account().position_most;
    assert!((100..=200).contains(&most), "{most}");
    assert!(session.trader(0).risk().position(INSTRUMENT).abs() <= 200);
}

#[test]
fn a_breaker_that_has_tripped_lets_only_cancels_pass() {
    let mut config = config();
    config.risk.account.unrealised_loss_max = Money(1);
    let session = played(&config, Quotes::Offsets { bid: 0.0, ask: 0.0 });
    assert!(session.trader(0).risk().tripped().is_some());
    assert!(refusals(&session, Reject::Tripped) > 100);
    let fills = session.trader(0).account().fills;
    assert!((1..40).contains(&fills), "{fills}");
}
