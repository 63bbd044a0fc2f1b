//! Rows that wait to be written, by column.

use crate::decode::Event;
use crate::schema;
use arrow_array::types::UInt8Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt8Array, UInt16Array, UInt64Array,
};
use std::sync::{Arc, LazyLock};
use tercel_abi::{EventRecord, Kind, flag};

/// Names of the sides; the last stands for every other letter.
const SIDES: [&str; 6] = ["B", "S", "N", "O", "P", "?"];

/// Names of all kinds, and of the codes that are none.
static KINDS: LazyLock<Vec<(u8, String)>> = LazyLock::new(|| {
    let known = (0..=u8::MAX).filter_map(Kind::from_code);
    let mut names: Vec<_> = known.map(|kind| (kind as u8, kind_name(kind))).collect();
    names.push((0, "UNKNOWN".into()));
    names
});

/// The name of a kind as `abi.toml` writes it.
pub(super) fn kind_name(kind: Kind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// The columns of `schema.rs`, as they grow.
#[derive(Default)]
pub(super) struct Rows {
    received: Vec<i64>,
    exchange: Vec<u64>,
    seq: Vec<Option<u64>>,
    kind: Vec<u8>,
    side: Vec<Option<u8>>,
    instrument: Vec<u16>,
    price: Vec<Option<i64>>,
    quantity: Vec<u64>,
    order_ref: Vec<u64>,
    second_ref: Vec<u64>,
    tag: Vec<u16>,
    value: Vec<Option<i64>>,
    printable: Vec<Option<bool>>,
    recovered: Vec<bool>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.received.len()
    }

    pub(super) fn push(&mut self, event: Event<'_>) {
        let record = event.record;
        let kind = KINDS.iter().position(|(code, _)| *code == record.kind);
        let side = match record.side {
            0 | b' ' => None,
            letter => {
                let known = SIDES.iter().position(|side| side.as_bytes() == [letter]);
                Some(known.unwrap_or(SIDES.len() - 1) as u8)
            }
        };
        let is_value = is_value(record);
        self.received.push(i64::try_from(record.receive_time).unwrap_or(i64::MAX));
        self.exchange.push(record.exchange_time);
        self.seq.push(event.seq);
        self.kind.push(kind.unwrap_or(KINDS.len() - 1) as u8);
        self.side.push(side);
        self.instrument.push(record.instrument);
        self.price.push(has_price(record).then_some(record.price));
        self.quantity.push(record.quantity);
        self.order_ref.push(record.order_ref);
        self.second_ref.push(record.second_ref);
        self.tag.push(record.tag);
        self.value.push(is_value.then_some(record.price));
        let executed_price = record.kind == Kind::ExecutedPrice as u8;
        self.printable.push(executed_price.then(|| record.has(flag::PRINTABLE)));
        self.recovered.push(record.has(flag::RECOVERED));
    }

    /// All of them, as a batch; none are left.
    pub(super) fn take(&mut self) -> RecordBatch {
        let rows = std::mem::take(self);
        let kinds: ArrayRef =
            Arc::new(StringArray::from_iter_values(KINDS.iter().map(|(_, name)| name)));
        let sides: ArrayRef = Arc::new(StringArray::from_iter_values(SIDES));
        // The keys are positions in the values.
        let named = |keys: UInt8Array, values: ArrayRef| -> ArrayRef {
            Arc::new(DictionaryArray::<UInt8Type>::new(keys, values))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(TimestampNanosecondArray::from(rows.received).with_timezone("UTC")),
            Arc::new(UInt64Array::from(rows.exchange)),
            Arc::new(UInt64Array::from(rows.seq)),
            named(UInt8Array::from(rows.kind), kinds),
            named(UInt8Array::from(rows.side), sides),
            Arc::new(UInt16Array::from(rows.instrument)),
            Arc::new(Int64Array::from(rows.price)),
            Arc::new(UInt64Array::from(rows.quantity)),
            Arc::new(UInt64Array::from(rows.order_ref)),
            Arc::new(UInt64Array::from(rows.second_ref)),
            Arc::new(UInt16Array::from(rows.tag)),
            Arc::new(Int64Array::from(rows.value)),
            Arc::new(BooleanArray::from(rows.printable)),
            Arc::new(BooleanArray::from(rows.recovered)),
        ];
        // Columns and schema are both fixed, and a test builds a batch of each kind.
        match RecordBatch::try_new(schema::schema(), columns) {
            Ok(batch) => batch,
            Err(_) => RecordBatch::new_empty(schema::schema()),
        }
    }
}

fn is_value(record: &EventRecord) -> bool {
    matches!(record.kind(), Some(Kind::Directory | Kind::MwcbLevels))
}

/// The kinds of which `abi.toml` says that they have a price.
fn has_price(record: &EventRecord) -> bool {
    use Kind as K;
    matches!(
        record.kind(),
        Some(
            K::Add
                | K::AddAttributed
                | K::ExecutedPrice
                | K::Replaced
                | K::Trade
                | K::Cross
                | K::Imbalance
                | K::IpoQuoting
                | K::LuldCollar
                | K::DirectListing
        )
    )
}
