//! What is shown, and what keys do to it.

use super::follow::{Link, News};
use super::page::Writer;
use super::rates::Rates;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::time::Instant;
use tercel_control::view::{Fill, Order, State};

/// Characters of a reason at most, as the API allows.
const REASON_MAX: usize = 200;
/// What has to be typed before anything is killed.
pub(super) const KILL_WORD: &str = "KILL";
/// Rows that a page key goes.
const PAGE: usize = 10;

/// A part of the screen that keys can go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pane {
    Instruments,
    Latency,
    Feed,
    Orders,
    Fills,
    Limits,
}

impl Pane {
    /// Every one, in the order of the tab key.
    pub(super) const ALL: [Pane; 6] =
        [Pane::Instruments, Pane::Latency, Pane::Feed, Pane::Orders, Pane::Fills, Pane::Limits];
    /// Those that a counters page fills.
    pub(super) const OF_PAGE: [Pane; 2] = [Pane::Latency, Pane::Feed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Pane::Instruments => "instruments",
            Pane::Latency => "latency",
            Pane::Feed => "feed",
            Pane::Orders => "open orders",
            Pane::Fills => "fills",
            Pane::Limits => "limits",
        }
    }
}

/// What lies over the screen.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Dialog {
    None,
    Help,
    /// The word is being typed.
    KillWord(String),
    /// Then the reason.
    KillReason(String),
    /// The answer is waited for.
    Killing,
    /// What became of it.
    Told {
        good: bool,
        text: String,
    },
}

/// What a key asks of the program.
#[derive(PartialEq, Debug)]
pub(super) enum Wish {
    Nothing,
    Quit,
    /// Pull the kill switch, for this reason.
    Kill(String),
}

/// Everything that a frame is drawn from.
#[derive(Debug)]
pub(super) struct Model {
    /// Where it comes from, as shown.
    pub(super) source: String,
    /// It is a counters page.
    pub(super) is_page: bool,
    pub(super) writer: Option<Writer>,
    pub(super) link: Link,
    pub(super) state: State,
    /// When the state came; none before the first.
    pub(super) came: Option<Instant>,
    pub(super) rates: Rates,
    pub(super) pane: Pane,
    /// The pane below the instruments where there is no room for all.
    pub(super) lower: Pane,
    /// Orders and fills of the selected instrument only.
    pub(super) only_selected: bool,
    pub(super) dialog: Dialog,
    pub(super) colour: bool,
    rows: [usize; Pane::ALL.len()],
}

impl Model {
    /// Nothing is known yet.
    pub(super) fn new(source: &str, is_page: bool, colour: bool) -> Model {
        Model {
            source: source.into(),
            is_page,
            writer: None,
            link: Link::Connecting,
            state: State::default(),
            came: None,
            rates: Rates::default(),
            pane: if is_page { Pane::Feed } else { Pane::Instruments },
            lower: if is_page { Pane::Feed } else { Pane::Latency },
            only_selected: false,
            dialog: Dialog::None,
            colour,
            rows: [0; Pane::ALL.len()],
        }
    }

    /// Something has come.
    pub(super) fn take(&mut self, news: News) {
        self.rates.take(&news.state, news.writer.map_or(0, |writer| writer.pid));
        self.state = news.state;
        self.writer = news.writer;
        self.came = Some(news.came);
    }

    /// The row that is selected, or the first that is shown.
    pub(super) fn row(&self, pane: Pane) -> usize {
        self.rows[pane as usize].min(self.rows_of(pane).saturating_sub(1))
    }

    /// Symbol of the selected instrument.
    pub(super) fn selected(&self) -> Option<&str> {
        let row = self.row(Pane::Instruments);
        self.state.instruments.get(row).map(|instrument| &*instrument.symbol)
    }

