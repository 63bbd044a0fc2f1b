//! Whether a result is to be believed. Numbers come in, figures go out; nothing is read or written,
//! and everything drawn is drawn by a seed.
//!
//! * [`Bootstrap`]: intervals of inter-quartile means, of pairs on common random numbers, of
//!   series.
//! * [`Track`], [`Trials`]: Sharpe ratios, probabilistic and deflated by the search behind them.
//! * [`overfitting`]: the probability that a search chose by chance.
//! * [`chronological`], [`windows`], [`blocks`]: folds in time with purge and embargo; [`Scaler`].
//! * [`Audit`]: whether a pipeline knows what it could not have known.
//! * [`Facts`]: stylised facts of a market, and the distance of two in them.
//! * [`Stability`]: drift. [`Mixture`], [`Bet`]: tests that may be stopped at any time.
#![forbid(unsafe_code)]

mod audit;
mod bootstrap;
mod cscv;
mod draw;
mod drift;
mod error;
mod facts;
mod folds;
pub mod normal;
mod sample;
mod sequential;
mod sharpe;

pub use audit::{Audit, Event, Finding, Label, Leak, Pipeline, Row, Trade};
pub use bootstrap::{Bootstrap, Interval, Paired};
pub use cscv::{Overfitting, overfitting};
pub use drift::Stability;
pub use error::{Result, ValidationError};
pub use facts::{Distance, Distribution, Facts, Measure, Tick};
pub use folds::{Fold, Scaler, Span, Windows, blocks, chronological, windows};
pub use sample::{Moments, correlation, interquartile_mean, mean, percentile};
pub use sequential::{Bet, Mixture};
pub use sharpe::{Track, Trials, deflated_sharpe, sharpe};
