//! Looking ahead changes nothing, whatever the records and however they are cut into batches.

mod oracle;

use oracle::stream::record;
use proptest::prelude::*;
use tercel_book::{Books, Limits};

const LIMITS: Limits = Limits {
    instruments_max: 3,
    orders_max: 40,
    levels_max: 20,
    watched_max: 2,
    prefault: false,
    huge_pages: false,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn any_records_in_any_batches(
        records in prop::collection::vec(record(), 1..250),
        batch in 1..70usize,
    ) {
        let mut books = Books::new(&LIMITS).unwrap();
        let mut plain = Books::new(&LIMITS).unwrap();
        for records in records.chunks(batch) {
            for (at, record) in records.iter().enumerate() {
                books.look_ahead(records, at);
                prop_assert_eq!(books.apply(record), plain.apply(record));
            }
            prop_assert_eq!(books.digest(), plain.digest());
        }
        prop_assert_eq!(books.counters(), plain.counters());
        // A place outside the batch is no more than useless.
        books.look_ahead(&records, records.len());
        books.look_ahead(&[], 0);
    }
}
