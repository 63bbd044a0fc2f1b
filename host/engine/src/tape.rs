//! The tape: what the trading thread tells the thread that writes it down.
//!
//! A ring of 64-bit words with one writer and one reader, in memory of this process or in a file.
//! In a file it outlives the process: who comes after a crash takes out what had not been written
//! down ([`remains`]). Writing an entry costs its stores and one more that publishes it; nobody
//! waits for anybody.
//!
//! ```text
//! word 0 magic   1 version   2 words of the ring   3 generation, ns of its making
//! word 8  words written since the beginning        (the writer's line)
//! word 16 words given back since the beginning     (the reader's line)
//! word 32 on: the ring. An entry: kind | words of its content << 16, stamp ns, content
//! ```

mod entry;
mod fields;
mod ring;
mod word;

pub(crate) use entry::Content;
pub use entry::{
    Account, AccountLimited, Answered, Applied, Entry, FieldInfo, Holding, Intended, KindInfo,
    Limited, Lost, Named, Paused, Standing,
};
pub(crate) use fields::Bytes;
pub use fields::{Depth, LEVELS, Received};
pub use ring::{
    ENTRY_WORDS_MAX, Header, TapeError, TapeReader, TapeWriter, WORDS_MIN, anonymous, create,
    remains,
};
pub use word::{Action, AnswerKind, Fate, Outcome, SessionState, Unit, Value, Why, Word};
