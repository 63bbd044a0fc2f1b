//! What the engine puts on its tape, and when.
//!
//! Entries about orders are written after the order has left, so that they cost the tick nothing
//! before it. What only shows how things stand is written in housekeeping, one instrument at a
//! time, so that no round of it is long.

mod paused;

use crate::engine::Phase;
use crate::mailbox::Receiver;
use crate::operations::Ticket;
use crate::tape::{
    Account, AccountLimited, Action, AnswerKind, Answered, Bytes, Content, Depth, Fate, Holding,
    Intended, LEVELS, Limited, Lost, Named, Received, SessionState, Standing, TapeWriter, Why,
};
use paused::Paused;
use tercel_book::Books;
use tercel_gateway::Gateway;
use tercel_risk::{AccountLimits, InstrumentLimits, Order, Risk, SaleMark};
use tercel_types::{
    Ack, AckKind, CancelReason, InstrumentId, Intent, Level, MarketView, MatchNumber, Nanos,
    OrderRef, Price, Qty, Side, Symbol, TimeInForce, UserRef, WorkingOrder,
};

/// What happens when the tape is nearly full.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Overflow {
    /// Nothing is quoted, what is open is cancelled, and answers of the venue wait in the
    /// connection, until there is room again. Only cancels that do not fit any more go unrecorded,
    /// and are counted.
    #[default]
    Pause,
    /// Trading goes on; entries without room are counted and lost.
    Lose,
}

/// Time between two entries of the same kind that only show how things stand.
const EVERY: Nanos = Nanos::from_millis(100);
/// Longest time without a [`Standing`].
const SIGN_OF_LIFE: Nanos = Nanos::from_secs(1);
/// Words of tape that a byte of the venue can lead to at most: the shortest message that changes an
/// order has 20 bytes, and leads to three answers and its own copy.
const WORDS_PER_BYTE: u64 = 4;

/// The engine's end of the tape and of the commands, with what was written last.
pub(crate) struct Recorder {
    tape: TapeWriter,
    overflow: Overflow,
    pub(crate) tickets: Receiver<Ticket>,
    lost: u64,
    /// Arrival of the frame that is being worked on.
    pub(crate) cause: Nanos,
    held_up: bool,
    pub(crate) paused: Paused,
    pub(crate) watched: Option<InstrumentId>,
    next_look: usize,
    standing: Option<(Standing, Nanos)>,
    account: Option<(Account, Nanos)>,
    holdings: Vec<Option<(Holding, Nanos)>>,
    depth: Option<(Depth, Nanos)>,
}

/// What became of an intent, with what risk saw of it.
pub(crate) struct Story<'a> {
    pub(crate) intent: &'a Intent,
    pub(crate) instrument: InstrumentId,
    pub(crate) user_ref: UserRef,
    /// What was approved.
    pub(crate) order: Option<&'a Order>,
    /// The order to replace or cancel.
    pub(crate) original: Option<WorkingOrder>,
    pub(crate) fate: Fate,
    pub(crate) why: Why,
    pub(crate) view: &'a MarketView,
}

impl Recorder {
    pub(crate) fn new(
        tape: TapeWriter,
        overflow: Overflow,
        tickets: Receiver<Ticket>,
        instruments: usize,
    ) -> Recorder {
        Recorder {
            tape,
            overflow,
            tickets,
            lost: 0,
            cause: Nanos(0),
            held_up: false,
            paused: Paused::default(),
            watched: None,
            next_look: 0,
            standing: None,
            account: None,
            holdings: vec![None; instruments],
            depth: None,
        }
    }

    /// Writes an entry, or counts it as lost.
    #[inline]
    pub(crate) fn write<C: Content>(&mut self, entry: &C, now: Nanos) {
        if self.lost > 0 {
            self.write_after_loss(entry, now);
        } else if !self.tape.write(entry, now) {
            self.lost = 1;
        }
    }

    #[cold]
    fn write_after_loss<C: Content>(&mut self, entry: &C, now: Nanos) {
        if !self.tape.write(&Lost { entries: self.lost }, now) {
            self.lost += 1;
            return;
        }
        self.lost = u64::from(!self.tape.write(entry, now));
    }

