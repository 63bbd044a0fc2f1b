//! A model of a venue, and a desk of risk and gateway wired to it.
#![allow(dead_code, unused_imports)] // each test binary uses a part

mod desk;
mod venue;

pub(crate) use desk::{Desk, lenient_risk, market};
pub(crate) use venue::{Mood, Resting, Venue, put};

use tercel_gateway::GatewayConfig;
use tercel_types::{InstrumentId, Intent, NewOrder, Price, Qty, Side, TimeInForce};

pub(crate) const SESSION: [u8; 10] = *b"  20191230";
pub(crate) const INSTRUMENTS: [(InstrumentId, [u8; 8]); 2] =
    [(InstrumentId(3), *b"AAPL    "), (InstrumentId(7), *b"MSFT    ")];

/// A small gateway.
pub(crate) fn config() -> GatewayConfig {
    GatewayConfig {
        username: *b"TERCEL",
        password: *b"secret    ",
        firm: *b"TRCL",
        orders_max: 256,
        dead_max: 4_096,
        executions_max: 4_096,
        instruments_max: 16,
        ..GatewayConfig::default()
    }
}

pub(crate) fn enter(side: Side, price: i64, qty: u32) -> Intent {
    Intent::Enter(NewOrder {
        instrument: INSTRUMENTS[0].0,
        side,
        price: Price(price),
        qty: Qty(qty),
        time_in_force: TimeInForce::Day,
        post_only: true,
    })
}
