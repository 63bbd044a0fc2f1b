//! What is odd in a recording: one count, one first example and one definition a rule.
//!
//! Rules look at the frames of each line, at the messages of the arbitrated feed, and at the books
//! made of them. Files are checked in the order given as one recording, so that a book lives on
//! across a rotation; findings are a file's own.

mod line;
mod market;

use crate::decode::Decoder;
use crate::files::{FilesError, Source};
use line::Line;
use market::Market;
use serde::Serialize;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use tercel_abi::Kind;
use tercel_book::LimitsError;
use tercel_proto::frame;
use tercel_proto::mold::Packet;
use tercel_types::Nanos;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal: $definition:literal,)+) => {
        /// One rule.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// Every rule, in the order of the report.
            pub const ALL: &[Rule] = &[$(Rule::$name),+];

            /// Its name in the report.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$name => $text,)+ }
            }

            /// What is counted.
            pub const fn definition(self) -> &'static str {
                match self { $(Rule::$name => $definition,)+ }
            }
        }
    };
}

rules! {
    /// Frames out of order by their stamps.
    StampBackwards = "stamp_backwards": "a frame is stamped before the one before it on its line",
    /// Frames from the future.
    StampFuture = "stamp_future": "a frame is stamped later than the time of this check",
    /// The venue's clock goes back.
    TimeBackwards = "time_backwards":
        "a message has an earlier venue's time than the message before it in sequence",
    /// The venue's clock is ahead.
    TimeFuture = "time_future":
        "a message's venue's time is more than 1 s after its arrival, with the venue's midnight \
         taken from the first message, to the nearest quarter of an hour",
    /// A line lacks messages.
    LineGap = "line_gap": "a packet of a line begins behind the number that the line is at",
    /// A line repeats messages.
    LineDuplicate = "line_duplicate":
        "a packet of a line holds only messages that the same line has brought before",
    /// A line brings packets late.
    LineLate = "line_late":
        "a packet of a line fills a gap of the same line (of its last 4,096 gaps)",
    /// Both lines lack messages for a time.
    Gap = "gap": "messages are missing on both lines, for a time or for good",
    /// Both lines lack messages for good.
    Lost = "lost": "messages that no line has brought within 1 s; each is counted",
    /// The arbitrated feed repeats a message.
    Duplicate = "duplicate":
        "a message comes out of arbitration with a number that is not above the one before it",
    /// Frames that are not good UDP.
    FrameMalformed = "frame_malformed": "a frame is not a good UDP datagram",
    /// Packets that are not good MoldUDP64.
    PacketMalformed = "packet_malformed": "a datagram to a line is not a good MoldUDP64 packet",
    /// Messages that are not good ITCH.
    MessageMalformed = "message_malformed":
        "a message of a line's packet is not one of ITCH 5.0; those of both lines are counted",
    /// A crossed book.
    BookCrossed = "book_crossed":
        "an instrument that trades comes to a best bid above its best ask",
    /// A locked book.
    BookLocked = "book_locked":
        "an instrument that trades comes to a best bid that is its best ask",
    /// A price between ticks.
    TickOff = "tick_off":
        "an order at zero, or at 1 dollar or more and not at a whole cent (Reg NMS rule 612)",
    /// A trade far from the market.
    TickFar = "tick_far":
        "a trade, but for crosses, is priced more than 10 % from the mid of a two-sided book \
         before it",
    /// A trade in a halt.
    PrintHalted = "print_halted":
        "a printable trade, but for crosses, of an instrument that is halted, paused or \
         quotation only",
    /// A silent line.
    Silence = "silence":
        "a line is not heard for more than 3 s; it sends a heartbeat each second",
}

/// The rules as text, a line each.
pub fn definitions() -> String {
    let line = |rule: &Rule| format!("  {:<18} {}\n", rule.name(), rule.definition());
    Rule::ALL.iter().map(line).collect()
}

/// Where a rule was first broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Example {
    /// When the frame arrived.
    pub received_ns: u64,
    /// Number of the message or of the packet's first one, where there is one.
    pub seq: Option<u64>,
    /// Line `a` or `b`, the instrument, or nothing.
    pub of: String,
    /// The values that break the rule.
    pub detail: String,
}

/// What one rule has found in a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// How often it was broken.
    pub count: u64,
    /// Where first.
    pub first: Option<Example>,
}

/// What is in one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// Its frames.
    pub frames: u64,
    /// Messages that came out of arbitration while it was read.
    pub messages: u64,
    /// Stamp of its first frame.
    pub first_ns: u64,
    /// Stamp of its last frame.
    pub last_ns: u64,
    /// The file ends within a frame.
    pub cut_off: bool,
    /// Damage behind which nothing of the file was read; empty if there is none.
    pub damage: String,
    /// Every rule.
    pub findings: Vec<Finding>,
}

/// The findings of the file at hand.
struct Findings(Vec<Finding>);

impl Findings {
    fn new() -> Findings {
        let none = |rule: &Rule| Finding { rule: rule.name(), count: 0, first: None };
        Findings(Rule::ALL.iter().map(none).collect())
    }

    fn add(&mut self, rule: Rule, count: u64, example: impl FnOnce() -> Example) {
        let finding = &mut self.0[rule as usize];
        finding.count += count;
        if finding.first.is_none() {
            finding.first = Some(example());
        }
    }
}

