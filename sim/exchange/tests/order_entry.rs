//! Orders over OUCH and what comes back, over real sockets.

mod support;

use support::{Client, Lab, account, config, order, outbound, symbol};
use tercel_exchange::VenueConfig;
use tercel_exchange::venue::Control;
use tercel_proto::ouch::inbound::{
    AccountQuery, DisableOrderEntry, EnableOrderEntry, MassCancel, ModifyOrder,
};
use tercel_proto::ouch::reason::{cancel, reject};
use tercel_proto::ouch::{Appendage, AppendageBuf, Appendages, Inbound, Outbound, order_state};
use tercel_types::{MatchNumber, Money, OrderRef, Price, Qty};
use zerocopy::big_endian::U32;

/// A venue with both accounts logged in; each has been told of the start of the day.
fn start(config: VenueConfig) -> (Lab, Client, Client) {
    let mut lab = Lab::new(config);
    let mut alpha = lab.log_in("alpha", 1);
    let mut beta = lab.log_in("beta", 1);
    for client in [&mut alpha, &mut beta] {
        let message = lab.told(client, 1);
        assert!(
            matches!(outbound(&message), Outbound::SystemEvent(event, _) if event.event == b'S')
        );
    }
    (lab, alpha, beta)
}

#[test]
fn two_accounts_trade_and_the_report_agrees() {
    let (mut lab, mut alpha, mut beta) = start(config());
    alpha.enter(order(1, b'S', 100, "AAPL", 1_500_100));
    let message = lab.told(&mut alpha, 2);
    let Outbound::OrderAccepted(accepted, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(accepted.user_ref.get(), 1);
    assert_eq!((accepted.quantity.get(), accepted.price.get()), (100, 1_500_100));
    assert_eq!((accepted.state, accepted.side), (order_state::LIVE, b'S'));
    assert_eq!(&accepted.client_order_id, b"client order 1");
    let order_ref = accepted.order_ref.get();

    beta.enter(order(7, b'B', 30, "AAPL", 1_500_200));
    let message = lab.told(&mut beta, 3);
    assert_eq!(beta.kinds(), "SAE");
    let Outbound::OrderExecuted(taken, _) = outbound(&message) else { panic!("{message:?}") };
    // At the resting order's price, not at the better one offered.
    assert_eq!((taken.quantity.get(), taken.price.get()), (30, 1_500_100));
    assert_eq!(taken.liquidity, b'R');
    let message = lab.told(&mut alpha, 3);
    let Outbound::OrderExecuted(given, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((given.user_ref.get(), given.quantity.get(), given.liquidity), (1, 30, b'A'));
    assert_eq!(given.match_number, taken.match_number);

    let report = lab.venue.report();
    let [seller, buyer] = &report.accounts[..] else { panic!("two accounts") };
    assert_eq!(seller.cash, Money(30 * 1_500_100));
    assert_eq!(buyer.cash, -seller.cash);
    assert_eq!((seller.positions[0].shares, buyer.positions[0].shares), (-30, 30));
    assert_eq!(seller.open_orders.len(), 1);
    let open = &seller.open_orders[0];
    assert_eq!(
        (open.order_ref, open.open, open.price),
        (OrderRef(order_ref), Qty(70), Price(1_500_100))
    );
    assert!(buyer.open_orders.is_empty());
    assert_eq!((seller.counters.executed, seller.counters.shares), (1, 30));

    lab.venue.control(Control::BustTrade(MatchNumber(taken.match_number.get())), lab.now).unwrap();
    let message = lab.told(&mut beta, 4);
    let Outbound::BrokenTrade(broken, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((broken.user_ref.get(), broken.match_number), (7, taken.match_number));
    lab.told(&mut alpha, 4);
    let again = Control::BustTrade(MatchNumber(taken.match_number.get()));
    assert!(lab.venue.control(again, lab.now).is_err());
    let report = lab.venue.report();
    assert!(report.accounts.iter().all(|account| account.cash == Money::ZERO));
    assert!(report.accounts.iter().all(|account| account.positions[0].shares == 0));
}

#[test]
fn replace_and_cancel_count_executed_shares() {
    let (mut lab, mut alpha, mut beta) = start(config());
    alpha.enter(order(1, b'B', 100, "AAPL", 1_500_000));
    lab.told(&mut alpha, 2);
    beta.enter(order(1, b'S', 40, "AAPL", 1_500_000));
    lab.told(&mut alpha, 3);
    // 100 in all, of which 40 are done: 60 are open after it.
    alpha.replace(1, 2, 100, 1_499_900);
    let message = lab.told(&mut alpha, 4);
    let Outbound::OrderReplaced(replaced, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((replaced.original.get(), replaced.user_ref.get()), (1, 2));
    assert_eq!((replaced.quantity.get(), replaced.price.get()), (60, 1_499_900));
    // Down to 50 in all: 10 are open.
    alpha.cancel(2, 50);
    let message = lab.told(&mut alpha, 5);
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((canceled.quantity.get(), canceled.reason), (50, cancel::USER));
    assert_eq!(lab.venue.report().accounts[0].open_orders[0].open, Qty(10));
    // A mark that is none, a size that is larger, an order that is gone: no answer to any.
    alpha.cancel(2, 100);
    alpha.cancel(1, 0);
    alpha.replace(1, 3, 10, 1_500_000);
    // A liability below what is executed cannot be: the order is taken out.
    alpha.replace(2, 3, 40, 1_500_000);
    let message = lab.told(&mut alpha, 6);
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((canceled.user_ref.get(), canceled.quantity.get()), (2, 10));
    // Number 3 was not used up by any of that.
    alpha.enter(order(3, b'B', 10, "AAPL", 1_000_000));
    lab.told(&mut alpha, 7);
    assert_eq!(alpha.kinds(), "SAEUCCA");
    assert_eq!(lab.venue.report().accounts[0].counters.ignored, 3);
}

#[test]
fn immediate_orders_do_not_rest() {
    let (mut lab, mut alpha, mut beta) = start(config());
    alpha.enter(order(1, b'S', 10, "AAPL", 1_500_000));
    lab.told(&mut alpha, 2);
    let mut immediate = order(1, b'B', 25, "AAPL", 1_500_000);
    immediate.time_in_force = b'3';
    beta.enter(immediate);
    let message = lab.told(&mut beta, 4);
    assert_eq!(beta.kinds(), "SAEC");
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((canceled.quantity.get(), canceled.reason), (15, cancel::IMMEDIATE));
    // Nobody to trade with: accepted dead.
    immediate.user_ref = U32::new(2);
    beta.enter(immediate);
    let message = lab.told(&mut beta, 5);
    let Outbound::OrderAccepted(accepted, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(accepted.state, order_state::DEAD);
    assert!(lab.venue.report().accounts[1].open_orders.is_empty());
}

#[test]
fn bad_orders_are_rejected_with_their_code() {
    let mut config = config();
    config.accounts[0].symbols = vec![symbol("AAPL")];
    let (mut lab, mut alpha, _beta) = start(config);
    let good = order(0, b'B', 100, "AAPL", 1_500_000);
    let cases = [
        (support::order(0, b'B', 100, "XYZ", 1_500_000), reject::INVALID_SYMBOL),
        (support::order(0, b'B', 100, "MSFT", 1_500_000), reject::INVALID_SYMBOL),
        (support::order(0, b'X', 100, "AAPL", 1_500_000), reject::INVALID_SIDE),
        (support::order(0, b'B', 0, "AAPL", 1_500_000), reject::INVALID_QUANTITY),
        (support::order(0, b'B', 1_000_000, "AAPL", 1_500_000), reject::INVALID_QUANTITY),
        (support::order(0, b'B', 100, "AAPL", 0), reject::INVALID_PRICE),
        (support::order(0, b'B', 100, "AAPL", 1_500_001), reject::INVALID_PRICE),
        (support::order(0, b'B', 100, "AAPL", u64::MAX), reject::INVALID_PRICE),
        (
            tercel_proto::ouch::inbound::EnterOrder { display: b'?', ..good },
            reject::INVALID_DISPLAY,
        ),
        (
            tercel_proto::ouch::inbound::EnterOrder { cross: b'S', ..good },
            reject::INVALID_CROSS_ORDER,
        ),
        (tercel_proto::ouch::inbound::EnterOrder { time_in_force: b'6', ..good }, reject::OTHER),
    ];
    for (index, (mut order, code)) in cases.into_iter().enumerate() {
        order.user_ref = U32::new(index as u32 + 1);
        alpha.enter(order);
        let message = lab.told(&mut alpha, index + 2);
        let Outbound::OrderRejected(rejected, _) = outbound(&message) else { panic!("{order:?}") };
        assert_eq!(rejected.reason.get(), code, "{order:?}");
        assert_eq!(rejected.user_ref, order.user_ref);
    }
    // Rejected numbers are used up; so a repetition is not even rejected.
    alpha.enter(good);
    alpha.enter(support::order(1, b'B', 100, "AAPL", 1_500_000));
    lab.settle(&mut [&mut alpha]);
    let counters = lab.venue.report().accounts[0].counters;
    assert_eq!((counters.rejected, counters.ignored, counters.accepted), (11, 2, 0));
}

#[test]
fn own_orders_do_not_trade_where_that_is_wanted() {
    let (mut lab, mut alpha, _beta) = start(config());
    let strategy = |letter| {
        let mut options = AppendageBuf::new();
        assert!(options.push(Appendage::AiqStrategy(letter)));
        options
    };
    alpha.enter(order(1, b'S', 10, "AAPL", 1_500_000));
    lab.told(&mut alpha, 2);
    alpha.enter_with(order(2, b'B', 20, "AAPL", 1_500_000), &strategy(b'W'));
    let message = lab.told(&mut alpha, 4);
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((canceled.user_ref.get(), canceled.reason), (2, cancel::SELF_MATCH));
    alpha.enter_with(order(3, b'B', 20, "AAPL", 1_500_000), &strategy(b'O'));
    let message = lab.told(&mut alpha, 6);
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((canceled.user_ref.get(), canceled.reason), (1, cancel::SELF_MATCH));
    alpha.enter_with(order(4, b'B', 20, "AAPL", 1_500_000), &strategy(b'D'));
    let message = lab.told(&mut alpha, 7);
    let Outbound::OrderRejected(rejected, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(rejected.reason.get(), reject::INVALID_AIQ);
    assert_eq!(lab.venue.report().accounts[0].counters.executed, 0);
}

#[test]
fn post_only_orders_do_not_take() {
    let (mut lab, mut alpha, mut beta) = start(config());
    alpha.enter(order(1, b'S', 10, "AAPL", 1_500_000));
    lab.told(&mut alpha, 2);
    let mut options = AppendageBuf::new();
    assert!(options.push(Appendage::PostOnly(b'P')));
    beta.enter_with(order(1, b'B', 10, "AAPL", 1_500_000), &options);
    let message = lab.told(&mut beta, 2);
    let Outbound::OrderAccepted(accepted, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(accepted.state, order_state::DEAD);
    beta.enter_with(order(2, b'B', 10, "AAPL", 1_499_900), &options);
    let message = lab.told(&mut beta, 3);
    let Outbound::OrderAccepted(accepted, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(accepted.state, order_state::LIVE);
}

#[test]
fn modify_changes_the_mark_and_the_size() {
    let (mut lab, mut alpha, _beta) = start(config());
    alpha.enter(order(1, b'S', 100, "AAPL", 1_500_000));
    lab.told(&mut alpha, 2);
    let modify = |side, quantity| ModifyOrder {
        kind: ModifyOrder::KIND,
        user_ref: U32::new(1),
        side,
        quantity: U32::new(quantity),
    };
    alpha.request(Inbound::ModifyOrder(&modify(b'T', 60), Appendages::ABSENT));
    let message = lab.told(&mut alpha, 3);
    let Outbound::OrderModified(modified, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!((modified.side, modified.quantity.get()), (b'T', 60));
    // Not to a buy, not to more.
    alpha.request(Inbound::ModifyOrder(&modify(b'B', 60), Appendages::ABSENT));
    alpha.request(Inbound::ModifyOrder(&modify(b'S', 61), Appendages::ABSENT));
    lab.settle(&mut [&mut alpha]);
    assert_eq!(alpha.kinds(), "SAM");
    assert_eq!(lab.venue.report().accounts[0].open_orders[0].open, Qty(60));
}

#[test]
fn a_firm_cancels_and_disables_its_orders() {
    let (mut lab, mut alpha, mut beta) = start(config());
    alpha.enter(order(1, b'B', 100, "AAPL", 1_400_000));
    alpha.enter(order(2, b'B', 100, "MSFT", 2_900_000));
    alpha.enter(order(3, b'S', 100, "MSFT", 3_100_000));
    beta.enter(order(1, b'B', 100, "MSFT", 2_900_000));
    lab.told(&mut alpha, 4);
    lab.told(&mut beta, 2);
    let mass = |user_ref, firm: &[u8; 4]| MassCancel {
        kind: MassCancel::KIND,
        user_ref: U32::new(user_ref),
        firm: *firm,
        symbol: symbol("MSFT").0,
    };
    alpha.request(Inbound::MassCancel(&mass(4, b"ALFA"), Appendages::EMPTY));
    lab.told(&mut alpha, 7);
    assert_eq!(alpha.kinds(), "SAAAXCC");
    assert_eq!(lab.venue.report().accounts[0].open_orders.len(), 1);
    // Another's firm is none of its business.
    alpha.request(Inbound::MassCancel(&mass(5, b"BETA"), Appendages::EMPTY));
    let message = lab.told(&mut alpha, 8);
    let Outbound::OrderRejected(rejected, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(rejected.reason.get(), reject::FIRM_NOT_AUTHORIZED);
    assert_eq!(lab.venue.report().accounts[1].open_orders.len(), 1);

    let disable = DisableOrderEntry { kind: b'D', user_ref: U32::new(6), firm: *b"ALFA" };
    alpha.request(Inbound::DisableOrderEntry(&disable, Appendages::EMPTY));
    alpha.enter(order(7, b'B', 100, "AAPL", 1_400_000));
    lab.told(&mut alpha, 10);
    let enable = EnableOrderEntry { kind: b'E', user_ref: U32::new(8), firm: *b"ALFA" };
    alpha.request(Inbound::EnableOrderEntry(&enable, Appendages::EMPTY));
    alpha.enter(order(9, b'B', 100, "AAPL", 1_400_000));
    alpha.request(Inbound::AccountQuery(&AccountQuery { kind: b'Q' }, Appendages::ABSENT));
    let message = lab.told(&mut alpha, 13);
    assert_eq!(alpha.kinds(), "SAAAXCCJGJKAQ");
    let Outbound::AccountQueryResponse(answer, _) = outbound(&message) else {
        panic!("{message:?}")
    };
    assert_eq!(answer.next_user_ref.get(), 10);
}

#[test]
fn orders_go_with_the_connection_where_that_is_wanted() {
    let mut config = config();
    config.accounts.push(account("gamma", b"GAMA"));
    config.accounts[2].cancel_on_disconnect = true;
    let (mut lab, mut alpha, _beta) = start(config);
    let mut gamma = lab.log_in("gamma", 1);
    alpha.enter(order(1, b'B', 100, "AAPL", 1_400_000));
    gamma.enter(order(1, b'B', 100, "AAPL", 1_400_000));
    lab.told(&mut gamma, 2);
    lab.told(&mut alpha, 2);
    drop((alpha, gamma));
    lab.until("disconnection", |lab| lab.venue.report().accounts[2].open_orders.is_empty());
    assert_eq!(lab.venue.report().accounts[0].open_orders.len(), 1);
    let mut gamma = lab.log_in("gamma", 3);
    let message = lab.told(&mut gamma, 1);
    let Outbound::OrderCanceled(canceled, _) = outbound(&message) else { panic!("{message:?}") };
    assert_eq!(canceled.reason, cancel::SYSTEM);
}
