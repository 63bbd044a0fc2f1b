//! Champion and challengers around a whole engine: what they may change, when seats change, and
//! what takes a promotion back.
#![allow(clippy::vec_box)] // a contest takes candidates in boxes

use tercel_abi::EventRecord;
use tercel_engine::{Command, Controls, OpenOrders, Stage, Stopwatch};
use tercel_policy::promotion::{
    Candidate, Cause, Contest, ContestRules, Name, Notice, Reason, Refusal, RollbackRules,
};
use tercel_policy::{Artifact, FixedSpread, Glft, Learned, StrategyConfig, Volatility};
use tercel_tests::day;
use tercel_tests::desk::{Desk, candidate};
use tercel_types::{Money, Nanos};

const SYMBOLS: usize = 3;

fn fixed(half_spread_ticks: f64) -> StrategyConfig {
    StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks, skew_ticks: 1.0 })
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn records() -> Vec<EventRecord> {
    day::records(&day::messages(5, SYMBOLS, 40))
}

/// Limits that nothing passes.
fn patient() -> RollbackRules {
    let rules = ContestRules::default().rollback;
    RollbackRules {
        drawdown_max: Money(1_000_000_000_000),
        psi_max: 100.0,
        actions_per_second_max: 1_000_000,
        ..rules
    }
}

fn rules() -> ContestRules {
    let interval = Nanos::from_millis(5);
    ContestRules { interval, rollback: patient(), ..ContestRules::default() }
}

/// A day at a desk: what it sent, and what was noticed at which record.
struct Day {
    desk: Desk,
    controls: Option<Controls>,
    notices: Vec<(usize, Notice)>,
}

impl Day {
    fn new(contest: Option<(ContestRules, OpenOrders, Vec<Box<Candidate>>)>) -> Day {
        let mut desk = Desk::new(&day::symbols(SYMBOLS));
        let controls = contest.map(|(rules, orders, list)| desk.hold_contest(rules, orders, list));
        Day { desk, controls, notices: Vec::new() }
    }

    /// Feeds the whole day, with fills, housekeeping, and commands before the records of their
    /// number.
    fn run(&mut self, mut command: impl FnMut(usize, &mut Desk) -> Option<Command>) {
        let records = records();
        let start = records.len() / 4;
        for (at, record) in records.iter().enumerate() {
            if at == start {
                self.desk.start();
            }
            if let (Some(wanted), Some(controls)) =
                (command(at, &mut self.desk), self.controls.as_mut())
            {
                assert!(controls.commands.send(wanted).is_ok(), "a full mailbox");
            }
            self.desk.feed(record);
            if at % 60 == 0 && !self.desk.port.resting.is_empty() {
                let qty = self.desk.port.resting[0].qty;
                self.desk.port.trade(0, qty);
                self.desk.hear();
            }
            if at % 20 == 0 && at > start {
                self.desk.pass(Nanos(1_000));
            }
            self.look(at);
        }
    }

    fn look(&mut self, at: usize) {
        let Some(controls) = &mut self.controls else { return };
        while let Some(notice) = controls.notices.receive() {
            self.notices.push((at, notice));
        }
        while controls.leaving.receive().is_some() {}
    }

    fn contest(&self) -> &Contest {
        self.desk.engine.contest().expect("a contest")
    }

    fn said(&self, what: impl Fn(&Notice) -> bool) -> Option<(usize, Notice)> {
        self.notices.iter().find(|(_, notice)| what(notice)).copied()
    }
}

fn challengers(rules: &ContestRules) -> Vec<Box<Candidate>> {
    let artifact = Artifact::untrained(&[64, 64], 3).expect("an artifact");
    let network = Learned { artifact, offset_min_ticks: 0.0, offset_max_ticks: 20.0 };
    let volatility = Volatility::Realised { min: 0.002, max: 0.05 };
    let glft = Glft { gamma: 0.1, k: 100.0, a: 1.0, volatility };
    vec![
        candidate("network", &StrategyConfig::Mlp(Box::new(network)), rules),
        candidate("glft", &StrategyConfig::Glft(glft), rules),
        candidate("far", &fixed(3.0), rules),
    ]
}

#[test]
fn who_stands_in_shadow_changes_no_order() {
    let mut alone = Day::new(None);
    alone.run(|_, _| None);
    let mut beside = Day::new(Some((rules(), OpenOrders::Adopt, challengers(&rules()))));
    beside.run(|_, _| None);
    assert!(alone.desk.port.packets.len() > 10_000);
    assert!(alone.desk.port.packets == beside.desk.port.packets, "the orders differ");
    for one in beside.contest().challengers() {
        let book = one.book().counters();
        assert!(book.enters > 0 && one.wager().intervals() > 100, "{}: {book:?}", one.name());
    }
    assert!(beside.contest().champion().book().counters().fills > 0);
}

