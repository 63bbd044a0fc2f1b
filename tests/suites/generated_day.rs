//! A generated day through the golden decoder into the host's books: nothing about it is odd, and
//! the books are those of a naive reader of the same messages.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_market::{Day, DayConfig};
use tercel_proto::feed::{Feed, FeedConfig};
use tercel_proto::itch::{self, Message};
use tercel_proto::{frame, itch_record, mold};
use tercel_types::{Frame, InstrumentId, Nanos, Price, SeqNo, Side, VenueId};

const CONFIG: DayConfig =
    DayConfig { seed: 20, instruments: 1_000, messages: 300_000, resting_max: 1_500_000 };

fn books() -> Books {
    let limits = Limits {
        instruments_max: usize::from(CONFIG.instruments) + 1,
        orders_max: 1 << 16,
        levels_max: 1 << 16,
        ..Limits::default()
    };
    Books::new(&limits).expect("books")
}

/// Counters that may be other than zero on a day without oddities.
const NOT_ODD: [&str; 4] = ["records", "recentres", "sparse_orders", "trades_broken"];

fn nothing_is_odd(books: &Books) {
    for (name, n) in books.counters().each() {
        assert!(n == 0 || NOT_ODD.contains(&name), "{name} is {n}");
    }
}

/// Shares of each price, and the orders that they are of.
#[derive(Default)]
struct Naive {
    levels: HashMap<(u16, u8), BTreeMap<u32, u64>>,
    orders: HashMap<u64, (u16, u8, u32, u32)>,
}

impl Naive {
    fn apply(&mut self, message: &Message<'_>) {
        let locate = message.header().locate.get();
        match message {
            Message::AddOrder(m) => {
                let order = (locate, m.side, m.price.get(), m.shares.get());
                self.add(m.order_ref.get(), order);
            }
            Message::AddOrderMpid(m) => {
                let order = (locate, m.side, m.price.get(), m.shares.get());
                self.add(m.order_ref.get(), order);
            }
            Message::OrderExecuted(m) => self.take(m.order_ref.get(), m.shares.get()),
            Message::OrderExecutedPrice(m) => self.take(m.order_ref.get(), m.shares.get()),
            Message::OrderCancel(m) => self.take(m.order_ref.get(), m.shares.get()),
            Message::OrderDelete(m) => self.delete(m.order_ref.get()),
            Message::OrderReplace(m) => {
                let (locate, side, ..) = self.orders[&m.original_ref.get()];
                self.delete(m.original_ref.get());
                self.add(m.new_ref.get(), (locate, side, m.price.get(), m.shares.get()));
            }
            _ => {}
        }
    }

    fn add(&mut self, order_ref: u64, order: (u16, u8, u32, u32)) {
        let (locate, side, price, shares) = order;
        let level = self.levels.entry((locate, side)).or_default().entry(price).or_default();
        *level += u64::from(shares);
        assert_eq!(self.orders.insert(order_ref, order), None);
    }

    fn take(&mut self, order_ref: u64, shares: u32) {
        let order = self.orders.get_mut(&order_ref).expect("a resting order");
        let (locate, side, price, left) = *order;
        assert!(shares <= left, "{shares} of {left}");
        order.3 -= shares;
        if left == shares {
            self.orders.remove(&order_ref);
        }
        let levels = self.levels.entry((locate, side)).or_default();
        let level = levels.entry(price).or_default();
        *level -= u64::from(shares);
        if *level == 0 {
            levels.remove(&price);
        }
    }

    fn delete(&mut self, order_ref: u64) {
        let left = self.orders[&order_ref].3;
        self.take(order_ref, left);
    }

    fn touch(&self, locate: u16, side: Side) -> Option<(Price, u64)> {
        let levels = self.levels.get(&(locate, side as u8))?;
        let best = match side {
            Side::Buy => levels.last_key_value(),
            Side::Sell => levels.first_key_value(),
        };
        best.map(|(price, shares)| (Price(i64::from(*price)), *shares))
    }

    fn compare(&self, books: &Books) {
        for locate in 1..=CONFIG.instruments {
            let id = InstrumentId(locate);
            for side in [Side::Buy, Side::Sell] {
                let first = books.depth(id, side).next();
                let touch = first.map(|level| (level.price, level.qty));
                assert_eq!(touch, self.touch(locate, side), "{id:?} {side:?}");
            }
        }
        assert_eq!(books.usage().orders, self.orders.len());
    }
}

