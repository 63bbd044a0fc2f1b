//! Reserving and committing: the same bytes leave whatever has changed between the two.

mod lab;

use lab::{CLIENT_MAC, Lab, MS, SERVER_MAC, config};
use tercel_tcp::{SEND_MAX, State};
use tercel_types::{Clock, PortError, StreamPort};

fn got_after(lab: &mut Lab, span: u64) -> Vec<u8> {
    lab.run(span);
    lab.server.got.clone()
}

#[test]
fn space_is_the_same_until_it_is_committed_and_no_longer_than_promised() {
    let mut lab = Lab::open(config(1));
    let at = |lab: &mut Lab, len| lab.client.reserve(len).map(|s| (s.as_ptr() as usize, s.len()));
    let first = at(&mut lab, 80).unwrap();
    assert_eq!(at(&mut lab, 80), Some(first));
    assert_eq!(at(&mut lab, 40), Some((first.0, 40)));
    assert_eq!(lab.client.commit(41), Err(PortError::TooLong));
    assert_eq!(lab.client.commit(1), Err(PortError::TooLong));
    assert_eq!(lab.client.commit(0), Ok(()));
    assert!(at(&mut lab, SEND_MAX + 1).is_none() && at(&mut lab, SEND_MAX).is_some());
    assert!(at(&mut lab, usize::MAX).is_none());
    assert!(at(&mut lab, 0).is_some());
    assert_eq!(lab.client.commit(0), Ok(()));
    lab.client.reserve(100).unwrap()[..5].copy_from_slice(b"short");
    lab.client.commit(5).unwrap();
    assert_eq!(got_after(&mut lab, MS), b"short");
    let report = lab.client.report();
    assert_eq!((report.fast, report.ordinary, report.mismatches), (1, 0, 0));
}

#[test]
fn bytes_longer_than_a_segment_go_the_ordinary_way() {
    let mut lab = Lab::open(config(2));
    let bytes: Vec<u8> = (0..SEND_MAX).map(|i| (i / 3) as u8).collect();
    assert!(lab.send(&bytes[..1_460]));
    assert!(lab.send(&bytes[1_460..2_921]));
    assert_eq!((lab.client.report().fast, lab.client.report().ordinary), (1, 1));
    assert!(lab.send(&bytes[2_921..]));
    assert!(got_after(&mut lab, 50 * MS) == bytes);
    assert_eq!(lab.client.report().mismatches, 0);
}

#[test]
fn what_is_committed_before_the_connection_is_open_leaves_first() {
    let mut lab = Lab::new(3, lab::Faults::default());
    lab.client.dial();
    assert!(lab.send(b"one "));
    assert!(lab.send(b"two "));
    lab.client.reserve(10).unwrap()[..6].copy_from_slice(b"three ");
    while lab.client.step() != State::Open {
        lab.pass(MS);
    }
    // The connection was opened between reserve and commit.
    lab.client.commit(6).unwrap();
    assert!(lab.send(b"four"));
    assert_eq!(got_after(&mut lab, MS), b"one two three four");
}

#[test]
fn a_poll_between_reserve_and_commit_loses_nothing() {
    let mut lab = Lab::open(config(4));
    lab.client.reserve(100).unwrap()[..9].copy_from_slice(b"reserved ");
    lab.server.to_send = vec![7; 500];
    // What arrives is acknowledged through the frame that was handed out.
    lab.run(MS);
    assert_eq!(lab.read().unwrap(), [7; 500]);
    lab.client.commit(9).unwrap();
    assert!(lab.send(b"next"));
    assert_eq!(got_after(&mut lab, MS), b"reserved next");
    let report = lab.client.report();
    assert_eq!((report.fast, report.ordinary, report.mismatches), (1, 1, 0));
}

