//! The host's books, built from what the venue publishes, against the venue's own book.
//!
//! The two share no code: the venue matches on its own structures and sends ITCH; the host decodes
//! and applies it. After every few messages every level, every order and every place in a queue of
//! every instrument has to be the same.

use tercel_book::{Books, Limits};
use tercel_exchange::flow::{FlowConfig, SymbolFlow};
use tercel_exchange::matching::CrossKind;
use tercel_exchange::venue::{Control, SymbolConfig};
use tercel_exchange::{Venue, VenueConfig};
use tercel_proto::{itch, itch_record};
use tercel_types::{InstrumentId, Nanos, OrderRef, Price, Qty, SeqNo, Side, Symbol, VenueId};

/// Half past nine.
const OPEN: u64 = 34_200_000_000_000;
const STEP: u64 = 2_000_000;

struct Pair {
    venue: Venue,
    books: Books,
    next: u64,
    now: u64,
    names: Vec<Symbol>,
}

impl Pair {
    fn new(seed: u64, symbols: usize) -> Pair {
        let names: Vec<Symbol> =
            (0..symbols).filter_map(|at| Symbol::new(&format!("T{at:02}"))).collect();
        let price = |at: usize| Price(9_000 + 400_000 * at as i64);
        let listed = names.iter().enumerate().map(|(at, name)| SymbolConfig::new(*name, price(at)));
        let mut config = VenueConfig::new(listed.collect());
        let flow = |at| SymbolFlow::new(VenueConfig::instrument(at), price(at));
        let flow = FlowConfig::new(seed, (0..symbols).map(flow).collect());
        config.flow = Some(FlowConfig { rate: 20_000.0, ..flow });
        config.publisher.retransmission = None;
        config.publisher.glimpse = None;
        let limits = Limits {
            instruments_max: 64,
            orders_max: 1 << 16,
            levels_max: 1 << 15,
            ..Limits::default()
        };
        let venue = Venue::bind(config).expect("a venue");
        let books = Books::new(&limits).expect("books");
        Pair { venue, books, next: 1, now: OPEN, names }
    }

    /// Lets the venue run, and the host hear all of it.
    fn step(&mut self) {
        self.now += STEP;
        self.venue.step(Nanos(self.now));
        self.hear();
    }

    fn control(&mut self, control: Control) {
        self.venue.control(control, Nanos(self.now)).expect("it can be done");
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(bytes) = self.venue.publisher().message(SeqNo(self.next)) {
            let message = itch::parse(bytes).expect("the venue speaks ITCH");
            self.books.apply(&itch_record::to_record(&message, VenueId(0), Nanos(0)));
            self.next += 1;
        }
    }

    fn compare(&self) {
        for at in 0..self.names.len() {
            let id = VenueConfig::instrument(at);
            for side in [Side::Buy, Side::Sell] {
                assert_eq!(self.host_orders(id, side), self.venue_orders(id, side), "{id:?}");
            }
        }
        for (name, n) in self.books.counters().each() {
            let expected = ["records", "recentres", "sparse_orders", "trades_broken"];
            assert!(n == 0 || expected.contains(&name), "{name} is {n}");
        }
    }

    /// Every order of a side, best level first, in the order of their queue.
    fn host_orders(&self, id: InstrumentId, side: Side) -> Vec<(OrderRef, Price, Qty)> {
        let levels = self.books.depth(id, side);
        levels
            .flat_map(|level| {
                let orders: Vec<_> = self.books.orders_at(id, side, level.price).collect();
                let shares: u64 = orders.iter().map(|order| u64::from(order.qty.0)).sum();
                assert_eq!((shares, orders.len()), (level.qty, level.orders as usize));
                orders
            })
            .map(|order| (order.order_ref, order.price, order.qty))
            .collect()
    }

    fn venue_orders(&self, id: InstrumentId, side: Side) -> Vec<(OrderRef, Price, Qty)> {
        let displayed = self.venue.matching().displayed_orders(id);
        displayed
            .filter(|order| order.side == side)
            .map(|order| (order.order_ref, order.price(), order.open))
            .collect()
    }
}

fn run(seed: u64, symbols: usize, steps: u64, with_controls: bool) -> u64 {
    let mut pair = Pair::new(seed, symbols);
    for step in 0..steps {
        pair.step();
        if with_controls && step % 40 == 39 {
            let symbol = pair.names[(step / 40) as usize % pair.names.len()];
            pair.control(Control::Halt(symbol));
            pair.compare();
            pair.step();
            pair.control(Control::Resume(symbol));
        }
        if step % 5 == 0 {
            pair.compare();
        }
    }
    pair.compare();
    if with_controls {
        for symbol in pair.names.clone() {
            pair.control(Control::Cross { symbol, kind: CrossKind::Closing });
            pair.compare();
        }
    }
    pair.next - 1
}

#[test]
fn many_instruments_for_a_while() {
    let messages = run(1, 20, 1500, false);
    assert!(messages > 50_000, "only {messages} messages");
}

#[test]
fn halts_resumptions_and_crosses() {
    assert!(run(2, 5, 400, true) > 5_000);
}

#[test]
fn many_seeds() {
    for seed in 100..120 {
        run(seed, 3, 60, seed % 2 == 0);
    }
}