/// Checks files of one recording, one after the other.
pub struct Checker {
    lines: [SocketAddrV4; 2],
    watches: [Line; 2],
    decoder: Decoder,
    market: Market,
    now: Nanos,
}

impl Checker {
    /// A checker of these lines; stamps behind `now` are of the future.
    ///
    /// # Errors
    /// Where there is no memory for the books.
    pub fn new(lines: [SocketAddrV4; 2], now: Nanos) -> Result<Checker, LimitsError> {
        let (watches, decoder) = ([Line::new("a"), Line::new("b")], Decoder::new(lines));
        Ok(Checker { lines, watches, decoder, market: Market::new()?, now })
    }

    /// Reads one file to its end. With `last`, what is still missing is lost.
    ///
    /// # Errors
    /// Where the file cannot be read; damage within it is part of the report.
    pub fn check(
        &mut self,
        path: &Path,
        source: &mut Source,
        last: bool,
    ) -> Result<FileReport, FilesError> {
        let mut findings = Findings::new();
        let (mut first, mut newest, mut messages) = (None, 0, 0);
        let mut damage = String::new();
        loop {
            let frame = match source.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    damage = error.to_string();
                    break;
                }
            };
            first.get_or_insert(frame.received.0);
            newest = frame.received.0;
            self.look(&frame, &mut findings);
            let before = self.decoder.lost();
            let (market, found) = (&mut self.market, &mut findings);
            self.decoder.on_frame(frame, &mut |event| {
                messages += u64::from(event.seq.is_some());
                market.apply(event, found);
            });
            self.note_lost(before, newest, &mut findings);
        }
        if last {
            let before = self.decoder.lost();
            let (market, found) = (&mut self.market, &mut findings);
            self.decoder.finish(&mut |event| {
                messages += u64::from(event.seq.is_some());
                market.apply(event, found);
            });
            self.note_lost(before, newest, &mut findings);
        }
        let report = source.report();
        Ok(FileReport {
            file: path.into(),
            frames: report.frames,
            messages,
            first_ns: first.unwrap_or(0),
            last_ns: newest,
            cut_off: report.cut_off > 0,
            damage,
            findings: findings.0,
        })
    }

    /// The rules over frames.
    fn look(&mut self, frame: &tercel_types::Frame<'_>, findings: &mut Findings) {
        let received = frame.received;
        let plain = |of: &str, detail: String| Example {
            received_ns: received.0,
            seq: None,
            of: of.into(),
            detail,
        };
        if received > self.now {
            findings.add(Rule::StampFuture, 1, || plain("", String::new()));
        }
        let datagram = match frame::parse_udp(frame.bytes) {
            Ok(datagram) => datagram,
            Err(error) => {
                findings.add(Rule::FrameMalformed, 1, || plain("", error.to_string()));
                return;
            }
        };
        let line = self.lines.iter().position(|line| *line == datagram.dst);
        let Some(watch) = line.and_then(|line| self.watches.get_mut(line)) else { return };
        match Packet::new_checked(datagram.payload) {
            Ok(packet) => watch.on_packet(&packet, received, findings),
            Err(error) => {
                let name = watch.name();
                findings.add(Rule::PacketMalformed, 1, || plain(name, error.to_string()));
            }
        }
    }

    fn note_lost(&self, before: u64, received_ns: u64, findings: &mut Findings) {
        let lost = self.decoder.lost() - before;
        if lost > 0 {
            let detail = format!("{lost} messages");
            let example = || Example { received_ns, seq: None, of: String::new(), detail };
            findings.add(Rule::Lost, lost, example);
        }
    }
}

/// Opens and checks files in order; each report goes to `each`.
///
/// # Errors
/// As opening them.
pub fn check_all(
    paths: &[PathBuf],
    now: Nanos,
    mut open: impl FnMut(&Path) -> Result<Source, FilesError>,
    mut each: impl FnMut(FileReport),
) -> Result<(), CheckError> {
    let mut checker: Option<Checker> = None;
    for (at, path) in paths.iter().enumerate() {
        let lines = match crate::decode::lines(path) {
            // A file of a quiet hour goes on with the lines of the one before.
            Err(FilesError::NoFeed(..)) if checker.is_some() => None,
            other => Some(other?),
        };
        let other = |checker: &Checker, lines: [SocketAddrV4; 2]| {
            lines.iter().any(|line| line.port() > 0 && !checker.lines.contains(line))
        };
        if let Some(lines) = lines
            && checker.as_ref().is_none_or(|checker| other(checker, lines))
        {
            checker = Some(Checker::new(lines, now)?);
        }
        let Some(checker) = &mut checker else { continue };
        each(checker.check(path, &mut open(path)?, at + 1 == paths.len())?);
    }
    Ok(())
}

/// Why a check could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The books.
    #[error("{0}")]
    Limits(LimitsError),
}

impl From<LimitsError> for CheckError {
    fn from(error: LimitsError) -> CheckError {
        CheckError::Limits(error)
    }
}

/// The events of the feed that open a gap; the records that begin a recording are none.
fn opens_gap(kind: Option<Kind>, expected: u64) -> bool {
    kind == Some(Kind::GapOpen) && expected > 0
}
