//! The life of each order.

use super::fills::mid_x2;
use super::series::Quantiles;
use super::{KEPT_MAX, letter};
use crate::events::Event;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use tercel_engine::tape::{Action, AnswerKind, Answered, Fate, Intended, Value, Word};
use tercel_types::Side;

/// Intents that did not leave and are shown.
const REFUSED_MAX: usize = 1_000;

/// An order from its intent to its end. Times are zero where the journal has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Life {
    /// Our number.
    pub user_ref: u32,
    /// The venue's.
    pub order_ref: u64,
    /// The order that it took the place of; zero if none.
    pub original: u32,
    /// Symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// How a sale is marked.
    pub sale: &'static str,
    /// Limit price.
    pub price_e4: i64,
    /// Shares asked for.
    pub qty: u32,
    /// `day` or `ioc`.
    pub time_in_force: &'static str,
    /// `sent`, `open`, `filled`, `canceled`, `replaced`, `rejected` or `not_received`.
    pub state: &'static str,
    /// Reason of its rejection or cancel, as the venue has it.
    pub reason: String,
    /// Arrival of the frame that led to it.
    pub cause_ns: u64,
    /// Risk had approved it and it was handed to the port; zero if the journal has no intent.
    pub sent_ns: u64,
    /// The venue's answer.
    pub answered_ns: u64,
    /// Its first execution.
    pub first_fill_ns: u64,
    /// Its cancel, or its replacement, was sent.
    pub cancel_sent_ns: u64,
    /// It was no longer open.
    pub ended_ns: u64,
    /// Shares executed.
    pub filled_qty: u32,
    /// Money of them.
    pub filled_e4: i64,
    /// Executions.
    pub fills: u32,
    /// Shares open at the end.
    pub open_qty: u32,
    /// Best bid that risk saw; zero if none.
    pub bid_e4: i64,
    /// Best ask.
    pub ask_e4: i64,
    /// Twice the mid at the intent of the first order of the chain.
    pub arrival_mid_x2_e4: Option<i64>,
}

/// An intent that did not leave.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// When.
    pub time_ns: u64,
    /// Symbol.
    pub symbol: String,
    /// `enter`, `replace` or `cancel`.
    pub action: &'static str,
    /// Buy or sell; empty if not known.
    pub side: &'static str,
    /// Limit price.
    pub price_e4: i64,
    /// Shares.
    pub qty: u32,
    /// Why.
    pub why: String,
}

/// How many orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderCounts {
    /// Sent, replacing ones among them.
    pub sent: u64,
    /// Replacing ones.
    pub replacements: u64,
    /// Known from the venue's answers alone.
    pub without_intent: u64,
    /// Answered by the venue.
    pub answered: u64,
    /// Refused by it.
    pub rejected: u64,
    /// Never orders there: lost with the line, or in place of one that had ended by then.
    pub not_received: u64,
    /// With an execution.
    pub with_fill: u64,
    /// Wholly executed.
    pub filled: u64,
    /// Taken out.
    pub canceled: u64,
    /// Replaced.
    pub replaced: u64,
    /// Open, or without an answer, at the end.
    pub left: u64,
    /// Shares sent; a replacement counts with its own.
    pub sent_qty: u64,
    /// Shares executed, those that were taken back later among them.
    pub filled_qty: u64,
}

impl OrderCounts {
    pub(super) fn count(&mut self, order: &Life) {
        let is_sent = order.sent_ns > 0;
        self.sent += u64::from(is_sent);
        self.replacements += u64::from(is_sent && order.original > 0);
        self.without_intent += u64::from(!is_sent);
        self.answered += u64::from(order.answered_ns > 0);
        self.with_fill += u64::from(order.fills > 0);
        self.sent_qty += u64::from(order.qty);
        self.filled_qty += u64::from(order.filled_qty);
        match order.state {
            "filled" => self.filled += 1,
            "canceled" => self.canceled += 1,
            "replaced" => self.replaced += 1,
            "rejected" => self.rejected += 1,
            "not_received" => self.not_received += 1,
            _ => self.left += 1,
        }
    }

