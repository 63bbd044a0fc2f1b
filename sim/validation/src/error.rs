//! Why there is no answer.

/// Why there is no answer.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ValidationError {
    /// Too few of something.
    #[error("{what}: {count}, at least {least} are needed")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are needed.
        least: usize,
    },
    /// A number that is infinite or none.
    #[error("{what}: number {at} is not finite")]
    NotFinite {
        /// Of what.
        what: &'static str,
        /// Its place.
        at: usize,
    },
    /// Two things of unlike length.
    #[error("{what}: {left} beside {right}")]
    Lengths {
        /// What should be of one length.
        what: &'static str,
        /// The one.
        left: usize,
        /// The other.
        right: usize,
    },
    /// An argument out of its bounds.
    #[error("{what} is {value}, must be {allowed}")]
    Argument {
        /// Which.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Every number is the same, so that nothing can be said of how they spread.
    #[error("{what}: every number is the same")]
    Constant {
        /// Of what.
        what: &'static str,
    },
}

/// An answer or why there is none.
pub type Result<T> = std::result::Result<T, ValidationError>;

/// Refuses too few numbers, and any that is not finite.
pub(crate) fn check(what: &'static str, numbers: &[f64], least: usize) -> Result<()> {
    if numbers.len() < least {
        return Err(ValidationError::TooFew { what, count: numbers.len(), least });
    }
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(at) => Err(ValidationError::NotFinite { what, at }),
        None => Ok(()),
    }
}

/// Refuses an argument that is not allowed.
pub(crate) fn argument(
    what: &'static str,
    value: f64,
    holds: bool,
    allowed: &'static str,
) -> Result<()> {
    if holds { Ok(()) } else { Err(ValidationError::Argument { what, value, allowed }) }
}
