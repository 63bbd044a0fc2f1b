//! The matching engine against the naive one, command for command, under streams that mean no good.

mod naive;

use naive::{Fact, HIGH, LOW, Naive, STEP, best_price};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tercel_exchange::matching::{
    AccountId, Command, CrossKind, Event, Increment, Interest, Lifetime, Listing, MarketRead,
    Matching, NewOrder, Order, Outcome, Owner, PRICE_MAX, QTY_MAX, SelfMatch, Terms,
};
use tercel_types::{InstrumentId, Price, Qty, Side, Symbol, TradingState, UserRef};

const LISTED: [InstrumentId; 2] = [InstrumentId(1), InstrumentId(7)];
const REFERENCE: Price = Price(10_150);
const ORDERS_MAX: usize = 40;

fn grid_price() -> impl Strategy<Value = i64> {
    prop_oneof![LOW..10_000, (10_000 / STEP..=HIGH / STEP).prop_map(|n| n * STEP)]
}

fn price() -> impl Strategy<Value = Option<Price>> {
    prop_oneof![
        20 => grid_price().prop_map(|price| Some(Price(price))),
        2 => Just(None),
        1 => prop_oneof![
            Just(0), Just(-1), Just(1), Just(10_001), Just(PRICE_MAX.0), Just(PRICE_MAX.0 + STEP),
            Just(i64::MAX), Just(i64::MIN),
        ].prop_map(|price| Some(Price(price))),
    ]
}