/// The champion's twin wants what the champion wants, where its orders fare alike.
#[test]
fn twins_are_alike() {
    let again = vec![candidate("again", &fixed(1.0 + 1e-12), &rules())];
    let mut day = Day::new(Some((rules(), OpenOrders::Adopt, again)));
    day.run(|_, _| None);
    let contest = day.contest();
    let twin = contest.challengers().next().expect("a challenger");
    assert_eq!(twin.book().counters(), contest.champion().book().counters());
    assert_eq!(twin.book().profit(), contest.champion().book().profit());
    assert_eq!((twin.wager().mean(), twin.wager().e_value()), (0.0, 1.0));
}

#[test]
fn a_promotion_by_command_changes_who_trades_and_nothing_else() {
    for orders in [OpenOrders::Adopt, OpenOrders::Cancel] {
        let mut day = Day::new(Some((rules(), orders, challengers(&rules()))));
        let (mut cancels, mut position) = (0, 0);
        day.run(|at, desk| match at {
            8_000 => Some(Command::Promote { name: name("far"), force: false }),
            8_105 => {
                (cancels, position) = (desk.port.cancels, desk.port.position);
                Some(Command::Promote { name: name("far"), force: true })
            }
            8_106..=8_125 if desk.engine.contest().is_some_and(|one| one.promotions() == 1) => {
                assert_eq!(desk.port.position, position, "seats change, positions do not");
                None
            }
            _ => None,
        });
        let refused =
            day.said(|one| matches!(one, Notice::Refused { why: Refusal::NotPassed, .. }));
        assert!(refused.is_some(), "{:?}", day.notices);
        let promoted = day.said(|one| matches!(one, Notice::Promoted { .. })).expect("promoted");
        assert!(matches!(promoted.1, Notice::Promoted { cause: Cause::Command, .. }));
        let contest = day.contest();
        assert_eq!(contest.champion().name(), name("far"));
        assert_eq!(contest.former().map(Candidate::name), Some(name("champion")));
        if orders == OpenOrders::Cancel {
            assert!(day.desk.port.cancels > cancels, "nothing was cancelled");
        }
        // Every quote is three ticks from the mid now, give or take the skew and the rounding.
        let books = day.desk.engine.books();
        for order in &day.desk.port.resting {
            let near = (1..=SYMBOLS as u16).any(|id| {
                let mid = books.top(tercel_types::InstrumentId(id)).mid_x2().unwrap_or(0) / 2;
                (100..=500).contains(&(mid - order.price as i64).abs())
            });
            assert!(near, "{order:?}");
        }
    }
}

/// With a rebate of a dollar a share whoever trades more earns more.
fn generous() -> ContestRules {
    let mut rules = ContestRules { automatic: true, intervals_min: 20, alpha: 0.2, ..rules() };
    rules.shadow.fee_e6 = -1_000_000;
    rules
}

#[test]
fn the_test_promotes_at_the_same_event_every_time() {
    let days = [(); 2].map(|()| {
        let far = vec![candidate("near", &fixed(0.5), &generous())];
        let mut day = Day::new(Some((generous(), OpenOrders::Adopt, far)));
        day.run(|_, _| None);
        day
    });
    let [first, second] = &days;
    let promoted = first.said(|one| matches!(one, Notice::Promoted { .. }));
    assert!(
        matches!(promoted, Some((_, Notice::Promoted { cause: Cause::Test, .. }))),
        "{:?} {:?}",
        first.notices,
        first.contest().challengers().map(|one| one.wager().e_value()).collect::<Vec<_>>()
    );
    assert_eq!(first.notices, second.notices);
    assert!(first.desk.port.packets == second.desk.port.packets, "the orders differ");
}

/// A day in which `near` is promoted early, and what takes it back.
fn taken_back(rollback: RollbackRules) -> (Day, Option<Reason>) {
    let rules = ContestRules { rollback, ..rules() };
    let mut day =
        Day::new(Some((rules, OpenOrders::Adopt, vec![candidate("near", &fixed(0.5), &rules)])));
    day.run(|at, _| match at {
        7_000 => Some(Command::Promote { name: name("near"), force: true }),
        // The same once more under another name.
        18_000 => Some(Command::Load(candidate("again", &fixed(0.5), &rules))),
        _ => None,
    });
    let back = day.said(|one| matches!(one, Notice::RolledBack { .. }));
    let reason = back.and_then(|(_, notice)| match notice {
        Notice::RolledBack { breach, .. } => Some(breach.reason),
        _ => None,
    });
    (day, reason)
}

