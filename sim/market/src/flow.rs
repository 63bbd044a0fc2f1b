//! The flow of orders: what a message does, and to which order.
//!
//! The kinds are drawn with fixed shares, but for adding or deleting, which together have a fixed
//! share and are decided by how many orders should rest. Orders are short-lived or lasting:
//! the former come to the touch and most of those that go are among the last that came; the latter
//! lie deep and rest for hours, until the drain after the close. Neither crosses: an incoming order
//! that trades is the executions of what it trades with.

use crate::day::{AHEAD, Day, Sweep};
use crate::orders::{NewOrder, Slot};
use crate::placement;
use std::hint;
use tercel_proto::itch::{
    AddOrder, AddOrderMpid, BrokenTrade, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedPrice, OrderReplace, Rpii, Trade,
};
use tercel_types::Side;
use zerocopy::big_endian::{U32, U64};

/// Shares of the kinds in millionths of the flow. A and D of the day come to 42 % and 40 %, because
/// 2.6 % of the messages are executions of all that is left of an order.
const ADD_OR_DELETE: u64 = 831_200;
const REPLACE: u64 = ADD_OR_DELETE + 90_500;
const EXECUTE: u64 = REPLACE + 50_300;
const CANCEL: u64 = EXECUTE + 20_100;
const HIDDEN: u64 = CANCEL + 6_000;
const RETAIL: u64 = HIDDEN + 1_000;
const AT_PRICE: u64 = RETAIL + 800;
const POSITION: u64 = AT_PRICE + 80;
const BROKEN: u64 = POSITION + 20;

/// One add in so many names its participant: 0.8 % of the messages, counted with the others.
const ATTRIBUTED: u64 = 53;
/// Instruments drawn until one has what the message needs.
const TRIES: u32 = 8;

pub(crate) const PARTICIPANTS: [[u8; 4]; 8] =
    [*b"ALDR", *b"BRCH", *b"CEDR", *b"ELMS", *b"FIRS", *b"MPLE", *b"OAKS", *b"WLLW"];

/// Best bid and best offer as indices.
#[derive(Clone, Copy)]
struct Touch {
    bid: u32,
    ask: u32,
}

impl Day {
    /// Makes the next message of the flow.
    #[inline]
    pub(crate) fn flow(&mut self) {
        if let Some(Sweep { instrument: at, side }) = self.sweep.take() {
            let instrument = &self.instruments[usize::from(at)];
            if let Some(slot) = self.orders.first(at, instrument, side) {
                self.executions_ahead += 1;
                return self.execute(slot);
            }
        }
        let made = match self.draw_kind() {
            ..ADD_OR_DELETE => false,
            ADD_OR_DELETE..REPLACE => self.replace(),
            REPLACE..EXECUTE => self.trade(),
            EXECUTE..CANCEL => self.cancel(),
            CANCEL..HIDDEN => self.hidden(),
            HIDDEN..RETAIL => self.retail(),
            RETAIL..AT_PRICE => self.at_price(),
            AT_PRICE..POSITION => self.position(),
            POSITION.. => self.broken(),
        };
        // What is drawn cannot always be: there is nothing to replace in the morning.
        let made = made || (self.should_add() && self.add()) || self.delete() || self.add();
        if !made {
            self.retail();
        }
    }

    /// What an incoming order executed beyond the first resting one is not drawn again.
    #[inline]
    fn draw_kind(&mut self) -> u64 {
        loop {
            let kind = self.random.below(BROKEN);
            if self.executions_ahead == 0 || !(REPLACE..EXECUTE).contains(&kind) {
                return kind;
            }
            self.executions_ahead -= 1;
        }
    }

    /// Holds the number of resting orders near what is wanted: even odds at the wanted number, all
    /// but certainty a thirty-second of the day's most away from it.
    #[inline]
    fn should_add(&mut self) -> bool {
        let missing = self.resting_wanted as i64 - self.orders.len() as i64;
        let scale = (self.resting_peak / 32 + 16) as i64;
        let odds = 512 + (missing * 512 / scale).clamp(-500, 450);
        self.random.below(1024) < odds as u64
    }

