//! The venue on the network: the matching engine, its market data and its order port, driven by one
//! thread.
//!
//! [`Venue::step`] does everything that is due: background and recorded orders at their own times,
//! then what accounts sent, then all that is to be sent. It never waits; a caller that has nothing
//! else to do sleeps a little when it returns zero. Times are nanoseconds since the Unix epoch;
//! messages carry the part since midnight UTC.

mod answers;
mod config;
mod day;
mod requests;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use tercel_types::{InstrumentId, MatchNumber, Nanos, Symbol, TradingState};

use crate::accounts::{AccountReport, Accounts, Fees, OpenOrder, account_id};
use crate::flow::{Flow, FlowConfig};
use crate::market_data::{Context, MarketData};
use crate::matching::{Command, Event, Listing, Matching, Owner, RejectReason};
use crate::order_ports::{Arrival, Inbox, OrderPorts, PortCounters};
use crate::publisher::{Publisher, PublisherAddresses, PublisherCounters};

pub use config::{Control, ControlError, Opening, Recorded, SymbolConfig, VenueConfig, VenueError};

/// Background and recorded commands done in one step, so that a venue that fell behind still serves
/// its ports.
const COMMANDS_PER_STEP_MAX: usize = 10_000;
const NANOS_PER_DAY: u64 = 86_400_000_000_000;

/// The addresses in use, with the ports the system chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VenueAddresses {
    /// Market data.
    pub market_data: PublisherAddresses,
    /// Orders.
    pub ouch: SocketAddrV4,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VenueCounters {
    /// Market data.
    pub publisher: PublisherCounters,
    /// The order port.
    pub ports: PortCounters,
    /// Commands of the background flow.
    pub flow: u64,
    /// Recorded commands.
    pub replayed: u64,
    /// Executions in continuous trading and fills of crosses.
    pub executions: u64,
    /// Crosses held.
    pub crosses: u64,
    /// Executions and crosses broken.
    pub broken: u64,
    /// Market data messages that could not be published; none on a sound venue.
    pub unpublished: u64,
}

/// The venue's own account of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every account, in the order of the configuration.
    pub accounts: Vec<AccountReport>,
    /// Counts since the start.
    pub counters: VenueCounters,
}

/// Where in its day the venue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No step yet.
    Before,
    /// Orders are taken; the opening cross is to come.
    BeforeCross {
        at: Nanos,
    },
    Open,
    Ended,
}

/// A venue.
#[derive(Debug)]
pub struct Venue {
    matching: Matching,
    market_data: MarketData,
    publisher: Publisher,
    ports: OrderPorts,
    accounts: Accounts,
    symbols: Vec<(InstrumentId, SymbolConfig)>,
    instruments: BTreeMap<Symbol, InstrumentId>,
    fees: Fees,
    opening: Opening,
    phase: Phase,
    flow_config: Option<FlowConfig>,
    flow: Option<Flow>,
    replay: Option<Recorded>,
    /// The next recorded command.
    recorded: Option<(Nanos, Command)>,
    /// Instrument of every execution and cross by its number, zero once broken: two bytes each.
    trades: Vec<InstrumentId>,
    /// Fills of the cross under way, then of every cross.
    cross_fills: Vec<MatchNumber>,
    crosses: BTreeMap<MatchNumber, Vec<MatchNumber>>,
    /// The engine's refusal of the replace or the operator's command under way.
    refused: Option<RejectReason>,
    /// Reason to tell in place of the engine's.
    cancel_letter: Option<u8>,
    /// The reduction under way belongs to a modify.
    modifying: bool,
    /// The latest time anything happened at: what follows is never dated before it.
    clock: Nanos,
    inbox: Inbox,
    events: Vec<Event>,
    counters: VenueCounters,
}

