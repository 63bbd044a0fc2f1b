//! Where the host stands and what the account is worth; what is wrong with the source; the keys.

use super::Canvas;
use crate::command::top::figures::{NONE, count, money, rate, span, text, time_of_day};
use crate::command::top::follow::Link;
use crate::command::top::model::Model;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::{Duration, Instant};
use tercel_control::view::{Clock, JournalStatus, Status};

/// Rows of the header of a host.
pub(super) const ROWS: u16 = 5;
/// The trading thread says something every few milliseconds.
const SILENCE_NS: u64 = 1_000_000_000;
/// States come twice a second.
const AGE: Duration = Duration::from_secs(3);
/// Columns of a figure of the account.
const FIGURE: u16 = 20;

/// What is wrong with the source, else with the journal, if anything.
pub(super) fn banner(model: &Model, now: Instant) -> Option<String> {
    let age = model.came.map(|came| now.saturating_duration_since(came));
    let old = age.map_or("nothing has come yet".into(), |age| {
        format!("figures are {} old", span(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)))
    });
    match (&model.link, model.writer) {
        (Link::Connecting, _) => Some(format!(" ! {old}; asking {}", model.source)),
        (Link::Lost { why, tries }, _) if model.is_page => {
            Some(format!(" ! PAGE LOST; {old}; try {tries}: {}", text(why, 400)))
        }
        (Link::Lost { why, tries }, _) => {
            Some(format!(" ! CONNECTION LOST; {old}; try {tries}: {}", text(why, 400)))
        }
        (Link::Up, Some(writer)) if !writer.runs => {
            Some(format!(" ! PROCESS {} IS GONE; these figures are its last", writer.pid))
        }
        (Link::Up, _) if age.is_some_and(|age| age > AGE) => Some(format!(" ! SILENCE; {old}")),
        (Link::Up, _) => {
            let trouble = model.state.status.journal.as_ref().map(|journal| &journal.trouble);
            let trouble = trouble.filter(|trouble| !trouble.is_empty());
            trouble.map(|trouble| format!(" ! JOURNAL: {}", text(trouble, 400)))
        }
    }
}

/// The line of a counters page.
pub(super) fn of_page(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let writer = model.writer.map_or(NONE.into(), |writer| writer.pid.to_string());
    let events = model.rates.events().map_or(NONE.into(), rate);
    Line::from(vec![
        Span::styled("tercel top", canvas.palette.label()),
        Span::raw(format!("  {}  process {writer}", model.source)),
        Span::raw(format!("  events {}", count(model.state.status.events, 14))),
        Span::raw(format!("  {events}  {} UTC", time_of_day(model.state.status.time_ns))),
    ])
    .render(area, canvas.buffer);
}

/// The lines of a host.
pub(super) fn of_host(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let [first, condition, machine, account] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(2),
    ])
    .areas(area);
    let status = &model.state.status;
    let version = text(&status.version, 12);
    let up = span(status.time_ns.saturating_sub(status.started_ns));
    let events = model.rates.events().map_or(NONE.into(), rate);
    Line::from(vec![
        Span::styled(format!("tercel {version}"), canvas.palette.label()),
        Span::raw(format!("  {}  up {up}", text(&model.source, 24))),
        Span::raw(format!("  events {} {events}", count(status.events, 11))),
        Span::raw(format!("  {} UTC", time_of_day(status.time_ns))),
    ])
    .render(first, canvas.buffer);
    condition_of(status, canvas).render(condition, canvas.buffer);
    let mut parts = journal(status.journal.as_ref(), canvas);
    parts.push(Span::raw("  "));
    parts.extend(clock(&status.clock, canvas));
    Line::from(parts).render(machine, canvas.buffer);
    figures(account, canvas, model);
}

