//! Our orders as intents and the venue's answers tell of them.

use crate::desk::{Page, Slice, word_name};
use crate::view;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tercel_engine::tape::{Action, AnswerKind, Answered, Intended};
use tercel_types::Side;

/// Dead orders that are kept.
pub const DEAD_MAX: usize = 100_000;
/// Open orders there is room for: as many as risk may have.
pub const OPEN_MAX: usize = 1 << 20;

/// How an order ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Filled,
    Canceled,
    Replaced,
    Rejected,
    NotReceived,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            End::Filled => "filled",
            End::Canceled => "canceled",
            End::Replaced => "replaced",
            End::Rejected => "rejected",
            End::NotReceived => "not_received",
        }
    }
}

/// One order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tracked {
    pub(crate) user_ref: u32,
    pub(crate) order_ref: u64,
    pub(crate) instrument: u16,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) qty: u32,
    pub(crate) open: u32,
    pub(crate) filled: u32,
    /// The order that it takes the place of; zero if none.
    pub(crate) original: u32,
    /// The order that is to take its place; zero if none.
    replacement: u32,
    cancelling: bool,
    pub(crate) answered: bool,
    pub(crate) end: Option<End>,
    sent_ns: u64,
    answered_ns: u64,
    changed_ns: u64,
}

impl Tracked {
    /// Its state as the API names it.
    pub(crate) fn state(&self) -> &'static str {
        match self.end {
            Some(end) => end.name(),
            None if self.cancelling => "cancelling",
            None if self.replacement != 0 => "replacing",
            None if self.answered => "open",
            None => "sent",
        }
    }

    pub(crate) fn view(&self, symbol: String) -> view::Order {
        view::Order {
            user_ref: self.user_ref,
            order_ref: self.order_ref,
            symbol,
            side: word_name(self.side).into(),
            price_e4: self.price,
            qty: self.qty,
            open_qty: self.open,
            filled_qty: self.filled,
            state: self.state().into(),
            original: self.original,
            sent_ns: self.sent_ns,
            answered_ns: self.answered_ns,
            changed_ns: self.changed_ns,
        }
    }
}

/// Every open order and the last dead ones, by their numbers.
#[derive(Debug)]
pub(crate) struct Orders {
    all: BTreeMap<u32, Tracked>,
    open: BTreeSet<u32>,
    /// In the order in which they died.
    dead: VecDeque<u32>,
    dead_max: usize,
    /// Entries that fit no order or found no room.
    pub(crate) odd: u64,
}

impl Orders {
    pub(crate) fn new(dead_max: usize) -> Orders {
        Orders {
            all: BTreeMap::new(),
            open: BTreeSet::new(),
            dead: VecDeque::new(),
            dead_max,
            odd: 0,
        }
    }

    pub(crate) fn find(&self, user_ref: u32) -> Option<&Tracked> {
        self.all.get(&user_ref)
    }

