//! The life of each order as events, one JSON object a line, much as the Consolidated Audit Trail
//! has them.

use crate::day::Life;
use serde::Serialize;

pub(crate) const ABOUT: &str = "
## Order events (`tercel report day --events FILE`)

One JSON object a line, in the order of the journal. The events are named after those of FINRA's CAT
Reporting Technical Specifications for Industry Members where there is one that is alike. They are
**like CAT and no submission to it**: a submission also wants identifiers of the firm, the desk and
the customer's account, handling instructions and the files' own envelope, which no host knows; and
an execution on an exchange is reported there by the exchange.
";

/// The events, what they are like, and when they are written.
pub(crate) const EVENTS: [(&str, &str, &str); 8] = [
    ("new", "MENO (New Order)", "An intent to enter an order was approved and handed out."),
    ("route", "MEOR (Order Route)", "With it: the order went to the venue."),
    ("ack", "MEOA (Order Accepted), seen from the sender", "The venue has the order on its book."),
    ("modify", "MEOM (Order Modified)", "A replacement was approved and handed out."),
    ("cancel_request", "none", "A cancel was approved and handed out."),
    ("cancel", "MEOC (Order Cancelled)", "The venue took shares off; `leaves_qty` are left."),
    ("execution", "MEOT (Trade)", "The venue executed shares of it."),
    ("reject", "none (CAT: a route's rejected flag)", "The venue refused it or never had it."),
];

/// The fields of an event.
pub(crate) const FIELDS: [(&str, &str); 17] = [
    ("sequence", "Number of the journal's record that it is from."),
    ("event", "See below."),
    ("like", "Name of CAT's event that it is like; empty if none."),
    ("time_ns", "Stamp of the record (CAT: eventTimestamp)."),
    ("order_id", "Our number of the order (CAT: orderID, with the date)."),
    ("prior_order_id", "The order that it replaces; 0 if none (CAT: priorOrderID)."),
    ("venue_order_id", "The venue's number; 0 before it is known."),
    ("symbol", "Symbol."),
    ("side", "`buy`, or `sell`."),
    ("sale", "`long`, `short`, `short_exempt`, or empty (CAT: side SL, SS, SX)."),
    ("price_e4", "Limit price; of an execution, its price."),
    ("qty", "Shares: asked for, taken off, or executed."),
    ("leaves_qty", "Shares open afterwards (CAT: leavesQty)."),
    ("time_in_force", "`day` or `ioc`."),
    ("match_number", "The venue's number of the execution; 0 else."),
    ("liquidity", "Liquidity flag of an execution; empty else."),
    ("reason", "Reason of a cancel or a rejection, as the venue has it; empty else."),
];

/// An event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Event {
    /// Number of the journal's record.
    pub sequence: u64,
    /// Name.
    pub event: &'static str,
    /// CAT's event that it is like; empty if none.
    pub like: &'static str,
    /// Stamp of the record.
    pub time_ns: u64,
    /// Our number.
    pub order_id: u32,
    /// The order that it replaces; 0 if none.
    pub prior_order_id: u32,
    /// The venue's number; 0 before.
    pub venue_order_id: u64,
    /// Symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// How a sale is marked.
    pub sale: &'static str,
    /// Limit price or price of the execution.
    pub price_e4: i64,
    /// Shares.
    pub qty: u32,
    /// Shares open afterwards.
    pub leaves_qty: u32,
    /// How long it stays.
    pub time_in_force: &'static str,
    /// Number of the execution.
    pub match_number: u64,
    /// Liquidity flag.
    pub liquidity: String,
    /// Reason of a cancel or a rejection.
    pub reason: String,
}

impl Event {
    /// An event about an order, with the order's own price and size.
    pub(crate) fn of(event: &'static str, at: (u64, u64), order: &Life) -> Event {
        let like = EVENTS.iter().find(|(name, ..)| *name == event).map_or("", |(_, like, _)| like);
        let like = like.split(' ').next().filter(|like| like.starts_with("ME")).unwrap_or("");
        Event {
            sequence: at.0,
            event,
            like,
            time_ns: at.1,
            order_id: order.user_ref,
            prior_order_id: order.original,
            venue_order_id: order.order_ref,
            symbol: order.symbol.clone(),
            side: order.side,
            sale: order.sale,
            price_e4: order.price_e4,
            qty: order.qty,
            leaves_qty: order.open_qty,
            time_in_force: order.time_in_force,
            match_number: 0,
            liquidity: String::new(),
            reason: String::new(),
        }
    }
}
