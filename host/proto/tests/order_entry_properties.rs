//! SoupBinTCP, OUCH 5.0 and Glimpse 5.0: what is emitted parses back, streams may be cut anywhere,
//! and no bytes make a decoder fail otherwise than by its error.

use proptest::collection::vec;
use proptest::prelude::*;
use tercel_proto::glimpse::{Client, EndOfSnapshot, Error as GlimpseError, Event};
use tercel_proto::ouch::appendage::APPENDAGE_BYTES_MAX;
use tercel_proto::ouch::{
    Appendage, AppendageBuf, Appendages, Error, Inbound, MESSAGE_MAX, Outbound, inbound, outbound,
};
use tercel_proto::soup::{
    self, ClientPacket, HEADER, LoginAccepted, LoginRequest, PAYLOAD_MAX, ServerPacket, skip,
};
use tercel_types::SeqNo;
use zerocopy::FromBytes;

/// One optional field of any tag, and its value's bytes for those that are unknown.
fn appendage() -> impl Strategy<Value = (u8, Vec<u8>)> {
    (1u8..40, vec(any::<u8>(), 8), 0usize..8).prop_map(|(tag, bytes, unknown)| {
        let len = match tag {
            1 | 9 | 23 => 8,
            2 | 3 | 5 | 7 | 11 | 13 | 14 | 15 | 22 | 26 => 4,
            24 | 30 => 2,
            4 | 6 | 10 | 12 | 16 | 17 | 18 | 25 | 27 | 28 | 29 => 1,
            _ => unknown,
        };
        (tag, bytes[..len].to_vec())
    })
}

/// The wire form of fields, written without the code under test.
fn wire(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, value) in fields {
        bytes.push(value.len() as u8 + 1);
        bytes.push(*tag);
        bytes.extend(value);
    }
    bytes
}

/// Emits the message made of `fixed` and `options`, and checks the bytes and what they parse to.
macro_rules! check_each {
    ($direction:ident, $module:ident, $which:expr, $fixed:expr, $options:expr;
     $($index:literal $message:ident)*) => {
        match $which {
            $($index => {
                let mut bytes = $fixed[..size_of::<$module::$message>()].to_vec();
                bytes[0] = $module::$message::KIND;
                let fixed = $module::$message::ref_from_bytes(&bytes).unwrap();
                let message = $direction::$message(fixed, $options);
                let mut out = [0xee; 512];
                let len = message.emit(&mut out).unwrap();
                prop_assert!(len <= MESSAGE_MAX);
                prop_assert_eq!(&out[..bytes.len()], &bytes[..]);
                prop_assert!(out[len..].iter().all(|&byte| byte == 0xee));
                let parsed = $direction::parse(&out[..len]).unwrap();
                prop_assert_eq!(parsed.kind(), bytes[0]);
                if len == bytes.len() {
                    prop_assert!(parsed.appendages().is_absent());
                } else {
                    let length = u16::from_be_bytes([out[bytes.len()], out[bytes.len() + 1]]);
                    prop_assert_eq!(usize::from(length), len - bytes.len() - 2);
                    prop_assert_eq!(parsed.appendages().as_bytes(), $options.as_bytes());
                    prop_assert!(parsed.appendages().iter().eq($options.iter()));
                }
                let mut again = vec![0; len];
                prop_assert_eq!(parsed.emit(&mut again), Some(len));
                prop_assert_eq!(&again[..], &out[..len]);
                prop_assert_eq!(parsed.emit(&mut again[..len - 1]), None);
                prop_assert_eq!(
                    $direction::parse(&out[..bytes.len() - 1]),
                    Err(match bytes.len() {
                        1 => Error::Empty,
                        _ => Error::TooShort(bytes[0]),
                    })
                );
            })*
            _ => unreachable!(),
        }
    };
}

/// A login of either side: fields that survive the trip.
fn client_packet<'a>(which: u8, payload: &'a [u8], login: &'a LoginRequest) -> ClientPacket<'a> {
    match which % 5 {
        0 => ClientPacket::Debug(payload),
        1 => ClientPacket::LoginRequest(login),
        2 => ClientPacket::Unsequenced(payload),
        3 => ClientPacket::Heartbeat,
        _ => ClientPacket::Logout,
    }
}

