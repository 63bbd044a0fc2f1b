//! Where the time of a tick goes.

use tercel_types::Nanos;

/// The stages of a tick, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Stage {
    /// From the arrival of the frame to the record's way into the engine.
    Feed,
    /// The book.
    Book,
    /// The features.
    Features,
    /// The policy's decision.
    Policy,
    /// The risk check.
    Risk,
    /// Encoding into the transmit slot and handing it to the port.
    Gateway,
    /// From the arrival of the frame to the order's way out of the port.
    TickToTrade,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 7] = [
        Stage::Feed,
        Stage::Book,
        Stage::Features,
        Stage::Policy,
        Stage::Risk,
        Stage::Gateway,
        Stage::TickToTrade,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Feed => "feed",
            Stage::Book => "book",
            Stage::Features => "features",
            Stage::Policy => "policy",
            Stage::Risk => "risk",
            Stage::Gateway => "gateway",
            Stage::TickToTrade => "tick_to_trade",
        }
    }
}

/// Measures the stages of a tick. [`Unmeasured`] compiles to nothing.
pub trait Stopwatch {
    /// A tick begins whose frame arrived at `received`.
    fn begin(&mut self, received: Nanos);
    /// A stage of it has ended.
    fn lap(&mut self, stage: Stage);
    /// An order has left.
    fn sent(&mut self);
    /// How long the last stage took; zero where nobody measures.
    #[inline(always)]
    fn last_lap(&self) -> Nanos {
        Nanos(0)
    }
}

/// Measures nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unmeasured;

impl Stopwatch for Unmeasured {
    #[inline(always)]
    fn begin(&mut self, _received: Nanos) {}
    #[inline(always)]
    fn lap(&mut self, _stage: Stage) {}
    #[inline(always)]
    fn sent(&mut self) {}
}
