//! Counters with their rates: what speaks of trouble first, then the rest.

use super::{Canvas, title};
use crate::command::top::figures::{NONE, count, rate, text};
use crate::command::top::model::{Model, Pane};
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns of a counter: mark, name, value, rate, and a space.
const WIDTH: u16 = 39;
const NAME: usize = 17;

/// What a counter's name holds if it counts what should not be.
const TROUBLE: [&str; 12] = [
    "gap",
    "stale",
    "downs",
    "dropped",
    "malformed",
    "reject",
    "unsent",
    "exhausted",
    "failed",
    "lost",
    "losses",
    "refused",
];

struct Item<'a> {
    name: String,
    value: u64,
    rate: Option<f64>,
    trouble: bool,
    /// Name and value to be found by; ties keep this order.
    key: &'a str,
}

/// Every counter above zero, in as many columns as there is room for.
pub(super) fn draw(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let feed = &model.state.feed;
    let counter = |name: &str| feed.counters.get(name).copied().unwrap_or(0);
    let gaps = counter("gaps_opened");
    let open = gaps.saturating_sub(counter("gaps_closed"));
    let rejects = feed.rejects.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
    let said = format!(
        "gaps {} of which open {}  rejects {}",
        count(gaps, 9),
        count(open, 9),
        count(rejects, 9)
    );
    let rest = title(Pane::Feed, &said, area, canvas, model);
    let items = items(model);
    let columns = (rest.width / WIDTH).max(1);
    let rows = usize::from(rest.height);
    if items.is_empty() || rows == 0 {
        let none = "nothing was counted";
        canvas.buffer.set_stringn(rest.x, rest.y, none, rest.width.into(), Style::new());
        return;
    }
    // Down the first column, then the next; scrolled until the last one is on the screen.
    let first = model.row(Pane::Feed).min(items.len().saturating_sub(rows * usize::from(columns)));
    for (at, item) in items[first..].iter().enumerate().take(rows * usize::from(columns)) {
        let x = rest.x + (at / rows) as u16 * WIDTH;
        let y = rest.y + (at % rows) as u16;
        let mark = if item.trouble { '!' } else { ' ' };
        let name = text(&item.name, NAME);
        let value = count(item.value, 9);
        let rate = item.rate.map_or(NONE.into(), rate);
        let line = format!("{mark}{name:<NAME$} {value:>9} {rate:>9}");
        let style = if item.trouble { canvas.palette.warning() } else { Style::new() };
        let room = usize::from(rest.right().saturating_sub(x));
        canvas.buffer.set_stringn(x, y, line, room.min(usize::from(WIDTH)), style);
    }
}

fn items(model: &Model) -> Vec<Item<'_>> {
    let feed = &model.state.feed;
    let rejects = feed.rejects.iter().map(|(reason, value)| Item {
        name: format!("reject {reason}"),
        value: *value,
        rate: model.rates.counter(&format!("reject_{reason}")),
        trouble: true,
        key: reason,
    });
    // A page's counters of refused intents may be there as counters, too.
    let known = |name: &str| {
        name.strip_prefix("reject_").is_some_and(|reason| feed.rejects.contains_key(reason))
    };
    let counters = feed.counters.iter().filter(|(name, value)| **value > 0 && !known(name));
    let counters = counters.map(|(name, value)| Item {
        name: name.replace('_', " "),
        value: *value,
        rate: model.rates.counter(name),
        trouble: TROUBLE.iter().any(|part| name.contains(part)),
        key: name,
    });
    let mut items: Vec<Item<'_>> = counters.chain(rejects.filter(|item| item.value > 0)).collect();
    items.sort_by_key(|item| (!item.trouble, item.key));
    items
}
