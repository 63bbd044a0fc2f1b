//! What is done between ticks: starting, stopping, timers.

use crate::engine::{Engine, Phase};
use crate::stage::Unmeasured;
use tercel_gateway::{MAX_PACKET, SessionError};
use tercel_types::{InstrumentId, Intent, Nanos, StreamPort, UserRef, WorkingState};

impl Engine {
    /// Does what is due: session messages, the step from one phase to the next, quotes on a timer.
    /// Call it every millisecond or so.
    pub fn housekeep<P: StreamPort>(
        &mut self,
        now: Nanos,
        port: &mut P,
    ) -> Result<(), SessionError> {
        self.gateway.on_timer(now)?;
        while let Some(slot) = port.reserve(MAX_PACKET) {
            let len = self.gateway.transmit(now, slot);
            if len == 0 || port.commit(len).is_err() {
                break;
            }
        }
        if self.phase == Phase::Starting && self.is_session_ready() {
            self.phase = Phase::Trading;
            self.cancel_all(now, port);
            self.requote_all();
        }
        if self.phase == Phase::Stopping || self.risk.tripped().is_some() {
            self.cancel_all(now, port);
        } else {
            self.leave_stale_market(now, port);
            self.requote_next();
            self.requote(now, port, &mut Unmeasured);
        }
        if self.trials.is_some() {
            self.hold_trials(now, port);
        }
        Ok(())
    }

    /// Stops quoting; from now on housekeeping takes out whatever is open.
    pub fn begin_stop(&mut self) {
        self.phase = Phase::Stopping;
        self.policy.stop();
    }

    /// Nothing is open any more.
    pub fn is_flat_of_orders(&self) -> bool {
        self.gateway.open_orders().next().is_none()
    }

    /// The feed has been stale for longer than the grace: take the quotes out, once.
    fn leave_stale_market<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        let Some(since) = self.stale_since else { return };
        if self.stale_handled || now.since(since) < self.stale_grace || self.phase != Phase::Trading
        {
            return;
        }
        self.stale_handled = true;
        self.counters.stale_cancels += 1;
        self.cancel_all(now, port);
    }

    /// Marks one instrument after another for another look: a change that had to wait for its time
    /// is not forgotten when the market falls silent.
    fn requote_next(&mut self) {
        self.next_look = (self.next_look + 1) % self.instruments.len().max(1);
        if let Some(id) = self.instruments.id(self.next_look) {
            self.want_requote(id);
        }
    }

    /// Cancels every order of ours that is not being cancelled already. Of an order and its
    /// replacement under way only the replacement is cancelled: the venue takes the original out
    /// when it takes the replacement in.
    pub(crate) fn cancel_all<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        self.scratch.clear();
        if !self.is_session_ready() {
            return;
        }
        let live = self
            .gateway
            .open_orders()
            .filter(|(_, order)| {
                matches!(order.state, WorkingState::Live | WorkingState::PendingNew)
            })
            .map(|(_, order)| order.user_ref);
        self.scratch.extend(live.take(self.scratch.capacity()));
        for at in 0..self.scratch.len() {
            let original: UserRef = self.scratch[at];
            let intent = Intent::Cancel { original };
            self.submit(&intent, InstrumentId::default(), now, port, &mut Unmeasured);
        }
    }
}
