//! Whatever a wire brings ends in a counter, never in a panic, and leaves a connection that it does
//! not belong to as it was.

mod lab;

use lab::{CLIENT, CLIENT_MAC, Lab, MS, Random, SERVER, SERVER_MAC, fix_checksums};
use tercel_tcp::State;
use tercel_types::{Clock, StreamPort};

/// A connection that has carried bytes both ways, and the frames its server sent.
fn lab_with_frames(seed: u64) -> (Lab, Vec<Vec<u8>>) {
    let mut lab = Lab::new(seed, lab::Faults::default());
    lab.net.borrow_mut().heard = Some(Vec::new());
    lab.client.dial();
    lab.until(State::Open);
    for round in 0..8 {
        lab.server.to_send.extend_from_slice(&[round; 70]);
        lab.run(MS);
        assert!(lab.send(&[round; 50]));
        lab.run(MS);
        lab.read().unwrap();
    }
    let heard = lab.net.borrow_mut().heard.take().unwrap();
    assert!(heard.len() >= 9);
    (lab, heard)
}

fn inject(lab: &mut Lab, frame: &[u8]) {
    let now = lab.time.now().0;
    lab.net.borrow_mut().inject(frame, now);
    lab.client.step();
}

/// The connection still carries bytes both ways.
fn works(lab: &mut Lab) {
    let (got, sent) = (lab.server.got.len(), lab.server.to_send.len());
    lab.read().unwrap();
    lab.server.to_send.extend_from_slice(b"answer");
    assert!(lab.send(b"order"));
    lab.run(3_000 * MS);
    assert_eq!(lab.server.got[got..], *b"order");
    assert_eq!(lab.server.sent, sent + 6);
    assert_eq!(lab.read().unwrap(), b"answer");
}

#[test]
fn frames_for_others_and_broken_ones_are_counted_and_dropped() {
    let (mut lab, frames) = lab_with_frames(1);
    let good = frames.iter().rfind(|frame| frame.len() > 60).unwrap().clone();
    let changed = |at: usize, to: &[u8], fix: bool| {
        let mut frame = good.clone();
        frame[at..at + to.len()].copy_from_slice(to);
        if fix {
            fix_checksums(&mut frame);
        }
        frame
    };
    let foreign = [
        changed(0, &[2, 0, 0, 0, 0, 9], false),
        changed(0, &[0xff; 6], false),
        changed(12, &[0x86, 0xdd], false),
        changed(12, &[0x81, 0], false),
        changed(23, &[17], true),
        changed(26, &[10, 0, 0, 3], true),
        changed(30, &[10, 0, 0, 3], true),
        changed(34, &[1, 1], true),
    ];
    let malformed = [
        good[..10].to_vec(),
        good[..20].to_vec(),
        good[..40].to_vec(),
        good[..good.len() - 1].to_vec(),
        changed(14, &[0x46], true),
        changed(14, &[0x65], true),
        changed(20, &[0x20], true),
        changed(21, &[1], true),
        changed(24, &[1, 1], false),
        changed(46, &[0x40], true),
        changed(50, &[1, 1], false),
        changed(60, &[0xff], false),
    ];
    let before = lab.client.report();
    foreign.iter().chain(&malformed).for_each(|frame| inject(&mut lab, frame));
    let after = lab.client.report();
    assert_eq!(after.foreign - before.foreign, foreign.len() as u64);
    assert_eq!(after.malformed - before.malformed, malformed.len() as u64);
    assert_eq!(after.frames - before.frames, (foreign.len() + malformed.len()) as u64);
    works(&mut lab);
}