    /// An instrument by its activity; within a cluster often that of the message before.
    #[inline]
    fn pick(&mut self) -> u16 {
        if !(self.pace.within_cluster() && self.random.one_in(2)) {
            self.instrument = self.next_instrument();
        }
        self.instrument
    }

    /// Instruments are drawn some messages ahead, and what such a message will need is read in
    /// three steps, so that the processor waits for several reads at once: a sixth of the time of
    /// the default day, by `examples/rate.rs`.
    #[inline]
    fn next_instrument(&mut self) -> u16 {
        let turn = self.turn;
        let next = self.upcoming[turn];
        let drawn = self.activity.draw(&mut self.random);
        self.upcoming[turn] = drawn;
        self.turn = (turn + 1) % AHEAD;
        hint::black_box(self.instruments[usize::from(drawn)].fair);
        self.orders.read_lists(drawn);
        let listed = self.upcoming[(turn + AHEAD / 2) % AHEAD];
        self.orders.read_queue(listed, &self.instruments[usize::from(listed)]);
        self.orders.read_newest(self.upcoming[(turn + 2) % AHEAD]);
        next
    }

    /// Another one, where the first did not have what was needed.
    #[cold]
    fn pick_again(&mut self) {
        self.instrument = self.activity.draw(&mut self.random);
    }

    fn side(&mut self) -> Side {
        if self.random.one_in(2) { Side::Buy } else { Side::Sell }
    }

    #[inline]
    pub(crate) fn take_ref(&mut self) -> u64 {
        self.next_ref += 1;
        self.next_ref - 1
    }

    #[inline]
    pub(crate) fn take_match(&mut self) -> u64 {
        self.next_match += 1;
        self.next_match - 1
    }

    /// A trade that counts in the volume, and may be declared void.
    fn printed_match(&mut self, at: u16) -> u64 {
        let number = self.take_match();
        self.printed[number as usize % self.printed.len()] = (number, at);
        number
    }

    /// Lasting orders should be seven eighths of those that rest.
    fn lasting_wanted(&self) -> u64 {
        self.resting_wanted * 7 / 8
    }

    fn add(&mut self) -> bool {
        if self.orders.len() as u64 >= self.resting_peak {
            return false;
        }
        let at = self.pick();
        let side = self.side();
        let few = (self.orders.lasting() as u64) < self.lasting_wanted();
        let lasting = self.random.below(16) < if few { 14 } else { 1 };
        let instrument = &mut self.instruments[usize::from(at)];
        let ticks = self.placement.price(instrument, side, lasting, &mut self.random);
        let shares = placement::shares(&mut self.random);
        let (price, stock) = (U32::new(instrument.wire(ticks)), instrument.symbol);
        let order_ref = self.take_ref();
        let order = NewOrder { order_ref, ticks, shares, instrument: at, side, lasting };
        self.orders.add(&mut self.instruments[usize::from(at)], order);
        let (order_ref, shares) = (U64::new(order_ref), U32::new(shares));
        let side = side as u8;
        if self.random.one_in(ATTRIBUTED) {
            let header = self.header(AddOrderMpid::KIND, at);
            let attribution = self.participant();
            self.put(&AddOrderMpid { header, order_ref, side, shares, stock, price, attribution });
        } else {
            let header = self.header(AddOrder::KIND, at);
            self.put(&AddOrder { header, order_ref, side, shares, stock, price });
        }
        true
    }

    pub(crate) fn participant(&mut self) -> [u8; 4] {
        PARTICIPANTS[self.random.below(PARTICIPANTS.len() as u64) as usize]
    }

    /// A resting order of an instrument that is picked, mostly of the kind asked for.
    #[inline]
    fn choose(&mut self, lasting: bool) -> Option<Slot> {
        self.pick();
        for _ in 0..TRIES {
            for lasting in [lasting, !lasting] {
                let count = self.orders.count(self.instrument, lasting);
                if count == 0 {
                    continue;
                }
                let place = if lasting {
                    self.random.below(count.into()) as u32
                } else {
                    count - 1 - self.random.mostly_small(count)
                };
                return Some(self.orders.listed(self.instrument, lasting, place));
            }
            self.pick_again();
        }
        None
    }

