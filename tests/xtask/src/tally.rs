//! Reads what `cargo test -- --show-output` prints and sums it up by suite.
//!
//! A suite begins where cargo names the program it runs and ends with the harness's line of
//! results. What a test printed stands between, under a heading with its name: a line there that
//! begins with `skipped:` says that the test found nothing to test, so that the harness's "passed"
//! is one too many. A suite without a line of results crashed.

use crate::report::{Counts, Suite};

/// Sums up while lines come.
#[derive(Default)]
pub(crate) struct Tally {
    suites: Vec<Suite>,
    /// The suite of which no results have come yet.
    running: Option<Suite>,
    /// Under the heading of this test.
    test: Option<String>,
    /// What follows is of tests that failed, whatever they said before.
    failures: bool,
    /// Names of the programs, by their file names.
    programs: Vec<(String, String)>,
}

impl Tally {
    /// Takes a line; says whether it is for the reader.
    pub(crate) fn line(&mut self, line: &str) -> bool {
        if line.starts_with("{\"reason\":") {
            self.learn(line);
            return false;
        }
        let trimmed = line.trim_start();
        if let Some(program) = trimmed.strip_prefix("Running ").and_then(in_parentheses) {
            self.begin(self.name_of(program));
        } else if let Some(package) = trimmed.strip_prefix("Doc-tests ") {
            let package = package.replace('_', "-");
            self.begin(format!("{} documentation", package.trim_start_matches("tercel-")));
        } else if let Some(results) = line.strip_prefix("test result: ") {
            self.end(results);
        } else if line == "failures:" {
            self.test = None;
            self.failures = true;
        } else if let Some(name) = line.strip_prefix("---- ").filter(|_| !self.failures) {
            self.test = name.strip_suffix(" stdout ----").map(str::to_string);
        } else if let Some(reason) = line.strip_prefix("skipped:") {
            self.skip(reason.trim());
        }
        true
    }

    /// All suites; one that still runs has crashed.
    pub(crate) fn finish(mut self) -> Vec<Suite> {
        self.crash();
        self.suites
    }

    /// A line of JSON from the build: which program is the test of what.
    fn learn(&mut self, line: &str) {
        let Some(program) = text_of(line, "executable").map(file_name) else { return };
        let Some(target) = line.split("\"target\":").nth(1) else { return };
        let (Some(package), Some(name)) = (text_of(line, "package_id"), text_of(target, "name"))
        else {
            return;
        };
        // `path+file:///work/host/risk#tercel-risk@0.1.0`, without the name where it is the
        // folder's.
        let package = package.split('#').next_back().unwrap_or(package);
        let package = package.split('@').next().unwrap_or(package).trim_start_matches("tercel-");
        let unit =
            name.replace('_', "-").trim_start_matches("tercel-") == package || name == "tercel";
        let name = if unit { format!("{package} units") } else { format!("{package} {name}") };
        self.programs.push((program.to_string(), name));
    }

    fn name_of(&self, program: &str) -> String {
        let file = file_name(program);
        let known = self.programs.iter().find(|(known, _)| known == file);
        known.map_or_else(|| file.to_string(), |(_, name)| name.clone())
    }

    fn begin(&mut self, name: String) {
        self.crash();
        self.failures = false;
        self.running = Some(Suite { name, ..Suite::default() });
    }

    fn crash(&mut self) {
        if let Some(mut suite) = self.running.take() {
            suite.counts.failed += 1;
            suite.notes.push("ended without results".to_string());
            self.suites.push(suite);
        }
        self.test = None;
    }

    /// `ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    fn end(&mut self, results: &str) {
        let Some(mut suite) = self.running.take() else { return };
        let mut before = "";
        for word in results.split([' ', ';']).filter(|word| !word.is_empty()) {
            let number = || before.parse::<u64>().unwrap_or(0);
            match word {
                "passed" => suite.counts.passed = number(),
                "failed" => suite.counts.failed = number(),
                "ignored" => suite.counts.skipped += number(),
                _ => {}
            }
            before = word;
        }
        let Counts { passed, skipped, .. } = &mut suite.counts;
        let said = suite.notes.len() as u64;
        *passed = passed.saturating_sub(said);
        *skipped += said;
        if *passed + *skipped + suite.counts.failed > 0 {
            self.suites.push(suite);
        }
        self.test = None;
    }

    /// Once for each test, however often it says so.
    fn skip(&mut self, reason: &str) {
        if let (Some(suite), Some(test)) = (&mut self.running, self.test.take()) {
            suite.notes.push(format!("{test} skipped: {reason}"));
        }
    }
}

fn in_parentheses(text: &str) -> Option<&str> {
    text.strip_suffix(')')?.rsplit_once('(').map(|(_, inside)| inside)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The text of a key in a line of cargo's JSON, which escapes nothing in paths and names.
fn text_of<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{key}\":\""))?;
    rest.split_once('"').map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"   Compiling tercel-risk v0.1.0 (/x/host/risk)
{"reason":"compiler-artifact","package_id":"path+file:///x/host/risk#tercel-risk@0.1.0","manifest_path":"/x","target":{"kind":["test"],"name":"acks"},"executable":"/x/target/debug/deps/acks-1"}
{"reason":"compiler-artifact","package_id":"path+file:///x/host/risk#tercel-risk@0.1.0","manifest_path":"/x","target":{"kind":["lib"],"name":"tercel_risk"},"executable":"/x/target/debug/deps/tercel_risk-2"}
{"reason":"compiler-artifact","package_id":"path+file:///x/host/risk#tercel-risk@0.1.0","target":{"name":"none"},"executable":null}
{"reason":"build-finished","success":true}
     Running unittests src/lib.rs (target/debug/deps/tercel_risk-2)

running 3 tests
test a ... ok
test b ... ok
test c ... ignored

successes:

---- a stdout ----
skipped: no data at /x
skipped: said twice

successes:
    a
    b

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/acks.rs (/x/target/debug/deps/acks-1)
running 2 tests
failures:

---- d stdout ----
skipped: and then failed
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/crashes.rs (target/debug/deps/crashes-3)
running 2 tests
error: test failed, to rerun pass `--test crashes`
   Doc-tests tercel_risk

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"#;

    fn suite(name: &str, passed: u64, failed: u64, skipped: u64, notes: &[&str]) -> Suite {
        let notes = notes.iter().map(ToString::to_string).collect();
        Suite { name: name.to_string(), counts: Counts { passed, failed, skipped }, notes }
    }

    #[test]
    fn every_suite_is_named_and_summed_up() {
        let mut tally = Tally::default();
        let hidden = PRINTED.lines().filter(|line| !tally.line(line)).count();
        assert_eq!(hidden, 4);
        assert_eq!(
            tally.finish(),
            [
                suite("risk units", 1, 0, 2, &["a skipped: no data at /x"]),
                suite("risk acks", 1, 1, 0, &[]),
                suite("crashes-3", 0, 1, 0, &["ended without results"]),
            ]
        );
    }

    #[test]
    fn a_suite_cut_off_at_the_end_has_crashed() {
        let mut tally = Tally::default();
        tally.line("     Running tests/acks.rs (target/debug/deps/acks-1)");
        tally.line("skipped: outside any test");
        assert_eq!(tally.finish(), [suite("acks-1", 0, 1, 0, &["ended without results"])]);
    }
}
