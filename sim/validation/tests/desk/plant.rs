//! What can be planted.

use super::{Desk, FEE, LATENCY, Lots, MILLI, last};
use tercel_validation::{Event, Fold, Label, Moments, Row, Span, Trade, Windows, windows};

/// Every kind of leak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Plant {
    NextMid,
    CentredSmoothing,
    BackFill,
    NormalisedByAll,
    RankInDay,
    BarCloseAtOpen,
    BarStampedAtItsBegin,
    Interpolated,
    ExchangeTime,
    TargetAsFeature,
    DroppedByTheFuture,
    ClockRoundedDown,
    NotANumber,
    Unsorted,
    Nondeterministic,
    LabelEndsLater,
    LabelIsPast,
    LabelNormalisedByAll,
    EmptyFold,
    RandomSplit,
    TestInTraining,
    NoPurge,
    NoEmbargo,
    Duplicated,
    TestedTwice,
    TrainedOnLater,
    ScalerOnAll,
    PenaltyOnTest,
    SeedOnTest,
    FeaturesOnAll,
    StoppedOnTest,
    RankedInTest,
    FittedOnTest,
    Memory,
    Survivors,
    DecidedBeforeKnown,
    NoLatency,
    FilledAtMid,
    StalePrice,
    BeyondSize,
    RestingUnreached,
    NoFee,
}

impl Desk {
    /// One more feature, of the event at `at` among all.
    pub(super) fn plant_features(&self, events: &[Event], at: usize, features: &mut Vec<f64>) {
        let event = &events[at];
        let own = |e: &&Event| e.instrument == event.instrument;
        let after = || events[at + 1..].iter().filter(own);
        match self.plant {
            Some(Plant::NextMid) => {
                let next = after().next().unwrap_or(event);
                features.push((next.mid() / event.mid()).ln() * 1e4 + features[0]);
            }
            Some(Plant::CentredSmoothing) => {
                let around: Vec<f64> = events[..=at]
                    .iter()
                    .rev()
                    .filter(own)
                    .take(3)
                    .chain(after().take(2))
                    .map(|e| e.mid() / event.mid())
                    .collect();
                features.push(around.iter().sum::<f64>() / around.len() as f64);
            }
            Some(Plant::BackFill) => {
                // The price of the last large trade; before the first, that of the first.
                let traded = |e: &&Event| e.traded >= 5.0;
                let before = events[..=at].iter().rev().filter(own).find(traded);
                let price = before.or_else(|| after().find(traded)).unwrap_or(event).mid();
                features.push(price / event.mid());
            }
            Some(Plant::Interpolated) => {
                // The price of trades, straight from the last one to the next.
                let traded = |e: &&Event| e.traded != 0.0;
                let before = events[..=at].iter().rev().filter(own).find(traded).unwrap_or(event);
                let next = after().find(traded).unwrap_or(before);
                features.push((0.5 * (before.mid() + next.mid())) / event.mid());
            }
            Some(Plant::BarCloseAtOpen) => {
                let bar = event.received / (20 * MILLI);
                let close = after().take_while(|e| e.received / (20 * MILLI) == bar).last();
                features.push(close.unwrap_or(event).mid() / event.mid());
            }
            Some(Plant::ExchangeTime) => {
                // The newest quote by the exchange's clock, received or not.
                let mut newest = event;
                for other in events.iter().filter(own) {
                    let happened = other.exchange <= event.received;
                    if happened && other.exchange > newest.exchange {
                        newest = other;
                    }
                }
                features.push(newest.mid() / event.mid());
            }
            Some(Plant::TargetAsFeature) => {
                let due = event.received + self.horizon;
                let then = after().find(|e| e.received >= due).unwrap_or(event);
                features.push((then.mid() / event.mid()).ln() * 1e4);
            }
            Some(Plant::NotANumber) if at > events.len() / 2 => features.push(f64::NAN),
            Some(Plant::NotANumber) => features.push(0.0),
            Some(Plant::Nondeterministic) => features.push(self.calls.get() as f64),
            _ => {}
        }
    }

    pub(super) fn plant_rows(&self, events: &[Event], rows: &mut Vec<Row>) {
        match self.plant {
            Some(Plant::NormalisedByAll) => {
                let moved: Vec<f64> = rows.iter().map(|row| row.features[1]).collect();
                let Ok(of) = Moments::of(&moved) else { return };
                rows.iter_mut().for_each(|row| {
                    row.features[1] = (row.features[1] - of.mean) / of.deviation;
                });
            }
            Some(Plant::RankInDay) => {
                let flow: Vec<f64> = rows.iter().map(|row| row.features[1]).collect();
                for row in rows {
                    let below = flow.iter().filter(|other| **other < row.features[1]).count();
                    row.features[1] = below as f64 / flow.len() as f64;
                }
            }
            Some(Plant::BarStampedAtItsBegin) => {
                // What a bar ends with, at the time at which it begins.
                for row in rows {
                    row.time -= row.time % (20 * MILLI);
                }
            }
            Some(Plant::ClockRoundedDown) => {
                for row in rows {
                    row.time -= row.time % MILLI;
                }
            }
            Some(Plant::DroppedByTheFuture) => {
                // Rows whose instrument goes on being traded.
                rows.retain(|row| {
                    let from = events.partition_point(|event| event.received <= row.time);
                    events[from..]
                        .iter()
                        .take(40)
                        .any(|e| e.instrument == row.instrument && e.traded != 0.0)
                });
            }
            Some(Plant::Unsorted) => {
                rows.sort_by_key(|row| row.instrument);
            }
            Some(Plant::Duplicated) => {
                *rows = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
            }
            _ => {}
        }
    }

