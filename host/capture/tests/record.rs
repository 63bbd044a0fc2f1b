//! Recording: what is written, read back by a reader that is not ours; rotation, overflow, and a
//! disk that is full.

mod feed;

use feed::{LINES, START, add, packet};
use pcap_file::pcapng::blocks::interface_statistics::InterfaceStatisticsOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use tercel_capture::files::{Chain, files};
use tercel_capture::record::{RING_MIN, RecordConfig, RecordError, Recorded, channel};
use tercel_net::clock::ManualClock;
use tercel_net::pcap::PcapSource;
use tercel_types::{Frame, Nanos};

fn config(folder: &Path) -> RecordConfig {
    RecordConfig {
        folder: folder.into(),
        lines: LINES,
        rotate_bytes: 1 << 30,
        rotate_after: Nanos::from_secs(3_600),
        application: "test".into(),
    }
}

/// Pushes frames of both lines in turn, then writes all.
fn record(config: RecordConfig, frames: &[Vec<u8>]) -> Result<Recorded, RecordError> {
    let clock = ManualClock::new(Nanos(START));
    let (mut tap, writer) = channel(config, RING_MIN * 64, Nanos(START))?;
    for (at, bytes) in frames.iter().enumerate() {
        assert!(tap.push(Frame { bytes, received: Nanos(START + at as u64) }));
    }
    drop(tap);
    writer.run(&clock)
}

fn frames(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|at| packet((at % 2) as usize, at, &[add(START, at, b'B', 1, 1)])).collect()
}

/// Frames, interfaces' names and statistics as `pcap-file` reads them.
#[allow(clippy::type_complexity)] // three lists, each as its name in the test says
fn independent(path: &Path) -> (Vec<Vec<u8>>, Vec<String>, Vec<(u64, u64)>) {
    let mut reader = PcapNgReader::new(File::open(path).unwrap()).unwrap();
    let (mut frames, mut names, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::EnhancedPacket(packet) => frames.push(packet.data.to_vec()),
            Block::InterfaceDescription(interface) => {
                names.extend(interface.options.iter().map(|option| format!("{option:?}")));
            }
            Block::InterfaceStatistics(statistics) => {
                let (mut received, mut dropped) = (0, 0);
                for option in &statistics.options {
                    match option {
                        InterfaceStatisticsOption::IsbIfRecv(count) => received = *count,
                        InterfaceStatisticsOption::IsbIfDrop(count) => dropped = *count,
                        _ => {}
                    }
                }
                counted.push((received, dropped));
            }
            _ => {}
        }
    }
    (frames, names, counted)
}

#[test]
fn an_independent_reader_finds_every_frame_name_and_count() {
    let folder = tempfile::tempdir().unwrap();
    let frames = frames(1_001);
    let recorded = record(config(folder.path()), &frames).unwrap();
    assert_eq!((recorded.report.written, recorded.report.files), (1_001, 1));
    let path = recorded.last.unwrap();
    assert_eq!(path.file_name().unwrap(), "feed-20261122T100000.000000000Z.pcapng");
    let (read, names, counted) = independent(&path);
    assert!(read == frames);
    let names = names.join(" ");
    assert!(names.contains("line-a") && names.contains("line-b"), "{names}");
    assert_eq!(counted, [(501, 0), (500, 0)]);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), recorded.report.bytes);
}

#[test]
fn rotated_files_are_read_as_one_recording() {
    let folder = tempfile::tempdir().unwrap();
    let frames = frames(10_000);
    let rotate = RecordConfig { rotate_bytes: 200_000, ..config(folder.path()) };
    let recorded = record(rotate, &frames).unwrap();
    let files = files(folder.path()).unwrap();
    assert!(files.len() > 5 && files.len() as u64 == recorded.report.files);
    for file in &files {
        assert!(std::fs::metadata(file).unwrap().len() <= 200_000);
        assert_eq!(independent(file).2.len(), 2);
    }
    let mut source = PcapSource::new(Chain::new(files)).unwrap();
    for bytes in &frames {
        assert_eq!(source.next_frame().unwrap().unwrap().bytes, bytes);
    }
    assert!(source.next_frame().unwrap().is_none() && source.report().cut_off == 0);
}

#[test]
fn what_the_ring_has_no_room_for_is_counted_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (mut tap, writer) = channel(config(folder.path()), RING_MIN, Nanos(START)).unwrap();
    let frames = frames(20_000);
    // Nobody writes yet.
    let taken =
        frames.iter().filter(|bytes| tap.push(Frame { bytes, received: Nanos(START) })).count()
            as u64;
    assert!(!tap.push(Frame { bytes: b"no frame of a line", received: Nanos(START) }));
    tap.counters().set_system_dropped([3, 4]);
    assert!(taken > 1_000 && taken < 20_000);
    drop(tap);
    let recorded = writer.run(&ManualClock::new(Nanos(START))).unwrap();
    let report = recorded.report;
    assert_eq!((report.received, report.other), ([10_000; 2], 1));
    assert_eq!((report.written, report.dropped.iter().sum()), (taken, 20_000 - taken));
    assert_eq!(report.system_dropped, [3, 4]);
    let (read, _, counted) = independent(&recorded.last.unwrap());
    assert!(read[..] == frames[..taken as usize]);
    assert_eq!(counted, [(10_000, report.dropped[0]), (10_000, report.dropped[1])]);
}

#[test]
fn the_programs_that_people_use_open_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = record(config(folder.path()), &frames(100)).unwrap().last.unwrap();
    let file = path.display().to_string();
    let mut found = false;
    for (program, arguments) in [
        ("capinfos", vec![&file[..]]),
        ("tcpdump", vec!["-n", "-r", &file]),
        ("tshark", vec!["-r", &file]),
    ] {
        if let Ok(output) = Command::new(program).args(arguments).output() {
            found = true;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program}: {said}");
        }
    }
    if !found {
        println!("skipped: neither capinfos, tcpdump nor tshark is installed");
    }
}

#[test]
fn bad_places_and_rings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let small = channel(config(folder.path()), RING_MIN - 1, Nanos(START));
    assert!(matches!(small, Err(RecordError::Ring(_))));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = channel(config(&file), RING_MIN, Nanos(START)).map(drop).unwrap_err();
    assert!(matches!(error, RecordError::Open { .. }), "{error}");
}

/// A small file system of its own, where this user may mount one.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Option<Small> {
        let small = Small(tempfile::tempdir().unwrap());
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(small.0.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(small)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_ends_it_and_what_was_written_is_whole() {
    let Some(small) = Small::mount() else {
        println!("skipped: this user cannot mount a small file system");
        return;
    };
    let frames = frames(50_000);
    let error = record(config(small.0.path()), &frames).unwrap_err();
    let text = error.to_string();
    let RecordError::Write { written, last, .. } = error else { panic!("{text}") };
    assert!(written > 1_000 && text.contains(&format!("{written} frames are written")), "{text}");
    let (read, _, _) = independent(&last.unwrap());
    assert!(read[..] == frames[..written as usize]);
    let left = std::fs::read_dir(small.0.path()).unwrap().count();
    assert_eq!(left, 1, "a file in progress is left");
}
