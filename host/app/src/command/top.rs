//! `tercel top`: the dashboard at a glance in a terminal, over the API or from a counters page.

mod client;
mod draw;
mod figures;
mod follow;
mod model;
mod page;
mod rates;
mod sse;

use crate::cli::TopArgs;
use crate::signals::Signals;
use anyhow::{Context, Result, bail};
use client::Client;
use follow::{Latest, Link, News};
use model::{Model, Wish};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event};
use ratatui::layout::Rect;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two frames, if no key is pressed.
const FRAME: Duration = Duration::from_millis(200);
/// The frame of `--once` where standard output is no terminal.
const ONCE: Rect = Rect { x: 0, y: 0, width: 120, height: 50 };

/// Where figures come from.
#[derive(Clone)]
enum Source {
    Api(Client),
    Page(PathBuf),
}

impl Source {
    fn new(args: &TopArgs) -> Result<Source> {
        match (&args.counters, &args.address) {
            (Some(path), _) => Ok(Source::Page(path.clone())),
            (None, Some(address)) => Ok(Source::Api(Client::new(address, args)?)),
            (None, None) => bail!("give the address of a host's API, or --counters FILE"),
        }
    }

    fn model(&self) -> Model {
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match self {
            Source::Api(client) => Model::new(client.shown(), false, colour),
            Source::Page(path) => Model::new(&path.display().to_string(), true, colour),
        }
    }

    fn look(&self) -> Result<News> {
        let (state, writer) = match self {
            Source::Api(client) => (client.state()?, None),
            Source::Page(path) => page::look(path).map(|(state, writer)| (state, Some(writer)))?,
        };
        Ok(News { state, writer, came: Instant::now() })
    }

    fn follow(self, latest: Latest) -> Result<JoinHandle<()>> {
        let work = move || match &self {
            Source::Api(client) => follow::stream(client, &latest),
            Source::Page(path) => follow::counters(path, &latest),
        };
        let thread = std::thread::Builder::new().name("source".into()).spawn(work);
        thread.context("cannot start the thread that reads the source")
    }
}

/// Runs it.
pub(crate) fn run(args: &TopArgs, signals: &Signals) -> Result<()> {
    let source = Source::new(args)?;
    if args.once {
        return once(&source, args.json);
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        bail!("standard input and output are no terminal; `--once` prints one frame as text");
    }
    // A page that is not there is told at once; a host may still be about to start.
    if let Source::Page(_) = &source {
        source.look()?;
    }
    let latest = Latest::default();
    let reader = source.clone().follow(latest.clone())?;
    let terminal = ratatui::try_init().context("cannot draw on this terminal")?;
    let shown = Screen { terminal, source, latest, reader, answer: None }.show(signals);
    ratatui::restore();
    shown
}

/// One frame, or what it is made from.
fn once(source: &Source, json: bool) -> Result<()> {
    let news = source.look()?;
    if json {
        println!("{}", serde_json::to_string(&news.state)?);
        return Ok(());
    }
    let mut model = source.model();
    model.link = Link::Up;
    let now = news.came;
    model.take(news);
    let stdout = std::io::stdout();
    let size = stdout.is_terminal().then(ratatui::crossterm::terminal::size);
    let area = size.and_then(Result::ok).map_or(ONCE, |(width, height)| Rect {
        width: width.max(80),
        height: height.max(24),
        ..ONCE
    });
    let mut buffer = Buffer::empty(area);
    draw::draw(area, &mut buffer, &model, now);
    for row in buffer.content().chunks(area.width.into()) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        println!("{}", line.trim_end());
    }
    Ok(())
}

struct Screen {
    terminal: ratatui::DefaultTerminal,
    source: Source,
    latest: Latest,
    reader: JoinHandle<()>,
    /// Of a kill that was asked for.
    answer: Option<Receiver<Result<String>>>,
}

impl Screen {
    /// Draws and listens until somebody wants it to end.
    fn show(mut self, signals: &Signals) -> Result<()> {
        let mut model = self.source.model();
        while signals.count() == 0 {
            if let Some(news) = self.latest.take() {
                model.take(news);
            }
            model.link = self.latest.link();
            if let Some(answer) = self.answer.as_ref().and_then(|answer| answer.try_recv().ok()) {
                model.killed(answer);
                self.answer = None;
            }
            if self.reader.is_finished() {
                bail!("the thread that reads {} has ended", model.source);
            }
            self.terminal
                .draw(|frame| draw::draw(frame.area(), frame.buffer_mut(), &model, Instant::now()))
                .context("cannot draw on this terminal")?;
            if !event::poll(FRAME).context("cannot read this terminal")? {
                continue;
            }
            // Whatever else it is, a new size for one, ends in a new frame.
            if let Event::Key(key) = event::read().context("cannot read this terminal")? {
                match model.key(key) {
                    Wish::Nothing => {}
                    Wish::Quit => break,
                    Wish::Kill(reason) => self.kill(reason)?,
                }
            }
        }
        Ok(())
    }

    fn kill(&mut self, reason: String) -> Result<()> {
        let Source::Api(client) = self.source.clone() else { return Ok(()) };
        let (send, answer) = channel();
        self.answer = Some(answer);
        std::thread::Builder::new()
            .name("kill".into())
            // Nobody hears the answer if the screen is closed before it comes.
            .spawn(move || drop(send.send(client.kill(&reason))))
            .context("cannot start the thread that asks for the kill")?;
        Ok(())
    }
}
