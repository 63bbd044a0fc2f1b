//! Journals of a made-up day.
#![allow(dead_code, reason = "each suite needs some of it")]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;
use tercel_control::recorder::{KIND_CLOCK, KIND_DEED, KIND_START};
use tercel_engine::tape::{
    Action, AnswerKind, Answered, Entry, Fate, Holding, Intended, Named, SessionState, Standing,
    Why, Word,
};
use tercel_engine::{Phase, tape};
use tercel_journal::{Config, Journal, Sync};
use tercel_types::{
    InstrumentId, MatchNumber, Money, Nanos, OrderRef, Price, Qty, Side, Symbol, TimeInForce,
    TradingState, UserRef,
};

/// 2026-01-30 14:30:00 UTC.
pub(crate) const OPEN: u64 = 1_769_783_400_000_000_000;

/// A record to be written: stamp, kind, content.
pub(crate) type Raw = (u64, u16, Vec<u8>);

pub(crate) fn raw(at: u64, entry: &Entry<'_>) -> Raw {
    let mut words = Vec::new();
    entry.words(&mut words);
    (at, entry.kind(), words.iter().flat_map(|word| word.to_le_bytes()).collect())
}

pub(crate) fn named(at: u64, id: u16, symbol: &str) -> Raw {
    let symbol = Symbol::new(symbol).expect("a symbol");
    raw(at, &Entry::Named(Named { instrument: InstrumentId(id), symbol }))
}

pub(crate) fn standing(at: u64, phase: Phase) -> Raw {
    raw(
        at,
        &Entry::Standing(Standing {
            phase,
            session: SessionState::Ready,
            trip: None,
            stale: false,
            paused: false,
            held_up: false,
            next_user_ref: 1,
            next_sequence: 1,
            open_orders: 0,
            events: 0,
        }),
    )
}

pub(crate) fn holding(at: u64, id: u16, bid: i64, ask: i64) -> Raw {
    raw(
        at,
        &Entry::Holding(Holding {
            instrument: InstrumentId(id),
            position: 0,
            mark: Price(bid),
            value: Money(0),
            cost: Money(0),
            realised: Money(0),
            unrealised: Money(0),
            gross: Money(0),
            net: Money(0),
            open_orders: 0,
            bid: Price(bid),
            bid_qty: 100,
            ask: Price(ask),
            ask_qty: 100,
            last_trade: Price(bid),
            state: TradingState::Trading,
            paused: false,
        }),
    )
}

pub(crate) fn intended(id: u16, user_ref: u32, side: Side, price: i64, qty: u32) -> Intended {
    Intended {
        instrument: InstrumentId(id),
        action: Action::Enter,
        user_ref: UserRef(user_ref),
        original: UserRef(0),
        side: Some(side),
        price: Price(price),
        qty: Qty(qty),
        time_in_force: TimeInForce::Day,
        post_only: true,
        mark: Word::read(0).expect("no sale"),
        fate: Fate::Sent,
        why: Why::None,
        cause: Nanos(0),
        bid: Price(0),
        bid_qty: 100,
        ask: Price(0),
        ask_qty: 100,
        last_trade: Price(0),
        state: TradingState::Trading,
        stale: false,
        short_restricted: false,
        band_lower: Price(0),
        band_upper: Price(0),
        position: 0,
        instrument_orders: 1,
        gross: Money(0),
        net: Money(0),
        credit_used: Money(0),
    }
}

/// Refused by the check of risk with this number, from 1 on.
pub(crate) fn refused(mut it: Intended, check: u64) -> Intended {
    (it.fate, it.why) = (Fate::Refused, Word::read(check).expect("a check"));
    it
}

pub(crate) fn answered(of: &Intended, what: AnswerKind, open: u32) -> Answered {
    Answered {
        instrument: of.instrument,
        user_ref: of.user_ref,
        what,
        side: of.side.unwrap_or(Side::Buy),
        price: of.price,
        open: Qty(open),
        venue_time: 1,
        order_ref: OrderRef(u64::from(of.user_ref.0) + 1_000),
        original: of.original,
        qty: Qty(0),
        execution_price: Price(0),
        liquidity: 0,
        reason: 0,
        match_number: MatchNumber(0),
        position: 0,
    }
}

pub(crate) fn executed(of: &Intended, qty: u32, open: u32, number: u64) -> Answered {
    Answered {
        qty: Qty(qty),
        execution_price: of.price,
        liquidity: b'A'.into(),
        match_number: MatchNumber(number),
        ..answered(of, AnswerKind::Executed, open)
    }
}

pub(crate) fn start(at: u64) -> Raw {
    let json = serde_json::json!({
        "version": "1.2.3", "pid": 1, "config_sha256": "ab", "effective_sha256": "cd",
        "artifacts": [{"role": "policy", "name": "<b>p</b>", "sha256": "ef"}],
        "clock": {
            "synchronised": true, "error_max_ns": 40_000, "ahead_ns": -5, "discipline": "ptp",
        },
    });
    (at, KIND_START, json.to_string().into_bytes())
}

pub(crate) fn clock(at: u64, error_ns: Option<u64>) -> Raw {
    let json = serde_json::json!({
        "source": "host", "synchronised": true, "error_max_ns": error_ns, "ahead_ns": 0,
        "discipline": "chrony",
    });
    (at, KIND_CLOCK, json.to_string().into_bytes())
}

pub(crate) fn deed(at: u64, number: u64, what: &str, about: &str, outcome: Option<&str>) -> Raw {
    let outcome =
        outcome.map(|said| serde_json::json!({"time_ns": at, "status": 200, "said": said}));
    let json = serde_json::json!({
        "number": number, "time_ns": number, "who": "ann", "role": "risk", "from": "127.0.0.1",
        "key": "k", "what": what, "about": about, "reason": "<script>alert(1)</script>",
        "asked": {}, "before": null, "ticket": null, "outcome": outcome,
    });
    (at, KIND_DEED, json.to_string().into_bytes())
}

