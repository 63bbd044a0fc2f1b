//! What the desk knows, as the API asks for it.

use super::{Applied, Deeds, Exposition, OrderFilter, Page, Range, Sight, Unwritten, Writing};
use crate::desk::{self, Desk};
use crate::metrics::{self, Metrics};
use crate::recorder::{Published, Recorder};
use crate::view;
use parking_lot::RwLock;
use std::sync::Arc;
use tercel_types::{InstrumentId, Nanos};
use tokio::sync::watch;

/// The desk of a running recorder, by the clock of the stamps.
pub struct Known {
    pub(crate) desk: Arc<RwLock<Desk>>,
    pub(crate) metrics: Metrics,
    pub(crate) published: Published,
    pub(crate) now: Arc<dyn Fn() -> Nanos + Send + Sync>,
}

impl Sight for Known {
    fn state(&self) -> view::State {
        self.desk.read().state((self.now)())
    }

    fn status(&self) -> view::Status {
        self.desk.read().status((self.now)())
    }

    fn account(&self) -> view::Account {
        self.desk.read().account()
    }

    fn instruments(&self) -> Vec<view::Instrument> {
        self.desk.read().instruments()
    }

    fn instrument(&self, symbol: &str) -> Option<view::Instrument> {
        self.desk.read().instrument(symbol)
    }

    fn locate(&self, symbol: &str) -> Option<InstrumentId> {
        self.desk.read().locate(symbol).map(InstrumentId)
    }

    fn book(&self) -> Option<view::Book> {
        self.desk.read().book()
    }

    fn orders(&self, filter: &OrderFilter, range: Range) -> Page<view::Order> {
        let filter = desk::OrderFilter {
            symbol: filter.symbol.as_deref(),
            state: filter.state.as_deref(),
            open: filter.open,
        };
        page(self.desk.read().orders(filter, piece(range)))
    }

    fn order(&self, user_ref: u32) -> Option<view::Order> {
        self.desk.read().order(user_ref)
    }

    fn fills(&self, symbol: Option<&str>, range: Range) -> Page<view::Fill> {
        page(self.desk.read().fills(symbol, piece(range)))
    }

    fn latency(&self) -> Vec<view::Latency> {
        self.desk.read().latency()
    }

    fn feed(&self) -> view::Feed {
        self.desk.read().feed()
    }

    fn limits(&self) -> view::Limits {
        self.desk.read().limits()
    }

    fn outcome(&self, ticket: u64) -> Option<Applied> {
        let known = self.desk.read().outcome(ticket)?;
        Some(Applied { outcome: known.outcome, time: known.time })
    }

    fn metrics(&self) -> Exposition {
        Exposition { content_type: metrics::CONTENT_TYPE, text: self.metrics.text((self.now)()) }
    }

    fn states(&self) -> watch::Receiver<Arc<str>> {
        self.published.state.clone()
    }
}

impl Deeds for Recorder {
    fn record(&self, json: String) -> Writing {
        let recorder = self.clone();
        Box::pin(async move {
            recorder.deed(json).await.map(drop).map_err(|error| Unwritten(error.to_string()))
        })
    }
}

fn piece(range: Range) -> desk::Page {
    desk::Page { after: range.after, limit: range.limit }
}

fn page<T>(slice: desk::Slice<T>) -> Page<T> {
    Page { items: slice.items, next: slice.next }
}
