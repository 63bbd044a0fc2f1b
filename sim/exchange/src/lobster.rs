//! LOBSTER files: recorded Nasdaq order flow as comma-separated text, made into ITCH 5.0 messages.
//!
//! [`read_messages`] reads rows, [`Tape`] completes them to the life of whole orders, [`Converter`]
//! writes ITCH. The format is that of lobsterdata.com: time in seconds after midnight, event type,
//! order id, size, price in 1/10,000 dollar, direction of the limit order (1 buy, −1 sell).

mod converter;
mod tape;

pub use converter::{Converter, ConverterConfig};
pub use tape::{Action, Report, Step, Tape};

use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use tercel_types::{Nanos, Side, TradingState};

/// Longest line that is read; what is longer is not LOBSTER.
const LINE_MAX: u64 = 256;

/// What a row reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowKind {
    /// 1: a new limit order.
    Add,
    /// 2: shares taken off an order.
    Cancel,
    /// 3: what is left of an order taken off.
    Delete,
    /// 4: an execution of a displayed order.
    Execute,
    /// 5: an execution of a hidden order.
    Hidden,
    /// 6: a cross.
    Cross,
    /// 7: a change of the trading state.
    State(TradingState),
}

/// One row of a message file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Line number, from 1.
    pub line: u64,
    /// Nanoseconds since midnight.
    pub time: Nanos,
    /// What happened.
    pub kind: RowKind,
    /// Nasdaq's order number; zero where there is none.
    pub order: u64,
    /// Shares.
    pub qty: u32,
    /// Price in 1/10,000 dollar; zero for a change of state.
    pub price: u32,
    /// Side of the limit order.
    pub side: Side,
}

/// What is wrong with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RowError {
    /// Not six fields.
    #[error("not six fields")]
    Fields,
    /// First field.
    #[error("the time is not seconds after midnight")]
    Time,
    /// Second field.
    #[error("the event type is not one of 1 to 7")]
    Kind,
    /// Third field.
    #[error("the order id is not a number")]
    Order,
    /// Fourth field.
    #[error("the size is not a number of shares above zero")]
    Qty,
    /// Fifth field.
    #[error("the price is not a number above zero, or not -1, 0 or 1 for a change of state")]
    Price,
    /// Sixth field.
    #[error("the direction is not 1 or -1")]
    Direction,
    /// Not text, or longer than any row.
    #[error("the line is not text or too long")]
    Line,
}

/// Why reading failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A row is not LOBSTER; reading may go on with the next.
    #[error("line {line}: {error}")]
    Row {
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        error: RowError,
    },
    /// The file failed; nothing follows.
    #[error("line {line}: {error}")]
    Io {
        /// Line number, from 1.
        line: u64,
        /// The system's error.
        error: io::Error,
    },
}

/// Opens a file, through gzip if its name ends in `.gz`.
///
/// # Errors
/// Those of opening it.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    let zipped = path.extension().is_some_and(|extension| extension == "gz");
    Ok(if zipped { Box::new(GzDecoder::new(BufReader::new(file))) } else { Box::new(file) })
}

/// The rows of a message file, in order. Empty lines are passed over.
pub fn read_messages<R: Read>(reader: R) -> Rows<R> {
    Rows { reader: BufReader::new(reader), line: 0, text: Vec::new(), failed: false }
}

/// Iterator of [`read_messages`].
#[derive(Debug)]
pub struct Rows<R> {
    reader: BufReader<R>,
    line: u64,
    text: Vec<u8>,
    failed: bool,
}

impl<R: Read> Rows<R> {
    /// Reads the next line into `text`; whether there was one, and whether it was whole.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.text.clear();
        if self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut self.text)? == 0 {
            return Ok(None);
        }
        let whole = self.text.ends_with(b"\n") || (self.text.len() as u64) < LINE_MAX;
        if !whole {
            self.skip_line()?;
        }
        Ok(Some(whole))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffered = self.reader.fill_buf()?;
            if buffered.is_empty() {
                return Ok(());
            }
            match buffered.iter().position(|&byte| byte == b'\n') {
                Some(at) => {
                    self.reader.consume(at + 1);
                    return Ok(());
                }
                None => {
                    let len = buffered.len();
                    self.reader.consume(len);
                }
            }
        }
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            self.line += 1;
            let line = self.line;
            let whole = match self.read_line() {
                Ok(Some(whole)) => whole,
                Ok(None) => return None,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(ReadError::Io { line, error }));
                }
            };
            let text = std::str::from_utf8(&self.text).ok().filter(|_| whole).map(str::trim);
            if text == Some("") {
                continue;
            }
            let row = text.ok_or(RowError::Line).and_then(|text| parse_row(text, line));
            return Some(row.map_err(|error| ReadError::Row { line, error }));
        }
        None
    }
}

