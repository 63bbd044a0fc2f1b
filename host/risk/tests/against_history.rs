//! Random trading against a model venue: after every step everything risk keeps by increments must
//! equal what a naive reading of the whole history gives.

mod desk;
mod history;
mod venue;

use desk::{Desk, ID, OTHER, market};
use history::{Event, History};
use proptest::prelude::*;
use tercel_risk::{
    AccountLimits, InstrumentLimits, Order, RateLimit, RatioLimit, RiskConfig, VenueLimits,
};
use tercel_types::{InstrumentId, Intent, MarketView, Money, Nanos, Price, Qty, Side, UserRef};
use venue::Venue;

/// One random step; numbers are taken modulo what there is to choose from.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enter { other: bool, sell: bool, ticks: u8, qty: u32 },
    Replace { which: usize, ticks: u8, qty: u32 },
    Cancel { which: usize },
    Withdraw { which: usize, qty: u32 },
    Receive { seed: u32 },
    Act { which: usize, action: u8, part: u32 },
    Deliver { which: usize },
    Mark { other: bool, mid: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let qty = 1_u32..=200;
    prop_oneof![
        4 => (any::<bool>(), any::<bool>(), 0_u8..5, qty.clone()).prop_map(
            |(other, sell, ticks, qty)| Step::Enter { other, sell, ticks, qty }
        ),
        2 => (any::<usize>(), 0_u8..5, qty.clone()).prop_map(
            |(which, ticks, qty)| Step::Replace { which, ticks, qty }
        ),
        2 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => (any::<usize>(), qty).prop_map(|(which, qty)| Step::Withdraw { which, qty }),
        6 => any::<u32>().prop_map(|seed| Step::Receive { seed }),
        5 => (any::<usize>(), any::<u8>(), 1_u32..=150).prop_map(
            |(which, action, part)| Step::Act { which, action, part }
        ),
        8 => any::<usize>().prop_map(|which| Step::Deliver { which }),
        1 => (any::<bool>(), 9_700_i64..10_300).prop_map(
            |(other, mid)| Step::Mark { other, mid: mid * 100 }
        ),
    ]
}

/// Limits that only the self-match and the states of orders hit.
fn open_desk() -> Desk {
    let most = Money(1_000_000_000_000_000_000);
    let account = AccountLimits {
        gross_max: most,
        net_max: most,
        credit_max: most,
        realised_loss_max: most,
        unrealised_loss_max: most,
        drawdown_max: most,
    };
    let rate = RateLimit { burst: u32::MAX, per_second: 1 };
    let ratio = RatioLimit { burst: u32::MAX, per_fill: 0, per_second: 0 };
    let venue = VenueLimits { rate, ratio, rejects_in_a_row_max: u32::MAX };
    let limits = InstrumentLimits {
        position_max: u32::MAX,
        gross_max: most,
        net_max: most,
        open_orders_max: 100,
        located: u32::MAX,
        duplicate_window: Nanos(0),
        rate,
        ratio,
        ..Default::default()
    };
    let config = RiskConfig { instruments_max: 2, orders_max: 40, account, venue };
    let mut desk = Desk::with(config, limits);
    desk.risk.bind(OTHER, limits).unwrap();
    desk
}

struct World {
    desk: Desk,
    venue: Venue,
    history: History,
    /// How far apart two messages may change places.
    disorder: usize,
}

