//! One frame.

mod dialog;
mod feed;
mod header;
mod limits;
mod palette;
mod panes;
mod table;
#[cfg(test)]
mod tests;

use super::model::{Model, Pane};
use palette::Palette;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::Widget;
use std::time::Instant;

/// Below this nothing can be read.
const COLUMNS_MIN: u16 = 40;
const ROWS_MIN: u16 = 12;
/// From here on every pane has a place of its own.
const COLUMNS_ALL: u16 = 120;
const ROWS_ALL: u16 = 44;
/// The stages, a title and the columns' names.
const LATENCY_ROWS: u16 = 9;

/// Where a frame is drawn to, and how.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    palette: Palette,
}

/// Draws all that is known at `now`.
pub(super) fn draw(area: Rect, buffer: &mut Buffer, model: &Model, now: Instant) {
    let canvas = &mut Canvas { buffer, palette: Palette { colour: model.colour } };
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        format!("at least {COLUMNS_MIN}x{ROWS_MIN}, please").render(area, canvas.buffer);
        return;
    }
    let banner = header::banner(model, now);
    let head = if model.is_page { 1 } else { header::ROWS };
    let [head, body, bad, foot] = Layout::vertical([
        Constraint::Length(head),
        Constraint::Fill(1),
        Constraint::Length(u16::from(banner.is_some())),
        Constraint::Length(1),
    ])
    .areas(area);
    if model.is_page {
        header::of_page(head, canvas, model);
    } else {
        header::of_host(head, canvas, model);
    }
    if let Some(text) = banner {
        canvas.buffer.set_stringn(bad.x, bad.y, text, bad.width.into(), canvas.palette.alarm());
    }
    header::keys(foot, canvas, model);
    panes(body, canvas, model);
    dialog::draw(area, canvas, model);
}

fn panes(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let all = area.width >= COLUMNS_ALL && area.height + header::ROWS + 2 >= ROWS_ALL;
    if model.is_page {
        let latency = Constraint::Length(LATENCY_ROWS);
        let [top, bottom] = Layout::vertical([latency, Constraint::Fill(1)]).areas(area);
        pane(Pane::Latency, top, canvas, model);
        pane(Pane::Feed, bottom, canvas, model);
    } else if !all {
        let lower = Constraint::Length(LATENCY_ROWS.max(area.height / 2));
        let [top, bottom] = Layout::vertical([Constraint::Fill(1), lower]).areas(area);
        pane(Pane::Instruments, top, canvas, model);
        pane(model.lower, bottom, canvas, model);
    } else {
        let half = [Constraint::Fill(1); 2];
        let [top, middle, orders, bottom] = Layout::vertical([
            Constraint::Fill(2),
            Constraint::Length(LATENCY_ROWS),
            Constraint::Fill(1),
            Constraint::Length(LATENCY_ROWS),
        ])
        .areas(area);
        pane(Pane::Instruments, top, canvas, model);
        let [left, right] = Layout::horizontal(half).spacing(1).areas(middle);
        pane(Pane::Latency, left, canvas, model);
        pane(Pane::Limits, right, canvas, model);
        let [left, right] = Layout::horizontal(half).spacing(1).areas(orders);
        pane(Pane::Orders, left, canvas, model);
        pane(Pane::Fills, right, canvas, model);
        pane(Pane::Feed, bottom, canvas, model);
    }
}

fn pane(pane: Pane, area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    match pane {
        Pane::Instruments => panes::instruments(area, canvas, model),
        Pane::Latency => panes::latency(area, canvas, model),
        Pane::Orders => panes::orders(area, canvas, model),
        Pane::Fills => panes::fills(area, canvas, model),
        Pane::Feed => feed::draw(area, canvas, model),
        Pane::Limits => limits::draw(area, canvas, model),
    }
}

/// Writes a pane's name, with what there is to say about it, on its first row; returns the rest.
fn title(pane: Pane, said: &str, area: Rect, canvas: &mut Canvas<'_>, model: &Model) -> Rect {
    let [first, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let focus = model.pane == pane;
    let sign = if focus { ">" } else { "-" };
    let text = format!("{sign}{sign} {} {said} ", pane.name());
    let line = format!("{text:─<width$}", width = usize::from(first.width));
    let style = canvas.palette.title(focus);
    canvas.buffer.set_stringn(first.x, first.y, line, first.width.into(), style);
    rest
}
