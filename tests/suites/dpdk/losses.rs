//! What is full, gone or thrown: no frame is lost without being counted, no buffer ever.

use crate::lab::{ENDS, cable, eal, frame, number, open, packet, send, take, xdp};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tercel_dpdk::{DpdkPort, PortConfig};
use tercel_netns::Namespace;
use tercel_types::{FrameSink, FrameSource, PortError};

fn numbered(number: u64) -> Vec<u8> {
    frame(&number.to_be_bytes())
}

#[test]
fn a_frame_that_finds_the_ring_full_is_kept() {
    let mut port = open(format!("net_ring{}", number()));
    let mut sent = 0;
    let refused = loop {
        let bytes = numbered(sent);
        port.reserve(bytes.len()).expect("more buffers than slots").copy_from_slice(&bytes);
        match port.commit() {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 8_000, "no ring is so large");
    };
    assert_eq!(refused, PortError::System(11));
    assert_eq!(port.commit(), Err(refused), "still full");
    assert_eq!(port.report().transmit_full, 2);
    let expected: Vec<_> = (0..sent).map(numbered).collect();
    assert_eq!(take(&mut port, expected.len()), expected);
    port.commit().expect("space again");
    assert_eq!(port.commit(), Err(PortError::System(22)), "sent already");
    assert_eq!(take(&mut port, 1), [numbered(sent)]);
    assert_eq!(port.poll(1, |_| {}), Ok(0));
}

#[test]
fn a_pool_that_is_empty_fills_again() {
    let config = PortConfig {
        receive_slots: 64,
        transmit_slots: 64,
        buffers: 255,
        ..PortConfig::new(format!("net_ring{}", number()))
    };
    let mut port = DpdkPort::open(eal(), &config).expect("a ring");
    let all = port.report().buffers_free;
    for round in 0..3 {
        let mut sent = 0;
        while let Some(space) = port.reserve(60) {
            space.fill(sent as u8);
            port.commit().expect("a ring with more slots than buffers");
            sent += 1;
            assert!(sent <= 255, "round {round}");
        }
        assert_eq!(port.report().buffers_free, 0);
        assert!(sent > 200, "{sent} buffers in round {round}");
        assert!(port.commit().is_err(), "nothing was reserved");
        assert_eq!(take(&mut port, sent).len(), sent);
        assert_eq!(port.report().buffers_free, all);
    }
}

#[test]
fn buffers_go_back_once_when_the_caller_panics() {
    let mut port = open(format!("net_ring{}", number()));
    let all = port.report().buffers_free;
    let frames: Vec<_> = (0..100).map(numbered).collect();
    frames.iter().for_each(|bytes| send(&mut port, bytes));
    let mut seen = Vec::new();
    // At the first of a burst, in its middle, at its last, and in the one that was half used.
    for panic_at in [0, 16, 31, 40, 41, 99] {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            port.poll(100, |frame| {
                seen.push(frame.bytes.to_vec());
                assert!(seen.len() != panic_at + 1, "on purpose");
            })
        }));
        assert!(caught.is_err(), "a panic at {panic_at}");
    }
    assert_eq!(seen, frames, "each once, in order");
    assert_eq!(port.poll(8, |_| {}), Ok(0));
    assert_eq!(port.report().buffers_free, all);
    // A buffer that went back twice would be handed to two frames.
    frames.iter().for_each(|bytes| send(&mut port, bytes));
    assert_eq!(take(&mut port, 100), frames);
    // Frames that wait when the port is dropped.
    frames.iter().for_each(|bytes| send(&mut port, bytes));
    assert_eq!(port.poll(5, |_| {}), Ok(5));
    assert!(port.reserve(60).is_some());
    drop(port);
}

/// Opens a device at both ends.
fn pair(ends: &[Namespace; 2], device: impl Fn(&str) -> String + Sync) -> [DpdkPort; 2] {
    [0, 1].map(|end| ends[end].run(|| open(device(ENDS[end]))).expect("a thread"))
}

fn close(ends: &[Namespace; 2], ports: [DpdkPort; 2]) {
    for (end, port) in ends.iter().zip(ports) {
        end.run(|| drop(port)).expect("a thread");
    }
}

#[test]
fn frames_that_found_no_space_are_counted() {
    let Some(ends) = cable() else { return };
    for device in [packet, xdp] {
        let [mut sink, mut source] = pair(&ends, device);
        let sent = 6_000;
        for number in 0..sent {
            let bytes = numbered(number);
            sink.reserve(bytes.len()).expect("space").copy_from_slice(&bytes);
            while sink.commit() == Err(PortError::System(11)) {}
        }
        let mut taken = Vec::new();
        while source.poll(64, |frame| taken.push(frame.bytes.to_vec())) != Ok(0) {}
        let (report, driver) = (source.report(), source.driver().to_string());
        close(&ends, [sink, source]);
        let kept = taken.len() as u64;
        println!("{driver}: {sent} sent, {kept} taken, {report:?}");
        assert!(kept >= 500 && kept < sent, "{driver}: {kept} of {sent}");
        if driver == "net_af_packet" {
            assert_eq!(report.missed, sent - kept);
        } else {
            // What does not reach the XDP program, for the cable's own queue is short, is not the
            // socket's to count.
            assert!((1..=sent - kept).contains(&report.missed), "{report:?}");
        }
        let expected: Vec<_> = (0..kept).map(numbered).collect();
        assert!(taken == expected, "{driver}: the oldest are kept, in order");
    }
}

#[test]
fn an_interface_that_goes_away_is_survived() {
    for device in [packet, xdp] {
        let Some(ends) = cable() else { return };
        let [mut sink, mut source] = pair(&ends, device);
        send(&mut sink, &numbered(1));
        assert_eq!(take(&mut source, 1), [numbered(1)]);
        ends[0].ip(&["link", "delete", ENDS[0]]).expect("an interface to delete");
        for number in 0..2_000 {
            let bytes = numbered(number);
            if let Some(space) = sink.reserve(bytes.len()) {
                space.copy_from_slice(&bytes);
                let _ = sink.commit();
            }
            // Nothing comes, and if it is an error then one without a frame.
            let _ = source.poll(8, |_| panic!("a frame out of nowhere"));
        }
        let _ = (sink.report(), source.report(), sink.link(), source.link());
        close(&ends, [sink, source]);
    }
}

/// Longer than any buffer of the pool stays unused: each of them carries frames.
#[test]
fn every_buffer_carries_frames() {
    let Some([near, far]) = cable() else { return };
    for device in [packet as fn(&str) -> String, xdp] {
        let opened = |end: &Namespace, name| end.run(|| open(device(name))).expect("a thread");
        let (mut sink, mut source) = (opened(&near, ENDS[0]), opened(&far, ENDS[1]));
        for batch in 0..800_u64 {
            let frames: Vec<_> = (32 * batch..32 * batch + 32).map(numbered).collect();
            frames.iter().for_each(|bytes| send(&mut sink, bytes));
            let came = take(&mut source, frames.len());
            assert_eq!(came, frames, "batch {batch} of {}", source.driver());
        }
    }
}
