//! Recorded flow played into the matching engine, where others may trade with it.
//!
//! An add becomes a day order, a cancel or delete the same of that order, a replace a replace. An
//! execution becomes an immediate order of its size and price from the other side: it trades with
//! whoever is first in line there, be that the recorded order or somebody who quoted in front of
//! it, and it is canceled if nobody is. When the record says that an order has left, what the
//! engine may still have of it is canceled; mostly that is nothing, and the engine answers that it
//! does not know the order. An execution against a hidden order trades only if somebody stands at
//! its price, because the record does not say when the hidden order came.
//!
//! Prices off the listing's increment, as hidden orders at the mid have, are moved away from the
//! other side. All orders belong to one account. The caller keeps the pace: [`Replay`] is an
//! iterator of times and commands.

use crate::lobster::{Action, Row, Step, Tape};
use crate::matching::{AccountId, Command, CrossKind, Increment, NewOrder, Owner, QTY_MAX, Terms};
use std::collections::{HashMap, VecDeque};
use tercel_proto::itch::Message;
use tercel_types::{InstrumentId, Nanos, Price, Qty, Side, TradingState, UserRef};

/// A recorded order that rests.
#[derive(Clone, Copy, Debug)]
struct Recorded {
    instrument: InstrumentId,
    owner: Owner,
    side: Side,
    price: Price,
    open: u32,
}

/// Makes commands of recorded events.
#[derive(Clone, Debug)]
pub struct Player {
    account: AccountId,
    increment: Increment,
    orders: HashMap<u64, Recorded>,
    last: u32,
    /// Events about orders that were never added, and events with impossible numbers.
    dropped: u64,
}

/// A recorded file as commands with their times.
#[derive(Debug)]
pub struct Replay<I> {
    rows: I,
    tape: Tape,
    player: Player,
    instrument: InstrumentId,
    opened: bool,
    ready: VecDeque<(Nanos, Command)>,
}

impl Player {
    /// A player whose orders belong to `account`, on a grid of `increment` price units.
    pub fn new(account: AccountId, increment: i64) -> Player {
        let increment = Increment { step: increment.max(1) };
        Player { account, increment, orders: HashMap::new(), last: 0, dropped: 0 }
    }

    /// Events that could not be played.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Plays one ITCH message. Directory, system events and auction information make no command:
    /// the venue has its own.
    pub fn message(&mut self, message: &Message<'_>, out: &mut impl FnMut(Command)) {
        match message {
            Message::AddOrder(m) => {
                let (id, side) = (m.header.instrument(), m.side);
                self.add(id, m.order_ref.get(), side, m.price.get(), m.shares.get(), out);
            }
            Message::AddOrderMpid(m) => {
                let (id, side) = (m.header.instrument(), m.side);
                self.add(id, m.order_ref.get(), side, m.price.get(), m.shares.get(), out);
            }
            Message::OrderExecuted(m) => {
                self.execute(m.order_ref.get(), m.shares.get(), None, out);
            }
            Message::OrderExecutedPrice(m) if m.printable == b'N' => {
                // A part of a cross: the cross's own message makes the engine hold it.
                self.take_off(m.order_ref.get(), m.shares.get());
            }
            Message::OrderExecutedPrice(m) => {
                let price = Price(i64::from(m.price.get()));
                self.execute(m.order_ref.get(), m.shares.get(), Some(price), out);
            }
            Message::OrderCancel(m) => self.reduce(m.order_ref.get(), m.shares.get(), out),
            Message::OrderDelete(m) => self.delete(m.order_ref.get(), out),
            Message::OrderReplace(m) => {
                let (old, new) = (m.original_ref.get(), m.new_ref.get());
                self.replace(old, new, m.price.get(), m.shares.get(), out);
            }
            Message::Trade(m) => match Side::from_wire(m.side) {
                Some(side) => {
                    let price = Price(i64::from(m.price.get()));
                    self.take(m.header.instrument(), side, price, m.shares.get(), out);
                }
                None => self.dropped += 1,
            },
            Message::TradingAction(m) => {
                let instrument = m.header.instrument();
                let state = match m.state {
                    b'T' => TradingState::Trading,
                    b'P' => TradingState::Paused,
                    b'Q' => TradingState::QuotationOnly,
                    _ => TradingState::Halted,
                };
                out(Command::SetState { instrument, state, reason: m.reason });
            }
            Message::CrossTrade(m) => {
                let instrument = m.header.instrument();
                let kind = match m.cross_type {
                    b'O' => CrossKind::Opening,
                    b'C' => CrossKind::Closing,
                    b'H' => CrossKind::Reopening,
                    _ => return,
                };
                out(Command::Cross { instrument, kind });
            }
            Message::SystemEvent(_)
            | Message::StockDirectory(_)
            | Message::RegSho(_)
            | Message::ParticipantPosition(_)
            | Message::MwcbDecline(_)
            | Message::MwcbStatus(_)
            | Message::IpoQuoting(_)
            | Message::LuldCollar(_)
            | Message::OperationalHalt(_)
            | Message::BrokenTrade(_)
            | Message::Noii(_)
            | Message::Rpii(_)
            | Message::DirectListing(_) => {}
        }
    }

