//! Nanoseconds a record, over a random market of many instruments.
//!
//! `cargo run --release -p tercel-book --example measure_books [instruments] [resting] [millions of
//! records]`
//!
//! The records are made before the clock starts and are read in order, as from a ring. Instruments
//! are drawn with weights 1/k^0.7, prices near the touch with a long tail, and 80 of 100 changes
//! are of one of the 64 newest orders of the instrument. What is not in it: decoding, the ring, and
//! anything else that would use the same cache.

use std::time::Instant;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Effect, Limits};

/// Records timed together; the median over them leaves out those during which the system took the
/// core away.
const CHUNK: usize = 4096;

struct Live {
    order_ref: u64,
    qty: u64,
    side: u8,
}

struct Market {
    seed: u64,
    next: u64,
    resting_each: usize,
    weights: Vec<f64>,
    mids: Vec<i64>,
    live: Vec<Vec<Live>>,
}

impl Market {
    fn new(instruments: usize, resting: usize) -> Market {
        let mut sum = 0.0;
        let weight = |k: usize| {
            sum += (k as f64 + 1.0).powf(-0.7);
            sum
        };
        let weights: Vec<f64> = (0..instruments).map(weight).collect();
        Market {
            seed: 88_172_645_463_325_252,
            next: 1000,
            resting_each: resting / instruments,
            weights,
            mids: (0..instruments).map(|k| 100_000 + (k as i64 % 400) * 10_000).collect(),
            live: (0..instruments).map(|_| Vec::new()).collect(),
        }
    }

    fn draw(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    fn order(&mut self, kind: Kind, k: usize, side: u8) -> EventRecord {
        let word = self.draw();
        let near = i64::from(word.trailing_zeros()) * 2 + (word >> 40 & 3) as i64;
        let far = if word >> 56 < 6 { (word >> 20) as i64 % 600 } else { 0 };
        let away = (1 + near + far) * 100;
        let price = self.mids[k] + if side == b'B' { -away } else { away };
        let quantity = (self.draw() % 10 + 1) * 100;
        self.next += 1 + self.draw() % 4;
        let order_ref = self.next;
        self.live[k].push(Live { order_ref, qty: quantity, side });
        let instrument = k as u16;
        let base = EventRecord::new(kind);
        EventRecord { instrument, side, price: price.max(100), quantity, order_ref, ..base }
    }

    fn record(&mut self, fill: Option<usize>) -> EventRecord {
        let total = self.weights[self.weights.len() - 1];
        let at = (self.draw() >> 11) as f64 / (1u64 << 53) as f64 * total;
        let drawn = self.weights.partition_point(|sum| *sum < at).min(self.weights.len() - 1);
        let k = fill.unwrap_or(drawn);
        if self.draw().is_multiple_of(400) {
            self.mids[k] =
                (self.mids[k] + [100, -100][(self.draw() >> 33 & 1) as usize]).max(10_000);
        }
        let kind = self.draw() % 1000;
        let side = [b'B', b'S'][(self.draw() >> 33 & 1) as usize];
        if fill.is_some() || kind < 410 || self.live[k].len() < self.resting_each / 2 {
            return self.order(Kind::Add, k, side);
        }
        let len = self.live[k].len();
        let recent = if self.draw() % 100 < 80 { len.min(64) } else { len };
        let at = len - 1 - self.draw() as usize % recent;
        let Live { order_ref, qty, side } = self.live[k][at];
        let instrument = k as u16;
        match kind {
            410..800 => {
                self.live[k].swap_remove(at);
                EventRecord { instrument, order_ref, ..EventRecord::new(Kind::Deleted) }
            }
            800..905 => {
                self.live[k].swap_remove(at);
                let new = self.order(Kind::Replaced, k, side);
                EventRecord { order_ref, second_ref: new.order_ref, side: 0, ..new }
            }
            _ => {
                let executed = kind < 960;
                let all = executed && self.draw() & 1 == 0;
                let quantity = if all { qty } else { (qty / 2).max(1) };
                self.live[k][at].qty -= quantity;
                if quantity == qty {
                    self.live[k].swap_remove(at);
                }
                let kind = if executed { Kind::Executed } else { Kind::Canceled };
                EventRecord { instrument, order_ref, quantity, ..EventRecord::new(kind) }
            }
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut argument = |default| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (instruments, resting, millions) = (argument(8_000), argument(1_000_000), argument(5));
    for (prefault, ahead) in [(true, false), (true, true)] {
        let limits = Limits { prefault, huge_pages: prefault, ..Limits::default() };
        let mut market = Market::new(instruments, resting);
        let mut books = Books::new(&limits).expect("memory for the books");
        for n in 0..resting {
            books.apply(&market.record(Some(n % instruments)));
        }
        let records: Vec<_> = (0..millions * 1_000_000).map(|_| market.record(None)).collect();
        let mut tops = 0u64;
        let mut chunks = Vec::with_capacity(records.len() / CHUNK);
        for chunk in records.chunks_exact(CHUNK) {
            let begin = Instant::now();
            for (at, record) in chunk.iter().enumerate() {
                if ahead {
                    books.look_ahead(chunk, at);
                }
                let top = matches!(books.apply(record).effect, Effect::Book { top: true, .. });
                tops += u64::from(top);
            }
            chunks.push(begin.elapsed().as_nanos() as f64 / CHUNK as f64);
        }
        chunks.sort_by(f64::total_cmp);
        let at = |part: f64| chunks[(chunks.len() as f64 * part) as usize];
        let (p10, p50, p90) = (at(0.1), at(0.5), at(0.9));
        println!("ns a record, by chunks of {CHUNK}: p10 {p10:.1} p50 {p50:.1} p90 {p90:.1}");
        println!("{tops} changes of the top, digest {:016x}", books.digest());
        println!("{:?}\n{:?}", books.usage(), books.memory());
        let odd = books.counters().each().filter(|(_, count)| *count > 0);
        println!("{:?}", odd.collect::<Vec<_>>());
        let begin = Instant::now();
        books.apply(&EventRecord::new(Kind::SnapshotBegin));
        println!("forgotten in {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
}