    /// Whether this instrument may be quoted.
    #[inline]
    pub(crate) fn lets_quote(&mut self, id: InstrumentId) -> bool {
        !self.paused.holds(id) && self.has_room()
    }

    /// There is room for what a tick may write; once there was not, until half the tape is free.
    #[inline]
    fn has_room(&mut self) -> bool {
        if self.overflow == Overflow::Lose {
            return true;
        }
        let wanted = self.tape.capacity() / if self.held_up { 2 } else { 4 };
        self.held_up = self.tape.room(wanted) < wanted;
        !self.held_up
    }

    /// Nothing is quoted for want of room.
    pub(crate) fn is_held_up(&mut self) -> bool {
        !self.has_room()
    }

    /// There is room to answer a command.
    pub(crate) fn can_answer(&mut self) -> bool {
        const ANSWER: u64 = 128;
        self.overflow == Overflow::Lose || self.tape.room(ANSWER) >= ANSWER
    }

    /// The part of what the venue sent for whose consequences there is room.
    #[inline]
    pub(crate) fn admit<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.overflow == Overflow::Lose {
            return bytes;
        }
        let wanted = bytes.len() as u64 * WORDS_PER_BYTE;
        let room = self.tape.room(wanted);
        if room >= wanted { bytes } else { &bytes[..(room / WORDS_PER_BYTE) as usize] }
    }

    /// Bytes of the order session that have been worked on.
    pub(crate) fn received(&mut self, bytes: &[u8], now: Nanos) {
        for part in bytes.chunks(Received::BYTES_MAX) {
            self.write(&Bytes(part), now);
        }
    }

    /// What the venue said of an order.
    pub(crate) fn answered(&mut self, ack: &Ack, position: i64, now: Nanos) {
        let mut entry = Answered {
            instrument: ack.instrument,
            user_ref: ack.user_ref,
            what: AnswerKind::from(&ack.kind),
            side: ack.side,
            price: ack.price,
            open: ack.open,
            venue_time: ack.time.0,
            order_ref: OrderRef(0),
            original: UserRef(0),
            qty: Qty::ZERO,
            execution_price: Price(0),
            liquidity: 0,
            reason: 0,
            match_number: MatchNumber(0),
            position,
        };
        match ack.kind {
            AckKind::Accepted { order_ref } | AckKind::PriorityChanged { order_ref } => {
                entry.order_ref = order_ref;
            }
            AckKind::Replaced { original, order_ref } => {
                (entry.original, entry.order_ref) = (original, order_ref);
            }
            AckKind::Canceled { qty, reason } => {
                (entry.qty, entry.reason) = (qty, cancel_code(reason));
            }
            AckKind::Executed { qty, price, liquidity, match_number } => {
                (entry.qty, entry.execution_price) = (qty, price);
                (entry.liquidity, entry.match_number) = (liquidity.into(), match_number);
            }
            AckKind::Broken { qty, price, match_number } => {
                (entry.qty, entry.execution_price, entry.match_number) = (qty, price, match_number);
            }
            AckKind::Rejected { reason } => entry.reason = reason,
            AckKind::CancelPending
            | AckKind::CancelRejected
            | AckKind::Modified
            | AckKind::NotReceived => {}
        }
        self.write(&entry, now);
    }

    /// An intent and what became of it.
    #[inline(never)]
    pub(crate) fn intended(&mut self, story: &Story<'_>, risk: &Risk, now: Nanos) {
        let Story { intent, instrument, original, view, .. } = *story;
        let (account, held) = (risk.account(), risk.exposure(instrument));
        let bands = view.bands.unwrap_or_default();
        let mut entry = Intended {
            instrument,
            action: Action::Cancel,
            user_ref: UserRef(0),
            original: UserRef(0),
            side: original.map(|order| order.side),
            price: Price(0),
            qty: Qty::ZERO,
            time_in_force: TimeInForce::Day,
            post_only: false,
            mark: SaleMark::None,
            fate: story.fate,
            why: story.why,
            cause: self.cause,
            bid: view.top.bid.price,
            bid_qty: view.top.bid.qty,
            ask: view.top.ask.price,
            ask_qty: view.top.ask.qty,
            last_trade: view.last_trade,
            state: view.state,
            stale: view.stale,
            short_restricted: view.short_restricted,
            band_lower: bands.lower,
            band_upper: bands.upper,
            position: held.position,
            instrument_orders: held.open_orders,
            gross: account.gross,
            net: account.net,
            credit_used: account.credit_used,
        };
        match intent {
            Intent::Enter(new) => {
                (entry.action, entry.user_ref) = (Action::Enter, story.user_ref);
                (entry.side, entry.price, entry.qty) = (Some(new.side), new.price, new.qty);
                (entry.time_in_force, entry.post_only) = (new.time_in_force, new.post_only);
            }
            Intent::Replace { original, price, qty } => {
                (entry.action, entry.user_ref) = (Action::Replace, story.user_ref);
                (entry.original, entry.price, entry.qty) = (*original, *price, *qty);
            }
            Intent::Cancel { original } => entry.original = *original,
        }
        if let Some(Order::Enter { mark, .. } | Order::Replace { mark, .. }) = story.order {
            entry.mark = *mark;
        }
        self.write(&entry, now);
    }

    /// An instrument has its locate and its limits.
    pub(crate) fn named(
        &mut self,
        instrument: InstrumentId,
        symbol: Symbol,
        limits: &InstrumentLimits,
        now: Nanos,
    ) {
        self.write(&Named { instrument, symbol }, now);
        self.limited(instrument, limits, now);
    }

    /// Limits of an instrument.
    pub(crate) fn limited(
        &mut self,
        instrument: InstrumentId,
        limits: &InstrumentLimits,
        now: Nanos,
    ) {
        let entry = Limited {
            instrument,
            order_qty_max: limits.order_qty_max,
            order_notional_max: limits.order_notional_max,
            collar_bps: limits.collar_bps.unwrap_or(0),
            collar_abs: limits.collar_abs.unwrap_or(Price(0)),
            position_max: limits.position_max,
            gross_max: limits.gross_max,
            net_max: limits.net_max,
            open_orders_max: limits.open_orders_max,
            located: limits.located,
            restricted: limits.restricted,
            duplicate_window: limits.duplicate_window,
            rate_burst: limits.rate.burst,
            rate_per_second: limits.rate.per_second,
            ratio_burst: limits.ratio.burst,
            ratio_per_fill: limits.ratio.per_fill,
            ratio_per_second: limits.ratio.per_second,
        };
        self.write(&entry, now);
    }

    /// Limits of the account.
    pub(crate) fn account_limited(&mut self, limits: &AccountLimits, now: Nanos) {
        let AccountLimits {
            gross_max,
            net_max,
            credit_max,
            realised_loss_max,
            unrealised_loss_max,
            drawdown_max,
        } = *limits;
        let entry = AccountLimited {
            gross_max,
            net_max,
            credit_max,
            realised_loss_max,
            unrealised_loss_max,
            drawdown_max,
        };
        self.write(&entry, now);
    }

    /// Where the engine stands, if that has changed or a sign of life is due; on a tape that is
    /// nearly full, changes only.
    pub(crate) fn stand(&mut self, standing: Standing, now: Nanos) {
        let due = match &self.standing {
            Some((last, at)) => {
                // What only counts is not a change.
                let same = Standing { events: last.events, ..standing };
                same != *last || (!standing.held_up && now.since(*at) >= SIGN_OF_LIFE)
            }
            None => true,
        };
        if due {
            self.write(&standing, now);
            self.standing = Some((standing, now));
        }
    }

    /// The account, the watched book and one instrument after another, as they are due and there is
    /// room.
    pub(crate) fn look(
        &mut self,
        risk: &Risk,
        books: &Books,
        id: impl Fn(usize) -> Option<InstrumentId>,
        now: Nanos,
    ) {
        if self.is_held_up() {
            return;
        }
        if is_due(&self.account, now) {
            self.look_at_account(risk, now);
        }
        if let Some(watched) = self.watched.filter(|_| is_due(&self.depth, now)) {
            self.look_at_depth(books, watched, now);
        }
        self.next_look = (self.next_look + 1) % self.holdings.len().max(1);
        let at = self.next_look;
        if self.holdings.get(at).is_some_and(|last| is_due(last, now))
            && let Some(id) = id(at)
        {
            let holding = holding(risk, books, id, self.paused.holds(id));
            if self.holdings[at].is_none_or(|(last, _)| last != holding) {
                self.write(&holding, now);
                self.holdings[at] = Some((holding, now));
            }
        }
    }

    fn look_at_account(&mut self, risk: &Risk, now: Nanos) {
        let view = risk.account();
        let account = Account {
            cash: view.cash,
            realised: view.realised,
            unrealised: view.unrealised,
            peak: view.peak,
            drawdown: view.drawdown,
            value: view.value,
            gross: view.gross,
            net: view.net,
            open_buys: view.open_buys,
            open_sells: view.open_sells,
            credit_used: view.credit_used,
            open_orders: view.open_orders,
        };
        if self.account.is_none_or(|(last, _)| last != account) {
            self.write(&account, now);
            self.account = Some((account, now));
        }
    }

    fn look_at_depth(&mut self, books: &Books, instrument: InstrumentId, now: Nanos) {
        let side = |side: Side| {
            let mut levels = [Level::default(); LEVELS];
            for (level, there) in levels.iter_mut().zip(books.depth(instrument, side)) {
                *level = there;
            }
            levels
        };
        let depth = Depth { instrument, bids: side(Side::Buy), asks: side(Side::Sell) };
        if self.depth.is_none_or(|(last, _)| last != depth) {
            self.write(&depth, now);
            self.depth = Some((depth, now));
        }
    }
}

