// Generated from abi.toml by `cargo x gen`; do not edit.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First word of every shared layout.
pub const MAGIC: u64 = 0x4c45_4352_4554_0001;

/// Version of the layouts.
pub const VERSION: u64 = 2;

/// Hash of what the layouts say, so that two builds that disagree refuse each other.
pub const LAYOUT_HASH: u64 = 0xe534_9fb5_82c8_03e0;

/// One event of a feed in one cache line. A reader polls the sequence word only and then reads the
/// rest of the same line.
///
/// Most kinds are ITCH 5.0 messages and carry the letter of the message; which field holds what is
/// written at each kind. A field a kind does not name is zero. `exchange_time` and `instrument` are
/// set for every message kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C, align(64))]
pub struct EventRecord {
    /// Number of this record in its ring, from 1: the word that publishes the slot. From a card,
    /// the message's number in the feed. Zero elsewhere. Unit: record.
    pub seq: u64,
    /// What happened: a code of `Kind`. Unit: code.
    pub kind: u8,
    /// `B` or `S`, zero where a side means nothing; IMBALANCE has more letters. Unit: ASCII.
    pub side: u8,
    /// The venue, as the configuration numbers it. Unit: number.
    pub venue: u8,
    /// Bits of `flag`. Unit: bits.
    pub flags: u8,
    /// Stock locate; zero for events of the whole market. Unit: number.
    pub instrument: u16,
    /// A small code whose meaning the kind gives. Unit: code.
    pub tag: u16,
    /// Price in the venue's integer units. Unit: 1/10,000 dollar.
    pub price: i64,
    /// Shares, unless the kind says otherwise. Unit: share.
    pub quantity: u64,
    /// Order reference number, unless the kind says otherwise. Unit: number.
    pub order_ref: u64,
    /// Replacement order, match number, or what the kind says. Unit: number.
    pub second_ref: u64,
    /// The venue's time of the event. Unit: ns since midnight at the venue.
    pub exchange_time: u64,
    /// When the frame arrived, in ticks of the device that wrote the record; software writes
    /// nanoseconds of the host's clock. Unit: device tick.
    pub receive_time: u64,
}

const _: () = {
    use core::mem::{align_of, offset_of, size_of};
    assert!(size_of::<EventRecord>() == 64);
    assert!(align_of::<EventRecord>() == 64);
    assert!(offset_of!(EventRecord, seq) == 0);
    assert!(offset_of!(EventRecord, kind) == 8);
    assert!(offset_of!(EventRecord, side) == 9);
    assert!(offset_of!(EventRecord, venue) == 10);
    assert!(offset_of!(EventRecord, flags) == 11);
    assert!(offset_of!(EventRecord, instrument) == 12);
    assert!(offset_of!(EventRecord, tag) == 14);
    assert!(offset_of!(EventRecord, price) == 16);
    assert!(offset_of!(EventRecord, quantity) == 24);
    assert!(offset_of!(EventRecord, order_ref) == 32);
    assert!(offset_of!(EventRecord, second_ref) == 40);
    assert!(offset_of!(EventRecord, exchange_time) == 48);
    assert!(offset_of!(EventRecord, receive_time) == 56);
};

/// Bits of [`EventRecord::flags`].
pub mod flag {
    /// ORDER_EXECUTED_PRICE: the execution counts in the tape's volume (ITCH `Printable` = `Y`).
    pub const PRINTABLE: u8 = 1 << 0;
    /// The record comes from a snapshot, not from the live feed.
    pub const SNAPSHOT: u8 = 1 << 1;
    /// The record was late: it was asked for again, or waited behind a gap. Its receive time is
    /// that of the late frame.
    pub const RECOVERED: u8 = 1 << 2;
    /// DIRECTORY: an inverse exchange-traded product.
    pub const INVERSE: u8 = 1 << 3;
}

