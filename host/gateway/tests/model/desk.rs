//! Risk and gateway of one process, wired to the model of a venue.

use super::{INSTRUMENTS, Mood, Venue};
use tercel_gateway::{Gateway, GatewayConfig, MAX_PACKET, Session, SessionError};
use tercel_proto::soup::ClientPacket;
use tercel_risk::{
    AccountLimits, InstrumentLimits, RateLimit, RatioLimit, Risk, RiskConfig, VenueLimits,
};
use tercel_types::*;

/// Risk that lets nearly everything pass, because these tests are of the gateway.
pub(crate) fn lenient_risk() -> Risk {
    let much = Money(10_000_000_000_000_000);
    let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
    let ratio = RatioLimit { burst: 1_000_000, per_fill: 100, per_second: 1_000_000 };
    let config = RiskConfig {
        instruments_max: 8,
        orders_max: 4_096,
        account: AccountLimits {
            gross_max: much,
            net_max: much,
            credit_max: much,
            realised_loss_max: much,
            unrealised_loss_max: much,
            drawdown_max: much,
        },
        venue: VenueLimits { rate, ratio, rejects_in_a_row_max: u32::MAX },
    };
    let mut risk = Risk::new(config).unwrap();
    for (id, _) in INSTRUMENTS {
        let limits = InstrumentLimits {
            order_qty_max: Qty(999_999),
            order_notional_max: much,
            collar_bps: None,
            collar_abs: Some(Price(10_000_000)),
            position_max: 1_000_000_000,
            gross_max: much,
            net_max: much,
            open_orders_max: 4_096,
            located: 1_000_000_000,
            restricted: false,
            duplicate_window: Nanos(0),
            rate,
            ratio,
        };
        risk.bind(id, limits).unwrap();
    }
    risk
}

pub(crate) fn market() -> MarketView {
    MarketView {
        top: Top {
            bid: (Price(999_900), Qty(100)).into(),
            ask: (Price(1_000_100), Qty(100)).into(),
        },
        last_trade: Price(1_000_000),
        state: TradingState::Trading,
        ..MarketView::default()
    }
}

/// Risk and gateway of one process, and the two directions of its line.
pub(crate) struct Desk {
    pub(crate) gateway: Gateway,
    pub(crate) risk: Risk,
    pub(crate) acks: Vec<Ack>,
    pub(crate) now: Nanos,
    pub(crate) to_venue: Vec<u8>,
    pub(crate) to_desk: Vec<u8>,
    pub(crate) error: Option<SessionError>,
    pub(crate) highest: u32,
    connected: bool,
}

impl Desk {
    pub(crate) fn new(config: GatewayConfig) -> Desk {
        let mut gateway = Gateway::new(config);
        for (id, symbol) in INSTRUMENTS {
            assert!(gateway.set_symbol(id, Symbol(symbol)));
        }
        Desk {
            gateway,
            risk: lenient_risk(),
            acks: Vec::new(),
            now: Nanos(1),
            to_venue: Vec::new(),
            to_desk: Vec::new(),
            error: None,
            highest: 0,
            connected: false,
        }
    }

    /// Connects if need be, sends what is due.
    pub(crate) fn pump(&mut self, venue: &mut Venue) {
        if self.gateway.wants_reconnect() {
            let mut tx = [0; MAX_PACKET];
            self.gateway.transmit(self.now, &mut tx);
            self.drop_line(venue);
        }
        if !self.connected {
            self.connected = true;
            self.gateway.on_connected(self.now);
        }
        let mut tx = [0; MAX_PACKET];
        loop {
            let len = self.gateway.transmit(self.now, &mut tx);
            if len == 0 {
                return;
            }
            self.to_venue.extend_from_slice(&tx[..len]);
        }
    }

    pub(crate) fn drop_line(&mut self, venue: &mut Venue) {
        venue.disconnect();
        self.gateway.on_disconnected(self.now);
        self.connected = false;
        self.to_venue.clear();
        self.to_desk.clear();
    }

    /// Sends an intent through risk; `false` when risk or the gateway refuses.
    pub(crate) fn send(&mut self, intent: Intent) -> bool {
        let next = self.gateway.next_user_ref();
        if next.is_none() && !matches!(intent, Intent::Cancel { .. }) {
            return false;
        }
        let user_ref = next.unwrap_or_default();
        let checked = self.risk.check(&intent, user_ref, &market(), self.now);
        let Ok(order) = checked else { return false };
        let mut tx = [0; MAX_PACKET];
        match self.gateway.encode_into(&order, self.now, &mut tx) {
            Ok(len) => {
                if !matches!(intent, Intent::Cancel { .. }) {
                    assert!(user_ref.0 > self.highest);
                    self.highest = user_ref.0;
                }
                self.to_venue.extend_from_slice(&tx[..len]);
                true
            }
            Err(_) => {
                self.risk.withdraw(&order);
                false
            }
        }
    }