fn qty() -> impl Strategy<Value = Qty> {
    prop_oneof![
        20 => (1_u32..=9).prop_map(Qty),
        1 => prop_oneof![Just(0), Just(QTY_MAX.0), Just(QTY_MAX.0 + 1), Just(u32::MAX)]
            .prop_map(Qty),
    ]
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    prop_oneof![
        10 => Just(Lifetime::Day),
        4 => Just(Lifetime::Immediate),
        1 => Just(Lifetime::OnOpen),
        1 => Just(Lifetime::OnClose),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    let policy = prop_oneof![
        2 => Just(SelfMatch::Allow),
        1 => Just(SelfMatch::CancelNewest),
        1 => Just(SelfMatch::CancelOldest),
    ];
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    let qty_min = prop_oneof![8 => Just(Qty(0)), 2 => (1_u32..12).prop_map(Qty)];
    (price(), qty(), lifetime(), flags, qty_min, policy).prop_map(
        |(price, qty, lifetime, (post_only, hidden), qty_min, self_match)| Terms {
            price,
            qty,
            lifetime,
            post_only,
            hidden,
            qty_min,
            self_match,
        },
    )
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn owner() -> impl Strategy<Value = Owner> {
    (1_u16..4, 0_u32..40).prop_map(|(account, user_ref)| Owner {
        account: AccountId(account),
        user_ref: UserRef(user_ref),
    })
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![20 => Just(LISTED[0]), 3 => Just(LISTED[1]), 1 => Just(InstrumentId(2))]
}

fn state() -> impl Strategy<Value = TradingState> {
    prop_oneof![
        1 => Just(TradingState::Unknown),
        1 => Just(TradingState::Halted),
        1 => Just(TradingState::Paused),
        1 => Just(TradingState::QuotationOnly),
        3 => Just(TradingState::Trading),
    ]
}

fn cross_kind() -> impl Strategy<Value = CrossKind> {
    prop_oneof![Just(CrossKind::Opening), Just(CrossKind::Reopening), Just(CrossKind::Closing)]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        60 => (instrument(), owner(), side(), terms())
            .prop_map(|(instrument, owner, side, terms)| {
                Command::Enter(NewOrder { instrument, owner, side, terms })
            }),
        12 => owner().prop_map(|owner| Command::Cancel { owner }),
        8 => (owner(), prop_oneof![0_u32..9, Just(u32::MAX)])
            .prop_map(|(owner, qty)| Command::Reduce { owner, qty: Qty(qty) }),
        16 => (owner(), 0_u32..40, terms()).prop_map(|(original, user_ref, terms)| {
            Command::Replace { original, user_ref: UserRef(user_ref), terms }
        }),
        3 => (instrument(), state()).prop_map(|(instrument, state)| {
            Command::SetState { instrument, state, reason: *b"T1  " }
        }),
        3 => (instrument(), cross_kind())
            .prop_map(|(instrument, kind)| Command::Cross { instrument, kind }),
        1 => instrument().prop_map(|instrument| Command::Expire { instrument }),
    ]
}

fn engine() -> Matching {
    let mut engine = Matching::new(ORDERS_MAX);
    let states = [TradingState::Trading, TradingState::Unknown];
    for (instrument, state) in LISTED.into_iter().zip(states) {
        let symbol = Symbol::new("TEST").expect("a symbol");
        let listing = Listing { instrument, symbol, increment: STEP, reference: REFERENCE, state };
        assert!(engine.list(&listing));
        assert!(!engine.list(&listing));
    }
    engine
}

fn naive() -> Naive {
    let listed = [
        (LISTED[0], REFERENCE, TradingState::Trading),
        (LISTED[1], REFERENCE, TradingState::Unknown),
    ];
    Naive::new(&listed, ORDERS_MAX)
}

/// Shares in and out of each order, from the events alone.
#[derive(Default)]
struct Ledger {
    open: BTreeMap<u64, i64>,
    last_order: u64,
    last_match: u64,
    bought: i64,
    sold: i64,
}

impl Ledger {
    fn enter(&mut self, order: &Order, outcome: Outcome) {
        assert!(order.order_ref.0 > self.last_order);
        self.last_order = order.order_ref.0;
        if outcome == Outcome::Live {
            self.open.insert(order.order_ref.0, i64::from(order.terms.qty.0));
        }
    }

    /// Takes shares off; what is left has to be what the event says.
    fn take(&mut self, order: &Order, qty: Qty) {
        let open = self.open.get_mut(&order.order_ref.0).expect("an open order");
        *open -= i64::from(qty.0);
        assert!(qty.0 > 0 && *open == i64::from(order.open.0), "{order:?}");
        if *open == 0 {
            self.open.remove(&order.order_ref.0);
        }
    }

    fn matched(&mut self, number: u64) {
        assert!(number > self.last_match);
        self.last_match = number;
    }

    fn trade(&mut self, order: &Order, qty: Qty, price: Price) {
        self.take(order, qty);
        let limit = order.terms.price.unwrap_or(price);
        assert!(!order.side.better(price, limit), "{order:?} at {price}");
        match order.side {
            Side::Buy => self.bought += i64::from(qty.0),
            Side::Sell => self.sold += i64::from(qty.0),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Accepted { order, outcome } => self.enter(order, *outcome),
            Event::Replaced { old, new, outcome, .. } => {
                assert_eq!(self.open.remove(&old.order_ref.0), Some(i64::from(old.open.0)));
                self.enter(new, *outcome);
            }
            Event::Rested { order } => {
                assert_eq!(self.open.get(&order.order_ref.0), Some(&i64::from(order.open.0)));
            }
            Event::Executed(x) => {
                self.matched(x.match_number.0);
                self.trade(&x.maker, x.qty, x.price);
                self.trade(&x.taker, x.qty, x.price);
                assert_eq!(x.maker.price(), x.price);
            }
            Event::CrossFilled(x) => {
                self.matched(x.match_number.0);
                self.trade(&x.order, x.qty, x.price);
            }
            Event::Canceled { order, qty, .. } => self.take(order, *qty),
            Event::Crossed { match_number, .. } => self.matched(match_number.0),
            Event::Rejected { .. } | Event::StateChanged { .. } => {}
        }
    }
}

/// Everything that may be asked of the engine agrees with the naive one.
fn compare_books(engine: &Matching, naive: &Naive) {
    for instrument in LISTED {
        let mut best = [None; 2];
        for side in [Side::Buy, Side::Sell] {
            let ours = engine.resting(instrument, side).map(|o| (o.order_ref.0, o.open.0));
            let book = naive.book(instrument, side);
            assert!(ours.eq(book.iter().map(|o| (o.number, o.open))));
            best[side.index()] = engine.resting(instrument, side).next().map(|order| order.price());
            let shown: Vec<_> = book.iter().filter(|order| !order.terms.hidden).collect();
            let displayed = engine.displayed(instrument, side).map(|order| order.order_ref.0);
            assert!(displayed.eq(shown.iter().map(|order| order.number)));
            assert_eq!(engine.touch(instrument, side), shown.first().and_then(|o| o.terms.price));
            let levels: Vec<_> = engine.levels(instrument, side).collect();
            assert!(levels.windows(2).all(|pair| side.better(pair[0].price, pair[1].price)));
            let shares: u64 = levels.iter().map(|level| level.qty).sum();
            assert_eq!(shares, shown.iter().map(|order| u64::from(order.open)).sum::<u64>());
            let orders: u32 = levels.iter().map(|level| level.orders).sum();
            assert_eq!(orders as usize, shown.len());
        }
        if let ([Some(bid), Some(ask)], TradingState::Trading) = (best, engine.state(instrument)) {
            assert!(bid < ask, "crossed in continuous trading: {bid} {ask}");
        }
    }
    assert_eq!(engine.orders_open(), naive.orders.len());
    let mut by_account = 0;
    for account in (1..4).map(AccountId) {
        by_account += engine.account_orders(account).count();
        for instrument in LISTED {
            for order_ref in engine.orders_of(account, instrument) {
                let order = engine.order(*order_ref).expect("an open order");
                assert_eq!(engine.find(order.owner), Some(order));
            }
        }
    }
    assert_eq!(by_account, naive.orders.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_naive_engine(commands in prop::collection::vec(command(), 1..150)) {
        let (mut engine, mut naive, mut ledger) = (engine(), naive(), Ledger::default());
        let mut events = Vec::new();
        for command in &commands {
            events.clear();
            engine.apply(command, &mut events);
            let facts: Vec<Fact> = events.iter().map(Fact::from).collect();
            prop_assert_eq!(&facts, &naive.apply(command), "{:?}", command);
            for event in &events {
                ledger.apply(event);
            }
            prop_assert_eq!(ledger.bought, ledger.sold);
            compare_books(&engine, &naive);
        }
        let open: u64 = naive.orders.iter().map(|order| u64::from(order.open)).sum();
        prop_assert_eq!(ledger.open.values().sum::<i64>(), open as i64);
    }

    #[test]
    fn a_cross_is_as_good_as_any_price(
        orders in prop::collection::vec(
            (side(), prop::option::weighted(0.9, grid_price()), 1_u32..50),
            0..25,
        ),
        reference in (LOW - 200)..(HIGH + 200),
    ) {
        let mut interest = Interest::default();
        let owner = Owner::default();
        let mut list = Vec::new();
        for (side, limit, qty) in orders {
            let terms = Terms { price: limit.map(Price), qty: Qty(qty), ..Terms::default() };
            interest.add(side, terms.price, Qty(qty));
            let instrument = LISTED[0];
            list.push(naive::Order { number: 1, instrument, owner, side, terms, open: qty });
        }
        let ours = interest.clear(Increment { step: STEP }, Price(reference));
        let ours = ours.map(|clearing| (clearing.price.0, clearing.paired()));
        prop_assert_eq!(ours, best_price(&list, reference));
    }

    #[test]
    fn the_price_grid_is_consistent(
        price in prop_oneof![1_i64..30_000, 0..PRICE_MAX.0],
        step in 1_i64..500,
    ) {
        let (grid, price) = (Increment { step }, Price(price));
        let (floor, ceil) = (grid.floor(price), grid.ceil(price));
        prop_assert!(floor <= price && price <= ceil);
        prop_assert!(floor.0 == 0 || grid.holds(floor));
        prop_assert!(grid.holds(ceil) || ceil.0 == 0);
        prop_assert_eq!(grid.holds(price), floor == price && price.0 > 0);
        let above = grid.above(floor);
        prop_assert!(grid.holds(above) && above > price);
        prop_assert!(floor.0 == 0 || grid.below(above) == floor);
    }
}
