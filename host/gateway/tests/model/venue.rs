//! A venue that knows one account, written plainly.

use super::SESSION;
use std::collections::BTreeMap;
use tercel_proto::ouch::appendage::Appendages;
use tercel_proto::ouch::outbound::*;
use tercel_proto::ouch::{Inbound, Outbound, order_state, reason};
use tercel_proto::soup::{ClientPacket, LoginAccepted, ServerPacket};

/// One live order of the venue's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resting {
    pub(crate) side: u8,
    pub(crate) symbol: [u8; 8],
    pub(crate) price: u64,
    pub(crate) open: u32,
    /// Executed or prevented in the chain.
    pub(crate) done: u32,
    pub(crate) order_ref: u64,
}

/// How the venue takes the next request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    Kind,
    Reject,
    Dead,
    InvalidReplace,
}

pub(crate) struct Venue {
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) next_ref: u32,
    pub(crate) live: BTreeMap<u32, Resting>,
    pub(crate) trades: Vec<(u32, u64, u32, bool)>,
    pub(crate) position: BTreeMap<[u8; 8], i64>,
    /// A login of zero is answered with the last message's number instead of the next one's.
    pub(crate) names_last: bool,
    pub(crate) clock: u64,
    order_ref: u64,
    match_number: u64,
    /// Messages sent on this connection, once logged in.
    sent: Option<usize>,
}

impl Venue {
    pub(crate) fn new(names_last: bool) -> Venue {
        Venue {
            log: Vec::new(),
            next_ref: 1,
            live: BTreeMap::new(),
            trades: Vec::new(),
            position: BTreeMap::new(),
            names_last,
            clock: 34_200_000_000_000,
            order_ref: 1_000,
            match_number: 0,
            sent: None,
        }
    }

    pub(crate) fn say(&mut self, message: Outbound<'_>) {
        let mut out = [0; 256];
        let len = message.emit(&mut out).unwrap();
        self.log.push(out[..len].to_vec());
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1_000;
        self.clock
    }

    pub(crate) fn disconnect(&mut self) {
        self.sent = None;
    }

    /// Takes one packet and answers into `out`.
    pub(crate) fn take(&mut self, packet: ClientPacket<'_>, mood: Mood, out: &mut Vec<u8>) {
        match packet {
            ClientPacket::LoginRequest(request) => {
                let asked = request.sequence_number().unwrap() as usize;
                let number = match asked {
                    0 if self.names_last => self.log.len().max(1),
                    0 => self.log.len() + 1,
                    asked => asked,
                };
                self.sent = Some(number - 1);
                let accepted = LoginAccepted::new(SESSION, number as u64);
                put(ServerPacket::LoginAccepted(&accepted), out);
            }
            ClientPacket::Unsequenced(message) => {
                let message = message.to_vec();
                self.request(Inbound::parse(&message).unwrap(), mood);
            }
            ClientPacket::Logout => self.sent = None,
            ClientPacket::Debug(_) | ClientPacket::Heartbeat => {}
        }
        self.flush(out);
    }

