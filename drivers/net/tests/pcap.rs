//! Capture files: what is written is read, every variant of the format, damage, and random bytes.

use proptest::prelude::*;
use std::path::PathBuf;
use tercel_net::clock::ManualClock;
use tercel_net::pcap::{CAPTURED_MAX, PcapError, PcapSink, PcapSource, PcapWriter};
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// The format written the slow way: magic number, byte order, unit of the fraction, link type.
struct Variant {
    magic: u32,
    big_endian: bool,
    link: u32,
    version: u16,
}

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;

impl Variant {
    fn file(&self, records: &[([u32; 4], &[u8])]) -> Vec<u8> {
        let word = |value: u32| match self.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let half = |value: u16| match self.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let mut file = word(self.magic).to_vec();
        file.extend(half(self.version));
        file.extend(half(4));
        for value in [0, 0, 65_535, self.link] {
            file.extend(word(value));
        }
        for (fields, bytes) in records {
            file.extend(fields.iter().flat_map(|&field| word(field)));
            file.extend_from_slice(bytes);
        }
        file
    }
}

fn plain() -> Variant {
    Variant { magic: NANOS, big_endian: false, link: 1, version: 2 }
}

type Frames = Vec<(Vec<u8>, Nanos)>;

/// Polls to the end in batches of `max`.
fn drain(source: &mut impl FrameSource, max: usize) -> Frames {
    let mut frames = Vec::new();
    loop {
        let before = frames.len();
        match source.poll(max, |frame| frames.push((frame.bytes.to_vec(), frame.received))) {
            Ok(count) => assert!(count > 0 && count <= max && frames.len() == before + count),
            Err(error) => {
                assert_eq!((error, frames.len()), (PortError::Closed, before));
                return frames;
            }
        }
    }
}

#[test]
fn every_variant_is_read() {
    for (magic, unit) in [(MICROS, 1_000), (NANOS, 1)] {
        for big_endian in [false, true] {
            let variant = Variant { magic, big_endian, ..plain() };
            let file = variant.file(&[([7, 5, 3, 3], b"abc"), ([8, 0, 0, 0], b"")]);
            let mut source = PcapSource::new(&file[..]).unwrap();
            let first = (b"abc".to_vec(), Nanos(7_000_000_000 + 5 * unit));
            assert_eq!(drain(&mut source, 9), [first, (vec![], Nanos(8_000_000_000))]);
            assert!(source.error().is_none());
            assert_eq!(source.report().frames, 2);
        }
    }
}

#[test]
fn a_declared_check_sequence_is_taken_off() {
    let file = Variant { link: 0x2400_0001, ..plain() }.file(&[
        ([0, 0, 8, 8], b"abcdFCS!"),
        ([0, 0, 4, 90], b"abcd"),
        ([0, 0, 2, 2], b"ab"),
    ]);
    let frames = drain(&mut PcapSource::new(&file[..]).unwrap(), 1);
    let bytes: Vec<_> = frames.iter().map(|(bytes, _)| &bytes[..]).collect();
    // A frame cut short by the capture has lost its check sequence already.
    assert_eq!(bytes, [&b"abcd"[..], b"abcd", b""]);
}

#[test]
fn other_files_are_refused_by_name() {
    let open = |bytes: &[u8]| PcapSource::new(bytes).map(drop).unwrap_err();
    let file = plain().file(&[]);
    for len in 0..24 {
        assert!(matches!(open(&file[..len]), PcapError::NoHeader));
    }
    assert!(matches!(open(&[b'x'; 24]), PcapError::BadMagic(0x7878_7878)));
    let linux_cooked = Variant { link: 113, ..plain() }.file(&[]);
    assert!(matches!(open(&linux_cooked), PcapError::LinkType(113)));
    let big = Variant { big_endian: true, version: 3, ..plain() }.file(&[]);
    assert!(matches!(open(&big), PcapError::BadVersion(3, 4)));
}

#[test]
fn damage_is_told_with_its_offset_and_ends_the_source() {
    let huge = CAPTURED_MAX + 1;
    let file = plain().file(&[([1, 0, 3, 3], b"abc"), ([2, 0, huge, huge], b"xyz")]);
    let mut source = PcapSource::new(&file[..]).unwrap();
    assert_eq!(drain(&mut source, 9).len(), 1);
    let error = source.error().unwrap();
    assert!(matches!(error, PcapError::Oversized { offset: 43, captured } if *captured == huge));
    assert!(error.to_string().contains("offset 43"));
    assert!(matches!(source.next_frame(), Ok(None)));
}

