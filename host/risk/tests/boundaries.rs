//! At each limit exactly the limit passes and one more is refused.

mod desk;

use desk::{Desk, ID, OTHER, accepted, canceled, executed, wide};
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, Reject, Risk, RiskConfig, Trip,
    VenueLimits,
};
use tercel_types::{Bands, Level, Money, Nanos, Price, Qty, Side, UserRef};

const BID: i64 = 1_000_000;

fn limited(change: impl FnOnce(&mut InstrumentLimits)) -> Desk {
    let mut limits = wide();
    change(&mut limits);
    Desk::with_limits(limits)
}

fn account(change: impl FnOnce(&mut AccountLimits)) -> Desk {
    let mut account = AccountLimits::default();
    change(&mut account);
    Desk::with(RiskConfig { account, ..Default::default() }, wide())
}

#[test]
fn order_quantity_and_notional() {
    let mut desk = limited(|limits| limits.order_qty_max = Qty(10));
    assert_eq!(desk.buy(BID, 11), Err(Reject::OrderQty));
    assert!(desk.buy(BID, 10).is_ok());
    let mut desk = limited(|limits| limits.order_notional_max = Money(10 * BID));
    assert_eq!(desk.buy(BID + 100, 10), Err(Reject::OrderNotional));
    assert!(desk.buy(BID, 10).is_ok());
}

#[test]
fn ticks_are_a_cent_from_a_dollar_and_a_hundredth_of_it_below() {
    let mut desk = limited(|limits| limits.collar_bps = Some(10_000));
    desk.view = desk::market(10_000, 10_100);
    assert_eq!(desk.buy(10_001, 1), Err(Reject::PriceTick));
    assert_eq!(desk.buy(0, 1), Err(Reject::PriceNotPositive));
    assert_eq!(desk.buy(-100, 1), Err(Reject::PriceNotPositive));
    for price in [10_000, 9_999, 1] {
        assert!(desk.buy(price, 1).is_ok());
    }
}

#[test]
fn collar_in_basis_points_and_absolute() {
    // Below a dollar one unit is one tick: 100 basis points of 0.5000 are 0.0050.
    for (bps, abs) in [(Some(100), None), (Some(10_000), Some(Price(50))), (None, Some(Price(50)))]
    {
        let mut desk = limited(|limits| {
            limits.collar_bps = bps;
            limits.collar_abs = abs;
        });
        desk.view = desk::market(4_990, 5_010);
        assert_eq!(desk.buy(4_949, 1), Err(Reject::PriceCollar));
        assert_eq!(desk.sell(5_051, 1), Err(Reject::PriceCollar));
        assert!(desk.buy(4_950, 1).is_ok() && desk.sell(5_050, 1).is_ok());
    }
}

#[test]
fn reference_falls_back_to_the_last_trade() {
    let mut desk = limited(|limits| limits.collar_abs = Some(Price(1_000)));
    desk.view.top.ask = Level::default();
    assert_eq!(desk.buy(BID, 1), Err(Reject::NoReference));
    desk.view.last_trade = Price(BID + 1_000);
    assert!(desk.buy(BID, 1).is_ok());
    assert_eq!(desk.buy(BID - 100, 1), Err(Reject::PriceCollar));
}

#[test]
fn bands_include_their_ends() {
    let mut desk = Desk::new();
    desk.view.bands = Some(Bands { lower: Price(BID), upper: Price(BID + 500) });
    assert_eq!(desk.buy(BID - 100, 1), Err(Reject::PriceBands));
    assert_eq!(desk.sell(BID + 600, 1), Err(Reject::PriceBands));
    assert!(desk.buy(BID, 1).is_ok() && desk.sell(BID + 500, 1).is_ok());
}

#[test]
fn position_counts_every_open_order_of_the_side() {
    let mut desk = limited(|limits| limits.position_max = 100);
    desk.fill(Side::Buy, BID, 40);
    let open = desk.buy(BID, 50).unwrap();
    assert_eq!(desk.buy(BID, 11), Err(Reject::Position));
    let last = desk.buy(BID, 10).unwrap();
    assert_eq!(desk.buy(BID, 1), Err(Reject::Position));
    desk.ack(executed(open, Side::Buy, BID, 30, 20));
    assert_eq!(desk.buy(BID, 1), Err(Reject::Position));
    desk.ack(canceled(open, Side::Buy, BID, 20, 0));
    assert_eq!(desk.buy(BID, 21), Err(Reject::Position));
    assert!(desk.buy(BID, 20).is_ok());
    // Held 70 with 30 to buy: the other side may sell 170.
    assert_eq!(desk.sell(BID + 1_000, 171), Err(Reject::Position));
    assert!(desk.sell(BID + 1_000, 170).is_ok());
    desk.ack(accepted(last, Side::Buy, BID, 10));
}

