//! Every leak that is planted in a pipeline is found, and a clean pipeline has none.

mod desk;

use desk::{Desk, FEE, LATENCY, MILLI, Plant, market};
use tercel_validation::{Audit, Finding, Leak};

fn audit() -> Audit {
    let (embargo, latency, fee) = (10 * MILLI, LATENCY, FEE);
    Audit { embargo, latency, fee, cuts: 16, ..Audit::default() }
}

fn found(desk: &Desk, seed: u64) -> Vec<Finding> {
    audit().run(desk, &market(seed, 1_500))
}

/// What is planted, and as what it is found.
const PLANTED: &[(Plant, Leak)] = &[
    (Plant::NextMid, Leak::FutureInFeatures),
    (Plant::CentredSmoothing, Leak::FutureInFeatures),
    (Plant::BackFill, Leak::FutureInFeatures),
    (Plant::NormalisedByAll, Leak::FutureInFeatures),
    (Plant::RankInDay, Leak::FutureInFeatures),
    (Plant::BarCloseAtOpen, Leak::FutureInFeatures),
    (Plant::BarStampedAtItsBegin, Leak::RowsOfTheFuture),
    (Plant::Interpolated, Leak::FutureInFeatures),
    (Plant::ExchangeTime, Leak::Unreceived),
    (Plant::TargetAsFeature, Leak::TargetInFeatures),
    (Plant::DroppedByTheFuture, Leak::RowsOfTheFuture),
    (Plant::ClockRoundedDown, Leak::Unreceived),
    (Plant::NotANumber, Leak::NotFinite),
    (Plant::Unsorted, Leak::Unsorted),
    (Plant::Nondeterministic, Leak::Nondeterministic),
    (Plant::LabelEndsLater, Leak::LabelSpan),
    (Plant::LabelIsPast, Leak::LabelOfThePast),
    (Plant::LabelNormalisedByAll, Leak::LabelSpan),
    (Plant::EmptyFold, Leak::BadFold),
    (Plant::RandomSplit, Leak::Purge),
    (Plant::TestInTraining, Leak::Overlap),
    (Plant::NoPurge, Leak::Purge),
    (Plant::NoEmbargo, Leak::Embargo),
    (Plant::Duplicated, Leak::Duplicate),
    (Plant::TestedTwice, Leak::TestedTwice),
    (Plant::TrainedOnLater, Leak::TrainedOnLater),
    (Plant::ScalerOnAll, Leak::Scaling),
    (Plant::PenaltyOnTest, Leak::Choice),
    (Plant::SeedOnTest, Leak::Choice),
    (Plant::FeaturesOnAll, Leak::Choice),
    (Plant::StoppedOnTest, Leak::TestLabels),
    (Plant::RankedInTest, Leak::TestFeatures),
    (Plant::FittedOnTest, Leak::TestLabels),
    (Plant::Memory, Leak::ShuffledLabels),
    (Plant::Survivors, Leak::Survivorship),
    (Plant::DecidedBeforeKnown, Leak::TradedBeforeKnown),
    (Plant::NoLatency, Leak::Latency),
    (Plant::FilledAtMid, Leak::InsideSpread),
    (Plant::StalePrice, Leak::StalePrice),
    (Plant::BeyondSize, Leak::BeyondSize),
    (Plant::RestingUnreached, Leak::Unreached),
    (Plant::NoFee, Leak::Fee),
];

#[test]
fn every_planted_leak_is_found() {
    let mut missed = Vec::new();
    for (plant, leak) in PLANTED {
        let findings = found(&Desk::new(Some(*plant)), 11);
        if findings.iter().all(|finding| finding.leak != *leak) {
            missed.push(format!("{plant:?} as {leak:?}, found {findings:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(PLANTED.len() >= 40);
}

/// Each finding names its kind; and every kind is provoked by something planted.
#[test]
fn every_kind_is_provoked() {
    let mut kinds: Vec<Leak> = PLANTED.iter().map(|(_, leak)| *leak).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 29, "{kinds:?}");
    let finding = found(&Desk::new(Some(Plant::NoFee)), 11).remove(0);
    assert!(finding.to_string().starts_with("Fee: trade "), "{finding}");
}

#[test]
fn clean_pipelines_have_no_findings() {
    for seed in 0..12 {
        let mut desk = Desk::new(None);
        desk.horizon = [5, 20, 60][seed as usize % 3] * MILLI;
        desk.rolling = (seed % 2 == 1).then_some(150);
        desk.embargo = (10 + 5 * (seed % 4)) * MILLI;
        let findings = found(&desk, 100 + seed);
        assert!(findings.is_empty(), "seed {seed}: {findings:?}");
    }
}

/// A feature that knows the next event is found in every clean pipeline, and not where the events
/// are too few to say.
#[test]
fn the_audit_is_sensitive() {
    for seed in 0..4 {
        assert!(audit().would_see(&Desk::new(None), &market(200 + seed, 1_500)));
    }
    assert!(!audit().would_see(&Desk::new(None), &[]));
}

/// The market can be predicted, so that a clean audit is not one of a pipeline that does nothing;
/// and it trades.
#[test]
fn the_clean_pipeline_has_an_edge() {
    use tercel_validation::{Pipeline, Span, correlation};
    let (desk, events) = (Desk::new(None), market(100, 1_500));
    let rows = desk.rows(&events);
    let labels = desk.labels(&events, &rows);
    let kept: Vec<_> = rows.into_iter().zip(labels).filter(|(_, label)| label.is_some()).collect();
    let (rows, labels): (Vec<_>, Vec<_>) =
        kept.into_iter().map(|(row, label)| (row, label.expect("kept"))).unzip();
    let spans: Vec<Span> = rows
        .iter()
        .zip(&labels)
        .map(|(row, label)| Span { begin: row.time, end: label.end })
        .collect();
    let values: Vec<f64> = labels.iter().map(|label| label.value).collect();
    let mut predictions = vec![0.0; rows.len()];
    for fold in desk.folds(&spans) {
        let predicted = desk.predict(&rows, &values, &fold);
        let truth: Vec<f64> = fold.test.iter().map(|row| values[*row]).collect();
        assert!(correlation(&predicted, &truth) > 0.1);
        for (row, prediction) in fold.test.iter().zip(predicted) {
            predictions[*row] = prediction;
        }
    }
    assert!(desk.trades(&events, &rows, &predictions).len() > 20);
}