    /// Plays one step of a LOBSTER file. Crosses make no command: the file does not say which kind
    /// they are.
    pub fn step(&mut self, instrument: InstrumentId, step: &Step, out: &mut impl FnMut(Command)) {
        match step.action {
            Action::Add { order, side, price, qty } => {
                self.add(instrument, order, side as u8, price, qty, out);
            }
            Action::Reduce { order, qty } => self.reduce(order, qty, out),
            Action::Delete { order } => self.delete(order, out),
            Action::Execute { order, qty } => self.execute(order, qty, None, out),
            Action::Hidden { side, price, qty } => {
                self.take(instrument, side, Price(i64::from(price)), qty, out);
            }
            Action::State(state) => {
                out(Command::SetState { instrument, state, reason: [b' '; 4] });
            }
            Action::Cross { .. } => {}
        }
    }

    fn owner(&mut self) -> Owner {
        self.last = self.last.wrapping_add(1);
        Owner { account: self.account, user_ref: UserRef(self.last) }
    }

    /// The price on the grid for a resting order of a side.
    fn on_grid(&self, side: Side, price: Price) -> Price {
        match side {
            Side::Buy => self.increment.floor(price),
            Side::Sell => self.increment.ceil(price),
        }
    }

    fn add(
        &mut self,
        instrument: InstrumentId,
        order: u64,
        side: u8,
        price: u32,
        qty: u32,
        out: &mut impl FnMut(Command),
    ) {
        let Some(side) = Side::from_wire(side) else {
            self.dropped += 1;
            return;
        };
        let price = self.on_grid(side, Price(i64::from(price)));
        let owner = self.owner();
        let open = qty.min(QTY_MAX.0);
        self.orders.insert(order, Recorded { instrument, owner, side, price, open });
        let terms = Terms::limit(price, Qty(open));
        out(Command::Enter(NewOrder { instrument, owner, side, terms }));
    }

    /// What is left of an order after `qty` shares; the record is dropped when nothing is.
    fn take_off(&mut self, order: u64, qty: u32) -> Option<Recorded> {
        let Some(recorded) = self.orders.get_mut(&order) else {
            self.dropped += 1;
            return None;
        };
        recorded.open = recorded.open.saturating_sub(qty);
        let recorded = *recorded;
        if recorded.open == 0 {
            self.orders.remove(&order);
        }
        Some(recorded)
    }

    fn reduce(&mut self, order: u64, qty: u32, out: &mut impl FnMut(Command)) {
        if let Some(left) = self.take_off(order, qty) {
            out(Command::Reduce { owner: left.owner, qty: Qty(left.open) });
        }
    }

