//! Each reason for a refusal can be provoked, is counted as itself, and changes nothing else.

mod desk;

use desk::{Desk, ID, OTHER, accepted, executed, market, wide};
use tercel_risk::{
    AccountLimits, InstrumentLimits, Order, RateLimit, RatioLimit, Reject, RiskConfig, SaleMark,
    VenueLimits,
};
use tercel_types::{Bands, Intent, Money, Nanos, Price, Qty, Side, TradingState, UserRef};

const BID: i64 = 1_000_000;

fn account(account: AccountLimits) -> Desk {
    Desk::with(RiskConfig { account, ..Default::default() }, wide())
}

fn venue(venue: VenueLimits) -> Desk {
    Desk::with(RiskConfig { venue, ..Default::default() }, wide())
}

fn in_state(state: TradingState) -> Desk {
    let mut desk = Desk::new();
    desk.view.state = state;
    desk
}

/// Does what must be answered with `reject`, and nothing that is refused besides.
fn provoke(reject: Reject) -> (Desk, Result<UserRef, Reject>) {
    let mut desk = match reject {
        Reject::StateUnknown => in_state(TradingState::Unknown),
        Reject::Halted => in_state(TradingState::Halted),
        Reject::Paused => in_state(TradingState::Paused),
        Reject::QuotationOnly => in_state(TradingState::QuotationOnly),
        Reject::Restricted => Desk::with_limits(InstrumentLimits { restricted: true, ..wide() }),
        Reject::OrderQty => Desk::with_limits(InstrumentLimits { order_qty_max: Qty(9), ..wide() }),
        Reject::OrderNotional => Desk::with_limits(InstrumentLimits {
            order_notional_max: Money(10 * BID - 1),
            ..wide()
        }),
        Reject::Position => Desk::with_limits(InstrumentLimits { position_max: 9, ..wide() }),
        Reject::InstrumentGross => {
            Desk::with_limits(InstrumentLimits { gross_max: Money(10 * BID - 1), ..wide() })
        }
        Reject::InstrumentNet => {
            Desk::with_limits(InstrumentLimits { net_max: Money(10 * BID - 1), ..wide() })
        }
        Reject::AccountGross => {
            account(AccountLimits { gross_max: Money(10 * BID - 1), ..Default::default() })
        }
        Reject::AccountNet => {
            account(AccountLimits { net_max: Money(10 * BID - 1), ..Default::default() })
        }
        Reject::Credit => {
            account(AccountLimits { credit_max: Money(10 * BID - 1), ..Default::default() })
        }
        _ => return provoke_in_two_steps(reject),
    };
    let answer = desk.buy(BID, 10);
    (desk, answer)
}

fn provoke_in_two_steps(reject: Reject) -> (Desk, Result<UserRef, Reject>) {
    let one = RateLimit { burst: 1, per_second: 1 };
    let ratio = RatioLimit { burst: 1, per_fill: 1, per_second: 0 };
    let venue_limits = VenueLimits::default();
    let mut desk = match reject {
        Reject::NoLocate => Desk::with_limits(InstrumentLimits { located: 9, ..wide() }),
        Reject::Duplicate => {
            Desk::with_limits(InstrumentLimits { duplicate_window: Nanos(1), ..wide() })
        }
        Reject::InstrumentOrders => {
            Desk::with_limits(InstrumentLimits { open_orders_max: 1, ..wide() })
        }
        Reject::AccountOrders => {
            Desk::with(RiskConfig { orders_max: 1, ..Default::default() }, wide())
        }
        Reject::InstrumentRate => Desk::with_limits(InstrumentLimits { rate: one, ..wide() }),
        Reject::InstrumentRatio => Desk::with_limits(InstrumentLimits { ratio, ..wide() }),
        Reject::VenueRate => venue(VenueLimits { rate: one, ..venue_limits }),
        Reject::VenueRatio => venue(VenueLimits { ratio, ..venue_limits }),
        Reject::Tripped => {
            account(AccountLimits { realised_loss_max: Money(1), ..Default::default() })
        }
        _ => Desk::new(),
    };
    let answer = match reject {
        Reject::Killed => {
            desk.risk.kill();
            desk.buy(BID, 10)
        }
        Reject::Tripped => {
            desk.fill(Side::Buy, BID, 10);
            desk.fill(Side::Sell, BID - 100, 10);
            desk.buy(BID, 10)
        }
        Reject::UnknownInstrument => desk.enter_in(OTHER, Side::Buy, BID, 10),
        Reject::UnknownOrder => desk.replace(UserRef(1), BID, 10),
        Reject::PendingReplace => {
            let original = desk.buy(BID, 10).unwrap();
            desk.replace(original, BID, 11).unwrap();
            desk.replace(original, BID, 12)
        }
        Reject::PendingCancel => {
            let original = desk.buy(BID, 10).unwrap();
            desk.cancel(original).unwrap();
            desk.replace(original, BID, 12)
        }
        Reject::UserRefUsed => {
            desk.next = 5;
            desk.buy(BID, 10).unwrap();
            desk.next = 5;
            desk.buy(BID, 10)
        }
        Reject::StaleBook => {
            desk.view.stale = true;
            desk.buy(BID, 10)
        }
        Reject::CrossedBook => {
            desk.view.top.bid.price = desk.view.top.ask.price;
            desk.buy(BID, 10)
        }
        Reject::NoReference => {
            desk.view.top.ask.qty = 0;
            desk.buy(BID, 10)
        }
        Reject::ZeroQty => desk.buy(BID, 0),
        Reject::PriceNotPositive => desk.buy(0, 10),
        Reject::PriceTick => desk.buy(BID + 50, 10),
        Reject::PriceCollar => desk.buy(BID - 40_000, 10),
        Reject::PriceBands => {
            desk.view.bands = Some(Bands { lower: Price(BID + 100), upper: Price(BID + 900) });
            desk.buy(BID, 10)
        }
        Reject::SelfMatch => {
            desk.sell(BID + 1_000, 10).unwrap();
            desk.buy(BID + 1_000, 10)
        }
        Reject::NoLocate => desk.sell(BID + 1_000, 10),
        Reject::ShortRestricted => {
            desk.view.short_restricted = true;
            desk.sell(BID, 10)
        }
        _ => {
            desk.buy(BID, 10).unwrap();
            desk.buy(BID, 10)
        }
    };
    (desk, answer)
}