fn condition_of(status: &Status, canvas: &Canvas<'_>) -> Line<'static> {
    let palette = canvas.palette;
    let either = |good| if good { palette.good() } else { palette.warning() };
    let phase = text(&status.phase, 10);
    let session = text(&status.session, 12);
    let mut parts = vec![
        Span::styled(format!("phase {phase}"), either(phase == "trading")),
        Span::styled(format!("  session {session}"), either(session == "ready")),
    ];
    let mut flag = |so: bool, name: String, style: Style| {
        if so {
            parts.extend([Span::raw(" "), Span::styled(name, style)]);
        }
    };
    let tripped = !status.tripped.is_empty();
    flag(tripped, format!("TRIPPED {}", text(&status.tripped, 16)), palette.alarm());
    flag(status.stale, "STALE".into(), palette.alarm());
    flag(status.paused, "PAUSED".into(), palette.warning());
    flag(status.held_up, "HELD UP".into(), palette.alarm());
    let silent = status.silent_ns > SILENCE_NS;
    flag(silent, format!("SILENT {}", span(status.silent_ns)), palette.alarm());
    let fine = !(tripped || status.stale || status.paused || status.held_up || silent);
    flag(fine, " no alarms".into(), palette.good());
    Line::from(parts)
}

fn clock(clock: &Clock, canvas: &Canvas<'_>) -> Vec<Span<'static>> {
    let sign = if clock.ahead_ns < 0 { "-" } else { "+" };
    let synchronised = match clock.synchronised {
        true => Span::styled("synced", canvas.palette.good()),
        false => Span::styled("UNSYNCED", canvas.palette.warning()),
    };
    let mut parts = vec![
        Span::styled("clock ", canvas.palette.label()),
        Span::raw(format!("{} {} ", text(&clock.source, 6), text(&clock.discipline, 7))),
        Span::raw(format!("{sign}{} ", span(clock.ahead_ns.unsigned_abs()))),
        synchronised,
    ];
    if let Some(error) = clock.error_max_ns {
        parts.push(Span::raw(format!(" ±{}", span(error))));
    }
    parts
}

fn journal(journal: Option<&JournalStatus>, canvas: &Canvas<'_>) -> Vec<Span<'static>> {
    let Some(journal) = journal else {
        return vec![Span::styled("no journal", canvas.palette.label())];
    };
    let palette = canvas.palette;
    let (waiting, words) = (journal.waiting_words, journal.tape_words);
    let percent = u128::from(waiting) * 100 / u128::from(words.max(1));
    let waits = if percent >= 50 { palette.warning() } else { Style::new() };
    let lost = if journal.lost > 0 { palette.alarm() } else { Style::new() };
    vec![
        Span::styled("journal ", palette.label()),
        Span::styled(format!("lag {}/{}", count(waiting, 7), count(words, 7)), waits),
        Span::raw(" "),
        Span::styled(format!("lost {}", count(journal.lost, 7)), lost),
    ]
}

/// The account in two rows, as many figures as there is room for.
fn figures(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let palette = canvas.palette;
    let account = &model.state.account;
    let list = [
        ("P&L", account.pnl_e4, true),
        ("realised", account.realised_e4, true),
        ("unrealised", account.unrealised_e4, true),
        ("drawdown", account.drawdown_e4, false),
        ("peak", account.peak_e4, false),
        ("cash", account.cash_e4, false),
        ("gross", account.gross_e4, false),
        ("net", account.net_e4, false),
        ("credit", account.credit_used_e4, false),
        ("open orders", 0, false),
        ("value", account.value_e4, false),
    ];
    // The narrowest screen has eight; peak, cash and value are first to go.
    let columns = (area.width / FIGURE).clamp(1, 6);
    let wide = columns >= 6;
    let shown = list.iter().filter(|(name, ..)| wide || !["peak", "cash", "value"].contains(name));
    let columns = if wide { 6 } else { 4 };
    let width = area.width / columns;
    for (at, (name, value, coloured)) in (0_u16..).zip(shown) {
        let x = area.x + at % columns * width;
        let y = area.y + at / columns;
        let room = usize::from(width).saturating_sub(name.len() + 3);
        let figure = match *name {
            "open orders" => count(account.open_orders.into(), room),
            _ => money(*value, room),
        };
        let style = if *coloured { palette.money(*value) } else { Style::new() };
        Line::from(vec![
            Span::styled(format!("{name} "), palette.label()),
            Span::styled(figure, style),
        ])
        .render(Rect { x, y, width, height: 1 }.intersection(area), canvas.buffer);
    }
}

/// What the keys do.
pub(super) fn keys(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let keys = match model.is_page {
        true => "q quit  tab next pane  j k scroll  ? help",
        false => "q quit  tab next pane  j k select  f only selected  K kill switch  ? help",
    };
    canvas.buffer.set_stringn(area.x, area.y, keys, area.width.into(), canvas.palette.label());
}