/// A day of `orders` quotes on three symbols, with answers, executions, replays and refusals.
pub(crate) fn day(seed: u64, orders: u32) -> Vec<Raw> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut records = vec![start(OPEN - 5_000_000_000)];
    for (id, symbol) in [(1, "AAPL"), (2, "MSFT"), (3, "ZVZZT")] {
        records.push(named(OPEN - 4_000_000_000, id, symbol));
    }
    records.push(standing(OPEN, Phase::Trading));
    let mut mids = [2_000_000i64, 4_000_000, 100_000];
    let (mut now, mut number) = (OPEN, 0);
    let mut open: Vec<(Intended, u32)> = Vec::new();
    let mut profit = 0;
    for user_ref in 1..=orders {
        now += rng.random_range(1..400) * 1_000_000;
        let at = rng.random_range(0..3);
        let id = at as u16 + 1;
        mids[at] += rng.random_range(-3i64..=3) * 100;
        let (bid, ask) = (mids[at] - 100, mids[at] + rng.random_range(0..3) * 100);
        records.push(holding(now, id, bid, ask + 100));
        let side = if rng.random_bool(0.5) { Side::Buy } else { Side::Sell };
        let price = if side == Side::Buy { bid } else { ask };
        let mut it = intended(id, user_ref, side, price, 100);
        (it.bid, it.ask) = (Price(bid), Price(ask + 100));
        it.cause = Nanos(now - rng.random_range(2_000..20_000));
        if rng.random_bool(0.1) {
            let it = refused(it, rng.random_range(1..6));
            records.push(raw(now, &Entry::Intended(it)));
            continue;
        }
        let replaced = rng.random_bool(0.2).then(|| {
            open.iter()
                .position(|(other, _)| other.instrument == it.instrument && other.side == it.side)
        });
        let replaced = replaced.flatten().map(|place| open.swap_remove(place).0);
        if let Some(other) = replaced {
            (it.action, it.original) = (Action::Replace, other.user_ref);
        }
        records.push(raw(now, &Entry::Intended(it)));
        now += rng.random_range(20_000..90_000);
        let what = match it.action {
            Action::Replace => AnswerKind::Replaced,
            _ if rng.random_bool(0.03) => AnswerKind::Rejected,
            _ => AnswerKind::Accepted,
        };
        let is_rejected = what == AnswerKind::Rejected;
        let reason = if is_rejected { u16::from(b'Q') } else { 0 };
        let left = if is_rejected { 0 } else { 100 };
        let answer = Answered { reason, ..answered(&it, what, left) };
        records.push(raw(now, &Entry::Answered(answer)));
        if !is_rejected {
            open.push((it, 100));
        }
        while open.len() > 6 || (!open.is_empty() && rng.random_bool(0.5)) {
            let place = rng.random_range(0..open.len());
            let (of, left) = open.swap_remove(place);
            now += rng.random_range(1_000..100_000_000);
            if rng.random_bool(0.6) {
                let qty = rng.random_range(1..=left);
                number += 1;
                let fill = executed(&of, qty, left - qty, number);
                records.push(raw(now, &Entry::Answered(fill)));
                if rng.random_bool(0.05) {
                    // The venue's session is replayed.
                    records.push(raw(now + 1, &Entry::Answered(fill)));
                }
                if rng.random_bool(0.05) {
                    let broken = Answered { what: AnswerKind::Broken, ..fill };
                    records.push(raw(now + 2, &Entry::Answered(broken)));
                }
                if left > qty {
                    open.push((of, left - qty));
                }
                profit += rng.random_range(-4_000..6_000);
                records.push(account(now + 3, profit));
            } else {
                let mut cancel = of;
                (cancel.action, cancel.original) = (Action::Cancel, of.user_ref);
                (cancel.user_ref, cancel.price, cancel.qty) = (UserRef(0), Price(0), Qty(0));
                records.push(raw(now, &Entry::Intended(cancel)));
                now += 50_000;
                let said = Answered {
                    qty: Qty(left),
                    reason: u16::from(b'U'),
                    ..answered(&of, AnswerKind::Canceled, 0)
                };
                records.push(raw(now, &Entry::Answered(said)));
            }
        }
        if user_ref % 50 == 0 {
            records.push(clock(now, Some(30_000 + u64::from(user_ref) * 100)));
        }
    }
    records.push(deed(now, 7, "kill", "", None));
    records.push(deed(now + 1_000, 7, "kill", "", Some("done")));
    records.push(standing(now + 11_000_000_000, Phase::Stopping));
    records
}

pub(crate) fn account(at: u64, profit: i64) -> Raw {
    raw(
        at,
        &Entry::Account(tape::Account {
            cash: Money(0),
            realised: Money(profit),
            unrealised: Money(0),
            peak: Money(0),
            drawdown: Money(0),
            value: Money(0),
            gross: Money(0),
            net: Money(0),
            open_buys: Money(0),
            open_sells: Money(0),
            credit_used: Money(0),
            open_orders: 0,
        }),
    )
}

/// Writes the records, a batch for every ten.
pub(crate) fn write(folder: &Path, records: &[Raw]) {
    let config = Config { folder: folder.to_path_buf(), segment_bytes: 1 << 20, sync: Sync::Never };
    let (mut journal, _) = Journal::open(config, Nanos(OPEN)).expect("a journal");
    for batch in records.chunks(10) {
        for (at, kind, payload) in batch {
            journal.append(*kind, Nanos(*at), payload).expect("room");
        }
        journal.commit(Nanos(OPEN)).expect("committed");
    }
}