/// The state of the session, of the phase, of risk, in one entry.
pub(crate) fn standing(
    phase: Phase,
    gateway: &Gateway,
    risk: &Risk,
    stale: bool,
    events: u64,
    recorder: &mut Recorder,
) -> Standing {
    Standing {
        phase,
        session: SessionState::from(gateway.session()),
        trip: risk.tripped(),
        stale,
        paused: recorder.paused.all,
        held_up: recorder.is_held_up(),
        next_user_ref: gateway.next_user_ref().map_or(0, |next| next.0),
        next_sequence: gateway.next_sequence(),
        open_orders: risk.account().open_orders,
        events,
    }
}

fn holding(risk: &Risk, books: &Books, id: InstrumentId, paused: bool) -> Holding {
    let (held, view) = (risk.exposure(id), books.market_view(id));
    Holding {
        instrument: id,
        position: held.position,
        mark: held.mark,
        value: held.value,
        cost: held.cost,
        realised: held.realised,
        unrealised: held.unrealised,
        gross: held.gross,
        net: held.net,
        open_orders: held.open_orders,
        bid: view.top.bid.price,
        bid_qty: view.top.bid.qty,
        ask: view.top.ask.price,
        ask_qty: view.top.ask.qty,
        last_trade: view.last_trade,
        state: view.state,
        paused,
    }
}

fn is_due<T>(last: &Option<(T, Nanos)>, now: Nanos) -> bool {
    last.as_ref().is_none_or(|(_, at)| now.since(*at) >= EVERY)
}

/// The letter on the wire (OUCH 5.0 "Order Canceled Reasons"); post-only has two, of which this is
/// the first.
fn cancel_code(reason: CancelReason) -> u16 {
    u16::from(match reason {
        CancelReason::User => b'U',
        CancelReason::Immediate => b'I',
        CancelReason::Timeout => b'T',
        CancelReason::Supervisory => b'S',
        CancelReason::SelfMatch => b'Q',
        CancelReason::PostOnly => b'F',
        CancelReason::Halted => b'H',
        CancelReason::Collar => b'K',
        CancelReason::Other(letter) => letter,
    })
}
