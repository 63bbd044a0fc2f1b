//! Trades of a backtest: when they were decided, when and at what price they were filled.

use super::{Audit, Event, Findings, Leak, Pipeline, Samples, Trade};
use crate::Fold;

/// Rounding of prices, as a share.
const ROUNDING: f64 = 1e-9;

pub(super) fn check(
    audit: &Audit,
    pipeline: &dyn Pipeline,
    events: &[Event],
    (samples, folds): (&Samples, &[Fold]),
    findings: &mut Findings,
) {
    let values = samples.values();
    let mut predictions = vec![0.0; samples.rows.len()];
    for fold in folds {
        let predicted = pipeline.predict(&samples.rows, &values, fold);
        for (row, prediction) in fold.test.iter().zip(predicted) {
            predictions[*row] = prediction;
        }
    }
    // Quotes as the exchange had them.
    let mut quotes: Vec<&Event> = events.iter().collect();
    quotes.sort_by_key(|event| event.exchange);
    for (at, trade) in pipeline.trades(events, &samples.rows, &predictions).iter().enumerate() {
        let Some(row) = samples.rows.get(trade.row) else {
            findings.add(Leak::TradedBeforeKnown, || format!("trade {at} is of no row"));
            continue;
        };
        if trade.decided < row.time {
            findings.add(Leak::TradedBeforeKnown, || {
                format!("trade {at} is decided at {}, on a row of {}", trade.decided, row.time)
            });
        }
        if trade.filled < trade.decided.saturating_add(audit.latency) {
            findings.add(Leak::Latency, || {
                let (filled, decided) = (trade.filled, trade.decided);
                format!("trade {at} is decided at {decided} and filled at {filled}")
            });
        }
        let quote = |time: u64| {
            let until = quotes.partition_point(|event| event.exchange <= time);
            quotes[..until].iter().rev().find(|event| event.instrument == row.instrument)
        };
        if trade.takes {
            taken(trade, at, quote(trade.filled), quote(trade.decided), findings);
            let fee = audit.fee * trade.price * trade.size.abs();
            if audit.fee > 0.0 && trade.fee < fee * (1.0 - ROUNDING) {
                findings.add(Leak::Fee, || format!("trade {at} pays {}, not {fee}", trade.fee));
            }
        } else {
            rested(trade, at, &quotes, row.instrument, findings);
        }
    }
}

/// A trade that takes gets what is quoted when it is filled.
fn taken(
    trade: &Trade,
    at: usize,
    quote: Option<&&Event>,
    decided: Option<&&Event>,
    findings: &mut Findings,
) {
    let Some(quote) = quote else {
        findings.add(Leak::InsideSpread, || format!("trade {at} has no quote"));
        return;
    };
    let side = |event: &Event| {
        if trade.size > 0.0 { (event.ask, event.ask_size) } else { (event.bid, event.bid_size) }
    };
    let (price, size) = side(quote);
    let better = (price - trade.price) * trade.size.signum();
    if better > ROUNDING * price.abs() {
        let was = decided.map(|event| side(event).0);
        let stale = was.is_some_and(|was| (was - trade.price).abs() <= ROUNDING * price.abs());
        let leak = if stale { Leak::StalePrice } else { Leak::InsideSpread };
        findings.add(leak, || format!("trade {at} is at {}, quoted was {price}", trade.price));
    }
    if trade.size.abs() > size * (1.0 + ROUNDING) {
        findings
            .add(Leak::BeyondSize, || format!("trade {at} is of {}, quoted {size}", trade.size));
    }
}

/// A resting order is filled only where the market came to its price after it was decided.
fn rested(trade: &Trade, at: usize, quotes: &[&Event], instrument: u32, findings: &mut Findings) {
    let from = quotes.partition_point(|event| event.exchange <= trade.decided);
    let until = quotes.partition_point(|event| event.exchange <= trade.filled);
    let reaches = |event: &&&Event| {
        let buys = trade.size > 0.0;
        // A seller came to the bid, or a buyer to the ask; or the other side's quote came through.
        let hit = if buys { event.traded < 0.0 } else { event.traded > 0.0 };
        let (near, far) = if buys { (event.bid, event.ask) } else { (event.ask, event.bid) };
        let sign = trade.size.signum();
        let slack = ROUNDING * near.abs();
        event.instrument == instrument
            && ((hit && (near - trade.price) * sign <= slack)
                || (far - trade.price) * sign <= slack)
    };
    let reached = quotes.get(from..until).unwrap_or(&[]).iter().any(|event| reaches(&event));
    if !reached {
        findings.add(Leak::Unreached, || {
            format!("trade {at} rested at {} and nothing came there", trade.price)
        });
    }
}
