//! The counters page as a file, and its histograms against a sorted list.

use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tercel_engine::counters::{CountersError, CountersPage, CountersReader, Latency};

/// A path that no other test uses, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tercel-counters-{}-{number}", std::process::id());
        Place(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_reader_sees_names_and_values() {
    let place = Place::new();
    let long = "a name of exactly fifty-six bytes, the most that fits in";
    assert_eq!(long.len(), 56);
    let mut page = CountersPage::create(&place.0, &["frames", long], &["tick", "empty"]).unwrap();
    page.add(0, 3);
    page.add(0, 4);
    page.set(1, u64::MAX);
    page.record(0, 250);
    // Beside the page: nothing happens.
    page.add(2, 1);
    page.set(9, 1);
    page.record(2, 1);
    page.record(usize::MAX, 1);
    assert_eq!((page.value(0), page.value(1), page.value(2)), (7, u64::MAX, 0));
    let reader = CountersReader::open(&place.0).unwrap();
    assert_eq!(reader.counters().collect::<Vec<_>>(), [("frames", 7), (long, u64::MAX)]);
    assert_eq!(reader.counter("frames"), Some(7));
    assert_eq!(reader.counter("nothing"), None);
    let one = Latency { count: 1, mean: 250, p50: 250, p90: 250, p99: 250, p999: 250, max: 250 };
    assert_eq!(
        reader.histograms().collect::<Vec<_>>(),
        [("tick", one), ("empty", Latency::default())]
    );
    assert_eq!(reader.writer_pid(), u64::from(std::process::id()));
    page.add(0, 1);
    assert_eq!(reader.counter("frames"), Some(8));
}

#[test]
fn an_anonymous_page_is_read_by_another_thread() {
    let mut page = CountersPage::anonymous(&["events"], &["tick"]).unwrap();
    let reader = page.reader();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = 0;
            while last < 10_000 {
                let now = reader.counter("events").unwrap();
                assert!(now >= last);
                last = now;
                std::thread::yield_now();
            }
        });
        for _ in 0..10_000 {
            page.record(0, 5);
            page.add(0, 1);
        }
    });
    assert_eq!(reader.histogram("tick").unwrap().count, 10_000);
}

#[test]
fn bad_names_and_a_second_writer_are_refused() {
    let place = Place::new();
    let too_long = "x".repeat(57);
    for names in [["a", ""], ["a", "a"], ["a", &too_long], ["a", "nul\0"]] {
        let error = CountersPage::create(&place.0, &names, &[]).unwrap_err();
        assert!(matches!(error, CountersError::Name(_)));
        assert!(!error.to_string().contains(['\n', '\0']));
    }
    let many = vec!["x"; 5_000];
    assert!(matches!(CountersPage::anonymous(&many, &[]), Err(CountersError::TooMany)));
    let first = CountersPage::create(&place.0, &["a"], &[]).unwrap();
    let second = CountersPage::create(&place.0, &["a"], &[]);
    assert!(matches!(second, Err(CountersError::InUse(_))));
    drop(first);
    CountersPage::create(&place.0, &[], &[]).unwrap();
}

#[test]
fn damaged_pages_are_refused() {
    let place = Place::new();
    drop(CountersPage::create(&place.0, &["a", "b"], &["h"]).unwrap());
    let good = std::fs::read(&place.0).unwrap();
    let open = |at: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[at * 8..at * 8 + 8].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&place.0, &bytes).unwrap();
        CountersReader::open(&place.0).map(drop)
    };
    assert!(matches!(open(0, 1), Err(CountersError::NotCounters(_))));
    assert!(matches!(open(1, 2), Err(CountersError::Version { found: 2, .. })));
    for (at, value) in [(2, 3), (2, u64::MAX), (3, 0), (3, 1 << 60), (4, 1)] {
        assert!(matches!(open(at, value), Err(CountersError::Damaged(_))));
    }
    for len in [0, 63, 64, good.len() - 1] {
        std::fs::write(&place.0, &good[..len]).unwrap();
        assert!(CountersReader::open(&place.0).is_err());
    }
}

/// The value at a quantile of a sorted list, as the histogram defines it.
fn exact(sorted: &[u64], per_mille: usize) -> u64 {
    sorted[(sorted.len() * per_mille).div_ceil(1_000) - 1]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn quantiles_are_at_most_one_part_in_32_too_high(
        values in prop::collection::vec((0..40_u32, any::<u64>()), 1..300),
    ) {
        let mut page = CountersPage::anonymous(&[], &["h"]).unwrap();
        let mut values: Vec<u64> =
            values.into_iter().map(|(bits, value)| value & ((1 << bits) - 1)).collect();
        for &value in &values {
            page.record(0, value);
        }
        values.sort_unstable();
        let found = page.reader().histogram("h").unwrap();
        prop_assert_eq!(found.count, values.len() as u64);
        prop_assert_eq!(found.max, values[values.len() - 1]);
        prop_assert_eq!(found.mean, values.iter().sum::<u64>() / values.len() as u64);
        for (got, per_mille) in
            [(found.p50, 500), (found.p90, 900), (found.p99, 990), (found.p999, 999)]
        {
            let want = exact(&values, per_mille);
            prop_assert!(got >= want && got <= want + want / 32, "{} for {}", got, want);
        }
    }

    #[test]
    fn values_beyond_the_buckets_are_kept_as_the_maximum(value in 1_u64 << 40..) {
        let mut page = CountersPage::anonymous(&[], &["h"]).unwrap();
        page.record(0, value);
        let found = page.reader().histogram("h").unwrap();
        prop_assert_eq!((found.p50, found.max, found.count), (value, value, 1));
    }
}
