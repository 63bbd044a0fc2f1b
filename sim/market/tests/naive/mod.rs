//! A book of maps and lists that does nothing fast and takes nothing on trust.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use tercel_proto::itch::{self, Message};

/// A venue's state as far as its messages tell it.
#[derive(Default)]
pub(crate) struct Market {
    instruments: BTreeMap<u16, Instrument>,
    orders: HashMap<u64, Order>,
    last_time: u64,
    last_ref: u64,
    last_match: u64,
    phases: Vec<u8>,
    voidable: BTreeSet<u64>,
    number: u64,
    /// Messages by letter.
    pub(crate) kinds: BTreeMap<char, u64>,
    /// Messages by second of the day, and by instrument.
    pub(crate) seconds: BTreeMap<u64, u64>,
    pub(crate) by_instrument: BTreeMap<u16, u64>,
    /// Most orders resting at one time.
    pub(crate) resting_max: usize,
    /// For each deleted order, the messages between its coming and its going.
    pub(crate) ages: Vec<u64>,
    /// Executions that a cross reports, and some inside the spread.
    pub(crate) not_printed: u64,
    pub(crate) within_spread: u64,
    /// Orders at such prices.
    pub(crate) below_a_dollar: u64,
    pub(crate) above_a_thousand: u64,
    pub(crate) stub_bids: u64,
    pub(crate) stub_offers: u64,
    /// Messages within a microsecond of the one before.
    pub(crate) close_together: u64,
}

#[derive(Default)]
struct Instrument {
    stock: [u8; 8],
    state: u8,
    /// Executed in a cross that has not been reported: price and shares.
    crossing: Option<(u32, u64)>,
    crosses: Vec<u8>,
    sides: [BTreeMap<u32, VecDeque<u64>>; 2],
}

struct Order {
    locate: u16,
    side: usize,
    price: u32,
    shares: u32,
    number: u64,
}

macro_rules! check {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*));
        }
    };
}

impl Market {
    pub(crate) fn resting(&self) -> usize {
        self.orders.len()
    }

    /// Applies a message, or says what is wrong with it.
    pub(crate) fn apply(&mut self, bytes: &[u8]) -> Result<(), String> {
        let message = itch::parse(bytes).map_err(|error| error.to_string())?;
        let header = message.header();
        let (locate, time) = (header.locate.get(), header.time().0);
        check!(time >= self.last_time, "time goes back");
        self.close_together += u64::from(time - self.last_time < 1_000);
        self.last_time = time;
        self.number += 1;
        *self.kinds.entry(char::from(header.kind)).or_default() += 1;
        *self.seconds.entry(time / 1_000_000_000).or_default() += 1;
        *self.by_instrument.entry(locate).or_default() += 1;
        self.of_kind(&message, locate).map_err(|what| format!("{message:?}: {what}"))?;
        self.resting_max = self.resting_max.max(self.orders.len());
        self.not_crossed(locate)
    }

    fn of_kind(&mut self, message: &Message<'_>, locate: u16) -> Result<(), String> {
        match message {
            Message::SystemEvent(m) => {
                self.phases.push(m.event);
                check!(b"OSQMEC".starts_with(&self.phases), "phases {:?}", self.phases);
            }
            Message::StockDirectory(m) => {
                check!(m.stock == format!("G{locate:05}  ").as_bytes(), "another symbol");
                check!(usize::from(locate) == self.instruments.len() + 1, "numbered in order");
                let new = Instrument { stock: m.stock, ..Instrument::default() };
                self.instruments.insert(locate, new);
            }
            Message::AddOrder(m) => {
                self.named(locate, m.stock)?;
                let side = side(m.side)?;
                self.add(locate, m.order_ref.get(), side, m.shares.get(), m.price.get())?;
            }
            Message::AddOrderMpid(m) => {
                self.named(locate, m.stock)?;
                let side = side(m.side)?;
                self.add(locate, m.order_ref.get(), side, m.shares.get(), m.price.get())?;
            }
            Message::OrderExecuted(m) => {
                self.trading(locate)?;
                self.matched(m.match_number.get(), true)?;
                self.execute(locate, m.order_ref.get(), m.shares.get())?;
            }
            Message::OrderExecutedPrice(m) => self.executed_price(m, locate)?,
            Message::OrderCancel(m) => {
                let (order_ref, shares) = (m.order_ref.get(), m.shares.get());
                let order = self.order(locate, order_ref)?;
                check!(shares > 0 && shares < order.shares, "cancels all or nothing");
                order.shares -= shares;
            }
            Message::OrderDelete(m) => {
                let order = self.remove(locate, m.order_ref.get())?;
                self.ages.push(self.number - order.number);
            }
            Message::OrderReplace(m) => {
                let order = self.remove(locate, m.original_ref.get())?;
                let (new, shares, price) = (m.new_ref.get(), m.shares.get(), m.price.get());
                self.add(locate, new, order.side, shares, price)?;
            }
            Message::Trade(m) => {
                self.named(locate, m.stock)?;
                self.trading(locate)?;
                self.matched(m.match_number.get(), true)?;
                let [bid, ask] = self.touch(locate);
                let inside = bid <= Some(m.price.get()) && ask >= Some(m.price.get());
                check!(inside && m.shares.get() > 0 && m.side == b'B', "not within the spread");
            }
            Message::CrossTrade(m) => {
                self.named(locate, m.stock)?;
                self.matched(m.match_number.get(), false)?;
                let instrument = self.instruments.entry(locate).or_default();
                instrument.crosses.push(m.cross_type);
                if let Some((price, shares)) = instrument.crossing.take() {
                    check!(price == m.price.get() && shares <= m.shares.get(), "reports less");
                }
            }
            Message::BrokenTrade(m) => {
                check!(self.voidable.remove(&m.match_number.get()), "no such trade");
            }
            Message::TradingAction(m) => {
                self.named(locate, m.stock)?;
                self.instruments.entry(locate).or_default().state = m.state;
            }
            Message::LuldCollar(m) => {
                self.named(locate, m.stock)?;
                let prices = [m.lower.get(), m.reference.get(), m.upper.get()];
                check!(prices.is_sorted() && prices[0] > 0, "a collar the wrong way round");
            }
            Message::Noii(m) => self.named(locate, m.stock)?,
            Message::RegSho(m) => self.named(locate, m.stock)?,
            Message::Rpii(m) => self.named(locate, m.stock)?,
            Message::ParticipantPosition(m) => self.named(locate, m.stock)?,
            Message::MwcbDecline(_) => {}
            _ => return Err("not sent on such a day".into()),
        }
        Ok(())
    }