#[test]
fn what_reduces_a_position_beyond_its_limit_passes() {
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 100);
    desk.risk.bind(ID, InstrumentLimits { position_max: 10, ..wide() }).unwrap();
    assert_eq!(desk.buy(BID, 1), Err(Reject::Position));
    assert!(desk.sell(BID + 1_000, 110).is_ok());
    assert_eq!(desk.sell(BID + 1_000, 1), Err(Reject::Position));
}

#[test]
fn a_replace_that_makes_nothing_worse_passes_beyond_every_limit() {
    let mut desk = Desk::new();
    let order = desk.buy(BID, 100).unwrap();
    let small =
        InstrumentLimits { position_max: 1, gross_max: Money(1), net_max: Money(1), ..wide() };
    desk.risk.bind(ID, small).unwrap();
    let account = AccountLimits {
        gross_max: Money(1),
        net_max: Money(1),
        credit_max: Money(1),
        ..Default::default()
    };
    desk.risk.set_account_limits(account).unwrap();
    assert_eq!(desk.replace(order, BID, 101), Err(Reject::Position));
    assert_eq!(desk.replace(order, BID + 100, 100), Err(Reject::InstrumentGross));
    assert!(desk.replace(order, BID - 100, 100).is_ok());
}

#[test]
fn instrument_gross_and_net() {
    let mut desk = limited(|limits| limits.net_max = Money(10 * BID));
    assert_eq!(desk.buy(BID, 11), Err(Reject::InstrumentNet));
    assert!(desk.buy(BID, 10).is_ok());
    assert_eq!(desk.sell(BID + 100, 10), Err(Reject::InstrumentNet));
    assert!(desk.sell(BID + 100, 9).is_ok());

    let mut desk = limited(|limits| limits.gross_max = Money(20 * BID));
    assert!(desk.buy(BID, 10).is_ok());
    assert_eq!(desk.sell(BID + 100, 10), Err(Reject::InstrumentGross));
    assert!(desk.sell(BID + 100, 9).is_ok());
}

#[test]
fn account_gross_net_and_credit_run_over_instruments() {
    for (reject, limit) in [
        (Reject::AccountGross, 20 * BID),
        (Reject::AccountNet, 20 * BID),
        (Reject::Credit, 20 * BID),
    ] {
        let mut desk = account(|account| match reject {
            Reject::AccountGross => account.gross_max = Money(limit),
            Reject::AccountNet => account.net_max = Money(limit),
            _ => account.credit_max = Money(limit),
        });
        desk.risk.bind(OTHER, wide()).unwrap();
        desk.fill(Side::Buy, BID, 5);
        desk.enter_in(OTHER, Side::Buy, BID, 5).unwrap();
        assert_eq!(desk.buy(BID, 11), Err(reject), "{reject:?}");
        assert!(desk.buy(BID, 10).is_ok(), "{reject:?}");
        assert_eq!(desk.enter_in(OTHER, Side::Buy, BID, 1), Err(reject), "{reject:?}");
    }
}

#[test]
fn a_short_is_covered_from_its_own_proceeds_and_lends_none() {
    let mut desk = account(|account| account.credit_max = Money(10 * BID));
    desk.risk.bind(OTHER, wide()).unwrap();
    desk.fill(Side::Sell, BID + 1_000, 50);
    assert_eq!(desk.risk.account().credit_used, Money(0));
    assert_eq!(desk.enter_in(OTHER, Side::Buy, BID, 11), Err(Reject::Credit));
    assert!(desk.buy(BID, 50).is_ok());
    assert_eq!(desk.risk.account().credit_used, Money(0));
    assert!(desk.enter_in(OTHER, Side::Buy, BID, 10).is_ok());
}