/// What a record says. Codes from 0x20 on are the message types of ITCH 5.0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Messages are missing, and every book of the venue is stale until GAP_CLOSED. order_ref:
    /// first missing sequence number; quantity: how many are missing as far as known.
    GapOpen = 0x01,
    /// Everything up to here has been delivered, in order. order_ref: next sequence number
    /// expected.
    GapClosed = 0x02,
    /// Forget every order and every book of the venue: a snapshot follows. The books stay stale.
    SnapshotBegin = 0x03,
    /// The snapshot is complete; live messages follow, after a GAP_CLOSED. order_ref: sequence
    /// number of the first live message.
    SnapshotEnd = 0x04,
    /// Neither line has been heard for the heartbeat timeout: every book of the venue is stale
    /// until FEED_UP.
    FeedDown = 0x05,
    /// A line is heard again.
    FeedUp = 0x06,
    /// The feed began another session: forget every book. order_ref, second_ref: the first eight
    /// and the last two bytes of its name.
    SessionChange = 0x07,
    /// The feed's session has ended; no message will follow. order_ref: next sequence number, had
    /// there been one.
    SessionEnd = 0x08,
    /// Made by a ring's reader: the writer overtook it, and every book is lost until a snapshot.
    /// quantity: records lost.
    Overrun = 0x09,
    /// Made by a card: a packet whose messages it had handed out already proved bad at its end.
    /// order_ref, quantity: first number and how many of the range that is void, whichever line
    /// brought it; second_ref: next number expected.
    Retract = 0x0a,
    /// tag: event code letter.
    SystemEvent = 0x53,
    /// order_ref: symbol, eight bytes in wire order; quantity: round lot size; tag: issue sub-type,
    /// two bytes in wire order; second_ref: eight bytes: market category, financial status, round
    /// lots only, issue classification, authenticity, short sale threshold, IPO flag, LULD tier;
    /// flags: INVERSE; price: leverage factor.
    Directory = 0x52,
    /// tag: trading state letter; order_ref: symbol; second_ref: reason, four bytes in wire order.
    TradingAction = 0x48,
    /// tag: action digit `0` none, `1` in force since today, `2` in force; order_ref: symbol.
    RegSho = 0x59,
    /// order_ref: symbol; second_ref: MPID, four bytes in wire order, then primary market maker,
    /// mode, state.
    ParticipantPosition = 0x4c,
    /// price, quantity, order_ref: levels 1, 2 and 3 in units of 1/100,000,000 dollar.
    MwcbLevels = 0x56,
    /// tag: level breached, a digit.
    MwcbStatus = 0x57,
    /// order_ref: symbol; quantity: release time in seconds since midnight; tag: qualifier letter;
    /// price: IPO price.
    IpoQuoting = 0x4b,
    /// price: reference; quantity: upper price; order_ref: lower price; second_ref: extension.
    LuldCollar = 0x4a,
    /// order_ref: symbol; tag: action letter in the low byte, market code in the high byte.
    OperationalHalt = 0x68,
    /// side, price, quantity, order_ref.
    Add = 0x41,
    /// side, price, quantity, order_ref; second_ref: MPID, four bytes in wire order.
    AddAttributed = 0x46,
    /// order_ref; quantity: shares executed, at the order's own price; second_ref: match number.
    Executed = 0x45,
    /// order_ref; quantity; price: of the execution; second_ref: match number; flags: PRINTABLE.
    ExecutedPrice = 0x43,
    /// order_ref; quantity: shares taken off, the order keeps its place.
    Canceled = 0x58,
    /// order_ref.
    Deleted = 0x44,
    /// order_ref: the order that goes; second_ref: the order that comes, of the same side, at the
    /// end of its level; price, quantity: of the latter.
    Replaced = 0x55,
    /// A trade against an order that was not displayed. side, price, quantity, order_ref as sent;
    /// second_ref: match number.
    Trade = 0x50,
    /// price, quantity; second_ref: match number; tag: cross type letter; order_ref: symbol.
    Cross = 0x51,
    /// second_ref: match number of the trade that is void.
    Broken = 0x42,
    /// quantity: paired shares; order_ref: imbalance shares; side: imbalance direction letter as
    /// sent (`B`, `S`, `N`, `O`, `P`); price: current reference; second_ref: far price in the low
    /// half, near price in the high half; tag: cross type in the low byte, price variation
    /// indicator in the high byte.
    Imbalance = 0x49,
    /// order_ref: symbol; tag: interest flag letter.
    RetailInterest = 0x4e,
    /// tag: open eligibility letter; price: near execution price; quantity: near execution time,
    /// ns; order_ref: minimum allowable price in the low half, maximum in the high half;
    /// second_ref: lower collar in the low half, upper in the high half.
    DirectListing = 0x4f,
}

