//! Charts as SVG.

use super::html::escaped;
use super::time;
use crate::day::DayReport;
use std::fmt::Write;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers to the left, and for the names below.
const LEFT: f64 = 84.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 14.0;

/// The scale from values to places, zero in view.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        Scale { low, high: if high > low { high } else { low + 1.0 } }
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        ABOVE + (1.0 - share) * (HEIGHT - ABOVE - BELOW)
    }

    /// Lines at the ends and at zero. Writing to a string cannot fail.
    fn grid(&self, svg: &mut String) {
        let mut values = vec![self.low, self.high];
        if self.low < 0.0 && self.high > 0.0 {
            values.push(0.0);
        }
        let mut last = f64::NEG_INFINITY;
        for value in values {
            let y = self.y(value);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{WIDTH}\"/>");
            // A number that would lie on another one is left out.
            if (y - last).abs() > 12.0 {
                let (x, y) = (LEFT - 6.0, y + 4.0);
                let text = number(value);
                let _ = write!(svg, "<text class=\"r\" x=\"{x}\" y=\"{y:.1}\">{text}</text>");
            }
            last = y;
        }
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn begin(name: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">", escaped(name))
}

/// The profit over the day.
pub(super) fn curve(report: &DayReport) -> String {
    let points = &report.profit;
    let value = |e4: i64| e4 as f64 / 10_000.0;
    let scale = Scale::of(points.iter().map(|point| value(point.value_e4)));
    let mut svg = begin("profit over the day");
    scale.grid(&mut svg);
    let from = points.iter().map(|point| point.time_ns).min().unwrap_or(0);
    let to = points.iter().map(|point| point.time_ns).max().unwrap_or(0);
    let span = (to - from).max(1) as f64;
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        let x = LEFT + (point.time_ns - from) as f64 / span * (WIDTH - LEFT - 4.0);
        let y = scale.y(value(point.value_e4));
        let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
    }
    let _ = write!(svg, "<path class=\"line\" d=\"{path}\"/>");
    let (y, clock) = (HEIGHT - 6.0, |ns| time(ns).chars().take(8).collect::<String>());
    let _ = write!(svg, "<text x=\"{LEFT}\" y=\"{y}\">{}</text>", clock(from));
    let _ = write!(svg, "<text class=\"r\" x=\"{WIDTH}\" y=\"{y}\">{}</text></svg>", clock(to));
    svg
}

/// Bars with their names below.
pub(super) fn bars(bars: &[(String, f64)]) -> String {
    let scale = Scale::of(bars.iter().map(|(_, value)| *value));
    let mut svg = begin("bars");
    scale.grid(&mut svg);
    let step = (WIDTH - LEFT) / bars.len().max(1) as f64;
    let width = (step * 0.7).min(90.0);
    // With many bars only some names fit.
    let every = bars.len().div_ceil(11).max(1);
    for (at, (name, value)) in bars.iter().enumerate() {
        let middle = LEFT + step * (at as f64 + 0.5);
        let (zero, end) = (scale.y(0.0), scale.y(*value));
        let (y, height) = (zero.min(end), (zero - end).abs().max(1.0));
        let x = middle - width / 2.0;
        let class = if *value < 0.0 { "bar bad" } else { "bar" };
        let title = format!("{}: {}", escaped(name), number(*value));
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>{title}</title></rect>"
        );
        if at % every == 0 {
            let (y, name) = (HEIGHT - 6.0, escaped(name));
            let _ = write!(svg, "<text class=\"m\" x=\"{middle:.1}\" y=\"{y}\">{name}</text>");
        }
    }
    svg + "</svg>"
}