    /// Sends what the client does not have yet.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        let Some(sent) = &mut self.sent else { return };
        for message in &self.log[(*sent).min(self.log.len())..] {
            put(ServerPacket::Sequenced(message), out);
        }
        *sent = (*sent).max(self.log.len());
    }

    fn request(&mut self, message: Inbound<'_>, mood: Mood) {
        match message {
            Inbound::EnterOrder(m, _) => {
                let order = Resting {
                    side: m.side,
                    symbol: m.symbol,
                    price: m.price.get(),
                    open: m.quantity.get(),
                    done: 0,
                    order_ref: 0,
                };
                if !self.consume(m.user_ref.get()) {
                    return;
                }
                if mood == Mood::Reject {
                    self.reject(m.user_ref.get());
                } else {
                    self.accept(m.user_ref.get(), order, None, mood == Mood::Dead);
                }
            }
            Inbound::ReplaceOrder(m, _) => {
                let original = m.original.get();
                let Some(old) = self.live.get(&original).cloned() else { return };
                if mood == Mood::InvalidReplace {
                    self.cancel(original, u32::MAX, reason::cancel::USER);
                    return;
                }
                if !self.consume(m.user_ref.get()) {
                    return;
                }
                if mood == Mood::Reject {
                    self.reject(m.user_ref.get());
                    return;
                }
                self.live.remove(&original);
                let open = m.quantity.get().saturating_sub(old.done);
                let order = Resting { price: m.price.get(), open, ..old };
                let dead = mood == Mood::Dead || open == 0;
                self.accept(m.user_ref.get(), order, Some(original), dead);
            }
            Inbound::CancelOrder(m, _) => {
                assert_eq!(m.quantity.get(), 0);
                self.cancel(m.user_ref.get(), u32::MAX, reason::cancel::USER);
            }
            Inbound::AccountQuery(..) => {
                let timestamp = self.tick().into();
                let response = AccountQueryResponse {
                    kind: AccountQueryResponse::KIND,
                    timestamp,
                    next_user_ref: self.next_ref.into(),
                };
                self.say(Outbound::AccountQueryResponse(&response, Appendages::ABSENT));
            }
            other => panic!("{other:?}"),
        }
    }

    fn consume(&mut self, user_ref: u32) -> bool {
        let fresh = user_ref >= self.next_ref;
        self.next_ref = self.next_ref.max(user_ref + 1);
        fresh
    }

    fn reject(&mut self, user_ref: u32) {
        let message = OrderRejected {
            kind: OrderRejected::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            reason: reason::reject::INVALID_PRICE.into(),
            client_order_id: [b' '; 14],
        };
        self.say(Outbound::OrderRejected(&message, Appendages::ABSENT));
    }

    fn accept(&mut self, user_ref: u32, mut order: Resting, original: Option<u32>, dead: bool) {
        self.order_ref += 1;
        order.order_ref = self.order_ref;
        let timestamp = self.tick().into();
        let state = if dead { order_state::DEAD } else { order_state::LIVE };
        let accepted = OrderAccepted {
            kind: OrderAccepted::KIND,
            timestamp,
            user_ref: user_ref.into(),
            side: order.side,
            quantity: order.open.into(),
            symbol: order.symbol,
            price: order.price.into(),
            time_in_force: b'0',
            display: b'Y',
            order_ref: order.order_ref.into(),
            capacity: b'P',
            sweep: b'N',
            cross: b'N',
            state,
            client_order_id: [b' '; 14],
        };
        match original {
            None => self.say(Outbound::OrderAccepted(&accepted, Appendages::EMPTY)),
            Some(original) => {
                let replaced = OrderReplaced {
                    kind: OrderReplaced::KIND,
                    timestamp,
                    original: original.into(),
                    user_ref: user_ref.into(),
                    side: order.side,
                    quantity: order.open.into(),
                    symbol: order.symbol,
                    price: order.price.into(),
                    time_in_force: b'0',
                    display: b'Y',
                    order_ref: order.order_ref.into(),
                    capacity: b'P',
                    sweep: b'N',
                    cross: b'N',
                    state,
                    client_order_id: [b' '; 14],
                };
                self.say(Outbound::OrderReplaced(&replaced, Appendages::EMPTY));
            }
        }
        if !dead {
            self.live.insert(user_ref, order);
        }
    }

    /// Takes off up to `qty` shares.
    pub(crate) fn cancel(&mut self, user_ref: u32, qty: u32, reason: u8) {
        let Some(order) = self.live.get_mut(&user_ref) else { return };
        let qty = qty.min(order.open);
        order.open -= qty;
        if order.open == 0 {
            self.live.remove(&user_ref);
        }
        let message = OrderCanceled {
            kind: OrderCanceled::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            quantity: qty.into(),
            reason,
        };
        self.say(Outbound::OrderCanceled(&message, Appendages::ABSENT));
    }

    /// Prevents a trade with oneself of up to `qty` shares.
    pub(crate) fn prevent(&mut self, user_ref: u32, qty: u32) {
        let Some(order) = self.live.get_mut(&user_ref) else { return };
        let qty = qty.min(order.open);
        order.open -= qty;
        order.done += qty;
        let price = order.price;
        if order.open == 0 {
            self.live.remove(&user_ref);
        }
        let message = AiqCanceled {
            kind: AiqCanceled::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            decrement: qty.into(),
            reason: reason::cancel::SELF_MATCH,
            prevented: qty.into(),
            price: price.into(),
            liquidity: b'A',
            strategy: b'O',
        };
        self.say(Outbound::AiqCanceled(&message, Appendages::ABSENT));
    }

    /// Trades up to `qty` shares at the limit price.
    pub(crate) fn trade(&mut self, user_ref: u32, qty: u32) {
        let Some(order) = self.live.get_mut(&user_ref) else { return };
        let qty = qty.min(order.open);
        order.open -= qty;
        order.done += qty;
        let (price, buys, symbol) = (order.price, order.side == b'B', order.symbol);
        if order.open == 0 {
            self.live.remove(&user_ref);
        }
        self.match_number += 1;
        let number = self.match_number;
        self.trades.push((user_ref, number, qty, buys));
        let moved = i64::from(qty) * if buys { 1 } else { -1 };
        *self.position.entry(symbol).or_default() += moved;
        let message = OrderExecuted {
            kind: OrderExecuted::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            quantity: qty.into(),
            price: price.into(),
            liquidity: b'A',
            match_number: number.into(),
        };
        self.say(Outbound::OrderExecuted(&message, Appendages::EMPTY));
    }

    /// Breaks the `index`th trade that is not broken.
    pub(crate) fn break_trade(&mut self, index: usize, symbol_of: impl Fn(u32) -> [u8; 8]) {
        if self.trades.is_empty() {
            return;
        }
        let (user_ref, number, qty, buys) = self.trades.swap_remove(index % self.trades.len());
        let moved = i64::from(qty) * if buys { 1 } else { -1 };
        *self.position.entry(symbol_of(user_ref)).or_default() -= moved;
        let message = BrokenTrade {
            kind: BrokenTrade::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            match_number: number.into(),
            reason: b'E',
            client_order_id: [b' '; 14],
        };
        self.say(Outbound::BrokenTrade(&message, Appendages::ABSENT));
    }

    /// Gives an order another number and price.
    pub(crate) fn reprioritise(&mut self, user_ref: u32, slide: u64) {
        self.order_ref += 1;
        let order_ref = self.order_ref;
        let Some(order) = self.live.get_mut(&user_ref) else { return };
        order.order_ref = order_ref;
        order.price -= slide;
        let price = order.price;
        let message = OrderPriorityUpdate {
            kind: OrderPriorityUpdate::KIND,
            timestamp: self.tick().into(),
            user_ref: user_ref.into(),
            price: price.into(),
            display: b'Y',
            order_ref: order_ref.into(),
        };
        self.say(Outbound::OrderPriorityUpdate(&message, Appendages::ABSENT));
    }
}

pub(crate) fn put(packet: ServerPacket<'_>, out: &mut Vec<u8>) {
    let mut bytes = [0; 512];
    let len = packet.emit(&mut bytes).unwrap();
    out.extend_from_slice(&bytes[..len]);
}
