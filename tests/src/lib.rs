//! Suites that span crates, and what they are made of.
//!
//! The suites lie in `suites/`, one file each, declared in `Cargo.toml`. Here is what some of them
//! check by. [`conformance`] is what every port must do, whatever driver stands behind it, and
//! [`card`] has the same for feed cards. [`day`] makes up a day of market data, [`frames`] puts it
//! on two bad lines, and [`desk`] is a whole engine with a scripted venue. [`tidy`] has the rules
//! that every file of the repository keeps, and [`layering`] says which crate may depend on which;
//! both are plain functions over text, so that their own tests can hand them something bad and see
//! it caught.
#![forbid(unsafe_code)]

pub mod card;
pub mod conformance;
pub mod day;
pub mod desk;
pub mod frames;
pub mod layering;
pub mod tidy;

use std::path::PathBuf;

/// The root of the workspace.
pub fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
