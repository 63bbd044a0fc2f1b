//! What happens to our orders at the venue, and how its feed tells of it.

use super::Working;
use tercel_abi::{EventRecord, Kind};
use tercel_types::{CancelReason, InstrumentId, Nanos, OrderRef, Price, UserRef};

/// Something that happened to an order of ours; `order` is what it is then.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Happening {
    pub(crate) time: Nanos,
    pub(crate) order: Working,
    pub(crate) what: What,
}

/// What.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum What {
    /// Accepted. Dead at once where it is not `live`; `rests` where it went to the book untouched.
    Accepted {
        live: bool,
        rests: bool,
    },
    /// It took the place of an order, which left the book.
    Replaced {
        original: UserRef,
        old_ref: OrderRef,
        live: bool,
        rests: bool,
    },
    /// What was left after taking went to the book.
    Rested,
    Executed {
        qty: u32,
        price: Price,
        maker: bool,
        mid_x2: i64,
        touch: Price,
    },
    Canceled {
        qty: u32,
        reason: CancelReason,
        from_book: bool,
    },
    /// The order was not there.
    TooLate,
}

impl Happening {
    /// How the feed tells of it, to us among others; `None` where it does not show. What a taker
    /// does to the recorded book is not told: the recording goes on as it was.
    pub(crate) fn echo(&self, instrument: InstrumentId) -> Option<EventRecord> {
        let order = &self.order;
        let of = |kind| EventRecord {
            instrument: instrument.0,
            order_ref: order.order_ref.0,
            exchange_time: self.time.0,
            ..EventRecord::new(kind)
        };
        let added = |kind| EventRecord {
            side: order.side as u8,
            price: order.price.0,
            quantity: u64::from(order.open),
            ..of(kind)
        };
        match self.what {
            What::Accepted { rests: true, .. } | What::Rested => Some(added(Kind::Add)),
            What::Replaced { old_ref, rests: true, .. } => {
                let second_ref = order.order_ref.0;
                Some(EventRecord {
                    order_ref: old_ref.0,
                    second_ref,
                    side: 0,
                    ..added(Kind::Replaced)
                })
            }
            What::Replaced { old_ref, .. } => {
                Some(EventRecord { order_ref: old_ref.0, ..of(Kind::Deleted) })
            }
            What::Executed { qty, maker: true, .. } => {
                Some(EventRecord { quantity: u64::from(qty), ..of(Kind::Executed) })
            }
            What::Canceled { from_book: true, .. } => Some(of(Kind::Deleted)),
            What::Executed { .. }
            | What::Canceled { .. }
            | What::Accepted { .. }
            | What::TooLate => None,
        }
    }
}
