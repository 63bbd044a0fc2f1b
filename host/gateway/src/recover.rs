//! The end of a recovery.

use crate::error::{SessionError, refusal};
use crate::gateway::Gateway;
use crate::line::Link;
use crate::orders::NONE;
use tercel_proto::ouch::outbound::AccountQueryResponse;
use tercel_types::{Ack, AckKind, Nanos};

impl Gateway {
    /// The account query was answered.
    ///
    /// The venue answers requests in their order (OUCH 5.0 §2.8), so every request that it had
    /// received before the query is answered by now: an order still unanswered never arrived, and
    /// neither did a cancel that shows no effect. An answer of an earlier run's query cannot be
    /// mistaken for this one unless it is the session's last message before our query, and then it
    /// says the same number, because no run sends orders before its own query is answered.
    #[cold]
    pub(crate) fn on_account_query(
        &mut self,
        response: &AccountQueryResponse,
        each: &mut impl FnMut(&Ack),
    ) {
        let next = response.next_user_ref.get();
        if self.next_ref != 0 {
            self.next_ref = self.next_ref.max(next);
        }
        if self.line.link != (Link::Query { sent: true }) {
            return;
        }
        self.settle(Nanos(response.timestamp.get()), each);
        self.line.link = match self.refusal {
            None => Link::Ready,
            Some(error) => Link::Refused { code: code_of(error), logged_in: true },
        };
    }

    /// Says of each unanswered order that it was not received, and of each cancel without effect
    /// that it was refused, so that the order may be cancelled again.
    fn settle(&mut self, time: Nanos, each: &mut impl FnMut(&Ack)) {
        for slot in 0..self.orders.slots() {
            let order = self.orders.get_mut(slot);
            if order.dead {
                continue;
            }
            if order.acked {
                if order.cancelling && !order.held {
                    order.cancelling = false;
                    self.tell(slot, time, AckKind::CancelRejected, each);
                }
                continue;
            }
            let lost = *order;
            order.never = true;
            if let Some(original) = self.orders.find_live(lost.original) {
                self.orders.get_mut(original).replacement = NONE;
            }
            self.counters.not_received += 1;
            self.end(slot, time, AckKind::NotReceived, each);
        }
    }

    /// Keeps the session from being ready, for good.
    #[cold]
    pub(crate) fn refuse(&mut self, error: SessionError) {
        self.refusal.get_or_insert(error);
        if self.line.link == Link::Ready {
            self.line.link = Link::Refused { code: code_of(error), logged_in: true };
        }
    }
}

fn code_of(error: SessionError) -> u8 {
    match error {
        SessionError::LoginRejected(reason) => reason,
        SessionError::UnknownSymbol(_) => refusal::UNKNOWN_SYMBOL,
        SessionError::TableFull => refusal::TABLE_FULL,
        SessionError::SessionChanged => refusal::SESSION_CHANGED,
        SessionError::SequenceGap { .. } | SessionError::ServerSilent => refusal::SEQUENCE_GAP,
    }
}