impl Kind {
    /// Every kind, in the order of abi.toml.
    pub const ALL: [Kind; 33] = [
        Kind::GapOpen,
        Kind::GapClosed,
        Kind::SnapshotBegin,
        Kind::SnapshotEnd,
        Kind::FeedDown,
        Kind::FeedUp,
        Kind::SessionChange,
        Kind::SessionEnd,
        Kind::Overrun,
        Kind::Retract,
        Kind::SystemEvent,
        Kind::Directory,
        Kind::TradingAction,
        Kind::RegSho,
        Kind::ParticipantPosition,
        Kind::MwcbLevels,
        Kind::MwcbStatus,
        Kind::IpoQuoting,
        Kind::LuldCollar,
        Kind::OperationalHalt,
        Kind::Add,
        Kind::AddAttributed,
        Kind::Executed,
        Kind::ExecutedPrice,
        Kind::Canceled,
        Kind::Deleted,
        Kind::Replaced,
        Kind::Trade,
        Kind::Cross,
        Kind::Broken,
        Kind::Imbalance,
        Kind::RetailInterest,
        Kind::DirectListing,
    ];

    /// The kind of a code, if it is one.
    #[inline]
    pub const fn from_code(code: u8) -> Option<Kind> {
        Some(match code {
            0x01 => Kind::GapOpen,
            0x02 => Kind::GapClosed,
            0x03 => Kind::SnapshotBegin,
            0x04 => Kind::SnapshotEnd,
            0x05 => Kind::FeedDown,
            0x06 => Kind::FeedUp,
            0x07 => Kind::SessionChange,
            0x08 => Kind::SessionEnd,
            0x09 => Kind::Overrun,
            0x0a => Kind::Retract,
            0x53 => Kind::SystemEvent,
            0x52 => Kind::Directory,
            0x48 => Kind::TradingAction,
            0x59 => Kind::RegSho,
            0x4c => Kind::ParticipantPosition,
            0x56 => Kind::MwcbLevels,
            0x57 => Kind::MwcbStatus,
            0x4b => Kind::IpoQuoting,
            0x4a => Kind::LuldCollar,
            0x68 => Kind::OperationalHalt,
            0x41 => Kind::Add,
            0x46 => Kind::AddAttributed,
            0x45 => Kind::Executed,
            0x43 => Kind::ExecutedPrice,
            0x58 => Kind::Canceled,
            0x44 => Kind::Deleted,
            0x55 => Kind::Replaced,
            0x50 => Kind::Trade,
            0x51 => Kind::Cross,
            0x42 => Kind::Broken,
            0x49 => Kind::Imbalance,
            0x4e => Kind::RetailInterest,
            0x4f => Kind::DirectListing,
            _ => return None,
        })
    }