fn server_packet<'a>(which: u8, payload: &'a [u8], login: &'a LoginAccepted) -> ServerPacket<'a> {
    match which % 7 {
        0 => ServerPacket::Debug(payload),
        1 => ServerPacket::LoginAccepted(login),
        2 => ServerPacket::LoginRejected(payload.first().copied().unwrap_or(b'A')),
        3 => ServerPacket::Sequenced(payload),
        4 => ServerPacket::Unsequenced(payload),
        5 => ServerPacket::Heartbeat,
        _ => ServerPacket::EndOfSession,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn ouch_messages_make_the_trip(
        which in 0u8..26,
        fixed in vec(any::<u8>(), 80),
        fields in vec(appendage(), 0..8),
        absent in any::<bool>(),
    ) {
        let bytes = wire(&fields);
        let options = if absent {
            Appendages::ABSENT
        } else {
            Appendages::new_checked(&bytes).unwrap()
        };
        if which < 8 {
            check_each!(Inbound, inbound, which, fixed, options;
                0 EnterOrder 1 ReplaceOrder 2 CancelOrder 3 ModifyOrder 4 MassCancel
                5 DisableOrderEntry 6 EnableOrderEntry 7 AccountQuery);
        } else {
            check_each!(Outbound, outbound, which, fixed, options;
                8 SystemEvent 9 OrderAccepted 10 OrderReplaced 11 OrderCanceled 12 AiqCanceled
                13 OrderExecuted 14 BrokenTrade 15 TradeCorrection 16 OrderRejected
                17 CancelPending 18 CancelReject 19 OrderPriorityUpdate 20 OrderModified
                21 OrderRestated 22 MassCancelResponse 23 DisableOrderEntryResponse
                24 EnableOrderEntryResponse 25 AccountQueryResponse);
        }
    }

    #[test]
    fn optional_fields_make_the_trip(fields in vec(appendage(), 0..12)) {
        let bytes = wire(&fields);
        let parsed = Appendages::new_checked(&bytes).unwrap();
        let mut buffer = AppendageBuf::new();
        let mut expected = Vec::new();
        for (field, (tag, value)) in parsed.iter().zip(&fields) {
            prop_assert_eq!(field.tag(), *tag);
            prop_assert_eq!(field.value_len(), value.len());
            let known = !matches!(tag, 8 | 19..=21 | 31..);
            prop_assert_eq!(known, !matches!(field, Appendage::Unknown { .. }));
            if buffer.push(field) {
                expected.extend(wire(&[(*tag, value.clone())]));
            } else {
                prop_assert!(expected.len() + value.len() + 2 > APPENDAGE_BYTES_MAX);
            }
        }
        prop_assert_eq!(parsed.iter().count(), fields.len());
        prop_assert_eq!(buffer.appendages().as_bytes(), &expected[..]);
    }

    #[test]
    fn no_bytes_break_the_ouch_decoders(bytes in vec(any::<u8>(), 0..120), kind in any::<u8>()) {
        let letters = b"SAUCDEBFJPITMRXGKQO";
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = letters[usize::from(kind) % letters.len()];
        }
        let mut out = [0; 512];
        if let Ok(message) = Inbound::parse(&bytes) {
            let len = message.emit(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &bytes[..]);
        }
        if let Ok(message) = Outbound::parse(&bytes) {
            let len = message.emit(&mut out).unwrap();
            prop_assert_eq!(&out[..len], &bytes[..]);
            prop_assert!(message.appendages().iter().count() <= bytes.len());
        }
        let _ = Appendages::new_checked(&bytes);
    }

    #[test]
    fn soup_streams_may_be_cut_anywhere(
        packets in vec((any::<u8>(), vec(any::<u8>(), 0..60), any::<u64>()), 1..20),
        cuts in vec(1usize..40, 1..60),
    ) {
        let mut client_stream = Vec::new();
        let mut server_stream = Vec::new();
        let mut out = [0; 128];
        for (which, payload, number) in &packets {
            let request = LoginRequest::new(*b"user  ", *b"password  ", *b"   SESSION", *number);
            let accepted = LoginAccepted::new(*b"   SESSION", *number);
            let len = client_packet(*which, payload, &request).emit(&mut out).unwrap();
            client_stream.extend_from_slice(&out[..len]);
            let len = server_packet(*which, payload, &accepted).emit(&mut out).unwrap();
            server_stream.extend_from_slice(&out[..len]);
        }
        for (to_client, stream) in [(true, &server_stream), (false, &client_stream)] {
            let (mut buffer, mut fed, mut seen) = (Vec::new(), 0, 0);
            let mut cuts = cuts.iter().cycle();
            while fed < stream.len() {
                let end = (fed + cuts.next().unwrap()).min(stream.len());
                buffer.extend_from_slice(&stream[fed..end]);
                fed = end;
                loop {
                    let (which, payload, number) = &packets[seen.min(packets.len() - 1)];
                    let consumed = if to_client {
                        let Some((packet, consumed)) = ServerPacket::parse(&buffer).unwrap() else {
                            break;
                        };
                        let login = LoginAccepted::new(*b"   SESSION", *number);
                        prop_assert_eq!(packet, server_packet(*which, payload, &login));
                        consumed
                    } else {
                        let Some((packet, consumed)) = ClientPacket::parse(&buffer).unwrap() else {
                            break;
                        };
                        let login = LoginRequest::new(
                            *b"user  ", *b"password  ", *b"   SESSION", *number,
                        );
                        prop_assert_eq!(packet, client_packet(*which, payload, &login));
                        consumed
                    };
                    prop_assert_eq!(skip(&buffer), Some(consumed));
                    buffer.drain(..consumed);
                    seen += 1;
                }
            }
            prop_assert_eq!((seen, buffer.len()), (packets.len(), 0));
        }
    }

    #[test]
    fn no_bytes_break_the_soup_decoders(bytes in vec(any::<u8>(), 0..300)) {
        let mut stream = bytes.clone();
        // Keep most lengths short, or nothing but waiting is tested.
        for byte in stream.iter_mut().step_by(5) {
            *byte = 0;
        }
        stream.extend_from_slice(&[0, 1, b'H', 0, 1, b'R']);
        for stream in [&bytes, &stream] {
            let mut rest = &stream[..];
            loop {
                let consumed = match (ServerPacket::parse(rest), ClientPacket::parse(rest)) {
                    (Ok(None), _) | (_, Ok(None)) => break,
                    (Ok(Some((_, len))), _) | (_, Ok(Some((_, len)))) => len,
                    (Err(_), Err(_)) => skip(rest).unwrap(),
                };
                prop_assert!(consumed >= 2);
                rest = &rest[consumed..];
            }
        }
    }

    #[test]
    fn a_good_packet_after_a_bad_one_is_decoded(
        kind in any::<u8>(),
        payload in vec(any::<u8>(), 0..40),
    ) {
        let mut stream = (payload.len() as u16 + 1).to_be_bytes().to_vec();
        stream.push(kind);
        stream.extend_from_slice(&payload);
        let bad = stream.len();
        stream.extend_from_slice(&[0, 1, b'H']);
        let consumed = match ServerPacket::parse(&stream) {
            Ok(packet) => packet.unwrap().1,
            Err(_) => skip(&stream).unwrap(),
        };
        prop_assert_eq!(consumed, bad);
        prop_assert_eq!(
            ServerPacket::parse(&stream[consumed..]),
            Ok(Some((ServerPacket::Heartbeat, 3)))
        );
    }

    #[test]
    fn a_snapshot_comes_out_whole(
        messages in vec(vec(any::<u8>(), 1..40), 0..20),
        next in any::<u64>(),
        cuts in vec(1usize..50, 1..20),
    ) {
        let messages: Vec<Vec<u8>> = messages
            .into_iter()
            .filter(|message| message[0] != EndOfSnapshot::KIND)
            .collect();
        let mut stream = Vec::new();
        let mut out = [0; 64];
        let mut send = |packet: ServerPacket<'_>| {
            let len = packet.emit(&mut out).unwrap();
            stream.extend_from_slice(&out[..len]);
        };
        send(ServerPacket::LoginAccepted(&LoginAccepted::new(*b"  20191230", 1)));
        for message in &messages {
            send(ServerPacket::Sequenced(message));
        }
        use zerocopy::IntoBytes;
        send(ServerPacket::Sequenced(EndOfSnapshot::new(SeqNo(next)).as_bytes()));
        send(ServerPacket::EndOfSession);

        let mut client = Client::new(*b"user  ", *b"password  ");
        let mut tx = [0; soup::LOGIN_REQUEST];
        prop_assert_eq!(client.transmit(&mut tx[..10]), 0);
        prop_assert_eq!(client.transmit(&mut tx), soup::LOGIN_REQUEST);
        prop_assert_eq!(client.transmit(&mut tx), 0);
        let (mut got, mut ends, mut buffer, mut fed) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut cuts = cuts.iter().cycle();
        while fed < stream.len() {
            let end = (fed + cuts.next().unwrap()).min(stream.len());
            buffer.extend_from_slice(&stream[fed..end]);
            fed = end;
            let consumed = client.on_bytes(&buffer, |event| match event {
                Event::Message(message) => got.push(message.to_vec()),
                Event::End(next) => ends.push(next),
            });
            buffer.drain(..consumed.unwrap());
        }
        prop_assert_eq!((got, ends), (messages, vec![SeqNo(next)]));
        prop_assert!(client.is_done());
        prop_assert_eq!(client.transmit(&mut tx), HEADER);
        prop_assert_eq!(ClientPacket::parse(&tx[..HEADER]), Ok(Some((ClientPacket::Logout, 3))));
        prop_assert_eq!(client.transmit(&mut tx), 0);
    }

    #[test]
    fn no_bytes_break_the_glimpse_client(bytes in vec(any::<u8>(), 0..200)) {
        let mut stream = bytes;
        for byte in stream.iter_mut().step_by(4) {
            *byte = 0;
        }
        let mut client = Client::new(*b"user  ", *b"password  ");
        let mut tx = [0; 64];
        client.transmit(&mut tx);
        let first = client.on_bytes(&stream, |_| {});
        if first.is_err() {
            prop_assert_eq!(client.on_bytes(&[], |_| {}), first);
            prop_assert!(!client.is_done());
        }
        prop_assert_eq!(EndOfSnapshot::parse(&stream).is_some(), false);
    }
}

