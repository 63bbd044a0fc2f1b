//! A whole engine with a venue on the other end of its port that does as the test says.
//!
//! The venue answers at once and allocates nothing after construction, so that what an allocation
//! counter sees is the engine's.

use tercel_abi::EventRecord;
use tercel_book::{Books, Limits};
use tercel_engine::mailbox::Sender;
use tercel_engine::tape::{self, TapeReader};
use tercel_engine::{
    Controls, Engine, InstrumentConfig, OpenOrders, Overflow, Parts, Ticket, Unmeasured,
};
use tercel_gateway::{Gateway, GatewayConfig};
use tercel_policy::promotion::{Candidate, Contest, ContestRules, Name};
use tercel_policy::{
    FixedSpread, InstrumentPolicy, Policy, PolicyConfig, QuoteRules, StrategyConfig,
};
use tercel_proto::ouch::{self, Appendages, Inbound, Outbound, inbound, letter, outbound};
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket};
use tercel_risk::{InstrumentLimits, RateLimit, Risk, RiskConfig, VenueLimits};
use tercel_types::{Nanos, PortError, Qty, StreamPort, Symbol};
use zerocopy::big_endian::{U32, U64};

/// Open orders there is room for.
const ORDERS_MAX: usize = 1_024;

/// An order at the scripted venue.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    /// Its user reference number.
    pub user_ref: u32,
    /// OUCH side letter.
    pub side: u8,
    /// Price in 1/10,000 dollar.
    pub price: u64,
    /// Shares open.
    pub qty: u32,
    symbol: [u8; 8],
}

/// The other end of the engine's port.
pub struct Port {
    out: Vec<u8>,
    inbox: Vec<u8>,
    /// What rests.
    pub resting: Vec<Resting>,
    /// Every order packet that came, in order.
    pub packets: Vec<u8>,
    /// Orders entered and replaced.
    pub entered: u64,
    /// Cancels asked for.
    pub cancels: u64,
    /// Shares bought less shares sold, by the venue's count.
    pub position: i64,
    /// The venue refuses every new order.
    pub refuses: bool,
    next_user_ref: u32,
    next_sequence: u64,
    next_number: u64,
}

impl Port {
    fn new() -> Port {
        Port {
            out: vec![0; 256],
            inbox: Vec::with_capacity(1 << 16),
            resting: Vec::with_capacity(ORDERS_MAX),
            packets: Vec::with_capacity(1 << 24),
            entered: 0,
            cancels: 0,
            position: 0,
            refuses: false,
            next_user_ref: 1,
            next_sequence: 1,
            next_number: 1 << 60,
        }
    }

    fn number(&mut self) -> U64 {
        self.next_number += 1;
        U64::new(self.next_number)
    }

    fn packet(&mut self, packet: &ServerPacket<'_>) {
        let mut bytes = [0; 256];
        let len = packet.emit(&mut bytes).expect("it fits");
        self.inbox.extend_from_slice(&bytes[..len]);
    }

    fn say(&mut self, message: &Outbound<'_>) {
        let mut bytes = [0; 256];
        let len = message.emit(&mut bytes).expect("it fits");
        self.next_sequence += 1;
        self.packet(&ServerPacket::Sequenced(&bytes[..len]));
    }

    /// Trades some shares of a resting order at its price.
    pub fn trade(&mut self, at: usize, qty: u32) {
        let order = self.resting[at];
        let executed = outbound::OrderExecuted {
            kind: outbound::OrderExecuted::KIND,
            timestamp: U64::new(0),
            user_ref: U32::new(order.user_ref),
            quantity: U32::new(qty),
            price: U64::new(order.price),
            liquidity: letter::LIQUIDITY_ADDED,
            match_number: self.number(),
        };
        self.resting[at].qty -= qty;
        if self.resting[at].qty == 0 {
            self.resting.remove(at);
        }
        let sign = if order.side == ouch::side::BUY { 1 } else { -1 };
        self.position += sign * i64::from(qty);
        self.say(&Outbound::OrderExecuted(&executed, Appendages::ABSENT));
    }

    fn on_message(&mut self, message: &Inbound<'_>) {
        match message {
            Inbound::EnterOrder(enter, _) => self.enter(enter),
            Inbound::ReplaceOrder(replace, _) => self.replace(replace),
            Inbound::CancelOrder(cancel, _) => self.cancel(cancel.user_ref.get()),
            Inbound::AccountQuery(..) => {
                let response = outbound::AccountQueryResponse {
                    kind: outbound::AccountQueryResponse::KIND,
                    timestamp: U64::new(0),
                    next_user_ref: U32::new(self.next_user_ref),
                };
                self.say(&Outbound::AccountQueryResponse(&response, Appendages::ABSENT));
            }
            other => panic!("the engine sends no {:?}", char::from(other.kind())),
        }
    }