    /// The name in abi.toml.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::GapOpen => "GAP_OPEN",
            Kind::GapClosed => "GAP_CLOSED",
            Kind::SnapshotBegin => "SNAPSHOT_BEGIN",
            Kind::SnapshotEnd => "SNAPSHOT_END",
            Kind::FeedDown => "FEED_DOWN",
            Kind::FeedUp => "FEED_UP",
            Kind::SessionChange => "SESSION_CHANGE",
            Kind::SessionEnd => "SESSION_END",
            Kind::Overrun => "OVERRUN",
            Kind::Retract => "RETRACT",
            Kind::SystemEvent => "SYSTEM_EVENT",
            Kind::Directory => "DIRECTORY",
            Kind::TradingAction => "TRADING_ACTION",
            Kind::RegSho => "REG_SHO",
            Kind::ParticipantPosition => "PARTICIPANT_POSITION",
            Kind::MwcbLevels => "MWCB_LEVELS",
            Kind::MwcbStatus => "MWCB_STATUS",
            Kind::IpoQuoting => "IPO_QUOTING",
            Kind::LuldCollar => "LULD_COLLAR",
            Kind::OperationalHalt => "OPERATIONAL_HALT",
            Kind::Add => "ADD",
            Kind::AddAttributed => "ADD_ATTRIBUTED",
            Kind::Executed => "EXECUTED",
            Kind::ExecutedPrice => "EXECUTED_PRICE",
            Kind::Canceled => "CANCELED",
            Kind::Deleted => "DELETED",
            Kind::Replaced => "REPLACED",
            Kind::Trade => "TRADE",
            Kind::Cross => "CROSS",
            Kind::Broken => "BROKEN",
            Kind::Imbalance => "IMBALANCE",
            Kind::RetailInterest => "RETAIL_INTEREST",
            Kind::DirectListing => "DIRECT_LISTING",
        }
    }
}

/// A broadcast ring in shared memory: one writer, any number of readers that do not slow it down.
///
/// The file is the header page, then `slots` records. The record with number n lies in slot (n - 1)
/// mod slots.
///
/// Publication: the writer stores zero to the slot's sequence word, then a release fence, then the
/// other seven words, then the record's number to the sequence word with release ordering, then the
/// number to `head`. A reader that waits for number n loads the sequence word with acquire
/// ordering. Less than n: not written yet. More than n: the writer has overtaken the reader, and
/// head - n + 1 records at most are lost. Equal: it copies the seven words, then an acquire fence,
/// then loads the sequence word again; if that is still n the copy is the record, else the writer
/// has overtaken it. Every word is read and written as one 64-bit atomic, so that a torn word
/// cannot be seen.
pub mod ring {
    /// Bytes before the first slot.
    pub const HEADER_SIZE: usize = 4096;

    /// Offset: `MAGIC`; written last by the creator, so that a reader never sees half a header.
    pub const MAGIC: usize = 0x00;

    /// Offset: `VERSION` of the layout.
    pub const VERSION: usize = 0x08;

    /// Offset: `LAYOUT_HASH`; a reader refuses any other.
    pub const LAYOUT_HASH: usize = 0x10;

    /// Offset: Number of slots, a power of two.
    pub const SLOTS: usize = 0x18;

    /// Offset: Rate of the clock that stamps `receive_time`; 1,000,000,000 for software.
    pub const TICKS_PER_SECOND: usize = 0x20;

    /// Offset: Process that writes the ring.
    pub const WRITER_PID: usize = 0x28;

    /// Offset: Number of the newest published record; a hint for joining and for reports, readers
    /// poll slots.
    pub const HEAD: usize = 0x40;

    /// Offset: The writer's clock at its last sign of life, in ticks: a reader that sees it stand
    /// still knows that the writer is gone.
    pub const WRITER_CLOCK: usize = 0x48;

    /// Offset: Not zero once the writer has ended in good order; no record will follow `head`.
    pub const CLOSED: usize = 0x50;

    /// Offset: Raised by one by a reader that needs a snapshot; the writer answers every value it
    /// has not answered yet with one snapshot.
    pub const SNAPSHOTS_WANTED: usize = 0x80;
}

/// The feed card: a register file of 32-bit words, and a ring of records that the card writes into
/// memory of the host.
///
/// Only whole words are read and written, little-endian. The host writes configuration while STATUS
/// is zero, then a generation that it has not used before into CONTROL, and waits for STATUS to
/// show it. A card that has lost its power, was reset or replaced shows another STATUS; one that is
/// gone reads as all ones.
///
/// A slot of the card's ring is an EventRecord whose first and last word carry checks in their
/// upper 16 bits. `seq`: the message's sequence number in the feed, zero in records of the feed
/// itself, and above it the lap of the ring, from 1. `receive_time`: device ticks, and above them
/// the lower half of the record's number, which counts from 1 at each start. Record n lies in slot
/// (n - 1) mod slots. The host clears the ring before the start, so that lap 0 means not written.
/// The card writes a line at once; a host that sees the lap of the record it waits for but not its
/// number has caught the line half written, or a card that is out of order.
pub mod device {
    /// What the register MAGIC reads.
    pub const MAGIC: u32 = 0x4c435254;

