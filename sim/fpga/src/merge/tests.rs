use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A merge with its counters.
struct Bench {
    merge: Merge,
    counters: Counters,
}

impl Bench {
    fn new(next: u64) -> Bench {
        Bench { merge: Merge::new(next), counters: Counters::new() }
    }

    /// Kind, order_ref, quantity and second_ref of the record that BEGIN makes.
    fn begin(&mut self, line: usize, seq: u64) -> Option<(Kind, u64, u64, u64)> {
        self.merge.begin(line, seq, &mut self.counters).map(parts)
    }

    fn messages(&mut self, line: usize, seqs: std::ops::Range<u64>) -> Vec<Taken> {
        seqs.map(|seq| self.merge.message(line, seq, &mut self.counters)).collect()
    }

    fn end(&mut self, line: usize, good: bool) -> Option<(Kind, u64, u64, u64)> {
        self.merge.end(line, good, false, &mut self.counters).map(parts)
    }

    fn packet(&mut self, line: usize, seqs: std::ops::Range<u64>) {
        self.begin(line, seqs.start);
        self.messages(line, seqs);
        self.end(line, true);
    }

    fn card(&self, index: usize) -> u32 {
        self.counters.card[index]
    }
}

fn parts(record: EventRecord) -> (Kind, u64, u64, u64) {
    (record.kind().unwrap(), record.order_ref, record.quantity, record.second_ref)
}

#[test]
fn the_first_number_is_taken_where_none_is_given() {
    let mut bench = Bench::new(0);
    assert_eq!(bench.begin(0, 0), None);
    assert_eq!(bench.begin(0, 100), Some((Kind::GapOpen, 0, 100, 0)));
    assert_eq!(bench.messages(0, 100..102), [Taken::New; 2]);
    // A bad packet must not decide where the feed begins.
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 100, 2, 0)));
    let far = 1 << 40;
    assert_eq!(bench.begin(1, far), Some((Kind::GapOpen, 0, far, 0)));
    assert_eq!(bench.messages(1, far..far + 1), [Taken::New]);
}

#[test]
fn the_other_line_fills_a_gap_and_closes_it() {
    let mut bench = Bench::new(1);
    bench.packet(0, 1..4);
    assert_eq!(bench.begin(0, 6), Some((Kind::GapOpen, 4, 2, 0)));
    assert_eq!(bench.messages(0, 6..8), [Taken::New; 2]);
    assert_eq!(bench.end(0, true), None);
    assert_eq!(bench.begin(1, 3), None);
    let taken = bench.messages(1, 3..9);
    assert_eq!(taken, [Taken::No, Taken::Fill, Taken::Fill, Taken::No, Taken::No, Taken::New]);
    assert_eq!(bench.end(1, true), Some((Kind::GapClosed, 6, 0, 0)));
    assert_eq!(bench.card(counter::GAPS_CLOSED), 1);
    assert_eq!(bench.counters.lines[1][line_counter::DUPLICATES], 3);
    assert_eq!(bench.counters.lines[1][line_counter::MESSAGES], 3);
}

#[test]
fn a_bad_packet_that_jumped_is_forgotten_with_its_gap() {
    let mut bench = Bench::new(10);
    assert_eq!(bench.begin(0, 500), Some((Kind::GapOpen, 10, 490, 0)));
    bench.messages(0, 500..502);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 500, 2, 10)));
    assert_eq!(bench.begin(1, 10), None);
    assert_eq!(bench.messages(1, 10..12), [Taken::New; 2]);

    // Without a message there is no range, but the jump is taken back all the same.
    bench.begin(0, 600);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 0, 0, 12)));
}

#[test]
fn a_jump_that_the_other_line_confirmed_stays() {
    let mut bench = Bench::new(1);
    bench.begin(0, 5);
    bench.messages(0, 5..6);
    bench.begin(1, 5);
    assert_eq!(bench.messages(1, 5..7), [Taken::No, Taken::New]);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 5, 1, 7)));
    assert_eq!(bench.messages(1, 7..8), [Taken::New]);
}

#[test]
fn what_was_taken_back_is_the_hole() {
    let mut bench = Bench::new(1);
    bench.begin(0, 1);
    bench.messages(0, 1..4);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 1, 3, 4)));
    bench.begin(1, 1);
    assert_eq!(bench.messages(1, 1..5), [Taken::Fill, Taken::Fill, Taken::Fill, Taken::New]);
    assert_eq!(bench.end(1, true), Some((Kind::GapClosed, 4, 0, 0)));
    // A bad packet that brought nothing is no news.
    bench.begin(0, 1);
    bench.messages(0, 1..4);
    assert_eq!(bench.end(0, false), None);
    assert_eq!(bench.card(counter::RETRACTS), 1);
}

#[test]
fn a_bad_end_forgets_that_a_hole_was_closed() {
    let mut bench = Bench::new(1);
    bench.begin(0, 3);
    bench.messages(0, 3..5);
    bench.begin(1, 1);
    bench.messages(1, 1..3);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 3, 2, 3)));
    assert_eq!(bench.end(1, true), None);
}

