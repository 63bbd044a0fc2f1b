//! A venue on paper: accepts every order, and fills it in full once the opposite touch reaches its
//! price.
//!
//! It answers on the same byte stream as a real venue, so that the gateway, risk and everything
//! behind them run unchanged. It makes a replay repeatable; it knows nothing of queues or of the
//! order's own effect, so its profit means nothing.

use crate::order_line::OrderLog;
use tercel_book::Books;
use tercel_proto::ouch::{self, Appendages, Inbound, Outbound, inbound, letter, outbound};
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket};
use tercel_types::{InstrumentId, Nanos, PortError, Price, Side, StreamPort, Symbol};
use zerocopy::big_endian::{U32, U64};

const SESSION: [u8; 10] = *b"PAPER     ";
/// Order references of paper orders: above any that a feed uses.
const FIRST_ORDER_REF: u64 = 1 << 62;

/// A resting paper order.
#[derive(Clone, Copy, Debug)]
struct Resting {
    user_ref: u32,
    symbol: Symbol,
    side: u8,
    price: u64,
    qty: u32,
}

/// The paper venue as a port.
pub(crate) struct PaperPort {
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    resting: Vec<Resting>,
    now: Nanos,
    next_user_ref: u32,
    next_sequence: u64,
    next_ref: u64,
    next_match: u64,
    log: Option<OrderLog>,
}

impl PaperPort {
    pub(crate) fn new(log: Option<OrderLog>) -> PaperPort {
        PaperPort {
            outgoing: vec![0; 4096],
            incoming: Vec::new(),
            resting: Vec::new(),
            now: Nanos(0),
            next_user_ref: 1,
            next_sequence: 1,
            next_ref: FIRST_ORDER_REF,
            next_match: 1,
            log,
        }
    }

    /// Moves the venue's time and fills what the books have reached.
    pub(crate) fn on_market(
        &mut self,
        now: Nanos,
        books: &Books,
        instruments: impl Fn(Symbol) -> Option<InstrumentId>,
    ) {
        self.now = now;
        let mut at = 0;
        while at < self.resting.len() {
            let order = self.resting[at];
            let reached = instruments(order.symbol).is_some_and(|id| is_reached(books, id, &order));
            if reached {
                self.resting.remove(at);
                self.execute(&order);
            } else {
                at += 1;
            }
        }
    }

    /// Sends a heartbeat.
    pub(crate) fn beat(&mut self) {
        self.packet(&ServerPacket::Heartbeat);
    }

    /// What could not be written of the orders' file.
    pub(crate) fn complaint(&mut self) -> Option<String> {
        let log = self.log.as_mut()?;
        log.flush();
        log.complaint()
    }

    fn execute(&mut self, order: &Resting) {
        let executed = outbound::OrderExecuted {
            kind: outbound::OrderExecuted::KIND,
            timestamp: U64::new(self.now.0),
            user_ref: U32::new(order.user_ref),
            quantity: U32::new(order.qty),
            price: U64::new(order.price),
            liquidity: letter::LIQUIDITY_ADDED,
            match_number: U64::new(self.next_match),
        };
        self.next_match += 1;
        self.answer(&Outbound::OrderExecuted(&executed, Appendages::EMPTY));
    }

    fn answer(&mut self, message: &Outbound<'_>) {
        let mut bytes = [0; 256];
        if let Some(len) = message.emit(&mut bytes) {
            self.next_sequence += 1;
            self.packet(&ServerPacket::Sequenced(&bytes[..len]));
        }
    }

    fn packet(&mut self, packet: &ServerPacket<'_>) {
        let mut bytes = [0; 512];
        if let Some(len) = packet.emit(&mut bytes) {
            self.incoming.extend_from_slice(&bytes[..len]);
        }
    }

    fn on_client(&mut self, packet: &ClientPacket<'_>) {
        match packet {
            ClientPacket::LoginRequest(_) => {
                let accepted = LoginAccepted::new(SESSION, self.next_sequence);
                self.packet(&ServerPacket::LoginAccepted(&accepted));
            }
            ClientPacket::Unsequenced(message) => {
                if let Ok(message) = Inbound::parse(message) {
                    self.on_message(&message);
                }
            }
            ClientPacket::Logout => self.packet(&ServerPacket::EndOfSession),
            ClientPacket::Debug(_) | ClientPacket::Heartbeat => {}
        }
    }

