//! Records as lines and tables, hostile ones among them.

mod support;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use proptest::prelude::*;
use support::{OPEN, Raw, day, raw, write};
use tercel_engine::tape::{AnswerKind, Entry};
use tercel_journal::{Reader, Record};
use tercel_report::check::check;
use tercel_report::day::Day;
use tercel_report::item::{Decoder, Item, kind_named, kinds};
use tercel_report::line::{Lines, Wanted};
use tercel_report::page::page;
use tercel_report::tables::Tables;
use tercel_report::{calendar, schema};
use tercel_types::{Nanos, Side};

fn read(folder: &std::path::Path) -> Vec<Record> {
    Reader::open(folder).unwrap().map(|record| record.unwrap()).collect()
}

fn record(at: u64, (_, kind, payload): Raw) -> Record {
    Record { sequence: at, stamp: Nanos(OPEN + at), kind, payload }
}

fn json(field: &Field) -> serde_json::Value {
    match field {
        Field::Bool(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Str(value) => value.as_str().into(),
        other => panic!("no column is {other:?}"),
    }
}

#[test]
fn the_tables_hold_what_the_lines_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut records = day(4, 120);
    records.push((OPEN, 77, vec![1, 2, 3]));
    records.push((OPEN, 3, vec![0; 9]));
    write(folder.path(), &records);
    let out = folder.path().join("tables");
    let mut tables = Tables::create(&out, Vec::new()).unwrap();
    let mut lines = Lines::new(Wanted::default());
    let mut wanted = std::collections::BTreeMap::<String, Vec<serde_json::Value>>::new();
    for record in read(folder.path()) {
        tables.add(&record).unwrap();
        let line = lines.json(&record).unwrap();
        let of = if line.contains_key("unreadable") {
            "unreadable"
        } else {
            line["kind"].as_str().unwrap()
        };
        wanted.entry(of.to_string()).or_default().push(line.into());
    }
    assert_eq!(lines.unreadable, 2);
    let rows = tables.finish().unwrap();
    assert_eq!(rows.len(), wanted.len());
    for (kind, lines) in wanted {
        assert_eq!(rows[kind.as_str()], lines.len() as u64);
        let bytes = std::fs::read(out.join(format!("{kind}.parquet"))).unwrap();
        let file = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let metadata = file.metadata().file_metadata().key_value_metadata().unwrap();
        assert!(metadata.iter().any(|pair| pair.key == "about.sequence"));
        if kind == "answered" {
            let unit = metadata.iter().find(|pair| pair.key == "unit.price_e4").unwrap();
            assert_eq!(unit.value.as_deref(), Some("1/10,000 dollar"));
        }
        for (row, line) in file.get_row_iter(None).unwrap().zip(lines) {
            let row = row.unwrap();
            assert_eq!(row.get_ulong(0).unwrap(), line["sequence"].as_u64().unwrap());
            assert_eq!(row.get_ulong(1).unwrap(), line["time_ns"].as_u64().unwrap());
            if !matches!(kind.as_str(), "intended" | "answered" | "holding" | "standing") {
                continue;
            }
            let row: std::collections::BTreeMap<_, _> =
                row.get_column_iter().map(|(name, field)| (name.clone(), json(field))).collect();
            for (key, value) in line.as_object().unwrap() {
                if key != "kind" {
                    assert_eq!(row.get(key), Some(value), "{kind}.{key}");
                }
            }
        }
    }
}

#[test]
fn kinds_without_a_record_are_empty_tables_where_they_are_wanted() {
    let out = tempfile::tempdir().unwrap();
    for (name, wanted) in [("all", vec![]), ("two", vec![2, 3])] {
        let out = out.path().join(name);
        let mut tables = Tables::create(&out, wanted.clone()).unwrap();
        tables.begin_all().unwrap();
        tables.add(&record(1, support::named(OPEN, 1, "MSFT"))).unwrap();
        let rows = tables.finish().unwrap();
        // And what cannot be read.
        let files = if wanted.is_empty() { kinds().count() } else { wanted.len() } + 1;
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), files);
        assert_eq!(rows.len(), files);
        assert_eq!(rows.values().sum::<u64>(), u64::from(wanted.is_empty()));
        for name in rows.keys() {
            let bytes = std::fs::read(out.join(format!("{name}.parquet"))).unwrap();
            let file = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
            assert_eq!(file.metadata().file_metadata().num_rows() as u64, rows[name], "{name}");
        }
    }
}