    fn delete(&mut self, order: u64, out: &mut impl FnMut(Command)) {
        if let Some(gone) = self.take_off(order, u32::MAX) {
            out(Command::Cancel { owner: gone.owner });
        }
    }

    fn replace(&mut self, old: u64, new: u64, price: u32, qty: u32, out: &mut impl FnMut(Command)) {
        let Some(gone) = self.take_off(old, u32::MAX) else { return };
        let price = self.on_grid(gone.side, Price(i64::from(price)));
        let owner = self.owner();
        let open = qty.min(QTY_MAX.0);
        self.orders.insert(new, Recorded { owner, price, open, ..gone });
        // Not a replace command: should the engine have traded the old one away, the new one would
        // be lost with it.
        out(Command::Cancel { owner: gone.owner });
        let terms = Terms::limit(price, Qty(open));
        out(Command::Enter(NewOrder {
            instrument: gone.instrument,
            owner,
            side: gone.side,
            terms,
        }));
    }

    fn execute(
        &mut self,
        order: u64,
        qty: u32,
        price: Option<Price>,
        out: &mut impl FnMut(Command),
    ) {
        let Some(left) = self.take_off(order, qty) else { return };
        self.take(left.instrument, left.side, price.unwrap_or(left.price), qty, out);
        if left.open == 0 {
            out(Command::Cancel { owner: left.owner });
        }
    }

    /// An immediate order against a resting side.
    fn take(
        &mut self,
        instrument: InstrumentId,
        resting: Side,
        price: Price,
        qty: u32,
        out: &mut impl FnMut(Command),
    ) {
        let side = resting.opposite();
        let terms = Terms::immediate(self.on_grid(side, price), Qty(qty.min(QTY_MAX.0)));
        let owner = self.owner();
        out(Command::Enter(NewOrder { instrument, owner, side, terms }));
    }
}

impl<I: Iterator<Item = Row>> Replay<I> {
    /// A replay of rows; `tape` has to be made of the same ones.
    pub fn new(rows: I, tape: Tape, instrument: InstrumentId, player: Player) -> Replay<I> {
        Replay { rows, tape, player, instrument, opened: false, ready: VecDeque::new() }
    }
}

impl Replay<std::vec::IntoIter<Row>> {
    /// A replay of a whole file.
    pub fn of_rows(rows: Vec<Row>, instrument: InstrumentId, player: Player) -> Self {
        let tape = Tape::new(&rows);
        Replay::new(rows.into_iter(), tape, instrument, player)
    }
}

impl<I: Iterator<Item = Row>> Iterator for Replay<I> {
    type Item = (Nanos, Command);

