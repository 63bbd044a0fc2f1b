//! The messages of the script.

use crate::day::{Cross, Day};
use crate::placement;
use crate::script::Act;
use tercel_proto::itch::{
    CrossTrade, Header, LuldCollar, MwcbDecline, Noii, OrderExecutedPrice, ParticipantPosition,
    RegSho, StockDirectory, SystemEvent, TradingAction,
};
use tercel_types::{InstrumentId, Nanos, Side};
use zerocopy::big_endian::{U32, U64};

impl Day {
    /// Makes the message of an entry.
    #[cold]
    pub(crate) fn enact(&mut self, act: Act, at: u16) {
        match act {
            Act::System(event) => {
                let header = self.market_header(SystemEvent::KIND);
                self.put(&SystemEvent { header, event });
            }
            Act::Directory => self.directory(at),
            Act::State(state, reason) => {
                self.instruments[usize::from(at)].trading = state == b'T';
                let header = self.header(TradingAction::KIND, at);
                let stock = self.instruments[usize::from(at)].symbol;
                self.put(&TradingAction { header, stock, state, reserved: b' ', reason });
            }
            Act::RegSho(action) => {
                let header = self.header(RegSho::KIND, at);
                self.put(&RegSho {
                    header,
                    stock: self.instruments[usize::from(at)].symbol,
                    action,
                });
            }
            Act::Participant => self.participant_position(at),
            Act::Decline => {
                let header = self.market_header(MwcbDecline::KIND);
                // Falls of 7, 13 and 20 % from an index of 5,000, with eight decimals.
                let level = |percent: u64| U64::new(50 * percent * 100_000_000);
                let (level1, level2, level3) = (level(93), level(87), level(80));
                self.put(&MwcbDecline { header, level1, level2, level3 });
            }
            Act::Collar => self.collar(at),
            Act::Imbalance(letter) => self.imbalance(at, letter),
            Act::Cross(letter) => self.cross_trade(at, letter),
        }
    }

    /// The header of a message that is about the whole market.
    fn market_header(&self, kind: u8) -> Header {
        Header::new(kind, InstrumentId(0), 0, Nanos(self.pace.now()))
    }

    fn directory(&mut self, at: u16) {
        let header = self.header(StockDirectory::KIND, at);
        let stock = self.instruments[usize::from(at)].symbol;
        let luld_tier = if self.random.one_in(4) { b'1' } else { b'2' };
        let market_category = b"QGSNAP"[self.random.below(6) as usize];
        self.put(&StockDirectory {
            header,
            stock,
            market_category,
            financial_status: b'N',
            round_lot: U32::new(100),
            round_lots_only: b'N',
            classification: b'C',
            sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo: b'N',
            luld_tier,
            etp: b'N',
            etp_leverage: U32::new(0),
            inverse: b'N',
        });
    }

    pub(crate) fn participant_position(&mut self, at: u16) {
        let header = self.header(ParticipantPosition::KIND, at);
        let mpid = self.participant();
        let state = if self.random.one_in(16) { b'E' } else { b'A' };
        let stock = self.instruments[usize::from(at)].symbol;
        self.put(&ParticipantPosition { header, mpid, stock, primary: b'Y', mode: b'N', state });
    }

    /// The collar of an auction that reopens trading: 5 % to either side.
    fn collar(&mut self, at: u16) {
        let header = self.header(LuldCollar::KIND, at);
        let instrument = &self.instruments[usize::from(at)];
        let reference = instrument.fair_wire();
        self.put(&LuldCollar {
            header,
            stock: instrument.symbol,
            reference: U32::new(reference),
            upper: U32::new(reference + reference / 20),
            lower: U32::new(reference - reference / 20),
            extension: U32::new(0),
        });
    }

    fn imbalance(&mut self, at: u16, letter: u8) {
        let header = self.header(Noii::KIND, at);
        let direction = b"BSN"[self.random.below(3) as usize];
        let paired = u64::from(placement::shares(&mut self.random)) * 10;
        let imbalance = u64::from(placement::shares(&mut self.random));
        let instrument = &self.instruments[usize::from(at)];
        let price = U32::new(instrument.fair_wire());
        self.put(&Noii {
            header,
            paired: U64::new(paired),
            imbalance: U64::new(if direction == b'N' { 0 } else { imbalance }),
            direction,
            stock: instrument.symbol,
            far: price,
            near: price,
            reference: price,
            cross_type: letter,
            variation: b'L',
        });
    }

    /// Executes the next displayed order that takes part in a cross; `false` when there is none.
    ///
    /// The cross is at the touch of one side, where up to three orders of it trade.
    pub(crate) fn executed_in_cross(&mut self, at: u16) -> bool {
        let started = self.cross.is_some();
        if !started {
            let side = if self.random.one_in(2) { Side::Buy } else { Side::Sell };
            let left = self.random.halving(3) as u8;
            let instrument = &self.instruments[usize::from(at)];
            let Some(index) = instrument.best(side) else { return false };
            self.cross = Some(Cross { side, left, ticks: instrument.start + index, shares: 0 });
        }
        let Some(cross) = self.cross else { return false };
        let first = self.orders.first(at, &self.instruments[usize::from(at)], cross.side);
        let Some(slot) = first.filter(|slot| self.orders.order(*slot).ticks == cross.ticks) else {
            return false;
        };
        if cross.left == 0 {
            return false;
        }
        let order = *self.orders.order(slot);
        let shares = self.fill(slot);
        // What has not got all that it wanted is the last.
        let left = if shares == order.shares { cross.left - 1 } else { 0 };
        self.cross = Some(Cross { left, shares: cross.shares + u64::from(shares), ..cross });
        let header = self.header(OrderExecutedPrice::KIND, at);
        let match_number = self.take_match();
        let price = self.instruments[usize::from(at)].wire(cross.ticks);
        self.put(&OrderExecutedPrice {
            header,
            order_ref: U64::new(order.order_ref),
            shares: U32::new(shares),
            match_number: U64::new(match_number),
            printable: b'N',
            price: U32::new(price),
        });
        true
    }

    /// What traded in a cross, with the orders for the cross alone, which are not displayed.
    fn cross_trade(&mut self, at: u16, cross_type: u8) {
        let undisplayed = u64::from(placement::shares(&mut self.random)) * 10;
        let instrument = &self.instruments[usize::from(at)];
        let (stock, fair) = (instrument.symbol, instrument.fair_wire());
        let (price, shares) = match self.cross.take() {
            Some(cross) => (instrument.wire(cross.ticks), cross.shares + undisplayed),
            None => (fair, undisplayed),
        };
        let header = self.header(CrossTrade::KIND, at);
        let match_number = self.take_match();
        self.put(&CrossTrade {
            header,
            shares: U64::new(shares),
            stock,
            price: U32::new(price),
            match_number: U64::new(match_number),
            cross_type,
        });
    }
}
