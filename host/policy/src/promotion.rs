//! Champion and challengers: which of several policies trades.
//!
//! The champion trades. Challengers stand in shadow on the same events, books and features
//! ([`crate::shadow`]); so does the champion's twin, and the profits of the two are compared
//! interval by interval, in pairs. A challenger that passes the test ([`Wager`]) is promoted, by
//! the host or by its operator: the two strategies change places between two events, on the thread
//! that trades. The former champion is kept. Should the promoted one lose too much, decide too
//! slowly or send too much, or should the market drift away from what it was tried on, the former
//! takes over again, and the other is barred for the life of the host.
//!
//! [`Contest`] allocates nothing and frees nothing: candidates come in whole, made elsewhere, and
//! who leaves is handed out to be dropped elsewhere. An event costs each book of the contest what
//! [`crate::shadow`] says, and a decision as much as the champion's: both after the champion's
//! orders have left.

mod candidate;
mod contest;
mod guard;
mod notice;
mod rules;
mod wager;

pub use candidate::{Candidate, Name};
pub use contest::Contest;
pub use guard::{Breach, Pulse, Reason, RollbackRules};
pub use notice::{Cause, Notice, Refusal};
pub use rules::ContestRules;
pub use wager::{STAKES, Wager, threshold};
