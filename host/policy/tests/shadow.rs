//! Shadow orders: their place in line against a naive list, and what fills them.

mod market;

use market::{BASE, Draw, ID, Market, Resting, add, opening, record};
use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Effect, Limits, TradeKind};
use tercel_policy::shadow::{Event, QueueModel, QueuePlace, ShadowBook, ShadowRules, Spot};
use tercel_types::{
    Intent, Intents, Nanos, NewOrder, OrderRef, Own, Price, Qty, Side, TimeInForce, UserRef,
    WorkingOrder, WorkingState,
};

const TICK: i64 = 100;

fn books() -> Books {
    let limits = Limits { orders_max: 8_192, levels_max: 8_192, ..Limits::default() };
    Books::new(&limits).expect("books")
}

/// A shadow order whose place is kept by a list of those that came before.
struct Naive {
    place: QueuePlace,
    spot: Spot,
    before: Vec<u64>,
    /// An order behind it traded while others were ahead, which no venue lets happen.
    jumped: bool,
}

impl Naive {
    fn join(spot: Spot, books: &Books, market: &Market) -> Naive {
        let before = at(market, &spot).map(|order| order.order_ref).collect();
        Naive {
            place: QueuePlace::join(&spot, books, &Own::default()),
            spot,
            before,
            jumped: false,
        }
    }

    fn ahead(&self, market: &Market) -> u64 {
        let counts = |order: &&Resting| self.before.contains(&order.order_ref);
        at(market, &self.spot).filter(counts).map(|order| order.qty).sum()
    }
}

fn at<'a>(market: &'a Market, spot: &Spot) -> impl Iterator<Item = &'a Resting> {
    let spot = *spot;
    let here = move |order: &&Resting| order.side == spot.side && order.price == spot.price.0;
    market.orders.iter().filter(here)
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let draw = (0..240u8, any::<u16>(), any::<u16>());
    let draw = draw.prop_map(|(op, a, b)| Draw { op, a, b, wait: 0 });
    prop::collection::vec(draw, 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_exact_place_is_that_of_a_list_and_the_careful_one_is_never_better(draws in draws()) {
        let (mut books, mut market) = (books(), Market::default());
        opening().iter().for_each(|record| { books.apply(record); });
        let mut standing: Vec<(QueueModel, Naive)> = Vec::new();
        for (number, draw) in draws.iter().enumerate() {
            let Some((record, _)) = market.step(draw) else { continue };
            let change = books.apply(&record);
            for (model, one) in &mut standing {
                let trade = change.trade.filter(|trade| {
                    trade.kind == TradeKind::Displayed
                        && trade.aggressor == Some(one.spot.side.opposite())
                });
                if let Some(trade) = trade.filter(|trade| trade.price == one.spot.price) {
                    one.jumped |= !one.before.contains(&trade.order_ref.0);
                    one.place.trade(*model, trade.qty, false);
                }
                if matches!(change.effect, Effect::Book { side, .. } if side == one.spot.side) {
                    let (spot, real) = (one.spot, Own::default());
                    one.place.settle(*model, &spot, &record, trade.is_some(), &books, &real);
                }
                let naive = one.ahead(&market);
                match model {
                    QueueModel::Exact => prop_assert_eq!(one.place.ahead(), naive),
                    QueueModel::RiskAverse => {
                        prop_assert!(one.jumped || one.place.ahead() >= naive);
                    }
                }
            }
            if number % 7 == 0 && standing.len() < 12 {
                let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
                let ticks = number as i64 % 5;
                let away = if side == Side::Buy { -ticks } else { 1 + ticks };
                let spot = Spot { id: ID, side, price: Price(BASE + away * TICK) };
                for model in [QueueModel::Exact, QueueModel::RiskAverse] {
                    standing.push((model, Naive::join(spot, &books, &market)));
                }
            }
        }
    }
}

/// A book with one shadow order, and the market around it.
struct Stage {
    books: Books,
    shadow: ShadowBook,
    rules: ShadowRules,
    real: Own,
    now: Nanos,
}

