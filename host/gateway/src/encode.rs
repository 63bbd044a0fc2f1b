//! Approved orders to bytes.

use crate::error::EncodeError;
use crate::gateway::{Gateway, MAX_PACKET};
use crate::line::{Link, emit_message};
use crate::orders::{NONE, Tracked};
use tercel_proto::ouch::inbound::{CancelOrder, EnterOrder, ReplaceOrder};
use tercel_proto::ouch::{Appendage, AppendageBuf, Appendages, Inbound, letter, side};
use tercel_risk::{Approved, Order, SaleMark};
use tercel_types::{InstrumentId, Nanos, OrderRef, Price, Qty, Side, Symbol, TimeInForce, UserRef};

/// Largest quantity of a message (OUCH 5.0 §2.1).
const QTY_MAX: u32 = 999_999;
/// Largest price that is not a market order's, 199,999.99 dollars (OUCH 5.0 §1.2).
const PRICE_MAX: i64 = 1_999_999_900;

/// What a new or replacing order is made of.
#[derive(Clone, Copy)]
struct Fresh {
    user_ref: UserRef,
    instrument: InstrumentId,
    side: Side,
    mark: SaleMark,
    price: Price,
    qty: Qty,
}

impl Gateway {
    /// Writes the order as one SoupBinTCP packet to the front of `tx` and returns its length. The
    /// order counts as sent from then on: a caller that cannot send it closes the connection, and
    /// recovery finds out what became of it.
    ///
    /// A replace asks for the open shares it says: what the chain has executed is added here, as
    /// the message wants it (OUCH 5.0 §2.2). Executions that cross it on the wire come off that.
    #[inline]
    pub fn encode_into(
        &mut self,
        order: &Approved<Order>,
        now: Nanos,
        tx: &mut [u8],
    ) -> Result<usize, EncodeError> {
        if tx.len() < MAX_PACKET {
            return Err(EncodeError::NoSpace);
        }
        let len = match *order.get() {
            Order::Enter {
                user_ref,
                instrument,
                side,
                mark,
                price,
                qty,
                time_in_force,
                post_only,
            } => {
                let fresh = Fresh { user_ref, instrument, side, mark, price, qty };
                self.enter(fresh, time_in_force, post_only, now, tx)?
            }
            Order::Replace { user_ref, original, instrument, side, mark, price, qty } => {
                let fresh = Fresh { user_ref, instrument, side, mark, price, qty };
                self.replace(fresh, original, now, tx)?
            }
            Order::Cancel { original, .. } => self.cancel(original, tx)?,
        };
        self.counters.sent += 1;
        self.line.on_sent(now);
        Ok(len)
    }

    fn enter(
        &mut self,
        fresh: Fresh,
        time_in_force: TimeInForce,
        post_only: bool,
        now: Nanos,
        tx: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let symbol = self.check_fresh(&fresh)?;
        let message = EnterOrder {
            kind: EnterOrder::KIND,
            user_ref: fresh.user_ref.0.into(),
            side: side_letter(fresh.side, fresh.mark),
            quantity: fresh.qty.0.into(),
            symbol: symbol.0,
            price: (fresh.price.0 as u64).into(),
            time_in_force: time_in_force as u8,
            display: letter::DISPLAY_VISIBLE,
            capacity: self.config.capacity,
            sweep: letter::SWEEP_NOT_ELIGIBLE,
            cross: letter::CROSS_CONTINUOUS,
            client_order_id: client_order_id(fresh.user_ref),
        };
        let mut options = AppendageBuf::new();
        if self.config.firm != [b' '; 4] {
            options.push(Appendage::Firm(self.config.firm));
        }
        if let Some(customer) = self.config.customer_type {
            options.push(Appendage::CustomerType(customer));
        }
        if post_only {
            options.push(Appendage::PostOnly(letter::POST_ONLY));
        }
        let len = emit_message(&Inbound::EnterOrder(&message, options.appendages()), tx)
            .ok_or(EncodeError::NoSpace)?;
        let tracked = pending(&fresh, time_in_force, post_only, NONE, now);
        self.orders.insert(tracked).ok_or(EncodeError::TableFull)?;
        self.use_ref(fresh.user_ref);
        Ok(len)
    }

