//! The rules over messages and books.

use super::{Example, Findings, Rule, opens_gap};
use crate::decode::Event;
use tercel_abi::{EventRecord, Kind};
use tercel_book::{Books, Change, Effect, Limits, LimitsError, TradeKind};
use tercel_types::{MarketView, TradingState};

const DOLLAR: i64 = 10_000;
const CENT: i64 = 100;
const FAR_PERCENT: i64 = 10;
const SECOND: i64 = 1_000_000_000;
const QUARTER: i64 = 900 * SECOND;

/// How the two sides of a book stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stand {
    Apart,
    Locked,
    Crossed,
}

/// The feed behind arbitration, and the books.
pub(super) struct Market {
    books: Books,
    stands: Vec<Stand>,
    seq: u64,
    time: u64,
    /// From the venue's time to that of the capture.
    offset: Option<i64>,
}

impl Market {
    pub(super) fn new() -> Result<Market, LimitsError> {
        let limits = Limits { instruments_max: 1 << 16, ..Limits::default() };
        let stands = vec![Stand::Apart; 1 << 16];
        Ok(Market { books: Books::new(&limits)?, stands, seq: 0, time: 0, offset: None })
    }

    pub(super) fn apply(&mut self, event: Event<'_>, findings: &mut Findings) {
        let record = event.record;
        let before = self.books.market_view(record.instrument());
        let change = self.books.apply(record);
        if let Some(seq) = event.seq {
            self.follow(seq, record, findings);
            self.order(seq, record, findings);
            self.trade(seq, record, change, &before, findings);
            self.stand(seq, record, change, findings);
            return;
        }
        let missing = || Example {
            received_ns: record.receive_time,
            seq: Some(record.order_ref),
            of: String::new(),
            detail: format!("{} messages are missing", record.quantity),
        };
        if opens_gap(record.kind(), record.order_ref) {
            findings.add(Rule::Gap, 1, missing);
        }
        if record.kind() == Some(Kind::SessionChange) {
            (self.seq, self.time, self.offset) = (0, 0, None);
            self.stands.fill(Stand::Apart);
        }
    }

    fn example(&self, seq: u64, record: &EventRecord, detail: String) -> Example {
        let known = self.books.instrument(record.instrument());
        let of = known.map(|known| known.symbol.to_string()).unwrap_or_default();
        Example { received_ns: record.receive_time, seq: Some(seq), of, detail }
    }

    /// Numbers and times.
    fn follow(&mut self, seq: u64, record: &EventRecord, findings: &mut Findings) {
        let time = record.exchange_time;
        if seq <= self.seq {
            let detail = format!("after {}", self.seq);
            findings.add(Rule::Duplicate, 1, || self.example(seq, record, detail));
        }
        if time < self.time {
            let detail = format!("{} ns back", self.time - time);
            findings.add(Rule::TimeBackwards, 1, || self.example(seq, record, detail));
        }
        let ahead = time.cast_signed().wrapping_sub(record.receive_time.cast_signed());
        let quarters = |ns: i64| ns.saturating_add(QUARTER / 2).div_euclid(QUARTER);
        let offset = *self.offset.get_or_insert(quarters(ahead).saturating_mul(QUARTER));
        let ahead = ahead.saturating_sub(offset);
        if ahead > SECOND {
            let detail = format!("{ahead} ns ahead");
            findings.add(Rule::TimeFuture, 1, || self.example(seq, record, detail));
        }
        (self.seq, self.time) = (self.seq.max(seq), time);
    }

    fn order(&self, seq: u64, record: &EventRecord, findings: &mut Findings) {
        let is_order =
            matches!(record.kind(), Some(Kind::Add | Kind::AddAttributed | Kind::Replaced));
        let price = record.price;
        if is_order && (price == 0 || price >= DOLLAR && price % CENT != 0) {
            let detail = format!("price_e4 {price}");
            findings.add(Rule::TickOff, 1, || self.example(seq, record, detail));
        }
    }

    fn trade(
        &self,
        seq: u64,
        record: &EventRecord,
        change: Change,
        before: &MarketView,
        findings: &mut Findings,
    ) {
        let Some(trade) = change.trade.filter(|trade| trade.kind != TradeKind::Cross) else {
            return;
        };
        use TradingState as S;
        if trade.printable && matches!(before.state, S::Halted | S::Paused | S::QuotationOnly) {
            let detail = format!("{:?}, {} shares", before.state, trade.qty);
            findings.add(Rule::PrintHalted, 1, || self.example(seq, record, detail));
        }
        if let (false, true, Some(twice)) =
            (before.stale, before.top.is_two_sided(), before.top.mid_x2())
        {
            // Prices have 32 bits on the wire.
            let off = trade.price.0.saturating_mul(2).saturating_sub(twice).saturating_abs();
            if off.saturating_mul(100) > twice.saturating_mul(FAR_PERCENT) {
                let detail = format!("price_e4 {}, mid_e4 {}", trade.price.0, twice / 2);
                findings.add(Rule::TickFar, 1, || self.example(seq, record, detail));
            }
        }
    }

    fn stand(&mut self, seq: u64, record: &EventRecord, change: Change, findings: &mut Findings) {
        let id = change.instrument;
        let touched = matches!(change.effect, Effect::Book { top: true, .. } | Effect::State);
        if !touched {
            return;
        }
        let view = self.books.market_view(id);
        let top = view.top;
        let trades = view.state == TradingState::Trading && !view.stale;
        let now = if !trades || !top.is_crossed() {
            Stand::Apart
        } else if top.bid.price == top.ask.price {
            Stand::Locked
        } else {
            Stand::Crossed
        };
        let Some(stand) = self.stands.get_mut(id.index()) else { return };
        if *stand == now {
            return;
        }
        *stand = now;
        let rule = match now {
            Stand::Apart => return,
            Stand::Locked => Rule::BookLocked,
            Stand::Crossed => Rule::BookCrossed,
        };
        let detail = format!("bid_e4 {}, ask_e4 {}", top.bid.price.0, top.ask.price.0);
        findings.add(rule, 1, || self.example(seq, record, detail));
    }
}
