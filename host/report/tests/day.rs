//! The report of a day against a naive count of the same records.

mod support;

use std::collections::BTreeMap;
use support::{OPEN, Raw, day, raw, write};
use tercel_engine::tape::{Action, AnswerKind, Entry, Fate};
use tercel_report::calendar::Day;
use tercel_report::day::{DayReport, HORIZONS, gather};
use tercel_report::events::Event;
use tercel_report::page::{page, text};
use tercel_types::Side;

fn report(records: &[Raw]) -> (DayReport, Vec<Event>) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), records);
    let mut events = Vec::new();
    let report = gather(folder.path(), None, |event| events.push(event.clone())).expect("a report");
    (report, events)
}

/// Looks at all records for every execution.
#[derive(Default, PartialEq, Debug)]
struct Oracle {
    executions: u64,
    qty: [i64; 2],
    money: [i64; 2],
    /// Shares and sum of arrival, touch, effective, realised and the markouts.
    sums: [(i64, i64); 7],
}

fn entries(records: &[Raw]) -> Vec<(u64, u16, Vec<u64>)> {
    let words = |bytes: &[u8]| {
        bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
    };
    records.iter().map(|(at, kind, bytes)| (*at, *kind, words(bytes))).collect()
}

fn oracle(records: &[Raw]) -> Oracle {
    let entries = entries(records);
    let entries: Vec<(u64, Entry<'_>)> = entries
        .iter()
        .filter_map(|(at, kind, words)| Some((*at, Entry::read(*kind, words)?)))
        .collect();
    // The mid as of a place in the list.
    let mid = |id, place: usize| {
        entries[..place].iter().rev().find_map(|(_, entry)| match entry {
            Entry::Holding(it) if it.instrument == id => Some(it.bid.0 + it.ask.0),
            Entry::Intended(it) if it.instrument == id => Some(it.bid.0 + it.ask.0),
            _ => None,
        })
    };
    let intent = |number| {
        let found = entries.iter().find_map(|(_, entry)| match entry {
            Entry::Intended(it)
                if it.user_ref == number
                    && it.fate == Fate::Sent
                    && it.action != Action::Cancel =>
            {
                Some(*it)
            }
            _ => None,
        });
        found.expect("an intent")
    };
    let mut oracle = Oracle::default();
    let mut seen = BTreeMap::new();
    for (place, (at, entry)) in entries.iter().enumerate() {
        let Entry::Answered(it) = entry else { continue };
        let is_broken = entries.iter().any(|(_, other)| {
            matches!(other, Entry::Answered(other)
                if other.what == AnswerKind::Broken && other.match_number == it.match_number)
        });
        if it.what != AnswerKind::Executed
            || is_broken
            || seen.insert(it.match_number.0, ()).is_some()
        {
            continue;
        }
        let side = usize::from(it.side == Side::Sell);
        let sign = [1, -1][side];
        let (qty, price) = (i64::from(it.qty.0), it.execution_price.0);
        oracle.executions += 1;
        oracle.qty[side] += qty;
        oracle.money[side] += qty * price;
        let own = intent(it.user_ref);
        let mut first = own;
        while first.original.0 > 0 {
            first = intent(first.original);
        }
        let touch = [own.ask.0, own.bid.0][side];
        let later = HORIZONS.map(|after| {
            let after = entries.iter().position(|(time, _)| *time > at + after);
            after.and_then(|place| mid(it.instrument, place))
        });
        let against = |x2: Option<i64>| x2.map(|x2| sign * (2 * price - x2) * qty);
        let values = [
            against(Some(first.bid.0 + first.ask.0)),
            against(Some(2 * touch)),
            against(mid(it.instrument, place)).map(|sum| 2 * sum),
            against(later[2]).map(|sum| 2 * sum),
            against(later[0]).map(|sum| -sum),
            against(later[1]).map(|sum| -sum),
            against(later[2]).map(|sum| -sum),
        ];
        for ((shares, sum), value) in oracle.sums.iter_mut().zip(values) {
            if let Some(value) = value {
                *shares += qty;
                *sum += value;
            }
        }
    }
    oracle
}

#[test]
fn slippage_spreads_and_markouts_are_those_of_a_naive_count() {
    for seed in 0..6 {
        let records = day(seed, 300);
        let (report, _) = report(&records);
        let figures = &report.total.figures;
        let [short, middle, long] = figures.markouts;
        let costs = [
            figures.arrival,
            figures.touch,
            figures.effective,
            figures.realised,
            short,
            middle,
            long,
        ];
        let found = Oracle {
            executions: figures.executions,
            qty: [figures.bought_qty, figures.sold_qty],
            money: [figures.bought_e4, figures.sold_e4],
            sums: costs.map(|cost| (cost.qty, cost.sum_x2_e4)),
        };
        assert!(figures.executions > 50 && figures.broken > 0 && long.qty > 0);
        assert_eq!(found, oracle(&records), "seed {seed}");
    }
}

#[test]
fn the_sums_of_symbols_fills_orders_and_events_are_the_same() {
    let (report, events) = report(&day(3, 400));
    let total = &report.total;
    let sum = |of: fn(&tercel_report::day::SymbolFigures) -> i64| -> i64 {
        report.symbols.iter().map(of).sum()
    };
    assert_eq!(sum(|it| it.figures.bought_qty), total.figures.bought_qty);
    assert_eq!(sum(|it| it.figures.markouts[1].sum_x2_e4), total.figures.markouts[1].sum_x2_e4);
    assert_eq!(sum(|it| it.orders.sent as i64), total.orders.sent as i64);
    let told: u64 = report.fills.iter().map(|fill| u64::from(fill.qty)).sum();
    assert_eq!(total.orders.filled_qty, told);
    let told = |name: &'static str| events.iter().filter(move |event| event.event == name);
    assert_eq!(told("execution").map(|event| u64::from(event.qty)).sum::<u64>(), {
        total.orders.filled_qty
    });
    let orders = &total.orders;
    assert_eq!(told("new").count() as u64, orders.sent - orders.replacements);
    assert_eq!(told("route").count(), told("new").count());
    assert_eq!(told("modify").count() as u64, orders.replacements);
    assert_eq!(told("reject").count() as u64, orders.rejected);
    assert_eq!(told("cancel").count() as u64, orders.canceled);
    let ends = orders.rejected + orders.filled + orders.canceled + orders.replaced + orders.left;
    assert_eq!(ends, orders.sent);
    assert_eq!(report.rejected.get("Q").copied().unwrap_or(0), orders.rejected);
    assert!(told("new").all(|event| event.like == "MENO"));
    // Every order sent has been answered, so nothing is left to be reconciled.
    assert!(report.reconciliation.is_reconciled(), "{:?}", report.reconciliation);
    assert_eq!(report.reconciliation.sent, orders.sent);
}

#[test]
fn time_in_market_is_that_of_the_open_orders() {
    let it = support::intended(1, 5, Side::Buy, 1_000_000, 10);
    let second = 1_000_000_000;
    let records = [
        support::named(OPEN, 1, "AAPL"),
        support::standing(OPEN, tercel_engine::Phase::Trading),
        raw(OPEN + second, &Entry::Intended(it)),
        raw(OPEN + 2 * second, &Entry::Answered(support::answered(&it, AnswerKind::Accepted, 10))),
        raw(OPEN + 5 * second, &Entry::Answered(support::executed(&it, 10, 0, 1))),
        support::standing(OPEN + 10 * second, tercel_engine::Phase::Stopping),
        support::standing(OPEN + 20 * second, tercel_engine::Phase::Stopping),
    ];
    let (report, _) = report(&records);
    let in_market = report.total.in_market;
    assert_eq!((in_market.trading_ns, in_market.any_ns), (10 * second, 3 * second));
    assert_eq!(in_market.both_ns, 0);
    let life = &report.orders[0];
    assert_eq!((life.state, life.answered_ns - life.sent_ns), ("filled", second));
    assert_eq!(report.latencies[1].p50_ns, second);
}

#[test]
fn deeds_limits_starts_and_the_clock_are_told() {
    let limits = tercel_engine::tape::AccountLimited {
        gross_max: tercel_types::Money(10),
        net_max: tercel_types::Money(10),
        credit_max: tercel_types::Money(10),
        realised_loss_max: tercel_types::Money(10),
        unrealised_loss_max: tercel_types::Money(10),
        drawdown_max: tercel_types::Money(10),
    };
    let changed =
        tercel_engine::tape::AccountLimited { gross_max: tercel_types::Money(20), ..limits };
    let records = [
        support::start(OPEN),
        raw(OPEN + 1, &Entry::AccountLimited(limits)),
        support::deed(OPEN + 2, 1, "limits", "account", None),
        raw(OPEN + 3, &Entry::AccountLimited(changed)),
        support::deed(OPEN + 4, 1, "limits", "account", Some("done")),
        support::clock(OPEN + 5, Some(100_001)),
        support::clock(OPEN + 6, None),
    ];
    let (report, _) = report(&records);
    assert_eq!(report.deeds.len(), 1);
    assert_eq!(report.deeds[0].outcome, "done (200)");
    assert_eq!(report.limit_changes.len(), 1);
    let change = &report.limit_changes[0];
    assert_eq!((change.limit.as_str(), change.old, change.new), ("gross_max_e4", 10, 20));
    assert_eq!(change.who, "ann");
    assert_eq!(report.starts[0].config_sha256, "ab");
    let clock = &report.clock;
    assert_eq!((clock.samples, clock.within_100us, clock.without_error), (3, 1, 1));
    assert_eq!(clock.error_max_ns, Some(100_001));
    // The first record was written before the first state of the clock.
    assert_eq!((clock.records, clock.records_within_100us), (7, 5));
    // What comes from outside is text on the page.
    let page = page(&report);
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;") && !page.contains("http:")
    );
}

