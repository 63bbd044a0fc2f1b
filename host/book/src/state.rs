//! Records about the feed, the market and the state of an instrument.

use crate::edit::wire_price;
use crate::{
    Books, Change, DirectListing, Effect, Imbalance, Instrument, Ipo, MarketPhase, RegSho,
};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::{Bands, InstrumentId, Nanos, Price, Symbol, TradingState};

/// Price in the low half of a word.
fn low(word: u64) -> Price {
    Price(i64::from(word as u32))
}

/// Price in the high half of a word.
fn high(word: u64) -> Price {
    Price((word >> 32) as i64)
}

impl Books {
    #[cold]
    #[inline(never)]
    pub(crate) fn apply_feed(&mut self, kind: Kind, record: &EventRecord) -> Change {
        self.stale.note(kind);
        match kind {
            Kind::SnapshotBegin => self.clear(false),
            Kind::SessionChange => self.clear(true),
            // The others speak of what is to be trusted, not of what is there.
            _ => {}
        }
        Change::of(record.instrument(), Effect::Market)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn apply_market(&mut self, kind: Kind, record: &EventRecord) -> Change {
        match kind {
            Kind::SystemEvent => self.system_event(record.tag),
            Kind::MwcbLevels => {
                self.market.mwcb_levels = [record.price as u64, record.quantity, record.order_ref];
            }
            _ => self.mwcb_status(record.tag),
        }
        Change::of(record.instrument(), Effect::Market)
    }

    fn system_event(&mut self, code: u16) {
        self.market.phase = match code as u8 {
            b'O' => MarketPhase::StartOfMessages,
            b'S' => MarketPhase::StartOfSystem,
            b'Q' => MarketPhase::StartOfMarket,
            b'M' => MarketPhase::EndOfMarket,
            b'E' => MarketPhase::EndOfSystem,
            b'C' => MarketPhase::EndOfMessages,
            _ => {
                self.counters.bad_codes += 1;
                MarketPhase::Unknown
            }
        };
    }

    fn mwcb_status(&mut self, code: u16) {
        match code as u8 {
            digit @ b'1'..=b'3' => {
                let level = digit - b'0';
                let highest = self.market.mwcb_breached.map_or(level, |before| before.max(level));
                self.market.mwcb_breached = Some(highest);
            }
            _ => self.counters.bad_codes += 1,
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn apply_state(&mut self, kind: Kind, record: &EventRecord) -> Change {
        let id = record.instrument();
        let Some(instrument) = self.instruments.get_mut(id.index()) else {
            self.counters.instruments_refused += 1;
            return Change::none(id);
        };
        instrument.seen = true;
        match kind {
            Kind::Directory => self.directory(id, record),
            Kind::TradingAction => self.counters.bad_codes += u64::from(!act(instrument, record)),
            Kind::RegSho => self.counters.bad_codes += u64::from(!reg_sho(instrument, record)),
            Kind::LuldCollar => self.counters.bad_prices += u64::from(!collar(instrument, record)),
            Kind::OperationalHalt => {
                self.counters.bad_codes += u64::from(!operational_halt(instrument, record));
            }
            Kind::IpoQuoting => {
                instrument.ipo = Some(Ipo {
                    release: Nanos(record.quantity.saturating_mul(1_000_000_000)),
                    qualifier: record.tag as u8,
                    price: record.price(),
                });
            }
            Kind::Imbalance => instrument.imbalance = Some(imbalance(record)),
            Kind::RetailInterest => instrument.retail_interest = record.tag as u8,
            Kind::DirectListing => instrument.direct_listing = Some(direct_listing(record)),
            // Who makes a market in it is of no use to anything here.
            _ => return Change::none(id),
        }
        Change::of(id, Effect::State)
    }

    fn directory(&mut self, id: InstrumentId, record: &EventRecord) {
        let instrument = &mut self.instruments[id.index()];
        let before = instrument.symbol;
        let letters = record.second_ref.to_le_bytes();
        instrument.symbol = record.symbol();
        instrument.round_lot = record.qty().0;
        instrument.issue_sub_type = record.tag.to_le_bytes();
        instrument.leverage = u32::try_from(record.price).unwrap_or(0);
        instrument.inverse = record.has(flag::INVERSE);
        [
            instrument.market_category,
            instrument.financial_status,
            instrument.round_lots_only,
            instrument.issue_classification,
            instrument.authenticity,
            instrument.short_sale_threshold,
            instrument.ipo_flag,
            instrument.luld_tier,
        ] = letters;
        let named = u32::from(id.0) + 1;
        let key = |symbol: Symbol| u64::from_le_bytes(symbol.0);
        if before != record.symbol() {
            self.counters.symbols_changed += u64::from(before != Symbol::default());
            if self.symbols.find(key(before)) == named {
                self.symbols.remove(key(before));
            }
        }
        if self.symbols.find(record.order_ref) != named {
            self.symbols.remove(record.order_ref);
            let kept = self.symbols.insert(record.order_ref, named);
            self.counters.symbols_refused += u64::from(!kept);
        }
    }
}

/// `false` for a letter that is not in the specification; the state is then unknown, in which
/// nothing is traded.
fn act(instrument: &mut Instrument, record: &EventRecord) -> bool {
    let before = instrument.state;
    instrument.state = match record.tag as u8 {
        b'H' => TradingState::Halted,
        b'P' => TradingState::Paused,
        b'Q' => TradingState::QuotationOnly,
        b'T' => TradingState::Trading,
        _ => TradingState::Unknown,
    };
    instrument.reason = (record.second_ref as u32).to_le_bytes();
    let stopped =
        matches!(before, TradingState::Halted | TradingState::Paused | TradingState::QuotationOnly);
    if stopped && instrument.state == TradingState::Trading {
        // The collar was that of the auction which has just reopened trading.
        instrument.bands = None;
    }
    instrument.state != TradingState::Unknown
}

/// `false` for a digit that is not in the specification; short sales are then taken to be
/// restricted.
fn reg_sho(instrument: &mut Instrument, record: &EventRecord) -> bool {
    instrument.reg_sho = match record.tag as u8 {
        b'0' => RegSho::None,
        b'1' => RegSho::Today,
        b'2' => RegSho::InForce,
        _ => RegSho::Unknown,
    };
    instrument.short_restricted = instrument.reg_sho != RegSho::None;
    instrument.reg_sho != RegSho::Unknown
}

/// `false` for prices that cannot be, or that leave nothing between them; the bands then stay as
/// they were.
fn collar(instrument: &mut Instrument, record: &EventRecord) -> bool {
    let price = |word: u64| wire_price(i64::try_from(word).unwrap_or(0)).map(i64::from);
    let (Some(lower), Some(upper)) = (price(record.order_ref), price(record.quantity)) else {
        return false;
    };
    if lower <= upper {
        instrument.bands = Some(Bands { lower: Price(lower), upper: Price(upper) });
    }
    lower <= upper
}

/// `false` for letters that are not in the specification; an unknown action of a known market halts
/// it.
fn operational_halt(instrument: &mut Instrument, record: &EventRecord) -> bool {
    let [action, market] = record.tag.to_le_bytes();
    let bit = match market {
        b'Q' => 1,
        b'B' => 2,
        b'X' => 4,
        _ => 8,
    };
    if action == b'T' {
        instrument.halted_markets &= !bit;
    } else {
        instrument.halted_markets |= bit;
    }
    instrument.operational_halt = instrument.halted_markets != 0;
    bit != 8 && matches!(action, b'H' | b'T')
}

fn imbalance(record: &EventRecord) -> Imbalance {
    let [cross_type, variation] = record.tag.to_le_bytes();
    Imbalance {
        paired: record.quantity,
        imbalance: record.order_ref,
        direction: record.side,
        reference: record.price(),
        far: low(record.second_ref),
        near: high(record.second_ref),
        cross_type,
        variation,
    }
}

fn direct_listing(record: &EventRecord) -> DirectListing {
    DirectListing {
        eligible: record.tag as u8,
        minimum: low(record.order_ref),
        maximum: high(record.order_ref),
        near: record.price(),
        near_time: Nanos(record.quantity),
        lower_collar: low(record.second_ref),
        upper_collar: high(record.second_ref),
    }
}
