//! Nothing appears and nothing is lost: shares, cash and orders agree between the venue's engine,
//! the production book, the participant's risk and the account that the venue keeps of it.

use tercel_exchange::Fees;
use tercel_exchange::matching::MarketRead;
use tercel_market::l2::{INSTRUMENT, Participant, Quotes, Scenario, Session};
use tercel_policy::{AvellanedaStoikov, FixedSpread, Glft, StrategyConfig, Volatility};
use tercel_types::{Money, Nanos, Price, Side};

fn strategies() -> Vec<StrategyConfig> {
    let volatility = Volatility::Realised { min: 0.002, max: 0.05 };
    vec![
        StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 0.5, skew_ticks: 3.0 }),
        StrategyConfig::Glft(Glft { gamma: 0.1, k: 150.0, a: 1.0, volatility }),
        StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
            gamma: 0.1,
            k: 150.0,
            horizon_s: 60.0,
            volatility,
        }),
    ]
}

/// A session with every strategy in it, stopped and quiet.
fn played(mut scenario: Scenario, instrument: usize, seed: u64) -> Session {
    scenario.fees = Fees { added: Money(-20), removed: Money(30), cross: Money(0) };
    let mut session = scenario.session(instrument, seed).expect("a session");
    for strategy in strategies() {
        let at = scenario.join(&mut session, instrument, strategy).expect("a participant");
        session.trader_mut(at).set_quotes(Quotes::Strategy);
    }
    let end = session.now() + Nanos::from_secs(20);
    session.advance(end);
    for at in 0..session.traders() {
        session.trader_mut(at).set_quotes(Quotes::None);
        session.decide(at);
    }
    // A cancel that crosses a replace on the way is asked for again at the next event.
    session.advance(end + Nanos::from_secs(2));
    session
}

fn agree(session: &mut Session) {
    let mid_x2 = session.mid_x2();
    let mut fills = 0;
    for at in 0..session.traders() {
        let trader = session.trader(at);
        let account = trader.account();
        assert!(trader.is_idle(), "an order is left");
        assert_eq!(trader.risk().position(INSTRUMENT), account.position);
        assert_eq!(account.position, account.bought as i64 - account.sold as i64);
        // Risk knows nothing of fees.
        let cash = account.cash.0 + account.fees.0;
        assert_eq!(trader.risk().account().cash, Money(cash));
        assert_eq!(trader.risk().account().open_orders, 0);
        assert!(trader.risk().tripped().is_none());
        let risk = trader.risk().counters();
        assert_eq!((risk.unaccounted, risk.adopted), (0, 0));
        let units = (2 * account.cash.0 + account.position * mid_x2) as f64;
        assert!((account.value(mid_x2) * 2.0 * Price::PER_DOLLAR as f64 - units).abs() < 1e-3);
        assert!(account.position_most <= 1_000 + 200, "{}", account.position_most);
        fills += account.fills;
    }
    assert!(fills > 20, "only {fills} executions");
}

#[test]
fn accounts_agree_in_the_demos_market() {
    for instrument in 0..4 {
        agree(&mut played(Scenario::demo(), instrument, 11 + instrument as u64));
    }
}

#[test]
fn accounts_agree_among_agents() {
    agree(&mut played(Scenario::agents(), 0, 5));
    agree(&mut played(Scenario::zero_intelligence(), 0, 6));
}

#[test]
fn the_production_book_is_the_venues_book() {
    for scenario in [Scenario::demo(), Scenario::agents(), Scenario::zero_intelligence()] {
        let session = played(scenario, 0, 3);
        assert!(session.is_quiet());
        for side in [Side::Buy, Side::Sell] {
            let venue: Vec<_> = session.matching().levels(INSTRUMENT, side).collect();
            let book: Vec<_> = session.books().depth(INSTRUMENT, side).collect();
            assert!(venue.len() > 2);
            assert_eq!(venue, book);
        }
        let venue = session.matching().displayed_orders(INSTRUMENT);
        let venue: Vec<_> =
            venue.map(|order| (order.order_ref, order.price(), order.open)).collect();
        let mut book: Vec<_> = session
            .books()
            .orders(INSTRUMENT)
            .map(|order| (order.order_ref, order.price, order.qty))
            .collect();
        let mut sorted = venue.clone();
        sorted.sort();
        book.sort();
        assert_eq!(sorted, book);
        let odd = session.books().counters();
        assert_eq!(odd.unknown_orders + odd.duplicate_orders + odd.over_executions, 0);
    }
}

#[test]
fn what_participants_gain_the_background_loses() {
    // Zero intelligence has one account: its cash is what its executions left it.
    let mut scenario = Scenario::zero_intelligence();
    scenario.background.retain(|one| matches!(one, Participant::ZeroIntelligence(_)));
    let mut session = played(scenario, 0, 9);
    let mid_x2 = session.mid_x2();
    let (mut shares, mut fees) = (0, 0);
    for at in 0..session.traders() {
        shares += session.trader(at).account().position;
        fees += session.trader(at).account().fees.0;
    }
    // All three quote post-only and get the rebate.
    let traded: u64 = (0..session.traders())
        .map(|at| session.trader(at).account())
        .map(|account| account.bought + account.sold)
        .sum();
    assert_eq!(fees, -20 * traded as i64);
    assert!(shares.abs() < 4_000 && mid_x2 > 0);
    assert!(session.matching().orders_open() > 10);
    assert!(session.matching().touch(INSTRUMENT, Side::Buy).is_some());
}
