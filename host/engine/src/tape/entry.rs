//! Every kind of entry, one word a field.

use super::fields::{Depth, Received};
use super::ring::ENTRY_WORDS_MAX;
use super::word::{Action, AnswerKind, Fate, Outcome, SessionState, Value, Why, Word};
use crate::engine::Phase;
use tercel_risk::{SaleMark, Trip};
use tercel_types::{
    InstrumentId, MatchNumber, Money, Nanos, OrderRef, Price, Qty, Side, Symbol, TimeInForce,
    TradingState, UserRef,
};

/// Declares the entries whose every field is a word, and [`Entry`] over all of them.
macro_rules! entries {
    ($(
        $(#[doc = $doc:literal])+
        $kind:literal $name:ident $text:literal {
            $($(#[doc = $about:literal])+ $field:ident: $type:ty,)+
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            pub struct $name {
                $($(#[doc = $about])+ pub $field: $type,)+
            }

            impl $name {
                /// Words of its content.
                pub const WORDS: usize = [$(stringify!($field)),+].len();

                /// Its content.
                #[inline]
                pub(crate) fn words(&self) -> [u64; Self::WORDS] {
                    [$(Word::word(self.$field)),+]
                }

                fn read(words: &[u64]) -> Option<$name> {
                    let mut words = words.iter().copied();
                    let entry = $name { $($field: Word::read(words.next()?)?,)+ };
                    words.next().is_none().then_some(entry)
                }
            }

            const _: () = assert!($name::WORDS <= ENTRY_WORDS_MAX);
        )+

        /// One entry.
        // The largest is a tenth of a page and lives on the stack of a cold thread.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub enum Entry<'a> {
            $($(#[doc = $doc])+ $name($name),)+
            /// Bytes of the order session as they came in.
            Received(Received<'a>),
            /// The best levels of a watched book.
            Depth(Depth),
        }

        impl<'a> Entry<'a> {
            /// Every kind with its name and what it says, the fields with their names (unit
            /// included) and meanings.
            pub const KINDS: &'static [KindInfo] = &[
                $(KindInfo {
                    kind: $kind,
                    name: $text,
                    about: concat!($($doc),+),
                    fields: &[$(FieldInfo {
                        name: stringify!($field),
                        suffix: <$type as Word>::UNIT.suffix(),
                        about: concat!($($about),+),
                    },)+],
                },)+
                Received::INFO,
                Depth::INFO,
            ];

            /// The entry of a kind with this content; `None` if no entry reads so.
            pub fn read(kind: u16, words: &'a [u64]) -> Option<Entry<'a>> {
                match kind {
                    $($kind => $name::read(words).map(Entry::$name),)+
                    Received::KIND => Received::read(words).map(Entry::Received),
                    Depth::KIND => Depth::read(words).map(Entry::Depth),
                    _ => None,
                }
            }

            /// The number of its kind.
            pub fn kind(&self) -> u16 {
                match self {
                    $(Entry::$name(_) => $kind,)+
                    Entry::Received(_) => Received::KIND,
                    Entry::Depth(_) => Depth::KIND,
                }
            }

            /// The name of its kind.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Entry::$name(_) => $text,)+
                    Entry::Received(_) => Received::INFO.name,
                    Entry::Depth(_) => Depth::INFO.name,
                }
            }

            /// Its content as the tape has it, into `words`.
            pub fn words(&self, words: &mut Vec<u64>) {
                words.clear();
                match self {
                    $(Entry::$name(entry) => entry.content(|content| words.extend(content)),)+
                    Entry::Received(entry) => entry.content(|content| words.extend(content)),
                    Entry::Depth(entry) => entry.content(|content| words.extend(content)),
                }
            }

            /// Every field whose value is one word, by its name without unit, and the unit's end.
            pub fn each(&self, mut each: impl FnMut(&'static str, &'static str, Value)) {
                match self {
                    $(Entry::$name(entry) => {
                        $(each(
                            stringify!($field),
                            <$type as Word>::UNIT.suffix(),
                            Word::value(entry.$field),
                        );)+
                    })+
                    Entry::Received(received) => {
                        each("bytes", "", Value::Unsigned(received.bytes() as u64));
                    }
                    Entry::Depth(depth) => {
                        each("instrument", "", Value::Unsigned(depth.instrument.0.into()));
                    }
                }
            }
        }

        /// Writing an entry to the tape.
        pub(crate) trait Content {
            /// The number of its kind.
            const KIND: u16;
            /// Hands its content over.
            fn content<R>(&self, take: impl FnOnce(&[u64]) -> R) -> R;
        }

        $(impl Content for $name {
            const KIND: u16 = $kind;
            #[inline]
            fn content<R>(&self, take: impl FnOnce(&[u64]) -> R) -> R {
                take(&self.words())
            }
        })+
    };
}

/// What a kind of entry says.
#[derive(Clone, Copy, Debug)]
pub struct KindInfo {
    /// Its number.
    pub kind: u16,
    /// Its name.
    pub name: &'static str,
    /// When it is written.
    pub about: &'static str,
    /// Its fields, in order.
    pub fields: &'static [FieldInfo],
}

/// What a field of an entry says.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// Its name without the unit.
    pub name: &'static str,
    /// The unit as the end of a name: `_e4`, `_ns` or nothing.
    pub suffix: &'static str,
    /// What it says.
    pub about: &'static str,
}

entries! {
    /// The directory has named an instrument that is traded.
    1 Named "named" {
        /// Stock locate of the day.
        instrument: InstrumentId,
        /// Symbol.
        symbol: Symbol,
    }
    /// An intent of the policy or of the engine, what risk saw, and what became of it. While the
    /// order session is not ready none gets this far: [`Standing`] says so.
    2 Intended "intended" {
        /// Stock locate.
        instrument: InstrumentId,
        /// Enter, replace or cancel.
        action: Action,
        /// Number of the new or replacing order; zero for a cancel.
        user_ref: UserRef,
        /// Number of the order to replace or cancel; zero for a new one.
        original: UserRef,
        /// Buy or sell; none if the order to replace or cancel is not known.
        side: Option<Side>,
        /// Limit price; zero for a cancel.
        price: Price,
        /// Shares to be open; zero for a cancel.
        qty: Qty,
        /// How long it stays.
        time_in_force: TimeInForce,
        /// It refuses to take liquidity.
        post_only: bool,
        /// How the sale is marked, if approved.
        mark: SaleMark,
        /// Sent, refused or unsent.
        fate: Fate,
        /// Why, if it was not sent.
        why: Why,
        /// Arrival of the frame that led to it; zero if it was not a frame.
        cause: Nanos,
        /// Best bid; zero if none.
        bid: Price,
        /// Shares there.
        bid_qty: u64,
        /// Best ask; zero if none.
        ask: Price,
        /// Shares there.
        ask_qty: u64,
        /// Last trade; zero before the first.
        last_trade: Price,
        /// Whether the instrument trades.
        state: TradingState,
        /// The book may have been wrong.
        stale: bool,
        /// A short sale must be above the best bid.
        short_restricted: bool,
        /// Lower price band; zero if none.
        band_lower: Price,
        /// Upper price band; zero if none.
        band_upper: Price,
        /// Shares held before.
        position: i64,
        /// Open orders in the instrument, after.
        instrument_orders: u32,
        /// Worst-case gross exposure of the account, after.
        gross: Money,
        /// Worst-case net exposure of the account, after.
        net: Money,
        /// Credit that the account uses at worst, after.
        credit_used: Money,
    }
    /// What the venue said of an order, after the gateway has matched it.
    3 Answered "answered" {
        /// Stock locate.
        instrument: InstrumentId,
        /// The order.
        user_ref: UserRef,
        /// What happened to it.
        what: AnswerKind,
        /// Buy or sell.
        side: Side,
        /// Its limit price.
        price: Price,
        /// Shares still open, after.
        open: Qty,
        /// The venue's time, nanoseconds since midnight of its day.
        venue_time: u64,
        /// The venue's number of it, where it is given.
        order_ref: OrderRef,
        /// The order that it replaced.
        original: UserRef,
        /// Shares executed, removed or broken.
        qty: Qty,
        /// Price of the execution.
        execution_price: Price,
        /// Liquidity flag of an execution (OUCH 5.0 "Liquidity Flag").
        liquidity: u16,
        /// Reason of a rejection or a cancel, as on the wire.
        reason: u16,
        /// Number of the execution.
        match_number: MatchNumber,
        /// Shares held, after.
        position: i64,
    }
    /// Where the engine stands; at every change and once a second.
    4 Standing "standing" {
        /// Phase.
        phase: Phase,
        /// Order session.
        session: SessionState,
        /// Why only cancels pass, if so.
        trip: Option<Trip>,
        /// The books may be wrong.
        stale: bool,
        /// No instrument is quoted, by command.
        paused: bool,
        /// No instrument is quoted, because the tape is full.
        held_up: bool,
        /// The next order's number; zero while there is none.
        next_user_ref: u32,
        /// The next message of the order session.
        next_sequence: u64,
        /// Open orders.
        open_orders: u32,
        /// Records applied so far.
        events: u64,
    }
    /// The account, at most every 100 ms, when it has changed.
    5 Account "account" {
        /// Cash received less cash paid.
        cash: Money,
        /// Profit of what was closed.
        realised: Money,
        /// Profit of what is open.
        unrealised: Money,
        /// Highest profit so far.
        peak: Money,
        /// How far below it the profit is.
        drawdown: Money,
        /// Value of all positions.
        value: Money,
        /// Worst-case gross exposure.
        gross: Money,
        /// Worst-case net exposure.
        net: Money,
        /// Money of open buys.
        open_buys: Money,
        /// Money of open sells.
        open_sells: Money,
        /// Credit used at worst.
        credit_used: Money,
        /// Open orders.
        open_orders: u32,
    }
    /// One instrument, at most every 100 ms, when it has changed.
    6 Holding "holding" {
        /// Stock locate.
        instrument: InstrumentId,
        /// Shares held.
        position: i64,
        /// Price at which the position is valued.
        mark: Price,
        /// Its value.
        value: Money,
        /// What it cost.
        cost: Money,
        /// Profit of what was closed.
        realised: Money,
        /// Profit of what is open.
        unrealised: Money,
        /// Worst-case gross exposure.
        gross: Money,
        /// Worst-case net exposure.
        net: Money,
        /// Open orders.
        open_orders: u32,
        /// Best bid; zero if none.
        bid: Price,
        /// Shares there.
        bid_qty: u64,
        /// Best ask; zero if none.
        ask: Price,
        /// Shares there.
        ask_qty: u64,
        /// Last trade.
        last_trade: Price,
        /// Whether it trades.
        state: TradingState,
        /// It is not quoted, by command.
        paused: bool,
    }
    /// An operator's command has been carried out, or not.
    7 Applied "applied" {
        /// The command's number.
        ticket: u64,
        /// What came of it.
        outcome: Outcome,
    }
    /// Limits of an instrument: when it is named, and at every change.
    8 Limited "limited" {
        /// Stock locate.
        instrument: InstrumentId,
        /// Shares of one order at most.
        order_qty_max: Qty,
        /// Money of one order at most.
        order_notional_max: Money,
        /// Distance from the reference price at most, 1/100 %; zero if unlimited.
        collar_bps: u32,
        /// Likewise as a price; zero if unlimited.
        collar_abs: Price,
        /// Shares long or short at most.
        position_max: u32,
        /// Worst-case gross exposure at most.
        gross_max: Money,
        /// Worst-case net exposure at most.
        net_max: Money,
        /// Open orders at most.
        open_orders_max: u32,
        /// Shares that may be sold short.
        located: u32,
        /// Nothing may be traded.
        restricted: bool,
        /// An equal order within this time is refused.
        duplicate_window: Nanos,
        /// Orders at once.
        rate_burst: u32,
        /// Orders a second.
        rate_per_second: u32,
        /// Messages before the first fill.
        ratio_burst: u32,
        /// Messages that a fill earns.
        ratio_per_fill: u32,
        /// Messages that a second earns.
        ratio_per_second: u32,
    }
    /// Limits of the account: at the start, and at every change.
    9 AccountLimited "account_limited" {
        /// Worst-case gross exposure at most.
        gross_max: Money,
        /// Worst-case net exposure at most.
        net_max: Money,
        /// Credit at most.
        credit_max: Money,
        /// Realised loss at most.
        realised_loss_max: Money,
        /// Unrealised loss at most.
        unrealised_loss_max: Money,
        /// Drawdown at most.
        drawdown_max: Money,
    }
    /// An instrument, or all, is no longer quoted by command, or is again.
    10 Paused "paused" {
        /// Stock locate; zero for all.
        instrument: InstrumentId,
        /// All of them.
        all: bool,
        /// No longer, or again.
        paused: bool,
    }
    /// So many entries found no room since the last that did.
    11 Lost "lost" {
        /// Entries.
        entries: u64,
    }
}