#[test]
fn lines_are_chosen_by_kind_symbol_order_and_sequence() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &day(5, 60));
    let all = read(folder.path());
    let lines = |wanted: Wanted| {
        let mut lines = Lines::new(wanted);
        all.iter().filter_map(|record| lines.json(record)).collect::<Vec<_>>()
    };
    assert_eq!(lines(Wanted::default()).len(), all.len());
    let symbol = Some("MSFT".to_string());
    let of = lines(Wanted { symbol, ..Wanted::default() });
    assert!(of.len() > 5 && of.iter().all(|line| line["symbol"] == "MSFT"));
    let of = lines(Wanted { order: Some(3), ..Wanted::default() });
    assert!(!of.is_empty());
    assert!(of.iter().all(|line| line["user_ref"] == 3 || line["original"] == 3));
    let kinds = vec![kind_named("deed").unwrap().number];
    assert_eq!(lines(Wanted { kinds, ..Wanted::default() }).len(), 2);
    let of = lines(Wanted { from: 10, ..Wanted::default() });
    assert_eq!(of[0]["sequence"], 10);
    let mut people = Lines::new(Wanted::default());
    let text: Vec<String> = all.iter().filter_map(|record| people.text(record)).collect();
    let intent = text.iter().find(|line| line.contains("intended")).unwrap();
    assert!(intent.starts_with("2026-01-30 14:30:0") && intent.contains(" price="), "{intent}");
    assert!(!intent.contains("_e4"));
}

#[test]
fn what_is_not_reconciled_is_named_with_what_to_do() {
    let sent = support::intended(1, 1, Side::Buy, 100, 1);
    let stray = support::intended(1, 9, Side::Sell, 100, 1);
    let records = [
        raw(OPEN, &Entry::Intended(sent)),
        raw(OPEN, &Entry::Answered(support::answered(&stray, AnswerKind::Accepted, 1))),
    ];
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &records);
    let checked = check(folder.path(), None, |_, _| {}).unwrap();
    let orders = &checked.orders;
    assert_eq!((orders.sent, orders.unanswered, orders.not_journaled), (1, 1, 1));
    assert!(checked.damage.is_none() && !checked.is_good());
    let text = checked.to_string();
    assert!(text.contains("unanswered: /1") && text.contains("no intent: /9"), "{text}");
    assert!(text.contains("-> start the host"));
    // The value that it prints is one it can be checked against, and another is not.
    let head = checked.head.parse().unwrap();
    let again = check(folder.path(), Some(head), |_, _| {}).unwrap();
    assert_eq!(again.records_after_head, Some(0));
    let other = check(folder.path(), "1".repeat(64).parse().ok(), |_, _| {}).unwrap();
    assert!(other.damage.is_some() && other.orders == checked.orders);
}

#[test]
fn the_page_of_the_schema_is_the_one_in_the_tree() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/JOURNAL.md");
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == schema::page(),
        "JOURNAL.md differs: `tercel journal schema > host/report/JOURNAL.md`"
    );
    for kind in kinds() {
        assert!(there.contains(&format!("## `{}`", kind.name)));
    }
}

#[test]
fn the_fields_of_an_event_are_those_that_are_documented() {
    let mut day = Day::new(calendar::Day::of(Nanos(OPEN)));
    let mut found = None;
    let sent = raw(OPEN, &Entry::Intended(support::intended(1, 1, Side::Buy, 100, 1)));
    day.apply(&record(0, sent), |event| found = Some(serde_json::to_value(event).unwrap()));
    let found = found.expect("an event");
    let page = schema::page();
    for name in found.as_object().unwrap().keys() {
        assert!(page.contains(&format!("\n| `{name}` |")), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn no_record_ends_a_reader(
        records in prop::collection::vec(
            (any::<u64>(), 0u16..0x110, prop::collection::vec(
                prop_oneof![Just(0u64), 0u64..12, any::<u64>()], 0..34), 0usize..8),
            0..40,
        ),
        json in prop::collection::vec("\\PC{0,40}", 0..4),
    ) {
        let mut lines = Lines::new(Wanted::default());
        let mut day = Day::new(calendar::Day::of(Nanos(OPEN)));
        let folder = tempfile::tempdir().unwrap();
        let mut tables = Tables::create(folder.path(), Vec::new()).unwrap();
        let bytes = records.iter().map(|(at, kind, words, cut)| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let cut = if at % 2 == 0 { bytes.len() } else { bytes.len().saturating_sub(*cut) };
            (*kind, bytes[..cut].to_vec())
        });
        let json = json.iter().map(|json| (0x100u16, json.clone().into_bytes()));
        for (at, (kind, payload)) in bytes.chain(json).enumerate() {
            let record = record(at as u64, (0, kind, payload));
            let item = Decoder::default().decode(record.kind, &record.payload).is_read();
            prop_assert_eq!(lines.json(&record).unwrap().contains_key("unreadable"), !item);
            lines.text(&record);
            tables.add(&record).unwrap();
            day.apply(&record, |_| {});
        }
        tables.finish().unwrap();
        page(&day.finish());
    }
}

/// Whether it could be read.
trait IsRead {
    fn is_read(&self) -> bool;
}

impl IsRead for Item<'_> {
    fn is_read(&self) -> bool {
        !matches!(self, Item::Unreadable | Item::Unknown)
    }
}
