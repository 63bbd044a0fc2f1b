//! A trading desk for the tests: one `Risk`, a market, a clock and the next number.
#![allow(dead_code)] // each suite uses its part

use tercel_risk::{Approved, InstrumentLimits, Order, Reject, Risk, RiskConfig};
use tercel_types::{
    Ack, AckKind, CancelReason, InstrumentId, Intent, Level, MarketView, MatchNumber, Nanos,
    NewOrder, OrderRef, Price, Qty, Side, TimeInForce, Top, TradingState, UserRef,
};

pub(crate) const ID: InstrumentId = InstrumentId(7);
pub(crate) const OTHER: InstrumentId = InstrumentId(9);

pub(crate) struct Desk {
    pub(crate) risk: Risk,
    pub(crate) view: MarketView,
    pub(crate) now: Nanos,
    pub(crate) next: u32,
}

/// A trading instrument quoted at these prices.
pub(crate) fn market(bid: i64, ask: i64) -> MarketView {
    let level = |price| Level { price: Price(price), qty: 100, orders: 1 };
    MarketView {
        top: Top { bid: level(bid), ask: level(ask) },
        state: TradingState::Trading,
        ..Default::default()
    }
}

pub(crate) fn new_order(instrument: InstrumentId, side: Side, price: i64, qty: u32) -> NewOrder {
    NewOrder {
        instrument,
        side,
        price: Price(price),
        qty: Qty(qty),
        time_in_force: TimeInForce::Day,
        post_only: true,
    }
}

pub(crate) fn ack(user_ref: UserRef, side: Side, price: i64, open: u32, kind: AckKind) -> Ack {
    let (price, open, time) = (Price(price), Qty(open), Nanos(0));
    Ack { user_ref, instrument: ID, side, price, open, time, kind }
}

pub(crate) fn accepted(user_ref: UserRef, side: Side, price: i64, open: u32) -> Ack {
    ack(user_ref, side, price, open, AckKind::Accepted { order_ref: OrderRef(1) })
}

/// `qty` shares at the limit price.
pub(crate) fn executed(user_ref: UserRef, side: Side, price: i64, qty: u32, open: u32) -> Ack {
    let kind = AckKind::Executed {
        qty: Qty(qty),
        price: Price(price),
        liquidity: b'A',
        match_number: MatchNumber(1),
    };
    ack(user_ref, side, price, open, kind)
}

pub(crate) fn canceled(user_ref: UserRef, side: Side, price: i64, qty: u32, open: u32) -> Ack {
    let kind = AckKind::Canceled { qty: Qty(qty), reason: CancelReason::User };
    ack(user_ref, side, price, open, kind)
}

pub(crate) fn replaced(
    user_ref: UserRef,
    original: UserRef,
    side: Side,
    price: i64,
    open: u32,
) -> Ack {
    let kind = AckKind::Replaced { original, order_ref: OrderRef(2) };
    ack(user_ref, side, price, open, kind)
}

/// Limits that only what a test is about can hit.
pub(crate) fn wide() -> InstrumentLimits {
    InstrumentLimits { located: 1_000_000, duplicate_window: Nanos(0), ..Default::default() }
}

impl Desk {
    /// $100.00 bid, $100.10 asked.
    pub(crate) fn new() -> Desk {
        Desk::with(RiskConfig::default(), wide())
    }

    pub(crate) fn with_limits(limits: InstrumentLimits) -> Desk {
        Desk::with(RiskConfig::default(), limits)
    }

    pub(crate) fn with(config: RiskConfig, limits: InstrumentLimits) -> Desk {
        let mut risk = Risk::new(config).unwrap();
        risk.bind(ID, limits).unwrap();
        let now = Nanos::from_secs(1_700_000_000);
        Desk { risk, view: market(1_000_000, 1_001_000), now, next: 1 }
    }

    pub(crate) fn check(&mut self, intent: Intent) -> Result<Approved<Order>, Reject> {
        let approved = self.risk.check(&intent, UserRef(self.next), &self.view, self.now);
        if approved.is_ok() && !matches!(intent, Intent::Cancel { .. }) {
            self.next += 1;
        }
        approved
    }

    pub(crate) fn enter_in(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: i64,
        qty: u32,
    ) -> Result<UserRef, Reject> {
        let order = self.check(Intent::Enter(new_order(instrument, side, price, qty)))?;
        match *order.get() {
            Order::Enter { user_ref, .. } => Ok(user_ref),
            ref other => panic!("asked to enter, got {other:?}"),
        }
    }

    pub(crate) fn enter(&mut self, side: Side, price: i64, qty: u32) -> Result<UserRef, Reject> {
        self.enter_in(ID, side, price, qty)
    }

    pub(crate) fn buy(&mut self, price: i64, qty: u32) -> Result<UserRef, Reject> {
        self.enter(Side::Buy, price, qty)
    }

    pub(crate) fn sell(&mut self, price: i64, qty: u32) -> Result<UserRef, Reject> {
        self.enter(Side::Sell, price, qty)
    }

    pub(crate) fn replace(
        &mut self,
        original: UserRef,
        price: i64,
        qty: u32,
    ) -> Result<UserRef, Reject> {
        let intent = Intent::Replace { original, price: Price(price), qty: Qty(qty) };
        match *self.check(intent)?.get() {
            Order::Replace { user_ref, .. } => Ok(user_ref),
            ref other => panic!("asked to replace, got {other:?}"),
        }
    }

    pub(crate) fn cancel(&mut self, original: UserRef) -> Result<(), Reject> {
        self.check(Intent::Cancel { original }).map(|_| ())
    }

    pub(crate) fn ack(&mut self, ack: Ack) {
        self.risk.on_ack(&ack, self.now);
    }

    /// Trades at once: the position changes by `qty` at `price`.
    pub(crate) fn fill(&mut self, side: Side, price: i64, qty: u32) {
        let user_ref = self.enter(side, price, qty).unwrap();
        self.ack(executed(user_ref, side, price, qty, 0));
    }
}
