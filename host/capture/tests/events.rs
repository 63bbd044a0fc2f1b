//! From captures to events: numbers, gaps, Parquet, and the findings of a check.

mod feed;

use feed::{LINES, MS, START, add, datagram, directory, executed, packet, state};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::{Path, PathBuf};
use tercel_abi::Kind;
use tercel_capture::check::{FileReport, check_all};
use tercel_capture::convert::{ConvertConfig, ConvertError, Converter};
use tercel_capture::decode::{Decoder, lines};
use tercel_capture::{files, schema};
use tercel_net::pcap::PcapWriter;
use tercel_types::{Frame, Nanos};

/// A frame and when it arrives, in milliseconds from the start.
type Timed = (u64, Vec<u8>);

fn write(path: &Path, frames: &[Timed]) {
    let mut writer = PcapWriter::create(path).unwrap();
    for (ms, bytes) in frames {
        writer.write(Frame { bytes, received: Nanos(START + ms * MS) }).unwrap();
    }
    writer.flush().unwrap();
}

/// Numbers and kinds that come out of frames.
fn decoded(frames: &[Timed]) -> (Vec<(Option<u64>, Kind)>, u64) {
    let mut decoder = Decoder::new(LINES);
    let mut seen = Vec::new();
    for (ms, bytes) in frames {
        let frame = Frame { bytes, received: Nanos(START + ms * MS) };
        decoder.on_frame(frame, &mut |e| seen.push((e.seq, e.record.kind().unwrap())));
    }
    decoder.finish(&mut |e| seen.push((e.seq, e.record.kind().unwrap())));
    (seen, decoder.lost())
}

fn order(seq: u64) -> Vec<u8> {
    add(START, seq, b'B', 100, 10_000)
}

#[test]
fn numbers_skip_what_is_malformed_and_what_is_lost() {
    let frames = vec![
        (0, packet(1, 2, &[order(2)])),
        // Line A is later and brings what is before.
        (1, packet(0, 1, &[order(1), order(2), b"Zx".to_vec(), order(4)])),
        (200, packet(1, 3, &[b"Zx".to_vec(), order(4), order(5)])),
        // 6 and 7 come on no line, 9 on line B only.
        (201, packet(0, 8, &[order(8)])),
        (202, packet(1, 9, &[order(9)])),
        (1_500, packet(0, 10, &[order(10)])),
    ];
    let (seen, lost) = decoded(&frames);
    let numbers: Vec<u64> = seen.iter().filter_map(|(seq, _)| *seq).collect();
    assert_eq!((numbers, lost), (vec![1, 2, 4, 5, 8, 9, 10], 2));
    let gaps = seen.iter().filter(|(_, kind)| *kind == Kind::GapOpen).count();
    let closed = seen.iter().filter(|(_, kind)| *kind == Kind::GapClosed).count();
    assert_eq!((gaps, closed), (2, 2));
}

#[test]
fn what_is_missing_at_the_end_is_lost_too() {
    let frames = vec![(0, packet(0, 1, &[order(1)])), (200, packet(0, 4, &[order(4)]))];
    let (seen, lost) = decoded(&frames);
    let numbers: Vec<u64> = seen.iter().filter_map(|(seq, _)| *seq).collect();
    assert_eq!((numbers, lost), (vec![1, 4], 2));
}

fn convert(frames: &[Timed], config: ConvertConfig) -> Result<u64, ConvertError> {
    let (mut decoder, mut converter) = (Decoder::new(LINES), Converter::new(config));
    let mut failed = None;
    for (ms, bytes) in frames {
        let frame = Frame { bytes, received: Nanos(START + ms * MS) };
        decoder.on_frame(frame, &mut |event| {
            failed = failed.take().or(converter.add(event).err());
        });
    }
    failed.map_or_else(|| converter.finish().map(|done| done.events), Err)
}

