//! Pages and files of a run: a table for the terminal, JSON, a page for a browser, and every fill
//! as Parquet.

pub mod fills;
pub mod html;
pub mod plots;
#[cfg(test)]
pub(crate) mod sample;
pub mod selection;
pub mod table;
#[cfg(test)]
mod tests;
mod thin;

use crate::metrics::Metrics;
use plots::Plots;
use serde::Serialize;
use std::collections::BTreeMap;

/// All that a backtest found.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Report {
    /// What ran, and how: queue model, latencies, fees and so on, as text.
    pub settings: BTreeMap<String, String>,
    /// A strategy on a file of data each; with several files, a strategy on all of them besides.
    pub runs: Vec<Run>,
    /// The strategies once more over all files, in another size, with other latencies or fees;
    /// [`Run::data`] says which. They are no trials: nobody picks among them.
    pub sensitivity: Vec<Run>,
    /// What comparing the strategies says about picking the best.
    pub selection: Option<Selection>,
    /// What the reader of the figures should know: records skipped, gaps, days that failed.
    pub notes: Vec<String>,
}

/// One strategy on some data.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Run {
    /// Name of the strategy, with its parameters where several are compared.
    pub strategy: String,
    /// Name of the data; [`ALL`] for all files one after the other.
    pub data: String,
    /// The figures.
    pub metrics: Metrics,
    /// What the page draws; in the page only.
    #[serde(skip)]
    pub plots: Option<Plots>,
}

/// The data of a [`Run`] over all files.
pub const ALL: &str = "all";

/// What is left of the best strategy when it is known that it is the best of several.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Selection {
    /// Strategies and parameters tried.
    pub trials: usize,
    /// The one with the highest Sharpe ratio.
    pub best: String,
    /// Probability that its true Sharpe ratio is above what the best of that many would show by
    /// luck (Bailey and López de Prado 2014).
    pub deflated_sharpe: Option<f64>,
    /// Probability that the best of one half of the time is below the median in the other half
    /// (Bailey, Borwein, López de Prado and Zhu 2017); `None` for fewer than two trials, or too
    /// short a time.
    pub overfitting: Option<f64>,
}

impl Report {
    /// The runs that sum up a strategy: over all files, or over the only one.
    pub fn totals(&self) -> impl Iterator<Item = &Run> {
        let several = self.runs.iter().any(|run| run.data == ALL);
        self.runs.iter().filter(move |run| !several || run.data == ALL)
    }
}
