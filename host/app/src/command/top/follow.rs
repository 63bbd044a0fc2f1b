//! Reads a source on a thread of its own; whoever draws takes the newest only.

use super::client::{Client, STATE_BYTES_MAX, parse_state};
use super::page;
use super::sse::Parser;
use anyhow::{Result, bail};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tercel_control::view::State;

/// Time between two looks at a counters page.
const LOOK: Duration = Duration::from_millis(500);
/// First and longest pause before a connection is tried again.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How it stands with the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Link {
    /// Nothing has come yet.
    #[default]
    Connecting,
    /// States come.
    Up,
    /// It is being tried again.
    Lost {
        /// What went wrong.
        why: String,
        /// Tries in vain since then.
        tries: u64,
    },
}

/// What was read last, and when.
#[derive(Debug)]
pub(super) struct News {
    /// What is known.
    pub(super) state: State,
    /// Process of the counters page, if the source is one.
    pub(super) writer: Option<page::Writer>,
    /// When it came.
    pub(super) came: Instant,
}

/// Where the thread that reads puts things.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    news: Option<News>,
    link: Link,
}

impl Latest {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Each field stands for itself, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come since the last call, if anything.
    pub(super) fn take(&self) -> Option<News> {
        self.held().news.take()
    }

    /// How it stands.
    pub(super) fn link(&self) -> Link {
        self.held().link.clone()
    }

    fn put(&self, news: News) {
        let mut held = self.held();
        held.news = Some(news);
        held.link = Link::Up;
    }

    fn lose(&self, why: &anyhow::Error) {
        let mut held = self.held();
        let tries = if let Link::Lost { tries, .. } = held.link { tries + 1 } else { 1 };
        held.link = Link::Lost { why: format!("{why:#}"), tries };
    }
}

/// Follows a stream for as long as the process lives.
pub(super) fn stream(client: &Client, latest: &Latest) {
    let mut pause = PAUSE_MIN;
    loop {
        let mut came = false;
        let ended = client.stream().and_then(|body| {
            read(body, |state| {
                came = true;
                latest.put(News { state, writer: None, came: Instant::now() });
            })
        });
        if came {
            pause = PAUSE_MIN;
        }
        if let Err(error) = ended {
            latest.lose(&error);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Hands over states until the stream ends, which is an error in every case.
fn read(mut body: impl Read, mut take: impl FnMut(State)) -> Result<()> {
    let mut parser = Parser::new(STATE_BYTES_MAX);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => bail!("the host has ended the stream"),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        // Of several states in one piece only the last is worth its parsing.
        let mut newest = None;
        parser.push(&buffer[..read], |name, data| {
            if name == b"state" {
                newest = Some(data.to_vec());
            }
        });
        if parser.left_out() > 0 {
            bail!("a state is over {STATE_BYTES_MAX} bytes");
        }
        if let Some(json) = newest {
            take(parse_state(&json)?);
        }
    }
}

/// Follows a counters page for as long as the process lives. It is opened each time: a host that
/// starts again puts a new page in the place of the old one.
pub(super) fn counters(path: &Path, latest: &Latest) {
    loop {
        match page::look(path) {
            Ok((state, writer)) => {
                latest.put(News { state, writer: Some(writer), came: Instant::now() });
            }
            Err(error) => latest.lose(&error),
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_named_state_are_states_and_what_is_none_ends_the_stream() {
        let state = serde_json::to_string(&State::default()).expect("JSON");
        let stream = format!("event: other\ndata: x\n\nevent: state\ndata: {state}\n\n");
        let mut taken = 0;
        let ended = read(stream.as_bytes(), |_| taken += 1).expect_err("it ends");
        assert_eq!((taken, ended.to_string().contains("ended")), (1, true));
        let bad = b"event: state\ndata: {\"status\": 7}\n\n";
        let ended = read(&bad[..], |_| taken += 1).expect_err("no state");
        assert_eq!((taken, ended.to_string().contains("same version")), (1, true));
    }

    #[test]
    fn tries_are_counted_until_something_comes() {
        let latest = Latest::default();
        assert_eq!(latest.link(), Link::Connecting);
        latest.lose(&anyhow::anyhow!("refused"));
        latest.lose(&anyhow::anyhow!("refused"));
        assert_eq!(latest.link(), Link::Lost { why: "refused".into(), tries: 2 });
        latest.put(News { state: State::default(), writer: None, came: Instant::now() });
        assert_eq!(latest.link(), Link::Up);
        assert!(latest.take().is_some() && latest.take().is_none());
    }
}