    pub(super) fn plant_labels(
        &self,
        events: &[Event],
        rows: &[Row],
        labels: &mut [Option<Label>],
    ) {
        match self.plant {
            Some(Plant::LabelEndsLater) => {
                for (label, row) in labels.iter_mut().zip(rows) {
                    if let Some(label) = label {
                        label.end = row.time + self.horizon / 4;
                    }
                }
            }
            Some(Plant::LabelIsPast) => {
                for (label, row) in labels.iter_mut().zip(rows) {
                    let upto = events.partition_point(|event| event.received <= row.time);
                    let early =
                        events.partition_point(|event| event.received + self.horizon <= row.time);
                    let now = last(events, row.instrument, upto).map(Event::mid);
                    let before = last(events, row.instrument, early).map(Event::mid);
                    if let (Some(label), Some(now), Some(before)) = (label.as_mut(), now, before) {
                        label.value = (now / before).ln() * 1e4;
                    }
                }
            }
            Some(Plant::LabelNormalisedByAll) => {
                let values: Vec<f64> = labels.iter().flatten().map(|label| label.value).collect();
                if let Ok(of) = Moments::of(&values) {
                    labels.iter_mut().flatten().for_each(|label| label.value /= of.deviation);
                }
            }
            _ => {}
        }
    }

    pub(super) fn plant_folds(&self, spans: &[Span], mut folds: Vec<Fold>) -> Vec<Fold> {
        match self.plant {
            Some(Plant::EmptyFold) => folds[1].train.clear(),
            Some(Plant::RandomSplit) => {
                let mut lots = Lots(3);
                let (mut train, mut test) = (Vec::new(), Vec::new());
                for row in 0..spans.len() {
                    if lots.below(10) == 0 { test.push(row) } else { train.push(row) }
                }
                folds = vec![Fold { train, test, dropped: 0 }];
            }
            Some(Plant::TestInTraining) => {
                for fold in &mut folds {
                    let some: Vec<usize> = fold.test.iter().copied().take(5).collect();
                    fold.train.extend(some);
                }
            }
            Some(Plant::Memory) => {
                for fold in &mut folds {
                    let test = fold.test.clone();
                    fold.train.extend(test);
                }
            }
            Some(Plant::NoPurge) => {
                for fold in &mut folds {
                    fold.train = (0..fold.test[0]).collect();
                }
            }
            Some(Plant::NoEmbargo) => {
                let (test, first) = (spans.len() / 5, spans.len() / 3);
                let set = Windows { train: None, test, first, embargo: 0 };
                folds = windows(spans, set).expect("samples");
            }
            Some(Plant::Duplicated) => {
                // Twins stand side by side: one is trained on and one is tested on.
                let (test, train) = (0..spans.len()).partition(|row| row % 2 == 1);
                folds = vec![Fold { train, test, dropped: 0 }];
            }
            Some(Plant::TestedTwice) => {
                let shared = folds[0].test.last().copied().expect("a test");
                folds[1].test.insert(0, shared);
            }
            Some(Plant::TrainedOnLater) => {
                let last = spans.len() - 1;
                let (first, rest) = (spans.len() / 3, spans.len() / 2);
                let test = (0..first).collect();
                folds = vec![Fold { train: (rest..last).collect(), test, dropped: 0 }];
            }
            _ => {}
        }
        folds
    }

    pub(super) fn plant_trade(&self, trade: &mut Trade, quote: &Event, decided: Option<&Event>) {
        match self.plant {
            Some(Plant::DecidedBeforeKnown) => {
                trade.decided -= MILLI;
            }
            Some(Plant::NoLatency) => trade.filled = trade.decided + LATENCY / 2,
            Some(Plant::FilledAtMid) => trade.price = quote.mid(),
            Some(Plant::StalePrice) => {
                let then = decided.unwrap_or(quote);
                trade.price = if trade.size > 0.0 { then.ask } else { then.bid };
                trade.fee = FEE * trade.price * trade.size.abs();
            }
            Some(Plant::BeyondSize) => {
                trade.size *= 30.0;
                trade.fee *= 30.0;
            }
            Some(Plant::RestingUnreached) => {
                trade.takes = false;
                trade.price = quote.mid() - 0.5 * trade.size.signum();
            }
            Some(Plant::NoFee) => trade.fee = 0.0,
            _ => {}
        }
    }
}
