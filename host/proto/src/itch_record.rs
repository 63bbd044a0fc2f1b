//! From an ITCH message to the record that the rest of Tercel reads; hw/abi/abi.toml says which
//! field holds what.

use crate::itch::{self, Header, Message};
use tercel_abi::{EventRecord, Kind, flag};
use tercel_types::{Nanos, VenueId};

/// The record of a message that arrived at `received`.
#[inline]
pub fn to_record(message: &Message<'_>, venue: VenueId, received: Nanos) -> EventRecord {
    let mut record = match message {
        Message::AddOrder(m) => add_order(m),
        Message::AddOrderMpid(m) => add_order_mpid(m),
        Message::OrderExecuted(m) => executed(m),
        Message::OrderExecutedPrice(m) => executed_price(m),
        Message::OrderCancel(m) => canceled(m),
        Message::OrderDelete(m) => deleted(m),
        Message::OrderReplace(m) => replaced(m),
        Message::Trade(m) => trade(m),
        Message::CrossTrade(m) => cross(m),
        Message::BrokenTrade(m) => broken(m),
        Message::Noii(m) => imbalance(m),
        Message::SystemEvent(m) => system_event(m),
        Message::StockDirectory(m) => directory(m),
        Message::TradingAction(m) => trading_action(m),
        Message::RegSho(m) => reg_sho(m),
        Message::ParticipantPosition(m) => participant_position(m),
        Message::MwcbDecline(m) => mwcb_decline(m),
        Message::MwcbStatus(m) => mwcb_status(m),
        Message::IpoQuoting(m) => ipo_quoting(m),
        Message::LuldCollar(m) => luld_collar(m),
        Message::OperationalHalt(m) => operational_halt(m),
        Message::Rpii(m) => retail_interest(m),
        Message::DirectListing(m) => direct_listing(m),
    };
    record.venue = venue.0;
    record.receive_time = received.0;
    record
}

#[inline]
fn add_order(m: &itch::AddOrder) -> EventRecord {
    EventRecord {
        side: m.side,
        price: i64::from(m.price.get()),
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        ..of(Kind::Add, &m.header)
    }
}

#[inline]
fn add_order_mpid(m: &itch::AddOrderMpid) -> EventRecord {
    EventRecord {
        side: m.side,
        price: i64::from(m.price.get()),
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        second_ref: text4(m.attribution),
        ..of(Kind::AddAttributed, &m.header)
    }
}

#[inline]
fn executed(m: &itch::OrderExecuted) -> EventRecord {
    EventRecord {
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        second_ref: m.match_number.get(),
        ..of(Kind::Executed, &m.header)
    }
}

#[inline]
fn executed_price(m: &itch::OrderExecutedPrice) -> EventRecord {
    EventRecord {
        flags: if m.printable == b'Y' { flag::PRINTABLE } else { 0 },
        price: i64::from(m.price.get()),
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        second_ref: m.match_number.get(),
        ..of(Kind::ExecutedPrice, &m.header)
    }
}

#[inline]
fn canceled(m: &itch::OrderCancel) -> EventRecord {
    EventRecord {
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        ..of(Kind::Canceled, &m.header)
    }
}

#[inline]
fn deleted(m: &itch::OrderDelete) -> EventRecord {
    EventRecord { order_ref: m.order_ref.get(), ..of(Kind::Deleted, &m.header) }
}

#[inline]
fn replaced(m: &itch::OrderReplace) -> EventRecord {
    EventRecord {
        price: i64::from(m.price.get()),
        quantity: u64::from(m.shares.get()),
        order_ref: m.original_ref.get(),
        second_ref: m.new_ref.get(),
        ..of(Kind::Replaced, &m.header)
    }
}

#[inline]
fn trade(m: &itch::Trade) -> EventRecord {
    EventRecord {
        side: m.side,
        price: i64::from(m.price.get()),
        quantity: u64::from(m.shares.get()),
        order_ref: m.order_ref.get(),
        second_ref: m.match_number.get(),
        ..of(Kind::Trade, &m.header)
    }
}

fn cross(m: &itch::CrossTrade) -> EventRecord {
    EventRecord {
        tag: u16::from(m.cross_type),
        price: i64::from(m.price.get()),
        quantity: m.shares.get(),
        second_ref: m.match_number.get(),
        ..of_stock(Kind::Cross, &m.header, m.stock)
    }
}

fn broken(m: &itch::BrokenTrade) -> EventRecord {
    EventRecord { second_ref: m.match_number.get(), ..of(Kind::Broken, &m.header) }
}