#[test]
fn each_reason_is_answered_and_counted_alone() {
    for reject in Reject::ALL {
        let (desk, answer) = provoke(reject);
        assert_eq!(answer, Err(reject), "{}", reject.name());
        let counters = desk.risk.counters();
        assert_eq!(counters.of(reject), 1, "{}", reject.name());
        assert_eq!(counters.rejected(), 1, "{}", reject.name());
        assert!(!reject.to_string().is_empty());
    }
}

#[test]
fn a_refusal_changes_nothing() {
    for reject in Reject::ALL {
        let (mut desk, _) = provoke(reject);
        let before = (desk.risk.account(), desk.risk.exposure(ID), desk.risk.exposure(OTHER));
        let again = match reject {
            Reject::UnknownInstrument => desk.enter_in(OTHER, Side::Buy, BID, 10),
            _ => desk.buy(-1, 0),
        };
        assert!(again.is_err());
        let after = (desk.risk.account(), desk.risk.exposure(ID), desk.risk.exposure(OTHER));
        assert_eq!(before, after, "{}", reject.name());
    }
}

#[test]
fn a_cancel_passes_whatever_the_market_and_the_breaker_say() {
    for reject in Reject::ALL {
        if matches!(reject, Reject::UnknownOrder | Reject::PendingCancel | Reject::AccountOrders) {
            continue;
        }
        let (mut desk, _) = provoke(reject);
        let known = desk.next + 1_000;
        desk.ack(accepted(UserRef(known), Side::Buy, BID, 10));
        desk.cancel(UserRef(known)).unwrap();
        assert_eq!(desk.cancel(UserRef(known)), Err(Reject::PendingCancel));
        assert_eq!(desk.cancel(UserRef(999_999)), Err(Reject::UnknownOrder));
    }
}

#[test]
fn a_cancel_takes_a_message_token_but_no_order_token() {
    let ratio = RatioLimit { burst: 3, per_fill: 2, per_second: 0 };
    let rate = RateLimit { burst: 2, per_second: 1 };
    let mut desk = Desk::with_limits(InstrumentLimits { ratio, rate, ..wide() });
    let first = desk.buy(BID, 10).unwrap();
    desk.cancel(first).unwrap();
    let second = desk.buy(BID, 11).unwrap();
    desk.cancel(second).unwrap();
    desk.now = desk.now + Nanos::from_secs(5);
    assert_eq!(desk.buy(BID, 12), Err(Reject::InstrumentRatio));
    desk.ack(executed(first, Side::Buy, BID, 5, 5));
    assert!(desk.buy(BID, 12).is_ok() && desk.buy(BID, 13).is_ok());
    desk.now = desk.now + Nanos::from_secs(5);
    assert_eq!(desk.buy(BID, 14), Err(Reject::InstrumentRatio));
}

#[test]
fn sales_are_marked_by_what_is_held_and_not_yet_offered() {
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 100);
    let mut mark = |price, qty| {
        let order = desk.check(Intent::Enter(desk::new_order(ID, Side::Sell, price, qty))).unwrap();
        match *order.get() {
            Order::Enter { mark, .. } => mark,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(mark(BID + 1_000, 60), SaleMark::Long);
    assert_eq!(mark(BID + 1_100, 40), SaleMark::Long);
    assert_eq!(mark(BID + 1_200, 1), SaleMark::Short);
    let buy = desk.check(Intent::Enter(desk::new_order(ID, Side::Buy, BID, 1))).unwrap();
    assert!(matches!(buy.get(), Order::Enter { mark: SaleMark::None, .. }));
}

#[test]
fn a_replaced_sale_does_not_stand_in_its_own_way() {
    let mut desk = Desk::new();
    desk.fill(Side::Buy, BID, 100);
    let original = desk.sell(BID + 1_000, 100).unwrap();
    desk.ack(accepted(original, Side::Sell, BID + 1_000, 100));
    let intent = Intent::Replace { original, price: Price(BID + 1_100), qty: Qty(100) };
    let order = desk.check(intent).unwrap();
    assert!(matches!(order.get(), Order::Replace { mark: SaleMark::Long, .. }));
}

#[test]
fn a_replace_is_checked_like_an_order() {
    let mut desk = Desk::with_limits(InstrumentLimits { position_max: 15, ..wide() });
    let original = desk.buy(BID, 10).unwrap();
    assert_eq!(desk.replace(original, BID + 50, 10), Err(Reject::PriceTick));
    assert_eq!(desk.replace(original, BID, 16), Err(Reject::Position));
    assert_eq!(desk.replace(original, BID, 1_001), Err(Reject::OrderQty));
    desk.view = market(BID, BID + 1_000);
    desk.view.stale = true;
    assert_eq!(desk.replace(original, BID, 10), Err(Reject::StaleBook));
    desk.view.stale = false;
    assert!(desk.replace(original, BID, 15).is_ok());
    assert_eq!(desk.risk.exposure(ID).open_buy_qty, 15);
}
