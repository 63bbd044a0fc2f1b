//! What the feed does in the situations that matter, each told as the records that come out.

mod feed_support;

use feed_support::*;
use tercel_proto::feed::{FeedConfig, Start};
use tercel_types::{Nanos, SeqNo};

const MS: Nanos = Nanos::from_millis(1);

fn times() -> FeedConfig {
    FeedConfig {
        request_wait: MS,
        request_wait_max: Nanos::from_millis(4),
        requests_max: 3,
        ..config()
    }
}

#[test]
fn both_lines_give_each_message_once() {
    let mut bed = Bed::new(config());
    bed.line(A, 1..4);
    bed.line(B, 1..4);
    bed.line(B, 4..6);
    bed.line(A, 4..6);
    assert_eq!(bed.story(), "1 2 3 4 5");
    let counters = bed.feed.counters();
    assert_eq!(counters.lines.map(|line| line.packets), [2, 2]);
    assert_eq!(counters.lines.map(|line| line.duplicates), [1, 1]);
    assert_eq!(counters.lines.map(|line| line.messages_first), [3, 2]);
    assert_eq!((counters.messages, counters.messages_duplicate, counters.gaps), (5, 5, 0));
    assert!(!bed.feed.is_stale());
    assert_eq!(bed.feed.next_seq(), SeqNo(6));
}

#[test]
fn records_carry_the_time_of_their_frame() {
    let mut bed = Bed::new(config());
    bed.line(A, 1..2);
    bed.now = Nanos(2_000);
    bed.line(A, 3..4);
    bed.now = Nanos(3_000);
    bed.line(B, 2..3);
    let times: Vec<_> = bed.records.iter().map(|record| record.receive_time).collect();
    assert_eq!(bed.story(), "1 gap(2,1) 2r 3r closed(4)");
    assert_eq!(times, [1_000, 2_000, 3_000, 2_000, 3_000]);
}

#[test]
fn the_other_line_fills_a_gap_before_a_request() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.line(A, 5..7);
    assert!(bed.feed.is_stale());
    assert_eq!(bed.request(), None);
    bed.line(A, 7..8);
    bed.line(B, 3..5);
    assert_eq!(bed.story(), "1 2 gap(3,2) 3r 4r 5r 6r 7r closed(8)");
    bed.later(Nanos::from_millis(10));
    assert_eq!(bed.request(), None);
    assert!(!bed.feed.is_stale());
}

#[test]
fn requests_ask_for_the_first_hole_with_back_off() {
    let mut bed = Bed::new(FeedConfig { requests_max: 4, ..times() });
    bed.line(A, 1..3);
    bed.line(A, 5..6);
    bed.line(A, 9..10);
    bed.later(MS);
    assert_eq!(bed.request(), Some((3, 2)));
    assert_eq!(bed.request(), None);
    bed.later(MS);
    assert_eq!(bed.request(), Some((3, 2)));
    bed.later(MS);
    assert_eq!(bed.request(), None);
    bed.later(MS);
    assert_eq!(bed.request(), Some((3, 2)));
    // The answer may hold a part only, and the next hole is asked for as soon as it is there.
    bed.recovered(3..4);
    assert_eq!(bed.request(), Some((4, 1)));
    bed.recovered(4..5);
    assert_eq!(bed.request(), Some((6, 3)));
    bed.recovered(6..9);
    assert_eq!(bed.request(), None);
    assert_eq!(bed.story(), "1 2 gap(3,2) 3r 4r 5r 6r 7r 8r 9r closed(10)");
    assert_eq!(bed.feed.counters().requests, 5);
    assert_eq!(bed.feed.counters().recovery.messages_first, 5);
}

#[test]
fn a_request_names_as_many_as_it_can() {
    let mut bed = Bed::new(times());
    bed.payload(A, &heartbeat(SESSION, 200_000));
    bed.later(MS);
    assert_eq!(bed.request(), Some((1, 65_534)));
}