impl Venue {
    /// Opens every address and lists every symbol. Nothing is sent before the first step.
    ///
    /// # Errors
    /// An address that cannot be opened, named with its configuration key, or a value out of range.
    pub fn bind(config: VenueConfig) -> Result<Venue, VenueError> {
        config.check()?;
        if let Some(flow) = &config.flow {
            // The flow itself is made when its start is known.
            Flow::new(flow.clone())?;
        }
        let mut matching = Matching::new(config.orders_max);
        let mut market_data = MarketData::default();
        let mut symbols = Vec::with_capacity(config.symbols.len());
        for (index, symbol) in config.symbols.iter().enumerate() {
            let instrument = VenueConfig::instrument(index);
            matching.list(&Listing {
                instrument,
                symbol: symbol.symbol,
                increment: symbol.increment,
                reference: symbol.initial_price,
                state: match config.opening {
                    Opening::Directly => TradingState::Trading,
                    Opening::Cross { .. } => TradingState::QuotationOnly,
                },
            });
            market_data.list(instrument, symbol.symbol);
            symbols.push((instrument, *symbol));
        }
        let publisher = Publisher::bind(config.publisher)?;
        let logins = config.accounts.iter().map(|account| account.login);
        let ports = OrderPorts::bind(config.ouch, publisher.session(), logins)
            .map_err(|source| VenueError::Ouch { address: config.ouch, source })?;
        let instruments = symbols.iter().map(|(id, symbol)| (symbol.symbol, *id)).collect();
        Ok(Venue {
            matching,
            market_data,
            publisher,
            ports,
            accounts: Accounts::new(config.accounts),
            symbols,
            instruments,
            fees: config.fees,
            opening: config.opening,
            phase: Phase::Before,
            flow_config: config.flow,
            flow: None,
            replay: config.replay,
            recorded: None,
            trades: Vec::new(),
            cross_fills: Vec::new(),
            crosses: BTreeMap::new(),
            refused: None,
            cancel_letter: None,
            modifying: false,
            clock: Nanos(0),
            inbox: Inbox::default(),
            events: Vec::new(),
            counters: VenueCounters::default(),
        })
    }

    /// The addresses in use.
    pub fn addresses(&self) -> VenueAddresses {
        VenueAddresses { market_data: self.publisher.addresses(), ouch: self.ports.address() }
    }

    /// The market data side, for its state and messages.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// The matching engine, to look at.
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// The day is over; what is still to be sent goes out with further steps.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Does all that is due by `now`. Returns how many things that were, zero when there was
    /// nothing to do.
    pub fn step(&mut self, now: Nanos) -> usize {
        self.ensure_begun(now);
        let mut done = 0;
        if let Phase::BeforeCross { at } = self.phase
            && now >= at
        {
            done += self.background(at) + 1;
            let at = self.tick(at);
            self.open(at);
        }
        if self.phase != Phase::Ended {
            done += self.background(now);
        }
        let now = self.tick(now);
        let mut inbox = std::mem::take(&mut self.inbox);
        done += self.ports.receive(now, &mut inbox);
        for arrival in &inbox.arrivals {
            self.on_arrival(arrival, &inbox.bytes, now);
        }
        inbox.arrivals.clear();
        inbox.bytes.clear();
        done += self.ports.send(now, &mut inbox);
        // Connections that ended while sending are dealt with in the next step.
        self.inbox = inbox;
        self.publisher.flush(now);
        done + self.publisher.step(now)
    }

    /// What every account holds and did.
    pub fn report(&self) -> Report {
        let symbol_of = |instrument| self.market_data.symbol(instrument);
        let accounts = self.accounts.iter().enumerate().map(|(index, account)| {
            let orders = self.matching.account_orders(account_id(index)).map(|order| OpenOrder {
                user_ref: order.owner.user_ref,
                order_ref: order.order_ref,
                symbol: symbol_of(order.instrument),
                side: order.side,
                price: order.price(),
                open: order.open,
            });
            account.report(self.ports.is_connected(index), orders.collect(), symbol_of)
        });
        let mut counters = self.counters;
        counters.publisher = self.publisher.counters();
        counters.ports = *self.ports.counters();
        Report { accounts: accounts.collect(), counters }
    }

