//! A scripted venue at the other end of a port of memory. It accepts, replaces and cancels whatever
//! comes and executes every 32nd order in full, and nothing of what it does is measured: the port
//! only keeps what was committed until [`Venue::answer`] is called.

use std::collections::HashMap;
use tercel_proto::ouch::inbound::EnterOrder;
use tercel_proto::ouch::{
    Appendages, Inbound, Outbound, inbound, letter, order_state, outbound, reason,
};
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket};
use tercel_types::{PortError, StreamPort};
use zerocopy::big_endian::{U32, U64};

/// Of so many orders and replacements that are accepted one is executed, so that positions, cash
/// and profit move.
pub const EXECUTED_ONE_IN: u64 = 32;

/// Bytes of packets that wait for an answer: thousands of orders.
const OUT: usize = 1 << 20;

/// The port of the engine: packets are written where they stay.
#[derive(Debug)]
pub struct MemoryPort {
    out: Vec<u8>,
    written: usize,
    inbox: Vec<u8>,
}

/// The venue.
#[derive(Debug, Default)]
pub struct Venue {
    resting: HashMap<u32, Resting>,
    accepted: u64,
    next_user_ref: u32,
    sequence: u64,
    numbers: u64,
    /// Every order packet, if they are kept.
    pub packets: Vec<u8>,
    keeps: bool,
    executes: bool,
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    side: u8,
    symbol: [u8; 8],
    price: U64,
    quantity: U32,
}

impl MemoryPort {
    /// An empty port.
    pub fn new() -> MemoryPort {
        MemoryPort { out: vec![0; OUT], written: 0, inbox: Vec::with_capacity(OUT) }
    }

    /// Something waits for the venue.
    #[inline]
    pub fn has_orders(&self) -> bool {
        self.written > 0
    }
}

impl Default for MemoryPort {
    fn default() -> MemoryPort {
        MemoryPort::new()
    }
}

impl StreamPort for MemoryPort {
    #[inline]
    fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        self.out.get_mut(self.written..self.written + len)
    }

    /// The packet is complete where it lies; a card would be told of it here.
    #[inline]
    fn commit(&mut self, len: usize) -> Result<(), PortError> {
        self.written += len;
        Ok(())
    }

    fn poll(&mut self, mut each: impl FnMut(&[u8]) -> usize) -> Result<usize, PortError> {
        let consumed = each(&self.inbox);
        self.inbox.drain(..consumed);
        Ok(consumed)
    }
}

impl Venue {
    /// A venue without orders. It keeps every order packet if `keeps`, and executes some of the
    /// orders if `executes`.
    pub fn new(keeps: bool, executes: bool) -> Venue {
        let (next_user_ref, sequence, numbers) = (1, 1, 1 << 60);
        Venue { next_user_ref, sequence, numbers, keeps, executes, ..Venue::default() }
    }

    /// Answers everything that was committed.
    ///
    /// # Panics
    /// When that is not what an order session sends.
    pub fn answer(&mut self, port: &mut MemoryPort) {
        let MemoryPort { out, written, inbox } = port;
        let mut rest = &out[..*written];
        while !rest.is_empty() {
            let packet = ClientPacket::parse(rest).expect("SoupBinTCP");
            let (packet, len) = packet.expect("packets are committed whole");
            match packet {
                ClientPacket::LoginRequest(_) => {
                    let accepted = LoginAccepted::new(*b"BENCH     ", self.sequence);
                    put(inbox, &ServerPacket::LoginAccepted(&accepted));
                }
                ClientPacket::Unsequenced(message) => {
                    if self.keeps {
                        self.packets.extend_from_slice(&rest[..len]);
                    }
                    self.on_message(&Inbound::parse(message).expect("OUCH"), inbox);
                }
                ClientPacket::Logout => put(inbox, &ServerPacket::EndOfSession),
                ClientPacket::Heartbeat | ClientPacket::Debug(_) => {}
            }
            rest = &rest[len..];
        }
        *written = 0;
    }

    /// Says that the line lives.
    pub fn beat(&mut self, port: &mut MemoryPort) {
        put(&mut port.inbox, &ServerPacket::Heartbeat);
    }

