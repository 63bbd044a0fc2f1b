//! From an intent to an order on its way: risk, gateway, port, and what is told of it.

use crate::engine::Engine;
use crate::recorder::Story;
use crate::stage::{Stage, Stopwatch, Unmeasured};
use crate::tape::{Fate, Why};
use tercel_gateway::{EncodeError, MAX_PACKET};
use tercel_risk::{Approved, Order};
use tercel_types::{InstrumentId, Intent, Nanos, StreamPort};

/// Why an approved order did not leave.
#[derive(Clone, Copy)]
enum Unsent {
    /// What was sent before still fills the port, or there is no connection.
    PortFull,
    /// The gateway could not encode it.
    Encode(EncodeError),
}

impl Unsent {
    const fn why(self) -> Why {
        match self {
            Unsent::PortFull => Why::PortFull,
            Unsent::Encode(error) => Why::Encode(error),
        }
    }
}

impl Engine {
    /// Takes one intent through risk and the gateway to the port.
    pub(crate) fn submit<P: StreamPort, S: Stopwatch>(
        &mut self,
        intent: &Intent,
        id: InstrumentId,
        now: Nanos,
        port: &mut P,
        watch: &mut S,
    ) {
        let Some(user_ref) = self.gateway.next_user_ref() else {
            self.counters.unsent += 1;
            return;
        };
        let view = self.books.market_view(id);
        let (order, fate, why) = match self.risk.check(intent, user_ref, &view, now) {
            Ok(approved) => {
                watch.lap(Stage::Risk);
                let order = *approved.get();
                match self.send(&approved, now, port) {
                    Ok(()) => {
                        watch.lap(Stage::Gateway);
                        watch.sent();
                        (Some(order), Fate::Sent, Why::None)
                    }
                    Err(unsent) => {
                        self.withdraw(&approved, unsent, now, port);
                        (Some(order), Fate::Unsent, unsent.why())
                    }
                }
            }
            Err(reject) => {
                self.counters.refused += 1;
                (None, Fate::Refused, Why::Risk(reject))
            }
        };
        if let Some(recorder) = &mut self.recorder {
            let original = match intent {
                Intent::Enter(_) => None,
                Intent::Replace { original, .. } | Intent::Cancel { original } => {
                    self.gateway.order(*original)
                }
            };
            let (order, view) = (order.as_ref(), &view);
            let story =
                Story { intent, instrument: id, user_ref, order, original, fate, why, view };
            recorder.intended(&story, &self.risk, now);
        }
    }

    /// Gives risk an order back that did not leave.
    #[cold]
    #[inline(never)]
    fn withdraw<P: StreamPort>(
        &mut self,
        order: &Approved<Order>,
        unsent: Unsent,
        now: Nanos,
        port: &mut P,
    ) {
        self.risk.withdraw(order);
        self.counters.unsent += 1;
        // A chain of replaces carries what it has executed in its quantity, which is bounded: it
        // ends with a cancel, and the next quote begins another.
        if let (
            Unsent::Encode(EncodeError::ChainTooLong),
            Order::Replace { original, instrument, .. },
        ) = (unsent, order.get())
        {
            let cancel = Intent::Cancel { original: *original };
            self.submit(&cancel, *instrument, now, port, &mut Unmeasured);
        }
    }

    /// Encodes an approved order into the port's transmit slot.
    #[inline]
    fn send<P: StreamPort>(
        &mut self,
        order: &Approved<Order>,
        now: Nanos,
        port: &mut P,
    ) -> Result<(), Unsent> {
        let slot = port.reserve(MAX_PACKET).ok_or(Unsent::PortFull)?;
        let len = self.gateway.encode_into(order, now, slot).map_err(Unsent::Encode)?;
        self.counters.sent += 1;
        // A port that fails here has lost its connection: the order may or may not have left, so it
        // stays pending until the session's recovery tells.
        let _ = port.commit(len);
        Ok(())
    }
}
