//! The streaming teacher, what the hot path's network learns from it, and its integers.
//!
//! - [`network`]: convolution, LSTM and attention over a stream of observations;
//! - [`piece`], [`ppo`]: how it learns from pieces of streams; [`auxiliary`]: what it learns
//!   beside;
//! - [`distil`]: the dense network of the hot path learns from it;
//! - [`integers`]: a dense network is tuned to what it will be in integers; [`agreement`]: how
//!   often it still quotes the same;
//! - [`lessons`]: all of it in order; [`artifacts`]: what the host is given of it.

pub mod agreement;
pub mod artifacts;
pub mod auxiliary;
pub mod distil;
pub mod integers;
pub mod lessons;
pub mod network;
pub mod piece;
pub mod ppo;
mod settings;

pub use settings::Settings;