    fn next(&mut self) -> Option<(Nanos, Command)> {
        loop {
            if let Some(command) = self.ready.pop_front() {
                return Some(command);
            }
            let row = self.rows.next()?;
            let (tape, player, ready) = (&mut self.tape, &mut self.player, &mut self.ready);
            let mut play = |step: Step| {
                let mut put = |command| ready.push_back((step.time, command));
                player.step(self.instrument, &step, &mut put);
            };
            if !self.opened {
                self.opened = true;
                tape.open(row.time, &mut play);
            }
            tape.step(&row, &mut play);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Lifetime;
    use tercel_proto::itch::{
        AddOrder, CrossTrade, Header, OrderDelete, OrderExecutedPrice, OrderReplace, Trade,
    };
    use zerocopy::big_endian::{U32, U64};

    const ID: InstrumentId = InstrumentId(4);

    fn header(kind: u8) -> Header {
        Header::new(kind, ID, 0, Nanos(1))
    }

    fn play(player: &mut Player, message: Message<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        player.message(&message, &mut |command| commands.push(command));
        commands
    }

    fn add(player: &mut Player, order: u64, price: u32) -> Owner {
        let message = AddOrder {
            header: header(AddOrder::KIND),
            order_ref: U64::new(order),
            side: b'B',
            shares: U32::new(30),
            stock: *b"TEST    ",
            price: U32::new(price),
        };
        match play(player, Message::AddOrder(&message))[..] {
            [Command::Enter(new)] => new.owner,
            ref other => panic!("{other:?}"),
        }
    }

    fn executed(player: &mut Player, order: u64, shares: u32, printable: u8) -> Vec<Command> {
        let message = OrderExecutedPrice {
            header: header(OrderExecutedPrice::KIND),
            order_ref: U64::new(order),
            shares: U32::new(shares),
            match_number: U64::new(1),
            printable,
            price: U32::new(1_000_000),
        };
        play(player, Message::OrderExecutedPrice(&message))
    }

    #[test]
    fn an_execution_takes_from_the_other_side_and_the_last_one_cleans_up() {
        let mut player = Player::new(AccountId::BACKGROUND, 100);
        let owner = add(&mut player, 9, 1_000_100);
        let [Command::Enter(taker)] = executed(&mut player, 9, 10, b'Y')[..] else { panic!() };
        assert_eq!((taker.side, taker.terms.lifetime), (Side::Sell, Lifetime::Immediate));
        assert_eq!((taker.terms.price, taker.terms.qty), (Some(Price(1_000_000)), Qty(10)));
        let last = executed(&mut player, 9, 20, b'Y');
        assert!(
            matches!(last[..], [Command::Enter(_), Command::Cancel { owner: o }] if o == owner)
        );
        assert_eq!((executed(&mut player, 9, 1, b'Y').len(), player.dropped()), (0, 1));
    }

    #[test]
    fn a_cross_is_played_once() {
        let mut player = Player::new(AccountId::BACKGROUND, 100);
        add(&mut player, 9, 1_000_000);
        assert!(executed(&mut player, 9, 30, b'N').is_empty());
        let message = CrossTrade {
            header: header(CrossTrade::KIND),
            shares: U64::new(30),
            stock: *b"TEST    ",
            price: U32::new(1_000_000),
            match_number: U64::new(2),
            cross_type: b'O',
        };
        let commands = play(&mut player, Message::CrossTrade(&message));
        assert_eq!(commands, [Command::Cross { instrument: ID, kind: CrossKind::Opening }]);
    }

    #[test]
    fn replaced_orders_keep_their_side_and_off_grid_prices_step_away() {
        let mut player = Player::new(AccountId::BACKGROUND, 100);
        let old = add(&mut player, 9, 1_000_050);
        let message = OrderReplace {
            header: header(OrderReplace::KIND),
            original_ref: U64::new(9),
            new_ref: U64::new(10),
            shares: U32::new(5),
            price: U32::new(1_000_250),
        };
        let commands = play(&mut player, Message::OrderReplace(&message));
        let [Command::Cancel { owner }, Command::Enter(new)] = commands[..] else { panic!() };
        assert_eq!((owner, new.side), (old, Side::Buy));
        assert_eq!((new.terms.price, new.terms.qty), (Some(Price(1_000_200)), Qty(5)));
        let delete = OrderDelete { header: header(OrderDelete::KIND), order_ref: U64::new(10) };
        let commands = play(&mut player, Message::OrderDelete(&delete));
        assert_eq!(commands, [Command::Cancel { owner: new.owner }]);
        let trade = Trade {
            header: header(Trade::KIND),
            order_ref: U64::new(0),
            side: b'B',
            shares: U32::new(5),
            stock: *b"TEST    ",
            price: U32::new(1_000_050),
            match_number: U64::new(3),
        };
        let [Command::Enter(taker)] = play(&mut player, Message::Trade(&trade))[..] else {
            panic!()
        };
        assert_eq!((taker.side, taker.terms.price), (Side::Sell, Some(Price(1_000_100))));
    }
}