    fn on_message(&mut self, message: &Inbound<'_>) {
        match message {
            Inbound::EnterOrder(enter, _) => self.enter(enter),
            Inbound::ReplaceOrder(replace, _) => self.replace(replace),
            Inbound::CancelOrder(cancel, _) => self.cancel(cancel.user_ref.get()),
            Inbound::AccountQuery(..) => {
                let response = outbound::AccountQueryResponse {
                    kind: outbound::AccountQueryResponse::KIND,
                    timestamp: U64::new(self.now.0),
                    next_user_ref: U32::new(self.next_user_ref),
                };
                self.answer(&Outbound::AccountQueryResponse(&response, Appendages::EMPTY));
            }
            // The host sends no other message.
            _ => {}
        }
    }

    fn enter(&mut self, enter: &inbound::EnterOrder) {
        self.next_user_ref = self.next_user_ref.max(enter.user_ref.get().saturating_add(1));
        let order_ref = self.new_ref();
        let accepted = outbound::OrderAccepted {
            kind: outbound::OrderAccepted::KIND,
            timestamp: U64::new(self.now.0),
            user_ref: enter.user_ref,
            side: enter.side,
            quantity: enter.quantity,
            symbol: enter.symbol,
            price: enter.price,
            time_in_force: enter.time_in_force,
            display: enter.display,
            order_ref: U64::new(order_ref),
            capacity: enter.capacity,
            sweep: enter.sweep,
            cross: enter.cross,
            state: ouch::order_state::LIVE,
            client_order_id: enter.client_order_id,
        };
        self.resting.push(Resting {
            user_ref: enter.user_ref.get(),
            symbol: Symbol(enter.symbol),
            side: enter.side,
            price: enter.price.get(),
            qty: enter.quantity.get(),
        });
        self.answer(&Outbound::OrderAccepted(&accepted, Appendages::EMPTY));
    }

    /// Paper orders fill whole or not at all, so the replacement's quantity is what is open.
    fn replace(&mut self, replace: &inbound::ReplaceOrder) {
        self.next_user_ref = self.next_user_ref.max(replace.user_ref.get().saturating_add(1));
        let original = replace.original.get();
        let Some(at) = self.resting.iter().position(|one| one.user_ref == original) else { return };
        let order = Resting {
            user_ref: replace.user_ref.get(),
            price: replace.price.get(),
            qty: replace.quantity.get(),
            ..self.resting.remove(at)
        };
        let order_ref = self.new_ref();
        let replaced = outbound::OrderReplaced {
            kind: outbound::OrderReplaced::KIND,
            timestamp: U64::new(self.now.0),
            original: replace.original,
            user_ref: replace.user_ref,
            side: order.side,
            quantity: replace.quantity,
            symbol: order.symbol.0,
            price: replace.price,
            time_in_force: replace.time_in_force,
            display: replace.display,
            order_ref: U64::new(order_ref),
            capacity: letter::CAPACITY_PRINCIPAL,
            sweep: replace.sweep,
            cross: letter::CROSS_CONTINUOUS,
            state: ouch::order_state::LIVE,
            client_order_id: replace.client_order_id,
        };
        self.resting.push(order);
        self.answer(&Outbound::OrderReplaced(&replaced, Appendages::EMPTY));
    }

    fn cancel(&mut self, user_ref: u32) {
        let Some(at) = self.resting.iter().position(|one| one.user_ref == user_ref) else { return };
        let order = self.resting.remove(at);
        let canceled = outbound::OrderCanceled {
            kind: outbound::OrderCanceled::KIND,
            timestamp: U64::new(self.now.0),
            user_ref: U32::new(user_ref),
            quantity: U32::new(order.qty),
            reason: b'U',
        };
        self.answer(&Outbound::OrderCanceled(&canceled, Appendages::EMPTY));
    }

    fn new_ref(&mut self) -> u64 {
        self.next_ref += 1;
        self.next_ref
    }
}

/// The opposite touch is at the order's price or through it.
fn is_reached(books: &Books, id: InstrumentId, order: &Resting) -> bool {
    let side = if order.side == ouch::side::BUY { Side::Buy } else { Side::Sell };
    let opposite = *books.top(id).side(side.opposite());
    let limit = Price(order.price as i64);
    !opposite.is_empty() && (opposite.price == limit || side.better(limit, opposite.price))
}

impl StreamPort for PaperPort {
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.outgoing.get_mut(..len)
    }

    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        let bytes = std::mem::take(&mut self.outgoing);
        if let Some(log) = &mut self.log {
            log.push(&bytes[..len]);
            log.flush();
        }
        if let Ok(Some((packet, _))) = ClientPacket::parse(&bytes[..len]) {
            self.on_client(&packet);
        }
        self.outgoing = bytes;
        Ok(())
    }

    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let waiting = std::mem::take(&mut self.incoming);
        let consumed = each(&waiting);
        let answers =
            std::mem::replace(&mut self.incoming, waiting.get(consumed..).unwrap_or(&[]).to_vec());
        self.incoming.extend(answers);
        Ok(consumed)
    }
}
