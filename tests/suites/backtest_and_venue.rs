//! The same strategy on the same market gives the same orders in a backtest and against the venue.
//!
//! The market is the background flow of the venue's own matching engine. Once it runs alone, and
//! its ITCH is the backtest's recording. Then the same commands run again with the host beside
//! them: the real engine with its gateway, its OUCH bytes answered by the matching engine, its feed
//! the ITCH of what then really happens, our own orders among it; all three ways with the
//! backtest's latencies.
//!
//! Equal are all orders, bit by bit and to the nanosecond, as long as ours change nothing for
//! others: quotes that are not hit, and those that are up to the first fill, itself included. From
//! there the markets differ by what we took off somebody's order, which a recording cannot show.

use std::collections::VecDeque;
use tercel_abi::EventRecord;
use tercel_backtest::event::{Event as BookEvent, EventKind};
use tercel_backtest::latency::Latencies;
use tercel_backtest::ledger::{Ledger, Request};
use tercel_backtest::read::{ItchConfig, itch_messages, venue};
use tercel_backtest::{Settings, Store, Trading, run};
use tercel_book::{Books, Limits};
use tercel_engine::{Engine, InstrumentConfig, Parts, Phase, Unmeasured};
use tercel_exchange::flow::{Flow, FlowConfig, SymbolFlow};
use tercel_exchange::matching::{
    AccountId, Command, Event, Listing, Matching, NewOrder, Outcome, Owner, Terms,
};
use tercel_gateway::{Gateway, GatewayConfig};
use tercel_policy::{
    AvellanedaStoikov, FixedSpread, InstrumentPolicy, Policy, PolicyConfig, QuoteRules,
    StrategyConfig, Volatility,
};
use tercel_proto::itch::{
    AddOrder, Header, OrderCancel, OrderDelete, OrderExecuted, OrderReplace, StockDirectory, Trade,
    TradingAction,
};
use tercel_proto::ouch::{self, Appendages, Inbound, Outbound, letter, outbound};
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket};
use tercel_proto::{itch, itch_record};
use tercel_risk::{InstrumentLimits, RateLimit, RatioLimit, Risk, RiskConfig, VenueLimits};
use tercel_types::{
    CancelReason, InstrumentId, Nanos, PortError, Price, Qty, Side, StreamPort, Symbol,
    TradingState, UserRef, VenueId,
};
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

const ID: InstrumentId = InstrumentId(1);
const OPEN: Nanos = Nanos::from_secs(34_200);
const PRICE: Price = Price(1_000_000);
const TIMER: Nanos = Nanos::from_millis(1);
const FEED: Nanos = Nanos(20_011);
const ENTRY: Nanos = Nanos(50_023);
const RESPONSE: Nanos = Nanos(30_047);
const OURS: AccountId = AccountId(7);

fn symbol() -> Symbol {
    Symbol::new("TRCL").expect("a symbol")
}

fn market() -> Matching {
    let mut market = Matching::new(1 << 16);
    market.list(&Listing {
        instrument: ID,
        symbol: symbol(),
        increment: Price::CENT.0,
        reference: PRICE,
        state: TradingState::Trading,
    });
    market
}

