//! The order in which things happened, out of that in which the streams were received.
//!
//! Each stream keeps its order, but they come by different ways. Of the trades of BTCUSDT on
//! 2024-08-08 that a change of the touch matches in size, 81 % on spot and 43 % on the perpetual
//! came after the touch that had them already, most by less than a millisecond, some by 200. Taken
//! as they come, such a trade would be a second one: it would move our orders on in a line that
//! it has moved already, fill them with what others got, and compare them with a mid that it has
//! moved.
//!
//! So a trade goes before the first change of the book that is not older than it. The venue's times
//! are whole milliseconds, and of two things in one the trade is taken for the earlier, because
//! each trade changes the book right after. Spot's touch has no time: it is that of its receipt
//! less the fastest way, which is never before the truth, in whole milliseconds like all others.
//! What that costs: a trade may be put before changes of the same millisecond (of spot: of as long
//! as its touch took besides the fastest way, 2 ms as a rule) that were before it. It then finds
//! the line as it was a moment earlier.
//!
//! The host hears in the order of receipt all the same ([`crate::store::Store::heard`]).

use super::{Data, MS};
use crate::store::{Quality, When};
use tercel_types::Nanos;

/// The ways from the venue to the recorder, ns.
pub(super) struct Ways {
    /// What the recorder's times are moved by.
    pub(super) shift: i128,
    /// How long the fastest line took after that.
    pub(super) fastest: i128,
}

/// A line by its place among those received.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) when: When,
}

/// The lines as they happened.
#[derive(Default)]
pub(super) struct VenueOrder {
    pub(super) lines: Vec<Placed>,
    /// When the earliest happened, and when the first was received.
    pub(super) first: Option<When>,
    late_trades: u64,
    stepped_back: u64,
    step_back_longest: u64,
}

impl VenueOrder {
    pub(super) fn of(lines: &[(u64, Data<'_>)], ways: &Ways) -> VenueOrder {
        let mut order = VenueOrder::default();
        let (mut book, mut trades) = (Vec::new(), Vec::new());
        let (mut clock, mut last_sent, mut last_trade) = (Nanos(0), Nanos(0), Nanos(0));
        for (at, (received, data)) in lines.iter().enumerate() {
            let received = i128::from(*received) + ways.shift;
            let nanos = |time: i128| Nanos(u64::try_from(time).unwrap_or(0));
            let sent = data.sent().map(|ms| Nanos(ms.saturating_mul(MS)));
            let guess = nanos(received - ways.fastest).0 / MS * MS;
            let time = sent.unwrap_or(Nanos(guess));
            let received = nanos(received);
            if data.e == Some("trade") {
                last_trade = last_trade.max(time);
                trades.push(Placed { at, when: When { time: last_trade, received } });
                continue;
            }
            if let Some(sent) = sent {
                if sent < last_sent {
                    order.stepped_back += 1;
                    order.step_back_longest = order.step_back_longest.max(last_sent.0 - sent.0);
                }
                last_sent = last_sent.max(sent);
            }
            clock = clock.max(time);
            book.push(Placed { at, when: When { time: clock, received } });
        }
        order.merge(&book, &trades);
        order
    }

    /// Both are in the order of time; at the same time the trade is first.
    fn merge(&mut self, book: &[Placed], trades: &[Placed]) {
        let mut rest = book.iter().peekable();
        for trade in trades {
            while let Some(one) = rest.next_if(|one| one.when.time < trade.when.time) {
                self.lines.push(*one);
            }
            self.late_trades += u64::from(rest.peek().is_some_and(|one| one.at < trade.at));
            self.lines.push(*trade);
        }
        self.lines.extend(rest);
        let received = self.lines.iter().map(|line| line.when.received).min();
        let earliest = self.lines.first().map(|line| line.when.time);
        self.first = earliest.zip(received).map(|(time, received)| When { time, received });
    }

    /// Nothing had to be moved.
    pub(super) fn as_received(&self) -> bool {
        self.lines.is_sorted_by_key(|line| line.at)
    }

    /// What was odd.
    pub(super) fn count(&self, quality: &mut Quality) {
        quality.late_trades += self.late_trades;
        quality.stepped_back += self.stepped_back;
        quality.step_back_longest = quality.step_back_longest.max(self.step_back_longest);
    }
}
