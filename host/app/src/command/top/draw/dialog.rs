//! What lies over the screen: help, and the way to the kill switch.

use super::Canvas;
use crate::command::top::figures::text;
use crate::command::top::model::{Dialog, KILL_WORD, Model};
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Paragraph, Widget, Wrap};

const HELP: &str = "\
q, control-C     end
tab, shift-tab   next pane, the one before
j k, arrows      down, up; also page up and down, g and G
f                orders and fills of the selected instrument only
K                kill switch: asks for a word and a reason
?                this

P                behind a state: not quoted, by command
TRIPPED          only cancels pass, and why
STALE            the books may be wrong
HELD UP          nothing is quoted until the journal has caught up
SILENT           the trading thread has said nothing for this long
!                worth a look; !! a limit that is used up";

/// Draws it in the middle of the screen.
pub(super) fn draw(area: Rect, canvas: &mut Canvas<'_>, model: &Model) {
    let palette = canvas.palette;
    let kill = " kill switch ";
    let (title, text, style) = match &model.dialog {
        Dialog::None => return,
        Dialog::Help => (" help ", HELP.into(), Style::new()),
        Dialog::KillWord(typed) => {
            let what = "Every order is cancelled, and only cancels pass until a reset.";
            let how =
                format!("Type {KILL_WORD} and enter, or escape to leave everything as it is.");
            (kill, format!("{what}\n{how}\n\n> {typed}_"), palette.bad())
        }
        Dialog::KillReason(typed) => {
            let how = "Why? The reason goes to the journal. Enter kills, escape does not.";
            (kill, format!("{how}\n\n> {}_", text(typed, 400)), palette.bad())
        }
        Dialog::Killing => (kill, "Killing; the host has not answered yet.".into(), palette.bad()),
        Dialog::Told { good, text: told } => {
            let style = if *good { Style::new() } else { palette.bad() };
            (" told ", format!("{}\n\nAny key closes this.", text(told, 1_000)), style)
        }
    };
    let width = 74.min(area.width);
    let inner = usize::from(width.saturating_sub(4)).max(1);
    // Long lines wrap, at words: at most a third more rows than their letters need.
    let rows: usize = text.lines().map(|line| line.chars().count() * 4 / 3 / inner + 1).sum();
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height);
    let [place] = Layout::vertical([Constraint::Length(height)]).flex(Flex::Center).areas(area);
    let [place] = Layout::horizontal([Constraint::Length(width)]).flex(Flex::Center).areas(place);
    Clear.render(place, canvas.buffer);
    let block = Block::bordered().title(title).border_style(style);
    let inside = block.inner(place);
    block.render(place, canvas.buffer);
    let padded = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    Paragraph::new(text).wrap(Wrap { trim: false }).render(padded, canvas.buffer);
}