#[test]
fn located_shares_and_the_price_test() {
    let mut desk = limited(|limits| limits.located = 10);
    desk.fill(Side::Buy, BID, 5);
    assert_eq!(desk.sell(BID + 1_000, 16), Err(Reject::NoLocate));
    assert!(desk.sell(BID + 1_000, 15).is_ok());
    assert_eq!(desk.sell(BID + 1_000, 1), Err(Reject::NoLocate));

    let mut desk = Desk::new();
    desk.view.short_restricted = true;
    assert_eq!(desk.sell(BID, 1), Err(Reject::ShortRestricted));
    assert!(desk.sell(BID + 100, 1).is_ok());
    desk.view.top.bid = Level::default();
    desk.view.last_trade = Price(BID);
    assert_eq!(desk.sell(BID + 100, 1), Err(Reject::ShortRestricted));
    // A long sale is not tested.
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 5);
    desk.view.short_restricted = true;
    assert!(desk.sell(BID, 5).is_ok());
}

#[test]
fn order_counts() {
    let mut desk = limited(|limits| limits.open_orders_max = 2);
    let first = desk.buy(BID, 1).unwrap();
    desk.buy(BID, 2).unwrap();
    assert_eq!(desk.buy(BID, 3), Err(Reject::InstrumentOrders));
    desk.ack(canceled(first, Side::Buy, BID, 1, 0));
    assert!(desk.buy(BID, 3).is_ok());

    let config = RiskConfig { orders_max: 2, ..Default::default() };
    let mut desk = Desk::with(config, wide());
    desk.risk.bind(OTHER, wide()).unwrap();
    desk.buy(BID, 1).unwrap();
    let second = desk.enter_in(OTHER, Side::Buy, BID, 1).unwrap();
    assert_eq!(desk.buy(BID, 2), Err(Reject::AccountOrders));
    desk.replace(second, BID, 5).unwrap();
}

#[test]
fn duplicates_within_the_window_only() {
    let mut desk = limited(|limits| limits.duplicate_window = Nanos(1_000));
    desk.buy(BID, 10).unwrap();
    desk.now = desk.now + Nanos(999);
    assert_eq!(desk.buy(BID, 10), Err(Reject::Duplicate));
    assert!(desk.buy(BID, 11).is_ok() && desk.buy(BID - 100, 10).is_ok());
    desk.now = desk.now + Nanos(1);
    assert!(desk.buy(BID, 10).is_ok());
}

#[test]
fn own_orders_never_meet() {
    let mut desk = Desk::new();
    let bid = desk.buy(BID, 10).unwrap();
    assert_eq!(desk.sell(BID, 10), Err(Reject::SelfMatch));
    assert!(desk.sell(BID + 100, 10).is_ok());
    // While a replace is under way both prices count.
    let raised = desk.replace(bid, BID - 200, 10).unwrap();
    assert_eq!(desk.sell(BID, 10), Err(Reject::SelfMatch));
    desk.ack(desk::replaced(raised, bid, Side::Buy, BID - 200, 10));
    assert!(desk.sell(BID, 10).is_ok());
    assert_eq!(desk.replace(raised, BID, 10), Err(Reject::SelfMatch));
}

#[test]
fn rates_and_ratios_come_back_with_time_and_fills() {
    let rate = RateLimit { burst: 2, per_second: 10 };
    let mut desk = limited(|limits| limits.rate = rate);
    assert!(desk.buy(BID, 1).is_ok() && desk.buy(BID, 2).is_ok());
    desk.now = desk.now + Nanos(99_999_999);
    assert_eq!(desk.buy(BID, 3), Err(Reject::InstrumentRate));
    desk.now = desk.now + Nanos(1);
    assert!(desk.buy(BID, 3).is_ok());

    let ratio = RatioLimit { burst: 2, per_fill: 1, per_second: 0 };
    let venue = VenueLimits { ratio, ..Default::default() };
    let mut desk = Desk::with(RiskConfig { venue, ..Default::default() }, wide());
    let first = desk.buy(BID, 10).unwrap();
    desk.buy(BID, 20).unwrap();
    desk.now = desk.now + Nanos::from_secs(3_600);
    assert_eq!(desk.buy(BID, 3), Err(Reject::VenueRatio));
    desk.ack(executed(first, Side::Buy, BID, 1, 9));
    assert!(desk.buy(BID, 3).is_ok());
    assert_eq!(desk.buy(BID, 4), Err(Reject::VenueRatio));
}