/// A jump that proves bad goes back to the hole that it opened, whatever the other line took back
/// meanwhile: what a good packet brought does not come again.
#[test]
fn two_bad_packets_at_once_go_back_to_the_jump() {
    let mut bench = Bench::new(1);
    bench.begin(0, 1);
    bench.messages(0, 1..2);
    bench.packet(1, 1..3);
    bench.begin(1, 4);
    bench.messages(1, 4..6);
    assert_eq!(bench.end(0, false), Some((Kind::Retract, 1, 1, 6)));
    assert_eq!(bench.end(1, false), Some((Kind::Retract, 4, 2, 3)));
    bench.begin(0, 1);
    assert_eq!(bench.messages(0, 1..4), [Taken::No, Taken::No, Taken::New]);
}

#[test]
fn a_packet_too_far_ahead_is_ignored_to_its_end() {
    let mut bench = Bench::new(1);
    let far = 1 + (1 << 32) + 1;
    assert_eq!(bench.begin(0, far), None);
    assert_eq!(bench.messages(0, far..far + 1), [Taken::No]);
    assert_eq!(bench.end(0, false), None);
    assert_eq!(bench.card(counter::FAR_AHEAD), 1);
    assert_eq!(bench.counters.lines[0][line_counter::DUPLICATES], 0);
    assert_eq!(bench.begin(0, far - 1), Some((Kind::GapOpen, 1, 1 << 32, 0)));
}

#[test]
fn an_end_of_session_says_its_number() {
    let mut bench = Bench::new(5);
    bench.begin(1, 5);
    let record = bench.merge.end(1, true, true, &mut bench.counters).unwrap();
    assert_eq!(parts(record), (Kind::SessionEnd, 5, 0, 0));
}

/// What a reader of the records believes.
#[derive(Default, Debug)]
struct Reader {
    next: u64,
    have: BTreeSet<u64>,
    missing: BTreeSet<u64>,
}

impl Reader {
    fn message(&mut self, seq: u64, taken: Taken) {
        assert!(self.have.insert(seq), "{seq} came twice");
        match taken {
            Taken::New => {
                assert_eq!(seq, self.next, "{} was skipped without a word", self.next);
                self.next += 1;
            }
            Taken::Fill => assert!(self.missing.contains(&seq), "{seq} was not missing"),
            Taken::No => {}
        }
        self.missing.remove(&seq);
    }

    fn control(&mut self, record: EventRecord) {
        let (kind, first, quantity, next) = parts(record);
        match kind {
            Kind::GapOpen => {
                assert_eq!(first, self.next);
                self.missing.extend(first..first + quantity);
                self.next = first + quantity;
            }
            Kind::Retract => {
                for seq in first..first + quantity {
                    // Another bad packet may have voided it before.
                    let known = self.have.remove(&seq) || self.missing.contains(&seq);
                    assert!(known, "{seq} was taken back but never came");
                    self.missing.insert(seq);
                }
                assert!(next <= self.next);
                self.next = next;
                // From the next number on everything may come again. That can be a number the
                // other line brought and no range names: where both lines have gone bad at once.
                self.have.split_off(&next);
                self.missing.split_off(&next);
            }
            Kind::GapClosed => assert!(self.have.contains(&(first - 1)), "{first} is no end"),
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Clone, Debug)]
struct Packets {
    seq: u64,
    count: u64,
    good: bool,
}

fn packets() -> impl Strategy<Value = Vec<Packets>> {
    let packet = (1_u64..40, 0_u64..6, prop::bool::weighted(0.75));
    prop::collection::vec(packet.prop_map(|(seq, count, good)| Packets { seq, count, good }), 0..24)
}

/// One event: BEGIN, MESSAGE, END.
#[derive(Clone, Debug)]
enum Step {
    Begin(u64),
    Message(u64),
    End(bool),
}

fn steps(packets: &[Packets]) -> Vec<Step> {
    let of = |packet: &Packets| {
        let messages = (packet.seq..packet.seq + packet.count).map(Step::Message);
        let end = Step::End(packet.good);
        [Step::Begin(packet.seq)].into_iter().chain(messages).chain([end]).collect::<Vec<_>>()
    };
    packets.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Each number is handed out at most once unless a RETRACT voided it or went back to before
    /// it, nothing is skipped without a GAP_OPEN, and a GAP_CLOSED stands behind what has come.
    #[test]
    fn a_reader_of_the_records_is_never_misled(
        a in packets(),
        b in packets(),
        start in 0_u64..3,
        turns in prop::collection::vec(0_usize..2, 400),
    ) {
        let mut lines = [steps(&a).into_iter(), steps(&b).into_iter()];
        let mut bench = Bench::new(start);
        let mut reader = Reader { next: start, ..Reader::default() };
        for line in turns {
            let Some(step) = lines[line].next() else { continue };
            let Bench { merge, counters } = &mut bench;
            let record = match step {
                Step::Begin(seq) => merge.begin(line, seq, counters),
                Step::End(good) => merge.end(line, good, false, counters),
                Step::Message(seq) => {
                    match merge.message(line, seq, counters) {
                        Taken::No => {}
                        taken => reader.message(seq, taken),
                    }
                    None
                }
            };
            if let Some(record) = record {
                reader.control(record);
            }
            let (first, end) = merge.hole;
            prop_assert!(first <= end && end <= merge.expected);
            prop_assert_eq!(merge.expected, reader.next);
        }
    }
}
