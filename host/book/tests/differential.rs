//! The books against the naive ones, after every record.

mod oracle;

use oracle::stream::{Walk, record};
use oracle::{Naive, apply_to_both};
use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Limits};
use tercel_types::OrderRef;

const ROOMY: Limits = Limits {
    instruments_max: 3,
    orders_max: 1000,
    levels_max: 1000,
    watched_max: 8,
    prefault: false,
    huge_pages: false,
};

/// Applies a stream and watches some of the orders that come by.
fn check(limits: &Limits, records: &[EventRecord]) {
    let mut books = Books::new(limits).unwrap();
    let mut naive = Naive::new(limits);
    for (at, record) in records.iter().enumerate() {
        if at % 7 == 0 {
            let watched = books.watch(OrderRef(record.order_ref));
            assert_eq!(watched, naive.watch(record.order_ref));
        }
        if at % 23 == 0 {
            let ended = books.unwatch(OrderRef(record.second_ref));
            assert_eq!(ended, naive.watched.remove(&record.second_ref));
        }
        apply_to_both(&mut books, &mut naive, record);
        naive.compare(&books);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn any_records(records in prop::collection::vec(record(), 1..250)) {
        check(&ROOMY, &records);
    }

    #[test]
    fn any_records_in_little_space(records in prop::collection::vec(record(), 1..250)) {
        let limits = Limits { orders_max: 9, levels_max: 5, watched_max: 2, ..ROOMY };
        check(&limits, &records);
    }

    #[test]
    fn any_bytes(words in prop::collection::vec(any::<[u64; 8]>(), 1..200)) {
        let records: Vec<EventRecord> = words
            .iter()
            .map(|[seq, head, price, quantity, order_ref, second_ref, exchange, receive]| {
                let [kind, side, venue, flags, a, b, c, d] = head.to_le_bytes();
                EventRecord {
                    seq: *seq,
                    kind,
                    side,
                    venue,
                    flags,
                    instrument: u16::from_le_bytes([a, b]),
                    tag: u16::from_le_bytes([c, d]),
                    price: *price as i64,
                    quantity: *quantity,
                    order_ref: *order_ref,
                    second_ref: *second_ref,
                    exchange_time: *exchange,
                    receive_time: *receive,
                }
            })
            .collect();
        check(&ROOMY, &records);
    }
}

/// A price that wanders over hundreds of dollars moves the windows many times.
#[test]
fn a_long_walk() {
    let limits = Limits { orders_max: 5_000, levels_max: 5_000, ..ROOMY };
    for (seed, resting) in [(1, 20), (2, 300), (3, 2_000)] {
        let mut walk = Walk::new(seed, resting);
        let mut books = Books::new(&limits).unwrap();
        let mut naive = Naive::new(&limits);
        for step in 0..25_000 {
            let record = walk.next_record();
            apply_to_both(&mut books, &mut naive, &record);
            if step % 50 == 0 {
                assert_eq!(books.watch(record.order_ref()), naive.watch(record.order_ref));
            }
            if step % 20 == 0 {
                naive.compare_quickly(&books);
            }
            if step % 2_000 == 0 {
                naive.compare(&books);
            }
        }
        naive.compare(&books);
        assert!(books.counters().recentres >= 5, "{:?}", books.counters());
        assert_eq!(books.counters().orders_refused, 0);
    }
}

/// A venue that numbers its orders at random fills the index unevenly, and some orders are found in
/// the table.
#[test]
fn scattered_references() {
    let limits = Limits { orders_max: 2_000, levels_max: 5_000, ..ROOMY };
    let mut walk = Walk::new(5, 1_000);
    let mut books = Books::new(&limits).unwrap();
    let mut naive = Naive::new(&limits);
    let scatter = |order_ref: u64| {
        let mixed = (order_ref ^ order_ref << 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        (mixed ^ mixed >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
    };
    for step in 0..30_000 {
        let mut record = walk.next_record();
        record.order_ref = scatter(record.order_ref);
        record.second_ref = scatter(record.second_ref);
        apply_to_both(&mut books, &mut naive, &record);
        if step % 3_000 == 0 {
            naive.compare(&books);
        }
        if step == 20_000 {
            apply_to_both(&mut books, &mut naive, &EventRecord::new(Kind::SnapshotBegin));
            naive.compare(&books);
        }
    }
    naive.compare(&books);
    assert!(books.counters().sparse_orders > 100);
}

/// Thousands of prices off the grid where a window would move keep it where it is, and nothing else
/// is different.
#[test]
fn a_window_that_cannot_move_stays() {
    let limits = Limits { orders_max: 4_000, levels_max: 4_000, ..ROOMY };
    let mut books = Books::new(&limits).unwrap();
    let mut naive = Naive::new(&limits);
    let mut next = 0;
    let mut add = |books: &mut Books, naive: &mut Naive, price: i64| {
        next += 1;
        let add = EventRecord::new(Kind::Add);
        let record = EventRecord { side: b'B', price, quantity: 1, order_ref: next, ..add };
        apply_to_both(books, naive, &record);
    };
    add(&mut books, &mut naive, 20_000);
    add(&mut books, &mut naive, 1_100_000);
    for step in 0..3_000 {
        add(&mut books, &mut naive, 1_050_001 + step * 10);
    }
    naive.compare(&books);
    let moved = books.counters().recentres;
    assert!(moved > 0, "the first misses found few levels there");
    for step in 0..300 {
        add(&mut books, &mut naive, 20_000 + step);
    }
    assert_eq!(books.counters().recentres, moved);
    naive.compare(&books);
    // The touch goes up; all of the 3,000 would lie in the window if it followed.
    add(&mut books, &mut naive, 1_126_000);
    for step in 0..600 {
        add(&mut books, &mut naive, 1_126_100 + step % 3 * 100);
    }
    assert_eq!(books.counters().recentres, moved);
    naive.compare(&books);
    for order_ref in 3..3_003 {
        let deleted = EventRecord { order_ref, ..EventRecord::new(Kind::Deleted) };
        apply_to_both(&mut books, &mut naive, &deleted);
    }
    for step in 0..300 {
        add(&mut books, &mut naive, 1_150_000 + step * 100);
    }
    assert!(books.counters().recentres > moved);
    naive.compare(&books);
}

#[test]
fn the_digest_is_that_of_the_orders_in_their_queues() {
    let mut walk = Walk::new(9, 200);
    let mut books = Books::new(&ROOMY).unwrap();
    let empty = books.digest();
    for _ in 0..5_000 {
        books.apply(&walk.next_record());
    }
    let mut copy = Books::new(&ROOMY).unwrap();
    let all: Vec<_> = books.orders(tercel_types::InstrumentId(0)).collect();
    // Worst levels first, each in its own order of arrival: another history of the same book.
    let mut levels: Vec<&[tercel_book::OrderView]> =
        all.chunk_by(|a, b| (a.side, a.price) == (b.side, b.price)).collect();
    levels.reverse();
    for order in levels.concat() {
        copy.apply(&EventRecord {
            side: order.side as u8,
            price: order.price.0,
            quantity: u64::from(order.qty.0),
            order_ref: order.order_ref.0,
            ..EventRecord::new(Kind::Add)
        });
    }
    assert_eq!(books.digest(), copy.digest());
    assert_ne!(books.digest(), empty);
    let last = all[0].order_ref;
    copy.apply(&EventRecord { order_ref: last.0, ..EventRecord::new(Kind::Deleted) });
    assert_ne!(books.digest(), copy.digest());
}
