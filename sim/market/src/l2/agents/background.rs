//! The flow of the venue itself: what `tercel demo` trades against.

use crate::l2::INSTRUMENT;
use crate::l2::agent::Agent;
use tercel_exchange::flow::{Flow, FlowConfig, FlowError};
use tercel_exchange::matching::{Command, Matching};
use tercel_types::Nanos;

/// `tercel_exchange::flow`, order by order at its own times.
pub struct Background(Flow);

impl Background {
    /// A flow at its start.
    ///
    /// # Errors
    /// See [`FlowError`].
    pub fn new(config: FlowConfig) -> Result<Background, FlowError> {
        Flow::new(config).map(Background)
    }
}

impl Agent for Background {
    fn next_time(&self) -> Nanos {
        self.0.next_time()
    }

    fn act(&mut self, market: &Matching) -> Option<Command> {
        let due = self.0.next_time();
        self.0.next(due, market).map(|(_, command)| command)
    }

    fn value(&self) -> Option<f64> {
        self.0.value(INSTRUMENT)
    }
}