fn parse_row(text: &str, line: u64) -> Result<Row, RowError> {
    let mut parts = text.split(',').map(str::trim);
    let mut part = || parts.next().ok_or(RowError::Fields);
    let (time, kind, order) = (part()?, part()?, part()?);
    let (qty, price, direction) = (part()?, part()?, part()?);
    if parts.next().is_some() {
        return Err(RowError::Fields);
    }
    let time = parse_time(time).ok_or(RowError::Time)?;
    let signed: i64 = price.parse().map_err(|_| RowError::Price)?;
    let kind = parse_kind(kind, signed)?;
    let order: i64 = order.parse().map_err(|_| RowError::Order)?;
    let is_state = matches!(kind, RowKind::State(_));
    let qty: u32 = qty.parse().map_err(|_| RowError::Qty)?;
    if qty == 0 && !is_state {
        return Err(RowError::Qty);
    }
    let price = match u32::try_from(signed) {
        _ if is_state => 0,
        Ok(price) if price > 0 => price,
        _ => return Err(RowError::Price),
    };
    let side = match direction {
        "1" => Side::Buy,
        "-1" => Side::Sell,
        _ => return Err(RowError::Direction),
    };
    Ok(Row { line, time, kind, order: u64::try_from(order).unwrap_or(0), qty, price, side })
}

fn parse_kind(kind: &str, price: i64) -> Result<RowKind, RowError> {
    Ok(match kind {
        "1" => RowKind::Add,
        "2" => RowKind::Cancel,
        "3" => RowKind::Delete,
        "4" => RowKind::Execute,
        "5" => RowKind::Hidden,
        "6" => RowKind::Cross,
        "7" => RowKind::State(match price {
            -1 => TradingState::Halted,
            0 => TradingState::QuotationOnly,
            1 => TradingState::Trading,
            _ => return Err(RowError::Price),
        }),
        _ => return Err(RowError::Kind),
    })
}

/// Seconds with any number of decimals, exactly; those after the ninth are cut off.
fn parse_time(text: &str) -> Option<Nanos> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Two days: the file of one day never comes near.
    let seconds: u64 = seconds.parse().ok().filter(|seconds| *seconds < 172_800)?;
    if !digits(decimals) {
        return None;
    }
    let nanos = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Nanos(seconds * 1_000_000_000 + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Row, RowError> {
        parse_row(text, 1)
    }

    #[test]
    fn a_row_is_read_exactly() {
        let row = one("34200.00426064,1,16113584,18,5853200,1").unwrap();
        assert_eq!(row.time, Nanos(34_200_004_260_640));
        assert_eq!(
            (row.order, row.qty, row.price, row.side),
            (16_113_584, 18, 5_853_200, Side::Buy)
        );
        assert_eq!(one("34200,7,0,0,-1,-1").unwrap().kind, RowKind::State(TradingState::Halted));
        assert_eq!(one("34200,6,-1,500,100,-1").unwrap().order, 0);
    }

    #[test]
    fn each_field_has_its_error() {
        let errors = [
            ("", RowError::Fields),
            ("1,1,1,1,1", RowError::Fields),
            ("1,1,1,1,1,1,1", RowError::Fields),
            ("1.,1,1,1,1,1", RowError::Time),
            ("-1,1,1,1,1,1", RowError::Time),
            ("999999999999999999999,1,1,1,1,1", RowError::Time),
            ("1,8,1,1,1,1", RowError::Kind),
            ("1,1,x,1,1,1", RowError::Order),
            ("1,1,1,0,1,1", RowError::Qty),
            ("1,1,1,4294967296,1,1", RowError::Qty),
            ("1,1,1,1,0,1", RowError::Price),
            ("1,1,1,1,99999999999,1", RowError::Price),
            ("1,7,0,0,2,1", RowError::Price),
            ("1,1,1,1,1,0", RowError::Direction),
        ];
        for (text, error) in errors {
            assert_eq!(one(text), Err(error), "{text}");
        }
    }

    #[test]
    fn bad_lines_are_named_and_the_next_is_read() {
        let long = "9".repeat(10_000);
        let file = format!("x\n{long}\n\n\u{fffd}\n1,1,1,1,1,1\r\n1,1,2,1,1,-1");
        let rows: Vec<_> = read_messages(file.as_bytes()).collect();
        let lines: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Ok(row) => (row.line, None),
                Err(ReadError::Row { line, error }) => (*line, Some(*error)),
                Err(ReadError::Io { line, .. }) => (*line, None),
            })
            .collect();
        let fields = Some(RowError::Fields);
        let expected = [(1, fields), (2, Some(RowError::Line)), (4, fields), (5, None), (6, None)];
        assert_eq!(lines, expected);
    }
}
