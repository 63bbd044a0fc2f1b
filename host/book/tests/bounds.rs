//! What happens at each limit, and what each anomaly does: the example tests beside the
//! differential ones.

use tercel_abi::{EventRecord, Kind, flag};
use tercel_book::*;
use tercel_types::*;

const ID: InstrumentId = InstrumentId(1);

fn limits() -> Limits {
    Limits { instruments_max: 4, orders_max: 4, levels_max: 3, watched_max: 2, ..Limits::default() }
}

fn books() -> Books {
    Books::new(&limits()).unwrap()
}

fn of(kind: Kind) -> EventRecord {
    EventRecord { instrument: ID.0, ..EventRecord::new(kind) }
}

fn add(order_ref: u64, side: Side, price: i64, quantity: u64) -> EventRecord {
    EventRecord { side: side as u8, price, quantity, order_ref, ..of(Kind::Add) }
}

fn named(kind: Kind, order_ref: u64, quantity: u64) -> EventRecord {
    EventRecord { order_ref, quantity, ..of(kind) }
}

fn replace(order_ref: u64, second_ref: u64, price: i64, quantity: u64) -> EventRecord {
    EventRecord { order_ref, second_ref, price, quantity, ..of(Kind::Replaced) }
}

const fn book(side: Side, top: bool) -> Effect {
    Effect::Book { side, top }
}

#[test]
fn limits_are_checked() {
    let zero = Books::new(&Limits { orders_max: 0, ..limits() }).err();
    assert_eq!(zero, Some(LimitsError::Zero("orders_max")));
    let large = Books::new(&Limits { instruments_max: 65_537, ..limits() }).err();
    assert_eq!(large, Some(LimitsError::TooLarge("instruments_max")));
    assert_eq!(large.unwrap().to_string(), "instruments_max is too large");
}

#[test]
fn the_default_is_a_venue_in_less_than_1500_megabytes() {
    let books = Books::new(&Limits::default()).unwrap();
    assert!(books.memory().reserved < 1_500_000_000, "{:?}", books.memory());
    assert_eq!(books.memory().prefault, Prefault::NotAsked);
}

#[test]
fn orders_beyond_the_limit_are_refused_and_leave_the_instrument_incomplete_until_cleared() {
    let mut books = books();
    for order_ref in 1..=4 {
        assert_eq!(books.apply(&add(order_ref, Side::Buy, 100, 1)).effect, book(Side::Buy, true));
    }
    assert!(!books.market_view(ID).stale);
    assert_eq!(books.apply(&add(5, Side::Buy, 100, 1)).effect, Effect::State);
    assert_eq!(books.apply(&add(6, Side::Buy, 100, 1)).effect, Effect::None);
    assert_eq!(books.counters().orders_refused, 2);
    assert!(books.market_view(ID).stale && books.instrument(ID).unwrap().incomplete);
    assert!(!books.is_stale() && !books.market_view(InstrumentId(2)).stale);
    // A replace needs no more space than it frees.
    assert_eq!(books.apply(&replace(1, 7, 100, 9)).effect, book(Side::Buy, true));
    books.apply(&of(Kind::SnapshotBegin));
    books.apply(&of(Kind::SnapshotEnd));
    assert!(books.market_view(ID).stale);
    books.apply(&of(Kind::GapClosed));
    assert!(!books.market_view(ID).stale);
    assert_eq!(books.usage(), Usage::default());
}

#[test]
fn levels_beyond_the_limit_are_refused() {
    let mut books = books();
    for price in 1..=3 {
        books.apply(&add(price as u64, Side::Sell, price * 100, 1));
    }
    books.apply(&add(4, Side::Sell, 400, 1));
    assert_eq!(books.counters().levels_refused, 1);
    assert_eq!(books.usage(), Usage { orders: 3, levels: 3, watched: 0 });
    assert_eq!(books.order(OrderRef(4)), None);
    books.apply(&add(4, Side::Sell, 300, 1));
    assert_eq!(books.top(ID).ask, Level { price: Price(100), qty: 1, orders: 1 });
    // The level of the order that goes is free for the one that comes.
    books.apply(&replace(1, 5, 777, 2));
    assert_eq!(books.counters().levels_refused, 1);
    assert_eq!(books.top(ID).ask.price, Price(200));
}

#[test]
fn instruments_beyond_the_limit_are_ignored() {
    let mut books = books();
    let beyond = |record: EventRecord| EventRecord { instrument: 4, ..record };
    for record in [add(1, Side::Buy, 100, 1), of(Kind::Directory), named(Kind::Trade, 0, 1)] {
        assert_eq!(books.apply(&beyond(record)).effect, Effect::None);
    }
    assert_eq!(books.counters().instruments_refused, 3);
    assert_eq!(books.top(InstrumentId(4)), Top::default());
    assert!(books.market_view(InstrumentId(4)).stale);
    assert_eq!(books.instrument(InstrumentId(4)), None);
    assert_eq!(books.orders(InstrumentId(4)).count(), 0);
    assert_eq!(books.orders_at(InstrumentId(u16::MAX), Side::Buy, Price(100)).count(), 0);
}

