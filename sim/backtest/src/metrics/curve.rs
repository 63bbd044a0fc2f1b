//! The equity curve of a run, or of several one after the other.

use crate::ledger::{Contract, Ledger, Sample};
use crate::metrics::drawdown::{Drawdown, drawdown};
use tercel_types::Nanos;

/// The account at one instant, all instruments together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Exchange time.
    pub time: Nanos,
    /// Net profit so far at the mid, dollars: cash + position × mid − fees.
    pub equity: f64,
    /// Position × mid of all instruments, dollars; negative is short.
    pub net: f64,
    /// The same without signs.
    pub gross: f64,
}

/// The curve of one run.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Curve {
    /// A point an interval, and one at the end.
    pub points: Vec<Point>,
}

impl Curve {
    /// Adds up the samples of each instant. An instrument without a sample yet counts as nothing,
    /// one without a new sample as what it last was.
    pub fn of(ledger: &Ledger) -> Curve {
        let mut last = vec![[0.0_f64; 2]; ledger.contracts.len()];
        let mut points: Vec<Point> = Vec::new();
        for sample in &ledger.samples {
            let Some(place) = ledger.place(sample.instrument) else { continue };
            last[place] = marked(&ledger.contracts[place], sample);
            let point = Point {
                time: sample.time,
                equity: last.iter().map(|one| one[0]).sum(),
                net: last.iter().map(|one| one[1]).sum(),
                gross: last.iter().map(|one| one[1].abs()).sum(),
            };
            match points.last_mut() {
                Some(before) if before.time == point.time => *before = point,
                _ => points.push(point),
            }
        }
        Curve { points }
    }

    /// What each interval added to the equity, dollars. The first begins at zero.
    pub fn increments(&self) -> impl Iterator<Item = f64> {
        let before = std::iter::once(0.0).chain(self.points.iter().map(|point| point.equity));
        self.points.iter().zip(before).map(|(point, before)| point.equity - before)
    }

    /// Mean time between two points, seconds; zero for fewer than two.
    pub fn interval_s(&self) -> f64 {
        let [Some(first), Some(last)] = [self.points.first(), self.points.last()] else {
            return 0.0;
        };
        let gaps = self.points.len().saturating_sub(1).max(1) as f64;
        last.time.since(first.time).0 as f64 / 1e9 / gaps
    }
}

/// The worst drawdown of curves one after the other, each beginning where the one before ended. The
/// time between two of them does not count.
pub fn drawdown_over(curves: &[Curve]) -> Drawdown {
    let (mut joined, mut equity, mut clock) = (Vec::new(), 0.0, Nanos(0));
    for curve in curves {
        let Some(first) = curve.points.first() else { continue };
        let at = |time: Nanos| clock + Nanos(time.since(first.time).0);
        joined.extend(curve.points.iter().map(|point| (at(point.time), equity + point.equity)));
        if let Some(&(time, dollars)) = joined.last() {
            (clock, equity) = (time, dollars);
        }
    }
    drawdown(&joined)
}

/// Profit after fees, and value, of one instrument in dollars.
fn marked(contract: &Contract, sample: &Sample) -> [f64; 2] {
    let value = i128::from(sample.position) * i128::from(sample.mid_x2);
    let profit = contract.dollars(sample.profit_x2()) / 2.0 - sample.fees as f64 / 1e6;
    [profit, contract.dollars(value) / 2.0]
}
