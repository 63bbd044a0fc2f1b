//! Typed access to the raw words of a record.

use crate::{EventRecord, Kind};
use tercel_types::{
    InstrumentId, MatchNumber, Nanos, OrderRef, Price, Qty, SeqNo, Side, Symbol, VenueId,
};

impl EventRecord {
    /// A record of `kind` with every other word zero.
    #[inline]
    pub const fn new(kind: Kind) -> EventRecord {
        EventRecord {
            seq: 0,
            kind: kind as u8,
            side: 0,
            venue: 0,
            flags: 0,
            instrument: 0,
            tag: 0,
            price: 0,
            quantity: 0,
            order_ref: 0,
            second_ref: 0,
            exchange_time: 0,
            receive_time: 0,
        }
    }

    /// The kind, or `None` for a code this version does not know.
    #[inline]
    pub const fn kind(&self) -> Option<Kind> {
        Kind::from_code(self.kind)
    }

    /// The side, where the kind has one.
    #[inline]
    pub const fn side(&self) -> Option<Side> {
        Side::from_wire(self.side)
    }

    /// The instrument.
    #[inline]
    pub const fn instrument(&self) -> InstrumentId {
        InstrumentId(self.instrument)
    }

    /// The venue.
    #[inline]
    pub const fn venue(&self) -> VenueId {
        VenueId(self.venue)
    }

    /// The price.
    #[inline]
    pub const fn price(&self) -> Price {
        Price(self.price)
    }

    /// The shares of one order; the upper half, which only crosses use, saturates.
    #[inline]
    pub const fn qty(&self) -> Qty {
        if self.quantity > u32::MAX as u64 { Qty(u32::MAX) } else { Qty(self.quantity as u32) }
    }

    /// The order.
    #[inline]
    pub const fn order_ref(&self) -> OrderRef {
        OrderRef(self.order_ref)
    }

    /// The replacement order of REPLACED.
    #[inline]
    pub const fn replacement(&self) -> OrderRef {
        OrderRef(self.second_ref)
    }

    /// The match number of executions and trades.
    #[inline]
    pub const fn match_number(&self) -> MatchNumber {
        MatchNumber(self.second_ref)
    }

    /// The sequence number that records of the feed itself carry.
    #[inline]
    pub const fn feed_seq(&self) -> SeqNo {
        SeqNo(self.order_ref)
    }

    /// The symbol, for the kinds that carry one in `order_ref`.
    #[inline]
    pub const fn symbol(&self) -> Symbol {
        Symbol(self.order_ref.to_le_bytes())
    }

    /// The venue's time.
    #[inline]
    pub const fn exchange_time(&self) -> Nanos {
        Nanos(self.exchange_time)
    }

    /// The time of arrival of a record that software wrote.
    #[inline]
    pub const fn receive_time(&self) -> Nanos {
        Nanos(self.receive_time)
    }

    /// Whether all of `bits` are set.
    #[inline]
    pub const fn has(&self, bits: u8) -> bool {
        self.flags & bits == bits
    }
}
