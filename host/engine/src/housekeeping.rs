//! What is done between ticks: starting, stopping, timers.

use crate::engine::{Engine, Phase};
use crate::recorder::Recorder;
use crate::stage::Unmeasured;
use tercel_gateway::{MAX_PACKET, SessionError};
use tercel_types::{InstrumentId, Intent, Nanos, StreamPort, WorkingState};

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
        if self.recorder.is_some() {
            self.obey(now, port);
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
        if self.recorder.is_some() {
            self.tell(now);
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

    /// Cancels every order of ours.
    pub(crate) fn cancel_all<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        self.mark_open(|_, _| true);
        self.cancel_marked(now, port);
    }

    /// Marks for [`Engine::cancel_marked`] the orders in some instruments that are not being
    /// cancelled already. Of an order and its replacement under way only the replacement is marked:
    /// the venue takes the original out when it takes the replacement in.
    pub(crate) fn mark_open(&mut self, which: impl Fn(Option<&Recorder>, InstrumentId) -> bool) {
        self.scratch.clear();
        if !self.is_session_ready() {
            return;
        }
        let recorder = self.recorder.as_deref();
        let live = self
            .gateway
            .open_orders()
            .filter(|(_, order)| {
                matches!(order.state, WorkingState::Live | WorkingState::PendingNew)
            })
            .filter(|(id, _)| which(recorder, *id))
            .map(|(id, order)| (id, order.user_ref));
        self.scratch.extend(live.take(self.scratch.capacity()));
    }

    /// Cancels what was marked.
    pub(crate) fn cancel_marked<P: StreamPort>(&mut self, now: Nanos, port: &mut P) {
        for at in 0..self.scratch.len() {
            let (id, original) = self.scratch[at];
            let intent = Intent::Cancel { original };
            self.submit(&intent, id, now, port, &mut Unmeasured);
        }
    }
}