#[test]
fn a_peer_that_closes_between_reserve_and_commit() {
    let mut lab = Lab::open(config(5));
    lab.client.reserve(100).unwrap()[..4].copy_from_slice(b"late");
    lab.server.socket().close();
    lab.run(MS);
    lab.client.commit(4).unwrap();
    assert_eq!(got_after(&mut lab, MS), b"late");
    lab.client.reserve(100).unwrap();
    lab.server.socket().abort();
    lab.run(MS);
    assert_eq!(lab.client.commit(0), Err(PortError::Closed));
    lab.client.reserve(100).unwrap();
    assert_eq!(lab.client.commit(4), Err(PortError::Closed));
}

#[test]
fn a_full_port_makes_frames_wait_in_order() {
    let mut lab = Lab::open(config(6));
    lab.net.borrow_mut().credit = 0;
    for i in 0..100u8 {
        assert!(lab.send(&[i; 50]));
    }
    assert!(lab.client.is_waiting() && lab.client.report().waited > 0);
    lab.run(100 * MS);
    assert!(lab.server.got.is_empty());
    for _ in 0..30 {
        lab.net.borrow_mut().credit = 5;
        lab.run(10 * MS);
    }
    lab.net.borrow_mut().credit = usize::MAX;
    lab.run(3_000 * MS);
    let expected: Vec<u8> = (0..100).flat_map(|i| [i; 50]).collect();
    assert!(lab.server.got == expected);
    assert_eq!(lab.client.report().mismatches, 0);
    let fast = lab.client.report().fast;
    assert!(lab.send(b"!"));
    assert_eq!(lab.client.report().fast, fast + 1);
}

#[test]
fn what_the_port_refuses_is_sent_later_or_again() {
    let mut lab = Lab::open(config(10));
    // No space for a moment: the same frames, a little later. Refused: sent again in time.
    for (errno, again) in [(11, false), (105, false), (100, true)] {
        let before = lab.client.report();
        lab.server.got.clear();
        lab.net.borrow_mut().sent = Some(Vec::new());
        lab.net.borrow_mut().refuses = Some((3, PortError::System(errno)));
        assert!(lab.send(b"one "));
        assert!(lab.send(b"two "));
        assert!(lab.send(b"three"));
        assert_eq!(got_after(&mut lab, 300 * MS), b"one two three");
        let after = lab.client.report();
        assert_eq!(after.mismatches, 0);
        assert_eq!(after.retransmits > before.retransmits, again, "{errno}: {after:?}");
        assert!(after.port_errors > before.port_errors);
        // Nothing has overtaken what had to wait.
        let sent = lab.net.borrow_mut().sent.take().unwrap();
        let bytes: Vec<u8> = sent.iter().flat_map(|(_, frame)| frame[54..].to_vec()).collect();
        assert!(again || bytes == b"one two three", "{sent:?}");
    }
}

#[test]
fn a_timer_that_runs_out_just_then_does_not_disturb() {
    let mut lab = Lab::open(config(7));
    assert!(lab.send(b"lost? "));
    // Without a step the retransmission timer is long overdue when the next bytes are committed.
    lab.time.advance(1_500 * MS);
    assert!(lab.send(b"not at all"));
    assert_eq!((lab.client.report().fast, lab.client.report().mismatches), (2, 0));
    assert_eq!(got_after(&mut lab, 2_000 * MS), b"lost? not at all");
}

/// The stack behind makes two segments of what lies across the end of its ring.
#[test]
fn the_end_of_the_send_buffer_is_no_surprise() {
    let mut lab = Lab::open(config(12));
    lab.net.borrow_mut().delay = 50_000;
    let mut sent = Vec::new();
    for round in 0..12u32 {
        // Never empty for a while, then once, at another place each time.
        for i in 0..250 + 40 * round {
            let bytes: Vec<u8> = (0..700 + round * 13).map(|at| (i * 31 + at) as u8).collect();
            assert!(lab.send(&bytes));
            sent.extend_from_slice(&bytes);
            lab.run(5_000);
        }
        lab.run(5 * MS);
    }
    assert!(sent.len() > 2_000_000 && lab.server.got == sent);
    let report = lab.client.report();
    assert_eq!((report.mismatches, report.retransmits), (0, 0));
    assert!((4..=12).contains(&report.ordinary), "{report:?}");
}

