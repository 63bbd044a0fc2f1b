//! The newer capture format: what is written is read, every variant, damage, and random bytes.

use proptest::prelude::*;
use tercel_net::pcap::{CAPTURED_MAX, PcapError, PcapSource};
use tercel_net::pcapng::blocks::{self, Statistics};
use tercel_types::Nanos;

/// Blocks written the slow way, in either byte order.
#[derive(Clone, Copy)]
struct Order {
    big_endian: bool,
}

const LITTLE: Order = Order { big_endian: false };
const BIG: Order = Order { big_endian: true };

impl Order {
    fn half(self, value: u16) -> Vec<u8> {
        if self.big_endian { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn word(self, value: u32) -> Vec<u8> {
        if self.big_endian { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = self.word(body.len() as u32 + 12);
        [self.word(kind), length.clone(), body, length].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [self.word(0x1a2b_3c4d), self.half(1), self.half(0), vec![0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [self.half(link), self.half(0), self.word(snap_len)].concat();
        for (code, value) in options {
            body.extend(self.half(*code));
            body.extend(self.half(value.len() as u16));
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn packet(self, interface: u32, stamp: u64, original: u32, bytes: &[u8]) -> Vec<u8> {
        let fields = [interface, (stamp >> 32) as u32, stamp as u32, bytes.len() as u32, original];
        let mut body: Vec<u8> = fields.iter().flat_map(|&field| self.word(field)).collect();
        body.extend_from_slice(bytes);
        self.block(6, &body)
    }
}

type Frames = Vec<(Vec<u8>, Nanos)>;

fn read(file: &[u8]) -> Result<Frames, PcapError> {
    let mut source = PcapSource::new(file)?;
    let mut frames = Vec::new();
    while let Some(frame) = source.next_frame()? {
        frames.push((frame.bytes.to_vec(), frame.received));
    }
    Ok(frames)
}

/// A file as a recorder writes it.
fn written(frames: &Frames) -> Vec<u8> {
    let mut file = Vec::new();
    blocks::section(&mut file, "test");
    blocks::interface(&mut file, "line-a", "239.192.77.1:31001");
    blocks::interface(&mut file, "line-b", "239.192.77.2:31002");
    for (at, (bytes, received)) in frames.iter().enumerate() {
        let before = file.len();
        file.extend(blocks::packet_header(at as u32 % 2, *received, bytes.len(), bytes.len()));
        file.extend_from_slice(bytes);
        let (trailer, len) = blocks::packet_trailer(bytes.len());
        file.extend_from_slice(&trailer[..len]);
        assert_eq!(file.len() - before, blocks::packet_len(bytes.len()));
    }
    let counted = Statistics { received: 7, system_dropped: Some(3), ..Statistics::default() };
    blocks::statistics(&mut file, 0, Nanos(9), &Statistics { comment: "x".into(), ..counted });
    file
}

#[test]
fn either_byte_order_and_every_resolution_is_read() {
    for order in [LITTLE, BIG] {
        let offset = match order.big_endian {
            true => 5_i64.to_be_bytes(),
            false => 5_i64.to_le_bytes(),
        };
        let file = [
            order.section(),
            order.interface(1, 0, &[]),
            order.interface(1, 0, &[(2, b"eth0"), (9, &[9]), (0, &[])]),
            order.interface(1, 0, &[(9, &[0x8a]), (14, &offset)]),
            order.interface(1, 0, &[(9, &[127])]),
            order.packet(0, 7_000_001, 3, b"abc"),
            order.packet(1, 7_000_000_001, 4, b"abcd"),
            order.packet(2, 1_536, 1, b"x"),
            order.packet(3, u64::MAX, 0, b""),
            order.block(5, &[0; 20]),
            order.block(0x0bad, b"something else of a private kind"),
        ]
        .concat();
        let times: Vec<u64> = read(&file).unwrap().iter().map(|frame| frame.1.0).collect();
        assert_eq!(times, [7_000_001_000, 7_000_000_001, 6_500_000_000, 0]);
    }
}

#[test]
fn files_one_behind_another_are_one_file() {
    let one = |order: Order, byte: u8| {
        let frame = order.packet(0, 1, 1, &[byte]);
        [order.section(), order.interface(1, 0, &[]), frame].concat()
    };
    let frames = read(&[one(LITTLE, 1), one(BIG, 2), one(LITTLE, 3)].concat()).unwrap();
    assert_eq!(frames.iter().map(|frame| frame.0[0]).collect::<Vec<_>>(), [1, 2, 3]);
    // The interfaces of a section end with it.
    let second = [LITTLE.section(), LITTLE.packet(0, 1, 1, b"x")].concat();
    let error = read(&[one(LITTLE, 1), second].concat()).unwrap_err();
    assert!(matches!(error, PcapError::Block { .. }), "{error}");
}

#[test]
fn simple_packets_are_cut_at_the_snap_length() {
    let simple = |original: u32, bytes: &[u8]| {
        LITTLE.block(3, &[LITTLE.word(original), bytes.to_vec()].concat())
    };
    let file = [LITTLE.section(), LITTLE.interface(1, 3, &[]), simple(9, b"abc"), simple(2, b"de")]
        .concat();
    let mut source = PcapSource::new(&file[..]).unwrap();
    assert_eq!(source.next_frame().unwrap().unwrap().bytes, b"abc");
    assert_eq!(source.next_frame().unwrap().unwrap().bytes, b"de");
    assert_eq!((source.report().frames, source.report().snapped), (2, 1));
}

#[test]
fn a_declared_check_sequence_is_taken_off() {
    for len in [4, 32] {
        let file = [
            LITTLE.section(),
            LITTLE.interface(1, 0, &[(13, &[len])]),
            LITTLE.packet(0, 0, 7, b"abcFCS!"),
            LITTLE.packet(0, 0, 90, b"abcd"),
        ]
        .concat();
        let frames = read(&file).unwrap();
        assert_eq!((&frames[0].0[..], &frames[1].0[..]), (&b"abc"[..], &b"abcd"[..]));
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let start = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let after = |block: Vec<u8>| read(&[start.clone(), block].concat()).unwrap_err();
    let is_block = |error: PcapError| match error {
        PcapError::Block { offset, .. } => assert_eq!(offset, start.len() as u64),
        other => panic!("{other}"),
    };
    is_block(after(LITTLE.packet(1, 0, 1, b"x")));
    let mut lies = LITTLE.packet(0, 0, 1, b"x");
    lies[20] = 9;
    is_block(after(lies));
    let mut huge = LITTLE.packet(0, 0, 1, b"x");
    huge[20..24].copy_from_slice(&(CAPTURED_MAX + 1).to_le_bytes());
    assert!(matches!(after(huge), PcapError::Oversized { .. }));
    let mut ends_otherwise = LITTLE.packet(0, 0, 1, b"x");
    *ends_otherwise.last_mut().unwrap() = 1;
    is_block(after(ends_otherwise));
    is_block(after([LITTLE.word(6), LITTLE.word(13), vec![0; 9]].concat()));
    is_block(after([LITTLE.word(6), LITTLE.word(8)].concat()));
    is_block(after(LITTLE.block(6, &[0; 16])));
    is_block(after(LITTLE.block(1, &[1, 0, 0, 0])));
    assert!(matches!(after(LITTLE.interface(113, 0, &[])), PcapError::LinkType(113)));
    let many: Vec<u8> = (0..4_097).flat_map(|_| LITTLE.interface(1, 0, &[])).collect();
    let error = read(&[LITTLE.section(), many].concat()).unwrap_err();
    assert!(error.to_string().contains("one interface too many"), "{error}");

    let mut version = LITTLE.section();
    version[12] = 2;
    assert!(matches!(read(&version), Err(PcapError::BadVersion(2, 0))));
    let mut order = LITTLE.section();
    order[8] = 0;
    assert!(matches!(read(&order), Err(PcapError::Block { offset: 0, .. })));
}

#[test]
fn a_file_cut_off_is_read_as_far_as_it_goes() {
    let start = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    let frame = LITTLE.packet(0, 1, 3, b"abc");
    let file = [start.clone(), frame.clone(), frame.clone()].concat();
    for len in 0..=file.len() {
        let Ok(mut source) = PcapSource::new(&file[..len]) else {
            assert!(len < LITTLE.section().len());
            continue;
        };
        let mut frames = 0;
        while source.next_frame().unwrap().is_some() {
            frames += 1;
        }
        assert_eq!(frames, len.saturating_sub(start.len()) / frame.len());
        let ends = [LITTLE.section().len(), start.len(), start.len() + frame.len(), file.len()];
        assert_eq!(source.report().cut_off, u64::from(!ends.contains(&len)));
    }
}

fn frames() -> impl Strategy<Value = Frames> {
    let frame = (prop::collection::vec(any::<u8>(), 0..200), any::<u64>());
    prop::collection::vec(frame.prop_map(|(bytes, time)| (bytes, Nanos(time))), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read(frames in frames()) {
        prop_assert_eq!(read(&written(&frames)).unwrap(), frames);
    }

    #[test]
    fn random_bytes_do_no_harm(
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        blocks in prop::collection::vec((0..8_u32, any::<[u8; 32]>(), 0..33_usize), 0..8),
        big_endian in any::<bool>(),
    ) {
        let order = Order { big_endian };
        let mut file = [order.section(), order.interface(1, 0, &[])].concat();
        file.extend(blocks.iter().flat_map(|(kind, body, len)| order.block(*kind, &body[..*len])));
        file.append(&mut bytes);
        let _ = read(&file);
    }

    #[test]
    fn a_changed_byte_does_no_harm(frames in frames(), at in any::<prop::sample::Index>(), to: u8) {
        let mut file = written(&frames);
        let at = at.index(file.len());
        file[at] = to;
        let _ = read(&file);
    }
}
