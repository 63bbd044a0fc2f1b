//! ITCH and OUCH messages as JSON objects: letters and texts as strings, numbers as integers,
//! prices as on the wire.

use serde_json::{Map, Value};
use tercel_proto::itch::Message;
use tercel_proto::ouch::{Appendage, Appendages, Inbound, Outbound};
use zerocopy::big_endian::{U16, U32, U64};

/// A wire field as JSON.
trait Field {
    fn json(&self) -> Value;
}

impl Field for u8 {
    fn json(&self) -> Value {
        Value::String(char::from(*self).to_string())
    }
}

impl<const N: usize> Field for [u8; N] {
    fn json(&self) -> Value {
        let text = String::from_utf8_lossy(self);
        Value::String(text.trim_end_matches([' ', '\0']).to_string())
    }
}

macro_rules! number_fields {
    ($($type:ty),*) => {
        $(impl Field for $type {
            fn json(&self) -> Value {
                Value::from(self.get())
            }
        })*
    };
}
number_fields!(U16, U32, U64);

/// The named fields of a message, in order.
macro_rules! fields {
    ($message:expr, $out:expr; $($field:ident)*) => {{
        $($out.insert(stringify!($field).into(), Field::json(&$message.$field));)*
    }};
}

/// An ITCH message.
pub(crate) fn of_itch(message: &Message<'_>) -> Map<String, Value> {
    let mut out = Map::new();
    let header = message.header();
    out.insert("protocol".into(), "itch".into());
    out.insert("type".into(), header.kind.json());
    out.insert("locate".into(), header.locate.json());
    out.insert("tracking".into(), header.tracking.json());
    out.insert("time_ns".into(), header.time().0.into());
    use Message as M;
    match message {
        M::SystemEvent(m) => fields!(m, out; event),
        M::StockDirectory(m) => fields!(m, out; stock market_category financial_status round_lot
            round_lots_only classification sub_type authenticity short_sale_threshold ipo luld_tier
            etp etp_leverage inverse),
        M::TradingAction(m) => fields!(m, out; stock state reserved reason),
        M::RegSho(m) => fields!(m, out; stock action),
        M::ParticipantPosition(m) => fields!(m, out; mpid stock primary mode state),
        M::MwcbDecline(m) => fields!(m, out; level1 level2 level3),
        M::MwcbStatus(m) => fields!(m, out; level),
        M::IpoQuoting(m) => fields!(m, out; stock release_time qualifier price),
        M::LuldCollar(m) => fields!(m, out; stock reference upper lower extension),
        M::OperationalHalt(m) => fields!(m, out; stock market action),
        M::AddOrder(m) => fields!(m, out; order_ref side shares stock price),
        M::AddOrderMpid(m) => fields!(m, out; order_ref side shares stock price attribution),
        M::OrderExecuted(m) => fields!(m, out; order_ref shares match_number),
        M::OrderExecutedPrice(m) => {
            fields!(m, out; order_ref shares match_number printable price);
        }
        M::OrderCancel(m) => fields!(m, out; order_ref shares),
        M::OrderDelete(m) => fields!(m, out; order_ref),
        M::OrderReplace(m) => fields!(m, out; original_ref new_ref shares price),
        M::Trade(m) => fields!(m, out; order_ref side shares stock price match_number),
        M::CrossTrade(m) => fields!(m, out; shares stock price match_number cross_type),
        M::BrokenTrade(m) => fields!(m, out; match_number),
        M::Noii(m) => fields!(m, out; paired imbalance direction stock far near reference
            cross_type variation),
        M::Rpii(m) => fields!(m, out; stock interest),
        M::DirectListing(m) => fields!(m, out; stock open_eligibility minimum maximum near_price
            near_time lower_collar upper_collar),
    }
    out
}