    /// The venue takes the first packet on its way.
    pub(crate) fn step_venue(&mut self, venue: &mut Venue, mood: Mood) -> bool {
        let Some((packet, len)) = ClientPacket::parse(&self.to_venue).unwrap() else {
            venue.flush(&mut self.to_desk);
            return false;
        };
        venue.take(packet, mood, &mut self.to_desk);
        self.to_venue.drain(..len);
        true
    }

    /// Up to `len` bytes reach the desk.
    pub(crate) fn deliver(&mut self, len: usize) {
        let len = len.min(self.to_desk.len());
        let (acks, risk, now) = (&mut self.acks, &mut self.risk, self.now);
        let result = self.gateway.on_bytes(&self.to_desk[..len], now, |ack| {
            risk.on_ack(ack, now);
            acks.push(*ack);
        });
        match result {
            Ok(consumed) => {
                self.to_desk.drain(..consumed);
            }
            Err(error) => {
                self.error = Some(error);
                self.to_desk.clear();
            }
        }
    }

    /// Runs both ends until the session is ready, or cannot be, and nothing is on its way.
    pub(crate) fn settle(&mut self, venue: &mut Venue) {
        for _ in 0..100 {
            self.pump(venue);
            while self.step_venue(venue, Mood::Kind) {}
            self.deliver(usize::MAX);
            let done = matches!(self.gateway.session(), Session::Ready | Session::Refused(_));
            if done && self.to_venue.is_empty() && self.to_desk.is_empty() {
                return;
            }
        }
        panic!("the session does not settle: {:?}", self.gateway.session());
    }

    /// Position by instrument as the acks tell it.
    pub(crate) fn position(&self, id: InstrumentId) -> i64 {
        let mine = self.acks.iter().filter(|ack| ack.instrument == id);
        mine.map(|ack| match ack.kind {
            AckKind::Executed { qty, .. } => ack.side.sign() * i64::from(qty.0),
            AckKind::Broken { qty, .. } => -ack.side.sign() * i64::from(qty.0),
            _ => 0,
        })
        .sum()
    }

    pub(crate) fn kinds(&self) -> Vec<(u32, u32, AckKind)> {
        self.acks.iter().map(|ack| (ack.user_ref.0, ack.open.0, ack.kind)).collect()
    }

    /// The gateway, risk and the venue agree on open orders and positions.
    pub(crate) fn check_against(&self, venue: &Venue) {
        let mut mine: Vec<_> = self.gateway.open_orders().collect();
        mine.sort_by_key(|(_, order)| order.user_ref);
        let theirs: Vec<_> = venue.live.iter().collect();
        assert_eq!(mine.len(), theirs.len(), "{mine:?} {theirs:?}");
        for ((id, order), (user_ref, resting)) in mine.iter().zip(theirs) {
            assert_eq!(order.user_ref.0, *user_ref);
            assert_eq!(order.order_ref.0, resting.order_ref);
            assert_eq!(order.price.0 as u64, resting.price);
            assert_eq!(order.open.0, resting.open);
            assert_eq!(order.side == Side::Buy, resting.side == b'B');
            let symbol = INSTRUMENTS.iter().find(|(known, _)| known == id).unwrap().1;
            assert_eq!(symbol, resting.symbol);
        }
        for (id, symbol) in INSTRUMENTS {
            let theirs = venue.position.get(&symbol).copied().unwrap_or(0);
            assert_eq!(self.position(id), theirs);
            assert_eq!(self.risk.position(id), theirs);
        }
        let counters = self.gateway.counters();
        assert_eq!((counters.unknown_ref, counters.inconsistent, counters.late), (0, 0, 0));
        assert_eq!((counters.malformed_messages, counters.malformed_packets), (0, 0));
        assert_eq!((counters.unknown_match, counters.unexpected_packets), (0, 0));
    }

    /// What strategies see is the newest order of each side.
    pub(crate) fn check_own(&self) {
        for (id, _) in INSTRUMENTS {
            let own = self.gateway.own(id);
            for side in [Side::Buy, Side::Sell] {
                let newest = self
                    .gateway
                    .open_orders()
                    .filter(|(of, order)| *of == id && order.side == side)
                    .map(|(_, order)| order)
                    .max_by_key(|order| order.user_ref);
                assert_eq!(own.side(side), newest.as_ref());
            }
        }
    }
}
