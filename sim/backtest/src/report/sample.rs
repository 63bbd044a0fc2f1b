//! Made-up runs for the tests of tables, pages and files.

use crate::ledger::{Contract, Fill, Ledger, Mid, Sample};
use crate::metrics::{Settings, measure, returns};
use crate::report::plots::Plots;
use crate::report::{ALL, Report, Run};
use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, Symbol, UserRef};

/// A day of `seconds`, with a fill about every other second, from 10:00 on.
pub(crate) fn ledger(seed: u64, seconds: u64) -> Ledger {
    let instrument = InstrumentId(3);
    let symbol = Symbol::new("MADEUP").expect("a symbol");
    let mut ledger =
        Ledger::new(vec![Contract { lots: 1_000, ..Contract::stock(instrument, symbol) }]);
    let start = Nanos::from_secs(36_000);
    ledger.span = (start, start + Nanos::from_secs(seconds));
    let mut state = seed;
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut mid_x2, mut position, mut cash, mut fees) = (1_200_100_i64, 0_i64, 0_i128, 0_i64);
    for step in 0..=10 * seconds {
        let time = start + Nanos::from_millis(100 * step);
        mid_x2 += 100 * (draw(3) as i64 - 1);
        ledger.mids[0].push(Mid { time, mid_x2 });
        if draw(20) == 0 {
            let buys = draw(2000) as i64 > 1000 + position / 10;
            let side = if buys { Side::Buy } else { Side::Sell };
            let maker = draw(10) > 0;
            let away = if maker { -100 } else { 100 };
            let price = Price(mid_x2 / 2 + side.sign() * away);
            let fill = Fill {
                instrument,
                time,
                side,
                price,
                qty: Qty(100 + draw(400) as u32),
                fee: if maker { -10_000 } else { 25_000 },
                mid_x2,
                touch: price,
                maker,
                queue_ahead: draw(5_000),
                entered: Nanos(time.0 - (draw(1_000) << draw(24))),
                user_ref: UserRef(ledger.fills.len() as u32 + 1),
            };
            cash -= i128::from(side.sign()) * fill.notional();
            position += side.sign() * i64::from(fill.qty.0);
            fees += fill.fee;
            ledger.fills.push(fill);
            ledger.orders.rested += 3;
            ledger.orders.lots_rested += 1_000;
            ledger.orders.lots_made += u64::from(fill.qty.0);
        }
        if step % 10 == 0 {
            let (bid, ask) = (Price(mid_x2 / 2 - 50), Price(mid_x2 / 2 + 50));
            ledger.samples.push(Sample {
                instrument,
                time,
                mid_x2,
                bid,
                ask,
                position,
                cash,
                fees,
            });
        }
    }
    ledger.events = 10 * seconds;
    ledger
}

/// Strategies of these names over days, and over all of them where there are several.
pub(crate) fn report(names: &[&str], days: u64, seconds: u64) -> Report {
    let settings =
        Settings { year_s: returns::EQUITY_YEAR_S, horizon: crate::attribution::HORIZON };
    let mut report = Report::default();
    report.settings.insert("queue".into(), "risk-averse".into());
    for (at, name) in names.iter().enumerate() {
        let ledgers: Vec<Ledger> =
            (0..days).map(|day| ledger(1 + 100 * at as u64 + day, seconds)).collect();
        let mut add = |data: String, ledgers: &[&Ledger]| {
            let measured = measure(ledgers, &settings).expect("an exact account");
            let plots = Some(Plots::of(ledgers, &measured));
            let strategy = (*name).to_string();
            report.runs.push(Run { strategy, data, metrics: measured.metrics, plots });
        };
        for (day, ledger) in ledgers.iter().enumerate() {
            add(format!("day-{day}.itch"), &[ledger]);
        }
        if days > 1 {
            add(ALL.into(), &ledgers.iter().collect::<Vec<_>>());
        }
    }
    report
}