    fn on_message(&mut self, message: &Inbound<'_>, inbox: &mut Vec<u8>) {
        match message {
            Inbound::EnterOrder(enter, _) => self.enter(enter, inbox),
            Inbound::ReplaceOrder(replace, _) => self.replace(replace, inbox),
            Inbound::CancelOrder(cancel, _) => self.cancel(cancel.user_ref, inbox),
            Inbound::AccountQuery(..) => {
                let response = outbound::AccountQueryResponse {
                    kind: outbound::AccountQueryResponse::KIND,
                    timestamp: U64::new(0),
                    next_user_ref: U32::new(self.next_user_ref),
                };
                self.say(&Outbound::AccountQueryResponse(&response, Appendages::EMPTY), inbox);
            }
            other => panic!("a host sends no {:?}", char::from(other.kind())),
        }
    }

    fn enter(&mut self, enter: &EnterOrder, inbox: &mut Vec<u8>) {
        let EnterOrder { side, symbol, price, quantity, .. } = *enter;
        let accepted = outbound::OrderAccepted {
            kind: outbound::OrderAccepted::KIND,
            timestamp: U64::new(0),
            user_ref: enter.user_ref,
            side,
            quantity,
            symbol,
            price,
            time_in_force: enter.time_in_force,
            display: enter.display,
            order_ref: self.number(),
            capacity: enter.capacity,
            sweep: enter.sweep,
            cross: enter.cross,
            state: order_state::LIVE,
            client_order_id: enter.client_order_id,
        };
        self.say(&Outbound::OrderAccepted(&accepted, Appendages::EMPTY), inbox);
        self.rest(enter.user_ref, Resting { side, symbol, price, quantity }, inbox);
    }

    /// Executions here are of whole orders, so a chain has executed nothing before.
    fn replace(&mut self, replace: &inbound::ReplaceOrder, inbox: &mut Vec<u8>) {
        let Some(old) = self.resting.remove(&replace.original.get()) else { return };
        let order = Resting { price: replace.price, quantity: replace.quantity, ..old };
        let replaced = outbound::OrderReplaced {
            kind: outbound::OrderReplaced::KIND,
            timestamp: U64::new(0),
            original: replace.original,
            user_ref: replace.user_ref,
            side: order.side,
            quantity: order.quantity,
            symbol: order.symbol,
            price: order.price,
            time_in_force: replace.time_in_force,
            display: replace.display,
            order_ref: self.number(),
            capacity: letter::CAPACITY_PRINCIPAL,
            sweep: replace.sweep,
            cross: letter::CROSS_CONTINUOUS,
            state: order_state::LIVE,
            client_order_id: replace.client_order_id,
        };
        self.say(&Outbound::OrderReplaced(&replaced, Appendages::EMPTY), inbox);
        self.rest(replace.user_ref, order, inbox);
    }

    fn cancel(&mut self, user_ref: U32, inbox: &mut Vec<u8>) {
        let Some(order) = self.resting.remove(&user_ref.get()) else { return };
        let canceled = outbound::OrderCanceled {
            kind: outbound::OrderCanceled::KIND,
            timestamp: U64::new(0),
            user_ref,
            quantity: order.quantity,
            reason: reason::cancel::USER,
        };
        self.say(&Outbound::OrderCanceled(&canceled, Appendages::EMPTY), inbox);
    }

    /// An order comes to rest, or trades.
    fn rest(&mut self, user_ref: U32, order: Resting, inbox: &mut Vec<u8>) {
        self.next_user_ref = self.next_user_ref.max(user_ref.get() + 1);
        self.accepted += 1;
        if !(self.executes && self.accepted.is_multiple_of(EXECUTED_ONE_IN)) {
            self.resting.insert(user_ref.get(), order);
            return;
        }
        let executed = outbound::OrderExecuted {
            kind: outbound::OrderExecuted::KIND,
            timestamp: U64::new(0),
            user_ref,
            quantity: order.quantity,
            price: order.price,
            liquidity: letter::LIQUIDITY_ADDED,
            match_number: self.number(),
        };
        self.say(&Outbound::OrderExecuted(&executed, Appendages::EMPTY), inbox);
    }

    fn number(&mut self) -> U64 {
        self.numbers += 1;
        U64::new(self.numbers)
    }

    fn say(&mut self, message: &Outbound<'_>, inbox: &mut Vec<u8>) {
        let mut bytes = [0; 256];
        let len = message.emit(&mut bytes).expect("it fits");
        self.sequence += 1;
        put(inbox, &ServerPacket::Sequenced(&bytes[..len]));
    }
}

fn put(inbox: &mut Vec<u8>, packet: &ServerPacket<'_>) {
    let mut bytes = [0; 256];
    let len = packet.emit(&mut bytes).expect("it fits");
    inbox.extend_from_slice(&bytes[..len]);
}
