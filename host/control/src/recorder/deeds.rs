//! What operators do, on its way to the journal.

use tokio::sync::{mpsc, oneshot};

/// Bytes of a deed at most.
const DEED_BYTES_MAX: usize = 32 << 10;
/// Deeds that may wait for the recorder.
pub(crate) const DEEDS_MAX: usize = 256;

/// A deed that is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deed {
    /// Its number in the journal; `None` where no journal is kept.
    pub sequence: Option<u64>,
}

/// Why a deed is not, or perhaps not, written down.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeedError {
    /// It is too long.
    #[error("{0} bytes are too many to be written down: at most {DEED_BYTES_MAX}")]
    TooLong(usize),
    /// Too many wait already.
    #[error("too many deeds wait to be written down: try again later")]
    Busy,
    /// The journal could not be written; the deed is kept and written once that is possible.
    #[error("not written down yet, but kept: {0}")]
    Kept(String),
    /// The journal could not be written, and the deed is not kept.
    #[error("not written down: {0}")]
    Refused(String),
    /// The recorder has ended.
    #[error("the recorder has ended: nothing is written down any more")]
    Ended,
}

pub(crate) type Answer = oneshot::Sender<Result<Deed, DeedError>>;

/// A deed that waits.
pub(crate) struct Waiting {
    pub(crate) json: String,
    pub(crate) answer: Answer,
}

/// The way to the recorder, for as many as like.
#[derive(Clone, Debug)]
pub struct Recorder {
    deeds: mpsc::Sender<Waiting>,
}

impl Recorder {
    pub(crate) fn new() -> (Recorder, mpsc::Receiver<Waiting>) {
        let (deeds, waiting) = mpsc::channel(DEEDS_MAX);
        (Recorder { deeds }, waiting)
    }

    /// Writes a deed down, as JSON. The answer comes once it is committed, and only then.
    pub async fn deed(&self, json: String) -> Result<Deed, DeedError> {
        self.hand_in(json)?.await.unwrap_or(Err(DeedError::Ended))
    }

    /// As [`Recorder::deed`], outside of a runtime.
    pub fn deed_blocking(&self, json: String) -> Result<Deed, DeedError> {
        self.hand_in(json)?.blocking_recv().unwrap_or(Err(DeedError::Ended))
    }

    fn hand_in(
        &self,
        json: String,
    ) -> Result<oneshot::Receiver<Result<Deed, DeedError>>, DeedError> {
        if json.len() > DEED_BYTES_MAX {
            return Err(DeedError::TooLong(json.len()));
        }
        let (answer, answered) = oneshot::channel();
        self.deeds.try_send(Waiting { json, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DeedError::Busy,
            mpsc::error::TrySendError::Closed(_) => DeedError::Ended,
        })?;
        Ok(answered)
    }
}
