//! Whether a pipeline from recorded events to a result knows something that it could not have
//! known.
//!
//! A [`Pipeline`] is asked for each of its parts, again and again on events and samples that were
//! changed where a change must not matter: after a cut of the future, with the future scrambled,
//! with the test set scrambled, with labels shuffled. Where something does change, there is a
//! [`Finding`]. Nothing is taken on the pipeline's word except what can be checked by arithmetic:
//! its folds, spans and trades.

mod data;
mod folds;
mod model;
mod trades;

use crate::{Fold, Span};

/// A quote, with what was traded since the one before.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Event {
    /// When it happened at the exchange, nanoseconds.
    pub exchange: u64,
    /// When it was received, nanoseconds; events are in this order.
    pub received: u64,
    /// Of which instrument.
    pub instrument: u32,
    /// Best bid, price.
    pub bid: f64,
    /// Best ask, price.
    pub ask: f64,
    /// Size at the best bid.
    pub bid_size: f64,
    /// Size at the best ask.
    pub ask_size: f64,
    /// Size traded, positive where the buyer came to the seller; 0 for none.
    pub traded: f64,
}

impl Event {
    /// The mid.
    pub fn mid(&self) -> f64 {
        0.5 * (self.bid + self.ask)
    }
}

/// What a decision is made on.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Of which instrument.
    pub instrument: u32,
    /// When the decision is made, nanoseconds: everything received until then, that moment
    /// included, may be known.
    pub time: u64,
    /// Features.
    pub features: Vec<f64>,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Label {
    /// When it is known, nanoseconds.
    pub end: u64,
    /// The label.
    pub value: f64,
}

/// A trade of a backtest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trade {
    /// The row that it was decided on.
    pub row: usize,
    /// When it was decided, nanoseconds.
    pub decided: u64,
    /// When it is filled at the exchange, nanoseconds.
    pub filled: u64,
    /// Size, positive for a buy.
    pub size: f64,
    /// Price.
    pub price: f64,
    /// Whether it takes what is quoted; else it was a resting order.
    pub takes: bool,
    /// Fee paid, in units of price times size.
    pub fee: f64,
}

/// The way from events to a result. Every method is a function of its arguments.
pub trait Pipeline {
    /// Decisions and what they are made on, in the order of time.
    fn rows(&self, events: &[Event]) -> Vec<Row>;

    /// What came of each row; `None` where the events end before it is known.
    fn labels(&self, events: &[Event], rows: &[Row]) -> Vec<Option<Label>>;

    /// What is trained and tested on.
    fn folds(&self, spans: &[Span]) -> Vec<Fold>;

    /// Scales, selects, fits on a fold's training set, and predicts each row of its test set, in
    /// order. The labels of the test set are there because the real pipeline has them, too.
    fn predict(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> Vec<f64>;

    /// The numbers with which features of a fold are scaled, whatever their form; none where
    /// nothing is scaled.
    fn scaling(&self, _rows: &[Row], _fold: &Fold) -> Vec<f64> {
        Vec::new()
    }

    /// Everything chosen for a fold, as numbers: hyperparameters, features, thresholds, seeds.
    fn chosen(&self, _rows: &[Row], _labels: &[f64], _fold: &Fold) -> Vec<f64> {
        Vec::new()
    }

    /// The instruments that are looked at from a time on, nanoseconds.
    fn universe(&self, _events: &[Event], _at: u64) -> Vec<u32> {
        Vec::new()
    }

    /// The trades of a backtest of predictions, one a row.
    fn trades(&self, _events: &[Event], _rows: &[Row], _predictions: &[f64]) -> Vec<Trade> {
        Vec::new()
    }
}

/// What is asked of a pipeline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Audit {
    /// Nanoseconds that have to lie between training and test.
    pub embargo: u64,
    /// Whether training has to lie before the test, as it does when one trades.
    pub forward: bool,
    /// Least nanoseconds from a decision to a fill.
    pub latency: u64,
    /// Least fee of a trade that takes, as a share of price times size; of none where it is
    /// negative.
    pub fee: f64,
    /// Places at which the future is cut off.
    pub cuts: usize,
    /// Seed of everything scrambled.
    pub seed: u64,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit { embargo: 0, forward: true, latency: 0, fee: 0.0, cuts: 24, seed: 1 }
    }
}

