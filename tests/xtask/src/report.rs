//! What ran and how it ended.

use std::process::ExitCode;
use std::time::Instant;

/// How the tests of one suite ended.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

/// One suite.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) counts: Counts,
    /// What was skipped and why, or why it did not run.
    pub(crate) notes: Vec<String>,
}

/// All that ran.
pub(crate) struct Report {
    began: Instant,
    suites: Vec<Suite>,
}

impl Default for Report {
    fn default() -> Report {
        Report { began: Instant::now(), suites: Vec::new() }
    }
}

impl Report {
    /// Tells the reader what runs now, and how long all before it took.
    pub(crate) fn begin(&self, name: &str) {
        let seconds = self.began.elapsed().as_secs();
        println!("\n=== {name} (after {}:{:02} min)", seconds / 60, seconds % 60);
    }

    /// A check with one answer.
    pub(crate) fn check(&mut self, name: &str, good: bool) {
        let counts = Counts { passed: good.into(), failed: (!good).into(), skipped: 0 };
        self.suites.push(Suite { name: name.to_string(), counts, notes: Vec::new() });
    }

    /// A suite that ran.
    pub(crate) fn add(&mut self, suite: Suite) {
        self.suites.push(suite);
    }

    /// A suite that cannot run: skipped, or failed where everything must run.
    pub(crate) fn cannot_run(&mut self, name: &str, reason: &str) {
        let failed = is_ci();
        let counts = Counts { passed: 0, failed: failed.into(), skipped: (!failed).into() };
        let notes = vec![format!("cannot run: {reason}")];
        self.suites.push(Suite { name: name.to_string(), counts, notes });
    }

    fn sum(&self) -> Counts {
        self.suites.iter().fold(Counts::default(), |sum, suite| Counts {
            passed: sum.passed + suite.counts.passed,
            failed: sum.failed + suite.counts.failed,
            skipped: sum.skipped + suite.counts.skipped,
        })
    }

    /// Prints every suite and, last, the sums.
    pub(crate) fn finish(&self) -> ExitCode {
        let width = self.suites.iter().map(|suite| suite.name.chars().count()).max().unwrap_or(0);
        println!("\n=== {} suites", self.suites.len());
        for Suite { name, counts, notes } in &self.suites {
            let Counts { passed, failed, skipped } = counts;
            println!("{name:width$}  {passed:>4} passed {failed:>3} failed {skipped:>3} skipped");
            for note in notes {
                println!("{:width$}    {note}", "");
            }
        }
        let Counts { passed, failed, skipped } = self.sum();
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_over_all_suites() {
        let mut report = Report::default();
        report.check("a", true);
        report.check("b", false);
        let counts = Counts { passed: 5, failed: 1, skipped: 2 };
        report.add(Suite { name: "c".to_string(), counts, notes: Vec::new() });
        assert_eq!(report.sum(), Counts { passed: 6, failed: 2, skipped: 2 });
    }
}
