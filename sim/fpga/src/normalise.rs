//! From the bytes of an ITCH 5.0 message to a record: a table that says for each message which
//! bytes go to which field.

use tercel_abi::device::counter;
use tercel_abi::{EventRecord, Kind, flag};

/// Where bytes go; what is there already stays, so that one field can take several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    Side,
    Tag,
    Price,
    Quantity,
    OrderRef,
    SecondRef,
    /// Sets this bit when the byte is `Y`.
    Flag(u8),
}

/// How bytes become a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    /// As a big-endian number.
    Number,
    /// So that they lie in the record in the order in which they came.
    Text,
}

/// Bytes `at..at + length` of the message go to `field`, shifted to the left.
#[derive(Clone, Copy, Debug)]
struct Move {
    at: usize,
    length: usize,
    order: Order,
    field: Field,
    shift: u32,
}

/// A message: its length and what becomes of its bytes behind the header.
#[derive(Debug)]
struct Layout {
    kind: Kind,
    length: usize,
    moves: &'static [Move],
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Normalised {
    /// Of a type that ITCH 5.0 does not have.
    UnknownKind,
    /// Not as long as its type says.
    WrongLength,
    /// A message with its record, whose number and stamps are zero.
    Message {
        /// Index of the counter of its kind.
        counter: usize,
        /// The record.
        record: EventRecord,
    },
}

const fn number(at: usize, length: usize, field: Field) -> Move {
    Move { at, length, order: Order::Number, field, shift: 0 }
}

const fn text(at: usize, length: usize, field: Field) -> Move {
    Move { at, length, order: Order::Text, field, shift: 0 }
}

const fn letter(at: usize, field: Field) -> Move {
    text(at, 1, field)
}

const fn shifted(shift: u32, of: Move) -> Move {
    Move { shift, ..of }
}

const fn layout(kind: Kind, length: usize, moves: &'static [Move]) -> Layout {
    Layout { kind, length, moves }
}

use Field::{Flag, OrderRef, Price, Quantity, SecondRef, Side, Tag};

/// Every message, in the order of the kinds and so of their counters.
const LAYOUTS: [Layout; counter::COUNT - counter::KIND_SYSTEM_EVENT] = [
    layout(Kind::SystemEvent, 12, &[letter(11, Tag)]),
    layout(
        Kind::Directory,
        39,
        &[
            text(11, 8, OrderRef),
            text(19, 2, SecondRef), // market category, financial status
            number(21, 4, Quantity),
            shifted(16, text(25, 2, SecondRef)), // round lots only, classification
            text(27, 2, Tag),
            shifted(32, text(29, 4, SecondRef)), // authenticity, threshold, IPO, tier
            number(34, 4, Price),
            letter(38, Flag(flag::INVERSE)),
        ],
    ),
    layout(
        Kind::TradingAction,
        25,
        &[text(11, 8, OrderRef), letter(19, Tag), text(21, 4, SecondRef)],
    ),
    layout(Kind::RegSho, 20, &[text(11, 8, OrderRef), letter(19, Tag)]),
    layout(
        Kind::ParticipantPosition,
        26,
        &[text(11, 4, SecondRef), text(15, 8, OrderRef), shifted(32, text(23, 3, SecondRef))],
    ),
    layout(
        Kind::MwcbLevels,
        35,
        &[number(11, 8, Price), number(19, 8, Quantity), number(27, 8, OrderRef)],
    ),
    layout(Kind::MwcbStatus, 12, &[letter(11, Tag)]),
    layout(
        Kind::IpoQuoting,
        28,
        &[text(11, 8, OrderRef), number(19, 4, Quantity), letter(23, Tag), number(24, 4, Price)],
    ),
    layout(
        Kind::LuldCollar,
        35,
        &[
            number(19, 4, Price),
            number(23, 4, Quantity),
            number(27, 4, OrderRef),
            number(31, 4, SecondRef),
        ],
    ),
    layout(
        Kind::OperationalHalt,
        21,
        &[text(11, 8, OrderRef), shifted(8, letter(19, Tag)), letter(20, Tag)],
    ),
    layout(
        Kind::Add,
        36,
        &[number(11, 8, OrderRef), letter(19, Side), number(20, 4, Quantity), number(32, 4, Price)],
    ),
    layout(
        Kind::AddAttributed,
        40,
        &[
            number(11, 8, OrderRef),
            letter(19, Side),
            number(20, 4, Quantity),
            number(32, 4, Price),
            text(36, 4, SecondRef),
        ],
    ),
    layout(
        Kind::Executed,
        31,
        &[number(11, 8, OrderRef), number(19, 4, Quantity), number(23, 8, SecondRef)],
    ),
    layout(
        Kind::ExecutedPrice,
        36,
        &[
            number(11, 8, OrderRef),
            number(19, 4, Quantity),
            number(23, 8, SecondRef),
            letter(31, Flag(flag::PRINTABLE)),
            number(32, 4, Price),
        ],
    ),
    layout(Kind::Canceled, 23, &[number(11, 8, OrderRef), number(19, 4, Quantity)]),
    layout(Kind::Deleted, 19, &[number(11, 8, OrderRef)]),
    layout(
        Kind::Replaced,
        35,
        &[
            number(11, 8, OrderRef),
            number(19, 8, SecondRef),
            number(27, 4, Quantity),
            number(31, 4, Price),
        ],
    ),
    layout(
        Kind::Trade,
        44,
        &[
            number(11, 8, OrderRef),
            letter(19, Side),
            number(20, 4, Quantity),
            number(32, 4, Price),
            number(36, 8, SecondRef),
        ],
    ),
    layout(
        Kind::Cross,
        40,
        &[
            number(11, 8, Quantity),
            text(19, 8, OrderRef),
            number(27, 4, Price),
            number(31, 8, SecondRef),
            letter(39, Tag),
        ],
    ),
    layout(Kind::Broken, 19, &[number(11, 8, SecondRef)]),
    layout(
        Kind::Imbalance,
        50,
        &[
            number(11, 8, Quantity),
            number(19, 8, OrderRef),
            letter(27, Side),
            number(36, 4, SecondRef),
            shifted(32, number(40, 4, SecondRef)),
            number(44, 4, Price),
            text(48, 2, Tag),
        ],
    ),
    layout(Kind::RetailInterest, 20, &[text(11, 8, OrderRef), letter(19, Tag)]),
    layout(
        Kind::DirectListing,
        48,
        &[
            letter(19, Tag),
            number(20, 4, OrderRef),
            shifted(32, number(24, 4, OrderRef)),
            number(28, 4, Price),
            number(32, 8, Quantity),
            number(40, 4, SecondRef),
            shifted(32, number(44, 4, SecondRef)),
        ],
    ),
];

/// What the bytes of a message are.
pub(crate) fn normalise(message: &[u8]) -> Normalised {
    let letter = message.first().copied();
    let Some(index) = LAYOUTS.iter().position(|layout| Some(layout.kind as u8) == letter) else {
        return Normalised::UnknownKind;
    };
    let layout = &LAYOUTS[index];
    if message.len() != layout.length {
        return Normalised::WrongLength;
    }
    let mut record = EventRecord::new(layout.kind);
    record.instrument = locate(message);
    record.exchange_time = value(&message[5..11], Order::Number);
    for step in layout.moves {
        apply(&mut record, step, message);
    }
    Normalised::Message { counter: counter::KIND_SYSTEM_EVENT + index, record }
}

fn apply(record: &mut EventRecord, step: &Move, message: &[u8]) {
    let bytes = &message[step.at..step.at + step.length];
    let value = value(bytes, step.order) << step.shift;
    match step.field {
        Side => record.side |= value as u8,
        Tag => record.tag |= value as u16,
        Price => record.price |= value.cast_signed(),
        Quantity => record.quantity |= value,
        OrderRef => record.order_ref |= value,
        SecondRef => record.second_ref |= value,
        Flag(bit) => record.flags |= if bytes == b"Y" { bit } else { 0 },
    }
}

fn value(bytes: &[u8], order: Order) -> u64 {
    let join = |value, byte: &u8| value << 8 | u64::from(*byte);
    match order {
        Order::Number => bytes.iter().fold(0, join),
        Order::Text => bytes.iter().rev().fold(0, join),
    }
}

/// The instrument's number, in every message behind its letter.
fn locate(message: &[u8]) -> u16 {
    value(&message[1..3], Order::Number) as u16
}

/// Whether records of `kind` pass whatever the filter says: they speak of the whole market or
/// introduce an instrument.
pub(crate) fn always_passes(kind: u8) -> bool {
    const ALWAYS: [Kind; 4] =
        [Kind::SystemEvent, Kind::Directory, Kind::MwcbLevels, Kind::MwcbStatus];
    ALWAYS.iter().any(|always| *always as u8 == kind)
}

#[cfg(test)]
mod tests;
