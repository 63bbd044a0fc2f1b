//! How much was held, how long.

use crate::ledger::Ledger;
use tercel_types::Nanos;

/// What was held of one instrument, in shares or coins, over the whole of the data. Means are
/// weighted by time, from fill to fill.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Inventory {
    /// The instrument.
    pub symbol: String,
    /// Mean, with its sign.
    pub mean: f64,
    /// Mean without the sign.
    pub mean_size: f64,
    /// Most long, at least zero.
    pub long_max: f64,
    /// Most short, as a number below or at zero.
    pub short_max: f64,
    /// At the end.
    pub end: f64,
    /// Share of the time in which nothing was held.
    pub flat: f64,
    /// Times that the position crossed from long to short, or reached zero.
    pub round_trips: u64,
}

/// The inventory of each instrument of a run.
pub fn inventory(ledger: &Ledger) -> Vec<Inventory> {
    (0..ledger.contracts.len()).map(|place| of_place(ledger, place)).collect()
}

fn of_place(ledger: &Ledger, place: usize) -> Inventory {
    let contract = &ledger.contracts[place];
    let (start, end) = ledger.span;
    let (mut position, mut since) = (0_i64, start);
    let (mut long, mut short, mut round_trips) = (0, 0, 0);
    // Lots × nanoseconds: at most 2⁶³ × 2⁶⁴.
    let (mut signed, mut size, mut flat) = (0_i128, 0_i128, 0_u64);
    let mut hold = |position: i64, since: Nanos, until: Nanos| {
        let held = until.since(since).0;
        signed += i128::from(position) * i128::from(held);
        size += i128::from(position.unsigned_abs()) * i128::from(held);
        flat += if position == 0 { held } else { 0 };
    };
    for fill in ledger.fills.iter().filter(|fill| fill.instrument == contract.instrument) {
        hold(position, since, fill.time);
        since = since.max(fill.time);
        let before = position;
        position += fill.side.sign() * i64::from(fill.qty.0);
        round_trips += u64::from(before != 0 && before.signum() != position.signum());
        long = long.max(position);
        short = short.min(position);
    }
    hold(position, since, end);
    let lots = f64::from(contract.lots.max(1));
    let time = end.since(start).0.max(1) as f64;
    Inventory {
        symbol: contract.symbol.as_str().into(),
        mean: signed as f64 / time / lots,
        mean_size: size as f64 / time / lots,
        long_max: long as f64 / lots,
        short_max: short as f64 / lots,
        end: position as f64 / lots,
        flat: flat as f64 / time,
        round_trips,
    }
}