/// What the market tells everybody of one event, as `sim/exchange/src/market_data.rs` does.
fn itch_of(event: &Event, time: Nanos, out: &mut Vec<Vec<u8>>) {
    let header = |kind| Header::new(kind, ID, 0, time);
    let deleted = |order_ref: u64| {
        let header = header(OrderDelete::KIND);
        OrderDelete { header, order_ref: U64::new(order_ref) }.as_bytes().to_vec()
    };
    match event {
        Event::Rested { order } if order.is_displayed() => {
            let message = AddOrder {
                header: header(AddOrder::KIND),
                order_ref: U64::new(order.order_ref.0),
                side: order.side as u8,
                shares: U32::new(order.open.0),
                stock: symbol().0,
                price: U32::new(order.price().0 as u32),
            };
            out.push(message.as_bytes().to_vec());
        }
        Event::Executed(execution) if execution.maker.is_displayed() => {
            let message = OrderExecuted {
                header: header(OrderExecuted::KIND),
                order_ref: U64::new(execution.maker.order_ref.0),
                shares: U32::new(execution.qty.0),
                match_number: U64::new(execution.match_number.0),
            };
            out.push(message.as_bytes().to_vec());
        }
        Event::Executed(execution) => {
            let message = Trade {
                header: header(Trade::KIND),
                order_ref: U64::new(0),
                side: b'B',
                shares: U32::new(execution.qty.0),
                stock: symbol().0,
                price: U32::new(execution.price.0 as u32),
                match_number: U64::new(execution.match_number.0),
            };
            out.push(message.as_bytes().to_vec());
        }
        Event::Canceled { order, qty, from_book: true, .. } if order.is_displayed() => {
            if order.open == Qty::ZERO {
                return out.push(deleted(order.order_ref.0));
            }
            let message = OrderCancel {
                header: header(OrderCancel::KIND),
                order_ref: U64::new(order.order_ref.0),
                shares: U32::new(qty.0),
            };
            out.push(message.as_bytes().to_vec());
        }
        Event::Replaced { old, new, rests: true, .. }
            if old.is_displayed() && new.is_displayed() =>
        {
            let message = OrderReplace {
                header: header(OrderReplace::KIND),
                original_ref: U64::new(old.order_ref.0),
                new_ref: U64::new(new.order_ref.0),
                shares: U32::new(new.open.0),
                price: U32::new(new.price().0 as u32),
            };
            out.push(message.as_bytes().to_vec());
        }
        Event::Replaced { old, .. } if old.is_displayed() => out.push(deleted(old.order_ref.0)),
        _ => {}
    }
}

/// What comes before the flow.
fn opening() -> Vec<Vec<u8>> {
    let directory = StockDirectory {
        header: Header::new(StockDirectory::KIND, ID, 0, OPEN),
        stock: symbol().0,
        market_category: b'Q',
        financial_status: b'N',
        round_lot: U32::new(100),
        round_lots_only: b'N',
        classification: b'C',
        sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'N',
        ipo: b'N',
        luld_tier: b'1',
        etp: b'N',
        etp_leverage: U32::new(0),
        inverse: b'N',
    };
    let action = TradingAction {
        header: Header::new(TradingAction::KIND, ID, 0, OPEN),
        stock: symbol().0,
        state: b'T',
        reserved: b' ',
        reason: [b' '; 4],
    };
    vec![directory.as_bytes().to_vec(), action.as_bytes().to_vec()]
}

/// The flow alone: its commands, and the ITCH of them.
fn tape(seed: u64, seconds: u64) -> (Vec<(Nanos, Command)>, Vec<Vec<u8>>) {
    let start = OPEN + Nanos::from_millis(5);
    let mut config = FlowConfig::new(seed, vec![SymbolFlow::new(ID, PRICE)]);
    (config.start, config.rate) = (start, 2_000.0);
    let mut flow = Flow::new(config).expect("a flow");
    let (mut market, mut commands, mut messages) = (market(), Vec::new(), opening());
    let mut events = Vec::new();
    while let Some((time, command)) = flow.next(start + Nanos::from_secs(seconds), &market) {
        events.clear();
        market.apply(&command, &mut events);
        events.iter().for_each(|event| itch_of(event, time, &mut messages));
        commands.push((time, command));
    }
    (commands, messages)
}

fn trading(strategy: StrategyConfig) -> Trading {
    let rate = RateLimit { burst: 1_000_000, per_second: 1_000_000 };
    let ratio = RatioLimit { burst: 1_000_000, per_fill: 1, per_second: 1_000_000 };
    let venue = VenueLimits { rate, ratio, ..VenueLimits::default() };
    let limits = InstrumentLimits {
        located: 100_000,
        duplicate_window: Nanos(0),
        rate,
        ratio,
        ..InstrumentLimits::default()
    };
    Trading {
        strategy,
        quote: QuoteRules { order_qty: Qty(100), ..QuoteRules::default() },
        risk: RiskConfig { venue, ..RiskConfig::default() },
        limits,
        orders_max: 1 << 14,
    }
}

/// One order message as both sides saw it leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Order {
    time: Nanos,
    request: Request,
    side: Option<Side>,
    price: Price,
    qty: Qty,
    user_ref: UserRef,
}

