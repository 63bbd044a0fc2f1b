//! The desk against a naive one that looks through the whole history for every answer.

mod entries;

use entries::{answered, intended, named};
use proptest::prelude::*;
use tercel_control::desk::{Desk, OrderFilter, Page};
use tercel_engine::tape::{
    Action, AnswerKind, Answered, Applied, Depth, Entry, Fate, Intended, Outcome, Why,
};
use tercel_risk::Reject;
use tercel_types::{InstrumentId, Level, MatchNumber, Nanos, Price, UserRef};

const ALL: Page = Page { after: 0, limit: usize::MAX };

fn applied(entries: &[Entry<'_>]) -> Desk {
    let mut desk = Desk::new("1", Nanos(1));
    for (at, entry) in entries.iter().enumerate() {
        desk.apply(Nanos(at as u64 + 1), entry);
    }
    desk
}

/// The venue as far as entries tell of it: picks what may come next.
#[derive(Default)]
struct Story {
    entries: Vec<Entry<'static>>,
    next: u32,
    /// Number, open shares, whether answered.
    live: Vec<(u32, u32, bool)>,
    executed: Vec<Answered>,
    match_number: u64,
}

impl Story {
    fn say(&mut self, answered: Answered) {
        self.entries.push(Entry::Answered(answered));
    }

    fn end(&mut self, user_ref: u32) {
        self.live.retain(|(live, ..)| *live != user_ref);
    }

    fn step(&mut self, what: u8, pick: u8, qty: u32) {
        let chosen =
            (!self.live.is_empty()).then(|| self.live[usize::from(pick) % self.live.len()]);
        match (what % 12, chosen) {
            (0, _) => {
                self.next += 1;
                self.entries.push(Entry::Intended(intended(Action::Enter, self.next, 0, qty)));
                self.live.push((self.next, qty, false));
            }
            (1, Some((original, _, true))) => {
                self.next += 1;
                let sent = intended(Action::Replace, self.next, original, qty);
                self.entries.push(Entry::Intended(sent));
                let kind = match pick % 3 {
                    0 => AnswerKind::Replaced,
                    1 => AnswerKind::Rejected,
                    _ => AnswerKind::NotReceived,
                };
                let open = if pick.is_multiple_of(3) { qty } else { 0 };
                let said = answered(kind, self.next, open, 0);
                let original_ref = if open > 0 { original } else { 0 };
                self.say(Answered { original: UserRef(original_ref), ..said });
                if open > 0 {
                    self.end(original);
                    self.live.push((self.next, qty, true));
                }
            }
            (2, Some((user_ref, open, false))) => {
                self.say(answered(AnswerKind::Accepted, user_ref, open, 0));
                self.live.iter_mut().find(|live| live.0 == user_ref).unwrap().2 = true;
            }
            (3, Some((user_ref, _, false))) => {
                let kind = if pick.is_multiple_of(2) {
                    AnswerKind::Rejected
                } else {
                    AnswerKind::NotReceived
                };
                self.say(answered(kind, user_ref, 0, 0));
                self.end(user_ref);
            }
            (4 | 5, Some((user_ref, open, true))) => {
                let some = qty.min(open);
                self.match_number += 1;
                let match_number = MatchNumber(self.match_number);
                let said = answered(AnswerKind::Executed, user_ref, open - some, some);
                let said = Answered { match_number, ..said };
                self.executed.push(said);
                self.reduced(said, some == open);
            }
            (6, Some((user_ref, open, true))) => {
                let some = if pick.is_multiple_of(2) { open } else { qty.min(open) };
                let said = answered(AnswerKind::Canceled, user_ref, open - some, some);
                self.reduced(said, some == open);
            }
            (7, Some((user_ref, _, true))) => {
                self.entries.push(Entry::Intended(intended(Action::Cancel, 0, user_ref, 0)));
            }
            (8, Some((user_ref, open, true))) => {
                let kind = if pick.is_multiple_of(2) {
                    AnswerKind::CancelPending
                } else {
                    AnswerKind::CancelRejected
                };
                self.say(answered(kind, user_ref, open, 0));
            }
            (9, Some((user_ref, open, true))) => {
                let said = answered(AnswerKind::PriorityChanged, user_ref, open, 0);
                self.say(said);
            }
            (10, _) if !self.executed.is_empty() => {
                let at = usize::from(pick) % self.executed.len();
                let old = self.executed.swap_remove(at);
                let open = self.live.iter().find(|live| live.0 == old.user_ref.0);
                let open = tercel_types::Qty(open.map_or(0, |live| live.1));
                self.say(Answered { what: AnswerKind::Broken, open, ..old });
            }
            (11, _) => {
                // An order of an earlier run.
                self.next += 1;
                self.say(answered(AnswerKind::Accepted, self.next, qty, 0));
                self.live.push((self.next, qty, true));
            }
            _ => {}
        }
    }

    fn reduced(&mut self, said: Answered, is_gone: bool) {
        self.say(said);
        let user_ref = said.user_ref.0;
        if is_gone {
            self.end(user_ref);
        } else {
            self.live.iter_mut().find(|live| live.0 == user_ref).unwrap().1 = said.open.0;
        }
    }
}

/// State, open shares and executed shares of an order, from the whole history.
fn naive(entries: &[Entry<'_>], user_ref: u32) -> (&'static str, u32, i64) {
    let intents = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Intended(intended) => Some(intended),
            _ => None,
        })
    };
    let answers = || {
        entries.iter().filter_map(|entry| match entry {
            Entry::Answered(answered) => Some(answered),
            _ => None,
        })
    };
    let own: Vec<&Answered> = answers().filter(|said| said.user_ref.0 == user_ref).collect();
    let sum = |kind| -> i64 {
        let some = own.iter().filter(|said| said.what == kind);
        some.map(|said| i64::from(said.qty.0)).sum()
    };
    let filled = sum(AnswerKind::Executed) - sum(AnswerKind::Broken);
    let last = own.iter().rfind(|said| said.what != AnswerKind::Broken);
    let is_replaced =
        answers().any(|said| said.what == AnswerKind::Replaced && said.original.0 == user_ref);
    if is_replaced {
        return ("replaced", 0, filled);
    }
    let Some(last) = last else {
        let sent = intents().find(|sent| sent.user_ref.0 == user_ref).unwrap();
        return ("sent", sent.qty.0, filled);
    };
    if last.open.0 == 0 {
        let state = match last.what {
            AnswerKind::Executed => "filled",
            AnswerKind::Rejected => "rejected",
            AnswerKind::NotReceived => "not_received",
            _ => "canceled",
        };
        return (state, 0, filled);
    }
    let is_cancelling = entries.iter().fold(false, |so_far, entry| match entry {
        Entry::Intended(Intended { action: Action::Cancel, original, .. })
            if original.0 == user_ref =>
        {
            true
        }
        Entry::Answered(said) if said.user_ref.0 == user_ref => match said.what {
            AnswerKind::CancelPending => true,
            AnswerKind::CancelRejected => false,
            _ => so_far,
        },
        _ => so_far,
    });
    (if is_cancelling { "cancelling" } else { "open" }, last.open.0, filled)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn orders_fills_and_totals_are_those_of_the_whole_history(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), 1..500_u32), 0..120),
    ) {
        let mut story = Story::default();
        for (what, pick, qty) in steps {
            story.step(what, pick, qty);
        }
        let desk = applied(&story.entries);
        for user_ref in 1..=story.next {
            let order = desk.order(user_ref).unwrap();
            let told = (order.state.as_str(), order.open_qty, i64::from(order.filled_qty));
            prop_assert_eq!(told, naive(&story.entries, user_ref), "order {}", user_ref);
        }
        let open: Vec<u32> = desk
            .orders(OrderFilter { open: Some(true), ..OrderFilter::default() }, ALL)
            .items
            .iter()
            .map(|order| order.user_ref)
            .collect();
        let mut live: Vec<u32> = story.live.iter().map(|(user_ref, ..)| *user_ref).collect();
        live.sort_unstable();
        prop_assert_eq!(open, live);
        let kept = desk.fills(None, ALL).items;
        let shares: i64 =
            kept.iter().filter(|fill| !fill.broken).map(|fill| i64::from(fill.qty)).sum();
        prop_assert_eq!(desk.totals().bought_qty, shares);
        prop_assert_eq!(desk.totals().bought_e4, i128::from(shares) * 100_100);
        let unbroken = kept.iter().filter(|fill| !fill.broken).count();
        prop_assert_eq!(unbroken, story.executed.len());
        prop_assert_eq!(desk.odd_entries(), 0);
    }

    #[test]
    fn pages_put_together_are_the_whole_list(count in 0..60_u32, limit in 1..20_usize) {
        let mut entries = Vec::new();
        for user_ref in 1..=count {
            entries.push(Entry::Intended(intended(Action::Enter, user_ref, 0, 10)));
            entries.push(Entry::Answered(answered(AnswerKind::Executed, user_ref, 5, 5)));
        }
        let desk = applied(&entries);
        let (mut orders, mut fills, mut after) = (Vec::new(), Vec::new(), Some(0));
        while let Some(place) = after {
            let page = desk.orders(OrderFilter::default(), Page { after: place, limit });
            prop_assert!(page.items.len() <= limit);
            orders.extend(page.items.iter().map(|order| order.user_ref));
            after = page.next;
        }
        after = Some(0);
        while let Some(place) = after {
            let page = desk.fills(None, Page { after: place, limit });
            fills.extend(page.items.iter().map(|fill| fill.user_ref));
            after = page.next;
        }
        let all: Vec<u32> = (1..=count).collect();
        prop_assert_eq!(&orders, &all);
        prop_assert_eq!(&fills, &all);
    }

    #[test]
    fn no_words_are_a_panic(
        kind in 0..20_u16,
        words in prop::collection::vec(prop_oneof![0..20_u64, any::<u64>()], 0..64),
    ) {
        let mut desk = Desk::new("1", Nanos(1));
        for _ in 0..2 {
            match Entry::read(kind, &words) {
                Some(entry) => desk.apply(Nanos(2), &entry),
                None => desk.apply_unknown(Nanos(2)),
            }
        }
        prop_assert_eq!(desk.counts().entries + desk.counts().unknown, 2);
        let _ = serde_json::to_string(&desk.state(Nanos(3))).unwrap();
    }
}

