//! What can be checked without running the product.

use crate::process::{cargo, succeeds};
use crate::report::Report;
use crate::{dpdk, generate, suites, torch};
use anyhow::Result;
use std::path::Path;

/// All of it, with the tests of the repository's own rules.
pub(crate) fn run(root: &Path) -> Result<Report> {
    let mut report = static_checks(root)?;
    suites::rules(root, &mut report)?;
    Ok(report)
}

/// Formatting, lints and generated files. The product without the laboratory is linted too: nothing
/// else builds it that way.
pub(crate) fn static_checks(root: &Path) -> Result<Report> {
    let mut report = Report::default();
    let mut everything = vec!["clippy", "--workspace"];
    everything.extend(dpdk::EXCLUDED);
    everything.extend(torch::EXCLUDED);
    everything.extend(["--all-targets", "--", "-D", "warnings"]);
    let product =
        ["clippy", "--package", "tercel-app", "--no-default-features", "--", "-D", "warnings"];
    for (name, args) in [
        ("formatting", &["fmt", "--all", "--check"][..]),
        ("clippy", &everything),
        ("clippy of the production binary", &product),
    ] {
        report.begin(name);
        report.check(name, succeeds(cargo(root).args(args))?);
    }
    let name = "generated files";
    report.begin(name);
    let generated = generate::run(root, true);
    if let Err(error) = &generated {
        eprintln!("error: {error:#}");
    }
    report.check(name, generated.is_ok());
    Ok(report)
}
