//! The columns of the event files, with what they mean and their units.

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in Arrow.
    pub data_type: DataType,
    /// It may have no value.
    pub nullable: bool,
    /// Unit of its values; what DuckDB and PyArrow show as the field's metadata `unit`.
    pub unit: &'static str,
    /// What it says; the field's metadata `description`.
    pub description: &'static str,
}

/// Version of the columns, in the files' metadata as `tercel.schema`.
pub const VERSION: &str = "1";

/// The columns, in order. Files lie in `date=YYYY-MM-DD/symbol=XXXX/`, and these two are columns
/// for readers that know the hive's way of naming folders.
pub fn columns() -> Vec<Column> {
    use DataType::{Boolean, Int64, Timestamp, UInt16, UInt64};
    let text = || DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
    let stamp = Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let column = |name, data_type, nullable, unit, description| Column {
        name,
        data_type,
        nullable,
        unit,
        description,
    };
    vec![
        column("received", stamp, false, "ns since the Unix epoch, UTC", RECEIVED),
        column("exchange_ns", UInt64, false, "ns since midnight at the venue", EXCHANGE),
        column("seq", UInt64, true, "number", SEQ),
        column("kind", text(), false, "name", KIND),
        column("side", text(), true, "letter", SIDE),
        column("instrument", UInt16, false, "number", INSTRUMENT),
        column("price_e4", Int64, true, "1/10,000 dollar", PRICE),
        column("quantity", UInt64, false, "share", QUANTITY),
        column("order_ref", UInt64, false, "number", ORDER),
        column("second_ref", UInt64, false, "number", SECOND),
        column("tag", UInt16, false, "code", TAG),
        column("value", Int64, true, "see description", VALUE),
        column("printable", Boolean, true, "yes or no", PRINTABLE),
        column("recovered", Boolean, false, "yes or no", RECOVERED),
    ]
}

const RECEIVED: &str = "When the frame arrived that brought it; the date of the folder is its.";
const EXCHANGE: &str = "The venue's time of the event; 0 for events of the feed itself.";
const SEQ: &str =
    "Number of the message in the feed's session; none for events of the feed itself.";
const KIND: &str = "What happened, as a kind of EventRecord.";
const SIDE: &str = "B or S; of IMBALANCE the direction: B, S, N, O or P; ? for any other letter.";
const INSTRUMENT: &str = "Stock locate; 0 for events of the whole market.";
const PRICE: &str = "Price; none for DIRECTORY, MWCB_LEVELS and kinds without a price.";
const QUANTITY: &str = "Shares, unless the kind says otherwise.";
const ORDER: &str = "Order reference number, unless the kind says otherwise.";
const SECOND: &str = "Replacement order, match number, or what the kind says.";
const TAG: &str = "A small code whose meaning the kind gives.";
const VALUE: &str = "DIRECTORY: leverage factor. MWCB_LEVELS: level 1 in 1/100,000,000 dollar.";
const PRINTABLE: &str = "EXECUTED_PRICE: it counts in the tape's volume; none for other kinds.";
const RECOVERED: &str = "It came late, behind a gap that the other line filled.";

/// The same as a schema of Arrow.
pub fn schema() -> Arc<Schema> {
    let field = |column: Column| {
        let about = [("unit", column.unit), ("description", column.description)];
        let about: HashMap<String, String> =
            about.map(|(key, value)| (key.into(), value.into())).into();
        Field::new(column.name, column.data_type, column.nullable).with_metadata(about)
    };
    let fields: Vec<Field> = columns().into_iter().map(field).collect();
    let version = HashMap::from([("tercel.schema".to_string(), VERSION.to_string())]);
    Arc::new(Schema::new_with_metadata(fields, version))
}