#[test]
fn a_chain_of_replaces_leaves_one_order_open() {
    let mut entries = vec![
        named(1, b"AAPL    "),
        Entry::Intended(intended(Action::Enter, 1, 0, 100)),
        Entry::Answered(answered(AnswerKind::Accepted, 1, 100, 0)),
    ];
    for user_ref in 2..=4 {
        entries.push(Entry::Intended(intended(Action::Replace, user_ref, user_ref - 1, 100)));
        assert_eq!(applied(&entries).order(user_ref - 1).unwrap().state, "replacing");
        let said = answered(AnswerKind::Replaced, user_ref, 100, 0);
        entries.push(Entry::Answered(Answered { original: UserRef(user_ref - 1), ..said }));
    }
    let desk = applied(&entries);
    let states: Vec<String> = (1..=4).map(|at| desk.order(at).unwrap().state).collect();
    assert_eq!(states, ["replaced", "replaced", "replaced", "open"]);
    let last = desk.order(4).unwrap();
    assert_eq!((last.original, last.symbol.as_str(), last.order_ref), (3, "AAPL", 1_004));
    assert_eq!(desk.open_orders(Some("AAPL")), 1);
    assert_eq!(desk.open_orders(Some("MSFT")), 0);
}

#[test]
fn a_correction_is_a_broken_fill_and_a_new_one() {
    let number = MatchNumber(7);
    let fill = Answered { match_number: number, ..answered(AnswerKind::Executed, 1, 40, 60) };
    let broken = Answered { what: AnswerKind::Broken, ..fill };
    let again = Answered { execution_price: Price(99_000), ..fill };
    let desk = applied(&[
        Entry::Intended(intended(Action::Enter, 1, 0, 100)),
        Entry::Answered(fill),
        Entry::Answered(broken),
        Entry::Answered(again),
    ]);
    let fills = desk.fills(None, ALL).items;
    let told: Vec<(i64, bool)> = fills.iter().map(|fill| (fill.price_e4, fill.broken)).collect();
    assert_eq!(told, [(100_100, true), (99_000, false)]);
    let totals = desk.totals();
    assert_eq!((totals.executions, totals.broken, totals.bought_qty), (2, 1, 60));
    assert_eq!(totals.bought_e4, 60 * 99_000);
    assert_eq!((desk.order(1).unwrap().filled_qty, desk.order(1).unwrap().open_qty), (60, 40));
}