#[test]
fn a_refused_glimpse_login_is_an_error() {
    let mut client = Client::new(*b"user  ", *b"wrong     ");
    let mut tx = [0; 64];
    client.transmit(&mut tx);
    let refused = Err(GlimpseError::Refused(b'A'));
    assert_eq!(client.on_bytes(&[0, 2, b'J', b'A'], |_| {}), refused);
    assert_eq!(client.on_bytes(&[0, 1, b'H'], |_| {}), refused);
    assert_eq!(client.transmit(&mut tx), 0);
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let long = vec![0; PAYLOAD_MAX + 1];
    let mut out = vec![0; 70_000];
    assert_eq!(ClientPacket::Unsequenced(&long).emit(&mut out), None);
    let packet = ClientPacket::Unsequenced(&long[1..]);
    assert_eq!(packet.emit(&mut out), Some(HEADER + PAYLOAD_MAX));
    assert_eq!(ClientPacket::parse(&out), Ok(Some((packet, HEADER + PAYLOAD_MAX))));
    assert_eq!(Outbound::parse(&[]), Err(Error::Empty));
    assert_eq!(Inbound::parse(b"Z"), Err(Error::UnknownType(b'Z')));
    assert_eq!(Inbound::parse(b"Q\x00"), Err(Error::AppendageLength(b'Q')));
    assert_eq!(Outbound::parse(b"S12345678E\x00\x00"), Err(Error::AppendageLength(b'S')));
    let enter = [b'O'; 45];
    assert_eq!(Inbound::parse(&enter), Err(Error::NoAppendageLength(b'O')));
}
