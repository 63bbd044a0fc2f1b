//! The gateway: its state and what its owner calls.

use crate::config::GatewayConfig;
use crate::counters::GatewayCounters;
use crate::error::SessionError;
use crate::executions::Executions;
use crate::line::{Line, Link, Session, Take};
use crate::orders::Orders;
use crate::symbols::Symbols;
use tercel_proto::ouch::Outbound;
use tercel_proto::soup::{self, ServerPacket};
use tercel_types::{Ack, InstrumentId, Nanos, Own, Symbol, UserRef, WorkingOrder};

/// Longest packet that [`Gateway::encode_into`] and [`Gateway::transmit`] write: an Enter Order
/// with firm, customer type and post-only. A login is 49 bytes.
pub const MAX_PACKET: usize = 64;

/// One order session at one venue. See the crate's documentation.
pub struct Gateway {
    pub(crate) config: GatewayConfig,
    pub(crate) line: Line,
    pub(crate) symbols: Symbols,
    pub(crate) orders: Orders,
    pub(crate) executions: Executions,
    pub(crate) counters: GatewayCounters,
    /// The next number to give out, zero when they have run out.
    pub(crate) next_ref: u32,
    /// What keeps the session from being ready.
    pub(crate) refusal: Option<SessionError>,
}

impl Gateway {
    /// A gateway without connection. Allocates all its tables; sizes out of range are moved into
    /// it.
    pub fn new(config: GatewayConfig) -> Gateway {
        let config = config.clamped();
        Gateway {
            line: Line::new(&config),
            symbols: Symbols::new(config.instruments_max),
            orders: Orders::new(config.orders_max, config.dead_max, config.instruments_max),
            executions: Executions::new(config.executions_max),
            counters: GatewayCounters::default(),
            next_ref: 1,
            refusal: None,
            config,
        }
    }

    /// Binds a symbol to an instrument. All of the directory must be bound before the first
    /// connection: recovery knows orders by symbol. `false` when the instrument is beyond
    /// `instruments_max`.
    pub fn set_symbol(&mut self, instrument: InstrumentId, symbol: Symbol) -> bool {
        self.symbols.set(instrument, symbol)
    }

    /// Where the session stands.
    #[inline]
    pub fn session(&self) -> Session {
        self.line.session()
    }

    /// Why orders are refused although the line works; see [`crate::refusal`].
    pub fn refusal(&self) -> Option<SessionError> {
        self.refusal
    }

    /// The number for the next new or replacing order; `None` unless the session is ready. Asking
    /// does not use it up; encoding an order does, so intents are checked and encoded one by one.
    #[inline]
    pub fn next_user_ref(&self) -> Option<UserRef> {
        (self.line.link == Link::Ready && self.next_ref != 0).then_some(UserRef(self.next_ref))
    }

    /// The number of the next sequenced message of the session.
    pub fn next_sequence(&self) -> u64 {
        self.line.next_sequence()
    }

    /// A connection was made; a login is due.
    pub fn on_connected(&mut self, now: Nanos) {
        self.line.on_connected(now);
    }

    /// The connection is gone. Orders stay as they are until recovery has told what became of them.
    pub fn on_disconnected(&mut self, _now: Nanos) {
        self.line.on_disconnected();
    }

    /// The first login of a recovery was answered: send what [`Gateway::transmit`] has (a logout),
    /// close the connection, call [`Gateway::on_disconnected`] and connect again.
    pub fn wants_reconnect(&self) -> bool {
        matches!(self.line.link, Link::Probed { .. })
    }

    /// Makes a logout due. Open orders stay open at the venue, where the port is not set otherwise.
    pub fn begin_logout(&mut self) {
        self.line.begin_logout();
    }