    fn enter(&mut self, enter: &inbound::EnterOrder) {
        self.entered += 1;
        self.next_user_ref = enter.user_ref.get() + 1;
        if self.refuses {
            let rejected = outbound::OrderRejected {
                kind: outbound::OrderRejected::KIND,
                timestamp: U64::new(0),
                user_ref: enter.user_ref,
                reason: zerocopy::big_endian::U16::new(1),
                client_order_id: enter.client_order_id,
            };
            return self.say(&Outbound::OrderRejected(&rejected, Appendages::ABSENT));
        }
        let order = Resting {
            user_ref: enter.user_ref.get(),
            side: enter.side,
            price: enter.price.get(),
            qty: enter.quantity.get(),
            symbol: enter.symbol,
        };
        let accepted = outbound::OrderAccepted {
            kind: outbound::OrderAccepted::KIND,
            timestamp: U64::new(0),
            user_ref: enter.user_ref,
            side: enter.side,
            quantity: enter.quantity,
            symbol: enter.symbol,
            price: enter.price,
            time_in_force: enter.time_in_force,
            display: enter.display,
            order_ref: self.number(),
            capacity: enter.capacity,
            sweep: enter.sweep,
            cross: enter.cross,
            state: ouch::order_state::LIVE,
            client_order_id: enter.client_order_id,
        };
        self.resting.push(order);
        self.say(&Outbound::OrderAccepted(&accepted, Appendages::EMPTY));
    }

    /// Fills are whole in these scripts unless a test trades a part, and then it replaces nothing.
    fn replace(&mut self, replace: &inbound::ReplaceOrder) {
        self.entered += 1;
        self.next_user_ref = replace.user_ref.get() + 1;
        let original = replace.original.get();
        let Some(at) = self.resting.iter().position(|one| one.user_ref == original) else { return };
        let order = &mut self.resting[at];
        order.user_ref = replace.user_ref.get();
        order.price = replace.price.get();
        order.qty = replace.quantity.get();
        let order = *order;
        let replaced = outbound::OrderReplaced {
            kind: outbound::OrderReplaced::KIND,
            timestamp: U64::new(0),
            original: replace.original,
            user_ref: replace.user_ref,
            side: order.side,
            quantity: replace.quantity,
            symbol: order.symbol,
            price: replace.price,
            time_in_force: replace.time_in_force,
            display: replace.display,
            order_ref: self.number(),
            capacity: letter::CAPACITY_PRINCIPAL,
            sweep: replace.sweep,
            cross: letter::CROSS_CONTINUOUS,
            state: ouch::order_state::LIVE,
            client_order_id: replace.client_order_id,
        };
        self.say(&Outbound::OrderReplaced(&replaced, Appendages::EMPTY));
    }

    fn cancel(&mut self, user_ref: u32) {
        self.cancels += 1;
        let Some(at) = self.resting.iter().position(|one| one.user_ref == user_ref) else { return };
        let order = self.resting.remove(at);
        let canceled = outbound::OrderCanceled {
            kind: outbound::OrderCanceled::KIND,
            timestamp: U64::new(0),
            user_ref: U32::new(user_ref),
            quantity: U32::new(order.qty),
            reason: ouch::reason::cancel::USER,
        };
        self.say(&Outbound::OrderCanceled(&canceled, Appendages::ABSENT));
    }
}

impl StreamPort for Port {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.out.get_mut(..len)
    }

    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        let mut bytes = [0; 256];
        bytes[..len].copy_from_slice(&self.out[..len]);
        let parsed = ClientPacket::parse(&bytes[..len]).expect("SoupBinTCP");
        match parsed.expect("a whole packet").0 {
            ClientPacket::LoginRequest(_) => {
                let accepted = LoginAccepted::new(*b"DESK      ", self.next_sequence);
                self.packet(&ServerPacket::LoginAccepted(&accepted));
            }
            ClientPacket::Unsequenced(message) => {
                self.packets.extend_from_slice(&bytes[..len]);
                self.on_message(&Inbound::parse(message).expect("OUCH"));
            }
            ClientPacket::Logout => self.packet(&ServerPacket::EndOfSession),
            ClientPacket::Heartbeat => self.packet(&ServerPacket::Heartbeat),
            ClientPacket::Debug(_) => {}
        }
        Ok(())
    }

    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let consumed = each(&self.inbox);
        self.inbox.drain(..consumed);
        Ok(consumed)
    }
}

/// An engine and its venue, on a clock of the test's.
pub struct Desk {
    /// The engine.
    pub engine: Engine,
    /// The venue.
    pub port: Port,
    /// The time.
    pub now: Nanos,
}

/// How the desk quotes.
fn a_tick_away() -> StrategyConfig {
    StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 1.0, skew_ticks: 1.0 })
}

