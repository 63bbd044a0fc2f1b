//! Lines of Binance's streams, each behind the recorder's time in nanoseconds:
//! `1723161255030314667 {"stream":"btcusdt@depth@0ms","data":{...}}`.
//!
//! Three streams tell of one book, each at its own pace: changes of levels (`depthUpdate`), the
//! touch (`bookTicker`), and trades. They are put together by their update numbers: a level that
//! the touch has told of is not put back by a change that is older, and levels better than the
//! newest touch are gone. Spot numbers its changes `U..=u` without holes between messages; the
//! perpetual names with `pu` the message before. Where a hole is, changes are missing until the
//! levels are told again: it is counted and the book begins afresh. A snapshot of the whole book
//! among the lines (`lastUpdateId`) gives the levels that nothing newer has told of; without one a
//! level is not known before its first change, and what rests there not counted.
//!
//! The venue's times are in milliseconds and the touch of spot has none. What tells of the book is
//! taken in the order of receipt, and time never goes back; trades are put where they belong
//! ([`order`]). Where the recorder's clock is behind the venue's, all its times are moved so that
//! nothing arrives before it was sent; what it was moved by is counted.

mod order;

use super::decimal::steps;
use super::{ReadError, bytes_of, format_error};
use crate::ledger::Contract;
use crate::store::{Builder, Grain, Store, When};
use order::{VenueOrder, Ways};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use tercel_types::{InstrumentId, Nanos, Price, Side, Symbol};

const MS: u64 = 1_000_000;

/// What the lines do not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BinanceConfig {
    /// The host's name of the instrument.
    pub symbol: Symbol,
    /// Price step in 1e-9 of the quote currency.
    pub tick: u64,
    /// Quantity step in 1e-9 of the coin.
    pub lot: u64,
    /// The shortest way of the feed, ns: what the fastest line took.
    pub least_delay: Nanos,
}

impl BinanceConfig {
    /// BTCUSDT spot: steps of 0.01 and 0.00001.
    pub fn spot() -> BinanceConfig {
        let symbol = Symbol(*b"BTCUSDT ");
        BinanceConfig { symbol, tick: 10_000_000, lot: 10_000, least_delay: Nanos(0) }
    }

    /// BTCUSDT perpetual: steps of 0.1 and 0.001.
    pub fn perpetual() -> BinanceConfig {
        let symbol = Symbol(*b"BTCUSDTP");
        BinanceConfig { symbol, tick: 100_000_000, lot: 1_000_000, least_delay: Nanos(0) }
    }

    /// By the file's name.
    pub fn of(path: &Path) -> BinanceConfig {
        let name = path.file_name().map_or(String::new(), |name| name.to_string_lossy().into());
        if name.contains("spot") { BinanceConfig::spot() } else { BinanceConfig::perpetual() }
    }

