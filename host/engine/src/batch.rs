//! Records that are at hand together.

use tercel_abi::{EventRecord, Kind};

/// Collects records until there are enough of them, or no more are waiting, for
/// [`Engine::on_events`](crate::Engine::on_events) to look ahead over.
///
/// The first of a full batch waits for the decoding of the others; 32 are twice as far as the books
/// look ahead.
#[derive(Clone, Debug)]
pub struct Batch {
    records: [EventRecord; Batch::MAX],
    len: usize,
}

impl Batch {
    /// Records in a full batch.
    pub const MAX: usize = 32;

    /// Adds a record; `true` if the batch is now full and has to be taken.
    #[inline]
    #[must_use]
    pub fn push(&mut self, record: &EventRecord) -> bool {
        let at = self.len.min(Batch::MAX - 1);
        self.records[at] = *record;
        self.len = at + 1;
        self.len == Batch::MAX
    }

    /// Everything that was added since the last time, in order.
    #[inline]
    pub fn take(&mut self) -> &[EventRecord] {
        let len = core::mem::take(&mut self.len);
        &self.records[..len]
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { records: [EventRecord::new(Kind::SystemEvent); Batch::MAX], len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_once_and_in_order() {
        let mut batch = Batch::default();
        assert!(batch.take().is_empty());
        let record = |n| EventRecord { order_ref: n, ..EventRecord::new(Kind::Deleted) };
        for round in 0..3 {
            for n in 0..Batch::MAX as u64 {
                let full = batch.push(&record(round + n));
                assert_eq!(full, n + 1 == Batch::MAX as u64);
            }
            let refs: Vec<u64> = batch.take().iter().map(|record| record.order_ref).collect();
            assert_eq!(refs, (round..round + Batch::MAX as u64).collect::<Vec<_>>());
            assert!(batch.take().is_empty());
        }
    }
}
