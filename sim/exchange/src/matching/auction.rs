//! Commands about an instrument as a whole: its trading state, its crosses, the end of its day.

use super::cross::Clearing;
use super::{CrossFill, CrossKind, Event, Lifetime, Matching, Order, RejectReason};
use tercel_types::{CancelReason, InstrumentId, Price, Qty, Side, TradingState};

/// Whether an order takes part in a cross. Orders on the book do in every one.
fn takes_part(order: &Order, kind: CrossKind) -> bool {
    match order.terms.lifetime {
        Lifetime::Day | Lifetime::Immediate => true,
        Lifetime::OnOpen => kind == CrossKind::Opening,
        Lifetime::OnClose => kind == CrossKind::Closing,
    }
}

impl Matching {
    pub(super) fn set_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        reason: [u8; 4],
        out: &mut Vec<Event>,
    ) -> Result<(), RejectReason> {
        let book = self.books.get(instrument).ok_or(RejectReason::UnknownInstrument)?;
        if state == TradingState::Unknown {
            return Err(RejectReason::NotOpen);
        }
        if state == TradingState::Trading && book.state != TradingState::Trading {
            self.hold_cross(instrument, CrossKind::Reopening, true, out);
        }
        self.change_state(instrument, state, reason, out);
        Ok(())
    }

    pub(super) fn cross(
        &mut self,
        instrument: InstrumentId,
        kind: CrossKind,
        out: &mut Vec<Event>,
    ) -> Result<(), RejectReason> {
        let book = self.books.get_mut(instrument).ok_or(RejectReason::UnknownInstrument)?;
        if book.state == TradingState::Unknown {
            return Err(RejectReason::NotOpen);
        }
        match kind {
            CrossKind::Opening if book.opened => return Err(RejectReason::TooLate),
            CrossKind::Closing if book.closed => return Err(RejectReason::TooLate),
            CrossKind::Opening => book.opened = true,
            CrossKind::Closing => book.closed = true,
            CrossKind::Reopening => {}
        }
        let resumes = kind != CrossKind::Closing && book.state != TradingState::Trading;
        self.hold_cross(instrument, kind, false, out);
        if resumes {
            self.change_state(instrument, TradingState::Trading, [b' '; 4], out);
        }
        Ok(())
    }

    pub(super) fn expire(
        &mut self,
        instrument: InstrumentId,
        out: &mut Vec<Event>,
    ) -> Result<(), RejectReason> {
        let book = self.books.get(instrument).ok_or(RejectReason::UnknownInstrument)?;
        let all = book.all(&self.orders).map(|order| order.order_ref);
        for order_ref in all.collect::<Vec<_>>() {
            self.cancel_ref(order_ref, CancelReason::Timeout, out);
        }
        Ok(())
    }

    fn change_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        reason: [u8; 4],
        out: &mut Vec<Event>,
    ) {
        if let Some(book) = self.books.get_mut(instrument) {
            (book.state, book.reason) = (state, reason);
            out.push(Event::StateChanged { instrument, state, reason });
        }
    }

    /// Finds the price, fills both sides up to the paired shares, and clears the waiting room of
    /// those whose cross this was. With `quiet`, a cross without a trade is not announced.
    fn hold_cross(
        &mut self,
        instrument: InstrumentId,
        kind: CrossKind,
        quiet: bool,
        out: &mut Vec<Event>,
    ) {
        let clearing = self.clearing(instrument, |order| takes_part(order, kind));
        if let Some(clearing) = clearing {
            self.fill_side(instrument, Side::Buy, kind, clearing, out);
            self.fill_side(instrument, Side::Sell, kind, clearing, out);
            if let Some(book) = self.books.get_mut(instrument) {
                book.reference = clearing.price;
            }
        }
        if clearing.is_some() || !quiet {
            let match_number = self.match_number();
            let price = clearing.map_or(Price(0), |clearing| clearing.price);
            let qty = clearing.map_or(0, |clearing| clearing.paired());
            out.push(Event::Crossed { instrument, kind, price, qty, match_number });
        }
        let Some(book) = self.books.get(instrument) else { return };
        // Market orders that waited for the end of a halt wait on through a closing cross held in
        // it.
        let stays =
            |order: &Order| kind == CrossKind::Closing && order.terms.lifetime == Lifetime::Day;
        let over = book
            .waiting(&self.orders)
            .filter(|order| takes_part(order, kind) && !stays(order))
            .map(|order| order.order_ref);
        for order_ref in over.collect::<Vec<_>>() {
            self.cancel_ref(order_ref, CancelReason::Timeout, out);
        }
    }

    /// The price of a cross over those orders of an instrument that `keep` lets in.
    pub(super) fn clearing(
        &self,
        instrument: InstrumentId,
        keep: impl Fn(&Order) -> bool,
    ) -> Option<Clearing> {
        let book = self.books.get(instrument)?;
        book.interest(&self.orders, keep).clear(book.increment, book.reference)
    }

    /// Fills one side of a cross in its order of priority.
    fn fill_side(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        kind: CrossKind,
        clearing: Clearing,
        out: &mut Vec<Event>,
    ) {
        let Some(book) = self.books.get(instrument) else { return };
        let mut queue: Vec<Order> = book
            .resting(side, &self.orders)
            .chain(book.waiting(&self.orders))
            .filter(|order| order.side == side && takes_part(order, kind))
            .filter(|order| super::within_limit(order, clearing.price))
            .copied()
            .collect();
        queue.sort_by_key(|order| {
            let rank = order.terms.price.map(|price| -side.sign() * price.0);
            (rank, !order.is_displayed(), order.order_ref)
        });
        let mut left = clearing.paired();
        for order in queue {
            // At most the order's open shares, hence within 32 bits.
            let qty = Qty(left.min(u64::from(order.open.0)) as u32);
            if qty == Qty::ZERO {
                break;
            }
            left -= u64::from(qty.0);
            let Some(slot) = self.orders.place(order.order_ref) else { continue };
            let order = self.fill(slot, qty);
            let match_number = self.match_number();
            let price = clearing.price;
            out.push(Event::CrossFilled(CrossFill { order, kind, price, qty, match_number }));
        }
    }
}