#[test]
fn watches_are_bounded_and_follow_the_queue() {
    let mut books = books();
    for order_ref in 1..=4 {
        books.apply(&add(order_ref, Side::Buy, 100, 10));
    }
    assert!(books.watch(OrderRef(3)) && books.watch(OrderRef(3)) && books.watch(OrderRef(9)));
    assert!(!books.watch(OrderRef(4)));
    assert_eq!(books.counters().watches_refused, 1);
    let ahead = |shares_ahead, orders_ahead| Some(QueuePosition { shares_ahead, orders_ahead });
    assert_eq!(books.queue_position(OrderRef(3)), ahead(20, 2));
    books.apply(&named(Kind::Executed, 1, 4));
    assert_eq!(books.queue_position(OrderRef(3)), ahead(16, 2));
    books.apply(&named(Kind::Deleted, 4, 0));
    books.apply(&named(Kind::Deleted, 2, 0));
    assert_eq!(books.queue_position(OrderRef(3)), ahead(6, 1));
    assert_eq!(books.queue_position(OrderRef(9)), None);
    // It was awaited, and is watched from its arrival on.
    books.apply(&add(9, Side::Buy, 100, 5));
    assert_eq!(books.queue_position(OrderRef(9)), ahead(16, 2));
    books.apply(&named(Kind::Executed, 3, 10));
    assert_eq!(books.queue_position(OrderRef(9)), ahead(6, 1));
    assert_eq!(books.usage().watched, 1);
    books.apply(&of(Kind::SnapshotBegin));
    assert_eq!((books.queue_position(OrderRef(9)), books.usage().watched), (None, 1));
    assert!(books.unwatch(OrderRef(9)) && !books.unwatch(OrderRef(9)));
}

#[test]
fn executions_tell_of_trades_and_only_printable_ones_set_the_last_price() {
    let mut books = books();
    books.apply(&add(1, Side::Sell, 1_000_100, 100));
    let change = books.apply(&named(Kind::Executed, 1, 30));
    assert_eq!((change.instrument, change.effect), (ID, book(Side::Sell, true)));
    let trade = change.trade.unwrap();
    assert_eq!((trade.price, trade.qty), (Price(1_000_100), 30));
    assert_eq!((trade.aggressor, trade.kind), (Some(Side::Buy), TradeKind::Displayed));
    assert!(trade.printable);
    let at_price = EventRecord { price: 1_000_000, ..named(Kind::ExecutedPrice, 1, 20) };
    assert!(!books.apply(&at_price).trade.unwrap().printable);
    assert_eq!(books.instrument(ID).unwrap().last_trade, Price(1_000_100));
    let printable = EventRecord { flags: flag::PRINTABLE, ..at_price };
    assert!(books.apply(&printable).trade.unwrap().printable);
    let hidden = EventRecord { price: 1_000_050, side: b'B', ..named(Kind::Trade, 0, 7) };
    let change = books.apply(&hidden);
    assert_eq!((change.effect, change.trade.unwrap().aggressor), (Effect::None, None));
    let cross = EventRecord { price: 1_000_075, ..named(Kind::Cross, 0, 1_000) };
    assert_eq!(books.apply(&cross).trade.unwrap().kind, TradeKind::Cross);
    assert_eq!(books.apply(&named(Kind::Cross, 0, 0)).trade, None);
    let instrument = books.instrument(ID).unwrap();
    assert_eq!((instrument.last_trade, instrument.volume), (Price(1_000_075), 1_057));
    let digest = books.digest();
    books.apply(&of(Kind::Broken));
    assert_eq!((books.digest(), books.counters().trades_broken), (digest, 1));
    assert_eq!(books.top(ID).ask.qty, 30);
}

#[test]
fn more_than_an_order_had_is_cut_and_takes_it_off() {
    let mut books = books();
    books.apply(&add(1, Side::Buy, 100, 10));
    let trade = books.apply(&named(Kind::Executed, 1, 11)).trade.unwrap();
    assert_eq!((trade.qty, books.counters().over_executions), (10, 1));
    books.apply(&add(2, Side::Buy, 100, 10));
    let canceled = books.apply(&named(Kind::Canceled, 2, u64::MAX));
    assert_eq!(canceled.effect, book(Side::Buy, true));
    assert_eq!((books.counters().over_cancels, books.usage().orders), (1, 0));
}