    /// Lines: A and B.
    pub const LINES: usize = 0x2;

    /// Bytes of the card's register file.
    pub const SIZE: usize = 0x10000;

    /// Shortest message; no message of ITCH is shorter.
    pub const MESSAGE_MIN: usize = 0xc;

    /// Records that wait before the ring.
    pub const FIFO_DEPTH: usize = 0x20;

    /// Events of a line that wait for the merge.
    pub const LINE_QUEUE: usize = 0x10;

    /// Offset of the filter: a bit an instrument.
    pub const FILTER_OFFSET: u32 = 0x2000;

    /// Words of the filter.
    pub const FILTER_WORDS: u32 = 0x800;

    /// Offset of line A's registers.
    pub const LINE_OFFSET: u32 = 0x100;

    /// Distance from a line's registers to the next line's.
    pub const LINE_STRIDE: u32 = 0x40;

    /// Offset of the card's counters.
    pub const COUNTER_OFFSET: u32 = 0x400;

    /// Offset of line A's counters.
    pub const LINE_COUNTER_OFFSET: u32 = 0x500;

    /// Distance from a line's counters to the next line's.
    pub const LINE_COUNTER_STRIDE: u32 = 0x40;

    /// Registers, by offset.
    pub mod register {
        /// The constant `MAGIC` of the device.
        pub const MAGIC: u32 = 0x000;
        /// Version of the layouts.
        pub const VERSION: u32 = 0x004;
        /// Lower half of the layouts' hash.
        pub const LAYOUT_HASH_LO: u32 = 0x008;
        /// Upper half of the layouts' hash.
        pub const LAYOUT_HASH_HI: u32 = 0x00c;
        /// Rate of the clock that stamps frames.
        pub const TICKS_PER_SECOND: u32 = 0x010;
        /// Offset in the card's own memory at which its ring memory begins, where it has such
        /// memory; zero for a card that writes memory of the host. Ring addresses count from there.
        pub const DMA_WINDOW: u32 = 0x014;
        /// Lower half of the time of tick zero, in nanoseconds since the Unix epoch; zero where the
        /// card's clock is not set.
        pub const TIME_BASE_LO: u32 = 0x018;
        /// Upper half of it.
        pub const TIME_BASE_HI: u32 = 0x01c;
        /// Lower half of the card's clock, in ticks. It never stands still: a host that reads one
        /// value for long knows that the card is gone.
        pub const TIME_LO: u32 = 0x020;
        /// Upper 16 bits of the card's clock.
        pub const TIME_HI: u32 = 0x024;
        /// Generation at work; zero while stopped.
        pub const STATUS: u32 = 0x028;
        /// Number of the newest record in the ring, modulo 2^32.
        pub const HEAD: u32 = 0x02c;
        /// Value of SNAPSHOT for which the counters were latched last.
        pub const SNAPSHOT_DONE: u32 = 0x030;
        /// Generation to run; zero stops. Each change clears ring, merge and counters.
        pub const CONTROL: u32 = 0x080;
        /// Another value than before latches every counter at one moment.
        pub const SNAPSHOT: u32 = 0x084;
        /// How many records the host has taken, modulo 2^32: the card writes as long as HEAD - TAIL
        /// is less than the number of slots.
        pub const TAIL: u32 = 0x088;
        /// Number of slots as a power of two, from 4 to 20.
        pub const RING_LOG2: u32 = 0x08c;
        /// Lower half of the ring's bus address, a multiple of 64.
        pub const RING_BASE_LO: u32 = 0x090;
        /// Upper half of it.
        pub const RING_BASE_HI: u32 = 0x094;
        /// Lower half of the first sequence number expected; zero takes the first that comes.
        pub const NEXT_SEQ_LO: u32 = 0x098;
        /// Upper 16 bits of it.
        pub const NEXT_SEQ_HI: u32 = 0x09c;
        /// Number of the venue, for the records.
        pub const VENUE: u32 = 0x0a0;
        /// 1: every instrument passes; 0: those whose bit in the filter is set.
        pub const PASS_ALL: u32 = 0x0a4;
    }

