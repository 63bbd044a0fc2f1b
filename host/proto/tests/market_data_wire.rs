//! Frames, MoldUDP64 packets, BinaryFILE and ITCH messages: what is written is read back, and no
//! bytes at all make a decoder panic or lose what follows them.

use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddrV4};
use tercel_proto::frame::{self, UDP_HEADERS, Udp};
use tercel_proto::mold::{self, Packet, PacketBuilder, PacketKind, Request};
use tercel_proto::{binary_file, itch};
use tercel_types::SeqNo;

fn address() -> impl Strategy<Value = SocketAddrV4> {
    (any::<u32>(), any::<u16>())
        .prop_map(|(ip, port)| SocketAddrV4::new(Ipv4Addr::from_bits(ip), port))
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..max)
}

fn emit(src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut buf = vec![0; UDP_HEADERS + payload.len()];
    buf[UDP_HEADERS..].copy_from_slice(payload);
    assert_eq!(frame::emit_udp(&mut buf, src, dst, payload.len()), Some(buf.len()));
    buf
}

/// The failing input is printed; nothing is written beside the sources.
fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn frames_are_read_back(
        src in address(), dst in address(), payload in bytes(300),
        tags in 0usize..3, padding in 0usize..50,
    ) {
        let mut frame = emit(src, dst, &payload);
        for i in 0..tags {
            let tag = if i % 2 == 0 { [0x81, 0x00, 0x20, 0x64] } else { [0x88, 0xa8, 0, 1] };
            frame.splice(12..12, tag);
        }
        let whole = frame.len();
        frame.resize(whole + padding, 0);
        let expected = Udp { src, dst, payload: &payload };
        prop_assert_eq!(frame::parse_udp(&frame), Ok(expected));
        for cut in 0..whole {
            prop_assert!(frame::parse_udp(&frame[..cut]).is_err(), "cut at {}", cut);
        }
    }

    /// One bit behind the MAC addresses: the checksums and lengths find it, wherever it is.
    #[test]
    fn a_flipped_bit_is_found(
        src in address(), dst in address(), payload in bytes(100),
        at in any::<u32>(), bit in 0u8..8,
    ) {
        let mut frame = emit(src, dst, &payload);
        let at = 12 + at as usize % (frame.len() - 12);
        frame[at] ^= 1u8 << bit;
        match frame::parse_udp(&frame) {
            Err(_) => {}
            // A checksum that became zero says that there is none.
            Ok(udp) => prop_assert!(udp.payload == payload && frame[40..42] == [0, 0]),
        }
    }

    #[test]
    fn random_frames_do_no_harm(bytes in bytes(200)) {
        let _ = frame::parse_udp(&bytes);
        let mut tagged = vec![0; 12];
        tagged.extend([0x08, 0x00, 0x45]);
        tagged.extend(&bytes);
        let _ = frame::parse_udp(&tagged);
    }

    #[test]
    fn packets_are_read_back(
        session in any::<[u8; 10]>(),
        seq in any::<u64>(),
        messages in prop::collection::vec(bytes(60), 0..40),
        len in 0usize..1_400,
    ) {
        let mut buf = vec![0xee; len];
        let mut builder = PacketBuilder::new(&mut buf, session, SeqNo(seq));
        let fit = messages.iter().take_while(|message| builder.push(message)).count();
        prop_assert_eq!(usize::from(builder.count()), fit);
        let len = builder.finish();
        let packet = Packet::new_checked(&buf[..len]);
        if buf.len() < mold::HEADER {
            prop_assert_eq!((fit, len), (0, 0));
        } else if seq.checked_add(fit as u64).is_none() {
            prop_assert_eq!(packet.unwrap_err(), mold::Error::Sequence);
        } else {
            let packet = packet.unwrap();
            prop_assert_eq!((packet.session(), packet.seq()), (session, SeqNo(seq)));
            let kind = match fit {
                0 => PacketKind::Heartbeat,
                count => PacketKind::Messages(count as u16),
            };
            prop_assert_eq!(packet.kind(), kind);
            prop_assert!(packet.messages().eq(messages[..fit].iter().map(Vec::as_slice)));
            for cut in 0..len {
                prop_assert!(Packet::new_checked(&buf[..cut]).is_err());
            }
            if len < buf.len() {
                let error = Packet::new_checked(&buf[..=len]).unwrap_err();
                prop_assert_eq!(error, mold::Error::Trailing);
            }
        }
    }

    #[test]
    fn random_packets_do_no_harm(mut bytes in bytes(120), count in 0u16..6) {
        let _ = Packet::new_checked(&bytes);
        if bytes.len() >= mold::HEADER {
            bytes[18..20].copy_from_slice(&count.to_be_bytes());
            if let Ok(packet) = Packet::new_checked(&bytes) {
                prop_assert_eq!(packet.messages().count(), usize::from(count));
            }
        }
    }

    #[test]
    fn requests_are_read_back(
        session in any::<[u8; 10]>(), seq in any::<u64>(), count in any::<u16>(),
    ) {
        let request = Request { session, seq: SeqNo(seq), count };
        let bytes = request.emit();
        prop_assert_eq!(Request::parse(&bytes), Ok(request));
        prop_assert_eq!(Request::parse(&bytes[..19]), Err(mold::Error::Short));
        prop_assert_eq!(Request::parse(&[&bytes[..], &[0]].concat()), Err(mold::Error::Trailing));
    }

    #[test]
    fn files_are_read_back(messages in prop::collection::vec(bytes(60), 0..20), cut in 1usize..40) {
        let mut file = Vec::new();
        for message in &messages {
            prop_assert!(binary_file::write(&mut file, message));
        }
        let read: Result<Vec<_>, _> = binary_file::Messages::new(&file).collect();
        prop_assert!(read.unwrap().into_iter().eq(messages.iter().map(Vec::as_slice)));
        let short = &file[..file.len().saturating_sub(cut)];
        let mut reader = binary_file::Messages::new(short);
        let good = reader.by_ref().take_while(Result::is_ok).count();
        let whole: usize = messages[..good].iter().map(|message| message.len() + 2).sum();
        prop_assert_eq!(reader.rest(), &short[whole..]);
        prop_assert_eq!(reader.next(), None);
    }

    #[test]
    fn random_files_end(bytes in bytes(300)) {
        prop_assert!(binary_file::Messages::new(&bytes).count() <= bytes.len());
    }

    /// Any bytes of the right length are a message of that kind and come back as they were.
    #[test]
    fn itch_messages_keep_their_bytes(kind in any::<u8>(), mut bytes in bytes(60)) {
        let random = itch::parse(&bytes);
        prop_assert!(random.is_err() || random.unwrap().as_bytes() == bytes);
        let kind = if kind % 2 == 0 { kind } else { itch::KINDS[kind as usize % 23] };
        match itch::length_of(kind) {
            None => {
                bytes.insert(0, kind);
                prop_assert_eq!(itch::parse(&bytes), Err(itch::Error::Kind(kind)));
            }
            Some(len) => {
                bytes.resize(len, b' ');
                bytes[0] = kind;
                let message = itch::parse(&bytes).unwrap();
                prop_assert_eq!(message.as_bytes(), &bytes[..]);
                prop_assert_eq!(message.header().kind, kind);
                for wrong in [&bytes[..len - 1], &[&bytes[..], &[0]].concat()[..]] {
                    prop_assert_eq!(itch::parse(wrong), Err(itch::Error::Length(kind)));
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let any = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
    assert_eq!(frame::emit_udp(&mut [0; UDP_HEADERS + 3], any, any, 4), None);
    let mut buf = vec![0; UDP_HEADERS + 65_536];
    assert_eq!(frame::emit_udp(&mut buf, any, any, 65_507), Some(UDP_HEADERS + 65_507));
    assert!(frame::parse_udp(&buf).is_ok());
    assert_eq!(frame::emit_udp(&mut buf, any, any, 65_508), None);
    assert_eq!(frame::emit_udp(&mut buf, any, any, usize::MAX), None);
    assert!(!binary_file::write(&mut Vec::new(), &buf));
    assert_eq!(mold::heartbeat(&mut [0; 19], [0; 10], SeqNo(1)), 0);
    let mut packet = vec![0; mold::HEADER + 200_000];
    let mut builder = PacketBuilder::new(&mut packet, [0; 10], SeqNo(1));
    assert!(!builder.push(&buf));
    while builder.push(&[]) {}
    assert_eq!(builder.count(), mold::COUNT_MAX);
    let len = builder.finish();
    let packet = Packet::new_checked(&packet[..len]).expect("a good packet");
    assert_eq!(packet.kind(), PacketKind::Messages(65_534));
}

/// A group's frame against the bytes of RFC 1112, 791 and 768.
#[test]
fn the_headers_of_a_group_frame() {
    let src = SocketAddrV4::new(Ipv4Addr::new(10, 1, 2, 3), 0x1234);
    let dst = SocketAddrV4::new(Ipv4Addr::new(233, 200, 1, 2), 26_477);
    let frame = emit(src, dst, &[0xab, 0xcd, 0xef]);
    assert_eq!(frame[..6], [0x01, 0x00, 0x5e, 0x48, 1, 2]);
    assert_eq!(frame[12..18], [0x08, 0x00, 0x45, 0x00, 0, 31]);
    assert_eq!(frame[20..24], [0x40, 0, 16, 17]);
    assert_eq!(frame[34..40], [0x12, 0x34, 0x67, 0x6d, 0, 11]);
    assert_eq!(frame[42..], [0xab, 0xcd, 0xef]);
}