    /// The open orders to show.
    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.state.orders.iter().filter(|order| self.wanted(&order.symbol))
    }

    /// The fills to show.
    pub(super) fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.state.fills.iter().filter(|fill| self.wanted(&fill.symbol))
    }

    fn wanted(&self, symbol: &str) -> bool {
        !self.only_selected || self.selected() == Some(symbol)
    }

    fn rows_of(&self, pane: Pane) -> usize {
        match pane {
            Pane::Instruments => self.state.instruments.len(),
            Pane::Latency => self.state.latency.len(),
            Pane::Feed => self.state.feed.counters.len() + self.state.feed.rejects.len(),
            Pane::Orders => self.orders().count(),
            Pane::Fills => self.fills().count(),
            Pane::Limits => self.state.use_of_limits.len(),
        }
    }

    /// The kill's answer.
    pub(super) fn killed(&mut self, answer: anyhow::Result<String>) {
        self.dialog = match answer {
            Ok(text) => Dialog::Told { good: true, text },
            Err(error) => {
                let text = format!("The host has not said that it killed: {error:#}");
                Dialog::Told { good: false, text }
            }
        };
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Wish::Quit } else { Wish::Nothing };
        }
        match std::mem::replace(&mut self.dialog, Dialog::None) {
            Dialog::None => self.command(key.code),
            Dialog::KillWord(text) => self.type_word(text, key.code),
            Dialog::KillReason(text) => self.type_reason(text, key.code),
            Dialog::Killing => {
                self.dialog = Dialog::Killing;
                Wish::Nothing
            }
            Dialog::Help | Dialog::Told { .. } => Wish::Nothing,
        }
    }

    fn command(&mut self, code: KeyCode) -> Wish {
        match code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Char('?' | 'h') => self.dialog = Dialog::Help,
            KeyCode::Char('f') => self.only_selected = !self.only_selected,
            KeyCode::Char('K') if self.is_page => {
                let text = "A counters page takes no commands. Give the address of the host's API.";
                self.dialog = Dialog::Told { good: false, text: text.into() };
            }
            KeyCode::Char('K') => self.dialog = Dialog::KillWord(String::new()),
            KeyCode::Tab => self.turn(1),
            KeyCode::BackTab => self.turn(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(PAGE as isize),
            KeyCode::PageUp => self.go(-(PAGE as isize)),
            KeyCode::Home | KeyCode::Char('g') => self.go(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.go(isize::MAX),
            _ => {}
        }
        Wish::Nothing
    }

    fn turn(&mut self, by: isize) {
        let panes = if self.is_page { &Pane::OF_PAGE[..] } else { &Pane::ALL[..] };
        let at = panes.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        let next = at.wrapping_add_signed(by.rem_euclid(panes.len() as isize)) % panes.len();
        self.pane = panes[next];
        if self.pane != Pane::Instruments {
            self.lower = self.pane;
        }
    }

    fn go(&mut self, by: isize) {
        let last = self.rows_of(self.pane).saturating_sub(1);
        let row = self.row(self.pane).saturating_add_signed(by).min(last);
        self.rows[self.pane as usize] = row;
    }

    fn type_word(&mut self, mut text: String, code: KeyCode) -> Wish {
        match code {
            KeyCode::Esc => return Wish::Nothing,
            KeyCode::Enter if text == KILL_WORD => {
                self.dialog = Dialog::KillReason(String::new());
                return Wish::Nothing;
            }
            KeyCode::Enter => text.clear(),
            _ => edit(&mut text, code, KILL_WORD.len()),
        }
        self.dialog = Dialog::KillWord(text);
        Wish::Nothing
    }

    fn type_reason(&mut self, mut text: String, code: KeyCode) -> Wish {
        match code {
            KeyCode::Esc => return Wish::Nothing,
            KeyCode::Enter if !text.trim().is_empty() => {
                self.dialog = Dialog::Killing;
                return Wish::Kill(text.trim().into());
            }
            _ => edit(&mut text, code, REASON_MAX),
        }
        self.dialog = Dialog::KillReason(text);
        Wish::Nothing
    }
}