impl Stage {
    /// Two bids of 100 and 200 shares at 99.99, two offers of 500 at 100.01 dollars, and behind
    /// them levels enough.
    fn new(rules: ShadowRules) -> Stage {
        let mut stage = Stage {
            books: books(),
            shadow: ShadowBook::new(1),
            rules,
            real: Own::default(),
            now: Nanos(1_000),
        };
        opening().iter().for_each(|record| stage.feed(record));
        stage.feed(&add(1, Side::Buy, BASE - TICK, 100));
        stage.feed(&add(2, Side::Buy, BASE - TICK, 200));
        stage.feed(&add(3, Side::Sell, BASE + TICK, 500));
        stage.feed(&add(4, Side::Sell, BASE + TICK, 500));
        stage.feed(&add(5, Side::Buy, BASE - 3 * TICK, 900));
        stage
    }

    fn feed(&mut self, record: &EventRecord) {
        let change = self.books.apply(record);
        let event = Event { record, change: &change, real: &self.real };
        self.shadow.on_event(0, &self.rules, &event, &self.books, self.now);
        self.now = self.now + Nanos(1_000);
    }

    fn execute(&mut self, order_ref: u64, quantity: u64) {
        self.feed(&EventRecord { order_ref, quantity, ..record(Kind::Executed) });
    }

    fn delete(&mut self, order_ref: u64) {
        self.feed(&EventRecord { order_ref, ..record(Kind::Deleted) });
    }

    fn want(&mut self, intent: Intent) {
        let mut intents = Intents::default();
        intents.push(intent);
        self.shadow.obey(0, &intents, &self.rules, self.now);
        self.shadow.arrive(0, ID, &self.real, &self.books, self.now);
    }

    fn bid(&mut self, price: i64, qty: u32) {
        self.want(Intent::Enter(NewOrder {
            instrument: ID,
            side: Side::Buy,
            price: Price(price),
            qty: Qty(qty),
            time_in_force: TimeInForce::Day,
            post_only: true,
        }));
    }

    fn position(&self) -> i64 {
        self.shadow.own(0).position
    }
}

fn rules(queue: QueueModel) -> ShadowRules {
    ShadowRules { queue, ..ShadowRules::default() }
}

#[test]
fn what_is_ahead_trades_first() {
    for model in [QueueModel::RiskAverse, QueueModel::Exact] {
        let mut stage = Stage::new(rules(model));
        stage.bid(BASE - TICK, 100);
        assert_eq!(stage.shadow.ahead(0), [Some(300), None]);
        stage.execute(1, 100);
        stage.execute(2, 150);
        assert_eq!((stage.shadow.ahead(0)[0], stage.position()), (Some(50), 0));
        stage.feed(&add(6, Side::Buy, BASE - TICK, 400));
        stage.execute(2, 50);
        assert_eq!((stage.shadow.ahead(0)[0], stage.position()), (Some(0), 0));
        stage.execute(6, 60);
        assert_eq!(stage.position(), 60);
        stage.execute(6, 60);
        assert_eq!(stage.position(), 100, "no more than the order had");
        assert_eq!(stage.shadow.own(0).bid, None);
        assert_eq!(stage.shadow.counters().fills, 2);
    }
}

#[test]
fn cancels_ahead_count_for_the_exact_model_only() {
    for (model, ahead) in [(QueueModel::RiskAverse, 300), (QueueModel::Exact, 100)] {
        let mut stage = Stage::new(rules(model));
        stage.bid(BASE - TICK, 100);
        stage.feed(&add(6, Side::Buy, BASE - TICK, 1_000));
        stage.delete(2);
        assert_eq!(stage.shadow.ahead(0)[0], Some(ahead));
        stage.delete(6);
        // Now even the careful one knows: there is no more than that.
        assert_eq!(stage.shadow.ahead(0)[0], Some(100));
    }
}

#[test]
fn a_market_that_goes_through_the_price_fills() {
    for model in [QueueModel::RiskAverse, QueueModel::Exact] {
        // A worse price trades.
        let mut stage = Stage::new(rules(model));
        stage.bid(BASE - 2 * TICK, 100);
        stage.execute(5, 40);
        assert_eq!(stage.position(), 40);
        // An offer comes to rest at the price.
        let mut stage = Stage::new(rules(model));
        stage.bid(BASE, 100);
        stage.feed(&add(7, Side::Sell, BASE, 30));
        assert_eq!(stage.position(), 30);
        stage.feed(&add(8, Side::Sell, BASE + 2 * TICK, 30));
        assert_eq!(stage.position(), 30);
        // One of the account's own does not.
        stage.real.ask = Some(working(9, Side::Sell, BASE, 50));
        stage.feed(&add(9, Side::Sell, BASE, 50));
        assert_eq!(stage.position(), 30);
    }
}