#[test]
fn overlapping_packets_give_what_is_new() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..5);
    bed.line(B, 3..8);
    bed.line(A, 10..14);
    bed.line(B, 12..16);
    bed.line(B, 9..16);
    bed.line(A, 6..12);
    assert_eq!(bed.story(), "1 2 3 4 5 6 7 gap(8,2) 8r 9r 10r 11r 12r 13r 14r 15r closed(16)");
    let counters = bed.feed.counters();
    assert_eq!(counters.messages, 15);
    assert_eq!(counters.messages + counters.messages_duplicate, 4 + 5 + 4 + 4 + 7 + 6);
}

#[test]
fn a_heartbeat_shows_a_gap_at_the_tail() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.payload(A, &heartbeat(SESSION, 3));
    assert_eq!(bed.story(), "1 2");
    bed.payload(B, &heartbeat(SESSION, 6));
    bed.later(MS);
    assert_eq!(bed.request(), Some((3, 3)));
    bed.recovered(3..6);
    assert_eq!(bed.story(), "gap(3,3) 3r 4r 5r closed(6)");
    assert_eq!(bed.feed.counters().lines.map(|line| line.heartbeats), [1, 1]);
}

#[test]
fn the_session_ends_when_all_was_delivered() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.payload(A, &end_of_session(SESSION, 4));
    assert!(!bed.feed.is_ended());
    bed.later(MS);
    assert_eq!(bed.request(), Some((3, 1)));
    bed.recovered(3..4);
    assert_eq!(bed.story(), "1 2 gap(3,1) 3r closed(4) ended(4)");
    assert!(bed.feed.is_ended() && !bed.feed.is_stale());
    bed.payload(B, &end_of_session(SESSION, 4));
    bed.line(B, 2..6);
    bed.later(Nanos::from_secs(100));
    assert_eq!(bed.story(), "");
    assert_eq!(bed.feed.counters().dropped_after_end, 2);
}

#[test]
fn silence_of_both_lines_is_told() {
    let mut bed = Bed::new(config());
    bed.line(A, 1..2);
    bed.later(Nanos::from_secs(3));
    bed.later(Nanos(1));
    bed.later(Nanos::from_secs(3));
    assert!(bed.feed.is_stale());
    bed.recovered(1..2);
    assert!(bed.feed.is_stale());
    bed.line(B, 2..3);
    assert!(!bed.feed.is_stale());
    assert_eq!(bed.story(), "1 down up 2");
    // One line is enough.
    for _ in 0..5 {
        bed.later(Nanos::from_secs(2));
        bed.payload(B, &heartbeat(SESSION, 3));
    }
    assert_eq!(bed.story(), "");
    assert_eq!(bed.feed.counters().downs, 1);
}

#[test]
fn a_feed_that_is_never_heard_is_down() {
    let mut bed = Bed::new(config());
    bed.later(MS);
    bed.later(Nanos::from_secs(4));
    assert_eq!(bed.story(), "down");
    bed.line(A, 1..2);
    assert_eq!(bed.story(), "up 1");
}

#[test]
fn a_clock_that_steps_back_does_no_harm() {
    let mut bed = Bed::new(times());
    bed.now = Nanos::from_secs(1_000);
    bed.line(A, 1..2);
    bed.now = Nanos(5);
    bed.line(A, 3..4);
    bed.later(MS);
    assert_eq!(bed.request(), None);
    bed.now = Nanos::from_secs(1_001);
    assert_eq!(bed.request(), Some((2, 1)));
    bed.now = Nanos(u64::MAX);
    assert_eq!(bed.request(), Some((2, 1)));
    assert_eq!(bed.story(), "1 gap(2,1)");
}

#[test]
fn another_session_starts_over() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.line(A, 4..6);
    bed.payload(A, &packet(*b"20191231 A", 1, &messages(1..3)));
    // The slower line still brings the old session.
    bed.line(B, 3..4);
    bed.payload(B, &packet(*b"20191231 A", 1, &messages(1..4)));
    assert_eq!(bed.story(), "1 2 gap(3,1) session(20191231 A) closed(1) 1 2 3");
    let counters = bed.feed.counters();
    assert_eq!((counters.session_changes, counters.dropped_session), (1, 1));
    assert_eq!(counters.dropped_pending, 2);
    assert!(!bed.feed.is_stale());
}

