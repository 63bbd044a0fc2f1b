//! Colours. Without them weight and signs say the same.

use ratatui::style::{Color, Modifier, Style};

/// How things look.
#[derive(Clone, Copy)]
pub(super) struct Palette {
    /// The terminal shows colours, and they are wanted.
    pub(super) colour: bool,
}

impl Palette {
    fn hue(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// As it should be.
    pub(super) fn good(self) -> Style {
        self.hue(Color::Green)
    }

    /// Worth a look.
    pub(super) fn warning(self) -> Style {
        self.hue(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Wrong.
    pub(super) fn bad(self) -> Style {
        self.hue(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Wrong, and not to be overlooked.
    pub(super) fn alarm(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED)
    }

    /// Names of figures.
    pub(super) fn label(self) -> Style {
        self.hue(Color::Cyan)
    }

    /// A pane's title, in which the keys are or not.
    pub(super) fn title(self, focus: bool) -> Style {
        if focus { self.label().add_modifier(Modifier::BOLD) } else { self.label() }
    }

    /// Figures of money: profits and losses differ by their sign, too.
    pub(super) fn money(self, e4: i64) -> Style {
        match e4 {
            0 => Style::new(),
            1.. => self.hue(Color::Green),
            _ => self.hue(Color::Red),
        }
    }

    /// The selected row.
    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}