#[test]
fn after_an_outage_all_is_there_within_a_second_or_so() {
    let mut lab = Lab::open(config(11));
    let now = lab.time.now().0;
    lab.net.borrow_mut().faults.outage = (now, now + 10_000 * MS);
    for i in 0..50 {
        assert!(lab.send(&[i; 40]));
        lab.run(200 * MS);
    }
    assert!(lab.server.got.is_empty());
    let tries = lab.client.report().retransmits;
    assert!((10..20).contains(&tries), "{tries}");
    let got = got_after(&mut lab, 1_050 * MS);
    assert_eq!(got, (0..50).flat_map(|i| [i; 40]).collect::<Vec<u8>>());
    assert_eq!(lab.client.report().mismatches, 0);
}

#[test]
fn a_next_hop_that_moves_is_followed() {
    let mut lab = Lab::open(config(8));
    assert!(lab.send(b"here "));
    lab.run(MS);
    lab.net.borrow_mut().sent = Some(Vec::new());
    // An ARP reply to us from the server's address and another MAC.
    let moved = [2, 0, 0, 0, 0, 9];
    let mut arp = [CLIENT_MAC, moved].concat();
    arp.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    arp.extend_from_slice(&[&moved[..], &[10, 0, 0, 2], &CLIENT_MAC, &[10, 0, 0, 1]].concat());
    let now = lab.time.now().0;
    lab.net.borrow_mut().inject(&arp, now);
    lab.run(MS);
    assert!(lab.send(b"there"));
    assert!(lab.send(b"again"));
    let sent = lab.net.borrow_mut().sent.take().unwrap();
    assert!(sent.len() == 2 && sent.iter().all(|(_, frame)| frame[..6] == moved));
    let report = lab.client.report();
    assert_eq!((report.fast, report.ordinary, report.mismatches), (2, 1, 0));
    assert_ne!(moved, SERVER_MAC);
}

/// A segment that the full stack drops, because an option is broken, but that claims a wide window:
/// then the two disagree about what may be sent.
#[test]
fn where_the_full_stack_disagrees_its_word_counts() {
    let mut lab = Lab::open(config(9));
    lab.server.reads = false;
    let filled = vec![1; 65_000];
    assert!(lab.send(&filled[..33_000]));
    lab.run(100 * MS);
    assert!(lab.send(&filled[33_000..]));
    lab.run(100 * MS);
    lab.net.borrow_mut().heard = Some(Vec::new());
    lab.server.to_send = b"x".to_vec();
    lab.run(100 * MS);
    let heard = lab.net.borrow_mut().heard.take().unwrap();
    let mut forged = heard.iter().find(|frame| frame.len() == 55).unwrap().clone();
    forged.truncate(54);
    forged.extend_from_slice(&[3, 9, 9, 9]);
    forged[17] = 44;
    forged[46] = 0x60;
    forged[48..50].copy_from_slice(&[0xff, 0xff]);
    lab::fix_checksums(&mut forged);
    // One byte further on than the answer it was made of, which has been taken since.
    forged[41] = forged[41].wrapping_add(1);
    lab::fix_checksums(&mut forged);
    let now = lab.time.now().0;
    lab.net.borrow_mut().inject(&forged, now);
    lab.run(MS);
    assert!(lab.send(&[2; 1_400]));
    assert_eq!(lab.client.report().mismatches, 1, "{:?}", lab.client.report());
    let fast = lab.client.report().fast;
    assert!(lab.send(&[3; 10]));
    lab.server.reads = true;
    lab.run(5_000 * MS);
    let expected = [&filled[..], &[2; 1_400], &[3; 10]].concat();
    assert!(lab.server.got == expected);
    assert!(lab.send(&[4; 10]));
    assert_eq!(lab.client.report().fast, fast);
    assert_eq!(lab.client.report().mismatches, 1);
}
