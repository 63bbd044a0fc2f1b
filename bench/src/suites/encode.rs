//! Approved orders to OUCH packets in the transmit memory.

use super::prepare::{on_core, timed};
use crate::rig::risk_limits;
use crate::venue::{MemoryPort, Venue};
use crate::{Context, Report, Samples};
use anyhow::{Result, bail, ensure};
use std::hint::black_box;
use tercel_gateway::{Gateway, GatewayConfig, MAX_PACKET, Session};
use tercel_risk::{Approved, Order, Risk};
use tercel_types::{
    InstrumentId, Intent, Level, MarketView, Nanos, NewOrder, Price, Qty, Side, StreamPort, Symbol,
    TimeInForce, Top, TradingState, UserRef,
};

/// Instruments, and orders that are timed together: one of each.
const INSTRUMENTS: u16 = 64;

/// Rounds of all kinds; the first hundredth warms up.
const ROUNDS: u32 = 20_000;
const ROUNDS_QUICK: u32 = 200;

const BID: i64 = 500_000;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let rounds = if context.quick { ROUNDS_QUICK } else { ROUNDS };
    on_core(context, || {
        context.progress.start("packets", rounds.into());
        let mut desk = Desk::new()?;
        let mut kinds = Kinds::default();
        for round in 0..rounds {
            if round == rounds / 100 {
                kinds = Kinds::default();
            }
            desk.round(round, &mut kinds)?;
        }
        context.progress.done();
        let kinds =
            [("enter", &kinds.enter), ("replace", &kinds.replace), ("cancel", &kinds.cancel)];
        for (name, samples) in kinds {
            let name = format!("encode/{name}");
            report.latency(&name, samples);
            report.target(&name, "OUCH encode, p50 at most 20 ns", 20.0, samples.quantile(0.5));
        }
        Ok(())
    })
}

#[derive(Default)]
struct Kinds {
    enter: Samples,
    replace: Samples,
    cancel: Samples,
}

struct Desk {
    risk: Risk,
    gateway: Gateway,
    port: MemoryPort,
    venue: Venue,
    view: MarketView,
    now: Nanos,
    approved: Vec<Approved<Order>>,
}

impl Desk {
    /// A desk whose session is up.
    fn new() -> Result<Desk> {
        let (config, limits) = risk_limits(INSTRUMENTS.into(), 4_096);
        let mut risk = Risk::new(config)?;
        let firm = *b"TERC";
        let mut gateway = Gateway::new(GatewayConfig { firm, ..GatewayConfig::default() });
        for id in 0..INSTRUMENTS {
            risk.bind(InstrumentId(id), limits)?;
            let symbol = Symbol::new(&format!("B{id:02}"));
            gateway.set_symbol(InstrumentId(id), symbol.unwrap_or_default());
        }
        let level = |price| Level { price: Price(price), qty: 1_000, orders: 3 };
        let view = MarketView {
            top: Top { bid: level(BID), ask: level(BID + 100) },
            state: TradingState::Trading,
            ..MarketView::default()
        };
        let now = Nanos::from_secs(34_200);
        let (port, venue) = (MemoryPort::new(), Venue::new(false, false));
        let mut desk = Desk { risk, gateway, port, venue, view, now, approved: Vec::new() };
        for _ in 0..16 {
            desk.step_session();
            if desk.gateway.session() == Session::Ready {
                return Ok(desk);
            }
        }
        bail!("the session does not come up: {:?}", desk.gateway.session())
    }

    fn step_session(&mut self) {
        if self.gateway.session() == Session::Down {
            self.gateway.on_connected(self.now);
        } else if self.gateway.wants_reconnect() {
            self.gateway.on_disconnected(self.now);
        }
        if let Some(slot) = self.port.reserve(MAX_PACKET) {
            let len = self.gateway.transmit(self.now, slot);
            let _ = self.port.commit(len);
        }
        self.answer();
    }

    fn answer(&mut self) {
        self.venue.answer(&mut self.port);
        let Desk { port, gateway, risk, now, .. } = self;
        let _ = port.poll(|bytes| {
            gateway.on_bytes(bytes, *now, |ack| risk.on_ack(ack, *now)).unwrap_or(bytes.len())
        });
    }

    /// Enters an order in every instrument, replaces each, cancels each.
    fn round(&mut self, round: u32, kinds: &mut Kinds) -> Result<()> {
        self.now = self.now + Nanos::from_millis(2);
        let side = if round.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let away = |ticks: i64| match side {
            Side::Buy => Price(BID - 100 * ticks),
            Side::Sell => Price(BID + 100 + 100 * ticks),
        };
        let ticks = i64::from(round % 5);
        let enter = |id| NewOrder {
            instrument: InstrumentId(id),
            side,
            price: away(ticks),
            qty: Qty(100),
            time_in_force: TimeInForce::Day,
            post_only: true,
        };
        let enters = (0..INSTRUMENTS).map(|id| Intent::Enter(enter(id)));
        let first = self.send(enters, &mut kinds.enter)?;
        let replace =
            |original| Intent::Replace { original, price: away(ticks + 1), qty: Qty(100) };
        let live = self.live(first);
        let second = self.send(live.into_iter().map(replace), &mut kinds.replace)?;
        let cancel = |original| Intent::Cancel { original };
        let live = self.live(second);
        self.send(live.into_iter().map(cancel), &mut kinds.cancel)?;
        Ok(())
    }

    /// The orders from a number on that may still trade.
    fn live(&self, first: u32) -> Vec<UserRef> {
        let orders = (first..first + u32::from(INSTRUMENTS)).map(UserRef);
        orders.filter(|order| self.gateway.order(*order).is_some()).collect()
    }

    /// Has risk approve the intents, then times the encoding of all of them; returns the first
    /// number that they were given.
    fn send(
        &mut self,
        intents: impl Iterator<Item = Intent>,
        samples: &mut Samples,
    ) -> Result<u32> {
        let first = self.gateway.next_user_ref().map_or(0, |user_ref| user_ref.0);
        let mut user_ref = first;
        self.approved.clear();
        for intent in intents {
            match self.risk.check(&intent, UserRef(user_ref), &self.view, self.now) {
                Ok(approved) => self.approved.push(approved),
                Err(reject) => bail!("{intent:?}: {reject:?}"),
            }
            user_ref += u32::from(!matches!(intent, Intent::Cancel { .. }));
        }
        let Desk { gateway, port, approved, now, .. } = self;
        let mut failed = 0;
        timed(samples, approved.len(), || {
            for order in approved.iter() {
                let Some(slot) = port.reserve(MAX_PACKET) else { continue };
                match gateway.encode_into(black_box(order), *now, slot) {
                    Ok(len) => drop(port.commit(len)),
                    Err(_) => failed += 1,
                }
            }
        });
        ensure!(failed == 0, "{failed} orders could not be encoded");
        self.answer();
        Ok(first)
    }
}