#[test]
fn a_replaced_order_loses_its_place() {
    let mut books = books();
    books.apply(&add(1, Side::Buy, 100, 10));
    books.apply(&add(2, Side::Buy, 100, 10));
    // The same shares at the same price: neither price nor shares of the best have changed.
    assert_eq!(books.apply(&replace(1, 3, 100, 10)).effect, book(Side::Buy, false));
    let line: Vec<u64> =
        books.orders_at(ID, Side::Buy, Price(100)).map(|o| o.order_ref.0).collect();
    assert_eq!(line, [2, 3]);
    assert_eq!(books.apply(&replace(3, 3, 90, 10)).effect, book(Side::Buy, true));
    assert_eq!(books.apply(&replace(2, 4, 110, 10)).effect, book(Side::Buy, true));
    assert_eq!(books.top(ID).bid.price, Price(110));
    assert_eq!(books.apply(&replace(77, 78, 110, 10)).effect, Effect::State);
    assert_eq!(books.counters().unknown_orders, 1);
    assert!(books.market_view(ID).stale);
}

#[test]
fn an_order_that_names_something_else_is_counted_and_keeps_its_own() {
    let mut books = books();
    books.apply(&add(1, Side::Buy, 100, 10));
    let wrong = EventRecord { instrument: 3, side: b'S', ..named(Kind::Deleted, 1, 0) };
    assert_eq!(books.apply(&wrong).instrument, ID);
    let counters = books.counters();
    assert_eq!((counters.instrument_mismatches, counters.side_mismatches), (1, 1));
    assert_eq!(books.usage().orders, 0);
}

#[test]
fn symbols_follow_the_directory() {
    let mut books = books();
    let symbol = |text: &str| Symbol::new(text).unwrap();
    let directory = |instrument, text: &str| EventRecord {
        instrument,
        order_ref: u64::from_le_bytes(symbol(text).0),
        quantity: 100,
        tag: u16::from_le_bytes(*b"CZ"),
        second_ref: u64::from_le_bytes(*b"QNNCPNY1"),
        ..of(Kind::Directory)
    };
    assert_eq!(books.apply(&directory(1, "AAPL")).effect, Effect::State);
    books.apply(&directory(2, "MSFT"));
    assert_eq!(books.find(symbol("AAPL")), Some(ID));
    let instrument = books.instrument(ID).unwrap();
    assert_eq!((instrument.symbol, instrument.round_lot), (symbol("AAPL"), 100));
    assert_eq!((instrument.market_category, instrument.luld_tier), (b'Q', b'1'));
    assert_eq!((instrument.ipo_flag, instrument.issue_sub_type), (b'Y', *b"CZ"));
    books.apply(&directory(1, "META"));
    assert_eq!((books.find(symbol("AAPL")), books.find(symbol("META"))), (None, Some(ID)));
    assert_eq!(books.counters().symbols_changed, 1);
    books.apply(&of(Kind::SnapshotBegin));
    assert_eq!(books.find(symbol("MSFT")), Some(InstrumentId(2)));
    books.apply(&of(Kind::SessionChange));
    assert_eq!((books.find(symbol("MSFT")), books.instrument(ID)), (None, None));
}

#[test]
fn states_show_in_the_view() {
    let mut books = books();
    let tagged = |kind, tag: &[u8; 2]| EventRecord { tag: u16::from_le_bytes(*tag), ..of(kind) };
    books.apply(&tagged(Kind::TradingAction, b"P\0"));
    let collar = EventRecord { price: 105, quantity: 110, order_ref: 90, ..of(Kind::LuldCollar) };
    books.apply(&collar);
    let bands = Bands { lower: Price(90), upper: Price(110) };
    assert_eq!(books.market_view(ID).bands, Some(bands));
    assert_eq!(books.market_view(ID).state, TradingState::Paused);
    books.apply(&tagged(Kind::TradingAction, b"T\0"));
    assert_eq!(books.market_view(ID).bands, None);
    books.apply(&tagged(Kind::OperationalHalt, b"HQ"));
    assert_eq!(books.market_view(ID).state, TradingState::Halted);
    books.apply(&tagged(Kind::OperationalHalt, b"TQ"));
    assert_eq!(books.market_view(ID).state, TradingState::Trading);
    books.apply(&tagged(Kind::RegSho, b"1\0"));
    assert!(books.market_view(ID).short_restricted);
    assert_eq!(books.apply(&tagged(Kind::SystemEvent, b"Q\0")).effect, Effect::Market);
    books.apply(&tagged(Kind::MwcbStatus, b"2\0"));
    let levels = EventRecord { price: 3, quantity: 2, order_ref: 1, ..of(Kind::MwcbLevels) };
    books.apply(&levels);
    let market = Market {
        phase: MarketPhase::StartOfMarket,
        mwcb_levels: [3, 2, 1],
        mwcb_breached: Some(2),
    };
    assert_eq!(*books.market(), market);
    books.apply(&tagged(Kind::TradingAction, b"?\0"));
    assert_eq!(books.market_view(ID).state, TradingState::Unknown);
    assert_eq!(books.counters().bad_codes, 1);
    let unknown = EventRecord { kind: 0x7f, ..of(Kind::Add) };
    assert_eq!(books.apply(&unknown).effect, Effect::None);
    assert_eq!(books.counters().unknown_kinds, 1);
    assert!(books.counters().each().any(|(name, n)| name == "unknown_kinds" && n == 1));
}
