//! Nothing that a venue may send makes the gateway panic, loop or lose its place.

mod model;

use model::{Desk, SESSION, Venue, config, enter, put};
use proptest::collection::vec;
use proptest::prelude::*;
use tercel_gateway::{GatewayConfig, MAX_PACKET, Session};
use tercel_proto::ouch::outbound::*;
use tercel_proto::soup::{LoginAccepted, ServerPacket};
use tercel_types::{Intent, Price, Qty, Side, UserRef};

/// A message of a known kind with small numbers in most places, so that it often hits an order.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let kinds: [(u8, usize); 18] = [
        (SystemEvent::KIND, size_of::<SystemEvent>()),
        (OrderAccepted::KIND, size_of::<OrderAccepted>()),
        (OrderReplaced::KIND, size_of::<OrderReplaced>()),
        (OrderCanceled::KIND, size_of::<OrderCanceled>()),
        (AiqCanceled::KIND, size_of::<AiqCanceled>()),
        (OrderExecuted::KIND, size_of::<OrderExecuted>()),
        (BrokenTrade::KIND, size_of::<BrokenTrade>()),
        (TradeCorrection::KIND, size_of::<TradeCorrection>()),
        (OrderRejected::KIND, size_of::<OrderRejected>()),
        (CancelPending::KIND, size_of::<CancelPending>()),
        (CancelReject::KIND, size_of::<CancelReject>()),
        (OrderPriorityUpdate::KIND, size_of::<OrderPriorityUpdate>()),
        (OrderModified::KIND, size_of::<OrderModified>()),
        (OrderRestated::KIND, size_of::<OrderRestated>()),
        (MassCancelResponse::KIND, size_of::<MassCancelResponse>()),
        (DisableOrderEntryResponse::KIND, size_of::<DisableOrderEntryResponse>()),
        (EnableOrderEntryResponse::KIND, size_of::<EnableOrderEntryResponse>()),
        (AccountQueryResponse::KIND, size_of::<AccountQueryResponse>()),
    ];
    (0..kinds.len(), vec(any::<u8>(), 80), 0u8..12, 0u8..12, any::<bool>(), 0u8..20).prop_map(
        move |(which, mut bytes, first, second, known_symbol, options)| {
            let (kind, len) = kinds[which];
            bytes[0] = kind;
            bytes[1] = 0;
            bytes[9..12].fill(0);
            bytes[12] = first;
            bytes[13..16].fill(0);
            bytes[16] = second;
            let (side, symbol) = if kind == OrderReplaced::KIND { (17, 22) } else { (13, 18) };
            if matches!(kind, OrderAccepted::KIND | OrderReplaced::KIND) {
                bytes[side] = b"BSTE"[usize::from(first % 4)];
                bytes[side + 1..side + 5].copy_from_slice(&[0, 0, 0, second]);
                bytes[symbol + 8] = 0;
                if known_symbol {
                    bytes[symbol..symbol + 8].copy_from_slice(b"AAPL    ");
                }
            }
            bytes.truncate(len);
            match options {
                0 => bytes.truncate(len / 2),
                1..=15 => bytes.extend_from_slice(&[0, 0]),
                _ => {}
            }
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn messages_in_any_order_are_survived(
        messages in vec((message(), any::<u8>()), 0..200),
        small in any::<bool>(),
    ) {
        let mut venue = Venue::new(false);
        let size = if small { 3 } else { 64 };
        let mut desk = Desk::new(GatewayConfig {
            orders_max: size,
            dead_max: size,
            executions_max: size,
            ..config()
        });
        desk.settle(&mut venue);
        for (number, (message, act)) in messages.iter().enumerate() {
            match act % 4 {
                0 => {
                    desk.send(enter(Side::Buy, 900_000, 10));
                }
                1 => {
                    let original = UserRef(u32::from(act / 16));
                    desk.send(Intent::Replace { original, price: Price(900_100), qty: Qty(5) });
                    desk.send(Intent::Cancel { original });
                }
                _ => {}
            }
            let sequence = desk.gateway.next_sequence();
            put(ServerPacket::Sequenced(message), &mut desk.to_desk);
            desk.deliver(usize::MAX);
            prop_assert_eq!(desk.gateway.next_sequence(), sequence + 1);
            desk.check_own();
            let open = desk.gateway.open_orders().count();
            prop_assert!(open <= size, "{} {}", number, open);
        }
        // The line still works, and so does the account query of the next recovery.
        desk.drop_line(&mut venue);
        venue.log.resize(desk.gateway.next_sequence() as usize - 1, b"S".to_vec());
        desk.settle(&mut venue);
        let unanswered = desk.gateway.open_orders().filter(|(_, order)| order.order_ref.0 == 0);
        prop_assert!(unanswered.count() <= size);
    }

    #[test]
    fn bytes_in_any_order_are_survived(chunks in vec(vec(any::<u8>(), 0..60), 0..40)) {
        let mut desk = Desk::new(config());
        let mut tx = [0; MAX_PACKET];
        desk.gateway.on_connected(desk.now);
        desk.gateway.transmit(desk.now, &mut tx);
        for mut chunk in chunks {
            for byte in chunk.iter_mut().step_by(7) {
                *byte = 0;
            }
            desk.to_desk.extend_from_slice(&chunk);
            desk.deliver(usize::MAX);
            desk.gateway.transmit(desk.now, &mut tx);
        }
    }

    #[test]
    fn a_good_message_after_a_bad_one_is_taken(bad in vec(any::<u8>(), 0..80)) {
        let mut venue = Venue::new(true);
        let mut desk = Desk::new(config());
        desk.settle(&mut venue);
        prop_assert!(desk.send(enter(Side::Buy, 900_000, 10)));
        // Only what no reader can take for a message: its type is not one.
        let mut bad = bad;
        bad.insert(0, b'?');
        venue.log.push(bad);
        desk.settle(&mut venue);
        prop_assert_eq!(desk.gateway.counters().malformed_messages, 1);
        prop_assert_eq!(desk.gateway.order(UserRef(1)).map(|order| order.open), Some(Qty(10)));
        let accepted = LoginAccepted::new(SESSION, 1);
        put(ServerPacket::LoginAccepted(&accepted), &mut desk.to_desk);
        desk.deliver(usize::MAX);
        prop_assert_eq!(desk.gateway.counters().unexpected_packets, 1);
        prop_assert_eq!(desk.gateway.session(), Session::Ready);
    }
}