    fn executed_price(&mut self, m: &itch::OrderExecutedPrice, locate: u16) -> Result<(), String> {
        let (price, printable) = (m.price.get(), m.printable == b'Y');
        self.matched(m.match_number.get(), printable)?;
        let [bid, ask] = self.touch(locate);
        if printable {
            self.trading(locate)?;
            check!(bid <= Some(price) && ask >= Some(price), "not within the spread");
            self.within_spread += 1;
        } else {
            self.not_printed += 1;
            let instrument = self.instruments.entry(locate).or_default();
            let (at, shares) = instrument.crossing.unwrap_or((price, 0));
            check!(at == price, "two prices in one cross");
            instrument.crossing = Some((price, shares + u64::from(m.shares.get())));
            check!(bid == Some(price) || ask == Some(price), "not at the touch");
        }
        self.execute(locate, m.order_ref.get(), m.shares.get())
    }

    fn named(&self, locate: u16, stock: [u8; 8]) -> Result<(), String> {
        let known = self.instruments.get(&locate).is_some_and(|known| known.stock == stock);
        check!(known, "locate {locate} is not of this symbol");
        Ok(())
    }

    fn trading(&self, locate: u16) -> Result<(), String> {
        check!(self.instruments[&locate].state == b'T', "trades while it may not");
        Ok(())
    }

    fn matched(&mut self, number: u64, voidable: bool) -> Result<(), String> {
        check!(number > self.last_match, "match numbers do not increase");
        self.last_match = number;
        if voidable {
            self.voidable.insert(number);
        }
        Ok(())
    }

    fn add(
        &mut self,
        locate: u16,
        order_ref: u64,
        side: usize,
        shares: u32,
        price: u32,
    ) -> Result<(), String> {
        check!(order_ref > self.last_ref, "references do not increase");
        self.last_ref = order_ref;
        check!(shares > 0 && shares <= 1_000_000, "{shares} shares");
        check!((1..=2_000_000_000).contains(&price), "price {price}");
        check!(price < 10_000 || price.is_multiple_of(100), "price {price} off the grid");
        self.below_a_dollar += u64::from(price < 10_000 && !price.is_multiple_of(100));
        self.above_a_thousand += u64::from(price > 10_000_000);
        self.stub_bids += u64::from(side == 0 && price == 100);
        self.stub_offers += u64::from(side == 1 && price == 1_999_990_000);
        let order = Order { locate, side, price, shares, number: self.number };
        self.orders.insert(order_ref, order);
        let instrument = self.instruments.entry(locate).or_default();
        instrument.sides[side].entry(price).or_default().push_back(order_ref);
        Ok(())
    }

    fn order(&mut self, locate: u16, order_ref: u64) -> Result<&mut Order, String> {
        let order = self.orders.get_mut(&order_ref).ok_or("no such order")?;
        check!(order.locate == locate, "the order is of {}", order.locate);
        Ok(order)
    }

    /// The first in line at the best price, and no other.
    fn execute(&mut self, locate: u16, order_ref: u64, shares: u32) -> Result<(), String> {
        let order = self.order(locate, order_ref)?;
        check!(shares > 0 && shares <= order.shares, "executes {shares} of {}", order.shares);
        order.shares -= shares;
        let (side, price, left) = (order.side, order.price, order.shares);
        check!(self.touch(locate)[side] == Some(price), "not at the touch");
        let first = self.instruments[&locate].sides[side][&price].front();
        check!(first == Some(&order_ref), "not the first in line");
        if left == 0 {
            self.remove(locate, order_ref)?;
        }
        Ok(())
    }

    fn remove(&mut self, locate: u16, order_ref: u64) -> Result<Order, String> {
        self.order(locate, order_ref)?;
        let order = self.orders.remove(&order_ref).ok_or("no such order")?;
        let levels = &mut self.instruments.entry(locate).or_default().sides[order.side];
        let queue = levels.entry(order.price).or_default();
        queue.retain(|queued| *queued != order_ref);
        if queue.is_empty() {
            levels.remove(&order.price);
        }
        Ok(order)
    }

    /// Best bid and best offer.
    fn touch(&self, locate: u16) -> [Option<u32>; 2] {
        let Some(instrument) = self.instruments.get(&locate) else { return [None; 2] };
        let [bids, asks] = &instrument.sides;
        let best = |level: Option<(&u32, _)>| level.map(|(price, _)| *price);
        [best(bids.last_key_value()), best(asks.first_key_value())]
    }

    fn not_crossed(&self, locate: u16) -> Result<(), String> {
        if let [Some(bid), Some(ask)] = self.touch(locate) {
            check!(bid < ask, "{bid} x {ask} is crossed or locked");
        }
        Ok(())
    }
}

fn side(letter: u8) -> Result<usize, String> {
    b"BS".iter().position(|known| *known == letter).ok_or_else(|| "no such side".to_string())
}