    /// Registers of a line, by offset from the line's first.
    pub mod line_register {
        /// IPv4 destination address, its first byte in the highest bits; zero turns the line off.
        pub const ADDRESS: u32 = 0x000;
        /// UDP destination port.
        pub const PORT: u32 = 0x004;
        /// MoldUDP64 session: bytes 0 to 3, the first in the lowest bits.
        pub const SESSION_0: u32 = 0x008;
        /// Bytes 4 to 7.
        pub const SESSION_1: u32 = 0x00c;
        /// Bytes 8 and 9.
        pub const SESSION_2: u32 = 0x010;
        /// The last other session heard of, bytes 0 to 3; zero for none since the start.
        pub const SEEN_0: u32 = 0x014;
        /// Bytes 4 to 7.
        pub const SEEN_1: u32 = 0x018;
        /// Bytes 8 and 9.
        pub const SEEN_2: u32 = 0x01c;
    }

    /// Counters of the card, by index.
    pub mod counter {
        /// Gaps announced by GAP_OPEN, but for records dropped.
        pub const GAPS: usize = 0;
        /// Gaps filled by the other line and closed by GAP_CLOSED.
        pub const GAPS_CLOSED: usize = 1;
        /// Packets taken back by RETRACT.
        pub const RETRACTS: usize = 2;
        /// Packets so far ahead that a gap of that size is not believed.
        pub const FAR_AHEAD: usize = 3;
        /// Messages of an unknown type.
        pub const MALFORMED_KIND: usize = 4;
        /// Messages whose length is not that of their type.
        pub const MALFORMED_LENGTH: usize = 5;
        /// Messages of instruments that the filter keeps back.
        pub const FILTERED: usize = 6;
        /// Records written to the ring.
        pub const RECORDS: usize = 7;
        /// Records dropped because the queue before the ring was full.
        pub const DROPS: usize = 8;
        /// Those of them that were dropped while the ring had no room; the others, while the bus
        /// did not keep up.
        pub const RING_FULL: usize = 9;
        /// Least clock cycles from the beat with a message's last byte to the ring-write port; all
        /// ones while nothing was measured.
        pub const LATENCY_MIN: usize = 10;
        /// Most clock cycles from the beat with a message's last byte to the ring-write port; zero
        /// while nothing was measured.
        pub const LATENCY_MAX: usize = 11;
        /// Messages taken of kind SYSTEM_EVENT.
        pub const KIND_SYSTEM_EVENT: usize = 12;
        /// Messages taken of kind DIRECTORY.
        pub const KIND_DIRECTORY: usize = 13;
        /// Messages taken of kind TRADING_ACTION.
        pub const KIND_TRADING_ACTION: usize = 14;
        /// Messages taken of kind REG_SHO.
        pub const KIND_REG_SHO: usize = 15;
        /// Messages taken of kind PARTICIPANT_POSITION.
        pub const KIND_PARTICIPANT_POSITION: usize = 16;
        /// Messages taken of kind MWCB_LEVELS.
        pub const KIND_MWCB_LEVELS: usize = 17;
        /// Messages taken of kind MWCB_STATUS.
        pub const KIND_MWCB_STATUS: usize = 18;
        /// Messages taken of kind IPO_QUOTING.
        pub const KIND_IPO_QUOTING: usize = 19;
        /// Messages taken of kind LULD_COLLAR.
        pub const KIND_LULD_COLLAR: usize = 20;
        /// Messages taken of kind OPERATIONAL_HALT.
        pub const KIND_OPERATIONAL_HALT: usize = 21;
        /// Messages taken of kind ADD.
        pub const KIND_ADD: usize = 22;
        /// Messages taken of kind ADD_ATTRIBUTED.
        pub const KIND_ADD_ATTRIBUTED: usize = 23;
        /// Messages taken of kind EXECUTED.
        pub const KIND_EXECUTED: usize = 24;
        /// Messages taken of kind EXECUTED_PRICE.
        pub const KIND_EXECUTED_PRICE: usize = 25;
        /// Messages taken of kind CANCELED.
        pub const KIND_CANCELED: usize = 26;
        /// Messages taken of kind DELETED.
        pub const KIND_DELETED: usize = 27;
        /// Messages taken of kind REPLACED.
        pub const KIND_REPLACED: usize = 28;
        /// Messages taken of kind TRADE.
        pub const KIND_TRADE: usize = 29;
        /// Messages taken of kind CROSS.
        pub const KIND_CROSS: usize = 30;
        /// Messages taken of kind BROKEN.
        pub const KIND_BROKEN: usize = 31;
        /// Messages taken of kind IMBALANCE.
        pub const KIND_IMBALANCE: usize = 32;
        /// Messages taken of kind RETAIL_INTEREST.
        pub const KIND_RETAIL_INTEREST: usize = 33;
        /// Messages taken of kind DIRECT_LISTING.
        pub const KIND_DIRECT_LISTING: usize = 34;
        /// How many there are.
        pub const COUNT: usize = 35;
        /// Their names.
        pub const NAMES: [&str; COUNT] = [
            "GAPS",
            "GAPS_CLOSED",
            "RETRACTS",
            "FAR_AHEAD",
            "MALFORMED_KIND",
            "MALFORMED_LENGTH",
            "FILTERED",
            "RECORDS",
            "DROPS",
            "RING_FULL",
            "LATENCY_MIN",
            "LATENCY_MAX",
            "KIND_SYSTEM_EVENT",
            "KIND_DIRECTORY",
            "KIND_TRADING_ACTION",
            "KIND_REG_SHO",
            "KIND_PARTICIPANT_POSITION",
            "KIND_MWCB_LEVELS",
            "KIND_MWCB_STATUS",
            "KIND_IPO_QUOTING",
            "KIND_LULD_COLLAR",
            "KIND_OPERATIONAL_HALT",
            "KIND_ADD",
            "KIND_ADD_ATTRIBUTED",
            "KIND_EXECUTED",
            "KIND_EXECUTED_PRICE",
            "KIND_CANCELED",
            "KIND_DELETED",
            "KIND_REPLACED",
            "KIND_TRADE",
            "KIND_CROSS",
            "KIND_BROKEN",
            "KIND_IMBALANCE",
            "KIND_RETAIL_INTEREST",
            "KIND_DIRECT_LISTING",
        ];
    }

