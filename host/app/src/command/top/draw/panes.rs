//! Instruments, latency, orders and fills.

use super::table::{Column, Figure, left, right};
use super::{Canvas, table, title};
use crate::command::top::figures::{NONE, count, money, price, signed, span, text, time_of_day};
use crate::command::top::model::{Model, Pane};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use tercel_control::view::Instrument;

/// From here on an instrument's row says what the line below the table says otherwise.
const WIDE: u16 = 150;

fn plain(text: String) -> Figure {
    (text, Style::new())
}

/// Every instrument; below, of the selected one, what has no column.
pub(super) fn instruments(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let list = &model.state.instruments;
    let row = model.row(Pane::Instruments);
    let said = match list.len() {
        0 => "none".into(),
        all => format!("{} of {all}", row + 1),
    };
    let rest = title(Pane::Instruments, &said, area, canvas, model);
    let wide = rest.width >= WIDE;
    let below = Constraint::Length(u16::from(!wide));
    let [rest, detail] = Layout::vertical([Constraint::Fill(1), below]).areas(rest);
    let mut columns = vec![
        left("symbol", 9),
        left("state", 11),
        right("bid", 10),
        left("x", 1),
        right("ask", 10),
        right("position", 9),
        right("P&L", 10),
        right("open", 5),
        right("fills", 7),
    ];
    if wide {
        columns.extend([
            right("bid size", 8),
            right("ask size", 8),
            right("last", 10),
            right("value", 12),
            right("gross", 12),
            right("net", 12),
            right("traded", 9),
        ]);
    }
    let rows = list.iter().map(|it| instrument(it, &columns, canvas)).collect();
    table::draw(rest, canvas, &columns, rows, row, true);
    if let Some(it) = list.get(row).filter(|_| !wide) {
        let symbol = text(&it.symbol, 8);
        let line = format!(
            "{symbol}: size {} x {}  last {}  real. {}  unr. {}  gross {}  net {}",
            count(it.bid_qty, 6),
            count(it.ask_qty, 6),
            price(it.last_e4, 8),
            money(it.realised_e4, 8),
            money(it.unrealised_e4, 8),
            money(it.gross_e4, 8),
            money(it.net_e4, 8),
        );
        let style = canvas.palette.label();
        canvas.buffer.set_stringn(detail.x, detail.y, line, detail.width.into(), style);
    }
}

fn instrument(it: &Instrument, columns: &[Column], canvas: &Canvas<'_>) -> Vec<Figure> {
    let palette = canvas.palette;
    let profit = it.realised_e4.saturating_add(it.unrealised_e4);
    let state = match &*it.state {
        "quotation_only" => "quotes only",
        other => other,
    };
    let trading = it.state == "trading" && !it.paused;
    let state = match it.paused {
        true => format!("{} P", text(state, 9)),
        false => text(state, 11),
    };
    let figure = |column: &Column| {
        let width = column.width.into();
        match column.name {
            "symbol" => plain(text(&it.symbol, width)),
            "state" => (state.clone(), if trading { palette.good() } else { palette.warning() }),
            "bid" => plain(price(it.bid_e4, width)),
            "x" => plain("x".into()),
            "ask" => plain(price(it.ask_e4, width)),
            "position" => plain(signed(it.position, width)),
            "P&L" => (money(profit, width), palette.money(profit)),
            "open" => plain(count(it.open_orders.into(), width)),
            "fills" => plain(count(it.fills, width)),
            "bid size" => plain(count(it.bid_qty, width)),
            "ask size" => plain(count(it.ask_qty, width)),
            "last" => plain(price(it.last_e4, width)),
            "value" => plain(money(it.value_e4, width)),
            "gross" => plain(money(it.gross_e4, width)),
            "net" => plain(money(it.net_e4, width)),
            _ => plain(count(it.traded_qty, width)),
        }
    };
    columns.iter().map(figure).collect()
}

/// A row a stage.
pub(super) fn latency(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let rest = title(Pane::Latency, "by stage", area, canvas, model);
    let columns = [
        left("stage", 13),
        right("count", 9),
        right("p50", 8),
        right("p99", 8),
        right("p99.9", 8),
        right("max", 8),
    ];
    let rows = model.state.latency.iter().map(|stage| {
        let time = |ns| plain(if stage.count == 0 { NONE.into() } else { span(ns) });
        vec![
            plain(text(&stage.stage, 13)),
            plain(count(stage.count, 9)),
            time(stage.p50_ns),
            time(stage.p99_ns),
            time(stage.p999_ns),
            time(stage.max_ns),
        ]
    });
    let rows = rows.collect();
    table::draw(rest, canvas, &columns, rows, model.row(Pane::Latency), false);
}

/// Open orders, oldest first.
pub(super) fn orders(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let shown = model.orders().count();
    let open = u64::from(model.state.account.open_orders);
    let said = match model.selected().filter(|_| model.only_selected) {
        Some(symbol) => format!("{shown} of {}", text(symbol, 8)),
        None if open > shown as u64 => format!("the oldest {shown} of {open}"),
        None => format!("{shown}"),
    };
    let rest = title(Pane::Orders, &said, area, canvas, model);
    let mut columns = vec![
        right("number", 10),
        left("symbol", 8),
        left("side", 4),
        right("price", 10),
        right("open", 7),
        left("state", 12),
    ];
    if rest.width >= 76 {
        columns.extend([right("of", 7), right("age", 8)]);
    }
    let now = model.state.status.time_ns;
    let row = |it: &tercel_control::view::Order| {
        let figure = |column: &Column| {
            let width = column.width.into();
            plain(match column.name {
                "number" => it.user_ref.to_string(),
                "symbol" => text(&it.symbol, width),
                "side" => text(&it.side, width),
                "price" => price(it.price_e4, width),
                "open" => count(it.open_qty.into(), width),
                "state" => text(&it.state, width),
                "of" => count(it.qty.into(), width),
                _ if it.sent_ns == 0 => NONE.into(),
                _ => span(now.saturating_sub(it.sent_ns)),
            })
        };
        columns.iter().map(figure).collect()
    };
    let rows = model.orders().map(row).collect();
    table::draw(rest, canvas, &columns, rows, model.row(Pane::Orders), false);
}

/// The latest fills, newest first.
pub(super) fn fills(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let said = match model.selected().filter(|_| model.only_selected) {
        Some(symbol) => format!("the latest, of {}", text(symbol, 8)),
        None => "the latest".into(),
    };
    let rest = title(Pane::Fills, &said, area, canvas, model);
    let columns = [
        left("time", 8),
        left("symbol", 8),
        left("side", 4),
        right("price", 10),
        right("shares", 7),
        left("flag", 8),
        right("position", 8),
    ];
    let rows = model.fills().map(|it| {
        let broken = if it.broken { " BROKEN" } else { "" };
        let style = if it.broken { canvas.palette.bad() } else { Style::new() };
        let figures = [
            time_of_day(it.time_ns),
            text(&it.symbol, 8),
            text(&it.side, 4),
            price(it.price_e4, 10),
            count(it.qty.into(), 7),
            format!("{}{broken}", text(&it.liquidity, 1)),
            signed(it.position, 8),
        ];
        figures.map(|text| (text, style)).into()
    });
    let rows = rows.collect();
    table::draw(rest, canvas, &columns, rows, model.row(Pane::Fills), false);
}