    fn delete(&mut self) -> bool {
        let wanted = self.lasting_wanted();
        // Between the bounds for adding and deleting, lasting orders mostly last.
        let many = self.orders.lasting() as u64 > wanted + wanted / 32 + 16;
        let lasting = self.random.below(16) < if many { 14 } else { 1 };
        let Some(slot) = self.choose(lasting) else { return false };
        let order = *self.orders.order(slot);
        self.orders.remove(slot, &mut self.instruments[usize::from(order.instrument)]);
        let header = self.header(OrderDelete::KIND, order.instrument);
        self.put(&OrderDelete { header, order_ref: U64::new(order.order_ref) });
        true
    }

    fn replace(&mut self) -> bool {
        let lasting = self.random.one_in(16);
        let Some(slot) = self.choose(lasting) else { return false };
        let order = *self.orders.order(slot);
        let instrument = &mut self.instruments[usize::from(order.instrument)];
        self.orders.remove(slot, instrument);
        let ticks = self.placement.price(instrument, order.side, order.lasting, &mut self.random);
        let resized = self.random.one_in(4);
        let shares = if resized { placement::shares(&mut self.random) } else { order.shares };
        let (price, at) = (instrument.wire(ticks), order.instrument);
        let order_ref = self.take_ref();
        let new = NewOrder {
            order_ref,
            ticks,
            shares,
            instrument: at,
            side: order.side,
            lasting: order.lasting,
        };
        self.orders.add(&mut self.instruments[usize::from(at)], new);
        let header = self.header(OrderReplace::KIND, at);
        self.put(&OrderReplace {
            header,
            original_ref: U64::new(order.order_ref),
            new_ref: U64::new(order_ref),
            shares: U32::new(shares),
            price: U32::new(price),
        });
        true
    }

    fn cancel(&mut self) -> bool {
        for _ in 0..TRIES {
            let lasting = self.random.one_in(2);
            let Some(slot) = self.choose(lasting) else { return false };
            let order = *self.orders.order(slot);
            let Some(shares) = self.part(order.shares) else { continue };
            self.orders.reduce(slot, shares);
            let header = self.header(OrderCancel::KIND, order.instrument);
            let (order_ref, shares) = (U64::new(order.order_ref), U32::new(shares));
            self.put(&OrderCancel { header, order_ref, shares });
            return true;
        }
        false
    }

    /// Some of an order's shares, in round lots where it has more than one; none of a single share.
    fn part(&mut self, shares: u32) -> Option<u32> {
        let unit = if shares > 100 { 100 } else { 1 };
        let parts = shares.checked_sub(1)? / unit;
        (parts > 0).then(|| unit * (1 + self.random.below(parts.into()) as u32))
    }

    /// An incoming order trades with the first in line.
    fn trade(&mut self) -> bool {
        self.pick();
        for _ in 0..TRIES {
            let at = self.instrument;
            if let Some(side) = self.side_to_take(at)
                && let Some(slot) = self.orders.first(at, &self.instruments[usize::from(at)], side)
            {
                // The number of the incoming order, which never rests.
                self.take_ref();
                self.execute(slot);
                return true;
            }
            self.pick_again();
        }
        false
    }

    /// The side that an incoming order takes from: the one that the price has passed, else either.
    fn side_to_take(&mut self, at: u16) -> Option<Side> {
        let instrument = &self.instruments[usize::from(at)];
        if !instrument.trading {
            return None;
        }
        let fair = instrument.fair;
        match (instrument.best(Side::Buy), instrument.best(Side::Sell)) {
            (None, None) => None,
            (Some(_), None) => Some(Side::Buy),
            (None, Some(_)) => Some(Side::Sell),
            (Some(bid), _) if bid > fair && !self.random.one_in(8) => Some(Side::Buy),
            (_, Some(ask)) if ask <= fair && !self.random.one_in(8) => Some(Side::Sell),
            _ => Some(self.side()),
        }
    }

    /// Executes some of an order, which is the first in line at the touch, or all of it.
    fn execute(&mut self, slot: Slot) {
        let order = *self.orders.order(slot);
        let shares = self.fill(slot);
        if shares == order.shares && self.random.one_in(4) {
            self.sweep = Some(Sweep { instrument: order.instrument, side: order.side });
        }
        let header = self.header(OrderExecuted::KIND, order.instrument);
        let match_number = self.printed_match(order.instrument);
        self.put(&OrderExecuted {
            header,
            order_ref: U64::new(order.order_ref),
            shares: U32::new(shares),
            match_number: U64::new(match_number),
        });
    }