    fn ensure_begun(&mut self, now: Nanos) {
        if self.phase != Phase::Before {
            return;
        }
        let now = self.tick(now);
        self.begin(now);
        let flow = self.flow_config.take().map(|config| FlowConfig { start: now, ..config });
        // Checked when the venue was bound.
        self.flow = flow.and_then(|config| Flow::new(config).ok());
        self.recorded = self.replay.as_mut().and_then(|replay| replay.0.next());
    }

    /// Background and recorded commands, each at its own time, the earlier first.
    fn background(&mut self, now: Nanos) -> usize {
        let mut done = 0;
        while done < COMMANDS_PER_STEP_MAX {
            let recorded = self.recorded.as_ref().map(|(at, _)| *at).filter(|&at| at <= now);
            // What the flow does until the next recorded command comes before it.
            let until = recorded.unwrap_or(now);
            let flow = self.flow.as_mut().and_then(|flow| flow.next(until, &self.matching));
            if let Some((at, command)) = flow {
                self.counters.flow += 1;
                self.apply(&command, at);
            } else if recorded.is_some() {
                let next = self.replay.as_mut().and_then(|replay| replay.0.next());
                let Some((at, command)) = std::mem::replace(&mut self.recorded, next) else {
                    break;
                };
                self.counters.replayed += 1;
                self.apply(&command, at);
            } else {
                break;
            }
            done += 1;
        }
        done
    }

    fn on_arrival(&mut self, arrival: &Arrival, bytes: &[u8], now: Nanos) {
        match arrival {
            Arrival::Message { account, bytes: range } => {
                if self.phase != Phase::Ended
                    && let Some(message) = bytes.get(range.clone())
                {
                    self.on_message(*account, message, now);
                }
            }
            Arrival::Disconnected { account } => {
                let cancels =
                    self.accounts.at(*account).is_some_and(|a| a.config.cancel_on_disconnect);
                if !cancels || self.ports.is_connected(*account) {
                    return;
                }
                let orders = self.matching.account_orders(account_id(*account));
                for owner in orders.map(|order| order.owner).collect::<Vec<_>>() {
                    self.cancel_for(owner, tercel_proto::ouch::reason::cancel::SYSTEM, now);
                }
            }
        }
    }

    /// Moves the venue's clock on, never back; the time it shows then. Only a flow that is behind
    /// by more than one step's commands, or a caller whose clock steps back, makes a difference.
    fn tick(&mut self, now: Nanos) -> Nanos {
        self.clock = self.clock.max(now);
        self.clock
    }

    /// Does one command and tells everybody: first all, then those concerned.
    fn apply(&mut self, command: &Command, now: Nanos) {
        let now = self.tick(now);
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        self.matching.apply(command, &mut events);
        for event in &events {
            self.announce(event, now);
            self.answer(event, now);
        }
        self.events = events;
    }

    fn announce(&mut self, event: &Event, now: Nanos) {
        let accounts = &self.accounts;
        let attribution = |owner: Owner| accounts.attribution(owner);
        let context = Context { time: time_of_day(now), attribution: &attribution };
        let (publisher, counters) = (&mut self.publisher, &mut self.counters);
        self.market_data.tell(event, &context, &mut |message| {
            if publisher.publish(message, now).is_err() {
                counters.unpublished += 1;
            }
        });
    }

    fn publish(&mut self, message: &[u8], now: Nanos) {
        if self.publisher.publish(message, now).is_err() {
            self.counters.unpublished += 1;
        }
    }

    /// Notes an execution or a cross, so that it can be broken.
    fn traded(&mut self, match_number: MatchNumber, instrument: InstrumentId) {
        let Ok(index) = usize::try_from(match_number.0) else { return };
        if index >= self.trades.len() {
            // The engine counts up by one.
            self.trades.resize(index + 1, InstrumentId(0));
        }
        self.trades[index] = instrument;
    }
}

/// Nanoseconds since midnight UTC.
fn time_of_day(now: Nanos) -> Nanos {
    Nanos(now.0 % NANOS_PER_DAY)
}