    /// The contract: one step of the market is one cent of the host.
    pub fn contract(&self, id: InstrumentId) -> Contract {
        let units = u128::from(Price::CENT.0.unsigned_abs()) * 1_000_000_000;
        Contract {
            instrument: id,
            symbol: self.symbol,
            tick: Price::CENT,
            price_units: i64::try_from(units / u128::from(self.tick.max(1))).unwrap_or(1),
            lots: u32::try_from(1_000_000_000 / self.lot.max(1)).unwrap_or(1),
            multiplier: 1,
        }
    }
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read or no line of it is of a stream.
pub fn binance(path: &Path, config: &BinanceConfig) -> Result<Store, ReadError> {
    let (bytes, cut) = bytes_of(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut store = binance_lines(&text, config);
    store.quality.truncated += u64::from(cut);
    let quality = &store.quality;
    if quality.read <= quality.malformed + quality.ignored {
        return Err(format_error(path, format!("none of {} lines is of a stream", quality.read)));
    }
    Ok(store)
}

/// Reads lines in memory.
pub fn binance_lines(text: &str, config: &BinanceConfig) -> Store {
    let mut fusion = Fusion::new(config);
    let mut lines: Vec<(u64, Data<'_>)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let whole = line.ends_with('\n');
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let quality = &mut fusion.builder.quality;
        quality.read += 1;
        let parts = line.split_once(' ').and_then(|(time, json)| Some((time.parse().ok()?, json)));
        let parsed = parts.and_then(|(time, json)| {
            Some((time, serde_json::from_str::<Envelope<'_>>(json).ok()?))
        });
        match parsed {
            Some((time, Envelope { data: Some(data), .. })) => lines.push((time, data)),
            Some((time, Envelope { snapshot: Some(update), bids, asks, .. })) => {
                let levels = |levels| Some(Bids::Levels(levels));
                let (b, a) = (levels(bids), levels(asks));
                let of = Data { e: Some(SNAPSHOT), u: Some(update), b, a, ..Data::default() };
                lines.push((time, of));
            }
            Some(_) => quality.ignored += 1,
            None => {
                quality.malformed += 1;
                quality.truncated += u64::from(!whole);
            }
        }
    }
    let ways = fusion.set_clock(&lines);
    let order = VenueOrder::of(&lines, &ways);
    order.count(&mut fusion.builder.quality);
    fusion.open(&order);
    let mut told = vec![0..0; lines.len()];
    for line in &order.lines {
        let from = fusion.builder.len();
        fusion.line(line.when, &lines[line.at].1);
        told[line.at] = from..fusion.builder.len();
    }
    if !order.as_received() {
        fusion.builder.heard(told.into_iter().flatten());
    }
    fusion.finish()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    /// Of a snapshot, which comes without an envelope: the last update in it.
    #[serde(rename = "lastUpdateId", default)]
    snapshot: Option<u64>,
    #[serde(borrow, default)]
    bids: Vec<(&'a str, &'a str)>,
    #[serde(borrow, default)]
    asks: Vec<(&'a str, &'a str)>,
}

/// What a snapshot is told from.
const SNAPSHOT: &str = "snapshot";

/// Every field that any of the three has.
#[derive(Default, Deserialize)]
struct Data<'a> {
    #[serde(default)]
    e: Option<&'a str>,
    #[serde(rename = "E", default)]
    event_time: Option<u64>,
    #[serde(rename = "T", default)]
    time: Option<u64>,
    #[serde(rename = "U", default)]
    first: Option<u64>,
    #[serde(default)]
    u: Option<u64>,
    #[serde(default)]
    pu: Option<u64>,
    #[serde(borrow, default)]
    b: Option<Bids<'a>>,
    #[serde(borrow, default)]
    a: Option<Bids<'a>>,
    #[serde(rename = "B", default)]
    bid_qty: Option<&'a str>,
    #[serde(rename = "A", default)]
    ask_qty: Option<&'a str>,
    #[serde(default)]
    p: Option<&'a str>,
    #[serde(default)]
    q: Option<&'a str>,
    #[serde(default)]
    m: Option<bool>,
    /// What brought a trade about: `MARKET`, else insurance fund, liquidation book and the like.
    #[serde(rename = "X", default)]
    origin: Option<&'a str>,
}

/// Levels of one side, or the one price of the touch.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bids<'a> {
    #[serde(borrow)]
    Levels(Vec<(&'a str, &'a str)>),
    #[serde(borrow)]
    Touch(&'a str),
}

impl Data<'_> {
    /// The venue's time, ms.
    fn sent(&self) -> Option<u64> {
        self.time.or(self.event_time)
    }
}

/// A level as the streams told it.
#[derive(Clone, Copy)]
struct Told {
    qty: u64,
    update: u64,
}

/// Puts the streams together.
struct Fusion {
    config: BinanceConfig,
    builder: Builder,
    place: u16,
    /// Levels by price in ticks, bids and asks.
    sides: [BTreeMap<u64, Told>; 2],
    /// Last update number of the changes, and of the touch with its prices.
    last: Option<u64>,
    touch: Option<(u64, [u64; 2])>,
    /// Updates that emptied levels before there was a snapshot.
    emptied: BTreeMap<(usize, u64), u64>,
    snapshots: u64,
}

impl Fusion {
    fn new(config: &BinanceConfig) -> Fusion {
        let mut builder = Builder::new(Grain::Levels);
        let place = builder.instrument(config.contract(InstrumentId(1))).unwrap_or(0);
        builder.quality.no_snapshot = 1;
        Fusion {
            config: *config,
            builder,
            place,
            sides: [BTreeMap::new(), BTreeMap::new()],
            last: None,
            touch: None,
            emptied: BTreeMap::new(),
            snapshots: 0,
        }
    }

    /// The fastest line took `least_delay` at least, whatever the clocks say.
    fn set_clock(&mut self, lines: &[(u64, Data<'_>)]) -> Ways {
        let least = i128::from(self.config.least_delay.0);
        let delay = |(received, data): &(u64, Data<'_>)| {
            Some(i128::from(*received) - i128::from(data.sent()?) * i128::from(MS))
        };
        let fastest = lines.iter().filter_map(delay).min().unwrap_or(least);
        let shift = (least - fastest).max(0);
        self.builder.quality.clock_shift = u64::try_from(shift).unwrap_or(u64::MAX);
        Ways { shift, fastest: fastest + shift }
    }

    /// What a host needs to know before it hears of anything.
    fn open(&mut self, order: &VenueOrder) {
        if let Some(when) = order.first {
            let from = self.builder.len();
            self.builder.open(when, self.place);
            self.builder.heard(from..self.builder.len());
        }
    }

    fn line(&mut self, when: When, data: &Data<'_>) {
        let known = match (data.e, data.u) {
            (Some("depthUpdate"), Some(update)) => self.changes(when, data, update),
            (Some("bookTicker") | None, Some(update)) => self.ticker(when, data, update),
            (Some(SNAPSHOT), Some(update)) => self.snapshot(when, data, update),
            (Some("trade"), _) => self.trade(when, data),
            _ => {
                self.builder.quality.ignored += 1;
                return;
            }
        };
        if known.is_none() {
            self.builder.quality.malformed += 1;
        }
    }

    fn changes(&mut self, when: When, data: &Data<'_>, update: u64) -> Option<()> {
        let (Bids::Levels(bids), Bids::Levels(asks)) = (data.b.as_ref()?, data.a.as_ref()?) else {
            return None;
        };
        if let Some(last) = self.last {
            if update <= last {
                self.builder.quality.outdated += 1;
                return Some(());
            }
            let follows = match data.pu {
                Some(before) => before == last,
                None => data.first? <= last + 1,
            };
            if !follows {
                self.builder.quality.gaps += 1;
                self.sides.iter_mut().for_each(BTreeMap::clear);
                self.touch = None;
                self.builder.clear(when, self.place);
            }
        }
        self.last = Some(update);
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for (price, qty) in levels {
                let price = steps(price, self.config.tick).filter(|price| *price > 0);
                match (price, steps(qty, self.config.lot)) {
                    (Some(price), Some(qty)) => self.change(when, side, price, qty, update),
                    _ => self.builder.quality.bad_numbers += 1,
                }
            }
        }
        self.builder.end_message();
        Some(())
    }

    /// One level of a change, unless something newer is known.
    fn change(&mut self, when: When, side: Side, price: u64, qty: u64, update: u64) {
        if self.is_newer(side, price, update) {
            return;
        }
        self.set(when, side, price, Told { qty, update });
        // A change that crosses what is known proves the other side gone, as the touch does.
        if qty > 0 {
            let met = if side == Side::Buy { price + 1 } else { price - 1 };
            self.cut(when, side.opposite(), met, update);
        }
    }

    /// Something newer than the update has told of the level: the touch of all that are better.
    fn is_newer(&self, side: Side, price: u64, update: u64) -> bool {
        let by_touch = self.touch.is_some_and(|(newest, [bid, ask])| {
            newest >= update && if side == Side::Buy { price >= bid } else { price <= ask }
        });
        let emptied = self.emptied.get(&(side.index(), price));
        let told = self.sides[side.index()].get(&price).map(|told| told.update);
        by_touch || told.or(emptied.copied()).is_some_and(|newest| newest > update)
    }

    /// The book as it was at an update. It proves nothing gone: what it has and others have not is
    /// added, unless it would cross them.
    fn snapshot(&mut self, when: When, data: &Data<'_>, update: u64) -> Option<()> {
        let (Bids::Levels(bids), Bids::Levels(asks)) = (data.b.as_ref()?, data.a.as_ref()?) else {
            return None;
        };
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for (price, qty) in levels {
                let price = steps(price, self.config.tick).filter(|price| *price > 0);
                let (Some(price), Some(qty)) = (price, steps(qty, self.config.lot)) else {
                    self.builder.quality.bad_numbers += 1;
                    continue;
                };
                let crosses = match side {
                    Side::Buy => self.sides[1].range(..=price).next().is_some(),
                    Side::Sell => self.sides[0].range(price..).next().is_some(),
                };
                if qty > 0 && !crosses && !self.is_newer(side, price, update) {
                    self.set(when, side, price, Told { qty, update });
                }
            }
        }
        self.builder.end_message();
        self.snapshots += 1;
        self.emptied.clear();
        self.builder.quality.no_snapshot = 0;
        Some(())
    }

    fn ticker(&mut self, when: When, data: &Data<'_>, update: u64) -> Option<()> {
        let (Bids::Touch(bid), Bids::Touch(ask)) = (data.b.as_ref()?, data.a.as_ref()?) else {
            return None;
        };
        let tick = self.config.tick;
        let price = |text| steps(text, tick).filter(|price| *price > 0);
        let prices = [price(bid)?, price(ask)?];
        let lots = |text: Option<&str>| steps(text?, self.config.lot);
        let qty = [lots(data.bid_qty)?, lots(data.ask_qty)?];
        if self.touch.is_some_and(|(newest, _)| newest >= update)
            || self.last.is_some_and(|last| last > update)
        {
            self.builder.quality.outdated += 1;
            return Some(());
        }
        self.touch = Some((update, prices));
        for side in [Side::Buy, Side::Sell] {
            let at = side.index();
            self.cut(when, side, prices[at], update);
            self.set(when, side, prices[at], Told { qty: qty[at], update });
        }
        self.builder.end_message();
        Some(())
    }

    /// Takes out the levels of a side that are better than `price`.
    fn cut(&mut self, when: When, side: Side, price: u64, update: u64) {
        loop {
            let levels = &self.sides[side.index()];
            let better = match side {
                Side::Buy => levels.range(price + 1..).next_back(),
                Side::Sell => levels.range(..price).next(),
            };
            let Some((&gone, _)) = better else { return };
            self.set(when, side, gone, Told { qty: 0, update });
        }
    }

    fn set(&mut self, when: When, side: Side, price: u64, told: Told) {
        let levels = &mut self.sides[side.index()];
        let before = levels.get(&price).map_or(0, |told| told.qty);
        if told.qty == 0 {
            levels.remove(&price);
            if self.snapshots == 0 {
                self.emptied.insert((side.index(), price), told.update);
            }
        } else {
            levels.insert(price, told);
        }
        if before == told.qty {
            return; // nothing to tell
        }
        let Some(units) = price.checked_mul(Price::CENT.0.unsigned_abs()) else { return };
        let price = Price(i64::try_from(units).unwrap_or(i64::MAX));
        self.builder.level(when, self.place, side, price, told.qty, true);
    }

    fn trade(&mut self, when: When, data: &Data<'_>) -> Option<()> {
        if data.origin.is_some_and(|origin| origin != "MARKET") {
            self.builder.quality.ignored += 1;
            return Some(());
        }
        let price = steps(data.p?, self.config.tick)?.checked_mul(Price::CENT.0.unsigned_abs())?;
        let qty = steps(data.q?, self.config.lot)?;
        // `m`: the buyer was the maker.
        let resting = if data.m? { Side::Buy } else { Side::Sell };
        let price = Price(i64::try_from(price).ok()?);
        self.builder.trade(when, self.place, Some(resting), price, qty);
        Some(())
    }

    fn finish(self) -> Store {
        self.builder.finish()
    }
}