fn imbalance(m: &itch::Noii) -> EventRecord {
    EventRecord {
        side: m.direction,
        tag: u16::from_le_bytes([m.cross_type, m.variation]),
        price: i64::from(m.reference.get()),
        quantity: m.paired.get(),
        order_ref: m.imbalance.get(),
        second_ref: halves(m.far.get(), m.near.get()),
        ..of(Kind::Imbalance, &m.header)
    }
}

fn system_event(m: &itch::SystemEvent) -> EventRecord {
    EventRecord { tag: u16::from(m.event), ..of(Kind::SystemEvent, &m.header) }
}

fn directory(m: &itch::StockDirectory) -> EventRecord {
    let attributes = [
        m.market_category,
        m.financial_status,
        m.round_lots_only,
        m.classification,
        m.authenticity,
        m.short_sale_threshold,
        m.ipo,
        m.luld_tier,
    ];
    EventRecord {
        flags: if m.inverse == b'Y' { flag::INVERSE } else { 0 },
        tag: u16::from_le_bytes(m.sub_type),
        price: i64::from(m.etp_leverage.get()),
        quantity: u64::from(m.round_lot.get()),
        second_ref: u64::from_le_bytes(attributes),
        ..of_stock(Kind::Directory, &m.header, m.stock)
    }
}

fn trading_action(m: &itch::TradingAction) -> EventRecord {
    EventRecord {
        tag: u16::from(m.state),
        second_ref: text4(m.reason),
        ..of_stock(Kind::TradingAction, &m.header, m.stock)
    }
}

fn reg_sho(m: &itch::RegSho) -> EventRecord {
    EventRecord { tag: u16::from(m.action), ..of_stock(Kind::RegSho, &m.header, m.stock) }
}

fn participant_position(m: &itch::ParticipantPosition) -> EventRecord {
    let [a, b, c, d] = m.mpid;
    EventRecord {
        second_ref: u64::from_le_bytes([a, b, c, d, m.primary, m.mode, m.state, 0]),
        ..of_stock(Kind::ParticipantPosition, &m.header, m.stock)
    }
}

fn mwcb_decline(m: &itch::MwcbDecline) -> EventRecord {
    EventRecord {
        price: m.level1.get().cast_signed(),
        quantity: m.level2.get(),
        order_ref: m.level3.get(),
        ..of(Kind::MwcbLevels, &m.header)
    }
}

fn mwcb_status(m: &itch::MwcbStatus) -> EventRecord {
    EventRecord { tag: u16::from(m.level), ..of(Kind::MwcbStatus, &m.header) }
}

fn ipo_quoting(m: &itch::IpoQuoting) -> EventRecord {
    EventRecord {
        tag: u16::from(m.qualifier),
        price: i64::from(m.price.get()),
        quantity: u64::from(m.release_time.get()),
        ..of_stock(Kind::IpoQuoting, &m.header, m.stock)
    }
}

fn luld_collar(m: &itch::LuldCollar) -> EventRecord {
    EventRecord {
        price: i64::from(m.reference.get()),
        quantity: u64::from(m.upper.get()),
        order_ref: u64::from(m.lower.get()),
        second_ref: u64::from(m.extension.get()),
        ..of(Kind::LuldCollar, &m.header)
    }
}

fn operational_halt(m: &itch::OperationalHalt) -> EventRecord {
    EventRecord {
        tag: u16::from_le_bytes([m.action, m.market]),
        ..of_stock(Kind::OperationalHalt, &m.header, m.stock)
    }
}

fn retail_interest(m: &itch::Rpii) -> EventRecord {
    EventRecord { tag: u16::from(m.interest), ..of_stock(Kind::RetailInterest, &m.header, m.stock) }
}

fn direct_listing(m: &itch::DirectListing) -> EventRecord {
    EventRecord {
        tag: u16::from(m.open_eligibility),
        price: i64::from(m.near_price.get()),
        quantity: m.near_time.get(),
        order_ref: halves(m.minimum.get(), m.maximum.get()),
        second_ref: halves(m.lower_collar.get(), m.upper_collar.get()),
        ..of(Kind::DirectListing, &m.header)
    }
}

/// A record with what every message has.
#[inline]
fn of(kind: Kind, header: &Header) -> EventRecord {
    EventRecord {
        instrument: header.locate.get(),
        exchange_time: header.time().0,
        ..EventRecord::new(kind)
    }
}

fn of_stock(kind: Kind, header: &Header, stock: [u8; 8]) -> EventRecord {
    EventRecord { order_ref: u64::from_le_bytes(stock), ..of(kind, header) }
}

/// Four bytes in wire order, so that the record's bytes read like the message's.
#[inline]
fn text4(bytes: [u8; 4]) -> u64 {
    u64::from(u32::from_le_bytes(bytes))
}

fn halves(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}
