//! Measures each stage and the whole way from frame to order, and compares runs.
//!
//! `cargo run --release -p tercel-bench -- all --html report.html` runs every suite of
//! [`suites::SUITES`] and writes what they found; `tercel bench` is the same. `METHOD.md` says what
//! each interval contains, what it does not, and how to run on a tuned machine. What is measured is
//! what ships: there is no second book, ring or kernel in here.
//!
//! [`clock`] stamps, [`metric`] collects, [`report`] keeps the results of a run and [`machine`]
//! what it ran on; [`hdr`] and [`html`] write them for other programs and for people; [`compare`]
//! says whether one run is slower than another. [`wire`] measures over an interface.
#![deny(unsafe_code)]

mod cli;
#[allow(unsafe_code)]
pub mod clock;
pub mod compare;
mod context;
pub mod day;
pub mod evict;
pub mod frames;
pub mod hdr;
pub mod html;
pub mod machine;
pub mod metric;
pub mod open;
mod progress;
pub mod report;
pub mod rig;
mod run;
pub mod suites;
mod table;
pub mod venue;
pub mod wire;

pub use cli::Arguments;
pub use clock::Ticks;
pub use context::{Context, DaySource};
pub use metric::Samples;
pub use progress::Progress;
pub use report::Report;
pub use run::run;
