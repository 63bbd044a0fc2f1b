//! A seeded market and a pipeline over it that is clean, but for what is planted in it.

mod model;
mod plant;

pub(crate) use plant::Plant;
use std::cell::Cell;
use tercel_validation::{Event, Fold, Label, Pipeline, Row, Span, Trade, Windows, windows};

pub(crate) const MILLI: u64 = 1_000_000;

/// From the decision to the exchange.
pub(crate) const LATENCY: u64 = 2 * MILLI;

/// Fee of a trade, as a share of its worth.
pub(crate) const FEE: f64 = 1e-5;

/// Numbers by seed (SplitMix64).
pub(crate) struct Lots(pub(crate) u64);

impl Lots {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(crate) fn unit(&mut self) -> f64 {
        self.below(1 << 40) as f64 / (1_u64 << 40) as f64
    }
}

/// Quotes of three instruments, of which the last is gone after six tenths of the time. The sizes
/// lean to where the price will go.
pub(crate) fn market(seed: u64, count: usize) -> Vec<Event> {
    let mut lots = Lots(seed);
    let mut mids = [100.0, 50.0, 20.0];
    let mut lean = [0.0_f64; 3];
    let (mut now, mut events) = (MILLI, Vec::new());
    for at in 0..count {
        now += 1 + lots.below(4 * MILLI);
        let listed = if at * 10 > count * 6 { 2 } else { 3 };
        let one = lots.below(listed) as usize;
        let noise = lots.unit() + lots.unit() + lots.unit() - 1.5;
        mids[one] += 0.01 * (0.8 * lean[one] + noise);
        lean[one] = 0.7 * lean[one] + (lots.unit() - 0.5);
        let half = 0.005 + 0.005 * lots.unit();
        let traded = match lots.below(5) {
            0 => (1.0 + lots.below(5) as f64) * lean[one].signum(),
            _ => 0.0,
        };
        events.push(Event {
            exchange: now,
            received: now + MILLI + lots.below(MILLI / 2),
            instrument: one as u32,
            bid: mids[one] - half,
            ask: mids[one] + half,
            bid_size: 10.0 + 8.0 * lean[one].clamp(-1.0, 1.0) + lots.unit(),
            ask_size: 10.0 - 8.0 * lean[one].clamp(-1.0, 1.0) + lots.unit(),
            traded,
        });
    }
    events.sort_by_key(|event| event.received);
    events
}

/// The pipeline.
pub(crate) struct Desk {
    pub(crate) plant: Option<Plant>,
    /// Nanoseconds from a decision until its label is known.
    pub(crate) horizon: u64,
    /// Samples that are trained on; all before the test if none.
    pub(crate) rolling: Option<usize>,
    /// Nanoseconds around a test in which nothing is trained on.
    pub(crate) embargo: u64,
    pub(crate) calls: Cell<u64>,
}

impl Desk {
    pub(crate) fn new(plant: Option<Plant>) -> Desk {
        let (horizon, embargo) = (20 * MILLI, 10 * MILLI);
        Desk { plant, horizon, rolling: None, embargo, calls: Cell::new(0) }
    }

    pub(crate) fn has(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }
}

/// The last of the instrument's events of which a condition on the events in order holds.
pub(crate) fn last(events: &[Event], instrument: u32, upto: usize) -> Option<&Event> {
    events[..upto].iter().rev().find(|event| event.instrument == instrument)
}

/// What is known of an instrument after so many events: the honest features.
fn honest(events: &[Event], upto: usize, instrument: u32) -> Option<Vec<f64>> {
    let own: Vec<&Event> =
        events[..upto].iter().rev().filter(|e| e.instrument == instrument).take(6).collect();
    let [newest, .., oldest] = own[..] else { return None };
    if own.len() < 6 {
        return None;
    }
    let imbalance = (newest.bid_size - newest.ask_size) / (newest.bid_size + newest.ask_size);
    let flow: f64 = own.iter().map(|event| event.traded).sum();
    let moved = (newest.mid() / oldest.mid()).ln() * 1e4;
    Some(vec![imbalance, moved, (newest.ask - newest.bid) * 100.0, flow])
}