fn edit(text: &mut String, code: KeyCode, chars_max: usize) {
    match code {
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char(c) if !c.is_control() && text.chars().count() < chars_max => text.push(c),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::crossterm::event::KeyEvent;
    use tercel_control::view::Instrument;

    fn press(model: &mut Model, keys: &str) -> Wish {
        let code = |c| match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\x1b' => KeyCode::Esc,
            '\x08' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        keys.chars().map(|c| model.key(code(c).into())).last().unwrap_or(Wish::Nothing)
    }

    fn model(instruments: usize) -> Model {
        let mut model = Model::new("here", false, true);
        model.state.instruments = (0..instruments)
            .map(|i| Instrument { symbol: format!("SIM{i:03}"), ..Instrument::default() })
            .collect();
        model
    }

    #[test]
    fn nothing_is_killed_before_the_word_and_a_reason_are_typed() {
        let mut model = model(1);
        assert_eq!(press(&mut model, "Kkill\n"), Wish::Nothing);
        assert_eq!(model.dialog, Dialog::KillWord(String::new()));
        assert_eq!(press(&mut model, "KILL\n\n  \n"), Wish::Nothing);
        assert!(matches!(model.dialog, Dialog::KillReason(_)));
        assert_eq!(press(&mut model, "\x1b"), Wish::Nothing);
        assert_eq!(model.dialog, Dialog::None);
        let wish = press(&mut model, "KKILLL\x08L\nfat finger, quit?x\x08\n");
        assert_eq!(wish, Wish::Kill("fat finger, quit?".into()));
        assert_eq!(press(&mut model, "q"), Wish::Nothing);
        assert_eq!(model.dialog, Dialog::Killing);
        model.killed(Err(anyhow::anyhow!("403 Forbidden")));
        let Dialog::Told { good, text } = &model.dialog else { panic!("{:?}", model.dialog) };
        assert!(!good && text.contains("403"));
        assert_eq!(press(&mut model, " q"), Wish::Quit);
    }

    #[test]
    fn a_reason_has_two_hundred_characters_at_most() {
        let mut model = model(0);
        let wish = press(&mut model, &format!("KKILL\n{}\n", "µ".repeat(500)));
        assert_eq!(wish, Wish::Kill("µ".repeat(200)));
    }

    #[test]
    fn control_c_quits_whatever_lies_over_the_screen() {
        let mut model = model(0);
        for keys in ["", "?", "K", "KKILL\n", "KKILL\nx\n"] {
            model.dialog = Dialog::None;
            press(&mut model, keys);
            let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(model.key(control_c), Wish::Quit);
        }
    }

    #[test]
    fn a_counters_page_is_not_asked_to_kill() {
        let mut model = Model::new("page", true, true);
        assert_eq!(press(&mut model, "KKILL\nreason\n"), Wish::Nothing);
        assert!(!matches!(model.dialog, Dialog::Killing));
        assert_eq!(press(&mut model, "\x1b\t"), Wish::Nothing);
        assert_eq!(model.pane, Pane::Latency);
    }

    #[test]
    fn selection_stays_within_what_there_is() {
        let mut model = model(3);
        assert_eq!(model.selected(), Some("SIM000"));
        press(&mut model, "jjjjjj");
        assert_eq!(model.selected(), Some("SIM002"));
        model.state.instruments.truncate(1);
        assert_eq!(model.selected(), Some("SIM000"));
        press(&mut model, "G\tk\t\t\t\t");
        assert_eq!((model.pane, model.lower), (Pane::Limits, Pane::Limits));
        press(&mut model, "\tgk");
        assert_eq!((model.pane, model.lower), (Pane::Instruments, Pane::Limits));
        model.state.instruments.clear();
        press(&mut model, "jk");
        assert_eq!(model.selected(), None);
    }

    #[test]
    fn orders_can_be_those_of_the_selected_instrument_only() {
        let mut model = model(2);
        let order = |symbol: &str| Order { symbol: symbol.into(), ..Order::default() };
        model.state.orders = vec![order("SIM000"), order("SIM001"), order("SIM001")];
        assert_eq!(model.orders().count(), 3);
        press(&mut model, "fj");
        assert_eq!(model.orders().count(), 2);
    }
}
