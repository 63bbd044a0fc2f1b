//! Frames out of the ordinary: long, short, tagged; and when they arrived.

use crate::lab::{ENDS, cable, eal, frame, number, open, packet, send, take, xdp};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tercel_dpdk::{DpdkPort, FRAME_MIN, PortConfig};
use tercel_net::pcap::PcapWriter;
use tercel_types::{Frame, FrameSink, FrameSource, Nanos, PortError};

/// A capture file with these frames, a microsecond apart.
struct File(PathBuf);

/// When the files' first frame arrived.
const BEGIN: u64 = 1_700_000_000_000_000_000;

impl File {
    fn new(frames: &[Vec<u8>]) -> File {
        let name = format!("tercel-dpdk-frames-{}-{}.pcap", std::process::id(), number());
        let path = std::env::temp_dir().join(name);
        let mut writer = PcapWriter::create(&path).expect("a file");
        for (n, bytes) in frames.iter().enumerate() {
            let received = Nanos(BEGIN + n as u64 * 1_000);
            writer.write(Frame { bytes, received }).expect("a frame");
        }
        writer.flush().expect("a file");
        File(path)
    }

    fn open(&self, config: impl FnOnce(PortConfig) -> PortConfig) -> DpdkPort {
        let device = format!("net_pcap{},rx_pcap={}", number(), self.0.display());
        DpdkPort::open(eal(), &config(PortConfig::new(device))).expect("a capture")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn patterned(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 31) >> 3) as u8).collect()
}

#[test]
fn a_jumbo_frame_in_one_buffer() {
    let device = format!("net_ring{}", number());
    let config = PortConfig {
        buffer_bytes: 9_216,
        frame_max: 9_018,
        buffers: 2_047,
        ..PortConfig::new(device)
    };
    let mut port = DpdkPort::open(eal(), &config).expect("a ring");
    let long = patterned(9_018);
    send(&mut port, &long);
    assert!(port.reserve(9_019).is_none());
    assert_eq!(port.commit(), Err(PortError::TooLong));
    assert_eq!(take(&mut port, 1), [long]);
    assert_eq!(port.report().gathered, 0);
}

#[test]
fn a_frame_of_several_buffers_is_put_together() {
    let frames = [patterned(60), patterned(9_018), patterned(2_049), patterned(61)];
    let file = File::new(&frames);
    let mut port = file.open(|config| PortConfig { frame_max: 9_018, ..config });
    let before = port.report().buffers_free;
    assert_eq!(take(&mut port, 4), frames);
    let report = port.report();
    assert_eq!((report.frames, report.gathered, report.oversized), (4, 2, 0));
    assert_eq!(report.buffers_free, before, "a chain goes back whole");
}

#[test]
fn a_frame_longer_than_the_port_carries_is_counted() {
    let frames = [patterned(60), patterned(5_000), patterned(61), patterned(2_100)];
    let file = File::new(&frames);
    let mut port = file.open(|config| config);
    let before = port.report().buffers_free;
    assert_eq!(take(&mut port, 2), [patterned(60), patterned(61)]);
    assert_eq!(port.poll(1, |_| {}), Ok(0));
    let report = port.report();
    assert_eq!((report.frames, report.oversized), (2, 2));
    assert_eq!(report.buffers_free, before);
}

#[test]
fn a_runt_is_handed_out_and_not_sent() {
    let frames: Vec<Vec<u8>> = (1..20).map(patterned).collect();
    let file = File::new(&frames);
    let mut port = file.open(|config| config);
    assert_eq!(take(&mut port, frames.len()), frames);
    let mut port = open(format!("net_ring{}", number()));
    for len in [0, 1, FRAME_MIN - 1] {
        assert!(port.reserve(len).is_some());
        assert_eq!(port.commit(), Err(PortError::System(22)), "{len} bytes");
    }
    send(&mut port, &patterned(FRAME_MIN));
    assert_eq!(take(&mut port, 1), [patterned(FRAME_MIN)]);
}

#[test]
fn times_are_those_of_the_recording_or_of_now() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_nanos() as u64;
    let file = File::new(&[patterned(60), patterned(70)]);
    let mut port = file.open(|config| config);
    let mut times = Vec::new();
    while times.len() < 2 {
        port.poll(2, |frame| times.push(frame.received.0)).expect("an open port");
    }
    assert_eq!(times, [BEGIN, BEGIN + 1_000]);
    assert_eq!(port.report().stamped, 2);

    let mut port = open(format!("net_ring{}", number()));
    let begin = now();
    send(&mut port, &patterned(60));
    port.poll(1, |frame| times.push(frame.received.0)).expect("an open port");
    assert!((begin..=now()).contains(&times[2]), "{begin} {}", times[2]);
}

/// The kernel takes a tag off on the way to its sockets, and DPDK has to put it back.
#[test]
fn tags_are_as_they_were_sent() {
    let Some(ends) = cable() else { return };
    let plain = frame(&patterned(64));
    let tagged = |tags: &[[u8; 4]]| {
        let mut bytes = plain[..12].to_vec();
        tags.iter().for_each(|tag| bytes.extend_from_slice(tag));
        bytes.extend_from_slice(&plain[12..]);
        bytes
    };
    let one = tagged(&[[0x81, 0, 0x60, 7]]);
    let two = tagged(&[[0x81, 0, 0, 9], [0x81, 0, 0xe0, 100]]);
    let service = tagged(&[[0x88, 0xa8, 0, 9], [0x81, 0, 0xe0, 100]]);
    for device in [packet, xdp] {
        let open_at = |end: usize| ends[end].run(|| open(device(ENDS[end]))).expect("a thread");
        let (mut sink, mut source) = (open_at(0), open_at(1));
        let driver = source.driver().to_string();
        // A packet socket says which tag was taken off but not of which kind, and DPDK 22.11 does
        // not ask: net_af_packet puts the ordinary kind back.
        let last = if driver == "net_af_packet" { &two } else { &service };
        let sent = [&one, &plain, &two, last].map(Clone::clone);
        sent.iter().for_each(|bytes| send(&mut sink, bytes));
        let taken = take(&mut source, sent.len());
        for (end, port) in ends.iter().zip([sink, source]) {
            end.run(|| drop(port)).expect("a thread");
        }
        assert_eq!(taken, sent, "{driver}");
    }
}
