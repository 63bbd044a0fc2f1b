//! The accounts of the venue: who may trade, what is open, what was traded, what it cost.
//!
//! Cash and positions are kept by the venue on its own, from executions alone, so that a host's
//! idea of its position can be held against something. All of it is integers.

use std::collections::BTreeMap;

use tercel_types::{InstrumentId, MatchNumber, Money, OrderRef, Price, Qty, Side, Symbol, UserRef};

use crate::matching::{AccountId, Owner, SelfMatch, Terms};
use crate::soup_server::Login;

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// What it logs in with; the user name is the account's name in reports.
    pub login: Login,
    /// Its firm: OUCH "Firm", ITCH "MPID".
    pub firm: [u8; 4],
    /// Symbols it may trade; empty for all.
    pub symbols: Vec<Symbol>,
    /// Its open orders are canceled when its connection is gone. Off, they stay and a host can find
    /// them again.
    pub cancel_on_disconnect: bool,
    /// What happens when it would trade with itself and its order says nothing about it.
    pub self_match: SelfMatch,
}

/// What executions cost, for each share; a rebate is negative. Nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// For a share that rested.
    pub added: Money,
    /// For a share that was taken off the book.
    pub removed: Money,
    /// For a share in a cross.
    pub cross: Money,
}

/// What an account did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountCounters {
    /// Messages received, of any kind.
    pub messages: u64,
    /// Messages that were no OUCH.
    pub malformed: u64,
    /// Messages without an answer: numbers used before, orders that are gone.
    pub ignored: u64,
    /// Orders accepted.
    pub accepted: u64,
    /// Orders replaced.
    pub replaced: u64,
    /// Orders or replaces rejected.
    pub rejected: u64,
    /// Cancels of shares, asked for or not.
    pub canceled: u64,
    /// Executions.
    pub executed: u64,
    /// Shares in them.
    pub shares: u64,
    /// Executions broken afterwards.
    pub broken: u64,
}

/// Shares of one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The symbol.
    pub symbol: Symbol,
    /// Shares held; negative is short.
    pub shares: i64,
    /// Shares bought, broken executions taken out.
    pub bought: u64,
    /// Shares sold, likewise.
    pub sold: u64,
}

/// One open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The account's number of it.
    pub user_ref: UserRef,
    /// The venue's number of it.
    pub order_ref: OrderRef,
    /// Its symbol.
    pub symbol: Symbol,
    /// Its side.
    pub side: Side,
    /// Its limit; zero for a market order that waits for a cross.
    pub price: Price,
    /// Shares open.
    pub open: Qty,
}

/// All about one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountReport {
    /// Its user name, without padding.
    pub username: String,
    /// Its firm, without padding.
    pub firm: String,
    /// It has a connection now.
    pub connected: bool,
    /// Every number from this one on is unused.
    pub next_user_ref: u32,
    /// Every symbol it ever traded.
    pub positions: Vec<Position>,
    /// Cash; it begins with none, so this is the gain when all positions are flat.
    pub cash: Money,
    /// Orders that may still trade.
    pub open_orders: Vec<OpenOrder>,
    /// What it did.
    pub counters: AccountCounters,
}

/// What the matching engine does not keep of an order, and its messages show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) instrument: InstrumentId,
    pub(crate) terms: Terms,
    /// Side letter of OUCH: `B`, `S`, `T`, `E`.
    pub(crate) mark: u8,
    pub(crate) time_in_force: u8,
    pub(crate) display: u8,
    pub(crate) capacity: u8,
    pub(crate) sweep: u8,
    pub(crate) cross: u8,
    pub(crate) client_order_id: [u8; 14],
}

/// One side of one execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) owner: Owner,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: Price,
    pub(crate) qty: Qty,
    pub(crate) fee: Money,
    pub(crate) client_order_id: [u8; 14],
}

#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    bought: u64,
    sold: u64,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) config: AccountConfig,
    /// The lowest number not used yet; more than a wire number holds when all are used.
    pub(crate) next_user_ref: u64,
    pub(crate) disabled: bool,
    pub(crate) entries: BTreeMap<UserRef, Entry>,
    pub(crate) counters: AccountCounters,
    holdings: BTreeMap<InstrumentId, Holding>,
    cash: Money,
}

/// All accounts, and every execution they took part in.
#[derive(Debug)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    fills: BTreeMap<MatchNumber, Vec<Fill>>,
}

