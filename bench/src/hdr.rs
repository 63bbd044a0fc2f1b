//! The distributions of a run as files that the usual plotters open.
//!
//! For each latency metric a `.hlog`, an interval log with one interval (V2, deflate, base 64), for
//! HistogramLogAnalyzer and HistogramLogProcessor; and a `.hgrm`, percentiles as text, for the
//! plotter of hdrhistogram.github.io. Both are in nanoseconds: a log holds whole ones, as those
//! tools expect, so a metric of a few nanoseconds is better read from the `.hgrm` or the JSON.

use crate::report::{Distribution, Report};
use anyhow::Context as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Longest value of a log, nanoseconds: 100 s, as in [`crate::Samples`].
const HIGHEST_NS: u64 = 100_000_000_000;

/// Lines of a `.hgrm` for each halving of what is left above, as HdrHistogram's own tools.
const LINES_PER_HALF: u32 = 5;

/// Writes both files of each latency metric into `folder`, which is made if it is not there, and
/// says which.
pub fn write(report: &Report, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot write histograms into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let mut paths = Vec::new();
    for distribution in &report.histograms {
        let stem = file_stem(&distribution.name);
        let log = log(report, distribution)?;
        for (end, bytes) in [("hlog", log), ("hgrm", percentiles(distribution).into_bytes())] {
            let path = folder.join(format!("{stem}.{end}"));
            std::fs::write(&path, bytes)
                .with_context(|| format!("cannot write {}", path.display()))?;
            paths.push(path);
        }
    }
    Ok(paths)
}

/// A metric's name as one of a file: `risk/check` is `risk.check`.
fn file_stem(name: &str) -> String {
    let plain = |c: char| match c {
        '/' => '.',
        c if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

/// The interval log.
fn log(report: &Report, distribution: &Distribution) -> anyhow::Result<Vec<u8>> {
    let start = Duration::try_from_secs_f64(report.started).unwrap_or_default();
    let length = Duration::try_from_secs_f64(distribution.at).unwrap_or_default();
    let histogram = nanoseconds(&distribution.histogram);
    let stem = file_stem(&distribution.name);
    let mut serializer = V2DeflateSerializer::new();
    let mut bytes = Vec::new();
    // The first two comments are what HistogramLogReader of the Java library goes by.
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("[{} in nanoseconds, commit {}]", stem, report.commit))
        .with_start_time(UNIX_EPOCH + start)
        .with_base_time(UNIX_EPOCH + start)
        .with_max_value_divisor(1.0)
        .begin_log_with(&mut bytes, &mut serializer)?;
    writer.write_histogram(&histogram, Duration::ZERO, length, Tag::new(&stem))?;
    Ok(bytes)
}

/// The same counts by whole nanoseconds.
fn nanoseconds(picoseconds: &Histogram<u64>) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("valid bounds");
    for step in picoseconds.iter_recorded() {
        let ns = (step.value_iterated_to() + 500) / 1_000;
        histogram.saturating_record_n(ns, step.count_at_value());
    }
    histogram
}

/// The percentiles in the text form of `outputPercentileDistribution`, nanoseconds.
fn percentiles(distribution: &Distribution) -> String {
    let histogram = &distribution.histogram;
    let ns = |ps: u64| ps as f64 / 1e3;
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut total = 0;
    for step in histogram.iter_quantiles(LINES_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, q) = (ns(step.value_iterated_to()), step.quantile_iterated_to());
        let line = if q < 1.0 {
            writeln!(text, "{value:12.3} {q:14.12} {total:10} {:14.2}", 1.0 / (1.0 - q))
        } else {
            writeln!(text, "{value:12.3} {q:14.12} {total:10}")
        };
        line.expect("text can grow");
    }
    let (mean, deviation) = (histogram.mean() / 1e3, histogram.stdev() / 1e3);
    let (max, buckets) = (ns(histogram.max()), histogram.buckets());
    let end = [
        format!("#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]"),
        format!("#[Max     = {max:12.3}, Total count    = {:12}]", histogram.len()),
        format!("#[Buckets = {buckets:12}, SubBuckets     = {:12}]", 2048),
    ];
    text + &end.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Samples;
    use crate::machine::Machine;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    fn report(values: impl IntoIterator<Item = f64>) -> Report {
        let mut samples = Samples::new();
        values.into_iter().for_each(|ns| samples.record(ns));
        let mut report = Report::new("ring", Machine::default());
        report.latency("ring/hop", &samples);
        report
    }

    /// What hdrhistogram's own reader makes of a log.
    fn read(log: &[u8]) -> (String, Histogram<u64>) {
        let mut found = Vec::new();
        for entry in IntervalLogIterator::new(log) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                use base64::Engine as _;
                let engine = &base64::engine::general_purpose::STANDARD;
                let bytes = engine.decode(interval.encoded_histogram()).unwrap();
                let histogram = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                found.push((interval.tag().unwrap().as_str().to_string(), histogram));
            }
        }
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn a_log_reads_back_with_the_same_counts() {
        let values = (0..200_000_u64).map(|at| (at * at % 1_000_003) as f64);
        let report = report(values.clone());
        let (tag, back) = read(&log(&report, &report.histograms[0]).unwrap());
        assert_eq!((tag.as_str(), back.len()), ("ring.hop", 200_000));
        let mut wanted = Histogram::<u64>::new_with_bounds(1, HIGHEST_NS, 3).unwrap();
        values.for_each(|ns| wanted.record(ns as u64).unwrap());
        for q in [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let (got, wanted) = (back.value_at_quantile(q), wanted.value_at_quantile(q));
            assert!(got.abs_diff(wanted) <= wanted / 1_000 + 1, "{q}: {got} against {wanted}");
        }
        for step in nanoseconds(&report.histograms[0].histogram).iter_recorded() {
            assert_eq!(back.count_at(step.value_iterated_to()), step.count_at_value());
        }
    }

    #[test]
    fn zero_and_the_longest_fit() {
        let report = report([0.0, 1e300]);
        let (_, back) = read(&log(&report, &report.histograms[0]).unwrap());
        assert_eq!((back.len(), back.min()), (2, 0));
        assert!(back.max() >= HIGHEST_NS);
    }

    #[test]
    fn percentiles_are_lines_of_four_numbers() {
        let report = report((1..=1_000).map(f64::from));
        let text = percentiles(&report.histograms[0]);
        let lines: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|part| part.parse().unwrap()).collect())
            .collect();
        assert!(lines.is_sorted_by(|a, b| a[0] <= b[0] && a[1] < b[1] && a[2] <= b[2]));
        let last = lines.last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 1_000.0));
        assert!(lines.iter().any(|line| line[1] == 0.5 && (line[0] - 500.0).abs() < 1.0));
        assert!(text.contains("#[Max     =") && text.contains("Total count    =         1000]"));
    }

    #[test]
    fn files_lie_in_the_folder_under_plain_names() {
        let mut samples = Samples::new();
        samples.record(1.0);
        let mut report = Report::new("x", Machine::default());
        report.latency("x/../a b/<c>", &samples);
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("new");
        let paths = write(&report, &into).unwrap();
        let names = ["x....a_b._c_.hlog", "x....a_b._c_.hgrm"];
        assert_eq!(paths, names.map(|name| into.join(name)));
        assert!(paths.iter().all(|path| path.is_file()));
    }
}
