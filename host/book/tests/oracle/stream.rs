//! Streams of records: hostile ones for proptest, and a long one that looks like a market.

use proptest::prelude::*;
use tercel_abi::{EventRecord, Kind};

const MESSAGES: [Kind; 8] = [
    Kind::Add,
    Kind::AddAttributed,
    Kind::Executed,
    Kind::ExecutedPrice,
    Kind::Canceled,
    Kind::Deleted,
    Kind::Replaced,
    Kind::Trade,
];

fn code() -> impl Strategy<Value = u8> {
    prop_oneof![
        24 => Just(Kind::Add as u8),
        30 => prop::sample::select(&MESSAGES[..]).prop_map(|kind| kind as u8),
        3 => prop::sample::select(&Kind::ALL[..]).prop_map(|kind| kind as u8),
        1 => any::<u8>(),
    ]
}

/// A few references, so that they meet again, some of which share a cell of the index.
fn order_ref() -> impl Strategy<Value = u64> {
    prop_oneof![
        20 => 1..30u64,
        4 => (0..4u64, 0..3u64).prop_map(|(low, round)| low + (round << 26)),
        1 => prop::sample::select(&[0, u64::MAX, u64::MAX - 1, 1 << 63][..]),
        1 => any::<u64>(),
    ]
}

/// The highest price on the wire.
const MOST: i64 = u32::MAX as i64;

fn price() -> impl Strategy<Value = i64> {
    prop_oneof![
        20 => (995..1005i64).prop_map(|cents| cents * 100),
        4 => (1..400_000i64).prop_map(|cents| cents * 100),
        4 => 99_000..101_000i64,
        3 => 1..12_000i64,
        2 => prop::sample::select(
            &[0, 1, -1, -100_000, 1_999_999_900, MOST, MOST + 1, i64::MAX, i64::MIN][..]
        ),
    ]
}

fn quantity() -> impl Strategy<Value = u64> {
    prop_oneof![
        20 => 1..6u64,
        3 => Just(0),
        2 => prop::sample::select(&[u32::MAX as u64, 1 << 32, u64::MAX][..]),
        2 => any::<u32>().prop_map(u64::from),
    ]
}

fn tag() -> impl Strategy<Value = u16> {
    let letters = b"OSQMECHPT0123XB";
    let letter = move || prop::sample::select(&letters[..]).prop_map(u16::from);
    (letter(), letter()).prop_map(|(low, high)| low | high << 8)
}

/// One record, more often an order of instrument 0 than anything else.
pub(crate) fn record() -> impl Strategy<Value = EventRecord> {
    let side = prop_oneof![9 => Just(b'B'), 9 => Just(b'S'), 1 => any::<u8>()];
    let instrument = prop_oneof![8 => Just(0u16), 6 => 0..4u16, 1 => any::<u16>()];
    let words = (price(), quantity(), order_ref(), order_ref());
    (code(), side, instrument, any::<u8>(), tag(), words).prop_map(
        |(kind, side, instrument, flags, tag, (price, quantity, order_ref, second_ref))| {
            let unsided = (0x41..0x60).contains(&kind) && !matches!(kind, b'A' | b'F' | b'P');
            let side = if unsided && side != b'S' { 0 } else { side };
            let rest = EventRecord::new(Kind::Add);
            EventRecord {
                kind,
                side,
                flags,
                instrument,
                tag,
                price,
                quantity,
                order_ref,
                second_ref,
                ..rest
            }
        },
    )
}

/// A generator whose stream is fixed.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

struct Live {
    order_ref: u64,
    left: u64,
    side: u8,
    price: i64,
}

/// A market whose price wanders far, with stub quotes, prices off the cent and a jump now and then.
pub(crate) struct Walk {
    pub(crate) rng: Lcg,
    mid: i64,
    next: u64,
    live: Vec<Live>,
    resting: usize,
}

impl Walk {
    pub(crate) fn new(seed: u64, resting: usize) -> Walk {
        Walk { rng: Lcg(seed), mid: 20_000, next: 1, live: Vec::new(), resting }
    }

    fn price(&mut self, side: u8) -> i64 {
        let rng = &mut self.rng;
        let deep = rng.below(10) == 0;
        let away = rng.below(if deep { 2_000 } else { 30 }) as i64 * 100 + 100;
        let price = if side == b'B' { self.mid - away } else { self.mid + away };
        match rng.below(60) {
            0 if side == b'B' => 1 + rng.below(100) as i64,
            0 => 1_999_999_900,
            1 => price + rng.below(100) as i64,
            _ => price,
        }
        .max(1)
    }

    /// An order of a side, or of either.
    fn order(&mut self, kind: Kind, side: Option<u8>) -> EventRecord {
        let either = if self.rng.below(2) == 0 { b'B' } else { b'S' };
        let side = side.unwrap_or(either);
        let price = self.price(side);
        self.next += 1 + self.rng.below(3);
        let (order_ref, quantity) = (self.next, 1 + self.rng.below(500));
        self.live.push(Live { order_ref, left: quantity, side, price });
        EventRecord { side, price, quantity, order_ref, ..EventRecord::new(kind) }
    }

    /// An order that goes: one that the price has run over, else often one of the newest.
    fn pick(&mut self) -> usize {
        let mid = self.mid;
        let run_over =
            |live: &Live| if live.side == b'B' { live.price >= mid } else { live.price <= mid };
        if let Some(at) = self.live.iter().position(run_over) {
            return at;
        }
        let all = self.live.len() as u64;
        let back = self.rng.below(if self.rng.0 & 1 << 40 == 0 { all } else { all.min(40) });
        self.live.len() - 1 - back as usize
    }

    pub(crate) fn next_record(&mut self) -> EventRecord {
        let step = self.rng.below(4_000);
        self.mid += match step {
            0..4 => 150_000,
            4..8 if self.mid > 160_000 => -150_000,
            8..400 => 100 * (self.rng.below(21) as i64 - 10),
            _ => 0,
        };
        self.mid = self.mid.max(3_000);
        if self.live.len() < self.resting || self.rng.below(100) < 45 {
            return self.order(Kind::Add, None);
        }
        let at = self.pick();
        let Live { order_ref, left, side, .. } = self.live[at];
        match self.rng.below(100) {
            0..60 => {
                self.live.swap_remove(at);
                EventRecord { order_ref, ..EventRecord::new(Kind::Deleted) }
            }
            60..72 => {
                self.live.swap_remove(at);
                let new = self.order(Kind::Replaced, Some(side));
                EventRecord { order_ref, second_ref: new.order_ref, side: 0, ..new }
            }
            kind => {
                let quantity = 1 + self.rng.below(left);
                self.live[at].left -= quantity;
                if quantity == left {
                    self.live.swap_remove(at);
                }
                let kind = if kind < 86 { Kind::Executed } else { Kind::Canceled };
                EventRecord { order_ref, quantity, ..EventRecord::new(kind) }
            }
        }
    }
}
