//! The venue's side against one that keeps every order in a list and looks at all of them.

use super::*;
use crate::ledger::Contract;
use crate::store::{Builder, Grain, When};
use proptest::prelude::*;
use tercel_types::{InstrumentId, Symbol};

/// What one step of a made-up market does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add {
        buy: bool,
        level: u8,
        qty: u8,
    },
    Cut {
        which: u8,
        qty: u8,
    },
    Execute {
        buy: bool,
        qty: u8,
    },
    /// Ours.
    Quote {
        buy: bool,
        level: u8,
        qty: u8,
        post_only: bool,
    },
    Pull {
        which: u8,
    },
    Replace {
        which: u8,
        level: u8,
        qty: u8,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (level, qty) = (0u8..8, 1u8..20);
    let step = prop_oneof![
        4 => (any::<bool>(), level.clone(), qty.clone())
            .prop_map(|(buy, level, qty)| Step::Add { buy, level, qty }),
        2 => (any::<u8>(), qty.clone()).prop_map(|(which, qty)| Step::Cut { which, qty }),
        3 => (any::<bool>(), qty.clone()).prop_map(|(buy, qty)| Step::Execute { buy, qty }),
        2 => (any::<bool>(), level.clone(), qty.clone(), any::<bool>()).prop_map(
            |(buy, level, qty, post_only)| Step::Quote { buy, level, qty, post_only }
        ),
        1 => any::<u8>().prop_map(|which| Step::Pull { which }),
        1 => (any::<u8>(), level, qty)
            .prop_map(|(which, level, qty)| Step::Replace { which, level, qty }),
    ];
    prop::collection::vec(step, 1..120)
}

/// Bids are at 100 to 107 cents and asks at 104 to 111, so that ours may cross.
fn price(side: Side, level: u8) -> i64 {
    let base = if side == Side::Buy { 20_000 } else { 20_400 };
    base + i64::from(level) * 100
}

/// An order of anybody in the list; ours have a number above zero.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Listed {
    id: u64,
    ours: u32,
    side: Side,
    price: i64,
    qty: u64,
    post_only: bool,
    /// Executed along the chain of replaces.
    executed: u64,
}

impl Listed {
    fn reaches(&self, price: i64) -> bool {
        if self.side == Side::Buy { self.price >= price } else { self.price <= price }
    }
}

/// The list, in the order of time.
#[derive(Default)]
struct Naive {
    list: Vec<Listed>,
    /// Taken by us from an order's level and not there for us again.
    taken: Vec<(Side, i64, u64)>,
    fills: Vec<(u32, i64, u64, bool)>,
}

impl Naive {
    fn best(&self, side: Side) -> Option<i64> {
        let theirs = self.list.iter().filter(|one| one.ours == 0 && one.side == side);
        let prices = theirs.map(|one| one.price);
        if side == Side::Buy { prices.max() } else { prices.min() }
    }

    fn level(&self, side: Side, price: i64) -> u64 {
        let at = |one: &&Listed| one.ours == 0 && one.side == side && one.price == price;
        self.list.iter().filter(at).map(|one| one.qty).sum()
    }

    /// Fills ours on a side that stand before the place `before` in price and time.
    fn hit(&mut self, side: Side, mut qty: u64, before: impl Fn(&Listed, usize) -> bool) {
        loop {
            let due = self.list.iter().enumerate().filter(|(at, one)| {
                one.ours > 0 && one.side == side && qty > 0 && before(one, *at)
            });
            let rank = |price: i64| if side == Side::Buy { -price } else { price };
            let Some((at, _)) = due.min_by_key(|(at, one)| (rank(one.price), *at)) else { return };
            let filled = self.list[at].qty.min(qty);
            self.fills.push((self.list[at].ours, self.list[at].price, filled, true));
            self.list[at].qty -= filled;
            self.list[at].executed += filled;
            qty -= filled;
            if self.list[at].qty == 0 {
                self.list.remove(at);
            }
        }
    }

    fn told(&mut self, side: Side, price: i64) {
        self.taken.retain(|one| (one.0, one.1) != (side, price));
    }

