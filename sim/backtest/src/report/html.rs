//! A report for a browser: one file that loads nothing else.
//!
//! The plots are drawn by uPlot (<https://github.com/leeoniya/uPlot>, MIT), which is in `page/uplot`
//! as published, version 1.6.32: 51 KB in each page, where plotly.js, which the crates for plots
//! bring, is 4.5 MB. The benchmark's page draws distributions of latency by hand, for which no
//! library has a plot; time series with zoom and a common cursor are what uPlot is for. The scripts
//! beside it say what is drawn. What comes from the data becomes text nodes and attributes of the
//! page, never markup, and a policy in the page forbids it to load anything.

use crate::report::plots::Plots;
use crate::report::{Report, Run, Selection};
use serde::Serialize;
use std::collections::BTreeMap;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = concat!(include_str!("page/uplot/uplot.css"), include_str!("page/page.css"));
const LIBRARY: &str = include_str!("page/uplot/uplot.js");
const LICENCE: &str = include_str!("page/uplot/LICENSE");
const SCRIPT: &str = concat!(
    include_str!("page/base.js"),
    include_str!("page/charts.js"),
    include_str!("page/main.js"),
);

#[derive(Serialize)]
struct Data<'a> {
    settings: &'a BTreeMap<String, String>,
    selection: &'a Option<Selection>,
    notes: &'a [String],
    sensitivity: &'a [Run],
    runs: Vec<RunData<'a>>,
}

#[derive(Serialize)]
struct RunData<'a> {
    strategy: &'a str,
    data: &'a str,
    metrics: &'a crate::metrics::Metrics,
    plots: &'a Plots,
}

/// The page of a report. Runs without plots are left out.
pub fn page(report: &Report) -> String {
    let runs = report.runs.iter().filter_map(|run| {
        let plots = run.plots.as_ref()?;
        Some(RunData { strategy: &run.strategy, data: &run.data, metrics: &run.metrics, plots })
    });
    let data = Data {
        settings: &report.settings,
        selection: &report.selection,
        notes: &report.notes,
        sensitivity: &report.sensitivity,
        runs: runs.collect(),
    };
    let data = escaped(&serde_json::to_string(&data).expect("plain data"));
    let mut rest = PAGE;
    let mut page = String::new();
    let parts = [
        ("{{style}}", STYLE),
        ("{{data}}", &data),
        ("{{licence}}", LICENCE),
        ("{{library}}", LIBRARY),
        ("{{script}}", SCRIPT),
    ];
    for (place, text) in parts {
        let (before, after) = rest.split_once(place).expect("the page has a place for it");
        page.extend([before, text]);
        rest = after;
    }
    page + rest
}

/// JSON that can stand in a script element: nothing in it ends the element or begins a comment.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