#[test]
fn another_session_joined_late_needs_a_snapshot() {
    let mut bed = Bed::new(FeedConfig { start: Start::Late, ..times() });
    bed.snapshot_begin();
    bed.snapshot_end(1);
    bed.line(A, 1..2);
    bed.payload(A, &packet(*b"20191231 A", 8, &messages(8..10)));
    assert!(bed.feed.wants_snapshot() && bed.feed.is_stale());
    bed.snapshot_begin();
    bed.snapshot_message(&message(7));
    bed.snapshot_end(8);
    assert_eq!(
        bed.story(),
        "gap(0,0) begin end(1) closed(1) 1 session(20191231 A) gap(0,0) begin 7s end(8) 8r 9r \
         closed(10)"
    );
}

#[test]
fn a_configured_session_is_the_only_one() {
    let mut bed = Bed::new(FeedConfig { session: Some(SESSION), ..config() });
    bed.payload(A, &packet(*b"20191231 A", 1, &messages(1..3)));
    bed.line(A, 1..2);
    assert_eq!(bed.story(), "1");
    assert_eq!(bed.feed.counters().dropped_session, 1);
}

#[test]
fn the_retransmission_server_names_no_session() {
    let mut bed = Bed::new(config());
    bed.recovered(1..2);
    assert_eq!(bed.feed.session(), None);
    bed.line(A, 1..2);
    assert_eq!(bed.story(), "1");
}

#[test]
fn a_late_join_goes_through_a_snapshot() {
    let mut bed = Bed::new(FeedConfig { start: Start::Late, ..times() });
    assert!(bed.feed.wants_snapshot() && bed.feed.is_stale());
    bed.line(A, 100..103);
    bed.snapshot_begin();
    bed.snapshot_message(&message(7));
    bed.line(A, 103..105);
    bed.line(B, 100..103);
    bed.snapshot_message(b"?");
    bed.snapshot_message(&message(9));
    assert_eq!(bed.request(), None);
    bed.snapshot_end(102);
    assert_eq!(bed.story(), "gap(0,0) begin 7s 9s end(102) 102r 103r 104r closed(105)");
    bed.line(A, 105..106);
    assert_eq!(bed.story(), "105");
    let counters = bed.feed.counters();
    assert_eq!((counters.snapshots, counters.snapshots_done, counters.malformed_kind), (1, 1, 1));
    assert_eq!((counters.dropped_pending, counters.messages_snapshot), (2, 2));
    assert_eq!((counters.gaps, counters.gaps_closed), (1, 1));
}

#[test]
fn a_snapshot_older_than_what_was_held_leaves_a_gap() {
    let mut bed = Bed::new(FeedConfig { start: Start::Late, ..times() });
    bed.line(A, 100..103);
    bed.snapshot_begin();
    bed.snapshot_end(98);
    assert_eq!(bed.request(), Some((98, 2)));
    bed.recovered(98..100);
    assert_eq!(bed.story(), "gap(0,0) begin end(98) 98r 99r 100r 101r 102r closed(103)");
}

#[test]
fn exhausted_requests_want_a_snapshot() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.line(A, 5..7);
    let mut requests = 0;
    while !bed.feed.wants_snapshot() {
        bed.later(MS);
        requests += u32::from(bed.request().is_some());
        assert!(bed.now < Nanos::from_secs(1));
    }
    assert_eq!(requests, 3);
    assert_eq!(bed.feed.counters().requests_exhausted, 1);
    bed.snapshot_begin();
    assert!(!bed.feed.wants_snapshot());
    bed.line(A, 7..8);
    bed.snapshot_message(&message(2));
    bed.snapshot_end(6);
    assert_eq!(bed.story(), "1 2 gap(3,2) begin 2s end(6) 6r 7r closed(8)");
}

