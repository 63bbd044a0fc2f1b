//! Environments for learning, stepped in batches, the closed-form ones with their exact optima.
//!
//! [`make`] makes a batch by name, [`exam`] says exactly what a policy is worth in it:
//!
//! | name | what it is | value of its exam |
//! |---|---|---|
//! | `mm1` | Avellaneda and Stoikov's market maker | certainty equivalent |
//! | `mm2` | Cartea and Jaimungal's market maker | expected sum of rewards |
//! | `ex1` | Almgren and Chriss's liquidation | −(E + λV), dollars |
//! | `sa1` | Gârleanu and Pedersen's decaying signal | mean reward of a step |
//! | `chain`, `grid` | small tables | discounted worth of the first state |
//!
//! What can be set of each is a table ([`settings_of`]), with units and bounds. Actions outside of
//! their bounds are cut to them; a continuous action that is not a number counts as the middle of
//! its bounds, a discrete one beyond the last as the last. So no policy makes an environment give
//! anything that is not a number.
#![forbid(unsafe_code)]

pub mod arithmetic;
mod environment;
mod ex1;
mod exam;
mod factory;
mod lanes;
mod mm1;
mod mm2;
mod philox;
mod quotes;
mod random;
mod sa1;
mod settings;
mod tabular;
mod threads;

pub use environment::{ActionSpace, Actions, Environment, Outcome, Spec};
pub use exam::{Asked, Exam, Score};
pub use factory::{NAMES, exam, make, make_part, make_threads, settings_of, tabular};
pub use random::Random;
pub use settings::{EnvError, Setting, Settings};
pub use tabular::{Branch, Tabular};
pub use threads::{Part, Threads};
