//! How much of each limit is used, as bars.

use super::{Canvas, title};
use crate::command::top::figures::{money, signed, text};
use crate::command::top::model::{Model, Pane};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Gauge, Widget};
use tercel_control::view::LimitUse;

/// Percent from which a limit is near.
const NEAR: i128 = 80;

/// A row a limit: whose, which, used of how much, and the bar.
pub(super) fn draw(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let list = &model.state.use_of_limits;
    let near = list.iter().filter(|it| percent(it) >= NEAR).count();
    let said = match (list.len(), near) {
        (0, _) => "none".into(),
        (all, 0) => format!("all {all} below {NEAR} %"),
        (all, near) => format!("! {near} of {all} at {NEAR} % or above"),
    };
    let rest = title(Pane::Limits, &said, area, canvas, model);
    let first = model.row(Pane::Limits);
    for (row, it) in rest.rows().zip(list.iter().skip(first)) {
        let [name, used, bar] = Layout::horizontal([
            Constraint::Length(28),
            Constraint::Length(17),
            Constraint::Fill(1),
        ])
        .spacing(1)
        .areas(row);
        let percent = percent(it);
        let (sign, style) = match percent {
            100.. => ("!!", canvas.palette.bad()),
            NEAR.. => ("!", canvas.palette.warning()),
            _ => ("", Style::new()),
        };
        let words = format!("{} {}", text(&it.of, 8), text(&it.limit, 19));
        canvas.buffer.set_stringn(name.x, name.y, words, name.width.into(), style);
        let figure = |value| if it.is_money { money(value, 8) } else { signed(value, 8) };
        let figures = [it.used, it.max].map(|value| figure(value).replace('+', ""));
        let figures = format!("{:>8}/{:<8}", figures[0], figures[1]);
        canvas.buffer.set_stringn(used.x, used.y, figures, used.width.into(), style);
        Gauge::default()
            .ratio(percent.clamp(0, 100) as f64 / 100.0)
            .label(format!("{} %{sign}", percent.min(9_999)))
            .gauge_style(style)
            .render(bar, canvas.buffer);
    }
}

/// Whole percent used; all of a limit that is zero or less once anything is used.
fn percent(it: &LimitUse) -> i128 {
    match (it.used, it.max) {
        (used, max) if max > 0 => (i128::from(used) * 100 / i128::from(max)).max(0),
        (1.., _) => 100,
        _ => 0,
    }
}
