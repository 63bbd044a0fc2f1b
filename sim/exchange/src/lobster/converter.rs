//! A LOBSTER file as ITCH 5.0 messages.

use super::Row;
use super::tape::{Action, Report, Step, Tape};
use tercel_proto::itch::{
    AddOrder, CrossTrade, Header, OrderCancel, OrderDelete, OrderExecuted, StockDirectory,
    SystemEvent, Trade, TradingAction,
};
use tercel_types::{InstrumentId, Nanos, Side, Symbol, TradingState};
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

/// What a file does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConverterConfig {
    /// The symbol.
    pub symbol: Symbol,
    /// Its stock locate.
    pub instrument: InstrumentId,
    /// Shares of a round lot.
    pub round_lot: u32,
}

/// Writes ITCH messages.
///
/// Before the rows come system events `O`, `S` and `Q`, the directory, trading action `T`, and the
/// orders that were there already, all with the time of the first row. After them come `M`, `E` and
/// `C`. A change of the trading state inside the file is a trading action; order numbers are those
/// of the file, match numbers count from 1.
#[derive(Clone, Debug)]
pub struct Converter {
    config: ConverterConfig,
    tape: Tape,
    last_match: u64,
}

impl Converter {
    /// A converter for these rows.
    pub fn new(config: ConverterConfig, rows: &[Row]) -> Converter {
        Converter { config, tape: Tape::new(rows), last_match: 0 }
    }

    /// Converts all rows. `out` gets each message with the index of the row it belongs to, `None`
    /// for those before the first and after the last.
    pub fn convert(
        config: ConverterConfig,
        rows: &[Row],
        out: &mut impl FnMut(Option<usize>, &[u8]),
    ) -> Report {
        let mut converter = Converter::new(config, rows);
        let first = rows.first().map_or(Nanos(0), |row| row.time);
        let last = rows.last().map_or(Nanos(0), |row| row.time);
        converter.begin(first, &mut |message| out(None, message));
        for (index, row) in rows.iter().enumerate() {
            converter.row(row, &mut |message| out(Some(index), message));
        }
        converter.end(last, &mut |message| out(None, message));
        converter.tape.report().clone()
    }

    /// What was done so far.
    pub fn report(&self) -> &Report {
        self.tape.report()
    }

    /// Writes what comes before the first row.
    pub fn begin(&mut self, time: Nanos, out: &mut impl FnMut(&[u8])) {
        for event in [b'O', b'S'] {
            self.system_event(time, event, out);
        }
        let directory = self.directory(time);
        self.write(StockDirectory::KIND, directory.as_bytes(), out);
        self.trading_action(time, TradingState::Trading, out);
        self.system_event(time, b'Q', out);
        let mut steps = Vec::new();
        self.tape.open(time, &mut |step| steps.push(step));
        for step in steps {
            self.step(&step, out);
        }
    }

    /// Writes what one row makes: often one message, none if it is dropped, more if it proves
    /// orders gone.
    pub fn row(&mut self, row: &Row, out: &mut impl FnMut(&[u8])) {
        let mut steps = Vec::new();
        self.tape.step(row, &mut |step| steps.push(step));
        for step in steps {
            self.step(&step, out);
        }
    }

    /// Writes what comes after the last row.
    pub fn end(&mut self, time: Nanos, out: &mut impl FnMut(&[u8])) {
        for event in [b'M', b'E', b'C'] {
            self.system_event(time, event, out);
        }
    }

