//! Recorded LOBSTER files against the recorded book beside them.
//!
//! The book here is built of the ITCH messages alone, with nothing but ordered maps.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use tercel_exchange::lobster::{self, Converter, ConverterConfig, Report, Row};
use tercel_exchange::matching::{AccountId, Event, Listing, Matching, Request};
use tercel_exchange::replay::{Player, Replay};
use tercel_proto::itch::{self, Message};
use tercel_types::{InstrumentId, Nanos, Price, Side, Symbol, TradingState};

const AAPL: &str = "AAPL_2012-06-21";
const AMZN: &str = "AMZN_2012-06-21_34200000_57600000";

/// The folder of LOBSTER files, if it is there.
fn folder() -> Option<PathBuf> {
    let data = match std::env::var_os("TERCEL_DATA") {
        Some(data) => PathBuf::from(data),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let folder = data.join("lobster");
    if !folder.is_dir() {
        println!("skipped: no recorded data at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn rows(folder: &Path, name: &str) -> Vec<Row> {
    let file = lobster::open(&folder.join(name)).expect("the message file opens");
    lobster::read_messages(file).collect::<Result<_, _>>().expect("every row is read")
}

fn config(symbol: &str) -> ConverterConfig {
    let symbol = Symbol::new(symbol).expect("a symbol");
    ConverterConfig { symbol, instrument: InstrumentId(1), round_lot: 100 }
}

/// Best ask price and size, best bid price and size.
type Touch = [u32; 4];

fn oracle(folder: &Path, name: &str) -> Vec<Touch> {
    let file = lobster::open(&folder.join(name)).expect("the book file opens");
    let touch = |line: String| {
        let mut fields = line.split(',').map(|field| field.trim().parse().expect("a number"));
        std::array::from_fn(|_| fields.next().expect("four fields"))
    };
    BufReader::new(file).lines().map(|line| touch(line.expect("text"))).collect()
}

#[derive(Default)]
struct Book {
    orders: HashMap<u64, (Side, u32, u32)>,
    levels: [BTreeMap<u32, u32>; 2],
    trades: u64,
}

impl Book {
    fn apply(&mut self, bytes: &[u8]) {
        match itch::parse(bytes).expect("a message") {
            Message::AddOrder(m) => {
                let (shares, price) = (m.shares.get(), m.price.get());
                let side = Side::from_wire(m.side).expect("a side");
                let old = self.orders.insert(m.order_ref.get(), (side, price, shares));
                assert!(old.is_none(), "order {} added twice", m.order_ref);
                *self.levels[side.index()].entry(price).or_default() += shares;
            }
            Message::OrderExecuted(m) => self.take(m.order_ref.get(), m.shares.get(), "E"),
            Message::OrderCancel(m) => {
                self.take(m.order_ref.get(), m.shares.get(), "X");
                assert!(self.orders.contains_key(&m.order_ref.get()), "X leaves nothing");
            }
            Message::OrderDelete(m) => {
                let open = self.orders[&m.order_ref.get()].2;
                self.take(m.order_ref.get(), open, "D");
            }
            Message::Trade(_) => self.trades += 1,
            Message::SystemEvent(_) | Message::StockDirectory(_) | Message::TradingAction(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }

    fn take(&mut self, order: u64, shares: u32, what: &str) {
        let entry = self.orders.get_mut(&order).unwrap_or_else(|| panic!("{what}: no {order}"));
        let (side, price, open) = *entry;
        assert!(shares > 0 && shares <= open, "{what}: {shares} of {open} of {order}");
        entry.2 -= shares;
        if entry.2 == 0 {
            self.orders.remove(&order);
        }
        let level = self.levels[side.index()].get_mut(&price).expect("its level");
        *level -= shares;
        if *level == 0 {
            self.levels[side.index()].remove(&price);
        }
    }

    fn touch(&self) -> Option<Touch> {
        let (bid, bid_size) = self.levels[0].last_key_value()?;
        let (ask, ask_size) = self.levels[1].first_key_value()?;
        Some([*ask, *ask_size, *bid, *bid_size])
    }
}

/// Converts, builds the book, and compares it with the oracle after each row of the first minute's
/// end.
fn agreement(symbol: &str, rows: &[Row], oracle: &[Touch]) -> (f64, Report, Book) {
    assert_eq!(rows.len(), oracle.len());
    let mut messages: Vec<(Option<usize>, Vec<u8>)> = Vec::new();
    let report = Converter::convert(config(symbol), rows, &mut |row, message| {
        messages.push((row, message.to_vec()));
    });
    let from = Nanos(rows[0].time.0 + 60_000_000_000);
    let mut book = Book::default();
    let (mut equal, mut compared) = (0_u32, 0_u32);
    let mut messages = messages.into_iter().peekable();
    for (index, row) in rows.iter().enumerate() {
        while let Some((_, bytes)) = messages.next_if(|(at, _)| at.is_none_or(|at| at <= index)) {
            book.apply(&bytes);
        }
        if row.time >= from {
            compared += 1;
            equal += u32::from(book.touch() == Some(oracle[index]));
        }
    }
    let share = 100.0 * f64::from(equal) / f64::from(compared);
    println!("{symbol}: touch equal on {equal} of {compared} rows, {share:.3} %; {report:?}");
    (share, report, book)
}

#[test]
fn aapl_book_equals_the_recorded_one() {
    let Some(folder) = folder() else { return };
    let rows = rows(&folder, &format!("{AAPL}_message_50.csv.gz"));
    let oracle = oracle(&folder, &format!("{AAPL}_orderbook_50.csv.gz"));
    let (share, report, book) = agreement("AAPL", &rows, &oracle);
    assert_eq!(report.rows, 91_997);
    // Put on the book at the start, 11 of the 80 would be proven gone and come back: they have
    // numbers from the middle of the file. At their numbers' place none is.
    assert_eq!((report.unseen, report.preadded, report.added_by_number), (80, 36, 44));
    assert_eq!((report.added_late, report.proven_gone, report.dropped_gone), (0, 0, 0));
    assert_eq!((report.dropped_unknown, report.clamped), (0, 0));
    assert_eq!(book.trades, 2_201);
    assert!(share >= 99.9, "{share}");
}

#[test]
fn amzn_whole_day_converts() {
    let Some(folder) = folder() else { return };
    let rows = rows(&folder, &format!("{AMZN}_message_1.csv.gz"));
    let oracle = oracle(&folder, &format!("{AMZN}_orderbook_1.csv.gz"));
    let (_, report, _) = agreement("AMZN", &rows, &oracle);
    assert_eq!(report.rows, 57_515);
    assert_eq!(report.messages[&'P'], 2_445);
}

#[test]
fn aapl_replays_into_the_engine() {
    let Some(folder) = folder() else { return };
    let rows = rows(&folder, &format!("{AAPL}_message_50.csv.gz"));
    let executed: u64 = rows
        .iter()
        .filter(|row| row.kind == lobster::RowKind::Execute)
        .map(|row| u64::from(row.qty))
        .sum();
    let instrument = InstrumentId(1);
    let mut engine = Matching::new(100_000);
    assert!(engine.list(&Listing {
        instrument,
        symbol: Symbol::new("AAPL").expect("a symbol"),
        increment: 100,
        reference: Price(0),
        state: TradingState::Trading,
    }));
    let player = Player::new(AccountId::BACKGROUND, 100);
    let mut events = Vec::new();
    let (mut traded, mut last) = (0_u64, Nanos(0));
    for (time, command) in Replay::of_rows(rows, instrument, player) {
        assert!(time >= last);
        last = time;
        engine.apply(&command, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Executed(execution) => traded += u64::from(execution.qty.0),
                Event::Rejected { request, .. } => assert_eq!(request, Request::Cancel),
                _ => {}
            }
        }
    }
    println!("AAPL replay: {traded} shares traded, {executed} recorded on displayed orders");
    // Alone in the market the replay trades what was recorded, up to the few orders out of place.
    assert!(traded.abs_diff(executed) < executed / 50, "{traded} {executed}");
}
