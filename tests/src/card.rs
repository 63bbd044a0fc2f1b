//! What the suites of the feed card are made of: traffic, good and bad, in reproducible scripts,
//! and the ways to judge what a card makes of it.
//!
//! A [`script`] is made from a seed and a [`script::Profile`]. A [`bed::Bed`] is the host of one
//! card and plays it; [`compare`] plays it on two cards and shrinks what they disagree about.
//! [`software`] says what the host's own decoder makes of a frame, and [`follow`] checks a stream
//! of records by itself. [`tape`] writes a script down for a simulator that is another process.
//! [`conformance`] is what every card must do, whatever stands behind it.

pub mod bed;
pub mod compare;
pub mod conformance;
pub mod damage;
pub mod follow;
pub mod packets;
pub mod random;
pub mod recorded;
pub mod script;
pub mod software;
pub mod tape;