    /// Open orders, oldest first.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Tracked> {
        self.open.iter().filter_map(|user_ref| self.all.get(user_ref))
    }

    /// Shares that may still trade: of an order and what is to take its place, the larger.
    pub(crate) fn exposed(&self, order: &Tracked) -> u32 {
        let original = self.live(order.original).map_or(0, |original| original.open);
        order.open.saturating_sub(original)
    }

    fn live(&self, user_ref: u32) -> Option<&Tracked> {
        self.all.get(&user_ref).filter(|order| order.end.is_none())
    }

    fn live_mut(&mut self, user_ref: u32) -> Option<&mut Tracked> {
        self.all.get_mut(&user_ref).filter(|order| order.end.is_none())
    }

    /// An intent has left.
    pub(crate) fn sent(&mut self, at: u64, sent: &Intended) {
        if sent.action != Action::Enter {
            match self.live_mut(sent.original.0) {
                Some(order) => {
                    match sent.action {
                        Action::Replace => order.replacement = sent.user_ref.0,
                        Action::Cancel | Action::Enter => order.cancelling = true,
                    }
                    order.changed_ns = at;
                }
                None => self.odd += 1,
            }
        }
        if sent.action != Action::Cancel {
            let user_ref = sent.user_ref.0;
            let is_room = !self.all.contains_key(&user_ref) && self.open.len() < OPEN_MAX;
            // What was sent has a side.
            let Some(side) = sent.side.filter(|_| is_room) else {
                self.odd += 1;
                return;
            };
            self.insert(Tracked {
                user_ref,
                order_ref: 0,
                instrument: sent.instrument.0,
                side,
                price: sent.price.0,
                qty: sent.qty.0,
                open: sent.qty.0,
                filled: 0,
                original: sent.original.0,
                replacement: 0,
                cancelling: false,
                answered: false,
                end: None,
                sent_ns: at,
                answered_ns: 0,
                changed_ns: at,
            });
        }
    }

    fn insert(&mut self, order: Tracked) {
        self.open.insert(order.user_ref);
        self.all.insert(order.user_ref, order);
    }

    /// The venue has said something of an order. One that no intent told of is taken over.
    pub(crate) fn answered(&mut self, at: u64, said: &Answered) {
        let user_ref = said.user_ref.0;
        if !self.all.contains_key(&user_ref) {
            if self.open.len() >= OPEN_MAX {
                self.odd += 1;
                return;
            }
            self.insert(adopted(said));
        }
        let Some(order) = self.all.get_mut(&user_ref) else { return };
        order.changed_ns = at;
        if !order.answered {
            (order.answered, order.answered_ns) = (true, at);
        }
        let order_ref = said.order_ref.0;
        let mut end = None;
        match said.what {
            AnswerKind::Accepted | AnswerKind::Replaced => {
                order.order_ref = order_ref;
                end = Some(End::Canceled);
            }
            AnswerKind::PriorityChanged => {
                order.order_ref = order_ref;
                end = Some(End::Canceled);
            }
            AnswerKind::Executed => {
                order.filled = order.filled.saturating_add(said.qty.0);
                end = Some(End::Filled);
            }
            AnswerKind::Broken => order.filled = order.filled.saturating_sub(said.qty.0),
            AnswerKind::CancelPending => (order.cancelling, end) = (true, Some(End::Canceled)),
            AnswerKind::CancelRejected => (order.cancelling, end) = (false, Some(End::Canceled)),
            AnswerKind::Canceled | AnswerKind::Modified => end = Some(End::Canceled),
            AnswerKind::Rejected => end = Some(End::Rejected),
            AnswerKind::NotReceived => end = Some(End::NotReceived),
        }
        let never = matches!(said.what, AnswerKind::Rejected | AnswerKind::NotReceived);
        let original = if never { order.original } else { 0 };
        if order.end.is_none() {
            (order.open, order.price) = (said.open.0, said.price.0);
            // A broken trade of an order that only its break tells of: it is long gone.
            let gone = never || order.open == 0;
            if let Some(end) = end.or(Some(End::Filled)).filter(|_| gone) {
                self.end(user_ref, end, at);
            }
        }
        if said.what == AnswerKind::Replaced {
            self.end(said.original.0, End::Replaced, at);
        }
        if let Some(original) = self.live_mut(original).filter(|_| original != 0)
            && original.replacement == user_ref
        {
            (original.replacement, original.changed_ns) = (0, at);
        }
    }

    fn end(&mut self, user_ref: u32, end: End, at: u64) {
        let Some(order) = self.live_mut(user_ref) else { return };
        order.end = Some(end);
        (order.open, order.replacement, order.cancelling) = (0, 0, false);
        order.changed_ns = at;
        self.open.remove(&user_ref);
        self.dead.push_back(user_ref);
        if self.dead.len() > self.dead_max
            && let Some(oldest) = self.dead.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    /// Those that `wanted` lets through, by their numbers.
    pub(crate) fn page<T>(
        &self,
        page: Page,
        open_only: bool,
        mut wanted: impl FnMut(&Tracked) -> Option<T>,
    ) -> Slice<T> {
        let mut slice = Slice { items: Vec::new(), next: None };
        let first = page.after.checked_add(1).and_then(|first| u32::try_from(first).ok());
        let Some(first) = first.filter(|_| page.limit > 0) else { return slice };
        let first = if page.after == 0 { 0 } else { first };
        let mut last = 0;
        let mut take = |order: &Tracked| {
            let Some(item) = wanted(order) else { return true };
            if slice.items.len() >= page.limit {
                slice.next = Some(u64::from(last));
                return false;
            }
            last = order.user_ref;
            slice.items.push(item);
            true
        };
        if open_only {
            let refs = self.open.range(first..);
            refs.filter_map(|user_ref| self.all.get(user_ref)).all(&mut take);
        } else {
            self.all.range(first..).all(|(_, order)| take(order));
        }
        slice
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }
}

/// An order of which only the venue tells: an earlier run sent it.
fn adopted(said: &Answered) -> Tracked {
    let asked = match said.what {
        AnswerKind::Executed | AnswerKind::Canceled => said.open.0.saturating_add(said.qty.0),
        _ => said.open.0,
    };
    Tracked {
        user_ref: said.user_ref.0,
        order_ref: said.order_ref.0,
        instrument: said.instrument.0,
        side: said.side,
        price: said.price.0,
        qty: asked,
        open: said.open.0,
        filled: 0,
        original: said.original.0,
        replacement: 0,
        cancelling: false,
        answered: false,
        end: None,
        sent_ns: 0,
        answered_ns: 0,
        changed_ns: 0,
    }
}