#[test]
fn the_dead_and_the_fills_beyond_the_room_go_and_the_totals_stay() {
    let mut desk = Desk::with_room("1", Nanos(1), 10, 5);
    for user_ref in 1..=30 {
        desk.apply(Nanos(2), &Entry::Intended(intended(Action::Enter, user_ref, 0, 10)));
        let open = if user_ref == 3 { 5 } else { 0 };
        let said = answered(AnswerKind::Executed, user_ref, open, 10 - open);
        desk.apply(Nanos(3), &Entry::Answered(said));
    }
    let kept: Vec<u32> =
        desk.orders(OrderFilter::default(), ALL).items.iter().map(|order| order.user_ref).collect();
    assert_eq!(kept, [3, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    assert_eq!(desk.fills(None, ALL).items.len(), 5);
    let page = desk.fills(None, Page { after: 28, limit: 1 });
    assert_eq!((page.items[0].user_ref, page.next), (29, Some(29)));
    assert_eq!(desk.totals().executions, 30);
    assert_eq!(desk.totals().bought_qty, 295);
}

#[test]
fn refusals_depth_and_outcomes_are_shown() {
    let refused = Intended {
        fate: Fate::Refused,
        why: Why::Risk(Reject::Killed),
        ..intended(Action::Enter, 9, 0, 100)
    };
    let level = |price| Level { price: Price(price), qty: 500, orders: 3 };
    let mut depth = Depth {
        instrument: InstrumentId(1),
        bids: [Level::default(); 10],
        asks: [Level::default(); 10],
    };
    (depth.bids[0], depth.asks[0]) = (level(100_000), level(100_100));
    let desk = applied(&[
        named(1, b"AAPL    "),
        Entry::Intended(refused),
        Entry::Intended(intended(Action::Enter, 10, 0, 100)),
        Entry::Answered(answered(AnswerKind::Accepted, 10, 100, 0)),
        Entry::Depth(depth),
        Entry::Applied(Applied { ticket: 5, outcome: Outcome::Done }),
    ]);
    assert!(desk.order(9).is_none());
    assert_eq!(desk.feed().rejects["killed"], 1);
    let book = desk.book().unwrap();
    assert_eq!((book.symbol.as_str(), book.bids.len(), book.bids[0].own_qty), ("AAPL", 1, 100));
    assert_eq!(book.asks[0].own_qty, 0);
    assert_eq!(desk.outcome(5).unwrap().outcome, Outcome::Done);
    assert_eq!(desk.outcome(6), None);
    assert_eq!((desk.locate("AAPL"), desk.locate("#1")), (Some(1), None));
}
