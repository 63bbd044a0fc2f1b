//! Features, inference and quoting: from a changed book to what we would like to have in the
//! market.
//!
//! [`Policy`] keeps one preallocated slot for every instrument it may quote. [`Policy::on_event`]
//! brings the slot's features up to date in constant time, [`Policy::decide`] asks the strategy for
//! two prices, rounds them to the price grid, and compares them with our working orders. What comes
//! out are intents; only risk turns one into an order.
//!
//! - [`features`]: the one definition of every feature, for training and for the host, with its
//!   hash;
//! - [`strategy`]: fixed spread, Avellaneda–Stoikov, Guéant–Lehalle–Fernandez-Tapia, and a learned
//!   network;
//! - [`mlp`]: the dense network over kernels for AVX-512, AVX2 and any machine, which give the same
//!   bits;
//! - [`artifact`]: exported weights with their manifest, checked before use;
//! - [`quoter`]: wanted quotes and working orders to intents;
//! - [`shadow`]: what other strategies would have done in the same market, with their places in the
//!   queue;
//! - [`promotion`]: which of them trades: test, exchange, and what takes it back; [`drift`] of the
//!   features is a part of that.
//!
//! After [`Policy::add_instrument`] nothing allocates, locks, reads a clock or draws a random
//! number. The same records, clock and orders give the same intents, and features and networks give
//! the same bits on every machine; only the logarithm and the power that two of the models take
//! once, at construction, are the system library's. Unsafe code is in the two kernel files for x86
//! only.
#![deny(unsafe_code)]

pub mod artifact;
pub mod config;
pub mod drift;
pub mod features;
pub mod hybrid;
pub mod int8;
mod kernel;
pub mod lstm;
pub mod mlp;
mod policy;
pub mod promotion;
pub mod quoter;
pub mod shadow;
pub mod strategy;
pub mod tick;

pub use artifact::{Allow, Artifact, ArtifactError, Manifest};
pub use config::{InstrumentPolicy, PolicyConfig, PolicyError, QuoteRules};
pub use features::{FEATURE_COUNT, FEATURE_HASH, FEATURE_NAMES, FEATURE_VERSION, Features};
pub use policy::{Policy, PolicyCounters};
pub use strategy::{AvellanedaStoikov, FixedSpread, Glft, Learned, StrategyConfig, Volatility};
