//! The last executions, so that a broken trade can be told in shares and money.
//!
//! OUCH names only the number of a broken execution (§3.7). Recording one is one store into a ring;
//! finding one walks the ring from its newest, about 0.1 ms for 65,536, a few times a year.

use tercel_types::{InstrumentId, MatchNumber, Price, Qty, Side, UserRef};

/// One execution of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution {
    pub(crate) user_ref: UserRef,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) broken: bool,
    /// Limit of the order when it traded.
    pub(crate) limit: Price,
    pub(crate) qty: Qty,
    pub(crate) price: Price,
    pub(crate) match_number: MatchNumber,
}

/// A ring of the newest executions.
pub(crate) struct Executions {
    ring: Box<[Option<Execution>]>,
    next: usize,
}

impl Executions {
    pub(crate) fn new(executions_max: usize) -> Executions {
        Executions { ring: vec![None; executions_max].into(), next: 0 }
    }

    /// Remembers one in the place of the oldest.
    #[inline]
    pub(crate) fn push(&mut self, execution: Execution) {
        if let Some(place) = self.ring.get_mut(self.next) {
            *place = Some(execution);
        }
        self.next += 1;
        if self.next >= self.ring.len() {
            self.next = 0;
        }
    }

    /// The newest unbroken execution of this number and order.
    #[cold]
    pub(crate) fn find(
        &mut self,
        user_ref: UserRef,
        match_number: MatchNumber,
    ) -> Option<&mut Execution> {
        let (newer, older) = self.ring.split_at_mut(self.next);
        newer.iter_mut().rev().chain(older.iter_mut().rev()).flatten().find(|execution| {
            !execution.broken
                && execution.match_number == match_number
                && execution.user_ref == user_ref
        })
    }
}
