//! A report for a browser: one file that loads nothing else.
//!
//! The file holds its data as JSON, and scripts that draw it as SVG; they are in `html/`, one file
//! a part. What comes from the data becomes text nodes and attributes of the page, never markup,
//! and a policy in the page forbids it to load anything.

use crate::compare::Comparison;
use crate::report::Report;
use serde::Serialize;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = concat!(
    include_str!("html/base.js"),
    include_str!("html/distribution.js"),
    include_str!("html/waterfall.js"),
    include_str!("html/series.js"),
    include_str!("html/tables.js"),
    include_str!("html/main.js"),
);

/// A run with the name it has in the page.
#[derive(Clone, Copy, Serialize)]
pub struct Run<'a> {
    /// Its name, as that of its file.
    pub label: &'a str,
    /// What it found.
    pub report: &'a Report,
}

#[derive(Serialize)]
struct Data<'a> {
    runs: &'a [Run<'a>],
    comparison: Option<&'a Comparison>,
}

/// The page of one run, or of several and their comparison.
pub fn page(runs: &[Run<'_>], comparison: Option<&Comparison>) -> String {
    let data = serde_json::to_string(&Data { runs, comparison }).expect("plain data");
    // From the back, so that nothing in what is put in is taken for a place to put something.
    let (before, after) = PAGE.split_once("{{script}}").expect("the page has a place for it");
    let (before, middle) = before.split_once("{{data}}").expect("the page has a place for it");
    let (start, before) = before.split_once("{{style}}").expect("the page has a place for it");
    [start, STYLE, before, &escaped(&data), middle, SCRIPT, after].concat()
}

/// JSON that can stand in a script element: nothing in it ends the element or begins a comment.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn of(report: &Report) -> String {
        page(&[Run { label: "run.json", report }], None)
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = of(&crate::report::sample());
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link", "fetch("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(!page.contains("{{"));
    }

    #[test]
    fn the_scripts_make_no_markup_of_text() {
        for way in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
    }

    #[test]
    fn data_cannot_leave_its_element() {
        let evil = "</script><script>alert(1)</script><!--{{script}}{{data}} & \u{2028}";
        let mut report = Report::new(evil, Machine::default());
        report.machine.cpu = Some(evil.to_string());
        report.value(evil, evil, 1.0);
        report.note(evil);
        report.series(evil, evil, vec![[0.0, 1.0]]);
        let page = page(&[Run { label: evil, report: &report }], None);
        assert!(!page.contains("<script>alert"));
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        let data = page.split_once("type=\"application/json\">").unwrap().1;
        let data = data.split_once("</script>").unwrap().0;
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["runs"][0]["report"]["notes"][0], evil);
        assert_eq!(data["runs"][0]["label"], evil);
    }

    #[test]
    fn the_page_holds_the_report() {
        let report = crate::report::sample();
        let page = of(&report);
        assert!(page.contains("risk/check") && page.contains(&report.commit));
    }
}