    fn replace(
        &mut self,
        fresh: Fresh,
        original: UserRef,
        now: Nanos,
        tx: &mut [u8],
    ) -> Result<usize, EncodeError> {
        self.check_fresh(&fresh)?;
        let slot = self.orders.find(original).ok_or(EncodeError::UnknownOrder)?;
        let old = *self.orders.get(slot);
        if old.dead || !old.acked || old.cancelling || old.replacement != NONE {
            return Err(EncodeError::NotLive);
        }
        if old.instrument != fresh.instrument || old.side != fresh.side {
            return Err(EncodeError::UnknownOrder);
        }
        let quantity = old.chain.saturating_add(fresh.qty.0);
        if quantity > QTY_MAX {
            return Err(EncodeError::ChainTooLong);
        }
        let message = ReplaceOrder {
            kind: ReplaceOrder::KIND,
            original: original.0.into(),
            user_ref: fresh.user_ref.0.into(),
            quantity: quantity.into(),
            price: (fresh.price.0 as u64).into(),
            time_in_force: old.time_in_force as u8,
            display: letter::DISPLAY_VISIBLE,
            sweep: letter::SWEEP_NOT_ELIGIBLE,
            client_order_id: client_order_id(fresh.user_ref),
        };
        let mut options = AppendageBuf::new();
        if old.post_only {
            options.push(Appendage::PostOnly(letter::POST_ONLY));
        }
        if fresh.side == Side::Sell {
            // The mark may change among the sales with the position (OUCH 5.0 §2.2).
            options.push(Appendage::Side(side_letter(fresh.side, fresh.mark)));
        }
        let len = emit_message(&Inbound::ReplaceOrder(&message, options.appendages()), tx)
            .ok_or(EncodeError::NoSpace)?;
        let tracked = Tracked {
            chain: old.chain,
            ..pending(&fresh, old.time_in_force, old.post_only, original, now)
        };
        self.orders.insert(tracked).ok_or(EncodeError::TableFull)?;
        self.orders.get_mut(slot).replacement = fresh.user_ref;
        self.use_ref(fresh.user_ref);
        Ok(len)
    }

    fn cancel(&mut self, original: UserRef, tx: &mut [u8]) -> Result<usize, EncodeError> {
        if !self.line.carries_cancels() {
            return Err(EncodeError::NotReady);
        }
        let slot = self.orders.find(original).ok_or(EncodeError::UnknownOrder)?;
        let order = self.orders.get_mut(slot);
        if order.dead {
            return Err(EncodeError::NotLive);
        }
        if order.cancelling {
            return Err(EncodeError::CancelUnderWay);
        }
        let message = CancelOrder {
            kind: CancelOrder::KIND,
            user_ref: original.0.into(),
            quantity: 0.into(),
        };
        let len = emit_message(&Inbound::CancelOrder(&message, Appendages::ABSENT), tx)
            .ok_or(EncodeError::NoSpace)?;
        order.cancelling = true;
        Ok(len)
    }

    /// What a new and a replacing order have in common.
    #[inline]
    fn check_fresh(&self, fresh: &Fresh) -> Result<Symbol, EncodeError> {
        if self.line.link != Link::Ready || self.next_ref == 0 {
            return Err(EncodeError::NotReady);
        }
        if fresh.user_ref.0 < self.next_ref {
            return Err(EncodeError::UserRefUsed);
        }
        if self.orders.is_full() {
            return Err(EncodeError::TableFull);
        }
        if fresh.qty.0 == 0 || fresh.qty.0 > QTY_MAX {
            return Err(EncodeError::Quantity);
        }
        if fresh.price.0 <= 0 || fresh.price.0 > PRICE_MAX {
            return Err(EncodeError::Price);
        }
        self.symbols.symbol(fresh.instrument).ok_or(EncodeError::UnknownInstrument)
    }

    #[inline]
    fn use_ref(&mut self, user_ref: UserRef) {
        self.next_ref = user_ref.0.checked_add(1).unwrap_or(0);
    }
}

fn pending(
    fresh: &Fresh,
    time_in_force: TimeInForce,
    post_only: bool,
    original: UserRef,
    now: Nanos,
) -> Tracked {
    Tracked {
        user_ref: fresh.user_ref,
        order_ref: OrderRef(0),
        instrument: fresh.instrument,
        side: fresh.side,
        time_in_force,
        post_only,
        price: fresh.price,
        open: fresh.qty,
        chain: 0,
        entered: now,
        original,
        replacement: NONE,
        acked: false,
        cancelling: false,
        held: false,
        dead: false,
        never: false,
    }
}

#[inline]
fn side_letter(side: Side, mark: SaleMark) -> u8 {
    match (side, mark) {
        (Side::Buy, _) => side::BUY,
        (Side::Sell, SaleMark::Short) => side::SELL_SHORT,
        (Side::Sell, SaleMark::ShortExempt) => side::SELL_SHORT_EXEMPT,
        (Side::Sell, SaleMark::Long | SaleMark::None) => side::SELL,
    }
}

/// `TRCL` and the number in ten digits: the same order has the same name in every log.
#[inline]
fn client_order_id(user_ref: UserRef) -> [u8; 14] {
    let mut name = *b"TRCL0000000000";
    let mut number = user_ref.0;
    for digit in name[4..].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    name
}