    /// Share of the shares sent that were executed.
    pub fn fill_rate(&self) -> Option<f64> {
        (self.sent_qty > 0).then(|| self.filled_qty as f64 / self.sent_qty as f64)
    }
}

#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) all: Vec<Life>,
    pub(super) left_out: u64,
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) refused_first: Vec<Refused>,
    pub(super) rejected: BTreeMap<String, u64>,
    places: HashMap<u32, usize>,
    /// Orders that came on a book, or left it: symbol, side, by how many.
    changes: Vec<(String, &'static str, i32)>,
}

/// The name of a word that has names.
pub(super) fn name(word: impl Word) -> &'static str {
    match word.value() {
        Value::Name(name) => name,
        _ => "",
    }
}

pub(super) fn side(side: Side) -> &'static str {
    name(side)
}

impl Orders {
    pub(super) fn take_changes(&mut self) -> Vec<(String, &'static str, i32)> {
        std::mem::take(&mut self.changes)
    }

    pub(super) fn intended(
        &mut self,
        at: (u64, u64),
        it: &Intended,
        symbol: String,
        event: &mut impl FnMut(&Event),
    ) {
        if it.fate != Fate::Sent {
            let why = name(it.why);
            *self.refused.entry(why.into()).or_default() += 1;
            if self.refused_first.len() < REFUSED_MAX {
                self.refused_first.push(Refused {
                    time_ns: at.1,
                    symbol,
                    action: name(it.action),
                    side: name(it.side),
                    price_e4: it.price.0,
                    qty: it.qty.0,
                    why: why.into(),
                });
            }
            return;
        }
        let original = self.places.get(&it.original.0).copied();
        if let Some(original) = original.and_then(|place| self.all.get_mut(place)) {
            if original.cancel_sent_ns == 0 {
                original.cancel_sent_ns = at.1;
            }
            if it.action == Action::Cancel {
                event(&Event::of("cancel_request", at, original));
            }
        }
        if it.action == Action::Cancel {
            return;
        }
        let own = mid_x2(it.bid, it.ask);
        let first = original.filter(|_| it.action == Action::Replace);
        let arrival = first.map_or(own, |place| self.all[place].arrival_mid_x2_e4);
        let order = Life {
            user_ref: it.user_ref.0,
            original: it.original.0,
            symbol,
            side: name(it.side),
            sale: name(it.mark),
            price_e4: it.price.0,
            qty: it.qty.0,
            open_qty: it.qty.0,
            time_in_force: name(it.time_in_force),
            state: "sent",
            cause_ns: it.cause.0,
            sent_ns: at.1,
            bid_e4: it.bid.0,
            ask_e4: it.ask.0,
            arrival_mid_x2_e4: arrival,
            ..Life::default()
        };
        match it.action {
            Action::Replace => event(&Event::of("modify", at, &order)),
            Action::Enter | Action::Cancel => {
                event(&Event::of("new", at, &order));
                event(&Event::of("route", at, &order));
            }
        }
        self.put(order);
    }

    /// A number that is given again is of another session of the venue: the last one counts.
    fn put(&mut self, order: Life) -> Option<usize> {
        if self.all.len() >= KEPT_MAX {
            self.left_out += 1;
            return None;
        }
        let place = self.all.len();
        self.places.insert(order.user_ref, place);
        self.all.push(order);
        Some(place)
    }

