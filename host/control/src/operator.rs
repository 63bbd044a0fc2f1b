//! Commands to the trading thread: into its mailbox, and back from the tape what came of them.

use crate::sight::{Applied, Sight};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tercel_engine::mailbox::Sender;
use tercel_engine::{Ask, Ticket};
use tercel_types::InstrumentId;
use tokio::time::{Instant, sleep};

/// How long there is waited for room in the mailbox, and then for the engine's word.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often either is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// Between two wishes to watch another book, so that lookers-on leave room for operators.
const WATCH_PAUSE: Duration = Duration::from_millis(50);

/// Why nothing is known of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AskError {
    /// The mailbox stayed full. Nothing was sent.
    #[error(
        "the trading thread takes no commands: its mailbox has been full for 2 s; nothing was sent"
    )]
    Full,
    /// It was sent, and no word of it came back.
    #[error(
        "command {0} was sent, but the trading thread has not said within 2 s what came of it; it \
         may still be carried out: look at /api/v1/status"
    )]
    Silent(u64),
}

/// The only one who sends commands.
pub struct Operator {
    sight: Arc<dyn Sight>,
    mailbox: Mutex<Sender<Ticket>>,
    next: AtomicU64,
    watched: Mutex<Option<(InstrumentId, Instant)>>,
}

impl Operator {
    /// Sends by `mailbox` and learns from `sight` what came of it.
    pub fn new(sight: Arc<dyn Sight>, mailbox: Sender<Ticket>) -> Operator {
        let (next, watched) = (AtomicU64::new(1), Mutex::new(None));
        Operator { sight, mailbox: Mutex::new(mailbox), next, watched }
    }

    /// The number of the next command.
    pub fn number(&self) -> u64 {
        // Relaxed: only that each is given once matters.
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a command and waits until the tape says what came of it.
    pub async fn carry_out(&self, ticket: Ticket) -> Result<Applied, AskError> {
        let deadline = Instant::now() + PATIENCE;
        while !self.send(ticket) {
            if Instant::now() >= deadline {
                return Err(AskError::Full);
            }
            sleep(LOOK).await;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(applied) = self.sight.outcome(ticket.number) {
                return Ok(applied);
            }
            if Instant::now() >= deadline {
                return Err(AskError::Silent(ticket.number));
            }
            sleep(LOOK).await;
        }
    }

    /// Asks for the depth of this book, if it was not asked for last. What cannot be sent at this
    /// moment is left: who looks asks again.
    pub fn watch(&self, instrument: InstrumentId) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let sendable = match *watched {
            Some((last, at)) => last != instrument && now >= at + WATCH_PAUSE,
            None => true,
        };
        if sendable && self.send(Ticket { number: self.number(), ask: Ask::Watch(instrument) }) {
            *watched = Some((instrument, now));
        }
    }

    fn send(&self, ticket: Ticket) -> bool {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).send(ticket).is_ok()
    }
}
