//! Rows of figures under their names.

use super::Canvas;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row, StatefulWidget, Table, TableState};

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) width: u16,
    alignment: Alignment,
}

/// Words.
pub(super) const fn left(name: &'static str, width: u16) -> Column {
    Column { name, width, alignment: Alignment::Left }
}

/// Figures.
pub(super) const fn right(name: &'static str, width: u16) -> Column {
    Column { name, width, alignment: Alignment::Right }
}

/// Text in its style.
pub(super) type Figure = (String, Style);

/// Draws the rows around number `row`, which is marked if it is the `selected` one.
pub(super) fn draw(
    area: Rect,
    canvas: &mut Canvas<'_>,
    columns: &[Column],
    rows: Vec<Vec<Figure>>,
    row: usize,
    selected: bool,
) {
    let palette = canvas.palette;
    let line = |column: &Column, text: String| Line::from(text).alignment(column.alignment);
    let head = columns.iter().map(|column| Cell::from(line(column, column.name.into())));
    let rows = rows.into_iter().map(|figures| {
        let cells = figures.into_iter().zip(columns);
        Row::new(cells.map(|((text, style), column)| Cell::from(line(column, text)).style(style)))
    });
    let widths = columns.iter().map(|column| Constraint::Length(column.width));
    let mut table = Table::new(rows, widths).header(Row::new(head).style(palette.label()));
    let mut state = TableState::new();
    if selected {
        table = table.row_highlight_style(palette.selected());
        state.select(Some(row));
    } else {
        *state.offset_mut() = row;
    }
    StatefulWidget::render(table, area, canvas.buffer, &mut state);
}
