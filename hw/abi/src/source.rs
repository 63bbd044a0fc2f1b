//! Where records come from.

use crate::EventRecord;

/// A stream of records in the venue's order: the software decoder, a shared-memory ring, a card.
pub trait EventSource {
    /// Hands waiting records to `each`, oldest first, and returns how many; never waits. `max`
    /// bounds the work of one call: records, or frames where one frame may hold several. A source
    /// that has lost records hands out a record that says so before it goes on.
    fn poll(&mut self, max: usize, each: impl FnMut(&EventRecord)) -> usize;

    /// Asks for a snapshot of every book; the answer comes as records.
    fn request_snapshot(&mut self);

    /// Nothing will ever follow.
    fn is_closed(&self) -> bool;
}