/// A challenger with room for as many instruments as a desk has.
///
/// # Panics
/// When its strategy is not allowed.
pub fn candidate(name: &str, strategy: &StrategyConfig, rules: &ContestRules) -> Box<Candidate> {
    let name = Name::new(name).expect("a name");
    Box::new(Candidate::new(name, strategy, 64, rules.rollback.psi_window).expect("a strategy"))
}

/// How long the books may be stale before quotes are taken out.
pub const GRACE: Nanos = Nanos::from_millis(2);

impl Desk {
    /// A desk that quotes these symbols a tick from the mid.
    ///
    /// # Panics
    /// When its configuration is wrong.
    pub fn new(symbols: &[Symbol]) -> Desk {
        let policy = PolicyConfig {
            instruments: symbols.iter().map(|symbol| InstrumentPolicy::new(*symbol)).collect(),
            strategy: a_tick_away(),
            quote: QuoteRules { order_qty: Qty(100), ..QuoteRules::default() },
        };
        let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
        let venue = VenueLimits { rate, ..VenueLimits::default() };
        let limits = InstrumentLimits {
            located: 100_000,
            duplicate_window: Nanos(0),
            rate,
            ..InstrumentLimits::default()
        };
        let limits_of = |symbol: &Symbol| InstrumentConfig { symbol: *symbol, limits };
        let books = Limits {
            instruments_max: 64,
            orders_max: 1 << 16,
            levels_max: 1 << 15,
            ..Limits::default()
        };
        let gateway = GatewayConfig {
            username: *b"DESK  ",
            instruments_max: 64,
            orders_max: ORDERS_MAX,
            ..GatewayConfig::default()
        };
        let engine = Engine::new(Parts {
            books: Books::new(&books).expect("books"),
            policy: Policy::new(policy).expect("a policy"),
            risk: Risk::new(RiskConfig { venue, ..RiskConfig::default() }).expect("risk"),
            gateway: Gateway::new(gateway),
            instruments: symbols.iter().map(limits_of).collect(),
            orders_max: ORDERS_MAX,
            stale_grace: GRACE,
        });
        Desk { engine, port: Port::new(), now: Nanos(0) }
    }

    /// Has the engine tell on a tape what it does, before the first event.
    ///
    /// # Panics
    /// When there is no memory.
    pub fn operate(&mut self, words: usize, overflow: Overflow) -> (Sender<Ticket>, TapeReader) {
        let (tape, reader) = tape::anonymous(words, self.now).expect("a tape");
        (self.engine.operate(tape, overflow, self.now), reader)
    }

    /// Holds a contest around the desk's policy, before the first event.
    ///
    /// # Panics
    /// When a rule or a challenger is not allowed.
    pub fn hold_contest(
        &mut self,
        rules: ContestRules,
        orders: OpenOrders,
        challengers: Vec<Box<Candidate>>,
    ) -> Controls {
        let champion = candidate("champion", &a_tick_away(), &rules);
        let mut contest = Contest::new(rules, champion).expect("rules");
        challengers.into_iter().for_each(|one| contest.seat(one));
        self.engine.hold_contest(contest, orders)
    }

    /// One record, and what the venue answers to what it led to.
    pub fn feed(&mut self, record: &EventRecord) {
        self.now = self.now.max(record.exchange_time());
        self.engine.on_event(record, self.now, &mut self.port, &mut Unmeasured);
        self.hear();
    }

    /// Lets the engine hear the venue and quote again.
    ///
    /// # Panics
    /// When the session breaks.
    pub fn hear(&mut self) {
        let Desk { engine, port, now } = self;
        let heard = port.poll(|bytes| engine.on_bytes(bytes, *now).expect("a sound session"));
        heard.expect("a port");
        self.engine.requote(self.now, &mut self.port, &mut Unmeasured);
    }

    /// Time passes, and housekeeping with it.
    ///
    /// # Panics
    /// When the session breaks.
    pub fn pass(&mut self, time: Nanos) {
        self.now = self.now + time;
        if self.engine.gateway().wants_reconnect() {
            self.engine.gateway_mut().on_disconnected(self.now);
            self.engine.gateway_mut().on_connected(self.now);
        }
        self.port.packet(&ServerPacket::Heartbeat);
        self.hear();
        self.engine.housekeep(self.now, &mut self.port).expect("a sound session");
        self.hear();
    }

    /// Connects, recovers and begins to trade.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(&mut self) {
        assert!(self.engine.is_synced(), "the directory comes first");
        self.engine.gateway_mut().on_connected(self.now);
        for _ in 0..6 {
            self.pass(Nanos(1_000));
        }
        assert_eq!(self.engine.phase(), tercel_engine::Phase::Trading);
    }
}
