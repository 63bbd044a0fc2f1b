//! Random trading, and three accounts of it that have to agree: what the clients were told, what
//! the feed said, and what the venue reports.

mod support;

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::{Client, Lab, config, order, outbound};
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::publisher::StateTracker;
use tercel_exchange::{AccountReport, Fees, VenueConfig};
use tercel_proto::ouch::{Outbound, order_state};
use tercel_types::{Money, Nanos, SeqNo};

const NAMES: [&str; 2] = ["AAPL", "MSFT"];
const PRICES: [u64; 2] = [1_500_000, 3_000_000];

/// What a client knows from its messages alone.
#[derive(Default)]
struct Known {
    orders: BTreeMap<u32, (String, u8, u32)>,
    shares: BTreeMap<String, i64>,
    cash: i64,
}

impl Known {
    fn of(messages: &[Vec<u8>], fees: Fees) -> Known {
        let mut known = Known::default();
        for message in messages {
            known.apply(outbound(message), fees);
        }
        known.orders.retain(|_, order| order.2 > 0);
        known
    }

    fn apply(&mut self, message: Outbound<'_>, fees: Fees) {
        let name = |symbol: &[u8; 8]| String::from_utf8(symbol.trim_ascii().to_vec()).unwrap();
        match message {
            Outbound::OrderAccepted(m, _) => {
                let open = if m.state == order_state::LIVE { m.quantity.get() } else { 0 };
                self.orders.insert(m.user_ref.get(), (name(&m.symbol), m.side, open));
            }
            Outbound::OrderReplaced(m, _) => {
                let open = if m.state == order_state::LIVE { m.quantity.get() } else { 0 };
                assert!(self.orders.remove(&m.original.get()).is_some());
                self.orders.insert(m.user_ref.get(), (name(&m.symbol), m.side, open));
            }
            Outbound::OrderCanceled(m, _) => {
                let order = self.orders.get_mut(&m.user_ref.get()).unwrap();
                order.2 = order.2.checked_sub(m.quantity.get()).unwrap();
            }
            Outbound::OrderExecuted(m, _) => {
                let (name, side, open) = self.orders.get_mut(&m.user_ref.get()).unwrap();
                *open = open.checked_sub(m.quantity.get()).unwrap();
                let sign = if *side == b'B' { 1 } else { -1 };
                let qty = i64::from(m.quantity.get());
                *self.shares.entry(name.clone()).or_default() += sign * qty;
                self.cash -= sign * qty * i64::try_from(m.price.get()).unwrap();
                let fee = if m.liquidity == b'R' { fees.removed } else { fees.added };
                self.cash -= fee.0 * qty;
            }
            Outbound::SystemEvent(..) | Outbound::OrderRejected(..) => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    fn assert_agrees(&self, report: &AccountReport) {
        assert_eq!(Money(self.cash), report.cash);
        for position in &report.positions {
            let known = self.shares.get(position.symbol.as_str()).copied();
            assert_eq!(known, Some(position.shares), "{}", position.symbol);
            assert_eq!(position.shares, position.bought as i64 - position.sold as i64);
        }
        assert_eq!(self.shares.len(), report.positions.len());
        let open: Vec<_> = report.open_orders.iter().map(|o| (o.user_ref.0, o.open.0)).collect();
        let mut open_known: Vec<_> =
            self.orders.iter().map(|(&key, order)| (key, order.2)).collect();
        open_known.sort_by_key(|&(key, _)| open.iter().position(|&(other, _)| other == key));
        assert_eq!(open, open_known);
    }
}

/// One random request.
fn act(client: &mut Client, next: &mut u32, rng: &mut ChaCha8Rng) {
    let known = rng.random_range(0..=*next);
    match rng.random_range(0..10) {
        0..6 => {
            let symbol = rng.random_range(0..2);
            let away = rng.random_range(-10i64..=10) * 100;
            let price = PRICES[symbol].checked_add_signed(away).unwrap();
            let side = b"BST"[rng.random_range(0..3)];
            let mut order = order(*next, side, rng.random_range(1..300), NAMES[symbol], price);
            order.time_in_force = b"003"[rng.random_range(0..3)];
            order.display = b"YYAN"[rng.random_range(0..4)];
            client.enter(order);
            *next += 1;
        }
        6..8 => client.cancel(known, rng.random_range(0..3) * 50),
        _ => {
            let symbol = rng.random_range(0..2);
            client.replace(known, *next, rng.random_range(0..400), PRICES[symbol]);
            *next += 1;
        }
    }
}

#[test]
fn all_accounts_of_the_day_agree() {
    for seed in 0..4 {
        trade(seed);
    }
}

fn trade(seed: u64) {
    let fees = Fees { added: Money(-20), removed: Money(30), cross: Money(0) };
    let mut config = config();
    config.fees = fees;
    let mut lab = Lab::new(config);
    let mut clients = [lab.log_in("alpha", 1), lab.log_in("beta", 1)];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut next = [1, 1];
    for round in 0..600 {
        let who = rng.random_range(0..2);
        act(&mut clients[who], &mut next[who], &mut rng);
        if round % 7 == 0 {
            let [alpha, beta] = &mut clients;
            lab.settle_briefly(&mut [alpha, beta]);
        }
    }
    let [alpha, beta] = &mut clients;
    lab.settle(&mut [alpha, beta]);
    let report = lab.venue.report();
    for (client, report) in clients.iter().zip(&report.accounts) {
        assert_eq!(report.counters.malformed, 0);
        assert!(report.counters.executed > 20, "{:?}", report.counters);
        Known::of(&client.messages, fees).assert_agrees(report);
    }
    // Nobody else traded: what one has, the other lacks.
    let cash: i64 = report.accounts.iter().map(|account| account.cash.0).sum();
    let trades: u64 = report.accounts.iter().map(|account| account.counters.shares).sum();
    assert_eq!(cash, -(fees.added.0 + fees.removed.0) * (trades / 2) as i64);

    let mut state = StateTracker::default();
    for seq in 1..lab.venue.publisher().next_seq().0 {
        state.apply(lab.venue.publisher().message(SeqNo(seq)).unwrap());
    }
    let displayed: u64 = state.displayed().map(|order| u64::from(order.shares)).sum();
    let matching = lab.venue.matching();
    let engine: u64 = matching
        .instruments()
        .flat_map(|instrument| matching.displayed_orders(instrument))
        .map(|order| u64::from(order.open.0))
        .sum();
    assert_eq!(displayed, engine);
    assert_eq!(*state.counters(), Default::default());
    assert_eq!(report.counters.unpublished, 0);
}

#[test]
fn same_inputs_same_messages_however_often_it_is_stepped() {
    let run = |tick: u64| {
        let mut config = config();
        let symbols = (0..2)
            .map(|i| SymbolFlow::new(VenueConfig::instrument(i), config.symbols[i].initial_price));
        config.flow = Some(FlowConfig::new(5, symbols.collect()));
        config.opening = tercel_exchange::venue::Opening::Cross { after: Nanos::from_millis(3) };
        let mut lab = Lab::new(config);
        let start = lab.now;
        let mut passed = 0;
        while passed <= 400_000_000 {
            lab.venue.step(Nanos(start.0 + passed));
            passed += tick;
        }
        let publisher = lab.venue.publisher();
        (1..publisher.next_seq().0)
            .map(|seq| publisher.message(SeqNo(seq)).unwrap().to_vec())
            .collect::<Vec<_>>()
    };
    let often = run(100_000);
    assert!(often.len() > 1000);
    assert_eq!(often, run(100_000));
    assert_eq!(often, run(4_000_000));
}