#[test]
fn an_empty_journal_and_a_day_without_records_have_a_report() {
    let (empty, events) = report(&[]);
    assert!(events.is_empty() && empty.journal.records == 0);
    assert!(page(&empty).contains("no record of this day") && !text(&empty).is_empty());
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &day(1, 20));
    let date = Day::parse("2020-01-01");
    let other = gather(folder.path(), date, |_| {}).expect("a report");
    assert_eq!((other.journal.records, other.orders.len(), other.deeds.len()), (0, 0, 0));
    assert_eq!(other.date, "2020-01-01");
}

#[test]
fn a_damaged_journal_is_reported_up_to_the_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = day(2, 200);
    write(folder.path(), &records);
    let whole = gather(folder.path(), None, |_| {}).expect("a report");
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.metadata().unwrap().len() > 1_000);
    files.sort();
    let mut bytes = std::fs::read(&files[0]).unwrap();
    let middle = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&files[0], bytes).unwrap();
    let damaged = gather(folder.path(), None, |_| {}).expect("a report");
    assert!(damaged.journal.damage.is_some());
    assert!(damaged.journal.records > 0 && damaged.journal.records < whole.journal.records);
    assert!(page(&damaged).contains("The journal is damaged"));
    let checked = tercel_report::check::check(folder.path(), None, |_, _| {}).expect("checked");
    assert!(checked.damage.is_some() && !checked.is_good());
    assert!(checked.to_string().contains("keep the folder as evidence"));
}

#[test]
fn a_page_for_the_eye() {
    let Some(folder) = std::env::var_os("TERCEL_REPORT_PAGE") else {
        println!("skipped: TERCEL_REPORT_PAGE names no folder to write the page to");
        return;
    };
    let (report, _) = report(&day(7, 3_000));
    std::fs::write(std::path::Path::new(&folder).join("report.html"), page(&report)).unwrap();
    println!("{}", text(&report));
}
