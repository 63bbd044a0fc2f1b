//! What the plots of a page draw, thinned for a screen.

use crate::ledger::{Fill, Ledger};
use crate::metrics::Measured;
use crate::metrics::curve::Curve;
use crate::metrics::drawdown::below_peak;
use crate::metrics::queue::waits_ms;
use crate::report::thin;
use serde::Serialize;

/// Points of a curve, and fills of an instrument, that a page holds at most.
const POINTS: usize = 3_000;
const FILLS: usize = 4_000;
/// Instruments whose price and fills are drawn: those traded most.
const INSTRUMENTS: usize = 8;
/// Bins of the waits for each factor of ten, and the first bin's lower end in milliseconds.
const BINS_PER_DECADE: i32 = 4;
const BINS: usize = 36;
const FIRST_BIN_MS: f64 = 0.01;

/// The plots of one run, or of several one after the other.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plots {
    /// The account over time.
    pub account: Account,
    /// Price, fills and position of the instruments traded most; empty for several runs.
    pub instruments: Vec<Instrument>,
    /// How many fills of resting orders waited how long.
    pub waits: Waits,
}

/// Columns of the account's curve.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Account {
    /// Exchange time in seconds; of several runs the time of their data, one after the other.
    pub seconds: Vec<f64>,
    /// Net profit, dollars.
    pub equity: Vec<f64>,
    /// Below its highest, dollars, zero or negative.
    pub drawdown: Vec<f64>,
    /// Position × mid, dollars.
    pub net: Vec<f64>,
}

/// An instrument over time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Instrument {
    /// Its name.
    pub symbol: String,
    /// Times of the mid prices, seconds.
    pub seconds: Vec<f64>,
    /// Mid prices, dollars.
    pub mid: Vec<f64>,
    /// The fills drawn.
    pub fills: Vec<Mark>,
    /// All its fills.
    pub fills_total: usize,
    /// Times and sizes of the position after fills, shares or coins.
    pub position: Vec<(f64, f64)>,
}

/// A fill: exchange time in seconds, price in dollars, quantity with its sign, whether it rested.
pub type Mark = (f64, f64, f64, bool);

/// Counts by waiting time, in bins of equal ratio. The first and the last take what is beyond.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Waits {
    /// Lower ends, milliseconds.
    pub from_ms: Vec<f64>,
    /// Fills.
    pub fills: Vec<u64>,
}

impl Plots {
    /// From the runs and what was measured of them.
    pub fn of(ledgers: &[&Ledger], measured: &Measured) -> Plots {
        let instruments = match ledgers {
            [ledger] => instruments(ledger),
            _ => Vec::new(),
        };
        Plots { account: account(&measured.curves), instruments, waits: waits(ledgers) }
    }
}

fn account(curves: &[Curve]) -> Account {
    let (mut seconds, mut equity, mut net) = (Vec::new(), Vec::new(), Vec::new());
    let (mut clock, mut carried) = (0.0, 0.0);
    for curve in curves {
        let first = curve.points.first().map_or(0.0, |point| point.time.0 as f64 / 1e9);
        let shift = if curves.len() > 1 { clock - first } else { 0.0 };
        for point in &curve.points {
            seconds.push(point.time.0 as f64 / 1e9 + shift);
            equity.push(carried + point.equity);
            net.push(point.net);
        }
        clock = seconds.last().copied().unwrap_or(clock);
        carried = equity.last().copied().unwrap_or(carried);
    }
    let below: Vec<f64> = below_peak(equity.iter().copied()).map(|below| -below).collect();
    // The points of two curves, so that neither loses its extremes.
    let mut kept = thin::places(equity.len(), POINTS / 2, |at| equity[at]);
    kept.extend(thin::places(net.len(), POINTS / 2, |at| net[at]));
    kept.sort_unstable();
    kept.dedup();
    let pick = |values: &[f64]| kept.iter().map(|at| values[*at]).collect();
    Account {
        seconds: pick(&seconds),
        equity: pick(&equity),
        drawdown: pick(&below),
        net: pick(&net),
    }
}

fn instruments(ledger: &Ledger) -> Vec<Instrument> {
    let mut counts: Vec<(usize, usize)> = (0..ledger.contracts.len())
        .map(|place| {
            let instrument = ledger.contracts[place].instrument;
            (ledger.fills.iter().filter(|fill| fill.instrument == instrument).count(), place)
        })
        .collect();
    counts.sort_by_key(|(count, place)| (std::cmp::Reverse(*count), *place));
    counts.iter().take(INSTRUMENTS).map(|(_, place)| instrument(ledger, *place)).collect()
}

fn instrument(ledger: &Ledger, place: usize) -> Instrument {
    let contract = &ledger.contracts[place];
    let mids = ledger.mids.get(place).map_or(&[][..], Vec::as_slice);
    let kept = thin::places(mids.len(), POINTS, |at| mids[at].mid_x2 as f64);
    let fills: Vec<&Fill> =
        ledger.fills.iter().filter(|fill| fill.instrument == contract.instrument).collect();
    let lots = f64::from(contract.lots.max(1));
    let signed = |fill: &Fill| fill.side.sign() as f64 * f64::from(fill.qty.0) / lots;
    let mark = |fill: &Fill| {
        (fill.time.0 as f64 / 1e9, contract.price(fill.price), signed(fill), fill.maker)
    };
    let mut position = 0_i64;
    let mut path = vec![(ledger.span.0.0 as f64 / 1e9, 0.0)];
    for fill in &fills {
        position += fill.side.sign() * i64::from(fill.qty.0);
        path.push((fill.time.0 as f64 / 1e9, position as f64 / lots));
    }
    path.push((ledger.span.1.0 as f64 / 1e9, position as f64 / lots));
    let steps = thin::places(path.len(), POINTS, |at| path[at].1);
    Instrument {
        symbol: contract.symbol.as_str().into(),
        seconds: kept.iter().map(|at| mids[*at].time.0 as f64 / 1e9).collect(),
        mid: kept
            .iter()
            .map(|at| mids[*at].mid_x2 as f64 / 2.0 / contract.price_units as f64)
            .collect(),
        fills: thin::every(fills.len(), FILLS).map(|at| mark(fills[at])).collect(),
        fills_total: fills.len(),
        position: steps.iter().map(|at| path[*at]).collect(),
    }
}

fn waits(ledgers: &[&Ledger]) -> Waits {
    let lower =
        |bin: usize| FIRST_BIN_MS * 10_f64.powf(f64::from(bin as i32) / f64::from(BINS_PER_DECADE));
    let from_ms: Vec<f64> = (0..BINS).map(lower).collect();
    let mut fills = vec![0; BINS];
    for wait in waits_ms(ledgers) {
        fills[from_ms.partition_point(|from| *from <= wait).saturating_sub(1)] += 1;
    }
    Waits { from_ms, fills }
}