    /// An order of ours comes.
    fn enter(&mut self, mut own: Listed) {
        let opposite = own.side.opposite();
        let meets = self.best(opposite).is_some_and(|other| own.reaches(other));
        if meets && own.post_only {
            return;
        }
        let met = |one: &&Listed| one.ours == 0 && one.side == opposite && own.reaches(one.price);
        let mut prices: Vec<i64> = self.list.iter().filter(met).map(|one| one.price).collect();
        prices.sort_unstable();
        prices.dedup();
        if own.side == Side::Sell {
            prices.reverse();
        }
        for at in prices {
            let known = self.taken.iter().find(|one| (one.0, one.1) == (opposite, at));
            let before = known.map_or(0, |one| one.2);
            let filled = (self.level(opposite, at) - before).min(own.qty);
            if filled > 0 {
                own.qty -= filled;
                own.executed += filled;
                self.told(opposite, at);
                self.taken.push((opposite, at, before + filled));
                self.fills.push((own.ours, at, filled, false));
            }
        }
        if own.qty > 0 {
            self.list.push(own);
        }
    }

    /// Shares of others that stand before an order of ours.
    fn ahead(&self, ours: u32) -> Option<u64> {
        let at = self.list.iter().position(|one| one.ours == ours)?;
        let own = self.list[at];
        let same = |one: &&Listed| one.ours == 0 && (one.side, one.price) == (own.side, own.price);
        Some(self.list[..at].iter().filter(same).map(|one| one.qty).sum())
    }
}

/// A market of steps, in the store's events and what is between them.
struct Script {
    builder: Builder,
    naive: Naive,
    last: u64,
    user_ref: u32,
}

enum Act {
    /// So many events more.
    Events(usize),
    Message(Message),
}

impl Script {
    fn theirs(&self, which: u8, side: Option<Side>) -> Option<Listed> {
        let of = |one: &&Listed| one.ours == 0 && side.is_none_or(|side| one.side == side);
        let list: Vec<_> = self.naive.list.iter().filter(of).collect();
        list.get(usize::from(which) % list.len().max(1)).map(|one| **one)
    }

    fn ours(&self, which: u8) -> Option<Listed> {
        let list: Vec<_> = self.naive.list.iter().filter(|one| one.ours > 0).collect();
        list.get(usize::from(which) % list.len().max(1)).map(|one| **one)
    }

    fn shrink(&mut self, id: u64, qty: u64) {
        let at = self.naive.list.iter().position(|one| one.ours == 0 && one.id == id);
        let Some(at) = at else { return };
        self.naive.list[at].qty -= qty;
        if self.naive.list[at].qty == 0 {
            self.naive.list.remove(at);
        }
    }

