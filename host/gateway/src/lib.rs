//! The order session: approved orders to OUCH 5.0 over SoupBinTCP, the venue's answers to [`Ack`]s.
//!
//! [`Gateway`] does no I/O and reads no clock: bytes and times come in, bytes and acks go out. It
//! keeps the state of every order of the session in tables that are allocated once, and it knows
//! what the venue may still do to each of them, whatever crosses on the wire.
//!
//! **Numbers.** [`Gateway::next_user_ref`] names the number for the next new or replacing order.
//! It is above every number the venue has seen from this account, also after a restart, and there
//! is none before recovery is over.
//!
//! **Recovery.** A first login asks for the most recently generated message; its answer tells the
//! number up to which the session has run. The line is then closed and opened again
//! ([`Gateway::wants_reconnect`]), everything missed is replayed (after a restart: the whole
//! session), and an account query ends it: answers come in the order of requests, so what is
//! unanswered then was never received ([`tercel_types::AckKind::NotReceived`]). The second login is
//! needed because a replay may hold the answers to the account queries of an earlier run.
//!
//! Nothing allocates after [`Gateway::new`]; each message costs a bounded number of steps.
//!
//! [`Ack`]: tercel_types::Ack
#![forbid(unsafe_code)]

mod accept;
mod apply;
mod config;
mod counters;
mod encode;
mod error;
mod executions;
mod gateway;
mod line;
mod orders;
mod recover;
mod symbols;

pub use config::GatewayConfig;
pub use counters::GatewayCounters;
pub use error::{EncodeError, SessionError, refusal};
pub use gateway::{Gateway, MAX_PACKET};
pub use line::Session;
