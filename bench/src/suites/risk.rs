//! Checks of each kind, passed and refused.

use super::prepare::{on_core, timed};
use crate::rig::risk_limits;
use crate::{Context, Report, Samples};
use anyhow::{Result, ensure};
use std::hint::black_box;
use tercel_risk::{InstrumentLimits, Risk};
use tercel_types::{
    Ack, AckKind, CancelReason, InstrumentId, Intent, Level, MarketView, Nanos, NewOrder, OrderRef,
    Price, Qty, Side, TimeInForce, Top, TradingState, UserRef,
};

/// Instruments, and checks that are timed together: one of each.
const INSTRUMENTS: u16 = 64;

/// Rounds of all kinds of checks; the first hundredth warms up.
const ROUNDS: u32 = 20_000;
const ROUNDS_QUICK: u32 = 200;

/// The market of every instrument.
const BID: i64 = 500_000;

/// Measures and reports.
pub(super) fn run(context: &Context, report: &mut Report) -> Result<()> {
    let rounds = if context.quick { ROUNDS_QUICK } else { ROUNDS };
    on_core(context, || {
        context.progress.start("checks", rounds.into());
        let (config, limits) = risk_limits(2 * u32::from(INSTRUMENTS), 4_096);
        let mut risk = Risk::new(config)?;
        for id in 0..INSTRUMENTS {
            risk.bind(InstrumentId(id), limits)?;
            let narrow = InstrumentLimits { position_max: 100, ..limits };
            risk.bind(InstrumentId(INSTRUMENTS + id), narrow)?;
        }
        let mut desk = Desk { risk, view: market(), now: Nanos::from_secs(34_200), next_ref: 1 };
        let mut kinds = Kinds::default();
        for round in 0..rounds {
            if round == rounds / 100 {
                kinds = Kinds::default();
            }
            desk.round(round, &mut kinds)?;
        }
        context.progress.done();
        let accepted =
            [("enter", &kinds.enter), ("replace", &kinds.replace), ("cancel", &kinds.cancel)];
        for (name, samples) in accepted {
            let name = format!("risk/{name}");
            report.latency(&name, samples);
            report.target(&name, "risk check, p50 at most 20 ns", 20.0, samples.quantile(0.5));
        }
        report.latency("risk/reject_collar", &kinds.collar);
        report.latency("risk/reject_position", &kinds.position);
        Ok(())
    })
}

#[derive(Default)]
struct Kinds {
    enter: Samples,
    replace: Samples,
    cancel: Samples,
    collar: Samples,
    position: Samples,
}

struct Desk {
    risk: Risk,
    view: MarketView,
    now: Nanos,
    next_ref: u32,
}

impl Desk {
    /// Enters an order in every instrument, replaces each, cancels each; what the venue answers
    /// comes in between and is not timed.
    fn round(&mut self, round: u32, kinds: &mut Kinds) -> Result<()> {
        // Longer than the window in which equal orders are refused.
        self.now = self.now + Nanos::from_millis(2);
        let side = if round.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let away = |ticks: i64| match side {
            Side::Buy => Price(BID - 100 * ticks),
            Side::Sell => Price(BID + 100 + 100 * ticks),
        };
        let price = away(i64::from(round % 5));
        let enters = self.enters(0, side, price, 100);
        let first = self.check(&enters, &mut kinds.enter, true)?;
        let accepted = AckKind::Accepted { order_ref: OrderRef(1) };
        self.answer(first, side, price, 100, |_| accepted);

        let moved = away(i64::from(round % 5) + 1);
        let original = |id| UserRef(first + id);
        let replace = |id| Intent::Replace { original: original(id), price: moved, qty: Qty(100) };
        let replaces: Vec<Intent> = (0..INSTRUMENTS.into()).map(replace).collect();
        let second = self.check(&replaces, &mut kinds.replace, true)?;
        self.answer(second, side, moved, 100, |id| AckKind::Replaced {
            original: original(id),
            order_ref: OrderRef(2),
        });

        let cancel = |id| Intent::Cancel { original: UserRef(second + id) };
        let cancels: Vec<Intent> = (0..INSTRUMENTS.into()).map(cancel).collect();
        self.check(&cancels, &mut kinds.cancel, true)?;
        let canceled = AckKind::Canceled { qty: Qty(100), reason: CancelReason::User };
        self.answer(second, side, moved, 0, |_| canceled);

        let far = self.enters(0, side, away(1_000), 100);
        self.check(&far, &mut kinds.collar, false)?;
        let many = self.enters(INSTRUMENTS, side, price, 200);
        self.check(&many, &mut kinds.position, false)?;
        Ok(())
    }

    fn enters(&self, from: u16, side: Side, price: Price, qty: u32) -> Vec<Intent> {
        let enter = |id| {
            Intent::Enter(NewOrder {
                instrument: InstrumentId(id),
                side,
                price,
                qty: Qty(qty),
                time_in_force: TimeInForce::Day,
                post_only: true,
            })
        };
        (from..from + INSTRUMENTS).map(enter).collect()
    }

    /// Times the checks; returns the first number that they were given.
    fn check(&mut self, intents: &[Intent], samples: &mut Samples, pass: bool) -> Result<u32> {
        let first = self.next_ref;
        let (mut user_ref, mut passed) = (first, 0);
        timed(samples, intents.len(), || {
            for intent in intents {
                let checked = self.risk.check(intent, UserRef(user_ref), &self.view, self.now);
                passed += usize::from(black_box(&checked).is_ok());
                user_ref += 1;
            }
        });
        let expected = if pass { intents.len() } else { 0 };
        ensure!(passed == expected, "{passed} of {} checks passed", intents.len());
        if pass {
            self.next_ref = user_ref;
        }
        Ok(first)
    }

    fn answer(
        &mut self,
        first: u32,
        side: Side,
        price: Price,
        open: u32,
        kind: impl Fn(u32) -> AckKind,
    ) {
        for id in 0..INSTRUMENTS {
            let ack = Ack {
                user_ref: UserRef(first + u32::from(id)),
                instrument: InstrumentId(id),
                side,
                price,
                open: Qty(open),
                time: Nanos(0),
                kind: kind(id.into()),
            };
            self.risk.on_ack(&ack, self.now);
        }
    }
}

fn market() -> MarketView {
    let level = |price| Level { price: Price(price), qty: 1_000, orders: 3 };
    MarketView {
        top: Top { bid: level(BID), ask: level(BID + 100) },
        last_trade: Price(BID),
        state: TradingState::Trading,
        ..MarketView::default()
    }
}