fn working(order_ref: u64, side: Side, price: i64, open: u32) -> WorkingOrder {
    WorkingOrder {
        user_ref: UserRef(1),
        order_ref: OrderRef(order_ref),
        side,
        price: Price(price),
        open: Qty(open),
        entered: Nanos(0),
        state: WorkingState::Live,
    }
}

#[test]
fn the_accounts_own_quote_is_looked_through() {
    for model in [QueueModel::RiskAverse, QueueModel::Exact] {
        let mut stage = Stage::new(rules(model));
        stage.real.bid = Some(working(1, Side::Buy, BASE - TICK, 100));
        stage.bid(BASE - TICK, 100);
        assert_eq!(stage.shadow.ahead(0)[0], Some(200), "order 2 only");
        // What traded with us would have traded with order 2.
        stage.execute(1, 100);
        stage.real.bid = None;
        assert_eq!(stage.shadow.ahead(0)[0], Some(100), "{model:?}");
        stage.execute(2, 130);
        assert_eq!(stage.position(), 30, "{model:?}");
    }
}

#[test]
fn an_order_takes_effect_after_its_latency_and_stays_until_its_cancel_does() {
    let mut stage = Stage::new(ShadowRules { latency: Nanos(5_000), ..rules(QueueModel::Exact) });
    stage.bid(BASE - 3 * TICK, 100);
    let state = |stage: &Stage| stage.shadow.own(0).bid.map(|order| order.state);
    assert_eq!(state(&stage), Some(WorkingState::PendingNew));
    stage.execute(5, 800);
    assert_eq!(stage.position(), 0, "it is not there yet");
    for at in 0..5 {
        stage.feed(&add(20 + at, Side::Sell, BASE + 3 * TICK, 10));
    }
    assert_eq!((state(&stage), stage.shadow.ahead(0)[0]), (Some(WorkingState::Live), Some(100)));
    stage.want(Intent::Cancel { original: stage.shadow.own(0).bid.unwrap().user_ref });
    stage.execute(5, 100);
    assert_eq!(state(&stage), Some(WorkingState::PendingCancel));
    stage.feed(&add(30, Side::Buy, BASE - 3 * TICK, 500));
    stage.execute(30, 20);
    assert_eq!(stage.position(), 20, "the cancel is still on its way");
    for at in 0..5 {
        stage.feed(&add(40 + at, Side::Sell, BASE + 3 * TICK, 10));
    }
    assert_eq!(state(&stage), None);
}

#[test]
fn a_replaced_order_goes_to_the_end_of_the_line_at_its_new_price() {
    let mut stage = Stage::new(rules(QueueModel::Exact));
    stage.bid(BASE - TICK, 100);
    let original = stage.shadow.own(0).bid.unwrap().user_ref;
    stage.want(Intent::Replace { original, price: Price(BASE - 3 * TICK), qty: Qty(50) });
    let bid = stage.shadow.own(0).bid.unwrap();
    assert_eq!((bid.price, bid.open), (Price(BASE - 3 * TICK), Qty(50)));
    assert_eq!(stage.shadow.ahead(0)[0], Some(900));
    // One that would take is refused, as post-only is.
    stage.want(Intent::Replace { original, price: Price(BASE + TICK), qty: Qty(50) });
    assert_eq!((stage.shadow.own(0).bid, stage.shadow.counters().refused), (None, 1));
}

#[test]
fn profit_is_cash_and_position_at_the_mid_less_fees() {
    let mut stage = Stage::new(ShadowRules { fee_e6: 2_000, ..rules(QueueModel::Exact) });
    stage.bid(BASE - TICK, 100);
    stage.execute(1, 100);
    stage.execute(2, 200);
    stage.feed(&add(6, Side::Buy, BASE - TICK, 100));
    stage.execute(6, 100);
    assert_eq!(stage.position(), 100);
    // Bought at 99.99. The bid is at 99.97 now and the offer at 100.01: a mid of 99.99.
    assert!((stage.shadow.profit() - (0.0 - 0.2)).abs() < 1e-9, "{}", stage.shadow.profit());
    // The offers go; the next is at 100.11: a mid of 100.04.
    stage.feed(&add(7, Side::Sell, BASE + 11 * TICK, 100));
    stage.delete(3);
    stage.delete(4);
    assert!((stage.shadow.profit() - (5.0 - 0.2)).abs() < 1e-9, "{}", stage.shadow.profit());
}