    fn step(&mut self, step: &Step, out: &mut impl FnMut(&[u8])) {
        let header = |kind| Header::new(kind, self.config.instrument, 0, step.time);
        match step.action {
            Action::Add { order, side, price, qty } => {
                let message = AddOrder {
                    header: header(AddOrder::KIND),
                    order_ref: U64::new(order),
                    side: side as u8,
                    shares: U32::new(qty),
                    stock: self.config.symbol.0,
                    price: U32::new(price),
                };
                self.write(AddOrder::KIND, message.as_bytes(), out);
            }
            Action::Reduce { order, qty } => {
                let (order_ref, shares) = (U64::new(order), U32::new(qty));
                let header = header(OrderCancel::KIND);
                let message = OrderCancel { header, order_ref, shares };
                self.write(OrderCancel::KIND, message.as_bytes(), out);
            }
            Action::Delete { order } => {
                let header = header(OrderDelete::KIND);
                let message = OrderDelete { header, order_ref: U64::new(order) };
                self.write(OrderDelete::KIND, message.as_bytes(), out);
            }
            Action::Execute { order, qty } => {
                let message = OrderExecuted {
                    header: header(OrderExecuted::KIND),
                    order_ref: U64::new(order),
                    shares: U32::new(qty),
                    match_number: self.match_number(),
                };
                self.write(OrderExecuted::KIND, message.as_bytes(), out);
            }
            Action::Hidden { side, price, qty } => self.trade(step.time, side, price, qty, out),
            Action::Cross { price, qty } => self.cross(step.time, price, qty, out),
            Action::State(state) => self.trading_action(step.time, state, out),
        }
    }

    fn trade(
        &mut self,
        time: Nanos,
        side: Side,
        price: u32,
        qty: u32,
        out: &mut impl FnMut(&[u8]),
    ) {
        let message = Trade {
            header: Header::new(Trade::KIND, self.config.instrument, 0, time),
            order_ref: U64::new(0),
            side: side as u8,
            shares: U32::new(qty),
            stock: self.config.symbol.0,
            price: U32::new(price),
            match_number: self.match_number(),
        };
        self.write(Trade::KIND, message.as_bytes(), out);
    }

    fn cross(&mut self, time: Nanos, price: u32, qty: u32, out: &mut impl FnMut(&[u8])) {
        let message = CrossTrade {
            header: Header::new(CrossTrade::KIND, self.config.instrument, 0, time),
            shares: U64::new(u64::from(qty)),
            stock: self.config.symbol.0,
            price: U32::new(price),
            match_number: self.match_number(),
            cross_type: b'I',
        };
        self.write(CrossTrade::KIND, message.as_bytes(), out);
    }

    fn directory(&self, time: Nanos) -> StockDirectory {
        StockDirectory {
            header: Header::new(StockDirectory::KIND, self.config.instrument, 0, time),
            stock: self.config.symbol.0,
            market_category: b'Q',
            financial_status: b'N',
            round_lot: U32::new(self.config.round_lot),
            round_lots_only: b'N',
            classification: b'C',
            sub_type: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo: b'N',
            luld_tier: b'1',
            etp: b'N',
            etp_leverage: U32::new(0),
            inverse: b'N',
        }
    }

    fn trading_action(&mut self, time: Nanos, state: TradingState, out: &mut impl FnMut(&[u8])) {
        let letter = match state {
            TradingState::Unknown | TradingState::Halted => b'H',
            TradingState::Paused => b'P',
            TradingState::QuotationOnly => b'Q',
            TradingState::Trading => b'T',
        };
        let message = TradingAction {
            header: Header::new(TradingAction::KIND, self.config.instrument, 0, time),
            stock: self.config.symbol.0,
            state: letter,
            reserved: b' ',
            reason: [b' '; 4],
        };
        self.write(TradingAction::KIND, message.as_bytes(), out);
    }

    fn system_event(&mut self, time: Nanos, event: u8, out: &mut impl FnMut(&[u8])) {
        // System events are of the whole market: locate zero.
        let header = Header::new(SystemEvent::KIND, InstrumentId(0), 0, time);
        self.write(SystemEvent::KIND, SystemEvent { header, event }.as_bytes(), out);
    }

    fn match_number(&mut self) -> U64 {
        self.last_match += 1;
        U64::new(self.last_match)
    }

    fn write(&mut self, kind: u8, message: &[u8], out: &mut impl FnMut(&[u8])) {
        self.tape.count(kind);
        out(message);
    }
}
