//! The market of the wire-to-wire part: one instrument, and one message again and again that moves
//! its best bid, so that a host that quotes around the mid price replaces both its quotes.

use super::sender::FROM;
use crate::frames::{self, LINES};
use tercel_proto::itch::{
    AddOrder, Header, OrderReplace, StockDirectory, SystemEvent, TradingAction,
};
use tercel_types::{InstrumentId, Nanos, SeqNo, Symbol};
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

/// The instrument.
pub(crate) const SYMBOL: [u8; 8] = *b"WIRE    ";

/// Its stock locate.
pub(crate) const LOCATE: InstrumentId = InstrumentId(1);

/// Orders that one move leads to: both quotes are replaced.
pub(crate) const ORDERS_OF_A_MOVE: u64 = 2;

/// Half of the host's spread, ticks: narrow enough to lie inside the market, and wider than a move,
/// so that a quote never has to keep off the other one's last price.
pub(crate) const HALF_SPREAD_TICKS: f64 = 5.0;

/// The best bid before the first move, and after it; in 1/10,000 dollar. The mid price moves by two
/// ticks of a cent.
const BIDS: [u32; 2] = [998_000, 998_400];
const ASK: u32 = 1_002_000;

/// The order that the first move replaces; each takes the next number.
const FIRST_MOVED: u64 = 10;

/// Messages before the first move.
const OPENING: u64 = 6;

/// A whole frame is never longer.
const FRAME_MAX: usize = 512;

/// The instrument by its type.
pub(crate) fn symbol() -> Symbol {
    Symbol(SYMBOL)
}

/// The packet that names the instrument, opens its trading and fills its book.
pub(crate) fn opening() -> Vec<u8> {
    let header = |kind| Header::new(kind, LOCATE, 0, Nanos(1));
    let system = SystemEvent { header: header(SystemEvent::KIND), event: b'Q' };
    let directory = StockDirectory {
        header: header(StockDirectory::KIND),
        stock: SYMBOL,
        market_category: b'Q',
        financial_status: b'N',
        round_lot: U32::new(100),
        round_lots_only: b'N',
        classification: b'C',
        sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'N',
        ipo: b' ',
        luld_tier: b'1',
        etp: b'N',
        etp_leverage: U32::new(0),
        inverse: b'N',
    };
    let action = TradingAction {
        header: header(TradingAction::KIND),
        stock: SYMBOL,
        state: b'T',
        reserved: b' ',
        reason: *b"    ",
    };
    let add = |order_ref, side, price| AddOrder {
        header: header(AddOrder::KIND),
        order_ref: U64::new(order_ref),
        side,
        shares: U32::new(500),
        stock: SYMBOL,
        price: U32::new(price),
    };
    let deep = add(1, b'B', BIDS[0] - 10_000);
    let ask = add(2, b'S', ASK);
    let bid = add(FIRST_MOVED, b'B', BIDS[0]);
    let messages: [&[u8]; OPENING as usize] = [
        system.as_bytes(),
        directory.as_bytes(),
        action.as_bytes(),
        deep.as_bytes(),
        ask.as_bytes(),
        bid.as_bytes(),
    ];
    packet(1, &messages)
}

/// Move `number`, from 0: the best bid up, or down again.
pub(crate) fn movement(number: u64) -> Vec<u8> {
    let message = OrderReplace {
        header: Header::new(OrderReplace::KIND, LOCATE, 0, Nanos(2 + number)),
        original_ref: U64::new(FIRST_MOVED + number),
        new_ref: U64::new(FIRST_MOVED + number + 1),
        shares: U32::new(500),
        price: U32::new(BIDS[(number + 1) as usize % 2]),
    };
    packet(OPENING + 1 + number, &[message.as_bytes()])
}

fn packet(seq: u64, messages: &[&[u8]]) -> Vec<u8> {
    let mut frame = vec![0; FRAME_MAX];
    let messages = messages.iter().copied();
    let len = frames::emit(&mut frame, (FROM, LINES[0]), SeqNo(seq), messages);
    frame.truncate(len);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use tercel_proto::itch::{self, Message};
    use tercel_proto::{frame, mold};

    fn messages(bytes: &[u8]) -> (u64, Vec<Vec<u8>>) {
        let udp = frame::parse_udp(bytes).unwrap();
        assert_eq!(udp.dst, LINES[0]);
        let packet = mold::Packet::new_checked(udp.payload).unwrap();
        (packet.seq().0, packet.messages().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn each_move_replaces_the_order_of_the_one_before() {
        let (seq, all) = messages(&opening());
        assert_eq!((seq, all.len() as u64), (1, OPENING));
        let Ok(Message::AddOrder(add)) = itch::parse(all.last().unwrap()) else { panic!() };
        let (mut last, mut price) = (add.order_ref.get(), add.price.get());
        for number in 0..5 {
            let (seq, all) = messages(&movement(number));
            assert_eq!((seq, all.len()), (OPENING + 1 + number, 1));
            let Ok(Message::OrderReplace(moved)) = itch::parse(&all[0]) else { panic!() };
            assert_eq!(moved.original_ref.get(), last);
            assert!(moved.price.get() != price && moved.price.get() < ASK);
            (last, price) = (moved.new_ref.get(), moved.price.get());
        }
    }
}