    /// Counters of a line, by index.
    pub mod line_counter {
        /// Frames; each is in exactly one of the next seven counters.
        pub const FRAMES: usize = 0;
        /// Frames with a wrong frame check sequence.
        pub const BAD_FCS: usize = 1;
        /// Frames that are not good IPv4 and UDP to the line's address and port.
        pub const OTHER: usize = 2;
        /// Datagrams with contradictory lengths, a wrong checksum, bytes behind the last message,
        /// or a message shorter than any of ITCH.
        pub const MALFORMED: usize = 3;
        /// Packets of another session.
        pub const OTHER_SESSION: usize = 4;
        /// Datagrams that end before their header, their lengths or their message count say.
        pub const TRUNCATED: usize = 5;
        /// Good packets of the session.
        pub const PACKETS: usize = 6;
        /// Heartbeats among the good packets.
        pub const HEARTBEATS: usize = 7;
        /// Messages that this line brought first.
        pub const MESSAGES: usize = 8;
        /// Messages that were known already.
        pub const DUPLICATES: usize = 9;
        /// Messages ignored because both lines brought more at a time than the merge takes.
        pub const QUEUE_DROPS: usize = 10;
        /// How many there are.
        pub const COUNT: usize = 11;
        /// Their names.
        pub const NAMES: [&str; COUNT] = [
            "FRAMES",
            "BAD_FCS",
            "OTHER",
            "MALFORMED",
            "OTHER_SESSION",
            "TRUNCATED",
            "PACKETS",
            "HEARTBEATS",
            "MESSAGES",
            "DUPLICATES",
            "QUEUE_DROPS",
        ];
    }

}