    fn step(&mut self, step: Step, when: When) -> Option<Act> {
        let side_of = |buy| if buy { Side::Buy } else { Side::Sell };
        match step {
            Step::Add { buy, level, qty } => {
                let (side, qty) = (side_of(buy), u64::from(qty));
                let price = price(side, level);
                // The recorded market itself never crosses.
                let crosses = self.naive.best(side.opposite()).is_some_and(|other| {
                    if side == Side::Buy { price >= other } else { price <= other }
                });
                if crosses {
                    return None;
                }
                self.last += 1;
                self.builder.add(when, 0, self.last, side, Price(price), qty);
                self.naive.told(side, price);
                self.naive.hit(side.opposite(), qty, |own, _| own.reaches(price));
                let (post_only, executed) = (false, 0);
                let id = self.last;
                self.naive.list.push(Listed { id, ours: 0, side, price, qty, post_only, executed });
            }
            Step::Cut { which, qty } => {
                let order = self.theirs(which, None)?;
                let qty = order.qty.min(qty.into());
                self.builder.reduce(when, order.id, Some(qty));
                self.naive.told(order.side, order.price);
                self.shrink(order.id, qty);
            }
            Step::Execute { buy, qty } => {
                // The first in line of the best level, as a market would.
                let side = side_of(buy);
                let best = self.naive.best(side)?;
                let first = |one: &&Listed| one.ours == 0 && (one.side, one.price) == (side, best);
                let order = *self.naive.list.iter().find(first)?;
                let qty = order.qty.min(qty.into());
                self.builder.execute(when, order.id, qty, true);
                self.naive.told(side, best);
                let line =
                    self.naive.list.iter().position(|one| one.ours == 0 && one.id == order.id);
                let line = line?;
                let ids: Vec<u32> = self.naive.list[..line].iter().map(|one| one.ours).collect();
                self.naive.hit(side, qty, |own, _| {
                    let better =
                        if side == Side::Buy { own.price > best } else { own.price < best };
                    better || (own.price == best && ids.contains(&own.ours))
                });
                self.shrink(order.id, qty);
            }
            Step::Quote { buy, level, qty, post_only } => {
                let side = side_of(buy);
                self.user_ref += 1;
                let price = price(side, level);
                let (ours, executed) = (self.user_ref, 0);
                let qty = qty.into();
                self.naive.enter(Listed { id: 0, ours, side, price, qty, post_only, executed });
                let qty = qty as u32;
                let terms = ((0, side), (Price(price), Qty(qty)));
                let user_ref = UserRef(self.user_ref);
                let order = Working::new(user_ref, terms.0, terms.1, post_only, false);
                return Some(Act::Message(Message::Enter(order)));
            }
            Step::Pull { which } => {
                let own = self.ours(which)?;
                self.naive.list.retain(|one| one.ours != own.ours);
                return Some(Act::Message(Message::Cancel { original: UserRef(own.ours) }));
            }
            Step::Replace { which, level, qty } => {
                let own = self.ours(which)?;
                self.user_ref += 1;
                self.naive.list.retain(|one| one.ours != own.ours);
                let price = price(own.side, level);
                self.naive.enter(Listed { ours: self.user_ref, price, qty: qty.into(), ..own });
                return Some(Act::Message(Message::Replace {
                    original: UserRef(own.ours),
                    user_ref: UserRef(self.user_ref),
                    price: Price(price),
                    total: u64::from(qty) + own.executed,
                }));
            }
        }
        Some(Act::Events(self.builder.len()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn fills_and_places_are_those_of_a_list(steps in steps()) {
        let mut builder = Builder::new(Grain::Orders);
        builder.instrument(Contract::stock(InstrumentId(1), Symbol::default()));
        builder.open(When::at(Nanos(0)), 0);
        let mut script = Script { builder, naive: Naive::default(), last: 0, user_ref: 0 };
        let mut acts = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let when = When::at(Nanos(at as u64 + 1));
            if let Some(act) = script.step(*step, when) {
                let ahead: Vec<_> = (1..=script.user_ref)
                    .map(|ours| script.naive.ahead(ours))
                    .collect();
                acts.push((when.time, act, ahead, script.naive.fills.len()));
            }
        }
        let fills = script.naive.fills;
        let store = script.builder.finish();
        let mut exchange = Exchange::new(&store, QueueModel::RiskAverse);
        let mut done = 0;
        let mut ours = Vec::new();
        for (time, act, ahead, count) in acts {
            match act {
                Act::Events(until) => {
                    while done < until {
                        exchange.on_event(&store.events[done]);
                        done += 1;
                    }
                }
                Act::Message(message) => {
                    while store.events.get(done).is_some_and(|event| event.time < time) {
                        exchange.on_event(&store.events[done]);
                        done += 1;
                    }
                    exchange.on_message(&message, time);
                }
            }
            for happening in exchange.happened.drain(..) {
                if let What::Executed { qty, price, maker, .. } = happening.what {
                    ours.push((happening.order.user_ref.0, price.0, u64::from(qty), maker));
                }
            }
            prop_assert_eq!(&ours[..], &fills[..count]);
            for (at, ahead) in ahead.iter().enumerate() {
                let find = |own: &&Working| own.user_ref.0 == at as u32 + 1;
                let own = exchange.resting().iter().find(find);
                prop_assert_eq!(own.map(Working::ahead), *ahead, "order {}", at + 1);
            }
        }
    }
}