#[test]
fn each_limit_takes_a_promotion_back_and_bars_the_policy() {
    let (day, reason) = taken_back(patient());
    assert_eq!((reason, day.contest().champion().name()), (None, name("near")));
    let limits = [
        (Reason::Drawdown, RollbackRules { drawdown_max: Money(0), ..patient() }),
        (Reason::ActionRate, RollbackRules { actions_per_second_max: 1, ..patient() }),
        (
            Reason::Drift,
            RollbackRules {
                psi_max: 0.01,
                psi_window: 100,
                psi_every: Nanos::from_millis(1),
                ..patient()
            },
        ),
    ];
    for (expected, limit) in limits {
        let (day, reason) = taken_back(limit);
        assert_eq!(reason, Some(expected), "{:?}", day.notices);
        assert_eq!(day.contest().champion().name(), name("champion"));
        assert_eq!(day.contest().former().map(Candidate::name), None);
        let barred = day.said(|one| matches!(one, Notice::Refused { why: Refusal::Barred, .. }));
        assert!(barred.is_some(), "{:?}", day.notices);
        let counted = day.contest().rollbacks().find(|(why, _)| *why == expected);
        assert_eq!(counted, Some((expected, 1)));
    }
}

/// A stopwatch whose every decision takes as long as it is told.
struct Slow(Nanos);

impl Stopwatch for Slow {
    fn begin(&mut self, _received: Nanos) {}
    fn lap(&mut self, _stage: Stage) {}
    fn sent(&mut self) {}
    fn last_lap(&self) -> Nanos {
        self.0
    }
}

#[test]
fn decisions_that_take_too_long_take_a_promotion_back() {
    let rollback =
        RollbackRules { decision_window: 100, decision_p99_max: Nanos(10_000), ..patient() };
    let rules = ContestRules { rollback, ..rules() };
    let mut desk = Desk::new(&day::symbols(SYMBOLS));
    let near = vec![candidate("near", &fixed(0.5), &rules)];
    let mut controls = desk.hold_contest(rules, OpenOrders::Adopt, near);
    let records = records();
    let mut parts = records.chunks(records.len() / 4);
    parts.next().expect("a morning").iter().for_each(|record| desk.feed(record));
    desk.start();
    let promote = Command::Promote { name: name("near"), force: true };
    assert!(controls.commands.send(promote).is_ok());
    for (took, traded_by) in [(9_000, "near"), (20_000, "champion")] {
        desk.pass(Nanos(1_000));
        for record in parts.next().expect("more") {
            desk.now = desk.now.max(record.exchange_time());
            desk.engine.on_event(record, desk.now, &mut desk.port, &mut Slow(Nanos(took)));
            desk.hear();
        }
        desk.pass(Nanos(1_000));
        let contest = desk.engine.contest().expect("a contest");
        assert_eq!(contest.champion().name(), name(traded_by));
    }
    let latency = desk.engine.contest().and_then(|one| one.rollbacks().nth(2));
    assert_eq!(latency, Some((Reason::Latency, 1)));
}

#[test]
fn what_cannot_be_done_is_refused_and_said() {
    let mut day = Day::new(Some((rules(), OpenOrders::Adopt, challengers(&rules()))));
    let load = |who, strategy: &_| Some(Command::Load(candidate(who, strategy, &rules())));
    day.run(|at, _| match at {
        2_000 => Some(Command::RollBack),
        2_100 => Some(Command::Promote { name: name("nobody"), force: true }),
        2_200 => Some(Command::Drop(name("nobody"))),
        2_300 => load("glft", &fixed(9.0)),
        2_400 => load("other", &fixed(3.0)),
        2_500 => load("fourth", &fixed(7.0)),
        2_600 => load("fifth", &fixed(8.0)),
        2_700 => Some(Command::Drop(name("fourth"))),
        _ => None,
    });
    let why: Vec<Refusal> = day
        .notices
        .iter()
        .filter_map(|(_, notice)| match notice {
            Notice::Refused { why, .. } => Some(*why),
            _ => None,
        })
        .collect();
    let expected = [
        Refusal::NoFormer,
        Refusal::Unknown,
        Refusal::Unknown,
        Refusal::NameTaken,
        Refusal::Known,
        Refusal::Full,
    ];
    assert_eq!(why, expected);
    assert!(day.said(|one| matches!(one, Notice::Dropped { .. })).is_some());
    assert_eq!(day.contest().challengers().count(), 3);
}