#[test]
fn a_file_cut_off_is_read_as_far_as_it_goes() {
    let file = plain().file(&[([1, 0, 3, 3], b"abc"), ([2, 0, 3, 9], b"def")]);
    for len in 24..=file.len() {
        let mut source = PcapSource::new(&file[..len]).unwrap();
        let frames = drain(&mut source, 9).len();
        assert_eq!(frames, (len - 24) / 19);
        let report = source.report();
        assert_eq!(report.cut_off, u64::from(!(len - 24).is_multiple_of(19)));
        assert_eq!(report.snapped, u64::from(frames == 2));
    }
}

#[test]
fn a_sink_stamps_and_a_frame_too_long_is_kept_in_part() {
    let clock = ManualClock::new(Nanos(1_234_567_890_123));
    let mut sink = PcapSink::new(PcapWriter::new(Vec::new()).unwrap(), clock.clone());
    assert!(sink.commit().is_err());
    assert!(sink.reserve(usize::MAX).is_none());
    sink.reserve(3).unwrap().copy_from_slice(b"abc");
    sink.commit().unwrap();
    clock.set(Nanos(u64::MAX));
    sink.reserve(1).unwrap()[0] = b'x';
    sink.commit().unwrap();
    let mut writer = sink.into_writer();
    let long = vec![1; CAPTURED_MAX as usize + 1];
    writer.write(Frame { bytes: &long, received: Nanos(5) }).unwrap();
    let file = writer.into_inner().unwrap();
    let mut source = PcapSource::new(&file[..]).unwrap();
    let frames = drain(&mut source, 2);
    assert_eq!(frames[0], (b"abc".to_vec(), Nanos(1_234_567_890_123)));
    assert_eq!(frames[1].1.0 / 1_000_000_000, u64::from(u32::MAX));
    assert_eq!((frames[2].0.len(), source.report().snapped), (CAPTURED_MAX as usize, 1));
}

#[test]
fn a_full_disk_is_an_error_of_the_port() {
    let sink = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert!(matches!(PcapWriter::new(&sink), Err(PcapError::Io { offset: 0, .. })));
    let file = std::path::Path::new("/no/such/folder/x.pcap");
    assert!(matches!(PcapSource::open(file), Err(PcapError::Io { offset: 0, .. })));
    assert!(matches!(PcapWriter::create(file), Err(PcapError::Io { offset: 0, .. })));
}

/// Recorded captures, where they are at hand.
#[test]
fn recorded_captures_are_read_whole() {
    let data = std::env::var_os("TERCEL_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let Ok(folders) = std::fs::read_dir(data.join("nasdaq-pcaps")) else {
        println!("skipped: no nasdaq-pcaps in {}", data.display());
        return;
    };
    let (mut files, mut all) = (0, 0);
    for folder in folders.flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if file.path().extension().is_none_or(|extension| extension != "pcap") {
                continue;
            }
            let mut source = match PcapSource::open(&file.path()) {
                Ok(source) => source,
                Err(error) => panic!("{}: {error}", file.path().display()),
            };
            let frames = drain(&mut source, 64);
            assert!(source.error().is_none() && source.report().cut_off == 0);
            assert!(!frames.is_empty());
            (files, all) = (files + 1, all + frames.len());
        }
    }
    println!("{files} captures, {all} frames");
}

fn frames() -> impl Strategy<Value = Frames> {
    let frame = (prop::collection::vec(any::<u8>(), 0..200), 0..4_294_967_295_999_999_999_u64);
    prop::collection::vec(frame.prop_map(|(bytes, time)| (bytes, Nanos(time))), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read(frames in frames(), max in 1..9_usize) {
        let mut writer = PcapWriter::new(Vec::new()).unwrap();
        for (bytes, received) in &frames {
            writer.write(Frame { bytes, received: *received }).unwrap();
        }
        let file = writer.into_inner().unwrap();
        prop_assert_eq!(drain(&mut PcapSource::new(&file[..]).unwrap(), max), frames);
    }

    #[test]
    fn random_bytes_do_no_harm(
        start in prop_oneof![Just(MICROS), Just(NANOS), any::<u32>()],
        mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        ethernet in any::<bool>(),
    ) {
        if ethernet && bytes.len() >= 20 {
            bytes[..20].copy_from_slice(&plain().file(&[])[4..]);
        }
        let mut file = start.to_le_bytes().to_vec();
        file.extend(bytes);
        if let Ok(mut source) = PcapSource::new(&file[..]) {
            drain(&mut source, 3);
        }
    }

    /// A change to a frame's bytes does not reach the frames after it.
    #[test]
    fn damage_within_a_frame_stays_there(at in 16..19_usize, byte in any::<u8>()) {
        let mut file = plain().file(&[([1, 0, 3, 3], b"abc"), ([2, 0, 3, 3], b"def")]);
        file[24 + at] = byte;
        let frames = drain(&mut PcapSource::new(&file[..]).unwrap(), 9);
        prop_assert_eq!(&frames[1].0, b"def");
    }
}