fn rows(folder: &Path, symbol: &str) -> (usize, usize) {
    let path = folder.join(format!("date=2026-11-22/symbol={symbol}/part-0.parquet"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    assert_eq!(reader.schema().fields(), schema::schema().fields());
    let groups = reader.metadata().num_row_groups();
    let rows = reader.build().unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    (rows, groups)
}

#[test]
fn events_lie_in_folders_of_day_and_symbol_with_little_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut frames = vec![(0, packet(0, 1, &[directory(START), state(START, b'T')]))];
    frames.extend((3..1_003).map(|seq| (200 + seq, packet(0, seq, &[order(seq)]))));
    let mut config = ConvertConfig::new(folder.path().into());
    (config.rows_max, config.group_rows) = (100, 64);
    // The beginning of the recording: a gap, and a snapshot of nothing.
    assert_eq!(convert(&frames, config.clone()).unwrap(), 1_002 + 4);
    let (of_symbol, groups) = rows(folder.path(), "TRCL");
    assert!(of_symbol == 1_002 && groups > 10, "{groups}");
    assert_eq!(rows(folder.path(), "_MARKET").0, 4);
    let again = convert(&frames, config).unwrap_err();
    assert!(matches!(again, ConvertError::Exists(_)), "{again}");
    let part = |name: &Path| name.extension().is_some_and(|end| end == "part");
    let symbol = folder.path().join("date=2026-11-22/symbol=TRCL");
    let left = std::fs::read_dir(symbol).unwrap().filter(|e| part(&e.as_ref().unwrap().path()));
    assert_eq!(left.count(), 0);
}

fn check(paths: &[PathBuf], now: u64) -> Vec<FileReport> {
    let mut reports = Vec::new();
    let open = |path: &Path| files::open(path, |file| Box::new(file));
    check_all(paths, Nanos(now), open, |report| reports.push(report)).unwrap();
    reports
}

fn count(report: &FileReport, rule: &str) -> u64 {
    report.findings.iter().find(|finding| finding.rule == rule).unwrap().count
}

#[test]
fn each_rule_finds_what_breaks_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |ms: u64| START + ms * MS;
    let mut bad = packet(0, 30, &[order(99)]);
    *bad.last_mut().unwrap() ^= 1;
    let short = datagram(0, 5);
    let frames = vec![
        (0, packet(0, 1, &[directory(at(0)), state(at(0), b'T')])),
        (200, packet(0, 3, &[add(at(200), 1, b'B', 100, 100_000)])),
        (201, packet(0, 4, &[add(at(201), 2, b'S', 100, 100_200)])),
        // Off the tick, then locked, crossed.
        (202, packet(0, 5, &[add(at(202), 3, b'B', 100, 100_001)])),
        (203, packet(0, 6, &[add(at(203), 4, b'B', 100, 100_200)])),
        (204, packet(0, 7, &[add(at(204), 5, b'B', 100, 100_300)])),
        (205, packet(0, 7, &[add(at(204), 5, b'B', 100, 100_300)])),
        (206, packet(0, 8, &[state(at(206), b'H'), executed(at(206), 1, 10)])),
        // The venue's clock goes back; the other line fills a gap; a message of no type.
        (207, packet(0, 11, &[executed(at(205), 1, 10)])),
        (208, packet(1, 10, &[b"Zx".to_vec()])),
        (209, packet(0, 10, &[b"Zx".to_vec()])),
        (208, packet(0, 12, &[state(at(208), b'T')])),
        (210, bad),
        (210, short),
        (4_000, packet(0, 13, &[])),
    ];
    let clean = folder.path().join("2.pcap");
    let path = folder.path().join("1.pcap");
    write(&path, &frames);
    let later: Vec<Timed> = (13..20)
        .map(|seq| (4_000 + seq, packet(0, seq, &[add(at(4_000 + seq), seq, b'B', 1, 90_000)])))
        .collect();
    write(&clean, &later);
    assert_eq!(lines(&path).unwrap(), LINES);
    let reports = check(&[path.clone(), clean], START + 5_000 * MS);
    let found: Vec<(&str, u64)> = reports[0]
        .findings
        .iter()
        .filter(|finding| finding.count > 0)
        .map(|finding| (finding.rule, finding.count))
        .collect();
    let wanted = [
        ("stamp_backwards", 1),
        ("time_backwards", 1),
        ("line_gap", 1),
        ("line_duplicate", 1),
        ("line_late", 1),
        ("gap", 1),
        ("frame_malformed", 1),
        ("packet_malformed", 1),
        ("message_malformed", 2),
        ("book_crossed", 2),
        ("book_locked", 1),
        ("tick_off", 1),
        ("print_halted", 2),
        ("silence", 1),
    ];
    assert_eq!(found, wanted);
    let odd = reports[1].findings.iter().filter(|finding| finding.count > 0).count();
    assert_eq!((reports[1].messages, odd), (7, 0), "{:?}", reports[1]);
    // Before the recording was made, all of it is of the future.
    assert_eq!(count(&check(&[path], START - 1)[0], "stamp_future"), frames.len() as u64);
}
