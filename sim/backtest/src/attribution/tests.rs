//! The identity, over random markets and fills.

use super::*;
use crate::ledger::Mid;
use proptest::prelude::*;
use tercel_types::{InstrumentId, Price, Qty, Side, Symbol, UserRef};

/// A random instrument's day: lots, steps of the mid with whether we trade there.
#[derive(Clone, Debug)]
struct Path {
    lots: u32,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    mid_x2: i64,
    wait_ms: u64,
    fill: Option<(bool, i64, i64, u32, i64)>,
}

fn path() -> impl Strategy<Value = Path> {
    let fill = (any::<bool>(), -400_i64..400, -300_i64..300, 1_u32..5_000, -90_000_i64..90_000);
    let step = (1_000_000_i64..1_010_000, 0_u64..3_000, prop::option::of(fill));
    let step = step.prop_map(|(mid_x2, wait_ms, fill)| Step { mid_x2, wait_ms, fill });
    let lots = prop::sample::select(vec![1_u32, 3, 1_000, 100_000]);
    (lots, prop::collection::vec(step, 0..40)).prop_map(|(lots, steps)| Path { lots, steps })
}

/// Plays the paths, keeping cash and position as an account would.
fn ledger(paths: &[Path]) -> Ledger {
    let contract = |(at, path): (usize, &Path)| Contract {
        instrument: InstrumentId(at as u16 + 7),
        symbol: Symbol::new("X").unwrap(),
        tick: Price(100),
        lots: path.lots,
        ..Contract::stock(InstrumentId(at as u16), Symbol::default())
    };
    let mut ledger = Ledger::new(paths.iter().enumerate().map(contract).collect());
    for (place, path) in paths.iter().enumerate() {
        let instrument = ledger.contracts[place].instrument;
        let (mut time, mut cash, mut position, mut fees, mut mid_x2) = (Nanos(0), 0, 0, 0, 0);
        for step in &path.steps {
            time = time + Nanos::from_millis(step.wait_ms);
            if let Some((buys, away, beyond, lots, fee)) = step.fill {
                let side = if buys { Side::Buy } else { Side::Sell };
                let touch = Price(500_000 + away);
                let fill = Fill {
                    instrument,
                    time,
                    side,
                    price: Price(touch.0 + beyond),
                    qty: Qty(lots),
                    fee,
                    mid_x2,
                    touch,
                    maker: false,
                    queue_ahead: 0,
                    entered: time,
                    user_ref: UserRef(1),
                };
                cash -= i128::from(side.sign()) * fill.notional();
                position += side.sign() * i64::from(lots);
                fees += fee;
                ledger.fills.push(fill);
            }
            mid_x2 = step.mid_x2;
            ledger.mids[place].push(Mid { time, mid_x2 });
        }
        let (bid, ask) = (Price(0), Price(0));
        ledger.samples.push(Sample { instrument, time, mid_x2, bid, ask, position, cash, fees });
        ledger.span.1 = ledger.span.1.max(time);
    }
    ledger
}

proptest! {
    #[test]
    fn the_parts_are_the_profit(
        days in prop::collection::vec(prop::collection::vec(path(), 1..3), 1..4),
        horizon_ms in 0_u64..20_000,
    ) {
        let days: Vec<Ledger> = days.iter().map(|paths| ledger(paths)).collect();
        let all: Vec<&Ledger> = days.iter().collect();
        let found = attribute(&all, Nanos::from_millis(horizon_ms)).unwrap();
        prop_assert!(found.is_exact());
        // To the cent, as printed.
        let cents = found.cents();
        let sum: i64 = cents.named().iter().map(|part| part.1).sum();
        prop_assert_eq!(sum, cents.net);
        prop_assert!((cents.net as f64 / 100.0 - found.net_dollars()).abs() <= 0.00501);
        for ((_, cents), part) in cents.named().iter().zip(found.parts()) {
            let dollars = part as f64 / found.per_dollar as f64;
            prop_assert!((*cents as f64 / 100.0 - dollars).abs() <= 0.0101);
        }
        // The sum of the days taken apart alone is the whole taken apart.
        let alone = |day: &&Ledger| attribute(&[day], HORIZON).unwrap().net_dollars();
        let net: f64 = all.iter().map(alone).sum();
        prop_assert!((net - found.net_dollars()).abs() < 1e-6 * (1.0 + net.abs()));
    }

    #[test]
    fn a_wrong_account_is_told(paths in prop::collection::vec(path(), 1..3), wrong in 1_i128..9) {
        let mut ledger = ledger(&paths);
        ledger.samples[0].cash += wrong;
        let told = matches!(attribute(&[&ledger], HORIZON), Err(AttributionError::Mismatch { .. }));
        prop_assert!(told);
    }
}

/// A sale at 50.05 with the mid at 50.03, which is 50.01 a second later and 50.00 at the end; and a
/// purchase that took 100 at 50.06 where 50.05 was the best.
#[test]
fn by_hand() {
    let step = |mid_x2, wait_ms, fill| Step { mid_x2, wait_ms, fill };
    let mut ledger = ledger(&[Path {
        lots: 1,
        steps: vec![
            step(1_000_600, 0, None),
            step(1_000_600, 10, Some((false, 500, 0, 100, -200_000))),
            step(1_000_200, 900, None),
            step(1_000_800, 500, Some((true, 500, 100, 100, 300_000))),
            step(1_000_000, 5_000, None),
        ],
    }]);
    ledger.fills[1].mid_x2 = 1_000_800;
    let cents = attribute(&[&ledger], HORIZON).unwrap().cents();
    // Spread (50.05 − 50.03) 100 − (50.05 − 50.04) 100; impact −0.01 × 100; after a second the
    // first fill has earned 0.02, the second, at 50.04 still, nothing; then 0.01 and −0.04.
    let wanted = Cents {
        spread: 100,
        inventory: -300,
        adverse_selection: 200,
        fees: -10,
        impact: -100,
        net: -110,
    };
    assert_eq!(cents, wanted);
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(attribute(&[], HORIZON).unwrap().cents().net, 0);
    assert_eq!(attribute(&[&Ledger::new(Vec::new())], HORIZON).unwrap().parts(), [0; 5]);
}

/// Cents that rounding has taken away come back.
#[test]
fn thirds_of_a_cent_add_up() {
    let parts = Attribution {
        per_dollar: 300,
        spread: 1,
        inventory: 1,
        adverse: 1,
        fees: -2,
        impact: 0,
        net: 1,
    };
    let cents = parts.cents();
    assert_eq!(cents.named().iter().map(|part| part.1).sum::<i64>(), cents.net);
}
