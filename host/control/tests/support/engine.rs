//! An engine that only obeys, and what is seen of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use tercel_control::sight::{Applied, Exposition, OrderFilter, Page, Range, Sight};
use tercel_control::view;
use tercel_engine::mailbox::{Receiver, Sender, mailbox};
use tercel_engine::tape::Outcome;
use tercel_engine::{Ask, Scope, Ticket};
use tercel_types::{InstrumentId, Nanos};
use tokio::sync::watch;

/// Limits that pass, as JSON.
pub const LIMITS: &str = r#"{"order_qty_max":500,"order_notional_max_e4":1000000,"collar_bps":300,
"collar_abs_e4":null,"position_max":1000,"gross_max_e4":900,"net_max_e4":800,"open_orders_max":9,
"located":0,"restricted":false,"duplicate_window_ns":0,"rate_burst":5,"rate_per_second":7,
"ratio_burst":3,"ratio_per_fill":1,"ratio_per_second":2}"#;

#[derive(Default)]
struct Model {
    killed: bool,
    paused: bool,
    paused_ones: Vec<u16>,
    orders: Vec<view::Order>,
    limits: view::Limits,
    watched: Option<u16>,
    outcomes: BTreeMap<u64, Applied>,
    asked: Vec<Ask>,
}

/// What the engine does and what is seen of it.
pub struct World {
    model: Mutex<Model>,
    states: watch::Sender<Arc<str>>,
    /// It takes commands and says nothing of them.
    pub mute: AtomicBool,
    /// It takes no commands.
    pub deaf: AtomicBool,
    pub session_down: AtomicBool,
    pub stamps: AtomicU64,
}

const SYMBOLS: [&str; 2] = ["AAPL", "MSFT"];

impl World {
    pub fn start() -> (Arc<World>, Sender<Ticket>) {
        let (sender, receiver) = mailbox(8);
        let order = |user_ref: u32| view::Order {
            user_ref,
            symbol: SYMBOLS[user_ref as usize % 2].into(),
            state: if user_ref < 4 { "open" } else { "filled" }.into(),
            ..view::Order::default()
        };
        let model = Model { orders: (1..=10).map(order).collect(), ..Model::default() };
        let world = Arc::new(World {
            model: Mutex::new(model),
            states: watch::channel(Arc::from("{\"n\":0}")).0,
            mute: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            session_down: AtomicBool::new(false),
            stamps: AtomicU64::new(1_000),
        });
        let weak = Arc::downgrade(&world);
        std::thread::spawn(move || trade(&weak, receiver));
        (world, sender)
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }

    /// Publishes a state to the streams.
    pub fn publish(&self, json: &str) {
        self.states.send_replace(Arc::from(json));
    }

    /// Streams that listen.
    pub fn listeners(&self) -> usize {
        self.states.receiver_count()
    }

    pub fn killed(&self) -> bool {
        self.model().killed
    }

    /// Every command that was carried out, but for those to watch.
    pub fn asked(&self) -> Vec<Ask> {
        let model = self.model();
        model.asked.iter().filter(|ask| !matches!(ask, Ask::Watch(_))).copied().collect()
    }
}