    /// The place of the order that was answered; `None` where there is no more room.
    pub(super) fn answered(
        &mut self,
        at: (u64, u64),
        it: &Answered,
        symbol: String,
        event: &mut impl FnMut(&Event),
    ) -> Option<usize> {
        let place = match self.places.get(&it.user_ref.0) {
            Some(place) => *place,
            None => self.put(Life {
                user_ref: it.user_ref.0,
                original: it.original.0,
                symbol,
                side: side(it.side),
                price_e4: it.price.0,
                qty: it.open.0,
                state: "sent",
                ..Life::default()
            })?,
        };
        let order = &mut self.all[place];
        let was_open = order.state == "open";
        let had_ended = order.ended_ns > 0;
        let was_answered = order.answered_ns > 0;
        if !was_answered && it.what != AnswerKind::NotReceived {
            order.answered_ns = at.1;
        }
        if it.order_ref.0 > 0 {
            order.order_ref = it.order_ref.0;
        }
        if !had_ended {
            order.open_qty = it.open.0;
        }
        let end = |order: &mut Life, state| {
            if !had_ended {
                (order.state, order.ended_ns) = (state, at.1);
                order.reason = letter(it.reason);
            }
        };
        match it.what {
            AnswerKind::Accepted | AnswerKind::Replaced if !was_answered => {
                if it.open.0 > 0 && !had_ended {
                    order.state = "open";
                } else {
                    end(order, "canceled");
                }
                event(&Event::of("ack", at, order));
            }
            AnswerKind::Canceled if !had_ended => {
                if it.open.0 == 0 {
                    end(order, "canceled");
                }
                let of = Event::of("cancel", at, order);
                event(&Event { qty: it.qty.0, reason: letter(it.reason), ..of });
            }
            AnswerKind::Executed => {
                order.fills += 1;
                order.filled_qty = order.filled_qty.saturating_add(it.qty.0);
                let money = it.execution_price.0.saturating_mul(it.qty.0.into());
                order.filled_e4 = order.filled_e4.saturating_add(money);
                if order.first_fill_ns == 0 {
                    order.first_fill_ns = at.1;
                }
                if it.open.0 == 0 {
                    end(order, "filled");
                }
                event(&Event {
                    qty: it.qty.0,
                    price_e4: it.execution_price.0,
                    match_number: it.match_number.0,
                    liquidity: letter(it.liquidity),
                    ..Event::of("execution", at, order)
                });
            }
            AnswerKind::Rejected | AnswerKind::NotReceived if !had_ended => {
                let is_rejected = it.what == AnswerKind::Rejected;
                end(order, if is_rejected { "rejected" } else { "not_received" });
                order.open_qty = 0;
                let reason = if is_rejected { letter(it.reason) } else { "not received".into() };
                *self.rejected.entry(reason.clone()).or_default() += 1;
                event(&Event { reason, ..Event::of("reject", at, order) });
            }
            _ => {}
        }
        let order = &self.all[place];
        let is_open = order.state == "open";
        if is_open != was_open {
            let by = if is_open { 1 } else { -1 };
            self.changes.push((order.symbol.clone(), order.side, by));
        }
        if it.what == AnswerKind::Replaced {
            self.replaced(at.1, it.original.0);
        }
        Some(place)
    }

    fn replaced(&mut self, now: u64, original: u32) {
        let Some(place) = self.places.get(&original) else { return };
        let order = &mut self.all[*place];
        if order.ended_ns == 0 {
            if order.state == "open" {
                self.changes.push((order.symbol.clone(), order.side, -1));
            }
            (order.state, order.ended_ns, order.open_qty) = ("replaced", now, 0);
        }
    }
}

/// From one time of an order to another.
type Way = (&'static str, fn(&Life) -> (u64, u64));

const WAYS: [Way; 4] = [
    ("frame to order (tick to trade on the host)", |life| (life.cause_ns, life.sent_ns)),
    ("order to the venue's answer", |life| (life.sent_ns, life.answered_ns)),
    ("order to its first execution", |life| (life.sent_ns, life.first_fill_ns)),
    ("cancel or replace to the order's end", |life| (life.cancel_sent_ns, life.ended_ns)),
];

pub(super) fn latencies(orders: &[Life]) -> Vec<Quantiles> {
    let of = |(name, times): Way| {
        let values = orders.iter().map(times).filter(|(from, to)| *from > 0 && *to > 0);
        // A clock that was set back between the two leaves no latency.
        Quantiles::of(name, values.filter_map(|(from, to)| to.checked_sub(from)).collect())
    };
    WAYS.map(of).into_iter().collect()
}