    /// Takes all of an order's shares half of the time, else some of them.
    pub(crate) fn fill(&mut self, slot: Slot) -> u32 {
        let order = *self.orders.order(slot);
        if self.random.one_in(2)
            && let Some(shares) = self.part(order.shares)
        {
            self.orders.reduce(slot, shares);
            return shares;
        }
        let instrument = &mut self.instruments[usize::from(order.instrument)];
        let before = instrument.best(order.side);
        self.orders.remove(slot, instrument);
        if instrument.best(order.side) != before {
            instrument.follow(order.side);
        }
        order.shares
    }

    /// Draws an instrument that trades on both sides.
    fn two_sided(&mut self) -> Option<Touch> {
        self.pick();
        for _ in 0..TRIES {
            let instrument = &self.instruments[usize::from(self.instrument)];
            if let (Some(bid), Some(ask)) =
                (instrument.best(Side::Buy), instrument.best(Side::Sell))
                && instrument.trading
            {
                return Some(Touch { bid, ask });
            }
            self.pick_again();
        }
        None
    }

    /// The middle of the touch on the wire.
    fn middle(&self, touch: Touch) -> u32 {
        let instrument = &self.instruments[usize::from(self.instrument)];
        // At most 11,000 dollars each: the sum fits.
        let wire = |index| instrument.wire(instrument.start + index);
        (wire(touch.bid) + wire(touch.ask)) / 2
    }

    /// A trade with an order that is not displayed, within the spread.
    fn hidden(&mut self) -> bool {
        let Some(touch) = self.two_sided() else { return false };
        let at = self.instrument;
        let instrument = &self.instruments[usize::from(at)];
        let stock = instrument.symbol;
        let price = match self.random.below(4) {
            0 => instrument.wire(instrument.start + touch.bid),
            1 => instrument.wire(instrument.start + touch.ask),
            _ => self.middle(touch),
        };
        // Of the hidden order, and of the incoming one.
        self.next_ref += 2;
        let header = self.header(Trade::KIND, at);
        let match_number = self.printed_match(at);
        let shares = placement::shares(&mut self.random);
        self.put(&Trade {
            header,
            order_ref: U64::new(0),
            side: b'B',
            shares: U32::new(shares),
            stock,
            price: U32::new(price),
            match_number: U64::new(match_number),
        });
        true
    }

    /// The first in line trades in the middle of the spread, better than it displays.
    fn at_price(&mut self) -> bool {
        let Some(touch) = self.two_sided() else { return false };
        let (at, side) = (self.instrument, self.side());
        let price = self.middle(touch);
        let first = self.orders.first(at, &self.instruments[usize::from(at)], side);
        let Some(slot) = first else { return false };
        self.take_ref();
        let order_ref = self.orders.order(slot).order_ref;
        let shares = self.fill(slot);
        let header = self.header(OrderExecutedPrice::KIND, at);
        let match_number = self.printed_match(at);
        self.put(&OrderExecutedPrice {
            header,
            order_ref: U64::new(order_ref),
            shares: U32::new(shares),
            match_number: U64::new(match_number),
            printable: b'Y',
            price: U32::new(price),
        });
        true
    }

    /// Retail interest on either side, both or none.
    fn retail(&mut self) -> bool {
        let at = self.pick();
        let header = self.header(Rpii::KIND, at);
        let interest = b"BSAN"[self.random.below(4) as usize];
        self.put(&Rpii { header, stock: self.instruments[usize::from(at)].symbol, interest });
        true
    }

    /// One of the last trades is declared void.
    fn broken(&mut self) -> bool {
        let at = self.random.below(self.printed.len() as u64) as usize;
        let (number, instrument) = std::mem::take(&mut self.printed[at]);
        if number == 0 {
            return false;
        }
        let header = self.header(BrokenTrade::KIND, instrument);
        self.put(&BrokenTrade { header, match_number: U64::new(number) });
        true
    }

    fn position(&mut self) -> bool {
        let at = self.pick();
        self.participant_position(at);
        true
    }
}