#[test]
fn without_a_server_the_other_line_has_its_moment() {
    let mut bed = Bed::new(FeedConfig { recovery: None, ..times() });
    bed.line(A, 2..3);
    assert!(!bed.feed.wants_snapshot());
    bed.later(MS);
    assert!(bed.feed.wants_snapshot());
    // It may still come, and then no snapshot is needed; one that was begun meanwhile is ignored.
    bed.line(B, 1..2);
    assert!(!bed.feed.wants_snapshot());
    bed.snapshot_begin();
    bed.snapshot_message(&message(1));
    bed.snapshot_end(3);
    bed.line(B, 3..4);
    assert_eq!(bed.story(), "gap(1,1) 1r 2r closed(3) 3");
    assert_eq!(bed.feed.counters().dropped_snapshot, 2);
}

#[test]
fn a_failed_snapshot_is_tried_again() {
    let mut bed = Bed::new(FeedConfig { start: Start::Late, ..times() });
    bed.line(A, 5..6);
    bed.snapshot_begin();
    bed.snapshot_message(&message(1));
    bed.feed.on_snapshot_failed(bed.now);
    assert!(!bed.feed.wants_snapshot());
    bed.later(Nanos::from_millis(4));
    assert!(bed.feed.wants_snapshot());
    bed.snapshot_begin();
    bed.snapshot_end(5);
    assert_eq!(bed.story(), "gap(0,0) begin 1s begin end(5) 5r closed(6)");
    assert_eq!(bed.feed.counters().snapshots_failed, 1);
}

#[test]
fn requests_are_tried_again_when_no_snapshot_can_be_had() {
    let mut bed = Bed::new(FeedConfig { requests_max: 1, ..times() });
    bed.line(A, 2..3);
    bed.later(MS);
    assert_eq!(bed.request(), Some((1, 1)));
    bed.later(MS);
    assert!(bed.feed.wants_snapshot());
    bed.feed.on_snapshot_failed(bed.now);
    bed.later(Nanos::from_millis(4));
    assert!(!bed.feed.wants_snapshot());
    assert_eq!(bed.request(), Some((1, 1)));
    bed.recovered(1..2);
    assert_eq!(bed.story(), "gap(1,1) 1r 2r closed(3)");
}

#[test]
fn an_overflow_behind_a_gap_wants_a_snapshot() {
    let mut bed = Bed::new(FeedConfig { pending_bytes_max: 210, ..times() });
    bed.line(A, 1..2);
    // A block of a message is 21 bytes: ten fit.
    bed.line(A, 3..13);
    assert!(!bed.feed.wants_snapshot());
    bed.line(B, 10..13);
    assert!(!bed.feed.wants_snapshot());
    bed.line(A, 13..15);
    assert!(bed.feed.wants_snapshot());
    bed.snapshot_begin();
    bed.snapshot_message(&message(1));
    bed.snapshot_end(14);
    assert_eq!(bed.story(), "1 gap(2,1) begin 1s end(14) 14r closed(15)");
    let counters = bed.feed.counters();
    assert_eq!((counters.store_overflows, counters.messages_duplicate), (1, 3));
}

#[test]
fn what_did_not_fit_is_still_missing() {
    let mut bed = Bed::new(FeedConfig { pending_bytes_max: 64, ..times() });
    bed.line(A, 1..2);
    bed.line(A, 3..8);
    bed.line(B, 2..3);
    assert!(bed.feed.is_stale());
    bed.line(B, 3..8);
    assert_eq!(bed.story(), "1 gap(2,6) 2r 3r 4r 5r 6r 7r closed(8)");
    assert!(!bed.feed.is_stale() && !bed.feed.wants_snapshot());
}