#[test]
fn every_message_is_applied_and_nothing_is_odd() {
    let mut day = Day::new(&CONFIG).expect("a day");
    let (mut books, mut naive) = (books(), Naive::default());
    let (mut number, mut last_ref) = (0_u64, 0);
    let mut kinds: BTreeMap<char, u64> = BTreeMap::new();
    while let Some(bytes) = day.next_message() {
        let message = itch::parse(bytes).expect("ITCH");
        let record = itch_record::to_record(&message, VenueId(0), Nanos(0));
        let change = books.apply(&record);
        naive.apply(&message);
        *kinds.entry(char::from(bytes[0])).or_default() += 1;
        let new = match &message {
            Message::AddOrder(m) => Some(m.order_ref.get()),
            Message::AddOrderMpid(m) => Some(m.order_ref.get()),
            Message::OrderReplace(m) => Some(m.new_ref.get()),
            _ => None,
        };
        if let Some(new) = new {
            assert!(new > last_ref, "references increase");
            last_ref = new;
        }
        let view = books.market_view(change.instrument);
        let (bid, ask) = (view.top.bid, view.top.ask);
        let apart = bid.price < ask.price || bid.qty == 0 || ask.qty == 0;
        assert!(apart, "message {number}: {bid:?} x {ask:?}");
        if number.is_multiple_of(10_000) {
            naive.compare(&books);
            assert_eq!(day.resting(), books.usage().orders);
        }
        number += 1;
    }
    naive.compare(&books);
    nothing_is_odd(&books);
    assert_eq!(number, CONFIG.messages);
    // References are dense over the market: few are of orders that never rested.
    let orders = kinds[&'A'] + kinds[&'F'] + kinds[&'U'];
    assert!(last_ref < orders * 5 / 4, "{last_ref} references, {orders} orders");
    for (kind, percent) in [('A', 42.0), ('D', 40.0), ('U', 9.0), ('E', 5.0), ('X', 2.0)] {
        let found = 100.0 * kinds[&kind] as f64 / number as f64;
        // What is sent of each of a thousand instruments is some percent of so short a day.
        assert!((found - percent).abs() < 1.5, "{kind} {found:.2} %, not {percent} %");
    }
}

#[test]
fn it_comes_through_the_decoder() {
    let line = |last, port| SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, last), port);
    let lines = [line(1, 31_001), line(2, 31_002)];
    let mut feed = Feed::new(FeedConfig::new(VenueId(0), lines));
    let (mut decoded, mut direct) = (books(), books());
    let mut day = Day::new(&CONFIG).expect("a day");
    let (mut seq, mut records, mut pending) = (1_u64, 0_u64, Vec::<Vec<u8>>::new());
    let mut more = true;
    while more {
        match day.next_message() {
            Some(bytes) => {
                let message = itch::parse(bytes).expect("ITCH");
                direct.apply(&itch_record::to_record(&message, VenueId(0), Nanos(0)));
                pending.push(bytes.to_vec());
            }
            None => more = false,
        }
        // Packets of up to twenty messages, on both lines.
        if pending.len() == 20 || !more {
            for line in lines {
                let bytes = packet(line, seq, &pending);
                let now = Nanos(day.time().0);
                let frame = Frame { bytes: &bytes, received: now };
                feed.on_frame(frame, now, &mut |record: &EventRecord| {
                    decoded.apply(record);
                    records += u64::from(Kind::from_code(record.kind).is_some_and(on_wire));
                });
            }
            seq += pending.len() as u64;
            pending.clear();
        }
    }
    assert_eq!(records, CONFIG.messages);
    assert_eq!(decoded.digest(), direct.digest());
    nothing_is_odd(&direct);
}

/// The record is of a message, not of the feed's state.
fn on_wire(kind: Kind) -> bool {
    kind as u8 >= 0x20
}

fn packet(line: SocketAddrV4, seq: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut buf = vec![0; 2048];
    let mut builder =
        mold::PacketBuilder::new(&mut buf[frame::UDP_HEADERS..], *b"GENERATED0", SeqNo(seq));
    for message in messages {
        assert!(builder.push(message));
    }
    let len = builder.finish();
    let from = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1);
    let len = frame::emit_udp(&mut buf, from, line, len).expect("it fits");
    buf.truncate(len);
    buf
}