/// One execution: when it happened, side, price and shares.
type Fill = (Nanos, Side, Price, Qty);

fn backtest(messages: &[Vec<u8>], trading: &Trading) -> Ledger {
    let store = itch_messages(messages.iter().map(Vec::as_slice), &ItchConfig::default());
    let settings = Settings {
        latencies: Latencies::constant(FEED, ENTRY, RESPONSE),
        timer: TIMER,
        ..Settings::default()
    };
    run(&store, trading, &settings).expect("it runs")
}

fn orders(ledger: &Ledger) -> Vec<Order> {
    let order = |sent: &tercel_backtest::ledger::Sent| Order {
        time: sent.time,
        request: sent.request,
        side: (sent.request == Request::Enter).then_some(sent.side),
        price: sent.price,
        qty: sent.qty,
        user_ref: sent.user_ref,
    };
    ledger.sent.iter().map(order).collect()
}

/// The engine's end of the order session: what it sends goes into a line with a latency.
#[derive(Default)]
struct Port {
    out: Vec<u8>,
    now: Nanos,
    sent: Vec<Order>,
    line: VecDeque<(Nanos, Vec<u8>)>,
    /// Session messages are answered at once: the test begins when the session stands.
    inbox: Vec<u8>,
    sequence: u64,
}

fn packet(packet: &ServerPacket<'_>) -> Vec<u8> {
    let mut bytes = [0; 512];
    let len = packet.emit(&mut bytes).expect("it fits");
    bytes[..len].to_vec()
}

impl Port {
    fn say(&mut self, message: &Outbound<'_>) -> Vec<u8> {
        let mut bytes = [0; 256];
        let len = message.emit(&mut bytes).expect("it fits");
        self.sequence += 1;
        packet(&ServerPacket::Sequenced(&bytes[..len]))
    }

    fn on_message(&mut self, bytes: &[u8]) {
        let time = self.now;
        let order = match Inbound::parse(bytes).expect("OUCH") {
            Inbound::EnterOrder(m, _) => Order {
                time,
                request: Request::Enter,
                side: Some(if m.side == ouch::side::BUY { Side::Buy } else { Side::Sell }),
                price: Price(m.price.get() as i64),
                qty: Qty(m.quantity.get()),
                user_ref: UserRef(m.user_ref.get()),
            },
            Inbound::ReplaceOrder(m, _) => Order {
                time,
                request: Request::Replace,
                side: None,
                price: Price(m.price.get() as i64),
                qty: Qty(m.quantity.get()),
                user_ref: UserRef(m.user_ref.get()),
            },
            Inbound::CancelOrder(m, _) => Order {
                time,
                request: Request::Cancel,
                side: None,
                price: Price(0),
                qty: Qty(0),
                user_ref: UserRef(m.user_ref.get()),
            },
            Inbound::AccountQuery(..) => {
                let response = outbound::AccountQueryResponse {
                    kind: outbound::AccountQueryResponse::KIND,
                    timestamp: U64::new(time.0),
                    next_user_ref: U32::new(1),
                };
                let answer =
                    self.say(&Outbound::AccountQueryResponse(&response, Appendages::ABSENT));
                return self.inbox.extend(answer);
            }
            other => panic!("the engine sends no {:?}", char::from(other.kind())),
        };
        self.sent.push(order);
        self.line.push_back((time + ENTRY, bytes.to_vec()));
    }
}

impl StreamPort for Port {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.out.resize(512, 0);
        self.out.get_mut(..len)
    }

    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        let bytes = std::mem::take(&mut self.out);
        match ClientPacket::parse(&bytes[..len]).expect("SoupBinTCP").expect("whole").0 {
            ClientPacket::LoginRequest(_) => {
                let next = self.sequence + 1;
                let accepted = LoginAccepted::new(*b"DESK      ", next);
                self.inbox.extend(packet(&ServerPacket::LoginAccepted(&accepted)));
            }
            ClientPacket::Unsequenced(message) => self.on_message(message),
            _ => {}
        }
        Ok(())
    }

    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let consumed = each(&self.inbox);
        self.inbox.drain(..consumed);
        Ok(consumed)
    }
}

