//! What a contest has to tell: small values that leave the hot thread.

use super::{Breach, Name};
use core::fmt;

/// Something that happened to champion or challengers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Notice {
    /// A challenger stands in shadow from now on.
    Seated {
        /// It.
        name: Name,
        /// Number of its test.
        test: u64,
        /// What E has to reach.
        threshold: f64,
    },
    /// What was asked for was not done.
    Refused {
        /// Whom it was about.
        name: Name,
        /// Why.
        why: Refusal,
    },
    /// A challenger left without a promotion.
    Dropped {
        /// It.
        name: Name,
    },
    /// A challenger has passed its test and waits for the operator.
    Passed {
        /// It.
        name: Name,
        /// Evidence that it earns more.
        e_value: f64,
        /// What it had to reach.
        threshold: f64,
        /// Intervals compared.
        intervals: u64,
    },
    /// A challenger trades from now on.
    Promoted {
        /// It.
        name: Name,
        /// Who traded before.
        former: Name,
        /// By what.
        cause: Cause,
        /// Evidence that it earns more.
        e_value: f64,
        /// Intervals compared.
        intervals: u64,
    },
    /// The former champion trades again.
    RolledBack {
        /// Who had been promoted, and now is barred.
        name: Name,
        /// Who trades again.
        to: Name,
        /// Why; the numbers are zero for a command.
        breach: Breach,
    },
}

/// What led to a promotion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The test.
    Test,
    /// The operator.
    Command,
}

/// Why something was not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Every seat is taken.
    Full,
    /// A challenger or the champion has this name.
    NameTaken,
    /// It trades already, or stands in shadow under another name.
    Known,
    /// It was promoted before, and taken back.
    Barred,
    /// There is no challenger of this name.
    Unknown,
    /// It has not passed its test.
    NotPassed,
    /// There is no former champion.
    NoFormer,
    /// Who left before has not been taken away yet.
    Busy,
}

impl Refusal {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Refusal::Full => "every seat is taken; drop another first",
            Refusal::NameTaken => "the name is taken",
            Refusal::Known => "the same policy trades already or stands in shadow",
            Refusal::Barred => "it was promoted before and taken back",
            Refusal::Unknown => "there is no such challenger",
            Refusal::NotPassed => "it has not passed its test; `force` promotes it all the same",
            Refusal::NoFormer => "there is no former champion",
            Refusal::Busy => "who left before has not been taken away yet; try again",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Seated { name, test, threshold } => {
                write!(f, "challenger {name}: test {test} begins, E must reach {threshold:.0}")
            }
            Notice::Refused { name, why } => write!(f, "{name}: refused: {why}"),
            Notice::Dropped { name } => write!(f, "challenger {name}: dropped"),
            Notice::Passed { name, e_value, threshold, intervals } => write!(
                f,
                "challenger {name}: passed, E {e_value:.1} of {threshold:.0} after {intervals} \
                 intervals; `promote {name}` lets it trade"
            ),
            Notice::Promoted { name, former, cause, e_value, intervals } => {
                let cause = match cause {
                    Cause::Test => "by the test",
                    Cause::Command => "by command",
                };
                write!(
                    f,
                    "{name} is champion {cause}, E {e_value:.1} after {intervals} intervals; \
                     {former} is kept"
                )
            }
            Notice::RolledBack { name, to, breach } => {
                let Breach { reason, value, limit } = breach;
                write!(f, "{to} is champion again, {name} is barred: {}", reason.name())?;
                if *limit > 0.0 { write!(f, " {value:.2} of {limit:.2}") } else { Ok(()) }
            }
        }
    }
}