fn trade(world: &Weak<World>, mut receiver: Receiver<Ticket>) {
    while let Some(world) = world.upgrade() {
        let ticket = if world.deaf.load(Relaxed) { None } else { receiver.receive() };
        if let Some(ticket) = ticket {
            world.obey(ticket);
        } else {
            drop(world);
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl World {
    fn obey(&self, ticket: Ticket) {
        let mut model = self.model();
        model.asked.push(ticket.ask);
        let mut outcome = Outcome::Done;
        match ticket.ask {
            Ask::Kill => {
                if std::mem::replace(&mut model.killed, true) {
                    outcome = Outcome::Unchanged;
                }
                model.cancel(None);
            }
            Ask::Reset => model.killed = false,
            Ask::CancelAll(Scope::All) => model.cancel(None),
            Ask::CancelAll(Scope::Instrument(id)) => model.cancel(Some(id)),
            Ask::Pause(Scope::All) => model.paused = true,
            Ask::Pause(Scope::Instrument(id)) => model.paused_ones.push(id.0),
            Ask::Resume(Scope::All) => {
                model.paused = false;
                model.paused_ones.clear();
            }
            Ask::Resume(Scope::Instrument(id)) => model.paused_ones.retain(|one| *one != id.0),
            Ask::Limits(id, limits) => {
                let seen = view::InstrumentLimits {
                    order_qty_max: limits.order_qty_max.0,
                    ..serde_json::from_str(LIMITS).unwrap()
                };
                let symbol = SYMBOLS[usize::from(id.0) - 1].to_owned();
                model.limits.instruments.insert(symbol, seen);
            }
            Ask::AccountLimits(limits) => model.limits.account.gross_max_e4 = limits.gross_max.0,
            Ask::Watch(id) => model.watched = Some(id.0),
        }
        if !self.mute.load(Relaxed) {
            let time = Nanos(self.stamps.fetch_add(1, Relaxed));
            model.outcomes.insert(ticket.number, Applied { outcome, time });
        }
    }
}

impl Model {
    fn cancel(&mut self, id: Option<InstrumentId>) {
        let symbol = id.map(|id| SYMBOLS[usize::from(id.0) - 1]);
        for order in &mut self.orders {
            if order.state == "open" && symbol.is_none_or(|symbol| order.symbol == symbol) {
                order.state = "canceled".into();
            }
        }
    }
}

fn page<T: Clone>(all: Vec<(u64, T)>, range: Range) -> Page<T> {
    let mut later = all.into_iter().filter(|(number, _)| *number > range.after);
    let items: Vec<(u64, T)> = later.by_ref().take(range.limit).collect();
    let next = later.next().and(items.last()).map(|(number, _)| *number);
    Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
}

impl Sight for World {
    fn state(&self) -> view::State {
        view::State { status: self.status(), ..view::State::default() }
    }

    fn status(&self) -> view::Status {
        let (model, down) = (self.model(), self.session_down.load(Relaxed));
        view::Status {
            phase: "trading".into(),
            session: if down { "down" } else { "ready" }.into(),
            tripped: if model.killed { "killed" } else { "" }.into(),
            paused: model.paused,
            ..view::Status::default()
        }
    }

    fn account(&self) -> view::Account {
        let open = self.model().orders.iter().filter(|order| order.state == "open").count();
        view::Account { open_orders: open as u32, ..view::Account::default() }
    }

    fn instruments(&self) -> Vec<view::Instrument> {
        SYMBOLS.iter().filter_map(|symbol| self.instrument(symbol)).collect()
    }

    fn instrument(&self, symbol: &str) -> Option<view::Instrument> {
        let locate = self.locate(symbol)?.0;
        Some(view::Instrument {
            symbol: symbol.into(),
            locate,
            paused: self.model().paused_ones.contains(&locate),
            position: i64::from(locate) - 1,
            ..view::Instrument::default()
        })
    }

    fn locate(&self, symbol: &str) -> Option<InstrumentId> {
        let at = SYMBOLS.iter().position(|known| *known == symbol)?;
        Some(InstrumentId(at as u16 + 1))
    }

    fn book(&self) -> Option<view::Book> {
        let symbol = SYMBOLS[usize::from(self.model().watched?) - 1].into();
        Some(view::Book { symbol, ..view::Book::default() })
    }

    fn orders(&self, filter: &OrderFilter, range: Range) -> Page<view::Order> {
        let model = self.model();
        let wanted = model.orders.iter().filter(|order| {
            filter.symbol.as_ref().is_none_or(|symbol| *symbol == order.symbol)
                && filter.state.as_ref().is_none_or(|state| *state == order.state)
                && filter.open.is_none_or(|open| open == (order.state == "open"))
        });
        page(wanted.map(|order| (order.user_ref.into(), order.clone())).collect(), range)
    }

    fn order(&self, user_ref: u32) -> Option<view::Order> {
        self.model().orders.iter().find(|order| order.user_ref == user_ref).cloned()
    }

    fn fills(&self, _: Option<&str>, range: Range) -> Page<view::Fill> {
        page(vec![(1, view::Fill::default())], range)
    }

    fn latency(&self) -> Vec<view::Latency> {
        vec![view::Latency { stage: "book".into(), ..view::Latency::default() }]
    }

    fn feed(&self) -> view::Feed {
        view::Feed::default()
    }

    fn limits(&self) -> view::Limits {
        self.model().limits.clone()
    }

    fn outcome(&self, ticket: u64) -> Option<Applied> {
        self.model().outcomes.get(&ticket).copied()
    }

    fn metrics(&self) -> Exposition {
        let text = "# EOF\n".into();
        Exposition { content_type: "text/plain; version=0.0.4", text }
    }

    fn states(&self) -> watch::Receiver<Arc<str>> {
        self.states.subscribe()
    }
}
