//! Data by level: the venue's side, in the careful model, against lines of single shares.

use super::*;
use crate::ledger::Contract;
use crate::store::{Builder, Grain, When};
use proptest::prelude::*;
use tercel_types::{InstrumentId, Symbol};

#[derive(Clone, Copy, Debug)]
enum Step {
    Level { buy: bool, level: u8, qty: u8 },
    Trade { buy: bool, level: u8, qty: u8 },
    Quote { buy: bool, level: u8, qty: u8 },
    Pull { which: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let of = || (any::<bool>(), 0u8..6, 0u8..16);
    let step = prop_oneof![
        5 => of().prop_map(|(buy, level, qty)| Step::Level { buy, level, qty }),
        3 => of().prop_map(|(buy, level, qty)| Step::Trade { buy, level, qty: qty + 1 }),
        2 => of().prop_map(|(buy, level, qty)| Step::Quote { buy, level, qty: qty + 1 }),
        1 => any::<u8>().prop_map(|which| Step::Pull { which }),
    ];
    prop::collection::vec(step, 1..120)
}

/// Bids at 100 to 105 cents, asks at 103 to 108.
fn price(buy: bool, level: u8) -> i64 {
    10_000 + 100 * i64::from(level) + if buy { 0 } else { 300 }
}

/// An order of ours with the line at its price: `true` is a share that was there before it.
struct Ours {
    number: u32,
    buy: bool,
    price: i64,
    open: u64,
    line: Vec<bool>,
}

impl Ours {
    fn reaches(&self, price: i64) -> bool {
        if self.buy { self.price >= price } else { self.price <= price }
    }

    fn ahead(&self) -> u64 {
        self.line.iter().filter(|before| **before).count() as u64
    }
}

#[derive(Default)]
struct Naive {
    levels: Vec<(bool, i64, u64)>,
    ours: Vec<Ours>,
    fills: Vec<(u32, u64)>,
}

impl Naive {
    fn level(&self, buy: bool, price: i64) -> u64 {
        self.levels.iter().find(|one| (one.0, one.1) == (buy, price)).map_or(0, |one| one.2)
    }

    /// Share after share goes to the best of ours that may have it.
    fn hit(&mut self, buy: bool, qty: u64, due: impl Fn(&Ours) -> bool) -> u64 {
        for left in (1..=qty).rev() {
            let all = self.ours.iter_mut().filter(|own| own.buy == buy && own.open > 0 && due(own));
            let best = all.min_by_key(|own| if buy { -own.price } else { own.price });
            let Some(best) = best else { return left };
            best.open -= 1;
            self.fills.push((best.number, 1));
        }
        0
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Level { buy, level, qty } => {
                let (price, after) = (price(buy, level), u64::from(qty));
                let before = self.level(buy, price);
                self.levels.retain(|one| (one.0, one.1) != (buy, price));
                self.levels.push((buy, price, after));
                for own in self.ours.iter_mut().filter(|own| (own.buy, own.price) == (buy, price)) {
                    // The last in line have left, or others have come behind them.
                    own.line.resize(after as usize, false);
                }
                self.hit(!buy, after.saturating_sub(before), |own| own.reaches(price));
            }
            Step::Trade { buy, level, qty } => {
                let price = price(buy, level);
                let left =
                    self.hit(buy, qty.into(), |own| own.price != price && own.reaches(price));
                let mut left = left;
                for own in self.ours.iter_mut().filter(|own| (own.buy, own.price) == (buy, price)) {
                    // Each share takes the first in line, one of ours where nobody is before it.
                    let shares = left;
                    for _ in 0..shares {
                        let first = own.line.first().copied();
                        if first.is_some() {
                            own.line.remove(0);
                        }
                        if first != Some(true) && own.open > 0 {
                            own.open -= 1;
                            left -= 1;
                            self.fills.push((own.number, 1));
                        }
                    }
                }
            }
            Step::Quote { .. } | Step::Pull { .. } => {}
        }
        self.ours.retain(|own| own.open > 0);
    }

    /// Post-only: refused where it would take.
    fn quote(&mut self, number: u32, buy: bool, price: i64, open: u64) {
        let line = vec![true; self.level(buy, price) as usize];
        let own = Ours { number, buy, price, open, line };
        let meets = self.levels.iter().any(|one| one.0 != buy && one.2 > 0 && own.reaches(one.1));
        if !meets {
            self.ours.push(own);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn fills_and_places_are_those_of_lines_of_shares(steps in steps()) {
        let side = |buy| if buy { Side::Buy } else { Side::Sell };
        let mut builder = Builder::new(Grain::Levels);
        builder.instrument(Contract::stock(InstrumentId(1), Symbol::default()));
        builder.open(When::at(Nanos(0)), 0);
        for (at, step) in steps.iter().enumerate() {
            let when = When::at(Nanos(at as u64 + 1));
            match *step {
                Step::Level { buy, level, qty } => {
                    builder.level(when, 0, side(buy), Price(price(buy, level)), qty.into(), false);
                }
                Step::Trade { buy, level, qty } => {
                    builder.trade(when, 0, Some(side(buy)), Price(price(buy, level)), qty.into());
                }
                Step::Quote { .. } | Step::Pull { .. } => {}
            }
        }
        let store = builder.finish();
        let mut exchange = Exchange::new(&store, QueueModel::RiskAverse);
        let mut events = store.events.iter().peekable();
        let mut naive = Naive::default();
        for (at, step) in steps.iter().enumerate() {
            let (time, number) = (Nanos(at as u64 + 1), at as u32 + 1);
            naive.fills.clear();
            while let Some(event) = events.next_if(|event| event.time <= time) {
                exchange.on_event(event);
            }
            naive.step(*step);
            match *step {
                Step::Quote { buy, level, qty } => {
                    let terms = ((0, side(buy)), (Price(price(buy, level)), Qty(qty.into())));
                    let order = Working::new(UserRef(number), terms.0, terms.1, true, false);
                    exchange.on_message(&Message::Enter(order), time);
                    naive.quote(number, buy, price(buy, level), qty.into());
                }
                Step::Pull { which } if !naive.ours.is_empty() => {
                    let gone = naive.ours.remove(usize::from(which) % naive.ours.len());
                    let original = UserRef(gone.number);
                    exchange.on_message(&Message::Cancel { original }, time);
                }
                _ => {}
            }
            let mut fills: Vec<(u32, u64)> = Vec::new();
            for happening in exchange.happened.drain(..) {
                if let What::Executed { qty, .. } = happening.what {
                    fills.extend((0..qty).map(|_| (happening.order.user_ref.0, 1)));
                }
            }
            prop_assert_eq!(&fills, &naive.fills, "{:?}", step);
            let places: Vec<_> = exchange
                .resting()
                .iter()
                .map(|own| (own.user_ref.0, u64::from(own.open), own.ahead()))
                .collect();
            let lines: Vec<_> =
                naive.ours.iter().map(|own| (own.number, own.open, own.ahead())).collect();
            prop_assert_eq!(places, lines, "{:?}", step);
        }
    }
}