#[test]
fn loss_limits_trip_beyond_and_not_at_the_limit() {
    let mut desk = account(|account| account.realised_loss_max = Money(1_000));
    desk.fill(Side::Buy, BID, 10);
    desk.fill(Side::Sell, BID - 100, 10);
    assert_eq!(desk.risk.account().realised, Money(-1_000));
    assert_eq!(desk.risk.tripped(), None);
    desk.fill(Side::Buy, BID, 10);
    desk.fill(Side::Sell, BID - 100, 10);
    assert_eq!(desk.risk.tripped(), Some(Trip::RealisedLoss));
    assert_eq!(desk.buy(BID, 10), Err(Reject::Tripped));
    assert_eq!(desk.risk.counters().trips, 1);

    let mut desk = account(|account| account.unrealised_loss_max = Money(5_000));
    desk.fill(Side::Buy, BID, 10);
    let mut mark = |mid: i64| {
        let view = desk::market(mid - 100, mid + 100);
        desk.risk.mark(ID, &view, desk.now)
    };
    assert_eq!(mark(BID - 500), None);
    assert_eq!(mark(BID - 501), Some(Trip::UnrealisedLoss));
    assert_eq!(mark(BID), Some(Trip::UnrealisedLoss));
}

#[test]
fn drawdown_is_measured_from_the_peak_and_a_reset_starts_a_new_one() {
    let mut desk = account(|account| account.drawdown_max = Money(5_000));
    desk.fill(Side::Buy, BID, 10);
    let mark =
        |risk: &mut Risk, mid: i64| risk.mark(ID, &desk::market(mid - 100, mid + 100), Nanos(0));
    assert_eq!(mark(&mut desk.risk, BID + 400), None);
    assert_eq!(mark(&mut desk.risk, BID - 100), None);
    assert_eq!(desk.risk.account().drawdown, Money(5_000));
    assert_eq!(mark(&mut desk.risk, BID - 101), Some(Trip::Drawdown));
    desk.risk.reset();
    assert_eq!((desk.risk.tripped(), desk.risk.account().drawdown), (None, Money(0)));
    assert_eq!(mark(&mut desk.risk, BID - 601), None);
    assert_eq!(mark(&mut desk.risk, BID - 602), Some(Trip::Drawdown));
}

#[test]
fn a_stale_or_one_sided_book_does_not_mark() {
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 10);
    let mut view = desk::market(BID, BID + 200);
    view.stale = true;
    desk.risk.mark(ID, &view, desk.now);
    assert_eq!(desk.risk.exposure(ID).mark, Price(0));
    view.stale = false;
    view.top.bid = Level::default();
    desk.risk.mark(ID, &view, desk.now);
    assert_eq!(desk.risk.exposure(ID).mark, Price(0));
    view.last_trade = Price(BID + 70);
    desk.risk.mark(ID, &view, desk.now);
    assert_eq!(desk.risk.exposure(ID).unrealised, Money(700));
}

#[test]
fn rooms_are_bounded_and_say_so() {
    let config = RiskConfig { instruments_max: 1, ..Default::default() };
    let mut risk = Risk::new(config).unwrap();
    risk.bind(ID, wide()).unwrap();
    assert_eq!(risk.bind(OTHER, wide()).unwrap_err().field, "instruments_max");
    assert!(!risk.carry(OTHER, 5, Price(BID)));
    assert_eq!(risk.tripped(), Some(Trip::Unaccounted));
    let config = RiskConfig { orders_max: 0, ..Default::default() };
    assert_eq!(Risk::new(config).unwrap_err().field, "orders_max");
}

#[test]
fn the_kill_switch_holds_until_reset_and_limits_can_be_taken_away() {
    let mut desk = Desk::new();
    desk.risk.kill();
    desk.risk.kill();
    assert_eq!((desk.risk.tripped(), desk.risk.counters().trips), (Some(Trip::Killed), 1));
    assert_eq!(desk.buy(BID, 1), Err(Reject::Killed));
    desk.risk.reset();
    let order = desk.buy(BID, 1).unwrap();
    desk.risk.unbind(ID);
    assert!(desk.risk.limits(ID).is_none());
    assert_eq!(desk.buy(BID, 2), Err(Reject::UnknownInstrument));
    assert_eq!(desk.replace(order, BID, 2), Err(Reject::UnknownInstrument));
    assert_eq!(desk.cancel(order), Ok(()));
    assert_eq!(desk.cancel(UserRef(77)), Err(Reject::UnknownOrder));
}