#[test]
fn broken_arp_is_dropped_and_good_arp_answered() {
    let (mut lab, _) = lab_with_frames(2);
    let mut question = [[0xff; 6], SERVER_MAC].concat();
    question.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    question.extend_from_slice(&SERVER_MAC);
    question.extend_from_slice(&SERVER.octets());
    question.extend_from_slice(&[0; 6]);
    question.extend_from_slice(&CLIENT.octets());
    lab.net.borrow_mut().sent = Some(Vec::new());
    inject(&mut lab, &question);
    let sent = lab.net.borrow_mut().sent.take().unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (&sent[0].1[..6], &sent[0].1[20..28]),
        (&SERVER_MAC[..], &[0, 2, 2, 0, 0, 0, 0, 1][..])
    );
    lab.net.borrow_mut().sent = Some(Vec::new());
    for cut in 14..question.len() {
        inject(&mut lab, &question[..cut]);
    }
    for (at, wrong) in [(15, 2), (16, 9), (18, 5), (41, 9), (32, 8), (21, 3)] {
        let mut bad = question.clone();
        bad[at] = wrong;
        if at != 32 {
            inject(&mut lab, &bad);
        }
    }
    assert!(lab.net.borrow_mut().sent.take().unwrap().is_empty());
    works(&mut lab);
}

#[test]
fn noise_changes_nothing() {
    let (mut lab, _) = lab_with_frames(3);
    let mut random = Random(99);
    let mut frame = vec![0; 9_000];
    for round in 0..200_000 {
        let len = random.below(if round % 100 == 0 { 9_000 } else { 90 }) as usize;
        frame[..len].fill_with(|| random.next() as u8);
        if len > 14 && round % 2 == 0 {
            frame[..6].copy_from_slice(&CLIENT_MAC);
            frame[12..14].copy_from_slice(&[8, if round % 4 == 0 { 0 } else { 6 }]);
        }
        inject(&mut lab, &frame[..len]);
    }
    assert_eq!(lab.client.state(), State::Open);
    works(&mut lab);
}

/// Frames of the connection itself, changed and made whole again: the peer may say what it likes,
/// even end the connection, as long as nothing panics and a new connection works.
#[test]
fn a_peer_that_says_anything_is_survived() {
    let mut ended = 0;
    for seed in 0..300 {
        let (mut lab, frames) = lab_with_frames(seed);
        // Not ARP: who lies about a MAC address is believed, as by any host.
        let frames: Vec<_> = frames.into_iter().filter(|frame| frame[13] == 0).collect();
        let last = frames.last().unwrap().clone();
        let mut random = Random(seed ^ 0xf00d);
        for round in 0..200u64 {
            let mut frame = match random.below(4) {
                0 => frames[random.below(frames.len() as u64) as usize].clone(),
                _ => last.clone(),
            };
            for _ in 0..1 + random.below(3) {
                match random.below(6) {
                    // Sequence and acknowledgement numbers around those in use.
                    0 | 1 if frame.len() >= 54 => {
                        let at = [41, 45, 40, 44][random.below(4) as usize];
                        let step = [1, 255, 50, 70, 200][random.below(5) as usize];
                        frame[at] = frame[at].wrapping_add(step);
                    }
                    2 if frame.len() >= 54 && random.below(4) > 0 => {
                        frame[47] = [0x10, 0x18, 0x11, 0x12, 2, 0][random.below(6) as usize];
                    }
                    2 if frame.len() >= 54 => frame[47] = random.next() as u8,
                    3 if frame.len() >= 54 => {
                        frame[48..50].copy_from_slice(&[random.next() as u8 & 1, 0]);
                    }
                    4 => {
                        let more = random.below(300) as usize;
                        frame.extend(std::iter::repeat_n(random.next() as u8, more));
                        let total = (frame.len() - 14) as u16;
                        frame[16..18].copy_from_slice(&total.to_be_bytes());
                    }
                    _ => {
                        let at = random.below(frame.len() as u64) as usize;
                        frame[at] ^= 1 << random.below(8);
                    }
                }
            }
            if random.below(20) != 0 {
                fix_checksums(&mut frame);
            }
            inject(&mut lab, &frame);
            let _ = lab.client.poll(|bytes| bytes.len() / 2);
            if random.below(3) == 0
                && let Some(space) = lab.client.reserve(40)
            {
                space.fill(round as u8);
                let _ = lab.client.commit(20);
            }
            if random.below(10) == 0 {
                lab.run(random.below(2_000) * MS);
            }
        }
        ended += u64::from(matches!(lab.client.state(), State::Closed(_)));
        lab.server.listen();
        lab.client.dial();
        lab.until(State::Open);
        lab.server.to_send.clear();
        lab.run(MS);
        works(&mut lab);
    }
    println!("{ended} of 300 connections were ended by what was said");
}