#[test]
fn an_overflow_during_a_snapshot_starts_it_over() {
    let mut bed = Bed::new(FeedConfig { start: Start::Late, pending_bytes_max: 64, ..times() });
    bed.line(A, 1..4);
    bed.snapshot_begin();
    bed.snapshot_message(&message(1));
    bed.line(A, 4..5);
    assert!(bed.feed.wants_snapshot());
    bed.snapshot_message(&message(2));
    bed.snapshot_end(3);
    assert!(bed.feed.wants_snapshot());
    bed.snapshot_begin();
    bed.snapshot_end(4);
    assert_eq!(bed.story(), "gap(0,0) begin 1s begin end(4) 4r closed(5)");
    let counters = bed.feed.counters();
    assert_eq!((counters.snapshots, counters.snapshots_failed), (2, 1));
    assert_eq!((counters.dropped_snapshot, counters.dropped_pending), (2, 3));
    // A packet that is larger than the whole store.
    bed.line(A, 6..10);
    assert!(bed.feed.wants_snapshot() && bed.feed.is_stale());
}

#[test]
fn a_reader_downstream_can_ask_for_a_snapshot() {
    let mut bed = Bed::new(times());
    bed.line(A, 1..3);
    bed.feed.request_snapshot();
    assert!(bed.feed.is_stale() && bed.feed.wants_snapshot());
    bed.line(A, 3..5);
    bed.snapshot_begin();
    bed.snapshot_message(&message(2));
    bed.snapshot_end(3);
    bed.line(A, 5..6);
    assert_eq!(bed.story(), "1 2 gap(3,0) begin 2s end(3) 3r 4r closed(5) 5");
    // Of a session that has ended too.
    bed.payload(A, &end_of_session(SESSION, 6));
    bed.feed.request_snapshot();
    bed.later(MS);
    bed.snapshot_begin();
    bed.snapshot_end(6);
    assert_eq!(bed.story(), "ended(6) gap(6,0) begin end(6) closed(6) ended(6)");
}

#[test]
fn a_malformed_message_takes_its_number() {
    let mut bed = Bed::new(times());
    let list = [message(1), vec![], b"D".to_vec(), b"~~~".to_vec(), message(5)];
    bed.payload(A, &packet(SESSION, 1, &list));
    bed.line(A, 6..7);
    assert_eq!(bed.story(), "1 5 6");
    let counters = bed.feed.counters();
    assert_eq!(counters.malformed_empty, 1);
    assert_eq!(counters.malformed_length, 1);
    assert_eq!(counters.malformed_kind, 1);
}

#[test]
fn each_bad_frame_is_counted_once() {
    let mut bed = Bed::new(FeedConfig { session: Some(SESSION), ..config() });
    let good = frame(VENUE_HOST, A, &packet(SESSION, 1, &messages(1..2)));
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    bed.frame(&bad);
    bed.frame(&good[..20]);
    bed.frame(&frame(VENUE_HOST, HOST, &packet(SESSION, 1, &messages(1..2))));
    bed.frame(&frame(VENUE_HOST, A, &packet(SESSION, 1, &messages(1..2))[..25]));
    bed.frame(&frame(VENUE_HOST, A, &packet(SESSION, u64::MAX, &messages(1..2))));
    bed.frame(&frame(VENUE_HOST, A, &packet(SESSION, 1 << 40, &messages(1..2))));
    bed.frame(&frame(VENUE_HOST, A, &heartbeat(SESSION, 1 << 40)));
    bed.frame(&frame(VENUE_HOST, A, &end_of_session(SESSION, 1 << 40)));
    bed.frame(&good);
    bed.frame(&frame(VENUE_HOST, A, &end_of_session(SESSION, 1)));
    assert_eq!(bed.story(), "1");
    let counters = bed.feed.counters();
    assert_eq!((counters.dropped_udp_checksum, counters.dropped_short), (1, 1));
    assert_eq!((counters.dropped_address, counters.dropped_mold_truncated), (1, 1));
    assert_eq!((counters.dropped_mold_sequence, counters.dropped_far_ahead), (1, 3));
    assert_eq!(counters.dropped_end, 1);
}