impl Pipeline for Desk {
    fn rows(&self, events: &[Event]) -> Vec<Row> {
        self.calls.set(self.calls.get() + 1);
        let mut rows = Vec::new();
        for (at, event) in events.iter().enumerate() {
            // By the content of the event, so that rows do not shift with what is left out.
            if event.exchange % 3 != 0 {
                continue;
            }
            // Everything received at the same moment is known.
            let upto = at + events[at..].partition_point(|e| e.received <= event.received);
            let Some(mut features) = honest(events, upto, event.instrument) else { continue };
            self.plant_features(events, at, &mut features);
            rows.push(Row { instrument: event.instrument, time: event.received, features });
        }
        self.plant_rows(events, &mut rows);
        rows
    }

    fn labels(&self, events: &[Event], rows: &[Row]) -> Vec<Option<Label>> {
        let label = |row: &Row| {
            let upto = events.partition_point(|event| event.received <= row.time);
            let due = row.time + self.horizon;
            let from = last(events, row.instrument, upto)?.mid();
            let late = events.partition_point(|event| event.received < due);
            let then = events[late..].iter().find(|e| e.instrument == row.instrument)?;
            Some(Label { end: then.received, value: (then.mid() / from).ln() * 1e4 })
        };
        let mut labels: Vec<Option<Label>> = rows.iter().map(label).collect();
        self.plant_labels(events, rows, &mut labels);
        labels
    }

    fn folds(&self, spans: &[Span]) -> Vec<Fold> {
        let (train, embargo) = (self.rolling, self.embargo);
        let (test, first) = (spans.len() / 5, spans.len() / 3);
        let folds = windows(spans, Windows { train, test, first, embargo }).expect("samples");
        self.plant_folds(spans, folds)
    }

    fn predict(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> Vec<f64> {
        self.predicted(rows, labels, fold)
    }

    fn scaling(&self, rows: &[Row], fold: &Fold) -> Vec<f64> {
        let scaler = self.scaler(rows, fold);
        [scaler.mean, scaler.deviation].concat()
    }

    fn chosen(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> Vec<f64> {
        self.choice(rows, labels, fold).to_vec()
    }

    fn universe(&self, events: &[Event], at: u64) -> Vec<u32> {
        let at = if self.has(Plant::Survivors) { u64::MAX } else { at };
        let until = events.partition_point(|event| event.received <= at);
        let recent = &events[until.saturating_sub(100)..until];
        let mut found: Vec<u32> = recent.iter().map(|event| event.instrument).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn trades(&self, events: &[Event], rows: &[Row], predictions: &[f64]) -> Vec<Trade> {
        let mut quotes = events.to_vec();
        quotes.sort_by_key(|event| event.exchange);
        let at = |time: u64, instrument: u32| {
            let upto = quotes.partition_point(|event| event.exchange <= time);
            last(&quotes, instrument, upto).copied()
        };
        let mut trades = Vec::new();
        for (row, prediction) in predictions.iter().enumerate() {
            if prediction.abs() < 0.5 {
                continue;
            }
            let (decided, instrument) = (rows[row].time, rows[row].instrument);
            let filled = decided + LATENCY;
            let Some(quote) = at(filled, instrument) else { continue };
            let (price, most) = if *prediction > 0.0 {
                (quote.ask, quote.ask_size)
            } else {
                (quote.bid, quote.bid_size)
            };
            let size = most.min(3.0) * prediction.signum();
            let fee = FEE * price * size.abs();
            let mut trade = Trade { row, decided, filled, size, price, takes: true, fee };
            self.plant_trade(&mut trade, &quote, at(decided, instrument).as_ref());
            trades.push(trade);
        }
        trades
    }
}
