//! The ring's writer and reader in every interleaving and with every value that the memory model
//! lets a load return, on two slots of three words. The longer runs are bounded to three forced
//! switches between the threads (loom's preemption bound), the shortest one is exhaustive.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p tercel-engine --test loom_ring --release
//! --target-dir target/loom`; without the flag the file is empty.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;
use std::sync::atomic::Ordering;
use tercel_engine::broadcast::{Follower, Publisher, Shape, Step, Words};

const WORDS: usize = 3;
const SHAPE: Shape = Shape { head: 0, closed: 1, snapshots_wanted: 2, slots_at: 3, slots: 2 };

#[derive(Clone)]
struct Model(Arc<Vec<AtomicU64>>);

impl Model {
    fn new() -> Model {
        Model(Arc::new((0..3 + 2 * WORDS).map(|_| AtomicU64::new(0)).collect()))
    }
}

impl Words for Model {
    fn load(&self, index: usize, order: Ordering) -> u64 {
        self.0[index].load(order)
    }

    fn store(&self, index: usize, value: u64, order: Ordering) {
        self.0[index].store(value, order);
    }

    fn increment(&self, index: usize, order: Ordering) {
        self.0[index].fetch_add(1, order);
    }

    fn fence(order: Ordering) {
        fence(order);
    }
}

fn bounded(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// What record `number` says, so that a mixture of two records shows.
fn content(number: u64) -> [u64; WORDS] {
    [0, 10 + number, 20 + number]
}

fn whole(record: &[u64; WORDS], number: u64) -> bool {
    record[0] == number && record[1..] == content(number)[1..]
}

/// Takes `steps` steps and checks that numbers go up, records are whole, and what is skipped is
/// told: nothing between two records is lost in silence.
fn follow(reader: &mut Follower<Model, WORDS>, steps: usize) -> u64 {
    let mut lost = 0;
    for _ in 0..steps {
        let expected = reader.next();
        match reader.step() {
            Step::Waiting => assert_eq!(reader.next(), expected),
            Step::Record(record) => {
                assert!(whole(&record, expected), "torn or misplaced: {record:?} for {expected}");
                assert_eq!(reader.next(), expected + 1);
            }
            Step::Lost(some) => {
                assert!(some > 0);
                assert_eq!(reader.next(), expected + some);
                lost += some;
            }
        }
    }
    lost
}

#[test]
fn records_are_whole_in_order_and_losses_are_told() {
    bounded(|| {
        let model = Model::new();
        let mut writer = Publisher::<_, WORDS>::new(model.clone(), SHAPE);
        let mut reader = Follower::<_, WORDS>::new(model, SHAPE, 1);
        let writing = thread::spawn(move || {
            for number in 1..=4 {
                assert_eq!(writer.publish(&content(number)), number);
            }
            writer.close();
        });
        let mut lost = follow(&mut reader, 3);
        writing.join().unwrap();
        // With the writer done, whatever is left arrives, and then the end shows.
        lost += follow(&mut reader, 4);
        assert_eq!(reader.next(), 5);
        assert!(lost <= 4);
        assert!(reader.is_closed());
        assert_eq!(reader.step(), Step::Waiting);
    });
}

#[test]
fn what_the_head_counts_can_be_read() {
    loom::model(|| {
        let model = Model::new();
        let mut writer = Publisher::<_, WORDS>::new(model.clone(), SHAPE);
        let mut reader = Follower::<_, WORDS>::new(model, SHAPE, 1);
        let writing = thread::spawn(move || {
            writer.publish(&content(1));
            writer.publish(&content(2));
        });
        let head = reader.head();
        if head > 0 {
            reader.seek(head);
            assert!(matches!(reader.step(), Step::Record(record) if whole(&record, head)));
        }
        writing.join().unwrap();
    });
}

#[test]
fn a_reader_that_sees_the_end_has_everything() {
    loom::model(|| {
        let model = Model::new();
        let mut writer = Publisher::<_, WORDS>::new(model.clone(), SHAPE);
        let mut reader = Follower::<_, WORDS>::new(model, SHAPE, 1);
        let writing = thread::spawn(move || {
            writer.publish(&content(1));
            writer.publish(&content(2));
            writer.close();
        });
        follow(&mut reader, 2);
        if reader.is_closed() {
            assert_eq!(reader.next(), 3);
        }
        writing.join().unwrap();
    });
}

#[test]
fn a_snapshot_that_was_asked_for_comes_after_the_readers_position() {
    bounded(|| {
        let model = Model::new();
        let mut writer = Publisher::<_, WORDS>::new(model.clone(), SHAPE);
        let mut reader = Follower::<_, WORDS>::new(model, SHAPE, 1);
        let writing = thread::spawn(move || {
            for number in 1..=3 {
                writer.publish(&content(number));
            }
            let asked = writer.take_snapshot_request();
            let snapshot = writer.publish(&content(4));
            (asked, snapshot, writer)
        });
        let lost = follow(&mut reader, 2) > 0;
        let position = reader.next();
        if lost {
            reader.want_snapshot();
        }
        let (asked, snapshot, mut writer) = writing.join().unwrap();
        assert!(!asked || snapshot >= position, "the snapshot was published before the position");
        // Each request is answered once, whether it was seen early or late.
        assert_eq!(asked as u8 + writer.take_snapshot_request() as u8, lost as u8);
    });
}