impl World {
    fn new(disorder: usize) -> World {
        let (venue, history) = (Venue::default(), History::default());
        World { desk: open_desk(), venue, history, disorder }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Enter { other, sell, ticks, qty } => {
                let instrument = if other { OTHER } else { ID };
                let side = if sell { Side::Sell } else { Side::Buy };
                let price = Price(1_000_000 - side.sign() * 100 * i64::from(ticks));
                let new = desk::new_order(instrument, side, price.0, qty);
                self.ask(Intent::Enter(new), true);
            }
            Step::Replace { which, ticks, qty } => {
                let Some(order) = self.history.pick(which) else { return };
                let price = Price(1_000_000 - order.side.sign() * 100 * i64::from(ticks));
                let original = order.user_ref;
                self.ask(Intent::Replace { original, price, qty: Qty(qty) }, true);
            }
            Step::Cancel { which } => {
                let Some(order) = self.history.pick(which) else { return };
                self.ask(Intent::Cancel { original: order.user_ref }, true);
            }
            Step::Withdraw { which, qty } => {
                let intent = match self.history.pick(which).filter(|_| qty % 2 == 0) {
                    Some(order) => {
                        let price = order.price;
                        Intent::Replace { original: order.user_ref, price, qty: Qty(qty) }
                    }
                    None => Intent::Enter(desk::new_order(ID, Side::Buy, 990_000, qty)),
                };
                self.ask(intent, false);
            }
            Step::Receive { seed } => self.venue.receive(seed),
            Step::Act { which, action, part } => self.venue.act(which, action, part),
            Step::Deliver { which } => {
                if let Some(ack) = self.venue.deliver(which % self.disorder) {
                    self.desk.risk.on_ack(&ack, self.desk.now);
                    self.history.push(Event::Ack(ack));
                }
            }
            Step::Mark { other, mid } => {
                let id = if other { OTHER } else { ID };
                self.desk.risk.mark(id, &market(mid - 100, mid + 100), self.desk.now);
                self.history.push(Event::Mark(id, Price(mid)));
            }
        }
    }

    fn ask(&mut self, intent: Intent, send: bool) {
        self.desk.view = MarketView { ..market(999_900, 1_000_100) };
        let Ok(approved) = self.desk.check(intent) else { return };
        let order = *approved.get();
        if send {
            self.history.push(Event::Approved(order));
            self.venue.send(order);
            return;
        }
        self.desk.risk.withdraw(&approved);
        if !matches!(order, Order::Cancel { .. }) {
            self.desk.next -= 1;
        }
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let naive = self.history.replay();
        for id in [ID, OTHER] {
            prop_assert_eq!(self.desk.risk.exposure(id), naive.exposure(id), "{:?}", id);
            prop_assert_eq!(self.desk.risk.position(id), naive.exposure(id).position);
        }
        let mut account = self.desk.risk.account();
        (account.peak, account.drawdown) = Default::default();
        prop_assert_eq!(account, naive.account());
        Ok(())
    }

    /// What could still trade, the worst way, is within what risk says. Only where messages come in
    /// order: what overtakes a fill hides it until it comes.
    fn covers_the_venue(&self) -> Result<(), TestCaseError> {
        for (id, side) in
            [(ID, Side::Buy), (ID, Side::Sell), (OTHER, Side::Buy), (OTHER, Side::Sell)]
        {
            let view = self.desk.risk.exposure(id);
            let said = match side {
                Side::Buy => view.open_buy_qty,
                Side::Sell => view.open_sell_qty,
            };
            let could = self.venue.could_trade(id, side);
            prop_assert!(
                could <= said,
                "{:?} {:?}: {} could trade, {} said",
                id,
                side,
                could,
                said
            );
        }
        Ok(())
    }

    /// Everything dies and is told.
    fn close(&mut self) {
        self.venue.close();
        while let Some(ack) = self.venue.deliver(0) {
            self.desk.risk.on_ack(&ack, self.desk.now);
            self.history.push(Event::Ack(ack));
        }
    }
}

fn run(steps: &[Step], disorder: usize) -> Result<(), TestCaseError> {
    let mut world = World::new(disorder);
    for step in steps {
        world.step(*step);
        world.compare()?;
        if disorder == 1 {
            world.covers_the_venue()?;
        }
    }
    world.close();
    world.compare()?;
    let account = world.desk.risk.account();
    prop_assert_eq!(account.open_orders, 0);
    prop_assert_eq!((account.open_buys, account.open_sells), (Money(0), Money(0)));
    for id in [ID, OTHER] {
        let view = world.desk.risk.exposure(id);
        prop_assert_eq!((view.open_buy_qty, view.open_sell_qty, view.open_orders), (0, 0, 0));
        prop_assert_eq!(view.position, world.venue.position(id));
    }
    prop_assert_eq!(world.desk.risk.counters().adopted, 0);
    prop_assert_eq!(world.desk.risk.counters().unaccounted, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn in_order(steps in proptest::collection::vec(step(), 1..120)) {
        run(&steps, 1)?;
    }

    #[test]
    fn out_of_order(steps in proptest::collection::vec(step(), 1..120)) {
        run(&steps, 4)?;
    }
}

/// The proptest would prove little if nearly all intents were refused or nothing ever traded.
#[test]
fn the_model_reaches_what_it_is_for() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let steps = proptest::collection::vec(step(), 4_000..4_001);
    let steps = steps.new_tree(&mut runner).unwrap().current();
    let mut world = World::new(4);
    for step in &steps {
        world.step(*step);
    }
    world.compare().unwrap();
    let counters = world.desk.risk.counters();
    assert!(counters.approved > counters.rejected() && counters.late > 10);
    for kind in venue::KINDS {
        assert!(world.venue.told(kind) > 2, "{kind} was told {} times", world.venue.told(kind));
    }
    assert_eq!(world.desk.risk.exposure(InstrumentId(1)), Default::default());
    assert!(world.desk.risk.tripped().is_none() && world.desk.next > UserRef(500).0);
}