/// An OUCH message to the venue.
pub(crate) fn of_ouch_in(message: &Inbound<'_>) -> Map<String, Value> {
    let mut out = ouch_head("ouch-in", message.kind());
    use Inbound as M;
    match message {
        M::EnterOrder(m, _) => fields!(m, out; user_ref side quantity symbol price time_in_force
            display capacity sweep cross client_order_id),
        M::ReplaceOrder(m, _) => fields!(m, out; original user_ref quantity price time_in_force
            display sweep client_order_id),
        M::CancelOrder(m, _) => fields!(m, out; user_ref quantity),
        M::ModifyOrder(m, _) => fields!(m, out; user_ref side quantity),
        M::MassCancel(m, _) => fields!(m, out; user_ref firm symbol),
        M::DisableOrderEntry(m, _) => fields!(m, out; user_ref firm),
        M::EnableOrderEntry(m, _) => fields!(m, out; user_ref firm),
        M::AccountQuery(..) => {}
    }
    appendages(&mut out, message.appendages());
    out
}

/// An OUCH message of the venue.
pub(crate) fn of_ouch_out(message: &Outbound<'_>) -> Map<String, Value> {
    let mut out = ouch_head("ouch-out", message.kind());
    use Outbound as M;
    match message {
        M::SystemEvent(m, _) => fields!(m, out; timestamp event),
        M::OrderAccepted(m, _) => fields!(m, out; timestamp user_ref side quantity symbol price
            time_in_force display order_ref capacity sweep cross state client_order_id),
        M::OrderReplaced(m, _) => fields!(m, out; timestamp original user_ref side quantity symbol
            price time_in_force display order_ref capacity sweep cross state client_order_id),
        M::OrderCanceled(m, _) => fields!(m, out; timestamp user_ref quantity reason),
        M::AiqCanceled(m, _) => fields!(m, out; timestamp user_ref decrement reason prevented price
            liquidity strategy),
        M::OrderExecuted(m, _) => {
            fields!(m, out; timestamp user_ref quantity price liquidity match_number);
        }
        M::BrokenTrade(m, _) => {
            fields!(m, out; timestamp user_ref match_number reason client_order_id);
        }
        M::TradeCorrection(m, _) => fields!(m, out; timestamp user_ref quantity price liquidity
            match_number reason client_order_id),
        M::OrderRejected(m, _) => fields!(m, out; timestamp user_ref reason client_order_id),
        M::CancelPending(m, _) => fields!(m, out; timestamp user_ref),
        M::CancelReject(m, _) => fields!(m, out; timestamp user_ref),
        M::OrderPriorityUpdate(m, _) => {
            fields!(m, out; timestamp user_ref price display order_ref);
        }
        M::OrderModified(m, _) => fields!(m, out; timestamp user_ref side quantity),
        M::OrderRestated(m, _) => fields!(m, out; timestamp user_ref reason),
        M::MassCancelResponse(m, _) => fields!(m, out; timestamp user_ref firm symbol),
        M::DisableOrderEntryResponse(m, _) => fields!(m, out; timestamp user_ref firm),
        M::EnableOrderEntryResponse(m, _) => fields!(m, out; timestamp user_ref firm),
        M::AccountQueryResponse(m, _) => fields!(m, out; timestamp next_user_ref),
    }
    appendages(&mut out, message.appendages());
    out
}

fn ouch_head(protocol: &str, kind: u8) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("protocol".into(), protocol.into());
    out.insert("type".into(), kind.json());
    out
}

/// Optional fields under their names: text and letters as strings, the others as numbers, and those
/// that the protocol does not name as `tag_N` in hexadecimal.
fn appendages(out: &mut Map<String, Value>, appendages: Appendages<'_>) {
    for appendage in appendages.iter() {
        // The debug form is Name(value): the name of the variant is the name of the field.
        let text = format!("{appendage:?}");
        let (name, number) = text.split_once('(').unwrap_or((&text, ""));
        let number = number.trim_end_matches(')').parse::<i64>();
        let (name, value) = match (appendage, number) {
            (Appendage::Unknown { tag, value }, _) => {
                let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                (format!("tag_{tag}"), hex.into())
            }
            (Appendage::Firm(t) | Appendage::Route(t) | Appendage::LocateBroker(t), _) => {
                (snake(name), t.json())
            }
            (Appendage::AiqGroupId(text), _) => (snake(name), text.json()),
            (other, Ok(letter)) if other.value_len() == 1 && (32..127).contains(&letter) => {
                (snake(name), (letter as u8).json())
            }
            (_, number) => (snake(name), number.map_or(Value::Null, Value::from)),
        };
        out.insert(name, value);
    }
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
