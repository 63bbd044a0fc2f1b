//! Entries with everything that does not matter left at zero.
#![allow(dead_code, reason = "each suite uses some")]

use tercel_engine::tape::{Action, AnswerKind, Answered, Entry, Fate, Intended, Named, Why};
use tercel_risk::SaleMark;
use tercel_types::{
    InstrumentId, MatchNumber, Money, Nanos, OrderRef, Price, Qty, Side, Symbol, TimeInForce,
    TradingState, UserRef,
};

pub(crate) fn named(id: u16, symbol: &[u8; 8]) -> Entry<'static> {
    Entry::Named(Named { instrument: InstrumentId(id), symbol: Symbol(*symbol) })
}

pub(crate) fn intended(action: Action, user_ref: u32, original: u32, qty: u32) -> Intended {
    Intended {
        instrument: InstrumentId(1),
        action,
        user_ref: UserRef(user_ref),
        original: UserRef(original),
        side: Some(Side::Buy),
        price: Price(100_000),
        qty: Qty(qty),
        time_in_force: TimeInForce::Day,
        post_only: false,
        mark: SaleMark::None,
        fate: Fate::Sent,
        why: Why::None,
        cause: Nanos(0),
        bid: Price(0),
        bid_qty: 0,
        ask: Price(0),
        ask_qty: 0,
        last_trade: Price(0),
        state: TradingState::Trading,
        stale: false,
        short_restricted: false,
        band_lower: Price(0),
        band_upper: Price(0),
        position: 0,
        instrument_orders: 0,
        gross: Money(0),
        net: Money(0),
        credit_used: Money(0),
    }
}

pub(crate) fn answered(what: AnswerKind, user_ref: u32, open: u32, qty: u32) -> Answered {
    Answered {
        instrument: InstrumentId(1),
        user_ref: UserRef(user_ref),
        what,
        side: Side::Buy,
        price: Price(100_000),
        open: Qty(open),
        venue_time: 0,
        order_ref: OrderRef(u64::from(user_ref) + 1_000),
        original: UserRef(0),
        qty: Qty(qty),
        execution_price: Price(100_100),
        liquidity: u16::from(b'A'),
        reason: 0,
        match_number: MatchNumber(0),
        position: 0,
    }
}

/// The content of an entry as the journal has it.
pub(crate) fn payload(entry: &Entry<'_>) -> Vec<u8> {
    let mut words = Vec::new();
    entry.words(&mut words);
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