impl Accounts {
    pub(crate) fn new(configs: Vec<AccountConfig>) -> Accounts {
        let list = configs.into_iter().map(Account::new).collect();
        Accounts { list, fills: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.list.iter()
    }

    pub(crate) fn at(&mut self, index: usize) -> Option<&mut Account> {
        self.list.get_mut(index)
    }

    /// The account of an order, with its index; `None` for the background.
    pub(crate) fn of(&mut self, account: AccountId) -> Option<(usize, &mut Account)> {
        let index = index_of(account)?;
        self.list.get_mut(index).map(|found| (index, found))
    }

    /// Firm to show with an order, if it is attributed.
    pub(crate) fn attribution(&self, owner: Owner) -> Option<[u8; 4]> {
        let account = self.list.get(index_of(owner.account)?)?;
        let entry = account.entries.get(&owner.user_ref)?;
        (entry.display == b'A').then_some(account.config.firm)
    }

    /// Books one side of an execution.
    pub(crate) fn fill(&mut self, match_number: MatchNumber, fill: Fill) {
        if let Some((_, account)) = self.of(fill.owner.account) {
            account.book(&fill, true);
            self.fills.entry(match_number).or_default().push(fill);
        }
    }

    /// Takes an execution back; its sides.
    pub(crate) fn bust(&mut self, match_number: MatchNumber) -> Vec<Fill> {
        let fills = self.fills.remove(&match_number).unwrap_or_default();
        for fill in &fills {
            if let Some((_, account)) = self.of(fill.owner.account) {
                account.book(fill, false);
            }
        }
        fills
    }
}

impl Account {
    fn new(config: AccountConfig) -> Account {
        Account {
            config,
            next_user_ref: 1,
            disabled: false,
            entries: BTreeMap::new(),
            counters: AccountCounters::default(),
            holdings: BTreeMap::new(),
            cash: Money::ZERO,
        }
    }

    /// Uses up a number; false when it was used before.
    pub(crate) fn claim(&mut self, user_ref: UserRef) -> bool {
        let unused = u64::from(user_ref.0) >= self.next_user_ref;
        if unused {
            self.next_user_ref = u64::from(user_ref.0) + 1;
        }
        unused
    }

    pub(crate) fn next_user_ref(&self) -> u32 {
        u32::try_from(self.next_user_ref).unwrap_or(u32::MAX)
    }

    pub(crate) fn may_trade(&self, symbol: Symbol) -> bool {
        self.config.symbols.is_empty() || self.config.symbols.contains(&symbol)
    }

    fn book(&mut self, fill: &Fill, done: bool) {
        let holding = self.holdings.entry(fill.instrument).or_default();
        let shares = match fill.side {
            Side::Buy => &mut holding.bought,
            Side::Sell => &mut holding.sold,
        };
        let value = fill.price.notional(fill.qty);
        let gain = if fill.side == Side::Buy { -value } else { value } - fill.fee;
        if done {
            *shares += u64::from(fill.qty.0);
            self.cash += gain;
            self.counters.executed += 1;
            self.counters.shares += u64::from(fill.qty.0);
        } else {
            *shares = shares.saturating_sub(u64::from(fill.qty.0));
            self.cash -= gain;
            self.counters.broken += 1;
        }
    }

    /// The report but for what only the engine and the port know.
    pub(crate) fn report(
        &self,
        connected: bool,
        open_orders: Vec<OpenOrder>,
        symbol_of: impl Fn(InstrumentId) -> Symbol,
    ) -> AccountReport {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        let positions = self.holdings.iter().map(|(&instrument, holding)| Position {
            symbol: symbol_of(instrument),
            shares: holding.bought.cast_signed() - holding.sold.cast_signed(),
            bought: holding.bought,
            sold: holding.sold,
        });
        AccountReport {
            username: text(&self.config.login.username),
            firm: text(&self.config.firm),
            connected,
            next_user_ref: self.next_user_ref(),
            positions: positions.collect(),
            cash: self.cash,
            open_orders,
            counters: self.counters,
        }
    }
}

/// The engine's number of the account with this index; the background is zero.
pub(crate) fn account_id(index: usize) -> AccountId {
    AccountId(u16::try_from(index + 1).unwrap_or(u16::MAX))
}

fn index_of(account: AccountId) -> Option<usize> {
    usize::from(account.0).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountConfig {
        AccountConfig {
            login: Login { username: *b"alpha ", password: *b"secret    " },
            firm: *b"ALFA",
            symbols: vec![],
            cancel_on_disconnect: false,
            self_match: SelfMatch::Allow,
        }
    }

    #[test]
    fn numbers_are_used_once_and_upwards() {
        let mut account = Account::new(account());
        assert!(!account.claim(UserRef(0)));
        assert!(account.claim(UserRef(5)) && !account.claim(UserRef(5)));
        assert!(!account.claim(UserRef(4)) && account.claim(UserRef(u32::MAX)));
        assert!(!account.claim(UserRef(u32::MAX)));
        assert_eq!(account.next_user_ref(), u32::MAX);
    }

    #[test]
    fn a_broken_execution_leaves_nothing() {
        let mut accounts = Accounts::new(vec![account()]);
        let owner = Owner { account: account_id(0), user_ref: UserRef(1) };
        let fill = Fill {
            owner,
            instrument: InstrumentId(1),
            side: Side::Buy,
            price: Price(1_000_000),
            qty: Qty(30),
            fee: Money(90),
            client_order_id: [b' '; 14],
        };
        accounts.fill(MatchNumber(7), fill);
        assert_eq!(accounts.list[0].cash, Money(-30_000_090));
        assert_eq!(accounts.bust(MatchNumber(7)).len(), 1);
        assert_eq!(accounts.list[0].cash, Money::ZERO);
        assert!(accounts.bust(MatchNumber(7)).is_empty());
        let report = accounts.list[0].report(false, vec![], |_| Symbol::default());
        assert_eq!((report.positions[0].shares, report.counters.broken), (0, 1));
    }
}