/// A kind of leak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Leak {
    /// The same events give something else the second time.
    Nondeterministic,
    /// A feature, label or prediction is infinite or not a number.
    NotFinite,
    /// Rows are not in the order of time.
    Unsorted,
    /// Whether there is a row depends on what came after it.
    RowsOfTheFuture,
    /// A feature depends on what came after its row.
    FutureInFeatures,
    /// A feature depends on what had happened, and had not been received.
    Unreceived,
    /// A feature is the label, or nearly.
    TargetInFeatures,
    /// A label depends on what came after it is said to be known.
    LabelSpan,
    /// A label was known when its row was made.
    LabelOfThePast,
    /// A fold is of rows that do not exist, or is empty; or there are next to no samples.
    BadFold,
    /// A row is trained on and tested on in one fold.
    Overlap,
    /// A row is tested on in two folds.
    TestedTwice,
    /// Something later than the test is trained on.
    TrainedOnLater,
    /// A label of the training set reaches into the test set, or one of the test set into it.
    Purge,
    /// The training set is nearer to the test set than the embargo.
    Embargo,
    /// The same features and label stand in training and test set.
    Duplicate,
    /// Scaling depends on the test set.
    Scaling,
    /// The prediction of a row depends on other rows of the test set.
    TestFeatures,
    /// Predictions depend on the labels of the test set.
    TestLabels,
    /// What is chosen depends on the test set.
    Choice,
    /// Labels by lot are predicted.
    ShuffledLabels,
    /// The universe depends on what came later.
    Survivorship,
    /// A trade is decided before its row is known.
    TradedBeforeKnown,
    /// A trade is filled sooner than an order gets there.
    Latency,
    /// A trade that takes has a better price than was quoted.
    InsideSpread,
    /// A trade that takes has the price of the decision, which was gone.
    StalePrice,
    /// A trade that takes is larger than what was quoted.
    BeyondSize,
    /// A resting order is filled at a price that the market did not come to.
    Unreached,
    /// A fee is missing.
    Fee,
}

/// Something that a pipeline could not have known.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// Its kind.
    pub leak: Leak,
    /// Where, and by how much.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.leak, self.what)
    }
}

/// Fewest samples that folds are made of.
const SAMPLES_MIN: usize = 10;

/// Findings, the first of each kind.
#[derive(Default)]
struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, leak: Leak, what: impl FnOnce() -> String) {
        if self.all.iter().all(|finding| finding.leak != leak) {
            self.all.push(Finding { leak, what: what() });
        }
    }
}

/// Samples: rows whose label is known.
struct Samples {
    rows: Vec<Row>,
    labels: Vec<Label>,
}

impl Samples {
    fn of(rows: Vec<Row>, labels: Vec<Option<Label>>) -> Samples {
        let (rows, labels) =
            rows.into_iter().zip(labels).filter_map(|(row, label)| Some((row, label?))).unzip();
        Samples { rows, labels }
    }

    fn spans(&self) -> Vec<Span> {
        let span = |(row, label): (&Row, &Label)| Span { begin: row.time, end: label.end };
        self.rows.iter().zip(&self.labels).map(span).collect()
    }

    fn values(&self) -> Vec<f64> {
        self.labels.iter().map(|label| label.value).collect()
    }
}

impl Audit {
    /// Everything that a pipeline knows and could not have known on some events, which are in the
    /// order in which they were received: the first of each kind of leak. None is what a clean one
    /// has.
    pub fn run(&self, pipeline: &dyn Pipeline, events: &[Event]) -> Vec<Finding> {
        let mut findings = Findings::default();
        let rows = pipeline.rows(events);
        let labels = pipeline.labels(events, &rows);
        if !data::whole(pipeline, events, &rows, &labels, &mut findings) {
            return findings.all;
        }
        data::future(self, pipeline, events, &rows, &mut findings);
        data::label_spans(self, pipeline, events, (&rows, &labels), &mut findings);
        data::survivorship(self, pipeline, events, &mut findings);
        let samples = Samples::of(rows, labels);
        if samples.rows.len() < SAMPLES_MIN {
            findings.add(Leak::BadFold, || format!("{} samples", samples.rows.len()));
            return findings.all;
        }
        data::target(&samples, &mut findings);
        let folds = pipeline.folds(&samples.spans());
        if folds::check(self, &samples, &folds, &mut findings) {
            model::check(self, pipeline, &samples, &folds, &mut findings);
            trades::check(self, pipeline, events, (&samples, &folds), &mut findings);
        }
        findings.all
    }

    /// Whether this audit would see it if the pipeline knew the future: the pipeline with the next
    /// event's mid as one more feature. Where it does not, [`Audit::run`] finding nothing says
    /// little: there are too few events or cuts.
    pub fn would_see(&self, pipeline: &dyn Pipeline, events: &[Event]) -> bool {
        let findings = self.run(&Clairvoyant(pipeline), events);
        findings.iter().any(|finding| finding.leak == Leak::FutureInFeatures)
    }
}

/// A pipeline that knows the next event.
struct Clairvoyant<'a>(&'a dyn Pipeline);

impl Pipeline for Clairvoyant<'_> {
    fn rows(&self, events: &[Event]) -> Vec<Row> {
        let mut rows = self.0.rows(events);
        for row in &mut rows {
            let upto = events.partition_point(|event| event.received <= row.time);
            let next = events.get(upto).or(events.last());
            row.features.push(next.map_or(0.0, Event::mid));
        }
        rows
    }

    fn labels(&self, events: &[Event], rows: &[Row]) -> Vec<Option<Label>> {
        self.0.labels(events, rows)
    }

    fn folds(&self, spans: &[Span]) -> Vec<Fold> {
        self.0.folds(spans)
    }

    fn predict(&self, rows: &[Row], labels: &[f64], fold: &Fold) -> Vec<f64> {
        self.0.predict(rows, labels, fold)
    }
}
