//! Another participant of the venue, who does what no host of ours would: an OUCH session of its
//! own, over which it drives a market up and down.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use tercel_proto::ouch::inbound::{CancelOrder, EnterOrder};
use tercel_proto::ouch::{Appendages, Inbound, letter};
use tercel_proto::soup::{ANY_SESSION, ClientPacket, LoginRequest};
use tercel_types::{Price, Symbol};
use zerocopy::big_endian::{U32, U64};

/// Shares of an order: more than the book holds within its limit, so that the rest stands there.
const SHARES: u32 = 50_000;

/// The participant.
pub(crate) struct Stranger {
    stream: TcpStream,
    user_ref: u32,
    /// It buys next.
    buys: bool,
}

impl Stranger {
    /// Logs in with the venue's second account.
    pub(crate) fn join(address: &str) -> Stranger {
        let stream = TcpStream::connect(address).expect("the venue listens");
        stream.set_nonblocking(true).expect("a socket");
        let mut stranger = Stranger { stream, user_ref: 0, buys: true };
        let login = LoginRequest::new(*b"OTHER ", *b"demo      ", ANY_SESSION, 1);
        stranger.send(ClientPacket::LoginRequest(&login));
        stranger
    }

    /// Withdraws what it had, and trades through the book of every instrument of a host's report to
    /// `share` of its price away: upwards, the next time downwards.
    pub(crate) fn sweep(&mut self, instruments: &Value, share: f64) {
        self.read();
        let all = instruments.as_array().expect("instruments");
        for back in 0..all.len().min(self.user_ref as usize) as u32 {
            let cancel = CancelOrder {
                kind: CancelOrder::KIND,
                user_ref: U32::new(self.user_ref - back),
                quantity: U32::new(0),
            };
            self.request(&Inbound::CancelOrder(&cancel, Appendages::ABSENT));
        }
        for one in all {
            let touch = if self.buys { &one["ask_e4"] } else { &one["bid_e4"] };
            let touch = touch.as_i64().expect("a price") as f64;
            let limit = touch * if self.buys { 1.0 + share } else { 1.0 - share };
            let cents = (limit / Price::CENT.0 as f64).round() as u64;
            let symbol = one["symbol"].as_str().and_then(Symbol::new).expect("a symbol");
            self.user_ref += 1;
            let order = EnterOrder {
                kind: EnterOrder::KIND,
                user_ref: U32::new(self.user_ref),
                side: if self.buys { b'B' } else { b'S' },
                quantity: U32::new(SHARES),
                symbol: symbol.0,
                price: U64::new(cents * Price::CENT.0 as u64),
                time_in_force: letter::TIF_DAY,
                display: letter::DISPLAY_VISIBLE,
                capacity: letter::CAPACITY_PRINCIPAL,
                sweep: letter::SWEEP_NOT_ELIGIBLE,
                cross: letter::CROSS_CONTINUOUS,
                client_order_id: *b"stranger      ",
            };
            self.request(&Inbound::EnterOrder(&order, Appendages::EMPTY));
        }
        self.buys = !self.buys;
    }

    /// Throws away what the venue has said, so that it need not wait.
    fn read(&mut self) {
        let mut heard = [0; 4_096];
        while matches!(self.stream.read(&mut heard), Ok(1..)) {}
    }

    fn request(&mut self, message: &Inbound<'_>) {
        let mut bytes = [0; 256];
        let length = message.emit(&mut bytes).expect("a message");
        self.send(ClientPacket::Unsequenced(&bytes[..length]));
    }

    fn send(&mut self, packet: ClientPacket<'_>) {
        let mut bytes = [0; 512];
        let length = packet.emit(&mut bytes).expect("a packet");
        self.stream.write_all(&bytes[..length]).expect("the venue reads");
    }
}