/// The host against the matching engine.
struct Live {
    engine: Engine,
    port: Port,
    market: Matching,
    feed: VecDeque<(Nanos, EventRecord)>,
    answers: VecDeque<(Nanos, Vec<u8>)>,
    fills: Vec<Fill>,
    events: Vec<Event>,
    messages: Vec<Vec<u8>>,
}

impl Live {
    fn new(trading: &Trading) -> Live {
        let policy = PolicyConfig {
            instruments: vec![InstrumentPolicy::new(symbol())],
            strategy: trading.strategy.clone(),
            quote: trading.quote,
        };
        let limits = Limits {
            instruments_max: 4,
            orders_max: 1 << 14,
            levels_max: 1 << 12,
            ..Limits::default()
        };
        let gateway = GatewayConfig { username: *b"DESK  ", ..GatewayConfig::default() };
        let engine = Engine::new(Parts {
            books: Books::new(&limits).expect("books"),
            policy: Policy::new(policy).expect("a policy"),
            risk: Risk::new(trading.risk).expect("risk"),
            gateway: Gateway::new(gateway),
            instruments: vec![InstrumentConfig { symbol: symbol(), limits: trading.limits }],
            orders_max: 64,
            stale_grace: Nanos::from_millis(2),
        });
        Live {
            engine,
            port: Port::default(),
            market: market(),
            feed: VecDeque::new(),
            answers: VecDeque::new(),
            fills: Vec::new(),
            events: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn publish(&mut self, time: Nanos) {
        for message in self.messages.drain(..) {
            let message = itch::parse(&message).expect("ITCH");
            let record = itch_record::to_record(&message, VenueId(0), time + FEED);
            self.feed.push_back((time + FEED, record));
        }
    }

    /// The session stands before the market opens.
    fn start(&mut self) {
        self.messages = opening();
        self.publish(OPEN);
        while let Some((at, record)) = self.feed.pop_front() {
            self.port.now = at;
            self.engine.on_event(&record, at, &mut self.port, &mut Unmeasured);
        }
        let now = OPEN + FEED;
        self.engine.gateway_mut().on_connected(now);
        for _ in 0..10 {
            self.hear(now);
            self.engine.housekeep(now, &mut self.port).expect("a sound session");
            self.hear(now);
            if self.engine.gateway().wants_reconnect() {
                self.engine.gateway_mut().on_disconnected(now);
                self.engine.gateway_mut().on_connected(now);
            }
        }
        assert_eq!(self.engine.phase(), Phase::Trading);
        assert!(self.port.sent.is_empty());
    }

    fn hear(&mut self, now: Nanos) {
        let Live { engine, port, .. } = self;
        port.now = now;
        let heard = port.poll(|bytes| engine.on_bytes(bytes, now).expect("a sound session"));
        heard.expect("a port");
    }

    /// A command of the flow or of ours.
    fn apply(&mut self, command: &Command, time: Nanos) {
        self.events.clear();
        self.market.apply(command, &mut self.events);
        for at in 0..self.events.len() {
            let event = self.events[at];
            itch_of(&event, time, &mut self.messages);
            self.answer(&event, time);
        }
        self.publish(time);
    }

    /// Tells us what concerns us.
    fn answer(&mut self, event: &Event, time: Nanos) {
        let timestamp = U64::new(time.0);
        let user = |owner: Owner| U32::new(owner.user_ref.0);
        let state = |outcome: &Outcome| match outcome {
            Outcome::Live => ouch::order_state::LIVE,
            Outcome::Dead(_) => ouch::order_state::DEAD,
        };
        let bytes = match event {
            Event::Accepted { order, outcome } if order.account() == OURS => {
                let m = outbound::OrderAccepted {
                    kind: outbound::OrderAccepted::KIND,
                    timestamp,
                    user_ref: user(order.owner),
                    side: order.side as u8,
                    quantity: U32::new(order.terms.qty.0),
                    symbol: symbol().0,
                    price: U64::new(order.price().0 as u64),
                    time_in_force: b'0',
                    display: letter::DISPLAY_VISIBLE,
                    order_ref: U64::new(order.order_ref.0),
                    capacity: letter::CAPACITY_PRINCIPAL,
                    sweep: letter::SWEEP_NOT_ELIGIBLE,
                    cross: letter::CROSS_CONTINUOUS,
                    state: state(outcome),
                    client_order_id: [b' '; 14],
                };
                self.port.say(&Outbound::OrderAccepted(&m, Appendages::EMPTY))
            }
            Event::Replaced { old, new, outcome, .. } if new.account() == OURS => {
                let m = outbound::OrderReplaced {
                    kind: outbound::OrderReplaced::KIND,
                    timestamp,
                    original: user(old.owner),
                    user_ref: user(new.owner),
                    side: new.side as u8,
                    quantity: U32::new(new.terms.qty.0),
                    symbol: symbol().0,
                    price: U64::new(new.price().0 as u64),
                    time_in_force: b'0',
                    display: letter::DISPLAY_VISIBLE,
                    order_ref: U64::new(new.order_ref.0),
                    capacity: letter::CAPACITY_PRINCIPAL,
                    sweep: letter::SWEEP_NOT_ELIGIBLE,
                    cross: letter::CROSS_CONTINUOUS,
                    state: state(outcome),
                    client_order_id: [b' '; 14],
                };
                self.port.say(&Outbound::OrderReplaced(&m, Appendages::EMPTY))
            }
            Event::Executed(execution) if execution.maker.account() == OURS => {
                let m = outbound::OrderExecuted {
                    kind: outbound::OrderExecuted::KIND,
                    timestamp,
                    user_ref: user(execution.maker.owner),
                    quantity: U32::new(execution.qty.0),
                    price: U64::new(execution.price.0 as u64),
                    liquidity: letter::LIQUIDITY_ADDED,
                    match_number: U64::new(execution.match_number.0),
                };
                self.fills.push((time, execution.maker.side, execution.price, execution.qty));
                self.port.say(&Outbound::OrderExecuted(&m, Appendages::EMPTY))
            }
            Event::Canceled { order, qty, reason: CancelReason::User, .. }
                if order.account() == OURS =>
            {
                let m = outbound::OrderCanceled {
                    kind: outbound::OrderCanceled::KIND,
                    timestamp,
                    user_ref: user(order.owner),
                    quantity: U32::new(qty.0),
                    reason: ouch::reason::cancel::USER,
                };
                self.port.say(&Outbound::OrderCanceled(&m, Appendages::ABSENT))
            }
            _ => return,
        };
        self.answers.push_back((time + RESPONSE, bytes));
    }

    /// An order message of ours has reached the venue.
    fn on_order(&mut self, bytes: &[u8], time: Nanos) {
        let owner = |user_ref: U32| Owner { account: OURS, user_ref: UserRef(user_ref.get()) };
        let limit = |price: U64, qty: u32| Terms {
            post_only: true,
            ..Terms::limit(Price(price.get() as i64), Qty(qty))
        };
        let command = match Inbound::parse(bytes).expect("OUCH") {
            Inbound::EnterOrder(m, _) => Command::Enter(NewOrder {
                instrument: ID,
                owner: owner(m.user_ref),
                side: if m.side == ouch::side::BUY { Side::Buy } else { Side::Sell },
                terms: limit(m.price, m.quantity.get()),
            }),
            Inbound::ReplaceOrder(m, _) => Command::Replace {
                original: owner(m.original),
                user_ref: UserRef(m.user_ref.get()),
                terms: limit(m.price, m.quantity.get()),
            },
            Inbound::CancelOrder(m, _) => Command::Cancel { owner: owner(m.user_ref) },
            other => panic!("{:?} is no order", char::from(other.kind())),
        };
        self.apply(&command, time);
    }

    /// Plays the commands; what is at the same instant is done in the backtest's order.
    fn play(&mut self, commands: &[(Nanos, Command)]) {
        let mut timer = OPEN + TIMER;
        let mut next = 0;
        loop {
            let over = next == commands.len();
            let times = [
                self.feed.front().map(|one| one.0),
                self.answers.front().map(|one| one.0),
                (!over).then_some(timer),
                self.port.line.front().map(|one| one.0),
                commands.get(next).map(|one| one.0),
            ];
            let Some(now) = times.iter().flatten().min().copied() else { return };
            self.port.now = now;
            match times.iter().position(|time| *time == Some(now)) {
                Some(0) => {
                    let (_, record) = self.feed.pop_front().expect("a record");
                    self.engine.on_event(&record, now, &mut self.port, &mut Unmeasured);
                }
                Some(1) => {
                    let (_, bytes) = self.answers.pop_front().expect("an answer");
                    self.engine.on_bytes(&bytes, now).expect("a sound session");
                    self.engine.requote(now, &mut self.port, &mut Unmeasured);
                }
                Some(2) => {
                    // A sign of life of the session, which no strategy sees.
                    let beat = packet(&ServerPacket::Heartbeat);
                    self.engine.on_bytes(&beat, now).expect("a sound session");
                    self.engine.housekeep(now, &mut self.port).expect("a sound session");
                    timer = now + TIMER;
                }
                Some(3) => {
                    let (_, bytes) = self.port.line.pop_front().expect("an order");
                    self.on_order(&bytes, now);
                }
                _ => {
                    let (time, command) = commands[next];
                    next += 1;
                    self.apply(&command, time);
                }
            }
        }
    }
}

fn both(seed: u64, strategy: StrategyConfig) -> (Ledger, Live) {
    let (commands, messages) = tape(seed, 20);
    let trading = trading(strategy);
    let ledger = backtest(&messages, &trading);
    let mut live = Live::new(&trading);
    live.start();
    live.play(&commands);
    (ledger, live)
}

#[test]
fn the_venue_in_process_is_the_tape_of_its_itch() {
    let (_, messages) = tape(3, 5);
    let tape = itch_messages(messages.iter().map(Vec::as_slice), &ItchConfig::default());
    let mut config = FlowConfig::new(3, vec![SymbolFlow::new(ID, PRICE)]);
    (config.start, config.rate) = (OPEN + Nanos::from_millis(5), 2_000.0);
    let direct = venue(&config, Nanos::from_secs(5)).expect("a flow");
    let orders = |store: &Store| -> Vec<BookEvent> {
        let of = |event: &&BookEvent| event.kind != EventKind::Record;
        store.events.iter().filter(of).copied().collect()
    };
    assert!(tape.events.len() > 5_000);
    assert_eq!(orders(&tape), orders(&direct));
}

#[test]
fn quotes_that_are_not_hit_are_the_same_to_the_nanosecond() {
    let fixed = FixedSpread { half_spread_ticks: 60.0, skew_ticks: 2.0 };
    let (ledger, live) = both(11, StrategyConfig::FixedSpread(fixed));
    assert!(ledger.fills.is_empty() && live.fills.is_empty());
    assert!(ledger.sent.len() > 200, "{} orders", ledger.sent.len());
    assert_eq!(orders(&ledger), live.port.sent);
}

#[test]
fn quotes_that_are_hit_are_the_same_up_to_the_first_fill_and_so_is_it() {
    let mut hit = 0;
    for seed in 1..=6 {
        let strategy = match seed % 2 {
            0 => {
                StrategyConfig::FixedSpread(FixedSpread { half_spread_ticks: 8.0, skew_ticks: 1.0 })
            }
            _ => StrategyConfig::AvellanedaStoikov(AvellanedaStoikov {
                gamma: 0.05,
                k: 50.0,
                horizon_s: 10.0,
                volatility: Volatility::Realised { min: 0.001, max: 1.0 },
            }),
        };
        let (ledger, live) = both(seed, strategy);
        let first = |fill: Option<Nanos>| fill.unwrap_or(Nanos(u64::MAX));
        let ends = first(ledger.fills.first().map(|fill| fill.time));
        assert_eq!(ends, first(live.fills.first().map(|fill| fill.0)), "seed {seed}");
        let until = |orders: Vec<Order>| -> Vec<Order> {
            orders.into_iter().take_while(|order| order.time <= ends).collect()
        };
        assert_eq!(until(orders(&ledger)), until(live.port.sent.clone()), "seed {seed}");
        if let (Some(ours), Some(theirs)) = (ledger.fills.first(), live.fills.first()) {
            assert_eq!((ours.time, ours.side, ours.price, ours.qty), *theirs, "seed {seed}");
            hit += 1;
        }
    }
    assert!(hit >= 3, "{hit} of the markets hit a quote");
}