    /// Takes bytes of the stream and hands out an ack for each message about an order. Returns how
    /// many bytes were consumed; the rest are the beginning of a packet and must come again. After
    /// an error the connection is of no use.
    pub fn on_bytes(
        &mut self,
        bytes: &[u8],
        now: Nanos,
        mut each: impl FnMut(&Ack),
    ) -> Result<usize, SessionError> {
        let mut consumed = 0;
        loop {
            let rest = bytes.get(consumed..).unwrap_or(&[]);
            match ServerPacket::parse(rest) {
                Ok(Some((packet, len))) => {
                    consumed += len;
                    self.on_packet(packet, now, &mut each)?;
                }
                Ok(None) => return Ok(consumed),
                Err(_) => {
                    self.counters.malformed_packets += 1;
                    // A packet that does not parse is there as a whole.
                    consumed += soup::skip(rest).unwrap_or(rest.len());
                }
            }
        }
    }

    /// Writes the packet that is due now (login, logout, account query, heartbeat) to the front of
    /// `tx` and returns its length; zero when none is. `tx` has [`MAX_PACKET`] bytes.
    pub fn transmit(&mut self, now: Nanos, tx: &mut [u8]) -> usize {
        self.line.transmit(now, tx)
    }

    /// Fails when the venue was silent for too long; the caller closes the connection.
    pub fn on_timer(&mut self, now: Nanos) -> Result<(), SessionError> {
        self.line.on_timer(now)
    }

    /// The newest working order of each side; position is left zero, it is risk's to say. While a
    /// replace is under way the replacement is the newest, as [`PendingNew`]: a cancel of it
    /// reaches the venue after the replace and so takes off what then is open. O(1).
    ///
    /// [`PendingNew`]: tercel_types::WorkingState::PendingNew
    #[inline]
    pub fn own(&self, instrument: InstrumentId) -> Own {
        use tercel_types::Side::{Buy, Sell};
        Own {
            position: 0,
            bid: self.orders.newest(instrument, Buy).map(|order| order.working()),
            ask: self.orders.newest(instrument, Sell).map(|order| order.working()),
        }
    }

    /// All orders that may still trade. An order in [`PendingReplace`] and its replacement are both
    /// there. Walks the table: for cold code.
    ///
    /// [`PendingReplace`]: tercel_types::WorkingState::PendingReplace
    pub fn open_orders(&self) -> impl Iterator<Item = (InstrumentId, WorkingOrder)> {
        self.orders.live().map(|order| (order.instrument, order.working()))
    }

    /// An order that may still trade.
    #[inline]
    pub fn order(&self, user_ref: UserRef) -> Option<WorkingOrder> {
        self.orders.find_live(user_ref).map(|slot| self.orders.get(slot).working())
    }

    /// Counts since the gateway was made.
    pub fn counters(&self) -> &GatewayCounters {
        &self.counters
    }

    #[inline]
    fn on_packet(
        &mut self,
        packet: ServerPacket<'_>,
        now: Nanos,
        each: &mut impl FnMut(&Ack),
    ) -> Result<(), SessionError> {
        self.line.on_received(now);
        match packet {
            ServerPacket::Sequenced(message) => self.on_sequenced(message, now, each),
            ServerPacket::Heartbeat => self.counters.heartbeats += 1,
            ServerPacket::LoginAccepted(accepted) => {
                if self.line.on_accepted(accepted)? {
                    self.counters.logins += 1;
                } else {
                    self.counters.unexpected_packets += 1;
                }
            }
            ServerPacket::LoginRejected(reason) => return Err(self.line.on_rejected(reason)),
            ServerPacket::EndOfSession => self.line.link = Link::Ended,
            ServerPacket::Debug(_) => self.counters.debug_packets += 1,
            ServerPacket::Unsequenced(_) => self.counters.unexpected_packets += 1,
        }
        Ok(())
    }

    #[inline]
    fn on_sequenced(&mut self, message: &[u8], now: Nanos, each: &mut impl FnMut(&Ack)) {
        match self.line.on_sequenced() {
            Take::New => {}
            Take::Duplicate => {
                self.counters.duplicates += 1;
                return;
            }
            Take::Ignore => return,
        }
        self.counters.sequenced += 1;
        match Outbound::parse(message) {
            Ok(message) => self.apply(&message, now, each),
            Err(_) => self.counters.malformed_messages += 1,
        }
        self.line.end_replay();
    }
}
